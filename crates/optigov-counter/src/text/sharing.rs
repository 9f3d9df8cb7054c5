//! What several counters share, said once: opening hours and booking rules by name, groups of counters, and sites.
//!
//! Sharing is a matter of the text. Before the counters are read, each is written out with everything that it shares, so that the model, the engine and a counter's own
//! document know nothing of it. What is wrong with a shared part is told once, where the part stands; what is wrong only at one counter is told at the key by which the
//! counter refers to it.

use std::{borrow::Cow, collections::BTreeSet};

use optigov_calendar::Text;

use super::reader::{Reader, suggestion};
use crate::{
    fault::{Code, Fault, Step, shortened},
    text::value::{Arena, Value},
};

/// The shared tables of a municipality, by kind and name.
#[derive(Clone, Copy, Default)]
pub(crate) struct SharedTables<'v> {
    pub(crate) hours: Option<&'v Value<'v>>,
    pub(crate) booking: Option<&'v Value<'v>>,
    pub(crate) groups: Option<&'v Value<'v>>,
    pub(crate) sites: Option<&'v Value<'v>>,
}

/// Where the shared parts of each counter stand in the text.
#[derive(Default)]
pub(crate) struct Origins(Vec<Vec<Origin>>);

/// One part of a counter as it was written out.
struct Origin {
    /// Where it stands in the counter.
    place: Vec<Step>,
    /// Where it stands in the text.
    origin: Vec<Step>,
    /// The key of the counter that leads to it.
    through: &'static str,
}

impl Origins {
    /// Tells a fault of a shared part at the place in the text where it belongs; says whether it was one.
    pub(crate) fn retell(&self, fault: &mut Fault) -> bool {
        let [Step::Key(counters), Step::Index(index), inside @ ..] = fault.steps.as_slice() else { return false };
        if counters != COUNTERS {
            return false;
        }
        let parts = self.0.get(*index).map(Vec::as_slice).unwrap_or_default();
        let part = parts.iter().filter(|part| inside.starts_with(&part.place)).max_by_key(|part| part.place.len());
        let Some(part) = part else { return false };
        if is_the_counters(fault.code()) {
            let through = vec![fault.steps[0].clone(), fault.steps[1].clone(), key(part.through)];
            fault.steps = through;
            fault.place = crate::fault::Place::Value;
        } else {
            fault.steps = part.origin.iter().chain(&inside[part.place.len()..]).cloned().collect();
        }
        true
    }
}

/// Whether such a fault lies in how a counter goes together, not in one of its parts.
fn is_the_counters(code: Code) -> bool {
    matches!(
        code,
        Code::UnknownTemplate
            | Code::OverlappingRules
            | Code::ConflictingExceptions
            | Code::HorizonBeforeLeadTime
            | Code::TemplateNeverFits
            | Code::SyncWithoutMailbox
            | Code::SyncWithoutConnection
            | Code::TooFewMailboxes
            | Code::DuplicateMailbox
            | Code::DuplicateId
            | Code::ConflictingLocations
    )
}

impl<'a> SharedTables<'a> {
    /// Whether a counter can share anything, or any refers to something that it could share.
    pub(crate) fn is_used(&self, counters: &[Value<'_>]) -> bool {
        let refers = |counter: &Value<'_>| match counter {
            Value::Table(entries) => entries.iter().any(|(key, value)| {
                ["hours", "group", "site"].contains(key)
                    || *key == "booking"
                        && match value {
                            Value::Text(_) => true,
                            Value::Table(booking) => booking.iter().any(|(key, _)| *key == USE),
                            _ => false,
                        }
            }),
            _ => false,
        };
        let any = [self.hours, self.booking, self.groups, self.sites].into_iter().any(|table| table.is_some());
        any || counters.iter().any(refers)
    }

