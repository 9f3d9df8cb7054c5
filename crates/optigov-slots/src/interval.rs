use std::fmt;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, SubsecRound, Utc};
use chrono_tz::Tz;

use crate::civil::{self, Offsets};

/// The first and the last whole second that chrono can name; every interval lies between them.
pub(crate) const EARLIEST: i64 = DateTime::<Utc>::MIN_UTC.timestamp();
pub(crate) const LATEST: i64 = DateTime::<Utc>::MAX_UTC.timestamp();

/// A half-open stretch of time `[start, end)` that is never empty, in whole UTC seconds.
///
/// ```
/// use optigov_slots::Interval;
///
/// let nine_to_ten = Interval::new("2027-03-01T09:00:00Z".parse()?, "2027-03-01T10:00:00Z".parse()?)?;
/// assert!(nine_to_ten.contains(nine_to_ten.start()));
/// assert!(!nine_to_ten.contains(nine_to_ten.end()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "crate::serial::RawInterval", into = "crate::serial::RawInterval"))]
pub struct Interval {
    start: i64,
    end: i64,
}

/// An interval was to end where it starts, or before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an interval must end after it starts")]
pub struct EmptyInterval;

impl Interval {
    /// The interval from `start` up to, but without, `end`. A start between two seconds is rounded down and an end up: what blocks never
    /// shrinks.
    ///
    /// # Errors
    /// [`EmptyInterval`] unless `start < end`.
    pub fn new(start: DateTime<Utc>, end: DateTime<Utc>) -> Result<Interval, EmptyInterval> {
        if start >= end {
            return Err(EmptyInterval);
        }
        let ceiled = end.timestamp() + i64::from(end.timestamp_subsec_nanos() > 0);
        Interval::from_unix(start.trunc_subsecs(0).timestamp(), ceiled)
    }

    /// The interval between two counts of seconds since 1970-01-01T00:00:00Z. Seconds beyond the years that chrono can name (about
    /// ±262,000) are brought to the nearest that it can.
    ///
    /// # Errors
    /// [`EmptyInterval`] unless `start < end`, also after that.
    pub const fn from_unix(start: i64, end: i64) -> Result<Interval, EmptyInterval> {
        let start = if start < EARLIEST { EARLIEST } else { start };
        let end = if end > LATEST { LATEST } else { end };
        if start < end { Ok(Interval { start, end }) } else { Err(EmptyInterval) }
    }

    /// The civil days `first` to `last`, both included, as they run in `zone`: from the first instant that shows the date `first` to the
    /// first that shows a date after `last`. A day can have 23 hours, 25, or begin at 01:00.
    ///
    /// # Errors
    /// [`EmptyInterval`] if `last` is before `first`, or if the zone skipped the days (Pacific/Apia had no 2011-12-30).
    pub fn of_dates(first: NaiveDate, last: NaiveDate, zone: Tz) -> Result<Interval, EmptyInterval> {
        let (first, last) = (first.to_epoch_days(), last.to_epoch_days());
        Interval::from_unix(civil::day_start(zone, first), civil::day_start(zone, last.saturating_add(1)))
    }

    /// The first and the last civil day, if this interval is made of whole days of `zone`: it runs from midnight to midnight (or from
    /// where the day begins, where it has no midnight). `None` otherwise.
    pub fn whole_days(self, zone: Tz) -> Option<(NaiveDate, NaiveDate)> {
        let offsets = Offsets::covering(zone, self.start, self.end);
        let (first, after) = (offsets.day_of(self.start), offsets.day_of(self.end));
        if offsets.day_start(first) != self.start || offsets.day_start(after) != self.end {
            return None;
        }
        // The last day is the one before `after` that the zone did not skip.
        Some((civil::date(first), civil::date(offsets.day_of(self.end - 1))))
    }

    pub(crate) const fn raw(start: i64, end: i64) -> Interval {
        debug_assert!(start < end);
        Interval { start, end }
    }

    /// The first instant inside.
    pub fn start(self) -> DateTime<Utc> {
        civil::instant(self.start)
    }

    /// The first instant after.
    pub fn end(self) -> DateTime<Utc> {
        civil::instant(self.end)
    }

    /// [`start`](Interval::start) in seconds since 1970-01-01T00:00:00Z.
    pub const fn start_unix(self) -> i64 {
        self.start
    }

    /// [`end`](Interval::end) in seconds since 1970-01-01T00:00:00Z.
    pub const fn end_unix(self) -> i64 {
        self.end
    }

    /// From start to end; never zero.
    pub const fn duration(self) -> Duration {
        Duration::from_secs((self.end - self.start).unsigned_abs())
    }

    /// Whether `instant` lies in `[start, end)`.
    pub fn contains(self, instant: DateTime<Utc>) -> bool {
        self.contains_unix(instant.timestamp())
    }

    pub(crate) const fn contains_unix(self, second: i64) -> bool {
        self.start <= second && second < self.end
    }

    /// Whether some instant is in both. Intervals that only touch do not overlap.
    pub const fn overlaps(self, other: Interval) -> bool {
        self.start < other.end && other.start < self.end
    }

    /// What is in both, if anything is.
    pub fn intersection(self, other: Interval) -> Option<Interval> {
        Interval::from_unix(self.start.max(other.start), self.end.min(other.end)).ok()
    }

    /// The interval that starts `before` earlier and ends `after` later; parts of a second are rounded up. Stops at the ends of the years
    /// that chrono can name.
    pub fn widened(self, before: Duration, after: Duration) -> Interval {
        Interval {
            start: self.start.saturating_sub(ceiled_seconds(before)).max(EARLIEST),
            end: self.end.saturating_add(ceiled_seconds(after)).min(LATEST),
        }
    }
}

impl fmt::Debug for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// `2027-03-01T09:00:00Z/2027-03-01T10:00:00Z`, as ISO 8601 writes an interval.
impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}/{:?}", self.start(), self.end())
    }
}

fn ceiled_seconds(duration: Duration) -> i64 {
    let seconds = duration.as_secs().saturating_add(u64::from(duration.subsec_nanos() > 0));
    i64::try_from(seconds).unwrap_or(i64::MAX)
}
