//! The connection report: every step on the way to a calendar, and how it ended. Any source can fill it.

mod texts;

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::{Language, ReadError, Text};

/// A step on the way to a calendar, in the order in which they are taken. Errors name the step at which the way ended, and the connection
/// check reports on each one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Step {
    /// The server's name has an address.
    Resolve,
    /// A connection comes about, through the proxy if there is one.
    Connect,
    /// TLS comes about, with a certificate that is trusted.
    Tls,
    /// A domain controller (KDC) takes connections.
    Kdc,
    /// It grants a ticket for the server.
    Ticket,
    /// The account's credential is accepted, and with Kerberos the server has proved itself.
    Authentication,
    /// The service that was expected answers.
    Service,
    /// The account may act for the mailbox.
    Impersonation,
    /// The application may read the mailbox.
    Rights,
    /// The mailbox's calendar can be read.
    Calendar,
    /// Whether the account could see titles.
    Titles,
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StepOutcome {
    /// As it should be.
    Passed,
    /// It works, and yet something about it should change; the step says what.
    Warning,
    /// Not as it should be; the step says why and what to do.
    Failed,
    /// There is nothing to check here, such as TLS on a loopback address without it.
    NotNeeded,
    /// It could not be taken, or nothing showed how it ended, because another step failed.
    NotReached,
}

/// What a step found out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Finding {
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
        /// What the server offers; empty when it did not say.
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
        /// How many entries, occurrences counted singly.
        count: usize,
        /// In so many days from now.
        days: u32,
    },
    /// Whether the account can see titles.
    Titles {
        /// What was seen.
        visibility: TitleVisibility,
    },
}

/// Whether the account can see the titles of appointments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TitleVisibility {
    /// A title was seen.
    Visible,
    /// The server shows the account none.
    Hidden,
    /// It cannot be told: there is no entry, or none has a title.
    CannotTell,
    /// The service has no permission that hides titles from whoever may read calendars. Nobody looked for any.
    NotHideable,
}

/// What should change although a step works: a cause and a remedy, each in whole sentences.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct StepWarning {
    /// What was found.
    pub cause: Text,
    /// What to do about it.
    pub remedy: Text,
}

impl StepWarning {
    /// A warning with what was found and what to do about it.
    pub fn new(cause: Text, remedy: Text) -> StepWarning {
        StepWarning { cause, remedy }
    }
}

/// One step's part of the report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StepReport {
    step: Step,
    outcome: StepOutcome,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    findings: Vec<Finding>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<StepWarning>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ReadError>,
}

impl StepReport {
    /// A step that ended well.
    pub fn passed(step: Step) -> StepReport {
        StepReport { step, outcome: StepOutcome::Passed, findings: Vec::new(), warnings: Vec::new(), error: None }
    }

    /// A step that has nothing to check.
    pub fn not_needed(step: Step) -> StepReport {
        StepReport { outcome: StepOutcome::NotNeeded, ..StepReport::passed(step) }
    }

    /// A step that could not be taken, or of which nothing showed how it ended, because another one failed.
    pub fn not_reached(step: Step) -> StepReport {
        StepReport { outcome: StepOutcome::NotReached, ..StepReport::passed(step) }
    }

    /// A step that failed.
    pub fn failed(step: Step, error: ReadError) -> StepReport {
        StepReport { outcome: StepOutcome::Failed, error: Some(error), ..StepReport::passed(step) }
    }

    /// The same step with something that it found out.
    pub fn with_finding(mut self, finding: impl Into<Option<Finding>>) -> StepReport {
        self.findings.extend(finding.into());
        self
    }

    /// The same step with a warning; a step that passed then passed with a warning.
    pub fn with_warning(mut self, warning: StepWarning) -> StepReport {
        if self.outcome == StepOutcome::Passed {
            self.outcome = StepOutcome::Warning;
        }
        self.warnings.push(warning);
        self
    }

    /// Which step.
    pub fn step(&self) -> Step {
        self.step
    }

    /// How it ended.
    pub fn outcome(&self) -> StepOutcome {
        self.outcome
    }

    /// What it found out.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// What should change although the step works.
    pub fn warnings(&self) -> &[StepWarning] {
        &self.warnings
    }

    /// Why it failed.
    pub fn error(&self) -> Option<&ReadError> {
        self.error.as_ref()
    }
}

/// The whole report of a connection check: the source's steps in order, and who uses the mailbox. It names no mailbox and no account, and
/// serialises with texts in both languages, and with `good`.
///
/// ```
/// use optigov_calendar::{ConnectionReport, Language, Step, StepReport};
///
/// let report = ConnectionReport::new(vec![StepReport::passed(Step::Resolve)]);
/// assert!(report.is_good());
/// assert_eq!(report.to_text(Language::German), "1. Namensauflösung: in Ordnung\n");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionReport {
    place: Option<Text>,
    steps: Vec<StepReport>,
    counters: Vec<String>,
}

impl ConnectionReport {
    /// The steps that a source takes, in order.
    pub fn new(steps: Vec<StepReport>) -> ConnectionReport {
        ConnectionReport { place: None, steps, counters: Vec::new() }
    }

    /// The same with the ids of the counters whose Exchange sync uses the mailbox.
    pub fn with_counters(self, counters: Vec<String>) -> ConnectionReport {
        ConnectionReport { counters, ..self }
    }

    /// The same with the name of the place to which the steps lead, where a mailbox may lie in several.
    pub fn at_place(self, place: Text) -> ConnectionReport {
        ConnectionReport { place: Some(place), ..self }
    }

