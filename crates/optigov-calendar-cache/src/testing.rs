//! Conformance tests: what every [`CalendarCache`] must hold, whoever writes it; and, with the feature `redis`, a store to test against.

#[cfg(feature = "redis")]
mod redis_server;

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use optigov_calendar::{Calendar, CalendarEntry, EntryStatus, Mailbox};
use optigov_slots::Interval;

#[cfg(feature = "redis")]
pub use self::redis_server::RedisServer;
use crate::{CacheKey, CachedReadings, CalendarCache, Reading};

/// Holds a cache to the contract of [`CalendarCache`]. The cache must be empty for the keys of the namespace given; pass a new namespace for each
/// run against a store that outlives the test.
///
/// Held are: one answer per key, in the order asked, also where a key is asked for twice; what is stored under a key's version is found under that
/// key alone; after an invalidation nothing that was read or begun before is found, and what is stored late under the old version is dropped;
/// an invalidation touches no other key; a reading that covers an older one replaces it.
///
/// # Panics
/// Where a rule is broken, with its name.
pub async fn cache_conforms(cache: &impl CalendarCache, namespace: &str) {
    let key = |name: &str| CacheKey::new(namespace, &mailbox(name));
    let (anna, berta) = (key("anna"), key("berta"));

    let [a, b, again] = get(cache, [anna, berta, anna]).await;
    assert!(a.readings.is_empty() && b.readings.is_empty() && again.readings.is_empty(), "a new key has no reading");

    let first = reading(0, 1);
    put(cache, &anna, &a, &first).await;
    let [b, a, again] = get(cache, [berta, anna, anna]).await;
    assert_eq!(a.readings, [Arc::clone(&first)], "what is stored is found");
    assert_eq!(again.readings, a.readings, "a key asked for twice is answered twice");
    assert!(b.readings.is_empty(), "what is stored under one key is not found under another");

    let longer = reading(0, 3);
    put(cache, &anna, &a, &longer).await;
    put(cache, &berta, &b, &first).await;
    let [a] = get(cache, [anna]).await;
    assert_eq!(a.readings, [Arc::clone(&longer)], "a reading replaces the older ones that it covers");

    cache.invalidate(&[anna]).await.expect("the cache can be told");
    let [new, b] = get(cache, [anna, berta]).await;
    assert!(new.readings.is_empty(), "after an invalidation nothing read before is found");
    assert_ne!(new.version, a.version, "an invalidation bumps the version");
    assert_eq!(b.readings, [Arc::clone(&first)], "an invalidation touches no other key");

    put(cache, &anna, &a, &longer).await;
    let [still] = get(cache, [anna]).await;
    assert!(still.readings.is_empty(), "a reading begun before the invalidation is dropped");
    assert_eq!(still.version, new.version, "a late reading changes no version");

    put(cache, &anna, &new, &first).await;
    let [a] = get(cache, [anna]).await;
    assert_eq!(a.readings, [first], "a reading begun after the invalidation is found");
    assert!(get(cache, []).await.is_empty(), "no key, no answer");
}

/// Holds a cache that keeps what is watched to the contract of [`CalendarCache`], besides [`cache_conforms`]: nobody else may lead in the role
/// `namespace`, and the cache must be empty for its keys.
///
/// Held are: a mailbox stands under no watch until it is told, and under none after it was lost; a reading is live while the watch under which it
/// began stands, and no longer; watching anew is another watch; what is void is gone though the mailbox is watched, and the watch stands on.
///
/// # Panics
/// Where a rule is broken, with its name.
pub async fn watching_conforms(cache: &impl CalendarCache, namespace: &str) {
    let key = |name: &str| CacheKey::new(namespace, &mailbox(name));
    let (anna, berta) = (key("anna"), key("berta"));
    let leader = cache.lead(namespace, TERM).await.expect("nobody else leads");
    assert_eq!(leader.role(), namespace, "a leadership says in what");

    let [a] = get(cache, [anna]).await;
    assert_eq!(a.watch, None, "a new key stands under no watch");
    put(cache, &anna, &a, &reading(0, 1)).await;
    cache.watching(&leader, &[anna]).await.expect("the cache can be told");
    let [a, b] = get(cache, [anna, berta]).await;
    assert!(a.watch.is_some(), "a watched key stands under a watch");
    assert_eq!(b.watch, None, "watching one key touches no other");
    assert_eq!(a.readings.len(), 1, "what was read before is found as ever");
    assert!(!a.is_live(&a.readings[0]), "what was read before is not live");

    let live = Arc::new(Reading::clone(&reading(0, 3)).under(a.watch));
    put(cache, &anna, &a, &live).await;
    let [again] = get(cache, [anna]).await;
    assert_eq!(again.readings, [Arc::clone(&live)], "a reading is found with its watch");
    assert!(again.is_live(&live), "a reading is live while its watch stands");

    cache.invalidate(&[anna]).await.expect("the cache can be told");
    let [void] = get(cache, [anna]).await;
    assert!(void.readings.is_empty(), "what is void is not found, though the mailbox is watched");
    assert_eq!(void.watch, a.watch, "the watch stands on");
    put(cache, &anna, &void, &live).await;

    cache.lost(&leader, &[anna]).await.expect("the cache can be told");
    let [lost] = get(cache, [anna]).await;
    assert_eq!(lost.watch, None, "a lost mailbox stands under no watch");
    assert!(lost.readings.contains(&live) && !lost.is_live(&live), "its readings are found, and are not live");

    cache.watching(&leader, &[anna, berta]).await.expect("the cache can be told");
    let [anew] = get(cache, [anna]).await;
    assert!(anew.watch.is_some() && !anew.is_live(&live), "watching anew is another watch");
    assert_eq!(cache.lead(namespace, TERM).await, Some(leader.clone()), "whoever leads may go on");
    let [on] = get(cache, [anna]).await;
    assert_eq!(on.watch, anew.watch, "and what is watched stays so");
    cache.resign(&leader).await;
}

