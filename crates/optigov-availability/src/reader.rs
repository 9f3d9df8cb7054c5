//! Gets calendars for a call: from the cache while they are fresh, else by one reading per mailbox and window, however many wait for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::FutureExt as _;
use futures_util::future::{self, BoxFuture, Shared};
use optigov_counter::Mailbox;
use optigov_slots::Interval;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tracing::Instrument as _;

use crate::cache::{CacheKey, Cached, CalendarCache, Generation, Reading};
use crate::clock::Clock;
use crate::source::{CalendarSource, ReadError};

/// A mailbox and the name under which it is cached and logged.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) key: CacheKey,
    pub(crate) mailbox: Mailbox,
}

/// What a call got for one mailbox: a reading, or why not, and then the newest older reading of the whole window.
#[derive(Clone)]
pub(crate) struct Fetched {
    pub(crate) reading: Result<Arc<Reading>, ReadError>,
    pub(crate) older: Option<Arc<Reading>>,
}

/// The stretch that an answer needs, and the one to read where something is read: at least as long, so that the reading serves longer.
#[derive(Clone, Copy)]
pub(crate) struct Stretch {
    pub(crate) needed: Interval,
    pub(crate) read: Interval,
}

impl Stretch {
    pub(crate) fn without_slack(self) -> Self {
        Stretch { read: self.needed, ..self }
    }
}

/// Whether a reading from before the call may serve it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// One younger than the time to live may.
    Cached,
    /// None may: the mailbox is read after the call began.
    Now,
}

/// How long readings serve, and how long one may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    /// A reading younger than this serves without asking again.
    pub(crate) time_to_live: Duration,
    /// A reading that will expire within this time is read again in the background.
    pub(crate) read_ahead: Duration,
    /// The longest that one reading may take, whoever waits for it.
    pub(crate) reading: Duration,
    /// The longest that the cache is waited for.
    pub(crate) cache: Duration,
}

pub(crate) struct Reader {
    pub(crate) source: Arc<dyn CalendarSource>,
    pub(crate) cache: Arc<dyn CalendarCache>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) times: Times,
    flights: Mutex<HashMap<FlightKey, Flight>>,
}

type FlightKey = (CacheKey, Interval, Generation);
type Flight = Shared<BoxFuture<'static, Result<Arc<Reading>, ReadError>>>;

/// A mailbox whose calendar is to be read, with the promise to those who wait for it.
struct Promise {
    target: Target,
    generation: Generation,
    keep: oneshot::Sender<Result<Arc<Reading>, ReadError>>,
}

impl Reader {
    pub(crate) fn new(
        source: Arc<dyn CalendarSource>,
        cache: Arc<dyn CalendarCache>,
        clock: Arc<dyn Clock>,
        times: Times,
    ) -> Arc<Self> {
        Arc::new(Reader { source, cache, clock, times, flights: Mutex::default() })
    }

    /// One result per target, in their order. Never waits beyond `deadline`; what is under way then goes on and fills the cache.
    pub(crate) async fn fetch(
        self: &Arc<Self>,
        targets: &[Target],
        stretch: Stretch,
        freshness: Freshness,
        deadline: Instant,
    ) -> Vec<Fetched> {
        let cached = self.cached(targets).await;
        let now = self.clock.now();
        let (mut fetched, mut wanted, mut ahead) = (Vec::with_capacity(targets.len()), Vec::new(), Vec::new());
        for (at, (target, cached)) in targets.iter().zip(&cached).enumerate() {
            let older = cached.covering(stretch.needed, now).cloned();
            let left = older.as_ref().filter(|_| freshness == Freshness::Cached);
            let left = left.and_then(|reading| self.remaining(reading, now));
            match (left, older) {
                (Some(left), Some(fresh)) => {
                    if left < self.times.read_ahead {
                        ahead.push((at, target.clone(), cached.generation));
                    }
                    fetched.push(Fetched { reading: Ok(fresh), older: None });
                }
                (_, older) => {
                    wanted.push((at, target.clone(), cached.generation));
                    fetched.push(Fetched { reading: Err(ReadError::internal()), older });
                }
            }
        }
        let misses = wanted.len();
        metrics::counter!("optigov_calendar_cache_total", "result" => "hit").increment((targets.len() - misses) as u64);
        metrics::counter!("optigov_calendar_cache_total", "result" => "miss").increment(misses as u64);
        // Nobody waits for what is read ahead.
        drop(self.take_off(ahead, stretch.read, freshness));
        let flights = self.take_off(wanted, stretch.read, freshness);
        let landed = future::join_all(flights.into_iter().map(|(at, flight)| async move {
            let reading = tokio::time::timeout_at(deadline, flight).await;
            (at, reading.unwrap_or_else(|_| Err(ReadError::deadline())))
        }));
        for (at, reading) in landed.await {
            fetched[at].reading = reading;
        }
        fetched
    }

