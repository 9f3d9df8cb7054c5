//! Gets calendars for a call: from the cache while they are fresh, else by one reading per mailbox however many wait for it, and never
//! waiting for a server that is known to fail.

use std::{fmt, sync::Arc};

use futures_util::future;
use optigov_calendar::{CalendarSource, ConnectionReport, Mailbox, ReadError};
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout, timeout_at},
};

use crate::{
    CacheError, CacheKey, CachedReadings, CalendarCache, Clock, Fetched, Freshness, ReadTarget, ReadWindow,
    ReaderHealth, ReaderSettings, WatchId,
    failures::{Admission, Failures, SourceHealth, being_read},
    health::CircuitHealth,
    in_flight::{Demand, Flight, InFlight, Landed, Order, Question},
    keeper::Keepers,
    pause::Lane,
    read_group::{PendingRead, start},
    store_watch::StoreWatch,
};

/// Reads calendars through a cache. Needs a Tokio runtime; a caller that goes away does not stop a reading that others wait for.
///
/// # What a call waits for
///
/// - A reading younger than the time to live serves at once.
/// - Where [`serve_stale`](ReaderSettings::serve_stale) allows it, an older one serves after [`patience`](ReaderSettings::patience), while the new
///   one is read behind the answer, which then says so ([`Fetched::being_read`]).
/// - A mailbox that has just failed, or whose server fails (the circuit breaker is open), is not asked until a pause is over. The call is answered
///   at once with the last failure, and with the time after which it is tried again, as its `retry_after`. Pauses grow up to a
///   minute. Then one list and one booking check try; the others are answered at once.
/// - While a mailbox is proven to be watched ([`keep_fresh`](Self::keep_fresh)), a reading serves for far longer, and ends at once when something
///   changes.
/// - [`Freshness::Now`] waits for a reading that began after the call. Calls that arrive while one is being made share the next one.
pub struct CalendarReader {
    pub(crate) source: Arc<dyn CalendarSource>,
    pub(crate) cache: Arc<dyn CalendarCache>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) settings: ReaderSettings,
    pub(crate) in_flight: InFlight,
    pub(crate) failures: Failures,
    pub(crate) store: StoreWatch,
    pub(crate) live: Keepers,
    list_places: Semaphore,
    confirm_places: Semaphore,
}

/// A mailbox that a call waits for.
struct Waiting {
    at: usize,
    flight: Flight,
    /// Until when it is waited for, and what then is the answer.
    patience: Option<(Instant, ReadError)>,
}

/// A reading that a call has joined or caused.
struct Asked {
    flight: Flight,
    /// When it was first asked for.
    at: Instant,
    /// For a probe: until when its outcome is waited for, and what else is the answer.
    patience: Option<(Instant, ReadError)>,
}

impl CalendarReader {
    /// A reader of `source` through `cache`, in the time of `clock`.
    pub fn new(
        source: Arc<dyn CalendarSource>,
        cache: Arc<dyn CalendarCache>,
        clock: Arc<dyn Clock>,
        settings: ReaderSettings,
    ) -> Arc<CalendarReader> {
        let settings = settings.bounded();
        Arc::new(CalendarReader {
            source,
            cache,
            settings,
            in_flight: InFlight::default(),
            failures: Failures::new(settings, Arc::clone(&clock)),
            store: StoreWatch::new(Arc::clone(&clock)),
            live: Keepers::default(),
            clock,
            list_places: Semaphore::new(settings.list_places),
            confirm_places: Semaphore::new(settings.confirm_places),
        })
    }

    /// One result per target, in their order. Never waits beyond `deadline`; what is under way then goes on and fills the cache.
    pub async fn fetch(
        self: &Arc<Self>,
        targets: &[ReadTarget],
        window: ReadWindow,
        freshness: Freshness,
        deadline: Instant,
    ) -> Vec<Fetched> {
        let lane = match freshness {
            Freshness::Cached => Lane::List,
            Freshness::Now => Lane::Confirm,
        };
        self.fetch_for(targets, window, Demand { freshness, lane }, deadline).await
    }

    /// Reads these mailboxes afresh into the cache, at most as many as the source takes at once; one result per target, in their order. It takes
    /// the places of lists, not those of booking checks.
    pub async fn refresh(self: &Arc<Self>, targets: &[ReadTarget], window: ReadWindow) -> Vec<Fetched> {
        self.read_behind(targets, window, Freshness::Now).await
    }

    /// Reads for nobody who waits: in the places of lists, and for as long as a reading may take.
    pub(crate) async fn read_behind(
        self: &Arc<Self>,
        targets: &[ReadTarget],
        window: ReadWindow,
        freshness: Freshness,
    ) -> Vec<Fetched> {
        let now = Instant::now();
        let deadline = now.checked_add(self.settings.reading).unwrap_or(now);
        self.fetch_for(targets, window, Demand { freshness, lane: Lane::List }, deadline).await
    }

