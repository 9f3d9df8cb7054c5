//! One reading of the source, in a task of its own: it waits for its place, reads, remembers the outcome, and answers everyone who waits.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures_util::future;
use optigov_calendar::{Calendar, Mailbox, ReadError, ServerId};
use optigov_slots::Interval;
use tokio::{
    sync::SemaphorePermit,
    time::{Instant, timeout},
};
use tracing::Instrument as _;

use crate::{
    CacheError, CacheKey, CacheVersion, CalendarReader, Freshness, Lease, ReadTarget, Reading, WatchId,
    in_flight::{Demand, Landed, NewFlight},
    pause::Lane,
};

/// A mailbox whose calendar is to be read, and where those wait who want it.
pub(crate) struct PendingRead {
    pub(crate) target: ReadTarget,
    /// The server that it is read from.
    pub(crate) server: ServerId,
    pub(crate) version: CacheVersion,
    /// The watch under which the mailbox stood when the cache was last looked into.
    pub(crate) watch: Option<WatchId>,
    /// Whether this is the one try of a failing server or mailbox.
    pub(crate) is_probe: bool,
    pub(crate) new: NewFlight,
}

/// A reading for a booking check does not begin while another one of the mailbox has been under way for less than this: those who ask meanwhile
/// share the next one. One that hangs does not hold up the others for longer.
const NEXT_READING: Duration = Duration::from_secs(1);

/// When to look first for a reading that another instance is making, and how far the looks lie apart in the end.
const FIRST_LOOK: Duration = Duration::from_millis(50);
const LONGEST_LOOK: Duration = Duration::from_millis(500);

/// Starts the readings, in groups that the source takes at once, each of one server; probes alone.
pub(crate) fn start(reader: &Arc<CalendarReader>, pending: Vec<PendingRead>, window: Interval, demand: Demand) {
    let (probes, rest): (Vec<_>, Vec<_>) = pending.into_iter().partition(|pending| pending.is_probe);
    let mut groups: Vec<Vec<PendingRead>> = probes.into_iter().map(|probe| vec![probe]).collect();
    let mut by_server: BTreeMap<ServerId, Vec<PendingRead>> = BTreeMap::new();
    for pending in rest {
        by_server.entry(pending.server).or_default().push(pending);
    }
    for rest in by_server.into_values() {
        groups.extend(in_groups(rest, reader.batch()));
    }
    for group in groups {
        let span = match &*group {
            [one] => tracing::info_span!("read_calendars", mailbox = one.target.key.short(), mailboxes = 1),
            several => tracing::info_span!("read_calendars", mailboxes = several.len()),
        };
        tokio::spawn(read(Arc::clone(reader), group, window, demand).instrument(span));
    }
}

/// The same in groups of at most so many. Each takes memory for what is in it only: a thousand groups of one may wait for their places at once.
fn in_groups<T>(all: Vec<T>, most: usize) -> impl Iterator<Item = Vec<T>> {
    let mut rest = all.into_iter();
    std::iter::from_fn(move || {
        let mut group = Vec::with_capacity(rest.len().min(most));
        group.extend(rest.by_ref().take(most));
        (!group.is_empty()).then_some(group)
    })
}

/// Reads one group and answers everyone who waits for it. A caller that goes away does not stop it, and a source that hangs or panics
/// does not leave anybody waiting.
async fn read(reader: Arc<CalendarReader>, group: Vec<PendingRead>, window: Interval, demand: Demand) {
    let mut guard = Guard {
        reader: Arc::clone(&reader),
        readings: group.iter().map(|pending| (pending.target.key, pending.new.id)).collect(),
        probe: group
            .first()
            .filter(|pending| pending.is_probe)
            .map(|pending| (pending.target.key, pending.server, demand.lane)),
    };
    let is_probe = guard.probe.is_some();
    let _place = if is_probe { None } else { wait_for_place(&reader, &group, demand).await };
    let group = if is_probe { group } else { refuse_failing(&reader, group, demand.lane) };
    let group = match demand.freshness {
        Freshness::Cached => answer_from_cache(&reader, group, window).await,
        Freshness::Now => group,
    };
    if group.is_empty() {
        return;
    }
    let shares = demand.freshness == Freshness::Cached && !is_probe;
    let (group, leases) = if shares { lease(&mut guard, group, window, demand).await } else { (group, Vec::new()) };
    if !group.is_empty() {
        ask_source(&mut guard, group, window, demand.lane).await;
    }
    if !leases.is_empty() {
        reader.cache.release(&leases, window).await;
    }
}

