//! What was read is kept for a while: the cache's trait, what it stores, and the one in memory.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use optigov_counter::Mailbox;
use optigov_slots::Interval;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::entry::CalendarEntry;
use crate::source::{AllDayFlag, Calendar};

/// Keeps readings between calls. The default is [`MemoryCache`]; a store shared by many instances implements the same trait.
///
/// A cache may forget anything at any time but a generation, and may fail: the facade then reads the calendar. What it must not do is
/// return a reading stored for another key or under another generation.
#[async_trait]
pub trait CalendarCache: Send + Sync + 'static {
    /// For each of `keys`, in their order, its generation and the readings stored under that. All at once: one round trip to a shared store.
    ///
    /// # Errors
    /// Where the store cannot be asked.
    async fn get(&self, keys: &[CacheKey]) -> Result<Vec<Arc<Cached>>, CacheError>;

    /// Stores a reading that was begun under `generation`, or does nothing if the key has moved on to another generation.
    ///
    /// # Errors
    /// Where the store cannot be asked.
    async fn put(&self, key: &CacheKey, generation: Generation, reading: Arc<Reading>) -> Result<(), CacheError>;

    /// Moves every key on to a new generation: what was read, or began to be read, before counts no more, at any instance.
    ///
    /// # Errors
    /// Where the store cannot be asked; the keys may then be as before.
    async fn invalidate(&self, keys: &[CacheKey]) -> Result<(), CacheError>;
}

/// Names one mailbox as read through one connection, without saying its address: 128 bits of a SHA-256, written in hexadecimal.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CacheKey(u128);

/// Counts how often a key was invalidated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Generation(pub u64);

/// What a cache knows of one key.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cached {
    /// How often the key was invalidated.
    pub generation: Generation,
    /// What was read under that generation, in the order in which it came, the last first.
    pub readings: Vec<Arc<Reading>>,
}

/// One mailbox's entries over a window, and when they were read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    start: i64,
    end: i64,
    read_at: DateTime<Utc>,
    all_day: AllDayFlag,
    entries: Box<[CalendarEntry]>,
}

/// The cache could not be asked. The facade logs it and reads the calendar instead.
#[derive(Debug, thiserror::Error)]
#[error("the calendar cache does not answer")]
pub struct CacheError(#[source] Box<dyn std::error::Error + Send + Sync>);

impl CacheError {
    /// Wraps the store's own error, which must not hold secrets or addresses: it is logged.
    pub fn new(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        CacheError(source.into())
    }
}

impl CacheKey {
    /// The key of `mailbox` under `namespace`, which tells apart connections that may answer differently for the same address.
    pub fn new(namespace: &str, mailbox: &Mailbox) -> Self {
        let mut hash = Sha256::new();
        hash.update(namespace.as_bytes());
        hash.update([0]);
        hash.update(mailbox.as_str().to_lowercase().as_bytes());
        let first = hash.finalize().into_iter().take(16);
        CacheKey(first.fold(0, |key, byte| key << 8 | u128::from(byte)))
    }

    /// The first 8 of its 32 hexadecimal digits: how logs name the mailbox.
    pub fn short(self) -> String {
        format!("{:08x}", self.0 >> 96)
    }
}

/// All 32 hexadecimal digits.
impl fmt::Display for CacheKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl From<CacheKey> for String {
    fn from(key: CacheKey) -> String {
        key.to_string()
    }
}

impl TryFrom<String> for CacheKey {
    type Error = std::num::ParseIntError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        u128::from_str_radix(&text, 16).map(CacheKey)
    }
}

impl fmt::Debug for CacheKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CacheKey({})", self.short())
    }
}

/// How many readings of one mailbox are kept: as many windows as callers look at side by side (a list, two months of an overview, a day).
const READINGS_PER_MAILBOX: usize = 4;

impl Cached {
    /// The newest reading that covers `window`. One that was read after `now` does not count: a clock was set back, so its age is unknown.
    pub fn covering(&self, window: Interval, now: DateTime<Utc>) -> Option<&Arc<Reading>> {
        let usable = self.readings.iter().rev().filter(|reading| reading.read_at <= now && reading.covers(window));
        usable.max_by_key(|reading| reading.read_at)
    }

