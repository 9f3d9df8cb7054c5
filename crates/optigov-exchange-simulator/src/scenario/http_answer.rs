use std::collections::BTreeMap;

use http::{HeaderName, HeaderValue, StatusCode};
use serde::Deserialize;

/// An HTTP answer that holds no SOAP: what a proxy, IIS or an access policy says.
///
/// In a scenario file: `{ status = 503, headers = { "Retry-After" = "120" }, content_type = "text/html", body = "…" }`.
///
/// ```
/// use optigov_exchange_simulator::{Effect, Fault, HttpAnswer};
///
/// let busy_until_9999 = HttpAnswer::new(503).header("Retry-After", "Fri, 31 Dec 9999 23:59:59 GMT");
/// let faults = [
///     Fault::new(Effect::Http(busy_until_9999)).nth(2),
///     Fault::new(Effect::Http(HttpAnswer::error_page())).first(1),
/// ];
/// # let _ = faults;
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpAnswer {
    pub(crate) status: u16,
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) content_type: String,
    #[serde(default)]
    pub(crate) body: String,
}

impl HttpAnswer {
    /// An answer with this status, no headers and an empty body. The status is checked when the simulator starts.
    pub fn new(status: u16) -> Self {
        HttpAnswer { status, headers: BTreeMap::new(), content_type: String::new(), body: String::new() }
    }

    /// Sets a header. Name and value are checked when the simulator starts.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.insert(name.into(), value.into());
        self
    }

    /// Sets the body, and its type unless one was set: `text/html`.
    pub fn body(mut self, body: impl Into<String>) -> Self {
        self.body = body.into();
        if self.content_type.is_empty() {
            "text/html".clone_into(&mut self.content_type);
        }
        self
    }

    /// Sets the value of `Content-Type`.
    pub fn content_type(mut self, content_type: impl Into<String>) -> Self {
        self.content_type = content_type.into();
        self
    }

    /// 302 to `/ews/genericerrorpage.htm`, as Exchange answers in a passing outage. The page itself exists.
    pub fn error_page() -> Self {
        const LOCATION: &str = "/ews/genericerrorpage.htm?aspxerrorpath=/ews/exchange.asmx";
        HttpAnswer::new(302).header("Location", LOCATION).body("<html><body><h2>Object moved</h2></body></html>")
    }

    /// 440 with a logon page, as a gateway with forms authentication answers.
    pub fn logon_page() -> Self {
        HttpAnswer::new(440)
            .body("<html><head><title>Outlook</title></head><body>Your session has timed out.</body></html>")
    }

    /// 502 or 504 with a page that says nothing of EWS, as a reverse proxy answers.
    pub fn proxy_error(status: u16) -> Self {
        HttpAnswer::new(status)
            .body("<html><head><title>Error</title></head><body><center>nginx</center></body></html>")
    }

    /// 403 with an empty body, as an access policy answers.
    pub fn forbidden() -> Self {
        HttpAnswer::new(403)
    }

    /// 200 with a web page, as a captive portal or a wrong address answers.
    pub fn web_page() -> Self {
        HttpAnswer::new(200).body("<!DOCTYPE html><html><body><h1>It works!</h1></body></html>")
    }

    pub(super) fn check(&self) -> Result<(), crate::Error> {
        check_status(self.status)?;
        check_value(&self.content_type)?;
        for (name, value) in &self.headers {
            if HeaderName::try_from(name).is_err() {
                return Err(crate::Error::scenario(format!("{name:?} is no name of a header")));
            }
            check_value(value)?;
        }
        Ok(())
    }
}

/// Whether the status can end an exchange.
pub(super) fn check_status(code: u16) -> Result<(), crate::Error> {
    match StatusCode::from_u16(code) {
        Ok(_) if (200..=599).contains(&code) => Ok(()),
        _ => Err(crate::Error::scenario(format!("{code} is no status of a final answer"))),
    }
}

pub(super) fn check_value(text: &str) -> Result<(), crate::Error> {
    match HeaderValue::try_from(text) {
        Ok(_) => Ok(()),
        Err(_) => Err(crate::Error::scenario(format!("{text:?} is no value of a header"))),
    }
}
