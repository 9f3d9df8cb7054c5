//! Whole documents: the format version, and the two notations.
//!
//! A document says with `format` by which version of the format it was written; without it, it is version 1. This library reads every version up to its
//! own. When a later version changes the meaning of a key, its number goes up, and a step here rewrites the tree of the version before into the new one
//! before it is read; what is written is always the newest version. Defaults belong to the version: a default never changes within one.

use optigov_calendar::Text;
use schemars::{JsonSchema, SchemaGenerator};
use serde::{Deserializer, Serialize};

use crate::{
    fault::{Code, Fault, Faults, Step},
    text::{
        json,
        reader::{Read, read_whole, wrong_type},
        toml,
        value::{Arena, Value},
    },
};

/// The version of the format that this library writes, and the newest that it reads.
pub const FORMAT_VERSION: u32 = 1;

/// The largest text that is read, in bytes: 16 MiB, which is more than 20,000 counters. It keeps a wrong file from taking memory and time.
pub const MOST_BYTES: usize = 16 << 20;

pub(crate) fn from_json<T: Read + Warned>(text: &str) -> Result<T, Faults> {
    check_size(text)?;
    let arena = Arena::default();
    located(read(json::parse(text, &arena)?), |faults| json::locate(text, faults))
}

pub(crate) fn from_toml<T: Read + Warned>(text: &str) -> Result<T, Faults> {
    check_size(text)?;
    let document = toml::Document::parse(text).map_err(Faults::new)?;
    let arena = Arena::default();
    located(read(document.value(&arena)), |faults| document.locate(faults))
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

/// Lines and columns are looked up only where there are faults or warnings, because the text is then gone through again.
fn located<T: Warned>(read: Result<(T, Vec<Fault>), Faults>, locate: impl FnOnce(&mut [Fault])) -> Result<T, Faults> {
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
pub(crate) fn schema<T: JsonSchema>() -> String {
    let mut schema = SchemaGenerator::default().into_root_schema_for::<T>();
    let version = schemars::json_schema!({
        "type": "integer",
        "minimum": 1,
        "maximum": FORMAT_VERSION,
        "default": 1,
        "description": "The version of the format.",
    });
    if let Some(properties) = schema.get_mut("properties").and_then(serde_json::Value::as_object_mut) {
        properties.insert("format".to_owned(), version.into());
    }
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

fn read<T: Read>(value: Value<'_>) -> Result<(T, Vec<Fault>), Faults> {
    let Value::Table(entries) = value else { return read_whole(&value) };
    let Some(index) = entries.iter().position(|(key, _)| *key == "format") else { return read_whole(&value) };
    check_version(&entries[index].1).map_err(|fault| fault.at(&[Step::Key("format".into())]))?;
    let rest = [&entries[..index], &entries[index + 1..]].concat();
    read_whole(&Value::Table(&rest))
}

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
