//! The facade itself: calls come in, calendars are read, the engine decides.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::stream::{self, Stream, StreamExt as _};
use optigov_counter::{Counter, Mailbox, Municipality, WhenUnavailable};
use optigov_slots::{Interval, Reason, Slot};
use tokio::time::Instant;
use tracing::Instrument as _;

use crate::answer::{Answer, CounterAnswer, Status};
use crate::builder::AvailabilityBuilder;
use crate::cache::CacheError;
use crate::clock::Clock;
use crate::connection::ConnectionReport;
use crate::error::{Error, Kind};
use crate::reader::{Fetched, Freshness, Reader, Target};
use crate::request::SlotsRequest;
use crate::resource::{Moment, counter_answer};
use crate::setup::Setup;
use crate::source::ReadError;
use crate::text::Text;

/// Answers which appointments can be booked. Cheap to clone; clones share configuration, cache and connections.
///
/// Every call needs a Tokio runtime. A caller that goes away does not stop a reading that others wait for.
#[derive(Clone)]
pub struct Availability {
    inner: Arc<Inner>,
}

struct Inner {
    setup: RwLock<Arc<Setup>>,
    reader: Arc<Reader>,
    clock: Arc<dyn Clock>,
    when_unavailable: WhenUnavailable,
    deadline: Duration,
}

/// How a booking at one instant stands: the answer of [`Availability::confirm`] and [`Availability::why`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Verdict {
    /// How well the calendars behind the counter are known.
    pub status: Status,
    /// The slot that begins at the instant, where it can be booked.
    pub slot: Option<Slot>,
    /// Why it cannot be booked, as the engine sees it; empty where it can, or where the calendars are unknown (then the status says why).
    pub reasons: Vec<Reason>,
}

