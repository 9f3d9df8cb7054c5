//! Instants as local time, and slots with theirs.

use std::ops::Range;

use chrono::{DateTime, FixedOffset, Offset as _, SecondsFormat, TimeZone as _, Utc};
use chrono_tz::Tz;
use optigov_slots::{ClockSetting, OpenWindows, Slots};

use super::days::date_digits;

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

/// Where the text of the first instant begins in a slot's JSON.
const START: usize = br#"{"start":""#.len();

/// Writes slots as JSON, their times as serde writes chrono's values: `{"start":"2026-11-24T08:00:00+01:00","end":"2026-11-24T08:20:00+01:00"}`.
///
/// Chrono writes a slot only where the clocks have been set since the slot before. Otherwise its text is copied, and only what differs is
/// written anew: the six digits of both times, and the dates where another day has begun.
pub(crate) struct SlotTexts<'a> {
    open: &'a OpenWindows,
    zone: Tz,
    /// A slot of the same day as the last, but for its times.
    json: Vec<u8>,
    /// The seconds at which clocks are ahead of UTC by as much as in the text; empty where that is not known of both its instants.
    setting: Range<i64>,
    east: i64,
    /// Those among them that are on the text's day.
    day: Range<i64>,
    /// The second at which clocks with the text's offset show its date's midnight.
    midnight: i64,
    /// Where the second instant begins in the text.
    end: usize,
    /// Where the time of day begins in each of them.
    time_of_day: usize,
}

