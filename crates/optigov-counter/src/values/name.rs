//! Ids and lines of text.

use std::fmt;

use optigov_calendar::Text;
use smol_str::SmolStr;

use crate::{Fault, fault::Code, text::forms::text_value};

macro_rules! id {
    ($(#[$doc:meta])+ $type:ident, $description:literal, [$($example:literal),+]) => {
        $(#[$doc])+
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $type(SmolStr);

        impl $type {
            /// Checks an id.
            ///
            /// # Errors
            ///
            /// A fault that says what an id may be made of.
            pub fn parse(text: &str) -> Result<Self, Fault> {
                checked_id(text).map(|id| $type(SmolStr::new(id)))
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        /// A map with such keys can be searched with a `&str`.
        impl std::borrow::Borrow<str> for $type {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl From<$type> for String {
            fn from(id: $type) -> String {
                id.0.into()
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        text_value!($type, $description, [$($example),+], ID_PATTERN);
    };
}

id! {
    /// What names a counter within its municipality: up to 64 ASCII letters, digits, `-`, `_` and `.`, the first a letter or digit.
    CounterId, "Names a counter: up to 64 letters, digits, '-', '_' or '.', the first a letter or digit.", ["buergerbuero-1"]
}

id! {
    /// What names an appointment template within its municipality, of the same form as a [`CounterId`].
    TemplateId, "Names a template: up to 64 letters, digits, '-', '_' or '.', the first a letter or digit.", ["personalausweis"]
}

impl TemplateId {
    /// An id that was checked once.
    pub(crate) fn of(text: &str) -> TemplateId {
        TemplateId(SmolStr::new(text))
    }
}

/// An id as a regular expression, for the schema.
pub(crate) const ID_PATTERN: &str = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$";

fn checked_id(text: &str) -> Result<&str, Fault> {
    const LONGEST: usize = 64;
    let first_fits = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    let all_fit = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    if first_fits && all_fit && text.len() <= LONGEST {
        return Ok(text);
    }
    let shown = crate::fault::shortened(text);
    Err(Fault::new(
        Code::Malformed,
        Text::new(format!("„{shown}“ ist kein gültiger Bezeichner."), format!("\"{shown}\" is not a valid id.")),
        Text::new(
            "Bitte höchstens 64 Buchstaben ohne Umlaute, Ziffern, „-“, „_“ und „.“ verwenden und mit einem Buchstaben oder einer Ziffer beginnen.",
            "Use at most 64 ASCII letters, digits, \"-\", \"_\" and \".\", and begin with a letter or a digit.",
        ),
    ))
}

/// A line of text for people: not blank, at most 200 characters, no control characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line(String);

impl Line {
    pub(crate) fn parse(text: &str) -> Result<Line, Fault> {
        const LONGEST: usize = 200;
        let text = text.trim();
        if !text.is_empty() && !text.chars().any(char::is_control) && text.chars().nth(LONGEST).is_none() {
            return Ok(Line(text.to_owned()));
        }
        Err(Fault::new(
            Code::Malformed,
            Text::new(
                "Der Text ist leer oder zu lang, oder er enthält Steuerzeichen.",
                "The text is blank or too long, or it has control characters.",
            ),
            Text::fixed("Bitte eine Zeile mit 1 bis 200 Zeichen angeben.", "Give one line of 1 to 200 characters."),
        ))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

text_value!(
    Line,
    "One line of text: 1 to 200 characters.",
    ["Bürgerbüro, Schalter 1"],
    r"^\s*[^\s\u0000-\u001f\u007f-\u009f]([^\u0000-\u001f\u007f-\u009f]{0,198}[^\s\u0000-\u001f\u007f-\u009f])?\s*$"
);
