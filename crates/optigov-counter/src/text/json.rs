//! JSON: parsing, and finding a fault's place in the text. To find places, the text is read a second time, so a text without faults pays
//! nothing for them.

use std::{borrow::Cow, fmt};

use optigov_calendar::Text;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::{
    fault::{Code, Fault, Position},
    text::{
        place::{self, Name, Node},
        value::{Arena, Value},
    },
};

/// Parses a whole JSON text.
pub(crate) fn parse<'a>(text: &'a str, arena: &'a Arena) -> Result<Value<'a>, Fault> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = arena.deserialize(&mut deserializer);
    value.and_then(|value| deserializer.end().map(|()| value)).map_err(|error| {
        let line = u32::try_from(error.line()).unwrap_or(u32::MAX);
        // serde_json counts columns in bytes, and 0 means before the first.
        let start: usize = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
        let position = Position::of_byte(text, start + error.column().saturating_sub(1));
        let reason = match error.classify() {
            serde_json::error::Category::Eof => {
                Text::new("Der JSON-Text endet zu früh.", "The JSON text ends too early.")
            }
            _ => Text::new("Der Text ist kein gültiges JSON.", "The text is not valid JSON."),
        };
        let mut fault = Fault::new(
            Code::Syntax,
            reason,
            Text::new(
                "Bitte Kommas, Klammern und Anführungszeichen an dieser Stelle prüfen.",
                "Check the commas, brackets and quotation marks at this place.",
            ),
        );
        fault.set_position(Position { line: line.max(1), ..position });
        fault
    })
}

/// Gives each fault its line and column in the text that it was read from.
pub(crate) fn locate(text: &str, faults: &mut [Fault]) {
    if let Ok(value) = serde_json::from_str::<&RawValue>(text) {
        place::locate(text, Unparsed { text, value }, faults);
    }
}

/// A value of a text, whose children are parsed when they are asked for.
#[derive(Clone, Copy)]
struct Unparsed<'i> {
    text: &'i str,
    value: &'i RawValue,
}

impl Node for Unparsed<'_> {
    fn start(self) -> usize {
        offset_in(self.text, self.value.get())
    }

    fn each_child(self, visit: &mut dyn FnMut(Name<'_>, usize, Self)) {
        let text = self.text;
        match serde_json::from_str::<Children<'_>>(self.value.get()) {
            Ok(Children::List(list)) => {
                for (index, value) in list.into_iter().enumerate() {
                    visit(Name::Index(index), offset_in(text, value.get()), Unparsed { text, value });
                }
            }
            Ok(Children::Table(table)) => {
                for (key, value) in table {
                    if let Ok(name) = serde_json::from_str::<Cow<'_, str>>(key.get()) {
                        visit(Name::Key(&name), offset_in(text, key.get()), Unparsed { text, value });
                    }
                }
            }
            Err(_) => {}
        }
    }
}

/// Where a slice of a text lies in it, in bytes.
fn offset_in(text: &str, part: &str) -> usize {
    (part.as_ptr() as usize).saturating_sub(text.as_ptr() as usize)
}

/// The children of one value, unparsed.
enum Children<'i> {
    List(Vec<&'i RawValue>),
    Table(Vec<(&'i RawValue, &'i RawValue)>),
}

impl<'de: 'i, 'i> Deserialize<'de> for Children<'i> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ChildrenVisitor)
    }
}

struct ChildrenVisitor;

impl<'de> Visitor<'de> for ChildrenVisitor {
    type Value = Children<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list or a table")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = access.next_element()? {
            list.push(value);
        }
        Ok(Children::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let mut table = Vec::new();
        while let Some(entry) = access.next_entry()? {
            table.push(entry);
        }
        Ok(Children::Table(table))
    }
}
