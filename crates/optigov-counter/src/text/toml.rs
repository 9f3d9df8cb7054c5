//! TOML: parsing, and finding a fault's place in the text.

use ::toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::{
    fault::{Code, Fault},
    text::{
        place::{self, Name, Node},
        syntax::{SyntaxFaults, single_quotes},
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
    pub(crate) fn parse(text: &'i str) -> Result<Document<'i>, SyntaxFaults> {
        let (root, errors) = DeTable::parse_recoverable(text);
        if errors.is_empty() {
            return Ok(Document { text, root });
        }
        let errors = errors.iter().take(crate::text::reader::MOST_FAULTS);
        Err(SyntaxFaults::new(text, errors.map(|error| (error.message(), error.span().map_or(0, |span| span.start)))))
    }

    pub(crate) fn value<'a>(&'a self, arena: &'a Arena) -> Value<'a> {
        table_value(self.root.get_ref(), arena)
    }

    /// Gives each fault its line and column.
    pub(crate) fn locate(&self, faults: &mut [Fault]) {
        place::locate(self.text, Parsed::Root(self.root.get_ref()), faults);
        // "STADT\neu" is TOML: a line break within a text. That a value of no form has a backslash says more than its form.
        for fault in faults.iter_mut().filter(|fault| fault.code() == Code::Malformed) {
            if has_backslash(self.text, fault) {
                fault.set_remedy(single_quotes());
            }
        }
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

/// Whether a fault is about a value in double quotation marks with a backslash in it.
fn has_backslash(text: &str, fault: &Fault) -> bool {
    let Some(position) = fault.position() else { return false };
    let (line, column) = (position.line.saturating_sub(1) as usize, position.column.saturating_sub(1) as usize);
    let Some(line) = text.split('\n').nth(line) else { return false };
    let value: String = line.chars().skip(column).collect();
    let Some(inside) = value.strip_prefix('"') else { return false };
    inside.split('"').next().is_some_and(|inside| inside.contains('\\'))
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
