//! Windows' names for time zones, and civil time turned into instants.

use chrono::{DateTime, LocalResult, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use windows_timezones::WindowsTimezone;

/// The zone's name as Exchange writes it (`W. Europe Standard Time`) and its display name.
pub(crate) fn windows_name(zone: Tz) -> (&'static str, &'static str) {
    match WindowsTimezone::try_from(zone) {
        Ok(windows) => (windows.name(), windows.description()),
        Err(_) => (zone.name(), zone.name()),
    }
}

/// The IANA zone behind a Windows name.
pub(crate) fn from_windows_name(name: &str) -> Option<Tz> {
    name.parse::<WindowsTimezone>().ok().map(Tz::from)
}

/// The instant of a civil time. One that a clock change skips moves forward by the gap; one that it repeats is the first.
pub(crate) fn instant(local: NaiveDateTime, zone: Tz) -> DateTime<Utc> {
    match zone.from_local_datetime(&local) {
        LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => at.to_utc(),
        LocalResult::None => {
            let before = local - TimeDelta::hours(3);
            match zone.from_local_datetime(&before).earliest() {
                Some(at) => at.to_utc() + TimeDelta::hours(3),
                None => local.and_utc(),
            }
        }
    }
}

/// The civil time of an instant.
pub(crate) fn local(at: DateTime<Utc>, zone: Tz) -> NaiveDateTime {
    at.with_timezone(&zone).naive_local()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn berlin(text: &str) -> String {
        instant(text.parse().expect("a civil time"), Tz::Europe__Berlin).format("%FT%RZ").to_string()
    }

    #[test]
    fn clock_changes_have_one_answer() {
        assert_eq!(berlin("2027-03-28T02:30:00"), "2027-03-28T01:30Z", "skipped: forward by the gap");
        assert_eq!(berlin("2026-10-25T02:00:00"), "2026-10-25T00:00Z", "repeated: the first");
        assert_eq!(berlin("2026-10-25T03:00:00"), "2026-10-25T02:00Z");
    }

    #[test]
    fn zones_have_windows_names() {
        assert_eq!(windows_name(Tz::Europe__Berlin).0, "W. Europe Standard Time");
        assert_eq!(from_windows_name("GMT Standard Time"), Some(Tz::Europe__London));
        assert_eq!(from_windows_name("Customized Time Zone"), None);
    }
}
