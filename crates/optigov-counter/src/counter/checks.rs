//! What holds between the parts of one counter.

use std::time::Duration;

use chrono::{Datelike, NaiveDate};
use optigov_calendar::Text;
use optigov_slots::{Recurrence, Rule, Weekdays};

use crate::{
    exception::ExceptionRule,
    fault::{Code, Fault},
    text::reader::{Reader, suggestion},
    values::TemplateId,
};

const DAY: Duration = Duration::from_hours(24);

/// Rules and exceptions are for templates that the counter serves, and it serves none twice.
pub(super) fn own_templates(
    served: &[TemplateId],
    opening: &[Rule],
    exceptions: &[ExceptionRule],
    reader: &mut Reader,
) {
    // The lists are short: looking through them is quicker than hashing.
    for (index, id) in served.iter().enumerate() {
        if served[..index].contains(id) {
            reader.below("templates", |reader| reader.element(index, |reader| reader.fault(named_twice(id))));
        }
    }
    let mut check = |key: &'static str, index: usize, named: &mut dyn Iterator<Item = &str>| {
        let is_served = |id: &str| served.iter().any(|served| served.as_str() == id);
        for (place, id) in named.enumerate().filter(|(_, id)| !is_served(id)) {
            let fault = Fault::new(
                Code::UnknownTemplate,
                Text::new(
                    format!("Der Schalter bietet die Vorlage „{id}“ nicht an."),
                    format!("The counter does not serve the template \"{id}\"."),
                ),
                suggestion(id, served.iter().map(TemplateId::as_str)).unwrap_or_else(|| {
                    Text::new(
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
    for (index, rule) in opening.iter().enumerate() {
        check("opening", index, &mut rule.audience().iter().map(String::as_str));
    }
    for (index, exception) in exceptions.iter().enumerate() {
        check("exceptions", index, &mut exception.for_templates().iter().map(TemplateId::as_str));
    }
}

/// No two exceptions say different things about a date.
pub(super) fn contradicting_exceptions(exceptions: &[ExceptionRule], reader: &mut Reader) {
    for (index, exception) in exceptions.iter().enumerate() {
        if let Some(earlier) = exceptions[..index].iter().position(|earlier| earlier.contradicts(exception)) {
            let fault = Fault::new(
                Code::ConflictingExceptions,
                Text::new(
                    format!("Diese Ausnahme widerspricht der Ausnahme Nr. {}.", earlier + 1),
                    format!("This exception contradicts exception number {}.", earlier + 1),
                ),
                Text::new("Bitte für jeden Tag nur eine davon behalten.", "Keep only one of them for each date."),
            );
            reader.below("exceptions", |reader| reader.element(index, |reader| reader.fault(fault)));
        }
    }
}

/// Rules whose windows overlap are joined; most likely that was not meant.
pub(super) fn overlapping_rules(rules: &[Rule], reader: &mut Reader) {
    for (index, rule) in rules.iter().enumerate() {
        if let Some(earlier) = rules[..index].iter().position(|earlier| may_overlap(earlier, rule)) {
            let fault = Fault::new(
                Code::OverlappingRules,
                Text::new(
                    format!(
                        "Diese Zeiten überschneiden sich mit denen der Regel Nr. {}; beide werden zusammengefasst.",
                        earlier + 1
                    ),
                    format!("These hours overlap those of rule number {}; the two are joined.", earlier + 1),
                ),
                Text::new("Bitte prüfen, ob das so gemeint ist.", "Check whether that is intended."),
            );
            reader.below("opening", |reader| reader.element(index, |reader| reader.fault(fault)));
        }
    }
}

/// Whether both may open the same minute for the same template. Hours for one template on top of those for all are meant to.
fn may_overlap(a: &Rule, b: &Rule) -> bool {
    let same_audience = match (a.audience(), b.audience()) {
        ([], []) => true,
        ([], _) | (_, []) => false,
        (ours, theirs) => ours.iter().any(|id| theirs.contains(id)),
    };
    let starts_after =
        |rule: &Rule, other: &Rule| rule.first_date().zip(other.last_date()).is_some_and(|(from, until)| from > until);
    if !same_audience || starts_after(a, b) || starts_after(b, a) || take_turns(a.recurrence(), b.recurrence()) {
        return false;
    }
    let same_day = a.weekdays().intersects(b.weekdays());
    let next_day = |first: &Rule, second: &Rule| {
        let days_after: Weekdays = first.weekdays().iter().map(|day| day.succ()).collect();
        let opening = second.daily_hours().iter().map(|hours| DAY + hours.start()).min();
        let runs_into = |opening: Duration| first.daily_hours().iter().any(|late| late.end() > opening);
        days_after.intersects(second.weekdays()) && opening.is_some_and(runs_into)
    };
    (same_day && a.daily_hours().iter().any(|ours| b.daily_hours().iter().any(|theirs| ours.overlaps(*theirs))))
        || next_day(a, b)
        || next_day(b, a)
}

/// Whether the two can be told never to open in the same week or on the same day.
fn take_turns(a: Recurrence, b: Recurrence) -> bool {
    match (a, b) {
        (Recurrence::NthOfMonth(a), Recurrence::NthOfMonth(b)) => a != b,
        (Recurrence::EveryWeeks { weeks: a, from: x }, Recurrence::EveryWeeks { weeks: b, from: y }) => {
            let week = |date: NaiveDate| (date.num_days_from_ce() - 1).div_euclid(7);
            a == b && (week(x) - week(y)) % i32::from(a) != 0
        }
        _ => false,
    }
}

fn named_twice(id: &TemplateId) -> Fault {
    Fault::new(
        Code::DuplicateId,
        Text::new(format!("Die Vorlage „{id}“ kommt zweimal vor."), format!("The template \"{id}\" appears twice.")),
        Text::fixed("Bitte einen der beiden Einträge entfernen.", "Remove one of the two entries."),
    )
}
