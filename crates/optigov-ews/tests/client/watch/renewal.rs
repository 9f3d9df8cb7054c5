//! Streams are replaced before their time is over.

use std::time::Duration;

use optigov_calendar::{Change, ReadErrorKind};
use optigov_exchange_simulator::{Simulator, Streaming};

use super::support::{StoppedClock, Watching, mailbox, setup, touch, town, watch};

const STEP: Duration = Duration::from_secs(6);

fn asked(simulator: &Simulator) -> usize {
    simulator.requests().iter().filter(|request| request.operation() == Some("GetStreamingEvents")).count()
}

/// Lets so many minutes pass, in steps that are short beside a renewal; each time something is changed, and has to be told.
async fn minutes_pass(clock: &StoppedClock, simulator: &Simulator, watching: &mut Watching, minutes: usize) {
    for step in 0..minutes * 10 {
        clock.advance(STEP).await;
        touch(simulator, step % 3);
        assert_eq!(watching.next().await, Change::Touched(mailbox(step % 3)), "in minute {}", step / 10);
    }
}

#[tokio::test]
async fn renewals_overlap_and_leave_no_gap() {
    let simulator = Simulator::start(town(3)).expect("a simulator");
    let mut watching = watch(&setup(&simulator).build(), 3);
    watching.all_are_live().await;
    let clock = StoppedClock::new();
    minutes_pass(&clock, &simulator, &mut watching, 16).await;
    assert_eq!(asked(&simulator), 1, "not before three quarters of 22.5 minutes");
    minutes_pass(&clock, &simulator, &mut watching, 60).await;
    assert!((4..=6).contains(&asked(&simulator)), "{}", asked(&simulator));
    assert_eq!(simulator.most_streams(), 2, "the old one was open while the new one was opened");
    simulator.streams_become(|streams, subscriptions| streams == 1 && subscriptions == 3).await;
}

#[tokio::test]
async fn where_the_server_allows_no_second_connection_the_gap_is_told() {
    let simulator = Simulator::start(town(3).streaming(Streaming::new().connections(1))).expect("a simulator");
    let mut watching = watch(&setup(&simulator).build(), 3);
    watching.all_are_live().await;
    let clock = StoppedClock::new();
    minutes_pass(&clock, &simulator, &mut watching, 16).await;
    let mut error = None;
    for step in 0..80 {
        clock.advance(STEP).await;
        touch(&simulator, step % 3);
        match watching.next().await {
            Change::Touched(_) => {}
            Change::Lost { mailboxes, error: told } => {
                assert_eq!(mailboxes.len(), 3);
                error = Some(told);
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(error.expect("a gap").kind(), ReadErrorKind::Interrupted);
    let found = async {
        loop {
            match watching.next().await {
                Change::Watching(mailboxes) => break assert_eq!(mailboxes.len(), 3),
                Change::Touched(_) | Change::Lost { .. } => {}
                other => panic!("{other:?}"),
            }
        }
    };
    clock.advance_until(Duration::from_millis(100), found).await;
    assert_eq!(simulator.most_streams(), 1);
    touch(&simulator, 1);
    loop {
        match watching.next().await {
            Change::Touched(touched) if touched == mailbox(1) => break,
            Change::Touched(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn where_something_cuts_every_stream_after_the_same_time_streams_are_replaced_before_it() {
    let simulator = Simulator::start(town(3)).expect("a simulator");
    let mut watching = watch(&setup(&simulator).build(), 3);
    watching.all_are_live().await;
    let clock = StoppedClock::new();
    for _ in 0..2 {
        minutes_pass(&clock, &simulator, &mut watching, 5).await;
        simulator.cut_streams();
        watching.lost(3).await;
        clock.advance_until(Duration::from_millis(100), watching.all_are_live()).await;
    }
    let before = asked(&simulator);
    minutes_pass(&clock, &simulator, &mut watching, 5).await;
    assert_eq!(asked(&simulator), before + 1, "replaced in time, and nothing was lost");
}
