//! The interface for programs, in JSON, with its description.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::extract::rejection::StringRejection;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use chrono::{DateTime, FixedOffset, NaiveDate, Utc};
use futures_util::stream;
use optigov_availability::{Answer, Counter, DayAnswer, Interval, Language, Mailbox, ReaderHealth, SlotsRequest, Text};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::openapi::{self, ContentBuilder, Object, ObjectBuilder, Ref, RefOr, ResponseBuilder, Schema, Type};
use utoipa::{IntoParams, IntoResponses, OpenApi, PartialSchema, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::booking::{Lost, Outcome};
use super::problem::{Body, Path, Problem, ProblemDetails, Query};
use super::schema::{DayOverview, SlotList, Verdict, Warning};
use super::{Days, Service};

/// How long the health endpoint waits for calendars before it calls the service degraded.
const PATIENCE: Duration = Duration::from_secs(2);
/// A list of up to so many slots is sent in one piece, which then has 64 KiB at most but for long texts. A longer one is written while it is sent: a
/// list of two years is never in memory as a whole.
const IN_ONE_PIECE: usize = 750;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Terminverfügbarkeit",
        description = "Which appointments can be booked at a counter now. Limits: a request's head within 10 s, an answer within 60 s, bodies up to 64 KiB.",
    ),
    components(schemas(ProblemDetails<'static>))
)]
struct Description;

/// The routes, and their description as OpenAPI 3.1.
pub(super) fn routes() -> (Router<Service>, Value) {
    let (router, description) = OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(counters))
        .routes(routes!(counter, put_counter))
        .routes(routes!(slots))
        .routes(routes!(days))
        .routes(routes!(why))
        .routes(routes!(book))
        .routes(routes!(connection_check))
        .routes(routes!(health))
        .split_for_parts();
    let mut description = serde_json::to_value(description).unwrap_or_default();
    // A counter's schema is the configuration's own; its parts are found within it.
    let schema = Counter::schema().replace("#/$defs/", "#/components/schemas/Counter/$defs/");
    let mut schema: Value = serde_json::from_str(&schema).unwrap_or_default();
    if let Some(schema) = schema.as_object_mut() {
        schema.remove("$schema");
    }
    description["components"]["schemas"]["Counter"] = schema;
    (router, description)
}

/// Which counter.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct Named {
    /// The counter's id.
    #[param(example = "buergerbuero-1")]
    id: String,
}

/// Which slots.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct WhichSlots {
    /// The first day. Default: today.
    from: Option<NaiveDate>,
    /// How many days. Default: 14.
    #[param(minimum = 1, maximum = 730)]
    days: Option<u16>,
    /// The id of an appointment template. Default: the counter's first.
    #[param(example = "personalausweis")]
    template: Option<String>,
    /// The language of texts. Default: `de`.
    #[serde(default)]
    #[param(schema_with = language, required = false)]
    lang: Language,
}

/// Which month.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct WhichMonth {
    /// The month. Default: this one.
    #[param(pattern = "^[0-9]{4}-(0[1-9]|1[0-2])$", example = "2026-12")]
    month: Option<String>,
    /// The id of an appointment template. Default: the counter's first.
    #[param(example = "personalausweis")]
    template: Option<String>,
    /// The language of texts. Default: `de`.
    #[serde(default)]
    #[param(schema_with = language, required = false)]
    lang: Language,
}

/// Which instant.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct WhichStart {
    /// When the appointment would start.
    start: DateTime<Utc>,
    /// The id of an appointment template. Default: the counter's first.
    #[param(example = "personalausweis")]
    template: Option<String>,
    /// The language of texts. Default: `de`.
    #[serde(default)]
    #[param(schema_with = language, required = false)]
    lang: Language,
}

/// Which mailbox.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct WhichMailbox {
    /// An address. Default: the connection's test mailbox.
    #[param(example = "demo@musterstadt.example")]
    mailbox: Option<String>,
}

/// The appointment to be booked.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct BookingWish {
    /// The id of an appointment template. Default: the counter's first.
    #[schema(example = "personalausweis")]
    template: Option<String>,
    /// When it starts.
    start: DateTime<Utc>,
}

/// A booking that was made.
#[derive(Serialize, ToSchema)]
struct BookingMade {
    /// Its number.
    number: usize,
    /// The counter's id.
    counter: String,
    /// The id of the appointment template.
    template: String,
    /// When it starts, in the counter's local time.
    start: DateTime<FixedOffset>,
    /// When it ends.
    end: DateTime<FixedOffset>,
}

/// A month's overview.
#[derive(Serialize, ToSchema)]
struct MonthOverview<'a> {
    /// The counter's id.
    counter: &'a str,
    /// The id of the appointment template.
    template: &'a str,
    /// The month.
    #[schema(example = "2026-12")]
    month: String,
    /// Its days, in order.
    #[schema(value_type = Vec<DayOverview>)]
    days: Vec<DayAnswer>,
    /// How well the calendars are known: `known`, `stale` or `unknown`.
    status: &'a str,
    /// Why calendars could not be read; for administrators.
    reason: Option<String>,
    /// What a clerk should hear of.
    #[schema(value_type = Vec<Warning>)]
    warnings: Vec<Value>,
}

