//! Memory that a query needs while it runs, kept for the next one.

use crate::answer::Cells;
use crate::{Interval, OpenWindows, SlotRules};

#[derive(Debug, Default)]
pub(crate) struct Workspace {
    pub(crate) layout: Layout,
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

/// The possible starts of hours and rules as bits. It is made once for as long as a query has the same hours and rules as the last one.
#[derive(Debug, Default)]
pub(crate) struct Layout {
    pub(crate) made_for: Option<(OpenWindows, SlotRules)>,
    /// Stretches of possible starts: the first, and the end.
    pub(crate) grids: Vec<(i64, i64)>,
    /// `None` where bits are not worth it.
    pub(crate) cells: Option<Cells>,
    pub(crate) bits: Vec<u64>,
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
