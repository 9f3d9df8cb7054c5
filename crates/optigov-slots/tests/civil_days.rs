//! The civil day of an instant, in all zones and at all their changes of clocks.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::LazyLock;
use std::time::Duration;

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeZone, Utc};
use chrono_tz::{TZ_VARIANTS, Tz};
use optigov_slots::{Busy, Interval, Lead, OpenWindows, Resources, Rule, SlotRules, Slots, Timetable, Weekdays};
use proptest::prelude::*;

/// From 1970 to 2100.
const YEARS: Range<i64> = 0..4_133_980_800;
const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

fn instant(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(second, 0).expect("in range")
}

fn offset(zone: Tz, second: i64) -> i64 {
    i64::from(zone.offset_from_utc_datetime(&instant(second).naive_utc()).fix().local_minus_utc())
}

fn date(zone: Tz, second: i64) -> NaiveDate {
    instant(second).with_timezone(&zone).date_naive()
}

/// A change of clocks: the first second with the new offset.
#[derive(Debug, Clone, Copy)]
struct Change {
    zone: Tz,
    at: i64,
}

impl Change {
    /// Whether clocks that had already shown a date show the one before again.
    fn leads_back_over_midnight(self) -> bool {
        date(self.zone, self.at) < date(self.zone, self.at - 1)
    }
}

/// All changes of a zone's clocks, found by looking at every second day: none is taken back within it.
fn changes(zone: Tz) -> Vec<Change> {
    let mut found = Vec::new();
    let mut before = offset(zone, YEARS.start);
    for probe in YEARS.step_by(2 * DAY as usize).skip(1) {
        let after = offset(zone, probe);
        if after != before {
            let (mut same, mut changed) = (probe - 2 * DAY, probe);
            while changed - same > 1 {
                let middle = same + (changed - same) / 2;
                *if offset(zone, middle) == before { &mut same } else { &mut changed } = middle;
            }
            found.push(Change { zone, at: changed });
            before = after;
        }
    }
    found
}

/// All changes after which a date is shown that had been left already.
static BACK_OVER_MIDNIGHT: LazyLock<Vec<Change>> = LazyLock::new(|| {
    let all = TZ_VARIANTS.into_iter().flat_map(changes);
    all.filter(|change| change.leads_back_over_midnight()).collect()
});

/// These, and all changes of zones that change their clocks at midnight or near it, or skipped a date.
fn strange_changes() -> impl Iterator<Item = Change> {
    const ZONES: [Tz; 10] = [
        Tz::Asia__Beirut,
        Tz::Africa__Cairo,
        Tz::America__Havana,
        Tz::Asia__Gaza,
        Tz::Asia__Amman,
        Tz::Asia__Tehran,
        Tz::America__Asuncion,
        Tz::America__Sao_Paulo,
        Tz::Atlantic__Azores,
        Tz::Pacific__Apia,
    ];
    BACK_OVER_MIDNIGHT.iter().copied().chain(ZONES.into_iter().flat_map(changes)).filter(|change| change.at > 7 * DAY)
}

/// The slots of a counter that never closes and takes two appointments a day.
fn list(zone: Tz, window: Interval, bookings: &Busy) -> Slots {
    let rule = Rule::weekly(Weekdays::ALL).hours("00:00-24:00".parse().expect("hours"));
    let timetable = Timetable::builder(zone).rule(rule).build().expect("valid");
    let rules = SlotRules::builder(Duration::from_mins(20)).day_limit(2).build().expect("valid");
    timetable.open_windows(window, None).slots(&rules, &Resources::none(), bookings, instant(0))
}

fn week_around(second: i64) -> Interval {
    Interval::from_unix(second - 7 * DAY / 2, second + 7 * DAY / 2).expect("not empty")
}

