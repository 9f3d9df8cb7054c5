//! The oracle: a walk through time, tick by tick.

use std::collections::BTreeSet;

use chrono::{Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};
use optigov_slots::{Anchor, Needed};

use crate::question::Question;

/// What the oracle says of one tick.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) closed: bool,
    /// Open at the start, if not to the end.
    pub(crate) open_then: bool,
    pub(crate) outside_horizon: bool,
    pub(crate) lead_time: bool,
    pub(crate) busy: bool,
    pub(crate) booked: bool,
    pub(crate) day_limit: bool,
    /// Not decided by the clock for back to back: see `answer`.
    pub(crate) off_grid: bool,
    pub(crate) places_left: usize,
    pub(crate) free: Vec<usize>,
}

impl Verdict {
    pub(crate) fn is_bookable(&self) -> bool {
        !(self.closed
            || self.outside_horizon
            || self.lead_time
            || self.busy
            || self.booked
            || self.day_limit
            || self.off_grid)
    }
}

pub(crate) struct Oracle<'a> {
    question: &'a Question,
    /// The tick at index 0, and what the wall clock shows at each from there on.
    start: i64,
    wall: Vec<NaiveDateTime>,
    /// The latest reading so far, and the earliest that is still to come.
    highest: Vec<NaiveDateTime>,
    lowest: Vec<NaiveDateTime>,
}

impl<'a> Oracle<'a> {
    pub(crate) fn new(question: &'a Question) -> Oracle<'a> {
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
    pub(crate) fn date(&self, tick: i64) -> NaiveDate {
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

    pub(crate) fn answer(&self) -> Vec<Verdict> {
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
