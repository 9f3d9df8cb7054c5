//! The way to the server: one `post`, behind which each authentication scheme has the connection that it needs.

#[cfg(any(feature = "ntlm", feature = "kerberos"))]
mod binding;
mod challenges;
mod headers;
#[cfg(feature = "kerberos")]
pub(crate) mod kerberos;
#[cfg(feature = "ntlm")]
mod ntlm;
#[cfg(feature = "ntlm")]
mod spnego;
pub(crate) mod vault;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header, uri::InvalidUri};
use optigov_calendar::{Mailbox, ReadError, ReadErrorKind, Text};
use optigov_http::{BodyMode, CLIENT_REQUEST_ID, Connection, Connector, HttpResponse, Pool, error::configuration};

use url::Position;

pub(crate) use self::challenges::offered_schemes;
use crate::affinity::Affinity;
#[cfg(feature = "ntlm")]
use crate::credentials::Login;
use crate::credentials::{Credentials, Scheme, TokenReason};

/// One request.
pub(crate) struct Post {
    pub(crate) body: Bytes,
    /// The mailbox whose server should answer.
    pub(crate) anchor: Option<Mailbox>,
    /// The request's own id, which the server logs.
    pub(crate) id: String,
    /// What leads it to the same server as others of its group.
    pub(crate) affinity: Option<Arc<Affinity>>,
    /// How much of the answer to wait for.
    pub(crate) body_mode: BodyMode,
}

/// The connections to the server.
pub(crate) struct Transport {
    connector: Arc<Connector>,
    pool: Pool,
    #[cfg(feature = "kerberos")]
    kerberos: kerberos::Habits,
}

/// How far a new connection has got.
pub(crate) enum Opened {
    /// The next request on it carries the proof of who the account is. None has been sent yet.
    Ready(Ready),
    /// Something else than the server's authentication has answered.
    #[cfg_attr(not(feature = "ntlm"), expect(dead_code, reason = "only a handshake has a leg before the proof"))]
    Answered(HttpResponse),
}

/// A connection on which the next request is a proof.
pub(crate) struct Ready {
    connection: Connection,
    authorization: HeaderValue,
    /// What the server's own proof is held against.
    #[cfg(feature = "kerberos")]
    ticket: Option<kerberos::Sent>,
}

impl Transport {
    /// A verdict of the KDC's is remembered for `credential_lock`.
    #[cfg_attr(not(feature = "kerberos"), expect(unused_variables, reason = "only Kerberos asks a KDC"))]
    pub(crate) fn new(connector: Arc<Connector>, credential_lock: Duration) -> Transport {
        Transport {
            connector,
            pool: Pool::default(),
            #[cfg(feature = "kerberos")]
            kerberos: kerberos::Habits::new(credential_lock),
        }
    }

    /// How the client names itself.
    pub(crate) fn user_agent(&self) -> &HeaderValue {
        self.connector.user_agent()
    }

