use std::fmt;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;

use crate::civil::{self, Offsets};
use crate::time::{Day, Seconds, UtcSecond};

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
#[cfg_attr(feature = "serde", serde(try_from = "Fields", into = "Fields"))]
pub struct Interval {
    start: UtcSecond,
    end: UtcSecond,
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
        Interval::from_unix(UtcSecond::floor(start).unix(), UtcSecond::ceil(end).unix())
    }

    /// The interval between two counts of seconds since 1970-01-01T00:00:00Z. Seconds beyond the years that chrono can name (about
    /// ±262,000) are brought to the nearest that it can.
    ///
    /// # Errors
    /// [`EmptyInterval`] unless `start < end`, also after that.
    #[inline]
    pub const fn from_unix(start: i64, end: i64) -> Result<Interval, EmptyInterval> {
        let (earliest, latest) = (UtcSecond::EARLIEST.unix(), UtcSecond::LATEST.unix());
        let start = if start < earliest { earliest } else { start };
        let end = if end > latest { latest } else { end };
        if start < end {
            Ok(Interval { start: UtcSecond::from_unix(start), end: UtcSecond::from_unix(end) })
        } else {
            Err(EmptyInterval)
        }
    }

    /// The civil days `first` to `last`, both included, as they run in `zone`: from the first instant that shows the date `first` to the
    /// first that shows a date after `last`. A day can have 23 hours, 25, or begin at 01:00.
    ///
    /// # Errors
    /// [`EmptyInterval`] if `last` is before `first`, or if the zone skipped the days (Pacific/Apia had no 2011-12-30).
    pub fn of_dates(first: NaiveDate, last: NaiveDate, zone: Tz) -> Result<Interval, EmptyInterval> {
        let (first, after) = (Day::of(first), Day::of(last).next());
        Interval::between(civil::day_start(zone, first), civil::day_start(zone, after)).ok_or(EmptyInterval)
    }

    /// The civil day to which `instant` belongs, as it runs in `zone`. Days are counted here as everywhere in this crate, so an answer for
    /// this window and an answer for a longer one agree on whether an appointment can start at `instant`.
    ///
    /// A day begins at the first instant that shows its date and ends where the next day begins. This is not always the date that the
    /// clock shows: where clocks are put back over midnight, a date is shown, left, and shown again, and by then the next day has begun.
    ///
    /// ```
    /// use chrono_tz::America::St_Johns;
    /// use optigov_slots::Interval;
    ///
    /// // At 00:01 on 7 November 2010, clocks in Newfoundland were put back to 23:01 on 6 November.
    /// let again_half_past_eleven = "2010-11-07T03:00:00Z".parse()?;
    /// let day = Interval::of_civil_day(again_half_past_eleven, St_Johns);
    /// assert_eq!(day, Interval::of_dates("2010-11-07".parse()?, "2010-11-07".parse()?, St_Johns)?);
    /// assert!(day.contains(again_half_past_eleven));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// The interval contains `instant`, with one exception: no interval contains the last second that chrono can name.
    pub fn of_civil_day(instant: DateTime<Utc>, zone: Tz) -> Interval {
        // The last second of all can only be an end.
        let instant = UtcSecond::floor(instant).min(UtcSecond::LATEST - Seconds::ONE);
        let offsets = Offsets::around(zone, instant);
        let day = offsets.day_of(instant);
        let (start, end) = (offsets.day_start(day), offsets.day_start(day.next()));
        debug_assert!(start <= instant && instant < end);
        Interval::raw(start.clamp(UtcSecond::EARLIEST, instant), end.clamp(instant + Seconds::ONE, UtcSecond::LATEST))
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
        Some((first.date(), offsets.day_of(self.end - Seconds::ONE).date()))
    }

    /// From instants that are known to be in order and within the years that chrono can name.
    pub(crate) const fn raw(start: UtcSecond, end: UtcSecond) -> Interval {
        debug_assert!(start.unix() < end.unix());
        Interval { start, end }
    }

    /// What lies between two instants and within the years that chrono can name; `None` if nothing does.
    pub(crate) fn between(start: UtcSecond, end: UtcSecond) -> Option<Interval> {
        let (start, end) = (start.max(UtcSecond::EARLIEST), end.min(UtcSecond::LATEST));
        (start < end).then_some(Interval { start, end })
    }

    /// The first instant inside.
    pub fn start(self) -> DateTime<Utc> {
        self.start.instant()
    }

    /// The first instant after.
    pub fn end(self) -> DateTime<Utc> {
        self.end.instant()
    }

    pub(crate) const fn start_second(self) -> UtcSecond {
        self.start
    }

    pub(crate) const fn end_second(self) -> UtcSecond {
        self.end
    }

    /// [`start`](Interval::start) in seconds since 1970-01-01T00:00:00Z.
    pub const fn start_unix(self) -> i64 {
        self.start.unix()
    }

    /// [`end`](Interval::end) in seconds since 1970-01-01T00:00:00Z.
    pub const fn end_unix(self) -> i64 {
        self.end.unix()
    }

    /// From start to end; never zero.
    pub const fn duration(self) -> Duration {
        Duration::from_secs(self.start.unix().abs_diff(self.end.unix()))
    }

    /// Whether `instant` lies in `[start, end)`.
    pub fn contains(self, instant: DateTime<Utc>) -> bool {
        self.contains_second(UtcSecond::floor(instant))
    }

    pub(crate) fn contains_second(self, second: UtcSecond) -> bool {
        self.start <= second && second < self.end
    }

    /// The smallest interval that holds both.
    pub fn hull(self, other: Interval) -> Interval {
        Interval { start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// Whether some instant is in both. Intervals that only touch do not overlap.
    #[inline]
    pub const fn overlaps(self, other: Interval) -> bool {
        self.start.unix() < other.end.unix() && other.start.unix() < self.end.unix()
    }

    /// What is in both, if anything is.
    pub fn intersection(self, other: Interval) -> Option<Interval> {
        Interval::between(self.start.max(other.start), self.end.min(other.end))
    }

    /// The interval that starts `before` earlier and ends `after` later; parts of a second are rounded up. Stops at the ends of the years
    /// that chrono can name.
    pub fn widened(self, before: Duration, after: Duration) -> Interval {
        self.widened_by(Seconds::ceil(before), Seconds::ceil(after))
    }

    pub(crate) fn widened_by(self, before: Seconds, after: Seconds) -> Interval {
        Interval {
            start: self.start.saturating_sub(before).max(UtcSecond::EARLIEST),
            end: self.end.saturating_add(after).min(UtcSecond::LATEST),
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

/// How an interval is written and read: `{"start": "2027-03-01T09:00:00Z", "end": "2027-03-01T10:00:00Z"}`.
#[cfg(feature = "serde")]
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    start: DateTime<Utc>,
    end: DateTime<Utc>,
}

#[cfg(feature = "serde")]
impl TryFrom<Fields> for Interval {
    type Error = EmptyInterval;

    fn try_from(fields: Fields) -> Result<Interval, EmptyInterval> {
        Interval::new(fields.start, fields.end)
    }
}

#[cfg(feature = "serde")]
impl From<Interval> for Fields {
    fn from(interval: Interval) -> Fields {
        Fields { start: interval.start(), end: interval.end() }
    }
}
