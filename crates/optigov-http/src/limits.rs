//! How much the client asks of the server at once, and when it waits.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use optigov_calendar::{Mailbox, ReadError, ReadErrorKind, Text};
use tokio::{
    sync::{Semaphore, SemaphorePermit, watch},
    time::{Instant, timeout_at},
};

/// The first wait when the server names none; it doubles with each try.
const FIRST_BACK_OFF: Duration = Duration::from_millis(500);
/// The longest wait of our own choice.
const LONGEST_UNASKED: Duration = Duration::from_secs(60);
/// The longest wait, whatever the server asks for.
pub const LONGEST_BACK_OFF: Duration = Duration::from_secs(300);
/// For so long after a wait one request goes ahead alone; a server that does not answer it holds up nobody for longer.
const PROBE_ALONE: Duration = Duration::from_secs(5);
/// A time that no process lives to see, and that every clock can hold.
const NEVER: Duration = Duration::from_secs(30 * 366 * 86_400);

/// This instant and a time of any length later.
pub fn later(now: Instant, wait: Duration) -> Instant {
    now + wait.min(NEVER)
}

/// The number of requests in flight, and who is to be left alone until when. The server charges a request to the mailbox acted for; where
/// nobody is impersonated, that is `None`, the service account itself.
pub struct Limits {
    permits: Semaphore,
    state: Mutex<State>,
    /// Tells those who wait that a back-off has ended.
    changed: watch::Sender<()>,
    most: usize,
}

struct State {
    /// How many requests may be in flight now; between one and `most`.
    allowed: usize,
    /// Permits that are still held and will not be given out again.
    owed: usize,
    /// Answers since the number last changed.
    answers: usize,
    back_offs: HashMap<Option<Mailbox>, BackOff>,
}

/// Who was told to wait. It ends with the first answer that is no refusal.
#[derive(Clone, Copy)]
struct BackOff {
    until: Instant,
    /// Since when one request goes ahead alone, to see whether the server takes requests again.
    probed: Option<Instant>,
}

/// What keeps a request back until some time.
enum Wait {
    /// The server asked to be left alone.
    Asked(Instant),
    /// Another request has gone ahead.
    Probed(Instant),
}

impl Wait {
    /// Waits until it has passed, or until some back-off is over sooner.
    async fn passed(self, deadline: Instant, changed: &mut watch::Receiver<()>) -> Result<(), ReadError> {
        match self {
            Wait::Asked(until) if until >= deadline => {
                let fact = Text::fixed(
                    "der Server hat um eine Wartezeit gebeten, die länger ist als die Frist des Aufrufs",
                    "the server asked for a wait that is longer than the call's deadline allows",
                );
                let error = ReadError::new(ReadErrorKind::Throttled, fact).at(None);
                Err(error.with_retry_after(Some(until.saturating_duration_since(Instant::now()))))
            }
            Wait::Asked(until) | Wait::Probed(until) => {
                timeout_at(until, changed.changed()).await.ok();
                Ok(())
            }
        }
    }
}

/// The right to one request in flight.
pub struct Permit<'a> {
    limits: &'a Limits,
    permit: Option<SemaphorePermit<'a>>,
    /// For whom this request goes ahead alone, since when.
    probe: Option<(Option<Mailbox>, Instant)>,
}

impl Limits {
    /// At most so many requests in flight.
    pub fn new(most: usize) -> Limits {
        Limits {
            permits: Semaphore::new(most),
            state: Mutex::new(State { allowed: most, owed: 0, answers: 0, back_offs: HashMap::new() }),
            changed: watch::Sender::new(()),
            most,
        }
    }