    /// Sends one request and receives its whole answer: on an idle connection if there is one, else on a new one. A 401 to a request that
    /// carried a proof becomes an error on the way.
    ///
    /// # Errors
    /// What keeps an answer from coming, and a credential that is refused.
    pub(crate) async fn post(
        &self,
        credentials: &Credentials,
        generation: u64,
        post: &Post,
    ) -> Result<HttpResponse, ReadError> {
        let idle_timeout = self.connector.route().idle_timeout();
        if let Some(mut connection) = self.pool.take(generation) {
            #[cfg(feature = "kerberos")]
            if self.kerberos.is_per_request()
                && let Some(tickets) = credentials.0.tickets()
            {
                let ready = kerberos::open(connection, &self.connector, tickets, &self.kerberos).await?;
                return self.deliver(ready, credentials, generation, post, idle_timeout).await;
            }
            let authorization = self.authorization(credentials, TokenReason::Needed).await?;
            let authenticates_itself = authorization.is_none();
            match post.exchange(&mut connection, &self.connector, authorization, post.body.clone(), idle_timeout).await
            {
                // The server wants a token with each request, and another one costs nothing.
                #[cfg(feature = "kerberos")]
                Ok(answer)
                    if authenticates_itself
                        && answer.status == StatusCode::UNAUTHORIZED
                        && matches!(credentials.0, Scheme::Kerberos(_)) =>
                {
                    self.kerberos.set_per_request(true);
                    if connection.is_open()
                        && let Some(tickets) = credentials.0.tickets()
                    {
                        let ready = kerberos::open(connection, &self.connector, tickets, &self.kerberos).await?;
                        return self.deliver(ready, credentials, generation, post, idle_timeout).await;
                    }
                }
                // The server has forgotten the connection's account, or it throttles; no credential was sent, so none was refused.
                Ok(answer) if authenticates_itself && answer.status == StatusCode::UNAUTHORIZED => return Ok(answer),
                Ok(answer) => return self.received(credentials, generation, connection, answer),
                // Closed by the server while it was idle, and the others with it.
                Err(error) if error.is_before_the_answer() => self.pool.clear(),
                Err(error) => return Err(error),
            }
        }
        match self.open(credentials, generation, post, TokenReason::Needed).await? {
            Opened::Ready(ready) => self.deliver(ready, credentials, generation, post, idle_timeout).await,
            Opened::Answered(answer) => Ok(answer),
        }
    }

    /// Opens a connection, as far as it goes without a proof.
    ///
    /// # Errors
    /// What keeps the connection from coming about, and [`ReadErrorKind::SchemeNotOffered`] where that shows before the proof.
    #[cfg_attr(not(feature = "ntlm"), expect(unused_variables, reason = "only a handshake has a leg before the proof"))]
    pub(crate) async fn open(
        &self,
        credentials: &Credentials,
        generation: u64,
        post: &Post,
        reason: TokenReason,
    ) -> Result<Opened, ReadError> {
        let authorization = self.authorization(credentials, reason).await?;
        let connection = Connection::open(&self.connector).await?;
        match (authorization, &credentials.0) {
            (Some(authorization), _) => Ok(Opened::Ready(Ready::new(connection, authorization))),
            #[cfg(feature = "ntlm")]
            (None, Scheme::Ntlm(login) | Scheme::Negotiate(login)) => {
                self.open_ntlm(connection, credentials, generation, login, post).await
            }
            #[cfg(feature = "kerberos")]
            (None, Scheme::Kerberos(tickets)) => {
                kerberos::open(connection, &self.connector, tickets, &self.kerberos).await.map(Opened::Ready)
            }
            #[cfg(all(feature = "kerberos", feature = "ntlm"))]
            (None, Scheme::KerberosOrNtlm(tickets, login)) => {
                match kerberos::open(connection, &self.connector, tickets, &self.kerberos).await {
                    Err(error) if kerberos::failure::leaves_ntlm(&error) => {
                        tracing::debug!(kind = error.kind().as_str(), "no ticket; NTLM is tried");
                        let connection = Connection::open(&self.connector).await?;
                        self.open_ntlm(connection, credentials, generation, login, post).await
                    }
                    ready => ready.map(Opened::Ready),
                }
            }
            (None, _) => Err(ReadError::internal()),
        }
    }

    #[cfg(feature = "ntlm")]
    async fn open_ntlm(
        &self,
        connection: Connection,
        credentials: &Credentials,
        generation: u64,
        login: &Login,
        post: &Post,
    ) -> Result<Opened, ReadError> {
        match ntlm::open(connection, &self.connector, handshake_scheme(credentials), login, post).await? {
            (connection, Ok(authorization)) => Ok(Opened::Ready(Ready::new(connection, authorization))),
            (connection, Err(answer)) => {
                self.received(credentials, generation, connection, answer).map(Opened::Answered)
            }
        }
    }

