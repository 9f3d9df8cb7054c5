//! A store that is down, hangs, is full, flushed, restarted or holds foreign bytes: answers come all the same, within the bound.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use optigov_calendar_cache::{CacheKey, CalendarCache as _, StoreHealth};
use tokio::time::{Instant, sleep};

use crate::{
    server::{Store, soon},
    support::{Mood, SECOND, Server, list, targets},
};

/// What the store may cost a call: it is waited for to look, and to store, and a little for the rest.
const BOUND: Duration = Duration::from_millis(1_500);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_paused_flushed_and_filled_while_three_readers_answer() {
    let Some(mut store) = Store::start().await else { return };
    let (server, town) = (Arc::new(Server::new()), targets(20));
    server.is(Mood::Answers(Duration::from_millis(2)));
    let instances: Vec<_> = (0..3)
        .map(|_| store.instance(&server, |settings| settings.time_to_live = Duration::from_millis(300)))
        .collect();
    let answering: Vec<_> = instances
        .iter()
        .map(|instance| {
            let (reader, town) = (Arc::clone(instance), town.clone());
            tokio::spawn(async move {
                let (began, mut slowest, mut lists) = (Instant::now(), Duration::ZERO, 0);
                while began.elapsed() < 8 * SECOND {
                    let (fetched, took) = list(&reader, &town).await;
                    assert!(fetched.iter().all(|fetched| fetched.reading.is_ok()), "every answer is one");
                    slowest = slowest.max(took);
                    lists += 1;
                    sleep(Duration::from_millis(5)).await;
                }
                (slowest, lists)
            })
        })
        .collect();
    sleep(SECOND).await;
    store.kill();
    sleep(SECOND).await;
    store.restart().await.expect("it comes up again");
    sleep(SECOND).await;
    store.pause().expect("a signal");
    sleep(SECOND).await;
    store.resume().expect("a signal");
    sleep(SECOND).await;
    store.command(&["FLUSHALL"]).await.expect("it answers");
    store.command(&["SCRIPT", "FLUSH"]).await.expect("it answers");
    sleep(SECOND / 2).await;
    store.command(&["CONFIG", "SET", "maxmemory", "1"]).await.expect("it answers");
    store.command(&["FLUSHALL"]).await.expect("it answers");
    sleep(SECOND).await;
    store.command(&["CONFIG", "SET", "maxmemory", "0"]).await.expect("it answers");
    for answering in answering {
        let (slowest, lists) = answering.await.expect("it ends");
        println!("{lists} lists, the slowest {slowest:?}");
        assert!(slowest < BOUND, "{slowest:?}");
        assert!(lists > 100, "{lists}");
    }
    for instance in &instances {
        soon("the store is well again", async || {
            list(instance, &town).await;
            instance.health().store == StoreHealth::Answering
        })
        .await;
    }
}

#[tokio::test]
async fn a_store_that_hangs_costs_one_call_its_bound_and_the_others_nothing() {
    let Some(store) = Store::start().await else { return };
    let (server, town) = (Arc::new(Server::new()), targets(20));
    server.is(Mood::Answers(Duration::ZERO));
    let instance = store.instance(&server, |_| {});
    list(&instance, &town).await;
    store.pause().expect("a signal");
    let (fetched, took) = list(&instance, &town).await;
    assert!(fetched.iter().all(|fetched| fetched.reading.is_ok()) && took < BOUND, "{took:?}");
    assert_eq!(server.requests(), 20, "from memory, for a short time");
    assert!(matches!(instance.health().store, StoreHealth::Failing { .. }));
    let (_, took) = list(&instance, &town).await;
    assert!(took < Duration::from_millis(50), "{took:?}");
    let told = instance.invalidate(&[town[0].key], Instant::now() + 2 * SECOND).await;
    assert!(told.is_err(), "a save that cannot be told is an error");
    list(&instance, &town).await;
    assert_eq!(server.requests(), 21, "and this instance does not serve what it was to forget");
    store.resume().expect("a signal");
    soon("it is asked again", async || {
        list(&instance, &town).await;
        instance.health().store == StoreHealth::Answering
    })
    .await;
}

#[tokio::test]
async fn memory_alone_serves_for_a_stated_short_time() {
    let Some(mut store) = Store::start().await else { return };
    let cache = store.cache_with(|settings| settings.alone = Duration::from_millis(300));
    let key = targets(1)[0].key;
    let before = cache.get(&[key]).await.expect("it answers");
    let reading = crate::revival::reading(0);
    cache.put(&key, before[0].version, Arc::clone(&reading)).await.expect("it stores");
    store.kill();
    assert_eq!(cache.get(&[key]).await.expect("it answers")[0].readings, [Arc::clone(&reading)]);
    sleep(Duration::from_millis(350)).await;
    let later = cache.get(&[key]).await.expect("it answers");
    assert!(later[0].readings.is_empty());
    cache.put(&key, later[0].version, Arc::clone(&reading)).await.expect("it stores");
    assert_eq!(cache.get(&[key]).await.expect("it answers")[0].readings, [reading], "what was read since serves again");
}

