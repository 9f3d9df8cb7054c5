//! Gets calendars for a call: from the cache while they are fresh, else by one reading per mailbox and window, however many wait for it.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use chrono::{DateTime, Utc};
use futures_util::{
    FutureExt as _,
    future::{self, BoxFuture, Shared},
};
use optigov_calendar::{CalendarSource, ConnectionReport, Language, Mailbox, ReadError};
use optigov_slots::Interval;
use tokio::{sync::oneshot, time::Instant};
use tracing::Instrument as _;

use crate::{CacheError, CacheKey, CacheVersion, CachedReadings, CalendarCache, Clock, Reading};

/// A mailbox and the name under which it is cached and logged.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReadTarget {
    /// Its name in the cache and in logs.
    pub key: CacheKey,
    /// The mailbox.
    pub mailbox: Mailbox,
}

impl ReadTarget {
    /// A mailbox as read through the connection that `namespace` tells apart from others.
    pub fn new(namespace: &str, mailbox: Mailbox) -> ReadTarget {
        ReadTarget { key: CacheKey::new(namespace, &mailbox), mailbox }
    }
}

/// What a call got for one mailbox.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Fetched {
    /// A reading of the whole window, or why there is none.
    pub reading: Result<Arc<Reading>, ReadError>,
    /// Where there is none, the newest older reading of the whole window.
    pub older: Option<Arc<Reading>>,
}

impl Fetched {
    /// Nothing was got, for this reason.
    pub fn failed(error: ReadError) -> Fetched {
        Fetched { reading: Err(error), older: None }
    }
}

/// The window that an answer needs, and the one to read where something is read: at least as long, so that the reading serves longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReadWindow {
    /// What the answer needs.
    pub needed: Interval,
    /// What is read; covers `needed`.
    pub read: Interval,
}

impl ReadWindow {
    /// Exactly what is needed is read.
    pub fn exactly(needed: Interval) -> ReadWindow {
        ReadWindow { needed, read: needed }
    }

    /// `needed` for the answer, and `read` in order that the reading serves longer; what is read covers what is needed.
    pub fn new(needed: Interval, read: Interval) -> ReadWindow {
        ReadWindow { needed, read: read.hull(needed) }
    }
}

/// Whether a reading from before the call may serve it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Freshness {
    /// One younger than the time to live may.
    Cached,
    /// None may: the mailbox is read after the call began.
    Now,
}

/// How long readings serve, and how long one may take.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ReaderTimes {
    /// A reading younger than this serves without asking again. Default: 60 s.
    pub time_to_live: Duration,
    /// A reading that will expire within this time is read again in the background; at most half the time to live. Default: 0, no reading
    /// ahead.
    pub read_ahead: Duration,
    /// The longest that one reading may take, whoever waits for it. Default: 120 s.
    pub reading: Duration,
    /// The longest that the cache is waited for. Default: 2 s.
    pub cache: Duration,
}

impl Default for ReaderTimes {
    fn default() -> ReaderTimes {
        ReaderTimes {
            time_to_live: Duration::from_secs(60),
            read_ahead: Duration::ZERO,
            reading: Duration::from_secs(120),
            cache: Duration::from_secs(2),
        }
    }
}

/// Reads calendars through a cache. Needs a Tokio runtime; a caller that goes away does not stop a reading that others wait for.
pub struct CalendarReader {
    source: Arc<dyn CalendarSource>,
    cache: Arc<dyn CalendarCache>,
    clock: Arc<dyn Clock>,
    times: ReaderTimes,
    in_flight: Mutex<HashMap<FlightKey, Flight>>,
}

/// A reading under way: which mailbox over which window, begun under which version.
type FlightKey = (CacheKey, Interval, CacheVersion);
/// What those who wait for a reading share.
type Flight = Shared<BoxFuture<'static, Result<Arc<Reading>, ReadError>>>;

