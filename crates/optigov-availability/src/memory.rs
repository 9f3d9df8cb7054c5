//! Calendars in memory: for users' own tests, and for calendars that come from elsewhere.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use async_trait::async_trait;
use optigov_counter::Mailbox;
use optigov_slots::Interval;

use crate::entry::CalendarEntry;
use crate::source::{Calendar, CalendarSource, ReadError, ReadErrorKind};
use crate::text::Text;

/// A [`CalendarSource`] whose calendars are set by the program. A mailbox that was never set is unknown, not empty.
#[derive(Debug, Default)]
pub struct MemorySource {
    calendars: RwLock<HashMap<Mailbox, Result<Calendar, ReadError>>>,
}

impl MemorySource {
    /// A source without any mailbox.
    pub fn new() -> Self {
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
    ReadError::new(
        ReadErrorKind::Mailbox,
        Text::new("Dieses Postfach gibt es nicht.", "There is no such mailbox."),
        Text::new("Die Adresse beim Schalter prüfen.", "Check the address in the counter's entry."),
    )
}
