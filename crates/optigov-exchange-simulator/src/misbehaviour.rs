//! Which rules hit a request, and what they do to its answer.

mod damage;
mod json;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::encoding::Encoding;
use crate::scenario::{
    Contradiction, Effect, Fault, FreeBusyDefect, GraphDefect, HttpAnswer, Scenario, Shape, SoapFault, StreamDefect,
};
use damage::Damage;

pub(crate) use damage::last_item;

/// Operations that are concerned only by rules that name them.
const ONLY_BY_NAME: [&str; 3] = ["$batch", "token", "discovery"];

/// How many fitting requests each rule has seen.
#[derive(Debug)]
pub(crate) struct Counts(Vec<AtomicU64>);

/// What will go wrong with one request.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) delay: Duration,
    /// Ends the request in place of the answer.
    pub(crate) instead: Option<Instead>,
    pub(crate) manner: Manner,
    damages: Vec<Damage>,
    /// The HTTP status of an answer that would have 200.
    pub(crate) success_status: Option<u16>,
    /// What is returned as `client-request-id`.
    pub(crate) other_request_id: Option<String>,
    pub(crate) encoding: Encoding,
    pub(crate) ending: Ending,
}

/// What comes in place of the operation's answer.
#[derive(Debug)]
pub(crate) enum Instead {
    Hang,
    Reset,
    Close,
    Http(HttpAnswer),
    Unauthorized,
    Throttled(Shape, Option<Duration>),
    Message { code: String, back_off: Option<String> },
    Fault(SoapFault),
    Graph { status: u16, code: String, retry_after: Option<String> },
    Aadsts(u32),
}

/// In which ways an answer is written differently from what Exchange does as a rule.
#[derive(Clone, Debug, Default)]
pub(crate) struct Manner {
    pub(crate) other_mailbox: Option<String>,
    pub(crate) missing_optional: bool,
    pub(crate) numeric_booleans: bool,
    pub(crate) unsorted: bool,
    pub(crate) touching: bool,
    pub(crate) masters: bool,
    /// Sends one item more than was asked for.
    pub(crate) more_than_asked: bool,
    /// Sends a subject that holds [`INVALID_BYTE`](crate::encoding::INVALID_BYTE), whatever was asked for.
    pub(crate) invalid_subject: bool,
    /// A server that is not Microsoft's.
    pub(crate) foreign: bool,
    free_busy: Vec<FreeBusyManner>,
    /// What becomes of a stream of notifications.
    pub(crate) stream: Option<StreamDefect>,
    /// In which ways Microsoft Graph is odd.
    pub(crate) graph: Vec<GraphDefect>,
}

/// A defect of free/busy, for one mailbox or for all.
#[derive(Clone, Debug)]
struct FreeBusyManner {
    mailbox: Option<String>,
    defect: FreeBusyDefect,
}

/// How the bytes of an answer end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Ending {
    #[default]
    Whole,
    /// Padded to so many bytes; `None`: forever.
    Padded(Option<u64>),
    /// The last item repeated, up to so many bytes.
    ManyItems(u64),
    /// The whole answer, and after a time the same answer again.
    Surplus(Duration),
    ResetWithin,
    ResetAfter,
}

impl Counts {
    pub(crate) fn new(faults: &[Fault]) -> Counts {
        Counts(faults.iter().map(|_| AtomicU64::new(0)).collect())
    }
}

impl Manner {
    /// In which ways free/busy of the mailbox with this address is odd.
    pub(crate) fn free_busy_defects(&self, address: &str) -> impl Iterator<Item = &FreeBusyDefect> {
        let concerns =
            |manner: &&FreeBusyManner| manner.mailbox.as_deref().is_none_or(|m| m.eq_ignore_ascii_case(address));
        self.free_busy.iter().filter(concerns).map(|manner| &manner.defect)
    }
}

