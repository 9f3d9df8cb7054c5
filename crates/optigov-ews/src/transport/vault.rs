//! The account's credential, and whether the server takes it.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use optigov_calendar::{ReadError, ReadErrorKind, Text};
use optigov_http::{LONGEST_BACK_OFF, later};
use tokio::{sync::watch, time::Instant};

use crate::Credentials;

/// The wait after the first proof that brought no verdict. It doubles with each further one, up to the time of the lock.
const FIRST_WAIT: Duration = Duration::from_secs(5);

/// For so long after an accepted request a 401 may be throttling, and an answer without a word of Exchange's a passing fault.
const SURE: Duration = Duration::from_secs(60);

/// The pause before a 401 is held against the credential by another proof.
const PAUSE: Duration = Duration::from_secs(1);

/// Keeps a wrong credential from being sent again: directories lock accounts after a few wrong passwords.
///
/// A credential that the server has not accepted yet is *unproven*. It is sent in one request, the [`Proof`], while everybody else waits.
/// A proof counts from the moment it is written, whatever becomes of the caller: a refusal locks the credential, and where no answer of
/// Exchange's follows, the next proof waits. An accepted credential is in use by any number of requests, until the server refuses it.
pub(crate) struct Vault {
    state: Mutex<State>,
    /// Tells those who wait that a proof has ended, or that the credential was replaced.
    changed: watch::Sender<()>,
    lock_lasts: Duration,
}

struct State {
    credentials: Credentials,
    /// Counts replacements, so that the fate of an old credential does not befall a new one.
    generation: u64,
    standing: Standing,
    /// How many proofs have begun.
    proofs: u64,
    /// Proofs in a row that brought no verdict.
    without_verdict: u32,
    /// How the proof of this number failed.
    failed: Option<(u64, ReadError)>,
}

#[derive(Clone, Debug)]
enum Standing {
    /// The next request proves it, after this pause.
    Unproven { pause: Duration },
    /// The proof of this number is under way.
    Proving(u64),
    /// The server accepted it, lately at this time.
    Accepted(Instant),
    /// A proof was written and brought no verdict: no other one before this time.
    Waiting { until: Instant, error: ReadError },
    /// The server refused it.
    Refused { until: Instant },
}

/// A credential that may be sent in one request.
pub(crate) struct Admission {
    pub(crate) credentials: Credentials,
    pub(crate) generation: u64,
    /// How many proofs had begun at that time.
    proofs: u64,
    vault: Arc<Vault>,
}

/// The task to prove a credential with a request of its own. Whoever drops it without a result has sent the credential and not heard how
/// that ended.
pub(crate) struct Proof {
    pub(crate) credentials: Credentials,
    pub(crate) generation: u64,
    /// How long to wait before the request.
    pub(crate) pause: Duration,
    /// A policy kept the account's own request out. Requests on behalf of a mailbox may still pass, so one of them is the proof.
    pub(crate) on_behalf: bool,
    number: u64,
    is_settled: bool,
    vault: Arc<Vault>,
}

/// Whether a request carried the credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WasSent {
    Yes,
    No,
}

/// What a 401 means for a credential that had been accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unauthorized {
    /// It is refused, and will not be sent again.
    Locked,
    /// It is to be proven once more, or has been since the request was sent.
    InDoubt,
}

impl Vault {
    pub(crate) fn new(credentials: Credentials, lock_lasts: Duration) -> Vault {
        Vault {
            state: Mutex::new(State {
                credentials,
                generation: 0,
                standing: Standing::Unproven { pause: Duration::ZERO },
                proofs: 0,
                without_verdict: 0,
                failed: None,
            }),
            changed: watch::Sender::new(()),
            lock_lasts,
        }
    }

    pub(crate) fn replace(&self, credentials: Credentials) {
        let mut state = self.state();
        state.credentials = credentials;
        state.generation += 1;
        state.standing = Standing::Unproven { pause: Duration::ZERO };
        state.without_verdict = 0;
        state.failed = None;
        drop(state);
        self.changed.send_replace(());
    }

