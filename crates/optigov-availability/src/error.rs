//! What can be wrong with a call itself, as opposed to a calendar that cannot be read.

use optigov_calendar::{Language, Text};

/// A call could not be carried out: it asks for something that is not there, or the facade could not be set up.
///
/// A calendar that cannot be read is no such error: it is the [status](crate::Status) of that counter's answer.
#[derive(Debug, thiserror::Error)]
#[error("{}", message.in_language(Language::English))]
pub struct Error {
    kind: ErrorKind,
    message: Text,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// What is wrong with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A counter was named that the municipality does not have.
    UnknownCounter,
    /// A template was named that the municipality does not have.
    UnknownTemplate,
    /// The counter does not offer the template, or not for so many concerns.
    NotOffered,
    /// The facade could not be set up: a secret or a file is missing, or the configuration does not hold together.
    Setup,
    /// The cache could not be told of a change. The change is not in force; call again.
    Cache,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: Text) -> Error {
        Error { kind, message, source: None }
    }

    pub(crate) fn setup(
        german: impl Into<std::borrow::Cow<'static, str>>,
        english: impl Into<std::borrow::Cow<'static, str>>,
    ) -> Error {
        Error::new(ErrorKind::Setup, Text::new(german, english))
    }

    pub(crate) fn unknown_counter(id: &str) -> Error {
        let words = Text::new(format!("es gibt keinen Schalter {id:?}"), format!("there is no counter {id:?}"));
        Error::new(ErrorKind::UnknownCounter, words)
    }

    pub(crate) fn caused_by(self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
        Error { source: Some(source.into()), ..self }
    }

    /// What kind of fault it is.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What is wrong, in German and English.
    pub fn message(&self) -> &Text {
        &self.message
    }

    /// Whether a counter was named that the municipality does not have.
    pub fn is_unknown_counter(&self) -> bool {
        self.kind == ErrorKind::UnknownCounter
    }

    /// Whether a template was named that the municipality does not have.
    pub fn is_unknown_template(&self) -> bool {
        self.kind == ErrorKind::UnknownTemplate
    }

    /// Whether the counter does not offer the template, or not for so many concerns.
    pub fn is_not_offered(&self) -> bool {
        self.kind == ErrorKind::NotOffered
    }

    /// Whether the facade could not be set up: a secret or a file is missing, or the configuration does not hold together.
    pub fn is_setup(&self) -> bool {
        self.kind == ErrorKind::Setup
    }

    /// Whether the cache could not be told of a change. The change is not in force; call again.
    pub fn is_cache(&self) -> bool {
        self.kind == ErrorKind::Cache
    }
}
