//! What is kept of an appointment: when it is, its status, whether it was cancelled. There is nothing else here that could leak.

use chrono::{Days, NaiveDate, TimeDelta};
use optigov_slots::Interval;
use serde::{Deserialize, Serialize};

/// One entry of a calendar, in 16 bytes: when it is, its free/busy status, whether it was cancelled.
///
/// It has no title, no attendees and no identity, so it may be cached and logged.
///
/// ```
/// use optigov_calendar::{CalendarEntry, EntryStatus, EntryTime};
/// use optigov_slots::Interval;
///
/// let nine_to_ten = Interval::new("2027-03-01T09:00:00Z".parse()?, "2027-03-01T10:00:00Z".parse()?)?;
/// let meeting = CalendarEntry::timed(nine_to_ten, EntryStatus::Busy);
/// assert_eq!(meeting.time(), EntryTime::Timed(nine_to_ten));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Packed", into = "Packed")]
pub struct CalendarEntry {
    /// Unix seconds of a timed entry; days since 1970-01-01 of an all-day entry.
    start: i64,
    /// The lower 32 bits of the length: seconds of a timed entry, days of an all-day entry. The length is never 0.
    length: u32,
    /// The bits of the length above those.
    length_high: u16,
    /// The status in the low bits, then [`ALL_DAY`] and [`CANCELLED`].
    traits: u8,
}

/// When an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EntryTime {
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

/// How an entry shows in its owner's calendar: `LegacyFreeBusyStatus` and `BusyType` of EWS, `showAs` of Graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EntryStatus {
    /// The owner has marked the time as free.
    Free,
    /// Not confirmed.
    Tentative,
    /// Busy.
    Busy,
    /// Out of office.
    OutOfOffice,
    /// Working, at another place.
    WorkingElsewhere,
    /// The server knows that there is something, and not what.
    NoData,
    /// The server named no status, or one that this library does not know.
    Unknown,
}

impl EntryStatus {
    /// Every status, for tables and tests.
    pub const ALL: [EntryStatus; 7] = [
        EntryStatus::Free,
        EntryStatus::Tentative,
        EntryStatus::Busy,
        EntryStatus::OutOfOffice,
        EntryStatus::WorkingElsewhere,
        EntryStatus::NoData,
        EntryStatus::Unknown,
    ];

    /// Its index in [`ALL`](EntryStatus::ALL).
    #[inline]
    pub const fn index(self) -> usize {
        self as usize
    }
}

const ALL_DAY: u8 = 1 << 6;
const CANCELLED: u8 = 1 << 7;
/// No date that chrono can name is farther from 1970 than this.
const MOST_DAYS: u64 = 100_000_000;
const EPOCH: NaiveDate = NaiveDate::from_ymd_opt(1970, 1, 1).expect("a date");

impl CalendarEntry {
    /// An entry with a start and an end time.
    pub fn timed(interval: Interval, status: EntryStatus) -> CalendarEntry {
        let seconds = interval.end_unix().abs_diff(interval.start_unix());
        CalendarEntry::packed(interval.start_unix(), seconds, status_bits(status))
    }

    /// An entry with Exchange's all-day flag, covering `first` to `last`, both included (`last` before `first` counts as `first`).
    pub fn all_day(first: NaiveDate, last: NaiveDate, status: EntryStatus) -> CalendarEntry {
        let days = (last.max(first) - first).num_days().unsigned_abs() + 1;
        CalendarEntry::packed((first - EPOCH).num_days(), days, status_bits(status) | ALL_DAY)
    }

    /// The same entry, cancelled by its organiser but still in the calendar.
    pub fn cancelled(self) -> CalendarEntry {
        CalendarEntry { traits: self.traits | CANCELLED, ..self }
    }

    /// When it is.
    #[inline]
    pub fn time(self) -> EntryTime {
        let length = i64::try_from(self.length()).unwrap_or(i64::MAX);
        if self.traits & ALL_DAY == 0 {
            let interval = Interval::from_unix(self.start, self.start.saturating_add(length));
            return EntryTime::Timed(interval.expect("every constructor sees to it that the entry is not empty"));
        }
        let first = TimeDelta::try_days(self.start).and_then(|days| EPOCH.checked_add_signed(days));
        let first = first.unwrap_or(NaiveDate::MAX);
        let last = first.checked_add_days(Days::new(self.length() - 1)).unwrap_or(NaiveDate::MAX);
        EntryTime::AllDay { first, last }
    }

