//! Why a calendar could not be read: everything that any layer below knew, on its way to the administrator.

use std::{error::Error as StdError, fmt, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{Language, Mailbox, Step, Text, texts};

/// Why a calendar could not be read whole.
///
/// It is whole itself: the kind, whose fault it is, the step at which the way ended, the server's HTTP status, response code and request id, the
/// fact that was found, a cause and a remedy for the administrator in German and English, and when asking again makes sense. It says
/// what and what to do, never whose: it holds no address, no title and no secret. The one exception is
/// [`primary_address`](Self::primary_address), which neither `Debug` nor `Display` nor serde shows.
///
/// `Display` states the fact in English, and the cause is in [`source`](StdError::source) only. [`describe`](Self::describe) says
/// everything in one language.
///
/// ```
/// use optigov_calendar::{Language, ReadError, ReadErrorKind, Text};
///
/// let error = ReadError::new(
///     ReadErrorKind::Server,
///     Text::new("der Server meldet einen inneren Fehler", "the server reports an internal error"),
/// );
/// let error = error.with_code("ErrorInternalServerError").with_request_id("5d6c");
/// assert!(error.describe(Language::English).contains("ErrorInternalServerError"));
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ReadError(Box<Inner>);

#[derive(Clone, Serialize, Deserialize)]
struct Inner {
    kind: ReadErrorKind,
    origin: Origin,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    step: Option<Step>,
    fact: Text,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    http_status: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    code: Option<ResponseCode>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    request_id: Option<Box<str>>,
    cause: Text,
    remedy: Text,
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "retry_after_seconds", with = "seconds")]
    retry_after: Option<Duration>,
    #[serde(skip)]
    primary: Option<Mailbox>,
    #[serde(skip)]
    before_the_answer: bool,
    #[serde(skip)]
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// What went wrong, as far as a caller may want to act on it.
///
/// Each kind has a usual cause and remedy in words for the administrator, a usual [`Origin`] and a usual [`Step`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ReadErrorKind {
    /// A setting or an argument cannot be used; nothing was sent.
    Configuration,
    /// The server's name has no address.
    Resolve,
    /// The server's machine refuses connections on this port.
    Refused,
    /// No connection to the server comes about; nothing says why.
    Connect,
    /// The proxy does not let the connection through.
    Proxy,
    /// The TLS handshake failed.
    Tls,
    /// The server's certificate has expired or is not valid yet.
    CertificateExpired,
    /// The server's certificate leads to no authority that is trusted.
    CertificateUntrusted,
    /// The server's certificate is for another name.
    CertificateName,
    /// A deadline passed.
    Timeout,
    /// The connection ended before the answer was whole.
    Interrupted,
    /// The server does not accept the user name, password or token.
    CredentialsRefused,
    /// The account's password has expired or must be changed.
    PasswordExpired,
    /// An earlier refusal keeps the credential from being sent again.
    CredentialsLocked,
    /// The server offers other authentication schemes than the one configured.
    SchemeNotOffered,
    /// No access token was issued.
    Token,
    /// The account is locked, disabled or expired.
    AccountDisabled,
    /// The directory does not know the account.
    AccountUnknown,
    /// The directory (Microsoft Entra ID) does not know the tenant, or it belongs to another cloud.
    TenantUnknown,
    /// The application has not been granted what it needs.
    ConsentMissing,
    /// The directory does not know the service by this name.
    ServiceUnknown,
    /// The clocks of this machine and of the directory or the server are too far apart.
    ClockSkew,
    /// There is no encryption type that account, service and client have in common.
    EncryptionNotSupported,
    /// No domain controller (KDC) is found, or none answers.
    KdcUnreachable,
    /// A domain controller (KDC) took the question and did not answer it; it may have counted the password.
    KdcSilent,
    /// The domain controller (KDC) issues no ticket; see [`ReadError::code`].
    KdcRefused,
    /// The server does not accept the Kerberos ticket.
    TicketRefused,
    /// What answers did not prove that it is the server.
    ServerUnproven,
    /// The server refuses the account's requests by a policy, or something in front of it does.
    Forbidden,
    /// The account may not act for this mailbox.
    ImpersonationDenied,
    /// No mailbox has this address.
    MailboxNotFound,
    /// The server does not hold this mailbox, and says that it lies elsewhere or has no calendar there (on premises, not licensed, no mailbox of its own).
    MailboxElsewhere,
    /// The address is an alias; see [`ReadError::primary_address`].
    NotPrimaryAddress,
    /// The mailbox exists and cannot be read now (moved, disabled, its database is away).
    MailboxUnavailable,
    /// The mailbox exists and something about it is wrong (no calendar, a directory entry that does not fit, corrupt data).
    MailboxDefective,
    /// The calendar may not be read.
    AccessDenied,
    /// The account can see titles, although it should not.
    TitlesVisible,
    /// The server is busy and says so; see [`ReadError::retry_after`].
    Throttled,
    /// The server answers "not available" without a word of Exchange's: it throttles, or it is stopped.
    Unavailable,
    /// A passing fault of the server, which tells to try again.
    Transient,
    /// Another error that the server reports; see [`ReadError::code`].
    Server,
    /// A proxy in front of the server does not reach it.
    Gateway,
    /// A logon page answers in place of the service.
    LogonPage,
    /// What answers is not the service that was expected.
    NotTheService,
    /// The answer cannot be understood, or it contradicts itself.
    Malformed,
    /// A bound was reached: bytes, depth, requests or entries.
    LimitReached,
    /// The server sent a series instead of its occurrences, or leaves occurrences out.
    UnexpandedSeries,
    /// Changes to the calendar are not reported: the source, the server or the account has no notifications.
    NotWatchable,
    /// The server takes our request to be invalid.
    RequestRejected,
    /// The time for the whole call ran out.
    Deadline,
    /// A fault of these libraries or of a [`CalendarSource`](crate::CalendarSource).
    Internal,
}

