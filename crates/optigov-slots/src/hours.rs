use std::fmt;
use std::ops::BitOr;
use std::str::FromStr;
use std::time::Duration;

use chrono::{NaiveTime, Timelike, Weekday};

use crate::Error;
use crate::time::{SECONDS_OF_A_DAY, Seconds};

/// Opening hours of one day, in civil time: from a time of day to a later one, at most a day on.
///
/// Written `08:00-12:00`; an end of `24:00` is the midnight after. An end at or before the start is on the next day: `22:00-02:00`,
/// `18:00-00:00`. Seconds may be given: `08:00:30-12:00`.
///
/// ```
/// use optigov_slots::Hours;
///
/// let hours: Hours = "18:00-24:00".parse()?;
/// assert_eq!(hours, "18:00-00:00".parse()?);
/// assert!("8-12".parse::<Hours>().is_err());
/// # Ok::<(), optigov_slots::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hours {
    /// Seconds from local midnight, below a day.
    opening: u32,
    /// Seconds from the same midnight, above `opening` by at most a day.
    closing: u32,
}

impl Hours {
    /// From midnight to midnight.
    pub const ALL_DAY: Hours = Hours { opening: 0, closing: SECONDS_OF_A_DAY };

    /// From one time of day to another; if that is not later, to that time on the next day. Parts of a second are dropped. The same
    /// time twice means 24 hours.
    pub fn new(opening: NaiveTime, closing: NaiveTime) -> Hours {
        let (opening, closing) = (opening.num_seconds_from_midnight(), closing.num_seconds_from_midnight());
        Hours { opening, closing: if closing > opening { closing } else { closing + SECONDS_OF_A_DAY } }
    }

    /// When the hours begin: the time that the wall clock counts from the midnight that begins the day, less than 24 hours.
    pub fn start(self) -> Duration {
        Duration::from_secs(u64::from(self.opening))
    }

    /// When the hours end, counted from the same midnight: more than 24 hours if they end on the next day.
    pub fn end(self) -> Duration {
        Duration::from_secs(u64::from(self.closing))
    }

    /// Whether two hours of the same day have time in common.
    pub fn overlaps(self, other: Hours) -> bool {
        self.opening < other.closing && other.opening < self.closing
    }

    /// When the hours begin, as the wall clock counts from the midnight that begins the day.
    pub(crate) fn opening(self) -> Seconds {
        Seconds::from(self.opening)
    }

    /// When the hours end, counted from the same midnight.
    pub(crate) fn closing(self) -> Seconds {
        Seconds::from(self.closing)
    }
}

impl FromStr for Hours {
    type Err = Error;

    fn from_str(text: &str) -> Result<Hours, Error> {
        let unreadable = || {
            let shown: String = text.chars().take(30).collect();
            Error::new(
                "hours",
                format!("cannot read `{shown}`: write two times of day with a hyphen, such as 08:00-12:00"),
            )
        };
        let (opening, closing) = text.split_once('-').ok_or_else(unreadable)?;
        let opening = seconds(opening.trim()).ok_or_else(unreadable)?;
        let closing = seconds(closing.trim()).ok_or_else(unreadable)?;
        if opening >= SECONDS_OF_A_DAY || closing > SECONDS_OF_A_DAY {
            return Err(Error::new(
                "hours",
                "a day opens before 24:00 and closes at 24:00 or before: write 00:00 or 24:00",
            ));
        }
        if opening == closing {
            return Err(Error::new("hours", "they end as they begin: write 00:00-24:00 for a whole day"));
        }
        Ok(Hours { opening, closing: if closing > opening { closing } else { closing + SECONDS_OF_A_DAY } })
    }
}

impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let closing = if self.closing > SECONDS_OF_A_DAY { self.closing - SECONDS_OF_A_DAY } else { self.closing };
        for (second, before) in [(self.opening, ""), (closing, "-")] {
            write!(f, "{before}{:02}:{:02}", second / 3600, second / 60 % 60)?;
            if second % 60 != 0 {
                write!(f, ":{:02}", second % 60)?;
            }
        }
        Ok(())
    }
}

