//! What happens while Exchange does not answer.

use std::time::Duration;

use optigov_calendar::Text;
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::{
    fault::{Code, Fault},
    text::{
        reader::{Read, Reader, word_value},
        value::Value,
    },
    values::{Span, at_least},
};

/// What happens to counters whose calendars cannot be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum WhenUnavailable {
    /// Nothing can be booked: unknown is never free. The default.
    #[default]
    Close,
    /// What was read last counts, up to this age; then nothing can be booked.
    ServeStale {
        /// The greatest age.
        up_to: Duration,
    },
    /// The opening hours alone count. Double bookings are possible.
    Ignore,
}

impl Read for WhenUnavailable {
    fn read(value: &Value<'_>, reader: &mut Reader) -> Option<Self> {
        match value {
            Value::Table(_) => {
                let [serve_stale] = reader.table(value, &["serve_stale"])?;
                let up_to: Span = reader.required("serve_stale", serve_stale)?;
                let up_to = reader.below("serve_stale", |reader| at_least(1, up_to, reader))?;
                Some(WhenUnavailable::ServeStale { up_to: up_to.duration() })
            }
            Value::Text(text) if text.replace('-', "_") == "serve_stale" => reader.refuse(Fault::new(
                Code::MissingKey,
                Text::fixed(
                    "Es fehlt die Angabe, wie alt gelesene Kalender höchstens sein dürfen.",
                    "The greatest age of calendars that were read is missing.",
                ),
                Text::fixed(
                    "Bitte so schreiben: when_unavailable = { serve_stale = \"2h\" }.",
                    "Write it like this: when_unavailable = { serve_stale = \"2h\" }.",
                ),
            )),
            _ => {
                let words = [("close", WhenUnavailable::Close), ("ignore", WhenUnavailable::Ignore)];
                word_value(value, reader, &words)
            }
        }
    }
}

impl Serialize for WhenUnavailable {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            WhenUnavailable::Close => serializer.serialize_str("close"),
            WhenUnavailable::Ignore => serializer.serialize_str("ignore"),
            WhenUnavailable::ServeStale { up_to } => {
                let mut map = serializer.serialize_map(Some(1))?;
                let span = Span::from_duration(*up_to);
                map.serialize_entry("serve_stale", &span)?;
                map.end()
            }
        }
    }
}

impl schemars::JsonSchema for WhenUnavailable {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "WhenUnavailable".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let age = generator.subschema_for::<Span>();
        schemars::json_schema!({
            "description": "What happens to counters whose calendars cannot be read.",
            "oneOf": [
                { "enum": ["close", "ignore"] },
                {
                    "type": "object",
                    "properties": { "serve_stale": age },
                    "required": ["serve_stale"],
                    "additionalProperties": false,
                },
            ],
        })
    }
}
