//! TOML: parsing, and finding a fault's place in the text.

use ::toml::{
    Spanned,
    de::{DeTable, DeValue},
};
use optigov_calendar::Text;

use crate::{
    fault::{Code, Fault, Position, shortened},
    text::{
        place::{self, Name, Node},
        value::{Arena, Value},
    },
};

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
        place::locate(self.text, Parsed::Root(self.root.get_ref()), faults);
    }
}

/// A value with its place.
#[derive(Clone, Copy)]
enum Parsed<'t, 'i> {
    Root(&'t DeTable<'i>),
    Value(&'t Spanned<DeValue<'i>>),
}

impl Node for Parsed<'_, '_> {
    fn start(self) -> usize {
        match self {
            Parsed::Root(_) => 0,
            Parsed::Value(value) => value.span().start,
        }
    }

    fn each_child(self, visit: &mut dyn FnMut(Name<'_>, usize, Self)) {
        let table = match self {
            Parsed::Root(table) => table,
            Parsed::Value(value) => match value.get_ref() {
                DeValue::Table(table) => table,
                DeValue::Array(list) => {
                    for (index, value) in list.iter().enumerate() {
                        visit(Name::Index(index), value.span().start, Parsed::Value(value));
                    }
                    return;
                }
                _ => return,
            },
        };
        for (key, value) in table {
            visit(Name::Key(key.get_ref()), key.span().start, Parsed::Value(value));
        }
    }
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
