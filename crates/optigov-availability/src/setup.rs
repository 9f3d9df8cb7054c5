//! The configuration in force: what a request names is looked up here, and how far must be read is worked out once.

use std::collections::HashMap;
use std::time::Duration;

use optigov_counter::{AppointmentTemplate, Counter, Mailbox, Municipality};
use optigov_slots::{Interval, OpenWindows, SlotRules};

use crate::cache::CacheKey;
use crate::error::{Error, Kind};
use crate::reader::{Stretch, Target};
use crate::request::SlotsRequest;
use crate::text::Text;

/// Readings begin and end on whole UTC days, so that calls of the same day share them.
const DAY: i64 = 86_400;

pub(crate) struct Setup {
    pub(crate) municipality: Municipality,
    /// Tells apart, in the cache, connections that may answer differently for the same address.
    namespace: String,
    /// Each counter's place in the municipality.
    places: HashMap<String, usize>,
    /// The mailboxes that count for each counter, by its place. Their keys are worked out once.
    targets: Vec<Vec<Target>>,
    /// How much farther than needed is read, so that a reading that serves stale covers the windows of the days after.
    slack: Duration,
    /// How much earlier or later than a slot an entry may lie and still matter: the longest appointment with its longest buffer.
    reach: Duration,
}

/// One counter of a request, with all that its slots need but the calendars.
pub(crate) struct Asked<'a> {
    pub(crate) counter: &'a Counter,
    pub(crate) template: &'a AppointmentTemplate,
    pub(crate) rules: SlotRules,
    pub(crate) targets: &'a [Target],
}

impl Setup {
    pub(crate) fn new(municipality: Municipality, namespace: String, slack: Duration) -> Self {
        let rules = municipality.counters().iter().flat_map(|counter| {
            let templates = municipality.templates().iter();
            templates.filter_map(|template| counter.slot_rules(template, template.max_concerns()).ok())
        });
        let reach = rules.map(|rules| rules.length() + rules.buffer_before().max(rules.buffer_after()));
        let reach = reach.max().unwrap_or_default();
        let places = municipality.counters().iter().map(|counter| counter.id().as_str().to_owned()).zip(0..).collect();
        let target = |mailbox: &Mailbox| Target { key: CacheKey::new(&namespace, mailbox), mailbox: mailbox.clone() };
        let synced = municipality.counters().iter().map(|counter| counter.exchange_sync());
        let counting = synced.map(|sync| if sync.is_on() { sync.mailboxes() } else { &[] });
        let targets = counting.map(|mailboxes| mailboxes.iter().map(target).collect()).collect();
        Setup { municipality, namespace, places, targets, slack, reach }
    }

    /// The same with one counter replaced or added.
    pub(crate) fn with_counter(&self, counter: Counter) -> Result<Self, Error> {
        let municipality = self.municipality.clone().with_counter(counter).map_err(|faults| {
            let words = Text::new("der Schalter passt nicht zur Kommune", "the counter does not fit the municipality");
            Error::new(Kind::Setup, words).caused_by(faults)
        })?;
        Ok(Setup::new(municipality, self.namespace.clone(), self.slack))
    }

    /// What the request names, looked up and checked.
    pub(crate) fn asked(&self, request: &SlotsRequest) -> Result<Vec<Asked<'_>>, Error> {
        let template = request.template.as_deref().map(|id| self.template(id)).transpose()?;
        match &request.counters {
            Some(ids) => ids.iter().map(|id| self.one(self.place(id)?, template, request)).collect(),
            None => {
                let places = 0..self.municipality.counters().len();
                let serving = places.filter(|place| match template {
                    Some(template) => self.counter(*place).serves(template.id()),
                    None => !self.counter(*place).templates().is_empty(),
                });
                serving.map(|place| self.one(place, template, request)).collect()
            }
        }
    }

    pub(crate) fn counter(&self, place: usize) -> &Counter {
        &self.municipality.counters()[place]
    }

    pub(crate) fn targets(&self, place: usize) -> &[Target] {
        &self.targets[place]
    }

    pub(crate) fn place(&self, id: &str) -> Result<usize, Error> {
        self.places.get(id).copied().ok_or_else(|| {
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
        place: usize,
        template: Option<&'a AppointmentTemplate>,
        request: &SlotsRequest,
    ) -> Result<Asked<'a>, Error> {
        let counter = self.counter(place);
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
        Ok(Asked { counter, template, rules, targets: self.targets(place) })
    }

    pub(crate) fn key(&self, mailbox: &Mailbox) -> CacheKey {
        CacheKey::new(&self.namespace, mailbox)
    }

    pub(crate) fn open_windows(&self, asked: &Asked<'_>, window: Interval) -> OpenWindows {
        asked.counter.open_windows(&self.municipality, asked.template, window)
    }

    /// What must be read to answer for `window`: widened by the reach, and outward to whole UTC days.
    pub(crate) fn stretch(&self, window: Interval) -> Stretch {
        let needed = whole_days(window.widened(self.reach, self.reach));
        Stretch { needed, read: whole_days(needed.widened(Duration::ZERO, self.slack)) }
    }
}

fn whole_days(window: Interval) -> Interval {
    let start = window.start_unix().div_euclid(DAY) * DAY;
    let end = (window.end_unix() + DAY - 1).div_euclid(DAY) * DAY;
    Interval::from_unix(start, end).unwrap_or(window)
}
