//! What is answered to a request that is not carried out: one shape for all, the problem details of RFC 9457.

use std::error::Error as _;

use axum::Json;
use axum::extract::rejection::{FormRejection, JsonRejection, PathRejection, QueryRejection, StringRejection};
use axum::extract::{FromRequest, FromRequestParts};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use optigov_availability::{Error, Faults, InvalidMailbox, Language, Text};
use optigov_counter::Fault;
use serde::Serialize;
use utoipa::ToSchema;

/// Why a request is not carried out.
#[derive(Clone, Debug)]
pub struct Problem {
    pub(super) status: StatusCode,
    /// The name of the problem for programs.
    code: &'static str,
    message: Text,
    pub(super) faults: Vec<Complaint>,
}

/// Why a request is not carried out, as RFC 9457 writes it (`application/problem+json`).
#[derive(Serialize, ToSchema)]
pub struct ProblemDetails<'a> {
    /// Always `about:blank`: the status and `code` say what it is.
    #[serde(rename = "type")]
    #[schema(example = "about:blank")]
    kind: &'a str,
    /// The name of the status.
    title: &'a str,
    /// The HTTP status.
    status: u16,
    /// What is wrong, in German.
    detail: &'a str,
    /// The name of the problem for programs.
    code: &'a str,
    /// What is wrong, in both languages.
    #[schema(value_type = BothLanguages)]
    message: &'a Text,
    /// The faults of a document, each with its place; left out where no document is at fault.
    #[serde(skip_serializing_if = "<[Complaint]>::is_empty")]
    faults: &'a [Complaint],
}

/// A text in German and in English.
#[derive(ToSchema)]
pub struct BothLanguages {
    /// German.
    pub de: String,
    /// English.
    pub en: String,
}

/// A fault of a counter's document.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Complaint {
    /// Its place in the document, as `exchange_sync.mailboxes[0]`.
    pub(super) path: String,
    /// The name of the fault for programs.
    pub(super) code: String,
    /// The line of the text, counted from 1, where there is one.
    pub(super) line: Option<u32>,
    /// The column, counted from 1.
    pub(super) column: Option<u32>,
    /// What is wrong.
    #[schema(value_type = BothLanguages)]
    pub(super) message: Text,
    /// What to do about it.
    #[schema(value_type = BothLanguages)]
    pub(super) remedy: Text,
}

/// What stands in the address after the question mark.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Query), rejection(Problem))]
pub(super) struct Query<T>(pub(super) T);

/// What stands in the address's path.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(Problem))]
pub(super) struct Path<T>(pub(super) T);

/// A body of JSON.
#[derive(FromRequest)]
#[from_request(via(axum::Json), rejection(Problem))]
pub(super) struct Body<T>(pub(super) T);

impl Problem {
    pub(super) fn new(status: StatusCode, code: &'static str, message: Text) -> Problem {
        Problem { status, code, message, faults: Vec::new() }
    }

    pub(super) fn bad(de: &'static str, en: &'static str) -> Problem {
        Problem::new(StatusCode::BAD_REQUEST, "malformed", Text::fixed(de, en))
    }

    pub(super) fn of_document(faults: Vec<Complaint>) -> Problem {
        let text = Text::fixed("Die Angaben sind nicht in Ordnung.", "The document is at fault.");
        Problem { faults, ..Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "faults", text) }
    }

    /// What is wrong, in German.
    pub(super) fn detail(&self) -> &str {
        self.message.in_language(Language::German)
    }

    /// What cannot be read of a request. The framework's text is in English and quotes the request, so it stays out of the answer.
    fn unreadable(status: StatusCode) -> Problem {
        match status {
            StatusCode::PAYLOAD_TOO_LARGE => Problem::new(
                status,
                "too_large",
                Text::fixed("Die Anfrage ist zu groß.", "The request's body is too large."),
            ),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Problem::new(
                status,
                "media_type",
                Text::fixed("Die Anfrage hat nicht die erwartete Form.", "The request's body is of another type."),
            ),
            _ => Problem::bad(
                "Eine Angabe der Anfrage fehlt, ist unbekannt oder hat nicht die erwartete Form.",
                "A part of the request is missing, unknown or malformed.",
            ),
        }
    }
}

/// The problem as JSON; it goes along with the answer, so that a browser can be shown a page instead.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let details = ProblemDetails {
            kind: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: self.detail(),
            code: self.code,
            message: &self.message,
            faults: &self.faults,
        };
        let mut response = (self.status, Json(details)).into_response();
        let kind = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response.extensions_mut().insert(self);
        response
    }
}

impl From<QueryRejection> for Problem {
    fn from(_: QueryRejection) -> Problem {
        Problem::unreadable(StatusCode::BAD_REQUEST)
    }
}

impl From<PathRejection> for Problem {
    fn from(rejection: PathRejection) -> Problem {
        Problem::unreadable(rejection.status())
    }
}

/// JSON of another form is as malformed as what is no JSON.
impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Problem {
        Problem::unreadable(rejection.status())
    }
}

impl From<FormRejection> for Problem {
    fn from(rejection: FormRejection) -> Problem {
        Problem::unreadable(rejection.status())
    }
}

impl From<StringRejection> for Problem {
    fn from(rejection: StringRejection) -> Problem {
        Problem::unreadable(rejection.status())
    }
}

impl From<&Faults> for Problem {
    fn from(faults: &Faults) -> Problem {
        Problem::of_document(faults.iter().map(Complaint::from).collect())
    }
}

impl From<Faults> for Problem {
    fn from(faults: Faults) -> Problem {
        Problem::from(&faults)
    }
}

impl From<InvalidMailbox> for Problem {
    fn from(invalid: InvalidMailbox) -> Problem {
        Problem::of_document(vec![Complaint::of_mailbox("mailbox".to_owned(), &invalid)])
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Problem {
        if let Some(faults) = error.source().and_then(|source| source.downcast_ref::<Faults>()) {
            return faults.into();
        }
        let (status, code) = match () {
            () if error.is_unknown_counter() => (StatusCode::NOT_FOUND, "unknown_counter"),
            () if error.is_unknown_template() => (StatusCode::UNPROCESSABLE_ENTITY, "unknown_template"),
            () if error.is_not_offered() => (StatusCode::UNPROCESSABLE_ENTITY, "not_offered"),
            () => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
        };
        Problem::new(status, code, error.message().clone())
    }
}

impl Complaint {
    pub(super) fn of_mailbox(path: String, invalid: &InvalidMailbox) -> Complaint {
        let (message, remedy) = (invalid.message().clone(), invalid.remedy());
        Complaint { path, code: "malformed".to_owned(), line: None, column: None, message, remedy }
    }

    /// What is wrong and what to do about it, in German.
    pub(super) fn words(&self) -> String {
        let [message, remedy] = [&self.message, &self.remedy].map(|text| text.in_language(Language::German));
        format!("{message} {remedy}")
    }
}

impl From<&Fault> for Complaint {
    fn from(fault: &Fault) -> Complaint {
        let both = |text: fn(&Fault, Language) -> &str| {
            Text::new(text(fault, Language::German).to_owned(), text(fault, Language::English).to_owned())
        };
        Complaint {
            path: fault.path(),
            code: fault.code().as_str().to_owned(),
            line: fault.line(),
            column: fault.column(),
            message: both(Fault::message),
            remedy: both(Fault::remedy),
        }
    }
}
