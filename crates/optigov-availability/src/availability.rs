//! The facade itself: calls come in, calendars are read, the engine decides.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use chrono_tz::Tz;
use futures_util::{
    future,
    stream::{self, Stream, StreamExt as _},
};
use optigov_calendar::{ConnectionReport, Language, Mailbox, ReadError, Text};
use optigov_calendar_cache::{
    CacheError, CacheKey, Clock, Fetched, Freshness, Notice, ReadTarget, ReadWindow, ReaderHealth, Saved,
};
use optigov_counter::{Counter, Municipality};
use optigov_slots::{Interval, OpenWindows};
use tokio::{
    sync::watch,
    time::{Instant, timeout_at},
};
use tracing::Instrument as _;

use crate::{
    Answer, AvailabilityBuilder, CounterAnswer, CounterHandle, Error, ErrorKind, FirstFree, KeepFresh, SlotsRequest,
    builder::Parts,
    keep_fresh::InForce,
    resource::{Moment, counter_answer},
    setup::{Asked, Setup},
    wanted::Booking,
};

/// Answers which appointments can be booked. Cheap to clone; clones share configuration, cache and connections.
///
/// Every call needs a Tokio runtime. A caller that goes away does not stop a reading that others wait for.
///
/// ```
/// use chrono_tz::Europe::Berlin;
/// use optigov_availability::{Availability, Interval, MemorySource, Municipality, SlotsRequest};
///
/// # tokio::runtime::Runtime::new()?.block_on(async {
#[doc = concat!("let town = Municipality::from_toml(r#\"", include_str!("../tests/samples/small.toml"), "\"#)?;")]
/// // In a service the calendars come from Exchange: leave out `source` and `clock`.
/// let calendars = MemorySource::new();
/// calendars.set("schalter1@musterstadt.example".parse()?, Vec::new());
/// let now = "2026-11-23T12:00:00Z".parse()?;
/// let availability = Availability::for_municipality(town).source(calendars).clock(move || now).build()?;
///
/// let tuesday = Interval::of_dates("2026-11-24".parse()?, "2026-11-24".parse()?, Berlin)?;
/// let answer = availability.free_slots(&SlotsRequest::new(tuesday)).await?;
/// // Four hours of twenty minutes each.
/// assert_eq!(answer.counters[0].slots.len(), 12);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Availability {
    inner: Arc<Inner>,
}

struct Inner {
    setup: RwLock<Arc<Setup>>,
    parts: Parts,
    /// Told of whenever something is saved.
    saved: watch::Sender<()>,
}

impl InForce for Inner {
    fn setup(&self) -> Arc<Setup> {
        Arc::clone(&self.setup.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.parts.clock)
    }
}

/// How far a [`refresh`](Availability::refresh) has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct Progress {
    /// Mailboxes read.
    pub done: usize,
    /// Mailboxes that could not be read.
    pub failed: usize,
    /// Mailboxes in all.
    pub total: usize,
}

/// How a question is answered, besides what it asks for.
#[derive(Clone, Copy)]
pub(crate) struct Question {
    freshness: Freshness,
    /// Whether what is read reaches farther than needed, so that it may serve stale on the days after.
    reads_ahead: bool,
    /// Whether only the first slot is wanted.
    only_first: bool,
}

impl Question {
    /// A list, from readings as old as they may be.
    const LIST: Question = Question { freshness: Freshness::Cached, reads_ahead: true, only_first: false };
    /// The first slot of a list.
    const FIRST: Question = Question { only_first: true, ..Question::LIST };

    /// About one appointment on one day.
    pub(crate) fn of_one_day(freshness: Freshness) -> Question {
        Question { freshness, reads_ahead: freshness == Freshness::Cached, only_first: false }
    }

