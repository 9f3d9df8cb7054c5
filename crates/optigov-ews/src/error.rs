use std::{borrow::Cow, error::Error as StdError, fmt, time::Duration};

use crate::{Language, Mailbox, texts};

pub(crate) type BoxError = Box<dyn StdError + Send + Sync>;

/// Why a call did not succeed.
///
/// `Display` states one fact and the cause is in [`source`](StdError::source) only. Neither of them, nor `Debug`, ever holds an address,
/// a title, a password, a token or a handshake message.
pub struct Error(Box<Inner>);

struct Inner {
    kind: Kind,
    step: Option<Step>,
    fact: Cow<'static, str>,
    code: Option<ResponseCode>,
    retry_after: Option<Duration>,
    request_id: Option<Box<str>>,
    primary: Option<Mailbox>,
    before_the_answer: bool,
    source: Option<BoxError>,
}

/// What went wrong, as far as a caller may want to act on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Kind {
    /// A setting or an argument cannot be used; nothing was sent.
    Configuration,
    /// The server's name has no address.
    Resolve,
    /// No connection to the server or to the proxy.
    Connect,
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
    /// An earlier refusal keeps the credential from being sent again.
    CredentialsLocked,
    /// The server offers other authentication schemes than the one configured.
    SchemeNotOffered,
    /// The [`TokenProvider`](crate::TokenProvider) gave no token.
    Token,
    /// The account may not act for this mailbox.
    ImpersonationDenied,
    /// No mailbox has this address.
    MailboxNotFound,
    /// The address is an alias; see [`Error::primary_address`].
    NotPrimaryAddress,
    /// The mailbox exists and cannot be read now (moved, disabled, its database is away).
    MailboxUnavailable,
    /// The calendar may not be read.
    AccessDenied,
    /// The server is busy and says so; see [`Error::retry_after`].
    Throttled,
    /// Another error that the server reports; see [`Error::code`].
    Server,
    /// What answered is not Exchange Web Services.
    NotEws,
    /// The answer cannot be understood.
    Malformed,
    /// A bound was reached: bytes, depth, requests or entries.
    LimitReached,
    /// The server sent a series instead of its occurrences.
    UnexpandedSeries,
    /// The server holds our request to be invalid.
    RequestRejected,
}

/// Where on the way a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Step {
    /// Finding the server's address.
    Resolve,
    /// Opening the connection, through a proxy if there is one.
    Connect,
    /// The TLS handshake.
    Tls,
    /// Proving who the account is.
    Authenticate,
    /// Acting for the mailbox.
    Impersonate,
    /// Exchanging request and answer, and what the server says about the calendar.
    Read,
    /// Understanding the answer.
    Parse,
}

/// Whose fault an error is, so that it reaches the person who can do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Origin {
    /// The way to the server.
    Network,
    /// The server or what stands in front of it.
    Server,
    /// The account: its password or its rights.
    Account,
    /// The mailbox: its address or its state.
    Mailbox,
    /// A setting of the client.
    Configuration,
    /// This library.
    Us,
}

/// A response code of Exchange, such as `ErrorServerBusy`. An open set: servers send codes that no list has.
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize)]
pub struct ResponseCode(Box<str>);

impl ResponseCode {
    /// Keeps what can be a code: ASCII letters and digits, at most 80 of them. Anything else could carry an address.
    pub(crate) fn new(text: &str) -> ResponseCode {
        let plain = text.len() <= 80 && !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        ResponseCode(if plain { text.into() } else { "unreadable".into() })
    }

    /// The code as Exchange spells it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ResponseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error {
    pub(crate) fn new(kind: Kind, fact: impl Into<Cow<'static, str>>) -> Error {
        Error(Box::new(Inner {
            kind,
            step: kind.usual_step(),
            fact: fact.into(),
            code: None,
            retry_after: None,
            request_id: None,
            primary: None,
            before_the_answer: false,
            source: None,
        }))
    }

    pub(crate) fn configuration(fact: impl Into<Cow<'static, str>>) -> Error {
        Error::new(Kind::Configuration, fact)
    }

    pub(crate) fn malformed(fact: impl Into<Cow<'static, str>>) -> Error {
        Error::new(Kind::Malformed, fact)
    }

    pub(crate) fn with_source(mut self, source: impl Into<BoxError>) -> Error {
        self.0.source = Some(source.into());
        self
    }

    pub(crate) fn at(mut self, step: Step) -> Error {
        self.0.step = Some(step);
        self
    }

    /// Nothing was sent.
    pub(crate) fn unsent(mut self) -> Error {
        self.0.step = None;
        self
    }

    pub(crate) fn with_code(mut self, code: ResponseCode) -> Error {
        self.0.code = Some(code);
        self
    }

    pub(crate) fn with_retry_after(mut self, after: Option<Duration>) -> Error {
        self.0.retry_after = after;
        self
    }

    pub(crate) fn with_primary(mut self, primary: Option<Mailbox>) -> Error {
        self.0.primary = primary;
        self
    }

    /// The same error for another mailbox that one request concerned. Its cause stays with the first.
    pub(crate) fn repeated(&self) -> Error {
        let of = &self.0;
        Error(Box::new(Inner {
            kind: of.kind,
            step: of.step,
            fact: of.fact.clone(),
            code: of.code.clone(),
            retry_after: of.retry_after,
            request_id: of.request_id.clone(),
            primary: of.primary.clone(),
            before_the_answer: of.before_the_answer,
            source: None,
        }))
    }