    /// Waits until the account charged may be asked, then for a free place.
    ///
    /// # Errors
    /// [`ReadError::is_throttled`], at once, when the wait would pass the deadline.
    pub async fn admit(&self, charged: Option<&Mailbox>, deadline: Instant) -> Result<Permit<'_>, ReadError> {
        let mut changed = self.changed.subscribe();
        loop {
            changed.borrow_and_update();
            let mut wait = self.wait_of(charged, None);
            if wait.is_none() {
                let permit = self.permits.acquire().await.map_err(|error| ReadError::internal().with_source(error))?;
                let mut permit = Permit { limits: self, permit: Some(permit), probe: None };
                wait = self.wait_of(charged, Some(&mut permit));
                if wait.is_none() {
                    return Ok(permit);
                }
                // Whoever waits takes no place from others.
            }
            if let Some(wait) = wait {
                wait.passed(deadline, &mut changed).await?;
            }
        }
    }

    /// Waits until the account charged may be asked, for a request that takes no place among those in flight.
    ///
    /// # Errors
    /// As for [`admit`](Limits::admit).
    pub async fn turn(&self, charged: Option<&Mailbox>, deadline: Instant) -> Result<(), ReadError> {
        let mut changed = self.changed.subscribe();
        loop {
            changed.borrow_and_update();
            match self.wait_of(charged, None) {
                Some(wait) => wait.passed(deadline, &mut changed).await?,
                None => return Ok(()),
            }
        }
    }

    /// The right to a request for the account charged, unless that account has to be left alone. It takes no place in flight: whoever bounds
    /// those in another way asks here for the back-off alone.
    ///
    /// # Errors
    /// Until when the account has to be left alone, unless its back-off ends sooner.
    pub fn try_admit(&self, charged: Option<&Mailbox>) -> Result<Permit<'_>, Instant> {
        let mut permit = Permit { limits: self, permit: None, probe: None };
        match self.wait_of(charged, Some(&mut permit)) {
            None => Ok(permit),
            Some(Wait::Asked(until) | Wait::Probed(until)) => Err(until),
        }
    }

    /// The server said that it is busy with the account charged: none of its requests before the returned time has passed. Others are not
    /// concerned.
    pub fn hold_back(&self, charged: Option<&Mailbox>, asked: Option<Duration>, attempt: u32) -> Duration {
        let now = Instant::now();
        let wait = match asked.map(|asked| asked.min(LONGEST_BACK_OFF)) {
            Some(asked) => asked + spread((asked / 10).min(Duration::from_secs(1))),
            None => growing_pause(attempt),
        };
        let mut state = self.state();
        let until = now + wait;
        let back_off = state.back_offs.entry(charged.cloned()).or_insert(BackOff { until, probed: None });
        *back_off = BackOff { until: back_off.until.max(until), probed: None };
        wait
    }

    /// The server said that it is busy: fewer requests in flight, and none for the account charged before the returned time has passed.
    pub fn throttled(&self, charged: Option<&Mailbox>, asked: Option<Duration>, attempt: u32) -> Duration {
        let wait = self.hold_back(charged, asked, attempt);
        let mut state = self.state();
        let fewer = (state.allowed / 2).max(1);
        let removed = state.allowed - fewer;
        let idle = self.permits.forget_permits(removed);
        state.owed += removed - idle;
        state.allowed = fewer;
        state.answers = 0;
        wait
    }

    /// The server answered: whoever was told to wait need not any more, and after as many answers as may be in flight, one more may.
    pub fn answered(&self, charged: Option<&Mailbox>) {
        let mut state = self.state();
        if !state.back_offs.is_empty() {
            let now = Instant::now();
            let key = charged.cloned();
            // The answer to a request that was sent before the server asked to wait ends no wait.
            if state.back_offs.get(&key).is_some_and(|back_off| back_off.until <= now) {
                state.back_offs.remove(&key);
                self.changed.send_replace(());
            }
        }
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

    /// Forgets all waits: they concerned an account that may be another one now.
    pub fn clear(&self) {
        self.state().back_offs.clear();
        self.changed.send_replace(());
    }

    /// Why and until when the account charged has to be left alone. Where its wait has passed, this permit becomes the one that goes ahead.
    fn wait_of(&self, charged: Option<&Mailbox>, permit: Option<&mut Permit<'_>>) -> Option<Wait> {
        let mut state = self.state();
        if state.back_offs.is_empty() {
            return None;
        }
        let now = Instant::now();
        // Of the others nobody has asked for a long time.
        state.back_offs.retain(|_, back_off| now < back_off.until + LONGEST_BACK_OFF);
        let key = charged.cloned();
        let back_off = state.back_offs.get_mut(&key)?;
        if now < back_off.until {
            return Some(Wait::Asked(back_off.until));
        }
        if let Some(until) = back_off.probed.map(|since| since + PROBE_ALONE).filter(|until| now < *until) {
            return Some(Wait::Probed(until));
        }
        if let Some(permit) = permit {
            back_off.probed = Some(now);
            permit.probe = Some((key, now));
        }
        None
    }

    /// A panic elsewhere ends no back-off.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A part of this time, so that clients do not come back together.
fn spread(wait: Duration) -> Duration {
    wait.mul_f64(fastrand::f64())
}

/// The pause before the next try where the server names none: it doubles with each try, and no two clients pause for the same time.
pub fn growing_pause(attempt: u32) -> Duration {
    let wait = FIRST_BACK_OFF.saturating_mul(1 << attempt.min(10)).min(LONGEST_UNASKED);
    wait / 2 + spread(wait / 2)
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let mut state = self.limits.state();
        if let Some((key, since)) = self.probe.take()
            && let Some(back_off) = state.back_offs.get_mut(&key)
            && back_off.probed == Some(since)
        {
            // It ended without a word of the server's on this: the next one may go.
            back_off.probed = None;
            self.limits.changed.send_replace(());
        }
        if state.owed > 0
            && let Some(permit) = self.permit.take()
        {
            state.owed -= 1;
            permit.forget();
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
    async fn a_request_beside_those_in_flight_takes_no_place_and_waits_all_the_same() {
        let limits = Limits::new(1);
        let _only = limits.admit(None, soon()).await.expect("admitted");
        limits.turn(None, soon()).await.expect("it takes no place");
        limits.throttled(None, Some(Duration::from_secs(20)), 0);
        let began = Instant::now();
        limits.turn(None, soon()).await.expect("after the wait");
        assert!(Instant::now() - began >= Duration::from_secs(20));
        limits.throttled(None, Some(Duration::from_secs(31)), 0);
        assert!(limits.turn(None, soon()).await.is_err_and(|error| error.is_throttled()));
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
        (0..1 + 2 + 3).for_each(|_| limits.answered(None));
        assert_eq!(limits.permits.available_permits(), 4);
        (0..1_000).for_each(|_| limits.answered(None));
        assert_eq!(limits.permits.available_permits(), 8, "never more than at first");
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_word_from_the_server_waits_double_and_differ() {
        let limits = Limits::new(8);
        for attempt in 0..20 {
            let longest = FIRST_BACK_OFF.saturating_mul(1 << attempt.min(10)).min(LONGEST_UNASKED);
            let wait = limits.throttled(None, None, attempt);
            assert!(wait >= longest / 2 && wait <= longest, "{attempt}: {wait:?}");
        }
        let others = Limits::new(8);
        let waits = |limits: &Limits| [0, 1, 2, 3].map(|attempt| limits.throttled(None, None, attempt));
        assert_ne!(waits(&limits), waits(&others), "two clients do not come back at the same time");
    }

    #[tokio::test(start_paused = true)]
    async fn no_wait_is_longer_than_five_minutes_and_then_one_request_goes_ahead() {
        for asked in [86_400, 1 << 63, u64::MAX].map(Duration::from_secs) {
            let limits = Limits::new(8);
            let wait = limits.throttled(None, Some(asked), 0);
            assert!(wait <= LONGEST_BACK_OFF + Duration::from_secs(1), "{wait:?}");
            tokio::time::advance(wait).await;
            let probe = limits.admit(None, soon()).await.expect("the first after the wait");
            let second = tokio::time::timeout(Duration::from_secs(4), limits.admit(None, soon()));
            assert!(second.await.is_err(), "a second went beside the first");
            limits.answered(None);
            let _second = limits.admit(None, soon()).await.expect("after the answer");
            let _third = limits.admit(None, soon()).await.expect("after the answer");
            drop(probe);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_that_is_dropped_or_not_answered_holds_up_nobody_for_long() {
        let limits = Limits::new(8);
        limits.throttled(None, Some(Duration::ZERO), 0);
        drop(limits.admit(None, soon()).await.expect("the first"));
        let began = Instant::now();
        let _silent = limits.admit(None, soon()).await.expect("the second, at once");
        assert_eq!(Instant::now(), began);
        let _third = limits.admit(None, soon()).await.expect("the third, after a time");
        assert_eq!(Instant::now() - began, PROBE_ALONE);
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_held_back_takes_no_place_from_others() {
        let limits = Limits::new(4);
        let (anna, berta) = (mailbox("anna"), mailbox("berta"));
        let wait = limits.hold_back(Some(&anna), Some(Duration::from_secs(5)), 0);
        assert_eq!(limits.permits.available_permits(), 4);
        assert!(limits.try_admit(Some(&berta)).is_ok());
        assert_eq!(limits.try_admit(Some(&anna)).err(), Some(Instant::now() + wait));
        tokio::time::advance(wait).await;
        let probe = limits.try_admit(Some(&anna)).expect("the first after the wait");
        assert!(limits.try_admit(Some(&anna)).is_err(), "one goes ahead alone");
        drop(probe);
        limits.answered(Some(&anna));
        assert!(limits.try_admit(Some(&anna)).is_ok() && limits.try_admit(Some(&anna)).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_cleared_wait_is_none() {
        let limits = Limits::new(8);
        limits.throttled(None, Some(Duration::from_secs(20)), 0);
        let began = Instant::now();
        let (admitted, ()) = tokio::join!(limits.admit(None, soon()), async { limits.clear() });
        assert!(admitted.is_ok());
        assert_eq!(Instant::now(), began);
    }

    #[tokio::test(start_paused = true)]
    async fn a_poisoned_lock_ends_no_back_off() {
        let limits = std::sync::Arc::new(Limits::new(8));
        let poisoning = limits.clone();
        std::thread::spawn(move || {
            let _state = poisoning.state();
            panic!("on purpose");
        })
        .join()
        .expect_err("it panics");
        limits.throttled(None, Some(Duration::from_secs(60)), 0);
        assert!(limits.admit(None, soon()).await.is_err());
    }
}