    /// How many mailboxes the source takes at once.
    pub fn batch(&self) -> usize {
        self.source.batch().get()
    }

    /// Bumps the version of these keys, waiting for the cache until `deadline` at most, and lets nobody join a reading of them that is under
    /// way. No later answer is made from anything read before. Their remembered failures are forgotten.
    ///
    /// # Errors
    /// Where the cache cannot be told; the keys may then be as before.
    pub async fn invalidate(&self, keys: &[CacheKey], deadline: Instant) -> Result<(), CacheError> {
        let told = timeout_at(deadline, self.end_readings(keys)).await;
        told.unwrap_or_else(|late| Err(CacheError::new(late)))?;
        self.failures.forget(keys);
        Ok(())
    }

    /// Bumps the version of these keys, and lets nobody join a reading of them that is under way.
    pub(crate) async fn end_readings(&self, keys: &[CacheKey]) -> Result<(), CacheError> {
        self.cache.invalidate(keys).await?;
        self.in_flight.detach(keys);
        Ok(())
    }

    /// Goes through the connection to the source step by step, whatever failures are remembered.
    pub async fn check(&self, mailbox: &Mailbox) -> ConnectionReport {
        self.source.check(mailbox, self.clock.now()).await
    }

    /// The circuit breaker, the mailboxes that fail, and the store, as they are now. Asks nobody.
    pub fn health(&self) -> ReaderHealth {
        let SourceHealth { mut circuits, failing } = self.failures.health();
        for circuit in &mut circuits {
            circuit.name = self.source.server_name(circuit.server);
        }
        // Of several that are equally bad, the first one.
        let worst = circuits.iter().rev().max_by_key(|circuit| circuit.badness());
        let circuit = worst.cloned().unwrap_or_else(CircuitHealth::closed);
        if circuits.len() < 2 {
            circuits.clear();
        }
        let store = self.cache.health().unwrap_or_else(|| self.store.health());
        ReaderHealth { circuit, circuits, failing, store, live: self.live.health() }
    }

    /// The places in flight of a lane.
    pub(crate) fn places(&self, lane: Lane) -> &Semaphore {
        match lane {
            Lane::List => &self.list_places,
            Lane::Confirm => &self.confirm_places,
        }
    }

    /// What the cache knows of each target. A cache that fails, hangs, or answers for another number of keys knows nothing.
    pub(crate) async fn cached(&self, keys: &[CacheKey]) -> Vec<Arc<CachedReadings>> {
        let cached = timeout(self.settings.cache, self.cache.get(keys)).await;
        let cached = cached.unwrap_or_else(|late| Err(CacheError::new(late))).and_then(|cached| {
            let whole = cached.len() == keys.len();
            whole.then_some(cached).ok_or_else(|| CacheError::new("it answered for another number of keys"))
        });
        self.store.saw(&cached);
        cached.unwrap_or_else(|_| keys.iter().map(|_| Arc::default()).collect())
    }

    async fn fetch_for(
        self: &Arc<Self>,
        targets: &[ReadTarget],
        window: ReadWindow,
        demand: Demand,
        deadline: Instant,
    ) -> Vec<Fetched> {
        let asked = self.in_flight.now();
        let not_before = (demand.freshness == Freshness::Now).then_some(asked);
        let (mut fetched, again) = self.round(targets, window, demand, (asked, not_before), deadline).await;
        // A list has joined a reading that has become older than the time to live on its way. The next one begins after the list asked.
        if !again.is_empty() {
            let targets: Vec<ReadTarget> = again.iter().map(|at| targets[*at].clone()).collect();
            let (second, _) = self.round(&targets, window, demand, (asked, Some(asked)), deadline).await;
            for (at, second) in again.into_iter().zip(second) {
                fetched[at] = second;
            }
        }
        self.count_stale(&fetched, demand);
        fetched
    }

