//! Points in time on a command line.

use std::fmt;

use chrono::{DateTime, NaiveDateTime, TimeZone as _, Utc};
use chrono_tz::Tz;

/// A point in time: an instant (`2026-11-23T08:00:00+01:00`), or a local time (`2026-11-23 08:00`, `23.11.2026 08:00`), which means an instant in a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment(Kind);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Instant(DateTime<Utc>),
    Local(NaiveDateTime),
}

/// A text is no point in time, or clocks in the zone never show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoMoment;

impl Moment {
    /// The instant, a local time being one of this zone. A time that clocks show twice is the first.
    ///
    /// # Errors
    /// [`NoMoment`] where clocks in the zone never show it.
    pub fn in_zone(self, zone: Tz) -> Result<DateTime<Utc>, NoMoment> {
        match self.0 {
            Kind::Instant(instant) => Ok(instant),
            Kind::Local(local) => zone.from_local_datetime(&local).earliest().map(|time| time.to_utc()).ok_or(NoMoment),
        }
    }
}

impl std::str::FromStr for Moment {
    type Err = NoMoment;

    fn from_str(text: &str) -> Result<Moment, NoMoment> {
        if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
            return Ok(Moment(Kind::Instant(instant.to_utc())));
        }
        let forms = ["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S", "%d.%m.%Y %H:%M"];
        let local = forms.iter().find_map(|form| NaiveDateTime::parse_from_str(text.trim(), form).ok());
        local.map(|local| Moment(Kind::Local(local))).ok_or(NoMoment)
    }
}

impl fmt::Display for NoMoment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("write 2026-11-23T08:00 (local time) or 2026-11-23T08:00:00+01:00")
    }
}

impl std::error::Error for NoMoment {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_times_are_those_of_the_zone_and_instants_are_not() {
        let berlin = chrono_tz::Europe::Berlin;
        let at = |text: &str| text.parse::<Moment>().expect(text).in_zone(berlin).expect(text).to_rfc3339();
        for text in ["2026-11-23T08:00", "2026-11-23 08:00", "23.11.2026 08:00", "2026-11-23T07:00:00Z"] {
            assert_eq!(at(text), "2026-11-23T07:00:00+00:00");
        }
        let skipped: Moment = "2027-03-28 02:30".parse().expect("a local time");
        assert_eq!(skipped.in_zone(berlin), Err(NoMoment));
        assert!("tomorrow".parse::<Moment>().is_err());
    }
}
