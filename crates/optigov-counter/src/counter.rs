//! A counter.

mod checks;

use chrono_tz::Tz;
use optigov_calendar::Text;
use optigov_slots::{ClockChange, Rule};
use serde::{Deserialize, Deserializer, Serialize};

use crate::{
    booking::BookingRules,
    document::{self, Warned},
    exception::ExceptionRule,
    fault::{Code, Fault, Faults},
    opening::{ClockChanges, Opening},
    sync::ExchangeSync,
    text::{
        forms::{is_default, number, table},
        reader::Reader,
    },
    values::{CounterId, Line, TemplateId, Zone},
};

/// Where citizens are served (*Schalter*): when it is open, how it is booked, and whose calendars count.
///
/// It is also what services store, one JSON document per counter: [`Counter::from_json`] and [`Counter::to_json`]. Whether the templates
/// exist that it names is checked when it joins its municipality.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[schemars(
    deny_unknown_fields,
    description = "Where citizens are served: when it is open, how it is booked, and whose calendars count."
)]
pub struct Counter {
    /// Names the counter within the municipality.
    id: CounterId,
    /// What people read.
    name: Line,
    /// Where it is: building, floor, room.
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<Line>,
    /// The time zone of all its times. Default: the municipality's.
    #[serde(skip_serializing_if = "Option::is_none")]
    time_zone: Option<Zone>,
    /// The ids of the templates that can be booked here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 500), extend("uniqueItems" = true))]
    templates: Vec<TemplateId>,
    /// How many appointments can take place at the same time, 1 to 1000. Default: 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    capacity: Option<Capacity>,
    /// Whether the municipality's holidays close the counter. Default: true.
    #[serde(skip_serializing_if = "Option::is_none")]
    observes_holidays: Option<bool>,
    /// What becomes of hours that the clocks skip or show twice: "widest" (default) or "rfc5545".
    #[serde(skip_serializing_if = "Option::is_none")]
    clock_changes: Option<ClockChanges>,
    /// How it is booked.
    #[serde(default, skip_serializing_if = "is_default")]
    booking: BookingRules,
    /// Whose Exchange calendars count.
    #[serde(default, skip_serializing_if = "is_default")]
    exchange_sync: ExchangeSync,
    /// The recurring opening hours; at most 200 rules.
    #[serde(default, skip_serializing_if = "Opening::is_empty")]
    #[schemars(extend("maxItems" = 200))]
    opening: Opening,
    /// What is different by date; at most 500.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 500))]
    exceptions: Vec<ExceptionRule>,
}

impl Counter {
    /// Reads one counter from a JSON document of its own. A `format` key beside the counter's own is the format version.
    ///
    /// # Errors
    ///
    /// Every fault at once, each with path, line and column. A text of more than [`MOST_BYTES`](crate::MOST_BYTES) is not looked into.
    pub fn from_json(text: &str) -> Result<Counter, Faults> {
        document::from_json(text)
    }

    /// Writes the counter as a JSON document of its own, with the format version.
    pub fn to_json(&self) -> String {
        document::to_json(self)
    }

    /// The JSON Schema (draft 2020-12) of a counter's own document, as JSON text. Kept in `docs/schema/counter.schema.json`.
    pub fn schema() -> String {
        document::schema::<Counter>(|_, _| {})
    }

    /// The id, unique within the municipality.
    pub fn id(&self) -> &CounterId {
        &self.id
    }

    /// What people read.
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// Where it is.
    pub fn place(&self) -> Option<&str> {
        self.place.as_ref().map(Line::as_str)
    }

    /// Its own time zone. `None`: the municipality's.
    pub fn time_zone(&self) -> Option<Tz> {
        self.time_zone.map(Zone::zone)
    }

    /// The templates that can be booked here.
    pub fn templates(&self) -> &[TemplateId] {
        &self.templates
    }

    /// Whether a template can be booked here.
    pub fn serves(&self, template: &TemplateId) -> bool {
        self.templates.contains(template)
    }

    /// How many appointments can take place at the same time, 1 to 1000. Default: 1.
    pub fn capacity(&self) -> u32 {
        self.capacity.map_or(1, |capacity| capacity.0)
    }

    /// Whether the municipality's holidays close it. Default: yes.
    pub fn observes_holidays(&self) -> bool {
        self.observes_holidays.unwrap_or(true)
    }

    /// What becomes of hours whose edges the clocks skip or show twice. Default: the widest reading.
    pub fn clock_change(&self) -> ClockChange {
        self.clock_changes.unwrap_or_default().0
    }

    /// How it is booked.
    pub fn booking(&self) -> &BookingRules {
        &self.booking
    }

    /// Whose Exchange calendars count.
    pub fn exchange_sync(&self) -> &ExchangeSync {
        &self.exchange_sync
    }

    /// The recurring opening hours.
    pub fn opening(&self) -> &[Rule] {
        &self.opening.0
    }

    /// What is different by date.
    pub fn exceptions(&self) -> &[ExceptionRule] {
        &self.exceptions
    }

    /// Gives the warnings of its reading again.
    pub(crate) fn warn(&self, reader: &mut Reader) {
        checks::overlapping_rules(self.opening(), reader);
        reader.below("exchange_sync", |reader| {
            reader.below("blocking", |reader| self.exchange_sync.blocking().check(reader));
        });
    }
}

table!(Counter {
    id: required, name: required, place: optional, time_zone: optional, templates: or_default, capacity: optional,
    observes_holidays: optional, clock_changes: optional, booking: or_default, exchange_sync: or_default,
    opening: or_default, exceptions: or_default,
} checked);

impl Warned for Counter {
    /// They are given again when the counter joins its municipality.
    fn with_warnings(self, _: Vec<Fault>) -> Self {
        self
    }
}

impl<'de> Deserialize<'de> for Counter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Counter, D::Error> {
        document::deserialize(deserializer)
    }
}

number!(Capacity, 1..=1000);

/// What can be checked without the municipality.
fn checked(counter: Counter, reader: &mut Reader) -> Option<Counter> {
    const MOST_RULES: usize = 200;
    const MOST_EXCEPTIONS: usize = 500;
    for (key, there, most) in [
        ("templates", counter.templates.len(), MOST_EXCEPTIONS),
        ("opening", counter.opening().len(), MOST_RULES),
        ("exceptions", counter.exceptions.len(), MOST_EXCEPTIONS),
    ] {
        if there > most {
            let fault = Fault::new(
                Code::OutOfRange,
                Text::new(format!("Die Liste hat {there} Einträge."), format!("The list has {there} entries.")),
                Text::new(format!("Bitte höchstens {most} Einträge angeben."), format!("Give at most {most} entries.")),
            );
            return reader.below(key, |reader| reader.refuse(fault));
        }
    }
    checks::own_templates(&counter.templates, counter.opening(), &counter.exceptions, reader);
    checks::contradicting_exceptions(&counter.exceptions, reader);
    checks::overlapping_rules(counter.opening(), reader);
    Some(counter)
}
