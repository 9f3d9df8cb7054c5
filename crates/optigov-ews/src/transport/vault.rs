//! The account's credential, and whether the server takes it.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use optigov_calendar::{ReadError, ReadErrorKind, Text};
use tokio::{sync::MutexGuard, time::Instant};

use crate::Credentials;

/// For so long an accepted credential is used by many requests at once; after that, one request goes ahead alone and shows that it is
/// still good.
const PROOF_LASTS: Duration = Duration::from_secs(60);

/// No lock is longer, so that clocks do not overflow.
const LONGEST_LOCK: Duration = Duration::from_secs(366 * 86_400);

/// Keeps a refused credential from being sent again: directories lock accounts after a few wrong passwords.
///
/// As long as a credential is unproven, one request at a time carries it. So a wrong password is sent once, however many tasks wait.
pub(crate) struct Vault {
    state: Mutex<State>,
    proving: tokio::sync::Mutex<()>,
    lock_lasts: Duration,
}

struct State {
    credentials: Credentials,
    /// Counts replacements, so that the fate of an old credential does not befall a new one.
    generation: u64,
    standing: Standing,
}

#[derive(Clone, Copy)]
enum Standing {
    Unproven,
    Accepted(Instant),
    Refused { until: Instant },
}

/// A credential that may be sent in one request.
pub(crate) struct Admission<'a> {
    pub(crate) credentials: Credentials,
    pub(crate) generation: u64,
    vault: &'a Vault,
    _proving: Option<MutexGuard<'a, ()>>,
}

impl Vault {
    pub(crate) fn new(credentials: Credentials, lock_lasts: Duration) -> Vault {
        let state = State { credentials, generation: 0, standing: Standing::Unproven };
        let lock_lasts = lock_lasts.min(LONGEST_LOCK);
        Vault { state: Mutex::new(state), proving: tokio::sync::Mutex::new(()), lock_lasts }
    }

    pub(crate) fn replace(&self, credentials: Credentials) {
        let mut state = self.state();
        let generation = state.generation + 1;
        *state = State { credentials, generation, standing: Standing::Unproven };
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

    /// # Errors
    /// [`ReadErrorKind::CredentialsLocked`] after a refusal.
    pub(crate) async fn admit(&self) -> Result<Admission<'_>, ReadError> {
        if let Some(admission) = self.try_admit()? {
            return Ok(admission);
        }
        let alone = self.proving.lock().await;
        if let Some(admission) = self.try_admit()? {
            return Ok(admission);
        }
        let state = self.state();
        Ok(Admission {
            credentials: state.credentials.clone(),
            generation: state.generation,
            vault: self,
            _proving: Some(alone),
        })
    }

    /// `None` when the credential has to be proven first.
    fn try_admit(&self) -> Result<Option<Admission<'_>>, ReadError> {
        let state = self.state();
        let now = Instant::now();
        match state.standing {
            Standing::Refused { until } if now < until => {
                let fact = Text::fixed(
                    "der Server hat diese Zugangsdaten abgelehnt, und seither wurden sie nicht geändert",
                    "the server refused this credential, and it has not been replaced since",
                );
                Err(ReadError::new(ReadErrorKind::CredentialsLocked, fact).with_retry_after(Some(until - now)))
            }
            Standing::Accepted(at) if now < at + PROOF_LASTS => Ok(Some(Admission {
                credentials: state.credentials.clone(),
                generation: state.generation,
                vault: self,
                _proving: None,
            })),
            _ => Ok(None),
        }
    }

    /// Whether the credential has been accepted at this instant or later.
    pub(crate) fn accepted_since(&self, instant: Instant) -> bool {
        matches!(self.state().standing, Standing::Accepted(at) if at >= instant)
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn settle(&self, generation: u64, standing: Standing) {
        let mut state = self.state();
        // An acceptance does not lift a lock: the refusal may be the newer fact.
        let locked = matches!(state.standing, Standing::Refused { until } if Instant::now() < until);
        if state.generation == generation && !locked {
            state.standing = standing;
        }
    }
}

impl Admission<'_> {
    /// How long a refusal of the credential is remembered.
    #[cfg(feature = "kerberos")]
    pub(crate) fn lock_lasts(&self) -> Duration {
        self.vault.lock_lasts
    }

    pub(crate) fn accepted(&self) {
        self.vault.settle(self.generation, Standing::Accepted(Instant::now()));
    }

    pub(crate) fn refused(&self) {
        let until = Instant::now() + self.vault.lock_lasts;
        self.vault.settle(self.generation, Standing::Refused { until });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vault() -> Vault {
        Vault::new(Credentials::basic("STADT\\svc-optigov", "falsch"), Duration::from_secs(600))
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_locks_until_the_time_has_passed_or_the_credential_is_replaced() {
        let vault = vault();
        vault.admit().await.expect("a first try").refused();
        let error = vault.admit().await.err().expect("locked");
        assert_eq!(error.kind(), ReadErrorKind::CredentialsLocked);
        assert_eq!(error.retry_after(), Some(Duration::from_secs(600)));
        tokio::time::advance(Duration::from_secs(601)).await;
        let second = vault.admit().await.expect("a second try, after the lock");
        second.accepted();
        drop(second);
        vault.admit().await.expect("accepted").refused();
        vault.replace(Credentials::basic("STADT\\svc-optigov", "richtig"));
        vault.admit().await.expect("a new credential");
    }

    #[tokio::test(start_paused = true)]
    async fn an_unproven_credential_is_out_with_one_request_at_a_time() {
        let vault = vault();
        let first = vault.admit().await.expect("a first try");
        let waiting = tokio::time::timeout(Duration::from_secs(1), vault.admit());
        assert!(waiting.await.is_err(), "a second request went out beside the first");
        first.accepted();
        drop(first);
        let (_a, _b) = (vault.admit().await.expect("proven"), vault.admit().await.expect("proven"));
        tokio::time::advance(PROOF_LASTS).await;
        let _again = vault.admit().await.expect("to be proven again");
        assert!(tokio::time::timeout(Duration::from_secs(1), vault.admit()).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_try_that_is_dropped_lets_the_next_one_go() {
        let vault = vault();
        drop(vault.admit().await.expect("a first try"));
        vault.admit().await.expect("a second one");
    }

    #[tokio::test(start_paused = true)]
    async fn the_fate_of_an_old_credential_does_not_befall_the_new_one() {
        let vault = vault();
        let old = vault.admit().await.expect("a first try");
        vault.replace(Credentials::basic("STADT\\svc-optigov", "richtig"));
        old.refused();
        drop(old);
        vault.admit().await.expect("the new one is free");
    }
}
