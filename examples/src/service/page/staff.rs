//! The page for clerks: a day at the counter, why a time is not offered, and the counter's entry.

use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use chrono::{NaiveDate, NaiveTime, TimeZone as _};
use futures_util::{StreamExt as _, stream};
use maud::{Markup, html};
use optigov_availability::{Counter, CounterAnswer, DayState, Language, Municipality, Status};
use serde::Deserialize;

use super::entry::{Entered, Said};
use super::{Place, announced, free, note, strip, unless_blank, words};
use crate::service::guard::{OwnForm, Visitor};
use crate::service::problem::{Problem, Query};
use crate::service::{Days, Service};

/// How many mailboxes are checked at once.
const AT_ONCE: usize = 4;

/// What the page's address asks for.
#[derive(Default, Deserialize)]
pub(super) struct Asked {
    counter: Option<String>,
    #[serde(default, deserialize_with = "unless_blank")]
    template: Option<String>,
    #[serde(default, deserialize_with = "unless_blank")]
    date: Option<NaiveDate>,
    #[serde(default, deserialize_with = "unless_blank")]
    time: Option<NaiveTime>,
    saved: Option<String>,
}

pub(super) async fn show(
    State(service): State<Service>,
    Extension(visitor): Extension<Visitor>,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let town = service.availability.municipality();
    let id = asked.counter.clone().or_else(|| town.counters().next().map(|counter| counter.id().to_string()));
    let (_, counter) = service.counter(id.as_deref().unwrap_or_default())?;
    let mut entered = Entered::of(&counter);
    if asked.saved.is_some() {
        entered.said = Said::Saved;
    }
    page(&service, &visitor, &counter, &asked, &entered).await
}

pub(super) async fn save(
    State(service): State<Service>,
    Query(asked): Query<Asked>,
    form: OwnForm,
) -> Result<Response, Problem> {
    let (_, counter) = service.counter(asked.counter.as_deref().unwrap_or_default())?;
    let mut entered = Entered::sent(&form, &counter);
    match service.save(counter.id().as_str(), &entered.document(&counter)).await {
        // After a redirect, reloading the page does not save again.
        Ok(saved) => Ok(Redirect::to(&format!("/staff?counter={}&saved=yes", saved.id())).into_response()),
        Err(problem) if !problem.faults.is_empty() => {
            entered.said = Said::Refused(problem.faults);
            page(&service, &form.visitor, &counter, &asked, &entered).await
        }
        Err(other) => Err(other),
    }
}

/// Checks the connection to the mailboxes that stand in the form, which keeps what was entered.
pub(super) async fn check(
    State(service): State<Service>,
    Query(asked): Query<Asked>,
    form: OwnForm,
) -> Result<Response, Problem> {
    let (_, counter) = service.counter(asked.counter.as_deref().unwrap_or_default())?;
    let mut entered = Entered::sent(&form, &counter);
    let checks = stream::iter(entered.addresses().collect::<Vec<_>>()).map(async |address| match address {
        Ok(mailbox) => Ok(service.availability.check_connection(&mailbox).await),
        Err(complaint) => Err(complaint),
    });
    entered.said = Said::Checked(checks.buffered(AT_ONCE).collect().await);
    page(&service, &form.visitor, &counter, &asked, &entered).await
}

async fn page(
    service: &Service,
    visitor: &Visitor,
    counter: &Counter,
    asked: &Asked,
    entered: &Entered,
) -> Result<Response, Problem> {
    let (town, id) = (service.availability.municipality(), counter.id().as_str());
    let date = asked.date.map_or_else(|| service.today(id), Ok)?;
    let body = html! {
        h1 { (counter.name()) }
        div.columns {
            section aria-labelledby="day" {
                h2 id="day" { "Ein Tag am Schalter" }
                @match service.answer(id, Days::from(date, 1), asked.template.as_deref()).await {
                    Ok(answer) => {
                        (choice(&town, counter, &answer, date, asked.time))
                        @if let Some(time) = asked.time { (why(service, &answer, date, time).await?) }
                        (day(counter, &answer, date))
                    }
                    Err(problem) => (note("warn", problem.detail())),
                }
            }
            section aria-labelledby="entry" {
                h2 id="entry" { "Eintrag" }
                (entered.form(&town, counter, &visitor.token))
            }
        }
    };
    let (status, title) = match entered.is_refused() {
        true => (StatusCode::UNPROCESSABLE_ENTITY, format!("Fehler: {}", counter.name())),
        false => (StatusCode::OK, counter.name().to_owned()),
    };
    Ok(Place { town: &town, counter: Some(counter), is_staff: true }.page(status, &title, &body))
}