/// Asks the source for a group, remembers the outcome and answers everyone who waits for it.
async fn ask_source(guard: &mut Guard, group: Vec<PendingRead>, window: Interval, lane: Lane) {
    let reader = Arc::clone(&guard.reader);
    let is_probe = guard.probe.is_some();
    let began = reader.in_flight.begin(&guard.readings);
    let mailboxes: Vec<Mailbox> = group.iter().map(|pending| pending.target.mailbox.clone()).collect();
    let (began_at, read_at) = (Instant::now(), reader.clock.now());
    let longest = if is_probe { reader.settings.probe.min(reader.settings.reading) } else { reader.settings.reading };
    let read = timeout(longest, reader.source.read(&mailboxes, window)).await;
    metrics::histogram!("optigov_calendar_read_seconds").record(began_at.elapsed().as_secs_f64());
    let results = match read {
        Ok(results) if results.len() == group.len() => results,
        // Results of another number cannot be matched to their mailboxes.
        Ok(_) => vec![Err(ReadError::internal()); group.len()],
        Err(_) => vec![Err(ReadError::deadline()); group.len()],
    };
    guard.probe = None;
    remember(&reader, &group, &results, began_at, is_probe.then_some(lane));
    let completed = group.into_iter().zip(results).map(|(pending, result)| {
        let result = result.map(|calendar| {
            let reading = Reading::new(window, read_at, calendar).under(pending.watch);
            Landed { reading: Arc::new(reading), began: Some(began) }
        });
        complete(&reader, pending, result)
    });
    future::join_all(completed).await;
}

/// Asks for the right to read on behalf of all instances. Returns those mailboxes for which there is one; a task waits for the others to be read
/// elsewhere.
async fn lease(
    guard: &mut Guard,
    group: Vec<PendingRead>,
    window: Interval,
    demand: Demand,
) -> (Vec<PendingRead>, Vec<(CacheKey, Lease)>) {
    let reader = Arc::clone(&guard.reader);
    let keys: Vec<CacheKey> = group.iter().map(|pending| pending.target.key).collect();
    let leases = timeout(reader.settings.cache, reader.cache.lease(&keys, window, reader.settings.lease)).await;
    // A cache that says nothing of a mailbox does not keep it from being read.
    let leases = leases.unwrap_or_default().into_iter().chain(std::iter::repeat(Some(Lease::UNSHARED)));
    let (mut ours, mut held, mut elsewhere) = (Vec::with_capacity(group.len()), Vec::new(), Vec::new());
    for (pending, lease) in group.into_iter().zip(leases) {
        match lease {
            Some(lease) => {
                held.extend((lease != Lease::UNSHARED).then_some((pending.target.key, lease)));
                ours.push(pending);
            }
            None => elsewhere.push(pending),
        }
    }
    if !elsewhere.is_empty() {
        let moved = guard.part(&elsewhere);
        tokio::spawn(wait_elsewhere(moved, elsewhere, window, demand).in_current_span());
    }
    if !held.is_empty() {
        // Another instance may have read, stored and given its lease back since the last look.
        ours = answer_from_cache(&reader, ours, window).await;
    }
    (ours, held)
}

/// Looks for readings that another instance is making. What has not come after a while is read here even so.
async fn wait_elsewhere(mut guard: Guard, mut group: Vec<PendingRead>, window: Interval, demand: Demand) {
    let reader = Arc::clone(&guard.reader);
    let began = Instant::now();
    let mut pause = FIRST_LOOK;
    loop {
        tokio::time::sleep(pause.mul_f64(0.75 + fastrand::f64() / 2.0)).await;
        pause = (pause * 2).min(LONGEST_LOOK);
        group = answer_from_cache(&reader, group, window).await;
        if group.is_empty() {
            return;
        }
        let keys: Vec<CacheKey> = group.iter().map(|pending| pending.target.key).collect();
        let is_over = began.elapsed() >= reader.settings.lease_patience;
        let asked = timeout(reader.settings.cache, reader.cache.lease(&keys, window, reader.settings.lease)).await;
        let leases = asked.unwrap_or_default().into_iter().chain(std::iter::repeat(None));
        let (mut ours, mut held, mut rest) = (Vec::new(), Vec::new(), Vec::new());
        for (pending, lease) in group.into_iter().zip(leases) {
            if lease.is_some() || is_over {
                held.extend(lease.filter(|lease| *lease != Lease::UNSHARED).map(|lease| (pending.target.key, lease)));
                ours.push(pending);
            } else {
                rest.push(pending);
            }
        }
        group = rest;
        if !ours.is_empty() {
            // What was stored between the look and the lease is found now.
            let ours = answer_from_cache(&reader, ours, window).await;
            let mut part = guard.part(&ours);
            let reader = Arc::clone(&reader);
            let reading = async move {
                if !ours.is_empty() {
                    let _place = reader.places(demand.lane).acquire().await.ok();
                    let ours = refuse_failing(&reader, ours, demand.lane);
                    if !ours.is_empty() {
                        ask_source(&mut part, ours, window, demand.lane).await;
                    }
                }
                reader.cache.release(&held, window).await;
            };
            tokio::spawn(reading.in_current_span());
        }
        if group.is_empty() {
            return;
        }
    }
}

