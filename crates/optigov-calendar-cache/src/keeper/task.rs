//! The one task that keeps mailboxes fresh: it takes reports, tells the cache, and has mailboxes read.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use futures_util::{FutureExt as _, StreamExt as _};
use optigov_calendar::{Change, Mailbox, ReadError, ReadErrorKind};
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, sleep_until, timeout},
};
use tracing::Instrument as _;

use crate::{
    CacheKey, CalendarReader, Freshness, Leadership, Notice, Notices,
    health::LiveHealth,
    keeper::{
        KeptMailbox,
        mailboxes::{Group, Mailboxes, Said},
        streams::{Report, Streams},
        tell::{Told, Untold, tell},
    },
};

/// For how long whoever watches for all instances leads, and how often that is renewed.
const TERM: Duration = Duration::from_secs(15);
const RENEWED: Duration = Duration::from_secs(5);
/// So far apart the cache is told of what has changed, however much that is.
const TELLS_APART: Duration = Duration::from_millis(200);
/// After a cache that could not be told.
const TELLS_AGAIN: Duration = Duration::from_secs(1);
/// A mailbox of which the source has said nothing by then is read even so.
const SAID_BY: Duration = Duration::from_secs(10);
/// How often the cache is asked what it has of all mailboxes, and of how many at once.
const SURVEYS_APART: Duration = Duration::from_secs(30);
const SURVEYED_AGAIN: Duration = Duration::from_secs(5);
const SURVEYED_AT_ONCE: usize = 500;
/// So many streams there are before all mailboxes are watched anew by one.
const MOST_STREAMS: usize = 32;
/// After a stream has ended: the first, the longest pause, and the one where the source cannot watch. One that held for long begins anew.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
const NOT_WATCHABLE_PAUSE: Duration = Duration::from_secs(15 * 60);
const HELD_LONG: Duration = Duration::from_secs(60);

type Survey = Vec<(CacheKey, Found)>;

/// What the cache has of a mailbox.
struct Found {
    is_watched: bool,
    /// Whether a reading of what is needed is as good as new.
    has_live: bool,
    has_fresh: bool,
}

struct Task {
    reader: Arc<CalendarReader>,
    role: Arc<str>,
    mailboxes: Mailboxes,
    streams: Streams,
    /// What is to be watched, and when.
    to_watch: BTreeSet<(Instant, CacheKey)>,
    /// How often in a row a stream has ended soon.
    ended: u32,
    /// Whether the source has last said that it cannot watch.
    cannot: bool,
    /// Why something was last lost, until all is watched.
    lost: Option<ReadError>,
    untold: Untold,
    telling: JoinSet<Told>,
    tell_at: Instant,
    leadership: Option<Leadership>,
    leading: JoinSet<Option<Leadership>>,
    lead_at: Instant,
    readings: JoinSet<Vec<(CacheKey, Result<(), ReadError>)>>,
    surveys: JoinSet<Survey>,
    survey_at: Instant,
    /// How many readings had ended when the last survey began, and whether the cache was told nothing since.
    surveyed_since: u64,
    survey_holds: bool,
    shown: LiveHealth,
}

/// Runs until the plan's sender is dropped.
pub(super) async fn run(
    reader: Arc<CalendarReader>,
    role: Arc<str>,
    mut plan: watch::Receiver<Arc<[KeptMailbox]>>,
    state: watch::Sender<LiveHealth>,
) {
    let mut notices = Some(reader.cache.notices());
    let mut recovered = reader.failures.recovered();
    let mut task = Task::new(reader, role);
    let planned = Arc::clone(&plan.borrow_and_update());
    task.plan(&planned);
    loop {
        task.act();
        let health = task.health();
        state.send_if_modified(|shown| {
            let differs = *shown != health;
            *shown = health;
            differs
        });
        let next = task.next_instant();
        tokio::select! {
            biased;
            changed = plan.changed() => match changed {
                Ok(()) => {
                    let planned = Arc::clone(&plan.borrow_and_update());
                    task.plan(&planned);
                }
                Err(_) => break,
            },
            Some(led) = task.leading.join_next() => task.led(led.ok().flatten()),
            Some(told) = task.telling.join_next() => task.told(told.unwrap_or_default()),
            Some(read) = task.readings.join_next() => task.read(read.unwrap_or_default()),
            Some(found) = task.surveys.join_next() => task.surveyed(found.unwrap_or_default()),
            Ok(()) = recovered.changed() => task.mailboxes.try_failing(),
            report = task.streams.next() => task.report(report),
            notice = next_notice(&mut notices) => match notice {
                Some(notice) => task.notice(notice),
                None => notices = None,
            },
            () = sleep_until(next) => {}
        }
    }
    task.stop().await;
}

