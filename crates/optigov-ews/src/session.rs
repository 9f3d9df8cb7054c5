//! One account's dealings with one server: everything that the clones of a client share, and how a single request is sent.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use http::{HeaderValue, StatusCode};
use optigov_calendar::{EwsSettings, Mailbox, ReadError, ReadErrorKind, Route, Text};
use optigov_http::{Again, BodyMode, Connector, LONGEST_BACK_OFF, Limits, OpenBody, Retry, may_back_off};
use tokio::time::{Instant, sleep, timeout_at};
use uuid::Uuid;

use crate::{
    affinity::Affinity,
    codes,
    credentials::Credentials,
    interpret::interpret,
    learned::Learned,
    ops::{get_server_time_zones, get_streaming_events},
    prove,
    soap::{self, ActingFor},
    transport::{
        Post, Transport, forgotten,
        vault::{Proof, Unauthorized, Vault, WasSent},
    },
    version::ServerVersion,
    watch::Hub,
};

pub(crate) struct Session {
    pub(crate) connector: Arc<Connector>,
    pub(crate) vault: Arc<Vault>,
    pub(crate) settings: EwsSettings,
    pub(crate) learned: Learned,
    pub(crate) limits: Limits,
    server: Arc<OnceLock<ServerVersion>>,
    transport: Arc<Transport>,
    pub(crate) hub: Hub,
}

/// One request of an operation, and for whom.
pub(crate) struct Call<'a> {
    pub(crate) operation: &'static str,
    /// Under this id the server's logs hold the request.
    pub(crate) id: Uuid,
    body: String,
    /// The mailbox whose server should answer.
    anchor: Option<&'a Mailbox>,
    affinity: Option<&'a Arc<Affinity>>,
    /// The mailbox to which the server charges the request; `None` for the account itself.
    charged: Option<&'a Mailbox>,
    deadline: Instant,
}

impl Session {
    /// # Errors
    /// [`ReadError::is_configuration`] when something about the route cannot be used.
    pub(crate) fn new(route: Route, credentials: Credentials, settings: EwsSettings) -> Result<Session, ReadError> {
        let own = HeaderValue::from_static(concat!("optigov-ews/", env!("CARGO_PKG_VERSION")));
        let configured = settings.user_agent.as_ref().and_then(|name| HeaderValue::from_str(name.as_str()).ok());
        let connector = Arc::new(Connector::new(route, configured.unwrap_or(own))?);
        Ok(Session {
            transport: Arc::new(Transport::new(connector.clone(), settings.credential_lock)),
            limits: Limits::new(connector.route().in_flight().get()),
            vault: Arc::new(Vault::new(credentials, settings.credential_lock)),
            hub: Hub::new(&settings, connector.route().in_flight().get()),
            settings,
            learned: Learned::default(),
            server: Arc::new(OnceLock::new()),
            connector,
        })
    }

    pub(crate) fn route(&self) -> &Route {
        self.connector.route()
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
        Call {
            operation,
            id: Uuid::new_v4(),
            body,
            anchor: Some(mailbox),
            affinity: None,
            charged: Some(mailbox),
            deadline,
        }
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
        Call { operation, id: Uuid::new_v4(), body, anchor, affinity: None, charged: None, deadline }
    }

