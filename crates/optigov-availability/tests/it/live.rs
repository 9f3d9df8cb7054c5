//! Calendars that are kept fresh: what is entered is out of the list within two seconds, and saves are followed.

use std::time::Duration;

use optigov_availability::{Availability, AvailabilityBuilder, Counter, LiveHealth, MemorySource};
use tokio::time::{Instant, sleep};

use crate::{
    probe::{Probe, address, busy_entry, counter, municipality, over, running_clock},
    support::{Town, all_starts, days, starts},
};

const ANNA: &str = "anna@musterstadt.example";
const BEN: &str = "ben@musterstadt.example";
const CLARA: &str = "clara@musterstadt.example";
const TUESDAY: &str = "2026-11-24";
const NINE: (&str, &str) = ("2026-11-24 09:00", "2026-11-24 10:00");
const TEN: (&str, &str) = ("2026-11-24 10:00", "2026-11-24 11:00");
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const QUARTER: Duration = Duration::from_secs(90 * 86_400);

fn without(hour: &str) -> Vec<String> {
    all_starts().into_iter().filter(|start| !start.starts_with(hour)).collect()
}

async fn tuesday(availability: &Availability, id: &str) -> Vec<String> {
    let answer = availability.free_slots(&days(TUESDAY, TUESDAY).counters([id])).await.expect("the request holds");
    assert!(answer.is_known(), "{:?}", answer.counters[0].status);
    starts(&answer.counters[0])
}

fn saved(id: &str, mailboxes: &[&str]) -> Counter {
    Counter::clone(municipality(&counter(id, mailboxes, "all")).counter(id).expect("it is there"))
}

fn set_up(set: impl FnOnce(AvailabilityBuilder) -> AvailabilityBuilder) -> (Probe, Availability) {
    let source = Probe::new();
    for mailbox in [ANNA, BEN, CLARA] {
        source.set(mailbox, &[]);
    }
    let counters = [counter("s1", &[ANNA], "all"), counter("s2", &[BEN], "all")].concat();
    let availability = over(source.clone(), &counters, &running_clock("2026-11-23 07:00"), set);
    (source, availability)
}

fn counts(state: &LiveHealth) -> (usize, usize, usize, usize) {
    (state.mailboxes, state.live, state.warm, state.failing)
}

