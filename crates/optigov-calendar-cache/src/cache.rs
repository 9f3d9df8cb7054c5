//! Where readings are kept between calls: the trait, and what it stores.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use optigov_calendar::Mailbox;
use optigov_slots::Interval;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Lease, Reading, StoreHealth};

/// Keeps readings between calls. The default is [`MemoryCache`](crate::MemoryCache); a store shared by many instances implements the same trait.
///
/// Every mailbox has a version number here. Saving a counter bumps the numbers of its mailboxes; a reading is stored under the number at which
/// it began, and readings of older versions are ignored and age out. A cache may forget any reading at any time, but it must never
/// return one that was stored for another key or under another version. It may fail: the calendar is then read from its source.
///
/// The conformance tests of the feature `testing` hold an implementation to this.
#[async_trait]
pub trait CalendarCache: Send + Sync {
    /// For each of `keys`, in their order, its version and the readings stored under it. All at once: one round trip to a shared store.
    ///
    /// # Errors
    /// Where the store cannot be asked.
    async fn get(&self, keys: &[CacheKey]) -> Result<Vec<Arc<CachedReadings>>, CacheError>;

    /// Stores a reading that was begun under `version`, or does nothing if the key has moved on to another version.
    ///
    /// # Errors
    /// Where the store cannot be asked.
    async fn put(&self, key: &CacheKey, version: CacheVersion, reading: Arc<Reading>) -> Result<(), CacheError>;

    /// Moves every key on to a new version: what was read, or began to be read, before no longer counts, at any instance.
    ///
    /// # Errors
    /// Where the store cannot be asked; the keys may then be as before.
    async fn invalidate(&self, keys: &[CacheKey]) -> Result<(), CacheError>;

    /// For each of `keys`, in their order, the right to read it over `window` on behalf of all instances for at most `longest`; `None` where another
    /// instance has it. Whoever gets none looks into the cache again after a moment, and reads in the end even so: an answer matters more
    /// than a reading saved. By default everybody has the right.
    async fn lease(&self, keys: &[CacheKey], window: Interval, longest: Duration) -> Vec<Option<Lease>> {
        let _ = (window, longest);
        keys.iter().map(|_| Some(Lease::UNSHARED)).collect()
    }

    /// Gives leases back, after what was read is stored or has failed. They end by themselves where this fails. By default there is nothing to do.
    async fn release(&self, leases: &[(CacheKey, Lease)], window: Interval) {
        let _ = (leases, window);
    }

    /// How the store behind this cache fares, where the cache answers even while its store does not. `None`, as by default: the reader
    /// judges by the answers it gets.
    fn health(&self) -> Option<StoreHealth> {
        None
    }
}

/// Names one mailbox as read through one connection, without saying its address: 128 bits of a SHA-256, written in hexadecimal.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CacheKey(u128);

/// A mailbox's version number in the cache: it differs before and after every [`CalendarCache::invalidate`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CacheVersion(pub u64);

/// What a cache knows of one key.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CachedReadings {
    /// The key's version now.
    pub version: CacheVersion,
    /// What was read under that version, in the order in which it came, the last first.
    pub readings: Vec<Arc<Reading>>,
}

/// The cache could not be asked. The reader logs it and reads the calendar instead.
#[derive(Debug, thiserror::Error)]
#[error("the calendar cache does not answer")]
pub struct CacheError(#[source] Box<dyn std::error::Error + Send + Sync>);

impl CacheError {
    /// Wraps the store's own error, which must not hold secrets or addresses: it is logged.
    pub fn new(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> CacheError {
        CacheError(source.into())
    }

    /// The store's own error, in words.
    pub(crate) fn reason(&self) -> String {
        self.0.to_string()
    }
}

impl CacheKey {
    /// The key of `mailbox` under `namespace`, which tells apart connections that may answer differently for the same address.
    pub fn new(namespace: &str, mailbox: &Mailbox) -> CacheKey {
        let mut hash = Sha256::new();
        hash.update(namespace.as_bytes());
        hash.update([0]);
        hash.update(mailbox.as_str().as_bytes());
        let first = hash.finalize().into_iter().take(16);
        CacheKey(first.fold(0, |key, byte| key << 8 | u128::from(byte)))
    }

    /// A share from 0 up to but not including 1 that is the mailbox's own: by it, expiries are spread.
    pub(crate) fn share(self) -> f64 {
        f64::from(self.0 as u32) / (f64::from(u32::MAX) + 1.0)
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

    fn try_from(text: String) -> Result<CacheKey, Self::Error> {
        u128::from_str_radix(&text, 16).map(CacheKey)
    }
}

impl fmt::Debug for CacheKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CacheKey({})", self.short())
    }
}

/// How many readings of one mailbox are kept: as many windows as callers look at side by side (a list, two months of an overview, a day).
pub(crate) const READINGS_PER_MAILBOX: usize = 4;

impl CachedReadings {
    /// A key's version without any reading.
    pub fn none_at(version: CacheVersion) -> CachedReadings {
        CachedReadings { version, readings: Vec::new() }
    }

    /// The newest reading that covers `window`. One that was read after `now` does not count: a clock was set back, so its age is unknown.
    pub fn covering(&self, window: Interval, now: DateTime<Utc>) -> Option<&Arc<Reading>> {
        let usable = self.readings.iter().rev().filter(|reading| reading.read_at() <= now && reading.covers(window));
        usable.max_by_key(|reading| reading.read_at())
    }

    /// Adds a reading and drops what it makes useless: older ones that it covers, and beyond four the shortest of the others, since a long one
    /// serves more callers.
    pub fn add(&mut self, reading: Arc<Reading>) {
        self.readings.retain(|old| old.read_at() > reading.read_at() || !reading.covers(old.window()));
        self.readings.insert(0, reading);
        while self.readings.len() > READINGS_PER_MAILBOX {
            let length = |reading: &Reading| reading.window().end_unix().abs_diff(reading.window().start_unix());
            let others = self.readings.iter().enumerate().skip(1);
            let Some((at, _)) = others.min_by_key(|(at, reading)| (length(reading), usize::MAX - at)) else { return };
            self.readings.remove(at);
        }
    }
}

macro_rules! forward {
    ($($pointer:ty),+) => {$(
        #[async_trait]
        impl<T: CalendarCache + ?Sized> CalendarCache for $pointer {
            async fn get(&self, keys: &[CacheKey]) -> Result<Vec<Arc<CachedReadings>>, CacheError> {
                (**self).get(keys).await
            }

            async fn put(
                &self,
                key: &CacheKey,
                version: CacheVersion,
                reading: Arc<Reading>,
            ) -> Result<(), CacheError> {
                (**self).put(key, version, reading).await
            }

            async fn invalidate(&self, keys: &[CacheKey]) -> Result<(), CacheError> {
                (**self).invalidate(keys).await
            }

            async fn lease(&self, keys: &[CacheKey], window: Interval, longest: Duration) -> Vec<Option<Lease>> {
                (**self).lease(keys, window, longest).await
            }

            async fn release(&self, leases: &[(CacheKey, Lease)], window: Interval) {
                (**self).release(leases, window).await
            }

            fn health(&self) -> Option<StoreHealth> {
                (**self).health()
            }
        }
    )+};
}

forward!(&T, Box<T>, Arc<T>);
