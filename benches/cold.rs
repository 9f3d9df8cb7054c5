//! A thousand mailboxes read cold: through the facade, through the client alone, and by a bare reqwest loop that posts the same bodies and throws
//! the answers away. They take turns, so that what else the machine does meets all of them; the simulator's own work is in every row.

use std::{
    io::{self, Write as _},
    num::NonZeroUsize,
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Europe::Berlin;
use cpu_time::ProcessTime;
use optigov_availability::{Availability, Credentials, EwsClient, Interval, Mailbox, Municipality, SlotsRequest};
use optigov_calendar::Route;
use optigov_exchange_simulator::{Account, Entry, Mailbox as SimulatedMailbox, Scenario, Simulator};
use tokio::{
    runtime::Runtime,
    sync::Semaphore,
    task::{JoinError, JoinSet},
};

const PASSWORD: &str = "kein-Geheimnis";
const MAILBOXES: usize = 1_000;
/// Two a day for two weeks.
const ENTRIES: i64 = 28;
/// How many readings the facade makes at once for lists.
const AT_ONCE: usize = 5;
/// How many requests the client makes at once.
const IN_FLIGHT: usize = 10;
const ROUNDS: usize = 15;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_417_200, 0).expect("2026-11-23, 08:00 in Berlin")
}

fn window() -> Interval {
    let first = now().date_naive();
    Interval::of_dates(first, first + TimeDelta::days(13), Berlin).expect("two weeks")
}

fn name(counter: usize) -> String {
    format!("schalter{counter}@musterstadt.example")
}

fn town(url: &str) -> Municipality {
    let mut text = format!(
        "format = 1\nname = \"Musterstadt\"\ntemplates = [{{ id = \"t\", label = \"T\", length = \"30min\" }}]\n\n[exchange]\nurl = {url:?}\n\
         authentication = \"basic\"\naccount = \"svc-optigov\"\nsecret = \"provided\"\n"
    );
    for counter in 0..MAILBOXES {
        text += &format!(
            "\n[[counters]]\nid = \"s{counter}\"\nname = \"Schalter {counter}\"\ntemplates = [\"t\"]\n\
             opening = [{{ days = \"Mo-Fr\", hours = [\"08:00-12:00\", \"13:00-16:00\"] }}]\n\
             booking = {{ horizon = \"14 days\" }}\nexchange_sync = {{ on = true, mailboxes = [\"{}\"] }}\n",
            name(counter)
        );
    }
    Municipality::from_toml(&text).expect("the configuration holds")
}

/// One of the appointments belongs to a series: a view that shows an occurrence is not compared with free/busy, so each mailbox is one request.
fn simulator() -> Simulator {
    let entry = |number: i64| {
        let start = window().start() + TimeDelta::hours(12 * number + 9);
        let entry = Entry::timed(start, start + TimeDelta::hours(1)).subject("Besprechung");
        if number == 0 { entry.recurs("FREQ=YEARLY") } else { entry }
    };
    let account = Account::new("svc-optigov").password(PASSWORD).impersonates_everybody();
    let scenario = (0..MAILBOXES).fold(Scenario::new().account(account), |scenario, counter| {
        scenario.mailbox(SimulatedMailbox::new(name(counter)).entries((0..ENTRIES).map(entry)))
    });
    Simulator::start(scenario).expect("the scenario holds")
}

/// What reads a thousand mailboxes.
enum Contender {
    Bare { client: reqwest::Client, url: String, bodies: Arc<[String]>, at_once: usize },
    Client { client: EwsClient, mailboxes: Arc<[Mailbox]>, window: Interval, at_once: usize },
    Facade { availability: Availability, slots: usize },
}

impl Contender {
    async fn read_all(&self) {
        match self {
            Contender::Bare { client, url, bodies, at_once } => {
                let post = |number: usize| {
                    let (client, url, bodies) = (client.clone(), url.clone(), bodies.clone());
                    async move {
                        let request = client.post(url).basic_auth("svc-optigov", Some(PASSWORD));
                        let request = request.header("content-type", "text/xml; charset=utf-8");
                        let answer = request.body(bodies[number].clone()).send().await;
                        let mut answer = answer.expect("an answer").error_for_status().expect("success");
                        while answer.chunk().await.expect("a body").is_some() {}
                    }
                };
                all(*at_once, post).await.expect("nothing panics");
            }
            Contender::Client { client, mailboxes, window, at_once } => {
                let view = |number: usize| {
                    let (client, mailboxes, window) = (client.clone(), mailboxes.clone(), *window);
                    async move {
                        let calendar = client.impersonate(&mailboxes[number]).calendar_view(window).await;
                        assert_eq!(calendar.expect("a calendar").entries().len() as i64, ENTRIES);
                    }
                };
                all(*at_once, view).await.expect("nothing panics");
            }
            Contender::Facade { availability, slots } => {
                let answer = availability.free_slots(&SlotsRequest::new(window())).await.expect("the request holds");
                assert_eq!(answer.counters.iter().map(|counter| counter.slots.len()).sum::<usize>(), *slots);
            }
        }
    }
}

