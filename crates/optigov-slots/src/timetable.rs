use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use chrono_tz::Tz;

use crate::civil::{Offsets, Reader};
use crate::index::index;
use crate::open::{self, Closed, OpenWindows};
use crate::time::{Day, Seconds};
use crate::{Error, Exception, ExceptionEffect, Hours, Interval, Rule};

/// When a counter is open, in the civil time of one zone: rules that recur, exceptions by date, holidays.
///
/// For each date, in this order: [other hours](Exception::other_hours) that apply replace everything else; failing that, a date that is
/// [closed](Exception::closed) or a holiday has no hours; failing that, the hours of all rules that apply. [Extra
/// hours](Exception::extra_hours) come on top of any of these. Hours belong to the date on which they begin, also if they run past
/// midnight: closing a date does not cut the hours that began the evening before.
///
/// ```
/// use chrono_tz::Europe::Berlin;
/// use optigov_slots::{Exception, Interval, Rule, Timetable, Weekdays};
///
/// let date = |text: &str| text.parse::<chrono::NaiveDate>();
/// let timetable = Timetable::builder(Berlin)
///     .rule(Rule::weekly(Weekdays::MONDAY_TO_FRIDAY).hours("08:00-12:00".parse()?))
///     .rule(Rule::weekly(Weekdays::THURSDAY).hours("13:00-18:00".parse()?))
///     .holiday(date("2027-03-26")?)
///     .exception(Exception::other_hours(date("2027-12-24")?, ["10:00-12:00".parse()?]))
///     .build()?;
/// let week = Interval::of_dates(date("2027-03-22")?, date("2027-03-28")?, Berlin)?;
/// assert_eq!(timetable.open_windows(week, None).windows().len(), 5); // four mornings and a long Thursday
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timetable {
    zone: Tz,
    rules: Vec<Rule>,
    exceptions: Vec<Exception>,
    holidays: BTreeSet<Day>,
    clock_change: ClockChange,
    /// The exceptions (by index) of each day that has any.
    by_day: BTreeMap<Day, Vec<usize>>,
}

/// What becomes of an edge of opening hours that the clocks skip, or show twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum ClockChange {
    /// All the time between the two edges, as the clock on the wall shows them: a skipped edge falls on the instant of the change (hours
    /// that lie wholly in the gap vanish), an opening that is shown twice counts the first time, a closing the second time.
    #[default]
    Widest,
    /// As [RFC 5545, section 3.3.5](https://www.rfc-editor.org/rfc/rfc5545#section-3.3.5) reads local times: a skipped edge by the offset
    /// before the change (02:30 becomes 03:30), an edge that is shown twice the first time.
    Rfc5545,
}

impl Timetable {
    /// A timetable in a zone, which is closed until rules or exceptions open it.
    pub fn builder(zone: Tz) -> TimetableBuilder {
        TimetableBuilder {
            zone,
            rules: Vec::new(),
            exceptions: Vec::new(),
            holidays: BTreeSet::new(),
            clock_change: ClockChange::default(),
        }
    }

    /// The zone in whose civil time the hours are written.
    pub fn zone(&self) -> Tz {
        self.zone
    }

    /// The recurring rules.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The exceptions by date.
    pub fn exceptions(&self) -> &[Exception] {
        &self.exceptions
    }

