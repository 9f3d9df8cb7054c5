//! What is wrong with a text, where, and how to mend it.

mod excerpt;

use std::{borrow::Cow, fmt};

use optigov_calendar::{Language, Text};
use serde::{
    Serialize,
    ser::{SerializeStruct, Serializer},
};

/// One thing that is wrong, or deserves a second look, in a configuration.
///
/// It names the place as a path (`counters[2].exchange_sync.mailboxes[0]`) and, when it was read from a text, as a line and column. What it says is
/// written for an administrator, in German and English. It never repeats a secret or a mailbox's address.
///
/// Programs go by [`path`](Self::path), which counts list entries from 0 as JSON does. People read [`place`](Self::place), which names counters and templates by
/// their ids and counts everything from 1, as lines and columns are counted.
///
/// Serialised it is an object with `path`, `place`, `code`, `severity`, `line`, `column`, `message` and `remedy`; `place`, `message` and `remedy` have the keys
/// `de` and `en`, so that a form can show it beside the field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub(crate) steps: Vec<Step>,
    pub(crate) place: Place,
    code: Code,
    position: Option<Position>,
    says: Box<Says>,
}

/// What a fault says; boxed, so that a `Result` with a fault stays small.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Says {
    message: Text,
    remedy: Text,
}

impl Fault {
    pub(crate) fn new(code: Code, message: Text, remedy: Text) -> Fault {
        Fault { steps: Vec::new(), place: Place::Value, code, position: None, says: Box::new(Says { message, remedy }) }
    }

    pub(crate) fn at(mut self, steps: &[Step]) -> Fault {
        self.steps.splice(0..0, steps.iter().cloned());
        self
    }

    pub(crate) fn at_key(mut self, key: &str) -> Fault {
        self.steps.push(Step::Key(Cow::Owned(shortened(key))));
        self.place = Place::Key;
        self
    }

    pub(crate) fn set_position(&mut self, position: Position) {
        self.position = Some(position);
    }

    pub(crate) fn position(&self) -> Option<Position> {
        self.position
    }

    /// The same with another remedy, where more is known than when it was found.
    pub(crate) fn set_remedy(&mut self, remedy: Text) {
        self.says.remedy = remedy;
    }

    /// The place in the configuration, as keys and positions counted from 0; empty for the whole text.
    pub fn path(&self) -> String {
        let mut path = String::new();
        for step in &self.steps {
            match step {
                Step::Key(key) => {
                    if !path.is_empty() {
                        path.push('.');
                    }
                    path.push_str(key);
                }
                Step::Index(index) | Step::Entry(index, _) => path.push_str(&format!("[{index}]")),
            }
        }
        path
    }

    /// The place for people: `Schalter „eins“: exchange_sync.mailboxes, 2. Eintrag`. A counter or a template is named by its id where it has one, and entries
    /// of lists are counted from 1. Empty for the whole text.
    pub fn place(&self, language: Language) -> String {
        let (mut place, mut rest) = match self.steps.as_slice() {
            [Step::Key(list), Step::Entry(_, id), rest @ ..] => {
                (named(list, id).in_language(language).to_owned(), rest)
            }
            steps => (String::new(), steps),
        };
        let mut join = if place.is_empty() { "" } else { ": " };
        while let [step, behind @ ..] = rest {
            rest = behind;
            match step {
                Step::Key(key) => {
                    place.push_str(join);
                    place.push_str(key);
                    join = ".";
                }
                Step::Index(index) | Step::Entry(index, _) => {
                    let number = index + 1;
                    let entry = Text::new(format!(", {number}. Eintrag"), format!(", entry {number}"));
                    place.push_str(entry.in_language(language));
                    join = ": ";
                }
            }
        }
        place
    }

    /// The kind of fault: stable across versions, for programs.
    pub fn code(&self) -> Code {
        self.code
    }

    /// Whether the configuration is refused for it.
    pub fn severity(&self) -> Severity {
        self.code.severity()
    }

    /// The line in the text, counted from 1. `None` when it was not read from a text.
    pub fn line(&self) -> Option<u32> {
        self.position.map(|position| position.line)
    }

    /// The column in the line, counted from 1 in characters (Unicode scalar values). `None` when it was not read from a text.
    pub fn column(&self) -> Option<u32> {
        self.position.map(|position| position.column)
    }

    /// What is wrong, as one sentence.
    pub fn message(&self, language: Language) -> &str {
        self.says.message.in_language(language)
    }

    /// What to do about it, as one sentence.
    pub fn remedy(&self, language: Language) -> &str {
        self.says.remedy.in_language(language)
    }