/// Holds two instances that share a store to the contract of [`CalendarCache`], besides [`watching_conforms`].
///
/// Held are: what one stores, voids, watches and loses, the other sees at once; one of them leads in a role; once it resigns, what it watched stands
/// under no watch, at both of them, and the other may follow.
///
/// # Panics
/// Where a rule is broken, with its name.
pub async fn instances_conform(here: &impl CalendarCache, there: &impl CalendarCache, namespace: &str) {
    let anna = CacheKey::new(namespace, &mailbox("anna"));
    let leader = here.lead(namespace, TERM).await.expect("nobody else leads");
    assert_eq!(there.lead(namespace, TERM).await, None, "one instance leads in a role");

    here.watching(&leader, &[anna]).await.expect("the cache can be told");
    let [watched] = get(there, [anna]).await;
    assert!(watched.watch.is_some(), "what one instance watches, the other knows");
    let live = Arc::new(Reading::clone(&reading(0, 1)).under(watched.watch));
    put(there, &anna, &watched, &live).await;
    let [a] = get(here, [anna]).await;
    assert!(a.readings == [Arc::clone(&live)] && a.is_live(&live), "what one instance reads, the other finds live");

    here.lost(&leader, &[anna]).await.expect("the cache can be told");
    let [lost] = get(there, [anna]).await;
    assert!(!lost.is_live(&live), "what one instance loses is lost at the other");
    here.watching(&leader, &[anna]).await.expect("the cache can be told");
    here.invalidate(&[anna]).await.expect("the cache can be told");
    let [void] = get(there, [anna]).await;
    assert!(void.readings.is_empty(), "what one instance voids is void at the other");
    put(there, &anna, &watched, &live).await;
    assert!(get(there, [anna]).await[0].readings.is_empty(), "also what the other was reading");

    here.resign(&leader).await;
    for cache in [get(here, [anna]).await, get(there, [anna]).await] {
        assert_eq!(cache[0].watch, None, "what was watched under a leadership stands under no watch after it");
    }
    let follower = there.lead(namespace, TERM).await.expect("the other follows at once");
    assert_ne!(follower, leader, "a leadership is no other's");
    assert!(here.watching(&leader, &[anna]).await.is_err(), "whoever leads no more is told so");
    assert_eq!(get(there, [anna]).await[0].watch, None, "and puts nothing under a watch");
    there.watching(&follower, &[anna]).await.expect("the cache can be told");
    assert_eq!(here.lead(namespace, TERM).await, None, "the former leader does not lead");
    assert!(get(here, [anna]).await[0].watch.is_some(), "the follower's watch is known to the former leader");
    there.resign(&follower).await;
}

/// Longer than a test takes.
const TERM: Duration = Duration::from_secs(60);

async fn get<const N: usize>(cache: &impl CalendarCache, keys: [CacheKey; N]) -> [Arc<CachedReadings>; N] {
    let answers = cache.get(&keys).await.expect("the cache answers");
    answers.try_into().unwrap_or_else(|_| panic!("one answer per key"))
}

async fn put(cache: &impl CalendarCache, key: &CacheKey, asked: &CachedReadings, reading: &Arc<Reading>) {
    cache.put(key, asked.version, Arc::clone(reading)).await.expect("the cache stores");
}

fn mailbox(name: &str) -> Mailbox {
    Mailbox::parse(&format!("{name}@musterstadt.example")).expect("an address")
}

/// A reading of so many hours that begins at an hour of 2027-03-01, read that many minutes after each other.
fn reading(from: i64, to: i64) -> Arc<Reading> {
    let day = DateTime::<Utc>::from_timestamp(1_803_859_200, 0).expect("an instant");
    let hour = |hour| day + TimeDelta::hours(hour);
    let window = Interval::new(hour(from), hour(to)).expect("not empty");
    let entry = CalendarEntry::timed(window, EntryStatus::Busy);
    Arc::new(Reading::new(window, day + TimeDelta::minutes(to), Calendar::new(vec![entry])))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryCache;

    #[tokio::test]
    async fn the_cache_in_memory_conforms() {
        cache_conforms(&MemoryCache::new(1 << 20, Duration::from_secs(60)), "memory").await;
        let boxed: Box<dyn CalendarCache> = Box::new(MemoryCache::new(1 << 20, Duration::from_secs(60)));
        cache_conforms(&boxed, "boxed").await;
        watching_conforms(&boxed, "watched").await;
    }
}
