//! A municipality: everything that an administrator sets.

use std::sync::Arc;

use chrono_tz::Tz;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::checks;
use crate::counter::Counter;
use crate::document::Warned;
use crate::exchange::ExchangeConnection;
use crate::fault::{Fault, Faults, Severity, Step};
use crate::holidays::{Holiday, LocalHolidays};
use crate::sync::is_default;
use crate::template::AppointmentTemplate;
use crate::text::reader::{Read, Readable, Reader};
use crate::text::value::Value;
use crate::values::{Line, State, Zone};

/// A municipality with its holidays, its Exchange connection, its appointment templates and its counters.
///
/// A value is valid: ids are unique, what is referred to exists. It is read from TOML or JSON, or through serde; all three check alike.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Municipality {
    /// What people read.
    name: Line,
    /// The time zone of all times. Default: Europe/Berlin.
    #[serde(default, skip_serializing_if = "is_default")]
    time_zone: Zone,
    /// The state whose public holidays hold. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<State>,
    /// What differs from the state's holidays.
    #[serde(default, skip_serializing_if = "is_default", serialize_with = "shared")]
    holidays: Arc<LocalHolidays>,
    /// The connection to Exchange. Without it, no calendar counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    exchange: Option<ExchangeConnection>,
    /// What can be booked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    templates: Vec<AppointmentTemplate>,
    /// The counters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    counters: Vec<Counter>,
    #[serde(skip)]
    #[schemars(skip)]
    warnings: Vec<Fault>,
}

impl Municipality {
    /// Reads a municipality from TOML.
    ///
    /// # Errors
    ///
    /// Every fault at once, each with path, line and column.
    pub fn from_toml(text: &str) -> Result<Municipality, Faults> {
        crate::document::from_toml(text)
    }

    /// Reads a municipality from JSON.
    ///
    /// # Errors
    ///
    /// Every fault at once, each with path, line and column.
    pub fn from_json(text: &str) -> Result<Municipality, Faults> {
        crate::document::from_json(text)
    }

    /// Writes it as TOML, in the canonical form: what has its default is left out, and every value has its one spelling. Holds no secret.
    pub fn to_toml(&self) -> String {
        crate::document::to_toml(self)
    }

    /// Writes it as JSON, in the canonical form. Holds no secret.
    pub fn to_json(&self) -> String {
        crate::document::to_json(self)
    }

    /// The JSON Schema (draft 2020-12) of a municipality, as JSON text. Kept in `docs/schema/municipality.schema.json`.
    pub fn schema() -> String {
        crate::document::schema::<Municipality>()
    }

    /// What is allowed, but most likely not meant; with lines and columns, if it was read from a text.
    pub fn warnings(&self) -> &[Fault] {
        &self.warnings
    }

    /// What people read.
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// The time zone of all times, unless a counter has its own. Default: Europe/Berlin.
    pub fn time_zone(&self) -> Tz {
        self.time_zone.zone()
    }

    /// The state whose public holidays hold. Without one, only the municipality's own do.
    pub fn state(&self) -> Option<State> {
        self.state
    }

    /// The holidays and half days of a year, in the order of their dates. Years outside 1995 to 2999 have none.
    pub fn holidays(&self, year: i32) -> Vec<Holiday> {
        self.holidays.of_year(self.state, year)
    }

    /// The connection to Exchange.
    pub fn exchange(&self) -> Option<&ExchangeConnection> {
        self.exchange.as_ref()
    }

    /// The appointment templates, in the order of the text.
    pub fn templates(&self) -> &[AppointmentTemplate] {
        &self.templates
    }

    /// A template by its id.
    pub fn template(&self, id: &str) -> Option<&AppointmentTemplate> {
        self.templates.iter().find(|template| template.id().as_str() == id)
    }

    /// The counters, in the order of the text.
    pub fn counters(&self) -> &[Counter] {
        &self.counters
    }

    /// A counter by its id.
    pub fn counter(&self, id: &str) -> Option<&Counter> {
        self.counters.iter().find(|counter| counter.id().as_str() == id)
    }

