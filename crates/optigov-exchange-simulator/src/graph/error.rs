//! Graph's errors and their JSON.

use std::borrow::Cow;
use std::time::Duration;

use chrono::Utc;
use serde_json::json;

use super::Ids;
use super::perform::Performed;
use super::tokens::Unauthorized;
use crate::misbehaviour::{Instead, Plan};
use crate::scenario::Shape;

/// A refusal by Graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct GraphError {
    status: u16,
    code: Cow<'static, str>,
    message: Cow<'static, str>,
    retry_after: Option<String>,
}

impl GraphError {
    pub(super) fn new(
        status: u16,
        code: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) -> GraphError {
        GraphError { status, code: code.into(), message: message.into(), retry_after: None }
    }

    /// The path has a segment that leads nowhere.
    pub(super) fn unknown_segment(segment: &str) -> GraphError {
        GraphError::new(400, "BadRequest", format!("Resource not found for the segment '{segment}'."))
    }

    pub(super) fn invalid_parameter(message: impl Into<Cow<'static, str>>) -> GraphError {
        GraphError::new(400, "ErrorInvalidParameter", message)
    }

    /// A refusal that the scenario asks for by its code alone: with the status that is known to come with it.
    pub(super) fn of_code(code: String) -> GraphError {
        let status = match code.as_str() {
            "InvalidAuthenticationToken" => 401,
            "ErrorAccessDenied" | "Authorization_RequestDenied" => 403,
            "ErrorItemNotFound"
            | "ErrorInvalidUser"
            | "ResourceNotFound"
            | "Request_ResourceNotFound"
            | "MailboxNotEnabledForRESTAPI"
            | "MailboxNotSupportedForRESTAPI"
            | "MailboxNotHostedInExchangeOnline" => 404,
            "syncStateNotFound" | "resyncRequired" => 410,
            "ApplicationThrottled" | "TooManyRequests" => 429,
            "ErrorInternalServerError" | "generalException" => 500,
            "serviceNotAvailable"
            | "ErrorServerBusy"
            | "ErrorMailboxStoreUnavailable"
            | "ErrorMailboxMoveInProgress" => 503,
            _ => 400,
        };
        GraphError::new(status, code, "The scenario refuses this request.")
    }

    /// A busy server in one of its shapes.
    pub(super) fn throttled(shape: Shape, back_off: Option<Duration>) -> GraphError {
        let error = match shape {
            Shape::Status => GraphError::new(503, "serviceNotAvailable", "The service is temporarily unavailable."),
            Shape::TooManyRequests => GraphError::new(429, "TooManyRequests", "Too many requests."),
            _ => GraphError::new(429, "ApplicationThrottled", "Application is over its request limit."),
        };
        error.retry_after(back_off.map(|back_off| back_off.as_millis().div_ceil(1000).to_string()))
    }

    /// Sets the text of `Retry-After`.
    pub(super) fn retry_after(mut self, text: Option<String>) -> GraphError {
        self.retry_after = text;
        self
    }

    #[cfg(test)]
    pub(super) fn status(&self) -> u16 {
        self.status
    }

    #[cfg(test)]
    pub(super) fn code(&self) -> &str {
        &self.code
    }

    /// The answer, without any fault.
    pub(super) fn performed(self, ids: &Ids) -> Performed {
        self.performed_with(ids, Plan::default())
    }

    pub(super) fn performed_with(self, ids: &Ids, plan: Plan) -> Performed {
        let body = json!({"error": {
            "code": self.code,
            "message": self.message,
            "innerError": {
                "date": Utc::now().format("%FT%T").to_string(),
                "request-id": ids.request,
                "client-request-id": ids.client,
            },
        }});
        let headers = super::retry_after(self.retry_after);
        Performed::Answer { status: super::status(self.status), headers, text: body.to_string(), plan: Box::new(plan) }
    }
}

impl From<Unauthorized> for GraphError {
    fn from(refusal: Unauthorized) -> GraphError {
        GraphError::new(401, "InvalidAuthenticationToken", refusal.message())
    }
}

impl Instead {
    /// The refusal by which Graph answers; `None` for what is no answer, and for what only the token endpoint says. A SOAP fault is answered with its
    /// status, its code and its pause.
    pub(super) fn graph_error(self) -> Option<GraphError> {
        let refused = |status, code| GraphError::new(status, code, "The scenario refuses this request.");
        match self {
            Instead::Unauthorized => Some(GraphError::of_code("InvalidAuthenticationToken".to_owned())),
            Instead::Throttled(shape, back_off) => Some(GraphError::throttled(shape, back_off)),
            Instead::Message { code, back_off } => Some(GraphError::of_code(code).retry_after(back_off)),
            Instead::Fault(fault) => Some(refused(fault.status, fault.code).retry_after(fault.back_off)),
            Instead::Graph { status, code, retry_after } => Some(refused(status, code).retry_after(retry_after)),
            Instead::Hang | Instead::Reset | Instead::Close | Instead::Http(_) | Instead::Aadsts(_) => None,
        }
    }
}
