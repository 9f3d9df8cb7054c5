use std::time::Duration;

use serde::Deserialize;

use super::milliseconds;

/// A throttling policy that all accounts and applications share, on both faces. Default: no limits.
///
/// In a scenario file: `[throttling]` with `shape`, `in_flight`, `budget` and `recharge` (requests per second), `back_off`
/// (milliseconds).
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Throttling {
    #[serde(default)]
    pub(crate) shape: Shape,
    pub(crate) in_flight: Option<usize>,
    pub(crate) budget: Option<u32>,
    #[serde(default)]
    pub(crate) recharge: u32,
    #[serde(default, deserialize_with = "milliseconds::some_duration")]
    pub(crate) back_off: Option<Duration>,
}

/// How a busy server says so. In a scenario file: `status`, `fault`, `wrapped`, `message`,
/// `too_many_requests`, `application_throttled`.
///
/// Microsoft Graph has shapes of its own: 503 `serviceNotAvailable` for `Status`, 429 `TooManyRequests` for
/// `TooManyRequests`, and 429 `ApplicationThrottled` for all others; each with `Retry-After` if there is a hint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Shape {
    /// HTTP 503, with `Retry-After` in whole seconds if there is a hint.
    Status,
    /// HTTP 500 with a SOAP fault `ErrorServerBusy`. The default.
    #[default]
    Fault,
    /// HTTP 200 with `ErrorInternalServerError` that wraps `ErrorServerBusy`.
    Wrapped,
    /// HTTP 200 with a response message `ErrorServerBusy`.
    Message,
    /// HTTP 429, with `Retry-After` in whole seconds if there is a hint.
    TooManyRequests,
    /// The same; Microsoft Graph names the code `ApplicationThrottled`.
    ApplicationThrottled,
}

impl Throttling {
    /// A policy without limits, which speaks in this shape.
    pub fn new(shape: Shape) -> Self {
        Throttling { shape, ..Throttling::default() }
    }

    /// At most this many requests at a time.
    pub fn in_flight(mut self, most: usize) -> Self {
        self.in_flight = Some(most);
        self
    }

    /// A budget of requests that regains `per_second` requests a second up to its full size.
    pub fn budget(mut self, requests: u32, per_second: u32) -> Self {
        self.budget = Some(requests);
        self.recharge = per_second;
        self
    }

    /// The hint after which to come back (`BackOffMilliseconds`, `Retry-After`). Default: none.
    pub fn back_off(mut self, hint: Duration) -> Self {
        self.back_off = Some(hint);
        self
    }
}