    /// The municipality with this counter in place of the one with its id, or added to the others. It is checked against the rest.
    ///
    /// # Errors
    ///
    /// What does not fit, with the counter's place (`counters[3].templates[0]`).
    pub fn with_counter(mut self, counter: Counter) -> Result<Municipality, Faults> {
        let index = match self.counters.iter().position(|other| other.id() == counter.id()) {
            Some(index) => {
                self.counters[index] = counter;
                index
            }
            None => {
                self.counters.push(counter);
                self.counters.len() - 1
            }
        };
        let mut reader = Reader::default();
        let templates = checks::Templates::of(self.templates.iter());
        reader.below("counters", |reader| {
            reader.element(index, |reader| {
                checks::counter(&self.counters[index], &templates, self.exchange.is_some(), reader)
            });
        });
        let refused = reader.has_errors();
        let found = reader.into_faults();
        if refused {
            return Err(Faults::new(found));
        }
        let about_it = [Step::Key("counters".into()), Step::Index(index)];
        self.warnings.retain(|warning| !warning.steps.starts_with(&about_it));
        self.warnings.extend(found);
        Ok(self)
    }

    pub(crate) fn local_holidays(&self) -> &Arc<LocalHolidays> {
        &self.holidays
    }
}

/// Where the text stood that a warning is about is no part of a configuration.
impl PartialEq for Municipality {
    fn eq(&self, other: &Municipality) -> bool {
        let Municipality { name, time_zone, state, holidays, exchange, templates, counters, warnings: _ } = self;
        (name, time_zone, state, holidays) == (&other.name, &other.time_zone, &other.state, &other.holidays)
            && (exchange, templates, counters) == (&other.exchange, &other.templates, &other.counters)
    }
}

impl Eq for Municipality {}

impl Warned for Municipality {
    fn with_warnings(self, warnings: Vec<Fault>) -> Municipality {
        debug_assert!(warnings.iter().all(|fault| fault.severity() == Severity::Warning));
        Municipality { warnings, ..self }
    }
}

impl Read for Municipality {
    fn read(value: &Value<'_>, reader: &mut Reader) -> Option<Municipality> {
        let keys = ["name", "time_zone", "state", "holidays", "exchange", "templates", "counters"];
        let [name, time_zone, state, holidays, exchange, templates, counters] = reader.table(value, &keys)?;
        let name = reader.required("name", name);
        let time_zone = reader.or_default("time_zone", time_zone);
        let state: Option<Option<State>> = reader.optional("state", state);
        let holidays: Option<LocalHolidays> = reader.or_default("holidays", holidays);
        if let (Some(state), Some(holidays)) = (state, &holidays) {
            reader.below("holidays", |reader| holidays.check(state, reader));
        }
        let has_exchange = exchange.is_some();
        let exchange = reader.optional("exchange", exchange);
        let templates: Option<Readable<AppointmentTemplate>> = reader.or_default("templates", templates);
        let counters: Option<Readable<Counter>> = reader.or_default("counters", counters);
        checks::Parts {
            templates: templates.iter().flat_map(Readable::iter).collect(),
            counters: counters.iter().flat_map(Readable::iter).collect(),
            templates_missing: templates.as_ref().is_none_or(|templates| !templates.is_complete()),
            has_exchange,
        }
        .check(reader);
        Some(Municipality {
            name: name?,
            time_zone: time_zone?,
            state: state?,
            holidays: Arc::new(holidays?),
            exchange: exchange?,
            templates: templates?.complete()?,
            counters: counters?.complete()?,
            warnings: Vec::new(),
        })
    }
}

impl<'de> Deserialize<'de> for Municipality {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Municipality, D::Error> {
        crate::document::deserialize(deserializer)
    }
}

/// Shared values are written like others.
fn shared<S: Serializer>(holidays: &Arc<LocalHolidays>, serializer: S) -> Result<S::Ok, S::Error> {
    LocalHolidays::serialize(holidays, serializer)
}