/// A mailbox whose calendar is to be read, and the end of the channel on which others wait for it.
struct PendingRead {
    target: ReadTarget,
    version: CacheVersion,
    waiting: oneshot::Sender<Result<Arc<Reading>, ReadError>>,
}

impl CalendarReader {
    /// A reader of `source` through `cache`, in the time of `clock`.
    pub fn new(
        source: Arc<dyn CalendarSource>,
        cache: Arc<dyn CalendarCache>,
        clock: Arc<dyn Clock>,
        times: ReaderTimes,
    ) -> Arc<CalendarReader> {
        let times = ReaderTimes { read_ahead: times.read_ahead.min(times.time_to_live / 2), ..times };
        Arc::new(CalendarReader { source, cache, clock, times, in_flight: Mutex::default() })
    }

    /// One result per target, in their order. Never waits beyond `deadline`; what is under way then goes on and fills the cache.
    pub async fn fetch(
        self: &Arc<Self>,
        targets: &[ReadTarget],
        window: ReadWindow,
        freshness: Freshness,
        deadline: Instant,
    ) -> Vec<Fetched> {
        let cached = self.cached(targets).await;
        let now = self.clock.now();
        let (mut fetched, mut wanted, mut ahead) = (Vec::with_capacity(targets.len()), Vec::new(), Vec::new());
        for (at, (target, cached)) in targets.iter().zip(&cached).enumerate() {
            let older = cached.covering(window.needed, now).cloned();
            let left = older.as_ref().filter(|_| freshness == Freshness::Cached);
            let left = left.and_then(|reading| self.remaining(reading, now));
            match (left, older) {
                (Some(left), Some(fresh)) => {
                    if left < self.times.read_ahead {
                        ahead.push((at, target.clone(), cached.version));
                    }
                    fetched.push(Fetched { reading: Ok(fresh), older: None });
                }
                (_, older) => {
                    wanted.push((at, target.clone(), cached.version));
                    fetched.push(Fetched { reading: Err(ReadError::internal()), older });
                }
            }
        }
        let misses = wanted.len();
        metrics::counter!("optigov_calendar_cache_total", "result" => "hit").increment((targets.len() - misses) as u64);
        metrics::counter!("optigov_calendar_cache_total", "result" => "miss").increment(misses as u64);
        // Nobody waits for what is read ahead.
        drop(self.join_or_start(ahead, window.read, freshness));
        let flights = self.join_or_start(wanted, window.read, freshness);
        let results = future::join_all(flights.into_iter().map(|(at, flight)| async move {
            let reading = tokio::time::timeout_at(deadline, flight).await;
            (at, reading.unwrap_or_else(|_| Err(ReadError::deadline())))
        }));
        for (at, reading) in results.await {
            fetched[at].reading = reading;
        }
        fetched
    }

    /// Reads these mailboxes afresh into the cache, at most as many as the source takes at once; one result per target, in their order.
    pub async fn refresh(self: &Arc<Self>, targets: &[ReadTarget], window: ReadWindow) -> Vec<Fetched> {
        let now = Instant::now();
        let deadline = now.checked_add(self.times.reading).unwrap_or(now);
        self.fetch(targets, window, Freshness::Now, deadline).await
    }

    /// How many mailboxes the source takes at once.
    pub fn batch(&self) -> usize {
        self.source.batch().get()
    }

    /// Bumps the version of these keys, waiting for the cache until `deadline` at most, and lets nobody join a reading of them that is under
    /// way. No later answer is made from anything read before.
    ///
    /// # Errors
    /// Where the cache cannot be told; the keys may then be as before.
    pub async fn invalidate(&self, keys: &[CacheKey], deadline: Instant) -> Result<(), CacheError> {
        let told = tokio::time::timeout_at(deadline, self.cache.invalidate(keys)).await;
        told.unwrap_or_else(|late| Err(CacheError::new(late)))?;
        self.detach(keys);
        Ok(())
    }

    /// Goes through the connection to the source step by step.
    pub async fn check(&self, mailbox: &Mailbox) -> ConnectionReport {
        self.source.check(mailbox, self.clock.now()).await
    }