    /// The counters, each with everything that it shares. Names that do not exist, and shared parts that nobody uses, are told.
    pub(crate) fn written_out(&self, counters: &'a [Value<'a>], arena: &'a Arena, reader: &mut Reader) -> Value<'a> {
        let mut used = BTreeSet::new();
        let mut origins = Vec::with_capacity(counters.len());
        let mut written = Vec::with_capacity(counters.len());
        for (index, counter) in counters.iter().enumerate() {
            let Value::Table(own) = counter else {
                origins.push(Vec::new());
                written.push(*counter);
                continue;
            };
            let here = vec![key(COUNTERS), Step::Index(index)];
            let mut whole =
                Whole { tables: *self, arena, here, entries: Vec::new(), origins: Vec::new(), used: &mut used };
            whole.add_all(own, reader);
            let Whole { entries, origins: places, .. } = whole;
            written.push(arena.table(entries.into_iter()));
            origins.push(places);
        }
        for (kind, table) in
            [("hours", self.hours), ("booking", self.booking), ("groups", self.groups), ("sites", self.sites)]
        {
            let Some(Value::Table(entries)) = table else { continue };
            for (name, _) in entries.iter().filter(|(name, _)| !used.contains(&(kind, *name))) {
                let unused = unused(name).at_key(name);
                reader.below(kind, |reader| reader.fault(unused));
            }
        }
        reader.with_origins(Origins(origins));
        arena.list(written.into_iter())
    }
}

/// A counter that is being written out.
struct Whole<'w, 'a> {
    tables: SharedTables<'a>,
    arena: &'a Arena,
    /// Where the counter stands.
    here: Vec<Step>,
    entries: Vec<(&'a str, Value<'a>)>,
    origins: Vec<Origin>,
    used: &'w mut BTreeSet<(&'static str, &'a str)>,
}

