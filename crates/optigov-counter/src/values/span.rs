//! Lengths of time: exact ones, and civil days.

use std::{fmt, time::Duration};

use optigov_calendar::Text;
use optigov_slots::Lead;

use crate::{
    Fault,
    fault::Code,
    text::{
        forms::text_value,
        reader::{Reader, malformed},
    },
};

/// An exact length of time in whole seconds, at most 366 days.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span(u32);

impl Span {
    /// `"20min"`, `"1h30min"`, `"1 Stunde 30 Minuten"`, `"45s"`, `"0min"`.
    pub(crate) fn parse(text: &str) -> Result<Span, Fault> {
        let unclear =
            || malformed(text, "eine Dauer wie „20min“ oder „1h30min“", "a duration such as \"20min\" or \"1h30min\"");
        let parts = parts(text).filter(|parts| !parts.all().is_empty()).ok_or_else(unclear)?;
        let (mut seconds, mut last_unit) = (0_u64, u64::MAX);
        for (number, word) in parts.all() {
            let unit = match word {
                _ if is_one_of(word, &["s", "sec", "sek", "second", "seconds", "sekunde", "sekunden"]) => 1,
                _ if is_one_of(word, &["m", "min", "minute", "minutes", "minuten"]) => 60,
                _ if is_one_of(word, &["h", "std", "hour", "hours", "stunde", "stunden"]) => 3600,
                _ => return Err(unclear()),
            };
            if unit >= last_unit {
                return Err(unclear());
            }
            last_unit = unit;
            seconds = number.checked_mul(unit).and_then(|part| seconds.checked_add(part)).unwrap_or(u64::MAX);
        }
        match u32::try_from(seconds) {
            Ok(seconds) if seconds <= 366 * 24 * 3600 => Ok(Span(seconds)),
            _ => Err(too_long(text)),
        }
    }

    /// The whole seconds of a duration that was read once.
    pub(crate) fn from_duration(duration: Duration) -> Span {
        Span(u32::try_from(duration.as_secs()).unwrap_or(u32::MAX))
    }

    pub(crate) fn seconds(self) -> u32 {
        self.0
    }

    pub(crate) fn duration(self) -> Duration {
        Duration::from_secs(u64::from(self.0))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (hours, minutes, seconds) = (self.0 / 3600, self.0 / 60 % 60, self.0 % 60);
        if hours > 0 {
            write!(f, "{hours}h")?;
        }
        if minutes > 0 || self.0 == 0 {
            write!(f, "{minutes}min")?;
        }
        if seconds > 0 {
            write!(f, "{seconds}s")?;
        }
        Ok(())
    }
}

/// An exact length of time, as a part of a regular expression.
macro_rules! span_pattern {
    () => {
        concat!(
            r"([0-9]{1,18}\s*(h|[sS]td|hours?|[sS]tunden?)\s*([0-9]{1,18}\s*(min|m|minutes?|[mM]in|[mM]inuten?)\s*)?",
            r"([0-9]{1,18}\s*(s|sec|[sS]ek|seconds?|[sS]ekunden?)\s*)?",
            r"|[0-9]{1,18}\s*(min|m|minutes?|[mM]in|[mM]inuten?)\s*([0-9]{1,18}\s*(s|sec|[sS]ek|seconds?|[sS]ekunden?)\s*)?",
            r"|[0-9]{1,18}\s*(s|sec|[sS]ek|seconds?|[sS]ekunden?)\s*)"
        )
    };
}

/// Civil days, as a part of a regular expression.
macro_rules! days_pattern {
    () => {
        r"[0-9]{1,18}\s*(d|days?|[tT]age?|[tT]agen|w|weeks?|[wW]ochen?)\s*"
    };
}

text_value!(
    Span,
    "A length of time in hours, minutes and seconds.",
    ["20min", "1h30min", "24h", "45s", "0min"],
    concat!(r"^\s*", span_pattern!(), "$")
);

/// A number of civil days, at most 3,660.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Days(u16);

impl Days {
    pub(crate) const fn new(days: u16) -> Days {
        Days(days)
    }

    /// `"60d"`, `"60 days"`, `"8 Wochen"`.
    pub(crate) fn parse(text: &str) -> Result<Days, Fault> {
        Days::read(text)?.ok_or_else(|| {
            malformed(
                text,
                "eine Zahl von Tagen wie „60d“ oder „60 Tage“",
                "a number of days such as \"60d\" or \"60 days\"",
            )
        })
    }

    /// `None` for what is no number of days.
    fn read(text: &str) -> Result<Option<Days>, Fault> {
        let days = match parts(text).as_ref().map(Parts::all) {
            Some([(number, word)]) if is_one_of(word, &["d", "day", "days", "tag", "tage", "tagen"]) => Some(*number),
            Some([(number, word)]) if is_one_of(word, &["w", "week", "weeks", "woche", "wochen"]) => {
                number.checked_mul(7)
            }
            _ => return Ok(None),
        };
        match days.map(u16::try_from) {
            Some(Ok(days)) if days <= 3660 => Ok(Some(Days(days))),
            _ => Err(too_long(text)),
        }
    }

    pub(crate) fn count(self) -> u16 {
        self.0
    }
}

impl fmt::Display for Days {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}d", self.0)
    }
}

text_value!(
    Days,
    "A number of civil days.",
    ["60d", "60 days", "8 weeks", "14 Tage"],
    concat!(r"^\s*", days_pattern!(), "$")
);

