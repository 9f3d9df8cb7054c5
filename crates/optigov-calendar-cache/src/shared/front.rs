//! The memory in front of the store: what this instance knows of mailboxes, so that the store need not send it again.
//!
//! While the store answers, nothing is served from here but what the store has just confirmed. While it does not, what it has confirmed last, or
//! what this instance has read since, serves for a stated short time.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::{CacheKey, CacheVersion, CachedReadings, Reading, random::random_number};

/// What is known of a mailbox.
#[derive(Clone)]
pub(crate) struct Kept {
    /// The run of the server that knows the version; `None` for a version that this instance has made up while the store did not answer.
    pub(crate) run: Option<Arc<str>>,
    /// How often the store's readings have changed under the version.
    pub(crate) changes: u64,
    pub(crate) cached: Arc<CachedReadings>,
    /// When the store confirmed this, or this instance read it.
    checked: Instant,
}

/// The memory in front of the store.
pub(crate) struct Front {
    kept: moka::sync::Cache<CacheKey, Kept>,
    /// How often anything was forgotten: what the store answered to a question from before that is not kept. Held while anything changes.
    forgotten: Mutex<u64>,
}

impl Front {
    pub(crate) fn new(bytes: u64, keep: Duration) -> Front {
        let kept = moka::sync::Cache::builder()
            .max_capacity(bytes)
            .weigher(|_, kept: &Kept| {
                let bytes: usize = 192 + kept.cached.readings.iter().map(|reading| reading.bytes()).sum::<usize>();
                u32::try_from(bytes).unwrap_or(u32::MAX)
            })
            .time_to_live(keep)
            .build();
        Front { kept, forgotten: Mutex::default() }
    }

    /// A mark of the moment, for [`keep`](Self::keep).
    pub(crate) fn moment(&self) -> u64 {
        *self.changing()
    }

    pub(crate) fn known(&self, key: CacheKey) -> Option<Kept> {
        self.kept.get(&key)
    }

    /// Keeps what the store has answered to a question that was asked at `moment`.
    pub(crate) fn keep(&self, moment: u64, key: CacheKey, run: &Arc<str>, changes: u64, cached: &Arc<CachedReadings>) {
        let forgotten = self.changing();
        if *forgotten == moment {
            let (run, cached, checked) = (Some(Arc::clone(run)), Arc::clone(cached), Instant::now());
            self.kept.insert(key, Kept { run, changes, cached, checked });
        }
    }

    /// Adds a reading that was begun under a version, if that is still the version here. `changes` is the store's number of changes, where it has
    /// stored the reading, too; 0 where it has another version, which is in order for one that this instance has made up. While the store has
    /// not stored it, older readings that it has not confirmed for `alone` are dropped.
    pub(crate) fn add(
        &self,
        key: CacheKey,
        version: CacheVersion,
        reading: &Arc<Reading>,
        changes: Option<u64>,
        alone: Duration,
    ) {
        let _changing = self.changing();
        let Some(mut kept) = self.kept.get(&key).filter(|kept| kept.cached.version == version) else { return };
        let mut cached = CachedReadings::clone(&kept.cached);
        match changes.filter(|_| kept.run.is_some()) {
            Some(0) => return self.kept.invalidate(&key),
            Some(changes) if changes == kept.changes + 1 => kept.changes = changes,
            // Another instance has stored something, too: the next question fetches it.
            Some(_) => {}
            None if kept.checked.elapsed() > alone => cached.readings.clear(),
            None => {}
        }
        cached.add(Arc::clone(reading));
        kept.cached = Arc::new(cached);
        kept.checked = Instant::now();
        self.kept.insert(key, kept);
    }

    /// What may serve while the store does not answer: what was confirmed or read within `alone`, under a version that this instance makes up where
    /// it knows none. Nobody says then that the mailbox is watched.
    pub(crate) fn alone(&self, key: CacheKey, alone: Duration) -> Arc<CachedReadings> {
        let _changing = self.changing();
        match self.kept.get(&key) {
            Some(kept) if kept.checked.elapsed() <= alone && kept.cached.watch.is_none() => kept.cached,
            Some(kept) if kept.checked.elapsed() <= alone => {
                Arc::new(CachedReadings::clone(&kept.cached).with_watch(None))
            }
            Some(kept) => Arc::new(CachedReadings::none_at(kept.cached.version)),
            None => {
                let cached = Arc::new(CachedReadings::none_at(CacheVersion(random_number())));
                let kept = Kept { run: None, changes: 0, cached: Arc::clone(&cached), checked: Instant::now() };
                self.kept.insert(key, kept);
                cached
            }
        }
    }

    /// Forgets mailboxes: no reading from before is added to them any more.
    pub(crate) fn forget(&self, keys: &[CacheKey]) {
        let mut forgotten = self.changing();
        *forgotten += 1;
        keys.iter().for_each(|key| self.kept.invalidate(key));
    }

    fn changing(&self) -> MutexGuard<'_, u64> {
        self.forgotten.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