/// Whose fault an error is, so that it reaches the person who can do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Origin {
    /// The way to the server.
    Network,
    /// The server or what stands in front of it.
    Server,
    /// The service account: its password or its rights.
    Account,
    /// This mailbox: its address or its state.
    Mailbox,
    /// A setting of the connection.
    Configuration,
    /// These libraries, or the program that uses them.
    Library,
}

/// A response code of the server, such as `ErrorServerBusy`. An open set: servers send codes that no list has.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "String")]
pub struct ResponseCode(Box<str>);

impl ResponseCode {
    /// Keeps what can be a code: ASCII letters, digits, `_` and `.`, at most 80 of them. Anything else could carry an address and becomes
    /// `unreadable`.
    pub fn new(text: &str) -> ResponseCode {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.';
        let fits = (1..=80).contains(&text.len()) && text.bytes().all(plain);
        ResponseCode(if fits { text.into() } else { "unreadable".into() })
    }

    /// The code as the server spells it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for ResponseCode {
    fn from(text: String) -> ResponseCode {
        ResponseCode::new(&text)
    }
}

impl fmt::Display for ResponseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// No wait is longer than this.
const LONGEST_WAIT: Duration = Duration::from_secs(366 * 86_400);

impl ReadErrorKind {
    /// The kind in snake case, as it is written in JSON, in metrics and in logs.
    pub fn as_str(self) -> &'static str {
        texts::of(self).name
    }

    /// Whose fault it is, unless the error says otherwise.
    pub fn origin(self) -> Origin {
        texts::of(self).origin
    }

    /// The step at which the way usually ends; `None` where nothing is sent.
    pub fn step(self) -> Option<Step> {
        texts::of(self).step
    }

    /// What happened, as one sentence.
    pub fn cause(self) -> Text {
        texts::of(self).cause.clone()
    }

    /// What the administrator can do about it, as whole sentences.
    pub fn remedy(self) -> Text {
        texts::of(self).remedy.clone()
    }

    /// Every kind, for tables and tests.
    pub fn all() -> impl Iterator<Item = ReadErrorKind> {
        texts::ALL.iter().map(|texts| texts.kind)
    }
}

impl Origin {
    /// The origin in snake case, as it is written in JSON, in metrics and in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Origin::Network => "network",
            Origin::Server => "server",
            Origin::Account => "account",
            Origin::Mailbox => "mailbox",
            Origin::Configuration => "configuration",
            Origin::Library => "library",
        }
    }
}

