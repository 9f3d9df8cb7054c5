//! Holds and bookings in PostgreSQL. An exclusion constraint makes it impossible that a place is given away twice, and
//! [`confirm`](optigov_availability::CounterHandle::confirm) sees to it that nothing is booked over what a clerk has entered in Exchange.
//!
//! A service needs three calls: [`free`](BookingDesk::free) for the list, [`hold`](BookingDesk::hold) when a citizen chooses, and
//! [`book`](BookingDesk::book) when the form is sent. What counts as now is handed in: the clock of the service, or the database's `now()`.

mod postgres_server;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use optigov_availability::{Availability, CounterAnswer, Interval, Slot, Wanted};
use sqlx::{PgConnection, PgPool};

pub use self::postgres_server::PostgresServer;

/// How long a slot is held for a citizen who fills in the form.
pub const HELD_FOR: TimeDelta = TimeDelta::minutes(10);
/// The table, and the constraint that the whole rests on.
pub const SCHEMA: &str = include_str!("../bookings/schema.sql");
/// Bookings of the days around a window count, too: buffers and day limits may reach that far.
const AROUND: Duration = Duration::from_secs(24 * 60 * 60);

/// What a service does with a citizen's appointment. Clones share connections and calendars.
#[derive(Clone)]
pub struct BookingDesk {
    availability: Availability,
    pool: PgPool,
}

/// A slot that nobody else gets for a while. A service binds it to the citizen's session.
#[derive(Clone, Copy, Debug)]
pub struct Hold {
    /// The appointment's number in the table; it stays when the appointment is booked.
    pub id: i64,
    /// From then on the slot is offered to others again.
    pub until: DateTime<Utc>,
}

/// How a booking ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// It is booked, also where the same form was sent before.
    Booked,
    /// The hold has expired, or there was none. Show the list again.
    HoldExpired,
    /// A clerk has entered something meanwhile, or the counter's rules leave no place. The hold is given back; show the list again.
    Taken,
    /// The calendars cannot be read at present. The hold stays, so that the citizen can send the form once more.
    NotNow,
}

impl BookingDesk {
    /// Books for the counters of `availability`, in a database that has [`SCHEMA`].
    pub fn new(availability: Availability, pool: PgPool) -> BookingDesk {
        BookingDesk { availability, pool }
    }

    /// The slots of a counter: without what Exchange has, what is booked, and what is held at `now`.
    ///
    /// # Errors
    /// Where the database does not answer, or the counter or the template is unknown.
    pub async fn free(
        &self,
        counter: &str,
        template: &str,
        window: Interval,
        now: DateTime<Utc>,
    ) -> anyhow::Result<CounterAnswer> {
        let handle = self.availability.counter(counter)?;
        let mut connection = self.pool.acquire().await?;
        let taken = taken(&mut connection, counter, window, now, None).await?;
        // Reading the calendars may take a while, in which somebody else can have the connection.
        drop(connection);
        Ok(handle.free_slots(&Wanted::new().template(template).bookings(taken), window).await?)
    }

