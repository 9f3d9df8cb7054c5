//! What holds between the parts of one counter.

use chrono::{Datelike, NaiveDate};
use optigov_calendar::Text;

use crate::{
    exception::Exception,
    fault::{Code, Fault},
    opening::{OpeningRule, Repeat},
    text::reader::{Reader, suggestion},
    values::TemplateId,
};

/// Rules and exceptions are for templates that the counter serves, and it serves none twice.
pub(super) fn own_templates(
    served: &[TemplateId],
    opening: &[OpeningRule],
    exceptions: &[Exception],
    reader: &mut Reader,
) {
    // The lists are short: looking through them is quicker than hashing.
    for (index, id) in served.iter().enumerate() {
        if served[..index].contains(id) {
            reader.below("templates", |reader| reader.element(index, |reader| reader.fault(named_twice(id))));
        }
    }
    let mut check = |key: &'static str, index: usize, named: &[TemplateId]| {
        for (place, id) in named.iter().enumerate().filter(|(_, id)| !served.contains(id)) {
            let fault = Fault::new(
                Code::UnknownTemplate,
                Text::new(
                    format!("Der Schalter bietet die Vorlage „{id}“ nicht an."),
                    format!("The counter does not serve the template \"{id}\"."),
                ),
                suggestion(id.as_str(), served.iter().map(TemplateId::as_str)).unwrap_or_else(|| {
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
        check("opening", index, rule.for_templates());
    }
    for (index, exception) in exceptions.iter().enumerate() {
        check("exceptions", index, exception.for_templates());
    }
}

/// No two exceptions say different things about a date.
pub(super) fn contradicting_exceptions(exceptions: &[Exception], reader: &mut Reader) {
    for (index, exception) in exceptions.iter().enumerate() {
        if let Some(earlier) = exceptions[..index].iter().position(|earlier| earlier.contradicts(exception)) {
            let fault = Fault::new(
                Code::ConflictingExceptions,
                Text::new(
                    format!("Diese Ausnahme widerspricht der an Stelle {}.", earlier + 1),
                    format!("This exception contradicts number {}.", earlier + 1),
                ),
                Text::new("Bitte für jeden Tag nur eine davon behalten.", "Keep only one of them for each date."),
            );
            reader.below("exceptions", |reader| reader.element(index, |reader| reader.fault(fault)));
        }
    }
}

/// Rules whose windows overlap are joined; most likely that was not meant.
pub(super) fn overlapping_rules(rules: &[OpeningRule], reader: &mut Reader) {
    for (index, rule) in rules.iter().enumerate() {
        if let Some(earlier) = rules[..index].iter().position(|earlier| may_overlap(earlier, rule)) {
            let fault = Fault::new(
                Code::OverlappingRules,
                Text::new(
                    format!(
                        "Diese Zeiten überschneiden die der Regel an Stelle {}; sie werden zusammengefasst.",
                        earlier + 1
                    ),
                    format!("These hours overlap those of rule number {}; they are joined.", earlier + 1),
                ),
                Text::new("Bitte prüfen, ob das so gemeint ist.", "Check whether that is intended."),
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
    match (a, b) {
        (Some(Repeat::NthOfMonth(a)), Some(Repeat::NthOfMonth(b))) => a != b,
        (Some(Repeat::EveryWeeks { weeks: a, from: x }), Some(Repeat::EveryWeeks { weeks: b, from: y })) => {
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