    pub(crate) fn scheme(&self) -> &'static str {
        self.state().credentials.scheme()
    }

    /// Whether the credential gets tickets first.
    pub(crate) fn uses_tickets(&self) -> bool {
        #[cfg(feature = "kerberos")]
        return self.state().credentials.0.tickets().is_some();
        #[cfg(not(feature = "kerberos"))]
        false
    }

    /// The credential, for its tickets alone.
    ///
    /// # Errors
    /// [`ReadErrorKind::CredentialsLocked`] after a refusal.
    #[cfg(feature = "kerberos")]
    pub(crate) fn for_tickets(&self) -> Result<Credentials, ReadError> {
        let state = self.state();
        let now = Instant::now();
        match state.standing {
            Standing::Refused { until } if now < until => Err(locked(until - now)),
            _ => Ok(state.credentials.clone()),
        }
    }

    /// The credential, once it is proven; `prove` has to see to the proof in a task of its own.
    ///
    /// # Errors
    /// [`ReadErrorKind::CredentialsLocked`] after a refusal. Where a proof brought no verdict, what it brought.
    pub(crate) async fn admit(self: &Arc<Self>, prove: impl Fn(Proof)) -> Result<Admission, ReadError> {
        let mut changed = self.changed.subscribe();
        let (mut began, mut awaited) = (None, None);
        loop {
            changed.borrow_and_update();
            {
                let mut state = self.state();
                let now = Instant::now();
                let failed = state.failed.clone().filter(|(number, _)| Some(*number) == awaited);
                match (&state.standing, failed) {
                    (Standing::Accepted(_), _) => return Ok(self.admission(&state)),
                    (_, Some((number, error))) if Some(number) == began => return Err(error),
                    (Standing::Refused { until }, _) if now < *until => return Err(locked(*until - now)),
                    (Standing::Waiting { until, error }, _) if now < *until => {
                        return Err(error.clone().at(None).with_retry_after(Some(*until - now)));
                    }
                    // Nothing was sent: whoever waited would meet the same.
                    (_, Some((_, error))) => return Err(error),
                    (Standing::Proving(number), _) => awaited = Some(*number),
                    _ => {
                        let proof = self.begin(&mut state);
                        (began, awaited) = (Some(proof.number), Some(proof.number));
                        drop(state);
                        prove(proof);
                        continue;
                    }
                }
            }
            changed.changed().await.map_err(|error| ReadError::internal().with_source(error))?;
        }
    }

    /// Whether the credential has been accepted at this instant or later.
    pub(crate) fn accepted_since(&self, instant: Instant) -> bool {
        matches!(self.state().standing, Standing::Accepted(at) if at >= instant)
    }

    fn admission(self: &Arc<Self>, state: &State) -> Admission {
        Admission {
            credentials: state.credentials.clone(),
            generation: state.generation,
            proofs: state.proofs,
            vault: self.clone(),
        }
    }

    fn begin(self: &Arc<Self>, state: &mut State) -> Proof {
        let pause = match state.standing {
            Standing::Unproven { pause } => pause,
            _ => Duration::ZERO,
        };
        let on_behalf =
            matches!(&state.standing, Standing::Waiting { error, .. } if error.kind() == ReadErrorKind::Forbidden);
        state.proofs += 1;
        state.standing = Standing::Proving(state.proofs);
        Proof {
            credentials: state.credentials.clone(),
            generation: state.generation,
            pause,
            on_behalf,
            number: state.proofs,
            is_settled: false,
            vault: self.clone(),
        }
    }

    /// Changes the state unless the credential has been replaced since.
    fn settle(&self, generation: u64, change: impl FnOnce(&mut State, Instant)) {
        let mut state = self.state();
        if state.generation == generation {
            change(&mut state, Instant::now());
        }
        drop(state);
        self.changed.send_replace(());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn accept(&mut self, now: Instant) {
        // An acceptance does not lift a lock: the refusal may be the newer fact.
        if !matches!(self.standing, Standing::Refused { until } if now < until) {
            self.standing = Standing::Accepted(now);
            self.without_verdict = 0;
        }
    }
}

