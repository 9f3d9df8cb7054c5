//! The kinds of whole numbers that the engine counts with, each a type of its own, so that the compiler tells them apart.
//!
//! | type | what it counts | from where |
//! |---|---|---|
//! | [`UtcSecond`] | instants, in seconds | 1970-01-01T00:00:00Z |
//! | [`WallSecond`] | what clocks on the wall show, in seconds | 1970-01-01T00:00:00, local time |
//! | [`Day`] | civil days | 1970-01-01 |
//! | [`Seconds`] | lengths of time, also negative ones | |
//! | [`UtcOffset`] | how far a zone's clocks are ahead of UTC | |
//!
//! Only an offset leads from an instant to what the clocks show and back; only a day has a midnight. Conversions that do not always fit
//! saturate. The module `index` has those from and to indices.

use std::ops::{Add, AddAssign, Div, Mul, Rem, Sub};
use std::time::Duration;

use chrono::{DateTime, NaiveDate, NaiveTime, Timelike, Utc};

/// The length of a day without a change of clocks, for types that are not [`Seconds`].
pub(crate) const SECONDS_OF_A_DAY: u32 = 86_400;

/// An instant. All that lie in an [`Interval`](crate::Interval) are between [`EARLIEST`](UtcSecond::EARLIEST) and
/// [`LATEST`](UtcSecond::LATEST).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct UtcSecond(i64);

/// What a clock on the wall shows: date and time of day, without the offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct WallSecond(i64);

/// A civil day of some zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Day(i32);

/// A length of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct Seconds(i64);

/// How far the clocks of a zone are ahead of UTC; negative in the west.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct UtcOffset(i64);

impl UtcSecond {
    /// Before all instants.
    pub(crate) const MIN: UtcSecond = UtcSecond(i64::MIN);
    /// After all instants.
    pub(crate) const MAX: UtcSecond = UtcSecond(i64::MAX);
    /// The first whole second that chrono can name.
    pub(crate) const EARLIEST: UtcSecond = UtcSecond(DateTime::<Utc>::MIN_UTC.timestamp());
    /// The last whole second that chrono can name.
    pub(crate) const LATEST: UtcSecond = UtcSecond(DateTime::<Utc>::MAX_UTC.timestamp());

    #[inline]
    pub(crate) const fn from_unix(second: i64) -> UtcSecond {
        UtcSecond(second)
    }

    #[inline]
    pub(crate) const fn unix(self) -> i64 {
        self.0
    }

    /// The whole second in which an instant lies.
    pub(crate) fn floor(instant: DateTime<Utc>) -> UtcSecond {
        UtcSecond(instant.timestamp())
    }

    /// The first whole second that is not before an instant.
    pub(crate) fn ceil(instant: DateTime<Utc>) -> UtcSecond {
        UtcSecond(instant.timestamp() + i64::from(instant.timestamp_subsec_nanos() > 0))
    }

    /// As chrono's value, or the nearest that it can name.
    pub(crate) fn instant(self) -> DateTime<Utc> {
        DateTime::from_timestamp(self.0, 0).unwrap_or(if self.0 < 0 {
            DateTime::<Utc>::MIN_UTC
        } else {
            DateTime::<Utc>::MAX_UTC
        })
    }

    #[inline]
    pub(crate) const fn saturating_add(self, length: Seconds) -> UtcSecond {
        UtcSecond(self.0.saturating_add(length.0))
    }

    #[inline]
    pub(crate) const fn saturating_sub(self, length: Seconds) -> UtcSecond {
        UtcSecond(self.0.saturating_sub(length.0))
    }

    #[inline]
    pub(crate) const fn saturating_since(self, earlier: UtcSecond) -> Seconds {
        Seconds(self.0.saturating_sub(earlier.0))
    }

    /// The time since the last midnight in UTC.
    pub(crate) fn since_utc_midnight(self) -> Seconds {
        Seconds(self.0.rem_euclid(Seconds::DAY.0))
    }

    /// The last multiple of `grain`, counted from 1970-01-01T00:00:00Z, that is not after this instant.
    pub(crate) fn floor_to(self, grain: Seconds) -> UtcSecond {
        UtcSecond(self.0.div_euclid(grain.0) * grain.0)
    }
}

impl WallSecond {
    /// Before all readings.
    pub(crate) const MIN: WallSecond = WallSecond(i64::MIN);
    /// After all readings.
    pub(crate) const MAX: WallSecond = WallSecond(i64::MAX);

    /// The day whose date is shown.
    pub(crate) fn day(self) -> Day {
        let day = self.0.div_euclid(Seconds::DAY.0).clamp(i64::from(i32::MIN), i64::from(i32::MAX));
        Day(i32::try_from(day).unwrap_or(i32::MAX))
    }

    /// The time of day that is shown, from midnight on.
    #[inline]
    pub(crate) fn since_midnight(self) -> Seconds {
        Seconds(self.0.rem_euclid(Seconds::DAY.0))
    }
}

impl Day {
    #[inline]
    pub(crate) const fn from_epoch(days: i32) -> Day {
        Day(days)
    }

    pub(crate) fn of(date: NaiveDate) -> Day {
        Day(date.to_epoch_days())
    }

    /// The date of the day, or the nearest that chrono can name.
    pub(crate) fn date(self) -> NaiveDate {
        NaiveDate::from_epoch_days(self.0).unwrap_or(if self.0 < 0 { NaiveDate::MIN } else { NaiveDate::MAX })
    }

    /// Where the day begins on a clock that is never changed.
    #[inline]
    pub(crate) fn midnight(self) -> WallSecond {
        WallSecond(i64::from(self.0) * Seconds::DAY.0)
    }

