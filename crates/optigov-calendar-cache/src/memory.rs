//! The default cache: in this process.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use moka::ops::compute::Op;

use crate::{CacheError, CacheKey, CacheVersion, CachedReadings, CalendarCache, Leadership, Reading, WatchId};

/// A cache in this process, bounded by bytes; the least valuable readings are the first to go (TinyLFU, by `moka`).
///
/// ```
/// use std::time::Duration;
///
/// use optigov_calendar_cache::MemoryCache;
///
/// // 64 MiB. An hour, because readings shall serve stale for as long.
/// let cache = MemoryCache::new(64 << 20, Duration::from_secs(3_600));
/// ```
pub struct MemoryCache {
    readings: moka::sync::Cache<CacheKey, Arc<CachedReadings>>,
    known: Mutex<Known>,
}

/// What outlives eviction: an entry for each mailbox whose counter was ever saved in this process, and for each that is watched.
#[derive(Default)]
struct Known {
    versions: HashMap<CacheKey, CacheVersion>,
    watches: HashMap<CacheKey, WatchId>,
}

impl Known {
    /// A mailbox without readings.
    fn none(&self, key: &CacheKey) -> CachedReadings {
        let version = self.versions.get(key).copied().unwrap_or_default();
        CachedReadings::none_at(version).with_watch(self.watches.get(key).copied())
    }
}

impl MemoryCache {
    /// A cache of at most `bytes`, whose readings are dropped after `keep` at the latest.
    pub fn new(bytes: u64, keep: Duration) -> MemoryCache {
        let readings = moka::sync::Cache::builder()
            .max_capacity(bytes)
            .weigher(|_, cached: &Arc<CachedReadings>| {
                let bytes: usize = 128 + cached.readings.iter().map(|reading| reading.bytes()).sum::<usize>();
                u32::try_from(bytes).unwrap_or(u32::MAX)
            })
            .time_to_live(keep)
            .build();
        MemoryCache { readings, known: Mutex::default() }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts mailboxes under a watch, or under none.
    fn watched(&self, keys: &[CacheKey], watch: Option<WatchId>) {
        let mut known = self.known();
        for key in keys {
            match watch {
                Some(watch) => known.watches.insert(*key, watch),
                None => known.watches.remove(key),
            };
            self.readings.entry_by_ref(key).and_compute_with(|stored| match stored {
                Some(stored) => Op::Put(Arc::new(CachedReadings::clone(stored.value()).with_watch(watch))),
                None => Op::Nop,
            });
        }
    }
}

impl fmt::Debug for MemoryCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryCache").field("mailboxes", &self.readings.entry_count()).finish_non_exhaustive()
    }
}

#[async_trait]
impl CalendarCache for MemoryCache {
    async fn get(&self, keys: &[CacheKey]) -> Result<Vec<Arc<CachedReadings>>, CacheError> {
        let known = self.known();
        let cached = keys.iter().map(|key| {
            let none = known.none(key);
            let stored = self.readings.get(key).filter(|stored| stored.version == none.version);
            stored.unwrap_or_else(|| Arc::new(none))
        });
        Ok(cached.collect())
    }

    async fn put(&self, key: &CacheKey, version: CacheVersion, reading: Arc<Reading>) -> Result<(), CacheError> {
        // Under the lock: no invalidation comes between the question and the storing.
        let known = self.known();
        let none = known.none(key);
        if none.version != version {
            return Ok(());
        }
        self.readings.entry_by_ref(key).and_upsert_with(|stored| {
            let stored = stored.map(|entry| entry.into_value()).filter(|stored| stored.version == version);
            let mut cached = stored.map_or(none, |stored| CachedReadings::clone(&stored));
            cached.add(reading);
            Arc::new(cached)
        });
        Ok(())
    }

    async fn invalidate(&self, keys: &[CacheKey]) -> Result<(), CacheError> {
        let mut known = self.known();
        for key in keys {
            known.versions.entry(*key).or_default().0 += 1;
            self.readings.invalidate(key);
        }
        Ok(())
    }

    async fn watching(&self, _leadership: &Leadership, keys: &[CacheKey]) -> Result<(), CacheError> {
        self.watched(keys, Some(WatchId::random()));
        Ok(())
    }

    async fn lost(&self, _leadership: &Leadership, keys: &[CacheKey]) -> Result<(), CacheError> {
        self.watched(keys, None);
        Ok(())
    }
}
