//! Subscriptions to streaming notifications, the events that they have not sent yet, and the streams that are open.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use tokio::sync::watch;

use crate::calendar::Item;
use crate::scenario::Location;
use crate::world::World;

#[derive(Debug)]
pub(crate) struct Subscriptions {
    all: Mutex<All>,
    /// Counts changes of any kind, to wake the streams.
    changed: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct All {
    created: u64,
    by_id: BTreeMap<String, Subscription>,
    opened: u64,
    streams: BTreeMap<u64, StreamState>,
    most_streams: usize,
}

/// Who subscribes to what.
#[derive(Clone, Debug)]
pub(crate) struct Subscriber {
    pub(crate) mailbox: String,
    pub(crate) account: usize,
    /// The back end that takes the subscription, and alone knows it.
    pub(crate) back_end: usize,
    pub(crate) kinds: Vec<ChangeKind>,
}

#[derive(Debug)]
struct Subscription {
    subscriber: Subscriber,
    pending: Vec<Event>,
    /// The stream that carries it, which is the last one that asked for it.
    stream: Option<u64>,
    /// A stream has carried it before. What happens while none does is lost then.
    was_streamed: bool,
    /// Events were missed: it ends with the error that says so.
    missed: bool,
}

#[derive(Debug)]
struct StreamState {
    account: usize,
    back_end: usize,
    /// A heartbeat is due, whatever the time.
    beat: bool,
    cut: bool,
    silent: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChangeKind {
    Created,
    Modified,
    Deleted,
    Moved,
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
pub(crate) struct Stream {
    number: u64,
    subscriptions: Arc<Subscriptions>,
}

/// What a stream has to do now.
#[derive(Debug, Default)]
pub(crate) struct Turn {
    pub(crate) cut: bool,
    pub(crate) silent: bool,
    pub(crate) beat: bool,
    /// What subscribers have not heard yet, by subscription.
    pub(crate) news: Vec<(String, Vec<Event>)>,
    /// Subscriptions that have ended because events were missed.
    pub(crate) missed: Vec<String>,
    /// Subscriptions that another stream has taken over.
    pub(crate) taken_over: Vec<String>,
    /// Whether the stream carries any subscription still.
    pub(crate) is_needed: bool,
}

impl ChangeKind {
    const ALL: [ChangeKind; 4] = [ChangeKind::Created, ChangeKind::Modified, ChangeKind::Deleted, ChangeKind::Moved];

    /// The name of the event's element.
    pub(crate) fn element(self) -> &'static str {
        match self {
            ChangeKind::Created => "CreatedEvent",
            ChangeKind::Modified => "ModifiedEvent",
            ChangeKind::Deleted => "DeletedEvent",
            ChangeKind::Moved => "MovedEvent",
        }
    }

    pub(crate) fn named(element: &str) -> Option<ChangeKind> {
        ChangeKind::ALL.into_iter().find(|kind| kind.element() == element)
    }
}

impl Subscriptions {
    pub(crate) fn new() -> Subscriptions {
        Subscriptions { all: Mutex::default(), changed: watch::Sender::new(0) }
    }

    /// A new subscription's id, unless the account has so many already.
    pub(crate) fn add(&self, subscriber: Subscriber, most: usize) -> Option<String> {
        let mut all = self.all();
        let own = |other: &&Subscription| other.subscriber.account == subscriber.account;
        if all.by_id.values().filter(own).count() >= most {
            return None;
        }
        all.created += 1;
        let id = format!("subscription-{}-{}", subscriber.back_end, all.created);
        let (pending, stream, was_streamed, missed) = (Vec::new(), None, false, false);
        all.by_id.insert(id.clone(), Subscription { subscriber, pending, stream, was_streamed, missed });
        drop(all);
        self.wake();
        Some(id)
    }