    /// The parts of the window, each from its beginning, in which slots are looked for before it is gone through as a whole: none for a list. For
    /// the first slot they end a week, four weeks and sixteen weeks after the beginning of what was read. That is a whole UTC day, so that calls of
    /// the same day ask for the same windows.
    fn stretches(self, window: Interval, read: Option<ReadWindow>) -> impl Iterator<Item = Interval> {
        const WEEK: i64 = 7 * 86_400;
        let begins = |read: ReadWindow| read.needed.start_unix().max(window.start_unix());
        let start = self.only_first.then(|| read.map_or(window.start_unix(), begins));
        let ends = start.into_iter().flat_map(|start| [1, 4, 16].map(|weeks| start.saturating_add(weeks * WEEK)));
        let ends = ends.filter(move |end| *end < window.end_unix());
        ends.filter_map(move |end| Interval::from_unix(window.start_unix(), end).ok())
    }
}

/// How many groups of mailboxes a refresh has under way; the client's own limit holds besides.
const REFRESH_AT_ONCE: usize = 10;

impl Availability {
    /// Begins with a municipality: its counters, its templates, its Exchange connection.
    pub fn for_municipality(municipality: impl Into<Arc<Municipality>>) -> AvailabilityBuilder {
        AvailabilityBuilder::new(municipality.into())
    }

    pub(crate) fn assemble(setup: Setup, parts: Parts) -> Availability {
        let saved = watch::Sender::new(());
        Availability { inner: Arc::new(Inner { setup: RwLock::new(Arc::new(setup)), parts, saved }) }
    }

    /// A handle on one counter.
    ///
    /// # Errors
    /// [`is_unknown_counter`](Error::is_unknown_counter).
    pub fn counter(&self, id: &str) -> Result<CounterHandle, Error> {
        self.setup().place(id)?;
        Ok(CounterHandle::new(self.clone(), id))
    }

    /// The bookable slots of the counters asked for.
    ///
    /// Distinct mailboxes are read together, once each, unless a reading younger than the time to live serves; where nothing can be booked,
    /// nothing is read. The call ends by the deadline; a mailbox that did not answer by then counts as unread.
    ///
    /// # Errors
    /// [`is_unknown_counter`](Error::is_unknown_counter), [`is_unknown_template`](Error::is_unknown_template),
    /// [`is_not_offered`](Error::is_not_offered). A calendar that cannot be read is no error, but the status of its counters.
    #[tracing::instrument(skip_all, fields(counters = tracing::field::Empty))]
    pub async fn free_slots(&self, request: &SlotsRequest) -> Result<Answer, Error> {
        self.answer(request, Question::LIST).await
    }

    /// The first bookable slot of all counters asked for. It is looked for in parts of the window that grow: within a week, within four, within
    /// sixteen, and in the whole window at last; so a first slot that is near costs little. All calendars are read as for a list.
    ///
    /// # Errors
    /// As [`free_slots`](Self::free_slots).
    #[tracing::instrument(skip_all, fields(counters = tracing::field::Empty))]
    pub async fn first_free(&self, request: &SlotsRequest) -> Result<FirstFree, Error> {
        self.answer(request, Question::FIRST).await.map(FirstFree::of)
    }

    /// Puts a counter's new entry into force: when the call returns, its new mailboxes count and its old ones do not, and no later
    /// answer for it is made from anything read before. A counter with a new id is added.
    ///
    /// With a shared cache this makes the readings void for every instance, and tells the others to load the entry
    /// ([`saved_elsewhere`](Self::saved_elsewhere)) where it differs from the one that was in force: keep it where they can load it first.
    ///
    /// # Errors
    /// [`is_setup`](Error::is_setup): the counter does not fit the municipality. [`is_cache`](Error::is_cache): the cache cannot be told.
    /// In both cases the old entry stays in force.
    pub async fn counter_saved(&self, counter: Counter) -> Result<(), Error> {
        let setup = self.setup();
        let changed = setup.with_counter(counter.clone())?;
        let id = counter.id().as_str();
        self.invalidate(&changed, &keys_of(&[&setup, &changed], id)).await?;
        if setup.municipality.counter(id).map(|known| &**known) != Some(&counter) {
            self.announce(&changed, &Saved::Counter(id.to_owned())).await?;
        }
        self.put_into_force(counter)
    }

