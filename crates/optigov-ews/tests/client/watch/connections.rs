//! How many connections hang, and what happens where that is too few.

use std::{collections::BTreeSet, time::Duration};

use optigov_calendar::{Change, ReadErrorKind};
use optigov_exchange_simulator::{Simulator, Streaming};

use super::support::{StoppedClock, Watching, mailbox, setup, touch, town, watch, watch_these};

/// What is told until so many mailboxes are watched and so many lost.
async fn live_and_lost(watching: &mut Watching, live: usize, lost: usize) -> (BTreeSet<usize>, String) {
    let (mut told_live, mut told_lost) = (BTreeSet::new(), BTreeSet::new());
    let mut reasons = String::new();
    while told_live.len() < live || told_lost.len() < lost {
        match watching.next().await {
            Change::Watching(mailboxes) => told_live.extend(mailboxes),
            Change::Lost { mailboxes, error } => {
                told_lost.extend(mailboxes);
                reasons += &format!("{} {:?} ", error.kind().as_str(), error.code());
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(told_live.is_disjoint(&told_lost));
    ((0..live + lost).filter(|at| told_live.contains(&mailbox(*at))).collect(), reasons)
}

#[tokio::test]
async fn mailboxes_without_a_place_are_lost_and_say_what_to_raise() {
    let simulator = Simulator::start(town(450).plain_http()).expect("a simulator");
    let settings =
        |settings: &mut optigov_calendar::EwsSettings| settings.hanging_connections = 2.try_into().expect("some");
    let client = setup(&simulator).settings(settings).build();
    let mut watching = watch(&client, 450);
    let (live, reasons) = live_and_lost(&mut watching, 400, 50).await;
    assert_eq!(live.len(), 400);
    assert!(reasons.contains(ReadErrorKind::LimitReached.as_str()), "{reasons}");
    assert_eq!((simulator.streams(), simulator.most_streams(), simulator.subscriptions()), (2, 2, 400));
}

#[tokio::test]
async fn a_place_that_becomes_free_goes_to_those_who_wait() {
    let simulator = Simulator::start(town(300).plain_http()).expect("a simulator");
    let settings =
        |settings: &mut optigov_calendar::EwsSettings| settings.hanging_connections = 1.try_into().expect("some");
    let client = setup(&simulator).settings(settings).build();
    let mut first = watch_these(&client, 0..200);
    first.all_are_live().await;
    let clock = StoppedClock::new();
    let mut second = watch_these(&client, 200..300);
    second.lost(100).await;
    drop(first);
    clock.advance_until(Duration::from_millis(100), second.all_are_live()).await;
    assert_eq!(simulator.most_streams(), 1);
}

#[tokio::test]
async fn the_servers_limit_is_learned() {
    let simulator =
        Simulator::start(town(600).plain_http().streaming(Streaming::new().connections(2))).expect("a simulator");
    let client = setup(&simulator).build();
    let mut watching = watch(&client, 600);
    let (live, reasons) = live_and_lost(&mut watching, 400, 200).await;
    assert!(live.len() == 400 && reasons.contains("ErrorExceededConnectionCount"), "{reasons}");
    let clock = StoppedClock::new();
    let asked = |simulator: &Simulator| {
        let requests = simulator.requests();
        requests.iter().filter(|request| request.operation() == Some("GetStreamingEvents")).count()
    };
    assert_eq!(asked(&simulator), 3);
    // Minutes later nothing more has been tried.
    for _ in 0..6 {
        clock.advance(Duration::from_secs(60)).await;
        let first = *live.iter().next().expect("some");
        let last = *live.iter().last().expect("some");
        for at in [first, last] {
            touch(&simulator, at);
            loop {
                match watching.next().await {
                    Change::Touched(touched) => break assert_eq!(touched, mailbox(at)),
                    // Now they wait for a place.
                    Change::Lost { mailboxes, .. } => assert!(live.iter().all(|at| !mailboxes.contains(&mailbox(*at)))),
                    other => panic!("{other:?}"),
                }
            }
        }
    }
    assert_eq!(asked(&simulator), 3, "the limit is remembered");
}
