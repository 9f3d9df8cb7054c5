//! What an HTTP answer means: an answer of Exchange's, or something else that stands in its place.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, StatusCode, header};
use optigov_calendar::{ReadError, ReadErrorKind, Text};
use optigov_http::{HttpResponse, LONGEST_WAIT, asked_wait, web_page, whole_number};

use crate::{error::malformed, soap};

/// Tells EWS from everything else that may answer, and an answer from a refusal. A fault of Exchange's is worth more than the status that
/// it comes with.
pub(crate) fn interpret<T>(
    answer: HttpResponse,
    user_agent: &HeaderValue,
    read: impl Fn(&[u8]) -> Result<soap::Answer<T>, ReadError>,
) -> Result<soap::Answer<T>, ReadError> {
    if answer.status == StatusCode::OK {
        return match web_page(&answer) {
            Some(page) => Err(page),
            None => read(&answer.body),
        };
    }
    match read(&answer.body) {
        Ok(soap::Answer { server, content: Err(fault) }) => {
            let asked = fault.retry_after().or_else(|| asked_wait(&answer.headers));
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

/// What an answer means that holds no word of Exchange's. The status itself is told beside the fact.
fn without_soap(answer: &HttpResponse, user_agent: &HeaderValue) -> ReadError {
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
    ReadError::new(kind, fact).with_retry_after(asked_wait(&answer.headers))
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

/// A wait in milliseconds, as in `BackOffMilliseconds`. What is no number asks for nothing.
pub(crate) fn milliseconds(text: &str) -> Option<Duration> {
    whole_number(text).map(Duration::from_millis).map(|wait| wait.min(LONGEST_WAIT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_of_any_size_is_read_and_bounded() {
        for endless in ["9223372036854775808", "18446744073709551616"] {
            assert_eq!(milliseconds(endless), Some(LONGEST_WAIT), "{endless}");
        }
        assert_eq!(milliseconds(" 25000 "), Some(Duration::from_secs(25)));
        for nothing in ["", "-1", "-9223372036854775808", "1.5", "bald", "0x10"] {
            assert_eq!(milliseconds(nothing), None, "{nothing}");
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
