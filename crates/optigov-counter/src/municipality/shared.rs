//! What counters share, as it is written: by name, at the municipality.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value as Json, json};

use crate::{
    booking::BookingRules,
    counter::Capacity,
    exception::ExceptionRule,
    fault::Fault,
    opening::{ClockChanges, Opening, SharedHours},
    sync::SharedSync,
    text::{
        forms::table,
        reader::{Read, Reader, text, wrong_type},
        sharing::{SharedTables, USE},
        value::Value,
    },
    values::{CounterId, Line, TemplateId, Zone},
};

/// Checks each shared table by itself, whether a counter uses it or not.
pub(super) fn read<'v>(tables: SharedTables<'v>, reader: &mut Reader) -> SharedTables<'v> {
    each::<SharedHours>("hours", tables.hours, reader);
    each::<BookingRules>("booking", tables.booking, reader);
    each::<Group>("groups", tables.groups, reader);
    each::<Site>("sites", tables.sites, reader);
    tables
}

fn each<T: Read>(kind: &'static str, table: Option<&Value<'_>>, reader: &mut Reader) {
    let Some(value) = table else { return };
    reader.below(kind, |reader| {
        let Value::Table(entries) = value else {
            return reader.fault(wrong_type(value, "eine Tabelle von Namen", "a table of names"));
        };
        for (index, (name, value)) in entries.iter().enumerate() {
            if let Err(fault) = CounterId::parse(name) {
                reader.fault(fault.at_key(name));
            }
            if entries[..index].iter().any(|(earlier, _)| earlier == name) {
                reader.fault(crate::text::reader::duplicate_key(name));
            }
            reader.named(name, |reader| T::read(value, reader));
        }
    });
}

/// What a group of counters has in common. Each key stands for the counter's own where that is left out; lists come on top.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, description = "What a group of counters has in common.")]
#[expect(dead_code, reason = "it is read for its faults, and counters have it written out")]
struct Group {
    /// The name of a site.
    site: Option<SharedName>,
    /// Names of shared hours.
    hours: Option<SharedNames>,
    /// Where the counters are: building, floor, room.
    place: Option<Line>,
    /// The time zone of all their times.
    time_zone: Option<Zone>,
    /// The ids of the templates that can be booked there.
    #[serde(default)]
    templates: Vec<TemplateId>,
    /// How many appointments can take place at the same time, at each.
    capacity: Option<Capacity>,
    /// Whether the municipality's holidays close them.
    observes_holidays: Option<bool>,
    /// What becomes of hours that the clocks skip or show twice.
    clock_changes: Option<ClockChanges>,
    /// How they are booked.
    booking: Option<SharedBooking>,
    /// Whose Exchange calendars count.
    exchange_sync: Option<SharedSync>,
    /// Hours that recur, on top of each counter's own.
    #[serde(default)]
    opening: Opening,
    /// What is different by date, on top of each counter's own.
    #[serde(default)]
    exceptions: Vec<ExceptionRule>,
}

table!(Group {
    site: optional,
    hours: optional,
    place: optional,
    time_zone: optional,
    templates: or_default,
    capacity: optional,
    observes_holidays: optional,
    clock_changes: optional,
    booking: optional,
    exchange_sync: optional,
    opening: or_default,
    exceptions: or_default,
});

/// A site (*Standort*) with several counters.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, description = "A site with several counters.")]
#[expect(dead_code, reason = "it is read for its faults, and counters have it written out")]
struct Site {
    /// What people read; it stands before each counter's place.
    name: Line,
    /// Names of shared hours.
    hours: Option<SharedNames>,
    /// The time zone of all its times.
    time_zone: Option<Zone>,
    /// Whether the municipality's holidays close it.
    observes_holidays: Option<bool>,
    /// How its counters are booked.
    booking: Option<SharedBooking>,
    /// Hours that recur, on top of each counter's own.
    #[serde(default)]
    opening: Opening,
    /// What is different by date, on top of each counter's own.
    #[serde(default)]
    exceptions: Vec<ExceptionRule>,
}

table!(Site {
    name: required,
    hours: optional,
    time_zone: optional,
    observes_holidays: optional,
    booking: optional,
    opening: or_default,
    exceptions: or_default,
});

/// The name of something shared. Whether it exists is told where counters are written out.
struct SharedName;

impl Read for SharedName {
    fn read(value: &Value<'_>, reader: &mut Reader) -> Option<Self> {
        text(value, reader).map(|_| SharedName)
    }
}

