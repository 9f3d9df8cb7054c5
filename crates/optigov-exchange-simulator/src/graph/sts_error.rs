//! The token endpoint's errors and their JSON.

use std::borrow::Cow;

use chrono::Utc;
use serde_json::json;

use super::Ids;

/// A refusal by the token endpoint, known to people by its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StsError {
    pub(super) number: u32,
    text: Cow<'static, str>,
    /// Why, in a few words, for the record.
    pub(super) reason: &'static str,
}

impl StsError {
    pub(super) fn new(number: u32, reason: &'static str, text: impl Into<Cow<'static, str>>) -> StsError {
        StsError { number, text: text.into(), reason }
    }

    /// A refusal that the scenario asks for.
    pub(super) fn chosen(number: u32) -> StsError {
        let text = match number {
            53003 => "Access has been blocked by Conditional Access policies.",
            65001 => "The user or administrator has not consented to use the application.",
            90038 | 900_382 | 900_432 => "The tenant belongs to another national cloud.",
            _ => "The scenario refuses this request.",
        };
        StsError::new(number, "refused by the scenario", text)
    }

    pub(super) fn missing(name: &str) -> StsError {
        let text = format!("The request body must contain the following parameter: '{name}'.");
        StsError::new(900_144, "incomplete token request", text)
    }

    pub(super) fn unknown_tenant(tenant: &str) -> StsError {
        let text = format!(
            "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the correct \
             cloud. Check with your subscription administrator, this may happen if there are no active subscriptions for the \
             tenant."
        );
        StsError::new(90_002, "unknown tenant", text)
    }

    /// The status and the value of `error`, by which programs decide.
    pub(super) fn kind(&self) -> (u16, &'static str) {
        match self.number {
            50_012 | 50_013 | 50_027 | 700_021 | 700_023 | 700_024 | 700_027 | 1_000_502 | 7_000_215 | 7_000_218
            | 7_000_222 => (401, "invalid_client"),
            700_016 | 7_000_112 => (400, "unauthorized_client"),
            28_002 | 70_011 | 1_002_012 => (400, "invalid_scope"),
            500_011 => (400, "invalid_resource"),
            65_001 | 650_056 | 90_094 | 53_003 => (400, "invalid_grant"),
            70_003 => (400, "unsupported_grant_type"),
            90_006 | 90_024 | 90_055 => (503, "temporarily_unavailable"),
            _ => (400, "invalid_request"),
        }
    }

    pub(super) fn json(&self, base: &str, ids: &Ids) -> String {
        let now = Utc::now().format("%F %TZ").to_string();
        let (number, (_, error)) = (self.number, self.kind());
        let description = format!(
            "AADSTS{number}: {} Trace ID: {} Correlation ID: {} Timestamp: {now}",
            self.text, ids.request, ids.client
        );
        let body = json!({
            "error": error,
            "error_description": description,
            "error_codes": [number],
            "timestamp": now,
            "trace_id": ids.request,
            "correlation_id": ids.client,
            "error_uri": format!("{base}/error?code={number}"),
        });
        body.to_string()
    }
}
