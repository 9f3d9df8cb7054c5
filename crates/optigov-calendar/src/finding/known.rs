//! What is known of where mailboxes lie.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    task::{Context, Poll, Waker},
};

use crate::{Calendar, Mailbox, ReadError, ReadErrorKind};

/// What is known of one mailbox.
#[derive(Clone, Debug)]
pub(super) enum Known {
    /// A rule says that it lies in the place of this index.
    Fixed(usize),
    /// It lies in the place of this index, or did when that place last said so.
    At(usize),
    /// It lies nowhere or in several places, or a place has not yet answered.
    Open {
        /// The place to ask next.
        next: usize,
        /// What each place said when it last answered.
        last: Vec<Option<Said>>,
    },
}

/// Whether a place has a mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Its calendar can be read there.
    Present,
    /// The place does not have it, or we may not read it there.
    Absent,
}

/// What a place said of a mailbox.
#[derive(Clone, Debug)]
pub(super) struct Said {
    pub(super) verdict: Verdict,
    /// Why the mailbox is absent.
    pub(super) error: Option<ReadError>,
}

impl Verdict {
    /// `None` for an answer that says nothing of where the mailbox lies.
    pub(super) fn of(answer: &Result<Calendar, ReadError>) -> Option<Verdict> {
        use ReadErrorKind::{AccessDenied, ImpersonationDenied};
        match answer {
            Ok(_) => Some(Verdict::Present),
            Err(error) if error.is_not_here() => Some(Verdict::Absent),
            // Rights are given where mailboxes are meant to be read.
            Err(error) if matches!(error.kind(), AccessDenied | ImpersonationDenied) => Some(Verdict::Absent),
            Err(_) => None,
        }
    }
}

impl Said {
    pub(super) fn of(answer: &Result<Calendar, ReadError>) -> Option<Said> {
        Verdict::of(answer).map(|verdict| Said { verdict, error: answer.as_ref().err().cloned() })
    }
}

/// The most mailboxes of which anything is known.
const MOST: usize = 100_000;

/// Where mailboxes lie, and who is told when that changes.
#[derive(Default)]
pub(super) struct Places {
    known: Mutex<HashMap<Mailbox, Known>>,
    watchers: Mutex<Vec<Weak<Watcher>>>,
    on_move: Option<OnMove>,
}

/// Who is told of a move.
type OnMove = Box<dyn Fn(&Mailbox) + Send + Sync>;

/// Somebody who is told when mailboxes get another place.
#[derive(Debug)]
pub(super) struct Watcher {
    mailboxes: HashSet<Mailbox>,
    moved: Mutex<Moved>,
}

#[derive(Debug, Default)]
struct Moved {
    mailboxes: BTreeSet<Mailbox>,
    waker: Option<Waker>,
}

impl Places {
    pub(super) fn telling(told: impl Fn(&Mailbox) + Send + Sync + 'static) -> Places {
        Places { on_move: Some(Box::new(told)), ..Places::default() }
    }

    pub(super) fn of(&self, mailbox: &Mailbox) -> Option<Known> {
        self.known().get(mailbox).cloned()
    }

    /// Keeps what was learned of a mailbox, and tells those who want to know where it has left its place or got one.
    pub(super) fn learn(&self, mailbox: &Mailbox, learned: Option<Known>) {
        let Some(learned) = learned else { return };
        let after = place_in(&learned);
        let before = {
            let mut known = self.known();
            if known.len() >= MOST && !known.contains_key(mailbox) {
                // Which one is forgotten does not matter: it is looked for again.
                let forgotten = known.keys().next().cloned();
                forgotten.into_iter().for_each(|mailbox| drop(known.remove(&mailbox)));
            }
            known.insert(mailbox.clone(), learned).as_ref().and_then(place_in)
        };
        if before == after {
            return;
        }
        if let (Some(_), Some(told)) = (before, &self.on_move) {
            told(mailbox);
        }
        lock(&self.watchers).retain(|watcher| {
            let watcher = watcher.upgrade();
            watcher.iter().for_each(|watcher| watcher.tell(mailbox));
            watcher.is_some()
        });
    }

    /// Tells the watcher from now on.
    pub(super) fn watch(&self, mailboxes: HashSet<Mailbox>) -> Arc<Watcher> {
        let watcher = Arc::new(Watcher { mailboxes, moved: Mutex::default() });
        lock(&self.watchers).push(Arc::downgrade(&watcher));
        watcher
    }

    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.known().len()
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Mailbox, Known>> {
        lock(&self.known)
    }
}

impl Watcher {
    fn tell(&self, mailbox: &Mailbox) {
        if self.mailboxes.contains(mailbox) {
            let mut moved = lock(&self.moved);
            moved.mailboxes.insert(mailbox.clone());
            moved.waker.take().into_iter().for_each(Waker::wake);
        }
    }

    /// The mailboxes whose place has changed since the last time; pending while there is none.
    pub(super) fn poll_moved(&self, context: &mut Context<'_>) -> Poll<Vec<Mailbox>> {
        let mut moved = lock(&self.moved);
        if moved.mailboxes.is_empty() {
            moved.waker = Some(context.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(std::mem::take(&mut moved.mailboxes).into_iter().collect())
    }
}

fn place_in(known: &Known) -> Option<usize> {
    match known {
        Known::At(place) | Known::Fixed(place) => Some(*place),
        Known::Open { .. } => None,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
