//! The connection check: every step on the way to a calendar, one after the other.

use std::{fmt, net::IpAddr, time::SystemTime};

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use tokio::time::timeout;

use crate::{
    Error, EwsClient, FreeBusyEvent, Kind, Language, Mailbox, Step,
    calendar::Window,
    client::Call,
    ops::{find_item, get_user_availability},
    soap,
    texts::{self, Text},
    transport::{certificate, connection::Connection, dial, failure, offered_schemes},
};

/// The calendar is read so far ahead.
const AHEAD: TimeDelta = TimeDelta::days(14);

/// A step of the connection check, in the order of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CheckStep {
    /// The server's name has an address.
    Resolve,
    /// A connection comes about.
    Connect,
    /// TLS comes about, with a certificate that is trusted.
    Tls,
    /// The account's credential is accepted.
    Authentication,
    /// Exchange Web Services answer.
    Ews,
    /// The account may act for the mailbox.
    Impersonation,
    /// The mailbox's calendar can be read.
    Calendar,
    /// Whether the account could see titles.
    Titles,
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CheckOutcome {
    /// As it should be.
    Passed,
    /// Not as it should be; the report says why and what to do.
    Failed,
    /// An earlier step failed.
    NotReached,
    /// There is nothing to check here, such as TLS on a loopback address without it.
    NotNeeded,
}

/// What a step found out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum CheckFinding {
    /// The addresses of the server, or of the proxy that looks for the server itself.
    Addresses {
        /// In the order in which they are tried.
        addresses: Vec<IpAddr>,
    },
    /// The TLS session. Told of a certificate that is not accepted, too.
    Tls {
        /// `TLS 1.2` or `TLS 1.3`; `None` when the handshake failed.
        version: Option<String>,
        /// The names that the certificate is for.
        names: Vec<String>,
        /// The end of its validity.
        not_after: Option<DateTime<Utc>>,
        /// Who signed it.
        issuer: String,
    },
    /// The authentication schemes.
    Schemes {
        /// What the server offers.
        offered: Vec<String>,
        /// What the client uses.
        used: String,
    },
    /// The server's version.
    Version {
        /// The product, such as `Exchange Server 2019`.
        product: String,
        /// Such as `15.2.1544.9`.
        version: String,
    },
    /// What the calendar holds.
    Entries {
        /// In the next 14 days, occurrences counted singly.
        count: usize,
    },
    /// Whether titles can be seen.
    Titles {
        /// How many entries were looked at; at most three. With none, nothing can be said.
        looked_at: usize,
        /// How many of them had a title.
        with_title: usize,
    },
}

/// Why a step failed, in words for the administrator.
#[derive(Clone, Debug, Serialize)]
pub struct CheckFailure {
    kind: Kind,
    code: Option<crate::ResponseCode>,
    request_id: Option<String>,
    detail: String,
    cause: Text,
    remedy: Text,
}

/// One step's part of the report.
#[derive(Clone, Debug, Serialize)]
pub struct CheckResult {
    step: CheckStep,
    outcome: CheckOutcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    finding: Option<CheckFinding>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<CheckFailure>,
}

/// The whole report: every step once, in order. It names no mailbox and no account, and serialises with texts in both languages.
#[derive(Clone, Debug, Serialize)]
pub struct CheckReport {
    passed: bool,
    steps: Vec<CheckResult>,
}

/// By which operation the calendar is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    Impersonation,
    FreeBusy,
}

impl EwsClient {
    /// Goes the whole way to a mailbox's calendar step by step and reports on each one. It takes part in the client's limits and in the
    /// lock on a refused credential: a wrong password is sent once.
    ///
    /// To tell whether the account can see titles, the titles of at most three entries are asked for, counted and dropped. No other
    /// method asks for any.
    pub async fn check(&self, mailbox: &Mailbox) -> CheckReport {
        self.check_by(mailbox, Access::Impersonation).await
    }

    /// As [`check`](Self::check), for an account that reads free/busy without impersonation: the step `Impersonation` is not needed, and
    /// `Titles` tells whether the account's rights hide them, by asking for details of the time around the first three entries.
    pub async fn check_free_busy(&self, mailbox: &Mailbox) -> CheckReport {
        self.check_by(mailbox, Access::FreeBusy).await
    }

    async fn check_by(&self, mailbox: &Mailbox, access: Access) -> CheckReport {
        let mut report = CheckReport { passed: false, steps: Vec::new() };
        if let Err((step, error, finding)) = self.walk(mailbox, access, &mut report).await {
            report.push(step, CheckOutcome::Failed, finding);
            if let Some(last) = report.steps.last_mut() {
                last.failure = Some(CheckFailure::new(&error));
            }
        }
        let ended = report.steps.len();
        report.steps.extend(ALL[ended..].iter().map(|&step| CheckResult::new(step, CheckOutcome::NotReached, None)));
        report.passed = !report
            .steps
            .iter()
            .any(|result| matches!(result.outcome, CheckOutcome::Failed | CheckOutcome::NotReached));
        report
    }