/// The next notice; never where there are no more.
async fn next_notice(notices: &mut Option<Notices>) -> Option<Notice> {
    match notices {
        Some(notices) => notices.next().await,
        None => std::future::pending().await,
    }
}

impl Task {
    fn new(reader: Arc<CalendarReader>, role: Arc<str>) -> Task {
        let now = Instant::now();
        Task {
            streams: Streams::new(Arc::clone(&reader.source)),
            reader,
            role,
            mailboxes: Mailboxes::default(),
            to_watch: BTreeSet::new(),
            ended: 0,
            cannot: false,
            lost: None,
            untold: Untold::default(),
            telling: JoinSet::new(),
            tell_at: now,
            leadership: None,
            leading: JoinSet::new(),
            lead_at: now,
            readings: JoinSet::new(),
            surveys: JoinSet::new(),
            survey_at: now + SURVEYS_APART,
            surveyed_since: 0,
            survey_holds: false,
            shown: LiveHealth::default(),
        }
    }

    /// These mailboxes and no others are kept fresh.
    fn plan(&mut self, planned: &[KeptMailbox]) {
        let (added, gone) = self.mailboxes.plan(planned);
        // Nobody looks at what is reported of them any more.
        gone.into_iter().for_each(|key| self.untold.lost(key));
        if !added.is_empty() && self.leadership.is_some() {
            self.watch_after(Duration::ZERO, added);
        }
        // What the cache has may not cover the new windows.
        self.survey_at = Instant::now();
    }

    /// Begins what is due.
    fn act(&mut self) {
        let now = Instant::now();
        if self.leading.is_empty() && self.lead_at <= now {
            let (reader, role) = (Arc::clone(&self.reader), Arc::clone(&self.role));
            self.leading.spawn(async move {
                let led = timeout(reader.settings.cache, reader.cache.lead(&role, TERM)).await;
                led.ok().flatten()
            });
        }
        if self.surveys.is_empty() && self.survey_at <= now {
            (self.surveyed_since, self.survey_holds) = (self.mailboxes.landed(), self.telling.is_empty());
            self.surveys.spawn(survey(Arc::clone(&self.reader), self.all_needed()));
        }
        let Some(leadership) = self.leadership.clone() else { return };
        let due: BTreeSet<CacheKey> =
            self.to_watch.iter().take_while(|(at, _)| *at <= now).map(|(_, key)| *key).collect();
        if !due.is_empty() {
            self.to_watch.retain(|(_, key)| !due.contains(key));
            self.watch(due.into_iter().collect());
        }
        if self.telling.is_empty() && !self.untold.is_empty() && self.tell_at <= now {
            self.survey_holds = false;
            let untold = std::mem::take(&mut self.untold);
            self.telling.spawn(tell(Arc::clone(&self.reader), leadership, untold));
        }
        let at_once = (self.reader.settings.list_places / 2).max(1);
        while self.readings.len() < at_once {
            let Some(group) = self.mailboxes.take_due(self.reader.batch()) else { break };
            self.readings.spawn(read(Arc::clone(&self.reader), group).in_current_span());
        }
    }

    /// When something is due next, if nothing is reported before.
    fn next_instant(&self) -> Instant {
        let mut next = self.survey_at;
        if !self.surveys.is_empty() {
            next += SURVEYS_APART;
        }
        if self.leading.is_empty() {
            next = next.min(self.lead_at);
        }
        if self.leadership.is_some() {
            let at_once = (self.reader.settings.list_places / 2).max(1);
            let tells = (self.telling.is_empty() && !self.untold.is_empty()).then_some(self.tell_at);
            let reads = self.mailboxes.next_due().filter(|_| self.readings.len() < at_once);
            let watches = self.to_watch.first().map(|(at, _)| *at).into_iter();
            next = watches.chain(tells).chain(reads).fold(next, Instant::min);
        }
        next
    }