    /// The holidays in order.
    pub fn holidays(&self) -> impl Iterator<Item = NaiveDate> + '_ {
        self.holidays.iter().map(|day| day.date())
    }

    /// The open hours in `window` as instants, for one audience: rules and exceptions [only for](Rule::only_for) somebody count if they
    /// name `audience`. Resolve once per window and keep the result: it is cheap to clone and to query again and again.
    ///
    /// Only dates of the years 1900 to 2199 are ever open.
    pub fn open_windows(&self, window: Interval, audience: Option<&str>) -> OpenWindows {
        let offsets = Offsets::covering(self.zone, window.start_second(), window.end_second());
        let first = open::resolvable_day(&offsets, window.start_second());
        let last = open::resolvable_day(&offsets, window.end_second() - Seconds::ONE);
        let applies = |names: &[String]| names.is_empty() || audience.is_some_and(|a| names.iter().any(|n| n == a));
        let rules: Vec<&Rule> = self.rules.iter().filter(|rule| applies(&rule.audience)).collect();
        let most = rules.iter().map(|rule| rule.hours.len()).sum::<usize>() * index(last.since(first) + 5);
        let (mut windows, mut closed, mut hours) =
            (Vec::with_capacity(most.min(4_096)), Vec::new(), Vec::<Hours>::new());
        let mut reader = offsets.reader();
        // Hours that begin on a date end on the next at the latest, and an appointment takes a day at most.
        for day in first.plus(-2).through(last.plus(2)) {
            hours.clear();
            let exceptions = self.by_day.get(&day).map(Vec::as_slice).unwrap_or_default();
            let exceptions = exceptions.iter().map(|&index| &self.exceptions[index]);
            let effects =
                exceptions.filter(|exception| applies(&exception.audience)).map(|exception| &exception.effect);
            let other_hours = effects.clone().filter_map(ExceptionEffect::other_hours);
            let mut closing = None;
            if other_hours.clone().next().is_some() {
                hours.extend(other_hours.flatten());
            } else if effects.clone().any(|effect| *effect == ExceptionEffect::Closed) {
                closing = Some(Closed::Exception);
            } else if self.holidays.contains(&day) {
                closing = Some(Closed::Holiday);
            } else {
                let weekday = day.days_from_monday();
                for rule in rules.iter().filter(|rule| rule.applies_on(day, weekday)) {
                    hours.extend(&rule.hours);
                }
            }
            hours.extend(effects.filter_map(ExceptionEffect::extra_hours).flatten());
            if let Some(kind) = closing
                && hours.is_empty()
            {
                closed.push((day, kind));
            }
            self.resolve(&mut reader, day, &mut hours, &mut windows);
        }
        if !windows.is_sorted_by_key(|window: &Interval| window.start_second()) {
            windows.sort_unstable();
        }
        OpenWindows::resolved(self.zone, window, offsets, windows, closed)
    }

    /// Appends the hours of a day as instants, joined where they touch or overlap.
    fn resolve(&self, clock: &mut Reader<'_>, day: Day, hours: &mut [Hours], windows: &mut Vec<Interval>) {
        hours.sort_unstable();
        let midnight = day.midnight();
        let mut last: Option<Interval> = None;
        for hours in hours {
            let (start, end) = (clock.read(midnight + hours.opening()), clock.read(midnight + hours.closing()));
            let (start, end) = match self.clock_change {
                ClockChange::Widest => (start.earliest(), end.latest()),
                ClockChange::Rfc5545 => (start.by_rfc_5545(), end.by_rfc_5545()),
            };
            let Some(interval) = Interval::between(start, end) else { continue };
            match (last, windows.last_mut()) {
                (Some(joined), Some(kept)) if start <= joined.end_second() => {
                    let joined = Interval::raw(joined.start_second().min(start), joined.end_second().max(end));
                    *kept = joined;
                    last = Some(joined);
                }
                _ => {
                    windows.push(interval);
                    last = Some(interval);
                }
            }
        }
    }
}

/// Collects what a [`Timetable`] is made of.
#[derive(Debug, Clone)]
#[must_use]
pub struct TimetableBuilder {
    zone: Tz,
    rules: Vec<Rule>,
    exceptions: Vec<Exception>,
    holidays: BTreeSet<Day>,
    clock_change: ClockChange,
}

impl TimetableBuilder {
    /// Adds a rule. Rules add up: on a date to which several apply, the hours of all of them are open.
    pub fn rule(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }

    /// Adds an exception for a date or a stretch of dates.
    pub fn exception(mut self, exception: Exception) -> Self {
        self.exceptions.push(exception);
        self
    }

    /// Adds a holiday: no rule opens on it.
    pub fn holiday(mut self, date: NaiveDate) -> Self {
        self.holidays.insert(Day::of(date));
        self
    }

    /// Adds several holidays.
    pub fn holidays(mut self, dates: impl IntoIterator<Item = NaiveDate>) -> Self {
        self.holidays.extend(dates.into_iter().map(Day::of));
        self
    }

    /// What becomes of edges that the clocks skip or show twice. Default: [`ClockChange::Widest`].
    pub fn clock_change(mut self, policy: ClockChange) -> Self {
        self.clock_change = policy;
        self
    }

    /// Puts the timetable together.
    ///
    /// # Errors
    /// Names the first rule or exception (`rules[1]`, `exceptions[0]`) that can never open or close anything: no weekday, no hours, a last
    /// date before the first, every 0 weeks, a weekday of the month outside 1 to 5, a stretch of more than 3,660 days.
    pub fn build(self) -> Result<Timetable, Error> {
        for (index, rule) in self.rules.iter().enumerate() {
            rule.check().map_err(|fact| Error::new(format!("rules[{index}]"), fact))?;
        }
        let mut by_day = BTreeMap::<Day, Vec<usize>>::new();
        for (index, exception) in self.exceptions.iter().enumerate() {
            exception.check().map_err(|fact| Error::new(format!("exceptions[{index}]"), fact))?;
            for day in exception.days() {
                by_day.entry(day).or_default().push(index);
            }
        }
        let TimetableBuilder { zone, rules, exceptions, holidays, clock_change } = self;
        Ok(Timetable { zone, rules, exceptions, holidays, clock_change, by_day })
    }
}
