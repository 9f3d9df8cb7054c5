//! What an HTTP answer of Graph's means, on its own or as a part of a batch: content, or why there is none.

use std::time::Duration;

use optigov_calendar::{ReadError, ReadErrorKind, Step, Text};
use optigov_http::{HttpResponse, asked_wait, web_page};
use serde::Deserialize;

use crate::{codes, page::Word, texts};

/// An answer that is no success.
pub(crate) struct Refusal<'a> {
    pub(crate) status: u16,
    pub(crate) body: &'a [u8],
    /// How long its headers ask to wait.
    pub(crate) asked_wait: Option<Duration>,
    /// By which Microsoft's support finds the request.
    pub(crate) request_id: Option<String>,
}

/// The body of a success.
///
/// # Errors
/// What the answer says in its place, and what stands in Graph's place.
pub(crate) fn content(answer: &HttpResponse, user_agent: &str) -> Result<(), ReadError> {
    let request_id = request_id(answer.headers.get("request-id").and_then(|value| value.to_str().ok()));
    if answer.status.is_success() {
        return match web_page(answer) {
            Some(page) => Err(texts::in_words_of_graph(page)),
            None => Ok(()),
        };
    }
    let refusal = Refusal {
        status: answer.status.as_u16(),
        body: &answer.body,
        asked_wait: asked_wait(&answer.headers),
        request_id,
    };
    match web_page(answer) {
        Some(page) if refusal.code().is_none() && page.kind() == ReadErrorKind::LogonPage => {
            Err(texts::in_words_of_graph(page.with_http_status(refusal.status)))
        }
        _ => Err(refusal.error(user_agent)),
    }
}

/// An id that can be one: letters, digits and hyphens. Anything else could carry an address.
pub(crate) fn request_id(text: Option<&str>) -> Option<String> {
    let text = text?.trim();
    let fits = (8..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    fits.then(|| text.to_owned())
}

#[derive(Deserialize)]
struct RawRefusal<'a> {
    #[serde(borrow)]
    error: RawError<'a>,
}

#[derive(Deserialize)]
struct RawError<'a> {
    #[serde(borrow)]
    code: Word<'a>,
    #[serde(borrow, default, rename = "innerError", alias = "innererror")]
    inner: Option<RawInner<'a>>,
}

#[derive(Deserialize)]
struct RawInner<'a> {
    #[serde(borrow, default, rename = "request-id")]
    request_id: Option<Word<'a>>,
}

impl<'a> Refusal<'a> {
    fn parsed(&self) -> Option<RawError<'a>> {
        serde_json::from_slice::<RawRefusal<'a>>(self.body).ok().map(|refusal| refusal.error)
    }

    fn code(&self) -> Option<String> {
        self.parsed().map(|error| error.code.0.into_owned())
    }

    /// The error that it stands for. An access policy knows programs by their user agent, so that is named where a policy may be the reason.
    pub(crate) fn error(&self, user_agent: &str) -> ReadError {
        let parsed = self.parsed();
        let code = parsed.as_ref().map(|error| error.code.0.as_ref());
        let kind = codes::kind(self.status, code);
        let fact = match kind {
            ReadErrorKind::Forbidden => Text::new(
                format!("Microsoft Graph verbietet dem Programm „{user_agent}“ den Zugriff"),
                format!("Microsoft Graph forbids access to the program \"{user_agent}\""),
            ),
            ReadErrorKind::NotTheService if (300..=399).contains(&self.status) => {
                Text::fixed("der Server leitet auf eine andere Adresse um", "the server redirects to another address")
            }
            _ if code.is_none() => Text::fixed(
                "die Antwort enthält keine Fehlermeldung von Microsoft Graph",
                "the answer holds no error message from Microsoft Graph",
            ),
            _ => Text::fixed("Microsoft Graph lehnt die Anfrage ab", "Microsoft Graph refuses the request"),
        };
        let error = texts::in_words_of_graph(ReadError::new(kind, fact)).with_http_status(self.status);
        let error = match kind {
            ReadErrorKind::Token => error.at(Step::Authentication),
            ReadErrorKind::AccessDenied | ReadErrorKind::ConsentMissing | ReadErrorKind::Forbidden => {
                error.at(Step::Rights)
            }
            _ if error.is_mailbox() => error.at(Step::Calendar),
            _ => error.at(Step::Service),
        };
        let error = match code {
            Some(code) => error.with_code(code),
            None => error,
        };
        let inner = parsed.as_ref().and_then(|error| error.inner.as_ref()?.request_id.as_ref());
        let id = request_id(inner.map(|id| id.0.as_ref())).or_else(|| self.request_id.clone());
        let error = error.with_retry_after(self.asked_wait);
        match id {
            Some(id) => error.with_request_id(&id),
            None => error,
        }
    }
}

#[cfg(test)]
mod tests {
    use optigov_calendar::Language;
    use proptest::prelude::*;

    use super::*;

    fn error(status: u16, body: &str) -> ReadError {
        Refusal { status, body: body.as_bytes(), asked_wait: None, request_id: None }.error("optigov-graph/0")
    }

    #[test]
    fn status_code_and_the_request_id_of_the_server_are_told() {
        for spelling in ["innerError", "innererror"] {
            let body = format!(
                r#"{{"error": {{"code": "ErrorItemNotFound", "message": "geheim", "{spelling}": {{"date": "2026-11-24T08:00:00",
                   "request-id": "5d6c0b3e-0000-4000-8000-000000000000"}}}}}}"#
            );
            let error = error(404, &body);
            assert_eq!(error.kind(), ReadErrorKind::MailboxDefective);
            assert_eq!(error.http_status(), Some(404));
            assert_eq!(error.code().map(|code| code.as_str()), Some("ErrorItemNotFound"));
            assert_eq!(error.request_id(), Some("5d6c0b3e-0000-4000-8000-000000000000"));
            let texts = Language::ALL.map(|language| error.describe(language)).concat();
            assert!(!texts.contains("geheim") && !format!("{error:?}").contains("geheim"));
        }
    }

    #[test]
    fn what_can_be_an_address_is_no_id() {
        assert_eq!(request_id(Some("anna@musterstadt.example")), None);
        assert_eq!(request_id(Some("kurz")), None);
        assert_eq!(request_id(None), None);
        assert_eq!(request_id(Some(" 00000001-6a7b ")), Some("00000001-6a7b".to_owned()));
    }

    proptest! {
        #[test]
        fn whatever_comes_is_an_error_that_repeats_nothing(status in 100_u16..999, text in "[a-z ]{0,20}GEHEIM[\"{}:, a-z]{0,40}") {
            let error = error(status, &text);
            let shown = format!("{error:?} {}", Language::ALL.map(|language| error.describe(language)).concat());
            prop_assert!(!shown.contains("GEHEIM"));
        }
    }
}
