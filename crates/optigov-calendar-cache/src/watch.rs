//! What instances that share a cache know of the mailboxes that one of them watches.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The right to act in a role (such as: watching the calendars of one source) on behalf of all instances that share a cache, for a while.
///
/// It is a lease: an instance that was held up for longer than its term may think that it leads while another one does. What is done in a role
/// must bear being done twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leadership {
    role: Arc<str>,
    token: u64,
}

impl Leadership {
    /// Where nobody shares the cache: everybody leads.
    pub fn unshared(role: &str) -> Leadership {
        Leadership::shared(role, 0)
    }

    /// A leadership that the store knows by this token, which is no other leadership's.
    pub fn shared(role: &str, token: u64) -> Leadership {
        Leadership { role: role.into(), token }
    }

    /// In what.
    pub fn role(&self) -> &str {
        &self.role
    }

    /// By which the store knows it; 0 where nobody shares the cache.
    pub fn token(&self) -> u64 {
        self.token
    }
}

/// One unbroken watch of one mailbox: from the moment at which its source said that it watches, to the moment at which that was lost.
///
/// A reading bears the id of the watch that stood when it began ([`Reading::watch`](crate::Reading::watch)). While the same watch still
/// stands ([`CachedReadings::watch`](crate::CachedReadings::watch)) and the reading has not been made void, nothing has changed since it was read. So
/// no clocks are compared, and it does not matter which instance watches, which one reads and which one serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WatchId(u64);

impl WatchId {
    /// An id that no other watch has.
    pub(crate) fn random() -> WatchId {
        WatchId(crate::random::random_number())
    }

    /// The id as a store keeps it.
    pub fn number(self) -> u64 {
        self.0
    }

    /// The id that a store has kept as this number.
    pub fn from_number(number: u64) -> WatchId {
        WatchId(number)
    }
}