impl<'a> SlotTexts<'a> {
    /// For the slots of a view, in a zone.
    pub(crate) fn new(slots: &'a Slots, zone: Tz) -> SlotTexts<'a> {
        let (open, json) = (slots.open_windows(), Vec::with_capacity(96));
        SlotTexts { open, zone, json, setting: 0..0, east: 0, day: 0..0, midnight: 0, end: 0, time_of_day: 0 }
    }

    /// Appends a slot from one second since 1970-01-01T00:00:00Z to another.
    #[inline]
    pub(crate) fn write(&mut self, start: i64, end: i64, out: &mut Vec<u8>) {
        let is_same_day = self.day.contains(&start) && self.day.contains(&end);
        let is_like_the_last = is_same_day || self.begin_day(start, end).is_some();
        if !is_like_the_last {
            self.write_anew(start, end);
        }
        let at = out.len();
        out.extend_from_slice(&self.json);
        if is_like_the_last {
            // In the copy: so no copy waits for the digits of the slot before.
            let times = [time_of_day(start - self.midnight), time_of_day(end - self.midnight)];
            put(&mut out[at..], [START, self.end].map(|text| text + self.time_of_day), times);
        }
    }

    /// The two instants in the JSON of the slot that was written last.
    pub(crate) fn instants<'j>(&self, json: &'j [u8]) -> [&'j str; 2] {
        let text = |from: usize, until: usize| std::str::from_utf8(&json[from..until]).unwrap_or_default();
        [text(START, self.end - br#"","end":""#.len()), text(self.end, json.len() - br#""}"#.len())]
    }

    /// Turns the text's dates to the day of a slot; `None` where more differs.
    fn begin_day(&mut self, start: i64, end: i64) -> Option<()> {
        let midnight = start - (start + self.east).rem_euclid(DAY);
        let day = self.on_day_from(midnight);
        if !day.contains(&start) || !day.contains(&end) || self.time_of_day != "2026-11-24T".len() {
            return None;
        }
        let date = date_digits(DateTime::from_timestamp(midnight + self.east, 0)?.date_naive())?;
        put(&mut self.json, [START, self.end], [date, date]);
        (self.midnight, self.day) = (midnight, day);
        Some(())
    }

    #[cold]
    fn write_anew(&mut self, start: i64, end: i64) {
        let [first, second] = [start, end].map(|second| {
            let instant = DateTime::from_timestamp(second, 0).unwrap_or(DateTime::<Utc>::MAX_UTC);
            local(instant, self.zone)
        });
        let text = first.to_rfc3339_opts(SecondsFormat::AutoSi, true);
        self.time_of_day = text.find('T').map_or(0, |at| at + 1);
        self.json.clear();
        self.json.extend_from_slice(br#"{"start":""#);
        self.json.extend_from_slice(text.as_bytes());
        self.json.extend_from_slice(br#"","end":""#);
        self.end = self.json.len();
        self.json.extend_from_slice(second.to_rfc3339_opts(SecondsFormat::AutoSi, true).as_bytes());
        self.json.extend_from_slice(br#""}"#);

        self.east = i64::from(first.offset().local_minus_utc());
        self.midnight = start - (start + self.east).rem_euclid(DAY);
        (self.setting, self.day) = (0..0, 0..0);
        let setting = self.open.clock_setting(first.to_utc()).filter(|_| self.open.zone() == self.zone);
        if let Some(ClockSetting { holds, seconds_east, .. }) = setting
            && seconds_east == self.east
            && (holds.start_unix()..holds.end_unix()).contains(&end)
        {
            self.setting = holds.start_unix()..holds.end_unix();
            let day = self.on_day_from(self.midnight);
            if day.contains(&end) {
                self.day = day;
            }
        }
    }

    /// The seconds of a day while the clocks are as in the text.
    fn on_day_from(&self, midnight: i64) -> Range<i64> {
        self.setting.start.max(midnight)..self.setting.end.min(midnight + DAY)
    }
}

/// Puts texts in their places.
#[inline]
fn put<const LENGTH: usize>(json: &mut [u8], places: [usize; 2], texts: [[u8; LENGTH]; 2]) {
    for (place, text) in places.into_iter().zip(texts) {
        json[place..][..LENGTH].copy_from_slice(&text);
    }
}

/// `08:00:00`, as so many seconds after midnight.
#[inline]
fn time_of_day(since_midnight: i64) -> [u8; 8] {
    let second = u32::try_from(since_midnight).unwrap_or_default();
    let digits = |number: u32| [b'0' + (number / 10 % 10) as u8, b'0' + (number % 10) as u8];
    let ([a, b], [c, d], [e, f]) = (digits(second / 3_600), digits(second / 60 % 60), digits(second % 60));
    [a, b, b':', c, d, b':', e, f]
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

    fn is_written_as_serde_writes_it(texts: &mut SlotTexts<'_>, zone: Tz, start: i64, end: i64) {
        let expected = [start, end].map(|second| {
            let instant = DateTime::from_timestamp(second, 0).expect("in range");
            serde_json::to_value(local(instant, zone)).expect("it is written")
        });
        let mut json = Vec::new();
        texts.write(start, end, &mut json);
        assert_eq!(texts.instants(&json), expected, "{zone}");
        let json: serde_json::Value = serde_json::from_slice(&json).expect("JSON");
        assert_eq!(json, serde_json::json!({ "start": expected[0], "end": expected[1] }), "{zone}");
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
            // Some slots reach over a midnight or the change; and beyond the window, too.
            for length in [1_200, 6 * 3_600] {
                let mut texts = SlotTexts::new(&slots, zone);
                for second in (change - 15 * DAY..change + 15 * DAY).step_by(900) {
                    is_written_as_serde_writes_it(&mut texts, zone, second, second + length);
                    is_written_as_serde_writes_it(&mut texts, zone, second - 1, second - 1 + length);
                }
            }
        }
    }

    proptest! {
        #[test]
        fn any_seconds_in_any_order_are_written_as_serde_writes_them(
            zone in prop::sample::select(TZ_VARIANTS.as_slice()),
            other in prop::sample::select(TZ_VARIANTS.as_slice()),
            first in -70_000_000_000_i64..300_000_000_000,
            seconds in prop::collection::vec((-20 * DAY..20 * DAY, 1..2 * DAY), 1..20),
        ) {
            let slots = slots(zone, first);
            // The zone in which is written need not be the view's own.
            for zone in [zone, other] {
                let mut texts = SlotTexts::new(&slots, zone);
                for (second, length) in &seconds {
                    is_written_as_serde_writes_it(&mut texts, zone, first + second, first + second + length);
                }
            }
        }
    }
}
