//! A town in simulated time: lists, booking checks, saves, changes in mailboxes, streams that end and outages of two kinds, all the while.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU8, AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use chrono_tz::Europe::Berlin;
use futures_util::{StreamExt as _, stream};
use optigov_availability::{
    Availability, Calendar, CalendarEntry, CalendarSource, Counter, EntryStatus, Interval, Mailbox, MemoryCache,
    Municipality, ReadError, ReadErrorKind, SlotsRequest, Text, Wanted,
};
use optigov_calendar::{Change, Changes};
use tokio::{
    runtime::Handle,
    sync::mpsc,
    time::{Instant, sleep},
};

use crate::{descriptors, memory};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
/// Entries of a mailbox, on the 30 days that can be booked.
const ENTRIES: i64 = 60;

/// What the server does with a reading.
const ANSWERS: u8 = 0;
const REFUSES: u8 = 1;
const IS_SILENT: u8 = 2;

/// An Exchange in memory, whose weather changes.
#[derive(Clone, Default)]
struct Server(Arc<Inner>);

#[derive(Default)]
struct Inner {
    weather: AtomicU8,
    reads: AtomicUsize,
    streams: Mutex<Vec<(Vec<Mailbox>, mpsc::UnboundedSender<Change>)>>,
}

impl Server {
    fn set(&self, weather: u8) {
        self.0.weather.store(weather, Ordering::SeqCst);
    }

    fn streams(&self) -> MutexGuard<'_, Vec<(Vec<Mailbox>, mpsc::UnboundedSender<Change>)>> {
        let mut streams = self.0.streams.lock().unwrap_or_else(PoisonError::into_inner);
        streams.retain(|(_, stream)| !stream.is_closed());
        streams
    }

    /// Something has changed in a mailbox.
    fn touch(&self, mailbox: &Mailbox) {
        for (mailboxes, stream) in self.streams().iter() {
            if mailboxes.contains(mailbox) {
                // Whoever no longer listens need not hear it.
                drop(stream.send(Change::Touched(mailbox.clone())));
            }
        }
    }

    /// All streams end.
    fn cut(&self) {
        self.streams().clear();
    }

    /// The streams say that they have lost everything, and then that they watch again.
    fn lose(&self) {
        for (mailboxes, stream) in self.streams().iter() {
            let error = failure(ReadErrorKind::Interrupted);
            drop(stream.send(Change::Lost { mailboxes: mailboxes.clone(), error }));
            drop(stream.send(Change::Watching(mailboxes.clone())));
        }
    }
}

#[async_trait]
impl CalendarSource for Server {
    async fn read(&self, mailboxes: &[Mailbox], window: Interval) -> Vec<Result<Calendar, ReadError>> {
        self.0.reads.fetch_add(1, Ordering::SeqCst);
        match self.0.weather.load(Ordering::SeqCst) {
            ANSWERS => sleep(Duration::from_millis(50)).await,
            REFUSES => return mailboxes.iter().map(|_| Err(failure(ReadErrorKind::Refused))).collect(),
            _ => std::future::pending().await,
        }
        let every = (window.end_unix() - window.start_unix()) / ENTRIES;
        let entries = (0..ENTRIES).map(|nth| {
            let start = window.start_unix() + nth * every;
            CalendarEntry::timed(Interval::from_unix(start, start + 900).expect("a quarter"), EntryStatus::Busy)
        });
        let calendar = Calendar::new(entries.collect());
        mailboxes.iter().map(|_| Ok(calendar.clone())).collect()
    }

    fn watch(&self, mailboxes: Vec<Mailbox>) -> Changes {
        if self.0.weather.load(Ordering::SeqCst) != ANSWERS {
            return Changes::unavailable(mailboxes, failure(ReadErrorKind::Refused));
        }
        let (stream, told) = mpsc::unbounded_channel();
        drop(stream.send(Change::Watching(mailboxes.clone())));
        self.streams().push((mailboxes, stream));
        Changes::new(stream::unfold(told, |mut told| async { told.recv().await.map(|change| (change, told)) }).boxed())
    }
}

