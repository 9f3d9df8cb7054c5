//! What an account of the store must be allowed, and how much memory a mailbox takes there. `docs/operations.md` states both.

use std::{sync::Arc, time::Duration};

use futures_util::StreamExt as _;
use optigov_calendar::{Calendar, CalendarEntry, EntryStatus};
use optigov_calendar_cache::{
    CacheKey, CalendarCache as _, Notice, Reading, Saved, StoreHealth,
    testing::{cache_conforms, instances_conform, watching_conforms},
};
use optigov_slots::Interval;
use tokio::time::timeout;

use crate::{
    server::{Store, cache_at, soon},
    support::{NOON, hours, targets},
};

/// As the operations guide states it.
const GUIDE: &str = include_str!("../../../../docs/operations.md");

#[tokio::test]
async fn an_account_with_the_rights_that_the_guide_states_suffices() {
    let Some(store) = Store::start().await else { return };
    let stated =
        GUIDE.lines().find(|line| line.starts_with("ACL SETUSER optigov ")).expect("the guide states the rights");
    let stated = stated.replace("PASSWORD", "geheim");
    let rule: Vec<&str> = stated.split(' ').collect();
    store.command(&rule).await.expect("they are rights");
    let url = format!("redis://optigov:geheim@127.0.0.1:{}", store.port());
    let cache = || cache_at(&url, |settings| settings.answers_within = Duration::from_secs(5));
    let (here, there) = (cache(), cache());
    let mut notices = there.notices();
    let missed = timeout(Duration::from_secs(5), notices.next()).await.expect("it may subscribe");
    assert_eq!(missed, Some(Notice::Missed));
    cache_conforms(&here, "rights").await;
    watching_conforms(&here, "rights").await;
    instances_conform(&here, &there, "rights of two").await;
    let key = targets(1)[0].key;
    let leases = here.lease(&[key], hours(0, 1), Duration::from_secs(60)).await;
    here.release(&[(key, leases[0].expect("a lease"))], hours(0, 1)).await;
    here.announce(&Saved::Everything).await.expect("it may publish");
    soon("what is published is heard", async || notices.next().await == Some(Notice::Saved(Saved::Everything))).await;
    assert_eq!(here.health(), Some(StoreHealth::Answering));
}

#[tokio::test]
async fn a_mailbox_takes_no_more_memory_of_the_store_than_stated() {
    let Some(store) = Store::start().await else { return };
    let cache = cache_at(&store.url(), |settings| settings.answers_within = Duration::from_secs(30));
    let keys: Vec<CacheKey> = targets(1_000).iter().map(|target| target.key).collect();
    let used = async || {
        let memory = store.command(&["INFO", "memory"]).await.expect("it answers");
        let memory: String = redis::from_redis_value(memory).expect("a text");
        let line = memory.lines().find_map(|line| line.strip_prefix("used_memory:")).expect("it is stated");
        line.trim().parse::<usize>().expect("a number")
    };
    // What the store needs for its connections, it has by now.
    cache.get(&keys).await.expect("it answers");
    store.command(&["FLUSHALL"]).await.expect("it answers");
    let empty = used().await;
    let cached = cache.get(&keys).await.expect("it answers");
    let unread = (used().await - empty) / keys.len();
    // 90 days with 500 entries, which is 2,000 a year.
    let window = Interval::from_unix(NOON, NOON + 90 * 86_400).expect("not empty");
    let entries = (0..500).map(|n| {
        let start = NOON + n * 15_300;
        CalendarEntry::timed(Interval::from_unix(start, start + 1_800).expect("not empty"), EntryStatus::Busy)
    });
    let read_at = chrono::DateTime::from_timestamp(NOON, 0).expect("an instant");
    let reading = Arc::new(Reading::new(window, read_at, Calendar::new(entries.collect())));
    for (key, cached) in keys.iter().zip(&cached) {
        cache.put(key, cached.version, Arc::clone(&reading)).await.expect("it stores");
    }
    let read = (used().await - empty) / keys.len();
    println!("a mailbox that was not read: {unread} bytes of the store; with a reading of 500 entries: {read} bytes");
    assert!(unread < 400 && read < 7_000, "{unread} {read}");
}
