//! Instants as local time.

use chrono::{DateTime, FixedOffset, Offset as _, SecondsFormat, TimeZone as _, Utc};
use chrono_tz::Tz;
use optigov_slots::{ClockSetting, OpenWindows, Slots};

const DAY: i64 = 86_400;

/// The instant with the offset that holds then in the zone. At the ends of what chrono can name, the zone's clock may show what it cannot: there
/// the instant is written in UTC.
pub(crate) fn local(instant: DateTime<Utc>, zone: Tz) -> DateTime<FixedOffset> {
    let offset = zone.offset_from_utc_datetime(&instant.naive_utc()).fix();
    match instant.naive_utc().checked_add_offset(offset) {
        Some(_) => instant.with_timezone(&offset),
        None => instant.fixed_offset(),
    }
}

/// Writes whole seconds as local time, as serde writes chrono's values: `2026-11-24T08:00:00+01:00`.
///
/// Date and offset are written by chrono once for each day on which both stay the same. For every further instant of that day, only the six digits
/// of the time are written anew.
pub(crate) struct LocalTimes<'a> {
    open: &'a OpenWindows,
    zone: Tz,
    /// The last text that was written.
    text: String,
    /// The stretch of seconds, from the first until the second, that differ from the text in the time of day alone.
    from: i64,
    until: i64,
    /// The second at which clocks with the text's offset show its date's midnight.
    midnight: i64,
    /// Where the time of day begins in the text.
    time_of_day: usize,
}

impl<'a> LocalTimes<'a> {
    /// For the slots of a view, in a zone.
    pub(crate) fn new(slots: &'a Slots, zone: Tz) -> LocalTimes<'a> {
        let text = String::with_capacity(32);
        LocalTimes { open: slots.open_windows(), zone, text, from: 0, until: 0, midnight: 0, time_of_day: 0 }
    }

    /// The local time of a second since 1970-01-01T00:00:00Z.
    #[inline]
    pub(crate) fn text(&mut self, second: i64) -> &str {
        if second < self.from || self.until <= second {
            self.write_anew(second);
        } else {
            let since_midnight = second - self.midnight;
            let end = self.time_of_day + "00:00:00".len();
            self.text.replace_range(self.time_of_day..end, time_of_day(since_midnight, &mut [0; 8]));
        }
        &self.text
    }

    #[cold]
    fn write_anew(&mut self, second: i64) {
        let instant = DateTime::from_timestamp(second, 0).unwrap_or(DateTime::<Utc>::MAX_UTC);
        let shown = local(instant, self.zone);
        self.text.clear();
        self.text.push_str(&shown.to_rfc3339_opts(SecondsFormat::AutoSi, true));
        self.time_of_day = self.text.find('T').map_or(0, |at| at + 1);
        let east = i64::from(shown.offset().local_minus_utc());
        self.midnight = second - (second + east).rem_euclid(DAY);
        (self.from, self.until) = (second, second);
        let setting = self.open.clock_setting(instant).filter(|_| self.open.zone() == self.zone);
        if let Some(ClockSetting { holds, seconds_east, .. }) = setting
            && seconds_east == east
        {
            self.from = holds.start_unix().max(self.midnight);
            self.until = holds.end_unix().min(self.midnight + DAY);
        }
    }
}

/// `08:00:00`, as so many seconds after midnight.
#[inline]
fn time_of_day(since_midnight: i64, text: &mut [u8; 8]) -> &str {
    let second = u32::try_from(since_midnight).unwrap_or_default();
    let digits = |number: u32| [b'0' + (number / 10 % 10) as u8, b'0' + (number % 10) as u8];
    let ([a, b], [c, d], [e, f]) = (digits(second / 3_600), digits(second / 60 % 60), digits(second % 60));
    *text = [a, b, b':', c, d, b':', e, f];
    std::str::from_utf8(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chrono_tz::TZ_VARIANTS;
    use optigov_slots::{Busy, Interval, IntervalSet, Resources, SlotRules};
    use proptest::prelude::*;

    use super::*;

    /// A view of two weeks from a second on; all of it is open.
    fn slots(zone: Tz, first: i64) -> Slots {
        let window = Interval::from_unix(first, first + 14 * DAY).expect("not empty");
        let rules = SlotRules::builder(Duration::from_mins(20)).build().expect("valid");
        let open = OpenWindows::new(zone, window, &IntervalSet::from(window));
        open.slots(&rules, &Resources::none(), &Busy::default(), DateTime::UNIX_EPOCH)
    }

    fn is_written_as_serde_writes_it(times: &mut LocalTimes<'_>, zone: Tz, second: i64) {
        let instant = DateTime::from_timestamp(second, 0).expect("in range");
        let expected = serde_json::to_value(local(instant, zone)).expect("it is written");
        assert_eq!(times.text(second), expected, "{zone}");
    }

    #[test]
    fn every_quarter_of_an_hour_around_a_change_of_clocks_is_written_as_serde_writes_it() {
        let changes = [
            (Tz::Europe__Berlin, "2027-03-28T01:00:00Z"),
            (Tz::Europe__Berlin, "2026-10-25T01:00:00Z"),
            (Tz::Europe__London, "2026-10-25T01:00:00Z"),
            (Tz::Australia__Lord_Howe, "2027-04-03T15:00:00Z"),
            (Tz::America__St_Johns, "2010-11-07T02:31:00Z"),
            (Tz::Pacific__Apia, "2011-12-30T10:00:00Z"),
            (Tz::Africa__Monrovia, "1972-01-07T00:44:30Z"),
            (Tz::UTC, "2027-01-01T00:00:00Z"),
        ];
        for (zone, change) in changes {
            let change = change.parse::<DateTime<Utc>>().expect("an instant").timestamp();
            let slots = slots(zone, change - 7 * DAY);
            let mut times = LocalTimes::new(&slots, zone);
            // Beyond the window, too.
            for second in (change - 15 * DAY..change + 15 * DAY).step_by(900) {
                is_written_as_serde_writes_it(&mut times, zone, second);
                is_written_as_serde_writes_it(&mut times, zone, second - 1);
            }
        }
    }

    proptest! {
        #[test]
        fn any_seconds_in_any_order_are_written_as_serde_writes_them(
            zone in prop::sample::select(TZ_VARIANTS.as_slice()),
            other in prop::sample::select(TZ_VARIANTS.as_slice()),
            first in -70_000_000_000_i64..300_000_000_000,
            seconds in prop::collection::vec(-20 * DAY..20 * DAY, 1..20),
        ) {
            let slots = slots(zone, first);
            // The zone in which is written need not be the view's own.
            for zone in [zone, other] {
                let mut times = LocalTimes::new(&slots, zone);
                for second in &seconds {
                    is_written_as_serde_writes_it(&mut times, zone, first + second);
                }
            }
        }
    }
}
