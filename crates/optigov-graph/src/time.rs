//! Times as Graph writes and reads them.

use chrono::{DateTime, NaiveDateTime, Utc};
pub(crate) use optigov_http::time::format;
use optigov_http::time::{has_four_digit_year, is_known_year, plain};

/// Reads the `dateTime` of a `dateTimeTimeZone`: a reading of the wall clock, without an offset. A `Z` at its end is passed over, since the zone is
/// told beside it. A year has four digits.
pub(crate) fn parse(text: &str) -> Option<NaiveDateTime> {
    // The form that Graph nearly always sends: `2026-11-23T08:00:00.0000000`.
    let usual = text.as_bytes().strip_suffix(b".0000000").and_then(plain);
    let time = usual.or_else(|| {
        let text = text.trim().trim_end_matches('Z');
        if !has_four_digit_year(text) {
            return None;
        }
        NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f")
            .or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M"))
            .ok()
    });
    time.filter(is_known_year)
}

/// Whether this is a name of UTC.
pub(crate) fn is_utc(zone: &str) -> bool {
    ["UTC", "Etc/UTC", "Etc/GMT", "tzone://Microsoft/Utc"].iter().any(|name| name.eq_ignore_ascii_case(zone.trim()))
}

/// Writes an instant as the `dateTime` beside the zone UTC.
pub(crate) fn format_bare(instant: DateTime<Utc>) -> String {
    instant.format("%Y-%m-%dT%H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;
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