    /// This instance leads, or another does.
    fn led(&mut self, leadership: Option<Leadership>) {
        self.lead_at = Instant::now() + RENEWED;
        if self.leadership == leadership {
            return;
        }
        match (self.leadership.take(), &leadership) {
            (None, Some(_)) => self.watch_after(Duration::ZERO, self.mailboxes.keys()),
            // What was said under the leadership before is forgotten.
            (Some(_), Some(_)) => {
                for key in self.mailboxes.said(Said::Watching) {
                    self.mailboxes.change(key, |kept| kept.is_live = false);
                    self.untold.watching(key);
                }
            }
            (_, None) => {
                self.streams.close();
                self.to_watch.clear();
                self.untold = Untold::default();
                for key in self.mailboxes.keys() {
                    self.mailboxes.change(key, |kept| {
                        (kept.said, kept.watched_since, kept.is_live) = (Said::Nothing, None, false);
                    });
                }
                self.survey_at = Instant::now();
            }
        }
        self.leadership = leadership;
    }

    fn watch_after(&mut self, pause: Duration, keys: Vec<CacheKey>) {
        let at = Instant::now() + pause;
        self.to_watch.extend(keys.into_iter().map(|key| (at, key)));
    }

    /// Watches these as well, or, where there would be too many streams, all anew.
    fn watch(&mut self, keys: Vec<CacheKey>) {
        let mut keys = keys;
        if self.streams.len() >= MOST_STREAMS {
            self.streams.close();
            self.to_watch.clear();
            keys = self.mailboxes.keys();
            keys.clone().into_iter().for_each(|key| self.is_lost(key));
        }
        let mailboxes: Vec<Mailbox> =
            keys.iter().filter_map(|key| Some(self.mailboxes.kept(*key)?.target.mailbox.clone())).collect();
        if mailboxes.is_empty() {
            return;
        }
        for key in keys {
            self.mailboxes.change(key, |kept| (kept.said, kept.watched_since) = (Said::Nothing, None));
            if self.mailboxes.is_unread(key) {
                self.mailboxes.schedule(key, Freshness::Cached, SAID_BY);
            }
        }
        self.streams.open(mailboxes);
    }

    fn report(&mut self, report: Report) {
        match report {
            Report::Change(Change::Watching(mailboxes)) => {
                for key in mailboxes.iter().filter_map(|mailbox| self.mailboxes.key(mailbox)).collect::<Vec<_>>() {
                    self.mailboxes.change(key, |kept| {
                        kept.said = Said::Watching;
                        kept.watched_since.get_or_insert_with(Instant::now);
                    });
                    self.untold.watching(key);
                    self.cannot = false;
                }
            }
            Report::Change(Change::Touched(mailbox)) => {
                if let Some(key) = self.mailboxes.key(&mailbox) {
                    metrics::counter!("optigov_calendar_touched_total").increment(1);
                    self.untold.touched(key);
                }
            }
            Report::Change(Change::Lost { mailboxes, error }) => {
                self.cannot = false;
                if error.kind() == ReadErrorKind::NotWatchable {
                    self.given_up(&mailboxes);
                }
                self.lost(mailboxes, error);
            }
            // A report of a kind that is not known here.
            Report::Change(_) => {}
            Report::Ended { mailboxes, since } => {
                let of_one = |mailbox: &Mailbox| self.mailboxes.key(mailbox);
                let keys: Vec<CacheKey> = mailboxes.iter().filter_map(of_one).collect();
                let watched = |key: &CacheKey| self.mailboxes.kept(*key).is_some_and(|kept| kept.said != Said::Lost);
                if keys.iter().any(watched) {
                    self.lost(
                        mailboxes,
                        ReadError::new(ReadErrorKind::NotWatchable, ReadErrorKind::NotWatchable.cause()),
                    );
                }
                let grown = self.pause_after(since);
                self.watch_after(if self.cannot { NOT_WATCHABLE_PAUSE } else { grown }, keys);
            }
        }
    }

    /// The source will not watch these again by itself. Those that it watched until now are watched anew soon, as after the end of a stream: one part
    /// of a source has ended, and the stream goes on for the others. Those that it never watched, it cannot.
    fn given_up(&mut self, mailboxes: &[Mailbox]) {
        let keys = mailboxes.iter().filter_map(|mailbox| self.mailboxes.key(mailbox));
        let (watched, never): (Vec<CacheKey>, Vec<CacheKey>) =
            keys.partition(|key| self.mailboxes.kept(*key).is_some_and(|kept| kept.watched_since.is_some()));
        self.cannot = watched.is_empty();
        self.watch_after(NOT_WATCHABLE_PAUSE, never);
        let since = watched.iter().filter_map(|key| self.mailboxes.kept(*key)?.watched_since).min();
        if let Some(since) = since {
            let pause = self.pause_after(since);
            self.watch_after(pause, watched);
        }
    }