    pub(crate) fn remove(&self, id: &str, back_end: usize) -> bool {
        let mut all = self.all();
        let is_known = all.knows(id, back_end);
        if is_known {
            all.by_id.remove(id);
        }
        drop(all);
        self.wake();
        is_known
    }

    /// Whether this back end knows the subscription.
    pub(crate) fn exists(&self, id: &str, back_end: usize) -> bool {
        self.all().knows(id, back_end)
    }

    /// How many subscriptions there are.
    pub(crate) fn count(&self) -> usize {
        self.all().by_id.len()
    }

    /// How many streams are open.
    pub(crate) fn streams(&self) -> usize {
        self.all().streams.len()
    }

    /// The most streams that were ever open at a time.
    pub(crate) fn most_streams(&self) -> usize {
        self.all().most_streams
    }

    /// Tells subscribers what differs between two worlds. Subscriptions of mailboxes that have left the server end.
    pub(crate) fn publish(&self, before: &World, after: &World) {
        let mut all = self.all();
        let is_here = |address: &str| {
            after.mailbox_of(address).is_none_or(|at| after.mailbox(at).location == Location::OnPremises)
        };
        all.by_id.retain(|_, subscription| is_here(&subscription.subscriber.mailbox));
        let All { by_id, streams, .. } = &mut *all;
        for subscription in by_id.values_mut() {
            // What a stream sends that has fallen silent arrives nowhere.
            let arrives = |number| streams.get(&number).is_some_and(|stream| !stream.cut && !stream.silent);
            if subscription.was_streamed && !subscription.stream.is_some_and(arrives) {
                continue;
            }
            subscription.pending.extend(differences(&subscription.subscriber, before, after));
        }
        drop(all);
        self.wake();
    }

    /// Loses the events that a mailbox's subscriptions have not sent yet; they end with the error that says so.
    pub(crate) fn miss_events(&self, mailbox: &str) {
        for subscription in self.all().by_id.values_mut() {
            if subscription.subscriber.mailbox.eq_ignore_ascii_case(mailbox) {
                subscription.pending.clear();
                subscription.missed = true;
            }
        }
        self.wake();
    }

    /// A back end starts anew: its subscriptions are lost, and its streams are cut.
    pub(crate) fn restart(&self, back_end: usize) {
        let mut all = self.all();
        all.by_id.retain(|_, subscription| subscription.subscriber.back_end != back_end);
        all.streams.values_mut().filter(|stream| stream.back_end == back_end).for_each(|stream| stream.cut = true);
        drop(all);
        self.wake();
    }

    /// Every open stream sends a heartbeat now.
    pub(crate) fn beat(&self) {
        self.all().streams.values_mut().for_each(|stream| stream.beat = true);
        self.wake();
    }

    /// Every open stream is cut in the middle of an envelope.
    pub(crate) fn cut(&self) {
        self.all().streams.values_mut().for_each(|stream| stream.cut = true);
        self.wake();
    }

    /// No open stream sends anything any more.
    pub(crate) fn silence(&self) {
        self.all().streams.values_mut().for_each(|stream| stream.silent = true);
        self.wake();
    }

    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Opens a stream for these subscriptions, unless the account has so many already. A stream that carries one of them loses
    /// it to this one.
    pub(crate) fn open(
        self: &Arc<Self>,
        ids: &[String],
        account: usize,
        back_end: usize,
        most: usize,
    ) -> Option<Stream> {
        let mut all = self.all();
        if all.streams.values().filter(|stream| stream.account == account).count() >= most {
            return None;
        }
        all.opened += 1;
        let number = all.opened;
        all.streams.insert(number, StreamState { account, back_end, beat: false, cut: false, silent: false });
        all.most_streams = all.most_streams.max(all.streams.len());
        for id in ids {
            if let Some(subscription) = all.by_id.get_mut(id) {
                subscription.stream = Some(number);
                subscription.was_streamed = true;
            }
        }
        drop(all);
        self.wake();
        Some(Stream { number, subscriptions: Arc::clone(self) })
    }

