//! What an HTTP answer means: an answer of Exchange's, or something else that stands in its place.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderValue, StatusCode, header};
use optigov_calendar::{ReadError, ReadErrorKind, Text};

use crate::{error::malformed, soap, transport::Answer};

/// A longer wait that a server asks for counts as this one. It is far beyond every deadline, and no sum with it overflows.
const LONGEST_WAIT: Duration = Duration::from_secs(366 * 86_400);

/// Tells EWS from everything else that may answer, and an answer from a refusal. A fault of Exchange's is worth more than the status that
/// it comes with.
pub(crate) fn interpret<T>(
    answer: Answer,
    user_agent: &HeaderValue,
    read: impl Fn(&[u8]) -> Result<soap::Answer<T>, ReadError>,
) -> Result<soap::Answer<T>, ReadError> {
    if answer.status == StatusCode::OK {
        return if is_web_page(&answer) { Err(web_page(&answer.body)) } else { read(&answer.body) };
    }
    match read(&answer.body) {
        Ok(soap::Answer { server, content: Err(fault) }) => {
            let asked = fault.retry_after().or_else(|| asked_wait(&answer));
            Ok(soap::Answer { server, content: Err(fault.with_retry_after(asked)) })
        }
        Ok(soap::Answer { content: Ok(_), .. }) => Err(malformed(
            "die Antwort meldet einen Erfolg unter einem HTTP-Status, der ein Fehler ist",
            "the answer reports a success under an HTTP status that is an error",
        )),
        Err(error) if answer.status == StatusCode::INTERNAL_SERVER_ERROR => {
            Err(without_soap(&answer, user_agent).with_source(error))
        }
        Err(_) => Err(without_soap(&answer, user_agent)),
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
fn without_soap(answer: &Answer, user_agent: &HeaderValue) -> ReadError {
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
        _ if status.is_redirection() && leads_to_the_error_page(&answer.headers) => (
            ReadErrorKind::Transient,
            Text::fixed(
                "der Server leitet auf die Seite um, die er während einer vorübergehenden Störung zeigt",
                "the server redirects to the page that it shows during a passing fault",
            ),
        ),
        _ if status.is_redirection() => (
            ReadErrorKind::NotTheService,
            Text::fixed("der Server leitet auf eine andere Adresse um", "the server redirects to another address"),
        ),
        StatusCode::FORBIDDEN => (ReadErrorKind::Forbidden, forbidden(&answer.headers, user_agent)),
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
    ReadError::new(kind, fact).with_retry_after(asked_wait(answer))
}

/// Whether a redirect leads to `/ews/genericerrorpage.htm`, to which Exchange sends everybody in a passing outage.
fn leads_to_the_error_page(headers: &HeaderMap) -> bool {
    let location = headers.get(header::LOCATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let path = location.split(['?', '#']).next().unwrap_or_default();
    path.rsplit('/').next().is_some_and(|page| page.eq_ignore_ascii_case("genericerrorpage.htm"))
}

/// An access policy knows programs by their user agent, so it is named, and the policy's reason where that is one plain word.
fn forbidden(headers: &HeaderMap, user_agent: &HeaderValue) -> Text {
    let name = user_agent.to_str().unwrap_or_default();
    let reason = headers.get("x-ews-policy-reason").and_then(|value| value.to_str().ok()).map(str::trim);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    match reason.filter(|reason| (1..=64).contains(&reason.len()) && reason.bytes().all(plain)) {
        Some(reason) => Text::new(
            format!("der Server verbietet dem Programm „{name}“ den Zugriff; als Grund nennt er {reason}"),
            format!("the server forbids access to the program \"{name}\"; the reason it gives is {reason}"),
        ),
        None => Text::new(
            format!("der Server verbietet dem Programm „{name}“ den Zugriff und nennt keinen Grund"),
            format!("the server forbids access to the program \"{name}\" and gives no reason"),
        ),
    }
}

/// How long the answer's headers ask to wait.
fn asked_wait(answer: &Answer) -> Option<Duration> {
    answer.headers.get(header::RETRY_AFTER).and_then(|value| retry_after(value.to_str().ok()?))
}

/// A wait in milliseconds, as in `BackOffMilliseconds`. What is no number asks for nothing.
pub(crate) fn milliseconds(text: &str) -> Option<Duration> {
    whole_number(text).map(Duration::from_millis).map(|wait| wait.min(LONGEST_WAIT))
}

/// A number of any length; one that is too large for its type is the largest.
fn whole_number(text: &str) -> Option<u64> {
    let text = text.trim();
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u64::MAX))
}

/// `Retry-After` in seconds or as a date ([RFC 9110, 10.2.3](https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3)).
fn retry_after(text: &str) -> Option<Duration> {
    let wait = match whole_number(text) {
        Some(seconds) => Some(Duration::from_secs(seconds)),
        None => httpdate::parse_http_date(text.trim()).ok()?.duration_since(SystemTime::now()).ok(),
    };
    wait.map(|wait| wait.min(LONGEST_WAIT))
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

    #[test]
    fn a_wait_of_any_size_is_read_and_bounded() {
        for endless in ["9223372036854775808", "99999999999999999999999999", "Fri, 31 Dec 9999 23:59:59 GMT"] {
            assert_eq!(retry_after(endless), Some(LONGEST_WAIT), "{endless}");
        }
        for endless in ["9223372036854775808", "18446744073709551616"] {
            assert_eq!(milliseconds(endless), Some(LONGEST_WAIT), "{endless}");
        }
        assert_eq!(milliseconds(" 25000 "), Some(Duration::from_secs(25)));
        for nothing in ["", "-1", "-9223372036854775808", "1.5", "bald", "0x10"] {
            assert_eq!((retry_after(nothing), milliseconds(nothing)), (None, None), "{nothing}");
        }
    }

    #[test]
    fn only_the_error_page_of_exchange_stands_for_a_passing_fault() {
        let leads = |location: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::LOCATION, HeaderValue::from_static(location));
            leads_to_the_error_page(&headers)
        };
        assert!(leads("/ews/genericerrorpage.htm?aspxerrorpath=/ews/exchange.asmx"));
        assert!(leads("https://mail.musterstadt.example/EWS/GenericErrorPage.htm"));
        assert!(!leads("/owa/auth/logon.aspx?url=/ews/genericerrorpage.htm") && !leads("/"));
    }
}