    /// How long to wait before that is watched again which was watched since then.
    fn pause_after(&mut self, since: Instant) -> Duration {
        self.ended = if since.elapsed() >= HELD_LONG { 0 } else { self.ended.saturating_add(1) };
        let doubled = FIRST_PAUSE.saturating_mul(1_u32.checked_shl(self.ended).unwrap_or(u32::MAX) / 2);
        doubled.clamp(FIRST_PAUSE, LONGEST_PAUSE).mul_f64(1.0 + fastrand::f64() / 4.0)
    }

    fn lost(&mut self, mailboxes: impl IntoIterator<Item = Mailbox>, error: ReadError) {
        let mut count = 0_u64;
        for key in mailboxes.into_iter().filter_map(|mailbox| self.mailboxes.key(&mailbox)).collect::<Vec<_>>() {
            let is_new = self.mailboxes.kept(key).is_some_and(|kept| kept.said != Said::Lost);
            count += u64::from(is_new);
            self.is_lost(key);
            if is_new && self.mailboxes.is_unread(key) {
                self.mailboxes.schedule(key, Freshness::Cached, Duration::ZERO);
            }
        }
        metrics::counter!("optigov_calendar_watch_lost_total", "kind" => error.kind().as_str()).increment(count);
        if self.lost.as_ref().is_none_or(|before| before.kind() != error.kind()) {
            tracing::warn!(
                mailboxes = count,
                kind = error.kind().as_str(),
                error = &error as &dyn std::error::Error,
                "calendars are not watched; they are read when asked for"
            );
        }
        self.lost = Some(error);
    }

    fn is_lost(&mut self, key: CacheKey) {
        self.mailboxes.change(key, |kept| {
            (kept.said, kept.watched_since, kept.is_live) = (Said::Lost, None, false);
        });
        self.untold.lost(key);
    }

    /// The cache was told.
    fn told(&mut self, told: Told) {
        self.tell_at = Instant::now() + if told.is_whole() { TELLS_APART } else { TELLS_AGAIN };
        for key in told.touched {
            self.mailboxes.change(key, |kept| kept.is_warm = false);
            self.mailboxes.schedule(key, Freshness::Cached, Duration::ZERO);
        }
        for key in told.watching {
            let still = self.mailboxes.kept(key).is_some_and(|kept| kept.said == Said::Watching);
            if still {
                self.mailboxes.change(key, |kept| kept.is_live = true);
                self.mailboxes.schedule(key, Freshness::Now, Duration::ZERO);
            }
        }
        for key in told.not_touched {
            self.mailboxes.change(key, |kept| kept.is_live = false);
            self.untold.touched(key);
            self.still_watching(key);
        }
        told.not_watching.into_iter().for_each(|key| self.still_watching(key));
    }

    /// Says anew that a mailbox is watched, if it is.
    fn still_watching(&mut self, key: CacheKey) {
        if self.mailboxes.kept(key).is_some_and(|kept| kept.said == Said::Watching) {
            self.untold.watching(key);
        }
    }

    fn read(&mut self, read: Vec<(CacheKey, Result<(), ReadError>)>) {
        for (key, result) in read {
            self.mailboxes.was_read(key, result.as_ref().copied());
        }
    }

    /// What the cache has is compared with what is known here: readings may have been evicted or made void by a save, watches may have been forgotten.
    fn surveyed(&mut self, survey: Survey) {
        let (leads, holds) = (self.leadership.is_some(), self.survey_holds);
        // What was found may be out of date where the cache was told something meanwhile.
        self.survey_at = Instant::now() + if holds || !leads { SURVEYS_APART } else { SURVEYED_AGAIN };
        for (key, found) in survey {
            let Some(kept) = self.mailboxes.kept(key) else { continue };
            let (said, is_settled) = (kept.said, kept.is_settled_since(self.surveyed_since));
            if !leads {
                self.mailboxes.change(key, |kept| {
                    (kept.is_warm, kept.is_live) = (found.has_live || found.has_fresh, found.is_watched);
                });
            } else if is_settled {
                self.mailboxes.change(key, |kept| kept.is_warm = found.has_live || found.has_fresh);
                match said {
                    Said::Watching if !found.is_watched && holds => {
                        self.mailboxes.change(key, |kept| kept.is_live = false);
                        self.untold.watching(key);
                    }
                    Said::Watching if !found.has_live && found.is_watched => {
                        self.mailboxes.schedule(key, Freshness::Now, Duration::ZERO);
                    }
                    _ => {}
                }
            }
        }
    }

