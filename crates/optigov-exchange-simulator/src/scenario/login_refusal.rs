use std::time::Duration;

use serde::Deserialize;

use super::http_answer::HttpAnswer;
use super::milliseconds;

/// What a login is answered with that was tried and failed: a wrong password, a locked or unknown account, a wrong token, a
/// wrong channel binding. A request without credentials, and the legs of a handshake before the last, are answered with 401
/// as ever.
///
/// In a scenario file: `refused_login = "reset"`, `refused_login = { late = 5000 }` (milliseconds),
/// `refused_login = { answer = { status = 403 } }`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LoginRefusal {
    /// 401. The default.
    #[default]
    Unauthorized,
    /// 401, after this time.
    #[serde(deserialize_with = "milliseconds::duration")]
    Late(Duration),
    /// The connection is reset without an answer.
    Reset,
    /// The connection is closed in order without an answer.
    Close,
    /// No answer comes, and the connection stays open.
    Hang,
    /// Another answer in place of the 401: 403, 302, a web page, 440, 400, 503.
    Answer(HttpAnswer),
}

impl LoginRefusal {
    pub(super) fn check(&self) -> Result<(), crate::Error> {
        match self {
            LoginRefusal::Answer(answer) => answer.check(),
            _ => Ok(()),
        }
    }
}