    /// Puts an entry into force that another instance has saved: it has made void what was read before, and told everybody, so this does neither. To
    /// be called with what [`saved_elsewhere`](Self::saved_elsewhere) says is to be loaded.
    ///
    /// # Errors
    /// [`is_setup`](Error::is_setup): the counter does not fit the municipality, and the old entry stays in force.
    pub fn counter_loaded(&self, counter: Counter) -> Result<(), Error> {
        self.put_into_force(counter)
    }

    /// What other instances that share the cache have saved, from now on. Load it from where the service keeps it, and give it to
    /// [`counter_loaded`](Self::counter_loaded) or [`municipality_loaded`](Self::municipality_loaded).
    ///
    /// Where notices may have been lost, the stream says that [everything](Saved::Everything) is to be loaded: whenever the connection to the store has
    /// been made, the first time soon after the start. With a cache that nobody shares it says nothing, ever.
    pub fn saved_elsewhere(&self) -> impl Stream<Item = Saved> + Send + Unpin + use<> {
        self.inner.parts.cache.notices().filter_map(|notice| {
            future::ready(match notice {
                Notice::Saved(saved) => Some(saved),
                Notice::Missed => Some(Saved::Everything),
                _ => None,
            })
        })
    }

    /// Puts a municipality's new configuration into force: templates, holidays, the connection, counters changed, added and removed. When the call
    /// returns, no later answer for a counter that changed is made from anything read before. Calls under way end as they began.
    ///
    /// A source that was given to the builder stays; a connection that changed is set up anew. With a shared cache, the others are told to load
    /// [everything](Saved::Everything).
    ///
    /// # Errors
    /// [`is_setup`](Error::is_setup): the connection cannot be set up. [`is_cache`](Error::is_cache): the cache cannot be told. In both cases the
    /// old configuration stays in force.
    pub async fn municipality_saved(&self, municipality: impl Into<Arc<Municipality>>) -> Result<(), Error> {
        let (setup, municipality) = (self.setup(), municipality.into());
        let changed = self.changed(&setup, &municipality)?;
        let ids = setup.municipality.counters().chain(municipality.counters()).map(|counter| counter.id().as_str());
        // Where mailboxes lie elsewhere, or are read by another connection, nothing that was read counts.
        let read_elsewhere = setup.municipality.mailbox_locations() != municipality.mailbox_locations();
        let differs = |id: &&str| read_elsewhere || setup.municipality.counter(id) != municipality.counter(id);
        let ids: HashSet<&str> = ids.filter(differs).collect();
        let keys: Vec<CacheKey> = ids.into_iter().flat_map(|id| keys_of(&[&setup, &changed], id)).collect();
        self.invalidate(&changed, &keys).await?;
        if *setup.municipality != *municipality {
            self.announce(&changed, &Saved::Everything).await?;
        }
        let mut current = self.inner.setup.write().unwrap_or_else(PoisonError::into_inner);
        changed.come_into_force();
        *current = Arc::new(changed);
        drop(current);
        self.inner.saved.send_replace(());
        Ok(())
    }

    /// Puts a municipality's configuration into force that another instance has saved; see [`counter_loaded`](Self::counter_loaded).
    ///
    /// # Errors
    /// [`is_setup`](Error::is_setup): the connection cannot be set up, and the old configuration stays in force.
    pub fn municipality_loaded(&self, municipality: impl Into<Arc<Municipality>>) -> Result<(), Error> {
        let changed = self.changed(&self.setup(), &municipality.into())?;
        let mut current = self.inner.setup.write().unwrap_or_else(PoisonError::into_inner);
        changed.come_into_force();
        *current = Arc::new(changed);
        drop(current);
        self.inner.saved.send_replace(());
        Ok(())
    }

