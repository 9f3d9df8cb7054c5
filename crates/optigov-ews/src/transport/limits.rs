//! How much the client asks of the server at once, and when it waits.

use std::{collections::HashMap, sync::Mutex, time::Duration};

use optigov_calendar::{Mailbox, ReadError, ReadErrorKind, Text};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::{Instant, sleep_until},
};

/// The first wait when the server names none; it doubles with each try.
const FIRST_BACK_OFF: Duration = Duration::from_millis(500);
const LONGEST_BACK_OFF: Duration = Duration::from_secs(60);

/// The number of requests in flight, and who is to be left alone until when. The server charges a request to the mailbox acted for; where
/// nobody is impersonated, that is `None`, the service account itself.
pub(crate) struct Limits {
    permits: Semaphore,
    state: Mutex<State>,
    most: usize,
}

struct State {
    /// How many requests may be in flight now; between one and `most`.
    allowed: usize,
    /// Permits that are still held and will not be given out again.
    owed: usize,
    /// Answers since the number last changed.
    answers: usize,
    waits: HashMap<Option<Mailbox>, Instant>,
}

/// The right to one request in flight.
pub(crate) struct Permit<'a> {
    limits: &'a Limits,
    permit: Option<SemaphorePermit<'a>>,
}

impl Limits {
    pub(crate) fn new(most: usize) -> Limits {
        Limits {
            permits: Semaphore::new(most),
            state: Mutex::new(State { allowed: most, owed: 0, answers: 0, waits: HashMap::new() }),
            most,
        }
    }

