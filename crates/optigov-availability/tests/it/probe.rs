//! A source that tests watch: what it was asked, when it may answer, and a clock that they set.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use optigov_availability::{
    Availability, AvailabilityBuilder, Calendar, CalendarEntry, CalendarSource, Clock, EntryStatus, Interval, Mailbox,
    MemorySource, Municipality, ReadError, ReadErrorKind, Text,
};
use optigov_calendar::Changes;
use tokio::sync::watch;

use crate::support::{berlin, configuration};

/// Calendars in memory whose readings are written down and wait at a gate. An answer holds what the calendar held when its reading began.
#[derive(Clone)]
pub(crate) struct Probe {
    inner: Arc<Inner>,
}

struct Inner {
    calendars: MemorySource,
    asked: Mutex<Vec<(Vec<String>, Interval)>>,
    gate: watch::Sender<bool>,
    batch: NonZeroUsize,
    watched: Mutex<Vec<Mailbox>>,
}

impl Probe {
    pub(crate) fn new() -> Self {
        Probe::with_batch(1)
    }

    /// A source that reads so many mailboxes at once.
    pub(crate) fn with_batch(batch: usize) -> Self {
        let batch = NonZeroUsize::new(batch).expect("not 0");
        let (asked, watched, gate) = (Mutex::default(), Mutex::default(), watch::Sender::new(true));
        let inner = Inner { calendars: MemorySource::new(), asked, gate, batch, watched };
        Probe { inner: Arc::new(inner) }
    }

    /// Sets a calendar to timed entries that are busy between these times on the wall clock in Berlin.
    pub(crate) fn set(&self, mailbox: &str, busy: &[(&str, &str)]) {
        self.inner.calendars.set(address(mailbox), busy.iter().map(|(start, end)| busy_entry(start, end)).collect());
    }

    pub(crate) fn fail(&self, mailbox: &str, kind: ReadErrorKind) {
        self.inner.calendars.fail(address(mailbox), failure(kind));
    }

    /// Readings that begin from now on wait until [`open`](Self::open).
    pub(crate) fn shut(&self) {
        self.inner.gate.send_replace(false);
    }

    pub(crate) fn open(&self) {
        self.inner.gate.send_replace(true);
    }

    /// Each reading so far: its mailboxes and its window.
    pub(crate) fn asked(&self) -> Vec<(Vec<String>, Interval)> {
        self.inner.asked.lock().expect("no test panics with the lock").clone()
    }

    pub(crate) fn reads(&self) -> usize {
        self.asked().len()
    }

    /// What it was asked to watch so far, in this order.
    pub(crate) fn watched(&self) -> Vec<String> {
        let watched = self.inner.watched.lock().expect("no test panics with the lock");
        watched.iter().map(|mailbox| mailbox.as_str().to_owned()).collect()
    }

    /// Waits until so many readings have begun.
    pub(crate) async fn begun(&self, reads: usize) {
        while self.reads() < reads {
            tokio::task::yield_now().await;
        }
    }
}

#[async_trait]
impl CalendarSource for Probe {
    async fn read(&self, mailboxes: &[Mailbox], window: Interval) -> Vec<Result<Calendar, ReadError>> {
        let answer = self.inner.calendars.read(mailboxes, window).await;
        let mut gate = self.inner.gate.subscribe();
        let names = mailboxes.iter().map(|mailbox| mailbox.as_str().to_owned()).collect();
        self.inner.asked.lock().expect("no test panics with the lock").push((names, window));
        gate.wait_for(|open| *open).await.expect("the gate outlives the reading");
        answer
    }

    fn batch(&self) -> NonZeroUsize {
        self.inner.batch
    }

    fn watch(&self, mailboxes: Vec<Mailbox>) -> Changes {
        self.inner.watched.lock().expect("no test panics with the lock").extend(mailboxes.iter().cloned());
        self.inner.calendars.watch(mailboxes)
    }
}

pub(crate) fn address(mailbox: &str) -> Mailbox {
    mailbox.parse().expect("an address")
}

pub(crate) fn busy_entry(start: &str, end: &str) -> CalendarEntry {
    let interval = Interval::new(berlin(start), berlin(end)).expect("it ends after it starts");
    CalendarEntry::timed(interval, EntryStatus::Busy)
}

pub(crate) fn failure(kind: ReadErrorKind) -> ReadError {
    ReadError::new(kind, Text::fixed("Störung zur Probe", "a trial failure")).with_texts(
        Text::fixed("Das ist eine Probe.", "This is a trial."),
        Text::fixed("Nichts zu tun.", "Nothing to do."),
    )
}

/// A clock that stands until it is set. Clones show the same time.
#[derive(Clone)]
pub(crate) struct TestClock {
    second: Arc<AtomicI64>,
}

impl TestClock {
    /// At this time on the wall clock in Berlin.
    pub(crate) fn at(time: &str) -> Self {
        TestClock { second: Arc::new(AtomicI64::new(berlin(time).timestamp())) }
    }

    pub(crate) fn set(&self, time: &str) {
        self.second.store(berlin(time).timestamp(), Ordering::SeqCst);
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.shift(i64::try_from(by.as_secs()).expect("not that long"));
    }

    /// Forwards or back.
    pub(crate) fn shift(&self, seconds: i64) {
        self.second.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp(self.second.load(Ordering::SeqCst), 0).expect("a time that exists")
    }
}

/// A clock that goes with tokio's time, from this time on the wall clock in Berlin.
pub(crate) fn running_clock(time: &str) -> impl Clock + Clone {
    let (began, begin) = (tokio::time::Instant::now(), berlin(time));
    move || begin + chrono::TimeDelta::from_std(began.elapsed()).expect("short")
}

/// A municipality with these counters (TOML) whose connection nobody uses.
pub(crate) fn municipality(counters: &str) -> Municipality {
    let text = configuration("https://exchange.musterstadt.example/EWS/Exchange.asmx", "/ca.pem", counters);
    Municipality::from_toml(&text).unwrap_or_else(|faults| panic!("{faults}"))
}

/// The facade over `source`, with this clock and further settings.
pub(crate) fn over(
    source: impl CalendarSource + 'static,
    counters: &str,
    clock: &(impl Clock + Clone),
    set: impl FnOnce(AvailabilityBuilder) -> AvailabilityBuilder,
) -> Availability {
    let builder = Availability::for_municipality(municipality(counters)).source(source).clock(clock.clone());
    set(builder).build().expect("nothing is missing")
}

/// A counter open Monday to Friday 08:00 to 12:00, with these mailboxes, of which so many must be free (`all`, `any` or a number).
pub(crate) fn counter(id: &str, mailboxes: &[&str], needed: &str) -> String {
    let needed =
        if needed.parse::<u32>().is_ok() { format!("{{ at_least = {needed} }}") } else { format!("{needed:?}") };
    format!(
        r#"
[[counters]]
id = "{id}"
name = "Schalter {id}"
templates = ["ausweis"]
opening = [{{ days = "Mo-Fr", hours = "08:00-12:00" }}]
exchange_sync = {{ on = true, mailboxes = {mailboxes:?}, needed = {needed} }}
"#
    )
}
