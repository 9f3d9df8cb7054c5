//! The way to the store: one round trip for a call, however many mailboxes; slow, cut off, and leading to a replica that has taken over.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use futures_util::StreamExt as _;
use optigov_calendar_cache::{CacheKey, CachedReadings, CalendarCache as _, Notice, Saved, SharedCache, StoreHealth};
use tokio::time::{Instant, sleep};

use crate::{
    relay::{Relay, Way},
    revival::reading,
    server::{Store, cache_at, reader_of, soon},
    support::{Mood, SECOND, Server, hours, list, targets},
};

fn keys(count: usize) -> Vec<CacheKey> {
    targets(count).iter().map(|target| target.key).collect()
}

async fn look(cache: &SharedCache, key: CacheKey) -> Arc<CachedReadings> {
    cache.get(&[key]).await.expect("it answers").remove(0)
}

#[tokio::test]
async fn a_call_about_a_thousand_mailboxes_is_one_round_trip() {
    let Some(store) = Store::start().await else { return };
    let relay = Relay::to(store.port()).await;
    let cache = cache_at(&relay.url(), |settings| settings.answers_within = 30 * SECOND);
    let keys = keys(1_000);
    let cached = cache.get(&keys).await.expect("it answers");
    let leader = cache.lead("watching", 60 * SECOND).await.expect("it leads");
    relay.is(Way::Counted);
    let before = relay.round_trips();
    let trips = |what: &str, expected: usize| assert_eq!(relay.round_trips() - before, expected, "{what}");
    cache.put(&keys[0], cached[0].version, reading(0)).await.expect("it stores");
    trips("storing one reading", 1);
    assert_eq!(cache.get(&keys).await.expect("it answers")[0].readings, [reading(0)]);
    trips("looking 1,000 up", 2);
    assert_eq!(cache.lease(&keys, hours(0, 1), SECOND).await.iter().flatten().count(), 1_000);
    trips("leasing 1,000", 3);
    cache.watching(&leader, &keys).await.expect("it can be told");
    trips("saying that 1,000 are watched", 4);
    cache.invalidate(&keys).await.expect("it can be told");
    trips("making 1,000 void", 5);
    cache.lead("watching", 60 * SECOND).await.expect("it leads");
    trips("leading on, however many are watched", 6);
}

#[tokio::test]
async fn what_belongs_to_a_mailbox_lies_under_one_hash_tag() {
    let Some(store) = Store::start().await else { return };
    let cache = store.cache();
    let keys = keys(2);
    let cached = cache.get(&keys).await.expect("it answers");
    cache.lease(&keys, hours(0, 1), 60 * SECOND).await;
    for (key, cached) in keys.iter().zip(&cached) {
        cache.put(key, cached.version, reading(0)).await.expect("it stores");
    }
    let names = store.names().await;
    for key in keys {
        let tag = format!("{{{key}}}");
        assert_eq!(names.iter().filter(|name| name.contains(&tag)).count(), 2, "the hash and the lease: {names:?}");
    }
    assert_eq!(names.len(), 4, "versions and readings have no other names: {names:?}");
}

#[tokio::test]
async fn a_slow_store_is_waited_for_within_the_bound_and_no_longer() {
    let Some(store) = Store::start().await else { return };
    let relay = Relay::to(store.port()).await;
    let (server, town) = (Arc::new(Server::new()), targets(20));
    server.is(Mood::Answers(Duration::ZERO));
    let instance = reader_of(cache_at(&relay.url(), |settings| settings.answers_within = SECOND), &server, |_| {});
    list(&instance, &town).await;
    assert_eq!(server.requests(), 20);
    relay.is(Way::Slow(Duration::from_millis(100)));
    let (fetched, took) = list(&instance, &town).await;
    assert!(fetched.iter().all(|fetched| fetched.reading.is_ok()) && took < SECOND, "{took:?}");
    assert_eq!(instance.health().store, StoreHealth::Answering, "slow, and in time");
    relay.is(Way::Slow(3 * SECOND));
    let (fetched, took) = list(&instance, &town).await;
    assert!(fetched.iter().all(|fetched| fetched.reading.is_ok()), "an answer from memory");
    assert!(took < 2 * SECOND, "and not later than the bound: {took:?}");
    assert_eq!(server.requests(), 20);
    assert!(matches!(instance.health().store, StoreHealth::Failing { .. }));
    relay.is(Way::Open);
    soon("it is asked again", async || {
        list(&instance, &town).await;
        instance.health().store == StoreHealth::Answering
    })
    .await;
}