    /// The day after.
    #[inline]
    pub(crate) const fn next(self) -> Day {
        self.plus(1)
    }

    /// So many days later, or earlier.
    #[inline]
    pub(crate) const fn plus(self, days: i32) -> Day {
        Day(self.0.saturating_add(days))
    }

    /// How many days this one is after another.
    #[inline]
    pub(crate) const fn since(self, earlier: Day) -> i32 {
        self.0.saturating_sub(earlier.0)
    }

    /// This day and all that follow, up to `last`, which is included.
    pub(crate) fn through(self, last: Day) -> impl Iterator<Item = Day> {
        (self.0..=last.0).map(Day)
    }

    /// This day and all that follow.
    pub(crate) fn onwards(self) -> impl Iterator<Item = Day> {
        (self.0..).map(Day)
    }

    /// How many days lie between the day and the Monday before: Monday is 0. 1970-01-01 was a Thursday.
    #[inline]
    pub(crate) fn days_from_monday(self) -> u8 {
        u8::try_from((i64::from(self.0) + 3).rem_euclid(7)).unwrap_or_default()
    }

    /// The Monday of the day's week.
    pub(crate) fn monday(self) -> Day {
        self.plus(-i32::from(self.days_from_monday()))
    }
}

impl Seconds {
    pub(crate) const ZERO: Seconds = Seconds(0);
    pub(crate) const ONE: Seconds = Seconds(1);
    /// A day without a change of clocks.
    pub(crate) const DAY: Seconds = Seconds(86_400);

    #[inline]
    pub(crate) const fn new(seconds: i64) -> Seconds {
        Seconds(seconds)
    }

    /// A duration without its fraction of a second.
    pub(crate) fn floor(duration: Duration) -> Seconds {
        Seconds(i64::try_from(duration.as_secs()).unwrap_or(i64::MAX))
    }

    /// A duration, with a fraction of a second rounded up.
    pub(crate) fn ceil(duration: Duration) -> Seconds {
        let seconds = duration.as_secs().saturating_add(u64::from(duration.subsec_nanos() > 0));
        Seconds(i64::try_from(seconds).unwrap_or(i64::MAX))
    }

    /// The duration, without its sign.
    pub(crate) const fn duration(self) -> Duration {
        Duration::from_secs(self.0.unsigned_abs())
    }

    /// The length of time from midnight to a time of day, without a fraction of a second.
    pub(crate) fn from_midnight(time: NaiveTime) -> Seconds {
        Seconds(i64::from(time.num_seconds_from_midnight()))
    }

    /// The time of day so long after midnight; midnight, if that is not on the same day.
    pub(crate) fn time_of_day(self) -> NaiveTime {
        let second = u32::try_from(self.0).ok();
        second.and_then(|second| NaiveTime::from_num_seconds_from_midnight_opt(second, 0)).unwrap_or_default()
    }

    #[inline]
    pub(crate) const fn count(self) -> i64 {
        self.0
    }

    /// The longer of two lengths.
    #[inline]
    pub(crate) const fn longer(self, other: Seconds) -> Seconds {
        if self.0 > other.0 { self } else { other }
    }

    /// This length, or none if it is negative.
    #[inline]
    pub(crate) const fn or_none(self) -> Seconds {
        self.longer(Seconds::ZERO)
    }

    #[inline]
    pub(crate) const fn saturating_add(self, other: Seconds) -> Seconds {
        Seconds(self.0.saturating_add(other.0))
    }
}

impl UtcOffset {
    pub(crate) fn from_seconds_east(seconds: i32) -> UtcOffset {
        UtcOffset(i64::from(seconds))
    }

    pub(crate) const fn seconds_east(self) -> i64 {
        self.0
    }

    /// What clocks with this offset show at an instant.
    #[inline]
    pub(crate) const fn shown_at(self, instant: UtcSecond) -> WallSecond {
        WallSecond(instant.0.saturating_add(self.0))
    }

    /// When clocks with this offset show a reading.
    #[inline]
    pub(crate) const fn instant_of(self, reading: WallSecond) -> UtcSecond {
        UtcSecond(reading.0 - self.0)
    }
}

/// Implements an operator between two of the types as the same operator between their numbers.
macro_rules! operator {
    ($operator:ident::$method:ident: $($left:ident, $right:ident => $result:ident;)*) => {$(
        impl $operator<$right> for $left {
            type Output = $result;

            #[inline]
            fn $method(self, other: $right) -> $result {
                $result(self.0.$method(other.0))
            }
        }
    )*};
}

operator!(Add::add: UtcSecond, Seconds => UtcSecond; WallSecond, Seconds => WallSecond; Seconds, Seconds => Seconds;);
operator!(Sub::sub: UtcSecond, Seconds => UtcSecond; UtcSecond, UtcSecond => Seconds; Seconds, Seconds => Seconds;);
operator!(Rem::rem: Seconds, Seconds => Seconds;);

impl AddAssign<Seconds> for UtcSecond {
    #[inline]
    fn add_assign(&mut self, length: Seconds) {
        *self = *self + length;
    }
}

impl Mul<i64> for Seconds {
    type Output = Seconds;

    #[inline]
    fn mul(self, times: i64) -> Seconds {
        Seconds(self.0 * times)
    }
}

/// How many times the divisor fits in whole.
impl Div for Seconds {
    type Output = i64;

    #[inline]
    fn div(self, divisor: Seconds) -> i64 {
        self.0 / divisor.0
    }
}

impl From<u32> for Seconds {
    #[inline]
    fn from(seconds: u32) -> Seconds {
        Seconds(i64::from(seconds))
    }
}
