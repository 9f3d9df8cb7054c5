//! The circuit breaker of a server: after failures that are the server's, not a mailbox's, nothing is asked but one probe per pause.

use chrono::{DateTime, Utc};
use optigov_calendar::{ReadError, ReadErrorKind};

use crate::{
    CacheKey, ReaderSettings,
    pause::{Attempt, Outage},
};

/// So many readings in a row must fail, without one that succeeds between, before the circuit opens.
const FAILURES_TO_OPEN: u32 = 3;

/// The circuit breaker of the server that a reader reads from.
#[derive(Debug, Default)]
pub(crate) struct Circuit {
    /// Readings that failed by the server's fault since the last answer of the server, while the circuit is closed.
    failures: u32,
    /// The first mailbox of those readings, and whether there was another.
    first: Option<CacheKey>,
    several: bool,
    outage: Option<Outage>,
}

impl Circuit {
    /// Why and since when nothing is asked; `None` while the circuit is closed.
    pub(crate) fn outage(&self) -> Option<&Outage> {
        self.outage.as_ref()
    }

    pub(crate) fn outage_mut(&mut self) -> Option<&mut Outage> {
        self.outage.as_mut()
    }

    /// The server has answered. Returns the outage that this ends.
    pub(crate) fn answered(&mut self) -> Option<Outage> {
        std::mem::take(self).outage
    }

    /// A reading has failed by the server's fault, for all of these mailboxes. Returns whether this opens the circuit.
    ///
    /// Several mailboxes must have failed: one that is too large to be read in time is no outage.
    pub(crate) fn failed(
        &mut self,
        keys: &[CacheKey],
        attempt: &Attempt<'_>,
        now: DateTime<Utc>,
        settings: &ReaderSettings,
    ) -> bool {
        if let Some(outage) = &mut self.outage {
            outage.failed(attempt, settings);
            return false;
        }
        self.failures = self.failures.saturating_add(1);
        for key in keys {
            self.several |= self.first.get_or_insert(*key) != key;
        }
        let opens = self.failures >= FAILURES_TO_OPEN && self.several;
        if opens {
            self.outage = Some(Outage::new(attempt, now, settings));
        }
        opens
    }
}

/// Whether a failure speaks for the server as a whole rather than for one mailbox or one calendar.
pub(crate) fn is_of_the_server(error: &ReadError) -> bool {
    use ReadErrorKind::{Internal, LimitReached, Malformed, TitlesVisible, UnexpandedSeries};
    let of_the_calendar =
        matches!(error.kind(), Internal | LimitReached | Malformed | TitlesVisible | UnexpandedSeries);
    !error.is_mailbox() && !of_the_calendar
}
