//! An HTTP service around the facade: a counter's entry, its slots, and a start page.
//!
//! | request | answer |
//! |---|---|
//! | `GET /counters` | every counter, as an array of the configuration's own JSON |
//! | `GET /counters/{id}` | one counter as a JSON document |
//! | `PUT /counters/{id}` | 200 or 201 with the counter as saved; 422 with every fault of the document |
//! | `GET /counters/{id}/slots?from=&days=&template=&lang=` | the facade's report; by default 14 days from today |
//! | `GET /counters/{id}/days?month=2026-12&template=&lang=` | how many slots begin on each local day; by default this month |
//! | `POST /connection-check?mailbox=` | every step on the way to a calendar; by default to the connection's test mailbox |
//! | `GET /health` | always 200 while it lives; `degraded` where calendars are unknown, since a restart would not help |
//! | `GET /?counter=&template=&from=` | the page for people, in German |
//! | `POST /counters/{id}/exchange-sync`, `…/connection-check` | the page's forms |
//!
//! What is saved is in force at once and lasts as long as the process: where entries are kept is for the service that you build. So is the
//! login; without one it listens on a loopback address only.

mod page;
mod refusal;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use chrono::{Months, NaiveDate, SubsecRound as _};
use optigov_availability::{
    Availability, Clock, Counter, CounterAnswer, Interval, Language, Mailbox, Municipality, SlotsRequest, Text, Wanted,
};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use refusal::{Complaint, Refusal};

/// How long the health endpoint waits for calendars before it calls the service degraded.
const PATIENCE: Duration = Duration::from_secs(2);

/// The whole service: what `availability` answers, over HTTP. `clock` says which day is today; give the facade the same.
pub fn router(availability: Availability, clock: impl Clock) -> Router {
    Router::new()
        .route("/", get(page::start))
        .route("/counters", get(counters))
        .route("/counters/{id}", get(counter).put(put_counter))
        .route("/counters/{id}/exchange-sync", post(page::save))
        .route("/counters/{id}/connection-check", post(page::check))
        .route("/counters/{id}/slots", get(slots))
        .route("/counters/{id}/days", get(days))
        .route("/connection-check", post(connection_check))
        .route("/health", get(health))
        .layer(middleware::from_fn(own_pages_only))
        .with_state(Service { availability, clock: Arc::new(clock) })
}

/// Refuses what a browser sends on behalf of another site's page, unless it only reads.
async fn own_pages_only(request: Request, next: Next) -> Response {
    let site = request.headers().get("sec-fetch-site").map(HeaderValue::as_bytes);
    match site {
        Some(b"cross-site" | b"same-site") if !request.method().is_safe() => StatusCode::FORBIDDEN.into_response(),
        _ => next.run(request).await,
    }
}

#[derive(Clone)]
struct Service {
    availability: Availability,
    clock: Arc<dyn Clock>,
}

