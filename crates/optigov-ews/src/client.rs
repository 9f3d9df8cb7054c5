use std::{
    fmt,
    hash::{BuildHasher, RandomState},
    sync::{Arc, OnceLock, atomic::AtomicI64},
    time::Duration,
};

use bytes::Bytes;
use http::{StatusCode, header};
use tokio::time::{Instant, timeout_at};

use crate::{
    ConnectingId, Credentials, Error, EwsClientBuilder, Impersonated, Kind, Mailbox, RequestVersion, ServerVersion,
    UnexpandedSeries, free_busy, soap,
    transport::{
        Answer, Post, Route, Transport,
        limits::{Charged, Limits},
        vault::Vault,
    },
};

/// A request is tried again this often when the server throttles it or drops the connection; the call's deadline may end it sooner.
const MOST_TRIES: u32 = 6;

/// Reads calendars from one Exchange server with one account.
///
/// Clones are cheap and share connections, limits and the account's standing. Dropping the future of a call ends the call; the client
/// stays usable.
#[derive(Clone)]
pub struct EwsClient {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) route: Route,
    pub(crate) transport: Transport,
    pub(crate) limits: Limits,
    pub(crate) vault: Vault,
    pub(crate) settings: Settings,
    pub(crate) learned: Learned,
}

pub(crate) struct Settings {
    pub(crate) timeout: Duration,
    pub(crate) version: RequestVersion,
    pub(crate) series: UnexpandedSeries,
    pub(crate) entries_per_answer: u32,
    pub(crate) mailboxes_per_request: usize,
    pub(crate) requests_per_call: usize,
}

/// What the server's answers taught.
#[derive(Default)]
pub(crate) struct Learned {
    server: OnceLock<ServerVersion>,
    /// The longest free/busy window in seconds that the server may still take; zero when it has refused none.
    pub(crate) free_busy_window: AtomicI64,
}

/// One request of an operation, and for whom.
pub(crate) struct Call<'a> {
    pub(crate) operation: &'static str,
    pub(crate) body: String,
    /// The mailbox whose server should answer.
    pub(crate) anchor: Option<&'a Mailbox>,
    pub(crate) charged: Charged<'a>,
    pub(crate) deadline: Instant,
}

impl EwsClient {
    /// Starts with a server's EWS address, such as `https://mail.musterstadt.example/EWS/Exchange.asmx`. It is checked by
    /// [`build`](EwsClientBuilder::build).
    pub fn builder(url: &str) -> EwsClientBuilder {
        EwsClientBuilder::new(url)
    }

    pub(crate) fn from_inner(inner: Arc<Inner>) -> EwsClient {
        EwsClient { inner }
    }

    /// Acts for a mailbox, which the server permits by the role `ApplicationImpersonation`. The account then reads as the owner does.
    pub fn impersonate<'a>(&'a self, mailbox: &'a Mailbox) -> Impersonated<'a> {
        Impersonated { client: self, mailbox, id: ConnectingId::default() }
    }

    /// The times at which mailboxes are not free, by `GetUserAvailability` and without impersonation. It needs no more than the
    /// permission `AvailabilityOnly` on each calendar, so it keeps titles from the account.
    ///
    /// Any number of mailboxes and any window: both are split as the server needs it. The results are in the order of `mailboxes`; each
    /// is sorted by start and holds every event that overlaps the window, in its own length.
    ///
    /// # Errors
    /// [`Error::is_configuration`] when the window is empty; otherwise what kept every single request from being answered. What concerns
    /// one mailbox ([`Error::is_mailbox`]), and a request that failed while others succeeded, is in the results.
    pub async fn free_busy(
        &self,
        mailboxes: &[Mailbox],
        start: chrono::DateTime<chrono::Utc>,
        end: chrono::DateTime<chrono::Utc>,
    ) -> Result<Vec<(Mailbox, Result<Vec<crate::FreeBusyEvent>, Error>)>, Error> {
        free_busy::read(self, mailboxes, start, end, self.deadline()).await
    }

    /// Replaces the account's credential, for this client and all its clones. A lock on the old one falls.
    pub fn set_credentials(&self, credentials: Credentials) {
        self.inner.vault.replace(credentials);
    }

    /// The server's version, once an answer has told it.
    pub fn server_version(&self) -> Option<ServerVersion> {
        self.inner.learned.server.get().copied()
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    pub(crate) fn learned(&self) -> &Learned {
        &self.inner.learned
    }

    pub(crate) fn route(&self) -> &Route {
        &self.inner.route
    }

    /// The scheme of the credential.
    pub(crate) fn scheme(&self) -> &'static str {
        self.inner.vault.scheme()
    }

    /// The deadline of a call that begins now.
    pub(crate) fn deadline(&self) -> Instant {
        let now = Instant::now();
        now.checked_add(self.inner.settings.timeout).unwrap_or_else(|| now + Duration::from_secs(365 * 86_400))
    }

