//! The connections that wait for the next request, and the proofs of the schemes that put one into every request.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use http::HeaderValue;
use optigov_calendar::{ReadError, ReadErrorKind, Text};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::{Instant, timeout};

use super::connection::Connection;
use crate::{
    credentials::{Login, TokenProvider, TokenReason},
    error::configuration,
};

/// An idle connection is not used again after this time: IIS closes it after two minutes.
const KEPT: Duration = Duration::from_secs(90);

/// The idle connections. With NTLM and `Negotiate` they are authenticated.
#[derive(Default)]
pub(crate) struct Pool {
    idle: Mutex<Vec<Idle>>,
}

struct Idle {
    connection: Connection,
    /// The credential that was used on it.
    generation: u64,
    since: Instant,
}

impl Pool {
    /// The connection that was used last. One that has been closed, or on which something came unasked, is none.
    pub(crate) fn take(&self, generation: u64) -> Option<Connection> {
        let mut idle = self.idle();
        let now = Instant::now();
        idle.retain(|idle| idle.generation == generation && now < idle.since + KEPT && idle.connection.is_open());
        idle.pop().map(|idle| idle.connection)
    }

    pub(crate) fn keep(&self, connection: Connection, generation: u64, most: usize) {
        let mut idle = self.idle();
        if connection.is_open() && idle.len() < most {
            idle.push(Idle { connection, generation, since: Instant::now() });
        }
    }

    /// Closes them all.
    pub(crate) fn clear(&self) {
        self.idle().clear();
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// User name and password, as Basic authentication has them.
pub(crate) fn basic(login: &Login) -> Result<HeaderValue, ReadError> {
    let pair = SecretString::from(format!("{}:{}", login.user, login.password.expose_secret()));
    header("Basic", &BASE64_STANDARD.encode(pair.expose_secret()).into())
}

/// A token of the provider's, which has to come within this time.
pub(crate) async fn bearer(
    provider: &dyn TokenProvider,
    reason: TokenReason,
    within: Duration,
) -> Result<HeaderValue, ReadError> {
    let given = timeout(within, provider.token(reason)).await.map_err(|_| {
        let fact = Text::fixed(
            "die Quelle der Zugriffstoken antwortet nicht",
            "the provider of access tokens does not answer",
        );
        ReadError::new(ReadErrorKind::Token, fact)
    })?;
    let token = given.map_err(|error| {
        let fact = Text::fixed(
            "die Quelle der Zugriffstoken meldet einen Fehler",
            "the provider of access tokens reports an error",
        );
        ReadError::new(ReadErrorKind::Token, fact).with_source(error)
    })?;
    header("Bearer", &token)
}

fn header(scheme: &str, proof: &SecretString) -> Result<HeaderValue, ReadError> {
    let mut value = HeaderValue::from_str(&format!("{scheme} {}", proof.expose_secret())).map_err(|_| {
        configuration(
            "die Zugangsdaten enthalten Zeichen, die in keinem HTTP-Header stehen dürfen",
            "the credential holds characters that a header cannot carry",
        )
    })?;
    value.set_sensitive(true);
    Ok(value)
}