    /// Adds a reading and drops what it makes useless: older ones that it covers, and beyond four the one that came first.
    pub fn add(&mut self, reading: Arc<Reading>) {
        self.readings
            .retain(|old| old.read_at > reading.read_at || !(reading.start <= old.start && old.end <= reading.end));
        self.readings.insert(0, reading);
        self.readings.truncate(READINGS_PER_MAILBOX);
    }
}

impl Reading {
    pub(crate) fn new(window: Interval, read_at: DateTime<Utc>, calendar: Calendar) -> Self {
        let mut entries = calendar.entries;
        entries.sort_unstable();
        Reading {
            start: window.start_unix(),
            end: window.end_unix(),
            read_at,
            all_day: calendar.all_day,
            entries: entries.into_boxed_slice(),
        }
    }

    /// When it was read.
    pub fn read_at(&self) -> DateTime<Utc> {
        self.read_at
    }

    /// The entries, in a stable order.
    pub fn entries(&self) -> &[CalendarEntry] {
        &self.entries
    }

    /// Whether the source told all-day entries from timed ones.
    pub fn all_day_flag(&self) -> AllDayFlag {
        self.all_day
    }

    /// Whether all of `window` was read.
    pub fn covers(&self, window: Interval) -> bool {
        self.start <= window.start_unix() && window.end_unix() <= self.end
    }

    /// Bytes that it holds in memory.
    pub fn bytes(&self) -> usize {
        std::mem::size_of::<Self>() + std::mem::size_of_val(&*self.entries)
    }
}

/// The default cache: in this process, bounded by bytes, least valuable readings first to go (TinyLFU, by `moka`).
pub struct MemoryCache {
    readings: moka::sync::Cache<CacheKey, Arc<Cached>>,
    /// Outlives eviction: one number for each mailbox whose counter was ever saved in this process.
    generations: Mutex<HashMap<CacheKey, Generation>>,
}

impl MemoryCache {
    /// A cache of at most `bytes`, whose readings are dropped after `keep` at the latest.
    pub fn new(bytes: u64, keep: Duration) -> Self {
        let readings = moka::sync::Cache::builder()
            .max_capacity(bytes)
            .weigher(|_, cached: &Arc<Cached>| {
                let bytes: usize = 128 + cached.readings.iter().map(|reading| reading.bytes()).sum::<usize>();
                u32::try_from(bytes).unwrap_or(u32::MAX)
            })
            .time_to_live(keep)
            .build();
        MemoryCache { readings, generations: Mutex::default() }
    }
}

impl fmt::Debug for MemoryCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryCache").field("mailboxes", &self.readings.entry_count()).finish()
    }
}

#[async_trait]
impl CalendarCache for MemoryCache {
    async fn get(&self, keys: &[CacheKey]) -> Result<Vec<Arc<Cached>>, CacheError> {
        let generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        let cached = keys.iter().map(|key| {
            let generation = generations.get(key).copied().unwrap_or_default();
            let stored = self.readings.get(key).filter(|stored| stored.generation == generation);
            stored.unwrap_or_else(|| Arc::new(Cached { generation, readings: Vec::new() }))
        });
        Ok(cached.collect())
    }

    async fn put(&self, key: &CacheKey, generation: Generation, reading: Arc<Reading>) -> Result<(), CacheError> {
        // Under the lock: no invalidation comes between the question and the storing.
        let generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        if generations.get(key).copied().unwrap_or_default() != generation {
            return Ok(());
        }
        self.readings.entry_by_ref(key).and_upsert_with(|stored| {
            let stored = stored.map(|entry| entry.into_value()).filter(|stored| stored.generation == generation);
            let mut cached =
                stored.map_or(Cached { generation, readings: Vec::new() }, |stored| Cached::clone(&stored));
            cached.add(reading);
            Arc::new(cached)
        });
        Ok(())
    }

    async fn invalidate(&self, keys: &[CacheKey]) -> Result<(), CacheError> {
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        for key in keys {
            generations.entry(*key).or_default().0 += 1;
            self.readings.invalidate(key);
        }
        Ok(())
    }
}
