//! Holds and bookings in PostgreSQL, with calendars read from a simulated Exchange. Now is a Monday at 08:00 in Musterstadt.
//!
//! Where the machine has no PostgreSQL, a test says so and passes; with `OPTIGOV_POSTGRES=required` it fails.

use std::env;
use std::io::Write as _;

use chrono::{DateTime, NaiveDate, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Europe::Berlin;
use futures_util::future::join_all;
use optigov_availability::{Availability, Counter, Interval, Slot};
use optigov_examples::bookings::{BookingDesk, HELD_FOR, Hold, Outcome, PostgresServer, SCHEMA};
use optigov_examples::demo::Demo;
use optigov_exchange_simulator::{Entry, Simulator};
use sqlx::PgPool;

const COUNTER: &str = "buergerbuero-1";
const TEMPLATE: &str = "personalausweis";

struct Town {
    desk: BookingDesk,
    availability: Availability,
    pool: PgPool,
    demo: Demo,
    _server: PostgresServer,
}

fn now() -> DateTime<Utc> {
    Berlin.with_ymd_and_hms(2026, 11, 23, 8, 0, 0).single().expect("a time that exists").to_utc()
}

/// `None` where there is no PostgreSQL.
async fn town() -> Option<Town> {
    let Some(server) = PostgresServer::start().await.expect("the server comes up") else {
        assert_ne!(env::var("OPTIGOV_POSTGRES").as_deref(), Ok("required"), "{}", PostgresServer::MISSING);
        writeln!(std::io::stderr(), "NOT RUN: {}", PostgresServer::MISSING).expect("standard error");
        return None;
    };
    let demo = Demo::start(now(), &[]).expect("the demo");
    let availability = demo.availability().clock(now).build().expect("the facade");
    let pool = server.connect().await.expect("connections");
    sqlx::raw_sql(SCHEMA).execute(&pool).await.expect("the schema");
    let desk = BookingDesk::new(availability.clone(), pool.clone());
    Some(Town { desk, availability, pool, demo, _server: server })
}

impl Town {
    async fn slots(&self, now: DateTime<Utc>) -> Vec<Slot> {
        let tuesday = NaiveDate::from_ymd_opt(2026, 11, 24).expect("a date");
        let window = Interval::of_dates(tuesday, tuesday, Berlin).expect("a day");
        self.desk.free(COUNTER, TEMPLATE, window, now).await.expect("a list").slots.iter().collect()
    }

    /// What so many citizens get who want the same slot at the same moment, each on a thread and a connection of its own.
    async fn race(&self, citizens: usize, slot: Slot, now: DateTime<Utc>) -> Vec<Hold> {
        let start = std::sync::Arc::new(tokio::sync::Barrier::new(citizens));
        let tasks = (0..citizens).map(|_| {
            let (desk, start) = (self.desk.clone(), start.clone());
            tokio::spawn(async move {
                start.wait().await;
                desk.hold(COUNTER, TEMPLATE, slot, now).await.expect("an answer")
            })
        });
        join_all(tasks).await.into_iter().filter_map(|hold| hold.expect("no panic")).collect()
    }

    async fn hold(&self, slot: Slot, now: DateTime<Utc>) -> Option<Hold> {
        self.desk.hold(COUNTER, TEMPLATE, slot, now).await.expect("an answer")
    }

    async fn book(&self, hold: Hold, now: DateTime<Utc>) -> Outcome {
        self.desk.book(hold.id, now).await.expect("an answer")
    }

    async fn save(&self, change: impl FnOnce(&mut serde_json::Value)) {
        let counter = self.availability.municipality().counter(COUNTER).expect("the counter").to_json();
        let mut entry = serde_json::from_str(&counter).expect("JSON");
        change(&mut entry);
        let counter = Counter::from_json(&entry.to_string()).expect("a counter");
        self.availability.counter_saved(counter).await.expect("saved");
    }

    async fn rows(&self) -> i64 {
        let (rows,) = sqlx::query_as("SELECT count(*) FROM appointment").fetch_one(&self.pool).await.expect("a count");
        rows
    }
}

fn enter(simulator: &Simulator, slot: Slot) {
    let entered = simulator.update(|scenario| {
        let mailbox = scenario.mailbox_mut("schalter1@musterstadt.example").expect("the mailbox");
        mailbox.entries_mut().push(Entry::timed(slot.start(), slot.end()));
    });
    entered.expect("entered");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_racing_citizens_exactly_one_gets_the_slot() {
    let Some(town) = town().await else { return };
    for slot in town.slots(now()).await {
        let holds = town.race(2, slot, now()).await;
        assert_eq!(holds.len(), 1, "{slot:?}");
        assert_eq!(town.book(holds[0], now()).await, Outcome::Booked);
        assert!(!town.slots(now()).await.contains(&slot), "what is booked is not offered");
    }
    assert_eq!(town.slots(now()).await, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn as_many_get_a_slot_as_the_counter_has_places() {
    let Some(town) = town().await else { return };
    town.save(|entry| entry["capacity"] = 2.into()).await;
    let slot = town.slots(now()).await[0];
    let holds = town.race(5, slot, now()).await;
    assert_eq!(holds.len(), 2);
    assert!(!town.slots(now()).await.contains(&slot));
    for hold in holds {
        assert_eq!(town.book(hold, now()).await, Outcome::Booked);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hold_counts_until_it_expires_and_no_longer() {
    let Some(town) = town().await else { return };
    let slot = town.slots(now()).await[0];
    let left = town.hold(slot, now()).await.expect("free");
    let (almost, then) = (now() + HELD_FOR - TimeDelta::seconds(1), now() + HELD_FOR);
    assert!(!town.slots(almost).await.contains(&slot));
    assert!(town.hold(slot, almost).await.is_none());
    assert!(town.slots(then).await.contains(&slot));
    assert_eq!(town.book(left, then).await, Outcome::HoldExpired);
    // The expired hold makes room at once, for one of those who want it.
    let holds = town.race(2, slot, then).await;
    assert_eq!(holds.len(), 1);
    assert_eq!(town.book(holds[0], then).await, Outcome::Booked);
    assert_eq!((town.rows().await, town.book(left, then).await), (1, Outcome::HoldExpired));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_clerk_enters_between_list_and_booking_wins() {
    let Some(town) = town().await else { return };
    let slot = town.slots(now()).await[0];
    let hold = town.hold(slot, now()).await.expect("free");
    enter(&town.demo.simulator, slot);
    assert_eq!(town.book(hold, now()).await, Outcome::Taken);
    assert_eq!(town.rows().await, 0, "the hold is given back");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_four_who_book_at_once_one_gets_the_last_appointment_of_the_day() {
    let Some(town) = town().await else { return };
    let slots = town.slots(now()).await;
    let mut holds = Vec::new();
    for slot in slots.into_iter().take(4) {
        holds.push(town.hold(slot, now()).await.expect("free"));
    }
    town.save(|entry| entry["booking"]["day_limit"] = 1.into()).await;
    // Nobody has a head start by a connection that is open already.
    drop(join_all((0..4).map(|_| town.pool.acquire())).await);
    let outcomes = join_all(holds.into_iter().map(|hold| {
        let desk = town.desk.clone();
        tokio::spawn(async move { desk.book(hold.id, now()).await.expect("an answer") })
    }));
    let outcomes: Vec<Outcome> = outcomes.await.into_iter().map(|outcome| outcome.expect("no panic")).collect();
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Outcome::Booked).count(), 1, "{outcomes:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_booking_waits_for_the_one_before_it_at_the_same_counter() {
    let Some(town) = town().await else { return };
    let hold = town.hold(town.slots(now()).await[0], now()).await.expect("free");
    let mut before = town.pool.begin().await.expect("a transaction");
    let lock = sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))").bind(COUNTER);
    lock.execute(&mut *before).await.expect("the counter's lock");
    let desk = town.desk.clone();
    let booking = tokio::spawn(async move { desk.book(hold.id, now()).await.expect("an answer") });
    let mut waits = false;
    while !waits {
        assert!(!booking.is_finished(), "it does not wait");
        let row = sqlx::query_as("SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)");
        (waits,) = row.fetch_one(&town.pool).await.expect("the locks");
    }
    before.rollback().await.expect("the end of the one before");
    assert_eq!(booking.await.expect("no panic"), Outcome::Booked);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_that_is_sent_twice_books_once() {
    let Some(town) = town().await else { return };
    let slot = town.slots(now()).await[0];
    let hold = town.hold(slot, now()).await.expect("free");
    let (first, second) = tokio::join!(town.book(hold, now()), town.book(hold, now()));
    assert_eq!((first, second, town.rows().await), (Outcome::Booked, Outcome::Booked, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_exchange_nothing_is_booked_and_the_hold_stays() {
    let Some(town) = town().await else { return };
    let slot = town.slots(now()).await[0];
    let hold = town.hold(slot, now()).await.expect("free");
    let Town { desk, pool, demo, _server, .. } = town;
    drop(demo);
    assert_eq!(desk.book(hold.id, now()).await.expect("an answer"), Outcome::NotNow);
    let (rows,): (i64,) = sqlx::query_as("SELECT count(*) FROM appointment").fetch_one(&pool).await.expect("a count");
    assert_eq!(rows, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_database_refuses_what_overlaps_and_takes_what_only_touches() {
    let Some(town) = town().await else { return };
    let insert = |from: &'static str, to: &'static str| {
        sqlx::query(
            "INSERT INTO appointment (counter, lane, template, during)
             VALUES ('s', 0, 't', tstzrange($1::text::timestamptz, $2::text::timestamptz))",
        )
        .bind(from)
        .bind(to)
        .execute(&town.pool)
    };
    insert("2026-11-24 09:00Z", "2026-11-24 09:20Z").await.expect("free");
    insert("2026-11-24 09:20Z", "2026-11-24 09:40Z").await.expect("it only touches");
    let refused = insert("2026-11-24 09:10Z", "2026-11-24 09:30Z").await.expect_err("it overlaps");
    let constraint = refused.as_database_error().and_then(|error| error.constraint());
    assert_eq!(constraint, Some("one_citizen_at_a_time"));
}
