//! Booking a slot. A real service keeps its bookings in a database; here they last as long as the process, and name nobody.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use optigov_availability::{Interval, Reason, Text, Verdict, Wanted};

use super::Service;
use super::problem::Problem;

/// How many bookings are kept at most.
const MOST: usize = 1_000;

/// The bookings made, and whose turn it is at each counter.
#[derive(Default)]
pub(super) struct Bookings {
    made: Mutex<Vec<Arc<Booked>>>,
    turns: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
}

/// One appointment that was booked.
pub(super) struct Booked {
    pub(super) number: usize,
    pub(super) counter: String,
    pub(super) template: String,
    pub(super) time: Interval,
    /// Who booked, so that a form that is sent twice books once.
    visitor: Option<String>,
}

/// How a booking ended.
pub(super) enum Outcome {
    Booked(Arc<Booked>),
    Lost(Lost),
}

/// Why a slot cannot be had.
#[derive(Clone, Copy)]
pub(super) enum Lost {
    /// Somebody else was faster.
    Taken,
    /// It was never on offer, or it is too late.
    NotOffered,
    /// The calendars cannot be read at present.
    NotNow,
}

impl Lost {
    /// What a verdict without a slot means to whoever wanted it.
    pub(super) fn by(verdict: &Verdict) -> Lost {
        use Reason::{Buffer, Busy, Capacity, DayLimit};
        let taken = |reason: &Reason| matches!(reason, Busy { .. } | Buffer { .. } | Capacity { .. } | DayLimit { .. });
        match () {
            () if verdict.status.is_unknown() => Lost::NotNow,
            () if verdict.reasons.iter().all(taken) => Lost::Taken,
            () => Lost::NotOffered,
        }
    }
}

impl Service {
    /// Books a slot if it is still free: one booking at a time for each counter, on calendars read afresh.
    pub(super) async fn book(
        &self,
        counter: &str,
        template: Option<&str>,
        start: DateTime<Utc>,
        visitor: Option<&str>,
    ) -> Result<Outcome, Problem> {
        let handle = self.availability.counter(counter)?;
        let turn = self.bookings.turn(counter);
        let _turn = turn.lock().await;
        if let Some(own) = self.bookings.own(counter, start, visitor) {
            return Ok(Outcome::Booked(own));
        }
        let template = template.map_or_else(|| self.first_template(counter), |template| Ok(template.to_owned()))?;
        let wanted = Wanted::new().template(&template).bookings(self.bookings.at(counter));
        let verdict = handle.confirm(&wanted, start).await?;
        let Some(slot) = verdict.slot else { return Ok(Outcome::Lost(Lost::by(&verdict))) };
        self.bookings.add(counter, template, slot.interval(), visitor).map(Outcome::Booked)
    }
}

impl Bookings {
    /// The times booked at a counter.
    pub(super) fn at(&self, counter: &str) -> Vec<Interval> {
        self.made().iter().filter(|booked| booked.counter == counter).map(|booked| booked.time).collect()
    }

    /// The booking with this number.
    pub(super) fn numbered(&self, number: usize) -> Option<Arc<Booked>> {
        self.made().get(number.checked_sub(1)?).cloned()
    }

    fn own(&self, counter: &str, start: DateTime<Utc>, visitor: Option<&str>) -> Option<Arc<Booked>> {
        let is_own = |booked: &&Arc<Booked>| {
            booked.counter == counter && booked.time.start() == start && booked.visitor.as_deref() == visitor
        };
        visitor.and_then(|_| self.made().iter().find(is_own).cloned())
    }

    fn add(
        &self,
        counter: &str,
        template: String,
        time: Interval,
        visitor: Option<&str>,
    ) -> Result<Arc<Booked>, Problem> {
        let mut made = self.made();
        if made.len() >= MOST {
            let text =
                Text::fixed("Diese Vorführung nimmt keine weiteren Termine an.", "This demo takes no more bookings.");
            return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too_many_bookings", text));
        }
        let (number, visitor) = (made.len() + 1, visitor.map(str::to_owned));
        let booked = Arc::new(Booked { number, counter: counter.to_owned(), template, time, visitor });
        made.push(Arc::clone(&booked));
        Ok(booked)
    }

    fn turn(&self, counter: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(turns.entry(counter.to_owned()).or_default())
    }

    fn made(&self) -> std::sync::MutexGuard<'_, Vec<Arc<Booked>>> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