/// Slots that start in the hours around an instant are the same in a list of their day and in a list of a whole week.
fn day_and_week_agree(zone: Tz, second: i64) {
    // Two bookings within three hours: they fill a day if both begin on it.
    let booking = |at: i64| Interval::from_unix(at, at + 300).expect("not empty");
    let bookings: Busy = [booking(second - 2 * HOUR), booking(second + HOUR)].into_iter().collect();
    let week = list(zone, week_around(second), &bookings);
    for start in (second - 3 * HOUR..second + 3 * HOUR).step_by(600) {
        let day = list(zone, Interval::of_civil_day(instant(start), zone), &bookings);
        assert_eq!(day.is_bookable(instant(start)), week.is_bookable(instant(start)), "{zone} at {start}");
    }
}

fn is_the_day_that_the_engine_counts(zone: Tz, second: i64) {
    let day = Interval::of_civil_day(instant(second), zone);
    assert!(day.contains(instant(second)), "{zone} at {second}: {day}");
    // All instants of the day have the same day, and those before and after have others.
    for other in [day.start_unix(), day.end_unix() - 1] {
        assert_eq!(Interval::of_civil_day(instant(other), zone), day, "{zone} at {other}");
    }
    for other in [day.start_unix() - 1, day.end_unix()] {
        assert_ne!(Interval::of_civil_day(instant(other), zone), day, "{zone} at {other}");
    }
    let open = OpenWindows::new(zone, week_around(second), &[].into_iter().collect());
    let (date, counted) = open.days().find(|(_, day)| day.contains(instant(second))).expect("a day");
    assert_eq!(counted, day, "{zone} at {second}");
    assert_eq!(day.whole_days(zone), Some((date, date)), "{zone} at {second}");
    assert_eq!(Interval::of_dates(date, date, zone), Ok(day), "{zone} at {second}");
}

/// The latest reading that clocks have shown by an instant, to the minute: where they were put back, it is not what they show.
fn highest_reading(zone: Tz, second: i64) -> NaiveDateTime {
    let shown = |second| instant(second).with_timezone(&zone).naive_local();
    // No zone has put its clocks back by more than a day since 1970.
    (0..27 * 60).map(|minutes| shown(second - 60 * minutes)).max().expect("some minutes")
}

/// How many days ahead can be booked, from which day on, and from which minute of the day on the horizon includes its last day.
#[derive(Debug, Clone, Copy)]
struct Limits {
    horizon: u32,
    lead: u32,
    release: u32,
}

/// What may be booked ends where the slow reading of the clock says, whether the window's own offsets tell or others are looked up.
fn the_bookable_part_is_the_one_that_the_clock_tells(zone: Tz, now: i64, limits: Limits) {
    let Limits { horizon, lead, release } = limits;
    let release = NaiveTime::from_hms_opt(release / 60, release % 60, 0).expect("a time of day");
    let rules = SlotRules::builder(Duration::from_mins(20)).horizon_days(horizon).release_at(release);
    let rules = rules.lead(Lead::Days(lead)).build().expect("valid");
    let read = highest_reading(zone, now);
    let is_released = read >= read.date().and_time(release);
    let first = read.date() + Days::new(lead.into());
    let last = read.date() + Days::new(horizon.into()) - Days::new(u64::from(!is_released));
    let is_bookable = |second: i64| second >= now && (first..=last).contains(&highest_reading(zone, second).date());
    let far = now + i64::from(horizon) * DAY;
    let windows = [(now - 4 * DAY, far + 4 * DAY), (far - 4 * DAY, far + 4 * DAY), (now - 4 * DAY, now + 4 * DAY)];
    for (start, end) in windows {
        let window = Interval::from_unix(start, end).expect("not empty");
        let open = OpenWindows::new(zone, window, &[].into_iter().collect());
        let Some(bookable) = rules.bookable_within(&open, instant(now)) else {
            for second in (start..end).step_by(DAY as usize / 2) {
                assert!(!is_bookable(second), "{zone} at {now}, {limits:?}, {window}: {second}");
            }
            continue;
        };
        let (from, until) = (bookable.start_unix(), bookable.end_unix());
        let place = format!("{zone} at {now}, {limits:?}, {window}: {bookable}");
        assert!(start <= from && until <= end, "{place}");
        assert!(is_bookable(from) && is_bookable(until - 1), "{place}");
        assert!(from == start || !is_bookable(from - 1), "{place}");
        assert!(until == end || !is_bookable(until), "{place}");
    }
}

