//! What instances that share a cache tell each other.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use futures_util::{Stream, stream};

use crate::CacheKey;

/// What another instance has told. Notices only hasten: what may be served is decided by what [`CalendarCache::get`](crate::CalendarCache::get)
/// answers.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// These mailboxes are watched from now on.
    Watching(Vec<CacheKey>),
    /// What was read of these mailboxes is void: something in them has changed, or a counter that uses them was saved.
    Touched(Vec<CacheKey>),
    /// These mailboxes are no longer watched.
    Lost(Vec<CacheKey>),
    /// Something was saved there.
    Saved(Saved),
    /// Notices may have been lost: the connection to the store was, or was made only now, or this stream was not read for too long. Whoever follows them
    /// takes every mailbox for lost until it is told anew, and [everything](Saved::Everything) for saved.
    Missed,
}

/// What an instance has saved: the others load it from where the service keeps it, and put it into force.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Saved {
    /// The entry of one counter, by its id.
    Counter(String),
    /// It may be anything: the whole configuration is to be loaded.
    Everything,
}

/// A stream of notices. It ends with the cache, or never.
pub struct Notices(Pin<Box<dyn Stream<Item = Notice> + Send>>);

impl Notices {
    /// Wraps a stream of notices.
    pub fn new(notices: impl Stream<Item = Notice> + Send + 'static) -> Notices {
        Notices(Box::pin(notices))
    }

    /// The notices of a cache that nobody shares: there is never one.
    pub fn none() -> Notices {
        Notices::new(stream::pending())
    }
}

impl Stream for Notices {
    type Item = Notice;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Notice>> {
        self.0.as_mut().poll_next(context)
    }
}

impl fmt::Debug for Notices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notices").finish_non_exhaustive()
    }
}
