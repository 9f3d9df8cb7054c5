//! One application's dealings with Graph: everything that the clones of a client share, and how a single request is sent.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, StatusCode, header};
use optigov_calendar::{GraphSettings, Mailbox, ReadError, ReadErrorKind, Route, Step, Text};
use optigov_http::{
    Again, CLIENT_REQUEST_ID, HttpResponse, LONGEST_BACK_OFF, Limits, error::configuration, may_back_off,
};
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout_at},
};
use uuid::Uuid;

use crate::{
    answer, codes,
    credentials::GraphCredentials,
    host::Host,
    sts::at_the_authority,
    texts,
    tokens::{Token, Tokens},
};

/// What every request for calendars prefers: times in UTC, in which no hour occurs twice, and ids that stay.
pub(crate) const PREFER: &str = "outlook.timezone=\"UTC\", IdType=\"ImmutableId\"";

/// So many parts of a batch Outlook runs at a time.
const PARTS_AT_A_TIME: u32 = 4;

pub(crate) struct Session {
    pub(crate) graph: Host,
    pub(crate) tokens: Arc<Tokens>,
    pub(crate) settings: GraphSettings,
    /// Which mailbox is to be left alone until when.
    pub(crate) limits: Limits,
    /// The requests that Graph may be at work on for this application.
    places: Semaphore,
    most_places: u32,
    /// Whether a calendar was read, so that the application has been granted something.
    granted: AtomicBool,
}

/// One request. `target` is its path and query after the version.
pub(crate) struct Call<'a> {
    pub(crate) operation: &'static str,
    pub(crate) target: &'a str,
    /// The body of a `POST`; `None` for a `GET`.
    pub(crate) body: Option<Bytes>,
    /// How many requests Graph is at work on because of this one.
    pub(crate) parts: usize,
}

/// A success.
pub(crate) struct Content {
    pub(crate) body: Vec<u8>,
    /// By which Microsoft's support finds the request.
    pub(crate) request_id: String,
    /// The token that the request carried.
    pub(crate) token: Token,
}

impl Session {
    /// # Errors
    /// [`ReadError::is_configuration`] when something about the route cannot be used.
    pub(crate) fn new(
        route: Route,
        credentials: GraphCredentials,
        settings: GraphSettings,
    ) -> Result<Session, ReadError> {
        let tokens = Arc::new(Tokens::new(&route, settings.clone(), credentials)?);
        let in_flight = route.in_flight().get();
        Ok(Session {
            graph: Host::new(route, settings.user_agent())?,
            tokens,
            settings,
            limits: Limits::new(in_flight),
            places: Semaphore::new(in_flight),
            most_places: u32::try_from(in_flight).unwrap_or(u32::MAX),
            granted: AtomicBool::new(false),
        })
    }

    pub(crate) fn route(&self) -> &Route {
        self.graph.connector.route()
    }

    /// The deadline of a call that begins now.
    pub(crate) fn deadline(&self) -> Instant {
        Instant::now() + self.route().timeout()
    }

    /// How the client names itself.
    pub(crate) fn user_agent(&self) -> &str {
        self.graph.connector.user_agent().to_str().unwrap_or_default()
    }

    /// Sends one request with a token, and once more with another one where Graph refuses the first.
    ///
    /// # Errors
    /// What keeps the content from coming. Nothing else is tried again here.
    pub(crate) async fn send(&self, call: &Call<'_>, deadline: Instant) -> Result<Content, ReadError> {
        let sent = timeout_at(deadline, self.send_untimed(call, deadline)).await;
        sent.unwrap_or_else(|_| Err(ReadError::deadline()))
    }

    async fn send_untimed(&self, call: &Call<'_>, deadline: Instant) -> Result<Content, ReadError> {
        let places = u32::try_from(call.parts).unwrap_or(u32::MAX).clamp(1, PARTS_AT_A_TIME).min(self.most_places);
        let _places =
            self.places.acquire_many(places).await.map_err(|error| ReadError::internal().with_source(error))?;
        loop {
            let token = self.tokens.token(deadline).await?;
            let id = Uuid::new_v4().to_string();
            let request = self.request(call, &token.header, &id)?;
            let answered = self.graph.send(request).await;
            let error = match answered {
                Ok(answer) => match self.content(call, answer, &id, &token) {
                    Ok(content) => return Ok(content),
                    Err(error) => error,
                },
                Err(error) => texts::in_words_of_graph(error).with_request_id(&id),
            };
            tracing::debug!(
                operation = call.operation,
                request = id,
                kind = error.kind().as_str(),
                fact = %error,
                status = error.http_status(),
                code = error.code().map(|code| code.as_str()),
                "request failed"
            );
            if !is_about_the_token(&error) {
                return Err(error);
            }
            if !self.tokens.refused(&token) {
                return Err(refused_anew(&error));
            }
        }
    }

