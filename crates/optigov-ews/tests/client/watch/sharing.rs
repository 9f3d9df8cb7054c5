//! Several streams of one client.

use std::time::Duration;

use futures_util::future;
use optigov_calendar::Change;
use optigov_exchange_simulator::Simulator;

use super::support::{StoppedClock, Watching, mailbox, setup, touch, town, watch, watch_these};

fn asked(simulator: &Simulator, operation: &str) -> usize {
    simulator.requests().iter().filter(|request| request.operation() == Some(operation)).count()
}

#[tokio::test]
async fn streams_share_subscriptions_and_connections_and_each_hears_of_its_own() {
    let simulator = Simulator::start(town(4)).expect("a simulator");
    let client = setup(&simulator).build();
    let mut first = watch(&client, 3);
    first.all_are_live().await;
    let clock = StoppedClock::new();
    let mut second = watch_these(&client.clone(), 1..4);
    second.are_live([mailbox(1), mailbox(2)]).await;
    clock.advance_until(Duration::from_millis(100), second.are_live([mailbox(3)])).await;
    assert_eq!((asked(&simulator, "Subscribe"), simulator.subscriptions()), (4, 4));
    simulator.streams_become(|streams, _| streams <= 2).await;

    for at in [1, 2] {
        touch(&simulator, at);
        assert_eq!(first.next().await, Change::Touched(mailbox(at)));
        assert_eq!(second.next().await, Change::Touched(mailbox(at)));
    }
    touch(&simulator, 0);
    assert_eq!(first.next().await, Change::Touched(mailbox(0)));
    touch(&simulator, 3);
    assert_eq!(second.next().await, Change::Touched(mailbox(3)), "and nothing of the first one's own");

    drop(first);
    simulator.streams_become(|_, subscriptions| subscriptions == 3).await;
    touch(&simulator, 1);
    assert_eq!(second.next().await, Change::Touched(mailbox(1)), "what both wanted is watched on");
    drop(second);
    simulator.streams_become(|streams, subscriptions| streams == 0 && subscriptions == 0).await;
    assert_eq!(asked(&simulator, "Unsubscribe"), 4);
}

#[tokio::test]
async fn many_streams_of_one_mailbox_each_need_one_connection() {
    let clock = StoppedClock::new();
    let simulator = Simulator::start(town(30)).expect("a simulator");
    let client = setup(&simulator).build();
    let mut streams: Vec<_> = (0..30).map(|at| watch_these(&client, [at])).collect();
    let all_are_live = future::join_all(streams.iter_mut().map(Watching::all_are_live));
    clock.advance_until(Duration::from_millis(100), all_are_live).await;
    assert_eq!(simulator.subscriptions(), 30);
    assert!(asked(&simulator, "GetStreamingEvents") <= 6, "{}", asked(&simulator, "GetStreamingEvents"));
}

#[tokio::test]
async fn watching_begins_anew_after_the_last_stream_has_gone() {
    let clock = StoppedClock::new();
    let simulator = Simulator::start(town(2)).expect("a simulator");
    let client = setup(&simulator).build();
    for _ in 0..3 {
        let mut watching = watch(&client, 2);
        clock.advance_until(Duration::from_millis(100), watching.all_are_live()).await;
        touch(&simulator, 1);
        assert_eq!(watching.next().await, Change::Touched(mailbox(1)));
        drop(watching);
        simulator.streams_become(|streams, subscriptions| streams == 0 && subscriptions == 0).await;
    }
}

#[tokio::test]
async fn a_stream_outlives_the_client_that_made_it() {
    let simulator = Simulator::start(town(1)).expect("a simulator");
    let mut watching = watch(&setup(&simulator).build(), 1);
    watching.all_are_live().await;
    touch(&simulator, 0);
    assert_eq!(watching.next().await, Change::Touched(mailbox(0)));
}
