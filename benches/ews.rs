//! The EWS client beside a bare lower bound and its peers. Ratios are in `docs/performance.md`.

use std::{fmt::Write, hint::black_box, num::NonZeroUsize, sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use optigov_calendar::{Mailbox, Route};
use optigov_ews::{Credentials, EwsClient, wire};
use optigov_exchange_simulator::{Account, Entry, Mailbox as SimulatedMailbox, Permission, Scenario, Simulator};
use optigov_slots::Interval;
use quick_xml::{Reader, events::Event};
use serde::Deserialize;
use tokio::{runtime::Runtime, sync::Semaphore, task::JoinSet};

const PASSWORD: &str = "geheim-4711";
const MAILBOXES: usize = 1_000;
const IN_FLIGHT: usize = 10;

/// An answer with so many items, with the fields that a request of ours names, as Exchange writes them.
fn answer(items: i64) -> String {
    let mut text = String::from(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Header>\
         <h:ServerVersionInfo MajorVersion=\"15\" MinorVersion=\"2\" MajorBuildNumber=\"1544\" MinorBuildNumber=\"9\" Version=\"V2017_07_11\" \
         xmlns:h=\"http://schemas.microsoft.com/exchange/services/2006/types\"/></s:Header><s:Body>\
         <m:FindItemResponse xmlns:m=\"http://schemas.microsoft.com/exchange/services/2006/messages\" \
         xmlns:t=\"http://schemas.microsoft.com/exchange/services/2006/types\"><m:ResponseMessages>\
         <m:FindItemResponseMessage ResponseClass=\"Success\"><m:ResponseCode>NoError</m:ResponseCode>\
         <m:RootFolder TotalItemsInView=\"1000\" IncludesLastItemInRange=\"true\"><t:Items>",
    );
    let first: DateTime<Utc> = DateTime::from_timestamp(1_795_420_800, 0).expect("an instant");
    for number in 0..items {
        let start = first + TimeDelta::minutes(30 * number);
        let (start, end) =
            (start.format("%Y-%m-%dT%H:%M:%SZ"), (start + TimeDelta::minutes(30)).format("%Y-%m-%dT%H:%M:%SZ"));
        write!(
            text,
            "<t:CalendarItem><t:ItemId Id=\"AAMkADU3YzI4ZTE5LWQ4ODEtNDJkYi1hY2I1LTRmODk2NmIxMjM0NQBGAAAAAACq{number:08}BwDq3vYwR2dTQpm8+example=\" \
             ChangeKey=\"DwAAABYAAADq3vYwR2dTQ{number:08}\"/><t:Start>{start}</t:Start><t:End>{end}</t:End>\
             <t:IsAllDayEvent>false</t:IsAllDayEvent><t:LegacyFreeBusyStatus>Busy</t:LegacyFreeBusyStatus><t:IsCancelled>false</t:IsCancelled>\
             <t:CalendarItemType>Occurrence</t:CalendarItemType>\
             <t:StartTimeZone Name=\"(UTC+01:00) Amsterdam, Berlin, Bern, Rom, Stockholm, Wien\" Id=\"W. Europe Standard Time\"/></t:CalendarItem>"
        )
        .expect("text can be written");
    }
    text + "</t:Items></m:RootFolder></m:FindItemResponseMessage></m:ResponseMessages></m:FindItemResponse></s:Body></s:Envelope>"
}

/// What one would write with serde: the names of the elements, text as text, times through chrono.
mod with_serde {
    use super::*;

    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    pub(crate) struct Envelope {
        pub(crate) body: Body,
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    pub(crate) struct Body {
        pub(crate) find_item_response: FindItemResponse,
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    pub(crate) struct FindItemResponse {
        pub(crate) response_messages: ResponseMessages,
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    pub(crate) struct ResponseMessages {
        pub(crate) find_item_response_message: Message,
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    pub(crate) struct Message {
        pub(crate) root_folder: RootFolder,
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    pub(crate) struct RootFolder {
        pub(crate) items: Items,
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    pub(crate) struct Items {
        pub(crate) calendar_item: Vec<Item>,
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    #[expect(dead_code, reason = "the fields are read for the time that it takes")]
    pub(crate) struct Item {
        item_id: ItemId,
        start: DateTime<Utc>,
        end: DateTime<Utc>,
        is_all_day_event: bool,
        legacy_free_busy_status: String,
        is_cancelled: bool,
        calendar_item_type: String,
    }

    #[derive(Deserialize)]
    #[expect(dead_code, reason = "the fields are read for the time that it takes")]
    struct ItemId {
        #[serde(rename = "@Id")]
        id: String,
    }
}

fn reading(criterion: &mut Criterion) {
    let answer = answer(1_000);
    let bytes = answer.as_bytes();
    let mut group = criterion.benchmark_group("find_item_1000");
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function("bare_events", |bencher| {
        bencher.iter(|| {
            let mut reader = Reader::from_reader(black_box(bytes));
            let mut events = 0_usize;
            loop {
                match reader.read_event().expect("well-formed") {
                    Event::Eof => break events,
                    event => {
                        black_box(&event);
                        events += 1;
                    }
                }
            }
        });
    });
    group.bench_function("optigov_ews", |bencher| {
        bencher.iter(|| {
            let items = wire::view(black_box(bytes)).expect("a view");
            assert_eq!(items.len(), 1_000);
            items
        });
    });
    group.bench_function("quick_xml_serde", |bencher| {
        bencher.iter(|| {
            let envelope: with_serde::Envelope = quick_xml::de::from_str(black_box(&answer)).expect("an envelope");
            let items = envelope
                .body
                .find_item_response
                .response_messages
                .find_item_response_message
                .root_folder
                .items
                .calendar_item;
            assert_eq!(items.len(), 1_000);
            items
        });
    });
    group.bench_function("ews_0_1_2", |bencher| {
        bencher.iter(|| {
            let document = black_box(bytes);
            ews::soap::Envelope::<ews::find_item::FindItemResponse>::from_xml_document(document).expect("an envelope")
        });
    });
    group.finish();
}

fn mailboxes() -> Vec<Mailbox> {
    (0..MAILBOXES)
        .map(|number| Mailbox::parse(&format!("person-{number}@musterstadt.example")).expect("an address"))
        .collect()
}

fn window() -> Interval {
    Interval::from_unix(1_795_420_800, 1_795_420_800 + 14 * 86_400).expect("not empty")
}

/// A thousand mailboxes with two appointments a day for two weeks. Two of them belong to a weekly series: a view that shows an occurrence
/// is not compared with free/busy, so the client sends what the bare loop sends.
fn simulator() -> Simulator {
    let entry = |number: i64| {
        let start = window().start() + TimeDelta::hours(12 * number);
        Entry::timed(start, start + TimeDelta::hours(1)).subject("Besprechung")
    };
    let account = Account::new("svc-optigov").password(PASSWORD).impersonates_everybody();
    let scenario = mailboxes().iter().fold(Scenario::new().account(account), |scenario, mailbox| {
        let mailbox = SimulatedMailbox::new(mailbox.as_str()).default_permission(Permission::AvailabilityOnly);
        let single = (1..28).filter(|&number| number != 14).map(entry);
        scenario.mailbox(mailbox.entries(single).entry(entry(0).recurs("FREQ=WEEKLY;COUNT=2")))
    });
    Simulator::start(scenario).expect("a simulator")
}

fn client(simulator: &Simulator, credentials: Credentials) -> EwsClient {
    let route = Route::new(&simulator.url()).expect("a URL").with_only_given_roots();
    let route = route.with_root_certificates(simulator.ca_pem().as_bytes()).expect("a root");
    let in_flight = NonZeroUsize::new(IN_FLIGHT).expect("not zero");
    let route = route.with_in_flight(in_flight).with_timeout(Duration::from_secs(120));
    EwsClient::builder(route).credentials(credentials).build().expect("a client")
}

async fn read_all(client: &EwsClient, mailboxes: &Arc<[Mailbox]>) {
    let mut tasks = JoinSet::new();
    for number in 0..mailboxes.len() {
        let (client, mailboxes) = (client.clone(), mailboxes.clone());
        tasks.spawn(async move {
            let calendar = client.impersonate(&mailboxes[number]).calendar_view(window()).await;
            calendar.expect("a calendar").entries().len()
        });
    }
    while let Some(entries) = tasks.join_next().await {
        assert_eq!(entries.expect("a task"), 28);
    }
}

/// The same bodies with reqwest, its answers thrown away.
async fn post_all(client: &reqwest::Client, url: &str, bodies: &Arc<[String]>) {
    let permits = Arc::new(Semaphore::new(IN_FLIGHT));
    let mut tasks = JoinSet::new();
    for number in 0..bodies.len() {
        let (client, url, bodies, permits) = (client.clone(), url.to_owned(), bodies.clone(), permits.clone());
        tasks.spawn(async move {
            let _permit = permits.acquire().await.expect("open");
            let request = client
                .post(url)
                .basic_auth("svc-optigov", Some(PASSWORD))
                .header("content-type", "text/xml; charset=utf-8");
            let mut response = request
                .body(bodies[number].clone())
                .send()
                .await
                .expect("an answer")
                .error_for_status()
                .expect("success");
            while response.chunk().await.expect("a body").is_some() {}
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.expect("a task");
    }
}

fn a_thousand_mailboxes(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let simulator = simulator();
    let mailboxes: Arc<[Mailbox]> = mailboxes().into();
    let basic = client(&simulator, Credentials::basic("svc-optigov", PASSWORD));
    let ntlm = client(&simulator, Credentials::ntlm("STADT\\svc-optigov", PASSWORD));

    runtime.block_on(read_all(&basic, &mailboxes));
    let requests = simulator.requests();
    let views = requests.iter().filter(|request| request.operation() == Some("FindItem"));
    let bodies: Arc<[String]> = views.map(|request| request.body().to_owned()).collect();
    assert_eq!(bodies.len(), MAILBOXES, "one view for each mailbox");
    assert_eq!(requests.len(), MAILBOXES + 1, "one request proves the credential, and nothing else is asked");
    let url = simulator.url();
    // The client under test brings its own provider; reqwest on its own takes the process's.
    rustls::crypto::ring::default_provider().install_default().ok();
    let ca = reqwest::Certificate::from_pem(simulator.ca_pem().as_bytes()).expect("a root");
    let bare =
        reqwest::Client::builder().tls_certs_only([ca]).pool_max_idle_per_host(IN_FLIGHT).build().expect("a client");

    let mut group = criterion.benchmark_group("mailboxes_1000");
    group.throughput(Throughput::Elements(MAILBOXES as u64));
    group.bench_function("bare_reqwest", |bencher| bencher.iter(|| runtime.block_on(post_all(&bare, &url, &bodies))));
    group
        .bench_function("optigov_ews_basic", |bencher| bencher.iter(|| runtime.block_on(read_all(&basic, &mailboxes))));
    group.bench_function("optigov_ews_ntlm", |bencher| bencher.iter(|| runtime.block_on(read_all(&ntlm, &mailboxes))));
    group.bench_function("optigov_ews_free_busy", |bencher| {
        bencher.iter(|| runtime.block_on(basic.free_busy(&mailboxes, window())));
    });
    group.finish();
}

criterion_group!(benches, reading, a_thousand_mailboxes);
criterion_main!(benches);