    /// Waits until the account charged may be asked, then for a free place.
    ///
    /// # Errors
    /// [`ReadError::is_throttled`], at once, when the wait would pass the deadline.
    pub(crate) async fn admit(&self, charged: Option<&Mailbox>, deadline: Instant) -> Result<Permit<'_>, ReadError> {
        loop {
            if let Some(until) = self.waits_until(charged) {
                if until >= deadline {
                    let fact = Text::fixed(
                        "der Server hat um eine Wartezeit gebeten, die länger ist als die Frist des Aufrufs",
                        "the server asked for a wait that is longer than the call's deadline allows",
                    );
                    let error = ReadError::new(ReadErrorKind::Throttled, fact).at(None);
                    return Err(error.with_retry_after(Some(until - Instant::now())));
                }
                sleep_until(until).await;
            }
            let permit = self.permits.acquire().await.map_err(|error| ReadError::internal().with_source(error))?;
            let permit = Permit { limits: self, permit: Some(permit) };
            if self.waits_until(charged).is_none() {
                return Ok(permit);
            }
        }
    }

    /// The server said that it is busy: fewer requests in flight, and none for the account charged before the returned time has passed.
    pub(crate) fn throttled(&self, charged: Option<&Mailbox>, asked: Option<Duration>, attempt: u32) -> Duration {
        let now = Instant::now();
        let spread = |wait: Duration| wait.mul_f64(fastrand::f64());
        let wait = match asked {
            Some(asked) => asked + spread((asked / 10).min(Duration::from_secs(1))),
            None => {
                let wait = FIRST_BACK_OFF.saturating_mul(1 << attempt.min(10)).min(LONGEST_BACK_OFF);
                wait / 2 + spread(wait / 2)
            }
        };
        let Ok(mut state) = self.state.lock() else { return wait };
        state.waits.retain(|_, until| *until > now);
        let until = state.waits.entry(charged.cloned()).or_insert(now);
        *until = (*until).max(now + wait);
        let fewer = (state.allowed / 2).max(1);
        let removed = state.allowed - fewer;
        let idle = self.permits.forget_permits(removed);
        state.owed += removed - idle;
        state.allowed = fewer;
        state.answers = 0;
        wait
    }

    /// The server answered: after as many answers as may be in flight, one more may.
    pub(crate) fn answered(&self) {
        let Ok(mut state) = self.state.lock() else { return };
        if state.allowed == self.most {
            return;
        }
        state.answers += 1;
        if state.answers >= state.allowed {
            state.answers = 0;
            state.allowed += 1;
            match state.owed {
                0 => self.permits.add_permits(1),
                _ => state.owed -= 1,
            }
        }
    }

    fn waits_until(&self, charged: Option<&Mailbox>) -> Option<Instant> {
        let mut state = self.state.lock().ok()?;
        if state.waits.is_empty() {
            return None;
        }
        let now = Instant::now();
        state.waits.retain(|_, until| *until > now);
        state.waits.get(&charged.cloned()).copied()
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let Ok(mut state) = self.limits.state.lock() else { return };
        if state.owed > 0 {
            state.owed -= 1;
            if let Some(permit) = self.permit.take() {
                permit.forget();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mailbox(name: &str) -> Mailbox {
        Mailbox::parse(&format!("{name}@musterstadt.example")).expect("an address")
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(30)
    }

    #[tokio::test(start_paused = true)]
    async fn who_was_told_to_wait_waits_and_others_go_on() {
        let limits = Limits::new(4);
        let (anna, berta) = (mailbox("anna"), mailbox("berta"));
        let began = Instant::now();
        limits.throttled(Some(&anna), Some(Duration::from_secs(5)), 0);
        limits.admit(Some(&berta), soon()).await.expect("admitted");
        assert_eq!(Instant::now(), began);
        limits.admit(Some(&anna), soon()).await.expect("admitted");
        let waited = Instant::now() - began;
        assert!(waited >= Duration::from_secs(5) && waited <= Duration::from_secs(6), "{waited:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_beyond_the_deadline_is_an_error_at_once() {
        let limits = Limits::new(1);
        let began = Instant::now();
        limits.throttled(None, Some(Duration::from_secs(31)), 0);
        let error = limits.admit(None, soon()).await.err().expect("too long");
        assert!(error.is_throttled());
        assert!(error.retry_after().is_some_and(|wait| wait >= Duration::from_secs(31)));
        assert_eq!(Instant::now(), began);
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_requests_are_in_flight_than_allowed() {
        let limits = Limits::new(2);
        let first = limits.admit(None, soon()).await.expect("admitted");
        let _second = limits.admit(None, soon()).await.expect("admitted");
        let third = tokio::time::timeout(Duration::from_secs(10), limits.admit(None, soon()));
        assert!(third.await.is_err(), "a third request went out");
        drop(first);
        limits.admit(None, soon()).await.expect("admitted");
    }

    #[tokio::test(start_paused = true)]
    async fn the_number_in_flight_shrinks_when_throttled_and_grows_again() {
        let limits = Limits::new(8);
        let mut held = Vec::new();
        for _ in 0..8 {
            held.push(limits.admit(None, soon()).await.expect("admitted"));
        }
        limits.throttled(None, Some(Duration::ZERO), 0);
        held.clear();
        assert_eq!(limits.permits.available_permits(), 4, "what was in flight is not given out again");
        limits.throttled(None, Some(Duration::ZERO), 0);
        limits.throttled(None, Some(Duration::ZERO), 0);
        limits.throttled(None, Some(Duration::ZERO), 0);
        assert_eq!(limits.permits.available_permits(), 1, "never none");
        (0..1 + 2 + 3).for_each(|_| limits.answered());
        assert_eq!(limits.permits.available_permits(), 4);
        (0..1_000).for_each(|_| limits.answered());
        assert_eq!(limits.permits.available_permits(), 8, "never more than at first");
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_word_from_the_server_waits_double_and_differ() {
        let limits = Limits::new(8);
        for attempt in 0..20 {
            let longest = FIRST_BACK_OFF.saturating_mul(1 << attempt.min(10)).min(LONGEST_BACK_OFF);
            let wait = limits.throttled(None, None, attempt);
            assert!(wait >= longest / 2 && wait <= longest, "{attempt}: {wait:?}");
        }
        let others = Limits::new(8);
        let waits = |limits: &Limits| [0, 1, 2, 3].map(|attempt| limits.throttled(None, None, attempt));
        assert_ne!(waits(&limits), waits(&others), "two clients do not come back at the same time");
    }
}
