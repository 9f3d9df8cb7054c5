//! What has failed and is not asked again for a moment: single mailboxes, and the server as a whole.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chrono::{DateTime, Utc};
use optigov_calendar::{Language, ReadError, ReadErrorKind, Text};
use tokio::time::Instant;

use crate::{
    CacheKey, Clock, ReaderSettings,
    circuit::{Circuit, is_of_the_server},
    health::{CircuitHealth, CircuitState, FailingMailbox},
    pause::{Attempt, Lane, Outage},
};

/// The failures that a reader remembers.
pub(crate) struct Failures {
    settings: ReaderSettings,
    clock: Arc<dyn Clock>,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    circuit: Circuit,
    mailboxes: HashMap<CacheKey, Outage>,
}

/// Whether a mailbox may be read now.
pub(crate) enum Admission {
    /// Yes, nothing is wrong.
    Free,
    /// Yes, as the one try of its lane, which must be [recorded](Failures::record) or [released](Failures::release). After `wait` the caller should
    /// be answered with the last failure.
    Probe { wait: Duration, error: ReadError },
    /// No: this was the last failure, which says when it is tried again.
    Refused(ReadError),
}

impl Failures {
    pub(crate) fn new(settings: ReaderSettings, clock: Arc<dyn Clock>) -> Failures {
        Failures { settings, clock, known: Mutex::default() }
    }

    /// Asks whether a mailbox may be read, and takes the probe where one is due.
    pub(crate) fn admit(&self, key: CacheKey, lane: Lane) -> Admission {
        let mut known = self.known();
        let Known { circuit, mailboxes } = &mut *known;
        let mut outages = [mailboxes.get_mut(&key), circuit.outage_mut()];
        let refusing = outages.iter().flatten().find(|outage| !outage.may_try(lane));
        if let Some(outage) = refusing {
            metrics::counter!("optigov_calendar_refused_total").increment(1);
            return Admission::Refused(outage.refusal(lane, &self.settings));
        }
        let mut admission = Admission::Free;
        for outage in outages.iter_mut().flatten() {
            outage.take(lane);
            // A booking check tries in order to be answered; a list is not made to wait for what was slow.
            let waits = lane == Lane::Confirm || !outage.was_slow(self.settings.patience);
            let wait = if waits { self.settings.patience } else { Duration::ZERO };
            admission = Admission::Probe { wait, error: outage.refusal(lane, &self.settings) };
        }
        admission
    }

    /// For a reading that has waited for its place: why it need not begin any more.
    pub(crate) fn refusal(&self, key: CacheKey, lane: Lane) -> Option<ReadError> {
        let known = self.known();
        let outage = known.mailboxes.get(&key).or(known.circuit.outage());
        outage.map(|outage| outage.refusal(lane, &self.settings))
    }

    /// A probe has ended without an outcome.
    pub(crate) fn release(&self, key: CacheKey, lane: Lane) {
        let mut known = self.known();
        let Known { circuit, mailboxes } = &mut *known;
        [mailboxes.get_mut(&key), circuit.outage_mut()].into_iter().flatten().for_each(|outage| outage.release(lane));
    }

    /// Forgets what is known of these mailboxes: they will be read at once.
    pub(crate) fn forget(&self, keys: &[CacheKey]) {
        let mut known = self.known();
        let before = known.mailboxes.len();
        known.mailboxes.retain(|key, _| !keys.contains(key));
        failing_gauge(before, known.mailboxes.len());
    }

    /// A reading has ended, with one outcome for each of its mailboxes. A failed probe makes the next pause longer.
    pub(crate) fn record(&self, outcomes: &[(CacheKey, Result<(), &ReadError>)], began: Instant, probe: Option<Lane>) {
        if self.settings.first_pause.is_zero() {
            let failed = outcomes.iter().filter_map(|(key, outcome)| Some((key, outcome.err()?)));
            return failed.for_each(|(key, error)| log("calendar not read", Some(*key), error));
        }
        let now = self.clock.now();
        let mut known = self.known();
        let Known { circuit, mailboxes } = &mut *known;
        let before = mailboxes.len();
        let of_the_server = |outcome: &Result<(), &ReadError>| outcome.is_err_and(is_of_the_server);
        match outcomes.iter().find(|(_, outcome)| !of_the_server(outcome)) {
            Some(_) => answered(circuit),
            None => {
                let keys: Vec<CacheKey> = outcomes.iter().map(|(key, _)| *key).collect();
                let Some((_, Err(error))) = outcomes.first() else { return };
                if circuit.failed(&keys, &Attempt { error, began, probe }, now, &self.settings) {
                    metrics::counter!("optigov_calendar_circuit_opened_total").increment(1);
                    metrics::gauge!("optigov_calendar_circuits_open").increment(1.0);
                    log("circuit opened: the server is asked by single probes only", None, error);
                }
            }
        }
        if circuit.outage().is_some() {
            // From now on the circuit speaks for the mailboxes that fail by the server's fault.
            mailboxes.retain(|_, outage| !is_of_the_server(&outage.error));
            if let ([(key, _)], Some(lane)) = (outcomes, probe) {
                mailboxes.get_mut(key).into_iter().for_each(|outage| outage.release(lane));
            }
        } else {
            for (key, outcome) in outcomes {
                match outcome {
                    Ok(()) if mailboxes.remove(key).is_some() => {
                        tracing::info!(mailbox = key.short(), "calendar read again");
                    }
                    Ok(()) => {}
                    Err(error) => {
                        let attempt = Attempt { error, began, probe };
                        note_failure(mailboxes, *key, &attempt, now, &self.settings);
                    }
                }
            }
        }
        failing_gauge(before, mailboxes.len());
    }

