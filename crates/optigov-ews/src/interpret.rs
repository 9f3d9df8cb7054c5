//! What an HTTP answer means: an answer of Exchange's, or something else that stands in its place.

use std::time::{Duration, SystemTime};

use http::{StatusCode, header};
use optigov_calendar::{ReadError, ReadErrorKind, Text};

use crate::{error::malformed, soap, transport::Answer};

/// Tells EWS from everything else that may answer, and an answer from a refusal.
pub(crate) fn interpret<T>(
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