impl<'a> Whole<'_, 'a> {
    fn add_all(&mut self, own: &'a [(&'a str, Value<'a>)], reader: &mut Reader) {
        let of = |entries: &'a [(&'a str, Value<'a>)], name: &str| {
            entries.iter().rfind(|(key, value)| *key == name && *value != Value::Null).map(|(_, value)| value)
        };
        for (key, value) in own {
            match (*key, value) {
                (HOURS | GROUP | SITE, _) => {}
                (BOOKING, value) => self.add_booking(*value, &Layer::own(), reader),
                _ => self.entries.push((*key, *value)),
            }
        }
        let group = of(own, GROUP).and_then(|name| self.named("groups", self.at(&Layer::own(), GROUP), name, reader));
        let group_layer = group.map(|(name, _)| Layer { kind: "groups", name, through: GROUP });
        let in_group = |name: &str| Some((of(group?.1, name)?, group_layer?));
        let of_own = |name: &str| Some((of(own, name)?, Layer::own()));
        let site = of_own(SITE).or_else(|| in_group(SITE)).and_then(|(name, layer)| {
            let (name, entries) = self.named("sites", self.at(&layer, SITE), name, reader)?;
            Some((entries, Layer { kind: "sites", name, through: layer.leads_through(SITE) }))
        });
        let in_site = |name: &str| site.and_then(|(entries, layer)| Some((of(entries, name)?, layer)));
        if let Some((names, layer)) = of_own(HOURS).or_else(|| in_group(HOURS)).or_else(|| in_site(HOURS)) {
            self.add_hours(names, &layer, reader);
        }
        if let Some(((_, entries), layer)) = group.zip(group_layer) {
            self.add_layer(entries, &layer, reader);
        }
        if let Some((entries, layer)) = site {
            self.add_layer(entries, &layer, reader);
        }
    }

    /// Where a key of the counter, or of what it shares, stands.
    fn at(&self, layer: &Layer<'a>, name: &str) -> Vec<Step> {
        match layer.kind {
            "" => self.here.iter().cloned().chain([key(name)]).collect(),
            _ => layer.steps(&[name]),
        }
    }

    /// The entries of a shared table, by what a counter calls it.
    fn named(
        &mut self,
        kind: &'static str,
        at: Vec<Step>,
        name: &Value<'a>,
        reader: &mut Reader,
    ) -> Option<(&'a str, &'a [(&'a str, Value<'a>)])> {
        let Value::Text(name) = name else {
            let fault = super::reader::wrong_type(name, "einen Namen als Text", "a name as a text");
            reader.at(at, |reader| reader.fault(fault));
            return None;
        };
        let table = match kind {
            "hours" => self.tables.hours,
            "booking" => self.tables.booking,
            "groups" => self.tables.groups,
            _ => self.tables.sites,
        };
        let known: &[(&str, Value<'_>)] = match table {
            Some(Value::Table(known)) => known,
            _ => &[],
        };
        let Some((name, found)) = known.iter().find(|(known, _)| known == name) else {
            let fault = unknown_name(kind, name, known.iter().map(|(name, _)| *name));
            reader.at(at, |reader| reader.fault(fault));
            return None;
        };
        self.used.insert((kind, name));
        match found {
            Value::Table(entries) => Some((name, entries)),
            _ => None,
        }
    }

    /// Adds what a group or a site gives: lists on top of those that are there, keys that are not there yet.
    fn add_layer(&mut self, entries: &'a [(&'a str, Value<'a>)], layer: &Layer<'a>, reader: &mut Reader) {
        for (name, value) in entries.iter().filter(|(_, value)| *value != Value::Null) {
            match *name {
                HOURS | GROUP | SITE => {}
                NAME if layer.kind == "sites" => self.add_site_name(value),
                OPENING | EXCEPTIONS => self.add_list(name, value, layer),
                BOOKING => self.add_booking(*value, layer, reader),
                SYNC => self.add_table(SYNC, *value, layer),
                _ if self.has(name) => {}
                _ => {
                    self.entries.push((name, *value));
                    self.note(vec![key(name)], layer.steps(&[name]), layer.through);
                }
            }
        }
    }

    fn add_hours(&mut self, names: &'a Value<'a>, from: &Layer<'a>, reader: &mut Reader) {
        let names = match names {
            Value::List(names) => *names,
            name => std::slice::from_ref(name),
        };
        for name in names {
            let Some((name, entries)) = self.named("hours", self.at(from, HOURS), name, reader) else { continue };
            let layer = Layer { kind: "hours", name, through: from.leads_through(HOURS) };
            for (list, value) in entries.iter().filter(|(name, _)| [OPENING, EXCEPTIONS].contains(name)) {
                self.add_list(list, value, &layer);
            }
        }
    }

    /// Adds the entries of a list behind those that are there.
    fn add_list(&mut self, name: &'a str, value: &Value<'a>, layer: &Layer<'a>) {
        let Value::List(more) = value else { return };
        let own = self.entries.iter_mut().rfind(|(known, value)| *known == name && *value != Value::Null);
        let before = match own {
            None => {
                self.entries.push((name, *value));
                0
            }
            Some((_, there)) => {
                // What is no list is told when the counter is read.
                let Value::List(own) = *there else { return };
                *there = self.arena.list([own, more].concat().into_iter());
                own.len()
            }
        };
        for index in 0..more.len() {
            let origin = layer.steps(&[name]).into_iter().chain([Step::Index(index)]).collect();
            self.note(vec![key(name), Step::Index(before + index)], origin, layer.through);
        }
    }

    /// Booking rules: a table, a name, or a table that goes by a name where it says nothing itself.
    fn add_booking(&mut self, value: Value<'a>, layer: &Layer<'a>, reader: &mut Reader) {
        let (own, name): (Option<Value<'a>>, Option<&'a Value<'a>>) = match value {
            Value::Text(_) => (None, Some(self.arena.value(value))),
            Value::Table(entries) => {
                let own = entries.iter().filter(|(key, _)| *key != USE).copied().collect::<Vec<_>>();
                let name = entries.iter().rfind(|(key, value)| *key == USE && *value != Value::Null);
                (Some(self.arena.table(own.into_iter())), name.map(|(_, name)| name))
            }
            other => (Some(other), None),
        };
        if let Some(own) = own {
            self.add_table(BOOKING, own, layer);
        }
        let Some(reference) = name else { return };
        let Some((name, entries)) = self.named("booking", self.at(layer, BOOKING), reference, reader) else { return };
        let rules = Layer { kind: "booking", name, through: layer.leads_through(BOOKING) };
        self.add_table(BOOKING, Value::Table(entries), &rules);
    }

    /// Adds the keys of a table that are not there yet.
    fn add_table(&mut self, name: &'static str, value: Value<'a>, layer: &Layer<'a>) {
        let own = self.entries.iter_mut().rfind(|(known, value)| *known == name && *value != Value::Null);
        let Some((_, there)) = own else {
            self.entries.push((name, value));
            if !layer.kind.is_empty() {
                let mut origin = layer.steps(&[]);
                if layer.kind != "booking" {
                    origin.push(key(name));
                }
                self.note(vec![key(name)], origin, layer.through);
            }
            return;
        };
        let (Value::Table(own), Value::Table(more)) = (*there, value) else { return };
        let missing = |(key, value): &&(&str, Value<'_>)| {
            *value != Value::Null && !own.iter().any(|(known, value)| known == key && *value != Value::Null)
        };
        let added: Vec<(&'a str, Value<'a>)> = more.iter().filter(missing).copied().collect();
        *there = self.arena.table([own, &added].concat().into_iter());
        for (inner, _) in added {
            let origin = if layer.kind == "booking" { layer.steps(&[inner]) } else { layer.steps(&[name, inner]) };
            self.note(vec![key(name), key(inner)], origin, layer.through);
        }
    }

    /// The site's name stands before the place within it.
    fn add_site_name(&mut self, name: &Value<'a>) {
        let Value::Text(site) = name else { return };
        let own = self.entries.iter_mut().rfind(|(known, value)| *known == PLACE && *value != Value::Null);
        match own {
            None => self.entries.push((PLACE, *name)),
            Some((_, place)) => {
                if let Value::Text(within) = *place {
                    *place = Value::Text(self.arena.text(&format!("{site}, {within}")));
                }
            }
        }
    }

    fn has(&self, name: &str) -> bool {
        self.entries.iter().any(|(known, value)| *known == name && *value != Value::Null)
    }

    fn note(&mut self, place: Vec<Step>, origin: Vec<Step>, through: &'static str) {
        if !through.is_empty() {
            self.origins.push(Origin { place, origin, through });
        }
    }
}