#[tokio::test]
async fn a_store_that_was_never_there_keeps_nobody_from_an_answer() {
    let Some(mut store) = Store::start().await else { return };
    let (server, town) = (Arc::new(Server::new()), targets(20));
    server.is(Mood::Answers(Duration::ZERO));
    store.kill();
    let instance = store.instance(&server, |_| {});
    let (fetched, took) = list(&instance, &town).await;
    assert!(fetched.iter().all(|fetched| fetched.reading.is_ok()) && took < BOUND, "{took:?}");
    list(&instance, &town).await;
    assert_eq!(server.requests(), 20, "memory serves for a short time");
    store.restart().await.expect("it comes up again");
    soon("the store is used when it is there", async || {
        list(&instance, &town).await;
        store.names().await.len() >= 20
    })
    .await;
}

#[tokio::test]
async fn a_full_store_still_forgets() {
    let Some(store) = Store::start().await else { return };
    let (server, town) = (Arc::new(Server::new()), targets(2));
    server.is(Mood::Answers(Duration::ZERO));
    let [here, there] = [0, 1].map(|_| store.instance(&server, |_| {}));
    list(&here, &town).await;
    list(&there, &town).await;
    store.command(&["CONFIG", "SET", "maxmemory", "1"]).await.expect("it answers");
    server.edition.store(1, Ordering::SeqCst);
    here.invalidate(&[town[0].key], Instant::now() + SECOND).await.expect("it can be told");
    for instance in [&there, &here] {
        let (fetched, _) = list(instance, &town).await;
        let shown = format!("{:?}", fetched[0].reading);
        assert!(shown.contains(":01Z"), "{shown}");
    }
    assert!(matches!(here.health().store, StoreHealth::Failing { .. }), "and its health says so");
    store.command(&["CONFIG", "SET", "maxmemory", "0"]).await.expect("it answers");
    here.invalidate(&[town[0].key], Instant::now() + SECOND).await.expect("it can be told");
    list(&here, &town).await;
    assert_eq!(here.health().store, StoreHealth::Answering);
}

#[tokio::test]
async fn a_store_that_restarts_from_an_old_snapshot_revives_nothing() {
    let Some(mut store) = Store::start_with(&["--appendonly", "no"]).await else { return };
    let cache = store.cache();
    let key = targets(1)[0].key;
    let old = cache.get(&[key]).await.expect("it answers");
    cache.put(&key, old[0].version, crate::revival::reading(0)).await.expect("it stores");
    store.command(&["SAVE"]).await.expect("it saves");
    cache.invalidate(&[key]).await.expect("it can be told");
    store.kill();
    store.restart().await.expect("it comes up again");
    assert!(store.names().await.iter().any(|name| name.contains(&key.to_string())), "the old reading lies there");
    for cache in [store.cache(), cache] {
        soon("it answers again", async || {
            drop(cache.get(&[key]).await);
            cache.health() == Some(StoreHealth::Answering)
        })
        .await;
        let now = cache.get(&[key]).await.expect("it answers");
        assert!(now[0].readings.is_empty(), "and is not served");
        assert_ne!(now[0].version, old[0].version);
    }
}

#[tokio::test]
async fn foreign_bytes_are_no_readings() {
    let Some(store) = Store::start().await else { return };
    let cache = store.cache_with(|settings| settings.memory = 0);
    let town = targets(3);
    let keys: Vec<CacheKey> = town.iter().map(|target| target.key).collect();
    cache.get(&keys).await.expect("it answers");
    let mut names = store.names().await;
    names.sort();
    let [text, version, field] = &names[..] else { panic!("{names:?}") };
    store.command(&["DEL", text]).await.expect("it answers");
    store.command(&["SET", text, "something else"]).await.expect("it answers");
    store.command(&["HSET", version, "v", "-1", "n", "x"]).await.expect("it answers");
    store.command(&["HSET", field, "0:1:2", "oR\u{1}garbage", "other", "x", "n", "7"]).await.expect("it answers");
    let cached = cache.get(&keys).await.expect("it answers");
    assert!(cached.iter().all(|cached| cached.readings.is_empty() && cached.version.0 > 0), "{cached:?}");
    for (key, cached) in keys.iter().zip(&cached) {
        cache.put(key, cached.version, crate::revival::reading(0)).await.expect("it stores");
    }
    let cached = cache.get(&keys).await.expect("it answers");
    assert!(cached.iter().all(|cached| cached.readings.len() == 1), "and none is in the way: {cached:?}");
}
