//! The engine alone: no network, no configuration. A counter with a calendar and some bookings is drawn as a chart of one week.
//!
//! ```text
//! cargo run --example slot_engine
//! cargo run --example slot_engine -- --why 2027-03-23T09:30
//! cargo run --example slot_engine -- --week 2026-10-19 --buffer 0 --step 20
//! ```
//!
//! Exit status: 0, or 2 for a bad command line.

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::{Europe::Berlin, Tz};
use clap::Parser;
use optigov_slots::{
    Busy, Exception, Interval, IntervalSet, Lead, OpenWindows, Resources, Rule, SlotRules, Slots, Timetable, Weekdays,
};
use optigov_tool::counted;

const ZONE: Tz = Berlin;
/// The chart's hours, and the minutes of one column.
const HOURS: std::ops::Range<u64> = 7..19;
const COLUMN: u64 = 10;

/// Draws a week of a counter: open, busy, buffer, bookable.
#[derive(Parser)]
#[command(name = "slot_engine")]
struct Arguments {
    /// Any date of the week to show.
    #[arg(long, default_value = "2027-03-22")]
    week: NaiveDate,
    /// The present, as RFC 3339 or as local time. Default: Monday of that week, 08:15.
    #[arg(long, value_parser = instant)]
    now: Option<DateTime<Utc>>,
    /// The length of an appointment in minutes.
    #[arg(long, default_value_t = 30)]
    length: u64,
    /// From one possible start to the next, in minutes.
    #[arg(long, default_value_t = 10)]
    step: u64,
    /// Minutes before and after an appointment in which nothing else may be.
    #[arg(long, default_value_t = 10)]
    buffer: u64,
    /// Say why an appointment can or cannot start then, as RFC 3339 or as local time, instead of drawing the chart.
    #[arg(long, value_parser = instant)]
    why: Option<DateTime<Utc>>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let far = || format!("{} is too far away", arguments.week);
    let monday = arguments.week.checked_sub_days(Days::new(u64::from(arguments.week.weekday().num_days_from_monday())));
    let monday = monday.ok_or_else(far)?;
    let sunday = monday.checked_add_days(Days::new(6)).ok_or_else(far)?;
    let now = arguments.now.unwrap_or_else(|| at(monday, 8, 15));
    let window = Interval::of_dates(monday, sunday, ZONE)?;
    let open = timetable(monday)?.open_windows(window, None);
    let buffer = Duration::from_secs(arguments.buffer.saturating_mul(60));
    let rules = SlotRules::builder(Duration::from_secs(arguments.length.saturating_mul(60)))
        .step(Duration::from_secs(arguments.step.saturating_mul(60)))
        .buffer_before(buffer)
        .buffer_after(buffer)
        .lead(Lead::Time(Duration::from_hours(2)))
        .horizon_days(60)
        .build()?;
    let (calendar, bookings) = (calendar(monday), bookings(monday));
    let slots = open.slots(&rules, &Resources::one(&calendar), &Busy::from(&bookings), now);

    let mut out = io::stdout().lock();
    match arguments.why {
        Some(start) => explain(&mut out, &slots, start)?,
        None => {
            let taken = calendar.union(&bookings);
            let buffers: IntervalSet = taken.iter().map(|i| i.widened(buffer, buffer)).collect();
            draw(&mut out, &slots, &taken, &buffers)?;
        }
    }
    Ok(())
}

/// A morning each day, a long Thursday, every first Saturday of a month; closed on Good Friday, short on Tuesday.
fn timetable(monday: NaiveDate) -> Result<Timetable, optigov_slots::Error> {
    Timetable::builder(ZONE)
        .rule(Rule::weekly(Weekdays::MONDAY_TO_FRIDAY).hours("08:00-12:00".parse()?))
        .rule(Rule::weekly(Weekdays::MONDAY | Weekdays::TUESDAY).hours("13:00-16:00".parse()?))
        .rule(Rule::weekly(Weekdays::THURSDAY).hours("13:00-18:00".parse()?))
        .rule(Rule::weekly(Weekdays::SATURDAY).nth_of_month(1).hours("09:00-12:00".parse()?))
        .holidays(NaiveDate::from_ymd_opt(2027, 3, 26))
        .exception(Exception::other_hours(monday + Days::new(1), ["08:00-12:00".parse()?, "14:00-16:00".parse()?]))
        .build()
}

