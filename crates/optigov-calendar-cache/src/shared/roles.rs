//! In which roles this instance leads.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::time::Instant;

use crate::{Leadership, random::random_number};

/// The roles that this instance knows of, and where it leads.
pub(crate) struct Roles {
    /// Tells this instance's leaderships from others', whatever their tokens: the store may have given it one and the answer may have been lost.
    instance: u64,
    all: Mutex<BTreeMap<Arc<str>, Option<Held>>>,
}

/// A leadership, as far as this instance knows.
#[derive(Clone, Copy)]
struct Held {
    token: u64,
    /// When it ends if the store says no more.
    until: Instant,
    /// Whether something that was to be said under it may not have reached the store: it is not renewed, but followed by another one.
    is_broken: bool,
}

/// What to ask the store for.
#[derive(Clone, Copy)]
pub(crate) struct Candidacy {
    /// The token that may be renewed; 0 for none.
    pub(crate) renewable: u64,
    /// The token to lead under otherwise.
    pub(crate) fresh: u64,
}

impl Roles {
    pub(crate) fn new() -> Roles {
        Roles { instance: random_number(), all: Mutex::default() }
    }

    /// A leadership of this instance as the store keeps it. The token is the last part.
    pub(crate) fn written(&self, token: u64) -> String {
        format!("{}:{token}", self.instance)
    }

    pub(crate) fn instance(&self) -> u64 {
        self.instance
    }

    /// All roles, in a stable order.
    pub(crate) fn names(&self) -> Vec<Arc<str>> {
        self.all().keys().cloned().collect()
    }

    pub(crate) fn candidacy(&self, role: &str) -> Candidacy {
        let mut all = self.all();
        let held = all.entry(role.into()).or_default();
        let renewable = held.filter(|held| held.until > Instant::now() && !held.is_broken);
        Candidacy { renewable: renewable.map_or(0, |held| held.token), fresh: random_number() }
    }

    /// The store has answered under which token this instance leads until then, with 0 where another one leads; or it has not answered. Returns the
    /// leadership that this instance has now.
    pub(crate) fn decided(&self, role: &str, token: Option<u64>, until: Instant) -> Option<Leadership> {
        let mut all = self.all();
        let held = all.entry(role.into()).or_default();
        *held = match (token, *held) {
            // Something may have failed while the store was asked.
            (Some(token), Some(held)) if held.token == token => Some(Held { until, ..held }),
            (Some(token), _) => (token > 0).then_some(Held { token, until, is_broken: false }),
            (None, held) => held,
        };
        *held = held.filter(|held| held.until > Instant::now());
        held.map(|held| Leadership::shared(role, held.token))
    }

    /// This instance leads no more under this leadership.
    pub(crate) fn resigned(&self, leadership: &Leadership) {
        let mut all = self.all();
        let held = all.entry(leadership.role().into()).or_default();
        *held = held.filter(|held| held.token != leadership.token());
    }

    /// Something that was to be said may not have reached the store.
    pub(crate) fn broken(&self) {
        self.all().values_mut().flatten().for_each(|held| held.is_broken = true);
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<Arc<str>, Option<Held>>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
