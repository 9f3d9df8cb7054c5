//! The client of Microsoft Graph beside a bare lower bound. Ratios are in `docs/performance.md`.

use std::{hint::black_box, sync::Arc, time::Duration};

use chrono::TimeDelta;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use optigov_calendar::{CalendarSource, GraphAccess, GraphSettings, Mailbox, Route};
use optigov_exchange_simulator::{Application, Entry, Mailbox as Simulated, Permission, Scenario, Simulator};
use optigov_graph::{GraphClient, GraphCredentials, wire};
use optigov_slots::Interval;
use serde::de::IgnoredAny;
use serde_json::json;
use tokio::{runtime::Runtime, sync::Semaphore, task::JoinSet};

const APPLICATION: &str = "11111111-2222-4333-8444-555555555555";
const SECRET: &str = "geheim-4711";
const MAILBOXES: usize = 1_000;
const IN_A_BATCH: usize = 20;
/// What Microsoft documents for an application, and the default.
const IN_FLIGHT: usize = 4;

/// A page with so many events, with the properties that a request of ours selects.
fn page(events: i64) -> String {
    let first = chrono::DateTime::from_timestamp(1_795_420_800, 0).expect("an instant");
    let events: Vec<_> = (0..events)
        .map(|number| {
            let time = |minutes: i64| {
                let at = first + TimeDelta::minutes(minutes);
                json!({"dateTime": at.format("%Y-%m-%dT%H:%M:%S.0000000").to_string(), "timeZone": "UTC"})
            };
            json!({
                "@odata.etag": format!("W/\"3rD2MEdnU0KZvPq{number:08}\""),
                "id": format!("AAMkADU3YzI4ZTE5LWQ4ODEtNDJkYi1hY2I1LTRmODk2NmIxMjM0NQBGAAAAAACq{number:08}BwDq3vYwR2dTQpm8+example="),
                "isAllDay": false,
                "isCancelled": false,
                "showAs": "busy",
                "type": "occurrence",
                "start": time(30 * number),
                "end": time(30 * number + 30),
            })
        })
        .collect();
    json!({"@odata.context": "https://graph.microsoft.com/v1.0/$metadata#users('anna%40musterstadt.example')/calendar/calendarView", "value": events})
        .to_string()
}

fn reading(criterion: &mut Criterion) {
    let page = page(1_000);
    let bytes = page.as_bytes();
    let mut group = criterion.benchmark_group("page_1000");
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function("bare_json", |bencher| {
        bencher.iter(|| serde_json::from_slice::<IgnoredAny>(black_box(bytes)).expect("JSON"));
    });
    group.bench_function("optigov_graph", |bencher| {
        bencher.iter(|| {
            let (entries, more) = wire::page(black_box(bytes)).expect("a page");
            assert!(entries.len() == 1_000 && !more);
            entries
        });
    });
    group.bench_function("serde_json_value", |bencher| {
        bencher.iter(|| serde_json::from_slice::<serde_json::Value>(black_box(bytes)).expect("JSON"));
    });
    group.finish();
}

fn mailboxes() -> Vec<Mailbox> {
    let names = (0..MAILBOXES).map(|number| format!("person{number}@musterstadt.example"));
    names.map(|name| Mailbox::parse(&name).expect("an address")).collect()
}

fn window() -> Interval {
    Interval::from_unix(1_795_420_800, 1_795_420_800 + 14 * 86_400).expect("not empty")
}

/// A thousand mailboxes with two appointments a day for two weeks.
fn simulator() -> Simulator {
    let entry = |number: i64| {
        let start = window().start() + TimeDelta::hours(12 * number);
        Entry::timed(start, start + TimeDelta::hours(1)).subject("Besprechung")
    };
    let application = Application::new(APPLICATION).secret(SECRET).reads_everybody();
    let scenario = mailboxes().iter().fold(Scenario::new().application(application), |scenario, mailbox| {
        let mailbox = Simulated::new(mailbox.as_str()).online().default_permission(Permission::AvailabilityOnly);
        scenario.mailbox(mailbox.entries((0..28).map(entry)))
    });
    Simulator::start(scenario).expect("a simulator")
}

fn client(simulator: &Simulator, access: GraphAccess) -> GraphClient {
    let base = simulator.base_url();
    let route = Route::for_graph(&base).expect("an endpoint").with_only_given_roots();
    let route = route.with_root_certificates(simulator.ca_pem().as_bytes()).expect("a root");
    let settings = GraphSettings::new("musterstadt.example", APPLICATION).expect("settings");
    let settings = settings.with_authority(&base).expect("an authority").with_access(access);
    let builder = GraphClient::builder(route.with_timeout(Duration::from_secs(120)), settings);
    builder.credentials(GraphCredentials::secret(SECRET)).build().expect("a client")
}

