//! The engine against a slow oracle that knows nothing of intervals: it walks through time tick by tick, reads the clock on the wall at
//! each, and asks of each tick whether an appointment may start then. A tick is a minute, or a second.

mod question;
mod walk;

use std::collections::BTreeMap;

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use optigov_slots::{Anchor, Busy, EmptyDay, Interval, Reason, Resources, Slots};
use proptest::prelude::*;

use crate::question::{Question, by_the_minute, by_the_second};
use crate::walk::{Oracle, Verdict};

const SECOND: TimeDelta = TimeDelta::seconds(1);

fn agree(question: &Question) -> Result<(), TestCaseError> {
    let slots = question.ask();
    let oracle = Oracle::new(question);
    let verdicts = oracle.answer();
    let expected: Vec<i64> =
        verdicts.iter().zip(0..).filter(|(v, _)| v.is_bookable()).map(|(_, tick)| question.second(tick)).collect();
    let listed: Vec<i64> = slots.iter().map(|slot| slot.start_unix()).collect();
    prop_assert_eq!(&listed, &expected);
    prop_assert!(slots.starts().map(|start| start.timestamp()).eq(expected.iter().copied()));
    prop_assert_eq!(slots.len(), expected.len());
    prop_assert_eq!(slots.is_empty(), expected.is_empty());
    prop_assert_eq!(slots.first().map(|slot| slot.start_unix()), expected.first().copied());

    let mut per_day = BTreeMap::new();
    for (verdict, tick) in verdicts.iter().zip(0..) {
        *per_day.entry(oracle.date(tick)).or_insert(0) += usize::from(verdict.is_bookable());
    }
    prop_assert_eq!(slots.counts_per_day().collect::<BTreeMap<_, _>>(), per_day.clone());
    prop_assert_eq!(slots.days().map(|day| (day.date, day.count)).collect::<BTreeMap<_, _>>(), per_day);
    for day in slots.days() {
        let on_day = verdicts.iter().zip(0..).filter(|(_, tick)| oracle.date(*tick) == day.date);
        let verdicts: Vec<&Verdict> = on_day.map(|(verdict, _)| verdict).collect();
        prop_assert_eq!(day.empty, empty_day(question, day.date, &verdicts), "on {}", day.date);
    }

    for (verdict, tick) in verdicts.iter().zip(0..) {
        let instant = question.instant(tick);
        let reasons = slots.why(instant);
        prop_assert_eq!(slots.is_bookable(instant), verdict.is_bookable(), "bookable at {}", instant);
        prop_assert_eq!(reasons.is_empty(), verdict.is_bookable(), "why at {}: {:?}", instant, reasons);
        prop_assert!(reasons.is_sorted(), "{:?}", reasons);
        let says = |reason: fn(&Reason) -> bool| reasons.iter().any(reason);
        prop_assert_eq!(says(|r| matches!(r, Reason::Closed { .. })), verdict.closed, "at {}: {:?}", instant, reasons);
        prop_assert_eq!(says(|r| matches!(r, Reason::OutsideHorizon { .. })), verdict.outside_horizon);
        prop_assert_eq!(says(|r| matches!(r, Reason::LeadTime { .. })), verdict.lead_time);
        prop_assert_eq!(says(|r| matches!(r, Reason::DayLimit { .. })), verdict.day_limit);
        if question.anchor != Anchor::BackToBack {
            prop_assert_eq!(
                says(|r| matches!(r, Reason::NotOnGrid { .. })),
                verdict.off_grid && verdict.open_then,
                "at {}",
                instant
            );
        }
        for reason in &reasons {
            the_data_of_a_reason_is_true(*reason, &slots, instant)?;
        }
        let near = |r: &Reason| matches!(r, Reason::Busy { .. } | Reason::Buffer { .. } | Reason::Capacity { .. });
        prop_assert_eq!(reasons.iter().any(near), verdict.busy || verdict.booked);
        let places_left = if verdict.is_bookable() { verdict.places_left } else { 0 };
        prop_assert_eq!(slots.places_left(instant), places_left);
        prop_assert_eq!(&slots.free_resources(instant), &verdict.free);
        prop_assert_eq!(
            slots.iter_from(instant).next().map(|s| s.start_unix()),
            expected.iter().find(|&&s| s >= instant.timestamp()).copied()
        );
    }
    Ok(())
}

