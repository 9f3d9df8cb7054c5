//! A server of calendars that can be silenced, slowed and broken, and a reader of it.

use std::{
    collections::{HashMap, HashSet},
    num::NonZeroUsize,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::stream;
use optigov_calendar::{
    Calendar, CalendarEntry, CalendarSource, Change, Changes, EntryStatus, Mailbox, ReadError, ReadErrorKind, Text,
};
use optigov_calendar_cache::{
    CalendarCache, CalendarReader, Clock, Fetched, Freshness, MemoryCache, ReadTarget, ReadWindow, ReaderSettings,
};
use optigov_slots::Interval;
use tokio::{
    sync::{mpsc, watch},
    time::Instant,
};

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const NOON: i64 = 1_803_902_400;

/// How the server answers at the moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Mood {
    /// After this long.
    Answers(Duration),
    /// Not at all until its mood changes; the client gives up after 30 s.
    Silent,
    /// Not at all, also when its mood changes: what was sent meanwhile is lost. The client gives up after 30 s.
    Lost,
    /// At once, with an error of this kind.
    Fails(ReadErrorKind),
}

/// A server whose every calendar has one entry, which begins at a number of seconds that says how often anything was set.
pub(crate) struct Server {
    mood: watch::Sender<Mood>,
    pub(crate) requests: AtomicUsize,
    pub(crate) mailboxes_read: AtomicUsize,
    under_way: AtomicUsize,
    pub(crate) most_under_way: AtomicUsize,
    pub(crate) single: Mutex<HashMap<Mailbox, ReadErrorKind>>,
    pub(crate) slow: Mutex<HashSet<Mailbox>>,
    pub(crate) edition: AtomicUsize,
    pub(crate) batch: usize,
    /// Whether it tells of changes.
    pub(crate) notifies: bool,
    streams: Mutex<Vec<mpsc::UnboundedSender<Change>>>,
    /// Streams that were opened so far.
    pub(crate) opened: AtomicUsize,
}

impl Server {
    pub(crate) fn new() -> Server {
        Server {
            mood: watch::Sender::new(Mood::Answers(Duration::from_millis(100))),
            requests: AtomicUsize::default(),
            mailboxes_read: AtomicUsize::default(),
            under_way: AtomicUsize::default(),
            most_under_way: AtomicUsize::default(),
            single: Mutex::default(),
            slow: Mutex::default(),
            edition: AtomicUsize::default(),
            batch: 1,
            notifies: true,
            streams: Mutex::default(),
            opened: AtomicUsize::default(),
        }
    }

    /// Something changes in every calendar, and it is told of these.
    pub(crate) fn touch(&self, mailboxes: &[ReadTarget]) {
        self.edition.fetch_add(1, Ordering::SeqCst);
        mailboxes.iter().for_each(|target| self.tell(&Change::Touched(target.mailbox.clone())));
    }

    pub(crate) fn tell(&self, change: &Change) {
        self.streams.lock().expect("lock").retain(|stream| stream.send(change.clone()).is_ok());
    }

    /// All streams end.
    pub(crate) fn hang_up(&self) {
        self.streams.lock().expect("lock").clear();
    }

    /// How many streams are read at this moment.
    pub(crate) fn streams(&self) -> usize {
        let mut streams = self.streams.lock().expect("lock");
        streams.retain(|stream| !stream.is_closed());
        streams.len()
    }

    pub(crate) fn is(&self, mood: Mood) {
        self.mood.send_replace(mood);
    }

    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    async fn answer(&self) -> Result<(), ReadError> {
        let mut mood = self.mood.subscribe();
        let now = *mood.borrow_and_update();
        match now {
            Mood::Answers(after) => tokio::time::sleep(after).await,
            Mood::Silent => {
                // A server that was silent answers what it has kept waiting.
                let changed = tokio::time::timeout(30 * SECOND, mood.changed()).await;
                changed.map_err(|_| error(ReadErrorKind::Timeout))?.expect("the server lives");
            }
            Mood::Lost => {
                tokio::time::sleep(30 * SECOND).await;
                return Err(error(ReadErrorKind::Timeout));
            }
            Mood::Fails(kind) => return Err(error(kind)),
        }
        Ok(())
    }
}