impl Admission {
    /// Exchange answered in SOAP, which it does only after it has accepted the credential.
    pub(crate) fn accepted(&self) {
        let mut state = self.vault.state();
        if state.generation == self.generation
            && let Standing::Accepted(at) = &mut state.standing
        {
            *at = Instant::now();
        }
    }

    /// The request brought no word of Exchange's. If that is how a server treats a password that was changed, it must not be tried again
    /// and again: unless it was accepted just before, the credential counts as unproven.
    pub(crate) fn unanswered(&self) {
        let mut state = self.vault.state();
        if state.generation == self.generation
            && state.proofs == self.proofs
            && matches!(state.standing, Standing::Accepted(at) if Instant::now() > at + SURE)
        {
            state.standing = Standing::Unproven { pause: Duration::ZERO };
        }
    }

    /// The server answered with 401. Shortly after an accepted request that may be throttling, and a token may have expired: then the
    /// credential is proven once more, alone. So it is where the request carried none, on a connection that had been authenticated.
    pub(crate) fn unauthorized(&self, was_sent: WasSent) -> Unauthorized {
        let mut state = self.vault.state();
        let now = Instant::now();
        match state.standing {
            Standing::Accepted(at) if state.generation == self.generation && state.proofs == self.proofs => {
                let lately = now <= at + SURE;
                if lately || was_sent == WasSent::No || self.credentials.is_renewed() {
                    state.standing = Standing::Unproven { pause: if lately { PAUSE } else { Duration::ZERO } };
                    Unauthorized::InDoubt
                } else {
                    state.standing = Standing::Refused { until: later(now, self.vault.lock_lasts) };
                    Unauthorized::Locked
                }
            }
            Standing::Refused { until } if now < until && state.generation == self.generation => Unauthorized::Locked,
            _ => Unauthorized::InDoubt,
        }
    }
}

impl Proof {
    /// Exchange answered in SOAP.
    pub(crate) fn accepted(mut self) {
        self.is_settled = true;
        self.vault.settle(self.generation, State::accept);
    }

    /// The server refused the credential. A refusal that comes late locks as well.
    pub(crate) fn refused(mut self, error: ReadError) {
        self.is_settled = true;
        let (number, lock_lasts) = (self.number, self.vault.lock_lasts);
        self.vault.settle(self.generation, |state, now| {
            state.standing = match state.standing {
                // A later proof was accepted: this one may have met throttling.
                Standing::Accepted(_) => Standing::Unproven { pause: PAUSE },
                _ => Standing::Refused { until: later(now, lock_lasts) },
            };
            state.failed = Some((number, error));
        });
    }

    /// The credential was not sent.
    pub(crate) fn not_sent(mut self, error: ReadError) {
        self.is_settled = true;
        let (number, pause) = (self.number, self.pause);
        self.vault.settle(self.generation, |state, _| {
            if matches!(state.standing, Standing::Proving(current) if current == number) {
                state.standing = Standing::Unproven { pause };
                state.failed = Some((number, error));
            }
        });
    }

    /// The credential was sent, and no word of Exchange's has followed. The proof may still end in another way.
    pub(crate) fn unanswered(&mut self, error: ReadError) {
        self.is_settled = true;
        let (number, lock_lasts) = (self.number, self.vault.lock_lasts);
        self.vault.settle(self.generation, |state, now| {
            if matches!(state.standing, Standing::Proving(current) if current == number) {
                let wait = FIRST_WAIT.saturating_mul(1 << state.without_verdict.min(30)).min(lock_lasts);
                let asked = error.retry_after().unwrap_or_default().min(LONGEST_BACK_OFF);
                state.without_verdict = state.without_verdict.saturating_add(1);
                let until = later(now, wait.max(asked));
                let error = error.with_retry_after(Some(until - now));
                state.standing = Standing::Waiting { until, error: error.clone() };
                state.failed = Some((number, error));
            }
        });
    }
}

impl Drop for Proof {
    fn drop(&mut self) {
        if !self.is_settled {
            self.unanswered(ReadError::internal());
        }
    }
}

