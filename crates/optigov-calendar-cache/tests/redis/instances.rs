//! Instances that share a store: one reading for all, saves that count everywhere, one leader.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use futures_util::{StreamExt as _, future::join_all};
use optigov_calendar_cache::{
    CacheKey, CalendarCache, MemoryCache, Notice, Saved,
    testing::{cache_conforms, instances_conform, watching_conforms},
};
use tokio::time::{Instant, sleep, timeout};

use crate::{
    server::{Store, soon},
    support::{Mood, SECOND, Server, hours, list, reader_with, targets},
};

#[tokio::test]
async fn the_shared_cache_conforms() {
    let Some(store) = Store::start().await else { return };
    cache_conforms(&store.cache(), "first").await;
    let boxed: Box<dyn CalendarCache> = Box::new(store.cache());
    cache_conforms(&boxed, "boxed").await;
    // Without any memory of its own.
    let bare = || store.cache_with(|settings| settings.memory = 0);
    cache_conforms(&bare(), "bare").await;
    watching_conforms(&store.cache(), "watched").await;
    watching_conforms(&bare(), "watched, bare").await;
    instances_conform(&store.cache(), &store.cache(), "two").await;
    instances_conform(&bare(), &store.cache(), "two, one of them bare").await;
}

#[tokio::test]
async fn three_instances_of_a_thousand_mailboxes_make_a_thousand_readings_in_all() {
    let Some(store) = Store::start().await else { return };
    let (server, town) = (Arc::new(Server::new()), targets(1_000));
    server.is(Mood::Answers(Duration::from_millis(20)));
    let instances: Vec<_> = (0..3).map(|_| store.patient_instance(&server)).collect();
    let began = Instant::now();
    let lists = join_all(instances.iter().map(|instance| list(instance, &town))).await;
    println!("three instances, 1,000 mailboxes: {} readings in {:?}", server.requests(), began.elapsed());
    assert!(lists.iter().flat_map(|(fetched, _)| fetched).all(|fetched| fetched.reading.is_ok()));
    assert_eq!(server.requests(), 1_000);

    // A warm list from the store against one from memory.
    let memory = reader_with(&server, Arc::new(MemoryCache::new(1 << 26, Duration::from_secs(3_600))), |_| {});
    list(&memory, &town).await;
    let mut times = [Duration::MAX; 2];
    for _ in 0..20 {
        times[0] = times[0].min(list(&memory, &town).await.1);
        times[1] = times[1].min(list(&instances[0], &town).await.1);
    }
    let ratio = times[1].as_secs_f64() / times[0].as_secs_f64();
    println!(
        "a warm list of 1,000 mailboxes: {:?} from memory, {:?} from the store, {ratio:.0} times",
        times[0], times[1]
    );
    let fourth = store.patient_instance(&server);
    let (fetched, took) = list(&fourth, &town).await;
    assert!(fetched.iter().all(|fetched| fetched.reading.is_ok()));
    println!("the first list of a new instance: {took:?}");
    assert_eq!(server.requests(), 2_000, "a new instance reads nothing; the memory's own 1,000 aside");
}

#[tokio::test]
async fn what_is_saved_at_one_instance_counts_at_all_of_them_at_once() {
    let Some(store) = Store::start().await else { return };
    let (server, town) = (Arc::new(Server::new()), targets(3));
    server.is(Mood::Answers(Duration::ZERO));
    let [here, there] = [0, 1].map(|_| store.instance(&server, |_| {}));
    for edition in 0..50 {
        server.edition.store(edition, Ordering::SeqCst);
        if edition > 0 {
            let keys: Vec<CacheKey> = town.iter().map(|target| target.key).collect();
            here.invalidate(&keys, Instant::now() + SECOND).await.expect("the store can be told");
        }
        for instance in [&there, &here] {
            let (fetched, _) = list(instance, &town).await;
            for fetched in fetched {
                let reading = fetched.reading.expect("it was read");
                let start = chrono::DateTime::from_timestamp(hours(0, 1).start_unix() + edition as i64, 0);
                let shown = format!("{:?}", reading.entries().next());
                let wanted = start.expect("an instant").format("%Y-%m-%dT%H:%M:%SZ").to_string();
                assert!(shown.contains(&wanted), "round {edition}: {shown} does not begin at {wanted}");
            }
        }
    }
    assert_eq!(server.requests(), 150, "and each save costs one reading per mailbox in all");
}

#[tokio::test]
async fn a_reading_from_before_a_save_elsewhere_is_not_stored_after_it() {
    let Some(store) = Store::start().await else { return };
    let (server, town) = (Arc::new(Server::new()), targets(1));
    let [here, there] = [0, 1].map(|_| store.instance(&server, |_| {}));
    server.is(Mood::Answers(Duration::from_millis(300)));
    let slow = tokio::spawn({
        let (reader, town) = (Arc::clone(&here), town.clone());
        async move { list(&reader, &town).await }
    });
    sleep(Duration::from_millis(100)).await;
    there.invalidate(&[town[0].key], Instant::now() + SECOND).await.expect("the store can be told");
    server.edition.store(1, Ordering::SeqCst);
    assert!(slow.await.expect("it ends").0[0].reading.is_ok(), "who asked before is served");
    for instance in [&here, &there] {
        let (fetched, _) = list(instance, &town).await;
        let shown = format!("{:?}", fetched[0].reading);
        assert!(shown.contains(":01Z"), "{shown}");
    }
}

