//! An HTTP service around the facade: for programs an interface in JSON, for people pages in German that need no script.
//!
//! | request | answer |
//! |---|---|
//! | `GET /counters` | every counter, as an array of the configuration's own JSON |
//! | `GET /counters/{id}` | one counter as a JSON document |
//! | `PUT /counters/{id}` | 200 or 201 with the counter as saved; 422 with every fault of the document |
//! | `GET /counters/{id}/slots?from=&days=&template=&lang=` | the facade's report; by default 14 days from today |
//! | `GET /counters/{id}/days?month=2026-12&template=&lang=` | how many slots begin on each local day, or why none does; by default this month |
//! | `GET /counters/{id}/why?start=&template=&lang=` | why an appointment cannot start at an instant; for staff |
//! | `POST /counters/{id}/bookings` | 201 with the booking; 409 where the slot is taken |
//! | `POST /connection-check?mailbox=` | every step on the way to a calendar; by default to the connection's test mailbox |
//! | `GET /health` | always 200 while it lives; `degraded` where calendars are unknown, since a restart would not help |
//! | `GET /openapi.json` | the description of all this |
//! | `GET /` | free slots and the month, for citizens; `/book` books one |
//! | `GET /staff` | a counter's entry with its Exchange sync, a day as a strip, and why a time is not offered, for clerks |
//!
//! What is refused is told in one shape, [`ProblemDetails`]; a browser gets a page instead.
//!
//! What is saved is in force at once and lasts as long as the process: where entries are kept is for the service that you build. So is the
//! login: without one, `/staff` and all that changes something is open to whoever reaches the service, so it listens on a loopback address.

mod api;
mod booking;
mod guard;
mod page;
mod problem;
mod schema;
mod serve;

use std::sync::Arc;

use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router, middleware};
use chrono::{Months, NaiveDate};
use chrono_tz::Tz;
use optigov_availability::{Availability, Clock, Counter, CounterAnswer, Interval, Municipality, Text, Wanted};

pub use guard::Hosts;
pub use problem::{BothLanguages, Complaint, Problem, ProblemDetails};
pub use schema::{CounterSlots, DayOverview, Reason, SlotList, SlotTime, Verdict, Warning};
pub use serve::{Limits, serve};

use booking::Bookings;
use guard::Seal;

/// The whole service: what `availability` answers, over HTTP, under the names `hosts`. `clock` says which day is today; give the facade the same.
///
/// # Errors
/// Where the system has no random numbers, which the seal of forms needs.
pub fn router(availability: Availability, clock: impl Clock, hosts: Hosts) -> anyhow::Result<Router> {
    let seal = Seal::new().ok_or_else(|| anyhow::anyhow!("the system gives no random numbers"))?;
    let bookings = Arc::new(Bookings::default());
    let service = Service { availability, clock: Arc::new(clock), bookings, seal };
    let (api, description) = api::routes();
    let router = Router::new()
        .merge(api)
        .route("/openapi.json", get(|| async move { Json(description) }))
        .merge(page::routes(&service))
        .fallback(async || no_such(StatusCode::NOT_FOUND, "Diese Seite gibt es nicht.", "There is no such page."))
        .method_not_allowed_fallback(async || {
            let status = StatusCode::METHOD_NOT_ALLOWED;
            no_such(status, "Das geht an dieser Adresse nicht.", "This cannot be done at this address.")
        })
        .layer(middleware::from_fn_with_state(hosts, guard::own_pages_only))
        .layer(middleware::from_fn_with_state(service.clone(), page::problems_as_pages));
    Ok(router.with_state(service))
}

fn no_such(status: StatusCode, de: &'static str, en: &'static str) -> Problem {
    Problem::new(status, "no_such_address", Text::fixed(de, en))
}

#[derive(Clone)]
struct Service {
    availability: Availability,
    clock: Arc<dyn Clock>,
    bookings: Arc<Bookings>,
    seal: Seal,
}

/// The days `first` to `last`.
#[derive(Clone, Copy)]
struct Days {
    first: NaiveDate,
    last: NaiveDate,
}

impl Days {
    fn from(first: NaiveDate, count: u16) -> Days {
        let more = chrono::Days::new(u64::from(count.saturating_sub(1)));
        Days { first, last: first.checked_add_days(more).unwrap_or(NaiveDate::MAX) }
    }

    /// The month in which `day` lies.
    fn month_of(day: NaiveDate) -> Days {
        use chrono::Datelike as _;
        let first = day.with_day(1).unwrap_or(day);
        let last = first.checked_add_months(Months::new(1)).and_then(|next| next.pred_opt());
        Days { first, last: last.unwrap_or(NaiveDate::MAX) }
    }
}

impl Service {
    fn counter(&self, id: &str) -> Result<(Arc<Municipality>, Arc<Counter>), Problem> {
        let town = self.availability.municipality();
        let found = town.counter(id).cloned();
        let counter = found.ok_or_else(|| {
            let text = Text::fixed("Diesen Schalter gibt es nicht.", "There is no such counter.");
            Problem::new(StatusCode::NOT_FOUND, "unknown_counter", text)
        })?;
        Ok((town, counter))
    }

    /// The zone of a counter's times.
    fn zone(&self, counter: &str) -> Result<Tz, Problem> {
        let (town, counter) = self.counter(counter)?;
        Ok(counter.time_zone().unwrap_or(town.time_zone()))
    }

    fn today(&self, counter: &str) -> Result<NaiveDate, Problem> {
        Ok(self.clock.now().with_timezone(&self.zone(counter)?).date_naive())
    }

    fn first_template(&self, counter: &str) -> Result<String, Problem> {
        let (_, counter) = self.counter(counter)?;
        let first = counter.templates().first().map(|id| id.as_str().to_owned());
        first.ok_or_else(|| {
            let text = Text::fixed("Dieser Schalter bietet keine Termine an.", "This counter offers no appointments.");
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "not_offered", text)
        })
    }

    /// What is asked for at a counter, beside what is booked there.
    fn wanted(&self, counter: &str, template: Option<&str>) -> Wanted {
        template.into_iter().fold(Wanted::new(), Wanted::template).bookings(self.bookings.at(counter))
    }

    /// The answer for one counter and some days.
    async fn answer(&self, counter: &str, days: Days, template: Option<&str>) -> Result<CounterAnswer, Problem> {
        let window = Interval::of_dates(days.first, days.last, self.zone(counter)?);
        let window = window.map_err(|_| Problem::bad("Diese Tage gibt es nicht.", "There are no such days."))?;
        Ok(self.availability.counter(counter)?.free_slots(&self.wanted(counter, template), window).await?)
    }

    /// Reads a counter's document and puts it into force: the next answer is made with its mailboxes.
    async fn save(&self, id: &str, document: &str) -> Result<Counter, Problem> {
        let counter = Counter::from_json(document)?;
        if counter.id().as_str() != id {
            return Err(Problem::of_document(vec![Complaint {
                path: "id".to_owned(),
                code: "conflict".to_owned(),
                line: None,
                column: None,
                message: Text::fixed("Der Schalter heißt in der Adresse anders.", "The address names another counter."),
                remedy: Text::fixed("Bitte dieselbe Kennung eintragen.", "Enter the same id."),
            }]));
        }
        self.availability.counter_saved(counter.clone()).await?;
        Ok(counter)
    }
}
