//! Subscriptions to streaming notifications, and the events that they have not sent yet.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use tokio::sync::watch;

use crate::calendar::Item;
use crate::scenario::Location;
use crate::world::World;

/// Streams at a time, as on Exchange 2016 and 2019.
const MOST_STREAMS: usize = 10;

#[derive(Debug)]
pub(crate) struct Subscriptions {
    all: Mutex<All>,
    /// Counts publications, to wake the streams.
    published: watch::Sender<u64>,
    streams: AtomicUsize,
}

#[derive(Debug, Default)]
struct All {
    created: u64,
    by_id: BTreeMap<String, Subscription>,
}

#[derive(Debug)]
struct Subscription {
    mailbox: String,
    kinds: Vec<ChangeKind>,
    pending: Vec<Event>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChangeKind {
    Created,
    Modified,
    Deleted,
}

/// One change of one item.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) kind: ChangeKind,
    pub(crate) at: DateTime<Utc>,
    pub(crate) mailbox: String,
    pub(crate) uid: String,
    pub(crate) change_key: u64,
}

/// A stream that counts as open until it is dropped.
#[derive(Debug)]
pub(crate) struct Stream(Arc<Subscriptions>);

impl ChangeKind {
    /// The name of the event's element.
    pub(crate) fn element(self) -> &'static str {
        match self {
            ChangeKind::Created => "CreatedEvent",
            ChangeKind::Modified => "ModifiedEvent",
            ChangeKind::Deleted => "DeletedEvent",
        }
    }

    pub(crate) fn named(element: &str) -> Option<ChangeKind> {
        [ChangeKind::Created, ChangeKind::Modified, ChangeKind::Deleted].into_iter().find(|k| k.element() == element)
    }
}

impl Subscriptions {
    pub(crate) fn new() -> Subscriptions {
        Subscriptions { all: Mutex::default(), published: watch::Sender::new(0), streams: AtomicUsize::new(0) }
    }

    /// A new subscription's id.
    pub(crate) fn add(&self, mailbox: &str, kinds: Vec<ChangeKind>) -> String {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.created += 1;
        let id = format!("subscription-{}", all.created);
        all.by_id.insert(id.clone(), Subscription { mailbox: mailbox.to_owned(), kinds, pending: Vec::new() });
        id
    }

    pub(crate) fn remove(&self, id: &str) -> bool {
        let removed = self.all.lock().unwrap_or_else(PoisonError::into_inner).by_id.remove(id).is_some();
        self.published.send_modify(|count| *count += 1);
        removed
    }

    pub(crate) fn exists(&self, id: &str) -> bool {
        self.all.lock().unwrap_or_else(PoisonError::into_inner).by_id.contains_key(id)
    }

    /// Tells subscribers what differs between two worlds. Subscriptions of mailboxes that have left the server end.
    pub(crate) fn publish(&self, before: &World, after: &World) {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        let is_here = |address: &str| {
            after.mailbox_of(address).is_none_or(|at| after.mailbox(at).location == Location::OnPremises)
        };
        all.by_id.retain(|_, subscription| is_here(&subscription.mailbox));
        for subscription in all.by_id.values_mut() {
            let items = |world: &World| {
                let mailbox = world.mailbox_of(&subscription.mailbox);
                mailbox.map_or(BTreeMap::new(), |at| keyed(world.calendar(at).items()))
            };
            let (old, new) = (items(before), items(after));
            let at = Utc::now();
            let mut add = |kind, uid: &str, change_key| {
                if subscription.kinds.contains(&kind) {
                    let mailbox = subscription.mailbox.clone();
                    subscription.pending.push(Event { kind, at, mailbox, uid: uid.to_owned(), change_key });
                }
            };
            for (uid, key) in &new {
                match old.get(uid) {
                    None => add(ChangeKind::Created, uid, *key),
                    Some(before) if before != key => add(ChangeKind::Modified, uid, *key),
                    Some(_) => {}
                }
            }
            old.iter().filter(|(uid, _)| !new.contains_key(*uid)).for_each(|(uid, key)| {
                add(ChangeKind::Deleted, uid, *key);
            });
        }
        self.published.send_modify(|count| *count += 1);
    }

    /// What subscribers have not heard yet, by subscription; and whether any of them is left.
    pub(crate) fn take(&self, ids: &[String]) -> (Vec<(String, Vec<Event>)>, bool) {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        let mut taken = Vec::new();
        let mut left = false;
        for id in ids {
            if let Some(subscription) = all.by_id.get_mut(id) {
                left = true;
                let pending = std::mem::take(&mut subscription.pending);
                if !pending.is_empty() {
                    taken.push((id.clone(), pending));
                }
            }
        }
        (taken, left)
    }

    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.published.subscribe()
    }

    /// Opens a stream, unless there are too many.
    pub(crate) fn open(self: &Arc<Self>) -> Option<Stream> {
        let others = self.streams.fetch_add(1, Ordering::SeqCst);
        let stream = Stream(Arc::clone(self));
        (others < MOST_STREAMS).then_some(stream)
    }
}

impl std::ops::Deref for Stream {
    type Target = Subscriptions;

    fn deref(&self) -> &Subscriptions {
        &self.0
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.0.streams.fetch_sub(1, Ordering::SeqCst);
    }
}

fn keyed(items: &[Item]) -> BTreeMap<String, u64> {
    items.iter().map(|item| (item.uid.clone(), item.change_key)).collect()
}