impl ReadError {
    /// A failure of this kind, with the kind's own cause, remedy, origin and step. The fact says what was found, as a clause that begins in lower
    /// case and ends without a full stop.
    pub fn new(kind: ReadErrorKind, fact: Text) -> ReadError {
        ReadError(Box::new(Inner {
            kind,
            origin: kind.origin(),
            step: kind.step(),
            fact,
            http_status: None,
            code: None,
            request_id: None,
            cause: kind.cause(),
            remedy: kind.remedy(),
            retry_after: None,
            primary: None,
            before_the_answer: false,
            source: None,
        }))
    }

    /// The time for the whole call ran out.
    pub fn deadline() -> ReadError {
        let fact = Text::fixed("die Frist für den ganzen Aufruf ist abgelaufen", "the time for the whole call ran out");
        ReadError::new(ReadErrorKind::Deadline, fact)
    }

    /// A source broke off, or answered for another number of mailboxes than it was asked for.
    pub fn internal() -> ReadError {
        let fact = Text::fixed(
            "die Quelle der Kalender brach ab oder antwortete nicht für jedes Postfach",
            "the source of calendars broke off or did not answer for every mailbox",
        );
        ReadError::new(ReadErrorKind::Internal, fact)
    }

    /// The same with an underlying error, which must hold no address, title or secret.
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> ReadError {
        self.0.source = Some(Arc::from(source.into()));
        self
    }

    /// The same with another culprit than the kind's usual one.
    pub fn with_origin(mut self, origin: Origin) -> ReadError {
        self.0.origin = origin;
        self
    }

    /// The same at another step than the kind's usual one; `None` where nothing was sent.
    pub fn at(mut self, step: impl Into<Option<Step>>) -> ReadError {
        self.0.step = step.into();
        self
    }

    /// The same with another cause and remedy than the kind's usual ones, each in whole sentences.
    pub fn with_texts(mut self, cause: Text, remedy: Text) -> ReadError {
        self.0.cause = cause;
        self.0.remedy = remedy;
        self
    }

    /// The same with the answer's HTTP status.
    pub fn with_http_status(mut self, status: u16) -> ReadError {
        self.0.http_status = Some(status);
        self
    }

    /// The same with the server's response code.
    pub fn with_code(mut self, code: &str) -> ReadError {
        self.0.code = Some(ResponseCode::new(code));
        self
    }

    /// The same with the id of the request, unless it has one already.
    pub fn with_request_id(mut self, id: &str) -> ReadError {
        self.0.request_id.get_or_insert_with(|| id.into());
        self
    }

    /// The same with the time after which the server said to ask again; a longer one than a year counts as a year, so that clocks do not
    /// overflow.
    pub fn with_retry_after(mut self, wait: Option<Duration>) -> ReadError {
        self.0.retry_after = wait.map(|wait| wait.min(LONGEST_WAIT));
        self
    }

    /// The same with the primary address that the server named in place of an alias.
    pub fn with_primary_address(mut self, primary: Option<Mailbox>) -> ReadError {
        self.0.primary = primary;
        self
    }

    /// The same for a connection that was lost before any part of an answer had come.
    pub fn before_the_answer(mut self) -> ReadError {
        self.0.before_the_answer = true;
        self
    }

    /// What went wrong.
    pub fn kind(&self) -> ReadErrorKind {
        self.0.kind
    }

    /// Whose fault it is.
    pub fn origin(&self) -> Origin {
        self.0.origin
    }

    /// Where on the way it went wrong; `None` when nothing was sent.
    pub fn step(&self) -> Option<Step> {
        self.0.step
    }

    /// What was found: a clause that begins in lower case and ends without a full stop.
    pub fn fact(&self) -> &Text {
        &self.0.fact
    }

    /// The answer's HTTP status, if it was not the one of a success.
    pub fn http_status(&self) -> Option<u16> {
        self.0.http_status
    }

    /// The response code that the server gave, if it gave one.
    pub fn code(&self) -> Option<&ResponseCode> {
        self.0.code.as_ref()
    }

    /// The id that the request carried, under which the server's logs hold it.
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// What happened, as one sentence for the administrator.
    pub fn cause(&self) -> &Text {
        &self.0.cause
    }

