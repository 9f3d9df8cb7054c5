//! The kernel that takes any grid: sorts what is busy and walks along it once.
//!
//! Busy time is brought into the *space of starts* first: an entry `[b, e)` forbids an appointment to start from
//! `b - length - buffer after`, exclusive, until `e + buffer before`, exclusive. In seconds, so nothing is rounded.

use crate::query::{Query, Run};
use crate::{Anchor, Interval, IntervalSet, Needed};

/// Appends the bookable starts of a query, in order.
pub(crate) fn sweep(query: &Query<'_>, runs: &mut Vec<Run>) {
    let forbidden = forbidden_starts(query);
    let mut forbidden = forbidden.as_slice();
    let step = query.rules.step;
    let full_days = query.full_days();
    let mut push = |first: i64, end: i64| allowed(query, &full_days, Progression { first, end, step }, runs);
    query.for_each_grid(|first, end| {
        while let [cut, rest @ ..] = forbidden
            && cut.end_unix() <= first
        {
            forbidden = rest;
        }
        let mut start = first;
        let mut cuts = forbidden.iter();
        while start < end {
            let cut = cuts.next().filter(|cut| cut.start_unix() < end);
            let free_until = cut.map_or(end, |cut| cut.start_unix());
            if start < free_until {
                push(start, free_until);
            }
            let Some(cut) = cut else { break };
            start = match query.rules.anchor() {
                Anchor::BackToBack => cut.end_unix().max(start),
                Anchor::WindowStart | Anchor::LocalMidnight => next_on_grid(first, step, cut.end_unix().max(start)),
            };
        }
    });
}

/// Starts from `first` by `step`, below `end`.
struct Progression {
    first: i64,
    end: i64,
    step: i64,
}

/// Appends what lies in the range that may be booked and on no day whose limit is reached. The grid stays where it is.
fn allowed(
    query: &Query<'_>,
    full_days: &[Interval],
    Progression { first, end, step }: Progression,
    runs: &mut Vec<Run>,
) {
    let end = end.min(query.until);
    let mut start = next_on_grid(first, step, query.from);
    let mut days = full_days[full_days.partition_point(|day| day.end_unix() <= start)..].iter();
    while start < end {
        let day = days.next().filter(|day| day.start_unix() < end);
        let until = day.map_or(end, |day| day.start_unix());
        if start < until {
            runs.push(Run { first: start, count: (until - start - 1) / step + 1 });
        }
        let Some(day) = day else { break };
        start = next_on_grid(first, step, day.end_unix());
    }
}

/// The first of `first`, `first + step`, … that is not before `bound`.
pub(crate) fn next_on_grid(first: i64, step: i64, bound: i64) -> i64 {
    if bound <= first { first } else { first + (bound - first + step - 1) / step * step }
}

/// All instants at which no appointment may start because of calendars and bookings.
fn forbidden_starts(query: &Query<'_>) -> IntervalSet {
    let starts = |busy: &Interval| query.starts_forbidden_by(*busy);
    let calendars = query.resources.calendars();
    let group = match query.resources.needed() {
        Needed::All => None,
        Needed::Any => Some(1),
        Needed::AtLeast(count) => Some(count as usize),
    };
    let Some(group) = group else {
        let mut forbidden: Vec<Interval> =
            calendars.iter().flat_map(|busy| busy.as_slice()).filter_map(starts).collect();
        forbidden.extend(&booked_starts(query, query.rules.capacity() as usize));
        return forbidden.into();
    };
    // An appointment may not start where `taken` bookings meet and those who are free are too few for one more.
    let blocked: Vec<IntervalSet> =
        calendars.iter().map(|busy| busy.as_slice().iter().filter_map(starts).collect()).collect();
    let most = query.resources.places(calendars.len(), query.rules.capacity());
    let mut forbidden: Vec<Interval> = booked_starts(query, most).into();
    for taken in 0..most {
        let booked = if taken > 0 { booked_starts(query, taken) } else { IntervalSet::overlapped(0, Vec::new()) };
        if booked.is_empty() {
            break;
        }
        let too_few = IntervalSet::in_at_least(calendars.len() + 1 - group * (taken + 1), &blocked);
        forbidden.extend(&booked.intersection(&too_few));
    }
    forbidden.into()
}

/// The starts of appointments during which, at some instant, at least `count` bookings take place.
fn booked_starts(query: &Query<'_>, count: usize) -> IntervalSet {
    let bookings = query.bookings.as_slice().iter().filter_map(|booking| query.with_distance(*booking)).collect();
    let meeting = IntervalSet::overlapped(count, bookings);
    let needed = query.rules.total + query.rules.between();
    meeting.iter().filter_map(|i| Interval::from_unix(i.start_unix() - needed + 1, i.end_unix()).ok()).collect()
}
