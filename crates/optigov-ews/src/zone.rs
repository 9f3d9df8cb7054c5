//! Which civil dates an all-day entry covers.

use chrono::{DateTime, Days, FixedOffset, NaiveDate, NaiveTime, Offset, TimeZone, Utc};
use chrono_tz::Tz;
use windows_timezones::WindowsTimezone;

/// The first and the last civil date that an all-day entry covers, in the entry's own time zone.
///
/// The zone is the entry's `StartTimeZone`. Where the server gives no zone, or a name that is no Windows zone ("Customized Time Zone", a
/// localised name), the dates follow from this rule: an all-day entry runs from midnight to midnight in its own zone, so at each end the
/// offset is the one smallest in size that makes the instant a midnight. That is right for every zone from UTC−11:30 to UTC+12.
pub(crate) fn dates(start: DateTime<Utc>, end: DateTime<Utc>, zone: Option<&str>) -> (NaiveDate, NaiveDate) {
    let first = date_of_midnight(start, zone);
    let last = date_of_midnight(end, zone).checked_sub_days(Days::new(1)).unwrap_or(first);
    (first, last.max(first))
}

/// The date that begins at this instant: in the zone named if that makes it a midnight, else by the offset nearest to zero that does.
fn date_of_midnight(instant: DateTime<Utc>, zone: Option<&str>) -> NaiveDate {
    let named = zone.and_then(by_name).map(|zone| zone.offset_from_utc_datetime(&instant.naive_utc()).fix());
    let offsets = named.into_iter().chain(nearest_midnight(instant));
    let local = |offset: FixedOffset| instant.with_timezone(&offset).naive_local();
    offsets.map(local).find(|local| local.time() == NaiveTime::MIN).unwrap_or_else(|| instant.naive_utc()).date()
}

/// The time zone with a Windows identifier or an IANA one.
fn by_name(name: &str) -> Option<Tz> {
    let windows = name.parse::<WindowsTimezone>().ok().map(|zone| zone.tzdb_id());
    windows.unwrap_or(name).parse().ok()
}

/// The offset of at most twelve hours that makes this instant a midnight.
fn nearest_midnight(instant: DateTime<Utc>) -> Option<FixedOffset> {
    const DAY: i64 = 86_400;
    let since_midnight = instant.timestamp().rem_euclid(DAY);
    let seconds = if since_midnight >= DAY / 2 { DAY - since_midnight } else { -since_midnight };
    FixedOffset::east_opt(i32::try_from(seconds).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utc(text: &str) -> DateTime<Utc> {
        crate::time::parse(text).expect("an instant")
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a date")
    }

    #[test]
    fn a_day_in_berlin_is_that_day_by_whatever_name_the_zone_goes() {
        let names = [
            Some("W. Europe Standard Time"),
            Some("Europe/Berlin"),
            Some("Mitteleuropäische Zeit"),
            Some("(UTC+01:00) Amsterdam, Berlin, Bern, Rom, Stockholm, Wien"),
            Some("Customized Time Zone"),
            None,
        ];
        for name in names {
            let winter = dates(utc("2026-11-22T23:00:00Z"), utc("2026-11-23T23:00:00Z"), name);
            assert_eq!(winter, (day("2026-11-23"), day("2026-11-23")), "{name:?}");
            let over_the_change = dates(utc("2026-10-23T22:00:00Z"), utc("2026-10-26T23:00:00Z"), name);
            assert_eq!(over_the_change, (day("2026-10-24"), day("2026-10-26")), "{name:?}");
        }
    }

    #[test]
    fn zones_far_from_greenwich_keep_their_date() {
        let auckland =
            dates(utc("2026-11-22T11:00:00Z"), utc("2026-11-23T11:00:00Z"), Some("New Zealand Standard Time"));
        assert_eq!(auckland.0, day("2026-11-23"));
        let hawaii = dates(utc("2026-11-23T10:00:00Z"), utc("2026-11-24T10:00:00Z"), None);
        assert_eq!(hawaii, (day("2026-11-23"), day("2026-11-23")));
        let kolkata = dates(utc("2026-11-22T18:30:00Z"), utc("2026-11-23T18:30:00Z"), Some("Heimatzeit"));
        assert_eq!(kolkata.0, day("2026-11-23"));
    }

    #[test]
    fn a_zone_that_does_not_make_it_a_midnight_is_not_believed() {
        let london_stamp_on_a_berlin_day =
            dates(utc("2026-11-22T23:00:00Z"), utc("2026-11-23T23:00:00Z"), Some("GMT Standard Time"));
        assert_eq!(london_stamp_on_a_berlin_day, (day("2026-11-23"), day("2026-11-23")));
    }
}
