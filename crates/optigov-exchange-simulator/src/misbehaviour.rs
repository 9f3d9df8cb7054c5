//! Which rules hit a request, and what they do to its answer.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::scenario::{Effect, Fault, Shape};

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
    pub(crate) ending: Ending,
}

#[derive(Debug)]
pub(crate) enum Instead {
    Hang,
    Reset,
    Status { code: u16, content_type: String, body: String },
    Throttled(Shape, Option<Duration>),
    Message(String),
    Fault(String),
    BareFault(String),
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
    /// A server that is not Microsoft's.
    pub(crate) foreign: bool,
}

/// How the bytes of an answer end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Ending {
    #[default]
    Whole,
    /// Padded to so many bytes; `None`: forever.
    Padded(Option<u64>),
    ResetWithin,
    ResetAfter,
}

#[derive(Debug)]
enum Damage {
    Truncated,
    Malformed,
    ForbiddenCharacters,
    Replace { text: String, with: String },
}

impl Counts {
    pub(crate) fn new(faults: &[Fault]) -> Counts {
        Counts(faults.iter().map(|_| AtomicU64::new(0)).collect())
    }
}

impl Plan {
    /// The plan for a request, of which every fitting rule takes note.
    pub(crate) fn new(
        faults: &[Fault],
        counts: &Counts,
        foreign: bool,
        operation: &str,
        mailbox: Option<&str>,
    ) -> Plan {
        let mut plan = Plan::default();
        if foreign {
            plan.manner =
                Manner { foreign, numeric_booleans: true, unsorted: true, touching: true, ..Manner::default() };
        }
        for (fault, count) in faults.iter().zip(&counts.0) {
            let fits = fault.operation.as_deref().is_none_or(|name| name == operation)
                && fault.mailbox.as_deref().is_none_or(|want| mailbox.is_some_and(|is| is.eq_ignore_ascii_case(want)));
            if fits && fault.hits(count.fetch_add(1, Ordering::Relaxed) + 1) {
                plan.add(&fault.effect);
            }
        }
        plan
    }

    fn add(&mut self, effect: &Effect) {
        let instead = match effect.clone() {
            Effect::Hang => Instead::Hang,
            Effect::ResetBefore => Instead::Reset,
            Effect::Status { code, body, content_type } => Instead::Status { code, body, content_type },
            Effect::ResponseCode(code) => Instead::Message(code),
            Effect::Fault(code) => Instead::Fault(code),
            Effect::BareFault(code) => Instead::BareFault(code),
            Effect::Throttled { shape, back_off } => Instead::Throttled(shape, back_off),
            Effect::Delay(delay) => return self.delay += delay,
            Effect::ResetWithin => return self.ending = Ending::ResetWithin,
            Effect::ResetAfter => return self.ending = Ending::ResetAfter,
            Effect::Huge(bytes) => return self.ending = Ending::Padded(Some(bytes)),
            Effect::Endless => return self.ending = Ending::Padded(None),
            Effect::Truncated => return self.damages.push(Damage::Truncated),
            Effect::Malformed => return self.damages.push(Damage::Malformed),
            Effect::Replace { text, with } => return self.damages.push(Damage::Replace { text, with }),
            Effect::ForbiddenCharacters => return self.damages.push(Damage::ForbiddenCharacters),
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
    pub(crate) fn damage(&self, mut text: String) -> String {
        for damage in &self.damages {
            match damage {
                Damage::Truncated => {
                    let mut middle = text.len() / 2;
                    while !text.is_char_boundary(middle) {
                        middle -= 1;
                    }
                    text.truncate(middle);
                }
                Damage::Malformed => {
                    if let Some(at) = text.rfind("</") {
                        text.replace_range(at.., "</wrong>");
                    }
                }
                Damage::ForbiddenCharacters => {
                    const CODE: &str = "<m:ResponseCode>NoError";
                    for end in ["</t:Subject>", "</t:Location>", "</t:DisplayName>"] {
                        text = text.replace(end, &format!("&#x0;&#xB;{end}"));
                    }
                    text = text.replace(CODE, &format!("<m:MessageText>&#x0;&#xB;</m:MessageText>{CODE}"));
                }
                Damage::Replace { text: from, with } => text = text.replace(from, with),
            }
        }
        text
    }
}