#[tokio::test(start_paused = true)]
async fn an_appointment_that_is_entered_is_out_of_the_list_within_two_seconds_without_a_poll() {
    let (source, availability) = set_up(|builder| builder);
    let fresh = availability.keep_fresh(QUARTER);
    assert_eq!(counts(&fresh.warmed().await), (2, 2, 2, 0));
    let before = source.reads();
    for _ in 0..60 {
        assert_eq!(tuesday(&availability, "s1").await, all_starts());
        sleep(10 * SECOND).await;
    }
    assert_eq!(source.reads(), before, "ten minutes of lists cost no reading");
    source.set(ANNA, &[NINE]);
    sleep(2 * SECOND).await;
    assert_eq!(source.reads(), before + 1, "the one that was touched, before anybody asked");
    assert_eq!(tuesday(&availability, "s1").await, without("09"));
    assert_eq!(source.reads(), before + 1);
    // Also for one who looks at once, and at every instant from then on.
    source.set(ANNA, &[TEN]);
    let entered = Instant::now();
    while tuesday(&availability, "s1").await != without("10") {
        assert!(entered.elapsed() < 2 * SECOND);
        sleep(Duration::from_millis(10)).await;
    }
    println!("out of the list after {:?}", entered.elapsed());
    assert_eq!(source.asked().last().map(|(mailboxes, _)| mailboxes.clone()), Some(vec![ANNA.to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn booking_checks_read_afresh_as_ever() {
    let (source, availability) = set_up(|builder| builder);
    let fresh = availability.keep_fresh(QUARTER);
    fresh.warmed().await;
    let before = source.reads();
    let handle = availability.counter("s1").expect("it exists");
    let nine = crate::support::berlin(NINE.0);
    for _ in 0..3 {
        let verdict = handle.confirm(&optigov_availability::Wanted::new(), nine).await.expect("the request holds");
        assert!(verdict.is_bookable());
    }
    assert_eq!(source.reads(), before + 3);
}

#[tokio::test(start_paused = true)]
async fn counters_that_are_saved_are_followed() {
    let (source, availability) = set_up(|builder| builder);
    let fresh = availability.keep_fresh(QUARTER);
    fresh.warmed().await;
    assert_eq!(source.watched().len(), 2);
    // A burst of saves is followed at once.
    for mailboxes in [&[ANNA][..], &[ANNA, CLARA], &[CLARA]] {
        availability.counter_saved(saved("s1", mailboxes)).await.expect("it fits");
    }
    sleep(2 * SECOND).await;
    assert_eq!(counts(&fresh.state()), (2, 2, 2, 0));
    assert_eq!(source.watched()[2..], [CLARA], "what stays is not watched anew");
    let before = source.reads();
    source.set(CLARA, &[NINE]);
    source.set(ANNA, &[TEN]);
    sleep(2 * SECOND).await;
    assert_eq!(source.reads(), before + 1, "of the removed one nothing is read");
    assert_eq!(tuesday(&availability, "s1").await, without("09"));
    assert_eq!(source.reads(), before + 1);
    // A save without another mailbox makes its readings void; they are there again before anybody asks.
    availability.counter_saved(saved("s1", &[CLARA])).await.expect("it fits");
    sleep(2 * SECOND).await;
    assert_eq!(source.reads(), before + 2);
    assert_eq!(tuesday(&availability, "s1").await, without("09"));
    assert_eq!(source.reads(), before + 2);

    let changed = [counter("s3", &[ANNA, BEN], "all"), counter("s4", &[CLARA], "all")].concat();
    availability.municipality_saved(municipality(&changed)).await.expect("it fits");
    sleep(2 * SECOND).await;
    assert_eq!(counts(&fresh.state()), (3, 3, 3, 0));
    let before = source.reads();
    assert_eq!(tuesday(&availability, "s3").await, without("10"));
    assert_eq!(source.reads(), before);
}

#[tokio::test(start_paused = true)]
async fn another_connection_is_watched_anew() {
    let (source, availability) = set_up(|builder| builder);
    let fresh = availability.keep_fresh(QUARTER);
    fresh.warmed().await;
    let text = municipality(&counter("s1", &[ANNA], "all")).to_json();
    let mut document: serde_json::Value = serde_json::from_str(&text).expect("it was written as JSON");
    document["exchange"]["account"] = "STADT\\anderes".into();
    let changed = optigov_availability::Municipality::from_json(&document.to_string()).expect("it is valid");
    availability.municipality_saved(changed).await.expect("it fits");
    sleep(2 * SECOND).await;
    assert_eq!(counts(&fresh.state()), (1, 1, 1, 0));
    assert_eq!(counts(&availability.health().live.expect("it is kept fresh")), (1, 1, 1, 0));
    let before = source.reads();
    source.set(ANNA, &[NINE]);
    sleep(2 * SECOND).await;
    assert_eq!((tuesday(&availability, "s1").await, source.reads()), (without("09"), before + 1));
}

#[tokio::test(start_paused = true)]
async fn dropping_the_guard_ends_every_task() {
    let (source, availability) = set_up(|builder| builder);
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let before = tasks();
    let fresh = availability.keep_fresh(QUARTER);
    fresh.warmed().await;
    assert!(tasks() > before);
    sleep(2 * MINUTE).await;
    drop(fresh);
    sleep(Duration::from_millis(10)).await;
    assert_eq!(tasks(), before);
    assert!(availability.health().live.is_none());
    source.set(ANNA, &[NINE]);
    assert_eq!(tuesday(&availability, "s1").await, without("09"), "what was read two minutes ago has expired");
    // Also where the facade goes first.
    let fresh = availability.keep_fresh(QUARTER);
    fresh.warmed().await;
    drop(availability);
    sleep(10 * MINUTE).await;
    assert_eq!((tasks(), counts(&fresh.state())), (before, (0, 0, 0, 0)));
}

#[tokio::test(start_paused = true)]
async fn what_was_read_stays_warm_over_midnight() {
    let (source, availability) = set_up(|builder| builder);
    let fresh = availability.keep_fresh(QUARTER);
    fresh.warmed().await;
    sleep(Duration::from_secs(17 * 3_600 - 60)).await;
    // A minute before midnight somebody asks for all that can be booked, and five minutes after it.
    let all = || days("2026-11-23", "2027-03-01");
    availability.free_slots(&all()).await.expect("the request holds");
    let before = source.reads();
    sleep(6 * MINUTE).await;
    assert!(availability.free_slots(&all()).await.expect("the request holds").is_known());
    assert!(source.reads() <= before + 2, "in the background at most");
    assert!(fresh.state().is_whole());
}

#[tokio::test(start_paused = true)]
async fn a_memory_source_is_live_by_itself() {
    let calendars = MemorySource::new();
    calendars.set(address(ANNA), vec![busy_entry(NINE.0, NINE.1)]);
    let clock = running_clock("2026-11-23 07:00");
    let availability = over(calendars.clone(), &counter("s1", &[ANNA], "all"), &clock, |builder| builder);
    let _fresh = availability.keep_fresh(QUARTER);
    sleep(10 * MINUTE).await;
    calendars.set(address(ANNA), vec![busy_entry(TEN.0, TEN.1)]);
    sleep(2 * SECOND).await;
    assert_eq!(tuesday(&availability, "s1").await, without("10"));
}

#[tokio::test(start_paused = true)]
async fn the_metrics_say_how_many_are_live_and_what_was_touched() {
    let recorder = metrics_util::debugging::DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let _recorded = metrics::set_default_local_recorder(&recorder);
    let (source, availability) = set_up(|builder| builder);
    let fresh = availability.keep_fresh(QUARTER);
    fresh.warmed().await;
    source.set(ANNA, &[NINE]);
    sleep(2 * SECOND).await;
    let found = snapshotter.snapshot().into_vec();
    let value = |name: &str, state: Option<&str>| {
        found.iter().find_map(|(key, _, _, value)| {
            let labels = || key.key().labels().any(|label| Some(label.value()) == state);
            (key.key().name() == name && (state.is_none() || labels())).then(|| format!("{value:?}"))
        })
    };
    for state in ["kept", "live", "warm"] {
        assert_eq!(value("optigov_calendar_mailboxes_kept", Some(state)).as_deref(), Some("Gauge(2.0)"));
    }
    assert_eq!(value("optigov_calendar_touched_total", None).as_deref(), Some("Counter(1)"));
}

/// Over the wire: an appointment that is entered in the simulated Exchange is out of the list within two seconds, without a poll.
#[tokio::test]
async fn what_is_entered_in_exchange_is_out_of_the_list_within_two_seconds_without_a_poll() {
    let town = Town::new(&counter("s1", &[ANNA], "all"), [optigov_exchange_simulator::Mailbox::new(ANNA)]);
    let fresh = town.availability.keep_fresh(QUARTER);
    while !fresh.state().is_whole() {
        tokio::task::yield_now().await;
    }
    assert_eq!(town.starts(TUESDAY).await, all_starts());
    let views = || town.simulator.requests().iter().filter(|request| request.operation() == Some("FindItem")).count();
    let before = views();
    let entered = std::time::Instant::now();
    let call = crate::support::entry(NINE.0, NINE.1);
    let update = town.simulator.update(|scenario| {
        scenario.mailbox_mut(ANNA).expect("it is there").entries_mut().push(call);
    });
    update.expect("the scenario holds");
    while town.starts(TUESDAY).await != without("09") {
        assert!(entered.elapsed() < 2 * SECOND, "the clock stands, so only a report can end the reading");
        tokio::task::yield_now().await;
    }
    println!("out of the list after {:?}", entered.elapsed());
    assert_eq!(views(), before + 1);
}