/// As the cache reads: in groups of as many as one call takes, all at once.
async fn read_all(client: &GraphClient, mailboxes: &[Mailbox], group: usize) {
    let mut tasks = JoinSet::new();
    for group in mailboxes.chunks(group) {
        let (client, group) = (client.clone(), group.to_vec());
        tasks.spawn(async move {
            for calendar in client.read(&group, window()).await {
                assert_eq!(calendar.expect("a calendar").entries().len(), 28);
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.expect("a task");
    }
}

/// The same requests with reqwest, its answers thrown away.
async fn send_all(client: &reqwest::Client, token: &str, requests: &Arc<[Bare]>, in_flight: usize) {
    let permits = Arc::new(Semaphore::new(in_flight));
    let mut tasks = JoinSet::new();
    for number in 0..requests.len() {
        let (client, token, requests, permits) = (client.clone(), token.to_owned(), requests.clone(), permits.clone());
        tasks.spawn(async move {
            let _permit = permits.acquire().await.expect("open");
            let Bare { url, body } = &requests[number];
            let request = match body {
                Some(body) => client.post(url.clone()).header("content-type", "application/json").body(body.clone()),
                None => client.get(url.clone()),
            };
            let request = request
                .header("authorization", &token)
                .header("prefer", "outlook.timezone=\"UTC\", IdType=\"ImmutableId\"");
            let mut response = request.send().await.expect("an answer").error_for_status().expect("success");
            while response.chunk().await.expect("a body").is_some() {}
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.expect("a task");
    }
}

/// One request as it is sent again and again.
struct Bare {
    url: String,
    body: Option<String>,
}

/// The requests of one operation that the simulator has heard, and forgets none of.
fn heard(simulator: &Simulator, operation: &str) -> Arc<[Bare]> {
    let all = simulator.requests();
    let ours = all.iter().filter(|request| request.operation() == Some(operation));
    ours.map(|request| {
        let query = if request.query().is_empty() { String::new() } else { format!("?{}", request.query()) };
        let url = format!("{}{}{query}", simulator.base_url(), request.path());
        Bare { url, body: (request.method() == "POST").then(|| request.body().to_owned()) }
    })
    .collect()
}

fn a_thousand_mailboxes(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let simulator = simulator();
    let mailboxes = mailboxes();
    // The client under test brings its own provider; reqwest on its own takes the process's.
    rustls::crypto::ring::default_provider().install_default().ok();
    let ca = reqwest::Certificate::from_pem(simulator.ca_pem().as_bytes()).expect("a root");
    let bare =
        reqwest::Client::builder().tls_certs_only([ca]).pool_max_idle_per_host(IN_FLIGHT).build().expect("a client");
    let token = runtime.block_on(async {
        let form = format!(
            "client_id={APPLICATION}&scope=https%3A%2F%2Fgraph.microsoft.com%2F.default&grant_type=client_credentials&client_secret={SECRET}"
        );
        let request = bare.post(format!("{}/musterstadt.example/oauth2/v2.0/token", simulator.base_url()));
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(form);
        let answer = request.send().await.expect("an answer").text().await.expect("a body");
        let answer: serde_json::Value = serde_json::from_str(&answer).expect("JSON");
        format!("Bearer {}", answer["access_token"].as_str().expect("a token"))
    });

    // A batch makes Graph work on four parts at once, so one is in flight.
    let rows = [
        ("batches_of_calendar_views", "$batch", GraphAccess::CalendarView, IN_A_BATCH, 1),
        ("single_calendar_views", "calendarView", GraphAccess::CalendarView, 1, IN_FLIGHT),
        ("get_schedule", "getSchedule", GraphAccess::GetSchedule, IN_A_BATCH, 1),
    ];
    for (name, operation, access, in_a_group, in_flight) in rows {
        let client = client(&simulator, access);
        runtime.block_on(read_all(&client, &mailboxes, in_a_group));
        let requests = heard(&simulator, operation);
        assert_eq!(requests.len(), MAILBOXES / in_a_group, "the requests of {name}");
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Elements(MAILBOXES as u64));
        group.bench_function("bare_reqwest", |bencher| {
            bencher.iter(|| runtime.block_on(send_all(&bare, &token, &requests, in_flight)));
        });
        group.bench_function("optigov_graph", |bencher| {
            bencher.iter(|| runtime.block_on(read_all(&client, &mailboxes, in_a_group)));
        });
        group.finish();
    }
}

criterion_group!(benches, reading, a_thousand_mailboxes);
criterion_main!(benches);
