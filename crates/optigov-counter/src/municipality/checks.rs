//! What holds between the parts of a municipality.

use std::collections::HashSet;

use optigov_calendar::Text;

use super::templates::Templates;
use crate::{
    booking::horizon_before_lead_time,
    counter::Counter,
    exception::ExceptionEffect,
    fault::{Code, Fault},
    text::reader::{Reader, suggestion},
    values::TemplateId,
};

/// What holds between a counter and the rest of its municipality.
pub(super) fn counter(counter: &Counter, templates: &Templates, has_exchange: bool, reader: &mut Reader) {
    if counter.exchange_sync().is_on() && !has_exchange {
        let fault = Fault::new(
            Code::SyncWithoutConnection,
            Text::new(
                "Der Exchange-Abgleich ist eingeschaltet, aber es gibt keine Exchange-Verbindung.",
                "The Exchange sync is on, but there is no Exchange connection.",
            ),
            Text::new(
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
        let Some(template) = templates.get(id.as_str()) else {
            unknown = true;
            at_template(reader, unknown_template(id, templates));
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
            Text::new(
                "An diesem Schalter kann nie etwas gebucht werden.",
                "Nothing can ever be booked at this counter.",
            ),
            Text::new(
                "Bitte Vorlagen und Öffnungszeiten eintragen, in die sie passen.",
                "Enter templates, and opening hours into which they fit.",
            ),
        ));
    }
}

pub(super) fn distinct_ids<'i>(ids: impl Iterator<Item = (usize, &'i str)>, reader: &mut Reader) {
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
        Text::new(format!("Den Bezeichner „{id}“ gibt es zweimal."), format!("The id \"{id}\" appears twice.")),
        Text::new(
            "Bitte einen anderen Bezeichner wählen oder den Eintrag entfernen.",
            "Choose another id, or remove the entry.",
        ),
    )
}

fn unknown_template(id: &TemplateId, templates: &Templates) -> Fault {
    Fault::new(
        Code::UnknownTemplate,
        Text::new(format!("Die Vorlage „{id}“ gibt es nicht."), format!("There is no template \"{id}\".")),
        suggestion(id.as_str(), templates.list().iter().map(|template| template.id().as_str())).unwrap_or_else(|| {
            Text::new(
                "Bitte sie unter „templates“ der Kommune eintragen.",
                "Enter it under the municipality's \"templates\".",
            )
        }),
    )
}

fn never_fits(longest: u32) -> Fault {
    Fault::new(
        Code::TemplateNeverFits,
        Text::new(
            format!("Die Vorlage dauert länger als die längste Öffnungszeit ({longest} Minuten)."),
            format!("The template is longer than the longest opening window ({longest} minutes)."),
        ),
        Text::new(
            "Bitte die Öffnungszeiten verlängern oder die Vorlage hier entfernen.",
            "Lengthen the hours, or remove the template here.",
        ),
    )
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
