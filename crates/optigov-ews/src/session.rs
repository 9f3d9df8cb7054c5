//! One account's dealings with one server: everything that the clones of a client share, and how a single request is sent.

use std::{
    sync::OnceLock,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http::{StatusCode, header};
use optigov_calendar::{EwsSettings, Mailbox, ReadError, ReadErrorKind, Route, Text};
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use crate::{
    credentials::Credentials,
    error::malformed,
    learned::Learned,
    soap::{self, ActingFor},
    transport::{Answer, Post, Transport, connector::Connector, limits::Limits, vault::Vault},
    version::ServerVersion,
};

/// A request is tried again this often when the server throttles it or drops the connection; the call's deadline may end it sooner.
const MOST_TRIES: u32 = 6;

pub(crate) struct Session {
    pub(crate) connector: Connector,
    pub(crate) vault: Vault,
    pub(crate) settings: EwsSettings,
    pub(crate) learned: Learned,
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
            learned: Learned::default(),
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
            // Where nothing was sent, it was our own memory of an earlier answer that held the request back.
            let again = if error.is_throttled() && error.step().is_some() {
                let wait = self.limits.throttled(charged, error.retry_after(), tries - 1);
                Instant::now() + wait < deadline
            } else {
                error.is_before_the_answer() && tries < 3
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
            use ReadErrorKind::{
                AccountDisabled, AccountUnknown, CredentialsRefused, PasswordExpired, SchemeNotOffered,
            };
            if matches!(
                error.kind(),
                CredentialsRefused | SchemeNotOffered | AccountDisabled | AccountUnknown | PasswordExpired
            ) {
                admission.refused();
            }
        })?;
        let status = answer.status;
        tracing::debug!(operation, request = post.id, status = status.as_u16(), bytes = answer.body.len(), "answer");
        let with_status = |error: ReadError| match status.is_success() {
            true => error,
            false => error.with_http_status(status.as_u16()),
        };
        let answer = interpret(answer, read).map_err(with_status)?;
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

/// Tells EWS from everything else that may answer, and an answer from a refusal.
fn interpret<T>(
    answer: Answer,
    read: impl Fn(&[u8]) -> Result<soap::Answer<T>, ReadError>,
) -> Result<soap::Answer<T>, ReadError> {
    if answer.status == StatusCode::OK {
        return if is_web_page(&answer) { Err(web_page(&answer.body)) } else { read(&answer.body) };
    }
    if answer.status == StatusCode::INTERNAL_SERVER_ERROR {
        let said = read(&answer.body).map_err(|error| without_soap(&answer).with_source(error))?;
        return Ok(said.map(|_| {
            Err(malformed(
                "die Antwort meldet Erfolg unter einem HTTP-Status, der einen Fehler meldet",
                "the answer reports success under an HTTP status that reports an error",
            ))
        }));
    }
    // What Exchange itself says of a refusal is worth more than the bare status.
    match read(&answer.body) {
        Ok(said) if said.content.is_err() => Ok(said),
        _ => Err(without_soap(&answer)),
    }
}

fn is_web_page(answer: &Answer) -> bool {
    let kind = answer.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.trim_start().to_ascii_lowercase().starts_with("text/html")
}

fn web_page(body: &[u8]) -> ReadError {
    let page = String::from_utf8_lossy(&body[..body.len().min(1 << 20)]).to_ascii_lowercase();
    let asks_for_a_password =
        ["type=\"password\"", "type='password'", "type=password"].iter().any(|it| page.contains(it));
    match asks_for_a_password {
        true => ReadError::new(
            ReadErrorKind::LogonPage,
            Text::fixed(
                "die Antwort ist eine Webseite, die nach einem Kennwort fragt",
                "the answer is a web page that asks for a password",
            ),
        ),
        false => ReadError::new(
            ReadErrorKind::NotTheService,
            Text::fixed("die Antwort ist eine Webseite", "the answer is a web page"),
        ),
    }
}

/// What an answer means that holds no word of Exchange's. The status itself is told beside the fact.
fn without_soap(answer: &Answer) -> ReadError {
    let status = answer.status;
    let (kind, fact) = match status {
        StatusCode::SERVICE_UNAVAILABLE => (
            ReadErrorKind::Unavailable,
            Text::fixed("die Antwort enthält keine Meldung von Exchange", "the answer holds no message from Exchange"),
        ),
        StatusCode::TOO_MANY_REQUESTS => (
            ReadErrorKind::Throttled,
            Text::fixed("der Server bittet um weniger Anfragen", "the server asks for fewer requests"),
        ),
        StatusCode::PROXY_AUTHENTICATION_REQUIRED => (
            ReadErrorKind::Proxy,
            Text::fixed(
                "der Proxy nimmt Benutzername oder Kennwort nicht an",
                "the proxy does not accept the user name or the password",
            ),
        ),
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED | StatusCode::GONE => (
            ReadErrorKind::NotTheService,
            Text::fixed("unter dem Pfad der Adresse antwortet kein Dienst", "no service answers at the URL's path"),
        ),
        _ if status.is_redirection() => (
            ReadErrorKind::NotTheService,
            Text::fixed("der Server leitet auf eine andere Adresse um", "the server redirects to another address"),
        ),
        StatusCode::FORBIDDEN => (
            ReadErrorKind::Forbidden,
            Text::fixed(
                "der Server verbietet den Zugriff und nennt keinen Grund",
                "the server forbids access and gives no reason",
            ),
        ),
        StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT => (
            ReadErrorKind::Gateway,
            Text::fixed(
                "ein vorgeschalteter Proxy bekommt vom Server keine Antwort",
                "a proxy in front gets no answer from the server",
            ),
        ),
        // Microsoft's "Login Time-out".
        _ if status.as_u16() == 440 => (
            ReadErrorKind::LogonPage,
            Text::fixed(
                "ein vorgeschalteter Proxy verlangt eine neue Anmeldung",
                "a proxy in front asks for a new logon",
            ),
        ),
        _ => (
            ReadErrorKind::Server,
            Text::fixed(
                "die Antwort enthält keine Fehlermeldung von Exchange",
                "the answer holds no error message from Exchange",
            ),
        ),
    };
    let after = answer.headers.get(header::RETRY_AFTER).and_then(|value| retry_after(value.to_str().ok()?));
    ReadError::new(kind, fact).with_retry_after(after)
}

/// `Retry-After` in seconds or as a date ([RFC 9110, 10.2.3](https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3)).
fn retry_after(text: &str) -> Option<Duration> {
    let text = text.trim();
    match text.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => httpdate::parse_http_date(text).ok()?.duration_since(SystemTime::now()).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_read_in_seconds_and_as_a_date() {
        assert_eq!(retry_after(" 25 "), Some(Duration::from_secs(25)));
        let date = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(3_600));
        let wait = retry_after(&date).expect("a wait");
        assert!((3_500..=3_600).contains(&wait.as_secs()), "{wait:?}");
        assert_eq!(retry_after("Mon, 01 Jan 2024 00:00:00 GMT"), None, "a date that has passed asks for no wait");
        assert_eq!(retry_after("bald"), None);
    }
}
