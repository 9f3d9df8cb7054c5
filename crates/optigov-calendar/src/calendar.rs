//! What a source answers for one mailbox.

use serde::{Deserialize, Serialize};

use crate::CalendarEntry;

/// The entries of one mailbox over the window asked for: all of them, never a part.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calendar {
    entries: Vec<CalendarEntry>,
    all_day: AllDayFlag,
}

/// Whether a source says of its entries which are all-day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AllDayFlag {
    /// It does: a timed entry is timed.
    #[default]
    Known,
    /// It does not (free/busy mode): an entry from midnight to midnight in the counter's zone is taken for all-day, as a stated guess.
    Guessed,
}

impl Calendar {
    /// Entries of a source that tells all-day entries from timed ones. Their order does not matter.
    pub fn new(entries: Vec<CalendarEntry>) -> Calendar {
        Calendar { entries, all_day: AllDayFlag::Known }
    }

    /// Entries of a source that does not say which are all-day.
    pub fn without_all_day_flag(entries: Vec<CalendarEntry>) -> Calendar {
        Calendar { entries, all_day: AllDayFlag::Guessed }
    }

    /// The entries, in no particular order.
    pub fn entries(&self) -> &[CalendarEntry] {
        &self.entries
    }

    /// The entries themselves.
    pub fn into_entries(self) -> Vec<CalendarEntry> {
        self.entries
    }

    /// Whether the source told all-day entries from timed ones.
    pub fn all_day_flag(&self) -> AllDayFlag {
        self.all_day
    }
}
