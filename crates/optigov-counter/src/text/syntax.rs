//! What is wrong with a text that is no TOML, in the reader's words.

use optigov_calendar::Text;

use crate::fault::{Code, Fault, Position};

/// What is told of a text that is no TOML.
pub(crate) struct SyntaxFaults {
    pub(crate) faults: Vec<Fault>,
    /// The text without the backslashes that made it no TOML, each byte in its place: what else is wrong can be read from it. `None` where something else is
    /// wrong with its syntax.
    pub(crate) repaired: Option<String>,
}

impl SyntaxFaults {
    /// From the parser's errors, each with the byte at which it stands.
    pub(crate) fn new<'e>(text: &str, errors: impl Iterator<Item = (&'e str, usize)>) -> SyntaxFaults {
        let mut repaired = Some(text.as_bytes().to_vec());
        let mut faults: Vec<Fault> = Vec::new();
        for (message, byte) in errors {
            // What was expected follows, in the words of TOML's grammar.
            let message = match message.split(", expected").next().unwrap_or(message) {
                "string values must be quoted" if is_line_end(text, byte) => "missing value",
                message => message,
            };
            let backslash = backslash(text, message, byte);
            match (backslash, &mut repaired) {
                (Some(at), Some(bytes)) => bytes[at] = b'/',
                (None, repaired) => *repaired = None,
                _ => {}
            }
            let mut fault = match backslash {
                Some(_) => Fault::new(
                    Code::Syntax,
                    Text::fixed(
                        "In doppelten Anführungszeichen leitet der Rückstrich „\\“ ein Sonderzeichen ein.",
                        "In double quotation marks, a backslash (\\) begins a special character.",
                    ),
                    single_quotes(),
                ),
                None => Fault::new(Code::Syntax, meaning(message), remedy(message)),
            };
            let position = Position::of_byte(text, backslash.unwrap_or(byte));
            fault.set_position(position);
            // One text in quotation marks may have several backslashes, and one slip several errors behind it.
            if faults.last().and_then(Fault::position).is_none_or(|last| last.line != position.line) {
                faults.push(fault);
            }
        }
        SyntaxFaults { faults, repaired: repaired.and_then(|bytes| String::from_utf8(bytes).ok()) }
    }
}

/// What to do about a backslash in double quotation marks.
pub(crate) fn single_quotes() -> Text {
    Text::fixed(
        "Bitte einfache Anführungszeichen verwenden: account = 'STADT\\svc-optigov'; in doppelten wird der Rückstrich verdoppelt.",
        "Use single quotes: account = 'STADT\\svc-optigov'; in double ones the backslash must be doubled.",
    )
}

/// The backslash in double quotation marks that an error is about.
fn backslash(text: &str, message: &str, byte: usize) -> Option<usize> {
    let before = &text[..floor(text, byte)];
    match message {
        "missing escaped value" | "too few unicode value digits" | "invalid value" => {
            let line = before.rfind('\n').map_or(0, |newline| newline + 1);
            let at = before.rfind('\\')?;
            (at >= line && before[line..at].contains('"')).then_some(at)
        }
        // "C:\certificates\" has no end: its last backslash takes the quotation mark away.
        "invalid basic string" => {
            let line = before.rfind('\n').map_or(0, |newline| newline + 1);
            let end = text[line..].find('\n').map_or(text.len(), |length| line + length);
            text[line..end].rfind("\\\"").map(|at| line + at)
        }
        _ => None,
    }
}

fn is_line_end(text: &str, byte: usize) -> bool {
    let rest = &text[floor(text, byte)..];
    rest.lines().next().is_none_or(|line| line.trim_start().is_empty() || line.trim_start().starts_with('#'))
}

fn floor(text: &str, byte: usize) -> usize {
    let mut end = byte.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    end
}

