//! The configuration in force: what a request names is looked up here, and how far must be read is worked out.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use optigov_calendar::{Mailbox, Text};
use optigov_calendar_cache::{CacheKey, CalendarReader, ReadTarget, ReadWindow};
use optigov_counter::{AppointmentTemplate, Counter, Municipality, ResolvedHours, WhenUnavailable};
use optigov_slots::{Interval, OpenWindows, SlotRules};

use crate::{
    Error, ErrorKind,
    places::{Namespaces, Places},
    wanted::SlotsRequest,
};

/// Readings begin and end on whole UTC days, so that calls of the same day share them.
const DAY: i64 = 86_400;
/// Readings that may serve stale reach this much farther at most, so that they cover the windows of the days after.
const MOST_SLACK: Duration = Duration::from_secs(7 * 86_400);

/// One state of the configuration, whole and unchanging; a save makes a new one that shares what did not change.
pub(crate) struct Setup {
    pub(crate) municipality: Arc<Municipality>,
    pub(crate) reader: Arc<CalendarReader>,
    namespaces: Arc<Namespaces>,
    places: Places,
    pub(crate) when_unavailable: WhenUnavailable,
    /// The longest that a call may take.
    pub(crate) deadline: Duration,
    /// What is known of each counter besides its configuration, in the municipality's order.
    counters: Vec<Arc<CounterSetup>>,
    /// How much earlier or later than a slot an entry may lie and still matter: the longest appointment with its longest buffer.
    reach: Duration,
}

/// What is worked out once for a counter.
pub(crate) struct CounterSetup {
    /// The mailboxes that count, with their keys in the cache.
    targets: Vec<ReadTarget>,
    /// How far this counter's appointments and buffers reach.
    reach: Duration,
    /// Its opening hours in the windows asked for last.
    hours: ResolvedHours,
}

/// One counter of a request, with all that its slots need but the calendars.
pub(crate) struct Asked<'a> {
    pub(crate) counter: &'a Arc<Counter>,
    pub(crate) template: &'a AppointmentTemplate,
    pub(crate) rules: SlotRules,
    pub(crate) targets: &'a [ReadTarget],
    hours: &'a ResolvedHours,
    reach: Duration,
}

/// How a municipality's calendars are read.
pub(crate) struct HowToRead {
    pub(crate) reader: Arc<CalendarReader>,
    pub(crate) namespaces: Arc<Namespaces>,
    pub(crate) places: Places,
    pub(crate) when_unavailable: WhenUnavailable,
    pub(crate) deadline: Duration,
}

impl Setup {
    pub(crate) fn new(municipality: Arc<Municipality>, how: HowToRead) -> Setup {
        let counters =
            municipality.counters().map(|counter| Arc::new(CounterSetup::new(&municipality, counter, &how.namespaces)));
        let counters = counters.collect();
        Setup::assembled(municipality, how, counters)
    }

    fn assembled(municipality: Arc<Municipality>, how: HowToRead, counters: Vec<Arc<CounterSetup>>) -> Setup {
        let reach = counters.iter().map(|counter| counter.reach).max().unwrap_or_default();
        let HowToRead { reader, namespaces, places, when_unavailable, deadline } = how;
        Setup { municipality, reader, namespaces, places, when_unavailable, deadline, counters, reach }
    }

    /// How calendars are read, as it is.
    pub(crate) fn how_to_read(&self) -> HowToRead {
        HowToRead {
            reader: Arc::clone(&self.reader),
            namespaces: Arc::clone(&self.namespaces),
            places: self.places.clone(),
            when_unavailable: self.when_unavailable,
            deadline: self.deadline,
        }
    }

    /// The name of a mailbox's readings in the cache.
    pub(crate) fn key(&self, mailbox: &Mailbox) -> CacheKey {
        CacheKey::new(self.namespaces.of_mailbox(&self.municipality, mailbox), mailbox)
    }

    /// From now on mailboxes are read where this configuration says that they lie.
    pub(crate) fn come_into_force(&self) {
        self.places.set(&self.municipality);
    }

    /// The same with one counter replaced or added; the others are shared.
    pub(crate) fn with_counter(&self, counter: Counter) -> Result<Setup, Error> {
        let id = counter.id().as_str().to_owned();
        let municipality = self.municipality.with_counter(counter).map_err(|faults| {
            Error::setup("der Schalter passt nicht zur Kommune", "the counter does not fit the municipality")
                .caused_by(faults)
        })?;
        let says_where = |municipality: &Municipality| {
            let sync = municipality.counter(&id).map(|counter| counter.exchange_sync());
            sync.is_some_and(|sync| (0..sync.mailboxes().len()).any(|position| sync.location(position).is_some()))
        };
        if says_where(&municipality) || says_where(&self.municipality) {
            // Where a mailbox lies holds for every counter that has it.
            return Ok(Setup::new(Arc::new(municipality), self.how_to_read()));
        }
        let mut counters = self.counters.clone();
        if let (Some(place), Some(counter)) = (municipality.position(&id), municipality.counter(&id)) {
            let changed = Arc::new(CounterSetup::new(&municipality, counter, &self.namespaces));
            match counters.get_mut(place) {
                Some(old) => *old = changed,
                None => counters.push(changed),
            }
        }
        Ok(Setup::assembled(Arc::new(municipality), self.how_to_read(), counters))
    }