    /// Sends one request, again where that is safe, and reads its answer.
    pub(crate) async fn call<T>(
        &self,
        call: Call<'_>,
        read: impl Fn(&[u8]) -> Result<soap::Answer<T>, Error>,
    ) -> Result<T, Error> {
        let id = request_id();
        let body = Bytes::from(call.body);
        let post = Post { body, anchor: call.anchor, id: &id };
        let mut tries = 0;
        loop {
            let once = self.call_once(&post, call.operation, call.charged, call.deadline, &read);
            let late = || Error::new(Kind::Timeout, "the call's deadline passed");
            let error = match timeout_at(call.deadline, once).await.unwrap_or_else(|_| Err(late())) {
                Ok(content) => return Ok(content),
                Err(error) => error.with_request_id(&id),
            };
            tracing::debug!(operation = call.operation, request = id, kind = ?error.kind(), code = ?error.code(), "request failed");
            tries += 1;
            let again = match error.kind() {
                // Unless it was our own memory of an earlier answer that held the request back.
                Kind::Throttled if error.step().is_some() => {
                    let wait = self.inner.limits.throttled(call.charged, error.retry_after(), tries - 1);
                    Instant::now() + wait < call.deadline
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
        charged: Charged<'_>,
        deadline: Instant,
        read: &impl Fn(&[u8]) -> Result<soap::Answer<T>, Error>,
    ) -> Result<T, Error> {
        let inner = &*self.inner;
        let _permit = inner.limits.admit(charged, deadline).await?;
        let admission = inner.vault.admit().await?;
        let answer = inner.transport.post(&inner.route, &admission, post).await.inspect_err(|error| {
            if matches!(error.kind(), Kind::CredentialsRefused | Kind::SchemeNotOffered) {
                admission.refused();
            }
        })?;
        tracing::debug!(
            operation,
            request = post.id,
            status = answer.status.as_u16(),
            bytes = answer.body.len(),
            "answer"
        );
        let answer = interpret(answer, read)?;
        // Only Exchange itself answers in SOAP, and only after it has accepted the credential.
        admission.accepted();
        drop(admission);
        if let Some(server) = answer.server {
            inner.learned.server.get_or_init(|| server);
        }
        let throttled = answer.content.as_ref().is_err_and(Error::is_throttled);
        if !throttled {
            inner.limits.answered();
        }
        answer.content
    }
}

impl fmt::Debug for EwsClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EwsClient").field("host", &self.inner.route.url.host_str()).finish_non_exhaustive()
    }
}

/// Tells EWS from everything else that may answer, and an answer from a refusal.
fn interpret<T>(
    answer: Answer,
    read: impl Fn(&[u8]) -> Result<soap::Answer<T>, Error>,
) -> Result<soap::Answer<T>, Error> {
    let status = answer.status;
    match status {
        StatusCode::OK => {
            let kind =
                answer.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
            match kind.trim_start().to_ascii_lowercase().starts_with("text/html") {
                true => Err(Error::new(Kind::NotEws, "a web page answers instead of EWS")),
                false => read(&answer.body),
            }
        }
        StatusCode::INTERNAL_SERVER_ERROR => {
            let plain = |error| {
                Error::new(Kind::Server, "the server answers with HTTP status 500 and no SOAP fault").with_source(error)
            };
            read(&answer.body).map_err(plain)
        }
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
            let after = answer.headers.get(header::RETRY_AFTER).and_then(|value| retry_after(value.to_str().ok()?));
            let fact = format!("the server is busy: it answers with HTTP status {}", status.as_u16());
            Err(Error::new(Kind::Throttled, fact).with_retry_after(after))
        }
        StatusCode::PROXY_AUTHENTICATION_REQUIRED => Err(Error::new(Kind::Connect, "the proxy refuses its credential")),
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED | StatusCode::GONE => Err(not_ews(status)),
        _ if status.is_redirection() => Err(not_ews(status)),
        _ => Err(Error::new(Kind::Server, format!("the server answers with HTTP status {}", status.as_u16()))),
    }
}

fn not_ews(status: StatusCode) -> Error {
    Error::new(Kind::NotEws, format!("no EWS at this address: the server answers with HTTP status {}", status.as_u16()))
}

/// `Retry-After` in seconds or as a date ([RFC 9110, 10.2.3](https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3)).
fn retry_after(text: &str) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = chrono::DateTime::parse_from_rfc2822(text.trim()).ok()?;
    let now = chrono::DateTime::<chrono::Utc>::from(std::time::SystemTime::now());
    (until.to_utc() - now).to_std().ok()
}

/// A random GUID.
fn request_id() -> String {
    let (high, low) = (RandomState::new().hash_one(0_u8), RandomState::new().hash_one(1_u8));
    let text = format!("{high:016x}{low:016x}");
    format!("{}-{}-4{}-a{}-{}", &text[..8], &text[8..12], &text[13..16], &text[17..20], &text[20..])
}
