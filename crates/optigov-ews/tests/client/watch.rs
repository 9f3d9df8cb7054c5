//! Watching calendars by streaming notifications, against a simulator that loses, cuts, forgets and refuses.

mod accounts;
mod affinity;
mod connections;
mod failures;
mod renewal;
mod sharing;
mod support;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use optigov_calendar::{CalendarSource, Change, EwsSettings};
use optigov_ews::{Credentials, TokenProvider, TokenReason};
use optigov_exchange_simulator::{ChannelBinding, Entry, Scheme, Simulator};
use secrecy::SecretString;

use self::support::{StoppedClock, address, change, mailbox, setup, town, watch};
use crate::support::{beside_proofs, every_scheme, utc};

fn entry(hour: u32) -> Entry {
    let at = |hour: u32| utc(&format!("2026-11-24T{hour:02}:00:00Z"));
    Entry::timed(at(hour), at(hour + 1)).uid("one")
}

struct Token;

#[async_trait]
impl TokenProvider for Token {
    async fn token(&self, _: TokenReason) -> Result<SecretString, Box<dyn std::error::Error + Send + Sync>> {
        Ok("gut".into())
    }
}

#[tokio::test]
async fn whatever_happens_to_an_entry_is_told_under_every_scheme() {
    let schemes = [Scheme::Ntlm, Scheme::Basic, Scheme::Bearer];
    let scenario = town(2).schemes(schemes).channel_binding(ChannelBinding::Require);
    let simulator = Simulator::start(scenario).expect("a simulator");
    for credentials in every_scheme().into_iter().chain([Credentials::bearer(Arc::new(Token))]) {
        let client = setup(&simulator).credentials(credentials).build();
        let mut watching = watch(&client, 2);
        watching.all_are_live().await;
        change(&simulator, 0, |entries| entries.push(entry(9)));
        assert_eq!(watching.next().await, Change::Touched(mailbox(0)), "created");
        change(&simulator, 0, |entries| entries[0] = entry(10));
        assert_eq!(watching.next().await, Change::Touched(mailbox(0)), "moved to another time");
        change(&simulator, 1, |entries| entries.push(entry(9)));
        assert_eq!(watching.next().await, Change::Touched(mailbox(1)), "created elsewhere");
        for at in [0, 1] {
            change(&simulator, at, Vec::clear);
            assert_eq!(watching.next().await, Change::Touched(mailbox(at)), "deleted");
        }
    }
}

#[tokio::test]
async fn what_outlook_moves_to_the_deleted_items_is_told_too() {
    let simulator = Simulator::start(
        town(0).mailbox(optigov_exchange_simulator::Mailbox::new(address(0)).keeps_deleted().entry(entry(9))),
    );
    let simulator = simulator.expect("a simulator");
    let mut watching = watch(&setup(&simulator).build(), 1);
    watching.all_are_live().await;
    change(&simulator, 0, Vec::clear);
    assert_eq!(watching.next().await, Change::Touched(mailbox(0)));
}

#[tokio::test]
async fn only_operations_that_change_nothing_are_sent() {
    let simulator = Simulator::start(town(3)).expect("a simulator");
    let client = setup(&simulator).build();
    let mut watching = watch(&client, 3);
    watching.all_are_live().await;
    drop(watching);
    simulator.streams_become(|streams, subscriptions| streams == 0 && subscriptions == 0).await;
    let sent: Vec<_> = beside_proofs(&simulator).iter().filter_map(|r| r.operation().map(str::to_owned)).collect();
    let count = |name: &str| sent.iter().filter(|operation| *operation == name).count();
    assert_eq!((count("Subscribe"), count("GetStreamingEvents"), count("Unsubscribe"), sent.len()), (3, 1, 3, 7));
}

#[tokio::test]
async fn readings_go_on_while_connections_hang() {
    let simulator = Simulator::start(town(2)).expect("a simulator");
    let one_at_a_time = |route: optigov_calendar::Route| route.with_in_flight(std::num::NonZeroUsize::MIN);
    let client = setup(&simulator).route(one_at_a_time).build();
    let mut watching = watch(&client, 2);
    watching.all_are_live().await;
    assert_eq!(simulator.streams(), 1);
    for at in [0, 1] {
        crate::support::read(&client, &mailbox(at)).await.expect("a calendar");
    }
}

#[tokio::test]
async fn a_stream_of_no_mailboxes_ends_at_once_and_asks_nothing() {
    let simulator = Simulator::start(town(1)).expect("a simulator");
    let client = setup(&simulator).build();
    assert_eq!(watch(&client, 0).told().await, None);
    // One that is never looked at asks nothing either.
    drop(client.watch(vec![mailbox(0)]));
    assert!(simulator.requests().is_empty());
}

#[tokio::test]
async fn a_thousand_mailboxes_are_live_by_five_connections_and_an_hour_costs_little() {
    const MAILBOXES: usize = 1_000;
    let simulator = Simulator::start(town(MAILBOXES).plain_http()).expect("a simulator");
    let settings = |settings: &mut EwsSettings| settings.hanging_connections = 5.try_into().expect("some");
    // The clock leaps by a minute, perhaps while a request is on its way: none is given up for that.
    let patient = |route: optigov_calendar::Route| {
        let hours = Duration::from_secs(2 * 3_600);
        route.with_timeout(hours).with_idle_timeout(hours).with_connect_timeout(hours)
    };
    let client = setup(&simulator).route(patient).settings(settings).build();
    let mut watching = watch(&client, MAILBOXES);
    watching.all_are_live().await;
    let clock = StoppedClock::new();
    assert_eq!((simulator.streams(), simulator.subscriptions()), (5, MAILBOXES));
    let begun = simulator.requests().len();
    assert!(begun <= MAILBOXES + 5 + 1, "a subscription each, five streams and a proof: {begun}");

    // One mailbox of each group shows each minute that the streams are alive; all others are quiet.
    let mut is_there = false;
    for _minute in 0..60 {
        clock.advance(Duration::from_secs(60)).await;
        is_there = !is_there;
        for group in 0..5 {
            let touched = group * 200;
            change(&simulator, touched, |entries| match is_there {
                true => entries.push(entry(9)),
                false => entries.clear(),
            });
            assert_eq!(watching.next().await, Change::Touched(mailbox(touched)), "no stream was lost");
        }
    }
    let sent = simulator.requests().len();
    assert!(sent - begun <= 5 * 4, "renewals only: {}", sent - begun);
    assert!(sent * 20 <= MAILBOXES * 60, "by polling every minute, {} requests", MAILBOXES * 60);
    assert!(simulator.most_streams() <= 5 + 1, "one renewal at a time: {}", simulator.most_streams());
}
