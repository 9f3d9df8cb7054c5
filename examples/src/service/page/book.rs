//! Booking a slot: the question, the booking, and what is said when somebody else was faster.

use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use chrono::{DateTime, NaiveDate, Utc};
use maud::{Markup, html};
use optigov_availability::{Counter, Municipality};
use serde::Deserialize;

use super::{Place, announced, free, words};
use crate::service::booking::{Lost, Outcome};
use crate::service::guard::{OwnForm, Visitor};
use crate::service::problem::{Path, Problem, Query};
use crate::service::{Days, Service};

/// The slot that is to be booked.
#[derive(Deserialize)]
pub(super) struct Wish {
    counter: String,
    template: String,
    start: DateTime<Utc>,
}

pub(super) async fn ask(
    State(service): State<Service>,
    Extension(visitor): Extension<Visitor>,
    Query(wish): Query<Wish>,
) -> Result<Response, Problem> {
    let (town, counter) = service.counter(&wish.counter)?;
    let wanted = service.wanted(&wish.counter, Some(&wish.template));
    let verdict = service.availability.counter(&wish.counter)?.why(&wanted, wish.start).await?;
    let Some(slot) = verdict.slot else { return lost(&service, &wish, Lost::by(&verdict)).await };
    let body = html! {
        h1 { "Diesen Termin buchen?" }
        (summary(&town, &counter, &wish.template, (slot.start(), slot.end()), service.zone(&wish.counter)?))
        form method="post" action="/book" {
            input type="hidden" name="token" value=(visitor.token);
            input type="hidden" name="counter" value=(wish.counter);
            input type="hidden" name="template" value=(wish.template);
            input type="hidden" name="start" value=(words::for_address(wish.start));
            p.hint { "Dies ist eine Vorführung: Der Termin wird nur bis zum Ende des Programms vorgemerkt, und niemand erwartet Sie." }
            div.buttons {
                button { "Verbindlich buchen" }
                a.button.second href=(back(&service, &wish)?) { "Anderen Termin wählen" }
            }
        }
    };
    Ok(Place { town: &town, counter: Some(&counter), is_staff: false }.page(StatusCode::OK, "Termin buchen", &body))
}

pub(super) async fn book(State(service): State<Service>, form: OwnForm) -> Result<Response, Problem> {
    let wish = Wish {
        counter: form.one("counter").unwrap_or_default().to_owned(),
        template: form.one("template").unwrap_or_default().to_owned(),
        start: form.one("start").and_then(|start| start.parse().ok()).ok_or_else(|| {
            Problem::bad("Dem Formular fehlt der Beginn des Termins.", "The form has no start of the appointment.")
        })?,
    };
    match service.book(&wish.counter, Some(&wish.template), wish.start, Some(&form.visitor.id)).await? {
        // After a redirect, reloading the page does not book again.
        Outcome::Booked(booked) => Ok(Redirect::to(&format!("/booked/{}", booked.number)).into_response()),
        Outcome::Lost(why) => lost(&service, &wish, why).await,
    }
}

pub(super) async fn booked(State(service): State<Service>, Path(number): Path<usize>) -> Result<Response, Problem> {
    let booked = service.bookings.numbered(number).ok_or_else(|| {
        let text = optigov_availability::Text::fixed("Diese Buchung gibt es nicht.", "There is no such booking.");
        Problem::new(StatusCode::NOT_FOUND, "unknown_booking", text)
    })?;
    let (town, counter) = service.counter(&booked.counter)?;
    let time = (booked.time.start(), booked.time.end());
    let body = html! {
        h1 { "Ihr Termin ist gebucht" }
        (announced("good", &html! { p { "Die Buchung hat die Nummer " strong { (booked.number) } "." } }))
        (summary(&town, &counter, &booked.template, time, service.zone(&booked.counter)?))
        p { a.button.second href={ "/?counter=" (booked.counter) } { "Weitere Termine ansehen" } }
    };
    Ok(Place { town: &town, counter: Some(&counter), is_staff: false }.page(StatusCode::OK, "Termin gebucht", &body))
}

/// Says kindly that the slot cannot be had, and offers the next ones.
async fn lost(service: &Service, wish: &Wish, why: Lost) -> Result<Response, Problem> {
    let (town, counter) = service.counter(&wish.counter)?;
    let zone = service.zone(&wish.counter)?;
    let date = wish.start.with_timezone(&zone).date_naive();
    let days = Days::from(date.max(service.today(&wish.counter)?), 14);
    let answer = service.answer(&wish.counter, days, Some(&wish.template)).await?;
    // First those after it, then those before.
    let before = answer.slots.iter().filter(|slot| slot.start() < wish.start);
    let next: Vec<_> = answer.slots.iter_from(wish.start).chain(before).take(6).collect();
    let (status, title, text) = match why {
        Lost::Taken => (
            StatusCode::CONFLICT,
            "Dieser Termin ist leider nicht mehr frei",
            "Es tut uns leid: Während Sie ausgewählt haben, wurde dieser Termin vergeben. Für Sie wurde nichts gebucht.",
        ),
        Lost::NotOffered => (
            StatusCode::CONFLICT,
            "Dieser Termin kann nicht gebucht werden",
            "Zu dieser Zeit wird kein Termin angeboten, oder es ist dafür schon zu spät. Es wurde nichts gebucht.",
        ),
        Lost::NotNow => (
            StatusCode::SERVICE_UNAVAILABLE,
            "Zurzeit kann nicht gebucht werden",
            "Das liegt nicht an Ihnen: Die Kalender antworten gerade nicht. Es wurde nichts gebucht. Bitte versuchen Sie es in einigen Minuten noch einmal.",
        ),
    };
    let body = html! {
        h1 { (title) }
        (announced("warn", &html! { p { strong { (words::long(date)) ", " (words::clock(wish.start, zone)) " Uhr." } " " (text) } }))
        @if !next.is_empty() {
            h2 { "Diese Termine sind noch frei" }
            ul.offers {
                @for slot in next {
                    @let date = slot.start().with_timezone(&zone).date_naive();
                    li { a href=(free::book(&answer, slot)) { (words::long(date)) ", " (words::clock(slot.start(), zone)) " Uhr" } }
                }
            }
        }
        p { a.button.second href=(back(service, wish)?) { "Alle freien Termine" } }
    };
    Ok(Place { town: &town, counter: Some(&counter), is_staff: false }.page(status, title, &body))
}

fn back(service: &Service, wish: &Wish) -> Result<String, Problem> {
    let date: NaiveDate = wish.start.with_timezone(&service.zone(&wish.counter)?).date_naive();
    let template =
        service.availability.municipality().template(&wish.template).map(|template| template.id().to_string());
    Ok(format!("/?counter={}&template={}&from={date}", wish.counter, template.unwrap_or_default()))
}

fn summary(
    town: &Municipality,
    counter: &Counter,
    template: &str,
    (start, end): (DateTime<Utc>, DateTime<Utc>),
    zone: chrono_tz::Tz,
) -> Markup {
    html! {
        dl.summary {
            dt { "Wann" }
            dd { (words::long(start.with_timezone(&zone).date_naive())) br; strong { (words::clock(start, zone)) "–" (words::clock(end, zone)) " Uhr" } }
            dt { "Was" }
            dd { (town.template(template).map_or(template, |template| template.label())) }
            dt { "Wo" }
            dd { (counter.name()) @if let Some(place) = counter.place() { br; (place) } }
        }
    }
}