    /// Another instance tells of what it watches; or of what is void, which is read again here if this one leads.
    fn notice(&mut self, notice: Notice) {
        let leads = self.leadership.is_some();
        match notice {
            Notice::Touched(keys) => {
                for key in keys {
                    self.mailboxes.change(key, |kept| kept.is_warm = false);
                    if leads {
                        self.mailboxes.schedule(key, Freshness::Cached, Duration::ZERO);
                    }
                }
            }
            Notice::Watching(keys) if !leads => self.follow(keys, true),
            Notice::Lost(keys) if !leads => self.follow(keys, false),
            Notice::Missed => self.survey_at = Instant::now(),
            _ => {}
        }
    }

    fn follow(&mut self, keys: Vec<CacheKey>, is_live: bool) {
        keys.into_iter().for_each(|key| self.mailboxes.change(key, |kept| kept.is_live = is_live));
    }

    fn all_needed(&self) -> Vec<(CacheKey, crate::ReadWindow)> {
        let keys = self.mailboxes.keys().into_iter();
        keys.filter_map(|key| Some((key, self.mailboxes.kept(key)?.window))).collect()
    }

    fn health(&mut self) -> LiveHealth {
        let mut health = self.mailboxes.health();
        health.leads = self.leadership.is_some();
        if health.live == health.mailboxes && self.lost.take().is_some() {
            tracing::info!(mailboxes = health.live, "calendars are watched again");
        }
        health.lost = self.lost.clone();
        gauge("live", self.shown.live, health.live);
        gauge("warm", self.shown.warm, health.warm);
        gauge("failing", self.shown.failing, health.failing);
        gauge("kept", self.shown.mailboxes, health.mailboxes);
        self.shown = health.clone();
        health
    }

    /// Ends everything, and takes back what was said.
    async fn stop(mut self) {
        self.streams.close();
        self.readings.abort_all();
        self.surveys.abort_all();
        self.leading.shutdown().await;
        self.telling.shutdown().await;
        if let Some(leadership) = self.leadership.take() {
            let (reader, keys) = (Arc::clone(&self.reader), self.mailboxes.keys());
            let takes_back = async {
                // Where it cannot be told, the watches end with the leadership.
                drop(reader.cache.lost(&leadership, &keys).await);
                reader.cache.resign(&leadership).await;
            };
            drop(timeout(reader.settings.cache, takes_back).await);
        }
    }
}

/// Where the task ends in another way, a cache that answers at once still hears that nothing is watched any more. With another one the leadership ends by
/// itself.
impl Drop for Task {
    fn drop(&mut self) {
        for (state, shown) in [
            ("live", self.shown.live),
            ("warm", self.shown.warm),
            ("failing", self.shown.failing),
            ("kept", self.shown.mailboxes),
        ] {
            gauge(state, shown, 0);
        }
        if let Some(leadership) = self.leadership.take() {
            drop(self.reader.cache.lost(&leadership, &self.mailboxes.keys()).now_or_never());
        }
    }
}

fn gauge(state: &'static str, before: usize, after: usize) {
    if before != after {
        metrics::gauge!("optigov_calendar_mailboxes_kept", "state" => state).increment(after as f64 - before as f64);
    }
}

/// Reads a group into the cache.
async fn read(reader: Arc<CalendarReader>, group: Group) -> Vec<(CacheKey, Result<(), ReadError>)> {
    let fetched = reader.read_behind(&group.targets, group.window, group.freshness).await;
    let results = group.targets.iter().zip(fetched);
    results.map(|(target, fetched)| (target.key, fetched.reading.map(drop))).collect()
}

/// Asks the cache what it has.
async fn survey(reader: Arc<CalendarReader>, needed: Vec<(CacheKey, crate::ReadWindow)>) -> Survey {
    let mut survey = Vec::with_capacity(needed.len());
    for some in needed.chunks(SURVEYED_AT_ONCE) {
        let keys: Vec<CacheKey> = some.iter().map(|(key, _)| *key).collect();
        let cached = reader.cached(&keys).await;
        let now = reader.clock.now();
        survey.extend(some.iter().zip(cached).map(|((key, window), cached)| {
            let reading = cached.covering(window.needed, now);
            let serves = reading.and_then(|reading| reader.settings.remaining(*key, reading, now, false));
            let has_live = reading.is_some_and(|reading| cached.is_live(reading));
            (*key, Found { is_watched: cached.watch.is_some(), has_live, has_fresh: serves.is_some() })
        }));
        tokio::task::yield_now().await;
    }
    survey
}
