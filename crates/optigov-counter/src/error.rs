//! Why a counter and a template make no rules for the engine.

use crate::values::{CounterId, TemplateId};

/// Why a counter cannot be booked as asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(transparent)]
pub struct Error(Kind);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum Kind {
    #[error("counter {counter} does not serve the template {template}: enter it under its templates")]
    NotServed { counter: CounterId, template: TemplateId },
    #[error("an appointment for {asked} concerns is not possible: ask for 1 to {most}")]
    Concerns { asked: u32, most: u32 },
    #[error("the slot engine refuses the booking rules")]
    Engine(#[source] optigov_slots::Error),
}

impl Error {
    pub(crate) fn not_served(counter: &CounterId, template: &TemplateId) -> Error {
        Error(Kind::NotServed { counter: counter.clone(), template: template.clone() })
    }

    pub(crate) fn concerns(asked: u32, most: u32) -> Error {
        Error(Kind::Concerns { asked, most })
    }

    pub(crate) fn engine(source: optigov_slots::Error) -> Error {
        Error(Kind::Engine(source))
    }

    /// The counter does not serve the template.
    pub fn is_not_served(&self) -> bool {
        matches!(self.0, Kind::NotServed { .. })
    }

    /// There are no concerns, or more than the template allows.
    pub fn is_concerns(&self) -> bool {
        matches!(self.0, Kind::Concerns { .. })
    }
}