    async fn walk(
        &self,
        mailbox: &Mailbox,
        access: Access,
        report: &mut CheckReport,
    ) -> Result<(), (CheckStep, Error, Option<CheckFinding>)> {
        use CheckOutcome::{NotNeeded, Passed};
        let route = self.route();
        let at = |step| move |error: Error| (step, error, None);

        let addresses = dial::addresses(route).await.map_err(at(CheckStep::Resolve))?;
        report.push(CheckStep::Resolve, Passed, Some(CheckFinding::Addresses { addresses }));

        let stream =
            timeout(route.connect_timeout, dial::connect(route)).await.unwrap_or_else(|_| Err(failure::too_late()));
        let stream = stream.map_err(at(CheckStep::Connect))?;
        report.push(CheckStep::Connect, Passed, None);

        let (config, shown) = certificate::recording(&route.tls).map_err(at(CheckStep::Tls))?;
        let late = |_| Error::new(Kind::Timeout, "the server does not answer the TLS handshake").at(Step::Tls);
        let dialled = timeout(route.connect_timeout, dial::secure(route, stream, config))
            .await
            .map_err(late)
            .and_then(|dialled| dialled);
        let version = dialled.as_ref().ok().and_then(|dialled| dialled.tls).map(certificate::version_name);
        let finding = shown.finding(version);
        let dialled = match dialled {
            Ok(dialled) => dialled,
            Err(error) => return Err((CheckStep::Tls, error, finding)),
        };
        report.push(CheckStep::Tls, if dialled.tls.is_some() { Passed } else { NotNeeded }, finding);

        let offered = self.offered(dialled).await.map_err(at(CheckStep::Authentication))?;
        let used = self.scheme().to_owned();
        let asked = !offered.is_empty();
        let schemes = CheckFinding::Schemes { offered, used };
        let answer = match access {
            Access::Impersonation => self.impersonate(mailbox).calendar_folder().await.map(|_| Vec::new()),
            Access::FreeBusy => self.events_ahead(mailbox).await,
        };
        let (events, failed) = match answer {
            Ok(events) => (events, None),
            Err(error) => (Vec::new(), Some((failing_step(&error, access), error))),
        };
        let version = self.server_version();
        let version = version
            .map(|version| CheckFinding::Version { product: version.product().into(), version: version.to_string() });
        let impersonation = if access == Access::FreeBusy { NotNeeded } else { Passed };
        let known = [
            (CheckStep::Authentication, if asked { Passed } else { NotNeeded }, Some(schemes.clone())),
            (CheckStep::Ews, Passed, version),
            (CheckStep::Impersonation, impersonation, None),
        ];
        for (step, outcome, finding) in known {
            if failed.as_ref().is_none_or(|(failing, _)| step < *failing) {
                report.push(step, outcome, finding);
            }
        }
        if let Some((step, error)) = failed {
            return Err((step, error, (step == CheckStep::Authentication).then_some(schemes)));
        }

        let (start, end) = ahead();
        let count = match access {
            Access::Impersonation => self.impersonate(mailbox).calendar_view(start, end).await.map(|items| items.len()),
            Access::FreeBusy => Ok(events.len()),
        };
        let count = count.map_err(at(CheckStep::Calendar))?;
        report.push(CheckStep::Calendar, Passed, Some(CheckFinding::Entries { count }));

        let titles = match access {
            Access::Impersonation => self.count_titles(mailbox).await,
            Access::FreeBusy => self.count_free_busy_titles(mailbox, &events).await,
        };
        let (looked_at, with_title) = titles.map_err(at(CheckStep::Titles))?;
        report.push(CheckStep::Titles, Passed, Some(CheckFinding::Titles { looked_at, with_title }));
        Ok(())
    }

    /// The schemes that the server names when a request comes without a credential; none when it asks for none.
    async fn offered(&self, dialled: dial::Dialled) -> Result<Vec<String>, Error> {
        let mut connection = Connection::over(dialled).await?;
        let answer = connection.post(self.route(), HeaderMap::new(), Bytes::new()).await?;
        Ok(match answer.status {
            StatusCode::UNAUTHORIZED => offered_schemes(&answer.headers),
            _ => Vec::new(),
        })
    }

    async fn events_ahead(&self, mailbox: &Mailbox) -> Result<Vec<FreeBusyEvent>, Error> {
        let (start, end) = ahead();
        let mut results = self.free_busy(std::slice::from_ref(mailbox), start, end).await?;
        results.pop().map_or_else(|| Ok(Vec::new()), |(_, events)| events)
    }

