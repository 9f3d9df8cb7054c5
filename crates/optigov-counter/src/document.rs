//! Whole documents: the format version, and the two notations.
//!
//! A document says with `format` by which version of the format it was written; without it, it is version 1. This library reads every version up to its
//! own. When a later version changes the meaning of a key, its number goes up, and a step here rewrites the tree of the version before into the new one
//! before it is read; what is written is always the newest version. Defaults belong to the version: a default never changes within one.

use optigov_calendar::Text;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserializer, Serialize};

use crate::{
    fault::{Code, Fault, Faults, Step},
    text::{
        encoding::without_mark,
        json,
        reader::{Read, read_whole, wrong_type},
        toml,
        value::{Arena, Value},
    },
    values::CounterId,
};

/// The version of the format that this library writes, and the newest that it reads.
pub const FORMAT_VERSION: u32 = 1;

/// The largest text that is read, in bytes: 16 MiB, which is more than 20,000 counters. It keeps a wrong file from taking memory and time.
pub const MOST_BYTES: usize = 16 << 20;

pub(crate) fn from_json<T: Read + Warned>(text: &str) -> Result<T, Faults> {
    check_size(text)?;
    let text = without_mark(text);
    let arena = Arena::default();
    let value = json::parse(text, &arena)?;
    located(read(value), value, |faults| json::locate(text, faults))
}

pub(crate) fn from_toml<T: Read + Warned>(text: &str) -> Result<T, Faults> {
    check_size(text)?;
    let text = without_mark(text);
    let document = match toml::Document::parse(text) {
        Ok(document) => document,
        Err(syntax) => {
            // What else is wrong is told as well, where it can be told from what was meant.
            let rest = syntax.repaired.as_deref().and_then(|repaired| read_toml::<T>(repaired, &syntax.faults));
            return Err(Faults::new(syntax.faults.into_iter().chain(rest.into_iter().flatten()).collect()));
        }
    };
    let arena = Arena::default();
    let value = document.value(&arena);
    located(read(value), value, |faults| document.locate(faults))
}

/// What is wrong with a text that had to be repaired, besides the lines that were.
fn read_toml<T: Read + Warned>(repaired: &str, told: &[Fault]) -> Option<Vec<Fault>> {
    let document = toml::Document::parse(repaired).ok()?;
    let arena = Arena::default();
    let value = document.value(&arena);
    let faults = located(read::<T>(value), value, |faults| document.locate(faults)).err()?;
    let elsewhere = |fault: &Fault| told.iter().all(|told| told.line() != fault.line());
    Some(faults.into_iter().filter(elsewhere).collect())
}

fn check_size(text: &str) -> Result<(), Fault> {
    if text.len() <= MOST_BYTES {
        return Ok(());
    }
    Err(Fault::new(
        Code::TooLarge,
        Text::new(
            format!("Der Text hat {} Bytes; gelesen werden höchstens {MOST_BYTES} (16 MiB).", text.len()),
            format!("The text has {} bytes; at most {MOST_BYTES} (16 MiB) are read.", text.len()),
        ),
        Text::new(
            "Bitte prüfen, ob es die richtige Datei ist, und sie sonst auf mehrere Kommunen aufteilen.",
            "Check that it is the right file, and divide it into several municipalities otherwise.",
        ),
    ))
}

/// Lines, columns and ids are looked up only where there are faults or warnings, because the text is then gone through again.
fn located<T: Warned>(
    read: Result<(T, Vec<Fault>), Faults>,
    root: Value<'_>,
    locate: impl FnOnce(&mut [Fault]),
) -> Result<T, Faults> {
    let locate = |faults: &mut [Fault]| {
        locate(faults);
        faults.iter_mut().for_each(|fault| name_entries(fault, root));
    };
    match read {
        Ok((read, warnings)) if warnings.is_empty() => Ok(read),
        Ok((read, mut warnings)) => {
            locate(&mut warnings);
            Ok(read.with_warnings(warnings))
        }
        Err(mut faults) => {
            locate(faults.as_mut_slice());
            Err(faults)
        }
    }
}

/// Notes the ids of the list entries on a fault's path, for people. What is no id is not repeated.
fn name_entries(fault: &mut Fault, root: Value<'_>) {
    let mut at = Some(root);
    for step in &mut fault.steps {
        at = match (&*step, at) {
            (Step::Key(key), Some(table)) => entry(table, key),
            (Step::Index(index) | Step::Entry(index, _), Some(Value::List(list))) => list.get(*index).copied(),
            _ => None,
        };
        if let (Step::Index(index), Some(table)) = (&*step, at)
            && let Some(Value::Text(id)) = entry(table, "id")
            && CounterId::parse(id).is_ok()
        {
            *step = Step::Entry(*index, id.into());
        }
    }
}

/// The value of a key; of one that is there twice, the last.
fn entry<'a>(table: Value<'a>, key: &str) -> Option<Value<'a>> {
    match table {
        Value::Table(entries) => entries.iter().rfind(|(name, _)| *name == key).map(|(_, value)| *value),
        _ => None,
    }
}

