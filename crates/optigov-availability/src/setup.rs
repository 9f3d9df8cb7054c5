//! The configuration in force: what a request names is looked up here, and how far must be read is worked out once.

use std::collections::HashMap;
use std::time::Duration;

use optigov_counter::{AppointmentTemplate, Counter, Mailbox, Municipality};
use optigov_slots::{Interval, OpenWindows, SlotRules};

use crate::cache::CacheKey;
use crate::error::{Error, Kind};
use crate::reader::Target;
use crate::request::SlotsRequest;
use crate::text::Text;

/// Readings begin and end on whole UTC days, so that calls of the same day share them.
const DAY: i64 = 86_400;

pub(crate) struct Setup {
    pub(crate) municipality: Municipality,
    /// Tells apart, in the cache, connections that may answer differently for the same address.
    namespace: String,
    /// The counters' mailboxes by their cache keys, which are worked out once.
    keys: HashMap<Mailbox, CacheKey>,
    /// How much earlier or later than a slot an entry may lie and still matter: the longest appointment with its longest buffer.
    reach: Duration,
}

/// One counter of a request, with all that its slots need but the calendars.
pub(crate) struct Asked<'a> {
    pub(crate) counter: &'a Counter,
    pub(crate) template: &'a AppointmentTemplate,
    pub(crate) rules: SlotRules,
    pub(crate) targets: Vec<Target>,
}

impl Setup {
    pub(crate) fn new(municipality: Municipality, namespace: String) -> Self {
        let rules = municipality.counters().iter().flat_map(|counter| {
            let templates = municipality.templates().iter();
            templates.filter_map(|template| counter.slot_rules(template, template.max_concerns()).ok())
        });
        let reach = rules.map(|rules| rules.length() + rules.buffer_before().max(rules.buffer_after()));
        let reach = reach.max().unwrap_or_default();
        let mailboxes = municipality.counters().iter().flat_map(|counter| counter.exchange_sync().mailboxes());
        let keys = mailboxes.map(|mailbox| (mailbox.clone(), CacheKey::new(&namespace, mailbox))).collect();
        Setup { municipality, namespace, keys, reach }
    }

    /// The same with one counter replaced or added.
    pub(crate) fn with_counter(&self, counter: Counter) -> Result<Self, Error> {
        let municipality = self.municipality.clone().with_counter(counter).map_err(|faults| {
            let words = Text::new("der Schalter passt nicht zur Kommune", "the counter does not fit the municipality");
            Error::new(Kind::Setup, words).caused_by(faults)
        })?;
        Ok(Setup::new(municipality, self.namespace.clone()))
    }

    /// What the request names, looked up and checked.
    pub(crate) fn asked(&self, request: &SlotsRequest) -> Result<Vec<Asked<'_>>, Error> {
        let template = request.template.as_deref().map(|id| self.template(id)).transpose()?;
        match &request.counters {
            Some(ids) => ids.iter().map(|id| self.one(self.counter(id)?, template, request)).collect(),
            None => {
                let counters = self.municipality.counters().iter();
                let serving = counters.filter(|counter| match template {
                    Some(template) => counter.serves(template.id()),
                    None => !counter.templates().is_empty(),
                });
                serving.map(|counter| self.one(counter, template, request)).collect()
            }
        }
    }

    pub(crate) fn counter(&self, id: &str) -> Result<&Counter, Error> {
        self.municipality.counter(id).ok_or_else(|| {
            let words = Text::new(format!("es gibt keinen Schalter {id:?}"), format!("there is no counter {id:?}"));
            Error::new(Kind::UnknownCounter, words)
        })
    }

    fn template(&self, id: &str) -> Result<&AppointmentTemplate, Error> {
        self.municipality.template(id).ok_or_else(|| {
            let words =
                Text::new(format!("es gibt keine Terminvorlage {id:?}"), format!("there is no template {id:?}"));
            Error::new(Kind::UnknownTemplate, words)
        })
    }

    fn one<'a>(
        &'a self,
        counter: &'a Counter,
        template: Option<&'a AppointmentTemplate>,
        request: &SlotsRequest,
    ) -> Result<Asked<'a>, Error> {
        let template = match (template, counter.templates().first()) {
            (Some(template), _) => template,
            (None, Some(first)) => self.template(first.as_str())?,
            (None, None) => {
                let id = counter.id().as_str();
                let de = format!("der Schalter {id:?} bietet keine Terminvorlage an");
                return Err(Error::new(
                    Kind::NotOffered,
                    Text::new(de, format!("the counter {id:?} offers no template")),
                ));
            }
        };
        let rules = counter.slot_rules(template, request.concerns.get()).map_err(|cause| {
            let (counter, template, concerns) = (counter.id().as_str(), template.id().as_str(), request.concerns);
            let de = format!("der Schalter {counter:?} bietet {template:?} nicht für {concerns} Anliegen an");
            let en = format!("the counter {counter:?} does not offer {template:?} for {concerns} concerns");
            Error::new(Kind::NotOffered, Text::new(de, en)).caused_by(cause)
        })?;
        let sync = counter.exchange_sync();
        let mailboxes = if sync.is_on() { sync.mailboxes() } else { &[] };
        let targets = mailboxes.iter().map(|mailbox| self.target(mailbox)).collect();
        Ok(Asked { counter, template, rules, targets })
    }

    pub(crate) fn target(&self, mailbox: &Mailbox) -> Target {
        let known = self.keys.get(mailbox).copied();
        Target { key: known.unwrap_or_else(|| CacheKey::new(&self.namespace, mailbox)), mailbox: mailbox.clone() }
    }

    pub(crate) fn open_windows(&self, asked: &Asked<'_>, window: Interval) -> OpenWindows {
        asked.counter.open_windows(&self.municipality, asked.template, window)
    }

    /// What must be read to answer for `window`: widened by the reach, and outward to whole UTC days.
    pub(crate) fn reading_window(&self, window: Interval) -> Interval {
        let widened = window.widened(self.reach, self.reach);
        let start = widened.start_unix().div_euclid(DAY) * DAY;
        let end = (widened.end_unix() + DAY - 1).div_euclid(DAY) * DAY;
        Interval::from_unix(start, end).unwrap_or(widened)
    }
}