    /// Asks for the details of the first three events' time, which an account that may see no titles does not get.
    async fn count_free_busy_titles(
        &self,
        mailbox: &Mailbox,
        events: &[FreeBusyEvent],
    ) -> Result<(usize, usize), Error> {
        let Some(first) = events.first() else { return Ok((0, 0)) };
        let third = events.get(2).or(events.last()).unwrap_or(first);
        // Events may reach far beyond what one request may ask for; that they touch the window is enough to find them.
        let start = first.start().max(ahead().0);
        let window = Window::new(start, third.start().max(start) + TimeDelta::minutes(1))?;
        let body = get_user_availability::titles_request(window, mailbox);
        let body = soap::envelope(self.settings().version, None, &body);
        let (operation, deadline) = (get_user_availability::NAME, self.deadline());
        let call = Call { operation, body, anchor: Some(mailbox), charged: None, deadline };
        self.call(call, get_user_availability::count_titles).await
    }

    async fn count_titles(&self, mailbox: &Mailbox) -> Result<(usize, usize), Error> {
        let (start, end) = ahead();
        let as_owner = self.impersonate(mailbox);
        let body = find_item::titles_request(Window::new(start, end)?, mailbox);
        self.call(as_owner.call(find_item::NAME, &body, self.deadline()), find_item::count_titles).await
    }
}

/// The step that an error of the first EWS call belongs to.
fn failing_step(error: &Error, access: Access) -> CheckStep {
    match error.kind() {
        Kind::CredentialsRefused | Kind::CredentialsLocked | Kind::SchemeNotOffered | Kind::Token => {
            CheckStep::Authentication
        }
        Kind::ImpersonationDenied | Kind::MailboxNotFound | Kind::NotPrimaryAddress
            if access == Access::Impersonation =>
        {
            CheckStep::Impersonation
        }
        _ if error.is_mailbox() => CheckStep::Calendar,
        _ => CheckStep::Ews,
    }
}

fn ahead() -> (DateTime<Utc>, DateTime<Utc>) {
    let now = DateTime::<Utc>::from(SystemTime::now());
    (now, now + AHEAD)
}

const ALL: [CheckStep; 8] = [
    CheckStep::Resolve,
    CheckStep::Connect,
    CheckStep::Tls,
    CheckStep::Authentication,
    CheckStep::Ews,
    CheckStep::Impersonation,
    CheckStep::Calendar,
    CheckStep::Titles,
];

impl CheckReport {
    fn push(&mut self, step: CheckStep, outcome: CheckOutcome, finding: Option<CheckFinding>) {
        self.steps.push(CheckResult::new(step, outcome, finding));
    }

    /// Whether no step failed.
    pub fn passed(&self) -> bool {
        self.passed
    }

    /// Every step, in order.
    pub fn steps(&self) -> &[CheckResult] {
        &self.steps
    }

    /// The report as text, a line for each step, with cause and remedy below the one that failed.
    pub fn to_text(&self, language: Language) -> String {
        self.steps.iter().map(|result| result.to_text(language) + "\n").collect()
    }
}

impl CheckResult {
    fn new(step: CheckStep, outcome: CheckOutcome, finding: Option<CheckFinding>) -> CheckResult {
        CheckResult { step, outcome, finding, failure: None }
    }

    /// Which step.
    pub fn step(&self) -> CheckStep {
        self.step
    }

    /// How it ended.
    pub fn outcome(&self) -> CheckOutcome {
        self.outcome
    }

    /// What it found out.
    pub fn finding(&self) -> Option<&CheckFinding> {
        self.finding.as_ref()
    }

    /// Why it failed.
    pub fn failure(&self) -> Option<&CheckFailure> {
        self.failure.as_ref()
    }

    /// The step as a line of text, with cause and remedy below it if it failed.
    pub fn to_text(&self, language: Language) -> String {
        let (step, outcome) =
            (texts::step(self.step).in_language(language), texts::outcome(self.outcome).in_language(language));
        let mut text = format!("{step}: {outcome}");
        if let Some(finding) = &self.finding {
            text += &format!(" ({})", texts::finding(finding, language));
        }
        if let Some(failure) = &self.failure {
            text += &format!("\n    {}\n    {}", failure.cause(language), failure.remedy(language));
        }
        text
    }
}

impl CheckFailure {
    fn new(error: &Error) -> CheckFailure {
        CheckFailure {
            kind: error.kind(),
            code: error.code().cloned(),
            request_id: error.request_id().map(str::to_owned),
            detail: error.to_string(),
            cause: texts::cause(error.kind()),
            remedy: texts::remedy(error.kind()),
        }
    }

    /// What went wrong.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The response code that Exchange gave.
    pub fn code(&self) -> Option<&crate::ResponseCode> {
        self.code.as_ref()
    }

    /// What happened.
    pub fn cause(&self, language: Language) -> &'static str {
        self.cause.in_language(language)
    }

    /// What to do about it.
    pub fn remedy(&self, language: Language) -> &'static str {
        self.remedy.in_language(language)
    }
}

impl fmt::Display for CheckFailure {
    /// The error's own text, in English.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}
