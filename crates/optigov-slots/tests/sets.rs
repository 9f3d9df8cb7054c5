//! The laws of set algebra, against sets of single seconds.

use std::collections::BTreeSet;
use std::time::Duration;

use optigov_slots::{EmptyInterval, Interval, IntervalSet};
use proptest::prelude::*;

const RANGE: i64 = 60;

fn interval(start: i64, end: i64) -> Interval {
    Interval::from_unix(start, end).expect("not empty")
}

fn intervals() -> impl Strategy<Value = Vec<Interval>> {
    prop::collection::vec(
        (0..RANGE - 1, 1..12_i64).prop_map(|(start, length)| interval(start, (start + length).min(RANGE))),
        0..14,
    )
}

/// Each second that is in some interval.
fn seconds<'a>(intervals: impl IntoIterator<Item = &'a Interval>) -> BTreeSet<i64> {
    intervals.into_iter().flat_map(|i| i.start_unix()..i.end_unix()).collect()
}

fn seconds_of(set: &IntervalSet) -> BTreeSet<i64> {
    seconds(set.as_slice())
}

fn is_normal(set: &IntervalSet) -> bool {
    set.as_slice().windows(2).all(|pair| pair[0].end_unix() < pair[1].start_unix())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_set_holds_the_seconds_of_its_input_in_any_order(input in intervals().prop_shuffle()) {
        let set: IntervalSet = input.iter().copied().collect();
        prop_assert!(is_normal(&set));
        prop_assert_eq!(seconds_of(&set), seconds(&input));
        prop_assert_eq!(set.total(), Duration::from_secs(seconds(&input).len() as u64));
        let mut sorted = input.clone();
        sorted.sort();
        prop_assert_eq!(&set, &IntervalSet::from(sorted));
        let twice = input.iter().chain(&input).copied().collect();
        prop_assert_eq!(set, twice);
    }

    #[test]
    fn extending_is_collecting_all(first in intervals(), second in intervals()) {
        let mut extended: IntervalSet = first.iter().copied().collect();
        extended.extend(second.iter().copied());
        prop_assert_eq!(extended, first.iter().chain(&second).copied().collect());
    }

    #[test]
    fn operations_are_those_on_seconds(a in intervals(), b in intervals(), start in 0..RANGE, length in 1..RANGE) {
        let (x, y) = (seconds(&a), seconds(&b));
        let (a, b): (IntervalSet, IntervalSet) = (a.into(), b.into());
        let window = interval(start, start + length);
        let w: BTreeSet<i64> = (start..start + length).collect();
        for (ours, expected) in [
            (a.union(&b), &x | &y),
            (a.intersection(&b), &x & &y),
            (a.difference(&b), &x - &y),
            (a.complement_in(window), &w - &x),
            (a.clipped_to(window), &x & &w),
            (a.gaps().collect(), a.hull().map_or(BTreeSet::new(), |hull| &seconds(&[hull]) - &x)),
        ] {
            prop_assert!(is_normal(&ours), "{:?}", ours);
            prop_assert_eq!(seconds_of(&ours), expected);
        }
        prop_assert_eq!(a.overlaps(window), x.iter().any(|second| w.contains(second)));
        prop_assert_eq!(a.covers(window), w.is_subset(&x));
        prop_assert_eq!(a.contains(window.start()), x.contains(&start));
    }

    #[test]
    fn the_laws_of_boolean_algebra_hold(a in intervals(), b in intervals(), c in intervals()) {
        let (a, b, c): (IntervalSet, IntervalSet, IntervalSet) = (a.into(), b.into(), c.into());
        let all = interval(0, RANGE);
        prop_assert_eq!(a.union(&b), b.union(&a));
        prop_assert_eq!(a.intersection(&b), b.intersection(&a));
        prop_assert_eq!(a.union(&b).union(&c), a.union(&b.union(&c)));
        prop_assert_eq!(a.intersection(&b).intersection(&c), a.intersection(&b.intersection(&c)));
        prop_assert_eq!(a.intersection(&b.union(&c)), a.intersection(&b).union(&a.intersection(&c)));
        prop_assert_eq!(a.difference(&b), a.intersection(&b.complement_in(all)));
        prop_assert_eq!(a.union(&b).complement_in(all), a.complement_in(all).intersection(&b.complement_in(all)));
        prop_assert_eq!(a.complement_in(all).complement_in(all), a.clone());
        prop_assert!(a.difference(&a).is_empty());
        prop_assert_eq!(a.union(&a), a);
    }

    #[test]
    fn in_at_least_counts_sets(sets in prop::collection::vec(intervals(), 0..6), count in 1..7_usize) {
        let seconds: Vec<BTreeSet<i64>> = sets.iter().map(seconds).collect();
        let sets: Vec<IntervalSet> = sets.into_iter().map(IntervalSet::from).collect();
        let expected: BTreeSet<i64> =
            (0..RANGE).filter(|second| seconds.iter().filter(|set| set.contains(second)).count() >= count).collect();
        let ours = IntervalSet::in_at_least(count, &sets);
        prop_assert!(is_normal(&ours));
        prop_assert_eq!(seconds_of(&ours), expected);
    }

    #[test]
    fn any_two_numbers_are_an_interval_or_an_error(start in any::<i64>(), end in any::<i64>()) {
        match Interval::from_unix(start, end) {
            Ok(interval) => {
                prop_assert!(interval.start() < interval.end());
                prop_assert!(start < end);
                let wide = interval.widened(Duration::MAX, Duration::MAX);
                prop_assert!(wide.start() <= interval.start() && interval.end() <= wide.end());
                prop_assert_eq!(wide.intersection(interval), Some(interval));
                let _ = (format!("{interval:?}"), interval.whole_days(chrono_tz::Europe::Berlin));
            }
            Err(EmptyInterval) => prop_assert!(start >= end || start > 8_000_000_000_000 || end < -8_000_000_000_000),
        }
    }
}

#[test]
fn a_start_rounds_down_and_an_end_up_so_that_blocking_never_shrinks() {
    let at = |text: &str| text.parse().expect("an instant");
    let rounded = Interval::new(at("2027-03-01T09:00:00.9Z"), at("2027-03-01T09:59:59.1Z")).expect("not empty");
    assert_eq!(rounded.to_string(), "2027-03-01T09:00:00Z/2027-03-01T10:00:00Z");
    // Before 1970, too.
    let early = Interval::new(at("1969-12-31T23:59:58.5Z"), at("1969-12-31T23:59:58.6Z")).expect("not empty");
    assert_eq!((early.start_unix(), early.end_unix()), (-2, -1));
    assert_eq!(Interval::new(at("2027-03-01T09:00:00.5Z"), at("2027-03-01T09:00:00.5Z")), Err(EmptyInterval));
    assert_eq!(Interval::new(at("2027-03-01T09:00:01Z"), at("2027-03-01T09:00:00Z")), Err(EmptyInterval));
}

#[test]
fn intervals_that_touch_do_not_overlap_but_join() {
    let (first, second) = (interval(0, 10), interval(10, 20));
    assert!(!first.overlaps(second));
    assert_eq!(first.intersection(second), None);
    assert_eq!(IntervalSet::from(vec![second, first]).as_slice(), [interval(0, 20)]);
}