/// How long before its start an appointment can be booked at the latest: an exact length of time, or civil days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LeadText(pub(crate) Lead);

impl LeadText {
    /// `"24h"` is exact, `"1d"` is a number of civil days.
    fn parse(text: &str) -> Result<LeadText, Fault> {
        if let Some(days) = Days::read(text)? {
            return Ok(LeadText(Lead::Days(days.count().into())));
        }
        match Span::parse(text) {
            Ok(span) => Ok(LeadText(Lead::Time(span.duration()))),
            Err(fault) if fault.code() == Code::OutOfRange => Err(fault),
            Err(_) => Err(malformed(
                text,
                "eine Dauer wie „24h“ oder eine Zahl von Tagen wie „1d“",
                "a duration such as \"24h\" or a number of days such as \"1d\"",
            )),
        }
    }
}

impl fmt::Display for LeadText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Lead::Time(length) => Span::from_duration(length).fmt(f),
            Lead::Days(days) => write!(f, "{days}d"),
            // Nothing else is read, so nothing else is written.
            _ => Err(fmt::Error),
        }
    }
}

text_value!(
    LeadText,
    "An exact length of time (24h) or whole civil days (1d).",
    ["24h", "1d", "90min", "0min"],
    concat!(r"^\s*(", span_pattern!(), "|", days_pattern!(), ")$")
);

const DAY: u32 = 24 * 3600;

/// What is counted against the hours of a day is at most a day long.
pub(crate) fn span_within_a_day(key: &'static str, span: Option<Span>, least_seconds: u32, reader: &mut Reader) {
    let Some(seconds) = span.map(Span::seconds) else { return };
    if (least_seconds..=DAY).contains(&seconds) {
        return;
    }
    let fault = Fault::new(
        Code::OutOfRange,
        Text::fixed("Diese Dauer ist hier nicht möglich.", "This duration is not possible here."),
        match least_seconds {
            0 => Text::fixed("Bitte höchstens 24 Stunden angeben.", "Give at most 24 hours."),
            _ => Text::fixed("Bitte eine Sekunde bis 24 Stunden angeben.", "Give from one second to 24 hours."),
        },
    );
    reader.below(key, |reader| reader.fault(fault));
}

/// The span, unless it is shorter than so many seconds.
pub(crate) fn at_least(seconds: u32, span: Span, reader: &mut Reader) -> Option<Span> {
    if span.seconds() >= seconds {
        return Some(span);
    }
    let least = Span(seconds);
    reader.refuse(Fault::new(
        Code::OutOfRange,
        Text::fixed("Diese Dauer ist zu kurz.", "This duration is too short."),
        Text::new(format!("Bitte mindestens „{least}“ angeben."), format!("Give at least \"{least}\".")),
    ))
}

/// A text as at most three numbers, each with the word that follows it.
fn parts(text: &str) -> Option<Parts<'_>> {
    let mut rest = text.trim();
    let mut parts = Parts::default();
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number = rest[..digits].parse().ok()?;
        let after = rest[digits..].trim_start();
        let letters = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        parts.add((number, &after[..letters]))?;
        rest = after[letters..].trim_start();
    }
    Some(parts)
}

/// The parts of a length of time.
#[derive(Default)]
struct Parts<'t> {
    parts: [(u64, &'t str); 3],
    count: usize,
}

impl<'t> Parts<'t> {
    fn add(&mut self, part: (u64, &'t str)) -> Option<()> {
        *self.parts.get_mut(self.count)? = part;
        self.count += 1;
        Some(())
    }

    fn all(&self) -> &[(u64, &'t str)] {
        &self.parts[..self.count]
    }
}

/// Whether a word is one of these, in any case.
fn is_one_of(word: &str, words: &[&str]) -> bool {
    words.iter().any(|one| one.eq_ignore_ascii_case(word))
}

fn too_long(text: &str) -> Fault {
    let shown = crate::fault::shortened(text);
    Fault::new(
        Code::OutOfRange,
        Text::new(format!("„{shown}“ ist zu lang."), format!("\"{shown}\" is too long.")),
        Text::new(
            "Bitte höchstens 366 Tage in Stunden oder 3660 Tage angeben.",
            "Give at most 366 days in hours, or 3660 days.",
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_that_people_write_have_one_canonical_form() {
        for (written, canonical) in [
            ("20 min", "20min"),
            ("90 Minuten", "1h30min"),
            ("1 Std 30 Min", "1h30min"),
            ("1h30m", "1h30min"),
            ("3600s", "1h"),
            ("0h", "0min"),
            ("24 h", "24h"),
        ] {
            assert_eq!(Span::parse(written).expect(written).to_string(), canonical);
        }
        for (written, canonical) in [("60 days", "60d"), ("2 Wochen", "14d"), ("1 Tag", "1d"), ("60d", "60d")] {
            assert_eq!(Days::parse(written).expect(written).to_string(), canonical);
        }
    }

    #[test]
    fn a_number_without_a_unit_is_refused() {
        for text in [
            "20",
            "",
            " ",
            "min",
            "20min20min",
            "30min1h",
            "-5min",
            "1.5h",
            "1h 2",
            "٣min",
            "99999999999999999999h",
            "1h1h1h1h",
        ] {
            assert!(Span::parse(text).is_err(), "{text}");
            assert!(Days::parse(text).is_err(), "{text}");
        }
        assert_eq!(Span::parse("9999999h").expect_err("too long").code(), Code::OutOfRange);
    }
}
