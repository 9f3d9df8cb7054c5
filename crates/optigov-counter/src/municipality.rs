//! A municipality: everything that an administrator sets.

mod checks;
mod counters;
pub(crate) mod shared;
mod templates;

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use chrono_tz::Tz;
use optigov_calendar::Mailbox;
use serde::{Deserialize, Deserializer, Serialize};

use self::{counters::Counters, templates::Templates};
use crate::{
    counter::Counter,
    document::{self, Warned},
    exchange::{ExchangeConnection, ExchangeOnlineConnection, WhenUnavailable},
    fault::{Fault, Faults, Severity, Step},
    holidays::{Holiday, LocalHolidays},
    location::{Connections, MailboxLocation, MailboxLocations},
    template::AppointmentTemplate,
    text::{
        forms::is_default,
        reader::{Read, Readable, Reader},
        sharing::SharedTables,
        value::{Arena, Value},
    },
    values::{Line, State, Zone},
};

/// A municipality with its holidays, its Exchange connections, its appointment templates and its counters.
///
/// A value is valid: ids are unique, what is referred to exists. It is read from TOML or JSON, or through serde; all three check alike.
/// A clone shares everything with its original and costs next to nothing, also with ten thousand counters.
///
/// ```
/// use optigov_counter::{Language, Municipality};
///
/// let text = r#"
/// name = "Musterstadt"
/// templates = [{ id = "pass", label = "Reisepass beantragen", length = "20min" }]
///
/// [[counters]]
/// id = "eins"
/// name = "Schalter 1"
/// templates = ["pass"]
/// opening = [{ days = "Mo-Fr", hours = "08:00-12:00" }]
/// "#;
/// let town = Municipality::from_toml(text)?;
/// assert_eq!(town.counters().count(), 1);
///
/// // Everything that is wrong is told at once, here two faults, in German or English.
/// let faults = Municipality::from_toml(&text.replace("20min", "20").replace("12:00", "25:00")).unwrap_err();
/// assert_eq!(faults.iter().count(), 2);
/// assert!(faults.iter().all(|fault| !fault.message(Language::German).is_empty()));
/// # Ok::<(), optigov_counter::Faults>(())
/// ```
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
#[schemars(
    deny_unknown_fields,
    description = "A municipality with its holidays, its Exchange connections, its appointment templates and its counters."
)]
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
    #[serde(default, skip_serializing_if = "is_default")]
    holidays: Arc<LocalHolidays>,
    /// The connection to the municipality's own Exchange server.
    #[serde(skip_serializing_if = "Option::is_none")]
    exchange: Option<Arc<ExchangeConnection>>,
    /// The connection to Exchange Online. Without any connection, no calendar counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    exchange_online: Option<Arc<ExchangeOnlineConnection>>,
    /// Where mailboxes lie.
    #[serde(default, skip_serializing_if = "is_default")]
    mailbox_locations: Arc<MailboxLocations>,
    /// What can be booked.
    #[serde(default, skip_serializing_if = "is_default")]
    templates: Arc<Templates>,
    /// The counters.
    #[serde(default, skip_serializing_if = "is_default")]
    counters: Counters,
    /// Where mailboxes lie of which a counter's entry says so.
    #[serde(skip)]
    #[schemars(skip)]
    located: Arc<HashMap<Mailbox, MailboxLocation>>,
    /// The warnings that are about no single counter.
    #[serde(skip)]
    #[schemars(skip)]
    warnings: Arc<[Fault]>,
}

impl Municipality {
    /// Reads a municipality from TOML.
    ///
    /// # Errors
    ///
    /// Every fault at once, each with path, line and column. A text of more than [`MOST_BYTES`](crate::MOST_BYTES) is not looked into.
    pub fn from_toml(text: &str) -> Result<Municipality, Faults> {
        document::from_toml(text)
    }