    /// The circuit and the mailboxes that fail, as they are now.
    pub(crate) fn health(&self) -> (CircuitHealth, Vec<FailingMailbox>) {
        let known = self.known();
        let outage = known.circuit.outage();
        let circuit = CircuitHealth {
            state: match outage {
                None => CircuitState::Closed,
                Some(outage) if outage.is_probing() => CircuitState::HalfOpen,
                Some(_) => CircuitState::Open,
            },
            since: outage.map(|outage| outage.since),
            error: outage.map(|outage| outage.refusal(Lane::List, &self.settings)),
        };
        let mailboxes = known.mailboxes.iter().map(|(key, outage)| FailingMailbox {
            key: *key,
            since: outage.since,
            error: outage.refusal(Lane::List, &self.settings),
        });
        let mut mailboxes: Vec<_> = mailboxes.collect();
        mailboxes.sort_by_key(|mailbox| (mailbox.since, mailbox.key));
        (circuit, mailboxes)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Remembers that a mailbox has failed, and logs it where that is new or another kind of failure.
fn note_failure(
    mailboxes: &mut HashMap<CacheKey, Outage>,
    key: CacheKey,
    attempt: &Attempt<'_>,
    now: DateTime<Utc>,
    settings: &ReaderSettings,
) {
    match mailboxes.entry(key) {
        Entry::Occupied(mut known) => {
            if known.get().error.kind() != attempt.error.kind() {
                log("calendar not read", Some(key), attempt.error);
            }
            known.get_mut().failed(attempt, settings);
        }
        Entry::Vacant(new) => {
            log("calendar not read", Some(key), attempt.error);
            new.insert(Outage::new(attempt, now, settings));
        }
    }
}

/// What the gauges say of this reader ends with it.
impl Drop for Failures {
    fn drop(&mut self) {
        let known = self.known();
        failing_gauge(known.mailboxes.len(), 0);
        if known.circuit.outage().is_some() {
            metrics::gauge!("optigov_calendar_circuits_open").decrement(1.0);
        }
    }
}

fn answered(circuit: &mut Circuit) {
    if let Some(outage) = circuit.answered() {
        metrics::gauge!("optigov_calendar_circuits_open").decrement(1.0);
        tracing::info!(since = %outage.since, "circuit closed: the server answers again");
    }
}

fn failing_gauge(before: usize, after: usize) {
    if before != after {
        metrics::gauge!("optigov_calendar_mailboxes_failing").increment(after as f64 - before as f64);
    }
}

/// The error of an answer that an older reading serves while the mailbox is being read.
pub(crate) fn being_read(patience: Duration) -> ReadError {
    let waited = patience.as_millis();
    let fact = Text::new(
        format!("das Postfach wird gerade gelesen; nach {waited} ms war noch keine Antwort da"),
        format!("the mailbox is being read; there was no answer yet after {waited} ms"),
    );
    let cause = Text::fixed("Der Kalender wird gerade neu gelesen.", "The calendar is being read anew.");
    let remedy = Text::fixed(
        "Fragen Sie in wenigen Sekunden noch einmal; bis dahin gilt, was zuletzt gelesen wurde.",
        "Ask again in a few seconds; until then what was read last counts.",
    );
    ReadError::new(ReadErrorKind::Deadline, fact).with_texts(cause, remedy)
}

/// Everything that is known of a failed reading, as fields that a log can be searched by.
fn log(message: &'static str, key: Option<CacheKey>, error: &ReadError) {
    tracing::warn!(
        mailbox = key.map(CacheKey::short),
        kind = error.kind().as_str(),
        origin = error.origin().as_str(),
        http_status = error.http_status(),
        code = error.code().map(|code| code.as_str()),
        request = error.request_id(),
        retry_after_seconds = error.retry_after().map(|wait| wait.as_secs()),
        error = error as &dyn std::error::Error,
        cause = error.cause().in_language(Language::English),
        "{message}"
    );
}