    /// What the cache knows of each target. A cache that fails, hangs, or answers for another number of keys knows nothing.
    async fn cached(&self, targets: &[ReadTarget]) -> Vec<Arc<CachedReadings>> {
        let keys: Vec<CacheKey> = targets.iter().map(|target| target.key).collect();
        match tokio::time::timeout(self.times.cache, self.cache.get(&keys)).await {
            Ok(Ok(cached)) if cached.len() == keys.len() => return cached,
            Ok(Ok(_)) => tracing::warn!("the cache answered for another number of keys"),
            Ok(Err(error)) => tracing::warn!(error = &error as &dyn std::error::Error, "cache not read"),
            Err(_) => tracing::warn!("cache not read in time"),
        }
        targets.iter().map(|_| Arc::default()).collect()
    }

    /// From now on nobody joins a reading of these keys that is under way.
    fn detach(&self, keys: &[CacheKey]) {
        let mut in_flight = self.in_flight.lock().unwrap_or_else(PoisonError::into_inner);
        in_flight.retain(|(key, ..), _| !keys.contains(key));
    }

    /// For how much longer a reading serves; `None` once it has expired.
    fn remaining(&self, reading: &Reading, now: DateTime<Utc>) -> Option<Duration> {
        let age = now.signed_duration_since(reading.read_at()).to_std().ok()?;
        self.times.time_to_live.checked_sub(age).filter(|left| !left.is_zero())
    }

    /// Joins the readings under way and starts those that are not, in groups that the source takes at once.
    fn join_or_start(
        self: &Arc<Self>,
        wanted: Vec<(usize, ReadTarget, CacheVersion)>,
        window: Interval,
        freshness: Freshness,
    ) -> Vec<(usize, Flight)> {
        let (mut flights, mut pending) = (Vec::with_capacity(wanted.len()), Vec::new());
        let mut in_flight = self.in_flight.lock().unwrap_or_else(PoisonError::into_inner);
        for (at, target, version) in wanted {
            let key = (target.key, window, version);
            if let Some(flight) = in_flight.get(&key).filter(|_| freshness == Freshness::Cached) {
                flights.push((at, flight.clone()));
                continue;
            }
            let (waiting, answered) = oneshot::channel();
            let flight = answered.map(|answer| answer.unwrap_or_else(|_| Err(ReadError::internal())));
            let flight = flight.boxed().shared();
            if freshness == Freshness::Cached {
                in_flight.insert(key, flight.clone());
            }
            pending.push(PendingRead { target, version, waiting });
            flights.push((at, flight));
        }
        drop(in_flight);
        let batch = self.batch();
        while !pending.is_empty() {
            let rest = pending.split_off(batch.min(pending.len()));
            let group = std::mem::replace(&mut pending, rest);
            let span = match &*group {
                [one] => tracing::info_span!("read_calendars", mailbox = one.target.key.short(), mailboxes = 1),
                several => tracing::info_span!("read_calendars", mailboxes = several.len()),
            };
            tokio::spawn(Arc::clone(self).read(group, window, freshness).instrument(span));
        }
        flights
    }

    /// Reads one group and answers everyone who waits for it. A caller that goes away does not stop it, and a source that hangs or panics
    /// does not leave anybody waiting.
    async fn read(self: Arc<Self>, group: Vec<PendingRead>, window: Interval, freshness: Freshness) {
        let joined = group.iter().filter(|_| freshness == Freshness::Cached);
        let keys = joined.map(|pending| (pending.target.key, window, pending.version)).collect();
        let _guard = InFlightGuard { reader: &self, keys };
        let group = match freshness {
            Freshness::Cached => self.answer_from_cache(group, window).await,
            Freshness::Now => group,
        };
        if group.is_empty() {
            return;
        }
        let mailboxes: Vec<Mailbox> = group.iter().map(|pending| pending.target.mailbox.clone()).collect();
        let (began, read_at) = (Instant::now(), self.clock.now());
        let read = tokio::time::timeout(self.times.reading, self.source.read(&mailboxes, window)).await;
        metrics::histogram!("optigov_calendar_read_seconds").record(began.elapsed().as_secs_f64());
        let results = match read {
            Ok(results) if results.len() == group.len() => results,
            // Results of another number cannot be matched to their mailboxes.
            Ok(_) => vec![Err(ReadError::internal()); group.len()],
            Err(_) => vec![Err(ReadError::deadline()); group.len()],
        };
        let completed = group.into_iter().zip(results).map(|(pending, result)| {
            self.complete(pending, result.map(|calendar| Arc::new(Reading::new(window, read_at, calendar))))
        });
        future::join_all(completed).await;
    }

