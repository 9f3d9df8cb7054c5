//! The longest free/busy window that the server takes. An administrator can set it; a server that refuses a window does not say it.

use std::sync::{Mutex, PoisonError};

/// The longest window that a server takes unless it was set up otherwise, in seconds.
const USUAL: i64 = 42 * 86_400;
/// No server refuses a window of this length for its length.
pub(crate) const SHORTEST: i64 = 86_400;
/// After so many answers a longer window is tried again; twice as many after each time that it was refused.
const FIRST_TRY_AFTER: u32 = 64;
const MOST_BETWEEN_TRIES: u32 = 4_096;

/// What is known of it. It is shortened only by a window that was refused *and* a shorter one that was then answered, so an error that passes
/// leaves nothing behind; and it grows again.
pub(crate) struct LearnedWindow(Mutex<State>);

#[derive(Clone, Copy)]
struct State {
    longest: i64,
    answers: u32,
    try_after: u32,
}

impl Default for LearnedWindow {
    fn default() -> LearnedWindow {
        LearnedWindow(Mutex::new(State { longest: USUAL, answers: 0, try_after: FIRST_TRY_AFTER }))
    }
}

impl LearnedWindow {
    /// How long a window may be asked for now, in seconds.
    pub(crate) fn to_ask(&self) -> i64 {
        let state = self.state();
        match state.answers >= state.try_after {
            true => (state.longest * 2).min(USUAL),
            false => state.longest,
        }
    }

    /// A window of this length was answered, after longer ones had been refused in the same call, or not.
    pub(crate) fn answered(&self, seconds: i64, after_a_refusal: bool) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if after_a_refusal {
            let refused_again = state.answers >= state.try_after;
            let try_after = if refused_again { (state.try_after * 2).min(MOST_BETWEEN_TRIES) } else { state.try_after };
            *state = State { longest: seconds.max(SHORTEST), answers: 0, try_after };
        } else if seconds > state.longest {
            *state = State { longest: seconds, answers: 0, try_after: FIRST_TRY_AFTER };
        } else if state.longest < USUAL {
            state.answers = state.answers.saturating_add(1);
        }
    }

    fn state(&self) -> State {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_learned_window_grows_again_and_asks_more_seldom_where_it_was_refused() {
        let window = LearnedWindow::default();
        assert_eq!(window.to_ask(), USUAL);
        window.answered(USUAL / 2, true);
        for _ in 0..FIRST_TRY_AFTER {
            assert_eq!(window.to_ask(), USUAL / 2);
            window.answered(USUAL / 2, false);
        }
        assert_eq!(window.to_ask(), USUAL, "a longer one is tried");
        window.answered(USUAL / 2, true);
        for _ in 0..2 * FIRST_TRY_AFTER {
            assert_eq!(window.to_ask(), USUAL / 2);
            window.answered(USUAL / 2, false);
        }
        window.answered(window.to_ask(), false);
        assert_eq!(window.to_ask(), USUAL, "the server takes it now");
    }
}