fn locked(wait: Duration) -> ReadError {
    let fact = Text::fixed(
        "der Server hat diese Zugangsdaten abgelehnt, und seither wurden sie nicht geändert",
        "the server refused this credential, and it has not been replaced since",
    );
    ReadError::new(ReadErrorKind::CredentialsLocked, fact).with_retry_after(Some(wait))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: Duration = Duration::from_secs(600);

    fn vault(lock_lasts: Duration) -> Arc<Vault> {
        Arc::new(Vault::new(Credentials::basic("STADT\\svc-optigov", "falsch"), lock_lasts))
    }

    fn reset() -> ReadError {
        ReadError::new(ReadErrorKind::Interrupted, Text::fixed("abgebrochen", "broken off")).before_the_answer()
    }

    fn refusal() -> ReadError {
        ReadError::new(ReadErrorKind::CredentialsRefused, Text::fixed("abgelehnt", "refused"))
    }

    /// The credential, where each proof ends in this way.
    async fn admitted(vault: &Arc<Vault>, end: impl Fn(Proof)) -> Result<Admission, ReadError> {
        vault.admit(end).await
    }

    fn no_proof(_: Proof) {
        panic!("another proof began");
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_locks_until_the_time_has_passed_or_the_credential_is_replaced() {
        let vault = vault(LOCK);
        let error = admitted(&vault, |proof| proof.refused(refusal())).await.err().expect("refused");
        assert_eq!(error.kind(), ReadErrorKind::CredentialsRefused);
        let error = admitted(&vault, no_proof).await.err().expect("locked");
        assert_eq!((error.kind(), error.retry_after()), (ReadErrorKind::CredentialsLocked, Some(LOCK)));
        tokio::time::advance(LOCK).await;
        admitted(&vault, Proof::accepted).await.expect("a second try, after the lock");
        tokio::time::advance(Duration::from_secs(3_600)).await;
        let admission = admitted(&vault, no_proof).await.expect("it stays in use");
        assert_eq!(admission.unauthorized(WasSent::Yes), Unauthorized::Locked);
        vault.replace(Credentials::basic("STADT\\svc-optigov", "richtig"));
        admitted(&vault, Proof::accepted).await.expect("a new credential");
    }

    #[tokio::test(start_paused = true)]
    async fn a_lock_of_any_length_holds() {
        let vault = vault(Duration::MAX);
        admitted(&vault, |proof| proof.refused(refusal())).await.err().expect("refused");
        tokio::time::advance(Duration::from_secs(365 * 86_400)).await;
        let error = admitted(&vault, no_proof).await.err().expect("locked");
        assert_eq!(error.kind(), ReadErrorKind::CredentialsLocked);
    }

    #[tokio::test(start_paused = true)]
    async fn a_proof_without_a_verdict_makes_the_next_one_wait_and_each_time_for_longer() {
        let vault = vault(Duration::from_secs(30));
        for wait in [5, 10, 20, 30, 30].map(Duration::from_secs) {
            let error = admitted(&vault, |mut proof| proof.unanswered(reset())).await.err().expect("no verdict");
            assert_eq!((error.kind(), error.retry_after()), (ReadErrorKind::Interrupted, Some(wait)));
            let held = admitted(&vault, no_proof).await.err().expect("held back");
            assert_eq!((held.kind(), held.step(), held.retry_after()), (ReadErrorKind::Interrupted, None, Some(wait)));
            tokio::time::advance(wait - Duration::from_millis(1)).await;
            assert!(admitted(&vault, no_proof).await.is_err(), "not before its time");
            tokio::time::advance(Duration::from_millis(1)).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_proof_that_is_lost_counts_as_one_without_a_verdict() {
        let vault = vault(LOCK);
        assert!(admitted(&vault, drop).await.is_err());
        assert!(admitted(&vault, no_proof).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_not_sent_locks_nothing() {
        let vault = vault(LOCK);
        for _ in 0..3 {
            let error = admitted(&vault, |proof| proof.not_sent(reset())).await.err().expect("no connection");
            assert_eq!(error.retry_after(), None);
        }
        admitted(&vault, Proof::accepted).await.expect("the first try");
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_that_comes_late_locks() {
        let vault = vault(LOCK);
        let kept = Mutex::new(None);
        admitted(&vault, |mut proof| {
            proof.unanswered(reset());
            *kept.lock().expect("the proof") = Some(proof);
        })
        .await
        .err()
        .expect("no verdict");
        tokio::time::advance(Duration::from_secs(60)).await;
        kept.into_inner().expect("the proof").expect("a proof").refused(refusal());
        let error = admitted(&vault, no_proof).await.err().expect("locked");
        assert_eq!(error.kind(), ReadErrorKind::CredentialsLocked);
    }

    #[tokio::test(start_paused = true)]
    async fn one_proof_is_under_way_at_a_time_and_all_who_wait_hear_its_end() {
        let vault = vault(LOCK);
        let kept = Mutex::new(None);
        let keep = |proof: Proof| assert!(kept.lock().expect("the proof").replace(proof).is_none(), "a second proof");
        let refuse = async { kept.lock().expect("the proof").take().expect("a proof").refused(refusal()) };
        let kind = |admitted: Result<Admission, ReadError>| admitted.err().map(|error| error.kind());
        let (first, second, third, ()) = tokio::join!(vault.admit(keep), vault.admit(keep), vault.admit(keep), refuse);
        assert_eq!(kind(first), Some(ReadErrorKind::CredentialsRefused));
        assert_eq!([kind(second), kind(third)], [Some(ReadErrorKind::CredentialsLocked); 2]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_401_shortly_after_an_accepted_request_is_held_against_one_more_proof() {
        let vault = vault(LOCK);
        let admission = admitted(&vault, Proof::accepted).await.expect("proven");
        let beside = admitted(&vault, no_proof).await.expect("proven");
        tokio::time::advance(SURE).await;
        assert_eq!(admission.unauthorized(WasSent::Yes), Unauthorized::InDoubt);
        assert_eq!(beside.unauthorized(WasSent::Yes), Unauthorized::InDoubt);
        let confirm = |proof: Proof| {
            assert_eq!(proof.pause, PAUSE);
            proof.accepted();
        };
        let admission = admitted(&vault, confirm).await.expect("confirmed");
        assert_eq!(beside.unauthorized(WasSent::Yes), Unauthorized::InDoubt, "sent before the proof");
        let admission_after = admitted(&vault, no_proof).await.expect("no other proof for that");
        tokio::time::advance(SURE / 2).await;
        admission.accepted();
        tokio::time::advance(SURE).await;
        assert_eq!(admission_after.unauthorized(WasSent::Yes), Unauthorized::InDoubt);
        let error = admitted(&vault, |proof| proof.refused(refusal())).await.err().expect("refused");
        assert_eq!(error.kind(), ReadErrorKind::CredentialsRefused);
        assert_eq!(admitted(&vault, no_proof).await.err().map(|e| e.kind()), Some(ReadErrorKind::CredentialsLocked));
    }

    #[tokio::test(start_paused = true)]
    async fn a_credential_that_was_accepted_long_ago_is_proven_anew_when_nothing_is_heard_of_exchange() {
        let vault = vault(LOCK);
        let admission = admitted(&vault, Proof::accepted).await.expect("proven");
        admission.unanswered();
        admitted(&vault, no_proof).await.expect("a passing fault");
        tokio::time::advance(SURE + Duration::from_secs(1)).await;
        admission.unanswered();
        assert!(admitted(&vault, |mut proof| proof.unanswered(reset())).await.is_err());
        assert!(admitted(&vault, no_proof).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn the_fate_of_an_old_credential_does_not_befall_the_new_one() {
        let vault = vault(LOCK);
        let old = Mutex::new(None);
        let admission = admitted(&vault, |proof| {
            if proof.generation > 0 {
                return proof.accepted();
            }
            *old.lock().expect("the proof") = Some(proof);
            vault.replace(Credentials::basic("STADT\\svc-optigov", "richtig"));
        });
        assert_eq!(admission.await.expect("the new one is proven").generation, 1);
        old.into_inner().expect("the proof").expect("a proof").refused(refusal());
        admitted(&vault, no_proof).await.expect("the new one is free");
    }
}