/// Which slots: what the list and the page take from the address.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Days {
    #[serde(default, deserialize_with = "unless_blank")]
    from: Option<NaiveDate>,
    days: Option<u16>,
    template: Option<String>,
    #[serde(default)]
    lang: Language,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Month {
    month: Option<String>,
    template: Option<String>,
    #[serde(default)]
    lang: Language,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Checked {
    mailbox: Option<String>,
}

async fn counters(State(service): State<Service>) -> Response {
    Json(service.availability.municipality().counters().collect::<Vec<_>>()).into_response()
}

async fn counter(State(service): State<Service>, Path(id): Path<String>) -> Result<Response, Refusal> {
    let (_, counter) = service.counter(&id)?;
    Ok(document(StatusCode::OK, &counter))
}

async fn put_counter(
    State(service): State<Service>,
    Path(id): Path<String>,
    body: String,
) -> Result<Response, Refusal> {
    let status = if service.counter(&id).is_ok() { StatusCode::OK } else { StatusCode::CREATED };
    let counter = service.save(&id, &body).await?;
    Ok(document(status, &counter))
}

async fn slots(
    State(service): State<Service>,
    Path(id): Path<String>,
    Query(wanted): Query<Days>,
) -> Result<Response, Refusal> {
    let lang = wanted.lang;
    let counter = service.slots(&id, wanted).await?.in_language(lang);
    let now = service.clock.now().trunc_subsecs(0).with_timezone(&counter.zone);
    Ok(Json(json!({ "now": now, "counters": [counter] })).into_response())
}

async fn days(
    State(service): State<Service>,
    Path(id): Path<String>,
    Query(wanted): Query<Month>,
) -> Result<Response, Refusal> {
    let today = service.today(&id)?;
    let month = wanted.month.unwrap_or_else(|| today.format("%Y-%m").to_string());
    let first = NaiveDate::parse_from_str(&format!("{month}-01"), "%Y-%m-%d").ok();
    let last = first.and_then(|first| first.checked_add_months(Months::new(1))?.pred_opt());
    let (Some(first), Some(last)) = (first, last) else {
        return Err(Refusal::bad("der Monat ist in der Form 2026-12 anzugeben", "a month is written as 2026-12"));
    };
    let answer = service.answer(&id, first, last, wanted.template).await?;
    let days = answer.counts_per_day().map(|(date, free)| json!({ "date": date, "free": free }));
    let days: Vec<Value> = days.collect();
    let warnings = answer.warnings.iter().map(
        |warning| json!({ "code": warning.code, "count": warning.count, "message": warning.message(wanted.lang) }),
    );
    let overview = json!({
        "counter": answer.id, "template": answer.template, "month": month, "days": days,
        "status": answer.status.as_str(), "reason": answer.status.reason(wanted.lang), "warnings": warnings.collect::<Vec<_>>(),
    });
    Ok(Json(overview).into_response())
}

async fn connection_check(State(service): State<Service>, Query(checked): Query<Checked>) -> Result<Response, Refusal> {
    let town = service.availability.municipality();
    let configured = town.exchange().and_then(|exchange| exchange.test_mailbox()).cloned();
    let mailbox = match checked.mailbox {
        Some(address) => Some(Mailbox::parse(&address).map_err(Refusal::from)?),
        None => configured,
    };
    let mailbox = mailbox.ok_or_else(|| Refusal::bad("es ist kein Postfach angegeben", "there is no mailbox given"))?;
    Ok(Json(service.availability.check_connection(&mailbox).await).into_response())
}

async fn health(State(service): State<Service>) -> Response {
    let town = service.availability.municipality();
    let today = service.clock.now().with_timezone(&town.time_zone()).date_naive();
    let request = Interval::of_dates(today, today, town.time_zone()).map(SlotsRequest::new);
    // Slow calendars go on being read when nobody waits here any more; the next question finds them.
    let answer = match &request {
        Ok(request) => tokio::time::timeout(PATIENCE, service.availability.free_slots(request)).await.ok(),
        Err(_) => None,
    };
    let unknown: Option<Vec<String>> = answer.and_then(Result::ok).map(|answer| {
        let unknown = answer.counters.into_iter().filter(|counter| !counter.status.is_known());
        unknown.map(|counter| counter.id).collect()
    });
    let status = if unknown.as_ref().is_some_and(Vec::is_empty) { "ok" } else { "degraded" };
    Json(json!({ "status": status, "counters": town.counters().count(), "not_known": unknown })).into_response()
}

impl Service {
    fn counter(&self, id: &str) -> Result<(Arc<Municipality>, Arc<Counter>), Refusal> {
        let town = self.availability.municipality();
        let found = town.counter(id).cloned();
        let counter = found.ok_or_else(|| {
            let words = Text::new(format!("es gibt keinen Schalter {id:?}"), format!("there is no counter {id:?}"));
            Refusal::Other(StatusCode::NOT_FOUND, words)
        })?;
        Ok((town, counter))
    }

    fn today(&self, counter: &str) -> Result<NaiveDate, Refusal> {
        let (town, counter) = self.counter(counter)?;
        let zone = counter.time_zone().unwrap_or(town.time_zone());
        Ok(self.clock.now().with_timezone(&zone).date_naive())
    }

    async fn slots(&self, counter: &str, wanted: Days) -> Result<CounterAnswer, Refusal> {
        let days = wanted.days.unwrap_or(14);
        if !(1..=730).contains(&days) {
            return Err(Refusal::bad("days muss zwischen 1 und 730 liegen", "days must be from 1 to 730"));
        }
        let first = wanted.from.map_or_else(|| self.today(counter), Ok)?;
        let last = first.checked_add_days(chrono::Days::new(u64::from(days) - 1)).unwrap_or(NaiveDate::MAX);
        self.answer(counter, first, last, wanted.template).await
    }

    /// The answer for one counter and the days `first` to `last`.
    async fn answer(
        &self,
        counter: &str,
        first: NaiveDate,
        last: NaiveDate,
        template: Option<String>,
    ) -> Result<CounterAnswer, Refusal> {
        let (town, entry) = self.counter(counter)?;
        let window = Interval::of_dates(first, last, entry.time_zone().unwrap_or(town.time_zone()));
        let window = window.map_err(|_| Refusal::bad("diese Tage gibt es nicht", "there are no such days"))?;
        let wanted = template.into_iter().fold(Wanted::new(), Wanted::template);
        Ok(self.availability.counter(counter)?.free_slots(&wanted, window).await?)
    }

    /// Reads a counter's document and puts it into force: the next answer is made with its mailboxes.
    async fn save(&self, id: &str, document: &str) -> Result<Counter, Refusal> {
        let counter = Counter::from_json(document)?;
        if counter.id().as_str() != id {
            return Err(Refusal::Faults(vec![Complaint {
                path: "id".to_owned(),
                code: "conflict".to_owned(),
                line: None,
                column: None,
                message: Text::fixed("Der Schalter heißt in der Adresse anders.", "The address names another counter."),
                remedy: Text::new(format!("Bitte {id:?} eintragen."), format!("Enter {id:?}.")),
            }]));
        }
        self.availability.counter_saved(counter.clone()).await?;
        Ok(counter)
    }
}

fn document(status: StatusCode, counter: &Counter) -> Response {
    (status, [("content-type", "application/json")], counter.to_json()).into_response()
}

/// An empty field of a form counts as one that was not sent.
fn unless_blank<'de, D: Deserializer<'de>>(text: D) -> Result<Option<NaiveDate>, D::Error> {
    let text = String::deserialize(text)?;
    if text.is_empty() { Ok(None) } else { text.parse().map(Some).map_err(serde::de::Error::custom) }
}
