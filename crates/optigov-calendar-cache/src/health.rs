//! What a readiness probe and an administrator want to know of a reader.

use chrono::{DateTime, Utc};
use optigov_calendar::{ReadError, ServerId, Text};
use serde::Serialize;

use crate::CacheKey;

/// How a [`CalendarReader`](crate::CalendarReader) fares at this moment. It names no mailbox but by the short hash that logs show as well.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct ReaderHealth {
    /// The circuit breaker of the server; where the source reads from several, the one that is worst off.
    pub circuit: CircuitHealth,
    /// The circuit breakers of all servers that have been asked, where the source reads from several.
    pub circuits: Vec<CircuitHealth>,
    /// The mailboxes that could not be read when they were last tried, the longest failing first. Those that fail since the whole server does are
    /// not among them.
    pub failing: Vec<FailingMailbox>,
    /// The cache or the store behind it.
    pub store: StoreHealth,
    /// The mailboxes that are kept fresh; `None` where none are.
    pub live: Option<LiveHealth>,
}

impl ReaderHealth {
    /// Whether calendars can be read and kept as far as is known: the circuit is not open, and the store answers. A single mailbox that fails
    /// does not matter here, nor does one that is not watched: it is read when it is asked for.
    pub fn is_good(&self) -> bool {
        self.circuit.state == CircuitState::Closed && !matches!(self.store, StoreHealth::Failing { .. })
    }
}

/// The state of the circuit breaker of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CircuitState {
    /// Mailboxes are read as ever.
    Closed,
    /// The server fails, and one reading tries whether it still does.
    HalfOpen,
    /// The server fails, and nothing is asked until the pause is over.
    Open,
}

impl CircuitState {
    /// The state in snake case, as it is written in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            CircuitState::Closed => "closed",
            CircuitState::HalfOpen => "half_open",
            CircuitState::Open => "open",
        }
    }
}

/// The circuit breaker of a server, as it is now.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct CircuitHealth {
    /// Which server, among those that the source reads from.
    #[serde(skip)]
    pub server: ServerId,
    /// What the server is called, where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Text>,
    /// Its state.
    pub state: CircuitState,
    /// Since when the server fails; `None` while the circuit is closed.
    pub since: Option<DateTime<Utc>>,
    /// The last failure, with the time after which lists try again; `None` while the circuit is closed.
    pub error: Option<ReadError>,
}

impl CircuitHealth {
    /// That of a server which has not been asked yet.
    pub(crate) fn closed() -> CircuitHealth {
        let server = ServerId::default();
        CircuitHealth { server, name: None, state: CircuitState::Closed, since: None, error: None }
    }

    /// How bad the state is.
    pub(crate) fn badness(&self) -> u8 {
        match self.state {
            CircuitState::Closed => 0,
            CircuitState::HalfOpen => 1,
            CircuitState::Open => 2,
        }
    }
}

/// A mailbox that could not be read when it was last tried.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct FailingMailbox {
    /// Its name in the cache and in logs.
    pub key: CacheKey,
    /// Since when it fails.
    pub since: DateTime<Utc>,
    /// The last failure, with the time after which lists try again.
    pub error: ReadError,
}

/// How the mailboxes fare that are [kept fresh](crate::CalendarReader::keep_fresh).
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LiveHealth {
    /// How many there are.
    pub mailboxes: usize,
    /// How many of them are watched: a change is noticed at once, and a reading serves for long.
    pub live: usize,
    /// Of how many the cache has a reading that serves, as far as is known.
    pub warm: usize,
    /// How many could not be read in the background when that was last tried.
    pub failing: usize,
    /// Whether this instance watches and reads in the background for all that share the cache.
    pub leads: bool,
    /// Why mailboxes are not watched, as it was last said; `None` while all are.
    pub lost: Option<ReadError>,
}

impl LiveHealth {
    /// Whether each mailbox is watched, and has been read.
    pub fn is_whole(&self) -> bool {
        self.live == self.mailboxes && self.warm == self.mailboxes
    }

    /// The two together.
    pub(crate) fn and(self, other: LiveHealth) -> LiveHealth {
        LiveHealth {
            mailboxes: self.mailboxes + other.mailboxes,
            live: self.live + other.live,
            warm: self.warm + other.warm,
            failing: self.failing + other.failing,
            leads: self.leads || other.leads,
            lost: self.lost.or(other.lost),
        }
    }
}

/// Whether the cache answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "state")]
#[non_exhaustive]
pub enum StoreHealth {
    /// It answered when it was last asked, or was never asked.
    Answering,
    /// It did not answer when it was last asked. Answers come from memory and from the source.
    Failing {
        /// Since when.
        since: DateTime<Utc>,
        /// What it was, in English; it holds no secret and no address.
        reason: String,
    },
}