impl JsonSchema for SharedName {
    fn schema_name() -> Cow<'static, str> {
        "SharedName".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "description": "The name of something that counters share." })
    }
}

/// One name or several.
struct SharedNames;

impl Read for SharedNames {
    fn read(value: &Value<'_>, reader: &mut Reader) -> Option<Self> {
        match value {
            Value::List(_) => Vec::<SharedName>::read(value, reader).map(|_| SharedNames),
            _ => SharedName::read(value, reader).map(|_| SharedNames),
        }
    }
}

impl JsonSchema for SharedNames {
    fn schema_name() -> Cow<'static, str> {
        "SharedNames".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let name = generator.subschema_for::<SharedName>();
        json_schema!({ "description": "Names of shared hours: one or a list.", "anyOf": [name, { "type": "array", "items": name }] })
    }
}

/// Booking rules by name, or a table that may go by a name where it says nothing itself.
struct SharedBooking;

impl Read for SharedBooking {
    fn read(value: &Value<'_>, reader: &mut Reader) -> Option<Self> {
        match value {
            Value::Text(_) => Some(SharedBooking),
            Value::Table(entries) => {
                let own: Vec<_> = entries.iter().filter(|(key, _)| *key != USE).copied().collect();
                BookingRules::read(&Value::Table(&own), reader).map(|_| SharedBooking)
            }
            _ => reader.refuse::<SharedBooking>(not_booking(value)),
        }
    }
}

fn not_booking(value: &Value<'_>) -> Fault {
    wrong_type(value, "Buchungsregeln oder ihren Namen", "booking rules or their name")
}

impl JsonSchema for SharedBooking {
    fn schema_name() -> Cow<'static, str> {
        "SharedBooking".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut rules = BookingRules::json_schema(generator);
        let name = generator.subschema_for::<SharedName>();
        if let Some(properties) = rules.get_mut("properties").and_then(Json::as_object_mut) {
            properties.insert(USE.to_owned(), json!(name));
        }
        json_schema!({ "description": "Booking rules: a name, or a table.", "anyOf": [name, rules] })
    }
}

/// Adds to a municipality's schema what its counters can share, and to its counters the keys by which they do.
pub(super) fn extend_schema(schema: &mut Schema, generator: &mut SchemaGenerator) {
    let by_name = |one: Schema, description: &str| {
        json!({
            "type": "object",
            "description": description,
            "propertyNames": generator_name_pattern(),
            "additionalProperties": one,
        })
    };
    let shared = [
        ("hours", by_name(generator.subschema_for::<SharedHours>(), "Opening hours and exceptions by name.")),
        ("booking", by_name(generator.subschema_for::<BookingRules>(), "Booking rules by name.")),
        ("groups", by_name(generator.subschema_for::<Group>(), "What groups of counters have in common, by name.")),
        ("sites", by_name(generator.subschema_for::<Site>(), "Sites with several counters, by name.")),
    ];
    if let Some(properties) = schema.get_mut("properties").and_then(Json::as_object_mut) {
        properties.extend(shared.into_iter().map(|(key, value)| (key.to_owned(), value)));
    }
    let by_name = [
        ("hours", json!(generator.subschema_for::<SharedNames>())),
        ("group", json!(generator.subschema_for::<SharedName>())),
        ("site", json!(generator.subschema_for::<SharedName>())),
        ("booking", json!(generator.subschema_for::<SharedBooking>())),
    ];
    let shared_sync = json!(generator.subschema_for::<SharedSync>());
    let definitions = generator.definitions_mut();
    let Some(counter) = definitions.get_mut("Counter").and_then(Json::as_object_mut) else { return };
    let Some(properties) = counter.get_mut("properties").and_then(Json::as_object_mut) else { return };
    properties.extend(by_name.into_iter().map(|(key, value)| (key.to_owned(), value)));
    // In a group, a counter may have a part of the sync, and the group the rest.
    let own =
        properties.insert("exchange_sync".to_owned(), json!({ "description": "Whose Exchange calendars count." }));
    let with = |sync: Json| json!({ "properties": { "exchange_sync": sync } });
    counter.insert("if".to_owned(), json!({ "required": ["group"] }));
    counter.insert("then".to_owned(), with(shared_sync));
    counter.insert("else".to_owned(), with(own.unwrap_or(json!(true))));
}

fn generator_name_pattern() -> Json {
    json!({ "pattern": crate::values::ID_PATTERN })
}
