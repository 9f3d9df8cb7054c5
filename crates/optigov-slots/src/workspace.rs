//! Memory that a query needs while it runs, kept for the next one.

use crate::cells::Cells;
use crate::time::UtcSecond;
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
    /// One bit for each start: whether one calendar is free.
    pub(crate) free: Vec<u64>,
    /// One bit for each start: whether so many bookings meet.
    pub(crate) met: Vec<u64>,
    /// How many calendars are free for each start, in bit planes: see the module page of `bitmap`.
    pub(crate) planes: Vec<u64>,
}

/// The possible starts of hours and rules as bits. A query with the same hours and rules as the last one uses the same layout again.
#[derive(Debug, Default)]
pub(crate) struct Layout {
    pub(crate) made_for: Option<(OpenWindows, SlotRules)>,
    /// Stretches of possible starts: from the first start until where none may be any more.
    pub(crate) grids: Vec<Interval>,
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
    pub(crate) starts: Vec<UtcSecond>,
    pub(crate) ends: Vec<UtcSecond>,
}
