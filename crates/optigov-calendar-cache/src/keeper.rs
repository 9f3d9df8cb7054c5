//! Keeps mailboxes fresh in the background: they are watched where their source can, and read again when something in them has changed.

mod mailboxes;
mod streams;
mod task;
mod tell;

use std::{fmt, sync::Arc};

use sha2::{Digest as _, Sha256};
use tokio::sync::watch;

use crate::{CalendarReader, ReadTarget, ReadWindow, health::LiveHealth};

/// A mailbox that is to be kept fresh, and over which window.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeptMailbox {
    /// The mailbox.
    pub target: ReadTarget,
    /// What lists need of it, and what is read for that.
    pub window: ReadWindow,
}

impl KeptMailbox {
    /// A mailbox that is to be kept fresh over a window.
    pub fn new(target: ReadTarget, window: ReadWindow) -> KeptMailbox {
        KeptMailbox { target, window }
    }
}

/// Keeps mailboxes fresh for as long as it lives; made by [`CalendarReader::keep_fresh`]. Dropping it stops everything: nothing is watched or read in
/// the background any more, its tasks end, and what was read serves for the ordinary time to live from then on.
#[must_use = "dropping it stops it"]
pub struct FreshKeeper {
    plan: watch::Sender<Arc<[KeptMailbox]>>,
    state: watch::Receiver<LiveHealth>,
}

impl FreshKeeper {
    /// From now on these mailboxes are kept fresh, over these windows, and no others. Those that stay are not subscribed to anew; they are read where
    /// the cache has no reading that covers their window, as after a save.
    pub fn set(&self, mailboxes: Vec<KeptMailbox>) {
        let mailboxes: Arc<[KeptMailbox]> = mailboxes.into();
        self.plan.send_replace(mailboxes);
    }

    /// How many mailboxes are live, warm and failing at this moment.
    pub fn state(&self) -> LiveHealth {
        self.state.borrow().clone()
    }

    /// Waits until the state is another than when it was last waited for, and returns it; `None` where it will not change any more.
    pub async fn changed(&mut self) -> Option<LiveHealth> {
        self.state.changed().await.ok()?;
        Some(self.state.borrow_and_update().clone())
    }
}

impl fmt::Debug for FreshKeeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FreshKeeper").field("state", &*self.state.borrow()).finish_non_exhaustive()
    }
}

impl CalendarReader {
    /// Keeps these mailboxes fresh until what is returned is dropped. Needs a Tokio runtime.
    ///
    /// - Each mailbox is watched first and read then. While its source proves that it is watched, a reading serves for
    ///   [`live_time_to_live`](crate::ReaderSettings::live_time_to_live); when something in it changes, the reading ends at once and the mailbox is read
    ///   again. A mailbox that cannot be watched is read once and then on demand, as ever.
    /// - What is read in the background takes at most half of the places for lists. A mailbox that changes all the time is read less and less often,
    ///   down to once a minute; one that fails is tried again after a pause that doubles. The circuit breaker holds here, too.
    /// - Where instances share the cache, one of them does this for all: the one that leads in `role`. Instances that read the same source must
    ///   give the same role, and others another one. Only a hash of it reaches the store.
    ///
    /// # Panics
    /// Outside a Tokio runtime.
    pub fn keep_fresh(self: &Arc<Self>, role: &str, mailboxes: Vec<KeptMailbox>) -> FreshKeeper {
        let begins = LiveHealth { mailboxes: mailboxes.len(), ..LiveHealth::default() };
        let (plan, planned) = watch::channel(mailboxes.into());
        let (told, state) = watch::channel(begins);
        self.live.add(state.clone());
        tokio::spawn(task::run(Arc::clone(self), hashed(role), planned, told));
        FreshKeeper { plan, state }
    }
}

/// A role may be made from a connection's address and account.
fn hashed(role: &str) -> Arc<str> {
    let hash = Sha256::digest(role.as_bytes());
    hash.iter().take(8).fold("watching-".to_owned(), |name, byte| name + &format!("{byte:02x}")).into()
}

/// The states of the keepers of a reader, for its health.
#[derive(Debug, Default)]
pub(crate) struct Keepers(std::sync::Mutex<Vec<watch::Receiver<LiveHealth>>>);

impl Keepers {
    fn add(&self, state: watch::Receiver<LiveHealth>) {
        self.all().push(state);
    }

    /// What all keepers that live say together; `None` where there is none.
    pub(crate) fn health(&self) -> Option<LiveHealth> {
        let mut all = self.all();
        all.retain(|state| state.has_changed().is_ok());
        let states = all.iter().map(|state| state.borrow().clone());
        states.reduce(LiveHealth::and)
    }

    fn all(&self) -> std::sync::MutexGuard<'_, Vec<watch::Receiver<LiveHealth>>> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
