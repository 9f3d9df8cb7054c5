//! Holds and bookings in a database: PostgreSQL by `sqlx`, and a simulated Exchange. It shows that two citizens who want the same slot do not both get it, that a
//! hold expires by itself, that what a clerk enters in Exchange between list and booking wins, and that the database refuses what a program forgets to check.
//!
//! It starts a server of its own in a temporary folder, and ends by itself: with status 0 where all of it holds, 1 where something does not, 2 where there is no
//! PostgreSQL.

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use chrono::{DateTime, NaiveDate, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Europe::Berlin;
use optigov_availability::{Interval, Slot};
use optigov_examples::bookings::{BookingDesk, HELD_FOR, Hold, Outcome, PostgresServer, SCHEMA};
use optigov_examples::demo::Demo;
use optigov_examples::{failure, print};
use optigov_exchange_simulator::Entry;
use sqlx::PgPool;

const COUNTER: &str = "buergerbuero-1";
const TEMPLATE: &str = "personalausweis";
/// Whose calendar the counter goes by.
const MAILBOX: &str = "schalter1@musterstadt.example";

/// Everything that is running, and what counts as now.
struct Town {
    demo: Demo,
    pool: PgPool,
    desk: BookingDesk,
    now: DateTime<Utc>,
}

#[tokio::main]
async fn main() -> ExitCode {
    optigov_examples::log_to_stderr();
    match show().await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => failure::report(&error),
    }
}

/// Whether everything holds.
async fn show() -> anyhow::Result<bool> {
    let Some(server) = PostgresServer::start().await? else { bail!("{}", PostgresServer::MISSING) };
    let now = Berlin.with_ymd_and_hms(2026, 11, 23, 8, 0, 0).single().context("a time that exists")?.to_utc();
    let demo = Demo::start(now, &[])?;
    let pool = server.connect().await?;
    sqlx::raw_sql(SCHEMA).execute(&pool).await?;
    let desk = BookingDesk::new(demo.availability().clock(move || now).build()?, pool.clone());
    let town = Town { demo, pool, desk, now };

    print("Bürgerbüro 1 in Musterstadt, Monday at 08:00. Bookings are kept in PostgreSQL.\n")?;
    let all = two_want_the_same_slot(&town).await?
        & a_hold_expires(&town).await?
        & what_a_clerk_enters_wins(&town).await?
        & the_database_refuses(&town).await?;
    Ok(all)
}

async fn two_want_the_same_slot(town: &Town) -> anyhow::Result<bool> {
    print("\n1. Two citizens see the same list, and choose the same slot at the same time.\n")?;
    let slot = town.slot(town.now).await?;
    let one_of_two = || {
        let (desk, now) = (town.desk.clone(), town.now);
        tokio::spawn(async move { desk.hold(COUNTER, TEMPLATE, slot, now).await })
    };
    let (first, second) = (one_of_two(), one_of_two());
    let holds_made: Vec<Hold> = [first.await??, second.await??].into_iter().flatten().collect();
    let next = town.slot(town.now).await?;
    let all = holds(&format!("One of them holds {}.", clock(slot)), holds_made.len() == 1)?
        & holds(&format!("The other reads: just taken, the next is {}.", clock(next)), next.start() > slot.start())?;
    let hold = holds_made.first().context("one of them has the hold")?;
    let outcome = town.desk.book(hold.id, town.now).await?;
    let again = town.desk.book(hold.id, town.now).await?;
    Ok(all
        & holds("The form is sent, and it is booked.", outcome == Outcome::Booked)?
        & holds("The form is sent twice, and it is booked once.", again == Outcome::Booked)?)
}

async fn a_hold_expires(town: &Town) -> anyhow::Result<bool> {
    print("\n2. A citizen chooses a slot and goes away.\n")?;
    let slot = town.slot(town.now).await?;
    let hold = town.desk.hold(COUNTER, TEMPLATE, slot, town.now).await?.context("the slot is free")?;
    let almost = town.now + HELD_FOR - TimeDelta::seconds(1);
    let then = town.now + HELD_FOR;
    let kept = town.slot(almost).await?.start() > slot.start();
    let back = town.slot(then).await? == slot;
    let late = town.desk.book(hold.id, then).await?;
    let other = town.desk.hold(COUNTER, TEMPLATE, slot, then).await?.context("the slot is free again")?;
    let booked = town.desk.book(other.id, then).await?;
    Ok(holds(&format!("For ten minutes nobody else is offered {}.", clock(slot)), kept)?
        & holds("Then it is in the list again.", back)?
        & holds("Whoever comes back too late is told so.", late == Outcome::HoldExpired)?
        & holds("Another citizen books it.", booked == Outcome::Booked)?)
}

async fn what_a_clerk_enters_wins(town: &Town) -> anyhow::Result<bool> {
    print("\n3. A citizen holds a slot, and a clerk enters a meeting over it in Exchange.\n")?;
    let slot = town.slot(town.now).await?;
    let hold = town.desk.hold(COUNTER, TEMPLATE, slot, town.now).await?.context("the slot is free")?;
    town.demo.simulator.update(|scenario| {
        if let Some(mailbox) = scenario.mailbox_mut(MAILBOX) {
            mailbox.entries_mut().push(Entry::timed(slot.start(), slot.end()));
        }
    })?;
    let outcome = town.desk.book(hold.id, town.now).await?;
    let next = town.slot(town.now).await?;
    Ok(holds(&format!("{} is not booked: the meeting wins.", clock(slot)), outcome == Outcome::Taken)?
        & holds(&format!("The citizen is offered {} instead.", clock(next)), next.start() > slot.start())?)
}

async fn the_database_refuses(town: &Town) -> anyhow::Result<bool> {
    print("\n4. A program writes a booking over another without asking anybody.\n")?;
    let refused = sqlx::query(
        "INSERT INTO appointment (counter, lane, template, during)
         SELECT counter, lane, template, tstzrange(lower(during) + '5 min', upper(during) + '5 min')
         FROM appointment WHERE held_until IS NULL LIMIT 1",
    )
    .execute(&town.pool)
    .await;
    let constraint = refused.err().and_then(|error| Some(error.as_database_error()?.constraint()?.to_owned()));
    holds("The database refuses it.", constraint.as_deref() == Some("one_citizen_at_a_time"))
}

impl Town {
    /// The first slot on Tuesday that is offered at `now`.
    async fn slot(&self, now: DateTime<Utc>) -> anyhow::Result<Slot> {
        let tuesday = NaiveDate::from_ymd_opt(2026, 11, 24).context("a date that exists")?;
        let window = Interval::of_dates(tuesday, tuesday, Berlin)?;
        let answer = self.desk.free(COUNTER, TEMPLATE, window, now).await?;
        answer.slots.first().context("a slot is free")
    }
}

/// `Tuesday, 08:00`, as the counter's clock shows it.
fn clock(slot: Slot) -> String {
    slot.start().with_timezone(&Berlin).format("%A, %H:%M").to_string()
}

/// Says what should hold, and whether it does.
fn holds(what: &str, does: bool) -> anyhow::Result<bool> {
    print(&format!("   {} {what}\n", if does { "yes" } else { "NO " }))?;
    Ok(does)
}