    /// What the request names, looked up and checked.
    pub(crate) fn asked(&self, request: &SlotsRequest) -> Result<Vec<Asked<'_>>, Error> {
        let template = request.template.as_deref().map(|id| self.template(id)).transpose()?;
        match &request.counters {
            Some(ids) => {
                let named = |id: &String| self.municipality.counter(id).ok_or_else(|| Error::unknown_counter(id));
                ids.iter().map(|id| self.one(self.place(id)?, named(id)?, template, request.concerns)).collect()
            }
            None => {
                let serves = |counter: &Arc<Counter>| match template {
                    Some(template) => counter.serves(template.id()),
                    None => !counter.templates().is_empty(),
                };
                let serving = self.municipality.counters().enumerate().filter(|(_, counter)| serves(counter));
                serving.map(|(place, counter)| self.one(place, counter, template, request.concerns)).collect()
            }
        }
    }

    /// A counter's place in the municipality.
    pub(crate) fn place(&self, id: &str) -> Result<usize, Error> {
        self.municipality.position(id).ok_or_else(|| Error::unknown_counter(id))
    }

    /// The mailboxes that count at a counter.
    pub(crate) fn targets(&self, place: usize) -> &[ReadTarget] {
        self.counters.get(place).map_or(&[], |counter| &counter.targets)
    }

    /// Tells apart what is read by other connections.
    pub(crate) fn source_name(&self) -> &str {
        &self.namespaces.found
    }

    /// Each counter with its mailboxes that count.
    pub(crate) fn counters_with_targets(&self) -> impl Iterator<Item = (&Counter, &[ReadTarget])> {
        let setups = self.counters.iter().map(|setup| &setup.targets[..]);
        self.municipality.counters().map(|counter| &**counter).zip(setups)
    }

    /// How many counters there are.
    pub(crate) fn counter_count(&self) -> usize {
        self.counters.len()
    }

    /// All that counters need, rounded outward to whole UTC days.
    pub(crate) fn needed(&self, needed: impl Iterator<Item = Interval>) -> Option<Interval> {
        needed.reduce(Interval::hull).map(whole_days)
    }

    /// What is read so that all that these counters need is covered: their horizon, the longest of them, which all their lists share.
    pub(crate) fn read_window<'a>(
        &self,
        counters: impl Iterator<Item = &'a Counter>,
        needed: Interval,
        now: DateTime<Utc>,
    ) -> ReadWindow {
        let days = counters.map(|counter| counter.booking().horizon_days()).max().unwrap_or_default();
        self.reaching_beyond(ReadWindow::within(needed, self.horizon(days, now)))
    }

    /// What is read for a window whatever can be booked in it: widened by the reach, and outward to whole UTC days.
    pub(crate) fn whole_window(&self, window: Interval) -> ReadWindow {
        self.reaching_beyond(ReadWindow::exactly(whole_days(window.widened(self.reach, self.reach))))
    }

    /// All that lists with a horizon of so many days can need today and tomorrow, in whole UTC days: so that they share a reading, also over midnight. It may be a
    /// little longer than that.
    fn horizon(&self, days: u32, now: DateTime<Utc>) -> Interval {
        let (today, days) = (now.timestamp().div_euclid(DAY), i64::from(days));
        // The local day may be another one than in UTC; what is needed begins up to a day before what can be booked, and ends a day after it.
        let (first, last) = (today - 2, today + days + 3);
        let horizon = Interval::from_unix(first.saturating_mul(DAY), last.saturating_add(1).saturating_mul(DAY));
        horizon.map_or_else(
            |_| Interval::of_civil_day(now, chrono_tz::UTC),
            |horizon| whole_days(horizon.widened(self.reach, self.reach)),
        )
    }

    /// What lists of a counter need up to so far ahead of `now`, and what they read.
    pub(crate) fn ahead(&self, counter: &Counter, window: Duration, now: DateTime<Utc>) -> ReadWindow {
        let horizon = self.horizon(counter.booking().horizon_days(), now);
        let until =
            now.timestamp().saturating_add(i64::try_from(window.as_secs()).unwrap_or(i64::MAX)).saturating_add(DAY);
        // The horizon's last day is tomorrow's.
        let until = until.min(horizon.end_unix() - DAY);
        let needed = Interval::from_unix(horizon.start_unix(), until.max(horizon.start_unix() + DAY));
        let needed = needed.map_or(horizon, |needed| whole_days(needed.widened(Duration::ZERO, self.reach)));
        self.read_window(std::iter::once(counter), needed.intersection(horizon).unwrap_or(horizon), now)
    }

    /// The same, and farther where a reading may serve stale, so that it covers the windows of the days after.
    fn reaching_beyond(&self, window: ReadWindow) -> ReadWindow {
        let farther = match self.when_unavailable {
            WhenUnavailable::ServeStale { up_to } => up_to.min(MOST_SLACK),
            _ => Duration::ZERO,
        };
        ReadWindow::new(window.needed, whole_days(window.read.widened(Duration::ZERO, farther)))
    }

    fn template(&self, id: &str) -> Result<&AppointmentTemplate, Error> {
        self.municipality.template(id).ok_or_else(|| {
            let words =
                Text::new(format!("es gibt keine Terminvorlage {id:?}"), format!("there is no template {id:?}"));
            Error::new(ErrorKind::UnknownTemplate, words)
        })
    }

    fn one<'a>(
        &'a self,
        place: usize,
        counter: &'a Arc<Counter>,
        template: Option<&'a AppointmentTemplate>,
        concerns: NonZeroU32,
    ) -> Result<Asked<'a>, Error> {
        let id = counter.id().as_str();
        let setup = self.counters.get(place).ok_or_else(|| Error::unknown_counter(id))?;
        let template = match (template, counter.templates().first()) {
            (Some(template), _) => template,
            (None, Some(first)) => self.template(first.as_str())?,
            (None, None) => {
                let de = format!("der Schalter {id:?} bietet keine Terminvorlage an");
                let en = format!("the counter {id:?} offers no template");
                return Err(Error::new(ErrorKind::NotOffered, Text::new(de, en)));
            }
        };
        let rules = counter.slot_rules(template, concerns.get()).map_err(|cause| {
            let template = template.id().as_str();
            let de = format!("der Schalter {id:?} bietet {template:?} nicht für {concerns} Anliegen an");
            let en = format!("the counter {id:?} does not offer {template:?} for {concerns} concerns");
            Error::new(ErrorKind::NotOffered, Text::new(de, en)).caused_by(cause)
        })?;
        Ok(Asked { counter, template, rules, targets: &setup.targets, hours: &setup.hours, reach: self.reach })
    }
}

