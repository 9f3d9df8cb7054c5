//! Watching calendars by streaming notifications: who wants to know of which mailbox, and which group of mailboxes shares a connection.
//!
//! All streams of a client share one [`Hub`]. It puts mailboxes into groups of at most 200, and each group has a task of its own
//! ([`group`]) that subscribes to its mailboxes, keeps one answer of the server's open, and reports what it says.

mod group;
mod hanging;
mod opened;
mod outbox;
mod reasons;
mod subscribing;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::{StreamExt, stream};
use optigov_calendar::{Access, Changes, EwsSettings, Mailbox, ReadError, ReadErrorKind, Text};
use tokio::sync::{Notify, Semaphore};

use self::{hanging::Hanging, outbox::Outbox};
use crate::{ops::get_streaming_events::MOST_SUBSCRIPTIONS, session::Session};

/// How often Exchange shows that a stream is alive, until its streams have shown it.
const USUAL_HEARTBEAT: Duration = Duration::from_secs(45);
/// However quickly heartbeats follow each other, or however slowly, the interval counts as one between these.
const HEARTBEATS: std::ops::RangeInclusive<Duration> = Duration::from_secs(5)..=Duration::from_secs(300);

/// Reports changes to these calendars. What is wanted begins when the stream is first asked, and ends when it is dropped.
pub(crate) fn watch(session: Arc<Session>, mailboxes: Vec<Mailbox>) -> Changes {
    if session.settings.access == Access::FreeBusy {
        let fact = Text::fixed(
            "im Frei/Gebucht-Modus gibt es keine Benachrichtigungen",
            "there are no notifications in free/busy mode",
        );
        let error =
            ReadError::new(ReadErrorKind::NotWatchable, fact).with_origin(optigov_calendar::Origin::Configuration);
        return Changes::unavailable(mailboxes, error);
    }
    Changes::new(stream::once(async move { begin(session, mailboxes) }).flatten())
}

fn begin(session: Arc<Session>, mailboxes: Vec<Mailbox>) -> impl futures_util::Stream<Item = optigov_calendar::Change> {
    let outbox = Arc::new(Outbox::default());
    let watcher = session.hub.add(&session, mailboxes, outbox.clone());
    outbox.stream(watcher)
}

/// What all streams of a client share.
pub(crate) struct Hub {
    state: Mutex<State>,
    hanging: Arc<Hanging>,
    /// Subscribing leaves half of the requests in flight to others.
    subscribing: Semaphore,
    /// Counts the times at which everything is to be tried again at once.
    retries: AtomicU64,
    /// The interval of heartbeats, in milliseconds, as far as the server has shown it.
    heartbeat: AtomicU64,
}

#[derive(Default)]
struct State {
    /// The last number that was given to a stream or a group.
    numbered: u64,
    watchers: HashMap<u64, Arc<Outbox>>,
    mailboxes: HashMap<Mailbox, Watched>,
    groups: BTreeMap<u64, Wanted>,
}

/// A mailbox that somebody wants to watch.
struct Watched {
    watchers: Vec<u64>,
    group: u64,
    standing: Standing,
    /// Groups whose server does not take it.
    refused_by: Vec<u64>,
}

/// What was last told of a mailbox.
#[derive(Clone)]
enum Standing {
    New,
    Watching,
    Lost(ReadError),
}

/// What a group has to watch.
struct Wanted {
    mailboxes: BTreeSet<Mailbox>,
    changed: Arc<Notify>,
}

/// One stream's interest, which ends when it is dropped.
struct Watcher {
    session: Arc<Session>,
    number: u64,
    mailboxes: BTreeSet<Mailbox>,
}

impl Hub {
    pub(crate) fn new(settings: &EwsSettings, in_flight: usize) -> Hub {
        Hub {
            state: Mutex::default(),
            hanging: Arc::new(Hanging::new(usize::try_from(settings.hanging_connections.get()).unwrap_or(usize::MAX))),
            subscribing: Semaphore::new((in_flight / 2).max(1)),
            retries: AtomicU64::new(0),
            heartbeat: AtomicU64::new(milliseconds(USUAL_HEARTBEAT)),
        }
    }

    /// Something has changed that may be the end of all failures, such as the credential: nobody waits any longer.
    pub(crate) fn try_again(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
        self.state().groups.values().for_each(|wanted| wanted.changed.notify_one());
    }

    fn add(&self, session: &Arc<Session>, mailboxes: Vec<Mailbox>, outbox: Arc<Outbox>) -> Watcher {
        let mailboxes: BTreeSet<_> = mailboxes.into_iter().collect();
        if mailboxes.is_empty() {
            outbox.end();
        }
        let mut state = self.state();
        let number = state.next_number();
        state.watchers.insert(number, outbox.clone());
        for mailbox in &mailboxes {
            if let Some(watched) = state.mailboxes.get_mut(mailbox) {
                watched.watchers.push(number);
                match &watched.standing {
                    Standing::New => {}
                    Standing::Watching => outbox.watching(mailbox),
                    Standing::Lost(error) => outbox.lost(mailbox, error),
                }
                continue;
            }
            let group = state.place(session, mailbox, &[]);
            let watched = Watched { watchers: vec![number], group, standing: Standing::New, refused_by: Vec::new() };
            state.mailboxes.insert(mailbox.clone(), watched);
        }
        Watcher { session: session.clone(), number, mailboxes }
    }

    fn remove(&self, watcher: &Watcher) {
        let mut state = self.state();
        state.watchers.remove(&watcher.number);
        for mailbox in &watcher.mailboxes {
            let Some(watched) = state.mailboxes.get_mut(mailbox) else { continue };
            watched.watchers.retain(|number| *number != watcher.number);
            if watched.watchers.is_empty() {
                let group = watched.group;
                state.mailboxes.remove(mailbox);
                state.change(group, |mailboxes| mailboxes.remove(mailbox));
            }
        }
    }