    /// Reads the mailboxes of these counters (all, where none is named) over `window` afresh into the cache, and tells how far it is.
    ///
    /// The stream yields once per mailbox. Dropping it stops: readings not yet begun are not made.
    ///
    /// # Errors
    /// [`is_unknown_counter`](Error::is_unknown_counter).
    pub fn refresh(
        &self,
        counters: &[&str],
        window: Interval,
    ) -> Result<impl Stream<Item = Progress> + Send + use<>, Error> {
        let setup = self.setup();
        let chosen = match counters {
            [] => (0..setup.counter_count()).collect(),
            ids => ids.iter().map(|id| setup.place(id)).collect::<Result<Vec<_>, _>>()?,
        };
        let Distinct { targets, .. } = distinct(chosen.into_iter().flat_map(|place| setup.targets(place)));
        let (window, reader) = (setup.whole_window(window), Arc::clone(&setup.reader));
        let span = tracing::info_span!("refresh", mailboxes = targets.len());
        let (total, batch) = (targets.len(), reader.batch());
        let groups: Vec<Vec<ReadTarget>> = targets.chunks(batch).map(<[ReadTarget]>::to_vec).collect();
        let reads = stream::iter(groups).map(move |group| {
            let reader = Arc::clone(&reader);
            let read = async move { stream::iter(reader.refresh(&group, window).await) };
            read.instrument(span.clone())
        });
        let mut progress = Progress { total, ..Progress::default() };
        Ok(reads.buffer_unordered(REFRESH_AT_ONCE).flatten().map(move |fetched| {
            match fetched.reading {
                Ok(_) => progress.done += 1,
                Err(_) => progress.failed += 1,
            }
            progress
        }))
    }

    /// Keeps the calendars of all counters fresh, until what is returned is dropped: for lists that look up to `window` ahead of the present day, as
    /// far as can be booked at all. To be called once, when a service starts.
    ///
    /// - Each mailbox is watched and then read. While it is watched, a change is noticed within seconds and read in the background, and what was read
    ///   serves without a request for [`live_time_to_live`](AvailabilityBuilder::live_time_to_live). Mailboxes that cannot be watched are read
    ///   once, and on demand from then on, as ever. [`confirm`](CounterHandle::confirm) reads afresh as ever.
    /// - Counters that are saved are followed within a second: mailboxes that are added are watched and read, those that are removed are let go.
    /// - It takes half of the places for lists at most, and bears outages with single tries.
    ///
    /// How it fares is told by [`KeepFresh::state`], by [`health`](Self::health) and by metrics.
    ///
    /// # Panics
    /// Outside a Tokio runtime.
    pub fn keep_fresh(&self, window: Duration) -> KeepFresh {
        KeepFresh::start(Arc::clone(&self.inner), self.inner.saved.subscribe(), window)
    }

    /// Goes through the connection to the mailbox's calendar step by step, and says which counters use it. With an own server and Exchange Online, the report is
    /// of the one where the mailbox lies, and [names it](ConnectionReport::place).
    pub async fn check_connection(&self, mailbox: &Mailbox) -> ConnectionReport {
        let setup = self.setup();
        let using = setup.municipality.counters().filter(|counter| {
            let sync = counter.exchange_sync();
            sync.is_on() && sync.mailboxes().contains(mailbox)
        });
        let using = using.map(|counter| counter.id().as_str().to_owned()).collect();
        setup.reader.check(mailbox).await.with_counters(using)
    }

    /// How the calendars fare at this moment: the circuit breakers of the connections, the mailboxes that fail, the store, those that are
    /// [kept fresh](Self::keep_fresh). Asks nobody, so a readiness
    /// probe may call it as often as it likes.
    pub fn health(&self) -> ReaderHealth {
        self.setup().reader.health()
    }

    /// The configuration in force.
    pub fn municipality(&self) -> Arc<Municipality> {
        Arc::clone(&self.setup().municipality)
    }

    /// The zone of a counter's times.
    pub(crate) fn zone_of(&self, counter: &str) -> Result<Tz, Error> {
        let municipality = self.municipality();
        let counter = municipality.counter(counter).ok_or_else(|| Error::unknown_counter(counter))?;
        Ok(counter.time_zone().unwrap_or(municipality.time_zone()))
    }

