//! A reading: one mailbox's entries over a window, and when they were read.

use chrono::{DateTime, Utc};
use optigov_calendar::{AllDayFlag, Calendar, CalendarEntry};
use optigov_slots::Interval;
use serde::{Deserialize, Serialize};

use crate::WatchId;

/// One mailbox's entries over a window, and when they were read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    window: Interval,
    read_at: DateTime<Utc>,
    all_day: AllDayFlag,
    watch: Option<WatchId>,
    entries: Box<[CalendarEntry]>,
}

impl Reading {
    /// What a source answered for `window` to a question that was asked at `read_at`.
    pub fn new(window: Interval, read_at: DateTime<Utc>, calendar: Calendar) -> Reading {
        let all_day = calendar.all_day_flag();
        let mut entries = calendar.into_entries();
        entries.sort_unstable();
        Reading { window, read_at, all_day, watch: None, entries: entries.into_boxed_slice() }
    }

    /// The same, begun while the mailbox stood under this watch. It must have stood before the source was asked.
    pub fn under(self, watch: Option<WatchId>) -> Reading {
        Reading { watch, ..self }
    }

    /// When it was read: the instant at which the question was asked.
    pub fn read_at(&self) -> DateTime<Utc> {
        self.read_at
    }

    /// The stretch of time that was read.
    pub fn window(&self) -> Interval {
        self.window
    }

    /// The entries, in a stable order.
    pub fn entries(&self) -> &[CalendarEntry] {
        &self.entries
    }

    /// Whether the source told all-day entries from timed ones.
    pub fn all_day_flag(&self) -> AllDayFlag {
        self.all_day
    }

    /// The watch under which the mailbox stood when the source was asked; `None` where it stood under none.
    pub fn watch(&self) -> Option<WatchId> {
        self.watch
    }

    /// Whether all of `window` was read.
    pub fn covers(&self, window: Interval) -> bool {
        self.window.start_unix() <= window.start_unix() && window.end_unix() <= self.window.end_unix()
    }

    /// Bytes that it holds in memory.
    pub fn bytes(&self) -> usize {
        std::mem::size_of::<Self>() + std::mem::size_of_val(&*self.entries)
    }
}
