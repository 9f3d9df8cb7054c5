//! Calendars in memory: for users' own tests, and for calendars that come from elsewhere.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use async_trait::async_trait;
use optigov_slots::Interval;

use crate::{Calendar, CalendarEntry, CalendarSource, Mailbox, ReadError, ReadErrorKind, Text};

/// A [`CalendarSource`] whose calendars are set by the program. A mailbox that was never set is unknown, not empty.
///
/// It is a handle: clones share the calendars, so a test keeps one and changes what another one, long since handed on, answers.
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
}

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
        self.calendars.write().unwrap_or_else(PoisonError::into_inner).insert(mailbox, calendar);
    }
}

#[async_trait]
impl CalendarSource for MemorySource {
    async fn read(&self, mailboxes: &[Mailbox], _window: Interval) -> Vec<Result<Calendar, ReadError>> {
        let calendars = self.calendars.read().unwrap_or_else(PoisonError::into_inner);
        mailboxes.iter().map(|mailbox| calendars.get(mailbox).cloned().unwrap_or_else(|| Err(not_set()))).collect()
    }
}

fn not_set() -> ReadError {
    let fact = Text::fixed("für dieses Postfach wurde kein Kalender gesetzt", "no calendar was set for this mailbox");
    ReadError::new(ReadErrorKind::MailboxNotFound, fact)
}