    pub(crate) async fn answer(&self, request: &SlotsRequest, question: Question) -> Result<Answer, Error> {
        let setup = self.setup();
        let deadline = after(setup.deadline);
        let asked = setup.asked(request)?;
        tracing::Span::current().record("counters", asked.len());
        let open = asked.iter().map(|asked| asked.open_windows(&setup.municipality, request.window));
        let open: Vec<OpenWindows> = open.collect();
        let fetched = self.fetch(&setup, &asked, &open, question, deadline).await;
        // The answer is as of the moment at which it is made: reading may have taken a while.
        let now = self.inner.parts.clock.now();
        let mut moment = Moment {
            window: request.window,
            bookings: bookings_by_counter(&request.bookings),
            read: fetched.window.map_or(request.window, |window| window.needed),
            when_unavailable: setup.when_unavailable,
            now,
        };
        let answer = |counters: Vec<CounterAnswer>| {
            count_answers(&counters);
            Answer { now, zone: setup.municipality.time_zone(), counters, language: Language::default() }
        };
        let whole = moment.read;
        for window in question.stretches(request.window, fetched.window) {
            let open: Vec<_> = asked.iter().map(|asked| asked.open_windows(&setup.municipality, window)).collect();
            let needed = asked.iter().zip(&open).filter_map(|(asked, open)| asked.needed(open, now));
            let read = setup.needed(needed).and_then(|read| read.intersection(whole));
            let Some(read) = read else { continue };
            (moment.window, moment.read) = (window, read);
            let counters = fetched.counters(&asked, &open, &moment);
            if counters.iter().any(|counter| !counter.slots.is_empty()) {
                return Ok(answer(counters));
            }
        }
        (moment.window, moment.read) = (request.window, whole);
        Ok(answer(fetched.counters(&asked, &open, &moment)))
    }

    /// Reads what the counters need, as far as anything can be booked at them now.
    async fn fetch(
        &self,
        setup: &Setup,
        asked: &[Asked<'_>],
        open: &[OpenWindows],
        question: Question,
        deadline: Instant,
    ) -> FetchedCalendars {
        let now = self.inner.parts.clock.now();
        let needed = asked.iter().zip(open).map(|(asked, open)| match asked.targets {
            [] => None,
            _ => asked.needed(open, now),
        });
        let needed: Vec<Option<Interval>> = needed.collect();
        let is_read = needed.iter().map(Option::is_some).collect();
        let Some(whole) = setup.needed(needed.iter().flatten().copied()) else {
            return FetchedCalendars { is_read, ..FetchedCalendars::default() };
        };
        let reading = asked.iter().zip(&needed).filter(|(_, needed)| needed.is_some());
        let window = match question.reads_ahead {
            true => setup.read_window(reading.clone().map(|(asked, _)| &**asked.counter), whole, now),
            false => ReadWindow::exactly(whole),
        };
        let Distinct { targets, places } = distinct(reading.flat_map(|(asked, _)| asked.targets));
        let calendars = setup.reader.fetch(&targets, window, question.freshness, deadline).await;
        FetchedCalendars { calendars, places, window: Some(window), is_read }
    }

    async fn invalidate(&self, setup: &Setup, keys: &[CacheKey]) -> Result<(), Error> {
        setup.reader.invalidate(keys, after(setup.deadline)).await.map_err(cache_failed)
    }

    async fn announce(&self, setup: &Setup, saved: &Saved) -> Result<(), Error> {
        let told = timeout_at(after(setup.deadline), self.inner.parts.cache.announce(saved)).await;
        told.unwrap_or_else(|late| Err(CacheError::new(late))).map_err(cache_failed)
    }

    fn put_into_force(&self, counter: Counter) -> Result<(), Error> {
        let mut current = self.inner.setup.write().unwrap_or_else(PoisonError::into_inner);
        // Another save may have come between: this one changes its counter and no other.
        let changed = current.with_counter(counter)?;
        changed.come_into_force();
        *current = Arc::new(changed);
        drop(current);
        self.inner.saved.send_replace(());
        Ok(())
    }

    /// The setup with another configuration.
    fn changed(&self, setup: &Setup, municipality: &Arc<Municipality>) -> Result<Setup, Error> {
        let how = self.inner.parts.how_to_read(municipality, Some(setup))?;
        Ok(Setup::new(Arc::clone(municipality), how))
    }

    fn setup(&self) -> Arc<Setup> {
        self.inner.setup()
    }
}

impl fmt::Debug for Availability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Availability").field("counters", &self.setup().counter_count()).finish_non_exhaustive()
    }
}

