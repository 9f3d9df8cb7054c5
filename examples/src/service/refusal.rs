//! What is answered to a request that is not carried out.

use std::error::Error as _;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use optigov_availability::{Error, Faults, InvalidMailbox, Language, Text};
use optigov_counter::Fault;
use serde::Serialize;
use serde_json::json;

/// Why a request is not carried out.
pub(super) enum Refusal {
    /// The document has faults: 422.
    Faults(Vec<Complaint>),
    /// Anything else.
    Other(StatusCode, Text),
}

/// A fault of a counter's document, with its place in that document.
#[derive(Serialize)]
pub(super) struct Complaint {
    pub(super) path: String,
    pub(super) code: String,
    pub(super) line: Option<u32>,
    pub(super) column: Option<u32>,
    pub(super) message: Text,
    pub(super) remedy: Text,
}

impl Refusal {
    pub(super) fn bad(de: &'static str, en: &'static str) -> Self {
        Refusal::Other(StatusCode::BAD_REQUEST, Text::new(de, en))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Refusal::Faults(faults) => {
                (StatusCode::UNPROCESSABLE_ENTITY, Json(json!({ "faults": faults }))).into_response()
            }
            Refusal::Other(status, text) => (status, Json(json!({ "error": text }))).into_response(),
        }
    }
}

impl From<&Faults> for Refusal {
    fn from(faults: &Faults) -> Self {
        Refusal::Faults(faults.iter().map(Complaint::from).collect())
    }
}

impl From<Faults> for Refusal {
    fn from(faults: Faults) -> Self {
        Refusal::from(&faults)
    }
}

impl From<InvalidMailbox> for Refusal {
    fn from(invalid: InvalidMailbox) -> Self {
        Refusal::Faults(vec![Complaint {
            path: "mailbox".to_owned(),
            code: "malformed".to_owned(),
            line: None,
            column: None,
            message: invalid.message().clone(),
            remedy: invalid.remedy(),
        }])
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        if let Some(faults) = error.source().and_then(|source| source.downcast_ref::<Faults>()) {
            return faults.into();
        }
        let status = match () {
            () if error.is_unknown_counter() => StatusCode::NOT_FOUND,
            () if error.is_unknown_template() || error.is_not_offered() => StatusCode::BAD_REQUEST,
            () => StatusCode::SERVICE_UNAVAILABLE,
        };
        Refusal::Other(status, error.message().clone())
    }
}

impl From<&Fault> for Complaint {
    fn from(fault: &Fault) -> Self {
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
