//! What has failed and is not asked again for a moment: single mailboxes, and servers as a whole.

use std::{
    collections::{BTreeMap, HashMap, hash_map::Entry},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chrono::{DateTime, Utc};
use optigov_calendar::{Language, ReadError, ReadErrorKind, ServerId, Text};
use tokio::{sync::watch, time::Instant};

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
    /// Told of whenever a circuit closes.
    recovered: watch::Sender<()>,
}

#[derive(Default)]
struct Known {
    circuits: BTreeMap<ServerId, Circuit>,
    mailboxes: HashMap<CacheKey, Failing>,
}

/// A mailbox that fails.
struct Failing {
    server: ServerId,
    outage: Outage,
}

/// What is known of the health of a reader's source.
pub(crate) struct SourceHealth {
    /// The circuit breakers of servers that have been asked, by server.
    pub(crate) circuits: Vec<CircuitHealth>,
    pub(crate) failing: Vec<FailingMailbox>,
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
        Failures { settings, clock, known: Mutex::default(), recovered: watch::Sender::new(()) }
    }

    /// Changes whenever a server answers again whose circuit was open.
    pub(crate) fn recovered(&self) -> watch::Receiver<()> {
        self.recovered.subscribe()
    }

    /// Asks whether a mailbox of this server may be read, and takes the probe where one is due.
    pub(crate) fn admit(&self, key: CacheKey, server: ServerId, lane: Lane) -> Admission {
        let mut known = self.known();
        let Known { circuits, mailboxes } = &mut *known;
        let circuit = circuits.get_mut(&server);
        let mut outages =
            [mailboxes.get_mut(&key).map(|failing| &mut failing.outage), circuit.and_then(Circuit::outage_mut)];
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
    pub(crate) fn refusal(&self, key: CacheKey, server: ServerId, lane: Lane) -> Option<ReadError> {
        let known = self.known();
        let of_mailbox = known.mailboxes.get(&key).map(|failing| &failing.outage);
        let outage = of_mailbox.or_else(|| known.circuits.get(&server)?.outage());
        outage.map(|outage| outage.refusal(lane, &self.settings))
    }

    /// A probe has ended without an outcome.
    pub(crate) fn release(&self, key: CacheKey, server: ServerId, lane: Lane) {
        let mut known = self.known();
        let Known { circuits, mailboxes } = &mut *known;
        let of_mailbox = mailboxes.get_mut(&key).map(|failing| &mut failing.outage);
        let of_server = circuits.get_mut(&server).and_then(Circuit::outage_mut);
        [of_mailbox, of_server].into_iter().flatten().for_each(|outage| outage.release(lane));
    }

    /// Forgets what is known of these mailboxes: they will be read at once.
    pub(crate) fn forget(&self, keys: &[CacheKey]) {
        let mut known = self.known();
        let before = known.mailboxes.len();
        keys.iter().for_each(|key| drop(known.mailboxes.remove(key)));
        failing_gauge(before, known.mailboxes.len());
    }

    /// A reading from this server has ended, with one outcome for each of its mailboxes. A failed probe makes the next pause longer.
    pub(crate) fn record(
        &self,
        server: ServerId,
        outcomes: &[(CacheKey, Result<(), &ReadError>)],
        began: Instant,
        probe: Option<Lane>,
    ) {
        if self.settings.first_pause.is_zero() {
            let failed = outcomes.iter().filter_map(|(key, outcome)| Some((key, outcome.err()?)));
            return failed.for_each(|(key, error)| log("calendar not read", Some(*key), error));
        }
        let now = self.clock.now();
        let mut known = self.known();
        let Known { circuits, mailboxes } = &mut *known;
        let circuit = circuits.entry(server).or_default();
        let before = mailboxes.len();
        let of_the_server = |outcome: &Result<(), &ReadError>| outcome.is_err_and(is_of_the_server);
        match outcomes.iter().find(|(_, outcome)| !of_the_server(outcome)) {
            Some(_) if answered(circuit) => self.recovered.send_replace(()),
            Some(_) => {}
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
            mailboxes.retain(|_, failing| failing.server != server || !is_of_the_server(&failing.outage.error));
            if let ([(key, _)], Some(lane)) = (outcomes, probe) {
                mailboxes.get_mut(key).into_iter().for_each(|failing| failing.outage.release(lane));
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
                        note_failure(mailboxes, (*key, server), &attempt, now, &self.settings);
                    }
                }
            }
        }
        failing_gauge(before, mailboxes.len());
    }

    /// The circuits and the mailboxes that fail, as they are now.
    pub(crate) fn health(&self) -> SourceHealth {
        let known = self.known();
        let circuits = known.circuits.iter().map(|(server, circuit)| {
            let outage = circuit.outage();
            CircuitHealth {
                server: *server,
                name: None,
                state: match outage {
                    None => CircuitState::Closed,
                    Some(outage) if outage.is_probing() => CircuitState::HalfOpen,
                    Some(_) => CircuitState::Open,
                },
                since: outage.map(|outage| outage.since),
                error: outage.map(|outage| outage.refusal(Lane::List, &self.settings)),
            }
        });
        let circuits = circuits.collect();
        let mailboxes = known.mailboxes.iter().map(|(key, failing)| FailingMailbox {
            key: *key,
            since: failing.outage.since,
            error: failing.outage.refusal(Lane::List, &self.settings),
        });
        let mut failing: Vec<_> = mailboxes.collect();
        failing.sort_by_key(|mailbox| (mailbox.since, mailbox.key));
        SourceHealth { circuits, failing }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Remembers that a mailbox has failed, and logs it where that is new or another kind of failure.
fn note_failure(
    mailboxes: &mut HashMap<CacheKey, Failing>,
    (key, server): (CacheKey, ServerId),
    attempt: &Attempt<'_>,
    now: DateTime<Utc>,
    settings: &ReaderSettings,
) {
    match mailboxes.entry(key) {
        Entry::Occupied(mut known) => {
            let known = known.get_mut();
            if known.outage.error.kind() != attempt.error.kind() {
                log("calendar not read", Some(key), attempt.error);
            }
            known.server = server;
            known.outage.failed(attempt, settings);
        }
        Entry::Vacant(new) => {
            log("calendar not read", Some(key), attempt.error);
            new.insert(Failing { server, outage: Outage::new(attempt, now, settings) });
        }
    }
}

/// What the gauges say of this reader ends with it.
impl Drop for Failures {
    fn drop(&mut self) {
        let known = self.known();
        failing_gauge(known.mailboxes.len(), 0);
        let open = known.circuits.values().filter(|circuit| circuit.outage().is_some()).count();
        if open > 0 {
            metrics::gauge!("optigov_calendar_circuits_open").decrement(open as f64);
        }
    }
}

/// The server has answered. Returns whether this closes its circuit.
fn answered(circuit: &mut Circuit) -> bool {
    let outage = circuit.answered();
    if let Some(outage) = &outage {
        metrics::gauge!("optigov_calendar_circuits_open").decrement(1.0);
        tracing::info!(since = %outage.since, "circuit closed: the server answers again");
    }
    outage.is_some()
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
