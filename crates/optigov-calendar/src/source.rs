//! Where calendars come from: the one trait.

use std::{num::NonZeroUsize, sync::Arc};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use optigov_slots::Interval;

use crate::{Calendar, Changes, ConnectionReport, Finding, Mailbox, ReadError, Step, StepReport, Text};

/// Reads calendars: Exchange, memory ([`MemorySource`](crate::MemorySource)), or your own.
///
/// An implementation answers *completely or with an error*: every entry that overlaps the window is in the answer, or the answer for that
/// mailbox is an error. Everything above builds on that: unknown is never free. The conformance tests of the feature `testing` hold an
/// implementation to it.
///
/// References, boxes and `Arc`s of a source are sources, too.
#[async_trait]
pub trait CalendarSource: Send + Sync {
    /// Reads every one of `mailboxes`, at most [`batch`](Self::batch) of them, over `window`.
    ///
    /// The answer has one result per mailbox, in the order asked. Entries outside the window may come too; their order is free. A caller
    /// that drops the future ends the reading; the source stays usable.
    ///
    /// # Errors
    /// Per mailbox, where its calendar could not be read whole.
    async fn read(&self, mailboxes: &[Mailbox], window: Interval) -> Vec<Result<Calendar, ReadError>>;

    /// How many mailboxes one [`read`](Self::read) takes. Default: 1. Free/busy mode takes 100.
    fn batch(&self) -> NonZeroUsize {
        NonZeroUsize::MIN
    }

    /// From which server this mailbox is read. Where a server fails, all of its mailboxes fail, and those of others do not: a cache therefore remembers
    /// outages for each server, and reads mailboxes of one server together. Default: there is one server.
    fn server_of(&self, mailbox: &Mailbox) -> ServerId {
        let _ = mailbox;
        ServerId::default()
    }

    /// What a server is called in reports about its health, where there are several.
    fn server_name(&self, server: ServerId) -> Option<Text> {
        let _ = server;
        None
    }

    /// Reports changes to the calendars of `mailboxes` for as long as the stream is kept. It runs in the task that polls it, or in tasks of
    /// the source's own that end with it; a Tokio runtime is there.
    ///
    /// The first report about a mailbox is [`Change::Watching`](crate::Change::Watching) or [`Change::Lost`](crate::Change::Lost). When the stream ends, nothing is watched any more.
    /// By default a source has no notifications: all mailboxes are lost at once, and the stream ends.
    fn watch(&self, mailboxes: Vec<Mailbox>) -> Changes {
        Changes::none(mailboxes)
    }

    /// Goes through the connection step by step for `mailbox`; `now` is the instant from which its calendar is read.
    ///
    /// By default the calendar of the 14 days from `now` is read, as the only step.
    async fn check(&self, mailbox: &Mailbox, now: DateTime<Utc>) -> ConnectionReport {
        let window = check_window(now);
        let read = self.read(std::slice::from_ref(mailbox), window).await.pop();
        ConnectionReport::new(vec![match read.unwrap_or_else(|| Err(ReadError::internal())) {
            Ok(calendar) => {
                let found = Finding::Entries { count: calendar.entries().len(), days: CHECKED_DAYS };
                StepReport::passed(Step::Calendar).with_finding(found)
            }
            Err(error) => StepReport::failed(Step::Calendar, error),
        }])
    }
}

/// Tells the servers apart that one source reads from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServerId(usize);

impl ServerId {
    /// The server of this number, from 0.
    pub fn new(number: usize) -> ServerId {
        ServerId(number)
    }

    /// The number.
    pub fn number(self) -> usize {
        self.0
    }
}

/// How many days of a calendar a connection check reads.
pub const CHECKED_DAYS: u32 = 14;

/// The stretch of a calendar that a connection check reads: [`CHECKED_DAYS`] from `now`.
pub fn check_window(now: DateTime<Utc>) -> Interval {
    let start = now.timestamp();
    let end = start.saturating_add(i64::from(CHECKED_DAYS) * 86_400);
    // The last seconds that chrono can name have no 14 days after them: then those before them are read.
    let before = Interval::from_unix(start.saturating_sub(86_400), end);
    Interval::from_unix(start, end).or(before).expect("a day before a known instant is a known stretch of time")
}

macro_rules! forward {
    ($($pointer:ty),+) => {$(
        #[async_trait]
        impl<T: CalendarSource + ?Sized> CalendarSource for $pointer {
            async fn read(&self, mailboxes: &[Mailbox], window: Interval) -> Vec<Result<Calendar, ReadError>> {
                (**self).read(mailboxes, window).await
            }

            fn batch(&self) -> NonZeroUsize {
                (**self).batch()
            }

            fn server_of(&self, mailbox: &Mailbox) -> ServerId {
                (**self).server_of(mailbox)
            }

            fn server_name(&self, server: ServerId) -> Option<Text> {
                (**self).server_name(server)
            }

            fn watch(&self, mailboxes: Vec<Mailbox>) -> Changes {
                (**self).watch(mailboxes)
            }

            async fn check(&self, mailbox: &Mailbox, now: DateTime<Utc>) -> ConnectionReport {
                (**self).check(mailbox, now).await
            }
        }
    )+};
}

forward!(&T, Box<T>, Arc<T>);
