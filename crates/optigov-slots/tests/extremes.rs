//! Every public function takes every instant that chrono can name, in every zone, without a panic, and keeps its promises there.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use chrono_tz::{TZ_VARIANTS, Tz};
use optigov_slots::{
    Anchor, Busy, ClockChange, Exception, Hours, Interval, IntervalSet, Lead, Needed, OpenWindows, Resources, Rule,
    SlotRules, Slots, Timetable, Weekdays, merge,
};
use proptest::prelude::*;

/// Instants at both ends of chrono's range, at the ends of the years with open hours, in the year 9999, and anywhere.
fn instant() -> impl Strategy<Value = DateTime<Utc>> {
    let near = |text: &str| text.parse::<DateTime<Utc>>().expect("an instant").timestamp();
    let (min, max) = (DateTime::<Utc>::MIN_UTC.timestamp(), DateTime::<Utc>::MAX_UTC.timestamp());
    let places =
        vec![min, max, near("9999-12-31T23:59:59Z"), near("1900-01-01T00:00:00Z"), near("2199-12-31T00:00:00Z")];
    let distance = prop_oneof![-3..=3_i64, -4_000_000..=4_000_000_i64];
    let second = prop_oneof![
        (prop::sample::select(places), distance).prop_map(move |(place, distance)| (place + distance).clamp(min, max)),
        min..=max,
        0..4_000_000_000_i64,
    ];
    let nanosecond = prop_oneof![Just(0_u32), Just(999_999_999), Just(1_999_999_999), 0..1_000_000_000_u32];
    (second, nanosecond).prop_map(move |(second, nanosecond)| {
        // A leap second is a fraction of more than a second, and only at the end of a minute.
        let nanosecond = if second.rem_euclid(60) == 59 { nanosecond } else { nanosecond % 1_000_000_000 };
        DateTime::from_timestamp(second, nanosecond).expect("in range")
    })
}

fn interval() -> impl Strategy<Value = Interval> {
    let length = prop_oneof![1..200_000_i64, 1..i64::MAX];
    let short = (instant(), length).prop_filter_map("not empty", |(start, length)| {
        Interval::from_unix(start.timestamp(), start.timestamp().saturating_add(length)).ok()
    });
    let any = (instant(), instant()).prop_filter_map("in order", |(start, end)| Interval::new(start, end).ok());
    prop_oneof![3 => short, 1 => any]
}

fn zone() -> impl Strategy<Value = Tz> {
    prop::sample::select(TZ_VARIANTS.as_slice())
}

fn day() -> impl Strategy<Value = NaiveDate> {
    prop_oneof![Just(NaiveDate::MIN), Just(NaiveDate::MAX), instant().prop_map(|instant| instant.date_naive())]
}

fn time() -> impl Strategy<Value = NaiveTime> {
    (0..86_400_u32, prop_oneof![Just(0_u32), Just(1_999_999_999)]).prop_map(|(second, nanosecond)| {
        let nanosecond = if second % 60 == 59 { nanosecond } else { 0 };
        NaiveTime::from_num_seconds_from_midnight_opt(second, nanosecond).expect("within a day")
    })
}

fn anchor() -> impl Strategy<Value = Anchor> {
    prop_oneof![Just(Anchor::WindowStart), Just(Anchor::LocalMidnight), Just(Anchor::BackToBack)]
}

/// Rules with few starts, so that centuries of them can be listed.
fn rules() -> impl Strategy<Value = SlotRules> {
    let cut = (1..=86_400_u64, 30_000..=86_400_u64, anchor(), 0..=86_400_u64, 0..=86_400_u64);
    let lead = prop_oneof![
        (0..=3_660_u32).prop_map(Lead::Days),
        (0..=316_224_000_u64).prop_map(|seconds| Lead::Time(Duration::from_secs(seconds))),
    ];
    let limits = (lead, prop::option::of(0..=3_660_u32), time(), prop::option::of(1..u32::MAX), 1..4_u32);
    (cut, limits).prop_map(|((length, step, anchor, before, after), (lead, horizon, release, limit, capacity))| {
        let mut rules = SlotRules::builder(Duration::from_secs(length))
            .step(Duration::from_secs(step))
            .anchor(anchor)
            .buffer_before(Duration::from_secs(before))
            .buffer_after(Duration::from_secs(after))
            .lead(lead)
            .release_at(release)
            .capacity(capacity);
        if let Some(days) = horizon {
            rules = rules.horizon_days(days);
        }
        if let Some(limit) = limit {
            rules = rules.day_limit(limit);
        }
        rules.build().expect("valid")
    })
}

/// Asks everything that an answer can be asked about one instant.
fn ask_all(slots: &Slots, start: DateTime<Utc>) -> Result<(), TestCaseError> {
    let reasons = slots.why(start);
    prop_assert_eq!(slots.is_bookable(start), reasons.is_empty(), "{:?}", reasons);
    prop_assert!(reasons.iter().all(|reason| !reason.to_string().is_empty() && !reason.code().is_empty()));
    prop_assert!(slots.places_left(start) == 0 || slots.is_bookable(start));
    let _ = (slots.free_resources(start), slots.iter_from(start).next(), slots.open_windows().is_open(start));
    Ok(())
}

