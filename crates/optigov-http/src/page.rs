//! A web page that stands where a service should answer.

use http::header;
use optigov_calendar::{ReadError, ReadErrorKind, Text};

use crate::Answer;

/// What an answer means that is a web page: a form that asks for a password, or no service at all. `None` where it is none.
pub fn web_page(answer: &Answer) -> Option<ReadError> {
    let kind = answer.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !kind.trim_start().to_ascii_lowercase().starts_with("text/html") {
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
