//! What holds between the parts of a municipality.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use optigov_calendar::{Access, Mailbox, Text};
use optigov_slots::{ExceptionEffect, Hours, Rule};

use super::templates::Templates;
use crate::{
    booking::horizon_before_lead_time,
    counter::Counter,
    exchange::{ExchangeConnection, ExchangeOnlineConnection, WhenUnavailable},
    fault::{Code, Fault},
    location::{Connections, MailboxLocation, MailboxLocations},
    text::reader::{Reader, suggestion},
    values::TemplateId,
};

/// What holds between a counter and the rest of its municipality.
pub(super) fn counter(counter: &Counter, templates: &Templates, connections: Connections, reader: &mut Reader) {
    if counter.exchange_sync().is_on() && !connections.any() {
        let fault = Fault::new(
            Code::SyncWithoutConnection,
            Text::new(
                "Der Exchange-Abgleich ist eingeschaltet, aber es gibt keine Exchange-Verbindung.",
                "The Exchange sync is on, but there is no Exchange connection.",
            ),
            Text::new(
                "Bitte unter „exchange“ oder „exchange_online“ eine Verbindung eintragen; ohne sie bleibt unbekannt, was frei ist.",
                "Enter a connection under \"exchange\" or \"exchange_online\"; without it, what is free remains unknown.",
            ),
        );
        reader.below("exchange_sync", |reader| reader.fault(fault));
    }
    for (position, _, location) in counter.exchange_sync().located() {
        if let Some(missing) = connections.missing(location) {
            at_location(position, missing, reader);
        }
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
        if fits_into_one_span(counter, id, template.length()) {
            bookable = true;
            continue;
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

/// What holds between the two connections.
pub(super) fn connections(
    on_premises: &Option<Option<ExchangeConnection>>,
    online: &Option<Option<ExchangeOnlineConnection>>,
    locations: &Option<MailboxLocations>,
    reader: &mut Reader,
) {
    let (Some(Some(on_premises)), Some(Some(online))) = (on_premises, online) else { return };
    if online.when_unavailable() != WhenUnavailable::default() {
        let fault = Fault::new(
            Code::Conflict,
            Text::fixed(
                "Was ohne Antwort von Exchange geschieht, gilt für die ganze Kommune und steht unter „exchange“.",
                "What happens without an answer from Exchange holds for the whole municipality, and stands under \"exchange\".",
            ),
            Text::fixed(
                "Bitte „when_unavailable“ hier entfernen und unter „exchange“ angeben.",
                "Remove \"when_unavailable\" here, and give it under \"exchange\".",
            ),
        );
        reader.below("exchange_online", |reader| reader.below("when_unavailable", |reader| reader.fault(fault)));
    }
    let said = locations.as_ref().and_then(MailboxLocations::default_location);
    let is_found_out = said.is_none_or(|said| said == MailboxLocation::Auto);
    if on_premises.ews_settings().access == Access::FreeBusy && locations.is_some() && is_found_out {
        let fault = Fault::new(
            Code::LocationNotTold,
            Text::fixed(
                "Bei „free_busy“ kann der eigene Server auch für Postfächer in Exchange Online antworten; dann zeigen die Antworten nicht, wo ein Postfach liegt.",
                "With \"free_busy\", the own server may answer for mailboxes in Exchange Online, too; then the answers do not show where a mailbox lies.",
            ),
            Text::fixed(
                "Bitte unter „mailbox_locations“ angeben, welche Postfächer wo liegen.",
                "Say under \"mailbox_locations\" which mailboxes lie where.",
            ),
        );
        reader.below("exchange", |reader| reader.below("access", |reader| reader.fault(fault)));
    }
}

/// Where the mailboxes lie of which these counters say so. Where two counters contradict each other, the later one is at fault, if its place is known.
pub(super) fn locations<'c>(
    counters: impl Iterator<Item = (Option<usize>, &'c Counter)>,
    reader: &mut Reader,
) -> HashMap<Mailbox, MailboxLocation> {
    let mut located = HashMap::new();
    for (index, counter) in counters {
        if let Some(index) = index {
            reader.element(index, |reader| own_locations(counter, &located, reader));
        }
        located.extend(counter.exchange_sync().located().map(|(_, mailbox, location)| (mailbox.clone(), location)));
    }
    located
}

/// What a counter says of its mailboxes, held against what others say.
pub(super) fn own_locations(counter: &Counter, others: &HashMap<Mailbox, MailboxLocation>, reader: &mut Reader) {
    for (position, mailbox, location) in counter.exchange_sync().located() {
        if others.get(mailbox).is_some_and(|other| *other != location) {
            at_location(position, conflicting_locations(), reader);
        }
    }
}

fn at_location(position: usize, fault: Fault, reader: &mut Reader) {
    reader.below("exchange_sync", |reader| {
        reader.below("mailboxes", |reader| {
            reader.element(position, |reader| reader.below("location", |reader| reader.fault(fault)));
        });
    });
}

fn conflicting_locations() -> Fault {
    Fault::new(
        Code::ConflictingLocations,
        Text::fixed(
            "Ein anderer Schalter gibt für dieses Postfach einen anderen Ort an.",
            "Another counter says that this mailbox lies elsewhere.",
        ),
        Text::fixed(
            "Bitte bei allen Schaltern denselben Ort angeben, oder nur bei einem.",
            "Say the same at all counters, or say it at one only.",
        ),
    )
}

pub(super) fn distinct_ids<'i>(ids: impl Iterator<Item = (usize, &'i str)>, reader: &mut Reader) {
    let mut seen = HashSet::with_capacity(ids.size_hint().1.unwrap_or(0));
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

/// Whether one span of the weekly hours is long enough for a template, as nearly always. If not, spans that touch may be.
fn fits_into_one_span(counter: &Counter, template: &TemplateId, length: Duration) -> bool {
    let is_long_enough = |hours: &Hours| hours.end() - hours.start() >= length;
    rules_for(counter, template)
        .any(|rule| !rule.weekdays().is_empty() && rule.daily_hours().iter().any(is_long_enough))
}

/// The opening rules that hold for a template.
fn rules_for<'c>(counter: &'c Counter, template: &'c TemplateId) -> impl Iterator<Item = &'c Rule> {
    let rules = counter.opening().iter();
    rules.filter(|rule| rule.audience().is_empty() || rule.audience().iter().any(|id| id == template.as_str()))
}

/// The longest time for which the counter is ever open for a template without a break: what touches is joined.
fn longest_window(counter: &Counter, template: &TemplateId) -> Duration {
    const DAY: Duration = Duration::from_hours(24);
    let mut week: Vec<(Duration, Duration)> = Vec::new();
    for rule in rules_for(counter, template) {
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
