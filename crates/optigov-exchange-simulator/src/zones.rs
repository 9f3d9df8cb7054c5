//! Windows' names for time zones, and civil time turned into instants.

use chrono::{
    DateTime, Datelike, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeDelta, TimeZone, Utc, Weekday,
};
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

/// Whether Exchange has such a time at all: it knows the years from 1601 to 4500.
pub(crate) fn is_in_range(time: &impl Datelike) -> bool {
    (1601..=4500).contains(&time.year())
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

/// A zone's clock in one year, as Windows states it: offsets, and the two days on which it changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Clock {
    /// Minutes east of UTC in winter.
    pub(crate) standard: i32,
    pub(crate) summer: Option<Summer>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Summer {
    /// Minutes east of UTC.
    pub(crate) offset: i32,
    pub(crate) begins: Change,
    pub(crate) ends: Change,
}

/// The day of a clock change, and the civil time before the change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) month: u32,
    pub(crate) weekday: Weekday,
    /// First to fourth, or 5 for the last.
    pub(crate) occurrence: u32,
    pub(crate) time: NaiveTime,
}

impl Clock {
    /// The clock of a zone in `year`.
    pub(crate) fn of(zone: Tz, year: i32) -> Clock {
        let offset = |at: NaiveDateTime| zone.offset_from_utc_datetime(&at).fix().local_minus_utc() / 60;
        let start = NaiveDate::from_ymd_opt(year, 1, 1).unwrap_or_default().and_time(NaiveTime::MIN);
        let mut changes = Vec::new();
        for day in 0..365 {
            let (mut low, mut high) = (start + TimeDelta::days(day), start + TimeDelta::days(day + 1));
            if offset(low) == offset(high) {
                continue;
            }
            while high - low > TimeDelta::minutes(1) {
                let middle = low + TimeDelta::minutes((high - low).num_minutes() / 2);
                if offset(middle) == offset(low) { low = middle } else { high = middle }
            }
            changes.push((offset(low), offset(high), Change::at(high + TimeDelta::minutes(offset(low).into()))));
        }
        match changes.as_slice() {
            [(winter, summer, begins), (_, back, ends)] if winter < summer && back == winter => {
                Clock { standard: *winter, summer: Some(Summer { offset: *summer, begins: *begins, ends: *ends }) }
            }
            [(summer, winter, ends), (_, forth, begins)] if winter < summer && forth == summer => {
                Clock { standard: *winter, summer: Some(Summer { offset: *summer, begins: *begins, ends: *ends }) }
            }
            _ => Clock { standard: offset(start), summer: None },
        }
    }

    /// The instant of a civil time by this clock.
    pub(crate) fn instant(&self, local: NaiveDateTime) -> DateTime<Utc> {
        let standard = (local - TimeDelta::minutes(self.standard.into())).and_utc();
        match self.summer {
            Some(summer) => {
                let by_summer = (local - TimeDelta::minutes(summer.offset.into())).and_utc();
                if self.local(by_summer) == local { by_summer } else { standard }
            }
            None => standard,
        }
    }

    /// The civil time of an instant by this clock.
    pub(crate) fn local(&self, at: DateTime<Utc>) -> NaiveDateTime {
        let standard = at.naive_utc() + TimeDelta::minutes(self.standard.into());
        let Some(summer) = self.summer else { return standard };
        let year = standard.year();
        let (Some(begins), Some(ends)) = (summer.begins.in_year(year), summer.ends.in_year(year)) else {
            return standard;
        };
        let ends = ends - TimeDelta::minutes((summer.offset - self.standard).into());
        let is_summer =
            if begins < ends { (begins..ends).contains(&standard) } else { !(ends..begins).contains(&standard) };
        if is_summer { at.naive_utc() + TimeDelta::minutes(summer.offset.into()) } else { standard }
    }
}

impl Change {
    fn at(local: NaiveDateTime) -> Change {
        let date = local.date();
        let last = (date + TimeDelta::days(7)).month() != date.month();
        let occurrence = if last { 5 } else { (date.day() - 1) / 7 + 1 };
        Change { month: date.month(), weekday: date.weekday(), occurrence, time: local.time() }
    }

    fn in_year(self, year: i32) -> Option<NaiveDateTime> {
        let nth = |n: u32| NaiveDate::from_weekday_of_month_opt(year, self.month, self.weekday, u8::try_from(n).ok()?);
        let date = if self.occurrence >= 5 { nth(5).or_else(|| nth(4)) } else { nth(self.occurrence) };
        date.map(|date| date.and_time(self.time))
    }
}

/// English weekday names, as the schema has them.
pub(crate) fn weekday_name(day: Weekday) -> &'static str {
    match day {
        Weekday::Mon => "Monday",
        Weekday::Tue => "Tuesday",
        Weekday::Wed => "Wednesday",
        Weekday::Thu => "Thursday",
        Weekday::Fri => "Friday",
        Weekday::Sat => "Saturday",
        Weekday::Sun => "Sunday",
    }
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

    #[test]
    fn a_zones_clock_is_stated_as_windows_does() {
        let clock = Clock::of(Tz::Europe__Berlin, 2026);
        let summer = clock.summer.expect("summer time");
        let hour = |hour| NaiveTime::MIN + TimeDelta::hours(hour);
        let last_sunday = |month, time| Change { month, weekday: Weekday::Sun, occurrence: 5, time };
        assert_eq!((clock.standard, summer.offset), (60, 120));
        assert_eq!((summer.begins, summer.ends), (last_sunday(3, hour(2)), last_sunday(10, hour(3))));
        let sydney = Clock::of(Tz::Australia__Sydney, 2026);
        assert_eq!(sydney.standard, 600);
        assert_eq!(sydney.summer.map(|summer| (summer.begins.month, summer.begins.occurrence)), Some((10, 1)));
        assert_eq!(Clock::of(Tz::UTC, 2026), Clock { standard: 0, summer: None });
    }

    #[test]
    fn a_clock_agrees_with_its_zone_at_every_hour_of_its_year() {
        for zone in [Tz::Europe__Berlin, Tz::Europe__London, Tz::Australia__Sydney, Tz::America__New_York, Tz::UTC] {
            let clock = Clock::of(zone, 2026);
            for hour in 0..365 * 24 {
                let at = DateTime::from_timestamp(1_767_225_600 + hour * 3600, 0).expect("an instant");
                assert_eq!(clock.local(at), local(at, zone), "{zone} {at}");
                let back = clock.instant(clock.local(at));
                assert!(back == at || local(back, zone) == local(at, zone), "{zone} {at} {back}");
            }
        }
    }
}