/// Why none of a day's ticks can be booked.
fn empty_day(question: &Question, date: NaiveDate, ticks: &[&Verdict]) -> Option<EmptyDay> {
    let on_grid = |verdict: &Verdict| question.anchor == Anchor::BackToBack || !verdict.off_grid;
    let possible: Vec<&&Verdict> = ticks.iter().filter(|verdict| !verdict.closed && on_grid(verdict)).collect();
    let is_holiday = question.holidays.iter().any(|&day| question.first_date() + Days::new(day) == date);
    // On a holiday, an exception decides before the holiday does.
    let is_excepted =
        question.exceptions.iter().any(|exception| question.first_date() + Days::new(exception.0) == date);
    Some(match () {
        () if ticks.iter().any(|verdict| verdict.is_bookable()) => return None,
        () if possible.is_empty() && ticks.iter().any(|verdict| verdict.open_then) => EmptyDay::TooShort,
        () if possible.is_empty() && is_holiday && !is_excepted => EmptyDay::Holiday,
        () if possible.is_empty() => EmptyDay::Closed,
        () if possible.iter().all(|verdict| verdict.outside_horizon) => EmptyDay::OutsideHorizon,
        () if possible.iter().all(|verdict| verdict.lead_time) => EmptyDay::LeadTime,
        () => EmptyDay::Full,
    })
}

/// What a reason tells beside its kind, held against what the answer itself tells.
fn the_data_of_a_reason_is_true(reason: Reason, slots: &Slots, start: DateTime<Utc>) -> Result<(), TestCaseError> {
    let open = slots.open_windows();
    let end = start + slots.rules().length();
    match reason {
        Reason::Closed { at, since, until } => {
            prop_assert!(start <= at && at < end && !open.is_open(at));
            prop_assert!(at == start || since == Some(at));
            prop_assert!(since.is_none_or(|since| open.is_open(since - SECOND) && !open.is_open(since)));
            prop_assert!(until.is_none_or(|until| !open.is_open(until - SECOND) && open.is_open(until)));
            let windows = open.windows();
            let (first, last) = (since.unwrap_or(open.window().start()), until.unwrap_or(open.window().end()));
            prop_assert!(Interval::new(first, last).map_or(true, |closed| !windows.overlaps(closed)));
        }
        Reason::OutsideHorizon { bookable_from, .. } => {
            let is_outside = |now| {
                let slots = open.slots(slots.rules(), &Resources::none(), &Busy::default(), now);
                slots.why(start).iter().any(|reason| matches!(reason, Reason::OutsideHorizon { .. }))
            };
            prop_assert!(is_outside(bookable_from - SECOND) && !is_outside(bookable_from));
        }
        Reason::LeadTime { earliest, now } => prop_assert!(start < earliest && now == slots.now()),
        Reason::NotOnGrid { previous, next } => {
            let starts = || slots.iter().map(|slot| slot.start());
            prop_assert_eq!(previous, starts().take_while(|&bookable| bookable < start).last());
            prop_assert_eq!(next, starts().find(|&bookable| bookable > start));
        }
        Reason::Busy { resource, interval } => {
            prop_assert!(interval.start() < end && start < interval.end());
            prop_assert!(slots.free_resources(start).iter().all(|&free| free != resource));
        }
        Reason::Buffer { interval, needed, .. } => {
            prop_assert!(interval.end() <= start || end <= interval.start());
            prop_assert!(interval.overlaps(needed) && needed.start() <= start && end <= needed.end());
        }
        _ => {}
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_engine_agrees_with_a_walk_by_the_minute(question in by_the_minute()) {
        agree(&question)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_engine_agrees_with_a_walk_by_the_second(question in by_the_second()) {
        agree(&question)?;
    }
}