impl Verdict {
    /// Whether an appointment can be booked at the instant.
    pub fn is_bookable(&self) -> bool {
        self.slot.is_some()
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

impl Availability {
    /// Begins with a municipality: its counters, its templates, its Exchange connection.
    pub fn for_municipality(municipality: Municipality) -> AvailabilityBuilder {
        AvailabilityBuilder::new(municipality)
    }

    pub(crate) fn assemble(
        setup: Setup,
        reader: Arc<Reader>,
        clock: Arc<dyn Clock>,
        when_unavailable: WhenUnavailable,
        deadline: Duration,
    ) -> Self {
        let setup = RwLock::new(Arc::new(setup));
        Availability { inner: Arc::new(Inner { setup, reader, clock, when_unavailable, deadline }) }
    }

    /// The bookable slots of the counters asked for.
    ///
    /// Distinct mailboxes are read together, once each, unless a reading younger than the time to live serves. The call ends by the
    /// deadline; a mailbox that did not answer by then counts as unread.
    ///
    /// # Errors
    /// [`is_unknown_counter`](Error::is_unknown_counter), [`is_unknown_template`](Error::is_unknown_template),
    /// [`is_not_offered`](Error::is_not_offered). A calendar that cannot be read is no error, but the status of its counters.
    #[tracing::instrument(skip_all, fields(counters = tracing::field::Empty))]
    pub async fn free_slots(&self, request: &SlotsRequest) -> Result<Answer, Error> {
        self.answer(request, Freshness::Cached).await
    }

    /// The first bookable slot of all counters asked for, with its counter's place in the answer; `None` where there is none.
    ///
    /// The engine looks no further into any counter than its first slot.
    ///
    /// # Errors
    /// As [`free_slots`](Self::free_slots).
    pub async fn first_free(&self, request: &SlotsRequest) -> Result<(Answer, Option<(usize, Slot)>), Error> {
        let answer = self.free_slots(request).await?;
        let first = answer.in_time_order().next();
        Ok((answer, first))
    }

    /// Decides on one appointment at the moment of booking: reads the counter's mailboxes afresh, for that day only, and asks the same
    /// function that makes the list.
    ///
    /// Of `request`, counters are replaced by `counter` and the window by the day of `start`; template, concerns and bookings count.
    /// When Exchange does not answer, the operator's choice applies as it does to the list, and the verdict's status says so.
    ///
    /// # Errors
    /// As [`free_slots`](Self::free_slots).
    #[tracing::instrument(skip_all, fields(counter))]
    pub async fn confirm(&self, counter: &str, start: DateTime<Utc>, request: &SlotsRequest) -> Result<Verdict, Error> {
        self.verdict(counter, start, request, Freshness::Now).await
    }

    /// Why an appointment cannot be booked at an instant, from what a list made now would be made from.
    ///
    /// # Errors
    /// As [`free_slots`](Self::free_slots).
    pub async fn why(&self, counter: &str, start: DateTime<Utc>, request: &SlotsRequest) -> Result<Verdict, Error> {
        self.verdict(counter, start, request, Freshness::Cached).await
    }

    /// Puts a counter's new entry into force: when the call returns, its new mailboxes count and its old ones do not, and no later
    /// answer for it is made from anything read before.
    ///
    /// With a shared cache this invalidates the readings for every instance; each instance is told of the entry itself by its service.
    ///
    /// # Errors
    /// [`is_setup`](Error::is_setup): the counter does not fit the municipality. [`is_cache`](Error::is_cache): the cache cannot be told.
    /// In both cases the old entry stays in force.
    pub async fn counter_saved(&self, counter: Counter) -> Result<(), Error> {
        let setup = self.setup();
        let changed = setup.with_counter(counter.clone())?;
        let old = setup
            .place(counter.id().as_str())
            .map_or(&[][..], |place| setup.counter(place).exchange_sync().mailboxes());
        let mailboxes = old.iter().chain(counter.exchange_sync().mailboxes());
        let keys: Vec<_> = mailboxes.map(|mailbox| changed.key(mailbox)).collect();
        let told = tokio::time::timeout(self.inner.deadline, self.inner.reader.cache.invalidate(&keys)).await;
        told.unwrap_or_else(|late| Err(CacheError::new(late))).map_err(|cause| {
            let words = Text::new("der Zwischenspeicher antwortet nicht", "the cache does not answer");
            Error::new(Kind::Cache, words).caused_by(cause)
        })?;
        self.inner.reader.disown(&keys);
        let mut current = self.inner.setup.write().unwrap_or_else(PoisonError::into_inner);
        *current = Arc::new(current.with_counter(counter)?);
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
            [] => (0..setup.municipality.counters().len()).collect(),
            ids => ids.iter().map(|id| setup.place(id)).collect::<Result<Vec<_>, _>>()?,
        };
        let targets = distinct(chosen.into_iter().flat_map(|place| setup.targets(place)));
        let (stretch, reader) = (setup.stretch(window), Arc::clone(&self.inner.reader));
        let span = tracing::info_span!("refresh", mailboxes = targets.len());
        let (total, batch) = (targets.len(), reader.source.batch().get());
        let groups: Vec<Vec<Target>> = targets.chunks(batch).map(<[Target]>::to_vec).collect();
        let reads = stream::iter(groups).map(move |group| {
            let reader = Arc::clone(&reader);
            let read = async move {
                let deadline = after(reader.times.reading);
                stream::iter(reader.fetch(&group, stretch, Freshness::Now, deadline).await)
            };
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

    /// Goes through the connection to Exchange step by step for `mailbox`, and says which counters use it.
    pub async fn check_connection(&self, mailbox: &Mailbox) -> ConnectionReport {
        let report = self.inner.reader.source.check(mailbox).await;
        ConnectionReport::new(report, &self.setup().municipality, mailbox)
    }

    /// The configuration in force.
    pub fn municipality(&self) -> Municipality {
        self.setup().municipality.clone()
    }

    fn setup(&self) -> Arc<Setup> {
        Arc::clone(&self.inner.setup.read().unwrap_or_else(PoisonError::into_inner))
    }

    async fn verdict(
        &self,
        counter: &str,
        start: DateTime<Utc>,
        request: &SlotsRequest,
        freshness: Freshness,
    ) -> Result<Verdict, Error> {
        let setup = self.setup();
        let zone = setup.counter(setup.place(counter)?).time_zone().unwrap_or(setup.municipality.time_zone());
        let day = start.with_timezone(&zone).date_naive();
        let Ok(window) = Interval::of_dates(day, day, zone) else {
            unreachable!("an instant lies on a day that its zone has");
        };
        let request = SlotsRequest { window, ..request.clone() }.counters([counter]);
        let mut answer = self.answer(&request, freshness).await?;
        let CounterAnswer { status, slots, .. } = answer.counters.swap_remove(0);
        let slot = slots.iter_from(start).next().filter(|slot| slot.start() == start);
        let reasons = if slot.is_some() || status.is_unknown() { Vec::new() } else { slots.why(start) };
        Ok(Verdict { status, slot, reasons })
    }

    async fn answer(&self, request: &SlotsRequest, freshness: Freshness) -> Result<Answer, Error> {
        let deadline = after(self.inner.deadline);
        let setup = self.setup();
        let asked = setup.asked(request)?;
        tracing::Span::current().record("counters", asked.len());
        let stretch = match freshness {
            Freshness::Cached => setup.stretch(request.window),
            Freshness::Now => setup.stretch(request.window).without_slack(),
        };
        let targets = distinct(asked.iter().flat_map(|asked| asked.targets));
        let fetched = self.inner.reader.fetch(&targets, stretch, freshness, deadline).await;
        let fetched: HashMap<_, Fetched> = targets.into_iter().map(|target| target.key).zip(fetched).collect();
        // The answer is as of the moment at which it is made: reading may have taken a while.
        let now = self.inner.clock.now();
        let (window, read, when_unavailable) = (request.window, stretch.needed, self.inner.when_unavailable);
        let moment = Moment { window, bookings: request.bookings_by_counter(), read, when_unavailable, now };
        let unread = Fetched { reading: Err(ReadError::internal()), older: None };
        let counters = asked.iter().map(|asked| {
            let fetched = asked.targets.iter().map(|target| fetched.get(&target.key).unwrap_or(&unread));
            let open = setup.open_windows(asked, request.window);
            let answer = counter_answer(asked, open, fetched, &moment);
            metrics::counter!("optigov_answers_total", "status" => answer.status.as_str()).increment(1);
            answer
        });
        Ok(Answer { now, zone: setup.municipality.time_zone(), counters: counters.collect() })
    }
}

/// How many groups of mailboxes a refresh has under way; the client's own limit holds besides.
const REFRESH_AT_ONCE: usize = 10;

/// Each mailbox once, in the order of first mention.
fn distinct<'a>(targets: impl Iterator<Item = &'a Target>) -> Vec<Target> {
    let mut seen = std::collections::HashSet::new();
    targets.filter(|target| seen.insert(target.key)).cloned().collect()
}

/// The instant after so long; one beyond what the clock can tell is a year away.
fn after(duration: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(duration).unwrap_or_else(|| now + Duration::from_secs(365 * 86_400))
}