    /// The whole fault as one line for people: place, message and remedy.
    pub fn describe(&self, language: Language) -> String {
        let mut line = self.place(language);
        if let Some(position) = self.position {
            let Position { line: row, column } = position;
            let place = Text::new(format!("Zeile {row}, Spalte {column}"), format!("line {row}, column {column}"));
            let place = place.in_language(language);
            line = if line.is_empty() { place.to_owned() } else { format!("{line} ({place})") };
        }
        if !line.is_empty() {
            line.push_str(": ");
        }
        line + self.message(language) + " " + self.remedy(language)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe(Language::English))
    }
}

impl std::error::Error for Fault {}

impl Serialize for Fault {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Fault", 8)?;
        fields.serialize_field("path", &self.path())?;
        fields.serialize_field("place", &Text::new(self.place(Language::German), self.place(Language::English)))?;
        fields.serialize_field("code", &self.code)?;
        fields.serialize_field("severity", &self.severity())?;
        fields.serialize_field("line", &self.line())?;
        fields.serialize_field("column", &self.column())?;
        fields.serialize_field("message", &self.says.message)?;
        fields.serialize_field("remedy", &self.says.remedy)?;
        fields.end()
    }
}

/// Everything that is wrong with a configuration, all at once: at least one error, then the warnings, each in the order of the format.
///
/// At most 200 are kept; a text with more is wrong as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Faults(Vec<Fault>);

impl Faults {
    pub(crate) fn new(mut faults: Vec<Fault>) -> Faults {
        faults.sort_by_key(Fault::severity);
        Faults(faults)
    }

    pub(crate) fn as_mut_slice(&mut self) -> &mut [Fault] {
        &mut self.0
    }

    /// All of them, errors before warnings.
    pub fn iter(&self) -> impl Iterator<Item = &Fault> {
        self.0.iter()
    }

    /// Those for which the configuration was refused; never none.
    pub fn errors(&self) -> impl Iterator<Item = &Fault> {
        self.iter().filter(|fault| fault.severity() == Severity::Error)
    }

    /// All of them as text for people at a terminal: each as [`Fault::report`] shows it, with an empty line between them.
    pub fn report(&self, file: &str, text: &str, language: Language) -> String {
        self.0.iter().map(|fault| fault.report(file, text, language)).collect::<Vec<_>>().join("\n")
    }

    /// All of them as text for people, a line each.
    pub fn describe(&self, language: Language) -> String {
        self.0.iter().map(|fault| fault.describe(language)).collect::<Vec<_>>().join("\n")
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe(Language::English))
    }
}

impl std::error::Error for Faults {}

impl From<Fault> for Faults {
    fn from(fault: Fault) -> Faults {
        Faults(vec![fault])
    }
}

impl IntoIterator for Faults {
    type Item = Fault;
    type IntoIter = std::vec::IntoIter<Fault>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// Whether a configuration with this fault is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Severity {
    /// The configuration is refused.
    Error,
    /// The configuration is accepted, but most likely does not do what was meant.
    Warning,
}

macro_rules! codes {
    ($($(#[$doc:meta])+ $severity:ident $name:ident = $text:literal,)+) => {
        /// The kind of a [`Fault`]. Its text form (`as_str`, serialised alike) is stable across versions.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $($(#[$doc])+ $name,)+
        }

        impl Code {
            /// Every code that this version knows.
            pub const ALL: &[Code] = &[$(Code::$name),+];

            /// The stable text form, in snake case.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Code::$name => $text,)+
                }
            }

            /// Whether a configuration with such a fault is refused.
            pub fn severity(self) -> Severity {
                match self {
                    $(Code::$name => Severity::$severity,)+
                }
            }
        }
    };
}

