//! A whole configuration is saved: what changed counts at once, what did not is left alone.

use optigov_availability::{Availability, Municipality};

use crate::{
    probe::{Probe, TestClock, counter, municipality, over},
    support::{all_starts, days, starts},
};

const ANNA: &str = "anna@musterstadt.example";
const BEN: &str = "ben@musterstadt.example";
const TUESDAY: &str = "2026-11-24";
const NINE: (&str, &str) = ("2026-11-24 09:00", "2026-11-24 10:00");
const TEN: (&str, &str) = ("2026-11-24 10:00", "2026-11-24 11:00");

fn without(hour: &str) -> Vec<String> {
    all_starts().into_iter().filter(|start| !start.starts_with(hour)).collect()
}

fn town(counters: &[String]) -> Municipality {
    municipality(&counters.concat())
}

fn set_up() -> (Probe, Availability) {
    let source = Probe::new();
    source.set(ANNA, &[NINE]);
    source.set(BEN, &[TEN]);
    let counters = [counter("s1", &[ANNA], "all"), counter("s2", &[BEN], "all")].concat();
    let availability = over(source.clone(), &counters, &TestClock::at("2026-11-23 07:00"), |builder| builder);
    (source, availability)
}

async fn listed(availability: &Availability) -> Vec<(String, Vec<String>)> {
    let answer = availability.free_slots(&days(TUESDAY, TUESDAY)).await.expect("the request holds");
    answer.counters.iter().map(|counter| (counter.id.clone(), starts(counter))).collect()
}

#[tokio::test]
async fn counters_that_are_added_changed_and_removed_count_at_once() {
    let (source, availability) = set_up();
    listed(&availability).await;
    assert_eq!(source.reads(), 2);

    let changed = [counter("s2", &[BEN], "all"), counter("s3", &[ANNA, BEN], "all")];
    availability.municipality_saved(town(&changed)).await.expect("it fits");
    let both = all_starts().into_iter().filter(|start| !start.starts_with("09") && !start.starts_with("10")).collect();
    assert_eq!(listed(&availability).await, [("s2".to_owned(), without("10")), ("s3".to_owned(), both)]);
    assert!(availability.counter("s1").is_err_and(|error| error.is_unknown_counter()), "it was removed");
    assert_eq!(source.reads(), 4, "what the changed counters use was read anew");
}

#[tokio::test]
async fn a_counter_that_did_not_change_keeps_its_readings() {
    let (source, availability) = set_up();
    listed(&availability).await;
    let changed = [counter("s1", &[ANNA], "all"), counter("s2", &[BEN], "all").replace("12:00", "11:00")];
    availability.municipality_saved(town(&changed)).await.expect("it fits");
    let early = |starts: Vec<String>| starts.into_iter().filter(|start| start.as_str() < "10").collect::<Vec<_>>();
    assert_eq!(listed(&availability).await, [("s1".to_owned(), without("09")), ("s2".to_owned(), early(all_starts()))]);
    let read: Vec<Vec<String>> = source.asked().into_iter().map(|(mailboxes, _)| mailboxes).collect();
    assert_eq!(read, [[ANNA], [BEN], [BEN]]);
}

#[tokio::test]
async fn templates_and_holidays_that_are_saved_hold_at_once() {
    let (_, availability) = set_up();
    let text = town(&[counter("s1", &[ANNA], "all")]).to_json();
    let mut document: serde_json::Value = serde_json::from_str(&text).expect("it was written as JSON");
    document["templates"][0]["length"] = "1h".into();
    document["holidays"] = serde_json::json!({ "add": [{ "on": "2026-11-25", "name": "Stadtfest" }] });
    let changed = Municipality::from_json(&document.to_string()).unwrap_or_else(|faults| panic!("{faults}"));
    availability.municipality_saved(changed).await.expect("it fits");
    assert_eq!(listed(&availability).await, [("s1".to_owned(), vec!["08:00".into(), "10:00".into(), "11:00".into()])]);
    let holiday = availability.free_slots(&days("2026-11-25", "2026-11-25")).await.expect("the request holds");
    assert_eq!(holiday.counters[0].slots.len(), 0);
}

#[tokio::test]
async fn a_handle_sees_what_is_saved_and_saves_its_own_counter_only() {
    let (_, availability) = set_up();
    let handle = availability.counter("s1").expect("it exists");
    let other = town(&[counter("s2", &[ANNA], "all")]);
    let other = optigov_availability::Counter::clone(other.counter("s2").expect("it is there"));
    assert!(handle.save(other).await.is_err_and(|error| error.is_setup()), "another counter's entry");
    let changed = town(&[counter("s1", &[BEN], "all")]);
    let changed = optigov_availability::Counter::clone(changed.counter("s1").expect("it is there"));
    handle.save(changed).await.expect("it fits");
    let window = optigov_availability::Interval::of_dates(
        TUESDAY.parse().expect("a date"),
        TUESDAY.parse().expect("a date"),
        chrono_tz::Europe::Berlin,
    );
    let answer = handle.free_slots(&optigov_availability::Wanted::new(), window.expect("a day")).await;
    assert_eq!(starts(&answer.expect("it is offered")), without("10"));
}
