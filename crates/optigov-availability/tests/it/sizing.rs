//! The figures of the sizing table in `docs/operations.md`, measured anew by
//! `cargo test -p optigov-availability --test it sizing -- --ignored --nocapture --test-threads 1`.

#![allow(clippy::print_stdout, reason = "the figures are what it is for")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use futures_util::stream;
use optigov_availability::{
    Availability, Calendar, CalendarEntry, CalendarSource, EntryStatus, Interval, Mailbox, ReadError, ReadErrorKind,
};
use optigov_calendar::{Change, Changes};
use tokio::{
    runtime::Builder,
    time::{Instant, sleep},
};

use crate::{
    probe::{counter, failure, municipality, over, running_clock},
    support::{berlin, days},
};

/// Five appointments on each of the 60 days of the horizon.
const ENTRIES: i64 = 300;
const HOUR: Duration = Duration::from_secs(3_600);
/// A list of everything so often.
const LISTS_APART: Duration = Duration::from_secs(20);

/// A quiet Exchange: every reading takes 100 ms, and nothing ever changes.
struct Quiet {
    notifies: bool,
    takes: Duration,
    calendar: Calendar,
    reads: Arc<AtomicUsize>,
}

impl Quiet {
    fn new(notifies: bool, takes: Duration, reads: &Arc<AtomicUsize>) -> Quiet {
        let first = berlin("2026-11-23 00:00").timestamp();
        let entries = (0..ENTRIES).map(|nth| {
            let start = first + nth * 17_280;
            let interval = Interval::from_unix(start, start + 1_800).expect("half an hour");
            CalendarEntry::timed(interval, EntryStatus::Busy)
        });
        let calendar = Calendar::new(entries.collect());
        Quiet { notifies, takes, calendar, reads: Arc::clone(reads) }
    }
}

#[async_trait]
impl CalendarSource for Quiet {
    async fn read(&self, mailboxes: &[Mailbox], _: Interval) -> Vec<Result<Calendar, ReadError>> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        sleep(self.takes).await;
        mailboxes.iter().map(|_| Ok(self.calendar.clone())).collect()
    }

    fn watch(&self, mailboxes: Vec<Mailbox>) -> Changes {
        match self.notifies {
            true => {
                Changes::new(stream::StreamExt::chain(stream::iter([Change::Watching(mailboxes)]), stream::pending()))
            }
            false => Changes::unavailable(mailboxes, failure(ReadErrorKind::NotWatchable)),
        }
    }
}

struct Measured {
    availability: Availability,
    reads: Arc<AtomicUsize>,
}

/// One counter for each mailbox.
fn town(mailboxes: usize, notifies: bool, takes: Duration) -> Measured {
    let counters: String = (0..mailboxes)
        .map(|at| counter(&format!("s{at}"), &[&format!("schalter{at}@musterstadt.example")], "all"))
        .collect();
    let reads = Arc::new(AtomicUsize::default());
    let source = Quiet::new(notifies, takes, &reads);
    let availability = over(source, &counters, &running_clock("2026-11-23 07:00"), |builder| builder);
    Measured { availability, reads }
}

impl Measured {
    fn reads(&self) -> usize {
        self.reads.load(Ordering::SeqCst)
    }

    async fn list(&self) {
        let today = days("2026-11-24", "2026-11-24");
        let answer = self.availability.free_slots(&today).await.expect("the request holds");
        assert!(!answer.counters.is_empty());
    }

    /// The readings of an hour, in which all is listed again and again or nobody asks.
    async fn hour(&self, lists: bool) -> usize {
        let (before, began) = (self.reads(), Instant::now());
        while began.elapsed() < HOUR {
            if lists {
                self.list().await;
            }
            sleep(LISTS_APART).await;
        }
        self.reads() - before
    }
}

/// The memory that this process has for itself (its code, which the system can read again, left out), in MiB; `None` where the system does not
/// say it.
fn memory() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("RssAnon"))?;
    line.split_whitespace().nth(1)?.parse().ok().map(|kib: f64| kib / 1_024.0)
}

/// Says to a process of its own how many mailboxes it measures.
const MAILBOXES: &str = "OPTIGOV_SIZING_MAILBOXES";