/// Waits until the reading may begin. Until then, others who ask join it.
async fn wait_for_place<'a>(
    reader: &'a CalendarReader,
    group: &[PendingRead],
    demand: Demand,
) -> Option<SemaphorePermit<'a>> {
    if demand.lane == Lane::Confirm {
        let begun = group.iter().flat_map(|pending| reader.in_flight.begun(pending.target.key, demand));
        // It is enough that they end, or have had their time.
        drop(timeout(NEXT_READING, future::join_all(begun)).await);
    }
    // The places are never closed.
    reader.places(demand.lane).acquire().await.ok()
}

/// Answers for those mailboxes whose failure has become known while the reading waited for its place, and returns the others.
fn refuse_failing(reader: &CalendarReader, group: Vec<PendingRead>, lane: Lane) -> Vec<PendingRead> {
    let mut wanted = Vec::with_capacity(group.len());
    for pending in group {
        match reader.failures.refusal(pending.target.key, pending.server, lane) {
            Some(error) => drop(pending.new.answer.send(Err(error))),
            None => wanted.push(pending),
        }
    }
    wanted
}

/// Answers those waiters for whom another task's reading arrived after they had looked into the cache, and returns the others. So there is
/// one reading, however closely calls follow each other.
async fn answer_from_cache(reader: &CalendarReader, group: Vec<PendingRead>, window: Interval) -> Vec<PendingRead> {
    let keys: Vec<CacheKey> = group.iter().map(|pending| pending.target.key).collect();
    let cached = reader.cached(&keys).await;
    let now = reader.clock.now();
    let mut wanted = Vec::with_capacity(group.len());
    for (mut pending, cached) in group.into_iter().zip(cached) {
        pending.watch = cached.watch;
        let reading = cached.covering(window, now).filter(|_| cached.version == pending.version);
        let is_live = reading.is_some_and(|reading| cached.is_live(reading));
        let left = reading.and_then(|reading| reader.settings.remaining(pending.target.key, reading, now, is_live));
        match (reading, left) {
            (Some(reading), Some(left)) if left >= reader.settings.reads_ahead(is_live) => {
                let landed = Landed { reading: Arc::clone(reading), began: None };
                drop(pending.new.answer.send(Ok(landed)));
            }
            _ => wanted.push(pending),
        }
    }
    wanted
}

/// Remembers what has failed, and what has not.
fn remember(
    reader: &CalendarReader,
    group: &[PendingRead],
    results: &[Result<Calendar, ReadError>],
    began: Instant,
    probe: Option<Lane>,
) {
    let outcomes = group.iter().zip(results).map(|(pending, result)| {
        let key = pending.target.key;
        let name = result.as_ref().map_or_else(|error| error.origin().as_str(), |_| "ok");
        metrics::counter!("optigov_calendar_reads_total", "result" => name).increment(1);
        if let Ok(calendar) = result {
            tracing::debug!(mailbox = key.short(), entries = calendar.entries().len(), "calendar read");
        }
        (key, result.as_ref().map(|_| ()))
    });
    let outcomes: Vec<_> = outcomes.collect();
    // A group is of one server.
    let server = group.first().map(|pending| pending.server).unwrap_or_default();
    reader.failures.record(server, &outcomes, began, probe);
}

/// Stores a result and hands it to those who wait for it.
async fn complete(reader: &CalendarReader, pending: PendingRead, result: Result<Landed, ReadError>) {
    if let Ok(landed) = &result {
        let stored = reader.cache.put(&pending.target.key, pending.version, Arc::clone(&landed.reading));
        let stored = timeout(reader.settings.cache, stored).await;
        reader.store.saw(&stored.unwrap_or_else(|late| Err(CacheError::new(late))));
    }
    // Nobody may wait any more: the reading is in the cache all the same.
    drop(pending.new.answer.send(result));
}

/// Removes a group's readings from those in flight when it ends, in whatever way it ends, and lets the next probe follow.
struct Guard {
    reader: Arc<CalendarReader>,
    readings: Vec<(CacheKey, u64)>,
    probe: Option<(CacheKey, ServerId, Lane)>,
}

impl Guard {
    /// Hands some of the readings over to a guard of their own.
    fn part(&mut self, pending: &[PendingRead]) -> Guard {
        let readings: Vec<_> = pending.iter().map(|pending| (pending.target.key, pending.new.id)).collect();
        self.readings.retain(|reading| !readings.contains(reading));
        Guard { reader: Arc::clone(&self.reader), readings, probe: None }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.reader.in_flight.end(&self.readings);
        if let Some((key, server, lane)) = self.probe {
            self.reader.failures.release(key, server, lane);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_takes_memory_for_what_is_in_it_only() {
        let all: Vec<usize> = (0..1_050).collect();
        for most in [1, 7, 100] {
            let groups: Vec<Vec<usize>> = in_groups(all.clone(), most).collect();
            assert_eq!(groups.concat(), all);
            assert!(groups.iter().all(|group| (1..=most).contains(&group.len())));
            let room: usize = groups.iter().map(Vec::capacity).sum();
            assert!(room <= all.len(), "room for {room} in groups of {most}");
        }
    }
}
