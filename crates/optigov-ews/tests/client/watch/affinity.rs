//! The requests of a group go to one server.

use std::{collections::BTreeSet, time::Duration};

use optigov_calendar::Change;
use optigov_exchange_simulator::{Effect, Fault, Mailbox as SimulatedMailbox, RecordedRequest, Scenario, Simulator};

use super::support::{StoppedClock, Watching, address, mailbox, setup, touch, town, watch};
use crate::support::beside_proofs;

/// Mailboxes that lie on the two back ends in turn.
fn two_back_ends(mailboxes: usize) -> Scenario {
    let alternating = |scenario: Scenario, at| scenario.mailbox(SimulatedMailbox::new(address(at)).back_end(at % 2));
    (0..mailboxes).fold(town(0).back_ends(2), alternating)
}

const STEP: Duration = Duration::from_millis(100);

/// Waits until so many mailboxes are watched, and gives the codes of what was lost before.
async fn live_with_losses(watching: &mut Watching, mailboxes: usize) -> BTreeSet<String> {
    let (mut live, mut codes) = (BTreeSet::new(), BTreeSet::new());
    while live.len() < mailboxes {
        match watching.next().await {
            Change::Watching(mailboxes) => live.extend(mailboxes),
            Change::Lost { error, .. } => codes.extend(error.code().map(|code| code.as_str().to_owned())),
            other => panic!("{other:?}"),
        }
    }
    codes
}

fn headers<'r>(requests: &'r [RecordedRequest], name: &str) -> BTreeSet<Option<&'r str>> {
    requests.iter().map(|request| request.header(name)).collect()
}

#[tokio::test]
async fn all_requests_of_a_group_name_its_first_mailbox_and_the_cookie() {
    let simulator = Simulator::start(two_back_ends(5)).expect("a simulator");
    let client = setup(&simulator).build();
    let mut watching = watch(&client, 5);
    watching.all_are_live().await;
    for at in 0..5 {
        touch(&simulator, at);
        assert_eq!(watching.next().await, Change::Touched(mailbox(at)));
    }
    drop(watching);
    simulator.streams_become(|_, subscriptions| subscriptions == 0).await;

    let requests = beside_proofs(&simulator);
    let anchor = address(0);
    assert_eq!(headers(&requests, "x-anchormailbox"), BTreeSet::from([Some(anchor.as_str())]));
    assert_eq!(headers(&requests, "x-preferserveraffinity"), BTreeSet::from([Some("true")]));
    assert_eq!((requests[0].operation(), requests[0].header("cookie")), (Some("Subscribe"), None));
    let cookies = headers(&requests[1..], "cookie");
    assert_eq!(cookies.len(), 1, "the same in every further request");
    assert!(cookies.iter().all(|cookie| cookie.is_some_and(|it| it.starts_with("X-BackEndOverrideCookie="))));
    let impersonated: BTreeSet<_> = requests.iter().filter_map(RecordedRequest::mailbox).collect();
    assert_eq!(impersonated.len(), 5, "each mailbox is subscribed to in its own name");
    let stream = requests.iter().find(|request| request.operation() == Some("GetStreamingEvents"));
    assert_eq!(stream.and_then(RecordedRequest::mailbox), Some(anchor.as_str()), "the stream is the first one's");
}

#[tokio::test]
async fn mailboxes_of_separate_sites_find_into_groups_of_their_own() {
    let clock = StoppedClock::new();
    let simulator = Simulator::start(two_back_ends(6).separate_sites()).expect("a simulator");
    let client = setup(&simulator).build();
    let mut watching = watch(&client, 6);
    let refused = clock.advance_until(STEP, live_with_losses(&mut watching, 6)).await;
    assert_eq!(refused, BTreeSet::from(["ErrorProxyRequestNotAllowed".to_owned()]));
    simulator.streams_become(|streams, subscriptions| (streams, subscriptions) == (2, 6)).await;
    for at in 0..6 {
        touch(&simulator, at);
        assert_eq!(watching.next().await, Change::Touched(mailbox(at)));
    }
}

#[tokio::test]
async fn a_back_end_that_starts_anew_is_subscribed_to_anew() {
    let simulator = Simulator::start(two_back_ends(4)).expect("a simulator");
    let client = setup(&simulator).build();
    let mut watching = watch(&client, 4);
    watching.all_are_live().await;
    let clock = StoppedClock::new();
    simulator.restart_back_end(0);
    watching.lost(4).await;
    // The server then says that it does not know the subscriptions, which is one more report of the loss.
    let codes = clock.advance_until(STEP, live_with_losses(&mut watching, 4)).await;
    assert!(codes.iter().all(|code| code == "ErrorSubscriptionNotFound"), "{codes:?}");
    touch(&simulator, 3);
    assert_eq!(watching.next().await, Change::Touched(mailbox(3)));
    assert_eq!(simulator.subscriptions(), 4);
}

#[tokio::test]
async fn a_mailbox_that_no_server_takes_is_tried_ever_more_rarely() {
    let refusal = Effect::ResponseCode("ErrorProxyRequestNotAllowed".to_owned());
    let fault = Fault::new(refusal).operation("Subscribe").mailbox(address(1));
    let simulator = Simulator::start(town(3).fault(fault)).expect("a simulator");
    let mut watching = watch(&setup(&simulator).build(), 3);
    let (lost, _) = watching.lost(1).await;
    assert_eq!(lost, BTreeSet::from([mailbox(1)]));
    watching.are_live([mailbox(0), mailbox(2)]).await;
    let clock = StoppedClock::new();
    clock.advance_until(Duration::from_secs(1), tokio::time::sleep(Duration::from_secs(600))).await;
    let requests = simulator.requests();
    let asked = requests.iter().filter(|request| request.mailbox() == Some(&address(1))).count();
    assert!((3..10).contains(&asked), "in ten minutes: {asked}");
}
