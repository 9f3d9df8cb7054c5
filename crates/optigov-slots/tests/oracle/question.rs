//! A question to the engine in plain values, and where random questions come from.

use std::ops::Range;
use std::time::Duration;

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc, Weekday};
use chrono_tz::Tz;
use optigov_slots::{
    Anchor, Busy, Exception, Hours, Interval, Lead, Needed, Resources, Rule, SlotRules, Slots, Timetable, Weekdays,
};
use proptest::prelude::*;

/// A question in plain values, from which both the engine's input and the oracle's are made. Instants are counted in ticks from `origin`.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    pub(crate) zone: Tz,
    pub(crate) tick: i64,
    /// Seconds since 1970, a multiple of the tick.
    pub(crate) origin: i64,
    /// The window: from the origin on.
    pub(crate) ticks: i64,
    /// Weekdays (0 is Monday), opening and closing in ticks from midnight; a closing beyond a day is on the next.
    pub(crate) rules: Vec<(Vec<u8>, i64, i64)>,
    /// Days from the origin's date.
    pub(crate) holidays: Vec<u64>,
    /// Days from the origin's date, kind, opening, closing.
    pub(crate) exceptions: Vec<(u64, u8, i64, i64)>,
    pub(crate) length: i64,
    pub(crate) concerns: i64,
    pub(crate) step: Option<i64>,
    pub(crate) anchor: Anchor,
    pub(crate) before: i64,
    pub(crate) after: i64,
    pub(crate) now: i64,
    pub(crate) lead: Result<i64, u32>,
    pub(crate) horizon: Option<(u32, i64)>,
    pub(crate) day_limit: Option<u32>,
    pub(crate) capacity: u32,
    pub(crate) needed: Needed,
    pub(crate) calendars: Vec<Vec<(i64, i64)>>,
    pub(crate) bookings: Vec<(i64, i64)>,
}

impl Question {
    pub(crate) fn second(&self, tick: i64) -> i64 {
        self.origin + tick * self.tick
    }

    pub(crate) fn instant(&self, tick: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(self.second(tick), 0).expect("in range")
    }

    pub(crate) fn first_date(&self) -> NaiveDate {
        self.instant(0).with_timezone(&self.zone).date_naive()
    }

    pub(crate) fn duration(&self, ticks: i64) -> Duration {
        Duration::from_secs((ticks * self.tick) as u64)
    }

    pub(crate) fn time(&self, ticks: i64) -> NaiveTime {
        let second = (ticks * self.tick).rem_euclid(86_400) as u32;
        NaiveTime::from_num_seconds_from_midnight_opt(second, 0).expect("within a day")
    }

    pub(crate) fn busy(&self, entries: &[(i64, i64)]) -> Busy {
        entries
            .iter()
            .map(|&(from, until)| Interval::from_unix(self.second(from), self.second(until)).expect("not empty"))
            .collect()
    }

    pub(crate) fn ask(&self) -> Slots {
        let mut timetable = Timetable::builder(self.zone);
        for (weekdays, opening, closing) in &self.rules {
            let weekdays: Weekdays = weekdays.iter().map(|&day| Weekday::try_from(day).expect("a weekday")).collect();
            timetable =
                timetable.rule(Rule::weekly(weekdays).hours(Hours::new(self.time(*opening), self.time(*closing))));
        }
        for &day in &self.holidays {
            timetable = timetable.holiday(self.first_date() + Days::new(day));
        }
        for &(day, kind, opening, closing) in &self.exceptions {
            let (date, hours) =
                (self.first_date() + Days::new(day), Hours::new(self.time(opening), self.time(closing)));
            timetable = timetable.exception(match kind {
                0 => Exception::closed(date),
                1 => Exception::other_hours(date, [hours]),
                _ => Exception::extra_hours(date, [hours]),
            });
        }
        let window = Interval::from_unix(self.second(0), self.second(self.ticks)).expect("not empty");
        let open = timetable.build().expect("valid").open_windows(window, None);
        let mut rules = SlotRules::builder(self.duration(self.length))
            .concerns(self.concerns as u32)
            .anchor(self.anchor)
            .buffer_before(self.duration(self.before))
            .buffer_after(self.duration(self.after))
            .capacity(self.capacity)
            .lead(match self.lead {
                Ok(ticks) => Lead::Time(self.duration(ticks)),
                Err(days) => Lead::Days(days),
            });
        if let Some(step) = self.step {
            rules = rules.step(self.duration(step));
        }
        if let Some((days, release)) = self.horizon {
            rules = rules.horizon_days(days).release_at(self.time(release));
        }
        if let Some(limit) = self.day_limit {
            rules = rules.day_limit(limit);
        }
        let calendars = self.calendars.iter().map(|entries| self.busy(entries));
        let resources = Resources::new(calendars, self.needed).expect("valid");
        open.slots(&rules.build().expect("valid"), &resources, &self.busy(&self.bookings), self.instant(self.now))
    }
}

