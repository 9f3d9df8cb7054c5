//! One reading of the source, in a task of its own: it waits for its place, reads, remembers the outcome, and answers everyone who waits.

use std::{sync::Arc, time::Duration};

use futures_util::future;
use optigov_calendar::{Calendar, Mailbox, ReadError};
use optigov_slots::Interval;
use tokio::{
    sync::SemaphorePermit,
    time::{Instant, timeout},
};
use tracing::Instrument as _;

use crate::{
    CacheError, CacheKey, CacheVersion, CalendarReader, Freshness, ReadTarget, Reading,
    in_flight::{Demand, Landed, NewFlight},
    pause::Lane,
};

/// A mailbox whose calendar is to be read, and where those wait who want it.
pub(crate) struct PendingRead {
    pub(crate) target: ReadTarget,
    pub(crate) version: CacheVersion,
    /// Whether this is the one try of a failing server or mailbox.
    pub(crate) is_probe: bool,
    pub(crate) new: NewFlight,
}

/// A reading for a booking check does not begin while another one of the mailbox has been under way for less than this: those who ask meanwhile
/// share the next one. One that hangs does not hold up the others for longer.
const NEXT_READING: Duration = Duration::from_secs(1);

/// Starts the readings, in groups that the source takes at once; probes alone.
pub(crate) fn start(reader: &Arc<CalendarReader>, pending: Vec<PendingRead>, window: Interval, demand: Demand) {
    let (probes, mut rest): (Vec<_>, Vec<_>) = pending.into_iter().partition(|pending| pending.is_probe);
    let mut groups: Vec<Vec<PendingRead>> = probes.into_iter().map(|probe| vec![probe]).collect();
    while !rest.is_empty() {
        let later = rest.split_off(reader.batch().min(rest.len()));
        groups.push(std::mem::replace(&mut rest, later));
    }
    for group in groups {
        let span = match &*group {
            [one] => tracing::info_span!("read_calendars", mailbox = one.target.key.short(), mailboxes = 1),
            several => tracing::info_span!("read_calendars", mailboxes = several.len()),
        };
        tokio::spawn(read(Arc::clone(reader), group, window, demand).instrument(span));
    }
}

/// Reads one group and answers everyone who waits for it. A caller that goes away does not stop it, and a source that hangs or panics
/// does not leave anybody waiting.
async fn read(reader: Arc<CalendarReader>, group: Vec<PendingRead>, window: Interval, demand: Demand) {
    let mut guard = Guard {
        reader: &reader,
        readings: group.iter().map(|pending| (pending.target.key, pending.new.id)).collect(),
        probe: group.first().filter(|pending| pending.is_probe).map(|pending| (pending.target.key, demand.lane)),
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
    remember(&reader, &group, &results, began_at, guard.probe.take().map(|(_, lane)| lane));
    let completed = group.into_iter().zip(results).map(|(pending, result)| {
        let result = result
            .map(|calendar| Landed { reading: Arc::new(Reading::new(window, read_at, calendar)), began: Some(began) });
        complete(&reader, pending, result)
    });
    future::join_all(completed).await;
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
        match reader.failures.refusal(pending.target.key, lane) {
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
    for (pending, cached) in group.into_iter().zip(cached) {
        let reading = cached.covering(window, now).filter(|_| cached.version == pending.version);
        let left = reading.and_then(|reading| reader.settings.remaining(pending.target.key, reading, now));
        match (reading, left) {
            (Some(reading), Some(left)) if left >= reader.settings.read_ahead => {
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
    reader.failures.record(&outcomes, began, probe);
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
struct Guard<'a> {
    reader: &'a CalendarReader,
    readings: Vec<(CacheKey, u64)>,
    probe: Option<(CacheKey, Lane)>,
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        self.reader.in_flight.end(&self.readings);
        if let Some((key, lane)) = self.probe {
            self.reader.failures.release(key, lane);
        }
    }
}