/// Through serde, with or without the format version: all faults in one message, without lines.
pub(crate) fn deserialize<'de, D: Deserializer<'de>, T: Read + Warned>(deserializer: D) -> Result<T, D::Error> {
    let arena = Arena::default();
    let (read, warnings) = read(arena.deserialize(deserializer)?).map_err(serde::de::Error::custom)?;
    Ok(T::with_warnings(read, warnings))
}

pub(crate) fn to_json<T: Serialize>(content: &T) -> String {
    let document = Versioned { format: FORMAT_VERSION, content };
    serde_json::to_string_pretty(&document).expect("a configuration has only text keys and finite numbers")
}

pub(crate) fn to_toml<T: Serialize>(content: &T) -> String {
    let document = Versioned { format: FORMAT_VERSION, content };
    ::toml::to_string_pretty(&document).expect("a configuration has only text keys and no null")
}

/// The JSON Schema of a document (draft 2020-12), as JSON text.
pub(crate) fn schema<T: JsonSchema>(extend: impl FnOnce(&mut Schema, &mut SchemaGenerator)) -> String {
    let mut generator = SchemaGenerator::default();
    let mut schema = generator.root_schema_for::<T>();
    extend(&mut schema, &mut generator);
    let definitions = generator.take_definitions(true);
    if let Some(schema) = schema.as_object_mut().filter(|_| !definitions.is_empty()) {
        schema.insert("$defs".to_owned(), definitions.into());
    }
    let about = [
        (
            SCHEMA,
            schemars::json_schema!({ "type": ["string", "null"], "description": "The address of this schema, for editors. It means nothing else." }),
        ),
        (
            "format",
            schemars::json_schema!({
                "type": ["integer", "null"],
                "minimum": 1,
                "maximum": FORMAT_VERSION,
                "default": 1,
                "description": "The version of the format.",
            }),
        ),
    ];
    if let Some(properties) = schema.get_mut("properties").and_then(serde_json::Value::as_object_mut) {
        properties.extend(about.into_iter().map(|(key, schema)| (key.to_owned(), schema.into())));
    }
    // A program that links us may have switched on `preserve_order` of serde_json; the text is the same even so.
    let mut schema = schema.to_value();
    schema.sort_all_objects();
    let schema = Schema::try_from(schema).expect("a schema stays a schema when its keys are sorted");
    let text = serde_json::to_string_pretty(&schema).expect("a schema has only text keys and finite numbers");
    text + "\n"
}

/// A type that is told the warnings of its own reading.
pub(crate) trait Warned: Sized {
    fn with_warnings(self, warnings: Vec<Fault>) -> Self;
}

#[derive(Serialize)]
struct Versioned<'c, T> {
    format: u32,
    #[serde(flatten)]
    content: &'c T,
}

/// Reads a document's content, which is everything beside the keys about the document itself.
fn read<T: Read>(value: Value<'_>) -> Result<(T, Vec<Fault>), Faults> {
    let Value::Table(entries) = value else { return read_whole(&value) };
    if !entries.iter().any(|(key, _)| ABOUT.contains(key)) {
        return read_whole(&value);
    }
    for (key, about) in entries {
        match (*key, about) {
            ("format", version) => check_version(version).map_err(|fault| fault.at(&[Step::Key("format".into())]))?,
            (SCHEMA, Value::Text(_)) | (_, Value::Null) => {}
            (SCHEMA, other) => {
                let fault =
                    wrong_type(other, "die Adresse des Schemas als Text", "the address of the schema as a text");
                return Err(fault.at(&[Step::Key(SCHEMA.into())]).into());
            }
            _ => {}
        }
    }
    let content: Vec<_> = entries.iter().filter(|(key, _)| !ABOUT.contains(key)).copied().collect();
    read_whole(&Value::Table(&content))
}

/// The keys of a document that say something of it as a document.
const ABOUT: [&str; 2] = ["format", SCHEMA];

/// What editors go by; it means nothing here.
const SCHEMA: &str = "$schema";

fn check_version(version: &Value<'_>) -> Result<(), Fault> {
    match version {
        Value::Integer(version) if (1..=i64::from(FORMAT_VERSION)).contains(version) => Ok(()),
        Value::Integer(version) if *version > i64::from(FORMAT_VERSION) => Err(Fault::new(
            Code::FormatTooNew,
            Text::new(
                format!("Das Format {version} ist neuer als diese Software, die höchstens {FORMAT_VERSION} kennt."),
                format!("Format {version} is newer than this software, which knows {FORMAT_VERSION} at most."),
            ),
            Text::new("Bitte die Software aktualisieren.", "Update the software."),
        )),
        Value::Integer(_) => Err(Fault::new(
            Code::OutOfRange,
            Text::new("Diese Formatversion gibt es nicht.", "There is no such format version."),
            Text::new(
                format!("Bitte format = {FORMAT_VERSION} schreiben."),
                format!("Write format = {FORMAT_VERSION}."),
            ),
        )),
        other => Err(wrong_type(other, "die Formatversion als ganze Zahl", "the format version as a whole number")),
    }
}