    /// What the administrator can do about it, as whole sentences.
    pub fn remedy(&self) -> &Text {
        &self.0.remedy
    }

    /// How long the server asks to wait, or how long a lock still holds.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// The primary address that the server named in place of an alias.
    pub fn primary_address(&self) -> Option<&Mailbox> {
        self.0.primary.as_ref()
    }

    /// Whether the connection was lost before any part of an answer had come, so that a question may be asked again.
    pub fn is_before_the_answer(&self) -> bool {
        self.0.before_the_answer
    }

    /// Whether a deadline passed.
    pub fn is_timeout(&self) -> bool {
        matches!(self.kind(), ReadErrorKind::Timeout | ReadErrorKind::Deadline)
    }

    /// Whether the server asked to slow down, or is not available.
    pub fn is_throttled(&self) -> bool {
        matches!(self.kind(), ReadErrorKind::Throttled | ReadErrorKind::Unavailable)
    }

    /// Whether the account or its credential was refused, just now or earlier.
    pub fn is_credentials(&self) -> bool {
        use ReadErrorKind::{AccountDisabled, AccountUnknown, CredentialsLocked, CredentialsRefused, PasswordExpired};
        matches!(
            self.kind(),
            CredentialsRefused | CredentialsLocked | PasswordExpired | AccountDisabled | AccountUnknown
        )
    }

    /// Whether the server could not be reached at all: name, connection, TLS, a deadline or a lost connection.
    pub fn is_unreachable(&self) -> bool {
        use ReadErrorKind::{Connect, Interrupted, Proxy, Refused, Resolve};
        matches!(self.kind(), Resolve | Refused | Connect | Proxy | Interrupted) || self.is_timeout() || self.is_tls()
    }

    /// Whether TLS failed: the certificate, its name, the version.
    pub fn is_tls(&self) -> bool {
        use ReadErrorKind::{CertificateExpired, CertificateName, CertificateUntrusted, Tls};
        matches!(self.kind(), Tls | CertificateExpired | CertificateUntrusted | CertificateName)
    }

    /// Whether the error concerns this mailbox only, so that others may still be read.
    pub fn is_mailbox(&self) -> bool {
        use ReadErrorKind::{AccessDenied, ImpersonationDenied};
        self.origin() == Origin::Mailbox || matches!(self.kind(), ImpersonationDenied | AccessDenied)
    }

    /// Whether the server says that it does not have this mailbox. Another one may.
    pub fn is_not_here(&self) -> bool {
        matches!(self.kind(), ReadErrorKind::MailboxNotFound | ReadErrorKind::MailboxElsewhere)
    }

    /// Whether a setting or an argument must change before another try makes sense.
    pub fn is_configuration(&self) -> bool {
        self.kind() == ReadErrorKind::Configuration
    }

    /// What is known besides the cause: the fact where it says more, HTTP status, response code, request id and waiting time, as one sentence.
    /// Empty where there is nothing.
    pub fn details(&self, language: Language) -> String {
        let german = language == Language::German;
        let (fact, cause) = (self.fact().in_language(language), self.cause().in_language(language));
        let same = cause.trim_end_matches('.').to_lowercase() == fact.to_lowercase();
        let mut parts = if same { Vec::new() } else { vec![fact.to_owned()] };
        if let Some(status) = self.http_status() {
            parts.push(format!("{} {status}", if german { "HTTP-Status" } else { "HTTP status" }));
        }
        if let Some(code) = self.code() {
            parts.push(format!("{} {code}", if german { "Antwortcode" } else { "response code" }));
        }
        if let Some(id) = self.request_id() {
            parts.push(format!("{} {id}", if german { "Anfragekennung" } else { "request id" }));
        }
        if let Some(wait) = self.retry_after() {
            let seconds = wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0));
            parts.push(match german {
                true => format!("nächster Versuch frühestens in {seconds} s"),
                false => format!("next attempt in {seconds} s at the earliest"),
            });
        }
        if parts.is_empty() {
            return String::new();
        }
        let label = if german { "Einzelheiten" } else { "Details" };
        format!("{label}: {}.", parts.join("; "))
    }

    /// Everything in one language, as whole sentences: cause, details, remedy.
    pub fn describe(&self, language: Language) -> String {
        let (cause, remedy) = (self.cause().in_language(language), self.remedy().in_language(language));
        let parts = [cause, &self.details(language), remedy];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.fact().in_language(Language::English))
    }
}

