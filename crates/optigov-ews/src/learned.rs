//! What the clones of a client have learned of the server while they asked it.

pub(crate) mod expansion;
pub(crate) mod free_busy_window;

use expansion::LearnedExpansion;
use free_busy_window::LearnedWindow;

/// Everything that is remembered of the server's ways. It outlives a restart of the server, not one of the client.
#[derive(Default)]
pub(crate) struct Learned {
    /// Whether the server expands series of appointments.
    pub(crate) expansion: LearnedExpansion,
    /// The longest free/busy window that the server takes.
    pub(crate) free_busy_window: LearnedWindow,
}
