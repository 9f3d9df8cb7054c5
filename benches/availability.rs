//! The facade beside what it is made of: warm against the engine alone, cold against the bare client.

use std::hint::black_box;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Europe::Berlin;
use criterion::{Criterion, criterion_group, criterion_main};
use optigov_availability::{
    Availability, CalendarEntry, Credentials, EntryStatus, EwsClient, Interval, Mailbox, MemorySource, Municipality,
    SlotsRequest,
};
use optigov_calendar::Route;
use optigov_exchange_simulator::{Account, Entry, Scenario, Simulator};
use optigov_slots::{Busy, OpenWindows, Resources, SlotRules};
use tokio::runtime::Runtime;

const COUNTERS: usize = 1_000;
const COLD: usize = 50;
/// 2,000 a year.
const ENTRIES_IN_90_DAYS: i64 = 500;
const PASSWORD: &str = "kein-Geheimnis";

fn now() -> DateTime<Utc> {
    Berlin.with_ymd_and_hms(2026, 11, 23, 7, 0, 0).single().expect("a time that exists").to_utc()
}

fn window() -> Interval {
    let first = now().date_naive();
    Interval::of_dates(first, first + TimeDelta::days(89), Berlin).expect("90 days")
}

fn name(counter: usize) -> String {
    format!("schalter{counter}@musterstadt.example")
}

fn town(counters: usize, connection: &str) -> Municipality {
    let mut text = format!(
        "format = 1\nname = \"Musterstadt\"\ntemplates = [{{ id = \"t\", label = \"T\", length = \"30min\" }}]\n\n[exchange]\n{connection}\n\
         authentication = \"basic\"\naccount = \"svc-optigov\"\nsecret = \"provided\"\n"
    );
    for counter in 0..counters {
        text += &format!(
            "\n[[counters]]\nid = \"s{counter}\"\nname = \"Schalter {counter}\"\ntemplates = [\"t\"]\n\
             opening = [{{ days = \"Mo-Fr\", hours = [\"08:00-12:00\", \"13:00-16:00\"] }}]\n\
             booking = {{ buffer_after = \"5min\", horizon = \"365 days\" }}\n\
             exchange_sync = {{ on = true, mailboxes = [\"{}\"] }}\n",
            name(counter)
        );
    }
    Municipality::from_toml(&text).expect("the configuration holds")
}

/// Some five and a half meetings a day, each counter's at times of its own.
fn meetings(counter: usize) -> impl Iterator<Item = Interval> {
    let first = window().start_unix();
    let every = 90 * 86_400 / ENTRIES_IN_90_DAYS;
    (0..ENTRIES_IN_90_DAYS).map(move |nth| {
        let start = first + nth * every + (counter as i64 * 7_919 + nth * 104_729) % every / 300 * 300;
        Interval::from_unix(start, start + 900 + nth % 7 * 600).expect("it ends after it starts")
    })
}

/// What the engine needs of one counter, ready at hand.
struct Ready {
    open: OpenWindows,
    rules: SlotRules,
    meetings: Vec<Interval>,
    resources: Resources,
}

