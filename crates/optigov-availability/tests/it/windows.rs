//! What lists of different windows cost: one reading per mailbox for all that can be booked, and none for what cannot.

use chrono::Days;
use optigov_exchange_simulator::Mailbox;

use crate::{
    probe::{Probe, TestClock, counter, over},
    support::{Town, date, days},
};

const ANNA: &str = "anna@musterstadt.example";
const BEN: &str = "ben@musterstadt.example";

fn views(town: &Town) -> usize {
    town.simulator.requests().iter().filter(|request| request.operation() == Some("FindItem")).count()
}

#[tokio::test]
async fn paging_through_the_months_costs_exchange_nothing_after_the_first_page() {
    let counters = [counter("s1", &[ANNA], "all"), counter("s2", &[ANNA, BEN], "all")].concat();
    let town = Town::new(&counters, [Mailbox::new(ANNA), Mailbox::new(BEN)]);
    for (first, last) in [("2026-11-23", "2026-11-30"), ("2026-12-01", "2026-12-31"), ("2027-01-01", "2027-01-31")] {
        assert!(town.answer(first, last).await.is_known());
    }
    assert_eq!(views(&town), 2, "one for each mailbox");
    let asked = town.asked().len();
    for day in 0..70 {
        let day = (date("2026-11-20") + Days::new(day)).to_string();
        for template in ["ausweis", "lang"] {
            // Only the first is offered; the other one's list is refused before anything is read.
            drop(town.availability.free_slots(&days(&day, &day).counters(["s2"]).template(template)).await);
        }
        assert!(town.answer(&day, &day).await.is_known());
    }
    assert_eq!(town.asked().len(), asked);
}

#[tokio::test]
async fn lists_of_days_beyond_the_horizon_cost_no_request() {
    let town = Town::new(&counter("s1", &[ANNA], "all"), [Mailbox::new(ANNA)]);
    for day in 61..661 {
        let day = (date("2026-11-23") + Days::new(day)).to_string();
        let answer = town.answer(&day, &day).await;
        assert_eq!((answer.is_known(), answer.counters[0].slots.len()), (true, 0));
    }
    assert_eq!(town.simulator.requests().len(), 0, "not even the credential was proven");
    // Nor do days on which nothing is open, nor those that are over.
    for day in ["2026-11-28", "2026-11-29", "2026-11-20"] {
        assert!(town.answer(day, day).await.is_known());
    }
    assert_eq!(town.simulator.requests().len(), 0);
}

#[tokio::test]
async fn the_list_of_tomorrow_is_served_by_what_was_read_today() {
    let (source, clock) = (Probe::new(), TestClock::at("2026-11-23 23:59"));
    source.set(ANNA, &[]);
    let availability = over(source.clone(), &counter("s1", &[ANNA], "all"), &clock, |builder| builder);
    let horizon = || days("2026-11-23", "2027-03-01");
    let before = availability.free_slots(&horizon()).await.expect("the request holds");
    clock.advance(std::time::Duration::from_secs(30));
    let same_day = availability.free_slots(&horizon()).await.expect("the request holds");
    assert_eq!(before.counters[0].slots.len(), same_day.counters[0].slots.len());
    clock.advance(std::time::Duration::from_secs(23));
    assert!(availability.free_slots(&horizon()).await.expect("the request holds").is_known());
    clock.set("2026-11-24 00:00");
    let after = availability.free_slots(&horizon()).await.expect("the request holds");
    assert!(after.is_known());
    let last = |answer: &optigov_availability::Answer| answer.counters[0].slots.iter().last().map(|slot| slot.start());
    assert!(last(&after) >= last(&before), "the horizon has moved on");
    assert!(source.reads() <= 2, "at most for its age, not for its window: {}", source.reads());
    assert!(source.asked().iter().all(|(_, window)| window.duration().as_secs() < 70 * 86_400));
}

#[tokio::test]
async fn a_long_horizon_is_read_in_a_few_pages() {
    let source = Probe::new();
    source.set(ANNA, &[]);
    let long = counter("s1", &[ANNA], "all").replace("[[counters]]", "[[counters]]\nbooking = { horizon = \"365d\" }");
    let availability = over(source.clone(), &long, &TestClock::at("2026-11-23 07:00"), |builder| builder);
    for day in 0..365 {
        let day = (date("2026-11-23") + Days::new(day)).to_string();
        assert!(availability.free_slots(&days(&day, &day)).await.expect("the request holds").is_known());
    }
    println!("365 lists of a day in a horizon of a year: {} readings", source.reads());
    assert!(source.reads() <= 6, "{}", source.reads());
}
