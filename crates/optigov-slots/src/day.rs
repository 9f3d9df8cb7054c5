//! The answer day by day: how many slots each local day has, and in a word why one has none.

use chrono::NaiveDate;

use crate::open::Closed;
use crate::query::{Query, next_on_grid};
use crate::time::{Day, Seconds, UtcSecond};
use crate::{Anchor, Interval, Slots};

/// One local day of an answer. See [`Slots::days`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct DaySlots {
    /// The date.
    pub date: NaiveDate,
    /// How many slots begin on it, within the window that was asked for.
    pub count: usize,
    /// Why there are none; `None` where there are some.
    pub empty: Option<EmptyDay>,
}

/// Why no appointment can be booked on a local day, in a word: what would have to be different first. [`Slots::why`] tells it for one instant,
/// with all reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum EmptyDay {
    /// The counter is closed.
    Closed,
    /// The counter is closed since the day is a holiday.
    Holiday,
    /// The counter is open, but never long enough for the appointment, or not where the grid lets one start.
    TooShort,
    /// The day cannot be booked yet.
    OutsideHorizon,
    /// It is too late to book on the day, or the day has passed.
    LeadTime,
    /// The counter is open and can be booked, but everything is taken: by calendars, by bookings or by the day limit.
    Full,
}

impl EmptyDay {
    /// The name of the reason for programs: `closed`, `holiday`, `too_short`, `outside_horizon`, `lead_time` or `full`. It does not change.
    pub const fn code(self) -> &'static str {
        match self {
            EmptyDay::Closed => "closed",
            EmptyDay::Holiday => "holiday",
            EmptyDay::TooShort => "too_short",
            EmptyDay::OutsideHorizon => "outside_horizon",
            EmptyDay::LeadTime => "lead_time",
            EmptyDay::Full => "full",
        }
    }
}

impl Slots {
    /// Every local day that the window touches, in order: the number of slots that start on it, and why there are none. What lies outside the
    /// window does not count.
    pub fn days(&self) -> impl Iterator<Item = DaySlots> + '_ {
        let query = self.query();
        let possible = PossibleStarts::of(&query);
        self.open.days().zip(self.counts_per_day()).map(move |((date, day), (_, count))| {
            let empty = (count == 0).then(|| self.why_empty(date, day, &query, &possible));
            DaySlots { date, count, empty }
        })
    }

    fn why_empty(&self, date: NaiveDate, day: Interval, query: &Query<'_>, possible: &PossibleStarts) -> EmptyDay {
        // The day touches the window, so the part of it within the window is never empty.
        let part = day.intersection(self.open.window()).unwrap_or(day);
        let (start, end) = (part.start_second(), part.end_second());
        if !possible.any(start, end) {
            return match self.open.closed_by(Day::of(date)) {
                _ if self.open.windows().overlaps(part) => EmptyDay::TooShort,
                Some(Closed::Holiday) => EmptyDay::Holiday,
                _ => EmptyDay::Closed,
            };
        }
        if possible.any(start.max(query.from), end.min(query.until)) {
            EmptyDay::Full
        } else if query.until <= start {
            EmptyDay::OutsideHorizon
        } else {
            EmptyDay::LeadTime
        }
    }
}

/// The starts that hours and grid leave, whatever is busy.
struct PossibleStarts {
    /// From a first start to where none may be any more; in order.
    stretches: Vec<(UtcSecond, UtcSecond)>,
    step: Seconds,
}

impl PossibleStarts {
    fn of(query: &Query<'_>) -> PossibleStarts {
        let mut stretches = Vec::new();
        query.for_each_grid(|first, end| stretches.push((first, end)));
        // Back to back, the grid begins anew wherever something ends, so an appointment may start at any second.
        let step = if query.rules.anchor() == Anchor::BackToBack { Seconds::ONE } else { query.rules.step };
        PossibleStarts { stretches, step }
    }

    /// Whether one lies between these two, the second not included.
    fn any(&self, from: UtcSecond, until: UtcSecond) -> bool {
        let first = self.stretches.partition_point(|&(_, end)| end <= from);
        let near = self.stretches.get(first..).unwrap_or_default().iter().take_while(|&&(first, _)| first < until);
        near.into_iter().any(|&(first, end)| next_on_grid(first, self.step, from) < end.min(until))
    }
}