fn failure(kind: ReadErrorKind) -> ReadError {
    ReadError::new(kind, Text::fixed("Störung zur Probe", "a trial failure"))
}

fn begin() -> DateTime<Utc> {
    "2026-11-23T06:00:00Z".parse().expect("an instant")
}

/// A counter's entry. Its name and its mailbox depend on how often it was saved, and come back after some saves.
fn entry(counter: usize, saves: usize) -> String {
    let (name, mailbox) = (saves % 7, saves % 2);
    format!(
        r#"{{ "id": "s{counter}", "name": "Schalter {counter}-{name}", "templates": ["t"],
        "opening": [{{ "days": "Mo-Fr", "hours": "08:00-16:00" }}], "booking": {{ "horizon": "30 days" }},
        "exchange_sync": {{ "on": true, "mailboxes": ["s{counter}.m{mailbox}@musterstadt.example"] }} }}"#
    )
}

fn municipality(counters: usize) -> Municipality {
    let counters: Vec<String> = (0..counters).map(|counter| entry(counter, 0)).collect();
    let text = format!(
        r#"{{ "format": 1, "name": "Musterstadt", "templates": [{{ "id": "t", "label": "T", "length": "30min" }}],
        "exchange": {{ "url": "https://exchange.musterstadt.example/EWS/Exchange.asmx", "authentication": "basic",
        "account": "svc-optigov", "secret": "provided", "timeout": "10s" }}, "counters": [{}] }}"#,
        counters.join(",")
    );
    Municipality::from_json(&text).unwrap_or_else(|faults| panic!("{faults}"))
}

/// What is held at a moment at which nothing is under way.
#[derive(Clone, Copy, Debug)]
struct Held {
    tasks: usize,
    /// Of mailboxes in the cache.
    kept: usize,
    streams: usize,
    failing: usize,
    descriptors: Option<usize>,
    memory: Option<f64>,
}

struct Town {
    counters: usize,
    server: Server,
    cache: Arc<MemoryCache>,
    availability: Availability,
    saves: Vec<usize>,
    /// How many lists, booking checks, saves and changes there were.
    done: [usize; 4],
}

impl Town {
    fn new(counters: usize) -> Town {
        let (server, began) = (Server::default(), Instant::now());
        let cache = Arc::new(MemoryCache::new(64 << 20, HOUR));
        let availability = Availability::for_municipality(municipality(counters))
            .source(server.clone())
            .cache(Arc::clone(&cache))
            .clock(move || begin() + chrono::TimeDelta::from_std(began.elapsed()).expect("short"))
            .build()
            .expect("nothing is missing");
        Town { counters, server, cache, availability, saves: vec![0; counters], done: [0; 4] }
    }

    async fn list(&mut self) {
        let today = begin().date_naive();
        let window = Interval::of_dates(today, today + chrono::Days::new(13), Berlin).expect("two weeks");
        let answer = self.availability.free_slots(&SlotsRequest::new(window)).await.expect("the request holds");
        assert_eq!(answer.counters.len(), self.counters);
        self.done[0] += 1;
    }

    async fn confirm(&mut self, counter: usize) {
        let start = begin() + chrono::TimeDelta::hours(4 + 24 * (counter as i64 % 4));
        let counter = self.availability.counter(&format!("s{counter}")).expect("it exists");
        counter.confirm(&Wanted::new(), start).await.expect("the request holds");
        self.done[1] += 1;
    }

    async fn save(&mut self, counter: usize) {
        self.saves[counter] += 1;
        let entry =
            Counter::from_json(&entry(counter, self.saves[counter])).unwrap_or_else(|faults| panic!("{faults}"));
        self.availability.counter_saved(entry).await.expect("the cache can be told");
        self.done[2] += 1;
    }

    fn touch(&mut self, counter: usize) {
        let mailbox = format!("s{counter}.m{}@musterstadt.example", self.saves[counter] % 2);
        self.server.touch(&mailbox.parse().expect("an address"));
        self.done[3] += 1;
    }

