//! Streams that break, and subscriptions that end.

use std::{collections::BTreeSet, time::Duration};

use optigov_calendar::{Change, ReadErrorKind};
use optigov_exchange_simulator::{Effect, Fault, HttpAnswer, Shape, Simulator, StreamDefect};

use super::support::{StoppedClock, Watching, mailbox, setup, touch, town, watch};

const STEP: Duration = Duration::from_millis(100);

fn code(change: &Change) -> Option<&str> {
    match change {
        Change::Lost { error, .. } => error.code().map(|code| code.as_str()),
        _ => None,
    }
}

/// Waits until all mailboxes have been told as lost and as watched anew, and gives the kinds of the losses.
async fn lost_and_found(watching: &mut Watching, mailboxes: usize) -> BTreeSet<&'static str> {
    let (mut lost, mut live, mut kinds) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    while live.len() < mailboxes {
        match watching.next().await {
            Change::Lost { mailboxes, error } => {
                kinds.insert(error.kind().as_str());
                live.retain(|mailbox| !mailboxes.contains(mailbox));
                lost.extend(mailboxes);
            }
            Change::Watching(mailboxes) => {
                assert!(mailboxes.iter().all(|mailbox| lost.contains(mailbox)), "watched anew before it was lost");
                live.extend(mailboxes);
            }
            other => panic!("{other:?}"),
        }
    }
    kinds
}

#[tokio::test]
async fn a_stream_that_is_cut_in_an_envelope_is_lost_at_once_and_found_again() {
    let simulator = Simulator::start(town(3)).expect("a simulator");
    let mut watching = watch(&setup(&simulator).build(), 3);
    watching.all_are_live().await;
    let clock = StoppedClock::new();
    simulator.cut_streams();
    let (_, error) = watching.lost(3).await;
    assert_eq!(error.kind(), ReadErrorKind::Interrupted);
    clock.advance_until(STEP, watching.all_are_live()).await;
    touch(&simulator, 1);
    assert_eq!(watching.next().await, Change::Touched(mailbox(1)));
    assert_eq!(simulator.subscriptions(), 3, "the subscriptions were kept");
}

#[tokio::test]
async fn heartbeats_missed_for_twice_their_interval_mean_lost() {
    let simulator = Simulator::start(town(3)).expect("a simulator");
    let mut watching = watch(&setup(&simulator).build(), 3);
    watching.all_are_live().await;
    let clock = StoppedClock::new();
    simulator.silence_streams();
    clock.advance(Duration::from_secs(89)).await;
    touch(&simulator, 0);
    let early = tokio::select! {
        biased;
        told = watching.next() => Some(told),
        () = tokio::task::yield_now() => None,
    };
    assert_eq!(early, None, "the server has a minute and a half before it has shown its interval");
    clock.advance(Duration::from_secs(2)).await;
    let (_, error) = watching.lost(3).await;
    assert_eq!(error.kind(), ReadErrorKind::Timeout);
    clock.advance_until(STEP, watching.all_are_live()).await;
    touch(&simulator, 2);
    assert_eq!(watching.next().await, Change::Touched(mailbox(2)), "what was sent into the void is not sent again");
}

#[tokio::test]
async fn missed_events_lose_one_mailbox_which_is_subscribed_to_anew_while_others_stay() {
    let simulator = Simulator::start(town(3)).expect("a simulator");
    let mut watching = watch(&setup(&simulator).build(), 3);
    watching.all_are_live().await;
    let clock = StoppedClock::new();
    simulator.miss_events(&super::support::address(1));
    let lost = watching.next().await;
    assert_eq!(code(&lost), Some("ErrorMissedNotificationEvents"));
    assert!(matches!(&lost, Change::Lost { mailboxes, .. } if *mailboxes == [mailbox(1)]), "{lost:?}");
    touch(&simulator, 0);
    assert_eq!(watching.next().await, Change::Touched(mailbox(0)), "the others are still watched");
    clock.advance_until(STEP, watching.are_live([mailbox(1)])).await;
    touch(&simulator, 1);
    assert_eq!(watching.next().await, Change::Touched(mailbox(1)));
    simulator.streams_become(|_, subscriptions| subscriptions == 3).await;
}

