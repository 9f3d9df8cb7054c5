//! The cache that instances share beside the one in memory: a warm list of 1,000 counters, and the first list of a new instance.

#![allow(clippy::print_stdout, reason = "what was not measured is to be seen")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Europe::Berlin;
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use optigov_availability::{
    Availability, AvailabilityBuilder, CalendarEntry, EntryStatus, Interval, MemorySource, Municipality, SharedCache,
    SharedCacheSettings, SlotsRequest,
};
use optigov_calendar_cache::testing::RedisServer;
use tokio::runtime::Runtime;

const COUNTERS: usize = 1_000;
/// 2,000 a year.
const ENTRIES_IN_90_DAYS: i64 = 500;

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

/// Every counter has a mailbox of its own.
fn town() -> Municipality {
    let counters = (0..COUNTERS).map(|counter| {
        format!(
            "\n[[counters]]\nid = \"s{counter}\"\nname = \"Schalter {counter}\"\ntemplates = [\"t\"]\n\
             opening = [{{ days = \"Mo-Fr\", hours = [\"08:00-12:00\", \"13:00-16:00\"] }}]\n\
             exchange_sync = {{ on = true, mailboxes = [\"{}\"] }}\n",
            name(counter)
        )
    });
    let head = "format = 1\nname = \"Musterstadt\"\ntemplates = [{ id = \"t\", label = \"T\", length = \"30min\" }]\n";
    Municipality::from_toml(&(head.to_owned() + &counters.collect::<String>())).expect("the configuration holds")
}

/// Calendars with five and a half entries a day, each at times of its own.
fn calendars() -> MemorySource {
    let (source, first, every) = (MemorySource::new(), window().start_unix(), 90 * 86_400 / ENTRIES_IN_90_DAYS);
    for counter in 0..COUNTERS {
        let entries = (0..ENTRIES_IN_90_DAYS).map(|nth| {
            let start = first + nth * every + (counter as i64 * 7_919 + nth * 104_729) % every / 300 * 300;
            let interval = Interval::from_unix(start, start + 900 + nth % 7 * 600).expect("it ends after it starts");
            CalendarEntry::timed(interval, EntryStatus::Busy)
        });
        source.set(name(counter).parse().expect("an address"), entries.collect());
    }
    source
}

fn warm(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let Some(store) = runtime.block_on(RedisServer::start(&[])).expect("the store comes up") else {
        println!("NOT MEASURED: {}", RedisServer::MISSING);
        return;
    };
    let (town, request) = (town(), SlotsRequest::new(window()));
    let set_up = || -> AvailabilityBuilder {
        let set_up = Availability::for_municipality(town.clone()).source(calendars()).clock(now);
        set_up.time_to_live(Duration::from_secs(86_400))
    };
    let shared = || {
        let mut settings = SharedCacheSettings::default();
        // What is measured is the store, not what happens where it is given up.
        settings.answers_within = Duration::from_secs(30);
        let cache = SharedCache::connect(&store.url(), settings).expect("an address");
        set_up().cache(cache).build().expect("nothing is missing")
    };
    let list = |availability: &Availability| {
        let answer = runtime.block_on(availability.free_slots(black_box(&request))).expect("the request holds");
        assert!(answer.is_known());
    };
    let memory = set_up().build().expect("nothing is missing");
    let store_in_front = runtime.block_on(async { shared() });
    let first = Instant::now();
    list(&memory);
    let in_memory = first.elapsed();
    list(&store_in_front);
    println!("cold, for the record: {in_memory:?} into memory, {:?} into the store", first.elapsed() - in_memory);

    let mut group = criterion.benchmark_group("shared/warm_list_of_1000_counters_90_days");
    group.bench_function("memory", |bencher| bencher.iter(|| list(&memory)));
    group.bench_function("store", |bencher| bencher.iter(|| list(&store_in_front)));
    group.bench_function("store_first_list_of_an_instance", |bencher| {
        let start = || runtime.block_on(async { shared() });
        bencher.iter_batched(start, |instance| list(&instance), BatchSize::PerIteration);
    });
    group.finish();
}

criterion_group!(benches, warm);
criterion_main!(benches);
