//! Whether a request that failed is sent again within the same call, and when.

use std::time::Duration;

use optigov_calendar::{ReadError, ReadErrorKind};

use crate::limits::growing_pause;

/// A request is sent this often at most, however often the server asks for patience; the call's deadline may end it sooner.
const MOST_TRIES: u32 = 6;
/// A request whose connection is lost before the answer is sent this often at most.
const MOST_TRIES_UNANSWERED: u32 = 3;
/// A request is sent this often at most where only the mailbox is at fault, or where the credential was in doubt.
const MOST_TRIES_GENTLY: u32 = 2;

/// Whether the same request may be sent again within the same call, by what the server said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Retry {
    /// The same request would fail in the same way.
    No,
    /// At most once more, after a pause. Requests for other mailboxes go on at full speed.
    Gently,
    /// Again until the deadline, with growing pauses. Requests for other mailboxes go on at full speed.
    Transient,
    /// The server throttles: whoever is charged with the request waits, then this one is sent again.
    BackOff,
}

/// What to do about a request that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Again {
    /// Nothing: the call ends with the error.
    No,
    /// Send it again after this pause. Requests for other mailboxes go on at full speed.
    After(Duration),
    /// The server throttles: whoever is charged with the request waits, and fewer requests are in flight.
    BackOff,
}

impl Again {
    /// Decides by what the server said, and by how often the request has been sent.
    pub fn after(error: &ReadError, said: Retry, sent: u32) -> Again {
        let up_to = |most: u32, again: Again| if sent < most { again } else { Again::No };
        match said {
            Retry::Gently => up_to(MOST_TRIES_GENTLY, Again::After(growing_pause(1))),
            Retry::Transient => up_to(MOST_TRIES, Again::After(growing_pause(sent.saturating_sub(1)))),
            Retry::BackOff => Again::BackOff,
            _ if error.step().is_none() => Again::No,
            _ if error.is_before_the_answer() => up_to(MOST_TRIES_UNANSWERED, Again::After(Duration::ZERO)),
            // The credential has been proven once more since, or it is about to be.
            _ if error.kind() == ReadErrorKind::CredentialsRefused => {
                up_to(MOST_TRIES_GENTLY, Again::After(Duration::ZERO))
            }
            _ => Again::No,
        }
    }
}

/// Whether a request that was throttled may be sent again.
pub fn may_back_off(sent: u32) -> bool {
    sent < MOST_TRIES
}