/// A shared table from which parts of a counter come.
#[derive(Clone, Copy)]
struct Layer<'a> {
    kind: &'static str,
    name: &'a str,
    through: &'static str,
}

impl<'a> Layer<'a> {
    /// The counter itself.
    fn own() -> Layer<'a> {
        Layer { kind: "", name: "", through: "" }
    }

    /// The counter's own key that leads to what a key of this layer names.
    fn leads_through(&self, own: &'static str) -> &'static str {
        if self.kind.is_empty() { own } else { self.through }
    }

    fn steps(&self, below: &[&str]) -> Vec<Step> {
        [self.kind, self.name].into_iter().chain(below.iter().copied()).map(key).collect()
    }
}

const COUNTERS: &str = "counters";
const HOURS: &str = "hours";
const GROUP: &str = "group";
const SITE: &str = "site";
const NAME: &str = "name";
const PLACE: &str = "place";
const OPENING: &str = "opening";
const EXCEPTIONS: &str = "exceptions";
const BOOKING: &str = "booking";
const SYNC: &str = "exchange_sync";
/// By which booking rules a table of booking rules goes where it says nothing itself.
pub(crate) const USE: &str = "use";

fn key(name: &str) -> Step {
    Step::Key(Cow::Owned(name.to_owned()))
}

fn unknown_name<'n>(kind: &str, name: &str, known: impl Iterator<Item = &'n str>) -> Fault {
    let (german, english) = match kind {
        "hours" => ("Öffnungszeiten", "hours"),
        "booking" => ("Buchungsregeln", "booking rules"),
        "groups" => ("Gruppe", "group"),
        _ => ("Standort", "site"),
    };
    let shown = shortened(name);
    Fault::new(
        Code::UnknownName,
        Text::new(
            format!("{german} mit dem Namen „{shown}“ gibt es nicht."),
            format!("There are no {english} of the name \"{shown}\"."),
        ),
        suggestion(name, known).unwrap_or_else(|| {
            Text::new(
                format!("Bitte sie als Tabelle „[{kind}.{shown}]“ eintragen."),
                format!("Enter them as a table \"[{kind}.{shown}]\"."),
            )
        }),
    )
}

fn unused(name: &str) -> Fault {
    let shown = shortened(name);
    Fault::new(
        Code::Unused,
        Text::new(format!("„{shown}“ wird von keinem Schalter verwendet."), format!("No counter uses \"{shown}\".")),
        Text::fixed("Bitte prüfen, ob ein Schalter sie nennen soll.", "Check whether a counter should name it."),
    )
}
