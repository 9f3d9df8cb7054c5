//! Whether the cache answers, as the reader sees it, and one line in the log when that changes.

use std::sync::{Arc, Mutex, PoisonError};

use crate::{CacheError, Clock, StoreHealth};

/// What the reader last saw of its cache.
pub(crate) struct StoreWatch {
    clock: Arc<dyn Clock>,
    health: Mutex<StoreHealth>,
}

impl StoreWatch {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> StoreWatch {
        StoreWatch { clock, health: Mutex::new(StoreHealth::Answering) }
    }

    /// The cache has answered, or not.
    pub(crate) fn saw<T>(&self, outcome: &Result<T, CacheError>) {
        let mut health = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        match (outcome, &*health) {
            (Ok(_), StoreHealth::Failing { since, .. }) => {
                tracing::info!(%since, "the calendar cache answers again");
                *health = StoreHealth::Answering;
            }
            (Err(error), StoreHealth::Answering) => {
                tracing::warn!(error = error as &dyn std::error::Error, "the calendar cache does not answer");
                *health = StoreHealth::Failing { since: self.clock.now(), reason: error.reason() };
            }
            _ => {}
        }
        if outcome.is_err() {
            metrics::counter!("optigov_calendar_store_failures_total").increment(1);
        }
    }

    pub(crate) fn health(&self) -> StoreHealth {
        self.health.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