    /// Holds a slot of [`free`](Self::free) for [`HELD_FOR`], in a short transaction; `None` where somebody else was faster.
    ///
    /// Of two who try at the same time, the second waits in `INSERT` until the first has committed, and then has no row.
    ///
    /// # Errors
    /// Where the database does not answer.
    pub async fn hold(
        &self,
        counter: &str,
        template: &str,
        slot: Slot,
        now: DateTime<Utc>,
    ) -> anyhow::Result<Option<Hold>> {
        let lanes = self.availability.municipality().counter(counter).map_or(1, |counter| counter.capacity());
        let until = now + HELD_FOR;
        let mut transaction = self.pool.begin().await?;
        // A constraint cannot ask for the time, so expired holds go when somebody wants their place: no background job is needed.
        // What another transaction is booking at this moment is locked and stays.
        sqlx::query(
            "DELETE FROM appointment WHERE id IN (
                 SELECT id FROM appointment
                 WHERE counter = $1 AND during && tstzrange($2, $3) AND held_until <= $4
                 FOR UPDATE SKIP LOCKED)",
        )
        .bind(counter)
        .bind(slot.start())
        .bind(slot.end())
        .bind(now)
        .execute(&mut *transaction)
        .await?;
        let mut held = None;
        for lane in 0..i32::try_from(lanes)? {
            let row: Option<(i64,)> = sqlx::query_as(
                "INSERT INTO appointment (counter, lane, template, during, held_until)
                 VALUES ($1, $2, $3, tstzrange($4, $5), $6)
                 ON CONFLICT DO NOTHING
                 RETURNING id",
            )
            .bind(counter)
            .bind(lane)
            .bind(template)
            .bind(slot.start())
            .bind(slot.end())
            .bind(until)
            .fetch_optional(&mut *transaction)
            .await?;
            held = row.map(|(id,)| Hold { id, until });
            if held.is_some() {
                break;
            }
        }
        transaction.commit().await?;
        Ok(held)
    }

    /// Books what is held, if its place is still free: in one transaction, with the counter's calendars read afresh.
    ///
    /// # Errors
    /// Where the database does not answer, or the counter or its template is no longer there. The hold then stays.
    pub async fn book(&self, hold: i64, now: DateTime<Utc>) -> anyhow::Result<Outcome> {
        let mut transaction = self.pool.begin().await?;
        let row: Option<Appointment> = sqlx::query_as(
            "SELECT counter, template, lower(during), upper(during), held_until FROM appointment WHERE id = $1 FOR UPDATE",
        )
        .bind(hold)
        .fetch_optional(&mut *transaction)
        .await?;
        let (counter, template, start, end) = match row {
            None => return Ok(Outcome::HoldExpired),
            Some((.., None)) => return Ok(Outcome::Booked),
            Some((.., Some(until))) if until <= now => return Ok(Outcome::HoldExpired),
            Some((counter, template, start, end, Some(_))) => (counter, template, start, end),
        };
        // The constraint knows nothing of buffers and day limits, which reach beyond one appointment: one decision at a time for each counter.
        sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))")
            .bind(&counter)
            .execute(&mut *transaction)
            .await?;
        let others = taken(&mut transaction, &counter, Interval::new(start, end)?, now, Some(hold)).await?;
        let wanted = Wanted::new().template(template).bookings(others);
        let verdict = self.availability.counter(&counter)?.confirm(&wanted, start).await?;
        let outcome = match verdict.slot {
            // The length may have been changed since the slot was listed.
            Some(slot) if slot.end() == end => Outcome::Booked,
            None if verdict.status.is_unknown() => Outcome::NotNow,
            _ => Outcome::Taken,
        };
        let change = match outcome {
            Outcome::Booked => "UPDATE appointment SET held_until = NULL WHERE id = $1",
            Outcome::Taken => "DELETE FROM appointment WHERE id = $1",
            Outcome::NotNow | Outcome::HoldExpired => return Ok(outcome),
        };
        sqlx::query(change).bind(hold).execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(outcome)
    }
}

/// Counter, template, start, end, and until when it is held.
type Appointment = (String, String, DateTime<Utc>, DateTime<Utc>, Option<DateTime<Utc>>);

/// What is booked at a counter around `window`, or held at `now`; without the hold that is about to be booked.
async fn taken(
    connection: &mut PgConnection,
    counter: &str,
    window: Interval,
    now: DateTime<Utc>,
    but: Option<i64>,
) -> anyhow::Result<Vec<Interval>> {
    let around = window.widened(AROUND, AROUND);
    let rows: Vec<(DateTime<Utc>, DateTime<Utc>)> = sqlx::query_as(
        "SELECT lower(during), upper(during) FROM appointment
         WHERE counter = $1 AND during && tstzrange($2, $3) AND (held_until IS NULL OR held_until > $4)
           AND id IS DISTINCT FROM $5",
    )
    .bind(counter)
    .bind(around.start())
    .bind(around.end())
    .bind(now)
    .bind(but)
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(|(start, end)| Ok(Interval::new(start, end)?)).collect()
}