/// Zones and dates on which clocks do something; the last are dates on which they do not.
const STRANGE_DAYS: [(Tz, &str); 20] = [
    (Tz::Europe__Berlin, "2027-03-28"),
    (Tz::Europe__Berlin, "2026-10-25"),
    (Tz::Australia__Lord_Howe, "2027-04-04"),
    (Tz::Australia__Lord_Howe, "2026-10-04"),
    (Tz::Africa__Cairo, "2027-04-30"),
    (Tz::Africa__Cairo, "2027-10-29"),
    (Tz::Pacific__Apia, "2011-12-30"),
    (Tz::Asia__Kathmandu, "1986-01-01"),
    (Tz::America__New_York, "2027-03-14"),
    (Tz::America__New_York, "2027-11-07"),
    (Tz::America__Sao_Paulo, "2018-11-04"),
    (Tz::America__Sao_Paulo, "2018-02-18"),
    (Tz::America__St_Johns, "2010-11-07"),
    (Tz::America__Havana, "2027-11-07"),
    (Tz::UTC, "1970-01-02"),
    (Tz::Europe__Berlin, "2099-10-25"),
    (Tz::Asia__Kathmandu, "2100-12-30"),
    (Tz::UTC, "2028-02-29"),
    (Tz::Europe__Berlin, "2027-03-01"),
    (Tz::America__Sao_Paulo, "1972-06-01"),
];

fn anchor() -> impl Strategy<Value = Anchor> {
    prop_oneof![Just(Anchor::WindowStart), Just(Anchor::LocalMidnight), Just(Anchor::BackToBack)]
}

/// `(from, until)` with a length below `longest`, within `range`.
fn stretches(range: Range<i64>, longest: i64, count: usize) -> impl Strategy<Value = Vec<(i64, i64)>> {
    prop::collection::vec((range, 1..longest).prop_map(|(from, length)| (from, from + length)), 0..count)
}

fn needed(calendars: usize) -> BoxedStrategy<Needed> {
    match calendars {
        0 => Just(Needed::All).boxed(),
        _ => {
            prop_oneof![Just(Needed::All), Just(Needed::Any), (1..=calendars as u32).prop_map(Needed::AtLeast)].boxed()
        }
    }
}