    /// The same, where it is known from elsewhere that the calendar cannot be read, and why: the step that failed, else the calendar's, fails with this error.
    pub fn ending_with(mut self, error: ReadError) -> ConnectionReport {
        let failed = self.steps.iter().position(|report| report.outcome == StepOutcome::Failed);
        let calendar = || self.steps.iter().position(|report| report.step == Step::Calendar);
        match failed.or_else(calendar) {
            Some(at) => self.steps[at] = StepReport::failed(self.steps[at].step, error),
            None => self.steps.push(StepReport::failed(Step::Calendar, error)),
        }
        self
    }

    /// The name of the place to which the steps lead, such as `Exchange Online`; `None` where there is one place only.
    pub fn place(&self) -> Option<&Text> {
        self.place.as_ref()
    }

    /// Whether no step failed.
    pub fn is_good(&self) -> bool {
        !self.steps.iter().any(|step| step.outcome == StepOutcome::Failed)
    }

    /// Every step, in order.
    pub fn steps(&self) -> &[StepReport] {
        &self.steps
    }

    /// A step's part.
    pub fn step(&self, step: Step) -> Option<&StepReport> {
        self.steps.iter().find(|report| report.step == step)
    }

    /// The first error, where a step failed.
    pub fn error(&self) -> Option<&ReadError> {
        self.steps.iter().find_map(StepReport::error)
    }

    /// The ids of the counters whose Exchange sync uses the mailbox.
    pub fn counters(&self) -> &[String] {
        &self.counters
    }

    /// The report as text: a numbered line for each step as in the administrator's guide, with everything known about an error below the
    /// step that failed, and last the counters that use the mailbox.
    pub fn to_text(&self, language: Language) -> String {
        texts::report(self, language)
    }
}

impl Serialize for ConnectionReport {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let mut fields = serializer.serialize_struct("ConnectionReport", 4)?;
        fields.serialize_field("good", &self.is_good())?;
        match &self.place {
            Some(place) => fields.serialize_field("place", place)?,
            None => fields.skip_field("place")?,
        }
        fields.serialize_field("steps", &self.steps)?;
        fields.serialize_field("counters", &self.counters)?;
        fields.end()
    }
}

impl Step {
    /// Every step, in the order in which they are taken.
    pub const ALL: [Step; 11] = [
        Step::Resolve,
        Step::Connect,
        Step::Tls,
        Step::Kdc,
        Step::Ticket,
        Step::Authentication,
        Step::Service,
        Step::Impersonation,
        Step::Rights,
        Step::Calendar,
        Step::Titles,
    ];

    /// The step's number in the administrator's guide: `1` to `8`, and `3a` and `3b` for those that only Kerberos takes. Rights in Exchange Online stand where
    /// impersonation does.
    pub fn number(self) -> &'static str {
        match self {
            Step::Resolve => "1",
            Step::Connect => "2",
            Step::Tls => "3",
            Step::Kdc => "3a",
            Step::Ticket => "3b",
            Step::Authentication => "4",
            Step::Service => "5",
            Step::Impersonation | Step::Rights => "6",
            Step::Calendar => "7",
            Step::Titles => "8",
        }
    }

    /// The step's name for people.
    pub fn name(self) -> Text {
        texts::step(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ReadErrorKind;

    #[test]
    fn the_whole_is_good_exactly_when_no_step_failed() {
        let warned = StepReport::passed(Step::Service)
            .with_warning(StepWarning::new(Text::fixed("Alt.", "Old."), Text::fixed("Erneuern.", "Renew.")));
        assert_eq!(warned.outcome(), StepOutcome::Warning);
        let not_needed = StepReport::not_needed(Step::Tls);
        assert!(ConnectionReport::new(vec![warned.clone(), not_needed]).is_good());
        let error = ReadError::new(ReadErrorKind::Refused, Text::fixed("kein Dienst", "no service"));
        let failed = StepReport::failed(Step::Connect, error);
        let report = ConnectionReport::new(vec![warned, failed, StepReport::not_reached(Step::Tls)]);
        assert!(!report.is_good());
        let json = serde_json::to_value(&report).expect("serialises");
        assert_eq!(json["good"], false);
        assert_eq!(json["steps"][1]["error"]["kind"], "refused");
        assert_eq!(json["steps"][2]["outcome"], "not_reached");
    }

    #[test]
    fn the_text_numbers_the_steps_and_tells_everything_below_the_one_that_failed() {
        let error = ReadError::new(ReadErrorKind::Refused, Text::fixed("Port 443 ist zu", "port 443 is closed"));
        let error = error.with_request_id("5d6c");
        let report = ConnectionReport::new(vec![
            StepReport::passed(Step::Resolve)
                .with_finding(Finding::Addresses { addresses: vec![[10, 0, 0, 1].into()] }),
            StepReport::failed(Step::Connect, error),
            StepReport::not_reached(Step::Tls),
        ]);
        let text = report.with_counters(vec!["buergerbuero-1".into()]).to_text(Language::English);
        let wanted = "1. Name resolution: passed (10.0.0.1)\n\
                      2. Connection: failed\n   \
                         The server refuses connections on this port.\n   \
                         Details: port 443 is closed; request id 5d6c.\n   \
                         Check that the port in the URL is right and that the web service (IIS) runs on the server. A firewall can refuse \
                         connections in this way, too.\n\
                      3. Encryption: not reached\n\
                      Counters that use this mailbox: buergerbuero-1\n";
        assert_eq!(text, wanted);
    }
}
