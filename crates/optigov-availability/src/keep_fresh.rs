//! Keeping a municipality's calendars fresh in the background: which mailboxes, over which window, and following what is saved.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use chrono::{DateTime, Utc};
use optigov_calendar_cache::{CalendarReader, Clock, FreshKeeper, KeptMailbox, LiveHealth};
use tokio::{
    sync::watch,
    task::AbortHandle,
    time::{sleep, timeout},
};

use crate::setup::Setup;

/// Saves that follow each other within this time are followed together.
const DEBOUNCE: Duration = Duration::from_millis(500);
/// How often it is looked whether the window has moved on.
const LOOKS_APART: Duration = Duration::from_secs(300);

/// Keeps the calendars of a municipality fresh for as long as it lives; made by [`Availability::keep_fresh`](crate::Availability::keep_fresh).
///
/// Dropping it stops everything: no calendar is watched or read in the background any more, its tasks end, and what was read serves for the
/// ordinary time to live from then on.
#[must_use = "dropping it stops it"]
pub struct KeepFresh {
    keeper: Arc<Kept>,
    task: AbortHandle,
}

/// What the task and the guard share; empty once the guard is gone.
type Kept = Mutex<Option<FreshKeeper>>;

/// How the configuration in force is found, as long as there is a facade.
pub(crate) trait InForce: Send + Sync + 'static {
    fn setup(&self) -> Arc<Setup>;
    fn clock(&self) -> Arc<dyn Clock>;
}

impl KeepFresh {
    pub(crate) fn start(facade: Arc<impl InForce>, saved: watch::Receiver<()>, window: Duration) -> KeepFresh {
        let (setup, now) = (facade.setup(), facade.clock().now());
        let keeper = Arc::new(Mutex::new(Some(begin(&setup, window, now))));
        let following = follow(Arc::downgrade(&facade), saved, Arc::clone(&setup.reader), window, Arc::clone(&keeper));
        let task = tokio::spawn(following).abort_handle();
        KeepFresh { keeper, task }
    }

    /// How many mailboxes there are, and how many of them are live, warm and failing at this moment.
    pub fn state(&self) -> LiveHealth {
        kept(&self.keeper).as_ref().map(FreshKeeper::state).unwrap_or_default()
    }

    /// Waits until each mailbox has been read or has failed to be, as at the start of a service, and says how they fare then. It waits for ever at an
    /// instance that does not lead, where nobody reads them.
    pub async fn warmed(&self) -> LiveHealth {
        loop {
            let state = self.state();
            if state.warm + state.failing >= state.mailboxes {
                return state;
            }
            sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for KeepFresh {
    fn drop(&mut self) {
        self.task.abort();
        kept(&self.keeper).take();
    }
}

impl fmt::Debug for KeepFresh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeepFresh").field("state", &self.state()).finish_non_exhaustive()
    }
}

/// Follows what is saved, and the passing of days, until the guard or the facade is gone.
async fn follow(
    facade: Weak<impl InForce>,
    mut saved: watch::Receiver<()>,
    reader: Arc<CalendarReader>,
    window: Duration,
    keeper: Arc<Kept>,
) {
    let mut reader = reader;
    loop {
        match timeout(LOOKS_APART, saved.changed()).await {
            Ok(Ok(())) => sleep(DEBOUNCE).await,
            Ok(Err(_)) => break,
            Err(_) => {}
        }
        saved.mark_unchanged();
        let Some(facade) = facade.upgrade() else { break };
        let (setup, now) = (facade.setup(), facade.clock().now());
        drop(facade);
        let mut keeper = kept(&keeper);
        let Some(current) = keeper.as_mut() else { return };
        if Arc::ptr_eq(&reader, &setup.reader) {
            current.set(setup.kept(window, now));
        } else {
            // Another connection: the old one's calendars are let go.
            *current = begin(&setup, window, now);
            reader = Arc::clone(&setup.reader);
        }
    }
    kept(&keeper).take();
}

fn begin(setup: &Setup, window: Duration, now: DateTime<Utc>) -> FreshKeeper {
    setup.reader.keep_fresh(setup.source_name(), setup.kept(window, now))
}

fn kept(keeper: &Kept) -> MutexGuard<'_, Option<FreshKeeper>> {
    keeper.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Setup {
    /// The mailboxes that count, each over what lists need of it up to so far ahead.
    fn kept(&self, window: Duration, now: DateTime<Utc>) -> Vec<KeptMailbox> {
        let mut kept: Vec<KeptMailbox> = Vec::new();
        let mut places = std::collections::HashMap::new();
        for (counter, targets) in self.counters_with_targets() {
            let ahead = self.ahead(counter, window, now);
            for target in targets {
                let place = *places.entry(target.key).or_insert(kept.len());
                match kept.get_mut(place) {
                    Some(known) => known.window = known.window.and(ahead),
                    None => kept.push(KeptMailbox::new(target.clone(), ahead)),
                }
            }
        }
        kept
    }
}