struct UnderWay<'a>(&'a AtomicUsize);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl CalendarSource for Server {
    async fn read(&self, mailboxes: &[Mailbox], window: Interval) -> Vec<Result<Calendar, ReadError>> {
        self.requests.fetch_add(1, Ordering::SeqCst);
        self.mailboxes_read.fetch_add(mailboxes.len(), Ordering::SeqCst);
        let now = self.under_way.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_under_way.fetch_max(now, Ordering::SeqCst);
        let _under_way = UnderWay(&self.under_way);
        // What the calendar holds is decided when the question arrives: as old as a reading can be.
        let edition = i64::try_from(self.edition.load(Ordering::SeqCst)).expect("few");
        let outcome = self.answer().await;
        if mailboxes.iter().any(|mailbox| self.slow.lock().expect("lock").contains(mailbox)) {
            tokio::time::sleep(30 * SECOND).await;
            return vec![Err(error(ReadErrorKind::Timeout)); mailboxes.len()];
        }
        let start = window.start_unix() + edition;
        let entry =
            CalendarEntry::timed(Interval::from_unix(start, start + 600).expect("not empty"), EntryStatus::Busy);
        let single = self.single.lock().expect("lock");
        let answers = mailboxes.iter().map(|mailbox| match single.get(mailbox) {
            Some(kind) => Err(error(*kind)),
            None => outcome.clone().map(|()| Calendar::new(vec![entry])),
        });
        answers.collect()
    }

    fn watch(&self, mailboxes: Vec<Mailbox>) -> Changes {
        if !self.notifies {
            return Changes::unavailable(mailboxes, error(ReadErrorKind::NotWatchable));
        }
        self.opened.fetch_add(1, Ordering::SeqCst);
        let (sender, receiver) = mpsc::unbounded_channel();
        drop(sender.send(Change::Watching(mailboxes)));
        self.streams.lock().expect("lock").push(sender);
        Changes::new(stream::unfold(receiver, async |mut receiver| Some((receiver.recv().await?, receiver))))
    }

    fn batch(&self) -> NonZeroUsize {
        NonZeroUsize::new(self.batch).expect("not 0")
    }
}

pub(crate) fn error(kind: ReadErrorKind) -> ReadError {
    ReadError::new(kind, Text::fixed("ein Fehler zur Probe", "a trial failure"))
}

/// A clock that goes with tokio's time.
pub(crate) fn clock() -> Arc<dyn Clock> {
    let start = Instant::now();
    let epoch = DateTime::<Utc>::from_timestamp(NOON, 0).expect("an instant");
    Arc::new(move || epoch + TimeDelta::from_std(start.elapsed()).expect("short"))
}

pub(crate) fn targets(count: usize) -> Vec<ReadTarget> {
    let mailbox = |n| format!("postfach{n}@musterstadt.example").parse().expect("an address");
    (0..count).map(|n| ReadTarget::new("", mailbox(n))).collect()
}

pub(crate) fn hours(from: i64, to: i64) -> Interval {
    Interval::from_unix(NOON + from * 3_600, NOON + to * 3_600).expect("not empty")
}

pub(crate) fn day() -> ReadWindow {
    ReadWindow::exactly(hours(0, 24))
}

pub(crate) fn reader(server: &Arc<Server>, set: impl FnOnce(&mut ReaderSettings)) -> Arc<CalendarReader> {
    let cache = Arc::new(MemoryCache::new(1 << 24, Duration::from_secs(86_400)));
    reader_with(server, cache, set)
}

pub(crate) fn reader_with(
    server: &Arc<Server>,
    cache: Arc<dyn CalendarCache>,
    set: impl FnOnce(&mut ReaderSettings),
) -> Arc<CalendarReader> {
    let mut settings = ReaderSettings::default();
    set(&mut settings);
    let source: Arc<dyn CalendarSource> = Arc::<Server>::clone(server);
    CalendarReader::new(source, cache, clock(), settings)
}

/// A list, by a deadline of 30 s, and how long it took.
pub(crate) async fn list(reader: &Arc<CalendarReader>, targets: &[ReadTarget]) -> (Vec<Fetched>, Duration) {
    let began = Instant::now();
    let fetched = reader.fetch(targets, day(), Freshness::Cached, began + 30 * SECOND).await;
    (fetched, began.elapsed())
}

/// A booking check, by a deadline of 30 s, and how long it took.
pub(crate) async fn confirm(reader: &Arc<CalendarReader>, target: &ReadTarget) -> (Fetched, Duration) {
    let began = Instant::now();
    let window = ReadWindow::exactly(hours(1, 2));
    let fetched = reader.fetch(std::slice::from_ref(target), window, Freshness::Now, began + 30 * SECOND).await;
    (fetched.into_iter().next().expect("one"), began.elapsed())
}

pub(crate) fn kind(fetched: &Fetched) -> Option<ReadErrorKind> {
    fetched.reading.as_ref().err().map(ReadError::kind)
}