impl fmt::Debug for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadError")
            .field("kind", &self.0.kind)
            .field("origin", &self.0.origin)
            .field("step", &self.0.step)
            .field("fact", &self.fact().in_language(Language::English))
            .field("http_status", &self.0.http_status)
            .field("code", &self.0.code)
            .field("request_id", &self.0.request_id)
            .field("retry_after", &self.0.retry_after)
            .field("source", &self.0.source)
            .finish()
    }
}

impl StdError for ReadError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

/// The underlying error is no part of the value: it cannot be compared, nor written.
impl PartialEq for Inner {
    fn eq(&self, other: &Inner) -> bool {
        (self.kind, self.origin, self.step, self.http_status, self.retry_after, self.before_the_answer)
            == (other.kind, other.origin, other.step, other.http_status, other.retry_after, other.before_the_answer)
            && (&self.fact, &self.cause, &self.remedy) == (&other.fact, &other.cause, &other.remedy)
            && (&self.code, &self.request_id, &self.primary) == (&other.code, &other.request_id, &other.primary)
    }
}

impl Eq for Inner {}

/// Whole seconds, rounded up: nobody should ask too early.
mod seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(wait: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
        match wait {
            Some(wait) => {
                let seconds = wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0));
                serializer.serialize_some(&seconds)
            }
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
        let seconds = Option::<u64>::deserialize(deserializer)?;
        Ok(seconds.map(|seconds| Duration::from_secs(seconds).min(super::LONGEST_WAIT)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole() -> ReadError {
        let fact = Text::new(
            "Eintrag 2 der Ansicht (…AAB3) endet am 26.11.2026 vor seinem Beginn",
            "item 2 of the view (…AAB3) ends before it begins, on 2026-11-26",
        );
        ReadError::new(ReadErrorKind::Malformed, fact)
            .with_http_status(500)
            .with_code("ErrorInternalServerError")
            .with_request_id("5d6c0b3e")
            .with_retry_after(Some(Duration::from_secs(30)))
    }

    #[test]
    fn everything_known_is_said_in_both_languages() {
        for language in Language::ALL {
            let text = whole().describe(language);
            for part in ["AAB3", "2026", "500", "ErrorInternalServerError", "5d6c0b3e", "30 s"] {
                assert!(text.contains(part), "{part} is missing in: {text}");
            }
            assert!(text.contains(whole().cause().in_language(language)));
            assert!(text.contains(whole().remedy().in_language(language)));
        }
    }

    #[test]
    fn everything_but_the_underlying_error_is_read_back() {
        let error = whole().with_source("a cause").before_the_answer();
        let text = serde_json::to_string(&error).expect("serialises");
        let back: ReadError = serde_json::from_str(&text).expect("reads back");
        assert_eq!(back, whole());
    }

    #[test]
    fn no_wait_overflows_a_clock() {
        let json = serde_json::to_string(&whole().with_retry_after(Some(Duration::MAX))).expect("serialises");
        let long = json.replace(&LONGEST_WAIT.as_secs().to_string(), &u64::MAX.to_string());
        for text in [json, long] {
            let error: ReadError = serde_json::from_str(&text).expect("reads back");
            assert_eq!(error.retry_after(), Some(LONGEST_WAIT));
        }
    }

    #[test]
    fn an_address_is_in_no_text() {
        let primary = Mailbox::parse("anna@musterstadt.example").ok();
        let error = ReadError::new(ReadErrorKind::NotPrimaryAddress, Text::fixed("ein Alias", "an alias"));
        let error = error.with_primary_address(primary.clone()).with_code("anna@musterstadt.example");
        assert_eq!(error.primary_address(), primary.as_ref());
        let json = serde_json::to_string(&error).expect("serialises");
        let texts = format!("{error} {error:?} {json} {}", error.describe(Language::German));
        assert!(!texts.contains("anna"), "{texts}");
    }
}
