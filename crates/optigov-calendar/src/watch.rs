//! What a source tells of the calendars that it watches.

use std::pin::Pin;

use futures_util::{Stream, stream};

use crate::{Mailbox, ReadError, ReadErrorKind};

/// Reports of changes. Dropping it ends the watching; it may outlive the source that made it.
pub struct Changes(Pin<Box<dyn Stream<Item = Change> + Send>>);

/// What a source reports of watched calendars. It reports only; what follows from it, the cache decides.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// From this moment on every change to these calendars is reported, as [`Touched`](Change::Touched) or, where reports may be missing, as
    /// [`Lost`](Change::Lost). What was read before this moment may already be out of date.
    Watching(Vec<Mailbox>),
    /// Something in this calendar was created, changed, moved or deleted.
    Touched(Mailbox),
    /// From this moment on, and possibly since some moments ago, changes to these calendars go unreported. The source tries to watch
    /// them again by itself, unless the error says that it cannot, and then says [`Watching`](Change::Watching) anew.
    Lost {
        /// The calendars that are no longer watched.
        mailboxes: Vec<Mailbox>,
        /// Why.
        error: ReadError,
    },
}

impl Changes {
    /// Wraps a stream of reports.
    pub fn new(reports: impl Stream<Item = Change> + Send + 'static) -> Changes {
        Changes(Box::pin(reports))
    }

    /// The reports of a source that cannot watch: everything is lost for `error`'s reason, and the stream ends.
    pub fn unavailable(mailboxes: Vec<Mailbox>, error: ReadError) -> Changes {
        Changes::new(stream::iter([Change::Lost { mailboxes, error }]))
    }

    /// As [`unavailable`](Self::unavailable), for a source that has no notifications at all.
    pub(crate) fn none(mailboxes: Vec<Mailbox>) -> Changes {
        let kind = ReadErrorKind::NotWatchable;
        Changes::unavailable(mailboxes, ReadError::new(kind, kind.cause()))
    }
}

impl Stream for Changes {
    type Item = Change;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut std::task::Context<'_>) -> std::task::Poll<Option<Change>> {
        self.0.as_mut().poll_next(context)
    }
}

impl std::fmt::Debug for Changes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Changes").finish_non_exhaustive()
    }
}
