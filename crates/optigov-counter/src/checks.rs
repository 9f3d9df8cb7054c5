//! Cross-checks: what no value can say of itself.

use std::collections::{HashMap, HashSet};

use crate::booking::horizon_before_lead_time;
use crate::counter::Counter;
use crate::exception::ExceptionEffect;
use crate::fault::{Code, Fault, Texts};
use crate::opening::{OpeningRule, Repeat};
use crate::template::AppointmentTemplate;
use crate::text::reader::{Reader, suggestion};
use crate::values::TemplateId;

/// The parts of a municipality that could be read, each with its place in its list: what holds between them is checked also while others are at fault.
pub(crate) struct Parts<'m> {
    pub(crate) templates: Vec<(usize, &'m AppointmentTemplate)>,
    pub(crate) counters: Vec<(usize, &'m Counter)>,
    /// Whether there are templates that could not be read: then it is not known which ids there are.
    pub(crate) templates_missing: bool,
    pub(crate) has_exchange: bool,
}

impl Parts<'_> {
    pub(crate) fn check(&self, reader: &mut Reader) {
        let template_ids = self.templates.iter().map(|(index, template)| (*index, template.id().as_str()));
        reader.below("templates", |reader| distinct_ids(template_ids, reader));
        let counter_ids = self.counters.iter().map(|(index, counter)| (*index, counter.id().as_str()));
        reader.below("counters", |reader| distinct_ids(counter_ids, reader));
        if self.templates_missing {
            return;
        }
        let templates = Templates::of(self.templates.iter().map(|(_, template)| *template));
        reader.below("counters", |reader| {
            for (index, one) in &self.counters {
                reader.element(*index, |reader| counter(one, &templates, self.has_exchange, reader));
            }
        });
    }
}

/// The templates of a municipality by id.
pub(crate) struct Templates<'m>(HashMap<&'m str, &'m AppointmentTemplate>);

impl<'m> Templates<'m> {
    pub(crate) fn of(templates: impl Iterator<Item = &'m AppointmentTemplate>) -> Templates<'m> {
        Templates(templates.map(|template| (template.id().as_str(), template)).collect())
    }
}

/// What holds between a counter and the rest of its municipality.
pub(crate) fn counter(counter: &Counter, templates: &Templates<'_>, has_exchange: bool, reader: &mut Reader) {
    if counter.exchange_sync().is_on() && !has_exchange {
        let fault = Fault::new(
            Code::SyncWithoutConnection,
            Texts::new(
                "Der Exchange-Abgleich ist eingeschaltet, aber es gibt keine Exchange-Verbindung.",
                "The Exchange sync is on, but there is no Exchange connection.",
            ),
            Texts::new(
                "Bitte unter „exchange“ eine Verbindung eintragen; ohne sie bleibt unbekannt, was frei ist.",
                "Enter a connection under \"exchange\"; without it, what is free remains unknown.",
            ),
        );
        reader.below("exchange_sync", |reader| reader.fault(fault));
    }
    let mut unknown = false;
    let mut bookable = false;
    for (index, id) in counter.templates().iter().enumerate() {
        let at_template = |reader: &mut Reader, fault: Fault| {
            reader.below("templates", |reader| reader.element(index, |reader| reader.fault(fault)));
        };
        let Some(template) = templates.0.get(id.as_str()) else {
            unknown = true;
            at_template(reader, unknown_template(id, templates.0.keys().copied()));
            continue;
        };
        if template.lead_time().is_some_and(|lead| counter.booking().horizon_ends_before(lead)) {
            at_template(reader, horizon_before_lead_time());
        }
        let longest = longest_window(counter, id);
        if u64::from(longest) * 60 >= template.length().as_secs() {
            bookable = true;
        } else if longest > 0 {
            at_template(reader, never_fits(longest));
        }
    }
    if !bookable && !unknown {
        reader.fault(Fault::new(
            Code::NothingBookable,
            Texts::new(
                "An diesem Schalter kann nie etwas gebucht werden.",
                "Nothing can ever be booked at this counter.",
            ),
            Texts::new(
                "Bitte Vorlagen und Öffnungszeiten eintragen, in die sie passen.",
                "Enter templates, and opening hours into which they fit.",
            ),
        ));
    }
}

/// Rules and exceptions are for templates that the counter serves, and it serves none twice.
pub(crate) fn own_templates(counter: &Counter, reader: &mut Reader) {
    // The lists are short: looking through them is quicker than hashing.
    let served = counter.templates();
    for (index, id) in served.iter().enumerate() {
        if served[..index].contains(id) {
            reader.below("templates", |reader| reader.element(index, |reader| reader.fault(duplicate_id(id.as_str()))));
        }
    }
    let mut check = |key: &'static str, index: usize, named: &[TemplateId]| {
        for (place, id) in named.iter().enumerate().filter(|(_, id)| !served.contains(id)) {
            let fault = Fault::new(
                Code::UnknownTemplate,
                Texts::new(
                    format!("Der Schalter bietet die Vorlage „{id}“ nicht an."),
                    format!("The counter does not serve the template \"{id}\"."),
                ),
                suggestion(id.as_str(), counter.templates().iter().map(TemplateId::as_str)).unwrap_or_else(|| {
                    Texts::new(
                        "Bitte sie auch unter „templates“ des Schalters eintragen.",
                        "Enter it under the counter's \"templates\", too.",
                    )
                }),
            );
            reader.below(key, |reader| {
                reader.element(index, |reader| {
                    reader.below("for_templates", |reader| reader.element(place, |reader| reader.fault(fault)));
                });
            });
        }
    };
    for (index, rule) in counter.opening().iter().enumerate() {
        check("opening", index, rule.for_templates());
    }
    for (index, exception) in counter.exceptions().iter().enumerate() {
        check("exceptions", index, exception.for_templates());
    }
}

