//! The page for citizens: a counter's free slots by day, and its month.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{Days as DayCount, NaiveDate};
use maud::{Markup, html};
use optigov_availability::{Counter, CounterAnswer, DayAnswer, DayState, Language, Municipality, Slot, Status};
use optigov_counter::AppointmentTemplate;
use serde::Deserialize;

use super::{Place, month, note, unless_blank, words};
use crate::service::problem::{Problem, Query};
use crate::service::{Days, Service};

/// How many days are shown at once.
const SHOWN: u16 = 7;

/// What the page's address asks for.
#[derive(Deserialize)]
pub(super) struct Asked {
    counter: Option<String>,
    #[serde(default, deserialize_with = "unless_blank")]
    template: Option<String>,
    #[serde(default, deserialize_with = "unless_blank")]
    from: Option<NaiveDate>,
}

pub(super) async fn show(State(service): State<Service>, Query(asked): Query<Asked>) -> Result<Response, Problem> {
    let town = service.availability.municipality();
    let id = asked.counter.or_else(|| town.counters().next().map(|counter| counter.id().to_string()));
    let Some(id) = id else {
        let place = Place { town: &town, counter: None, is_staff: false };
        return Ok(place.page(StatusCode::OK, town.name(), &note("warn", "Hier gibt es noch keine Termine.")));
    };
    let (town, counter) = service.counter(&id)?;
    let today = service.today(&id)?;
    let first = asked.from.unwrap_or(today);
    let shown = Days::from(first, SHOWN);
    // The month to which most of the days belong.
    let month = Days::month_of(first.checked_add_days(DayCount::new(3)).unwrap_or(first));
    // One question for both: each calendar is read once.
    let all = Days { first: shown.first.min(month.first), last: shown.last.max(month.last) };
    let body = match service.answer(&id, all, asked.template.as_deref()).await {
        Ok(answer) => html! {
            div.columns {
                section aria-labelledby="free" {
                    h2 id="free" { "Freie Termine" }
                    (next(&answer, first))
                    (choice(&town, &counter, &answer, first))
                    (slots(&answer, shown, today))
                }
                aside {
                    (month::heat_map(&answer, month, today))
                    (hours(&counter))
                }
            }
        },
        Err(problem) => note("warn", problem.detail()),
    };
    let body = html! {
        h1 { (counter.name()) }
        @if let Some(place) = counter.place() { p.hint { (place) } }
        (body)
    };
    let place = Place { town: &town, counter: Some(&counter), is_staff: false };
    Ok(place.page(StatusCode::OK, &format!("Freie Termine: {}", counter.name()), &body))
}

/// What is shown: which appointment, and from which day on.
fn choice(town: &Municipality, counter: &Counter, answer: &CounterAnswer, first: NaiveDate) -> Markup {
    html! {
        form.choice method="get" action="/" {
            input type="hidden" name="counter" value=(answer.id);
            (templates(town, counter, "Anliegen", &answer.template))
            div {
                label for="from" { "Ab Tag" }
                input id="from" type="date" name="from" value=(first);
            }
            button.second { "Anzeigen" }
        }
    }
}

/// The counter's templates, to choose one of where there are several.
pub(super) fn templates(town: &Municipality, counter: &Counter, label: &str, chosen: &str) -> Markup {
    let templates: Vec<_> = counter.templates().iter().filter_map(|id| town.template(id.as_str())).collect();
    let words =
        |template: &AppointmentTemplate| format!("{} ({} Minuten)", template.label(), template.length().as_secs() / 60);
    html! {
        @match templates.as_slice() {
            [only] => p.only { (words(only)) input type="hidden" name="template" value=(only.id()); },
            several => div.wide {
                label for="template" { (label) }
                select id="template" name="template" {
                    @for template in several {
                        option value=(template.id()) selected[template.id().as_str() == chosen] { (words(template)) }
                    }
                }
            }
        }
    }
}

/// The first slot from a day on, as most people want none other.
fn next(answer: &CounterAnswer, from: NaiveDate) -> Markup {
    let date = |slot: &Slot| slot.start().with_timezone(&answer.zone).date_naive();
    html! {
        @if let Some(next) = answer.slots.iter().find(|slot| date(slot) >= from) {
            p.next {
                "Nächster freier Termin: "
                a href=(book(answer, next)) { (words::long(date(&next))) ", " (words::clock(next.start(), answer.zone)) " Uhr" }
            }
        }
    }
}

/// The slots of the days shown, or what there is to say instead. Why calendars are unknown concerns staff, not citizens.
fn slots(answer: &CounterAnswer, shown: Days, today: NaiveDate) -> Markup {
    let date = |slot: &Slot| slot.start().with_timezone(&answer.zone).date_naive();
    let days: Vec<DayAnswer> = answer.days().filter(|day| (shown.first..=shown.last).contains(&day.date)).collect();
    let to = |from: NaiveDate| format!("/?counter={}&template={}&from={from}", answer.id, answer.template);
    let earlier = shown.first.checked_sub_days(DayCount::new(SHOWN.into())).filter(|_| shown.first > today);
    html! {
        @match &answer.status {
            Status::Unknown { .. } if answer.slots.is_empty() => {
                (note("bad", "Zurzeit können keine Termine angezeigt werden. Bitte versuchen Sie es später noch einmal."))
            }
            Status::Unknown { .. } => (note("warn", "Zurzeit ist nicht sicher, ob diese Termine noch frei sind.")),
            Status::Stale { age, .. } => {
                (note("warn", &format!("Diese Termine sind auf dem Stand von vor {} Minuten.", age.as_secs().div_ceil(60))))
            }
            _ => {}
        }
        ol.days {
            @for day in days {
                li {
                    h3 { (words::weekday(day.date)) ", " (words::day(day.date)) }
                    @match day.state {
                        DayState::Free(count) => {
                            p.count { (words::free(count)) }
                            ul.slots {
                                @for slot in answer.slots.iter().filter(|slot| date(slot) == day.date) {
                                    @let start = slot.start().with_timezone(&answer.zone);
                                    li { a href=(book(answer, slot)) {
                                        time datetime=(start.to_rfc3339()) { (start.format("%H:%M")) }
                                        span.sr { " Uhr am " (words::day(day.date)) }
                                    } }
                                }
                            }
                        }
                        state => p.count { (state.text().in_language(Language::German)) },
                    }
                }
            }
        }
        nav.pages aria-label="Weitere Tage" {
            @if let Some(earlier) = earlier { a.button.second href=(to(earlier.max(today))) { "Frühere Tage" } }
            @if let Some(later) = shown.last.succ_opt() { a.button.second href=(to(later)) { "Spätere Tage" } }
        }
    }
}

/// The address at which a slot is booked.
pub(super) fn book(answer: &CounterAnswer, slot: Slot) -> String {
    let start = words::for_address(slot.start());
    format!("/book?counter={}&template={}&start={start}", answer.id, answer.template)
}

fn hours(counter: &Counter) -> Markup {
    html! {
        section aria-labelledby="hours" {
            h2 id="hours" { "Öffnungszeiten" }
            @if counter.opening().is_empty() { p { "Zurzeit keine." } }
            dl.hours {
                @for rule in counter.opening() {
                    @let hours: Vec<String> = rule.daily_hours().iter().map(|hours| hours.to_string().replace('-', "–")).collect();
                    dt { (words::days(rule.weekdays())) (words::recurrence(rule.recurrence())) }
                    dd { (hours.join(", ")) " Uhr" }
                }
            }
        }
    }
}
