//! One account's dealings with one server: everything that the clones of a client share, and how a single request is sent.

use std::{
    sync::{OnceLock, atomic::AtomicI64},
    time::Duration,
};

use bytes::Bytes;
use optigov_calendar::{EwsSettings, Mailbox, ReadError, ReadErrorKind, Route};
use tokio::time::{Instant, sleep, timeout_at};
use uuid::Uuid;

use crate::{
    codes::{self, Retry},
    credentials::Credentials,
    interpret::interpret,
    soap::{self, ActingFor},
    transport::{Post, Transport, connector::Connector, limits::Limits, vault::Vault},
    version::ServerVersion,
};

/// A request is tried again this often when the server throttles it or drops the connection; the call's deadline may end it sooner.
const MOST_TRIES: u32 = 6;

pub(crate) struct Session {
    pub(crate) connector: Connector,
    pub(crate) vault: Vault,
    pub(crate) settings: EwsSettings,
    /// The longest free/busy window in seconds that the server may still take; zero when it has refused none.
    pub(crate) longest_free_busy: AtomicI64,
    server: OnceLock<ServerVersion>,
    transport: Transport,
    limits: Limits,
}

/// One request of an operation, and for whom.
pub(crate) struct Call<'a> {
    pub(crate) operation: &'static str,
    /// Under this id the server's logs hold the request.
    pub(crate) id: Uuid,
    body: String,
    /// The mailbox whose server should answer.
    anchor: Option<&'a Mailbox>,
    /// The mailbox to which the server charges the request; `None` for the account itself.
    charged: Option<&'a Mailbox>,
    deadline: Instant,
}

impl Session {
    /// # Errors
    /// [`ReadError::is_configuration`] when something about the route cannot be used.
    pub(crate) fn new(route: Route, credentials: Credentials, settings: EwsSettings) -> Result<Session, ReadError> {
        let connector = Connector::new(route, settings.user_agent.as_ref())?;
        Ok(Session {
            transport: Transport::new(&connector)?,
            limits: Limits::new(connector.route.in_flight().get()),
            vault: Vault::new(credentials, settings.credential_lock),
            settings,
            longest_free_busy: AtomicI64::new(0),
            server: OnceLock::new(),
            connector,
        })
    }

    pub(crate) fn route(&self) -> &Route {
        &self.connector.route
    }

    /// The server's version, once an answer has told it.
    pub(crate) fn server_version(&self) -> Option<ServerVersion> {
        self.server.get().copied()
    }

    /// The deadline of a call that begins now.
    pub(crate) fn deadline(&self) -> Instant {
        Instant::now() + self.route().timeout()
    }

    /// A request for a mailbox, on its behalf.
    pub(crate) fn impersonating<'a>(
        &self,
        mailbox: &'a Mailbox,
        operation: &'static str,
        body: &str,
        deadline: Instant,
    ) -> Call<'a> {
        let acting_for = ActingFor { id: self.settings.connecting_id, mailbox };
        let body = soap::envelope(self.settings.request_version, Some(acting_for), body);
        Call { operation, id: Uuid::new_v4(), body, anchor: Some(mailbox), charged: Some(mailbox), deadline }
    }

    /// A request of the account itself, best answered by the server of the mailbox `anchor`.
    pub(crate) fn as_itself<'a>(
        &self,
        anchor: Option<&'a Mailbox>,
        operation: &'static str,
        body: &str,
        deadline: Instant,
    ) -> Call<'a> {
        let body = soap::envelope(self.settings.request_version, None, body);
        Call { operation, id: Uuid::new_v4(), body, anchor, charged: None, deadline }
    }

    /// Sends one request, again where that is safe, and reads its answer.
    pub(crate) async fn call<T>(
        &self,
        call: Call<'_>,
        read: impl Fn(&[u8]) -> Result<soap::Answer<T>, ReadError>,
    ) -> Result<T, ReadError> {
        let Call { operation, id, body, anchor, charged, deadline } = call;
        let (id, body) = (id.to_string(), Bytes::from(body));
        let post = Post { body, anchor, id: &id };
        let mut tries = 0;
        loop {
            let once = self.call_once(&post, operation, charged, deadline, &read);
            let error = match timeout_at(deadline, once).await.unwrap_or_else(|_| Err(ReadError::deadline())) {
                Ok(content) => return Ok(content),
                Err(error) => error.with_request_id(&id),
            };
            tracing::debug!(
                operation,
                request = id,
                kind = error.kind().as_str(),
                fact = %error,
                status = error.http_status(),
                code = error.code().map(|code| code.as_str()),
                "request failed"
            );
            tries += 1;
            let again = match codes::retry(&error) {
                Retry::BackOff => {
                    let wait = self.limits.throttled(charged, error.retry_after(), tries - 1);
                    deadline.checked_duration_since(Instant::now()).is_some_and(|left| wait < left)
                }
                Retry::Gently if tries == 1 => pause(tries, error.retry_after(), deadline).await,
                // An error without a code comes from in front of Exchange, and proves no credential: only a proven one is sent again.
                Retry::Transient if error.code().is_some() || self.vault.is_proven() => {
                    pause(tries, error.retry_after(), deadline).await
                }
                _ => error.is_before_the_answer() && tries < 3,
            };
            if !again || tries == MOST_TRIES {
                return Err(error);
            }
        }
    }

    async fn call_once<T>(
        &self,
        post: &Post<'_>,
        operation: &'static str,
        charged: Option<&Mailbox>,
        deadline: Instant,
        read: &impl Fn(&[u8]) -> Result<soap::Answer<T>, ReadError>,
    ) -> Result<T, ReadError> {
        let _permit = self.limits.admit(charged, deadline).await?;
        let admission = self.vault.admit().await?;
        let answer = self.transport.post(&self.connector, &admission, post).await.inspect_err(|error| {
            if matches!(error.kind(), ReadErrorKind::CredentialsRefused | ReadErrorKind::SchemeNotOffered) {
                admission.refused();
            }
        })?;
        let status = answer.status;
        tracing::debug!(operation, request = post.id, status = status.as_u16(), bytes = answer.body.len(), "answer");
        let with_status = |error: ReadError| match status.is_success() {
            true => error,
            false => error.with_http_status(status.as_u16()),
        };
        let answer = interpret(answer, &self.connector.user_agent, read).map_err(with_status)?;
        // Only Exchange itself answers in SOAP, and only after it has accepted the credential.
        admission.accepted();
        drop(admission);
        if let Some(server) = answer.server {
            self.server.get_or_init(|| server);
        }
        if !answer.content.as_ref().is_err_and(ReadError::is_throttled) {
            self.limits.answered();
        }
        answer.content.map_err(with_status)
    }
}

/// Waits before a request is sent again that met a passing fault; the wait doubles with each try and differs from client to client. Nobody else
/// waits. `false`, at once, where the deadline comes first.
async fn pause(tries: u32, asked: Option<Duration>, deadline: Instant) -> bool {
    const FIRST: Duration = Duration::from_millis(250);
    const LONGEST: Duration = Duration::from_secs(8);
    let usual = FIRST.saturating_mul(1 << tries.min(10)).min(LONGEST).mul_f64(0.5 + fastrand::f64() / 2.0);
    let wait = asked.map_or(usual, |asked| asked.max(usual));
    let fits = deadline.checked_duration_since(Instant::now()).is_some_and(|left| wait < left);
    if fits {
        sleep(wait).await;
    }
    fits
}
