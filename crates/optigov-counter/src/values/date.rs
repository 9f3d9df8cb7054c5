//! Civil dates.

use std::fmt;

use chrono::{Datelike, NaiveDate};

use crate::{
    Fault,
    text::{forms::text_value, reader::malformed},
};

/// A civil date, years 1970 to 2999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Date(NaiveDate);

impl Date {
    /// `"2026-12-24"` or `"24.12.2026"`.
    pub(crate) fn parse(text: &str) -> Result<Date, Fault> {
        let trimmed = text.trim();
        read(trimmed, '-', [0, 1, 2]).or_else(|| read(trimmed, '.', [2, 1, 0])).map(Date).ok_or_else(|| {
            malformed(
                text,
                "ein Datum mit Jahr wie „2026-12-24“ oder „24.12.2026“",
                "a date with its year, such as \"2026-12-24\" or \"24.12.2026\"",
            )
        })
    }

    /// A date that was read once.
    pub(crate) fn of(date: NaiveDate) -> Date {
        Date(date)
    }

    pub(crate) fn date(self) -> NaiveDate {
        self.0
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.0.year(), self.0.month(), self.0.day())
    }
}

/// A date of the years 1970 to 2999 in both orders, as a part of a regular expression.
macro_rules! date_pattern {
    () => {
        r"((19[7-9][0-9]|2[0-9]{3})-(0?[1-9]|1[0-2])-(0?[1-9]|[12][0-9]|3[01])|(0?[1-9]|[12][0-9]|3[01])\.(0?[1-9]|1[0-2])\.(19[7-9][0-9]|2[0-9]{3}))"
    };
}
pub(super) use date_pattern;

text_value!(Date, "A date, YYYY-MM-DD.", ["2026-12-24"], concat!(r"^\s*", date_pattern!(), r"\s*$"));

/// Year, month and day stand at the positions of `order`.
fn read(text: &str, separator: char, order: [usize; 3]) -> Option<NaiveDate> {
    let parts: Vec<&str> = text.splitn(4, separator).collect();
    let parts = <[&str; 3]>::try_from(parts).ok()?;
    let digits = |part: &str, most: usize| -> Option<u32> {
        let fits = (1..=most).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        if fits { part.parse().ok() } else { None }
    };
    let year = digits(parts[order[0]], 4).filter(|year| (1970..=2999).contains(year))?;
    let (month, day) = (digits(parts[order[1]], 2)?, digits(parts[order[2]], 2)?);
    NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn german_and_iso_dates_are_the_same_and_nonsense_is_refused() {
        assert_eq!(Date::parse("24.12.2026").expect("date"), Date::parse("2026-12-24").expect("date"));
        assert_eq!(Date::parse("1.2.2027").expect("date").to_string(), "2027-02-01");
        for text in
            ["", "2026-02-30", "2026-13-01", "26-1-1", "2026-1", "1.2.27", "2026-01-01-01", "+2026-01-01", "0001-01-01"]
        {
            assert!(Date::parse(text).is_err(), "{text}");
        }
    }
}