/// What the mailbox of the counter holds: a weekly meeting, an errand, an afternoon off.
fn calendar(monday: NaiveDate) -> IntervalSet {
    [(0, (8, 0), (9, 30)), (1, (9, 50), (10, 5)), (3, (13, 0), (15, 20)), (3, (14, 30), (15, 45))]
        .into_iter()
        .filter_map(|(day, from, until)| entry(monday + Days::new(day), from, until))
        .collect()
}

/// What citizens have booked already.
fn bookings(monday: NaiveDate) -> IntervalSet {
    [(0, (14, 0), (14, 30)), (1, (8, 0), (8, 30)), (2, (10, 0), (10, 30)), (3, (11, 0), (11, 30))]
        .into_iter()
        .filter_map(|(day, from, until)| entry(monday + Days::new(day), from, until))
        .collect()
}

fn entry(date: NaiveDate, from: (u32, u32), until: (u32, u32)) -> Option<Interval> {
    Interval::new(at(date, from.0, from.1), at(date, until.0, until.1)).ok()
}

/// A local time as an instant; by day, every one exists once.
fn at(date: NaiveDate, hour: u32, minute: u32) -> DateTime<Utc> {
    let local = date.and_hms_opt(hour, minute, 0).unwrap_or_default();
    ZONE.from_local_datetime(&local).earliest().map_or_else(|| local.and_utc(), |local| local.to_utc())
}

fn instant(text: &str) -> Result<DateTime<Utc>, String> {
    if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
        return Ok(instant.to_utc());
    }
    let local =
        ["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"].iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok());
    let local = local.ok_or("write 2027-03-23T09:30 (local time) or 2027-03-23T08:30:00Z")?;
    let instant = ZONE.from_local_datetime(&local).earliest();
    instant.map(|instant| instant.to_utc()).ok_or_else(|| format!("clocks in {ZONE} never show {local}"))
}

fn draw(out: &mut impl Write, slots: &Slots, taken: &IntervalSet, buffers: &IntervalSet) -> io::Result<()> {
    let open = slots.open_windows();
    writeln!(
        out,
        "{} in {ZONE}, seen on {}\n",
        counted(slots.len(), "slot", "slots"),
        slots.now().with_timezone(&ZONE).format("%a %d %b %Y, %H:%M")
    )?;
    let columns = 60 / COLUMN as usize;
    let hours: String = HOURS.map(|hour| format!("{:<columns$}", format!("{hour:02}"))).collect();
    writeln!(out, "            {hours} slots")?;
    for (date, count) in slots.counts_per_day() {
        write!(out, "{}  ", date.format("%a %d %b"))?;
        for minute in (HOURS.start * 60..HOURS.end * 60).step_by(COLUMN as usize) {
            write!(out, "{}", mark(slots, open, taken, buffers, at(date, minute as u32 / 60, minute as u32 % 60)))?;
        }
        writeln!(out, "  {count}")?;
    }
    writeln!(
        out,
        "\n            ● an appointment can start   ─ open, but none can   █ busy or booked   ▒ too near to it   · closed"
    )
}

/// What most deserves to be seen of one column's time.
fn mark(slots: &Slots, open: &OpenWindows, taken: &IntervalSet, buffers: &IntervalSet, from: DateTime<Utc>) -> char {
    let until = from + TimeDelta::minutes(COLUMN as i64);
    let Ok(column) = Interval::new(from, until) else { return ' ' };
    if slots.iter_from(from).next().is_some_and(|slot| slot.start() < until) {
        '●'
    } else if taken.overlaps(column) {
        '█'
    } else if !open.windows().overlaps(column) {
        '·'
    } else if buffers.overlaps(column) {
        '▒'
    } else {
        '─'
    }
}

fn explain(out: &mut impl Write, slots: &Slots, start: DateTime<Utc>) -> io::Result<()> {
    let shown = start.with_timezone(&ZONE).format("%a %d %b %Y, %H:%M");
    let reasons = slots.why(start);
    if reasons.is_empty() {
        return writeln!(out, "{shown}: can be booked");
    }
    writeln!(out, "{shown}: cannot be booked")?;
    for reason in reasons {
        writeln!(out, "  - {reason}")?;
    }
    match slots.iter_from(start).next() {
        Some(next) => {
            writeln!(out, "The next that can: {}", next.start().with_timezone(&ZONE).format("%a %d %b %Y, %H:%M"))
        }
        None => writeln!(out, "No later one of this week can."),
    }
}