/// The parser's messages in the words of people who write a configuration.
fn meaning(message: &str) -> Text {
    match message {
        "duplicate key" => Text::fixed("Diesen Schlüssel gibt es hier schon.", "This key is here already."),
        "string values must be quoted" => {
            Text::fixed("Dieser Text steht nicht in Anführungszeichen.", "This text is not in quotation marks.")
        }
        "key with no value" | "missing value" | "missing value for key" => {
            Text::fixed("Zu diesem Schlüssel fehlt der Wert.", "This key has no value.")
        }
        "invalid basic string"
        | "invalid literal string"
        | "invalid multi-line basic string"
        | "invalid multi-line literal string"
        | "invalid string"
        | "missing opening quote" => Text::fixed(
            "Dieser Text in Anführungszeichen hat kein Ende, oder er enthält ein Zeichen, das dort nicht stehen darf.",
            "This text in quotation marks has no end, or it has a character that must not be there.",
        ),
        "missing comma between array elements" | "missing comma between key-value pairs" => {
            Text::fixed("Hier fehlt ein Komma.", "A comma is missing here.")
        }
        "extra comma in inline table" | "extra comma in array" => {
            Text::fixed("Hier steht ein Komma zu viel.", "There is a comma too many here.")
        }
        "unclosed array" | "missing array opening" => {
            Text::fixed("Diese Liste hat kein Ende.", "This list has no end.")
        }
        "unclosed table" | "unclosed array table" | "missing table open" | "invalid table" => Text::fixed(
            "Die eckigen Klammern dieser Überschrift sind nicht vollständig.",
            "The square brackets of this heading are not complete.",
        ),
        "unclosed inline table" | "missing inline table opening" | "invalid inline table element" => {
            Text::fixed("Diese geschweifte Klammer hat kein Ende.", "This brace has no end.")
        }
        "unexpected leading zero" => {
            Text::fixed("Eine Zahl beginnt nicht mit einer Null.", "A number does not begin with a zero.")
        }
        "invalid time" | "invalid date" | "invalid date-time" => Text::fixed(
            "Das ist keine vollständige Uhrzeit und kein Datum.",
            "This is not a complete time of day or date.",
        ),
        "unexpected key or value" | "unexpected content" => Text::fixed(
            "Hier beginnt etwas Neues, obwohl die Zeile noch nicht zu Ende ist.",
            "Something new begins here although the line has not ended.",
        ),
        "missing assignment between key-value pairs" => {
            Text::fixed("Hier fehlt ein Gleichheitszeichen.", "An equals sign is missing here.")
        }
        "extra `=`" | "extra assignment between key-value pairs" | "unexpected `=` in array" => {
            Text::fixed("Hier steht ein Gleichheitszeichen zu viel.", "There is an equals sign too many here.")
        }
        "invalid unquoted key" | "unquoted keys cannot be empty" | "invalid key" => {
            Text::fixed("Das ist kein Name eines Schlüssels.", "This is not the name of a key.")
        }
        "cannot recurse further; max recursion depth met" | "recursion limit" => {
            Text::fixed("Der Text ist zu tief verschachtelt.", "The text is nested too deeply.")
        }
        _ if message.starts_with("cannot extend value") => Text::fixed(
            "Dieser Schlüssel hat schon einen Wert und kann keine weiteren Schlüssel enthalten.",
            "This key has a value already and cannot hold further keys.",
        ),
        _ => Text::fixed("Der Text ist hier kein gültiges TOML.", "The text is not valid TOML here."),
    }
}

fn remedy(message: &str) -> Text {
    match message {
        "duplicate key" => Text::fixed("Bitte einen der beiden entfernen.", "Remove one of the two."),
        "string values must be quoted" => Text::fixed(
            "Bitte „\"“ davor und dahinter setzen; Zeiten, Daten und Dauern sind auch Texte.",
            "Put a quotation mark before and after it; times, dates and durations are texts, too.",
        ),
        "unexpected leading zero" | "invalid time" | "invalid date" | "invalid date-time" => Text::fixed(
            "Bitte eine Uhrzeit, ein Datum oder eine Dauer in Anführungszeichen setzen.",
            "Put a time, a date or a duration into quotation marks.",
        ),
        _ => Text::fixed(
            "Bitte Anführungszeichen, Klammern und Kommas an dieser Stelle prüfen.",
            "Check the quotation marks, brackets and commas at this place.",
        ),
    }
}
