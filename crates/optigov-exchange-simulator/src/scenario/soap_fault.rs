use serde::Deserialize;

/// A SOAP fault whose parts can be chosen one by one.
///
/// Defaults: HTTP 500, the same code in `faultcode` and in `ResponseCode`, no hint when to come back.
///
/// In a scenario file: `{ code = "ErrorServerBusy", status = 503, fault_code = "…", back_off = "-5", bare = false }`.
///
/// ```
/// use optigov_exchange_simulator::{Effect, Fault, SoapFault};
///
/// let busy = SoapFault::new("ErrorServerBusy").status(503).back_off("9223372036854775808");
/// let split = SoapFault::new("Something else").fault_code("ErrorAccessDenied");
/// let faults = [Fault::new(Effect::SoapFault(busy)), Fault::new(Effect::SoapFault(split))];
/// # let _ = faults;
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SoapFault {
    pub(crate) code: String,
    #[serde(default = "internal_server_error")]
    pub(crate) status: u16,
    pub(crate) fault_code: Option<String>,
    pub(crate) back_off: Option<String>,
    #[serde(default)]
    pub(crate) bare: bool,
}

impl SoapFault {
    /// A fault with this text as `ResponseCode`, whether it is a known code or not.
    pub fn new(code: impl Into<String>) -> Self {
        SoapFault { code: code.into(), status: internal_server_error(), fault_code: None, back_off: None, bare: false }
    }

    /// The HTTP status. Default: 500. It is checked when the simulator starts.
    pub fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// The text of `faultcode`. Default: that of `ResponseCode`.
    pub fn fault_code(mut self, code: impl Into<String>) -> Self {
        self.fault_code = Some(code.into());
        self
    }

    /// The text of `BackOffMilliseconds`, number or not. Default: there is none.
    pub fn back_off(mut self, text: impl Into<String>) -> Self {
        self.back_off = Some(text.into());
        self
    }

    /// Writes `faultcode` without prefix and leaves out `detail`, and with it `ResponseCode` and the hint.
    pub fn bare(mut self) -> Self {
        self.bare = true;
        self
    }

    pub(super) fn check(&self) -> Result<(), crate::Error> {
        super::http_answer::check_status(self.status)
    }
}

fn internal_server_error() -> u16 {
    500
}
