//! The connection check, seen from the configuration: who uses the mailbox, and does the access mode keep its promise.

use optigov_counter::{Access, Mailbox, Municipality};
use optigov_ews::{CheckFinding, CheckReport};
use serde::Serialize;

/// The client's report of a connection check, with what the configuration adds.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct ConnectionReport {
    /// Step by step, how far the connection works; `None` where the source has no connection to check.
    pub report: Option<CheckReport>,
    /// The ids of the counters whose Exchange sync is on and uses the mailbox.
    pub counters: Vec<String>,
    /// Whether titles stay hidden from the service account, where the access mode promises it; `None` where it promises nothing, or where
    /// the check did not get so far.
    pub titles_hidden: Option<bool>,
}

impl ConnectionReport {
    pub(crate) fn new(report: Option<CheckReport>, municipality: &Municipality, mailbox: &Mailbox) -> Self {
        let using = municipality.counters().iter().filter(|counter| {
            let sync = counter.exchange_sync();
            sync.is_on() && sync.mailboxes().contains(mailbox)
        });
        let promised = municipality.exchange().is_some_and(|exchange| exchange.access() == Access::FreeBusy);
        let visible = report.as_ref().and_then(titles_visible);
        ConnectionReport {
            counters: using.map(|counter| counter.id().as_str().to_owned()).collect(),
            titles_hidden: visible.filter(|_| promised).map(|visible| !visible),
            report,
        }
    }

    /// Whether every step of the connection works and the access mode keeps its promise.
    pub fn is_good(&self) -> bool {
        self.report.as_ref().is_some_and(CheckReport::passed) && self.titles_hidden != Some(false)
    }
}

/// Whether the check saw a title; `None` where it did not look at any entry.
fn titles_visible(report: &CheckReport) -> Option<bool> {
    report.steps().iter().find_map(|step| match step.finding()? {
        CheckFinding::Titles { looked_at: 1.., with_title } => Some(*with_title > 0),
        _ => None,
    })
}
