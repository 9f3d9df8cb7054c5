//! Instants as EWS writes them.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, SecondsFormat, Utc};

/// Reads an `xs:dateTime`: with `Z`, with an offset, or bare. A bare one is UTC, because every request asks for times in UTC. A year has four
/// digits and no sign: Exchange knows the years 1 to 9999 only.
pub(crate) fn parse(text: &str) -> Option<DateTime<Utc>> {
    let time = parse_plain(text.as_bytes()).or_else(|| {
        let text = text.trim();
        let year_ends = text.as_bytes().iter().position(|byte| !byte.is_ascii_digit());
        if year_ends != Some(4) {
            return None;
        }
        DateTime::parse_from_rfc3339(text)
            .map(|time| time.to_utc())
            .or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").map(|time| time.and_utc()))
            .ok()
    });
    time.filter(|time| (1..=9_999).contains(&time.year()))
}

/// Writes an instant so that no server has to guess its zone.
pub(crate) fn format(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// The form that Exchange nearly always sends: `2026-11-23T08:00:00Z`.
fn parse_plain(text: &[u8]) -> Option<DateTime<Utc>> {
    let &[y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T', h1, h2, b':', n1, n2, b':', s1, s2, b'Z'] = text else {
        return None;
    };
    let year = number(&[y1, y2, y3, y4]).filter(|year| *year > 0)?;
    let date = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, number(&[m1, m2])?, number(&[d1, d2])?)?;
    Some(date.and_hms_opt(number(&[h1, h2])?, number(&[n1, n2])?, number(&[s1, s2])?)?.and_utc())
}

fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + u32::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_three_spellings_of_an_instant_are_read() {
        let nine = DateTime::from_timestamp(1_795_420_800, 0);
        for text in
            ["2026-11-23T08:00:00Z", " 2026-11-23T08:00:00 ", "2026-11-23T09:00:00+01:00", "2026-11-23T08:00:00.000Z"]
        {
            assert_eq!(parse(text), nine, "{text}");
        }
        for text in [
            "",
            "2026-11-23",
            "2026-13-23T08:00:00Z",
            "2026-11-23T25:00:00Z",
            "2026-11-23T08:00:00 CET",
            "９026-11-23T08:00:00Z",
            "+12026-11-23T08:00:00",
            "12026-11-23T08:00:00",
            "-0001-11-23T08:00:00",
            "+2026-11-23T08:00:00",
            "0000-11-23T08:00:00Z",
            "+12026-11-23T08:00:00Z",
            "12026-11-23T08:00:00",
            "-0001-11-23T08:00:00Z",
            "-0001-11-23T08:00:00",
            "+262142-12-31T23:59:59",
            "-262143-01-01T00:00:00",
            "0000-11-23T08:00:00Z",
            "0000-11-23T08:00:00",
            "9999-12-31T23:59:59-01:00",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let instant = DateTime::from_timestamp(1_795_420_800, 0).expect("in range");
        assert_eq!(parse(&format(instant)), Some(instant));
    }
}