    /// The connection was lost and no part of an answer had come: a question may be asked again.
    pub(crate) fn before_the_answer(mut self) -> Error {
        self.0.before_the_answer = true;
        self
    }

    pub(crate) fn is_before_the_answer(&self) -> bool {
        self.0.before_the_answer
    }

    pub(crate) fn with_request_id(mut self, id: &str) -> Error {
        self.0.request_id.get_or_insert_with(|| id.into());
        self
    }

    /// What went wrong.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// Where on the way it went wrong; `None` when nothing was sent.
    pub fn step(&self) -> Option<Step> {
        self.0.step
    }

    /// Whose fault it is.
    pub fn origin(&self) -> Origin {
        self.0.kind.origin()
    }

    /// The response code that Exchange gave, if it gave one.
    pub fn code(&self) -> Option<&ResponseCode> {
        self.0.code.as_ref()
    }

    /// The `client-request-id` that the request carried, under which the server's logs hold it.
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// How long the server asks to wait, or how long a lock still holds.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// The primary address that the server named in place of an alias. Its `Debug` shows no address; ask it for its text.
    pub fn primary_address(&self) -> Option<&Mailbox> {
        self.0.primary.as_ref()
    }

    /// Whether a deadline passed.
    pub fn is_timeout(&self) -> bool {
        self.kind() == Kind::Timeout
    }

    /// Whether the server asked to slow down.
    pub fn is_throttled(&self) -> bool {
        self.kind() == Kind::Throttled
    }

    /// Whether the credential was refused, just now or earlier.
    pub fn is_credentials(&self) -> bool {
        matches!(self.kind(), Kind::CredentialsRefused | Kind::CredentialsLocked)
    }

    /// Whether the server could not be reached at all: name, connection, TLS, deadline or a lost connection.
    pub fn is_unreachable(&self) -> bool {
        matches!(self.kind(), Kind::Resolve | Kind::Connect | Kind::Timeout | Kind::Interrupted) || self.is_tls()
    }

    /// Whether TLS failed: the certificate, its name, the version.
    pub fn is_tls(&self) -> bool {
        matches!(self.kind(), Kind::Tls | Kind::CertificateExpired | Kind::CertificateUntrusted | Kind::CertificateName)
    }

    /// Whether the error concerns this mailbox only, so that others may still be read.
    pub fn is_mailbox(&self) -> bool {
        matches!(
            self.kind(),
            Kind::ImpersonationDenied
                | Kind::MailboxNotFound
                | Kind::NotPrimaryAddress
                | Kind::MailboxUnavailable
                | Kind::AccessDenied
                | Kind::UnexpandedSeries
        )
    }

    /// Whether a setting or an argument must change before another try makes sense.
    pub fn is_configuration(&self) -> bool {
        self.kind() == Kind::Configuration
    }

    /// What happened, as a sentence for the administrator. `Display` tells more, in English.
    pub fn cause(&self, language: Language) -> &'static str {
        texts::cause(self.kind()).in_language(language)
    }

    /// What the administrator can do about it, as whole sentences.
    pub fn remedy(&self, language: Language) -> &'static str {
        texts::remedy(self.kind()).in_language(language)
    }
}

impl Kind {
    fn usual_step(self) -> Option<Step> {
        Some(match self {
            Kind::Configuration => return None,
            Kind::Resolve => Step::Resolve,
            Kind::Connect => Step::Connect,
            Kind::Tls | Kind::CertificateExpired | Kind::CertificateUntrusted | Kind::CertificateName => Step::Tls,
            Kind::CredentialsRefused | Kind::CredentialsLocked | Kind::SchemeNotOffered | Kind::Token => {
                Step::Authenticate
            }
            Kind::ImpersonationDenied | Kind::MailboxNotFound | Kind::NotPrimaryAddress => Step::Impersonate,
            Kind::Malformed | Kind::NotEws | Kind::UnexpandedSeries | Kind::LimitReached => Step::Parse,
            Kind::Timeout
            | Kind::Interrupted
            | Kind::MailboxUnavailable
            | Kind::AccessDenied
            | Kind::Throttled
            | Kind::Server
            | Kind::RequestRejected => Step::Read,
        })
    }

    fn origin(self) -> Origin {
        match self {
            Kind::Configuration | Kind::SchemeNotOffered => Origin::Configuration,
            Kind::Resolve | Kind::Connect | Kind::Timeout | Kind::Interrupted => Origin::Network,
            Kind::Tls
            | Kind::CertificateExpired
            | Kind::CertificateUntrusted
            | Kind::CertificateName
            | Kind::Throttled
            | Kind::Server
            | Kind::NotEws
            | Kind::Malformed
            | Kind::UnexpandedSeries => Origin::Server,
            Kind::CredentialsRefused
            | Kind::CredentialsLocked
            | Kind::Token
            | Kind::ImpersonationDenied
            | Kind::AccessDenied => Origin::Account,
            Kind::MailboxNotFound | Kind::NotPrimaryAddress | Kind::MailboxUnavailable | Kind::LimitReached => {
                Origin::Mailbox
            }
            Kind::RequestRejected => Origin::Us,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.fact)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("step", &self.0.step)
            .field("fact", &self.0.fact)
            .field("code", &self.0.code)
            .field("retry_after", &self.0.retry_after)
            .field("request_id", &self.0.request_id)
            .field("source", &self.0.source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}