/// Questions by the minute, of two to three days around a strange one. Most times are multiples of `grain` minutes, so that edges meet.
pub(crate) fn by_the_minute() -> impl Strategy<Value = Question> {
    let grain = prop_oneof![Just(1_i64), Just(5), Just(15), Just(30)];
    let shape = (0..STRANGE_DAYS.len(), grain, -30..30_i64, 1..1_500_i64, 0..4_usize);
    shape.prop_flat_map(|(day, grain, shift, ticks, calendars)| {
        let (zone, date) = STRANGE_DAYS[day];
        let midnight = date.parse::<NaiveDate>().expect("a date").and_time(NaiveTime::MIN).and_utc().timestamp();
        let origin = midnight - 86_400 + shift * grain.min(15) * 60;
        let per_day = 1_440 / grain;
        let hours =
            move || (0..per_day, 1..=per_day).prop_map(move |(from, length)| (from * grain, (from + length) * grain));
        let weekdays = prop::sample::subsequence((0..7_u8).collect::<Vec<_>>(), 1..=7);
        let rules =
            prop::collection::vec((weekdays, hours()).prop_map(|(days, (from, until))| (days, from, until)), 0..4);
        let exceptions =
            prop::collection::vec((0..4_u64, 0..3_u8, hours()).prop_map(|(day, kind, (a, b))| (day, kind, a, b)), 0..3);
        let scaled = move |entries: Vec<(i64, i64)>| {
            entries.into_iter().map(move |(a, b)| (a * grain, b * grain)).collect::<Vec<_>>()
        };
        let cells = ticks / grain + 1;
        let entries = move |longest| stretches(-40..cells + 40, longest, 7).prop_map(scaled);
        let opening = (rules, prop::collection::vec(0..4_u64, 0..2), exceptions);
        let cut = (
            1..=(120 / grain).max(1),
            prop_oneof![4 => Just(1_i64), 1 => 2..4_i64],
            prop::option::of(1..=(90 / grain).max(2)),
            anchor(),
            prop_oneof![2 => Just(0_i64), 1 => 0..45_i64],
            prop_oneof![2 => Just(0_i64), 1 => 0..45_i64],
        );
        let limits = (
            prop_oneof![Just(-1_500_i64), -2_000..ticks],
            prop_oneof![3 => Just(Ok(0)), 1 => (0..2_000_i64).prop_map(Ok), 1 => (0..3_u32).prop_map(Err)],
            prop::option::weighted(
                0.3,
                (0..4_u32, 0..per_day).prop_map(move |(days, release)| (days, release * grain)),
            ),
            prop::option::weighted(0.3, 1..4_u32),
            prop_oneof![3 => Just(1_u32), 2 => 2..5_u32],
        );
        let taken = (needed(calendars), prop::collection::vec(entries(60), calendars), entries(20));
        (opening, cut, limits, taken).prop_map(move |(opening, cut, limits, taken)| Question {
            zone,
            tick: 60,
            origin,
            ticks,
            rules: opening.0,
            holidays: opening.1,
            exceptions: opening.2,
            length: cut.0 * grain,
            concerns: cut.1,
            step: cut.2.map(|step| step * grain),
            anchor: cut.3,
            before: cut.4,
            after: cut.5,
            now: limits.0,
            lead: limits.1,
            horizon: limits.2,
            day_limit: limits.3,
            capacity: limits.4,
            needed: taken.0,
            calendars: taken.1,
            bookings: taken.2,
        })
    })
}

/// Questions by the second, of some minutes within hours that are open all day.
pub(crate) fn by_the_second() -> impl Strategy<Value = Question> {
    let cut = (1..200_i64, prop::option::of(1..100_i64), anchor(), 0..60_i64, 0..60_i64);
    let limits = (0..600_i64, 0..300_i64, 1..3_u32);
    let taken = (0..3_usize).prop_flat_map(|calendars| {
        let entries = || stretches(-200..1_200, 150, 6);
        (needed(calendars), prop::collection::vec(entries(), calendars), entries())
    });
    let hours = (0..900_i64, 1..900_i64, 0..900_i64);
    (0..4_usize, hours, cut, limits, taken).prop_map(|(day, hours, cut, limits, taken)| {
        // 15 minutes from three minutes before the change of clocks, or from any time.
        let (zone, change) = [
            (Tz::Europe__Berlin, "2027-03-28T01:00:00Z"),
            (Tz::Europe__Berlin, "2026-10-25T01:00:00Z"),
            (Tz::Australia__Lord_Howe, "2027-04-03T15:00:00Z"),
            (Tz::UTC, "2027-06-01T12:00:00Z"),
        ][day];
        let change = change.parse::<DateTime<Utc>>().expect("an instant");
        let wall = (change - TimeDelta::minutes(3)).with_timezone(&zone).time();
        let since_midnight = (wall - NaiveTime::MIN).num_seconds();
        let opening = since_midnight + hours.0;
        Question {
            zone,
            tick: 1,
            origin: change.timestamp() - 180,
            ticks: 900,
            rules: vec![
                ((0..7).collect(), opening, opening + hours.1),
                ((0..7).collect(), since_midnight, since_midnight + hours.2 + 1),
            ],
            holidays: Vec::new(),
            exceptions: Vec::new(),
            length: cut.0,
            concerns: 1,
            step: cut.1,
            anchor: cut.2,
            before: cut.3,
            after: cut.4,
            now: limits.0 - 600,
            lead: Ok(limits.1),
            horizon: None,
            day_limit: None,
            capacity: limits.2,
            needed: taken.0,
            calendars: taken.1,
            bookings: taken.2,
        }
    })
}
