//! How long nothing is asked after a failure: pauses that grow, and who may try when one is over.

use std::time::Duration;

use chrono::{DateTime, Utc};
use optigov_calendar::ReadError;
use tokio::time::Instant;

use crate::ReaderSettings;

/// Whom a reading is made for. Each has places of its own in flight, and probes of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    /// Lists, and readings in the background.
    List,
    /// Booking checks.
    Confirm,
}

/// A server or a mailbox that fails: why, and when it is asked again.
#[derive(Debug)]
pub(crate) struct Outage {
    pub(crate) since: DateTime<Utc>,
    pub(crate) error: ReadError,
    /// How many tries have failed so far.
    tries: u32,
    /// How long the last try took.
    took: Duration,
    list: Turn,
    confirm: Turn,
}

/// When a lane may try again, and whether it does so at this moment.
#[derive(Clone, Copy, Debug)]
struct Turn {
    next: Instant,
    probing: bool,
}

/// A try that failed.
pub(crate) struct Attempt<'a> {
    pub(crate) error: &'a ReadError,
    pub(crate) began: Instant,
    /// The lane whose probe it was; `None` for a reading that began before the outage was known.
    pub(crate) probe: Option<Lane>,
}

/// A try of a list that ended by a deadline has been a pause itself: the next one follows after this time. So there is nearly always one under way
/// that a server which returns may answer.
const AFTER_SILENCE: Duration = Duration::from_secs(4);

impl Outage {
    /// An outage that begins with this failure.
    pub(crate) fn new(attempt: &Attempt<'_>, since: DateTime<Utc>, settings: &ReaderSettings) -> Outage {
        let turn = Turn { next: Instant::now(), probing: false };
        let error = attempt.error.clone();
        let mut outage = Outage { since, error, tries: 0, took: Duration::ZERO, list: turn, confirm: turn };
        outage.pause(attempt, settings);
        outage
    }

    /// Another try has failed.
    pub(crate) fn failed(&mut self, attempt: &Attempt<'_>, settings: &ReaderSettings) {
        self.error = attempt.error.clone();
        if let Some(lane) = attempt.probe {
            self.release(lane);
            self.pause(attempt, settings);
        }
    }

    /// Sets when each lane tries again. The pause doubles with each try, up to the longest; jitter takes up to a quarter of it.
    fn pause(&mut self, attempt: &Attempt<'_>, settings: &ReaderSettings) {
        let now = Instant::now();
        let doubled = settings.first_pause.saturating_mul(1_u32.checked_shl(self.tries).unwrap_or(u32::MAX));
        let pause = doubled.min(settings.longest_pause).mul_f64(0.75 + fastrand::f64() / 4.0);
        self.tries = self.tries.saturating_add(1);
        self.took = now.saturating_duration_since(attempt.began);
        // Counted from the beginning of the try, but never less than the first pause after its end.
        let rest = pause.saturating_sub(self.took).max(settings.first_pause.min(pause));
        let wanted = attempt.error.retry_after().unwrap_or_default().min(settings.longest_pause);
        let was_silent = attempt.error.is_timeout() && self.took >= AFTER_SILENCE;
        self.list.next = now + if was_silent { AFTER_SILENCE.min(settings.longest_pause) } else { rest }.max(wanted);
        if attempt.probe != Some(Lane::List) {
            self.confirm.next =
                now + if was_silent { pause.max(self.took).min(settings.longest_pause) } else { rest }.max(wanted);
        }
    }

    /// Whether a lane may try now. Lists do not while a booking check tries: they will learn of its outcome.
    pub(crate) fn may_try(&self, lane: Lane) -> bool {
        let other_tries = lane == Lane::List && self.confirm.probing;
        let turn = self.turn(lane);
        !turn.probing && !other_tries && turn.next <= Instant::now()
    }

    /// The lane tries now; nobody else of it does until it is released.
    pub(crate) fn take(&mut self, lane: Lane) {
        self.turn_mut(lane).probing = true;
    }

    /// The lane's try has ended.
    pub(crate) fn release(&mut self, lane: Lane) {
        self.turn_mut(lane).probing = false;
    }

    /// Whether a try is under way.
    pub(crate) fn is_probing(&self) -> bool {
        self.list.probing || self.confirm.probing
    }

    /// Whether the last try took longer than a caller should wait.
    pub(crate) fn was_slow(&self, patience: Duration) -> bool {
        self.took >= patience
    }

    /// Until when the lane should wait before it asks again; while a try is under way, the first pause.
    pub(crate) fn retry_after(&self, lane: Lane, settings: &ReaderSettings) -> Duration {
        let left = self.turn(lane).next.saturating_duration_since(Instant::now());
        if left.is_zero() { settings.first_pause } else { left }
    }

    /// The last failure, with the time after which it is tried again.
    pub(crate) fn refusal(&self, lane: Lane, settings: &ReaderSettings) -> ReadError {
        self.error.clone().with_retry_after(Some(self.retry_after(lane, settings)))
    }

    fn turn(&self, lane: Lane) -> &Turn {
        match lane {
            Lane::List => &self.list,
            Lane::Confirm => &self.confirm,
        }
    }

    fn turn_mut(&mut self, lane: Lane) -> &mut Turn {
        match lane {
            Lane::List => &mut self.list,
            Lane::Confirm => &mut self.confirm,
        }
    }
}