    /// Whether somebody still wants a group to watch a mailbox.
    fn is_wanted(&self, group: u64, mailbox: &Mailbox) -> bool {
        self.state().mailboxes.get(mailbox).is_some_and(|watched| watched.group == group)
    }

    /// What a group has to watch. `None` when that is nothing: then the group is no more.
    fn wanted(&self, group: u64) -> Option<BTreeSet<Mailbox>> {
        let mut state = self.state();
        let wanted = state.groups.get(&group)?.mailboxes.clone();
        if wanted.is_empty() {
            state.groups.remove(&group);
            return None;
        }
        Some(wanted)
    }

    fn watching<'a>(&self, group: u64, mailboxes: impl IntoIterator<Item = &'a Mailbox>) {
        self.state().tell(group, mailboxes, |standing, mailbox, outboxes| {
            *standing = Standing::Watching;
            outboxes.for_each(|outbox| outbox.watching(mailbox));
        });
    }

    fn touched<'a>(&self, group: u64, mailboxes: impl IntoIterator<Item = &'a Mailbox>) {
        self.state().tell(group, mailboxes, |standing, mailbox, outboxes| {
            // Of a mailbox that was never watched, everything is read once it is.
            if !matches!(standing, Standing::New) {
                outboxes.for_each(|outbox| outbox.touched(mailbox));
            }
        });
    }

    /// Tells that mailboxes are lost. Of one that is lost already, only another kind of error is told.
    fn lost<'a>(&self, group: u64, mailboxes: impl IntoIterator<Item = &'a Mailbox>, error: &ReadError) {
        self.state().tell(group, mailboxes, |standing, mailbox, outboxes| {
            let same = matches!(standing, Standing::Lost(before) if (before.kind(), before.code()) == (error.kind(), error.code()));
            *standing = Standing::Lost(error.clone());
            if !same {
                outboxes.for_each(|outbox| outbox.lost(mailbox, error));
            }
        });
    }

    /// Puts mailboxes that a group's server does not take into other groups.
    fn regroup<'a>(&self, session: &Arc<Session>, group: u64, mailboxes: impl IntoIterator<Item = &'a Mailbox>) {
        let mut state = self.state();
        for mailbox in mailboxes {
            let Some(watched) = state.mailboxes.get_mut(mailbox).filter(|watched| watched.group == group) else {
                continue;
            };
            watched.refused_by.push(group);
            let refused_by = watched.refused_by.clone();
            state.change(group, |mailboxes| mailboxes.remove(mailbox));
            let other = state.place(session, mailbox, &refused_by);
            if let Some(watched) = state.mailboxes.get_mut(mailbox) {
                watched.group = other;
            }
        }
    }

    /// A group's task has ended although there was something to watch.
    fn abandon(&self, group: u64) {
        let Some(wanted) = self.state().groups.remove(&group) else { return };
        self.lost(group, &wanted.mailboxes, &ReadError::internal());
        let mut state = self.state();
        wanted.mailboxes.iter().for_each(|mailbox| drop(state.mailboxes.remove(mailbox)));
    }

    fn heartbeat(&self) -> Duration {
        Duration::from_millis(self.heartbeat.load(Ordering::Relaxed))
    }

    fn learn_heartbeat(&self, interval: Duration) {
        let interval = interval.clamp(*HEARTBEATS.start(), *HEARTBEATS.end());
        self.heartbeat.store(milliseconds(interval), Ordering::Relaxed);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn next_number(&mut self) -> u64 {
        self.numbered += 1;
        self.numbered
    }

    /// Puts a mailbox into the first group that has room for it and has not refused it, or into a new one.
    fn place(&mut self, session: &Arc<Session>, mailbox: &Mailbox, refused_by: &[u64]) -> u64 {
        let fits = |(number, wanted): &(&u64, &Wanted)| {
            // The task of a group without mailboxes is about to end.
            (1..MOST_SUBSCRIPTIONS).contains(&wanted.mailboxes.len()) && !refused_by.contains(number)
        };
        if let Some(number) = self.groups.iter().find(fits).map(|(number, _)| *number) {
            self.change(number, |mailboxes| mailboxes.insert(mailbox.clone()));
            return number;
        }
        let (number, changed) = (self.next_number(), Arc::new(Notify::new()));
        let mailboxes = BTreeSet::from([mailbox.clone()]);
        self.groups.insert(number, Wanted { mailboxes, changed: changed.clone() });
        tokio::spawn(group::run(session.clone(), number, changed));
        number
    }

    fn change(&mut self, group: u64, change: impl FnOnce(&mut BTreeSet<Mailbox>) -> bool) {
        if let Some(wanted) = self.groups.get_mut(&group)
            && change(&mut wanted.mailboxes)
        {
            wanted.changed.notify_one();
        }
    }

    /// Calls `tell` for those of the mailboxes that are the group's, with whoever wants to know of them.
    fn tell<'a>(
        &mut self,
        group: u64,
        mailboxes: impl IntoIterator<Item = &'a Mailbox>,
        tell: impl Fn(&mut Standing, &Mailbox, &mut dyn Iterator<Item = &Arc<Outbox>>),
    ) {
        for mailbox in mailboxes {
            if let Some(watched) = self.mailboxes.get_mut(mailbox).filter(|watched| watched.group == group) {
                let mut outboxes = watched.watchers.iter().filter_map(|number| self.watchers.get(number));
                tell(&mut watched.standing, mailbox, &mut outboxes);
            }
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.session.hub.remove(self);
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