    /// Its free/busy status.
    #[inline]
    pub fn status(self) -> EntryStatus {
        EntryStatus::ALL.get(usize::from(self.traits & 0b111)).copied().unwrap_or(EntryStatus::Unknown)
    }

    /// Whether it was cancelled.
    #[inline]
    pub fn is_cancelled(self) -> bool {
        self.traits & CANCELLED != 0
    }

    fn packed(start: i64, length: u64, traits: u8) -> CalendarEntry {
        let length = length.min((1 << 48) - 1);
        let [a, b, c, d, e, f, ..] = length.to_le_bytes();
        CalendarEntry {
            start,
            length: u32::from_le_bytes([a, b, c, d]),
            length_high: u16::from_le_bytes([e, f]),
            traits,
        }
    }

    #[inline]
    fn length(self) -> u64 {
        u64::from(self.length_high) << 32 | u64::from(self.length)
    }
}

impl std::fmt::Debug for CalendarEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut out = f.debug_struct("CalendarEntry");
        out.field("time", &self.time()).field("status", &self.status());
        out.field("cancelled", &self.is_cancelled()).finish()
    }
}

/// The index of the status in [`EntryStatus::ALL`].
fn status_bits(status: EntryStatus) -> u8 {
    status as u8
}

/// How an entry is written: `[start, length, traits]`, compact enough for a shared store.
#[derive(Serialize, Deserialize)]
struct Packed(i64, u64, u8);

impl From<CalendarEntry> for Packed {
    fn from(entry: CalendarEntry) -> Packed {
        Packed(entry.start, entry.length(), entry.traits)
    }
}

impl TryFrom<Packed> for CalendarEntry {
    type Error = &'static str;

    fn try_from(Packed(start, length, traits): Packed) -> Result<CalendarEntry, Self::Error> {
        let all_day = traits & ALL_DAY != 0;
        let possible = match all_day {
            true => start.unsigned_abs() <= MOST_DAYS && (1..=2 * MOST_DAYS).contains(&length),
            false => {
                let seconds = i64::try_from(length).ok().filter(|_| length < 1 << 48);
                seconds.is_some_and(|seconds| Interval::from_unix(start, start.saturating_add(seconds)).is_ok())
            }
        };
        match possible {
            true => Ok(CalendarEntry::packed(start, length, traits)),
            false => Err("not a calendar entry: it is empty or out of range"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> NaiveDate {
        text.parse().expect("a date")
    }

    #[test]
    fn the_index_of_a_status_is_its_place_among_all() {
        for (place, status) in EntryStatus::ALL.into_iter().enumerate() {
            assert_eq!(status.index(), place, "{status:?}");
        }
    }

    #[test]
    fn an_entry_takes_16_bytes() {
        assert_eq!(std::mem::size_of::<CalendarEntry>(), 16);
    }

    #[test]
    fn what_goes_in_comes_out() {
        let short = Interval::from_unix(1_700_000_000, 1_700_003_600).expect("not empty");
        let ages = Interval::from_unix(i64::MIN, i64::MAX).expect("not empty");
        for (interval, status) in EntryStatus::ALL.into_iter().flat_map(|status| [(short, status), (ages, status)]) {
            let timed = CalendarEntry::timed(interval, status);
            assert_eq!(
                (timed.time(), timed.status(), timed.is_cancelled()),
                (EntryTime::Timed(interval), status, false)
            );
            let (first, last) = (date("2026-12-24"), date("2027-01-01"));
            let all_day = CalendarEntry::all_day(first, last, status).cancelled();
            assert_eq!((all_day.time(), all_day.is_cancelled()), (EntryTime::AllDay { first, last }, true));
            for entry in [timed, all_day] {
                let text = serde_json::to_string(&entry).expect("serialises");
                assert_eq!(serde_json::from_str::<CalendarEntry>(&text).expect("reads back"), entry);
            }
        }
        let all_time = CalendarEntry::all_day(NaiveDate::MIN, NaiveDate::MAX, EntryStatus::Busy);
        assert_eq!(all_time.time(), EntryTime::AllDay { first: NaiveDate::MIN, last: NaiveDate::MAX });
    }

    #[test]
    fn a_damaged_record_is_refused() {
        for text in ["[0,0,2]", "[9223372036854775807,1,66]", "[0,9223372036854775807,2]", "[0,400000000,66]"] {
            assert!(serde_json::from_str::<CalendarEntry>(text).is_err(), "{text}");
        }
    }
}
