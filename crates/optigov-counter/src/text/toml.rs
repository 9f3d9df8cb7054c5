//! TOML: parsing, and finding a fault's place in the text.

use ::toml::Spanned;
use ::toml::de::{DeTable, DeValue};
use optigov_calendar::Text;

use crate::fault::{Code, Fault, Place, Position, Step, shortened};
use crate::text::value::{Arena, Value};

/// A parsed TOML text that still knows where everything stands.
pub(crate) struct Document<'i> {
    text: &'i str,
    root: Spanned<DeTable<'i>>,
}

impl<'i> Document<'i> {
    /// Parses a whole TOML text, or says every place where it is not TOML.
    pub(crate) fn parse(text: &'i str) -> Result<Document<'i>, Vec<Fault>> {
        let (root, errors) = DeTable::parse_recoverable(text);
        if errors.is_empty() {
            return Ok(Document { text, root });
        }
        Err(errors.iter().take(crate::text::reader::MOST_FAULTS).map(|error| syntax_fault(text, error)).collect())
    }

    pub(crate) fn value<'a>(&'a self, arena: &'a Arena) -> Value<'a> {
        table_value(self.root.get_ref(), arena)
    }

    /// Gives each fault its line and column.
    pub(crate) fn locate(&self, faults: &mut [Fault]) {
        for fault in faults {
            let byte = self.byte_of(&fault.steps, fault.place);
            fault.set_position(Position::of_byte(self.text, byte));
        }
    }

    /// The deepest place on the path that the text has.
    fn byte_of(&self, steps: &[Step], place: Place) -> usize {
        let Some((first, rest)) = steps.split_first() else { return 0 };
        let Step::Key(first) = first else { return 0 };
        let Some((mut key_start, mut value)) = entry(self.root.get_ref(), first) else { return 0 };
        let mut complete = true;
        for step in rest {
            let next = match (step, value.get_ref()) {
                (Step::Key(key), DeValue::Table(table)) => entry(table, key),
                (Step::Index(index), DeValue::Array(list)) => list.get(*index).map(|value| (value.span().start, value)),
                _ => None,
            };
            match next {
                Some((key, child)) => (key_start, value) = (key, child),
                None => {
                    complete = false;
                    break;
                }
            }
        }
        if complete && place == Place::Key { key_start } else { value.span().start }
    }
}

fn entry<'t, 'i>(table: &'t DeTable<'i>, wanted: &str) -> Option<(usize, &'t Spanned<DeValue<'i>>)> {
    table
        .get_key_value(wanted)
        .or_else(|| table.iter().find(|(key, _)| shortened(key.get_ref()) == wanted))
        .map(|(key, value)| (key.span().start, value))
}

fn syntax_fault(text: &str, error: &::toml::de::Error) -> Fault {
    let reason = shortened(error.message());
    let mut fault = Fault::new(
        Code::Syntax,
        Text::new(
            format!("Der Text ist kein gültiges TOML ({reason})."),
            format!("The text is not valid TOML ({reason})."),
        ),
        Text::new(
            "Bitte Anführungszeichen, Klammern und doppelte Schlüssel an dieser Stelle prüfen.",
            "Check the quotation marks, brackets and repeated keys at this place.",
        ),
    );
    fault.set_position(Position::of_byte(text, error.span().map_or(0, |span| span.start)));
    fault
}

fn table_value<'a>(table: &'a DeTable<'_>, arena: &'a Arena) -> Value<'a> {
    arena.table(table.iter().map(|(key, value)| (&**key.get_ref(), any_value(value.get_ref(), arena))))
}

fn any_value<'a>(value: &'a DeValue<'_>, arena: &'a Arena) -> Value<'a> {
    match value {
        DeValue::String(text) => Value::Text(text),
        DeValue::Integer(number) => {
            i64::from_str_radix(number.as_str(), number.radix()).map_or(Value::Fraction, Value::Integer)
        }
        DeValue::Float(_) => Value::Fraction,
        DeValue::Boolean(value) => Value::Boolean(*value),
        // TOML's own dates and times are read as the texts that the format takes.
        DeValue::Datetime(value) => Value::Text(arena.text(&value.to_string())),
        DeValue::Array(list) => arena.list(list.iter().map(|value| any_value(value.get_ref(), arena))),
        DeValue::Table(table) => table_value(table, arena),
    }
}
