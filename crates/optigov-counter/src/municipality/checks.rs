//! What holds between the parts of a municipality.

use std::{collections::HashSet, time::Duration};

use optigov_calendar::Text;
use optigov_slots::ExceptionEffect;

use super::templates::Templates;
use crate::{
    booking::horizon_before_lead_time,
    counter::Counter,
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
        if longest >= template.length() {
            bookable = true;
        } else if !longest.is_zero() {
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

fn never_fits(longest: Duration) -> Fault {
    let longest = longest.as_secs() / 60;
    Fault::new(
        Code::TemplateNeverFits,
        Text::new(
            format!(
                "Die Vorlage dauert länger als die längste Öffnungszeit, in der sie gebucht werden kann ({longest} Minuten)."
            ),
            format!("The template is longer than the longest hours in which it can be booked ({longest} minutes)."),
        ),
        Text::new(
            "Bitte die Öffnungszeiten verlängern oder die Vorlage hier entfernen.",
            "Lengthen the hours, or remove the template here.",
        ),
    )
}

/// The longest time for which the counter is ever open for a template without a break: what touches is joined.
fn longest_window(counter: &Counter, template: &TemplateId) -> Duration {
    const DAY: Duration = Duration::from_hours(24);
    let mut week: Vec<(Duration, Duration)> = Vec::new();
    let rules = counter.opening().iter();
    for rule in
        rules.filter(|rule| rule.audience().is_empty() || rule.audience().iter().any(|id| id == template.as_str()))
    {
        for day in rule.weekdays().iter() {
            let midnight = DAY * day.num_days_from_monday();
            week.extend(rule.daily_hours().iter().map(|hours| (midnight + hours.start(), midnight + hours.end())));
        }
    }
    let mut longest = longest_joined(&mut week);
    let exceptions = counter.exceptions().iter();
    for exception in exceptions.filter(|one| one.for_templates().is_empty() || one.for_templates().contains(template)) {
        if let ExceptionEffect::OtherHours(hours) | ExceptionEffect::ExtraHours(hours) = exception.effect() {
            let mut day: Vec<_> = hours.iter().map(|hours| (hours.start(), hours.end())).collect();
            longest = longest.max(longest_joined(&mut day));
        }
    }
    longest
}

fn longest_joined(windows: &mut [(Duration, Duration)]) -> Duration {
    windows.sort_unstable();
    let (mut longest, mut start, mut end) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
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
