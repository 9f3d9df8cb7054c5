//! What the cache is told of watched mailboxes: gathered, and told in one go.

use std::{collections::HashSet, sync::Arc};

use tokio::time::timeout;

use crate::{CacheError, CacheKey, CalendarReader, Leadership};

/// What the source has reported and the cache does not know yet.
#[derive(Default)]
pub(super) struct Untold {
    lost: HashSet<CacheKey>,
    touched: HashSet<CacheKey>,
    watching: HashSet<CacheKey>,
}

/// What the cache was told.
#[derive(Default)]
pub(super) struct Told {
    /// These stand under a new watch.
    pub(super) watching: Vec<CacheKey>,
    /// What was read of these is void.
    pub(super) touched: Vec<CacheKey>,
    /// These could not be told to be watched.
    pub(super) not_watching: Vec<CacheKey>,
    /// What was read of these could not be made void. As far as possible the cache was told that they are no longer watched.
    pub(super) not_touched: Vec<CacheKey>,
}

impl Told {
    pub(super) fn is_whole(&self) -> bool {
        self.not_watching.is_empty() && self.not_touched.is_empty()
    }
}

impl Untold {
    pub(super) fn is_empty(&self) -> bool {
        self.lost.is_empty() && self.touched.is_empty() && self.watching.is_empty()
    }

    pub(super) fn watching(&mut self, key: CacheKey) {
        // A new watch ends the old one.
        self.lost.remove(&key);
        self.watching.insert(key);
    }

    pub(super) fn lost(&mut self, key: CacheKey) {
        self.watching.remove(&key);
        self.lost.insert(key);
    }

    pub(super) fn touched(&mut self, key: CacheKey) {
        self.touched.insert(key);
    }
}

/// Tells the cache. What was read of a touched mailbox is made void first, before anything is said of its being watched.
pub(super) async fn tell(reader: Arc<CalendarReader>, leadership: Leadership, untold: Untold) -> Told {
    let gathered = |keys: HashSet<CacheKey>| keys.into_iter().collect::<Vec<_>>();
    let (lost, touched, mut watching) = (gathered(untold.lost), gathered(untold.touched), gathered(untold.watching));
    let mut told = Told::default();
    if !lost.is_empty() {
        // Where it cannot be told, the watch ends with the leadership.
        drop(say(&reader, reader.cache.lost(&leadership, &lost)).await);
    }
    if !touched.is_empty() {
        match say(&reader, reader.end_readings(&touched)).await {
            Ok(()) => told.touched = touched,
            Err(_) => {
                drop(say(&reader, reader.cache.lost(&leadership, &touched)).await);
                watching.retain(|key| !touched.contains(key));
                told.not_touched = touched;
            }
        }
    }
    if !watching.is_empty() {
        match say(&reader, reader.cache.watching(&leadership, &watching)).await {
            Ok(()) => told.watching = watching,
            Err(_) => told.not_watching = watching,
        }
    }
    told
}

async fn say(reader: &CalendarReader, said: impl Future<Output = Result<(), CacheError>>) -> Result<(), CacheError> {
    let said = timeout(reader.settings.cache, said).await.unwrap_or_else(|late| Err(CacheError::new(late)));
    reader.store.saw(&said);
    said
}
