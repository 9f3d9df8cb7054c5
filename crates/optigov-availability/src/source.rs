//! Where calendars come from: the one trait, and its error.

use std::num::NonZeroUsize;
use std::time::Duration;

use async_trait::async_trait;
use optigov_counter::Mailbox;
use optigov_ews::CheckReport;
use optigov_slots::Interval;
use serde::{Deserialize, Serialize};

use crate::entry::CalendarEntry;
use crate::text::Text;

/// Reads calendars: Exchange ([`crate::EwsSource`]), memory ([`crate::MemorySource`]), or your own.
///
/// An implementation answers *completely or with an error*: every entry that touches the window is in the answer, or the answer for
/// that mailbox is an error. The facade builds on that: unknown is never free.
#[async_trait]
pub trait CalendarSource: Send + Sync + 'static {
    /// Reads every one of `mailboxes`, at most [`batch`](Self::batch) of them, over `window`.
    ///
    /// The answer has one result per mailbox, in the order asked. Entries outside the window may come too; their order is free.
    ///
    /// # Errors
    /// Per mailbox, where its calendar could not be read whole.
    async fn read(&self, mailboxes: &[Mailbox], window: Interval) -> Vec<Result<Calendar, ReadError>>;

    /// How many mailboxes one [`read`](Self::read) takes. Default: 1. Free/busy mode takes 100.
    fn batch(&self) -> NonZeroUsize {
        NonZeroUsize::MIN
    }

    /// Goes through the connection step by step for `mailbox`; `None` (the default) where there is nothing to connect to.
    async fn check(&self, _mailbox: &Mailbox) -> Option<CheckReport> {
        None
    }
}

/// The entries of one mailbox over the window asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calendar {
    pub(crate) entries: Vec<CalendarEntry>,
    pub(crate) all_day: AllDayFlag,
}

/// Whether a source says of its entries which are all-day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AllDayFlag {
    /// It does: a timed entry is timed.
    #[default]
    Known,
    /// It does not (free/busy mode): an entry from midnight to midnight in the counter's zone is taken for all-day, as a stated guess.
    Guessed,
}

impl Calendar {
    /// Entries of a source that tells all-day entries from timed ones.
    pub fn new(entries: Vec<CalendarEntry>) -> Self {
        Calendar { entries, all_day: AllDayFlag::Known }
    }

    /// Entries of a source that does not say which are all-day.
    pub fn without_all_day_flag(entries: Vec<CalendarEntry>) -> Self {
        Calendar { entries, all_day: AllDayFlag::Guessed }
    }
}

/// Why a calendar could not be read whole. Says what and what to do, never whose: it holds no address, title or secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{}", message.en)]
pub struct ReadError {
    kind: ReadErrorKind,
    message: Text,
    remedy: Text,
    retry_after: Option<Duration>,
}

/// What kind of failure it was, by who can mend it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ReadErrorKind {
    /// Exchange could not be reached, or the connection broke.
    Network,
    /// Exchange answered, but not usably: it is overloaded or faulty, or its answer cannot be trusted to be whole.
    Server,
    /// The service account was refused, is locked, or may not do what was asked.
    Account,
    /// This mailbox does not exist, is outside the account's scope, or its calendar may not be read.
    Mailbox,
    /// The connection's settings are wrong.
    Configuration,
    /// The time for the whole call ran out.
    Deadline,
    /// A fault of these libraries or of a [`CalendarSource`].
    Internal,
}

impl ReadErrorKind {
    /// The kind as it is written in JSON, in metrics and in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            ReadErrorKind::Network => "network",
            ReadErrorKind::Server => "server",
            ReadErrorKind::Account => "account",
            ReadErrorKind::Mailbox => "mailbox",
            ReadErrorKind::Configuration => "configuration",
            ReadErrorKind::Deadline => "deadline",
            ReadErrorKind::Internal => "internal",
        }
    }
}

impl ReadError {
    /// A failure with what happened and what to do about it.
    pub fn new(kind: ReadErrorKind, message: Text, remedy: Text) -> Self {
        ReadError { kind, message, remedy, retry_after: None }
    }

    /// The same, with the time after which the server said to ask again.
    pub fn with_retry_after(self, wait: Option<Duration>) -> Self {
        ReadError { retry_after: wait, ..self }
    }

    /// What kind of failure it was.
    pub fn kind(&self) -> ReadErrorKind {
        self.kind
    }

    /// What happened: one sentence.
    pub fn message(&self) -> &Text {
        &self.message
    }

    /// What an administrator can do about it.
    pub fn remedy(&self) -> &Text {
        &self.remedy
    }

    /// After which time asking again makes sense, where the server said so.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    pub(crate) fn deadline() -> Self {
        ReadError::new(
            ReadErrorKind::Deadline,
            Text::new("Exchange hat nicht rechtzeitig geantwortet.", "Exchange did not answer in time."),
            Text::new(
                "Verbindungstest ausführen; antwortet Exchange langsam, die Frist in den Einstellungen der Verbindung erhöhen.",
                "Run the connection check; where Exchange is slow, raise the deadline in the connection's settings.",
            ),
        )
    }

    pub(crate) fn internal() -> Self {
        ReadError::new(
            ReadErrorKind::Internal,
            Text::new("Das Lesen der Kalender brach unerwartet ab.", "Reading the calendars ended unexpectedly."),
            Text::new("Bitte melden; im Protokoll steht die Ursache.", "Please report this; the log holds the cause."),
        )
    }
}