/// How the service fares.
#[derive(Serialize, ToSchema)]
struct Health {
    /// `ok`, or `degraded` where calendars are not known.
    status: &'static str,
    /// How many counters there are.
    counters: usize,
    /// The ids of the counters whose calendars are not known; `null` where that was not found out in time.
    not_known: Option<Vec<String>>,
    /// What is known without asking anybody: circuit breaker, failing mailboxes, store, and what is kept fresh.
    #[schema(value_type = Object)]
    calendars: ReaderHealth,
}

/// A counter's document, whose schema is the configuration's own.
struct CounterDocument;

impl PartialSchema for CounterDocument {
    fn schema() -> RefOr<Schema> {
        Object::new().into()
    }
}

impl ToSchema for CounterDocument {
    fn name() -> Cow<'static, str> {
        "Counter".into()
    }
}

/// What every request may be answered with instead.
struct Refused;

impl IntoResponses for Refused {
    fn responses() -> BTreeMap<String, RefOr<openapi::Response>> {
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("ProblemDetails"))).build();
        let response =
            ResponseBuilder::new().description("Not carried out").content("application/problem+json", content);
        let response: RefOr<openapi::Response> = response.build().into();
        ["4XX", "5XX"].map(|statuses| (statuses.to_owned(), response.clone())).into()
    }
}

fn language() -> Object {
    let codes = Language::ALL.map(Language::as_str);
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(codes)).build()
}

/// All counters.
#[utoipa::path(get, path = "/counters", responses(
    (status = 200, body = Vec<CounterDocument>, description = "Their documents"), Refused))]
async fn counters(State(service): State<Service>) -> Response {
    Json(service.availability.municipality().counters().collect::<Vec<_>>()).into_response()
}

/// One counter.
#[utoipa::path(get, path = "/counters/{id}", params(Named), responses(
    (status = 200, body = CounterDocument, description = "Its document"), Refused))]
async fn counter(State(service): State<Service>, Path(Named { id }): Path<Named>) -> Result<Response, Problem> {
    let (_, counter) = service.counter(&id)?;
    Ok(document(StatusCode::OK, &counter))
}

/// Saves a counter: it is in force when the answer comes.
#[utoipa::path(put, path = "/counters/{id}", params(Named), request_body = CounterDocument, responses(
    (status = 200, body = CounterDocument, description = "As it was saved"),
    (status = 201, body = CounterDocument, description = "As it was saved, for the first time"), Refused))]
async fn put_counter(
    State(service): State<Service>,
    Path(Named { id }): Path<Named>,
    body: Result<String, StringRejection>,
) -> Result<Response, Problem> {
    let status = if service.counter(&id).is_ok() { StatusCode::OK } else { StatusCode::CREATED };
    let counter = service.save(&id, &body?).await?;
    Ok(document(status, &counter))
}

/// The slots that can be booked.
#[utoipa::path(get, path = "/counters/{id}/slots", params(Named, WhichSlots), responses(
    (status = 200, body = SlotList, description = "The slots, as of now"), Refused))]
async fn slots(
    State(service): State<Service>,
    Path(Named { id }): Path<Named>,
    Query(which): Query<WhichSlots>,
) -> Result<Response, Problem> {
    let count = which.days.unwrap_or(14);
    if !(1..=730).contains(&count) {
        return Err(Problem::bad("Es sind 1 bis 730 Tage möglich.", "From 1 to 730 days are possible."));
    }
    let first = which.from.map_or_else(|| service.today(&id), Ok)?;
    let answer = service.answer(&id, Days::from(first, count), which.template.as_deref()).await?;
    let (slots, answer) = (answer.slots.len(), Answer::from(answer.in_language(which.lang)));
    let body = match slots {
        ..=IN_ONE_PIECE => axum::body::Body::from(answer.to_json()),
        _ => axum::body::Body::from_stream(stream::iter(answer.into_json_chunks().map(Ok::<_, Infallible>))),
    };
    Ok(([(header::CONTENT_TYPE, "application/json")], body).into_response())
}

/// How many slots each day of a month has, or why it has none.
#[utoipa::path(get, path = "/counters/{id}/days", params(Named, WhichMonth), responses(
    (status = 200, body = MonthOverview<'static>, description = "The month"), Refused))]
async fn days(
    State(service): State<Service>,
    Path(Named { id }): Path<Named>,
    Query(which): Query<WhichMonth>,
) -> Result<Response, Problem> {
    let today = service.today(&id)?;
    let month = which.month.unwrap_or_else(|| today.format("%Y-%m").to_string());
    let first = NaiveDate::parse_from_str(&format!("{month}-01"), "%Y-%m-%d").ok().filter(|_| month.len() == 7);
    let first =
        first.ok_or_else(|| Problem::bad("Ein Monat hat die Form 2026-12.", "A month is written as 2026-12."))?;
    let answer = service.answer(&id, Days::month_of(first), which.template.as_deref()).await?;
    let warnings = answer
        .warnings
        .iter()
        .map(|warning| json!({ "code": warning.code, "count": warning.count, "message": warning.message(which.lang) }));
    let overview = MonthOverview {
        counter: &answer.id,
        template: &answer.template,
        month,
        days: answer.days().collect(),
        status: answer.status.as_str(),
        reason: answer.status.reason(which.lang),
        warnings: warnings.collect(),
    };
    Ok(Json(overview).into_response())
}

/// Why an appointment can or cannot start at an instant. It tells when somebody is busy, so it is for staff.
#[utoipa::path(get, path = "/counters/{id}/why", params(Named, WhichStart), responses(
    (status = 200, body = Verdict, description = "Whether it can, and all reasons why not"), Refused))]
