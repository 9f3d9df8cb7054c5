//! The engine against a slow oracle that knows nothing of intervals: it walks through time tick by tick, reads the clock on the wall at
//! each, and asks of each tick whether an appointment may start then. A tick is a minute, or a second.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc, Weekday};
use chrono_tz::Tz;
use optigov_slots::{
    Anchor, Busy, Exception, Hours, Interval, Lead, Needed, Reason, Resources, Rule, SlotRules, Timetable, Weekdays,
};
use proptest::prelude::*;

/// A question in plain values, from which both the engine's input and the oracle's are made. Instants are counted in ticks from `origin`.
#[derive(Debug, Clone)]
struct Question {
    zone: Tz,
    tick: i64,
    /// Seconds since 1970, a multiple of the tick.
    origin: i64,
    /// The window: from the origin on.
    ticks: i64,
    /// Weekdays (0 is Monday), opening and closing in ticks from midnight; a closing beyond a day is on the next.
    rules: Vec<(Vec<u8>, i64, i64)>,
    /// Days from the origin's date.
    holidays: Vec<u64>,
    /// Days from the origin's date, kind, opening, closing.
    exceptions: Vec<(u64, u8, i64, i64)>,
    length: i64,
    concerns: i64,
    step: Option<i64>,
    anchor: Anchor,
    before: i64,
    after: i64,
    now: i64,
    lead: Result<i64, u32>,
    horizon: Option<(u32, i64)>,
    day_limit: Option<u32>,
    capacity: u32,
    needed: Needed,
    calendars: Vec<Vec<(i64, i64)>>,
    bookings: Vec<(i64, i64)>,
}

impl Question {
    fn second(&self, tick: i64) -> i64 {
        self.origin + tick * self.tick
    }

    fn instant(&self, tick: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(self.second(tick), 0).expect("in range")
    }

    fn first_date(&self) -> NaiveDate {
        self.instant(0).with_timezone(&self.zone).date_naive()
    }

    fn duration(&self, ticks: i64) -> Duration {
        Duration::from_secs((ticks * self.tick) as u64)
    }

    fn time(&self, ticks: i64) -> NaiveTime {
        let second = (ticks * self.tick).rem_euclid(86_400) as u32;
        NaiveTime::from_num_seconds_from_midnight_opt(second, 0).expect("within a day")
    }

    fn busy(&self, entries: &[(i64, i64)]) -> Busy {
        entries
            .iter()
            .map(|&(from, until)| Interval::from_unix(self.second(from), self.second(until)).expect("not empty"))
            .collect()
    }

    fn ask(&self) -> optigov_slots::Slots {
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

/// What the oracle says of one tick.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Verdict {
    closed: bool,
    /// Open at the start, if not to the end.
    open_then: bool,
    outside_horizon: bool,
    lead_time: bool,
    busy: bool,
    booked: bool,
    day_limit: bool,
    /// Not decided by the clock for back to back: see `answer`.
    off_grid: bool,
    places_left: usize,
    free: Vec<usize>,
}

impl Verdict {
    fn is_bookable(&self) -> bool {
        !(self.closed
            || self.outside_horizon
            || self.lead_time
            || self.busy
            || self.booked
            || self.day_limit
            || self.off_grid)
    }
}

struct Oracle<'a> {
    question: &'a Question,
    /// The tick at index 0, and what the wall clock shows at each from there on.
    start: i64,
    wall: Vec<NaiveDateTime>,
    /// The latest reading so far, and the earliest that is still to come.
    highest: Vec<NaiveDateTime>,
    lowest: Vec<NaiveDateTime>,
}

