//! Memory that a query needs while it runs, kept for the next one.

use crate::Interval;
use crate::query::next_on_grid;

#[derive(Debug, Default)]
pub(crate) struct Workspace {
    /// Stretches of possible starts.
    pub(crate) grids: Vec<Grid>,
    pub(crate) full_days: Vec<Interval>,
    pub(crate) meeting: Meeting,
    /// The starts that each calendar forbids, one calendar after the other.
    pub(crate) blocked: Vec<Interval>,
    /// The starts for which too few resources are free.
    pub(crate) too_few: Vec<Interval>,
    pub(crate) forbidden: Vec<Interval>,
    /// One bit per start: whether one calendar is free, whether bookings meet, and how many calendars are free (a bit of the number to a
    /// plane).
    pub(crate) free: Vec<u64>,
    pub(crate) met: Vec<u64>,
    pub(crate) planes: Vec<u64>,
}

/// Appointments already booked, and what they forbid.
#[derive(Debug, Default)]
pub(crate) struct Meeting {
    pub(crate) edges: Edges,
    pub(crate) bookings: Vec<Interval>,
    pub(crate) starts: Vec<Interval>,
}

/// Edges of intervals whose overlaps are counted.
#[derive(Debug, Default)]
pub(crate) struct Edges {
    pub(crate) starts: Vec<i64>,
    pub(crate) ends: Vec<i64>,
}

/// `count` possible starts from `first` on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Grid {
    pub(crate) first: i64,
    pub(crate) count: i64,
}

impl Grid {
    /// The starts `first`, `first + step`, … below `end` that lie in `[from, until)`.
    pub(crate) fn clipped(first: i64, end: i64, step: i64, from: i64, until: i64) -> Option<Grid> {
        let (first, end) = (next_on_grid(first, step, from), end.min(until));
        (first < end).then(|| Grid { first, count: (end - first - 1) / step + 1 })
    }
}