    fn content(&self, call: &Call<'_>, answer: HttpResponse, id: &str, token: &Token) -> Result<Content, ReadError> {
        answer::content(&answer, self.user_agent()).map_err(|error| error.with_request_id(id))?;
        let given = answer.headers.get("request-id").and_then(|value| value.to_str().ok());
        let request_id = answer::request_id(given).unwrap_or_else(|| id.to_owned());
        tracing::debug!(
            operation = call.operation,
            request = request_id,
            status = answer.status.as_u16(),
            bytes = answer.body.len(),
            "answer"
        );
        Ok(Content { body: answer.body, request_id, token: token.clone() })
    }

    fn request(&self, call: &Call<'_>, token: &HeaderValue, id: &str) -> Result<Request<Bytes>, ReadError> {
        let method = if call.body.is_some() { Method::POST } else { Method::GET };
        let mut request = Request::builder()
            .method(method)
            .uri(format!("/v1.0{}", call.target))
            .header(header::AUTHORIZATION, token)
            .header(header::ACCEPT, "application/json")
            .header(header::USER_AGENT, self.graph.connector.user_agent())
            .header("prefer", PREFER)
            .header(CLIENT_REQUEST_ID, id)
            .header("return-client-request-id", "true");
        if call.body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        request.body(call.body.clone().unwrap_or_default()).map_err(|_| {
            configuration("die Anfrage lässt sich so nicht stellen", "the request cannot be made like this")
        })
    }

    /// When a request that failed is sent again, the `sent`-th time being over; `None` where it is not sent again.
    pub(crate) fn again_at(
        &self,
        charged: Option<&Mailbox>,
        error: &ReadError,
        sent: u32,
        deadline: Instant,
    ) -> Option<Instant> {
        // Signing in has its own rules, and a refused credential is not sent again.
        if error.step() == Some(Step::Authentication) || error.is_credentials() {
            return None;
        }
        let asked = error.retry_after().unwrap_or(Duration::ZERO).min(LONGEST_BACK_OFF);
        let at = match Again::after(error, codes::retry(error), sent) {
            Again::After(pause) => Instant::now() + pause.max(asked),
            Again::BackOff => {
                let wait = self.limits.hold_back(charged, error.retry_after(), sent.saturating_sub(1));
                if !may_back_off(sent) {
                    return None;
                }
                Instant::now() + wait
            }
            _ => return None,
        };
        (at < deadline).then_some(at)
    }

    /// A calendar was read.
    pub(crate) fn granted(&self) {
        self.granted.store(true, Ordering::Relaxed);
    }

    /// The error of a mailbox as its caller sees it.
    pub(crate) fn told(&self, error: ReadError) -> ReadError {
        let error = error.clone().with_retry_after(error.retry_after().map(|wait| match error.is_throttled() {
            // After which it is in fact asked again.
            true => wait.min(LONGEST_BACK_OFF),
            false => wait,
        }));
        match error.kind() {
            ReadErrorKind::AccessDenied if !self.granted.load(Ordering::Relaxed) => texts::nothing_granted_yet(error),
            _ => texts::in_words_of_graph(error),
        }
    }
}

/// Whether Graph refuses the token.
pub(crate) fn is_about_the_token(error: &ReadError) -> bool {
    error.kind() == ReadErrorKind::Token && error.http_status() == Some(StatusCode::UNAUTHORIZED.as_u16())
}

/// The error of a token that Graph does not accept although it was issued just now.
pub(crate) fn refused_anew(error: &ReadError) -> ReadError {
    let fact = Text::fixed(
        "Microsoft Graph nimmt auch ein eben erst ausgestelltes Zugriffstoken nicht an",
        "Microsoft Graph does not accept a token that was issued just now, either",
    );
    let refused = at_the_authority(texts::in_words_of_graph(ReadError::new(ReadErrorKind::Token, fact)));
    let refused = refused.with_http_status(401);
    let refused = match error.code() {
        Some(code) => refused.with_code(code.as_str()),
        None => refused,
    };
    match error.request_id() {
        Some(id) => refused.with_request_id(id),
        None => refused,
    }
}
