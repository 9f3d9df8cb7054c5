//! How often a query asks for memory: a handful of times for a first one, whatever its size, and never for a repeated one.

use std::time::Duration;

use allocation_counter::measure;
use chrono::{DateTime, Utc};
use chrono_tz::Europe::Berlin;
use optigov_slots::{Anchor, Busy, Interval, Needed, OpenWindows, Resources, Rule, SlotRules, Timetable, Weekdays};

fn now() -> DateTime<Utc> {
    "2027-02-26T12:00:00Z".parse().expect("an instant")
}

fn timetable() -> Timetable {
    let rule = Rule::weekly(Weekdays::MONDAY_TO_FRIDAY).hours("08:00-12:00".parse().expect("hours"));
    Timetable::builder(Berlin).rule(rule.hours("13:00-17:00".parse().expect("hours"))).build().expect("valid")
}

fn window(days: i64) -> Interval {
    Interval::from_unix(1_803_855_600, 1_803_855_600 + days * 86_400).expect("not empty")
}

fn busy(count: i64) -> Busy {
    let entry = |n: i64| {
        Interval::from_unix(1_803_855_600 + n * 7_919 % 7_776_000, 1_803_855_600 + n * 7_919 % 7_776_000 + 1_500)
    };
    (0..count).map(|n| entry(n).expect("not empty")).collect()
}

fn questions() -> Vec<(SlotRules, Resources, Busy)> {
    let rules =
        SlotRules::builder(Duration::from_mins(20)).step(Duration::from_mins(10)).buffer_after(Duration::from_mins(5));
    let odd = rules.anchor(Anchor::BackToBack).capacity(3).day_limit(4);
    let many = |needed| Resources::new([busy(100), busy(50), busy(20), busy(10)], needed).expect("valid");
    [
        (rules, Resources::one(busy(400))),
        (rules.capacity(3), many(Needed::Any)),
        (rules.capacity(2).day_limit(5), many(Needed::AtLeast(2))),
        (odd, many(Needed::All)),
        (odd, many(Needed::Any)),
    ]
    .map(|(rules, resources)| (rules.build().expect("valid"), resources, busy(40)))
    .into()
}

#[test]
fn a_repeated_query_allocates_nothing() {
    let open = timetable().open_windows(window(90), None);
    for (index, (rules, resources, bookings)) in questions().into_iter().enumerate() {
        let mut slots = open.slots(&rules, &resources, &bookings, now());
        slots.update(&open, &rules, &resources, &bookings, now());
        let mut starts = 0;
        let counted = measure(|| {
            slots.update(&open, &rules, &resources, &bookings, now());
            starts = slots.iter().count()
                + slots.starts().count()
                + slots.counts_per_day().map(|(_, count)| count).sum::<usize>();
        });
        assert!(starts > 0, "question {index}");
        assert_eq!(counted.count_total, 0, "question {index}");
    }
}

#[test]
fn the_number_of_allocations_does_not_grow_with_days_or_entries() {
    let (rules, _, _) = questions().remove(0);
    let timetable = timetable();
    let count = |days: i64, entries: i64| {
        let (resources, none) = (Resources::one(busy(entries)), Busy::default());
        let open: OpenWindows = timetable.open_windows(window(days), None);
        measure(|| drop(open.slots(&rules, &resources, &none, now()))).count_total
    };
    for (days, entries) in [(9, 40), (90, 400), (900, 4_000)] {
        // Stretches double as they grow: a few more for a hundred times as many.
        assert!(count(days, entries) <= 16, "{} for {days} days and {entries} entries", count(days, entries));
    }
    let resolve = |days| measure(|| drop(timetable.open_windows(window(days), None))).count_total;
    assert!(
        resolve(9) <= 12 && resolve(90) <= 16 && resolve(900) <= 24,
        "{} {} {}",
        resolve(9),
        resolve(90),
        resolve(900)
    );
}
