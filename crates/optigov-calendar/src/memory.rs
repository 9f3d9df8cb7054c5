//! Calendars in memory: for users' own tests, and for calendars that come from elsewhere.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak},
    task::{Context, Poll, Waker},
};

use async_trait::async_trait;
use futures_util::Stream;
use optigov_slots::Interval;

use crate::{Calendar, CalendarEntry, CalendarSource, Change, Changes, Mailbox, ReadError, ReadErrorKind, Text};

/// A [`CalendarSource`] whose calendars are set by the program. A mailbox that was never set is unknown, not empty.
///
/// It is a handle: clones share the calendars, so a test keeps one and changes what another one, long since handed on, answers. Every
/// [`set`](Self::set) and [`fail`](Self::fail) is reported to those who [watch](CalendarSource::watch).
///
/// ```
/// use optigov_calendar::{CalendarSource, MemorySource};
/// # use optigov_slots::Interval;
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let source = MemorySource::new();
/// let handed_on = source.clone();
/// let anna = "anna@musterstadt.example".parse()?;
/// let day = Interval::from_unix(1_800_000_000, 1_800_086_400)?;
/// assert!(handed_on.read(&[anna], day).await[0].is_err());
/// source.set("anna@musterstadt.example".parse()?, Vec::new());
/// assert!(handed_on.read(&["anna@musterstadt.example".parse()?], day).await[0].is_ok());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct MemorySource {
    calendars: Arc<RwLock<HashMap<Mailbox, Result<Calendar, ReadError>>>>,
    watchers: Arc<Mutex<Vec<Weak<Watcher>>>>,
}

/// Somebody who watches, and what is yet to be told.
#[derive(Debug)]
struct Watcher {
    mailboxes: HashSet<Mailbox>,
    untold: Mutex<Untold>,
}

#[derive(Debug, Default)]
struct Untold {
    /// As long as that is to be told, too.
    begins: bool,
    touched: BTreeSet<Mailbox>,
    waker: Option<Waker>,
}

/// The stream of a [`Watcher`]; the source keeps it weakly, so that it ends with the stream.
struct Reports(Arc<Watcher>);

impl MemorySource {
    /// A source without any mailbox.
    pub fn new() -> MemorySource {
        MemorySource::default()
    }

    /// Sets the whole calendar of `mailbox`, also while others read.
    pub fn set(&self, mailbox: Mailbox, entries: Vec<CalendarEntry>) {
        self.insert(mailbox, Ok(Calendar::new(entries)));
    }

    /// Lets every reading of `mailbox` fail with `error`, until it is set again.
    pub fn fail(&self, mailbox: Mailbox, error: ReadError) {
        self.insert(mailbox, Err(error));
    }

    fn insert(&self, mailbox: Mailbox, calendar: Result<Calendar, ReadError>) {
        self.calendars.write().unwrap_or_else(PoisonError::into_inner).insert(mailbox.clone(), calendar);
        self.watchers().retain(|watcher| {
            let watcher = watcher.upgrade();
            watcher.iter().for_each(|watcher| watcher.touch(&mailbox));
            watcher.is_some()
        });
    }

    fn watchers(&self) -> MutexGuard<'_, Vec<Weak<Watcher>>> {
        self.watchers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watcher {
    fn touch(&self, mailbox: &Mailbox) {
        if self.mailboxes.contains(mailbox) {
            let mut untold = self.untold();
            untold.touched.insert(mailbox.clone());
            untold.waker.take().into_iter().for_each(Waker::wake);
        }
    }

    fn untold(&self) -> MutexGuard<'_, Untold> {
        self.untold.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stream for Reports {
    type Item = Change;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Change>> {
        let mut untold = self.0.untold();
        if std::mem::take(&mut untold.begins) {
            return Poll::Ready(Some(Change::Watching(self.0.mailboxes.iter().cloned().collect())));
        }
        if let Some(mailbox) = untold.touched.pop_first() {
            return Poll::Ready(Some(Change::Touched(mailbox)));
        }
        untold.waker = Some(context.waker().clone());
        Poll::Pending
    }
}

#[async_trait]
impl CalendarSource for MemorySource {
    async fn read(&self, mailboxes: &[Mailbox], _window: Interval) -> Vec<Result<Calendar, ReadError>> {
        let calendars = self.calendars.read().unwrap_or_else(PoisonError::into_inner);
        mailboxes.iter().map(|mailbox| calendars.get(mailbox).cloned().unwrap_or_else(|| Err(not_set()))).collect()
    }

    fn watch(&self, mailboxes: Vec<Mailbox>) -> Changes {
        let untold = Untold { begins: true, ..Untold::default() };
        let watcher = Arc::new(Watcher { mailboxes: mailboxes.into_iter().collect(), untold: Mutex::new(untold) });
        self.watchers().push(Arc::downgrade(&watcher));
        Changes::new(Reports(watcher))
    }
}

fn not_set() -> ReadError {
    let fact = Text::fixed("für dieses Postfach wurde kein Kalender gesetzt", "no calendar was set for this mailbox");
    ReadError::new(ReadErrorKind::MailboxNotFound, fact)
}
