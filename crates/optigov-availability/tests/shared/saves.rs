//! One reading for all instances, and what is saved at one of them is in force at all.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt as _, future::join_all};
use optigov_availability::{Availability, Counter, Saved};
use optigov_exchange_simulator::Mailbox;
use tokio::time::timeout;

use crate::{
    instances::{Cluster, soon},
    support::{COUNTER, MAILBOX, all_starts, days, entry, starts},
};

const TUESDAY: &str = "2026-11-24";
const OTHER: &str = "schalter2@musterstadt.example";

/// The starts of the first counter's slots on Tuesday.
async fn tuesday(availability: &Availability) -> Vec<String> {
    starts(&availability.free_slots(&days(TUESDAY, TUESDAY)).await.expect("the request holds").counters[0])
}

fn all_but(taken: &str) -> Vec<String> {
    all_starts().into_iter().filter(|start| start != taken).collect()
}

fn mailboxes() -> [Mailbox; 2] {
    let at = |hour: &str| entry(&format!("{TUESDAY} {hour}:00"), &format!("{TUESDAY} {hour}:30"));
    [Mailbox::new(MAILBOX).entry(at("09")), Mailbox::new(OTHER).entry(at("10"))]
}

/// The counter with the other mailbox.
fn changed(cluster: &Cluster) -> Counter {
    let counter = cluster.municipality.counter("schalter-1").expect("it is there").to_json();
    Counter::from_json(&counter.replace(MAILBOX, OTHER)).expect("an entry")
}

#[tokio::test]
async fn three_instances_read_a_mailbox_once() {
    let Some(cluster) = Cluster::start(COUNTER, mailboxes(), |builder| builder).await else { return };
    for starts in join_all(cluster.alive().map(tuesday)).await {
        assert_eq!(starts, all_but("09:00"));
    }
    assert_eq!(cluster.readings(), 1);
}

#[tokio::test]
async fn a_counter_saved_at_one_instance_is_loaded_by_the_others_and_in_force_there() {
    let Some(cluster) = Cluster::start(COUNTER, mailboxes(), |builder| builder).await else { return };
    let saved = Arc::new(changed(&cluster));
    let mut told: Vec<_> = cluster.alive().map(Availability::saved_elsewhere).collect();
    // The others load what is saved, as a service does. The subscription is made in the background.
    let loading: Vec<_> = cluster
        .alive()
        .skip(1)
        .map(|instance| {
            let (instance, saved) = (instance.clone(), Arc::clone(&saved));
            let mut elsewhere = instance.saved_elsewhere();
            tokio::spawn(async move {
                while let Some(what) = elsewhere.next().await {
                    assert!(matches!(&what, Saved::Counter(id) if id == "schalter-1") || what == Saved::Everything);
                    instance.counter_loaded(Counter::clone(&saved)).expect("it fits");
                }
            })
        })
        .collect();
    let old = Counter::clone(cluster.municipality.counter("schalter-1").expect("it is there"));
    soon("it is in force everywhere", async || {
        let here = cluster.instance(0);
        here.counter_saved(old.clone()).await.expect("the store can be told");
        here.counter_saved(Counter::clone(&saved)).await.expect("the store can be told");
        assert_eq!(tuesday(here).await, all_but("10:00"), "where it was saved, it is in force at once");
        join_all(cluster.alive().map(tuesday)).await.iter().all(|starts| *starts == all_but("10:00"))
    })
    .await;
    let readings = cluster.readings();
    for instance in cluster.alive() {
        instance.counter_loaded(Counter::clone(&saved)).expect("it fits");
        assert_eq!(tuesday(instance).await, all_but("10:00"));
    }
    assert_eq!(cluster.readings(), readings, "to load an entry makes nothing void");
    assert_eq!(told[0].next().await, Some(Saved::Everything), "anything may have been saved before it listened");
    let heard = timeout(Duration::from_millis(200), told[0].next()).await;
    assert!(heard.is_err(), "nobody hears of what it saved itself: {heard:?}");
    loading.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn instances_that_call_saved_for_what_they_load_do_not_tell_each_other_for_ever() {
    let Some(cluster) = Cluster::start(COUNTER, mailboxes(), |builder| builder).await else { return };
    let (here, there) = (cluster.instance(0), cluster.instance(1));
    let (mut here_told, mut there_told) = (here.saved_elsewhere(), there.saved_elsewhere());
    let old = Counter::clone(cluster.municipality.counter("schalter-1").expect("it is there"));
    soon("both hear", async || {
        here.counter_saved(changed(&cluster)).await.expect("the store can be told");
        let heard = timeout(Duration::from_millis(100), there_told.next()).await.is_ok();
        here.counter_saved(old.clone()).await.expect("the store can be told");
        heard
    })
    .await;
    for told in [&mut here_told, &mut there_told] {
        while timeout(Duration::from_millis(300), told.next()).await.is_ok() {}
    }
    here.counter_saved(changed(&cluster)).await.expect("the store can be told");
    assert!(timeout(Duration::from_secs(5), there_told.next()).await.is_ok(), "the other is told");
    there.counter_saved(changed(&cluster)).await.expect("the store can be told");
    assert!(timeout(Duration::from_secs(5), here_told.next()).await.is_ok(), "and tells the first");
    here.counter_saved(changed(&cluster)).await.expect("the store can be told");
    let again = timeout(Duration::from_millis(300), there_told.next()).await;
    assert!(again.is_err(), "which has it in force and tells nobody: {again:?}");
}