/// Does this for each mailbox, in tasks of which so many are under way at once.
async fn all<F>(at_once: usize, one: impl Fn(usize) -> F) -> Result<(), JoinError>
where
    F: Future<Output = ()> + Send + 'static,
{
    let places = Arc::new(Semaphore::new(at_once));
    let mut tasks = JoinSet::new();
    for number in 0..MAILBOXES {
        let (places, one) = (places.clone(), one(number));
        tasks.spawn(async move {
            let _place = places.acquire().await;
            one.await;
        });
    }
    while let Some(done) = tasks.join_next().await {
        done?;
    }
    Ok(())
}

/// The value of an attribute in a request, as an instant.
fn instant(body: &str, attribute: &str) -> DateTime<Utc> {
    let value = body.split_once(&format!("{attribute}=\"")).and_then(|(_, rest)| rest.split_once('"'));
    value.and_then(|(value, _)| value.parse().ok()).expect("the request names its window")
}

fn main() -> io::Result<()> {
    let runtime = Runtime::new()?;
    let simulator = simulator();
    let route = Route::new(&simulator.url()).expect("an address").with_only_given_roots();
    let route = route.with_root_certificates(simulator.ca_pem().as_bytes()).expect("a root");
    let route = route.with_in_flight(NonZeroUsize::new(IN_FLIGHT).expect("not zero"));
    let client = EwsClient::builder(route).credentials(Credentials::basic("svc-optigov", PASSWORD)).build();
    let client = client.expect("a client");

    // Nothing read serves twice: every call is cold.
    let availability = Availability::for_municipality(town(&simulator.url())).source(client.clone()).clock(now);
    let availability = availability.time_to_live(Duration::ZERO).build().expect("nothing is missing");
    let answer = runtime.block_on(availability.free_slots(&SlotsRequest::new(window()))).expect("the request holds");
    assert!(answer.is_known());
    let slots = answer.counters.iter().map(|counter| counter.slots.len()).sum();
    let requests = simulator.requests();
    let views = requests.iter().filter(|request| request.operation() == Some("FindItem"));
    let bodies: Arc<[String]> = views.map(|request| request.body().to_owned()).collect();
    assert_eq!(bodies.len(), MAILBOXES, "one view for each mailbox");
    assert_eq!(requests.len(), MAILBOXES + 1, "one request proves the credential, and nothing else is asked");
    let (start, end) = (instant(&bodies[0], "StartDate"), instant(&bodies[0], "EndDate"));
    let window = Interval::new(start, end).expect("not empty");

    // The client under test brings its own provider; reqwest on its own takes the process's.
    rustls::crypto::ring::default_provider().install_default().ok();
    let root = reqwest::Certificate::from_pem(simulator.ca_pem().as_bytes()).expect("a root");
    let bare = reqwest::Client::builder().tls_certs_only([root]).pool_max_idle_per_host(IN_FLIGHT).build();
    let bare = bare.expect("a client");
    let mailboxes: Arc<[Mailbox]> =
        (0..MAILBOXES).map(|counter| Mailbox::parse(&name(counter)).expect("an address")).collect();
    let bare =
        |at_once| Contender::Bare { client: bare.clone(), url: simulator.url(), bodies: bodies.clone(), at_once };
    let client = |at_once| Contender::Client { client: client.clone(), mailboxes: mailboxes.clone(), window, at_once };
    let contenders = [
        ("bare reqwest, 5 at once", bare(AT_ONCE)),
        ("bare reqwest, 10 at once", bare(IN_FLIGHT)),
        ("client, 5 at once", client(AT_ONCE)),
        ("client, 10 at once", client(IN_FLIGHT)),
        ("facade (5 at once)", Contender::Facade { availability, slots }),
    ];
    for (name, contender) in &contenders {
        let before = simulator.requests().len();
        runtime.block_on(contender.read_all());
        assert_eq!(simulator.requests().len() - before, MAILBOXES, "one request for each mailbox: {name}");
    }
    // A test run has seen that all of them read.
    let rounds = if std::env::args().any(|argument| argument == "--bench") { ROUNDS } else { 1 };
    let mut best = [(Duration::MAX, Duration::MAX); 5];
    for _ in 0..rounds {
        for ((_, contender), best) in contenders.iter().zip(&mut best) {
            let (began, processor) = (Instant::now(), ProcessTime::now());
            runtime.block_on(contender.read_all());
            *best = (best.0.min(began.elapsed()), best.1.min(processor.elapsed()));
        }
    }
    let mut out = io::stdout().lock();
    writeln!(out, "1,000 mailboxes, cold: the best of {rounds} rounds, and what that is of the first row")?;
    writeln!(out, "{:<26}{:>10}{:>8}{:>24}{:>8}", "", "passed ms", "", "all threads' time ms", "")?;
    for ((name, _), (passed, processor)) in contenders.iter().zip(best) {
        let of = |time: Duration, first: Duration| time.as_secs_f64() / first.as_secs_f64();
        let (of_passed, of_processor) = (of(passed, best[0].0), of(processor, best[0].1));
        let (passed, processor) = (passed.as_secs_f64() * 1e3, processor.as_secs_f64() * 1e3);
        writeln!(out, "{name:<26}{passed:>10.1}{of_passed:>8.2}{processor:>24.1}{of_processor:>8.2}")?;
    }
    Ok(())
}