fn warm(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let municipality = town(COUNTERS, "url = \"https://localhost/EWS/Exchange.asmx\"");
    let source = MemorySource::new();
    for counter in 0..COUNTERS {
        let entries = meetings(counter).map(|meeting| CalendarEntry::timed(meeting, EntryStatus::Busy)).collect();
        source.set(name(counter).parse::<Mailbox>().expect("an address"), entries);
    }
    let template = municipality.template("t").expect("it exists");
    let ready: Vec<Ready> = municipality
        .counters()
        .enumerate()
        .map(|(at, counter)| {
            let meetings: Vec<Interval> = meetings(at).collect();
            Ready {
                open: counter.open_windows(&municipality, template, window()),
                rules: counter.slot_rules(template, 1).expect("it is served"),
                resources: Resources::one(meetings.clone()),
                meetings,
            }
        })
        .collect();
    let set_up = Availability::for_municipality(municipality.clone()).source(source).clock(now);
    let availability = set_up.time_to_live(Duration::from_secs(86_400)).build().expect("nothing is missing");
    let request = SlotsRequest::new(window());
    let answer = runtime.block_on(availability.free_slots(&request)).expect("the request holds");
    let expected: Vec<usize> = ready
        .iter()
        .map(|ready| ready.open.slots(&ready.rules, &ready.resources, &Busy::default(), now()).len())
        .collect();
    let slots: Vec<usize> = answer.counters.iter().map(|counter| counter.slots.len()).collect();
    assert_eq!(slots, expected, "both do the same work");

    let mut group = criterion.benchmark_group("availability/warm/1000_counters_90_days");
    group.bench_function("engine_alone", |bencher| {
        bencher.iter(|| -> Vec<_> {
            let slots = |ready: &Ready| ready.open.slots(&ready.rules, &ready.resources, &Busy::default(), now());
            black_box(&ready).iter().map(slots).collect()
        });
    });
    group.bench_function("engine_from_meetings", |bencher| {
        bencher.iter(|| -> Vec<_> {
            let slots = |ready: &Ready| {
                let resources = Resources::one(&ready.meetings[..]);
                ready.open.slots(&ready.rules, &resources, &Busy::default(), now())
            };
            black_box(&ready).iter().map(slots).collect()
        });
    });
    group.bench_function("facade", |bencher| {
        bencher.iter(|| runtime.block_on(availability.free_slots(black_box(&request))).expect("the request holds"));
    });
    group.finish();
}

fn cold(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let account = Account::new("svc-optigov").password(PASSWORD).impersonates_everybody();
    let scenario = (0..COLD).fold(Scenario::new().account(account), |scenario, counter| {
        // The first is one of a series: a view that shows an occurrence is not compared with free/busy, so each mailbox is one request.
        let series = |at: usize, entry: Entry| if at == 0 { entry.recurs("FREQ=YEARLY") } else { entry };
        let entries = meetings(counter).map(|meeting| Entry::timed(meeting.start(), meeting.end()));
        let entries = entries.enumerate().map(|(at, entry)| series(at, entry));
        scenario.mailbox(optigov_exchange_simulator::Mailbox::new(name(counter)).entries(entries))
    });
    let simulator = Simulator::start(scenario).expect("the scenario holds");
    let route =
        Route::new(&simulator.url()).and_then(|route| route.with_root_certificates(simulator.ca_pem().as_bytes()));
    let client = EwsClient::builder(route.expect("an address and its authority"))
        .credentials(Credentials::basic("svc-optigov", PASSWORD))
        .build()
        .expect("the client can be built");
    let municipality = town(COLD, &format!("url = {:?}", simulator.url()));
    let set_up = Availability::for_municipality(municipality).source(client.clone()).clock(now);
    // Nothing read serves twice: every call is cold.
    let availability = set_up.time_to_live(Duration::ZERO).build().expect("nothing is missing");
    let request = SlotsRequest::new(window());
    let mailboxes: Vec<_> = (0..COLD).map(|at| Mailbox::parse(&name(at)).expect("an address")).collect();
    let answer = runtime.block_on(availability.free_slots(&request)).expect("the request holds");
    assert!(answer.is_known());
    assert_eq!(simulator.requests().len(), COLD + 1, "one request a mailbox, and one that proves the credential");
    let read = window().widened(Duration::from_secs(23 * 3_600), Duration::from_secs(3_600));

    let mut group = criterion.benchmark_group("availability/cold/50_mailboxes_90_days");
    group.bench_function("bare_client", |bencher| {
        bencher.iter(|| {
            runtime.block_on(async {
                let reads: Vec<_> = mailboxes
                    .iter()
                    .cloned()
                    .map(|mailbox| {
                        let client = client.clone();
                        tokio::spawn(async move { client.impersonate(&mailbox).calendar_view(read).await })
                    })
                    .collect();
                let mut entries = 0;
                for read in reads {
                    entries += read.await.expect("it did not panic").expect("it is read").entries().len();
                }
                entries
            })
        });
    });
    group.bench_function("facade", |bencher| {
        bencher.iter(|| runtime.block_on(availability.free_slots(black_box(&request))).expect("the request holds"));
    });
    group.finish();
}

criterion_group!(benches, warm, cold);
criterion_main!(benches);
