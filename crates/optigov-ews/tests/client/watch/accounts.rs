//! What an account may not.

use std::{collections::BTreeSet, time::Duration};

use optigov_calendar::{Access, Change, Origin, ReadErrorKind};
use optigov_ews::Credentials;
use optigov_exchange_simulator::{Account, Effect, Fault, Simulator};

use super::support::{StoppedClock, address, mailbox, setup, touch, town, watch};
use crate::support::PASSWORD;

#[tokio::test]
async fn free_busy_mode_has_no_notifications_and_says_so_without_asking() {
    let simulator = Simulator::start(town(2)).expect("a simulator");
    let client = setup(&simulator).settings(|settings| settings.access = Access::FreeBusy).build();
    let mut watching = watch(&client, 2);
    let (lost, error) = watching.lost(2).await;
    assert_eq!((lost.len(), error.kind(), error.origin()), (2, ReadErrorKind::NotWatchable, Origin::Configuration));
    assert_eq!(watching.told().await, None, "the stream ends");
    assert!(simulator.requests().is_empty());
}

#[tokio::test]
async fn a_mailbox_that_the_account_may_not_watch_is_no_hindrance_to_others() {
    let scenario = town(3);
    let others = [address(0), address(2)];
    let simulator = Simulator::start(scenario).expect("a simulator");
    simulator
        .update(|scenario| {
            let account = Account::new("svc-optigov").password(PASSWORD).domain("STADT").impersonates(others);
            *scenario.account_mut("svc-optigov").expect("the account") = account;
        })
        .expect("a scenario");
    let client = setup(&simulator).build();
    let mut watching = watch(&client, 3);
    let (lost, error) = watching.lost(1).await;
    assert_eq!(lost, BTreeSet::from([mailbox(1)]));
    assert_eq!((error.kind(), error.origin()), (ReadErrorKind::NotWatchable, Origin::Account));
    assert_eq!(error.code().map(|code| code.as_str()), Some("ErrorImpersonateUserDenied"));
    watching.are_live([mailbox(0), mailbox(2)]).await;
}

#[tokio::test]
async fn the_first_mailbox_of_a_group_may_be_unknown() {
    let simulator = Simulator::start(town(3)).expect("a simulator");
    simulator
        .update(|scenario| {
            scenario.mailbox_mut(&address(0)).expect("a mailbox").move_to(optigov_exchange_simulator::Location::Online)
        })
        .expect("a scenario");
    let client = setup(&simulator).build();
    let mut watching = watch(&client, 3);
    let (lost, error) = watching.lost(1).await;
    assert_eq!((lost, error.origin()), (BTreeSet::from([mailbox(0)]), Origin::Mailbox));
    watching.are_live([mailbox(1), mailbox(2)]).await;
    touch(&simulator, 2);
    assert_eq!(watching.next().await, Change::Touched(mailbox(2)));
}

#[tokio::test]
async fn a_wrong_password_is_sent_once_and_tells_why_nothing_is_watched() {
    let clock = StoppedClock::new();
    let simulator = Simulator::start(town(50)).expect("a simulator");
    let client = setup(&simulator).credentials(Credentials::basic("svc-optigov", "falsch")).build();
    let mut watching = watch(&client, 50);
    let (_, error) = clock.advance_until(Duration::from_millis(1), watching.lost(50)).await;
    assert!(error.is_credentials() || error.kind() == ReadErrorKind::Transient, "{error:?}");
    for _ in 0..25 {
        clock.advance(Duration::from_secs(60)).await;
    }
    assert_eq!(simulator.refused_logins("svc-optigov"), 1);
    client.set_credentials(Credentials::basic("svc-optigov", PASSWORD));
    clock
        .advance_until(Duration::from_millis(10), async {
            let mut live = BTreeSet::new();
            while live.len() < 50 {
                match watching.next().await {
                    Change::Watching(mailboxes) => live.extend(mailboxes),
                    Change::Lost { .. } => {}
                    other => panic!("{other:?}"),
                }
            }
        })
        .await;
}

#[tokio::test]
async fn more_subscriptions_than_the_account_may_have_are_not_tried_again_and_again() {
    let streaming = optigov_exchange_simulator::Streaming::new().subscriptions(20);
    let simulator = Simulator::start(town(50).streaming(streaming)).expect("a simulator");
    let client = setup(&simulator).build();
    let mut watching = watch(&client, 50);
    let (mut live, mut lost) = (BTreeSet::new(), BTreeSet::new());
    let mut codes = BTreeSet::new();
    while live.len() < 20 || lost.len() < 30 {
        match watching.next().await {
            Change::Watching(mailboxes) => live.extend(mailboxes),
            Change::Lost { mailboxes, error } => {
                codes.extend(error.code().map(|code| code.as_str().to_owned()));
                lost.extend(mailboxes);
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(live.is_disjoint(&lost));
    assert!(codes.contains("ErrorExceededSubscriptionCount"), "{codes:?}");
    let asked = simulator.requests().iter().filter(|request| request.operation() == Some("Subscribe")).count();
    assert!(asked <= 20 + 4, "{asked}");
}

#[tokio::test]
async fn subscribing_leaves_half_of_the_requests_in_flight_to_others() {
    let throttling = optigov_exchange_simulator::Throttling::new(Default::default()).in_flight(4);
    let slow = Fault::new(Effect::Delay(Duration::from_millis(3))).operation("Subscribe");
    let simulator = Simulator::start(town(300).plain_http().throttling(throttling).fault(slow)).expect("a simulator");
    let eight = |route: optigov_calendar::Route| route.with_in_flight(8.try_into().expect("some"));
    let client = setup(&simulator).route(eight).build();
    let mut watching = watch(&client, 300);
    watching.all_are_live().await;
    let asked = simulator.requests().iter().filter(|request| request.operation() == Some("Subscribe")).count();
    assert_eq!(asked, 300, "none was refused and sent again");
}