fn cache_failed(cause: CacheError) -> Error {
    let words = Text::fixed("der Zwischenspeicher antwortet nicht", "the cache does not answer");
    Error::new(ErrorKind::Cache, words).caused_by(cause)
}

/// What was read for a request.
#[derive(Default)]
struct FetchedCalendars {
    /// One for each distinct mailbox.
    calendars: Vec<Fetched>,
    /// For each mailbox of each counter whose calendars were read, in the order of the request, which of the calendars is its own.
    places: Vec<usize>,
    /// What was read; `None` where nothing could be booked, and so nothing was read.
    window: Option<ReadWindow>,
    /// For each counter asked, whether its calendars were read.
    is_read: Vec<bool>,
}

/// The mailboxes that a counter has in any of these configurations, also while its sync is off.
fn keys_of(setups: &[&Setup], counter: &str) -> Vec<CacheKey> {
    let of_one = |setup: &&Setup| {
        let counter = setup.municipality.counter(counter);
        let mailboxes = counter.map_or(&[][..], |counter| counter.exchange_sync().mailboxes());
        mailboxes.iter().map(|mailbox| setup.key(mailbox)).collect::<Vec<_>>()
    };
    setups.iter().flat_map(of_one).collect()
}

fn bookings_by_counter(bookings: &[Booking]) -> HashMap<&str, Vec<Interval>> {
    let mut by_counter: HashMap<&str, Vec<Interval>> = HashMap::new();
    for booking in bookings {
        by_counter.entry(&booking.counter).or_default().push(booking.interval);
    }
    by_counter
}

impl FetchedCalendars {
    /// The answers for the counters asked, within the moment's window.
    fn counters(&self, asked: &[Asked<'_>], open: &[OpenWindows], moment: &Moment<'_>) -> Vec<CounterAnswer> {
        let missing = Fetched::failed(ReadError::internal());
        let mut places = self.places.as_slice();
        let mut counters = Vec::with_capacity(asked.len());
        for ((asked, open), is_read) in asked.iter().zip(open).zip(&self.is_read) {
            let own = is_read.then(|| places.split_off(..asked.targets.len()).unwrap_or_default());
            let own = own.map(|own| own.iter().map(|place| self.calendars.get(*place).unwrap_or(&missing)));
            counters.push(counter_answer(asked, open, own, moment));
        }
        counters
    }
}

/// Mailboxes without repetitions.
#[derive(Default)]
struct Distinct {
    /// Each once, in the order of first mention.
    targets: Vec<ReadTarget>,
    /// For each mention, which of the targets it is.
    places: Vec<usize>,
}

fn distinct<'a>(mentioned: impl Iterator<Item = &'a ReadTarget>) -> Distinct {
    let mut distinct = Distinct::default();
    let mut known = HashMap::new();
    for target in mentioned {
        let next = distinct.targets.len();
        let place = *known.entry(target.key).or_insert(next);
        if place == next {
            distinct.targets.push(target.clone());
        }
        distinct.places.push(place);
    }
    distinct
}

/// Counts the answers by what is known of their calendars.
fn count_answers(counters: &[CounterAnswer]) {
    for status in ["known", "stale", "unknown"] {
        let count = counters.iter().filter(|counter| counter.status.as_str() == status).count();
        if count > 0 {
            metrics::counter!("optigov_answers_total", "status" => status).increment(count as u64);
        }
    }
}

/// The instant after so long; one beyond what the clock can tell is a year away.
fn after(duration: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(duration).unwrap_or_else(|| now + Duration::from_secs(365 * 86_400))
}