async fn why(
    State(service): State<Service>,
    Path(Named { id }): Path<Named>,
    Query(which): Query<WhichStart>,
) -> Result<Response, Problem> {
    let wanted = service.wanted(&id, which.template.as_deref());
    let verdict = service.availability.counter(&id)?.why(&wanted, which.start).await?;
    Ok(Json(verdict.in_language(which.lang)).into_response())
}

/// Books a slot, on calendars read afresh. What is booked is kept as long as the process, and names nobody.
#[utoipa::path(post, path = "/counters/{id}/bookings", params(Named), request_body = BookingWish, responses(
    (status = 201, body = BookingMade, description = "Booked"),
    (status = 409, body = ProblemDetails<'static>, content_type = "application/problem+json", description = "Not free, or no longer"), Refused))]
async fn book(
    State(service): State<Service>,
    Path(Named { id }): Path<Named>,
    Body(wish): Body<BookingWish>,
) -> Result<Response, Problem> {
    let zone = service.zone(&id)?;
    let conflict = |code, de, en| Err(Problem::new(StatusCode::CONFLICT, code, Text::fixed(de, en)));
    match service.book(&id, wish.template.as_deref(), wish.start, None).await? {
        Outcome::Booked(booked) => {
            let (start, end) = (booked.time.start(), booked.time.end());
            let [start, end] = [start, end].map(|instant| instant.with_timezone(&zone).fixed_offset());
            let (counter, template) = (booked.counter.clone(), booked.template.clone());
            let made = BookingMade { number: booked.number, counter, template, start, end };
            Ok((StatusCode::CREATED, Json(made)).into_response())
        }
        Outcome::Lost(Lost::Taken) => {
            conflict("taken", "Der Termin ist inzwischen vergeben.", "The slot has been taken.")
        }
        Outcome::Lost(Lost::NotOffered) => conflict(
            "not_bookable",
            "Zu dieser Zeit kann kein Termin gebucht werden.",
            "No appointment can be booked then.",
        ),
        Outcome::Lost(Lost::NotNow) => {
            let text =
                Text::fixed("Die Kalender sind zurzeit nicht bekannt.", "The calendars are not known at present.");
            Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "calendars_unknown", text))
        }
    }
}

/// Goes through the connection to a mailbox's calendar, step by step.
#[utoipa::path(post, path = "/connection-check", params(WhichMailbox), responses(
    (status = 200, body = Object, description = "The steps, and whether all is `good`"), Refused))]
async fn connection_check(
    State(service): State<Service>,
    Query(which): Query<WhichMailbox>,
) -> Result<Response, Problem> {
    let town = service.availability.municipality();
    let configured = town.exchange().and_then(|exchange| exchange.test_mailbox()).cloned();
    let mailbox = match which.mailbox {
        Some(address) => Some(Mailbox::parse(&address)?),
        None => configured,
    };
    let mailbox =
        mailbox.ok_or_else(|| Problem::bad("Es ist kein Postfach angegeben.", "There is no mailbox given."))?;
    Ok(Json(service.availability.check_connection(&mailbox).await).into_response())
}

/// Whether the calendars of today are known. Always 200 while the service lives.
#[utoipa::path(get, path = "/health", responses((status = 200, body = Health, description = "How the service fares"), Refused))]
async fn health(State(service): State<Service>) -> Json<Health> {
    let town = service.availability.municipality();
    let today = service.clock.now().with_timezone(&town.time_zone()).date_naive();
    let request = Interval::of_dates(today, today, town.time_zone()).map(SlotsRequest::new);
    // Slow calendars go on being read when nobody waits here any more; the next question finds them.
    let answer = match &request {
        Ok(request) => tokio::time::timeout(PATIENCE, service.availability.free_slots(request)).await.ok(),
        Err(_) => None,
    };
    let not_known: Option<Vec<String>> = answer.and_then(Result::ok).map(|answer| {
        let unknown = answer.counters.into_iter().filter(|counter| !counter.status.is_known());
        unknown.map(|counter| counter.id).collect()
    });
    let status = if not_known.as_ref().is_some_and(Vec::is_empty) { "ok" } else { "degraded" };
    Json(Health { status, counters: town.counters().count(), not_known, calendars: service.availability.health() })
}

fn document(status: StatusCode, counter: &Counter) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], counter.to_json()).into_response()
}
