//! Connections that the server authenticates as a whole, as IIS does for NTLM and Kerberos: every leg runs on one, and later requests on it go
//! without a header, unless the server wants one with each.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use optigov_calendar::ReadError;
use tokio::time::Instant;

use super::{Answer, Post, connection::Connection, connector::Connector, vault::Admission};
use crate::{credentials::Scheme, error::configuration};

/// An idle connection is not used again after this time: IIS closes it after two minutes.
const KEPT: Duration = Duration::from_secs(90);

/// The authenticated connections that wait for the next request.
#[derive(Default)]
pub(crate) struct Connections {
    idle: Mutex<Vec<Idle>>,
    /// The server wants a header with each request.
    per_request: AtomicBool,
}

struct Idle {
    connection: Connection,
    /// The credential that it was authenticated with.
    generation: u64,
    since: Instant,
}

impl Connections {
    /// Sends a request on a connection that is authenticated already, or on a new one.
    pub(crate) async fn post(
        &self,
        connector: &Connector,
        admission: &Admission<'_>,
        post: &Post<'_>,
    ) -> Result<Answer, ReadError> {
        while let Some(mut connection) = self.take(admission.generation) {
            match self.again(&mut connection, connector, admission, post).await {
                Ok(Some(answer)) => {
                    self.keep(connection, admission.generation, connector.route.in_flight().get());
                    return Ok(answer);
                }
                Ok(None) => break,
                // Closed by the server while it was idle.
                Err(error) if error.is_before_the_answer() => {}
                Err(error) => return Err(error),
            }
        }
        let mut connection = Connection::open(connector).await?;
        let answer = self.authenticate(&mut connection, connector, admission, post).await?;
        self.keep(connection, admission.generation, connector.route.in_flight().get());
        Ok(answer)
    }

    /// Sends a request on a connection that was authenticated before. `None` where the server has forgotten the connection's account: no
    /// credential was sent, so none was refused.
    async fn again(
        &self,
        connection: &mut Connection,
        connector: &Connector,
        admission: &Admission<'_>,
        post: &Post<'_>,
    ) -> Result<Option<Answer>, ReadError> {
        let one_leg = admission.credentials.0.is_one_leg();
        if one_leg && self.per_request.load(Ordering::Relaxed) {
            return self.authenticate(connection, connector, admission, post).await.map(Some);
        }
        let answer = connection.post(connector, post.headers(connector), post.body.clone()).await?;
        if answer.status != StatusCode::UNAUTHORIZED {
            return Ok(Some(answer));
        }
        self.per_request.store(one_leg, Ordering::Relaxed);
        match one_leg && connection.is_open() {
            true => self.authenticate(connection, connector, admission, post).await.map(Some),
            false => Ok(None),
        }
    }

    async fn authenticate(
        &self,
        connection: &mut Connection,
        connector: &Connector,
        admission: &Admission<'_>,
        post: &Post<'_>,
    ) -> Result<Answer, ReadError> {
        let answer = match &admission.credentials.0 {
            #[cfg(feature = "ntlm")]
            Scheme::Ntlm(login) => super::ntlm::authenticate(connection, connector, "NTLM", login, post).await?,
            #[cfg(feature = "ntlm")]
            Scheme::Negotiate(login) => {
                super::ntlm::authenticate(connection, connector, "Negotiate", login, post).await?
            }
            #[cfg(feature = "kerberos")]
            Scheme::Kerberos(tickets) => {
                super::kerberos::authenticate(connection, connector, tickets, admission.lock_lasts(), post).await?
            }
            #[cfg(all(feature = "kerberos", feature = "ntlm"))]
            Scheme::KerberosOrNtlm(tickets, login) => {
                let lock_lasts = admission.lock_lasts();
                match super::kerberos::authenticate(connection, connector, tickets, lock_lasts, post).await {
                    Err(error) if super::kerberos::failure::leaves_ntlm(&error) => {
                        tracing::debug!(kind = error.kind().as_str(), "no Kerberos; NTLM is tried");
                        if !connection.is_open() {
                            *connection = Connection::open(connector).await?;
                        }
                        super::ntlm::authenticate(connection, connector, "Negotiate", login, post).await?
                    }
                    result => result?,
                }
            }
            Scheme::Basic(_) | Scheme::Bearer(_) => return Err(ReadError::internal()),
        };
        if let Some(persists) = answer.headers.get("persistent-auth") {
            self.per_request.store(persists.as_bytes().eq_ignore_ascii_case(b"false"), Ordering::Relaxed);
        }
        Ok(answer)
    }

    fn take(&self, generation: u64) -> Option<Connection> {
        let mut idle = self.idle.lock().ok()?;
        let now = Instant::now();
        idle.retain(|idle| idle.generation == generation && now < idle.since + KEPT && idle.connection.is_open());
        idle.pop().map(|idle| idle.connection)
    }

    fn keep(&self, connection: Connection, generation: u64, most: usize) {
        let Ok(mut idle) = self.idle.lock() else { return };
        if connection.is_open() && idle.len() < most {
            idle.push(Idle { connection, generation, since: Instant::now() });
        }
    }
}

/// The headers of a request with a token of a scheme's.
pub(crate) fn with_token(
    connector: &Connector,
    post: &Post<'_>,
    scheme: &str,
    token: &[u8],
) -> Result<HeaderMap, ReadError> {
    let mut headers = post.headers(connector);
    let value = HeaderValue::from_str(&format!("{scheme} {}", BASE64_STANDARD.encode(token)));
    let mut value = value.map_err(|_| {
        configuration(
            "die Zugangsdaten lassen sich nicht in einer Kopfzeile senden",
            "the credential cannot be sent in a header",
        )
    })?;
    value.set_sensitive(true);
    headers.insert(header::AUTHORIZATION, value);
    Ok(headers)
}