    /// Sends one request, again where that is safe, and reads its answer.
    pub(crate) async fn call<T>(
        &self,
        call: Call<'_>,
        read: impl Fn(&[u8]) -> Result<soap::Answer<T>, ReadError>,
    ) -> Result<T, ReadError> {
        let Call { operation, charged, deadline, .. } = call;
        let post = call.post(BodyMode::Whole);
        let mut sent = 0;
        loop {
            let once = self.call_once(&post, operation, charged, deadline, &read);
            let failed = match timeout_at(deadline, once).await.unwrap_or_else(|_| Err(ReadError::deadline().into())) {
                Ok(content) => return Ok(content),
                Err(failed) => failed,
            };
            sent += 1;
            let Failed { error, is_of_the_proof, unauthorized } = failed;
            let error = error.with_request_id(&post.id);
            tracing::debug!(
                operation,
                request = post.id,
                kind = error.kind().as_str(),
                fact = %error,
                status = error.http_status(),
                code = error.code().map(|code| code.as_str()),
                "request failed"
            );
            let again = match unauthorized {
                _ if is_of_the_proof => return Err(capped(error)),
                Some(Unauthorized::Locked) => Again::No,
                _ => Again::after(&error, codes::retry(&error), sent),
            };
            match again {
                Again::After(pause) if Instant::now() + pause < deadline => sleep(pause).await,
                Again::BackOff => {
                    let wait = self.limits.throttled(charged, error.retry_after(), sent - 1);
                    if !may_back_off(sent) || Instant::now() + wait >= deadline {
                        return Err(capped(error));
                    }
                }
                // The credential is good, and the server answers 401 all the same.
                Again::No if unauthorized == Some(Unauthorized::InDoubt) => {
                    self.limits.throttled(charged, None, sent);
                    return Err(refused_while_accepted(error));
                }
                _ => return Err(error),
            }
        }
    }

    async fn call_once<T>(
        &self,
        post: &Post,
        operation: &'static str,
        charged: Option<&Mailbox>,
        deadline: Instant,
        read: &impl Fn(&[u8]) -> Result<soap::Answer<T>, ReadError>,
    ) -> Result<T, Failed> {
        let _permit = self.limits.admit(charged, deadline).await?;
        let admission = self.vault.admit(|proof| self.prove(proof, post)).await;
        let admission = admission.map_err(|error| Failed { error, is_of_the_proof: true, unauthorized: None })?;
        let answer = self.transport.post(&admission.credentials, admission.generation, post).await;
        let answer = match answer {
            Ok(answer) if answer.status == StatusCode::UNAUTHORIZED => {
                let unauthorized = Some(admission.unauthorized(WasSent::No));
                return Err(Failed { error: forgotten(), is_of_the_proof: false, unauthorized });
            }
            Ok(answer) => answer,
            Err(error) if error.kind() == ReadErrorKind::CredentialsRefused => {
                let unauthorized = Some(admission.unauthorized(WasSent::Yes));
                return Err(Failed { error, is_of_the_proof: false, unauthorized });
            }
            Err(error) => {
                admission.unanswered();
                return Err(error.into());
            }
        };
        if let Some(affinity) = &post.affinity {
            affinity.learn(&answer.headers);
        }
        let status = answer.status;
        tracing::debug!(operation, request = post.id, status = status.as_u16(), bytes = answer.body.len(), "answer");
        let with_status = |error: ReadError| match status.is_success() {
            true => error,
            false => error.with_http_status(status.as_u16()),
        };
        let answer = interpret(answer, self.connector.user_agent(), read).map_err(|error| {
            admission.unanswered();
            with_status(error)
        })?;
        // Only Exchange itself answers in SOAP, and only after it has accepted the credential.
        admission.accepted();
        if let Some(server) = answer.server {
            self.server.get_or_init(|| server);
        }
        if !answer.content.as_ref().is_err_and(|error| codes::retry(error) == Retry::BackOff) {
            self.limits.answered(charged);
        }
        answer.content.map_err(|error| with_status(error).into())
    }

    /// Sends one request whose answer stays open, and receives its head. It is no request in flight; whoever asks sees to how many there are, and asks
    /// again.
    pub(crate) async fn listen(&self, call: Call<'_>) -> Result<OpenBody, ReadError> {
        let Call { operation, charged, deadline, .. } = call;
        let post = call.post(BodyMode::Streamed);
        let listening = timeout_at(deadline, self.listen_once(&post, charged, deadline)).await;
        let listening = listening.unwrap_or_else(|_| Err(ReadError::deadline()));
        tracing::debug!(operation, request = post.id, opened = listening.is_ok(), "answer that stays open");
        listening.map_err(|error| capped(error).with_request_id(&post.id))
    }