impl CounterSetup {
    fn new(municipality: &Municipality, counter: &Counter, namespaces: &Namespaces) -> CounterSetup {
        let sync = counter.exchange_sync();
        let counting = if sync.is_on() { sync.mailboxes() } else { &[] };
        let templates = counter.templates().iter().filter_map(|id| municipality.template(id.as_str()));
        let rules = templates.filter_map(|template| counter.slot_rules(template, template.max_concerns()).ok());
        let reach = rules.map(|rules| rules.length() + rules.buffer_before().max(rules.buffer_after()));
        CounterSetup {
            targets: counting
                .iter()
                .map(|mailbox| ReadTarget::new(namespaces.of_mailbox(municipality, mailbox), mailbox.clone()))
                .collect(),
            reach: reach.max().unwrap_or_default(),
            hours: ResolvedHours::default(),
        }
    }
}

impl Asked<'_> {
    /// The counter's open hours in a window.
    pub(crate) fn open_windows(&self, municipality: &Municipality, window: Interval) -> OpenWindows {
        self.hours.open_windows(self.counter, municipality, self.template, window)
    }

    /// From the first to the last instant whose calendar entries matter to slots in these windows that can be booked at `now`; `None` where none
    /// can.
    ///
    /// The windows themselves are not cut where booking begins: where the grid follows busy time, it is counted from the opening.
    pub(crate) fn needed(&self, open: &OpenWindows, now: DateTime<Utc>) -> Option<Interval> {
        const BACK: Duration = Duration::from_secs(86_400);
        let bookable = self.rules.bookable_within(open, now)?;
        let mut windows = open.windows().as_slice();
        // Mostly all of them can be booked, which their ends tell at once.
        if windows.first()?.end_unix() <= bookable.start_unix() {
            windows = &windows[windows.partition_point(|window| window.end_unix() <= bookable.start_unix())..];
        }
        if bookable.end_unix() <= windows.last()?.start_unix() {
            windows = &windows[..windows.partition_point(|window| window.start_unix() < bookable.end_unix())];
        }
        let hours = Interval::from_unix(windows.first()?.start_unix(), windows.last()?.end_unix()).ok()?;
        let hours = hours.intersection(bookable.widened(BACK, BACK))?;
        Some(hours.widened(self.reach, self.reach))
    }

    /// What has become bookable between the beginning of the call, when it was decided what to read, and now. It was not read, so it counts as
    /// busy.
    pub(crate) fn parts_not_read(
        &self,
        open: &OpenWindows,
        read: Interval,
        now: DateTime<Utc>,
    ) -> impl Iterator<Item = Interval> {
        let parts = self.needed(open, now).map(|needed| {
            let before = Interval::new(needed.start(), read.start().min(needed.end())).ok();
            let after = Interval::new(read.end().max(needed.start()), needed.end()).ok();
            [before, after]
        });
        parts.into_iter().flatten().flatten()
    }
}

fn whole_days(window: Interval) -> Interval {
    let start = window.start_unix().div_euclid(DAY).saturating_mul(DAY);
    let end = (window.end_unix().saturating_add(DAY - 1)).div_euclid(DAY).saturating_mul(DAY);
    Interval::from_unix(start, end).unwrap_or(window)
}
