//! A web page that stands where a service should answer.

use http::{HeaderMap, header};
use optigov_calendar::{ReadError, ReadErrorKind, Text};

use crate::HttpResponse;

/// What an answer means that is a web page: a form that asks for a password, or no service at all. `None` where it is none.
pub fn web_page(answer: &HttpResponse) -> Option<ReadError> {
    if !is_web_page(&answer.headers) {
        return None;
    }
    let page = String::from_utf8_lossy(&answer.body[..answer.body.len().min(1 << 20)]).to_ascii_lowercase();
    let asks_for_a_password =
        ["type=\"password\"", "type='password'", "type=password"].iter().any(|it| page.contains(it));
    Some(match asks_for_a_password {
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
    })
}

/// Whether the body is said to be a web page.
pub(crate) fn is_web_page(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.trim_start().to_ascii_lowercase().starts_with("text/html")
}
