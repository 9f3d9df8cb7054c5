use std::time::Duration;

use serde::Deserialize;

use super::contradiction::Contradiction;
use super::free_busy_defect::FreeBusyDefect;
use super::graph_defect::GraphDefect;
use super::http_answer::HttpAnswer;
use super::milliseconds;
use super::soap_fault::SoapFault;
use super::stream_defect::StreamDefect;
use super::throttling::Shape;

/// What goes wrong. In a scenario file by its name in snake case: `effect = "hang"`, `effect = { delay = 1500 }`
/// (milliseconds), `effect = { status = { code = 502, body = "…" } }`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Effect {
    /// The answer comes later.
    #[serde(deserialize_with = "milliseconds::duration")]
    Delay(Duration),
    /// No answer comes, and the connection stays open.
    Hang,
    /// The connection is reset before the first byte of the answer.
    ResetBefore,
    /// The connection is closed in order before the first byte of the answer.
    CloseBefore,
    /// The connection is reset in the middle of the body.
    ResetWithin,
    /// The connection is reset after the whole answer, which had promised to keep it alive.
    ResetAfter,
    /// An HTTP status with any body and no SOAP.
    Status {
        /// The status, 400 to 599 as a rule.
        code: u16,
        /// The body.
        #[serde(default)]
        body: String,
        /// The value of `Content-Type`. Default: `text/html`.
        #[serde(default = "html")]
        content_type: String,
    },
    /// An HTTP answer with headers of its own and no SOAP: a proxy's error page, an access policy, a logon page.
    Http(HttpAnswer),
    /// HTTP 401 with the schemes that the server offers, although the credentials were right. Exchange does so when it
    /// throttles.
    Unauthorized,
    /// The answer's XML ends in the middle, while its HTTP body is whole.
    Truncated,
    /// The answer's XML has a wrong end tag.
    Malformed,
    /// Texts hold references to characters that XML 1.0 forbids, `&#x0;` and `&#xB;`.
    ForbiddenCharacters,
    /// Every item comes with a `Subject`, whether it was asked for or not, and the subject holds a byte that is not UTF-8.
    /// Free/busy events come with `CalendarEventDetails` in the same way.
    InvalidUtf8,
    /// The body is compressed with gzip, although the request did not accept it. Together with [`Huge`](Effect::Huge) it is
    /// small on the wire and large afterwards.
    Gzip,
    /// The body is in UTF-16, little-endian, with a byte order mark and a declaration that says so.
    Utf16,
    /// The answer is padded with blanks to this many bytes.
    Huge(u64),
    /// The last item of the answer is repeated until the answer has this many bytes. An answer without items is padded with
    /// blanks.
    ManyItems(u64),
    /// The answer never ends.
    Endless,
    /// After the whole answer, the server sends the same answer once more on the same connection, as if it answered a request
    /// that was not sent yet.
    Surplus {
        /// How long after the first answer. Default: at once, in the same write.
        #[serde(default, deserialize_with = "milliseconds::duration")]
        after: Duration,
    },
    /// The answer returns this `client-request-id` instead of the request's, where the request asks for its return.
    OtherRequestId(String),
    /// A part of the answer's text is replaced wherever it occurs.
    Replace {
        /// What is searched for.
        text: String,
        /// What stands there instead.
        with: String,
    },
    /// The answer contradicts itself or the request, see [`Contradiction`].
    Contradiction(Contradiction),
    /// The years of all times of items and events are written as this text: `+12026`, `-0001`.
    Year(String),
    /// GetUserAvailability answers oddly, see [`FreeBusyDefect`]. Where the rule names a mailbox, only that mailbox's part of
    /// the answer is odd, wherever it stands in the request.
    FreeBusy(FreeBusyDefect),
    /// Microsoft Graph answers oddly, see [`GraphDefect`].
    Graph(GraphDefect),
    /// Something happens to a stream of notifications that GetStreamingEvents has opened, see [`StreamDefect`].
    Stream(StreamDefect),
    /// Microsoft Graph refuses with this HTTP status and error code, known or not. In a batch, it concerns the part.
    GraphError {
        /// The status, 400 to 599 as a rule.
        status: u16,
        /// The text of `error.code`.
        code: String,
        /// The text of `Retry-After`, number or not. Default: there is no such header.
        #[serde(default)]
        retry_after: Option<String>,
    },
    /// The token endpoint refuses with the number of this `AADSTS` error. Only rules that name the operation `token` concern
    /// that endpoint.
    Aadsts(u32),
    /// FindItem or `calendarView` reads the calendar of another mailbox, this one, than it was asked for.
    OtherMailbox(String),
    /// Elements that the schema calls optional are left out: `IsCancelled`, `IsAllDayEvent`, `LegacyFreeBusyStatus`, zones.
    MissingOptional,
    /// Booleans are written as `1` and `0`, which `xs:boolean` allows.
    NumericBooleans,
    /// Items come in reverse order.
    Unsorted,
    /// Items that end where the window starts, or start where it ends, come too.
    Touching,
    /// FindItem does not expand series: of each series comes only the master, with `Recurrence` and its exceptions, and only
    /// where the master itself (the first occurrence) lies in the window. A series that began earlier is missing without any
    /// sign. Free/busy shows all occurrences. [`Scenario::unexpanded_series`](crate::Scenario::unexpanded_series) makes it the
    /// way of the whole server.
    Masters,
    /// A response message of class `Error` with this code, known to the schema or not.
    ResponseCode(String),
    /// A response message of class `Error` with a code and a hint when to come back.
    ResponseCodeWithBackOff {
        /// The code.
        code: String,
        /// The text of `BackOffMilliseconds`, number or not.
        back_off: String,
    },
    /// A SOAP fault with this code, as Exchange writes it, with HTTP 500.
    Fault(String),
    /// A SOAP fault whose parts can be chosen: the HTTP status, two different codes, the hint when to come back.
    SoapFault(SoapFault),
    /// A SOAP fault with HTTP 200, an unprefixed `faultcode` and no `detail`.
    BareFault(String),
    /// The server is busy, in one of four shapes.
    Throttled {
        /// How it says so.
        shape: Shape,
        /// The hint after which to come back.
        #[serde(default, deserialize_with = "milliseconds::some_duration")]
        back_off: Option<Duration>,
    },
}

impl Effect {
    pub(super) fn check(&self) -> Result<(), crate::Error> {
        match self {
            Effect::Status { code, .. } => super::http_answer::check_status(*code),
            Effect::Contradiction(Contradiction::Status(code)) => super::http_answer::check_status(*code),
            Effect::Http(answer) => answer.check(),
            Effect::SoapFault(fault) => fault.check(),
            Effect::GraphError { status, retry_after, .. } => {
                super::http_answer::check_status(*status)?;
                retry_after.as_deref().map_or(Ok(()), super::http_answer::check_value)
            }
            Effect::OtherRequestId(id) => super::http_answer::check_value(id),
            _ => Ok(()),
        }
    }

    /// Whether the effect belongs to one mailbox among those of a request, and leaves the others alone.
    pub(crate) fn is_of_one_mailbox(&self) -> bool {
        matches!(self, Effect::FreeBusy(_))
    }
}

fn html() -> String {
    "text/html".to_owned()
}
