//! No reading that began before a save is found after it, whatever comes between: evictions, flushes, crashes of instances, lost connections.

use std::{collections::HashMap, sync::Arc};

use chrono::{DateTime, TimeDelta, Utc};
use optigov_calendar::{Calendar, CalendarEntry, EntryStatus};
use optigov_calendar_cache::{CacheVersion, CalendarCache as _, Reading, SharedCache};
use optigov_slots::Interval;

use crate::{
    server::Store,
    support::{NOON, targets},
};

/// A reading that says at which step of a schedule it began.
pub(crate) fn reading(step: i64) -> Arc<Reading> {
    let window = Interval::from_unix(NOON, NOON + 86_400).expect("not empty");
    let entry = CalendarEntry::timed(Interval::from_unix(NOON, NOON + 1 + step).expect("not empty"), EntryStatus::Busy);
    let read_at = DateTime::<Utc>::from_timestamp(NOON, 0).expect("an instant") + TimeDelta::milliseconds(step);
    Arc::new(Reading::new(window, read_at, Calendar::new(vec![entry])))
}

/// When a reading began, by its entry.
pub(crate) fn step_of(reading: &Reading) -> i64 {
    let entry = serde_json::to_value(reading.entries().next()).expect("it serialises");
    entry[1].as_i64().expect("a length") - 1
}

#[tokio::test]
async fn a_thousand_random_schedules_revive_no_reading() {
    let Some(store) = Store::start().await else { return };
    let mut random = fastrand::Rng::with_seed(20_261_124);
    let town = targets(3);
    let mut instances: Vec<SharedCache> = (0..3).map(|_| store.cache()).collect();
    let (mut found, mut looked, mut stored) = (0, 0, 0);
    for schedule in 0..1_000_i64 {
        // The schedules share the store: each begins among what the others have left.
        let began = schedule * 1_000;
        let mut saved: HashMap<usize, i64> = (0..3).map(|mailbox| (mailbox, -1)).collect();
        for (mailbox, target) in town.iter().enumerate() {
            instances[0].invalidate(&[target.key]).await.expect("the store can be told");
            saved.insert(mailbox, began);
        }
        // Readings under way: which instance reads which mailbox, under which version, since when.
        let mut under_way: Vec<(usize, usize, CacheVersion, i64)> = Vec::new();
        for step in 1..random.i64(15..30) {
            let now = began + step;
            let (instance, mailbox) = (random.usize(0..3), random.usize(0..3));
            let key = town[mailbox].key;
            match random.u8(0..24) {
                0..9 => {
                    let cached = instances[instance].get(&[key]).await.expect("it answers").remove(0);
                    looked += 1;
                    for reading in &cached.readings {
                        found += 1;
                        assert!(
                            step_of(reading) > saved[&mailbox],
                            "schedule {schedule}, step {step}: a reading from {} is revived after a save at {}",
                            step_of(reading),
                            saved[&mailbox]
                        );
                    }
                    under_way.push((instance, mailbox, cached.version, now));
                }
                9..18 if !under_way.is_empty() => {
                    let (instance, mailbox, version, since) = under_way.swap_remove(random.usize(..under_way.len()));
                    let key = town[mailbox].key;
                    instances[instance].put(&key, version, reading(since)).await.expect("it stores");
                    stored += 1;
                }
                18..20 => {
                    instances[instance].invalidate(&[key]).await.expect("the store can be told");
                    saved.insert(mailbox, now);
                }
                // An eviction, of one mailbox or of all.
                20 | 21 => {
                    for name in store.names().await.iter().filter(|name| name.contains(&key.to_string())) {
                        store.command(&["DEL", name]).await.expect("it answers");
                    }
                }
                22 => drop(store.command(&["FLUSHALL"]).await.expect("it answers")),
                // A crash: what the instance knew and read is gone; its readings under way may still arrive.
                _ => instances[instance] = store.cache(),
            }
        }
    }
    println!("{looked} looks found {found} readings of {stored} stored, none revived");
    assert!(found > 1_000, "the schedules do find readings: {found}");
}