    /// Reads a municipality from JSON.
    ///
    /// # Errors
    ///
    /// Every fault at once, each with path, line and column. A text of more than [`MOST_BYTES`](crate::MOST_BYTES) is not looked into.
    pub fn from_json(text: &str) -> Result<Municipality, Faults> {
        document::from_json(text)
    }

    /// Writes it as TOML, in the canonical form: what has its default is left out, and every value has its one spelling. Holds no secret.
    pub fn to_toml(&self) -> String {
        document::to_toml(self)
    }

    /// Writes it as JSON, in the canonical form. Holds no secret.
    pub fn to_json(&self) -> String {
        document::to_json(self)
    }

    /// The JSON Schema (draft 2020-12) of a municipality, as JSON text. Kept in `docs/schema/municipality.schema.json`.
    pub fn schema() -> String {
        document::schema::<Municipality>(shared::extend_schema)
    }

    /// What is allowed, but most likely not meant. Warnings have a line and a column if they are about what was read from a text, and is
    /// still as it was read.
    pub fn warnings(&self) -> Vec<Fault> {
        let about_counters = self.counters.warnings().map(|(index, id, warning)| {
            warning.clone().at(&[Step::Key(COUNTERS.into()), Step::Entry(index, id.as_str().into())])
        });
        self.warnings.iter().cloned().chain(about_counters).collect()
    }

