//! What the facade keeps of an appointment: when, which status, whether cancelled. Nothing else exists here to leak.

use chrono::{Days, NaiveDate};
use optigov_counter::Status;
use optigov_slots::Interval;
use serde::{Deserialize, Serialize};

/// One entry of a calendar, in 16 bytes: when it is, its free/busy status, whether it was cancelled.
///
/// It has no title, no attendees and no identity, so it may be cached and logged.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Packed", into = "Packed")]
pub struct CalendarEntry {
    /// Unix seconds of a timed entry; days since 1970-01-01 of an all-day entry.
    start: i64,
    /// Seconds of a timed entry; days of an all-day entry. Never 0.
    length: u32,
    /// Status in the low bits, then [`ALL_DAY`] and [`CANCELLED`].
    traits: u8,
}

/// When an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum When {
    /// It has a start and an end time.
    Timed(Interval),
    /// It bears Exchange's all-day flag and covers these civil dates, both included, in the zone it was made in.
    AllDay {
        /// First date covered.
        first: NaiveDate,
        /// Last date covered; not before `first`.
        last: NaiveDate,
    },
}

const ALL_DAY: u8 = 1 << 6;
const CANCELLED: u8 = 1 << 7;
const EPOCH: NaiveDate = NaiveDate::from_ymd_opt(1970, 1, 1).expect("a date");

impl CalendarEntry {
    /// An entry with a start and an end time. One longer than 136 years ends after 136 years.
    pub fn timed(interval: Interval, status: Status) -> Self {
        let seconds = interval.end_unix().saturating_sub(interval.start_unix());
        CalendarEntry {
            start: interval.start_unix(),
            length: u32::try_from(seconds).unwrap_or(u32::MAX),
            traits: status_bits(status),
        }
    }

    /// An entry with Exchange's all-day flag, covering `first` to `last`, both included (`last` before `first` counts as `first`).
    pub fn all_day(first: NaiveDate, last: NaiveDate, status: Status) -> Self {
        let days = (last.max(first) - first).num_days() + 1;
        CalendarEntry {
            start: (first - EPOCH).num_days(),
            length: u32::try_from(days).unwrap_or(u32::MAX),
            traits: status_bits(status) | ALL_DAY,
        }
    }

    /// The same entry, cancelled by its organiser but still in the calendar.
    pub fn cancelled(self) -> Self {
        CalendarEntry { traits: self.traits | CANCELLED, ..self }
    }

    /// When it is.
    pub fn when(self) -> When {
        if self.traits & ALL_DAY == 0 {
            let end = self.start.saturating_add(i64::from(self.length));
            return When::Timed(
                Interval::from_unix(self.start, end).expect("length is not 0: every constructor sees to it"),
            );
        }
        let first = EPOCH.checked_add_signed(chrono::TimeDelta::days(self.start)).unwrap_or(NaiveDate::MAX);
        let last = first.checked_add_days(Days::new(u64::from(self.length - 1))).unwrap_or(NaiveDate::MAX);
        When::AllDay { first, last }
    }

    /// Its free/busy status.
    pub fn status(self) -> Status {
        STATUSES[usize::from(self.traits & 0b111)]
    }

    /// Whether it was cancelled.
    pub fn is_cancelled(self) -> bool {
        self.traits & CANCELLED != 0
    }
}

impl std::fmt::Debug for CalendarEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut out = f.debug_struct("CalendarEntry");
        out.field("when", &self.when()).field("status", &self.status());
        out.field("cancelled", &self.is_cancelled()).finish()
    }
}

/// The index of a status here is its code in [`CalendarEntry::traits`]; the last one is also read for codes without a status.
const STATUSES: [Status; 8] = [
    Status::Free,
    Status::Tentative,
    Status::Busy,
    Status::OutOfOffice,
    Status::WorkingElsewhere,
    Status::NoData,
    Status::Unknown,
    Status::Unknown,
];

fn status_bits(status: Status) -> u8 {
    STATUSES.iter().zip(0u8..).find(|(known, _)| **known == status).map_or(6, |(_, code)| code)
}

/// How an entry is written: `[start, length, traits]`, compact enough for a shared store.
#[derive(Serialize, Deserialize)]
struct Packed(i64, u32, u8);

impl From<CalendarEntry> for Packed {
    fn from(entry: CalendarEntry) -> Self {
        Packed(entry.start, entry.length, entry.traits)
    }
}

impl TryFrom<Packed> for CalendarEntry {
    type Error = &'static str;

    fn try_from(Packed(start, length, traits): Packed) -> Result<Self, Self::Error> {
        let entry = CalendarEntry { start, length, traits };
        let days_too_many = traits & ALL_DAY != 0 && start.unsigned_abs() > 1_000_000;
        let out_of_range = Interval::from_unix(start, start.saturating_add(i64::from(length))).is_err();
        if length == 0 || days_too_many || out_of_range {
            return Err("not a calendar entry: it is empty or out of range");
        }
        Ok(entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> NaiveDate {
        text.parse().expect("a date")
    }

    #[test]
    fn an_entry_takes_16_bytes() {
        assert_eq!(std::mem::size_of::<CalendarEntry>(), 16);
    }

    #[test]
    fn what_goes_in_comes_out() {
        let interval = Interval::from_unix(1_700_000_000, 1_700_003_600).expect("not empty");
        for status in STATUSES {
            let timed = CalendarEntry::timed(interval, status);
            assert_eq!((timed.when(), timed.status(), timed.is_cancelled()), (When::Timed(interval), status, false));
            let (first, last) = (date("2026-12-24"), date("2027-01-01"));
            let all_day = CalendarEntry::all_day(first, last, status).cancelled();
            assert_eq!((all_day.when(), all_day.is_cancelled()), (When::AllDay { first, last }, true));
            let text = serde_json::to_string(&all_day).expect("serialises");
            assert_eq!(serde_json::from_str::<CalendarEntry>(&text).expect("reads back"), all_day);
        }
    }

    #[test]
    fn a_damaged_record_is_refused() {
        assert!(serde_json::from_str::<CalendarEntry>("[0,0,2]").is_err(), "empty");
        assert!(serde_json::from_str::<CalendarEntry>("[9223372036854775807,1,66]").is_err(), "no such date");
    }
}