    fn wake(&self) {
        self.changed.send_modify(|count| *count += 1);
    }

    fn all(&self) -> MutexGuard<'_, All> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl All {
    fn knows(&self, id: &str, back_end: usize) -> bool {
        self.by_id.get(id).is_some_and(|subscription| subscription.subscriber.back_end == back_end)
    }
}

impl Stream {
    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.subscriptions.watch()
    }

    /// What there is to do now; it counts as done. Of `ids`, those that the stream does not carry any more are removed.
    pub(crate) fn turn(&self, ids: &mut Vec<String>) -> Turn {
        let mut all = self.subscriptions.all();
        let mut turn = Turn::default();
        if let Some(state) = all.streams.get_mut(&self.number) {
            (turn.cut, turn.silent) = (state.cut, state.silent);
            turn.beat = std::mem::take(&mut state.beat);
        }
        if turn.cut || turn.silent {
            return turn;
        }
        ids.retain(|id| {
            let Some(subscription) = all.by_id.get_mut(id) else { return false };
            if subscription.stream != Some(self.number) {
                turn.taken_over.push(id.clone());
                return false;
            }
            if subscription.missed {
                turn.missed.push(id.clone());
                all.by_id.remove(id);
                return false;
            }
            let pending = std::mem::take(&mut subscription.pending);
            if !pending.is_empty() {
                turn.news.push((id.clone(), pending));
            }
            true
        });
        turn.is_needed = !ids.is_empty();
        turn
    }

    /// Ends subscriptions.
    pub(crate) fn end(&self, ids: &[String]) {
        let mut all = self.subscriptions.all();
        ids.iter().for_each(|id| drop(all.by_id.remove(id)));
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let mut all = self.subscriptions.all();
        all.streams.remove(&self.number);
        let carried = |subscription: &&mut Subscription| subscription.stream == Some(self.number);
        all.by_id.values_mut().filter(carried).for_each(|subscription| subscription.stream = None);
        drop(all);
        self.subscriptions.wake();
    }
}

/// What a subscriber is told of the difference between two worlds.
fn differences(subscriber: &Subscriber, before: &World, after: &World) -> Vec<Event> {
    let calendar = |world: &World| world.mailbox_of(&subscriber.mailbox).map(|at| world.shared_calendar(at));
    let (old, new) = (calendar(before), calendar(after));
    if old.as_ref().zip(new.as_ref()).is_some_and(|(old, new)| Arc::ptr_eq(old, new)) {
        return Vec::new();
    }
    let (old, new) = (old.map(|old| keyed(old.items())), new.map(|new| keyed(new.items())));
    let (old, new) = (old.unwrap_or_default(), new.unwrap_or_default());
    let keeps_deleted = after.mailbox_of(&subscriber.mailbox).is_some_and(|at| after.mailbox(at).keeps_deleted);
    let removal = if keeps_deleted { ChangeKind::Moved } else { ChangeKind::Deleted };
    let mut changes = Vec::new();
    for (uid, key) in &new {
        match old.get(uid) {
            None => changes.push((ChangeKind::Created, uid, *key)),
            Some(before) if before != key => changes.push((ChangeKind::Modified, uid, *key)),
            Some(_) => {}
        }
    }
    changes.extend(old.iter().filter(|(uid, _)| !new.contains_key(*uid)).map(|(uid, key)| (removal, uid, *key)));
    let at = Utc::now();
    let wanted = changes.into_iter().filter(|(kind, ..)| subscriber.kinds.contains(kind));
    let event = |(kind, uid, change_key): (ChangeKind, &String, u64)| Event {
        kind,
        at,
        mailbox: subscriber.mailbox.clone(),
        uid: uid.clone(),
        change_key,
    };
    wanted.map(event).collect()
}

fn keyed(items: &[Item]) -> BTreeMap<String, u64> {
    items.iter().map(|item| (item.uid.clone(), item.change_key)).collect()
}
