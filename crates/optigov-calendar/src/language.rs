//! Words for people, in the two languages that administrators read.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Serialize};

/// The language of a text for people. Serialised as `de` or `en`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Language {
    /// German, the default.
    #[default]
    #[serde(rename = "de")]
    German,
    /// English.
    #[serde(rename = "en")]
    English,
}

impl Language {
    /// Every language, for tables and tests.
    pub const ALL: [Language; 2] = [Language::German, Language::English];

    /// The language's code by ISO 639-1: `de` or `en`.
    pub fn as_str(self) -> &'static str {
        match self {
            Language::German => "de",
            Language::English => "en",
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text names no language that is known: only `de` and `en` are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a language is \"de\" or \"en\"")]
pub struct UnknownLanguage;

impl std::str::FromStr for Language {
    type Err = UnknownLanguage;

    fn from_str(text: &str) -> Result<Language, UnknownLanguage> {
        Language::ALL.into_iter().find(|language| language.as_str() == text).ok_or(UnknownLanguage)
    }
}

/// One statement in both languages. It never holds an address, a title or a secret.
///
/// ```
/// use optigov_calendar::{Language, Text};
///
/// let text = Text::new("Der Server antwortet nicht.", "The server does not answer.");
/// assert_eq!(text.in_language(Language::English), "The server does not answer.");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Text {
    #[serde(rename = "de")]
    german: Cow<'static, str>,
    #[serde(rename = "en")]
    english: Cow<'static, str>,
}

impl Text {
    /// The statement in German and in English.
    pub fn new(german: impl Into<Cow<'static, str>>, english: impl Into<Cow<'static, str>>) -> Text {
        Text { german: german.into(), english: english.into() }
    }

    /// The statement in German and in English, both known when the program is compiled.
    pub const fn fixed(german: &'static str, english: &'static str) -> Text {
        Text { german: Cow::Borrowed(german), english: Cow::Borrowed(english) }
    }

    /// The statement in one language.
    pub fn in_language(&self, language: Language) -> &str {
        match language {
            Language::German => &self.german,
            Language::English => &self.english,
        }
    }
}
