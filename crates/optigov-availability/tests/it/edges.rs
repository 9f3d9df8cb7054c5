//! At the edges: the ends of time, nights on which clocks go back over midnight, and windows in which nothing can be booked.

use chrono::{DateTime, TimeDelta, Utc};
use optigov_availability::{Interval, SlotsRequest, Wanted};

use crate::{
    probe::{Probe, TestClock, counter, over},
    support::{berlin, days},
};

const ANNA: &str = "anna@musterstadt.example";

fn probe() -> Probe {
    let source = Probe::new();
    source.set(ANNA, &[("2026-11-24 09:00", "2026-11-24 10:00")]);
    source
}

#[tokio::test]
async fn a_window_to_the_end_of_time_blames_nothing_in_the_connection() {
    let source = probe();
    let clock = TestClock::at("2026-11-23 07:00");
    let availability = over(source.clone(), &counter("s1", &[ANNA], "all"), &clock, |builder| builder);
    for end in ["9999-12-31T00:00:00Z".parse().expect("an instant"), DateTime::<Utc>::MAX_UTC] {
        let window = Interval::new(berlin("2026-11-23 00:00"), end).expect("not empty");
        let answer = availability.free_slots(&SlotsRequest::new(window)).await.expect("the request holds");
        assert!(answer.is_known() && !answer.counters[0].slots.is_empty(), "{:?}", answer.counters[0].status);
        let (_, read) = source.asked().pop().expect("it was read");
        assert!(read.duration().as_secs() < 100 * 86_400, "as far as can be booked: {read}");
    }
}

#[tokio::test]
async fn no_instant_that_can_be_named_panics() {
    let clock = TestClock::at("2026-11-23 07:00");
    let availability = over(probe(), &counter("s1", &[ANNA], "all"), &clock, |builder| builder);
    let handle = availability.counter("s1").expect("it exists");
    for start in [DateTime::<Utc>::MIN_UTC, DateTime::UNIX_EPOCH, DateTime::<Utc>::MAX_UTC] {
        for verdict in [handle.confirm(&Wanted::new(), start).await, handle.why(&Wanted::new(), start).await] {
            let verdict = verdict.expect("it is offered");
            assert!(!verdict.is_bookable());
            assert!(!serde_json::to_string(&verdict).expect("it serialises").is_empty());
        }
    }
}

#[tokio::test]
async fn list_and_confirm_agree_where_clocks_go_back_over_midnight() {
    // Cairo and Beirut go back at midnight; Newfoundland once went back a minute after it.
    for (zone, change) in [
        ("Africa/Cairo", "2026-10-29T21:00:00Z"),
        ("Asia/Beirut", "2026-10-24T21:00:00Z"),
        ("America/St_Johns", "2010-11-07T02:31:00Z"),
    ] {
        let change: DateTime<Utc> = change.parse().expect("an instant");
        let now = change - TimeDelta::days(3);
        let all_day = counter("s1", &[ANNA], "all")
            .replace("days = \"Mo-Fr\", hours = \"08:00-12:00\"", "days = \"Mo-So\", hours = \"00:00-24:00\"")
            .replace("id = \"s1\"", &format!("id = \"s1\"\ntime_zone = \"{zone}\""));
        let source = Probe::new();
        source.set(ANNA, &[]);
        let clock = TestClock::at("2026-11-23 07:00");
        let availability = over(source, &all_day, &clock, |builder| builder.clock(move || now));
        let window = Interval::new(change - TimeDelta::days(1), change + TimeDelta::days(1)).expect("two days");
        let answer = availability.free_slots(&SlotsRequest::new(window)).await.expect("the request holds");
        let listed: Vec<_> = answer.counters[0].slots.iter().map(|slot| slot.start()).collect();
        assert!(listed.len() > 90, "{zone}: {}", listed.len());
        let handle = availability.counter("s1").expect("it exists");
        for minutes in (-180..=180).step_by(15) {
            let start = change + TimeDelta::minutes(minutes);
            let verdict = handle.confirm(&Wanted::new(), start).await.expect("it is offered");
            assert_eq!(verdict.is_bookable(), listed.contains(&start), "{zone}: {start}");
        }
    }
}

#[tokio::test]
async fn where_nothing_can_be_booked_nothing_is_read() {
    let source = probe();
    let clock = TestClock::at("2026-11-23 07:00");
    let availability = over(source.clone(), &counter("s1", &[ANNA], "all"), &clock, |builder| builder);
    // A weekend, days long gone, and 600 days beyond the horizon, one by one.
    let first = crate::support::date("2028-01-01");
    let beyond = (0..600).map(|day| (first + TimeDelta::days(day)).to_string());
    let closed = ["2026-11-28", "2026-11-29", "2026-10-05"].map(str::to_owned).into_iter().chain(beyond);
    for day in closed {
        let answer = availability.free_slots(&days(&day, &day)).await.expect("the request holds");
        assert!(answer.is_known() && answer.counters[0].slots.is_empty(), "{day}");
    }
    assert_eq!(source.reads(), 0);
}

#[tokio::test]
async fn what_became_bookable_during_the_call_is_not_offered_unread() {
    let source = probe();
    source.shut();
    let clock = TestClock::at("2026-11-23 23:59");
    let release =
        counter("s1", &[ANNA], "all").replace("[[counters]]", "[[counters]]\nbooking = { horizon = \"1 days\" }");
    let availability = over(source.clone(), &release, &clock, |builder| builder);
    let call = tokio::spawn(async move { availability.free_slots(&days("2026-11-24", "2026-11-25")).await });
    source.begun(1).await;
    // Midnight passes: the 25th enters the horizon, but only the 24th is being read.
    clock.set("2026-11-24 00:01");
    source.open();
    let answer = call.await.expect("it did not panic").expect("the request holds");
    let offered: Vec<_> = answer.counters[0].slots.iter().map(|slot| slot.start()).collect();
    assert!(!offered.is_empty() && offered.iter().all(|start| *start < berlin("2026-11-25 00:00")), "{offered:?}");
}
