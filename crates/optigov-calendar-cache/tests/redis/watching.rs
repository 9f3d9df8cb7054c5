//! Nothing counts as unchanged that has changed, whatever comes between: leaders that die, stores that forget, touched and lost mailboxes.

use std::{collections::HashMap, sync::Arc};

use optigov_calendar_cache::{CacheKey, CacheVersion, CalendarCache as _, Leadership, Reading, SharedCache, WatchId};

use crate::{
    revival::{reading, step_of},
    server::Store,
    support::{SECOND, targets},
};

/// A reading that is under way.
struct UnderWay {
    instance: usize,
    mailbox: usize,
    version: CacheVersion,
    watch: Option<WatchId>,
    since: i64,
}

/// Three instances of which one watches. A leader that dies is followed when its term has ended, which is where the schedule removes its lease.
struct Town {
    store: Store,
    keys: Vec<CacheKey>,
    instances: Vec<SharedCache>,
    leader: Option<(usize, Leadership)>,
    /// Which mailboxes the leader's source watches in truth.
    watched: Vec<bool>,
    /// When each mailbox has changed last.
    changed: Vec<i64>,
}

impl Town {
    /// Whoever may lead does, and says anew what it watches.
    async fn elect(&mut self, instance: usize) {
        let before = self.leader.take();
        let Some(leadership) = self.instances[instance].lead("watching", 600 * SECOND).await else {
            self.leader = before;
            return;
        };
        let is_another = before.as_ref().is_none_or(|(_, old)| *old != leadership);
        self.leader = Some((instance, leadership.clone()));
        if is_another {
            // Before its source watches, anything may change.
            self.watched = vec![true; self.keys.len()];
            self.instances[instance].watching(&leadership, &self.keys).await.expect("it can be told");
        }
    }

    /// Something changes in a mailbox; the leader tells, if its source watches it.
    async fn change(&mut self, mailbox: usize, now: i64) {
        self.changed[mailbox] = now;
        if let Some((leader, _)) = &self.leader
            && self.watched[mailbox]
        {
            self.instances[*leader].invalidate(&[self.keys[mailbox]]).await.expect("it can be told");
        }
    }

    async fn lose(&mut self, mailbox: usize) {
        if let Some((leader, leadership)) = &self.leader {
            self.watched[mailbox] = false;
            self.instances[*leader].lost(leadership, &[self.keys[mailbox]]).await.expect("it can be told");
        }
    }

    async fn watch_again(&mut self, mailbox: usize) {
        if let Some((leader, leadership)) = &self.leader {
            self.watched[mailbox] = true;
            // A leader that the store has forgotten is told so, and asks anew.
            let told = self.instances[*leader].watching(leadership, &[self.keys[mailbox]]).await;
            if told.is_err() {
                let leader = *leader;
                self.elect(leader).await;
            }
        }
    }

    /// An instance crashes. If it was the leader, its term ends.
    async fn crash(&mut self, instance: usize) {
        if self.leader.as_ref().is_some_and(|(leader, _)| *leader == instance) {
            self.leader = None;
            for name in self.store.names().await.iter().filter(|name| name.contains(":role:")) {
                self.store.command(&["DEL", name]).await.expect("it answers");
            }
        }
        self.instances[instance] = self.store.cache();
        // Whoever asks to lead learns in which roles somebody may.
        self.elect(instance).await;
    }
}

#[tokio::test]
async fn a_thousand_random_schedules_of_watching_show_nothing_as_unchanged_that_has_changed() {
    let Some(store) = Store::start().await else { return };
    let mut random = fastrand::Rng::with_seed(20_261_130);
    let keys: Vec<CacheKey> = targets(3).iter().map(|target| target.key).collect();
    let instances: Vec<SharedCache> = (0..3).map(|_| store.cache()).collect();
    let mut town = Town { store, keys, instances, leader: None, watched: vec![false; 3], changed: vec![-1; 3] };
    for instance in 0..3 {
        town.elect(instance).await;
    }
    let (mut looked, mut live, mut counts) = (0, 0, HashMap::<&str, usize>::new());
    for schedule in 0..1_000_i64 {
        let began = schedule * 1_000;
        let mut under_way: Vec<UnderWay> = Vec::new();
        for step in 1..random.i64(15..30) {
            let now = began + step;
            let (instance, mailbox) = (random.usize(0..3), random.usize(0..3));
            let key = town.keys[mailbox];
            let what = match random.u8(0..28) {
                0..9 => {
                    let cached = town.instances[instance].get(&[key]).await.expect("it answers").remove(0);
                    looked += 1;
                    for reading in cached.readings.iter().filter(|reading| cached.is_live(reading)) {
                        live += 1;
                        assert!(
                            step_of(reading) > town.changed[mailbox],
                            "schedule {schedule}, step {step}: a reading from {} counts as unchanged after {}",
                            step_of(reading),
                            town.changed[mailbox]
                        );
                    }
                    let (version, watch) = (cached.version, cached.watch);
                    under_way.push(UnderWay { instance, mailbox, version, watch, since: now });
                    "look"
                }
                9..18 if !under_way.is_empty() => {
                    let done = under_way.swap_remove(random.usize(..under_way.len()));
                    let read = Arc::new(Reading::clone(&reading(done.since)).under(done.watch));
                    let key = town.keys[done.mailbox];
                    town.instances[done.instance].put(&key, done.version, read).await.expect("it stores");
                    "store"
                }
                18..21 => {
                    town.change(mailbox, now).await;
                    "change"
                }
                21 => {
                    town.lose(mailbox).await;
                    "lose"
                }
                22 => {
                    town.watch_again(mailbox).await;
                    "watch"
                }
                23 | 24 => {
                    town.elect(instance).await;
                    "ask to lead"
                }
                25 => {
                    for name in town.store.names().await.iter().filter(|name| name.contains(&key.to_string())) {
                        town.store.command(&["DEL", name]).await.expect("it answers");
                    }
                    "evict"
                }
                26 => {
                    town.crash(instance).await;
                    "crash"
                }
                _ if random.u8(0..4) == 0 => {
                    drop(town.store.command(&["FLUSHALL"]).await.expect("it answers"));
                    "flush"
                }
                _ => "nothing",
            };
            *counts.entry(what).or_default() += 1;
        }
    }
    println!("{looked} looks found {live} live readings, none of them changed since; {counts:?}");
    assert!(live > 500, "the schedules do find live readings: {live}");
}