/// No two exceptions say different things about a date.
pub(crate) fn contradicting_exceptions(counter: &Counter, reader: &mut Reader) {
    let exceptions = counter.exceptions();
    for (index, exception) in exceptions.iter().enumerate() {
        if let Some(earlier) = exceptions[..index].iter().position(|earlier| earlier.contradicts(exception)) {
            let fault = Fault::new(
                Code::ConflictingExceptions,
                Texts::new(
                    format!("Diese Ausnahme widerspricht der an Stelle {}.", earlier + 1),
                    format!("This exception contradicts number {}.", earlier + 1),
                ),
                Texts::new("Bitte für jeden Tag nur eine davon behalten.", "Keep only one of them for each date."),
            );
            reader.below("exceptions", |reader| reader.element(index, |reader| reader.fault(fault)));
        }
    }
}

/// Rules whose windows overlap are joined; most likely that was not meant.
pub(crate) fn overlapping_rules(counter: &Counter, reader: &mut Reader) {
    let rules = counter.opening();
    for (index, rule) in rules.iter().enumerate() {
        if let Some(earlier) = rules[..index].iter().position(|earlier| may_overlap(earlier, rule)) {
            let fault = Fault::new(
                Code::OverlappingRules,
                Texts::new(
                    format!(
                        "Diese Zeiten überschneiden die der Regel an Stelle {}; sie werden zusammengefasst.",
                        earlier + 1
                    ),
                    format!("These hours overlap those of rule number {}; they are joined.", earlier + 1),
                ),
                Texts::new("Bitte prüfen, ob das so gemeint ist.", "Check whether that is intended."),
            );
            reader.below("opening", |reader| reader.element(index, |reader| reader.fault(fault)));
        }
    }
}

/// Whether both may open the same minute for the same template. Hours for one template on top of those for all are meant to.
fn may_overlap(a: &OpeningRule, b: &OpeningRule) -> bool {
    let same_audience = match (a.for_templates(), b.for_templates()) {
        ([], []) => true,
        ([], _) | (_, []) => false,
        (ours, theirs) => ours.iter().any(|id| theirs.contains(id)),
    };
    let starts_after = |rule: &OpeningRule, other: &OpeningRule| {
        rule.from().zip(other.until()).is_some_and(|(from, until)| from > until)
    };
    if !same_audience || starts_after(a, b) || starts_after(b, a) || take_turns(a.repeat(), b.repeat()) {
        return false;
    }
    let same_day = a.days().overlap(b.days());
    let next_day = |first: &OpeningRule, second: &OpeningRule| {
        first.days().next_days().overlap(second.days())
            && first.hours().iter().any(|late| late.end_minute() > 1440 + second.hours()[0].start_minute())
    };
    (same_day && a.hours().iter().any(|ours| b.hours().iter().any(|theirs| ours.overlaps(*theirs))))
        || next_day(a, b)
        || next_day(b, a)
}