#[test]
fn a_few_zones_show_a_date_again_after_the_next_one_has_begun() {
    let zones: BTreeSet<&str> = BACK_OVER_MIDNIGHT.iter().map(|change| change.zone.name()).collect();
    let newfoundland = ["America/Goose_Bay", "America/Moncton", "America/St_Johns", "Canada/Newfoundland"];
    assert!(zones.is_superset(&newfoundland.into()), "{zones:?}");
    for &Change { zone, at } in BACK_OVER_MIDNIGHT.iter() {
        // The clock shows the earlier date, but the day of the later one has begun.
        let day = Interval::of_civil_day(instant(at), zone);
        assert!(day.start_unix() < at, "{zone} at {at}");
        assert_eq!(Interval::of_dates(date(zone, at - 1), date(zone, at - 1), zone), Ok(day), "{zone} at {at}");
        assert_ne!(date(zone, at), date(zone, at - 1));
    }
}

#[test]
fn where_clocks_go_back_at_midnight_the_day_has_an_hour_more() {
    for (zone, at) in [(Tz::Asia__Beirut, "2026-10-24T21:30:00Z"), (Tz::Africa__Cairo, "2026-10-29T21:30:00Z")] {
        // Half past eleven in the evening, for the second time.
        let at: DateTime<Utc> = at.parse().expect("an instant");
        assert_eq!(at.with_timezone(&zone).format("%H:%M").to_string(), "23:30");
        let day = Interval::of_civil_day(at, zone);
        assert_eq!(day.duration(), Duration::from_hours(25), "{zone}");
        assert_eq!(day.end_unix() - at.timestamp(), HOUR / 2, "{zone}");
    }
}

#[test]
fn the_day_of_an_instant_is_the_one_counted_at_every_strange_change_of_clocks() {
    for Change { zone, at } in strange_changes() {
        for distance in [-HOUR, -61, -1, 0, 1, 59, HOUR - 61, HOUR, 2 * HOUR] {
            is_the_day_that_the_engine_counts(zone, at + distance);
        }
    }
}

#[test]
fn a_list_of_the_day_agrees_with_a_list_of_the_week_at_every_strange_change_of_clocks() {
    for change in strange_changes().step_by(4).chain(BACK_OVER_MIDNIGHT.iter().copied()) {
        day_and_week_agree(change.zone, change.at);
    }
}

#[test]
fn lead_time_and_horizon_end_with_the_day_counted_at_every_strange_change_of_clocks() {
    for (nth, Change { zone, at }) in strange_changes().enumerate().filter(|(nth, _)| nth % 16 == 0) {
        let (nth, minute) = (nth as u32, at / 60 * 60);
        let limits = Limits { horizon: nth % 400, lead: nth % 7 % 3, release: nth * 37 % 1_440 };
        // The change is near the present, or near the end of the horizon.
        for distance in [-HOUR, -60, 0, HOUR] {
            the_bookable_part_is_the_one_that_the_clock_tells(zone, minute + distance, limits);
        }
        let before = minute - i64::from(limits.horizon) * DAY;
        the_bookable_part_is_the_one_that_the_clock_tells(zone, before.max(7 * DAY), limits);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_day_of_any_instant_in_any_zone_is_the_one_counted(
        zone in prop::sample::select(TZ_VARIANTS.as_slice()),
        second in 7 * DAY..YEARS.end,
    ) {
        is_the_day_that_the_engine_counts(zone, second);
        day_and_week_agree(zone, second / 1_200 * 1_200);
    }
    #[test]
    fn lead_time_and_horizon_end_with_the_day_counted_in_any_zone(
        zone in prop::sample::select(TZ_VARIANTS.as_slice()),
        minute in 7 * 1_440..YEARS.end / 60 - 500 * 1_440,
        (horizon, lead, release) in (0..450_u32, 0..4_u32, 0..1_440_u32),
    ) {
        the_bookable_part_is_the_one_that_the_clock_tells(zone, minute * 60, Limits { horizon, lead, release });
    }
}