#[tokio::test]
async fn an_instance_that_dies_while_it_reads_is_followed() {
    let Some(store) = Store::start().await else { return };
    let (server, town) = (Arc::new(Server::new()), targets(1));
    server.is(Mood::Answers(Duration::ZERO));
    let cache = store.cache();
    cache.get(&[town[0].key]).await.expect("it answers");
    let window = hours(0, 24);
    let lease = cache.lease(&[town[0].key], window, Duration::from_millis(400)).await;
    assert!(lease[0].is_some());
    assert_eq!(store.cache().lease(&[town[0].key], window, SECOND).await, [None], "one reads for all");
    // The holder says no more. The other reads when the lease has ended.
    let other = store.instance(&server, |_| {});
    let (fetched, took) = list(&other, &town).await;
    assert!(fetched[0].reading.is_ok());
    assert!(took < 2 * SECOND, "{took:?}");
    // And one that is held for long is not waited for for ever.
    other.invalidate(&[town[0].key], Instant::now() + SECOND).await.expect("told");
    let lease = cache.lease(&[town[0].key], window, 60 * SECOND).await;
    let impatient = store.instance(&server, |settings| settings.lease_patience = Duration::from_millis(300));
    let (fetched, took) = list(&impatient, &town).await;
    assert!(fetched[0].reading.is_ok() && took < 2 * SECOND, "{took:?}");
    cache.release(&[(town[0].key, lease[0].expect("a lease"))], window).await;
    assert!(store.cache().lease(&[town[0].key], window, SECOND).await[0].is_some(), "a lease given back is free");
}

#[tokio::test]
async fn instances_hear_of_each_others_saves_and_not_of_their_own() {
    let Some(mut store) = Store::start().await else { return };
    let [here, there] = [store.cache(), store.cache()];
    let (mut heard, mut own) = (there.notices(), here.notices());
    let key = targets(1)[0].key;
    // The subscription is made in the background.
    soon("the other instance hears", async || {
        here.announce(&Saved::Counter("schalter 1".to_owned())).await.expect("the store can be told");
        timeout(Duration::from_millis(50), heard.next()).await.is_ok()
    })
    .await;
    here.invalidate(&[key]).await.expect("the store can be told");
    assert_eq!(own.next().await, Some(Notice::Missed), "what was said before the subscription may have been missed");
    soon("of mailboxes, too", async || heard.next().await == Some(Notice::Touched(vec![key]))).await;
    assert!(timeout(Duration::from_millis(50), own.next()).await.is_err(), "nobody hears of what it said itself");
    store.kill();
    store.restart().await.expect("it comes up again");
    soon("a lost connection is told", async || heard.next().await == Some(Notice::Missed)).await;
}

#[tokio::test]
async fn one_instance_leads_and_is_followed_when_it_dies() {
    let Some(store) = Store::start().await else { return };
    let [here, there] = [store.cache(), store.cache()];
    let (term, key) = (Duration::from_millis(300), targets(1)[0].key);
    let leader = here.lead("watching", term).await.expect("it leads");
    assert_eq!(there.lead("watching", term).await, None, "one leads");
    assert!(there.lead("other", term).await.is_some(), "in each role");
    here.watching(&leader, &[key]).await.expect("it can be told");
    assert_eq!(here.lead("watching", term).await.as_ref(), Some(&leader), "and may go on");
    let asked = Instant::now();
    assert!(there.get(&[key]).await.expect("it answers")[0].watch.is_some());
    // It dies, and says no more.
    drop(here);
    soon("nothing it has said holds", async || there.get(&[key]).await.expect("it answers")[0].watch.is_none()).await;
    assert!(asked.elapsed() < term + SECOND, "for longer than its term");
    soon("whoever says no more is followed", async || there.lead("watching", term).await.is_some()).await;
}

#[tokio::test]
async fn what_a_leader_could_not_tell_ends_its_leadership() {
    let Some(mut store) = Store::start().await else { return };
    let [here, there] = [store.cache(), store.cache()];
    let (term, key) = (60 * SECOND, targets(1)[0].key);
    let first = here.lead("watching", term).await.expect("it leads");
    assert_eq!(there.lead("watching", term).await, None, "one leads");
    here.watching(&first, &[key]).await.expect("it can be told");
    store.pause().expect("a signal");
    here.invalidate(&[key]).await.expect_err("it cannot be told");
    assert_eq!(here.lead("watching", term).await.as_ref(), Some(&first), "it leads on while nobody can say otherwise");
    store.resume().expect("a signal");
    soon("it leads under another token", async || {
        here.lead("watching", term).await.is_some_and(|leader| leader != first)
    })
    .await;
    assert_eq!(there.get(&[key]).await.expect("it answers")[0].watch, None, "and nothing it has said before holds");
    // A store that has forgotten who leads has forgotten what is watched.
    let second = here.lead("watching", term).await.expect("it leads");
    store.command(&["FLUSHALL"]).await.expect("it answers");
    let third = here.lead("watching", term).await.expect("it leads");
    assert_ne!(second, third);
    here.watching(&third, &[key]).await.expect("it can be told");
    store.kill();
    store.restart().await.expect("it comes up again");
    soon("the same after a restart", async || here.lead("watching", term).await.is_some_and(|leader| leader != third))
        .await;
}
