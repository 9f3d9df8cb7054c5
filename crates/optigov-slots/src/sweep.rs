//! The kernel that takes any grid: sorts what is busy and walks along it once.
//!
//! The walk goes along the starts that are forbidden. Something busy from `b` to `e` forbids the starts after `b - length - buffer after`
//! and before `e + buffer before`: from there, the appointment with its buffers would overlap it. Where bookings meet, and where too few
//! resources are free, starts are forbidden likewise. What no such stretch covers and the grid meets is bookable. All this is known to the
//! second, so nothing is rounded.

use crate::answer::{Answer, Form, Run};
use crate::query::{Query, next_on_grid};
use crate::set::{coalesce_from, intersect, overlapped};
use crate::time::{Seconds, UtcSecond};
use crate::workspace::Workspace;
use crate::{Anchor, Busy, Interval};

/// Answers the query.
pub(crate) fn sweep(query: &Query<'_>, workspace: &mut Workspace, answer: &mut Answer) {
    find_forbidden(query, workspace);
    let step = query.rules.step;
    let mut forbidden = workspace.forbidden.as_slice();
    let full_days = query.full_days(&mut workspace.full_days);
    let runs = &mut answer.runs;
    query.for_each_grid(|first, end| {
        while let [cut, rest @ ..] = forbidden
            && cut.end_second() <= first
        {
            forbidden = rest;
        }
        let mut start = first;
        let mut cuts = forbidden.iter();
        while start < end {
            let cut = cuts.next().filter(|cut| cut.start_second() < end);
            let free_until = cut.map_or(end, |cut| cut.start_second());
            if start < free_until {
                push_allowed(query, full_days, start, free_until, runs);
            }
            let Some(cut) = cut else { break };
            start = match query.rules.anchor() {
                Anchor::BackToBack => cut.end_second().max(start),
                Anchor::WindowStart | Anchor::LocalMidnight => next_on_grid(first, step, cut.end_second().max(start)),
            };
        }
    });
    answer.form = Form::Runs { step };
}

/// Appends those of the starts `first`, `first + step`, … below `end` that lie in the range that may be booked and on no day whose limit
/// is reached.
fn push_allowed(query: &Query<'_>, full_days: &[Interval], first: UtcSecond, end: UtcSecond, runs: &mut Vec<Run>) {
    let step = query.rules.step;
    let mut from = query.from;
    let mut days = full_days[full_days.partition_point(|day| day.end_second() <= first)..].iter();
    loop {
        let day = days.next().filter(|day| day.start_second() < end);
        let until = day.map_or(end, |day| day.start_second());
        let (start, until) = (next_on_grid(first, step, from), until.min(query.until));
        if start < until {
            runs.push(Run { first: start, count: (until - start - Seconds::ONE) / step + 1 });
        }
        let Some(day) = day else { return };
        from = from.max(day.end_second());
    }
}

/// Finds all instants at which no appointment may start because of calendars and bookings.
fn find_forbidden(query: &Query<'_>, workspace: &mut Workspace) {
    let Workspace { meeting, blocked, too_few, forbidden, .. } = workspace;
    let starts = |busy: Interval| query.starts_forbidden_by(busy);
    let calendars = query.resources.calendars();
    let most = query.resources.places(calendars.len(), query.rules.capacity());
    forbidden.clear();
    forbidden.extend(query.booked_starts(most, meeting));
    match query.resources.group() {
        None => forbidden.extend(calendars.iter().flat_map(Busy::iter).filter_map(starts)),
        Some(group) => {
            blocked.clear();
            for busy in calendars {
                let from = blocked.len();
                blocked.extend(busy.iter().filter_map(starts));
                blocked[from..].sort_unstable_by_key(|i| i.start_second());
                coalesce_from(blocked, from);
            }
            // Where `taken` bookings meet, one more can take place if as many resources are free as these and the new one take.
            for taken in 0..most {
                overlapped(calendars.len() + 1 - group * (taken + 1), blocked, &mut meeting.edges, too_few);
                match taken {
                    0 => forbidden.extend_from_slice(too_few),
                    _ => intersect(query.booked_starts(taken, meeting), too_few, forbidden),
                }
            }
        }
    }
    forbidden.sort_unstable_by_key(|i| i.start_second());
    coalesce_from(forbidden, 0);
}