    /// Sends the request that is the proof, and waits up to `patience` for each part of its answer.
    ///
    /// # Errors
    /// What keeps an answer from coming, and a credential that is refused. In either case the proof may have been written.
    pub(crate) async fn deliver(
        &self,
        ready: Ready,
        credentials: &Credentials,
        generation: u64,
        post: &Post,
        patience: Duration,
    ) -> Result<HttpResponse, ReadError> {
        #[cfg(feature = "kerberos")]
        let ready = match (ready.ticket.is_some(), credentials.0.tickets()) {
            (true, Some(tickets)) => {
                match kerberos::deliver(ready, &self.connector, tickets, &self.kerberos, post, patience).await {
                    #[cfg(feature = "ntlm")]
                    Err(error) if kerberos::failure::leaves_ntlm(&error) && credentials.0.permits_ntlm() => {
                        tracing::debug!(kind = error.kind().as_str(), "the ticket is refused; NTLM is tried");
                        let Scheme::KerberosOrNtlm(_, login) = &credentials.0 else { return Err(error) };
                        let connection = Connection::open(&self.connector).await?;
                        match self.open_ntlm(connection, credentials, generation, login, post).await? {
                            Opened::Ready(ready) => ready,
                            Opened::Answered(answer) => return Ok(answer),
                        }
                    }
                    delivered => {
                        let (connection, answer) = delivered?;
                        return self.received(credentials, generation, connection, answer);
                    }
                }
            }
            _ => ready,
        };
        let Ready { mut connection, authorization, .. } = ready;
        let body = post.body.clone();
        let answer = post.exchange(&mut connection, &self.connector, Some(authorization), body, patience).await?;
        self.received(credentials, generation, connection, answer)
    }

    /// Keeps the connection for the next request, unless the credential was refused on it.
    fn received(
        &self,
        credentials: &Credentials,
        generation: u64,
        connection: Connection,
        mut answer: HttpResponse,
    ) -> Result<HttpResponse, ReadError> {
        if let Some(rest) = answer.rest.take() {
            answer.rest = Some(rest.keeping(connection));
            return Ok(answer);
        }
        if answer.status != StatusCode::UNAUTHORIZED {
            self.pool.keep(connection, generation, self.connector.route().in_flight().get());
            return Ok(answer);
        }
        Err(match credentials.0 {
            // The server has asked for the proof and judged it, whatever it offers now.
            #[cfg(feature = "ntlm")]
            Scheme::Ntlm(_) | Scheme::Negotiate(_) => refused(credentials.scheme(), &HeaderMap::new()),
            #[cfg(all(feature = "kerberos", feature = "ntlm"))]
            Scheme::KerberosOrNtlm(..) => refused(handshake_scheme(credentials), &HeaderMap::new()),
            _ => refused(credentials.scheme(), &answer.headers),
        })
    }

    /// The header that authenticates a request; `None` where the scheme authenticates the connection.
    async fn authorization(
        &self,
        credentials: &Credentials,
        reason: TokenReason,
    ) -> Result<Option<HeaderValue>, ReadError> {
        match &credentials.0 {
            Scheme::Basic(login) => headers::basic(login).map(Some),
            Scheme::Bearer(provider) => {
                headers::bearer(&**provider, reason, self.connector.route().timeout()).await.map(Some)
            }
            #[cfg(feature = "ntlm")]
            Scheme::Ntlm(_) | Scheme::Negotiate(_) => Ok(None),
            #[cfg(feature = "kerberos")]
            _ => Ok(None),
        }
    }
}

impl Ready {
    fn new(connection: Connection, authorization: HeaderValue) -> Ready {
        Ready {
            connection,
            authorization,
            #[cfg(feature = "kerberos")]
            ticket: None,
        }
    }
}

/// The scheme that a handshake of NTLM's goes by.
#[cfg(feature = "ntlm")]
fn handshake_scheme(credentials: &Credentials) -> &'static str {
    match credentials.0 {
        Scheme::Ntlm(_) => "NTLM",
        _ => "Negotiate",
    }
}

