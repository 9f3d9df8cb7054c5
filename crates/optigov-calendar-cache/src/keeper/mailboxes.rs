//! The mailboxes that are kept fresh: what is known of each, and when it is read next.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use optigov_calendar::{Mailbox, ReadError};
use tokio::time::Instant;

use crate::{CacheKey, Freshness, ReadTarget, ReadWindow, health::LiveHealth, keeper::KeptMailbox};

/// What the source has last said of a mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    Nothing,
    Watching,
    Lost,
}

/// A mailbox that is kept fresh.
pub(super) struct Kept {
    pub(super) target: ReadTarget,
    pub(super) window: ReadWindow,
    pub(super) said: Said,
    /// Since when it says that it watches, where it does.
    pub(super) watched_since: Option<Instant>,
    /// Whether the cache knows that it is watched.
    pub(super) is_live: bool,
    /// Whether the cache has a reading of the window.
    pub(super) is_warm: bool,
    pub(super) is_failing: bool,
    /// Whether its failure is its own, and not the server's.
    fails_alone: bool,
    due: Option<(Instant, Freshness)>,
    reading: bool,
    /// Tries that have failed since one succeeded.
    tries: u32,
    read: Option<Instant>,
    /// The number of the reading that ended last.
    landed: u64,
    /// How long after a reading the next one may follow.
    spacing: Duration,
}

/// All of them, and how many are in which state.
#[derive(Default)]
pub(super) struct Mailboxes {
    all: HashMap<CacheKey, Kept>,
    keys: HashMap<Mailbox, CacheKey>,
    due: BTreeSet<(Instant, CacheKey)>,
    counts: Counts,
    /// How many readings have ended.
    landed: u64,
    /// Whether all that fail by the server's fault are being tried already.
    all_tried: bool,
}

/// How many mailboxes are in which state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    live: usize,
    warm: usize,
    failing: usize,
}

/// Mailboxes that are read at once, in the same way.
pub(super) struct Group {
    pub(super) targets: Vec<ReadTarget>,
    pub(super) window: ReadWindow,
    pub(super) freshness: Freshness,
}

/// A mailbox that was read within this time is read less often.
const OFTEN: Duration = Duration::from_secs(60);
/// The first and the longest time between two readings of a mailbox that changes often.
const FIRST_SPACING: Duration = Duration::from_secs(1);
const LONGEST_SPACING: Duration = Duration::from_secs(60);
/// The longest pause after a failure of the server, and after one that is the mailbox's own.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
const LONGEST_PAUSE_OF_A_MAILBOX: Duration = Duration::from_secs(15 * 60);

impl Mailboxes {
    pub(super) fn keys(&self) -> Vec<CacheKey> {
        self.all.keys().copied().collect()
    }

    pub(super) fn key(&self, mailbox: &Mailbox) -> Option<CacheKey> {
        self.keys.get(mailbox).copied()
    }

    pub(super) fn kept(&self, key: CacheKey) -> Option<&Kept> {
        self.all.get(&key)
    }

    /// Whether it was never read here.
    pub(super) fn is_unread(&self, key: CacheKey) -> bool {
        self.all.get(&key).is_some_and(|kept| kept.read.is_none())
    }

    /// Those of which the source has last said this.
    pub(super) fn said(&self, said: Said) -> Vec<CacheKey> {
        self.all.iter().filter(|(_, kept)| kept.said == said).map(|(key, _)| *key).collect()
    }

    /// Takes up what is new, drops what is gone and notes what has another window. Returns the keys of the new ones, and of those gone.
    pub(super) fn plan(&mut self, planned: &[KeptMailbox]) -> (Vec<CacheKey>, Vec<CacheKey>) {
        let mut added = Vec::new();
        for KeptMailbox { target, window } in planned {
            if let Some(kept) = self.all.get_mut(&target.key) {
                kept.window = *window;
                continue;
            }
            self.keys.insert(target.mailbox.clone(), target.key);
            self.all.insert(target.key, Kept::new(target.clone(), *window));
            added.push(target.key);
        }
        let mut gone = Vec::new();
        if self.all.len() > planned.len() {
            let planned: std::collections::HashSet<CacheKey> = planned.iter().map(|kept| kept.target.key).collect();
            gone.extend(self.all.keys().filter(|key| !planned.contains(key)).copied());
            for key in &gone {
                // Out of the counts first.
                self.change(*key, |kept| (kept.is_live, kept.is_warm, kept.is_failing) = (false, false, false));
                if let Some(kept) = self.all.remove(key) {
                    // The mailbox may have another key now.
                    if self.key(&kept.target.mailbox) == Some(*key) {
                        self.keys.remove(&kept.target.mailbox);
                    }
                    if let Some((at, _)) = kept.due {
                        self.due.remove(&(at, *key));
                    }
                }
            }
        }
        (added, gone)
    }

    /// Changes what is known of a mailbox, and keeps count.
    pub(super) fn change(&mut self, key: CacheKey, change: impl FnOnce(&mut Kept)) {
        let Some(kept) = self.all.get_mut(&key) else { return };
        let before = kept.counts();
        change(kept);
        let after = kept.counts();
        let Counts { live, warm, failing } = &mut self.counts;
        *live = *live + after.live - before.live;
        *warm = *warm + after.warm - before.warm;
        *failing = *failing + after.failing - before.failing;
    }

