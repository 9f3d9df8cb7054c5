//! Conformance tests: what every [`CalendarCache`] must hold, whoever writes it.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use optigov_calendar::{Calendar, CalendarEntry, EntryStatus, Mailbox};
use optigov_slots::Interval;

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
    use std::time::Duration;

    use super::*;
    use crate::MemoryCache;

    #[tokio::test]
    async fn the_cache_in_memory_conforms() {
        cache_conforms(&MemoryCache::new(1 << 20, Duration::from_secs(60)), "memory").await;
        let boxed: Box<dyn CalendarCache> = Box::new(MemoryCache::new(1 << 20, Duration::from_secs(60)));
        cache_conforms(&boxed, "boxed").await;
    }
}
