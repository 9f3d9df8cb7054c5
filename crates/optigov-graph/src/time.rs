//! Times as Graph writes and reads them.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, SecondsFormat, Utc};

/// Reads the `dateTime` of a `dateTimeTimeZone`: a reading of the wall clock, without an offset. A `Z` at its end is passed over, since the zone is
/// told beside it. A year has four digits.
pub(crate) fn parse(text: &str) -> Option<NaiveDateTime> {
    let time = plain(text.as_bytes()).or_else(|| {
        let text = text.trim().trim_end_matches('Z');
        let year_ends = text.as_bytes().iter().position(|byte| !byte.is_ascii_digit());
        if year_ends != Some(4) {
            return None;
        }
        NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f")
            .or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M"))
            .ok()
    });
    time.filter(|time| (1..=9_999).contains(&time.year()))
}

/// Whether this is a name of UTC.
pub(crate) fn is_utc(zone: &str) -> bool {
    ["UTC", "Etc/UTC", "Etc/GMT", "tzone://Microsoft/Utc"].iter().any(|name| name.eq_ignore_ascii_case(zone.trim()))
}

/// Writes an instant so that no server has to guess its zone.
pub(crate) fn format(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Writes an instant as the `dateTime` beside the zone UTC.
pub(crate) fn format_bare(instant: DateTime<Utc>) -> String {
    instant.format("%Y-%m-%dT%H:%M:%S").to_string()
}

/// The form that Graph nearly always sends: `2026-11-23T08:00:00.0000000`.
fn plain(text: &[u8]) -> Option<NaiveDateTime> {
    let &[
        y1,
        y2,
        y3,
        y4,
        b'-',
        m1,
        m2,
        b'-',
        d1,
        d2,
        b'T',
        h1,
        h2,
        b':',
        n1,
        n2,
        b':',
        s1,
        s2,
        b'.',
        b'0',
        b'0',
        b'0',
        b'0',
        b'0',
        b'0',
        b'0',
    ] = text
    else {
        return None;
    };
    let year = i32::try_from(number(&[y1, y2, y3, y4])?).ok()?;
    let date = NaiveDate::from_ymd_opt(year, number(&[m1, m2])?, number(&[d1, d2])?)?;
    date.and_hms_opt(number(&[h1, h2])?, number(&[n1, n2])?, number(&[s1, s2])?)
}

fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + u32::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_spelling_of_a_time_is_read() {
        let nine = NaiveDate::from_ymd_opt(2026, 11, 23).and_then(|date| date.and_hms_opt(8, 0, 0));
        for text in
            ["2026-11-23T08:00:00.0000000", "2026-11-23T08:00:00", " 2026-11-23T08:00:00.000Z ", "2026-11-23T08:00"]
        {
            assert_eq!(parse(text), nine, "{text}");
        }
        for text in [
            "",
            "2026-11-23",
            "2026-13-23T08:00:00.0000000",
            "2026-11-23T25:00:00",
            "2026-11-23T08:00:00+01:00",
            "+2026-11-23T08:00:00",
            "12026-11-23T08:00:00",
            "-0001-11-23T08:00:00",
            "0000-11-23T08:00:00.0000000",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn utc_has_more_than_one_name() {
        assert!(is_utc("UTC") && is_utc("utc") && is_utc("Etc/UTC"));
        assert!(!is_utc("W. Europe Standard Time") && !is_utc(""));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(seconds in -62_135_596_800_i64..253_402_300_799) {
            let instant = DateTime::from_timestamp(seconds, 0).expect("in range");
            prop_assert_eq!(parse(&format_bare(instant)), Some(instant.naive_utc()));
            prop_assert_eq!(parse(&format!("{}.0000000", format_bare(instant))), Some(instant.naive_utc()));
        }

        #[test]
        fn whatever_comes_is_a_time_or_none(text in "\\PC{0,30}") {
            let _time = parse(&text);
        }
    }
}
