//! JSON: parsing, and finding a fault's place in the text. Nothing is kept for the second while all is well.

use std::borrow::Cow;
use std::fmt;

use optigov_calendar::Text;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::fault::{Code, Fault, Place, Position, Step};
use crate::text::value::{Arena, Value};

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
    let mut sought: Vec<usize> = (0..faults.len()).collect();
    sought.sort_by(|a, b| faults[*a].steps.cmp(&faults[*b].steps));
    if let Ok(root) = serde_json::from_str::<&RawValue>(text) {
        descend(text, root, 0, &sought, faults);
    }
}

/// `sought` are the faults at or below `value`, in the order of their paths; `depth` steps of theirs are done.
fn descend(text: &str, value: &RawValue, depth: usize, sought: &[usize], faults: &mut [Fault]) {
    let here = Position::of_byte(text, offset_in(text, value.get()));
    for index in sought {
        faults[*index].set_position(here);
    }
    let deeper = sought.iter().position(|index| faults[*index].steps.len() > depth).unwrap_or(sought.len());
    let sought = &sought[deeper..];
    if sought.is_empty() {
        return;
    }
    let Ok(children) = serde_json::from_str::<Children<'_>>(value.get()) else { return };
    let same_step = |a: &usize, b: &usize| faults[*a].steps[depth] == faults[*b].steps[depth];
    let groups: Vec<Vec<usize>> = sought.chunk_by(same_step).map(<[usize]>::to_vec).collect();
    for group in groups {
        let step = faults[group[0]].steps[depth].clone();
        let Some((key, child)) = children.find(&step) else { continue };
        let (mut below, mut at_the_key) = (Vec::new(), Vec::new());
        for index in group {
            let ends_here = faults[index].steps.len() == depth + 1;
            if ends_here && faults[index].place == Place::Key { at_the_key.push(index) } else { below.push(index) }
        }
        if let Some(key) = key {
            let position = Position::of_byte(text, offset_in(text, key));
            at_the_key.iter().for_each(|index| faults[*index].set_position(position));
        }
        if !below.is_empty() {
            descend(text, child, depth + 1, &below, faults);
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

impl<'i> Children<'i> {
    /// The child that a step leads to, with its key as written; of duplicate keys the last.
    fn find(&self, step: &Step) -> Option<(Option<&'i str>, &'i RawValue)> {
        match (self, step) {
            (Children::List(list), Step::Index(index)) => list.get(*index).map(|value| (None, *value)),
            (Children::Table(table), Step::Key(wanted)) => table
                .iter()
                .rev()
                .find(|(key, _)| {
                    serde_json::from_str::<Cow<'_, str>>(key.get()).is_ok_and(|key| matches_key(&key, wanted))
                })
                .map(|(key, value)| (Some(key.get()), *value)),
            _ => None,
        }
    }
}

/// Whether a key is the one of a step: the step of an unknown key may hold it shortened.
fn matches_key(key: &str, wanted: &str) -> bool {
    key == wanted || crate::fault::shortened(key) == wanted
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