impl Post {
    /// Sends it with this proof and this body, and receives its whole answer. After an error the connection is of no more use.
    ///
    /// # Errors
    /// What keeps the answer from coming.
    async fn exchange(
        &self,
        connection: &mut Connection,
        connector: &Connector,
        authorization: Option<HeaderValue>,
        body: Bytes,
        patience: Duration,
    ) -> Result<HttpResponse, ReadError> {
        let mut headers = self.headers(connector);
        headers.extend(authorization.map(|value| (header::AUTHORIZATION, value)));
        connection.exchange_with(connector, request(connector, headers, body)?, patience, self.body_mode).await
    }

    /// The headers of every request, without the one that authenticates.
    fn headers(&self, connector: &Connector) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/xml; charset=utf-8"));
        headers.insert(header::ACCEPT, HeaderValue::from_static("text/xml"));
        headers.insert(header::USER_AGENT, connector.user_agent().clone());
        headers.insert("return-client-request-id", HeaderValue::from_static("true"));
        let anchor = self.anchor.as_ref().map(Mailbox::as_str);
        let optional = [(CLIENT_REQUEST_ID, Some(self.id.as_str())), ("x-anchormailbox", anchor)];
        for (name, text) in optional {
            if let Some(mut value) = text.and_then(|text| HeaderValue::from_str(text).ok()) {
                value.set_sensitive(name == "x-anchormailbox");
                headers.insert(name, value);
            }
        }
        if let Some(affinity) = &self.affinity {
            affinity.add_to(&mut headers);
        }
        headers
    }
}

/// A request to the address of the web services.
///
/// # Errors
/// [`ReadErrorKind::Configuration`] where its path cannot be part of a request.
pub(crate) fn request(connector: &Connector, headers: HeaderMap, body: Bytes) -> Result<Request<Bytes>, ReadError> {
    let mut request = Request::new(body);
    *request.method_mut() = Method::POST;
    *request.uri_mut() =
        connector.route().url()[Position::BeforePath..Position::AfterQuery].parse().map_err(|error: InvalidUri| {
            configuration("die Adresse lässt sich so nicht verwenden", "the URL cannot be used like this")
                .with_source(error)
        })?;
    *request.headers_mut() = headers;
    Ok(request)
}

/// The error of a 401 to a request that carried no proof, on a connection that had been authenticated.
pub(crate) fn forgotten() -> ReadError {
    let fact = Text::fixed(
        "der Server verlangt auf einer angemeldeten Verbindung eine neue Anmeldung",
        "the server asks for another logon on a connection that it had authenticated",
    );
    ReadError::new(ReadErrorKind::CredentialsRefused, fact).with_http_status(401)
}

/// The error that a 401 stands for: another scheme is wanted, or the credential is wrong.
fn refused(scheme: &str, headers: &HeaderMap) -> ReadError {
    let offered = offered_schemes(headers);
    if offered.is_empty() || offered.iter().any(|name| name.eq_ignore_ascii_case(scheme)) {
        let fact = Text::new(
            format!("der Server nimmt die Zugangsdaten nicht an (Verfahren {scheme})"),
            format!("the server does not accept the credential (authentication: {scheme})"),
        );
        return ReadError::new(ReadErrorKind::CredentialsRefused, fact).with_http_status(401);
    }
    not_offered(scheme, &offered)
}

fn not_offered(scheme: &str, offered: &[String]) -> ReadError {
    let fact = if offered.is_empty() {
        Text::new(
            format!("der Server bietet weder {scheme} noch ein anderes Anmeldeverfahren an"),
            format!("the server offers neither {scheme} authentication nor any other"),
        )
    } else {
        let offered = offered.join(", ");
        Text::new(
            format!("der Server bietet {scheme} nicht an, sondern nur {offered}"),
            format!("the server does not offer {scheme} authentication, only {offered}"),
        )
    };
    ReadError::new(ReadErrorKind::SchemeNotOffered, fact).with_http_status(401)
}