/// Whether the two can be told never to open in the same week or on the same day.
fn take_turns(a: Option<Repeat>, b: Option<Repeat>) -> bool {
    use chrono::Datelike;
    match (a, b) {
        (Some(Repeat::NthOfMonth(a)), Some(Repeat::NthOfMonth(b))) => a != b,
        (Some(Repeat::EveryWeeks { weeks: a, from: x }), Some(Repeat::EveryWeeks { weeks: b, from: y })) => {
            let week = |date: chrono::NaiveDate| (date.num_days_from_ce() - 1).div_euclid(7);
            a == b && (week(x) - week(y)) % i32::from(a) != 0
        }
        _ => false,
    }
}

/// The longest stretch, in minutes, in which the counter is ever open for a template: what touches is joined.
fn longest_window(counter: &Counter, template: &TemplateId) -> u32 {
    const DAY: u32 = 24 * 60;
    let concerns = |named: &[TemplateId]| named.is_empty() || named.contains(template);
    let mut week: Vec<(u32, u32)> = Vec::new();
    for rule in counter.opening().iter().filter(|rule| concerns(rule.for_templates())) {
        for day in rule.days().iter() {
            let midnight = day.num_days_from_monday() * DAY;
            week.extend(
                rule.hours().iter().map(|hours| {
                    (midnight + u32::from(hours.start_minute()), midnight + u32::from(hours.end_minute()))
                }),
            );
        }
    }
    let mut longest = longest_joined(&mut week);
    for exception in counter.exceptions().iter().filter(|exception| concerns(exception.for_templates())) {
        if let ExceptionEffect::OtherHours(hours) | ExceptionEffect::ExtraHours(hours) = exception.effect() {
            let mut day: Vec<(u32, u32)> =
                hours.iter().map(|hours| (u32::from(hours.start_minute()), u32::from(hours.end_minute()))).collect();
            longest = longest.max(longest_joined(&mut day));
        }
    }
    longest
}

fn longest_joined(windows: &mut [(u32, u32)]) -> u32 {
    windows.sort_unstable();
    let (mut longest, mut start, mut end) = (0, 0, 0);
    for (from, until) in windows.iter().copied() {
        if from > end {
            (start, end) = (from, until);
        } else {
            end = end.max(until);
        }
        longest = longest.max(end - start);
    }
    longest
}

fn distinct_ids<'i>(ids: impl Iterator<Item = (usize, &'i str)>, reader: &mut Reader) {
    let mut seen = HashSet::new();
    for (index, id) in ids {
        if !seen.insert(id) {
            reader.element(index, |reader| reader.below("id", |reader| reader.fault(duplicate_id(id))));
        }
    }
}

fn duplicate_id(id: &str) -> Fault {
    Fault::new(
        Code::DuplicateId,
        Texts::new(format!("„{id}“ gibt es schon."), format!("\"{id}\" is there already.")),
        Texts::new(
            "Bitte einen anderen Bezeichner wählen oder den Eintrag entfernen.",
            "Choose another id, or remove the entry.",
        ),
    )
}

fn unknown_template<'i>(id: &TemplateId, known: impl Iterator<Item = &'i str>) -> Fault {
    let mut known: Vec<&str> = known.collect();
    known.sort_unstable();
    Fault::new(
        Code::UnknownTemplate,
        Texts::new(format!("Die Vorlage „{id}“ gibt es nicht."), format!("There is no template \"{id}\".")),
        suggestion(id.as_str(), known.into_iter()).unwrap_or_else(|| {
            Texts::new(
                "Bitte sie unter „templates“ der Kommune eintragen.",
                "Enter it under the municipality's \"templates\".",
            )
        }),
    )
}

fn never_fits(longest: u32) -> Fault {
    Fault::new(
        Code::TemplateNeverFits,
        Texts::new(
            format!("Die Vorlage dauert länger als die längste Öffnungszeit ({longest} Minuten)."),
            format!("The template is longer than the longest opening window ({longest} minutes)."),
        ),
        Texts::new(
            "Bitte die Öffnungszeiten verlängern oder die Vorlage hier entfernen.",
            "Lengthen the hours, or remove the template here.",
        ),
    )
}