#[tokio::test]
async fn whatever_code_ends_the_subscriptions_they_are_made_anew() {
    for failed in
        ["ErrorMissedNotificationEvents", "ErrorReadEventsFailed", "ErrorSubscriptionNotFound", "ErrorOfTheFuture"]
    {
        let clock = StoppedClock::new();
        let defect = Effect::Stream(StreamDefect::Error { after: 1, code: failed.to_owned() });
        let fault = Fault::new(defect).operation("GetStreamingEvents").nth(1);
        let simulator = Simulator::start(town(3).fault(fault)).expect("a simulator");
        let mut watching = watch(&setup(&simulator).build(), 3);
        clock.advance_until(STEP, lost_and_found(&mut watching, 3)).await;
        touch(&simulator, 2);
        assert_eq!(watching.next().await, Change::Touched(mailbox(2)), "{failed}");
        tokio::time::resume();
    }
}

#[tokio::test]
async fn a_server_that_closes_early_is_asked_again() {
    let quick = optigov_exchange_simulator::Streaming::new().minute(Duration::from_millis(20));
    let simulator = Simulator::start(town(3).streaming(quick)).expect("a simulator");
    let mut watching = watch(&setup(&simulator).build(), 3);
    watching.all_are_live().await;
    watching.lost(3).await;
    let clock = StoppedClock::new();
    clock.advance_until(STEP, watching.all_are_live()).await;
}

#[tokio::test]
async fn what_answers_instead_of_a_stream_is_told_and_passes() {
    let rubbish = HttpAnswer::new(200).content_type("text/xml").body("<a>nothing of the kind</a>");
    let effects = [
        (Effect::Http(rubbish), ReadErrorKind::NotTheService),
        (Effect::Http(HttpAnswer::new(200).content_type("text/xml").body("no XML")), ReadErrorKind::Malformed),
        (Effect::Http(HttpAnswer::new(200).content_type("text/html").body("<html/>")), ReadErrorKind::NotTheService),
        (Effect::Throttled { shape: Shape::Status, back_off: None }, ReadErrorKind::Unavailable),
        (Effect::Throttled { shape: Shape::Message, back_off: None }, ReadErrorKind::Throttled),
        (Effect::Fault("ErrorInternalServerError".to_owned()), ReadErrorKind::Server),
        (Effect::Stream(StreamDefect::Cut { after: 0 }), ReadErrorKind::Interrupted),
    ];
    for (effect, kind) in effects {
        let clock = StoppedClock::new();
        let fault = Fault::new(effect.clone()).operation("GetStreamingEvents").first(1);
        let simulator = Simulator::start(town(2).fault(fault)).expect("a simulator");
        let mut watching = watch(&setup(&simulator).build(), 2);
        let kinds = clock.advance_until(STEP, lost_and_found(&mut watching, 2)).await;
        assert_eq!(kinds, BTreeSet::from([kind.as_str()]), "{effect:?}");
        tokio::time::resume();
    }
}

#[tokio::test]
async fn a_busy_server_is_asked_ever_more_rarely_until_it_answers() {
    let clock = StoppedClock::new();
    let busy = || Fault::new(Effect::Fault("ErrorInternalServerError".to_owned())).operation("Subscribe");
    let simulator = Simulator::start(town(100).fault(busy())).expect("a simulator");
    let mut watching = watch(&setup(&simulator).build(), 100);
    clock.advance_until(STEP, watching.lost(100)).await;
    for _ in 0..60 {
        clock.advance_until(Duration::from_secs(1), tokio::time::sleep(Duration::from_secs(10))).await;
    }
    let asked = simulator.requests().len();
    assert!(asked < 150, "in ten minutes: {asked}");
    simulator.update(optigov_exchange_simulator::Scenario::clear_faults).expect("a scenario");
    clock.advance_until(Duration::from_secs(5), lost_and_found_from(&mut watching, 100)).await;
}

/// Waits until all mailboxes are watched, whatever else is told.
async fn lost_and_found_from(watching: &mut Watching, mailboxes: usize) {
    let mut live = BTreeSet::new();
    while live.len() < mailboxes {
        match watching.next().await {
            Change::Watching(mailboxes) => live.extend(mailboxes),
            Change::Lost { mailboxes, .. } => live.retain(|mailbox| !mailboxes.contains(mailbox)),
            other => panic!("{other:?}"),
        }
    }
}
