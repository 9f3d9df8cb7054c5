//! Where readings are kept between calls: the trait, and what it stores.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use optigov_calendar::Mailbox;
use optigov_slots::Interval;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Leadership, Lease, Notices, Reading, Saved, StoreHealth, WatchId};

/// Keeps readings between calls. The default is [`MemoryCache`](crate::MemoryCache); a store shared by many instances implements the same trait.
///
/// Every mailbox has a version number here. Saving a counter bumps the numbers of its mailboxes; a reading is stored under the number at which
/// it began, and readings of older versions are ignored and age out. A cache may forget any reading at any time, but it must never
/// return one that was stored for another key or under another version. It may fail: the calendar is then read from its source.
///
/// # Watched mailboxes
///
/// Where a source tells of changes, one instance watches for all: the one that [leads](Self::lead). It says here what is [watched](Self::watching) and
/// what is [lost](Self::lost), and makes touched mailboxes void by [`invalidate`](Self::invalidate). [`get`](Self::get) says of each mailbox under
/// which watch it stands, and each reading says under which watch it began: while these are the same, the reading is as good as new
/// ([`CachedReadings::is_live`]), at every instance. A watch stands no longer than its leader leads, so one that dies leaves no proof behind.
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

    /// The right to act in `role` on behalf of all instances for `term` from now on; `None` where another instance has it, or where nobody
    /// can be asked. Asks for it, or to go on: to be called well before the term ends, at a third of it, say. Whoever leads and says no more is
    /// followed when its term has ended. By default everybody leads.
    ///
    /// What was said in a role holds under the leadership under which it was said. Whoever gets another one than before, after a failure of the store,
    /// says what it watches anew.
    async fn lead(&self, role: &str, term: Duration) -> Option<Leadership> {
        let _ = term;
        Some(Leadership::unshared(role))
    }

    /// Gives a role back, so that another instance can follow at once. It ends by itself where this fails. By default there is nothing to do.
    async fn resign(&self, leadership: &Leadership) {
        let _ = leadership;
    }

    /// Says that a source watches these mailboxes from now on: each stands under a new watch, until it is [`lost`](Self::lost) or `leadership`
    /// ends. What was read before is as old as it was. By default it is not kept, and no mailbox ever stands under a watch.
    ///
    /// # Errors
    /// Where the store cannot be asked, or this instance leads no longer: the mailboxes are then not watched as far as the others know.
    async fn watching(&self, leadership: &Leadership, keys: &[CacheKey]) -> Result<(), CacheError> {
        let _ = (leadership, keys);
        Ok(())
    }

    /// Says that these mailboxes are no longer watched.
    ///
    /// # Errors
    /// Where the store cannot be asked. The caller need not say it again: `leadership` then ends for all mailboxes when it is next renewed, or with
    /// its term.
    async fn lost(&self, leadership: &Leadership, keys: &[CacheKey]) -> Result<(), CacheError> {
        let _ = (leadership, keys);
        Ok(())
    }

    /// Tells the other instances what this one has saved, after the service keeps it where the others can load it. By default there are no
    /// others.
    ///
    /// # Errors
    /// Where the store cannot be asked: the others may then not hear of it.
    async fn announce(&self, saved: &Saved) -> Result<(), CacheError> {
        let _ = saved;
        Ok(())
    }

    /// What other instances tell from now on. By default nothing, ever.
    fn notices(&self) -> Notices {
        Notices::none()
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
    /// The watch under which the mailbox stands now; `None` where nobody is known to watch it.
    #[serde(default)]
    pub watch: Option<WatchId>,
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
        CachedReadings { version, watch: None, readings: Vec::new() }
    }

    /// The same under a watch, or under none.
    pub fn with_watch(self, watch: Option<WatchId>) -> CachedReadings {
        CachedReadings { watch, ..self }
    }

    /// Whether nothing has changed in the mailbox since `reading`, one of these, was made: it began under the watch that still stands.
    pub fn is_live(&self, reading: &Reading) -> bool {
        self.watch.is_some() && self.watch == reading.watch()
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

            async fn lead(&self, role: &str, term: Duration) -> Option<Leadership> {
                (**self).lead(role, term).await
            }

            async fn resign(&self, leadership: &Leadership) {
                (**self).resign(leadership).await
            }

            async fn watching(&self, leadership: &Leadership, keys: &[CacheKey]) -> Result<(), CacheError> {
                (**self).watching(leadership, keys).await
            }

            async fn lost(&self, leadership: &Leadership, keys: &[CacheKey]) -> Result<(), CacheError> {
                (**self).lost(leadership, keys).await
            }

            async fn announce(&self, saved: &Saved) -> Result<(), CacheError> {
                (**self).announce(saved).await
            }

            fn notices(&self) -> Notices {
                (**self).notices()
            }

            fn health(&self) -> Option<StoreHealth> {
                (**self).health()
            }
        }
    )+};
}

forward!(&T, Box<T>, Arc<T>);