codes! {
    /// The text is not TOML or JSON.
    Error Syntax = "syntax",
    /// The file is not in UTF-8.
    Error Encoding = "encoding",
    /// The text is larger than 16 MiB.
    Error TooLarge = "too_large",
    /// The format version is newer than this library.
    Error FormatTooNew = "format_too_new",
    /// A key that the format does not have.
    Error UnknownKey = "unknown_key",
    /// A key that is there twice.
    Error DuplicateKey = "duplicate_key",
    /// A key that must be there is not.
    Error MissingKey = "missing_key",
    /// A value of another type than the key takes.
    Error WrongType = "wrong_type",
    /// A text that is none of the words that the key takes.
    Error UnknownWord = "unknown_word",
    /// A text that is not of the form that the key takes: a duration, a time of day, a date, a name, an address.
    Error Malformed = "malformed",
    /// A number, a duration or a list outside its limits.
    Error OutOfRange = "out_of_range",
    /// Two keys that exclude each other.
    Error Conflict = "conflict",
    /// A secret is written into the configuration.
    Error InlineSecret = "inline_secret",
    /// Two entries with the same id.
    Error DuplicateId = "duplicate_id",
    /// The same mailbox twice at one counter.
    Error DuplicateMailbox = "duplicate_mailbox",
    /// A template that does not exist, or that this counter does not serve.
    Error UnknownTemplate = "unknown_template",
    /// Shared hours, booking rules, a group or a site of which there is none of this name.
    Error UnknownName = "unknown_name",
    /// The Exchange sync is on, and there is no mailbox.
    Error SyncWithoutMailbox = "sync_without_mailbox",
    /// More mailboxes must be free than there are.
    Error TooFewMailboxes = "too_few_mailboxes",
    /// A mailbox is said to lie where there is no connection to.
    Error LocationWithoutConnection = "location_without_connection",
    /// Two counters say different things about where a mailbox lies.
    Error ConflictingLocations = "conflicting_locations",
    /// Hours within one rule or exception that overlap.
    Error OverlappingHours = "overlapping_hours",
    /// A range of dates that ends before it begins.
    Error InvertedDates = "inverted_dates",
    /// The horizon is shorter than the lead time: nothing could ever be booked.
    Error HorizonBeforeLeadTime = "horizon_before_lead_time",
    /// Two exceptions that say different things about one date.
    Error ConflictingExceptions = "conflicting_exceptions",
    /// Two opening rules whose windows overlap: what is offered is their union.
    Warning OverlappingRules = "overlapping_rules",
    /// A template that is longer than every window in which it may be booked.
    Warning TemplateNeverFits = "template_never_fits",
    /// A counter at which nothing can ever be booked.
    Warning NothingBookable = "nothing_bookable",
    /// The Exchange sync is on, and the municipality has no Exchange connection.
    Warning SyncWithoutConnection = "sync_without_connection",
    /// Where mailboxes lie is to be found out, although the own server's free/busy may answer for both places.
    Warning LocationNotTold = "location_not_told",
    /// Entries that mean "not free", or whose meaning is not known, do not block.
    Warning BusyDoesNotBlock = "busy_does_not_block",
    /// Shared hours, booking rules, a group or a site that no counter uses.
    Warning Unused = "unused",
    /// A holiday is removed that the state does not have.
    Warning RemovesNothing = "removes_nothing",
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    Key(Cow<'static, str>),
    Index(usize),
    /// An entry of a list, and its id.
    Entry(usize, Box<str>),
}

/// What people call an entry of one of the municipality's lists.
fn named(list: &str, id: &str) -> Text {
    let (german, english) = match list {
        "counters" => ("Schalter", "counter"),
        "templates" => ("Vorlage", "template"),
        other => (other, other),
    };
    Text::new(format!("{german} „{id}“"), format!("{english} \"{id}\""))
}

/// What of the last step a fault means: its key or its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Key,
    Value,
}

/// Line and column, both from 1; the column counts characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) line: u32,
    pub(crate) column: u32,
}

impl Position {
    /// The position of a byte in a text; past the end is the end, and within a character is its start.
    pub(crate) fn of_byte(text: &str, byte: usize) -> Position {
        let mut end = byte.min(text.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        Position { line: 1, column: 1 }.after(&text[..end])
    }

    /// The position behind a text that begins at this one.
    pub(crate) fn after(self, text: &str) -> Position {
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        match text.rfind('\n') {
            None => Position { column: self.column.saturating_add(count(text.chars().count())), ..self },
            Some(newline) => Position {
                line: self.line.saturating_add(count(text.matches('\n').count())),
                column: count(text[newline + 1..].chars().count()).saturating_add(1),
            },
        }
    }
}

/// A text from outside, short enough to be repeated in a message and without control characters.
pub(crate) fn shortened(text: &str) -> String {
    const MOST: usize = 48;
    let mut short: String = text.chars().take(MOST).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if text.chars().nth(MOST).is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_counts_characters_and_never_splits_one() {
        let text = "a = 1\nü = \"ß\"\n";
        assert_eq!(Position::of_byte(text, 0), Position { line: 1, column: 1 });
        assert_eq!(Position::of_byte(text, 6), Position { line: 2, column: 1 });
        assert_eq!(Position::of_byte(text, 7), Position { line: 2, column: 1 });
        assert_eq!(Position::of_byte(text, 8), Position { line: 2, column: 2 });
        assert_eq!(Position::of_byte(text, 9999), Position { line: 3, column: 1 });
    }

    #[test]
    fn codes_are_distinct_and_in_snake_case() {
        let mut seen = std::collections::BTreeSet::new();
        for code in Code::ALL {
            assert!(seen.insert(code.as_str()), "{code} twice");
            assert!(code.as_str().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'));
        }
    }
}
