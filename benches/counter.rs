//! The counter configuration beside bare lower bounds: reading ten thousand counters, and what a query costs before the engine has its inputs.
//!
//! `cargo bench -p optigov-benches --bench counter`

use std::{hint::black_box, time::Duration};

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Europe::Berlin;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use optigov_counter::{Municipality, ResolvedHours};
use optigov_slots::{Busy, Interval, Resources};

/// The town hall of the samples with `count` counters, as JSON text.
fn town_hall(count: usize) -> String {
    let sample = include_str!("../docs/samples/rathaus.toml");
    let sample = Municipality::from_toml(sample).expect("the sample is valid").to_json();
    let mut town_hall: serde_json::Value = serde_json::from_str(&sample).expect("what we wrote is JSON");
    let few = town_hall["counters"].as_array().expect("a list of counters").clone();
    let many = (0..count).map(|number| {
        let mut counter = few[number % few.len()].clone();
        counter["id"] = format!("schalter-{number}").into();
        counter
    });
    town_hall["counters"] = many.collect();
    town_hall.to_string()
}

fn read_ten_thousand_counters(c: &mut Criterion) {
    let text = town_hall(10_000);
    let mut group = c.benchmark_group("read 10,000 counters from JSON");
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("bare serde_json::Value", |b| {
        b.iter_with_large_drop(|| serde_json::from_str::<serde_json::Value>(&text).expect("JSON"));
    });
    group.bench_function("Municipality::from_json", |b| {
        b.iter_with_large_drop(|| Municipality::from_json(&text).expect("a valid configuration"));
    });
    group.finish();
}

/// What a save costs among ten thousand counters.
fn save_one_of_ten_thousand_counters(c: &mut Criterion) {
    let municipality = Municipality::from_json(&town_hall(10_000)).expect("a valid configuration");
    let counter = municipality.counter("schalter-7777").expect("a counter");
    let mut group = c.benchmark_group("one of 10,000 counters");
    group.bench_function("save", |b| {
        b.iter(|| black_box(&municipality).with_counter(counter.clone()).expect("it fits"));
    });
    group.bench_function("remove", |b| {
        b.iter(|| black_box(&municipality).without_counter("schalter-7777").expect("it is there"));
    });
    group.finish();
}

/// W1 of the slot engine: a counter, 90 days, 400 busy intervals, all starts.
fn ask_a_counter(c: &mut Criterion) {
    let municipality = Municipality::from_toml(
        r#"
        name = "Musterstadt"
        state = "BY"
        [[templates]]
        id = "pass"
        label = "Reisepass"
        length = "20min"
        [[counters]]
        id = "eins"
        name = "Schalter 1"
        templates = ["pass"]
        booking = { step = "10min", horizon = "120d" }
        opening = [{ days = "Mo-Fr", hours = ["08:00-12:00", "13:00-17:00"] }]
        "#,
    )
    .expect("a valid configuration");
    let (counter, template) = (municipality.counter("eins").expect("a counter"), &municipality.templates()[0]);
    let date = |text: &str| text.parse::<NaiveDate>().expect("a date");
    let window = Interval::of_dates(date("2027-03-01"), date("2027-05-29"), Berlin).expect("90 days");
    let now: DateTime<Utc> = "2027-02-26T12:00:00Z".parse().expect("an instant");
    let resources = Resources::one(busy(window));
    let (open, rules) =
        (counter.open_windows(&municipality, template, window), counter.slot_rules(template, 1).expect("rules"));

    let mut group = c.benchmark_group("one query of W1");
    group.bench_function("engine alone, from open windows to iterated starts", |b| {
        b.iter(|| {
            black_box(&open)
                .slots(black_box(&rules), &resources, &Busy::default(), now)
                .iter()
                .map(|slot| slot.start().timestamp())
                .sum::<i64>()
        });
    });
    let resolved = ResolvedHours::new();
    group.bench_function("counter to the engine's inputs, kept", |b| {
        b.iter(|| {
            let open = resolved.open_windows(black_box(counter), &municipality, template, black_box(window));
            (open, counter.slot_rules(template, 1).expect("rules"))
        });
    });
    group.bench_function("counter to the engine's inputs, for the first time", |b| {
        b.iter(|| black_box(counter).timetable(&municipality, window).open_windows(window, None));
    });
    group.finish();
}

/// 400 intervals of 15 to 120 minutes from 07 to 18 h, on five minutes, 2 % of them one to three days; unsorted, the same on every run.
fn busy(window: Interval) -> Vec<Interval> {
    let mut state = 0x5EED_u64;
    let mut below = |limit: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % limit
    };
    let mut one = || {
        let start = window.start_unix() + (below(90) * 86_400 + 7 * 3600 + below(11 * 12) * 300) as i64;
        let length = if below(50) == 0 { (1 + below(3)) * 86_400 } else { (3 + below(22)) * 300 };
        Interval::from_unix(start, start + length as i64).expect("a length")
    };
    (0..400).map(|_| one()).collect()
}

criterion_group! {
    name = counter;
    config = Criterion::default().warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2)).sample_size(20);
    targets = read_ten_thousand_counters, save_one_of_ten_thousand_counters, ask_a_counter
}
criterion_main!(counter);