    /// Answers those waiters for whom another task's reading arrived after they had looked into the cache, and returns the others. So there is
    /// one reading, however closely calls follow each other.
    async fn answer_from_cache(&self, group: Vec<PendingRead>, window: Interval) -> Vec<PendingRead> {
        let targets: Vec<ReadTarget> = group.iter().map(|pending| pending.target.clone()).collect();
        let cached = self.cached(&targets).await;
        let now = self.clock.now();
        let mut wanted = Vec::with_capacity(group.len());
        for (pending, cached) in group.into_iter().zip(cached) {
            let reading = cached.covering(window, now).filter(|_| cached.version == pending.version);
            let left = reading.and_then(|reading| self.remaining(reading, now));
            match (reading, left) {
                (Some(reading), Some(left)) if left >= self.times.read_ahead => {
                    drop(pending.waiting.send(Ok(Arc::clone(reading))));
                }
                _ => wanted.push(pending),
            }
        }
        wanted
    }

    /// Stores a result and hands it to those who wait for it.
    async fn complete(&self, pending: PendingRead, result: Result<Arc<Reading>, ReadError>) {
        let mailbox = &*pending.target.key.short();
        match &result {
            Ok(reading) => {
                metrics::counter!("optigov_calendar_reads_total", "result" => "ok").increment(1);
                tracing::debug!(mailbox, entries = reading.entries().len(), "calendar read");
                let stored = self.cache.put(&pending.target.key, pending.version, Arc::clone(reading));
                match tokio::time::timeout(self.times.cache, stored).await {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => {
                        tracing::warn!(mailbox, error = &error as &dyn std::error::Error, "cache not written");
                    }
                    Err(_) => tracing::warn!(mailbox, "cache not written in time"),
                }
            }
            Err(error) => {
                metrics::counter!("optigov_calendar_reads_total", "result" => error.origin().as_str()).increment(1);
                log(mailbox, error);
            }
        }
        // Nobody may wait any more: the reading is in the cache all the same.
        drop(pending.waiting.send(result));
    }
}

impl fmt::Debug for CalendarReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CalendarReader").field("times", &self.times).finish_non_exhaustive()
    }
}

/// Everything that is known of a failed reading, as fields that a log can be searched by.
fn log(mailbox: &str, error: &ReadError) {
    tracing::warn!(
        mailbox,
        kind = error.kind().as_str(),
        origin = error.origin().as_str(),
        http_status = error.http_status(),
        code = error.code().map(|code| code.as_str()),
        request = error.request_id(),
        retry_after_seconds = error.retry_after().map(|wait| wait.as_secs()),
        error = error as &dyn std::error::Error,
        cause = error.cause().in_language(Language::English),
        "calendar not read"
    );
}

/// Removes a group's readings from those in flight when it ends, in whatever way it ends.
struct InFlightGuard<'a> {
    reader: &'a CalendarReader,
    keys: Vec<FlightKey>,
}

impl Drop for InFlightGuard<'_> {
    fn drop(&mut self) {
        let mut in_flight = self.reader.in_flight.lock().unwrap_or_else(PoisonError::into_inner);
        for key in &self.keys {
            in_flight.remove(key);
        }
    }
}
