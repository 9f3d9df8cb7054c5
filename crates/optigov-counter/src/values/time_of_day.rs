//! Times of day, and hours from one to another.

use std::fmt;

use chrono::NaiveTime;
use optigov_calendar::Text;

use crate::Fault;
use crate::fault::Code;
use crate::text::forms::text_value;
use crate::values::malformed;

/// A time of day on the minute, `00:00` to `23:59`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeOfDay(u16);

impl TimeOfDay {
    /// Reads `"08:00"`, `"8:00"` or `"8"`, `Uhr` after it or not.
    ///
    /// # Errors
    ///
    /// A fault if it is none, or 24:00.
    pub fn parse(text: &str) -> Result<TimeOfDay, Fault> {
        match minute_of_day(text) {
            Some(minute) if minute < DAY => Ok(TimeOfDay(minute)),
            _ => Err(malformed(text, "eine Uhrzeit wie „08:00“", "a time of day such as \"08:00\"")),
        }
    }

    /// Minutes since midnight on the clock, 0 to 1439.
    pub fn minute_of_day(self) -> u16 {
        self.0
    }

    /// The same as chrono's type.
    pub fn time(self) -> NaiveTime {
        clock(self.0)
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_minute(self.0, f)
    }
}

text_value!(TimeOfDay, "A time of day, HH:MM.", ["08:00", "12:30"]);

/// Hours of a day from one time to another, `08:00-12:00`. An end of `24:00` is midnight at the day's end; an end before the start is on the next day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hours {
    start: u16,
    end: u16,
}

impl Hours {
    /// Reads `"08:00-12:00"`, also with an en dash, spaces, whole hours or `Uhr`.
    ///
    /// # Errors
    ///
    /// A fault if it is none, or if it has no length.
    pub fn parse(text: &str) -> Result<Hours, Fault> {
        let hours =
            text.split_once(['-', '–']).and_then(|(start, end)| Some((minute_of_day(start)?, minute_of_day(end)?)));
        match hours {
            Some((start, end)) if start < DAY && end > 0 && start != end => Ok(Hours { start, end }),
            Some(_) => Err(Fault::new(
                Code::OutOfRange,
                Text::new("Diese Zeitspanne hat keine Länge.", "These hours have no length."),
                Text::new(
                    "Anfang und Ende müssen verschieden sein; das Tagesende ist „24:00“.",
                    "Start and end must differ; the end of the day is \"24:00\".",
                ),
            )),
            None => Err(malformed(text, "eine Zeitspanne wie „08:00-12:00“", "hours such as \"08:00-12:00\"")),
        }
    }

    /// Minutes from the day's midnight on the clock to the start, 0 to 1439.
    pub fn start_minute(self) -> u16 {
        self.start
    }

    /// Minutes from the day's midnight on the clock to the end, 1 to 2879: more than 1440 means the next day.
    pub fn end_minute(self) -> u16 {
        if self.end <= self.start { self.end + DAY } else { self.end }
    }

    /// Minutes from start to end on the clock.
    pub fn minutes(self) -> u16 {
        self.end_minute() - self.start
    }

    /// Whether the two have a minute in common on the same day.
    pub(crate) fn overlaps(self, other: Hours) -> bool {
        self.start < other.end_minute() && other.start < self.end_minute()
    }
}

impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_minute(self.start, f)?;
        f.write_str("-")?;
        write_minute(self.end, f)
    }
}

text_value!(
    Hours,
    "Hours of a day, HH:MM-HH:MM; 24:00 is the day's end, an end before the start is on the next day.",
    ["08:00-12:00", "13:00-18:00", "18:00-24:00", "22:00-02:00"]
);

const DAY: u16 = 24 * 60;

/// Minutes since midnight, 24:00 included.
fn minute_of_day(text: &str) -> Option<u16> {
    let text = text.trim();
    let text = text.strip_suffix("Uhr").or_else(|| text.strip_suffix("h")).map_or(text, str::trim_end);
    let (hour, minute) = text.split_once(':').unwrap_or((text, "00"));
    let number = |digits: &str, most: usize| -> Option<u16> {
        let fits = (1..=most).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        if fits { digits.parse().ok() } else { None }
    };
    // "08:00:00" is how TOML's own times and some forms write it.
    let minute = minute.strip_suffix(":00").unwrap_or(minute);
    let (hour, minute) = (number(hour, 2)?, if minute.len() == 2 { number(minute, 2)? } else { return None });
    let total = hour * 60 + minute;
    (minute < 60 && total <= DAY).then_some(total)
}

fn clock(minute: u16) -> NaiveTime {
    NaiveTime::from_hms_opt(u32::from(minute / 60), u32::from(minute % 60), 0).unwrap_or(NaiveTime::MIN)
}

fn write_minute(minute: u16, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "{:02}:{:02}", minute / 60, minute % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_that_people_write_have_one_canonical_form() {
        for (written, canonical) in [
            ("08:00-12:00", "08:00-12:00"),
            ("8-12", "08:00-12:00"),
            ("8:00 – 12:30 Uhr", "08:00-12:30"),
            ("18 Uhr - 24 Uhr", "18:00-24:00"),
            ("22:00-02:00", "22:00-02:00"),
            ("0:00-24:00", "00:00-24:00"),
        ] {
            assert_eq!(Hours::parse(written).expect(written).to_string(), canonical);
        }
    }

    #[test]
    fn hours_across_midnight_end_on_the_next_day() {
        let hours = Hours::parse("22:00-02:00").expect("hours");
        assert_eq!((hours.start_minute(), hours.end_minute(), hours.minutes()), (22 * 60, 26 * 60, 240));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "-",
            "8",
            "08:00",
            "12:00-12:00",
            "24:00-25:00",
            "8:5-9:00",
            "08:60-09:00",
            "+8-9",
            "24:00-08:00",
            "08:00-00:00x",
            "a-b",
        ] {
            assert!(Hours::parse(text).is_err(), "{text}");
        }
        assert!(TimeOfDay::parse("24:00").is_err());
    }
}