    /// Has a mailbox read after a while, and not sooner than it may be. One that is due already is read at the earlier time, and afresh where either
    /// wants that.
    pub(super) fn schedule(&mut self, key: CacheKey, freshness: Freshness, after: Duration) {
        let now = Instant::now();
        let Some(kept) = self.all.get_mut(&key) else { return };
        let mut at = now + after;
        if let Some(read) = kept.read.filter(|read| read.elapsed() < OFTEN) {
            at = at.max(read + kept.spacing);
        } else {
            kept.spacing = Duration::ZERO;
        }
        let (at, freshness) = match kept.due {
            Some((before, other)) => {
                self.due.remove(&(before, key));
                (at.min(before), if other == Freshness::Now { other } else { freshness })
            }
            None => (at, freshness),
        };
        kept.due = Some((at, freshness));
        if !kept.reading {
            self.due.insert((at, key));
        }
    }

    /// When the next one is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Takes mailboxes that are due and can be read together, as many as one reading takes.
    pub(super) fn take_due(&mut self, most: usize) -> Option<Group> {
        let now = Instant::now();
        let mut group: Option<Group> = None;
        let mut taken = Vec::new();
        // All of them may be due, so no more are looked at than the group takes.
        for (at, key) in self.due.iter().take_while(|(at, _)| *at <= now) {
            let Some(kept) = self.all.get_mut(key) else { continue };
            let Some((_, freshness)) = kept.due else { continue };
            let group = group.get_or_insert_with(|| Group { targets: Vec::new(), window: kept.window, freshness });
            if group.window.read != kept.window.read || group.freshness != freshness {
                continue;
            }
            group.window = ReadWindow::new(group.window.needed.hull(kept.window.needed), group.window.read);
            group.targets.push(kept.target.clone());
            kept.begin(now);
            taken.push((*at, *key));
            if group.targets.len() >= most {
                break;
            }
        }
        for due in taken {
            self.due.remove(&due);
        }
        group
    }

    /// A mailbox was read, or not. One that was touched meanwhile is read again; and those that failed by the server's fault are, when one of them was read.
    pub(super) fn was_read(&mut self, key: CacheKey, result: Result<(), &ReadError>) {
        self.landed += 1;
        let landed = self.landed;
        let returns = result.is_ok() && self.all.get(&key).is_some_and(|kept| kept.is_failing && !kept.fails_alone);
        self.change(key, |kept| {
            if let Err(error) = result {
                // It was not read, so it may be read soon.
                (kept.fails_alone, kept.spacing) = (error.is_mailbox(), Duration::ZERO);
            }
            (kept.reading, kept.landed) = (false, landed);
            kept.is_failing = result.is_err();
            kept.is_warm |= result.is_ok();
            kept.tries = if result.is_ok() { 0 } else { kept.tries.saturating_add(1) };
        });
        let Some(kept) = self.all.get(&key) else { return };
        match (result, kept.due) {
            (Err(error), _) => {
                self.all_tried &= error.is_mailbox();
                let pause = kept.pause(error);
                self.schedule(key, Freshness::Now, pause);
            }
            (Ok(()), Some((at, _))) => {
                self.due.insert((at, key));
            }
            (Ok(()), None) => {}
        }
        // Those that were tried with this one return one by one: they find nothing more to try.
        if returns && !self.all_tried {
            self.try_failing();
        }
    }

    /// The server answers again: what has failed by its fault is tried at once.
    pub(super) fn try_failing(&mut self) {
        self.all_tried = true;
        let failing = self.all.iter().filter(|(_, kept)| kept.is_failing && !kept.fails_alone && !kept.reading);
        for key in failing.map(|(key, _)| *key).collect::<Vec<_>>() {
            self.schedule(key, Freshness::Now, Duration::ZERO);
        }
    }

    /// How many readings have ended.
    pub(super) fn landed(&self) -> u64 {
        self.landed
    }

    /// How they fare in all.
    pub(super) fn health(&self) -> LiveHealth {
        let Counts { live, warm, failing } = self.counts;
        LiveHealth { mailboxes: self.all.len(), live, warm, failing, ..LiveHealth::default() }
    }
}

impl Kept {
    fn new(target: ReadTarget, window: ReadWindow) -> Kept {
        Kept {
            target,
            window,
            said: Said::Nothing,
            watched_since: None,
            is_live: false,
            is_warm: false,
            is_failing: false,
            fails_alone: false,
            due: None,
            reading: false,
            tries: 0,
            read: None,
            landed: 0,
            spacing: Duration::ZERO,
        }
    }

    fn begin(&mut self, now: Instant) {
        if self.read.is_some_and(|read| now.duration_since(read) < OFTEN) {
            self.spacing = (self.spacing * 2).clamp(FIRST_SPACING, LONGEST_SPACING);
        }
        (self.due, self.reading, self.read) = (None, true, Some(now));
    }

    /// Whether it was not read since so many readings had [ended](Mailboxes::landed), is not being read and will not be.
    pub(super) fn is_settled_since(&self, landed: u64) -> bool {
        !self.reading && self.due.is_none() && self.landed <= landed
    }

    /// How long to wait after a failure.
    fn pause(&self, error: &ReadError) -> Duration {
        let longest = if error.is_mailbox() { LONGEST_PAUSE_OF_A_MAILBOX } else { LONGEST_PAUSE };
        let doubled = Duration::from_secs(1_u64 << self.tries.clamp(1, 20).saturating_sub(1));
        let pause = doubled.min(longest).max(error.retry_after().unwrap_or_default().min(longest));
        pause.mul_f64(1.0 + fastrand::f64() / 4.0)
    }

    fn counts(&self) -> Counts {
        Counts { live: self.is_live.into(), warm: self.is_warm.into(), failing: self.is_failing.into() }
    }
}