/// The only gap between a save and its being in force everywhere: an instance that is cut off from a store which the saving one still reaches.
#[tokio::test]
async fn an_instance_cut_off_serves_what_another_has_made_void_for_no_longer_than_stated() {
    let Some(store) = Store::start().await else { return };
    let relay = Relay::to(store.port()).await;
    let (alone, key) = (Duration::from_millis(600), keys(1)[0]);
    let (here, there) = (store.cache(), cache_at(&relay.url(), |settings| settings.alone = alone));
    let cached = look(&there, key).await;
    let leader = here.lead("watching", 60 * SECOND).await.expect("it leads");
    assert_eq!(there.lead("watching", 60 * SECOND).await, None);
    here.watching(&leader, &[key]).await.expect("it can be told");
    let watch = look(&there, key).await.watch;
    let live = Arc::new(optigov_calendar_cache::Reading::clone(&reading(0)).under(watch));
    there.put(&key, cached.version, Arc::clone(&live)).await.expect("it stores");
    assert!(look(&there, key).await.is_live(&live));
    relay.is(Way::Held);
    let cut_off = Instant::now();
    here.invalidate(&[key]).await.expect("it can be told");
    soon("memory does not serve any more", async || {
        let cached = look(&there, key).await;
        assert!(!cached.is_live(&live), "nobody says that it is watched");
        cached.readings.is_empty()
    })
    .await;
    assert!(cut_off.elapsed() < alone + SECOND, "{:?}", cut_off.elapsed());
    relay.is(Way::Open);
    soon("it hears of it", async || {
        let cached = look(&there, key).await;
        assert!(cached.readings.is_empty());
        there.health() == Some(StoreHealth::Answering)
    })
    .await;
}

#[tokio::test]
async fn a_subscription_that_hangs_is_made_anew_and_says_that_it_has_missed_something() {
    let Some(store) = Store::start().await else { return };
    let relay = Relay::to(store.port()).await;
    let (here, there) = (store.cache(), cache_at(&relay.url(), |_| {}));
    let mut notices = there.notices();
    assert_eq!(notices.next().await, Some(Notice::Missed), "it has subscribed");
    here.announce(&Saved::Everything).await.expect("it can be told");
    assert_eq!(notices.next().await, Some(Notice::Saved(Saved::Everything)));
    relay.is(Way::Held);
    // Longer than the subscription is believed without a sign of life.
    sleep(5 * SECOND).await;
    relay.is(Way::Open);
    assert_eq!(notices.next().await, Some(Notice::Missed));
    here.announce(&Saved::Everything).await.expect("it can be told");
    soon("it hears again", async || notices.next().await == Some(Notice::Saved(Saved::Everything))).await;
}

#[tokio::test]
async fn a_replica_that_takes_over_revives_nothing_that_it_had_missed() {
    let Some(mut primary) = Store::start().await else { return };
    let Some(replica) = Store::start().await else { return };
    let port = primary.port().to_string();
    replica.command(&["REPLICAOF", "127.0.0.1", &port]).await.expect("it follows");
    let relay = Relay::to(primary.port()).await;
    let caches = [0, 1].map(|_| cache_at(&relay.url(), |_| {}));
    let key = keys(1)[0];
    let old = look(&caches[0], key).await;
    caches[0].put(&key, old.version, reading(0)).await.expect("it stores");
    let has_it = async || replica.names().await.iter().any(|name| name.contains(&key.to_string()));
    soon("the replica has the reading", has_it).await;
    // The replica hears nothing of the save, and takes over.
    replica.command(&["REPLICAOF", "127.0.0.1", "1"]).await.expect("it follows nobody");
    caches[0].invalidate(&[key]).await.expect("it can be told");
    primary.kill();
    relay.leads_to(replica.port());
    assert!(replica.names().await.iter().any(|name| name.contains(&key.to_string())), "the void reading lies there");
    // It is a replica still: it stores nothing, and says so.
    for cache in &caches {
        soon("the replica is asked", async || {
            let cached = look(cache, key).await;
            assert!(cached.readings.is_empty(), "nothing is revived");
            format!("{:?}", cache.health()).contains("stores nothing")
        })
        .await;
        cache.invalidate(&[key]).await.expect_err("a replica cannot be told");
    }
    replica.command(&["REPLICAOF", "NO", "ONE"]).await.expect("it leads");
    let (server, town) = (Arc::new(Server::new()), targets(1));
    server.edition.store(7, Ordering::SeqCst);
    server.is(Mood::Answers(Duration::ZERO));
    for cache in &caches {
        let cached = look(cache, key).await;
        assert!(cached.readings.is_empty(), "nothing is revived");
        assert_ne!(cached.version, old.version);
    }
    let instances = caches.map(|cache| reader_of(cache, &server, |_| {}));
    for instance in &instances {
        list(instance, &town).await;
    }
    assert_eq!(server.requests(), 1, "one reading for both, and the new primary is used as the old one was");
}