    /// An hour in which everything happens: streams that end after 10 minutes, a server that refuses after 20 and one that is silent after 35, for five
    /// minutes each, and streams that say that they have missed something after 50.
    async fn hour(&mut self, hour: usize) {
        let began = Instant::now();
        let mut step = 0_usize;
        while began.elapsed() < HOUR - 5 * MINUTE {
            let minute = began.elapsed().as_secs() / 60;
            self.server.set(match minute {
                20..25 => REFUSES,
                35..40 => IS_SILENT,
                _ => ANSWERS,
            });
            let counter = (hour * 7_919 + step * 104_729) % self.counters;
            match step % 6 {
                0 => self.list().await,
                1 | 3 => self.confirm(counter).await,
                2 => self.save(counter).await,
                _ => self.touch(counter),
            }
            match step {
                60 => self.server.cut(),
                300 => self.server.lose(),
                _ => {}
            }
            step += 1;
            sleep(Duration::from_secs(10).saturating_sub(Duration::from_millis(1))).await;
        }
        // Then it is quiet until the hour is over.
        self.server.set(ANSWERS);
        self.list().await;
        sleep(HOUR.saturating_sub(began.elapsed())).await;
    }

    /// What is held now, when all that was begun has ended.
    fn held(&self) -> Held {
        let kept = format!("{:?}", self.cache);
        let kept =
            kept.chars().filter(char::is_ascii_digit).collect::<String>().parse().expect("a number of mailboxes");
        Held {
            tasks: Handle::current().metrics().num_alive_tasks(),
            kept,
            streams: self.server.streams().len(),
            failing: self.availability.health().failing.len(),
            descriptors: descriptors(),
            memory: memory(),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn after_each_hour_of_saves_outages_and_changes_no_more_is_held_than_before() {
    let mut town = Town::new(50);
    let fresh = town.availability.keep_fresh(Duration::from_secs(30 * 86_400));
    assert!(fresh.warmed().await.is_whole());
    let before = town.held();
    for hour in 0..2 {
        town.hour(hour).await;
        let held = town.held();
        println!("{held:?}");
        assert!(fresh.state().is_whole(), "{:?}", fresh.state());
        assert_eq!(held.failing, 0);
        // Each save that brings a mailbox is followed by a stream of its own; they are few, and each has one task.
        assert!(held.streams <= 33, "{held:?}");
        assert_eq!(held.tasks - held.streams, before.tasks - before.streams, "{held:?} after {before:?}");
        // A mailbox that no counter has any more ages out.
        assert!(held.kept <= 2 * town.counters, "{held:?}");
    }
    drop((fresh, town.availability));
    while Handle::current().metrics().num_alive_tasks() > 0 {
        sleep(MINUTE).await;
    }
}

#[tokio::test(start_paused = true)]
#[ignore = "it measures a day of a thousand mailboxes; the command is at the head of this file's folder"]
async fn a_day_of_a_thousand_mailboxes() {
    let mut town = Town::new(1_000);
    let fresh = town.availability.keep_fresh(Duration::from_secs(30 * 86_400));
    assert!(fresh.warmed().await.is_whole());
    println!(
        "| after hour | memory | descriptors | tasks | of which streams | mailboxes in the cache | readings so far |"
    );
    let mut second = None;
    for hour in 0..24 {
        town.hour(hour).await;
        let held = town.held();
        let reads = town.server.0.reads.load(Ordering::SeqCst);
        let (memory, descriptors) = (held.memory.unwrap_or_default(), held.descriptors.unwrap_or_default());
        println!(
            "| {} | {memory:.1} MiB | {descriptors} | {} | {} | {} | {reads} |",
            hour + 1,
            held.tasks,
            held.streams,
            held.kept
        );
        assert!(fresh.state().is_whole(), "{:?}", fresh.state());
        assert!(held.streams <= 33 && held.tasks <= held.streams + 2 && held.failing == 0, "{held:?}");
        let second = *second.get_or_insert(held);
        assert_eq!(held.descriptors, second.descriptors);
    }
    let [lists, confirms, saves, touched] = town.done;
    println!(
        "{lists} lists of 1,000 counters, {confirms} booking checks, {saves} saves, {touched} changes in mailboxes"
    );
}