/// Which day is shown, and which time is asked about.
fn choice(
    town: &Municipality,
    counter: &Counter,
    answer: &CounterAnswer,
    date: NaiveDate,
    time: Option<NaiveTime>,
) -> Markup {
    html! {
        form.choice method="get" action="/staff" {
            input type="hidden" name="counter" value=(answer.id);
            (free::templates(town, counter, "Terminvorlage", &answer.template))
            div {
                label for="date" { "Tag" }
                input id="date" type="date" name="date" value=(date);
            }
            div {
                label for="time" { "Warum nicht um …?" }
                input id="time" type="time" name="time" value=[time.map(|time| time.format("%H:%M").to_string())];
            }
            button.second { "Anzeigen" }
        }
    }
}

/// Why an appointment can or cannot start at a time of the day.
async fn why(service: &Service, answer: &CounterAnswer, date: NaiveDate, time: NaiveTime) -> Result<Markup, Problem> {
    let when = format!("{}, {} Uhr", words::long(date), time.format("%H:%M"));
    let Some(start) = answer.zone.from_local_datetime(&date.and_time(time)).earliest() else {
        let text = "Diese Uhrzeit gibt es an diesem Tag nicht: Die Uhren werden vorgestellt.";
        return Ok(announced("warn", &html! { h3 { (when) } p { (text) } }));
    };
    let wanted = service.wanted(&answer.id, Some(&answer.template));
    let verdict = service.availability.counter(&answer.id)?.why(&wanted, start.to_utc()).await?;
    let body = html! {
        h3 { (when) }
        @if let Some(slot) = verdict.slot {
            p { "Dieser Termin wird angeboten. Er dauert bis " (words::clock(slot.end(), answer.zone)) " Uhr." }
        } @else {
            p { "Dieser Termin wird nicht angeboten:" }
            ul {
                @for reason in verdict.explain(Language::German) { li { (reason) } }
                @if verdict.status.is_unknown() { li { "Die Kalender sind nicht bekannt." } }
            }
        }
    };
    Ok(announced(if verdict.is_bookable() { "good" } else { "warn" }, &body))
}

/// The day as a strip, and how well it is known.
fn day(counter: &Counter, answer: &CounterAnswer, date: NaiveDate) -> Markup {
    let state = answer.days().next().map(|day| day.state);
    html! {
        h3 { (words::long(date)) ": " (state.map_or(String::new(), |state| match state {
            DayState::Free(count) => words::free(count),
            other => other.text().in_language(Language::German).to_owned(),
        })) }
        (strip::strip(answer))
        @match &answer.status {
            Status::Known if !counter.exchange_sync().is_on() => {
                (note("warn", "Der Exchange-Abgleich ist aus: Es gelten nur die Öffnungszeiten."))
            }
            Status::Known => {
                @match answer.read_at {
                    Some(read_at) => p.hint { "Kalender gelesen um " (words::clock(read_at, answer.zone)) " Uhr." },
                    None => p.hint { "Die Kalender wurden nicht gelesen, da an diesem Tag nichts gebucht werden kann." },
                }
            }
            Status::Stale { age, .. } => {
                (note("warn", &format!("Exchange antwortet nicht; es gilt der Stand von vor {} Minuten.", age.as_secs().div_ceil(60))))
            }
            _ if answer.slots.is_empty() => (note("bad", "Die Kalender sind nicht bekannt; es werden keine Termine angeboten.")),
            _ => (note("bad", "Die Kalender sind nicht bekannt.")),
        }
        @for reason in unread(&answer.status) { (note("bad", &reason)) }
        @for warning in &answer.warnings { (note("warn", &format!("{}.", warning.message(Language::German)))) }
    }
}

/// Which mailboxes could not be read, and why.
fn unread(status: &Status) -> impl Iterator<Item = String> + '_ {
    let unread = status.unread().iter();
    unread.map(|unread| format!("Postfach {}: {}", unread.mailbox + 1, unread.error.describe(Language::German)))
}