    /// What the cache knows of each target; a cache that fails or hangs knows nothing.
    async fn cached(&self, targets: &[Target]) -> Vec<Arc<Cached>> {
        let keys: Vec<CacheKey> = targets.iter().map(|target| target.key).collect();
        let mut cached = match tokio::time::timeout(self.times.cache, self.cache.get(&keys)).await {
            Ok(Ok(cached)) => cached,
            Ok(Err(error)) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "cache not read");
                Vec::new()
            }
            Err(_) => {
                tracing::warn!("cache not read in time");
                Vec::new()
            }
        };
        cached.resize_with(targets.len(), Arc::default);
        cached
    }

    /// From now on nobody joins a reading of these keys that is under way.
    pub(crate) fn disown(&self, keys: &[CacheKey]) {
        let mut under_way = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
        under_way.retain(|(key, ..), _| !keys.contains(key));
    }

    /// For how much longer a reading serves; `None` once it has expired.
    fn remaining(&self, reading: &Reading, now: DateTime<Utc>) -> Option<Duration> {
        let age = now.signed_duration_since(reading.read_at()).to_std().ok()?;
        self.times.time_to_live.checked_sub(age).filter(|left| !left.is_zero())
    }

    /// Joins the readings under way and begins those that are not, in groups that the source takes at once.
    fn take_off(
        self: &Arc<Self>,
        wanted: Vec<(usize, Target, Generation)>,
        window: Interval,
        freshness: Freshness,
    ) -> Vec<(usize, Flight)> {
        let (mut flights, mut promises) = (Vec::with_capacity(wanted.len()), Vec::new());
        let mut under_way = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
        for (at, target, generation) in wanted {
            let key = (target.key, window, generation);
            if let Some(flight) = under_way.get(&key).filter(|_| freshness == Freshness::Cached) {
                flights.push((at, flight.clone()));
                continue;
            }
            let (keep, kept) = oneshot::channel();
            let flight = kept.map(|kept| kept.unwrap_or_else(|_| Err(ReadError::internal()))).boxed().shared();
            if freshness == Freshness::Cached {
                under_way.insert(key, flight.clone());
            }
            promises.push(Promise { target, generation, keep });
            flights.push((at, flight));
        }
        drop(under_way);
        let batch = self.source.batch().get();
        while !promises.is_empty() {
            let rest = promises.split_off(batch.min(promises.len()));
            let group = std::mem::replace(&mut promises, rest);
            let span = match &*group {
                [one] => tracing::info_span!("read_calendars", mailbox = one.target.key.short(), mailboxes = 1),
                several => tracing::info_span!("read_calendars", mailboxes = several.len()),
            };
            tokio::spawn(Arc::clone(self).read(group, window, freshness).instrument(span));
        }
        flights
    }

    /// Reads one group and keeps every promise: cancelled callers do not stop it, and a source that hangs or panics does not hang others.
    async fn read(self: Arc<Self>, group: Vec<Promise>, window: Interval, freshness: Freshness) {
        let joined = group.iter().filter(|_| freshness == Freshness::Cached);
        let _landing = Landing { reader: &self, keys: joined.map(|promise| flight_key(promise, window)).collect() };
        let group = match freshness {
            Freshness::Cached => self.still_wanted(group, window).await,
            Freshness::Now => group,
        };
        if group.is_empty() {
            return;
        }
        let mailboxes: Vec<Mailbox> = group.iter().map(|promise| promise.target.mailbox.clone()).collect();
        let (began, read_at) = (Instant::now(), self.clock.now());
        let read = tokio::time::timeout(self.times.reading, self.source.read(&mailboxes, window)).await;
        metrics::histogram!("optigov_calendar_read_seconds").record(began.elapsed().as_secs_f64());
        let mut results = match read {
            Ok(results) => results,
            Err(_) => vec![Err(ReadError::deadline()); group.len()],
        };
        results.resize(group.len(), Err(ReadError::internal()));
        let kept = group.into_iter().zip(results).map(|(promise, result)| {
            self.keep(promise, result.map(|calendar| Arc::new(Reading::new(window, read_at, calendar))))
        });
        future::join_all(kept).await;
    }

    /// Keeps the promises that a reading serves which landed between the caller's question to the cache and its look at the board; the
    /// others remain. So there is one reading, however closely calls follow each other.
    async fn still_wanted(&self, group: Vec<Promise>, window: Interval) -> Vec<Promise> {
        let targets: Vec<Target> = group.iter().map(|promise| promise.target.clone()).collect();
        let cached = self.cached(&targets).await;
        let now = self.clock.now();
        let mut wanted = Vec::with_capacity(group.len());
        for (promise, cached) in group.into_iter().zip(cached) {
            let reading = cached.covering(window, now).filter(|_| cached.generation == promise.generation);
            let left = reading.and_then(|reading| self.remaining(reading, now));
            match (reading, left) {
                (Some(reading), Some(left)) if left >= self.times.read_ahead => {
                    drop(promise.keep.send(Ok(Arc::clone(reading))));
                }
                _ => wanted.push(promise),
            }
        }
        wanted
    }

    /// Stores a result and hands it to those who wait for it.
    async fn keep(&self, promise: Promise, result: Result<Arc<Reading>, ReadError>) {
        let mailbox = &*promise.target.key.short();
        match &result {
            Ok(reading) => {
                metrics::counter!("optigov_calendar_reads_total", "result" => "ok").increment(1);
                tracing::debug!(mailbox, entries = reading.entries().len(), "calendar read");
                let stored = self.cache.put(&promise.target.key, promise.generation, Arc::clone(reading));
                match tokio::time::timeout(self.times.cache, stored).await {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => {
                        tracing::warn!(mailbox, error = &error as &dyn std::error::Error, "cache not written");
                    }
                    Err(_) => tracing::warn!(mailbox, "cache not written in time"),
                }
            }
            Err(error) => {
                metrics::counter!("optigov_calendar_reads_total", "result" => error.kind().as_str()).increment(1);
                tracing::warn!(mailbox, kind = error.kind().as_str(), error = %error, "calendar not read");
            }
        }
        // Nobody may wait any more: the reading is in the cache all the same.
        drop(promise.keep.send(result));
    }
}

fn flight_key(promise: &Promise, window: Interval) -> FlightKey {
    (promise.target.key, window, promise.generation)
}

/// Takes a group's flights off the board when its reading ends, in whatever way it ends.
struct Landing<'a> {
    reader: &'a Reader,
    keys: Vec<FlightKey>,
}

impl Drop for Landing<'_> {
    fn drop(&mut self) {
        let mut under_way = self.reader.flights.lock().unwrap_or_else(PoisonError::into_inner);
        for key in &self.keys {
            under_way.remove(key);
        }
    }
}