fn seconds(text: &str) -> Option<u32> {
    let mut parts = text.split(':').map(|part| {
        let digits = part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| part.parse::<u32>().ok()).flatten()
    });
    let (hour, minute) = (parts.next()??, parts.next()??);
    let second = parts.next().unwrap_or(Some(0))?;
    let valid = minute < 60 && second < 60 && parts.next().is_none();
    valid.then_some(hour * 3600 + minute * 60 + second)
}

/// A set of weekdays. Its text names them from Monday on and joins neighbours: `Mon-Fri, Sun`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Weekdays(u8);

impl Weekdays {
    /// Mondays.
    pub const MONDAY: Weekdays = Weekdays(1);
    /// Tuesdays.
    pub const TUESDAY: Weekdays = Weekdays(1 << 1);
    /// Wednesdays.
    pub const WEDNESDAY: Weekdays = Weekdays(1 << 2);
    /// Thursdays.
    pub const THURSDAY: Weekdays = Weekdays(1 << 3);
    /// Fridays.
    pub const FRIDAY: Weekdays = Weekdays(1 << 4);
    /// Saturdays.
    pub const SATURDAY: Weekdays = Weekdays(1 << 5);
    /// Sundays.
    pub const SUNDAY: Weekdays = Weekdays(1 << 6);
    /// Monday to Friday.
    pub const MONDAY_TO_FRIDAY: Weekdays = Weekdays(0b001_1111);
    /// Every day of the week.
    pub const ALL: Weekdays = Weekdays(0b111_1111);

    /// Whether a weekday is in the set.
    pub fn contains(self, weekday: Weekday) -> bool {
        self.0 & Weekdays::from(weekday).0 != 0
    }

    /// Whether no weekday is in the set.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether some weekday is in both sets.
    pub fn intersects(self, other: Weekdays) -> bool {
        self.0 & other.0 != 0
    }

    /// The weekdays in the set, from Monday on.
    pub fn iter(self) -> impl Iterator<Item = Weekday> {
        (0..7).filter(move |&day| self.has(day)).filter_map(|day| Weekday::try_from(day).ok())
    }

    pub(crate) fn has(self, days_from_monday: u8) -> bool {
        self.0 >> days_from_monday & 1 == 1
    }
}

impl From<Weekday> for Weekdays {
    fn from(weekday: Weekday) -> Weekdays {
        Weekdays(1 << weekday.num_days_from_monday())
    }
}

impl FromIterator<Weekday> for Weekdays {
    fn from_iter<I: IntoIterator<Item = Weekday>>(weekdays: I) -> Weekdays {
        weekdays.into_iter().fold(Weekdays(0), |all, day| all | Weekdays::from(day))
    }
}

impl BitOr for Weekdays {
    type Output = Weekdays;

    fn bitor(self, other: Weekdays) -> Weekdays {
        Weekdays(self.0 | other.0)
    }
}

impl fmt::Display for Weekdays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days: Vec<Weekday> = self.iter().collect();
        let runs = days.chunk_by(|one, next| one.succ() == *next);
        for (index, run) in runs.enumerate() {
            let separator = if index > 0 { ", " } else { "" };
            match run {
                [] => {}
                [day] => write!(f, "{separator}{day}")?,
                [first, second] => write!(f, "{separator}{first}, {second}")?,
                [first, .., last] => write!(f, "{separator}{first}-{last}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Weekdays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_of_weekdays_is_written_from_monday_on_with_neighbours_joined() {
        for (days, text) in [
            (Weekdays::MONDAY_TO_FRIDAY | Weekdays::SUNDAY, "Mon-Fri, Sun"),
            (Weekdays::ALL, "Mon-Sun"),
            (Weekdays::SATURDAY | Weekdays::SUNDAY, "Sat, Sun"),
            (Weekdays::TUESDAY | Weekdays::THURSDAY, "Tue, Thu"),
            (Weekdays::default(), ""),
        ] {
            assert_eq!(days.to_string(), text);
        }
    }
}