fn ask_whole(slots: &Slots) -> Result<(), TestCaseError> {
    let all = slots.iter().count();
    prop_assert_eq!(slots.len(), all);
    prop_assert_eq!(slots.starts().count(), all);
    prop_assert_eq!(slots.counts_per_day().map(|(_, count)| count).sum::<usize>(), all);
    for slot in slots.first().into_iter().chain(slots.iter().last()) {
        prop_assert!(slots.open_windows().window().contains(slot.start()));
        prop_assert!(slots.is_bookable(slot.start()));
        prop_assert!(slot.start() < slot.end());
        prop_assert_eq!(Interval::from(slot), slot.interval());
        ask_all(slots, slot.start() + TimeDelta::seconds(1))?;
    }
    prop_assert_eq!(merge([((), slots), ((), slots)]).count(), 2 * all);
    let _ = format!("{slots:?}");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 250, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn intervals_take_any_instants(
        (start, end, inside) in (instant(), instant(), instant()),
        (first, last) in (day(), day()),
        zone in zone(),
        (before, after) in (any::<Duration>(), any::<Duration>()),
    ) {
        if let Ok(interval) = Interval::new(start, end) {
            prop_assert!(interval.duration() > Duration::ZERO);
            prop_assert!(interval.widened(before, after).intersection(interval) == Some(interval));
            prop_assert!(!interval.to_string().is_empty());
            let _ = (interval.contains(inside), interval.whole_days(zone));
        }
        if let Ok(days) = Interval::of_dates(first, last, zone) {
            let _ = days.whole_days(zone);
        }
        let day = Interval::of_civil_day(inside, zone);
        prop_assert!(day.contains(inside) || inside.timestamp() == DateTime::<Utc>::MAX_UTC.timestamp());
        prop_assert_eq!(Interval::of_civil_day(day.start(), zone), day);
    }

    #[test]
    fn sets_take_any_intervals(
        (a, b) in (prop::collection::vec(interval(), 0..6), prop::collection::vec(interval(), 0..6)),
        (window, instant) in (interval(), instant()),
    ) {
        let (a, b): (IntervalSet, IntervalSet) = (a.into(), b.into());
        prop_assert_eq!(a.difference(&b), a.difference(&a.intersection(&b)));
        prop_assert_eq!(a.union(&b), IntervalSet::in_at_least(1, [&a, &b]));
        prop_assert_eq!(a.complement_in(window).union(&a.clipped_to(window)), window.into());
        prop_assert!(a.hull().is_none_or(|hull| a.total() <= hull.duration()));
        prop_assert!(!(a.contains(instant) && a.difference(&b).complement_in(window).contains(instant)) || b.contains(instant));
        let _ = (a.gaps().count(), a.overlaps(window), a.covers(window), format!("{a:?}"));
    }

    #[test]
    fn answers_take_any_instants_where_open_hours_are_given(
        (zone, window, open) in (zone(), interval(), prop::collection::vec(interval(), 0..4)),
        (rules, calendars, bookings) in (
            rules(),
            prop::collection::vec(prop::collection::vec(interval(), 0..4), 1..4),
            prop::collection::vec(interval(), 0..4),
        ),
        needed in prop_oneof![Just(Needed::All), Just(Needed::Any), Just(Needed::AtLeast(1))],
        (now, starts) in (instant(), prop::collection::vec(instant(), 4)),
    ) {
        let open = OpenWindows::new(zone, window, &open.into());
        let resources = Resources::new(calendars, needed).expect("valid");
        let slots = open.slots(&rules, &resources, &bookings.into(), now);
        ask_whole(&slots)?;
        for start in starts.into_iter().chain([window.start(), window.end(), now]) {
            ask_all(&slots, start)?;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 50, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn answers_take_any_instants_where_a_timetable_opens(
        (zone, window, rules, now) in (zone(), interval(), rules(), instant()),
        (opening, closing, from, until, nth) in (time(), time(), day(), day(), 1..6_u8),
        (weeks, widest) in (1..=u16::MAX, any::<bool>()),
        starts in prop::collection::vec(instant(), 4),
    ) {
        let rule = |rule: Rule| rule.hours(Hours::new(opening, closing)).valid_from(from.min(until));
        let timetable = Timetable::builder(zone)
            .rule(rule(Rule::weekly(Weekdays::ALL)).valid_until(from.max(until)))
            .rule(rule(Rule::weekly(Weekdays::SATURDAY)).every_weeks(weeks, until))
            .rule(rule(Rule::weekly(Weekdays::SUNDAY)).nth_of_month(nth))
            .rule(rule(Rule::weekly(Weekdays::MONDAY)).last_of_month())
            .exception(Exception::closed(from))
            .exception(Exception::extra_hours(until, [Hours::ALL_DAY]))
            .holiday(until)
            .clock_change(if widest { ClockChange::Widest } else { ClockChange::Rfc5545 })
            .build()
            .expect("valid");
        let open = timetable.open_windows(window, None);
        let _ = (open.days().count(), timetable.holidays().count());
        let slots = open.slots(&rules, &Resources::none(), &Busy::default(), now);
        ask_whole(&slots)?;
        for start in starts.into_iter().chain([window.start(), window.end(), now]) {
            ask_all(&slots, start)?;
        }
    }
}
