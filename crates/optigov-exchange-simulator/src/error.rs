use std::fmt;

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why a simulator could not start, or why a scenario was refused.
///
/// `Display` states one fact and names the place (`mailbox anna@musterstadt.example, entry 3: …`); what caused it is in
/// [`source`](std::error::Error::source). Scenarios hold invented data, so addresses do appear here.
pub struct Error {
    kind: Kind,
    message: String,
    source: Option<Cause>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Scenario,
    Start,
}

impl Error {
    pub(crate) fn scenario(message: impl Into<String>) -> Self {
        Error { kind: Kind::Scenario, message: message.into(), source: None }
    }

    pub(crate) fn start(message: impl Into<String>, source: impl Into<Cause>) -> Self {
        Error { kind: Kind::Start, message: message.into(), source: Some(source.into()) }
    }

    pub(crate) fn because(mut self, source: impl Into<Cause>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The same error, with the place where it was found put in front.
    pub(crate) fn at(mut self, place: impl fmt::Display) -> Self {
        self.message = format!("{place}: {}", self.message);
        self
    }

    /// Whether the scenario itself is at fault, and not the machine that the simulator should run on.
    pub fn is_scenario(&self) -> bool {
        self.kind == Kind::Scenario
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error").field("message", &self.message).field("source", &self.source).finish()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
