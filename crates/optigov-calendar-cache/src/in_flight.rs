//! The readings under way and those that wait for their turn, and who may join them.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use futures_util::{
    FutureExt as _,
    future::{BoxFuture, Shared},
};
use optigov_calendar::ReadError;
use optigov_slots::Interval;
use tokio::{sync::oneshot, time::Instant};

use crate::{CacheKey, CacheVersion, Freshness, Reading, pause::Lane};

/// A place in the order in which questions are asked and readings begin. A reading with a higher number than a question began after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Order(u64);

/// Why and for whom a reading is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Demand {
    pub(crate) freshness: Freshness,
    pub(crate) lane: Lane,
}

/// A reading as those who wait for it get it.
#[derive(Clone, Debug)]
pub(crate) struct Landed {
    pub(crate) reading: Arc<Reading>,
    /// When it began; `None` where it was found in the cache.
    pub(crate) began: Option<Order>,
}

/// What those who wait for a reading share.
pub(crate) type Flight = Shared<BoxFuture<'static, Result<Landed, ReadError>>>;

/// A question for one mailbox.
pub(crate) struct Question {
    pub(crate) key: CacheKey,
    pub(crate) needed: Interval,
    pub(crate) version: CacheVersion,
    pub(crate) demand: Demand,
    /// Readings that began before this do not answer it.
    pub(crate) not_before: Option<Order>,
}

/// A reading that a question has joined or caused.
pub(crate) struct Joined {
    pub(crate) flight: Flight,
    /// When it was first asked for.
    pub(crate) asked: Instant,
    /// Where the question has caused it.
    pub(crate) new: Option<NewFlight>,
}

/// A reading that nobody had asked for yet; whoever gets this makes it.
pub(crate) struct NewFlight {
    pub(crate) id: u64,
    pub(crate) answer: oneshot::Sender<Result<Landed, ReadError>>,
}

/// The readings in flight, by mailbox.
#[derive(Default)]
pub(crate) struct InFlight {
    flights: Mutex<HashMap<CacheKey, Vec<Entry>>>,
    counter: AtomicU64,
}

struct Entry {
    id: u64,
    window: Interval,
    version: CacheVersion,
    demand: Demand,
    asked: Instant,
    began: Option<Order>,
    flight: Flight,
}

impl InFlight {
    /// The place of a question that is asked now.
    pub(crate) fn now(&self) -> Order {
        Order(self.counter.fetch_add(1, Ordering::SeqCst))
    }

    /// Joins a reading that answers the question, or announces one of `window`.
    pub(crate) fn join_or_announce(&self, question: &Question, window: Interval) -> Joined {
        let mut flights = self.flights();
        let entries = flights.entry(question.key).or_default();
        if let Some(entry) = entries.iter().find(|entry| entry.answers(question)) {
            return Joined { flight: entry.flight.clone(), asked: entry.asked, new: None };
        }
        let (answer, answered) = oneshot::channel();
        let flight = answered.map(|answer| answer.unwrap_or_else(|_| Err(ReadError::internal()))).boxed().shared();
        let (Order(id), asked) = (self.now(), Instant::now());
        let (version, demand) = (question.version, question.demand);
        entries.push(Entry { id, window, version, demand, asked, began: None, flight: flight.clone() });
        Joined { flight, asked, new: Some(NewFlight { id, answer }) }
    }

    /// These readings of the mailboxes begin now: whoever asks later and wants a reading from after the question no longer joins them.
    pub(crate) fn begin(&self, readings: &[(CacheKey, u64)]) -> Order {
        let mut flights = self.flights();
        let now = self.now();
        for (key, id) in readings {
            let entries = flights.get_mut(key).into_iter().flatten();
            entries.filter(|entry| entry.id == *id).for_each(|entry| entry.began = Some(now));
        }
        now
    }

    /// The readings of a mailbox that have begun for the same demand.
    pub(crate) fn begun(&self, key: CacheKey, demand: Demand) -> Vec<Flight> {
        let flights = self.flights();
        let entries = flights.get(&key).into_iter().flatten();
        let begun = entries.filter(|entry| entry.demand == demand && entry.began.is_some());
        begun.map(|entry| entry.flight.clone()).collect()
    }

    /// From now on nobody joins a reading of these mailboxes that was asked for before.
    pub(crate) fn detach(&self, keys: &[CacheKey]) {
        let mut flights = self.flights();
        for key in keys {
            flights.remove(key);
        }
    }

    /// These readings have ended.
    pub(crate) fn end(&self, readings: &[(CacheKey, u64)]) {
        let mut flights = self.flights();
        for (key, id) in readings {
            if let Some(entries) = flights.get_mut(key) {
                entries.retain(|entry| entry.id != *id);
                if entries.is_empty() {
                    flights.remove(key);
                }
            }
        }
    }

    fn flights(&self) -> MutexGuard<'_, HashMap<CacheKey, Vec<Entry>>> {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn answers(&self, question: &Question) -> bool {
        // A reading for a question that a cached one would answer may turn out to come from the cache.
        let fresh_enough = question.demand.freshness == Freshness::Cached || self.demand.freshness == Freshness::Now;
        let late_enough =
            question.not_before.is_none_or(|not_before| self.began.is_none_or(|began| began > not_before));
        self.version == question.version
            && self.demand.lane == question.demand.lane
            && fresh_enough
            && late_enough
            && self.window.hull(question.needed) == self.window
    }
}
