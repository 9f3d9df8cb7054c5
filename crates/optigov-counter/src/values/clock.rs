//! Times of day, and hours from one to another, as people write them.

use std::fmt;

use chrono::{NaiveTime, Timelike};
use optigov_calendar::Text;
use optigov_slots::Hours;

use crate::{
    Fault,
    fault::{Code, shortened},
    text::{forms::text_value, reader::malformed},
};

/// A time of day on the minute, `00:00` to `23:59`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TimeText(pub(crate) NaiveTime);

impl TimeText {
    /// `"08:00"`, `"8:00"`, `"8.00"` or `"8"`, `Uhr` after it or not.
    fn parse(text: &str) -> Result<TimeText, Fault> {
        match clock(text) {
            Some(Clock::Time(time)) => Ok(TimeText(time)),
            _ => Err(malformed(text, "eine Uhrzeit wie „08:00“", "a time of day such as \"08:00\"")),
        }
    }
}

impl fmt::Display for TimeText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0.hour(), self.0.minute())
    }
}

text_value!(
    TimeText,
    "A time of day, HH:MM.",
    ["08:00", "12:30"],
    r"^\s*([01]?[0-9]|2[0-3])([:.][0-5][0-9](:00)?)?\s*(Uhr|h)?\s*$"
);

/// Hours of a day from one time to another, `08:00-12:00`. An end of `24:00` is midnight at the day's end; an end before the start is on
/// the next day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HoursText(pub(crate) Hours);

impl HoursText {
    /// `"08:00-12:00"`, also with a dash or `bis`, spaces, a point for the colon, whole hours or `Uhr`.
    fn parse(text: &str) -> Result<HoursText, Fault> {
        let halves = text.split_once(['-', '–', '—']).or_else(|| text.split_once("bis"));
        let hours = halves.and_then(|(start, end)| Some((clock(start)?, clock(end)?)));
        match hours {
            Some((Clock::Time(start), Clock::Time(end))) if start != end => Ok(HoursText(Hours::new(start, end))),
            Some((Clock::Time(start), Clock::EndOfDay)) => Ok(HoursText(Hours::new(start, NaiveTime::MIN))),
            Some(_) => {
                let shown = shortened(text);
                Err(Fault::new(
                    Code::OutOfRange,
                    Text::new(
                        format!("Die Zeitspanne „{shown}“ hat keine Länge."),
                        format!("The hours \"{shown}\" have no length."),
                    ),
                    Text::fixed(
                        "Bitte zwei verschiedene Uhrzeiten angeben; der Tag beginnt um „00:00“ und endet um „24:00“.",
                        "Give two different times of day; a day begins at \"00:00\" and ends at \"24:00\".",
                    ),
                ))
            }
            None => Err(malformed(text, "eine Zeitspanne wie „08:00-12:00“", "hours such as \"08:00-12:00\"")),
        }
    }
}

impl fmt::Display for HoursText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

text_value!(
    HoursText,
    "Hours of a day, HH:MM-HH:MM; 24:00 is the day's end, an end before the start is on the next day.",
    ["08:00-12:00", "13:00-18:00", "18:00-24:00", "22:00-02:00"],
    concat!(
        r"^\s*([01]?[0-9]|2[0-3])([:.][0-5][0-9](:00)?)?\s*(Uhr|h)?\s*(-|–|—|bis)",
        r"\s*(([01]?[0-9]|2[0-3])([:.][0-5][0-9](:00)?)?|24([:.]00(:00)?)?)\s*(Uhr|h)?\s*$"
    )
);

/// A time of day as it is written: 24:00 is one, too.
#[derive(PartialEq)]
enum Clock {
    Time(NaiveTime),
    /// 24:00.
    EndOfDay,
}

fn clock(text: &str) -> Option<Clock> {
    let text = text.trim();
    let text = text.strip_suffix("Uhr").or_else(|| text.strip_suffix("h")).map_or(text, str::trim_end);
    let (hour, minute) = text.split_once([':', '.']).unwrap_or((text, "00"));
    let number = |digits: &str, most: usize| -> Option<u32> {
        let fits = (1..=most).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        if fits { digits.parse().ok() } else { None }
    };
    // "08:00:00" is how TOML's own times and some forms write it.
    let minute = minute.strip_suffix(":00").unwrap_or(minute);
    match (number(hour, 2)?, if minute.len() == 2 { number(minute, 2)? } else { return None }) {
        (24, 0) => Some(Clock::EndOfDay),
        (hour, minute) => NaiveTime::from_hms_opt(hour, minute, 0).map(Clock::Time),
    }
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
            ("18:00-00:00", "18:00-24:00"),
            ("22:00-02:00", "22:00-02:00"),
            ("0:00-24:00", "00:00-24:00"),
            ("08.00-12.00", "08:00-12:00"),
            ("13:00 bis 16:00", "13:00-16:00"),
            ("8 bis 12.30 Uhr", "08:00-12:30"),
            ("8 Uhr — 9 Uhr", "08:00-09:00"),
        ] {
            assert_eq!(HoursText::parse(written).expect(written).to_string(), canonical);
        }
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
            "24:00-24:00",
            "00:00-00:00",
            "08:00-00:00x",
            "a-b",
        ] {
            assert!(HoursText::parse(text).is_err(), "{text}");
        }
        assert!(TimeText::parse("24:00").is_err());
    }
}
