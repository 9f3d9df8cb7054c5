//! The default cache: in this process.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;

use crate::{CacheError, CacheKey, CacheVersion, CachedReadings, CalendarCache, Reading};

/// A cache in this process, bounded by bytes; the least valuable readings are the first to go (TinyLFU, by `moka`).
pub struct MemoryCache {
    readings: moka::sync::Cache<CacheKey, Arc<CachedReadings>>,
    /// Outlives eviction: one number for each mailbox whose counter was ever saved in this process.
    versions: Mutex<HashMap<CacheKey, CacheVersion>>,
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
        MemoryCache { readings, versions: Mutex::default() }
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
        let versions = self.versions.lock().unwrap_or_else(PoisonError::into_inner);
        let cached = keys.iter().map(|key| {
            let version = versions.get(key).copied().unwrap_or_default();
            let stored = self.readings.get(key).filter(|stored| stored.version == version);
            stored.unwrap_or_else(|| Arc::new(CachedReadings::none_at(version)))
        });
        Ok(cached.collect())
    }

    async fn put(&self, key: &CacheKey, version: CacheVersion, reading: Arc<Reading>) -> Result<(), CacheError> {
        // Under the lock: no invalidation comes between the question and the storing.
        let versions = self.versions.lock().unwrap_or_else(PoisonError::into_inner);
        if versions.get(key).copied().unwrap_or_default() != version {
            return Ok(());
        }
        self.readings.entry_by_ref(key).and_upsert_with(|stored| {
            let stored = stored.map(|entry| entry.into_value()).filter(|stored| stored.version == version);
            let mut cached = stored.map_or(CachedReadings::none_at(version), |stored| CachedReadings::clone(&stored));
            cached.add(reading);
            Arc::new(cached)
        });
        Ok(())
    }

    async fn invalidate(&self, keys: &[CacheKey]) -> Result<(), CacheError> {
        let mut versions = self.versions.lock().unwrap_or_else(PoisonError::into_inner);
        for key in keys {
            versions.entry(*key).or_default().0 += 1;
            self.readings.invalidate(key);
        }
        Ok(())
    }
}