impl<'a> Oracle<'a> {
    fn new(question: &'a Question) -> Oracle<'a> {
        // Hours of the days before and after reach in. By the second, questions are so small that less is enough.
        let margin = if question.tick == 1 { 7_200 } else { 3 * 1_440 };
        let (start, end) = ((question.now - margin / 3).min(-margin), question.ticks + margin);
        let read = |tick| question.instant(tick).with_timezone(&question.zone).naive_local();
        let wall: Vec<NaiveDateTime> = (start..end).map(read).collect();
        let mut highest = wall.clone();
        for index in 1..highest.len() {
            highest[index] = highest[index].max(highest[index - 1]);
        }
        let mut lowest = wall.clone();
        for index in (1..lowest.len()).rev() {
            lowest[index - 1] = lowest[index - 1].min(lowest[index]);
        }
        Oracle { question, start, wall, highest, lowest }
    }

    fn at(&self, tick: i64) -> usize {
        (tick - self.start) as usize
    }

    /// The day that has begun: dates do not run backwards.
    fn date(&self, tick: i64) -> NaiveDate {
        self.highest[self.at(tick)].date()
    }

    /// The ticks that the hours of one date open.
    fn open_on(&self, date: NaiveDate) -> Vec<bool> {
        let q = self.question;
        let of = |kind: u8| {
            let first = q.first_date();
            q.exceptions
                .iter()
                .filter(move |e| first + Days::new(e.0) == date && e.1 == kind)
                .map(|e| (e.2, e.3))
                .collect::<Vec<_>>()
        };
        let mut hours = of(1);
        let holiday = q.holidays.iter().any(|&day| q.first_date() + Days::new(day) == date);
        if hours.is_empty() && of(0).is_empty() && !holiday {
            let weekday = date.weekday().num_days_from_monday() as u8;
            hours = q.rules.iter().filter(|r| r.0.contains(&weekday)).map(|r| (r.1, r.2)).collect();
        }
        hours.extend(of(2));
        let midnight = date.and_time(NaiveTime::MIN);
        let reading = |ticks: i64| midnight + TimeDelta::seconds(ticks * q.tick);
        let mut open = vec![false; self.wall.len()];
        for (opening, closing) in hours {
            let (opening, closing) = (reading(opening), reading(closing));
            for (index, open) in open.iter_mut().enumerate() {
                *open |= self.highest[index] >= opening && self.lowest[index] < closing;
            }
        }
        open
    }

    fn answer(&self) -> Vec<Verdict> {
        let q = self.question;
        let total = q.length * q.concerns;
        let between = q.before.max(q.after);
        let step = q.step.unwrap_or(match q.anchor {
            Anchor::BackToBack => total + between,
            _ => q.length,
        });
        let mut open = vec![false; self.wall.len()];
        let mut anchors = BTreeSet::new();
        let dates: BTreeSet<NaiveDate> = self.highest.iter().map(|wall| wall.date()).collect();
        for &date in &dates {
            let day = self.open_on(date);
            for index in 0..day.len() {
                open[index] |= day[index];
                if day[index] && (index == 0 || !day[index - 1]) {
                    anchors.insert(index);
                }
            }
        }
        let inside = |entries: &[(i64, i64)], tick: i64, longer: i64| {
            entries.iter().filter(|(from, until)| *from <= tick && tick < until + longer).count()
        };
        let today = self.date(q.now);
        let released = |release: i64| self.highest[self.at(q.now)] >= today.and_time(q.time(release));
        let verdict = |tick: i64| {
            let index = self.at(tick);
            let ticks = index..index + total as usize;
            let closed = !open[ticks.clone()].iter().all(|&open| open);
            let with_buffers = tick - q.before..tick + total + q.after;
            let free: Vec<usize> = (0..q.calendars.len())
                .filter(|&calendar| with_buffers.clone().all(|tick| inside(&q.calendars[calendar], tick, 0) == 0))
                .collect();
            let all = if free.len() == q.calendars.len() { q.capacity as usize } else { 0 };
            let places = match q.needed {
                Needed::All => all,
                Needed::Any => free.len().min(q.capacity as usize),
                Needed::AtLeast(count) => (free.len() / count as usize).min(q.capacity as usize),
                _ => unreachable!(),
            };
            let taken =
                (tick..tick + total + between).map(|tick| inside(&q.bookings, tick, between)).max().expect("a length");
            let date = self.date(tick);
            let begin_then = q.bookings.iter().filter(|b| self.start <= b.0 && self.date(b.0) == date).count();
            let anchor = match q.anchor {
                Anchor::WindowStart => anchors.range(..=index).next_back().copied(),
                _ => None,
            };
            let off_grid = match q.anchor {
                Anchor::WindowStart => anchor.is_none_or(|anchor| {
                    !open[anchor..=index].iter().all(|&open| open) || (index - anchor) as i64 % step != 0
                }),
                Anchor::LocalMidnight => {
                    let wall = self.wall[index];
                    let since_midnight = (wall - wall.date().and_time(NaiveTime::MIN)).num_seconds();
                    since_midnight % (step * q.tick) != 0
                }
                _ => false,
            };
            Verdict {
                closed,
                open_then: open[index],
                outside_horizon: q.horizon.is_some_and(|(days, release)| {
                    date > today + Days::new(u64::from(days)) - Days::new(u64::from(!released(release)))
                }),
                lead_time: match q.lead {
                    Ok(ticks) => tick < q.now + ticks,
                    Err(days) => tick < q.now || date < today + Days::new(u64::from(days)),
                },
                busy: places == 0,
                booked: places > 0 && taken >= places,
                day_limit: q.day_limit.is_some_and(|limit| begin_then >= limit as usize),
                off_grid,
                places_left: places.saturating_sub(taken),
                free,
            }
        };
        // Back to back, the grid begins where an appointment first could, and anew with each window.
        let from = if q.anchor == Anchor::BackToBack { self.start.max(-5_000) + 1_300 } else { 0 };
        let mut verdicts: Vec<Verdict> = (from..q.ticks).map(verdict).collect();
        if q.anchor == Anchor::BackToBack {
            let mut since = None;
            for (verdict, tick) in verdicts.iter_mut().zip(from..) {
                let possible = !(verdict.closed || verdict.busy || verdict.booked);
                if !possible {
                    since = None;
                } else if since.is_none() || anchors.contains(&self.at(tick)) {
                    since = Some(tick);
                }
                verdict.off_grid = since.is_none_or(|since| (tick - since) % step != 0);
            }
        }
        verdicts.split_off(-from as usize)
    }
}

fn agree(question: &Question) -> Result<(), TestCaseError> {
    let slots = question.ask();
    let oracle = Oracle::new(question);
    let verdicts = oracle.answer();
    let expected: Vec<i64> =
        verdicts.iter().zip(0..).filter(|(v, _)| v.is_bookable()).map(|(_, tick)| question.second(tick)).collect();
    let listed: Vec<i64> = slots.iter().map(|slot| slot.start_unix()).collect();
    prop_assert_eq!(&listed, &expected);
    prop_assert!(slots.starts().map(|start| start.timestamp()).eq(expected.iter().copied()));
    prop_assert_eq!(slots.len(), expected.len());
    prop_assert_eq!(slots.is_empty(), expected.is_empty());
    prop_assert_eq!(slots.first().map(|slot| slot.start_unix()), expected.first().copied());

    let mut per_day = BTreeMap::new();
    for (verdict, tick) in verdicts.iter().zip(0..) {
        *per_day.entry(oracle.date(tick)).or_insert(0) += usize::from(verdict.is_bookable());
    }
    prop_assert_eq!(slots.counts_per_day().collect::<BTreeMap<_, _>>(), per_day);

    for (verdict, tick) in verdicts.iter().zip(0..) {
        let instant = question.instant(tick);
        let reasons = slots.why(instant);
        prop_assert_eq!(slots.is_bookable(instant), verdict.is_bookable(), "bookable at {}", instant);
        prop_assert_eq!(reasons.is_empty(), verdict.is_bookable(), "why at {}: {:?}", instant, reasons);
        prop_assert!(reasons.is_sorted(), "{:?}", reasons);
        let says = |reason: fn(&Reason) -> bool| reasons.iter().any(reason);
        prop_assert_eq!(says(|r| matches!(r, Reason::Closed { .. })), verdict.closed, "at {}: {:?}", instant, reasons);
        prop_assert_eq!(says(|r| matches!(r, Reason::OutsideHorizon { .. })), verdict.outside_horizon);
        prop_assert_eq!(says(|r| matches!(r, Reason::LeadTime { .. })), verdict.lead_time);
        prop_assert_eq!(says(|r| matches!(r, Reason::DayLimit { .. })), verdict.day_limit);
        if question.anchor != Anchor::BackToBack {
            prop_assert_eq!(
                says(|r| matches!(r, Reason::NotOnGrid { .. })),
                verdict.off_grid && verdict.open_then,
                "at {}",
                instant
            );
        }
        let near = |r: &Reason| matches!(r, Reason::Busy { .. } | Reason::Buffer { .. } | Reason::Capacity { .. });
        prop_assert_eq!(reasons.iter().any(near), verdict.busy || verdict.booked);
        let places_left = if verdict.is_bookable() { verdict.places_left } else { 0 };
        prop_assert_eq!(slots.places_left(instant), places_left);
        prop_assert_eq!(&slots.free_resources(instant), &verdict.free);
        prop_assert_eq!(
            slots.iter_from(instant).next().map(|s| s.start_unix()),
            expected.iter().find(|&&s| s >= instant.timestamp()).copied()
        );
    }
    Ok(())
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
fn stretches(range: std::ops::Range<i64>, longest: i64, count: usize) -> impl Strategy<Value = Vec<(i64, i64)>> {
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
fn by_the_minute() -> impl Strategy<Value = Question> {
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
fn by_the_second() -> impl Strategy<Value = Question> {
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

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_engine_agrees_with_a_walk_by_the_minute(question in by_the_minute()) {
        agree(&question)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_engine_agrees_with_a_walk_by_the_second(question in by_the_second()) {
        agree(&question)?;
    }
}