    async fn listen_once(
        &self,
        post: &Post,
        charged: Option<&Mailbox>,
        deadline: Instant,
    ) -> Result<OpenBody, ReadError> {
        self.limits.turn(charged, deadline).await?;
        let admission = self.vault.admit(|proof| self.prove(proof, post)).await?;
        let mut answer = match self.transport.post(&admission.credentials, admission.generation, post).await {
            Ok(answer) if answer.status == StatusCode::UNAUTHORIZED => {
                admission.unauthorized(WasSent::No);
                return Err(forgotten());
            }
            Ok(answer) => answer,
            Err(error) if error.kind() == ReadErrorKind::CredentialsRefused => {
                admission.unauthorized(WasSent::Yes);
                return Err(error);
            }
            Err(error) => {
                admission.unanswered();
                return Err(error);
            }
        };
        if let Some(affinity) = &post.affinity {
            affinity.learn(&answer.headers);
        }
        if let Some(rest) = answer.rest.take() {
            return Ok(rest);
        }
        let status = answer.status.as_u16();
        let error = match interpret(answer, self.connector.user_agent(), get_streaming_events::read) {
            Ok(answer) => {
                admission.accepted();
                answer.content.err().unwrap_or_else(ReadError::internal)
            }
            Err(error) => {
                admission.unanswered();
                error
            }
        };
        Err(error.with_http_status(status))
    }

    /// Sees to the proof of the credential in a task of its own, so that a caller who gives up neither repeats it nor loses its verdict.
    fn prove(&self, proof: Proof, post: &Post) {
        let id = Uuid::new_v4().to_string();
        let post = match proof.on_behalf {
            true => Post {
                body: post.body.clone(),
                anchor: post.anchor.clone(),
                id,
                affinity: None,
                body_mode: BodyMode::Whole,
            },
            false => {
                let body = soap::envelope(self.settings.request_version, None, get_server_time_zones::REQUEST);
                Post { body: Bytes::from(body), anchor: None, id, affinity: None, body_mode: BodyMode::Whole }
            }
        };
        let idle_timeout = self.route().idle_timeout();
        tokio::spawn(prove::run(proof, self.transport.clone(), self.server.clone(), post, idle_timeout));
    }
}

impl<'a> Call<'a> {
    /// Leads the request to the server that answers the others of its group.
    pub(crate) fn with_affinity(self, affinity: &'a Arc<Affinity>) -> Call<'a> {
        Call { anchor: Some(affinity.anchor()), affinity: Some(affinity), ..self }
    }

    fn post(self, body_mode: BodyMode) -> Post {
        Post {
            body: Bytes::from(self.body),
            anchor: self.anchor.cloned(),
            id: self.id.to_string(),
            affinity: self.affinity.cloned(),
            body_mode,
        }
    }
}

/// Why a request failed, and what that means for the credential.
struct Failed {
    error: ReadError,
    /// It is how the proof of the credential ended, which is never repeated by itself.
    is_of_the_proof: bool,
    /// What a 401 means, where it answered a request with a credential that had been accepted.
    unauthorized: Option<Unauthorized>,
}

impl From<ReadError> for Failed {
    fn from(error: ReadError) -> Failed {
        Failed { error, is_of_the_proof: false, unauthorized: None }
    }
}

/// The same with the time after which it is in fact asked again.
fn capped(error: ReadError) -> ReadError {
    let wait = error.retry_after().map(|wait| wait.min(LONGEST_BACK_OFF));
    error.with_retry_after(wait)
}

fn refused_while_accepted(error: ReadError) -> ReadError {
    let fact = Text::fixed(
        "der Server antwortet mit 401, obwohl er dieselben Zugangsdaten gerade angenommen hat",
        "the server answers 401 although it has just accepted the same credential",
    );
    let throttled = ReadError::new(ReadErrorKind::Throttled, fact).with_http_status(401);
    match error.request_id() {
        Some(id) => throttled.with_request_id(id),
        None => throttled,
    }
}
