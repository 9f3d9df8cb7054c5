//! The facade beside what it is made of: warm against the engine alone, cold against the bare client.

mod processor_time;

use std::hint::black_box;
use std::time::Duration;

use chrono::{DateTime, Datelike as _, NaiveDate, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Europe::Berlin;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use optigov_availability::{
    Answer, Availability, CalendarEntry, CounterAnswer, Credentials, EntryStatus, EwsClient, Interval, Mailbox,
    MemorySource, Municipality, SlotsRequest,
};
use optigov_calendar::Route;
use optigov_exchange_simulator::{Account, Entry, Scenario, Simulator};
use optigov_slots::{Busy, OpenWindows, Resources, SlotRules};
use tokio::runtime::Runtime;

use crate::processor_time::ProcessorTime;

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

/// A town of a thousand counters, and the facade over calendars that are at hand.
fn warm_town() -> (Municipality, Availability) {
    let municipality = town(COUNTERS, "url = \"https://localhost/EWS/Exchange.asmx\"");
    let source = MemorySource::new();
    for counter in 0..COUNTERS {
        let entries = meetings(counter).map(|meeting| CalendarEntry::timed(meeting, EntryStatus::Busy)).collect();
        source.set(name(counter).parse::<Mailbox>().expect("an address"), entries);
    }
    let set_up = Availability::for_municipality(municipality.clone()).source(source).clock(now);
    let availability = set_up.time_to_live(Duration::from_secs(86_400)).build().expect("nothing is missing");
    (municipality, availability)
}

fn warm(criterion: &mut Criterion<ProcessorTime>) {
    let runtime = Runtime::new().expect("a runtime");
    let (municipality, availability) = warm_town();
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
    group.bench_function("facade_first_free", |bencher| {
        bencher.iter(|| runtime.block_on(availability.first_free(black_box(&request))).expect("the request holds"));
    });
    group.finish();
}

/// What a writer needs of one counter: what comes before its list, the list, what comes after.
struct Prepared {
    head: Vec<u8>,
    starts: Vec<i64>,
    days: Vec<(NaiveDate, usize)>,
}

/// What is written of each counter before `list`, cut from what serde writes.
fn prepared(answer: &Answer, list: &str) -> Vec<Prepared> {
    let prepare = |counter: &CounterAnswer| {
        let mut head = serde_json::to_vec(&counter).expect("it is written");
        let at = head.windows(8).position(|bytes| bytes == b"\"slots\":").expect("it has slots");
        head.truncate(at);
        head.extend_from_slice(format!("\"{list}\":[").as_bytes());
        let starts = counter.slots.iter().map(|slot| slot.start_unix()).collect();
        Prepared { head, starts, days: counter.counts_per_day().collect() }
    };
    answer.counters.iter().map(prepare).collect()
}

const BEGINNING: &[u8] = br#"{"now":"2026-11-23T07:00:00+01:00","counters":["#;
/// Half an hour.
const LENGTH: i64 = 1_800;
/// How far Berlin's clocks are ahead of UTC in the whole window.
const EAST: i64 = 3_600;

fn digits(out: &mut Vec<u8>, number: i64) {
    out.extend_from_slice(&[b'0' + (number / 10 % 10) as u8, b'0' + (number % 10) as u8]);
}

/// The least that a writer does: it knows the offset and the day's date, and asks nothing.
fn bare_slots(counters: &[Prepared]) -> Vec<u8> {
    let mut out = Vec::with_capacity(counters.iter().map(|counter| counter.starts.len() * 80 + 256).sum());
    out.extend_from_slice(BEGINNING);
    let (mut midnight, mut date) = (i64::MIN, String::new());
    for (nth, counter) in counters.iter().enumerate() {
        out.extend_from_slice(if nth == 0 { b"" } else { b"," });
        out.extend_from_slice(&counter.head);
        for (nth, start) in counter.starts.iter().enumerate() {
            let shown = start + EAST;
            if shown < midnight || midnight + 86_400 <= shown {
                midnight = shown.div_euclid(86_400) * 86_400;
                date = DateTime::from_timestamp(midnight, 0).expect("in range").format("%Y-%m-%dT").to_string();
            }
            out.extend_from_slice(if nth == 0 { br#"{"start":""# } else { br#",{"start":""# });
            for (at, end) in [(shown, &br#"+01:00","end":""#[..]), (shown + LENGTH, br#"+01:00"}"#)] {
                let second = at - midnight;
                out.extend_from_slice(date.as_bytes());
                digits(&mut out, second / 3_600);
                out.push(b':');
                digits(&mut out, second / 60 % 60);
                out.push(b':');
                digits(&mut out, second % 60);
                out.extend_from_slice(end);
            }
        }
        out.extend_from_slice(br#"],"warnings":[]}"#);
    }
    out.extend_from_slice(b"]}");
    out
}

/// The same for counts per day, which are counted within the time.
fn bare_days(answer: &Answer, counters: &[Prepared]) -> Vec<u8> {
    let mut out = Vec::with_capacity(counters.len() * 4_096);
    out.extend_from_slice(BEGINNING);
    for (nth, (counter, prepared)) in answer.counters.iter().zip(counters).enumerate() {
        out.extend_from_slice(if nth == 0 { b"" } else { b"," });
        out.extend_from_slice(&prepared.head);
        for (nth, (date, free)) in counter.slots.counts_per_day().enumerate() {
            out.extend_from_slice(if nth == 0 { br#"{"date":""# } else { br#",{"date":""# });
            digits(&mut out, i64::from(date.year()) / 100);
            digits(&mut out, i64::from(date.year()));
            out.push(b'-');
            digits(&mut out, date.month().into());
            out.push(b'-');
            digits(&mut out, date.day().into());
            out.extend_from_slice(br#"","free":"#);
            if free > 9 {
                out.push(b'0' + (free / 10) as u8);
            }
            out.push(b'0' + (free % 10) as u8);
            out.push(b'}');
        }
        out.extend_from_slice(br#"],"warnings":[]}"#);
    }
    out.extend_from_slice(b"]}");
    out
}

fn json(criterion: &mut Criterion<ProcessorTime>) {
    let runtime = Runtime::new().expect("a runtime");
    let (_, availability) = warm_town();
    let answer =
        |request: &SlotsRequest| runtime.block_on(availability.free_slots(request)).expect("the request holds");
    let list = answer(&SlotsRequest::new(window()));
    let ready = prepared(&list, "slots");
    assert!(bare_slots(&ready) == list.to_json(), "both write the same bytes");
    let mut group = criterion.benchmark_group("availability/json/1000_counters_90_days");
    group.throughput(Throughput::Elements(ready.iter().map(|counter| counter.starts.len() as u64).sum()));
    group.bench_function("bare_writer", |bencher| bencher.iter(|| bare_slots(black_box(&ready))));
    group.bench_function("to_json", |bencher| bencher.iter(|| black_box(&list).to_json()));
    group.bench_function("chunks", |bencher| {
        bencher.iter_batched(
            || list.clone(),
            |list| list.into_json_chunks().map(|chunk| chunk.len()).sum::<usize>(),
            BatchSize::LargeInput,
        );
    });
    group.bench_function("serde_json", |bencher| {
        bencher.iter(|| serde_json::to_vec(black_box(&list)).expect("it is written"));
    });
    group.finish();

    let first = NaiveDate::from_ymd_opt(2026, 12, 1).expect("a date");
    let december = Interval::of_dates(first, first + TimeDelta::days(30), Berlin).expect("a month");
    let month = answer(&SlotsRequest::new(december));
    let ready = prepared(&month, "days");
    assert!(bare_days(&month, &ready) == month.day_counts().to_json(), "both write the same bytes");
    assert_eq!(ready[0].days.len(), 31);
    let mut group = criterion.benchmark_group("availability/json/1000_counters_a_month_of_counts");
    group.throughput(Throughput::Elements(31_000));
    group.bench_function("bare_counts_and_writer", |bencher| bencher.iter(|| bare_days(black_box(&month), &ready)));
    group.bench_function("to_json", |bencher| bencher.iter(|| black_box(&month).day_counts().to_json()));
    group.bench_function("serde_json", |bencher| {
        bencher.iter(|| serde_json::to_vec(&black_box(&month).day_counts()).expect("it is written"));
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
    let requests = simulator.requests();
    let views = requests.iter().filter(|request| request.operation() == Some("FindItem")).count();
    let others: Vec<_> =
        requests.iter().map(|request| request.operation()).filter(|name| *name != Some("FindItem")).collect();
    assert_eq!(views, COLD, "one view a mailbox, and {others:?}");
    assert!(others.len() <= 10, "what proves the credential and the access: {others:?}");
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

criterion_group! {
    name = on_one_thread;
    config = Criterion::default().with_measurement(ProcessorTime);
    targets = warm, json
}
criterion_group!(with_a_server, cold);
criterion_main!(on_one_thread, with_a_server);