impl Plan {
    /// The plan for a request, of which every fitting rule takes note. `mailboxes`: all that the request names, first the one
    /// that is meant.
    pub(crate) fn new(scenario: &Scenario, counts: &Counts, operation: &str, mailboxes: &[String]) -> Plan {
        let mut plan = Plan::default();
        if scenario.foreign {
            plan.manner =
                Manner { foreign: true, numeric_booleans: true, unsorted: true, touching: true, ..Manner::default() };
        }
        plan.manner.masters = scenario.unexpanded_series;
        for (fault, count) in scenario.faults.iter().zip(&counts.0) {
            let candidates =
                if fault.effect.is_of_one_mailbox() { mailboxes } else { &mailboxes[..mailboxes.len().min(1)] };
            let fits_mailbox = |want: &str| candidates.iter().any(|is| is.eq_ignore_ascii_case(want));
            let fits = fault.operation.as_deref().map_or(!ONLY_BY_NAME.contains(&operation), |name| name == operation)
                && fault.mailbox.as_deref().is_none_or(fits_mailbox);
            if fits && fault.hits(count.fetch_add(1, Ordering::Relaxed) + 1) {
                plan.add(fault);
            }
        }
        plan
    }

    fn add(&mut self, fault: &Fault) {
        let instead = match fault.effect.clone() {
            Effect::Hang => Instead::Hang,
            Effect::ResetBefore => Instead::Reset,
            Effect::CloseBefore => Instead::Close,
            Effect::Status { code, body, content_type } => {
                Instead::Http(HttpAnswer::new(code).content_type(content_type).body(body))
            }
            Effect::Http(answer) => Instead::Http(answer),
            Effect::Unauthorized => Instead::Unauthorized,
            Effect::ResponseCode(code) => Instead::Message { code, back_off: None },
            Effect::ResponseCodeWithBackOff { code, back_off } => Instead::Message { code, back_off: Some(back_off) },
            Effect::Fault(code) => Instead::Fault(SoapFault::new(code)),
            Effect::SoapFault(fault) => Instead::Fault(fault),
            Effect::BareFault(code) => Instead::Fault(SoapFault::new(code).status(200).bare()),
            Effect::Throttled { shape, back_off } => Instead::Throttled(shape, back_off),
            Effect::GraphError { status, code, retry_after } => Instead::Graph { status, code, retry_after },
            Effect::Aadsts(number) => Instead::Aadsts(number),
            Effect::Graph(defect) => return self.manner.graph.push(defect),
            Effect::Stream(defect) => return self.manner.stream = Some(defect),
            Effect::Delay(delay) => return self.delay = self.delay.saturating_add(delay),
            Effect::ResetWithin => return self.ending = Ending::ResetWithin,
            Effect::ResetAfter => return self.ending = Ending::ResetAfter,
            Effect::Huge(bytes) => return self.ending = Ending::Padded(Some(bytes)),
            Effect::ManyItems(bytes) => return self.ending = Ending::ManyItems(bytes),
            Effect::Endless => return self.ending = Ending::Padded(None),
            Effect::Surplus { after } => return self.ending = Ending::Surplus(after),
            Effect::Gzip => return self.encoding.gzip = true,
            Effect::Utf16 => return self.encoding.utf16 = true,
            Effect::OtherRequestId(id) => return self.other_request_id = Some(id),
            Effect::Truncated => return self.damages.push(Damage::Truncated),
            Effect::Malformed => return self.damages.push(Damage::Malformed),
            Effect::Replace { text, with } => return self.damages.push(Damage::Replace { text, with }),
            Effect::ForbiddenCharacters => return self.damages.push(Damage::ForbiddenCharacters),
            Effect::Year(year) => return self.damages.push(Damage::Year(year)),
            Effect::Contradiction(Contradiction::Status(code)) => return self.success_status = Some(code),
            Effect::Contradiction(Contradiction::MoreThanAsked) => return self.manner.more_than_asked = true,
            Effect::Contradiction(contradiction) => return self.damages.push(Damage::Contradiction(contradiction)),
            Effect::FreeBusy(defect) => {
                return self.manner.free_busy.push(FreeBusyManner { mailbox: fault.mailbox.clone(), defect });
            }
            Effect::InvalidUtf8 => return self.manner.invalid_subject = true,
            Effect::OtherMailbox(address) => return self.manner.other_mailbox = Some(address),
            Effect::MissingOptional => return self.manner.missing_optional = true,
            Effect::NumericBooleans => return self.manner.numeric_booleans = true,
            Effect::Unsorted => return self.manner.unsorted = true,
            Effect::Touching => return self.manner.touching = true,
            Effect::Masters => return self.manner.masters = true,
        };
        self.instead.get_or_insert(instead);
    }

    /// The answer's text, damaged.
    pub(crate) fn damage(&self, text: String) -> String {
        self.damages.iter().fold(text, |text, damage| damage.apply(text))
    }
}
