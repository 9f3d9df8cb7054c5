//! Instants and readings of the clock, as far as all servers write them alike.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, SecondsFormat, Utc};

/// Writes an instant so that no server has to guess its zone: `2026-11-23T08:00:00Z`.
pub fn format(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Reads `2026-11-23T08:00:00`, to the letter: the form to which servers nearly always keep, before whatever they put behind it. It is many times
/// faster than a reader that knows all forms.
#[inline]
pub fn plain(text: &[u8]) -> Option<NaiveDateTime> {
    let &[y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T', h1, h2, b':', n1, n2, b':', s1, s2] = text else {
        return None;
    };
    let year = i32::try_from(number(&[y1, y2, y3, y4])?).ok()?;
    let date = NaiveDate::from_ymd_opt(year, number(&[m1, m2])?, number(&[d1, d2])?)?;
    date.and_hms_opt(number(&[h1, h2])?, number(&[n1, n2])?, number(&[s1, s2])?)
}

/// Whether a text begins with a year of four digits and no sign, as every time of Exchange's does.
pub fn has_four_digit_year(text: &str) -> bool {
    text.as_bytes().iter().position(|byte| !byte.is_ascii_digit()) == Some(4)
}

/// Whether a time is of the years 1 to 9999, which are all that Exchange knows.
pub fn is_known_year(time: &impl Datelike) -> bool {
    (1..=9_999).contains(&time.year())
}

fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + u32::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_time_is_read_to_the_letter() {
        let nine = NaiveDate::from_ymd_opt(2026, 11, 23).and_then(|date| date.and_hms_opt(8, 0, 0));
        assert_eq!(plain(b"2026-11-23T08:00:00"), nine);
        for text in ["", "2026-11-23T08:00:00Z", "2026-11-23T25:00:00", "2026-02-29T08:00:00", "2026-11-23 08:00:00"] {
            assert_eq!(plain(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn what_is_written_is_plain_before_its_zone() {
        let instant = DateTime::from_timestamp(1_795_420_800, 0).expect("in range");
        assert_eq!(
            format(instant).strip_suffix('Z').and_then(|text| plain(text.as_bytes())),
            Some(instant.naive_utc())
        );
    }
}