    /// The warnings about one counter, with paths of its own document (`opening[1]`).
    pub fn counter_warnings(&self, id: &str) -> &[Fault] {
        self.counters.warnings_of(id)
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

    /// The connection to the municipality's own Exchange server.
    pub fn exchange(&self) -> Option<&ExchangeConnection> {
        self.exchange.as_deref()
    }

    /// The connection to Exchange Online.
    pub fn exchange_online(&self) -> Option<&ExchangeOnlineConnection> {
        self.exchange_online.as_deref()
    }

    /// The rules for where mailboxes lie, without what counters say of their own.
    pub fn mailbox_locations(&self) -> &MailboxLocations {
        &self.mailbox_locations
    }

    /// Where a mailbox lies: as a counter's entry says, else as the rules say, else where the one connection leads. With both connections and nothing said, it
    /// is found out.
    ///
    /// With one connection only, a mailbox whose place is to be found out lies there.
    pub fn location_of(&self, mailbox: &Mailbox) -> MailboxLocation {
        let connections = self.connections();
        let said = self.located.get(mailbox).copied().or_else(|| self.mailbox_locations.of(mailbox));
        match said.unwrap_or_else(|| connections.default_location()) {
            MailboxLocation::Auto => connections.default_location(),
            said => said,
        }
    }

    /// What happens when Exchange does not answer: what the connection to the own server says, else the one to Exchange Online, else nothing can be booked.
    pub fn when_unavailable(&self) -> WhenUnavailable {
        let online = || self.exchange_online.as_ref().map(|connection| connection.when_unavailable());
        let configured = self.exchange.as_ref().map(|connection| connection.when_unavailable()).or_else(online);
        configured.unwrap_or_default()
    }

    fn connections(&self) -> Connections {
        Connections { on_premises: self.exchange.is_some(), online: self.exchange_online.is_some() }
    }

    /// The appointment templates, in the order of the text.
    pub fn templates(&self) -> &[AppointmentTemplate] {
        self.templates.list()
    }

    /// A template by its id.
    pub fn template(&self, id: &str) -> Option<&AppointmentTemplate> {
        self.templates.get(id)
    }

    /// The counters, in the order of the text.
    pub fn counters(&self) -> impl Iterator<Item = &Arc<Counter>> {
        self.counters.iter()
    }

    /// How many counters there are.
    pub fn counter_count(&self) -> usize {
        self.counters.len()
    }

    /// A counter by its id.
    pub fn counter(&self, id: &str) -> Option<&Arc<Counter>> {
        self.counters.get(id)
    }

    /// The position of a counter in [`counters`](Self::counters), by its id.
    pub fn position(&self, id: &str) -> Option<usize> {
        self.counters.position(id)
    }

    /// The municipality with this counter in place of the one with its id, or added after the others. Only this counter is checked, against the
    /// rest, and everything else is shared: saving one counter of ten thousand costs microseconds.
    ///
    /// ```
    /// use optigov_counter::{Counter, Municipality};
    ///
    /// let municipality = Municipality::from_toml("name = \"Musterstadt\"")?;
    /// let counter = Counter::from_json(r#"{ "id": "eins", "name": "Schalter 1", "templates": ["pass"] }"#)?;
    /// let faults = municipality.with_counter(counter).err().ok_or("not refused")?;
    /// assert_eq!(faults.errors().next().map(|fault| fault.path()).as_deref(), Some("templates[0]"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// What does not fit, with paths of the counter's own document (`templates[0]`).
    pub fn with_counter(&self, counter: impl Into<Arc<Counter>>) -> Result<Municipality, Faults> {
        let counter = counter.into();
        let mut reader = Reader::default();
        counter.warn(&mut reader);
        checks::counter(&counter, &self.templates, self.connections(), &mut reader);
        let located = counter.exchange_sync().located().next().is_some();
        if located {
            let others = self.counters().filter(|other| other.id() != counter.id());
            let others = checks::locations(others.map(|other| (None, &**other)), &mut reader);
            checks::own_locations(&counter, &others, &mut reader);
        }
        if reader.has_errors() {
            return Err(Faults::new(reader.into_faults()));
        }
        let before = self.counters.get(counter.id().as_str());
        let was_located = before.is_some_and(|before| before.exchange_sync().located().next().is_some());
        let changed = Municipality { counters: self.counters.with(counter, reader.into_faults()), ..self.clone() };
        Ok(if located || was_located { changed.with_located() } else { changed })
    }

    /// The same after a change of counters that say where mailboxes lie.
    fn with_located(self) -> Municipality {
        let counters = self.counters.iter().map(|counter| (None, &**counter));
        // What counters say of each other's mailboxes was checked before.
        let located = Arc::new(checks::locations(counters, &mut Reader::default()));
        Municipality { located, ..self }
    }

    /// The municipality without the counter of this id. `None` if there is no such counter.
    pub fn without_counter(&self, id: &str) -> Option<Municipality> {
        let was_located = self.counters.get(id)?.exchange_sync().located().next().is_some();
        let changed = Municipality { counters: self.counters.without(id)?, ..self.clone() };
        Some(if was_located { changed.with_located() } else { changed })
    }

    pub(crate) fn local_holidays(&self) -> &Arc<LocalHolidays> {
        &self.holidays
    }
}

/// Warnings are not compared: they follow from the rest, and their lines and columns belong to a text.
impl PartialEq for Municipality {
    fn eq(&self, other: &Municipality) -> bool {
        let Municipality { name, time_zone, state, holidays, exchange, exchange_online, .. } = self;
        let Municipality { mailbox_locations, templates, counters, located: _, warnings: _, .. } = self;
        (name, time_zone, state, holidays) == (&other.name, &other.time_zone, &other.state, &other.holidays)
            && (exchange, exchange_online) == (&other.exchange, &other.exchange_online)
            && (mailbox_locations, templates, counters) == (&other.mailbox_locations, &other.templates, &other.counters)
    }
}

impl Warned for Municipality {
    fn with_warnings(mut self, warnings: Vec<Fault>) -> Municipality {
        debug_assert!(warnings.iter().all(|fault| fault.severity() == Severity::Warning));
        let (mut general, mut by_counter) = (Vec::new(), BTreeMap::<usize, Vec<Fault>>::new());
        for mut warning in warnings {
            match warning.steps.as_slice() {
                [Step::Key(key), Step::Index(index) | Step::Entry(index, _), ..] if key == COUNTERS => {
                    let index = *index;
                    warning.steps.drain(..2);
                    by_counter.entry(index).or_default().push(warning);
                }
                _ => general.push(warning),
            }
        }
        by_counter.into_iter().for_each(|(index, warnings)| self.counters.warn(index, warnings));
        Municipality { warnings: general.into(), ..self }
    }
}

impl Read for Municipality {
    fn read(value: &Value<'_>, reader: &mut Reader) -> Option<Municipality> {
        let keys = [
            "name",
            "time_zone",
            "state",
            "holidays",
            "exchange",
            "exchange_online",
            LOCATIONS,
            "templates",
            "hours",
            "booking",
            "groups",
            "sites",
            COUNTERS,
        ];
        let [
            name,
            time_zone,
            state,
            holidays,
            exchange,
            exchange_online,
            locations,
            templates,
            hours,
            booking,
            groups,
            sites,
            counters,
        ] = reader.table(value, &keys)?;
        let name = reader.required("name", name);
        let time_zone = reader.or_default("time_zone", time_zone);
        let state: Option<Option<State>> = reader.optional("state", state);
        let holidays: Option<LocalHolidays> = reader.or_default("holidays", holidays);
        if let (Some(state), Some(holidays)) = (state, &holidays) {
            reader.below("holidays", |reader| holidays.check(state, reader));
        }
        let connections = Connections {
            on_premises: exchange.is_some() || reader.is_misspelt("exchange"),
            online: exchange_online.is_some() || reader.is_misspelt("exchange_online"),
        };
        let exchange: Option<Option<ExchangeConnection>> = reader.optional("exchange", exchange);
        let exchange_online: Option<Option<ExchangeOnlineConnection>> =
            reader.optional("exchange_online", exchange_online);
        let locations: Option<MailboxLocations> = reader.or_default(LOCATIONS, locations);
        reader.below(LOCATIONS, |reader| locations.iter().for_each(|locations| locations.check(connections, reader)));
        checks::connections(&exchange, &exchange_online, &locations, reader);
        let templates: Option<Readable<AppointmentTemplate>> = reader.or_default("templates", templates);
        let ids = templates.iter().flat_map(Readable::iter).map(|(index, template)| (index, template.id().as_str()));
        reader.below("templates", |reader| checks::distinct_ids(ids, reader));
        let templates_are_known = !reader.is_misspelt("templates");
        let arena = Arena::default();
        let shared = shared::read(SharedTables { hours, booking, groups, sites }, reader);
        let counters = match counters {
            Some(Value::List(list)) if shared.is_used(list) => {
                Some(arena.value(shared.written_out(list, &arena, reader)))
            }
            other => other,
        };
        let counters: Option<Readable<Counter>> = reader.or_default(COUNTERS, counters);
        let mut located = HashMap::new();
        let templates = templates.and_then(Readable::complete).map(Templates::from).filter(|_| templates_are_known);
        reader.below(COUNTERS, |reader| {
            // What could be read is checked also while the rest is at fault.
            let readable = || counters.iter().flat_map(Readable::iter);
            checks::distinct_ids(readable().map(|(index, counter)| (index, counter.id().as_str())), reader);
            located = checks::locations(readable().map(|(index, counter)| (Some(index), counter)), reader);
            // While a template could not be read, it is not known which ids there are.
            let Some(templates) = &templates else { return };
            for (index, counter) in readable() {
                reader.element(index, |reader| checks::counter(counter, templates, connections, reader));
            }
        });
        Some(Municipality {
            name: name?,
            time_zone: time_zone?,
            state: state?,
            holidays: Arc::new(holidays?),
            exchange: exchange?.map(Arc::new),
            exchange_online: exchange_online?.map(Arc::new),
            mailbox_locations: Arc::new(locations?),
            templates: Arc::new(templates?),
            counters: Counters::from(counters?.complete()?),
            located: Arc::new(located),
            warnings: Arc::from([]),
        })
    }
}

impl<'de> Deserialize<'de> for Municipality {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Municipality, D::Error> {
        document::deserialize(deserializer)
    }
}

const COUNTERS: &str = "counters";
const LOCATIONS: &str = "mailbox_locations";