    /// One look into the cache and, where that does not serve, one wait for readings. Returns as well which targets got one that is too old.
    async fn round(
        self: &Arc<Self>,
        targets: &[ReadTarget],
        window: ReadWindow,
        demand: Demand,
        (asked, not_before): (Order, Option<Order>),
        deadline: Instant,
    ) -> (Vec<Fetched>, Vec<usize>) {
        let keys: Vec<CacheKey> = targets.iter().map(|target| target.key).collect();
        let cached = self.cached(&keys).await;
        let now = self.clock.now();
        let (mut fetched, mut waiting, mut pending) = (Vec::with_capacity(targets.len()), Vec::new(), Vec::new());
        let (mut hits, mut behind) = (0, Vec::new());
        for (at, (target, cached)) in targets.iter().zip(&cached).enumerate() {
            let older = cached.covering(window.needed, now).cloned();
            let fresh = older.as_ref().filter(|_| demand.freshness == Freshness::Cached);
            let is_live = fresh.is_some_and(|reading| cached.is_live(reading));
            if let Some(left) = fresh.and_then(|reading| self.settings.remaining(target.key, reading, now, is_live)) {
                hits += 1;
                if left < self.settings.reads_ahead(is_live) {
                    behind.push((target, cached));
                }
                fetched.extend(older.map(Fetched::read));
                continue;
            }
            let question =
                Question { key: target.key, needed: window.needed, version: cached.version, demand, not_before };
            let stale = older.as_ref().filter(|_| demand.freshness == Freshness::Cached);
            let serves_stale = stale.is_some_and(|reading| self.settings.serves_stale(reading, now));
            match self.ask(target, &question, cached.watch, window, &mut pending) {
                Ok(asked) => {
                    let patience = asked.patience.or_else(|| {
                        let until = asked.at.checked_add(self.settings.patience).filter(|_| serves_stale);
                        until.map(|until| (until, being_read(self.settings.patience)))
                    });
                    waiting.push(Waiting { at, flight: asked.flight, patience });
                    fetched.push(Fetched { older, ..Fetched::failed(ReadError::internal()) });
                }
                Err(refused) => fetched.push(Fetched { older, ..Fetched::failed(refused) }),
            }
        }
        metrics::counter!("optigov_calendar_cache_total", "result" => "hit").increment(hits);
        metrics::counter!("optigov_calendar_cache_total", "result" => "miss").increment(targets.len() as u64 - hits);
        for (target, cached) in behind {
            let version = cached.version;
            let question = Question { key: target.key, needed: window.needed, version, demand, not_before };
            // Nobody waits for what is read ahead.
            drop(self.ask(target, &question, cached.watch, window, &mut pending));
        }
        start(self, pending, window.read, demand);
        let results = future::join_all(waiting.into_iter().map(|waiting| wait(waiting, deadline))).await;
        let now = self.clock.now();
        let mut again = Vec::new();
        for (at, result, being_read) in results {
            fetched[at].being_read = being_read;
            fetched[at].reading = match result {
                Ok(landed) => {
                    let began_after = landed.began.is_some_and(|began| began > asked);
                    let is_live = cached[at].is_live(&landed.reading);
                    let left = self.settings.remaining(targets[at].key, &landed.reading, now, is_live);
                    if !began_after && left.is_none() {
                        again.push(at);
                    }
                    Ok(landed.reading)
                }
                Err(error) => Err(error),
            };
        }
        (fetched, again)
    }

    /// Joins a reading of one mailbox or adds one to those to be started, unless the mailbox or the server is known to fail.
    fn ask(
        &self,
        target: &ReadTarget,
        question: &Question,
        watch: Option<WatchId>,
        window: ReadWindow,
        pending: &mut Vec<PendingRead>,
    ) -> Result<Asked, ReadError> {
        let lane = question.demand.lane;
        let server = self.source.server_of(&target.mailbox);
        let probe = match self.failures.admit(target.key, server, lane) {
            Admission::Refused(error) => return Err(error),
            Admission::Free => None,
            Admission::Probe { wait, error } => Some((Instant::now() + wait, error)),
        };
        let joined = self.in_flight.join_or_announce(question, window.read);
        match joined.new {
            Some(new) => pending.push(PendingRead {
                target: target.clone(),
                server,
                version: question.version,
                watch,
                is_probe: probe.is_some(),
                new,
            }),
            // The one that is under way will tell.
            None if probe.is_some() => self.failures.release(target.key, server, lane),
            None => {}
        }
        Ok(Asked { flight: joined.flight, at: joined.asked, patience: probe })
    }

    /// Counts what is served though it has expired.
    fn count_stale(&self, fetched: &[Fetched], demand: Demand) {
        if demand.freshness != Freshness::Cached || self.settings.serve_stale.is_none() {
            return;
        }
        let now = self.clock.now();
        for fetched in fetched {
            let older = fetched.older.as_ref().filter(|_| fetched.reading.is_err());
            if let Some(older) = older.filter(|older| self.settings.serves_stale(older, now)) {
                let reason = if fetched.being_read { "being_read" } else { "failing" };
                metrics::counter!("optigov_calendar_stale_total", "reason" => reason).increment(1);
                let age = now.signed_duration_since(older.read_at()).to_std().unwrap_or_default();
                metrics::histogram!("optigov_calendar_stale_seconds").record(age.as_secs_f64());
            }
        }
    }
}

/// Waits for a reading, by the deadline and with patience.
async fn wait(waiting: Waiting, deadline: Instant) -> (usize, Result<Landed, ReadError>, bool) {
    let Waiting { at, flight, patience } = waiting;
    match patience {
        Some((until, error)) if until < deadline => match timeout_at(until, flight).await {
            Ok(result) => (at, result, false),
            Err(_) => (at, Err(error), true),
        },
        _ => {
            let result = timeout_at(deadline, flight).await;
            (at, result.unwrap_or_else(|_| Err(ReadError::deadline())), false)
        }
    }
}

impl fmt::Debug for CalendarReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CalendarReader").field("settings", &self.settings).finish_non_exhaustive()
    }
}
