//! Instants as EWS writes them.

use chrono::{DateTime, NaiveDateTime, Utc};
pub(crate) use optigov_http::time::format;
use optigov_http::time::{has_four_digit_year, is_known_year, plain};

/// Reads an `xs:dateTime`: with `Z`, with an offset, or bare. A bare one is UTC, because every request asks for times in UTC. A year has four
/// digits and no sign: Exchange knows the years 1 to 9999 only.
pub(crate) fn parse(text: &str) -> Option<DateTime<Utc>> {
    // The form that Exchange nearly always sends: `2026-11-23T08:00:00Z`.
    let usual = text.as_bytes().strip_suffix(b"Z").and_then(plain).map(|time| time.and_utc());
    let time = usual.or_else(|| {
        let text = text.trim();
        if !has_four_digit_year(text) {
            return None;
        }
        DateTime::parse_from_rfc3339(text)
            .map(|time| time.to_utc())
            .or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").map(|time| time.and_utc()))
            .ok()
    });
    time.filter(is_known_year)
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
