//! What a list costs for each counter, mailbox, entry and slot, over three orders of magnitude, from a warm cache and from a cold one.
//!
//! `cargo bench -p optigov-benches --bench growth` prints the tables of `docs/performance.md`, in a few minutes. It measures time on the processor, the least
//! of a few samples, so that other programs count for little.
//!
//! `… --bench growth -- warm COUNTERS TIMES` makes that many warm lists and measures nothing, for tools that count instructions or memory accesses; `cold`
//! makes cold ones from calendars at hand;
//! `… -- json MINUTES TIMES` writes that many answers of a year with a start every so many minutes.

#![allow(clippy::print_stdout, reason = "the tables are what it is for")]

use std::{hint::black_box, time::Duration};

use chrono::{DateTime, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Europe::Berlin;
use cpu_time::{ProcessTime, ThreadTime};
use optigov_availability::{
    Availability, CalendarEntry, CalendarSource, Credentials, EntryStatus, EwsClient, Interval, Mailbox, MemorySource,
    Municipality, SlotsRequest,
};
use optigov_calendar::Route;
use optigov_exchange_simulator::{Account, Entry, Scenario, Simulator};
use tokio::runtime::{Builder, Runtime};

const PASSWORD: &str = "kein-Geheimnis";
const SAMPLES: usize = 15;
/// Short work is repeated until it takes so long.
const LONG_ENOUGH: Duration = Duration::from_millis(4);

/// A town whose counters have so many mailboxes each, and what is asked of it.
#[derive(Clone, Copy)]
struct Town {
    counters: usize,
    /// At each counter, all of which must be free; no two counters share one.
    mailboxes: usize,
    /// In each mailbox, spread over the days.
    entries: i64,
    days: i64,
    /// From one possible start to the next.
    step: &'static str,
}

const TOWN: Town = Town { counters: 10, mailboxes: 1, entries: 100, days: 14, step: "30min" };

fn now() -> DateTime<Utc> {
    Berlin.with_ymd_and_hms(2026, 11, 23, 7, 0, 0).single().expect("a time that exists").to_utc()
}

fn name(counter: usize, mailbox: usize) -> String {
    format!("p{mailbox}.s{counter}@musterstadt.example")
}

impl Town {
    fn municipality(self, url: &str) -> Municipality {
        let mut text = format!(
            "format = 1\nname = \"Musterstadt\"\ntemplates = [{{ id = \"t\", label = \"T\", length = \"30min\" }}]\n\n[exchange]\nurl = {url:?}\n\
             authentication = \"basic\"\naccount = \"svc-optigov\"\nsecret = \"provided\"\n"
        );
        for counter in 0..self.counters {
            let mailboxes: Vec<String> = (0..self.mailboxes).map(|mailbox| name(counter, mailbox)).collect();
            let step = self.step;
            text += &format!(
                "\n[[counters]]\nid = \"s{counter}\"\nname = \"Schalter {counter}\"\ntemplates = [\"t\"]\n\
                 opening = [{{ days = \"Mo-Fr\", hours = [\"08:00-12:00\", \"13:00-16:00\"] }}]\n\
                 booking = {{ horizon = \"365 days\", step = {step:?} }}\n\
                 exchange_sync = {{ on = true, mailboxes = {mailboxes:?} }}\n"
            );
        }
        Municipality::from_toml(&text).unwrap_or_else(|faults| panic!("{faults}"))
    }

    fn window(self) -> Interval {
        let first = now().date_naive();
        Interval::of_dates(first, first + TimeDelta::days(self.days - 1), Berlin).expect("some days")
    }

    /// Short entries, each mailbox's at times of its own, so that slots remain.
    fn entries(self, counter: usize, mailbox: usize) -> impl Iterator<Item = Interval> {
        let (first, every) = (self.window().start_unix(), self.days * 86_400 / self.entries);
        let shift = counter as i64 * 7_919 + mailbox as i64 * 104_729;
        (0..self.entries).map(move |nth| {
            let start = first + nth * every + shift % every;
            Interval::from_unix(start, start + 60).expect("it ends after it starts")
        })
    }

    fn names(self) -> impl Iterator<Item = (usize, usize)> {
        (0..self.counters).flat_map(move |counter| (0..self.mailboxes).map(move |mailbox| (counter, mailbox)))
    }

    /// Calendars at hand.
    fn source(self) -> MemorySource {
        let source = MemorySource::new();
        for (counter, mailbox) in self.names() {
            let entries = self.entries(counter, mailbox).map(|at| CalendarEntry::timed(at, EntryStatus::Busy));
            let address: Mailbox = name(counter, mailbox).parse().expect("an address");
            source.set(address, entries.collect());
        }
        source
    }

    fn availability(self, source: impl CalendarSource + 'static, time_to_live: Duration) -> Availability {
        let set_up = Availability::for_municipality(self.municipality("https://localhost/EWS/Exchange.asmx"));
        let set_up = set_up.source(source).clock(now).time_to_live(time_to_live).deadline(Duration::from_secs(600));
        // What is measured is to fit into the cache.
        let cache = optigov_calendar_cache::MemoryCache::new(1 << 30, Duration::from_secs(86_400));
        set_up.cache(cache).build().expect("nothing is missing")
    }

    fn warm(self) -> Availability {
        self.availability(self.source(), Duration::from_secs(86_400))
    }

    /// Nothing read serves twice.
    fn cold(self) -> Availability {
        self.availability(self.source(), Duration::ZERO)
    }

    fn simulator(self) -> (Simulator, EwsClient) {
        let account = Account::new("svc-optigov").password(PASSWORD).impersonates_everybody();
        let scenario = self.names().fold(Scenario::new().account(account), |scenario, (counter, mailbox)| {
            let entries = self.entries(counter, mailbox).map(|at| Entry::timed(at.start(), at.end()));
            scenario.mailbox(optigov_exchange_simulator::Mailbox::new(name(counter, mailbox)).entries(entries))
        });
        let simulator = Simulator::start(scenario).expect("the scenario holds");
        let route = Route::new(&simulator.url());
        let route = route.and_then(|route| route.with_root_certificates(simulator.ca_pem().as_bytes()));
        let client = EwsClient::builder(route.expect("an address and its authority"))
            .credentials(Credentials::basic("svc-optigov", PASSWORD))
            .build()
            .expect("the client can be built");
        (simulator, client)
    }
}

/// Everything runs on the thread that waits, so that its time on the processor is all of it.
fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// The least time on the processor, of this thread.
fn least(mut work: impl FnMut()) -> Duration {
    work();
    let mut once = || {
        let (began, mut times) = (ThreadTime::now(), 0_u32);
        loop {
            work();
            times += 1;
            if began.elapsed() >= LONG_ENOUGH {
                return began.elapsed() / times;
            }
        }
    };
    (0..SAMPLES).map(|_| once()).min().unwrap_or_default()
}

/// A list of everything.
fn list(runtime: &Runtime, availability: &Availability, town: Town) -> optigov_availability::Answer {
    let answer = runtime.block_on(availability.free_slots(&SlotsRequest::new(town.window())));
    let answer = answer.expect("the request holds");
    assert!(answer.is_known());
    answer
}

fn head(what: &str, columns: &[&str]) {
    println!("\n| {what} | {} |\n|---|{}", columns.join(" | "), "---|".repeat(columns.len()));
}

fn row(of: usize, cells: &[Duration]) {
    let each = |cell: &Duration| {
        let nanos = cell.as_nanos() as f64 / of as f64;
        match nanos {
            ..1_000.0 => format!("{nanos:.1} ns"),
            ..1_000_000.0 => format!("{:.2} µs", nanos / 1e3),
            _ => format!("{:.2} ms", nanos / 1e6),
        }
    };
    println!("| {of} | {} |", cells.iter().map(each).collect::<Vec<_>>().join(" | "));
}

/// Of a list: warm, and cold from calendars at hand, which is the way through facade and cache without any server.
fn warm_and_cold(town: Town) -> [Duration; 2] {
    let runtime = runtime();
    let warm = town.warm();
    let warm = least(|| drop(black_box(list(&runtime, &warm, town))));
    let cold = town.cold();
    [warm, least(|| drop(black_box(list(&runtime, &cold, town))))]
}

fn counters() {
    head("for each counter, of", &["warm", "cold, calendars at hand"]);
    for counters in [1, 10, 100, 1_000, 10_000] {
        row(counters, &warm_and_cold(Town { counters, ..TOWN }));
    }
}

fn mailboxes() {
    head("for each mailbox, of", &["warm", "cold, calendars at hand", "`keep_fresh` until all are live and read"]);
    for (counters, mailboxes) in [(1, 1), (1, 10), (1, 100), (10, 100), (100, 100)] {
        let town = Town { counters, mailboxes, ..TOWN };
        let [warm, cold] = warm_and_cold(town);
        row(counters * mailboxes, &[warm, cold, kept_fresh(town)]);
    }
}

/// From the beginning of `keep_fresh` until every mailbox is watched and read.
fn kept_fresh(town: Town) -> Duration {
    let runtime = runtime();
    let source = town.source();
    let once = || {
        let availability = town.availability(source.clone(), Duration::from_secs(60));
        let began = ThreadTime::now();
        let state = runtime.block_on(async {
            let fresh = availability.keep_fresh(Duration::from_secs(14 * 86_400));
            fresh.warmed().await
        });
        assert!(state.is_whole());
        began.elapsed()
    };
    (0..SAMPLES.min(5)).map(|_| once()).min().unwrap_or_default()
}

fn entries() {
    head("for each entry of a mailbox, of", &["warm", "cold, calendars at hand"]);
    for entries in [4, 40, 400, 4_000, 40_000] {
        let town = Town { entries, days: 90, ..TOWN };
        let each = warm_and_cold(town).map(|list| list / u32::try_from(town.counters).unwrap_or(1));
        row(usize::try_from(entries).unwrap_or_default(), &each);
    }
}

fn slots() {
    head("for each slot in the answer, of", &["warm", "the same as JSON bytes", "cold, calendars at hand"]);
    let days = [1, 5, 47, 365].map(|days| (days, "30min"));
    for (days, step) in days.into_iter().chain([(365, "5min"), (365, "1min")]) {
        let town = Town { days, step, entries: 20, ..TOWN };
        let [warm, cold] = warm_and_cold(town);
        let runtime = runtime();
        let answer = list(&runtime, &town.warm(), town);
        let json = least(|| drop(black_box(answer.to_json())));
        row(answer.counters.iter().map(|counter| counter.slots.len()).sum(), &[warm, warm + json, cold]);
    }
}

/// The whole way: over TLS from the simulator, whose own work is in the time. Says as well how many requests a list took.
fn from_the_simulator(town: Town) -> (Duration, usize) {
    let runtime = runtime();
    let (simulator, client) = town.simulator();
    let availability = town.availability(client, Duration::ZERO);
    let once = || {
        let began = ProcessTime::now();
        drop(black_box(list(&runtime, &availability, town)));
        began.elapsed()
    };
    once();
    simulator.forget_requests();
    once();
    let requests = simulator.requests().len();
    ((0..SAMPLES.min(5)).map(|_| once()).min().unwrap_or_default(), requests)
}

fn simulated() {
    let mut told = Vec::new();
    head("for each mailbox of 28 entries, of", &["cold, from the simulator"]);
    for counters in [1, 10, 100, 1_000] {
        let (list, requests) = from_the_simulator(Town { counters, entries: 28, ..TOWN });
        row(counters, &[list]);
        told.push(format!("{counters} mailboxes of 28 entries: {requests} requests"));
    }
    head("for each entry of a mailbox, of", &["cold, from the simulator"]);
    for entries in [4, 40, 400, 4_000] {
        let town = Town { entries, days: 90, ..TOWN };
        let (list, requests) = from_the_simulator(town);
        row(usize::try_from(entries).unwrap_or_default(), &[list / u32::try_from(town.counters).unwrap_or(1)]);
        told.push(format!("{} mailboxes of {entries} entries: {requests} requests", town.counters));
    }
    println!("\n{}", told.join("\n"));
}

/// The same work again and again, and nothing besides.
fn only(what: &str, size: usize, times: usize) {
    let runtime = runtime();
    let step = format!("{size}min");
    let town = match what {
        "warm" | "cold" => Town { counters: size, ..TOWN },
        "json" => Town { days: 365, step: step.leak(), entries: 20, ..TOWN },
        _ => panic!("there are warm, cold and json"),
    };
    let availability = if what == "cold" { town.cold() } else { town.warm() };
    let answer = list(&runtime, &availability, town);
    for _ in 0..times {
        match what {
            "json" => drop(black_box(answer.to_json())),
            _ => drop(black_box(list(&runtime, &availability, town))),
        }
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // `cargo test` runs it as well, with other arguments.
    if !arguments.iter().any(|argument| argument == "--bench") {
        return;
    }
    let words: Vec<&str> =
        arguments.iter().map(String::as_str).filter(|argument| !argument.starts_with("--")).collect();
    if let [what, size, times] = words[..] {
        return only(what, size.parse().expect("a number"), times.parse().expect("a number"));
    }
    counters();
    mailboxes();
    entries();
    slots();
    simulated();
}