/// Each size is measured in a process of its own: what one has freed would otherwise serve the next.
#[test]
#[ignore = "it measures; the command is at the head of this file"]
fn memory_and_requests_by_the_number_of_mailboxes() {
    if let Ok(mailboxes) = std::env::var(MAILBOXES) {
        let mailboxes = mailboxes.parse().expect("a number of mailboxes");
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
        return runtime.block_on(measure(mailboxes));
    }
    println!(
        "| mailboxes | memory, warm | after an hour of lists | first warm-up | polled, /h | live, listed all the time, /h | live, not asked, /h |"
    );
    for mailboxes in [100, 1_000, 10_000] {
        let this = std::env::current_exe().expect("the path of this program");
        let name = "sizing::memory_and_requests_by_the_number_of_mailboxes";
        let measuring = std::process::Command::new(this)
            .args([name, "--exact", "--ignored", "--nocapture"])
            .env(MAILBOXES, mailboxes.to_string())
            .output()
            .expect("this program can be started");
        let told = String::from_utf8_lossy(&measuring.stdout);
        assert!(measuring.status.success(), "{told}{}", String::from_utf8_lossy(&measuring.stderr));
        told.lines().filter(|line| line.starts_with('|')).for_each(|row| println!("{row}"));
    }
}

/// Prints the row of one size.
async fn measure(mailboxes: usize) {
    let before = memory().unwrap_or_default();
    let grown = || memory().unwrap_or_default() - before;
    let live = town(mailboxes, true, Duration::from_millis(100));
    let fresh = live.availability.keep_fresh(Duration::from_secs(60 * 86_400));
    let began = Instant::now();
    assert!(fresh.warmed().await.is_whole());
    let warmed = began.elapsed().as_secs_f64().round();
    let warm = grown();
    let quiet = live.hour(false).await;
    assert_eq!(quiet, 0);
    // What the quiet hour has let expire.
    live.list().await;
    let listed = live.hour(true).await;
    let after_lists = grown();
    drop((fresh, live));
    let polled = town(mailboxes, false, Duration::from_millis(1));
    polled.list().await;
    let polled = polled.hour(true).await;
    println!("| {mailboxes} | {warm:.1} MiB | {after_lists:.1} MiB | {warmed} s | {polled} | {listed} | {quiet} |");
    assert!(listed * 13 <= polled);
}

/// The 99th percentile of lists of 100 mailboxes while their readings expire, against that of lists whose readings do not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it measures; the command is at the head of this file"]
async fn warm_lists_while_readings_expire() {
    let measured = async |time_to_live: Duration| {
        let counters: String = (0..100)
            .map(|at| counter(&format!("s{at}"), &[&format!("schalter{at}@musterstadt.example")], "all"))
            .collect();
        let reads = Arc::new(AtomicUsize::default());
        let source = Quiet::new(false, Duration::from_millis(20), &reads);
        let availability = Availability::for_municipality(municipality(&counters))
            .source(source)
            .time_to_live(time_to_live)
            .read_ahead(time_to_live / 2)
            .build()
            .expect("nothing is missing");
        let first = chrono::Utc::now().date_naive();
        let window =
            Interval::of_dates(first, first + chrono::Days::new(6), chrono_tz::Europe::Berlin).expect("a week");
        let request = optigov_availability::SlotsRequest::new(window);
        let mut took = Vec::new();
        availability.free_slots(&request).await.expect("the request holds");
        for _ in 0..1_000 {
            let began = std::time::Instant::now();
            availability.free_slots(&request).await.expect("the request holds");
            took.push(began.elapsed());
            sleep(Duration::from_millis(5)).await;
        }
        took.sort_unstable();
        (took[500], took[990], reads.load(Ordering::SeqCst))
    };
    let (median, p99, _) = measured(HOUR).await;
    // 100 mailboxes in 5 places of 20 ms each are read in 0.4 s.
    let (median_expiring, p99_expiring, reads) = measured(Duration::from_secs(2)).await;
    let ratio = p99_expiring.as_secs_f64() / p99.as_secs_f64();
    println!(
        "1,000 lists of 100 mailboxes: median {median:?}, 99th percentile {p99:?}; with {reads} readings meanwhile {median_expiring:?} and {p99_expiring:?}: {ratio:.2}"
    );
    assert!(reads > 300);
}
