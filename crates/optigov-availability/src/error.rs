//! What can be wrong with a call itself, as opposed to a calendar that cannot be read.

use crate::text::Text;

/// A call could not be carried out: it asks for something that is not there, or the facade could not be set up.
///
/// A calendar that cannot be read is no such error: it is the [status](crate::Status) of that counter's answer.
#[derive(Debug, thiserror::Error)]
#[error("{}", message.en)]
pub struct Error {
    kind: Kind,
    message: Text,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    UnknownCounter,
    UnknownTemplate,
    NotOffered,
    Setup,
    Cache,
}

impl Error {
    pub(crate) fn new(kind: Kind, message: Text) -> Self {
        Error { kind, message, source: None }
    }

    pub(crate) fn caused_by(self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Error { source: Some(source.into()), ..self }
    }

    /// What is wrong, in German and English.
    pub fn message(&self) -> &Text {
        &self.message
    }

    /// Whether a counter was named that the municipality does not have.
    pub fn is_unknown_counter(&self) -> bool {
        self.kind == Kind::UnknownCounter
    }

    /// Whether a template was named that the municipality does not have.
    pub fn is_unknown_template(&self) -> bool {
        self.kind == Kind::UnknownTemplate
    }

    /// Whether the counter does not offer the template, or not for so many concerns.
    pub fn is_not_offered(&self) -> bool {
        self.kind == Kind::NotOffered
    }

    /// Whether the facade could not be set up: a secret or a file is missing, or the configuration does not hold together.
    pub fn is_setup(&self) -> bool {
        self.kind == Kind::Setup
    }

    /// Whether the cache could not be told of a change. The change is not in force; call again.
    pub fn is_cache(&self) -> bool {
        self.kind == Kind::Cache
    }
}
