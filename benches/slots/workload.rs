//! Seeded workloads: the same numbers for everyone, on any machine.

use std::sync::LazyLock;
use std::time::Duration;

use chrono::{DateTime, Datelike, Days, NaiveDate, TimeDelta, TimeZone, Utc};
use chrono_tz::Europe::Berlin;
use optigov_slots::{Anchor, Interval, OpenWindows, Rule, SlotRules, Timetable, Weekdays};

pub(crate) const LENGTH: i64 = 20 * 60;
pub(crate) const STEP: i64 = 10 * 60;
pub(crate) const DAYS: u64 = 90;

/// SplitMix64 (Steele, Lea and Flood, 2014): a small generator whose sequence is fixed for good.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % bound
    }

    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for index in (1..items.len()).rev() {
            items.swap(index, self.below(index as u64 + 1) as usize);
        }
    }
}

/// 1 March 2027.
pub(crate) fn first_date() -> NaiveDate {
    NaiveDate::from_ymd_opt(2027, 3, 1).expect("a date")
}

pub(crate) fn now() -> DateTime<Utc> {
    "2027-02-26T12:00:00Z".parse().expect("an instant")
}

pub(crate) fn horizon(days: u64) -> Interval {
    Interval::of_dates(first_date(), first_date() + Days::new(days - 1), Berlin).expect("not empty")
}

pub(crate) fn timetable() -> Timetable {
    let hours = |text: &str| text.parse().expect("hours");
    let rule = Rule::weekly(Weekdays::MONDAY_TO_FRIDAY).hours(hours("08:00-12:00")).hours(hours("13:00-17:00"));
    Timetable::builder(Berlin).rule(rule).build().expect("valid")
}

pub(crate) static OPEN: LazyLock<OpenWindows> = LazyLock::new(|| timetable().open_windows(horizon(DAYS), None));

pub(crate) fn rules() -> SlotRules {
    SlotRules::builder(Duration::from_secs(LENGTH as u64))
        .step(Duration::from_secs(STEP as u64))
        .build()
        .expect("valid")
}

/// The same length and step, but the grid follows busy time: only the sweep can answer.
pub(crate) fn back_to_back() -> SlotRules {
    let builder = SlotRules::builder(Duration::from_secs(LENGTH as u64)).step(Duration::from_secs(STEP as u64));
    builder.anchor(Anchor::BackToBack).build().expect("valid")
}

/// The open hours as a bare loop is given them.
pub(crate) fn windows(days: u64) -> Vec<(i64, i64)> {
    timetable().open_windows(horizon(days), None).windows().iter().map(|i| (i.start_unix(), i.end_unix())).collect()
}

fn local(date: NaiveDate, minute: u64) -> i64 {
    let time = date.and_hms_opt(0, 0, 0).expect("midnight") + TimeDelta::minutes(minute as i64);
    Berlin.from_local_datetime(&time).earliest().expect("by day, no clock changes").timestamp()
}

/// W1: `count` entries from 07 to 18 h, on 5 minutes, 15 to 120 minutes long; 2 in 100 take one to three days. In no order.
pub(crate) fn busy(seed: u64, count: usize, days: u64) -> Vec<(i64, i64)> {
    let mut random = Random(seed);
    let entry = |_| {
        let date = first_date() + Days::new(random.below(days));
        let start = 7 * 60 + 5 * random.below(11 * 12);
        let minutes = if random.below(100) < 2 { 1_440 * (1 + random.below(3)) } else { 15 + 5 * random.below(22) };
        let start = local(date, start);
        (start, start + 60 * minutes as i64)
    };
    (0..count).map(entry).collect()
}

/// W3b: every opening is filled with appointments up to a day between the 20th and the 80th. In no order.
pub(crate) fn fully_booked(seed: u64) -> Vec<(i64, i64)> {
    let mut random = Random(seed);
    let until = 20 + random.below(61);
    let mut busy = Vec::new();
    for date in
        (0..until).map(|day| first_date() + Days::new(day)).filter(|date| date.weekday().num_days_from_monday() < 5)
    {
        for start in (8 * 60..12 * 60).chain(13 * 60..17 * 60).step_by(20) {
            let start = local(date, start);
            busy.push((start, start + LENGTH));
        }
    }
    random.shuffle(&mut busy);
    busy
}

/// W4: intervals whose starts are spread evenly, so that about every second touches another. In no order.
pub(crate) fn intervals(seed: u64, count: usize) -> Vec<(i64, i64)> {
    let mut random = Random(seed);
    let range = count as u64 * 1_000;
    let mut next = || {
        let start = random.below(range) as i64;
        (start, start + 1 + random.below(1_400) as i64)
    };
    (0..count).map(|_| next()).collect()
}

/// W5: a set of exactly `count` intervals with gaps between them, in order.
pub(crate) fn set(seed: u64, count: usize) -> Vec<(i64, i64)> {
    let mut random = Random(seed);
    let mut end = 0;
    let next = |_| {
        let start = end + 1 + random.below(1_000) as i64;
        end = start + 1 + random.below(1_000) as i64;
        (start, end)
    };
    (0..count).map(next).collect()
}

pub(crate) fn typed(pairs: &[(i64, i64)]) -> Vec<Interval> {
    pairs.iter().map(|&(start, end)| Interval::from_unix(start, end).expect("not empty")).collect()
}

pub(crate) fn sorted(mut pairs: Vec<(i64, i64)>) -> Vec<(i64, i64)> {
    pairs.sort_unstable();
    pairs
}
