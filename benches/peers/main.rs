//! Our side of the comparison with libraries in Python, which `peers.py` beside this file conducts; see `docs/comparison.md`.
//!
//! It serves mailboxes from the simulator to both sides, reads them with our own clients when it is told to, and says how many requests have reached
//! the simulator. A question is a line of JSON on standard input, its answer a line on standard output. It ends with its standard input.
//!
//! Our clients run on the main thread alone and the simulator on threads of its own, so that processor time can be told apart.

use std::{
    collections::BTreeMap,
    error::Error,
    io::{self, BufRead as _, Write as _},
    num::NonZeroUsize,
    time::{Duration, Instant},
};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Europe::Berlin;
use cpu_time::ThreadTime;
use futures_util::{StreamExt as _, stream};
use optigov_calendar::{
    Access, Calendar, CalendarSource, EntryStatus, EntryTime, EwsSettings, GraphSettings, Mailbox, ReadError, Route,
};
use optigov_ews::{Credentials, EwsClient};
use optigov_exchange_simulator::{
    Account, Application, Entry, Mailbox as SimulatedMailbox, Permission, Scenario, Simulator, Status,
};
use optigov_graph::{GraphClient, GraphCredentials};
use optigov_slots::{Anchor, Busy, Interval, IntervalSet, OpenWindows, Resources, SlotRules};
use serde::{Deserialize, Serialize};

const PASSWORD: &str = "geheim-4711";
const TENANT: &str = "musterstadt.example";
const APPLICATION: &str = "11111111-2222-4333-8444-555555555555";

#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
enum Question {
    /// Reads the calendars of the first so many mailboxes over the window.
    Read { way: Way, at_once: NonZeroUsize, mailboxes: usize },
    /// How many requests have reached the simulator since that was last asked.
    Requests,
    /// Lists the starts of appointments, back to back, for each of these calendars.
    Slots { windows: Vec<(i64, i64)>, busy: Vec<Vec<(i64, i64)>>, minutes: u64, repeat: u32 },
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Way {
    Basic,
    Ntlm,
    FreeBusy,
    Graph,
}

/// What the other side needs to know.
#[derive(Serialize)]
struct Town {
    url: String,
    graph: String,
    ca: String,
    password: &'static str,
    tenant: &'static str,
    application: &'static str,
    mailboxes: Vec<String>,
    /// As many in Exchange Online, with the same entries.
    online: Vec<String>,
    start: DateTime<Utc>,
    end: DateTime<Utc>,
    optimised: bool,
}

/// What something took.
#[derive(Serialize)]
struct Cost {
    seconds: f64,
    processor_seconds: f64,
}

#[derive(Serialize)]
struct Read {
    /// For each mailbox, its entries in order: start and end in seconds, or first and last date; the status.
    calendars: Vec<Vec<(String, String, &'static str)>>,
    cost: Cost,
}

#[derive(Serialize)]
struct Found {
    starts: Vec<Vec<i64>>,
    /// Of one round over all calendars.
    cost: Cost,
}

fn main() -> Result<(), Box<dyn Error>> {
    let count = std::env::args().nth(1).map_or(Ok(100), |count| count.parse())?;
    let names = |name: &str| -> Result<Vec<Mailbox>, Box<dyn Error>> {
        (0..count).map(|number| Ok(Mailbox::parse(&format!("{name}-{number}@{TENANT}"))?)).collect()
    };
    let (mailboxes, online) = (names("person")?, names("online")?);
    let simulator = Simulator::start(scenario(&mailboxes, &online))?;
    let told = |mailboxes: &[Mailbox]| mailboxes.iter().map(|mailbox| mailbox.as_str().to_owned()).collect();
    let town = Town {
        url: simulator.url(),
        graph: simulator.base_url(),
        ca: simulator.ca_pem().to_owned(),
        password: PASSWORD,
        tenant: TENANT,
        application: APPLICATION,
        mailboxes: told(&mailboxes),
        online: told(&online),
        start: window().start(),
        end: window().end(),
        optimised: !cfg!(debug_assertions),
    };
    say(&town)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut counted = 0;
    for line in io::stdin().lock().lines() {
        match serde_json::from_str(&line?)? {
            Question::Read { way, at_once, mailboxes: count } => {
                let all = if let Way::Graph = way { &online } else { &mailboxes };
                let some = &all[..count.min(all.len())];
                say(&runtime.block_on(read(&simulator, some, way, at_once))?)?;
            }
            Question::Requests => {
                let requests = simulator.requests();
                let mut kinds = BTreeMap::new();
                for request in &requests[counted..] {
                    *kinds.entry(request.operation().unwrap_or(request.path()).to_owned()).or_insert(0_u32) += 1;
                }
                counted = requests.len();
                say(&kinds)?;
            }
            Question::Slots { windows, busy, minutes, repeat } => say(&slots(&windows, &busy, minutes, repeat)?)?,
        }
    }
    Ok(())
}

fn say(answer: &impl Serialize) -> Result<(), Box<dyn Error>> {
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, answer)?;
    out.write_all(b"\n")?;
    Ok(out.flush()?)
}

/// Two weeks from a Monday.
fn window() -> Interval {
    Interval::from_unix(1_795_392_000, 1_795_392_000 + 14 * 86_400).expect("not empty")
}

/// Each mailbox has three appointments a day on five minutes, of which one in seven does not block, one weekly series, and two days of vacation.
fn scenario(mailboxes: &[Mailbox], online: &[Mailbox]) -> Scenario {
    let account = Account::new("svc-optigov").password(PASSWORD).impersonates_everybody();
    let application = Application::new(APPLICATION).secret(PASSWORD).reads_everybody();
    let scenario = Scenario::new().account(account).application(application);
    let here = mailboxes.iter().enumerate().map(|(person, mailbox)| (person, SimulatedMailbox::new(mailbox.as_str())));
    let there = online.iter().enumerate();
    let there = there.map(|(person, mailbox)| (person, SimulatedMailbox::new(mailbox.as_str()).online()));
    here.chain(there).fold(scenario, |scenario, (person, mailbox)| {
        let person = i64::try_from(person).expect("few");
        let entry = |number: i64| {
            let (day, third) = (number / 3, number % 3);
            let minute = 7 * 60 + third * 210 + 5 * ((person * 7 + number * 11) % 24);
            let start = window().start() + TimeDelta::days(day) + TimeDelta::minutes(minute);
            let length = TimeDelta::minutes(15 + 5 * ((person + number * 5) % 16));
            let status = match (person + number) % 7 {
                0 => Status::Free,
                1 => Status::Tentative,
                _ => Status::Busy,
            };
            Entry::timed(start, start + length).subject("Besprechung").status(status)
        };
        let start = window().start() + TimeDelta::hours(18);
        let series = Entry::timed(start, start + TimeDelta::hours(1)).subject("Runde").recurs("FREQ=WEEKLY;COUNT=2");
        let first = NaiveDate::from_ymd_opt(2026, 11, 24).expect("a date");
        let vacation = Entry::all_day(first, first + TimeDelta::days(1)).subject("Urlaub").status(Status::OutOfOffice);
        let mailbox = mailbox.default_permission(Permission::AvailabilityOnly);
        scenario.mailbox(mailbox.entries((0..42).map(entry)).entry(series).entry(vacation))
    })
}

/// Each reading is by a client of its own, as a service makes one when it starts: logging in is part of what is measured.
async fn read(
    simulator: &Simulator,
    mailboxes: &[Mailbox],
    way: Way,
    at_once: NonZeroUsize,
) -> Result<Read, Box<dyn Error>> {
    let (began, processor) = (Instant::now(), ThreadTime::now());
    let source = source(simulator, way, at_once)?;
    // As many mailboxes as one request takes; a hundred with free/busy.
    let groups = mailboxes.chunks(source.batch().get());
    let readings = stream::iter(groups).map(|group| source.read(group, window())).buffered(at_once.get());
    let calendars: Vec<Result<Calendar, ReadError>> =
        readings.collect::<Vec<_>>().await.into_iter().flatten().collect();
    let cost = Cost { seconds: began.elapsed().as_secs_f64(), processor_seconds: processor.elapsed().as_secs_f64() };
    let calendars = calendars.into_iter().map(|calendar| Ok(entries(&calendar?))).collect::<Result<_, ReadError>>()?;
    Ok(Read { calendars, cost })
}

fn source(simulator: &Simulator, way: Way, at_once: NonZeroUsize) -> Result<Box<dyn CalendarSource>, Box<dyn Error>> {
    let set = |route: Route| {
        let route = route.with_only_given_roots().with_in_flight(at_once).with_timeout(Duration::from_secs(120));
        route.with_root_certificates(simulator.ca_pem().as_bytes())
    };
    if let Way::Graph = way {
        let settings = GraphSettings::new(TENANT, APPLICATION)?.with_authority(&simulator.base_url())?;
        let client = GraphClient::builder(set(Route::for_graph(&simulator.base_url())?)?, settings);
        return Ok(Box::new(client.credentials(GraphCredentials::secret(PASSWORD)).build()?));
    }
    let credentials = match way {
        Way::Ntlm => Credentials::ntlm("STADT\\svc-optigov", PASSWORD),
        _ => Credentials::basic("svc-optigov", PASSWORD),
    };
    let mut settings = EwsSettings::default();
    if let Way::FreeBusy = way {
        settings.access = Access::FreeBusy;
    }
    let client = EwsClient::builder(set(Route::new(&simulator.url())?)?).credentials(credentials);
    Ok(Box::new(client.settings(settings).build()?))
}

fn entries(calendar: &Calendar) -> Vec<(String, String, &'static str)> {
    let mut entries: Vec<_> = calendar
        .entries()
        .iter()
        .map(|entry| {
            let status = match entry.status() {
                EntryStatus::Free => "Free",
                EntryStatus::Tentative => "Tentative",
                EntryStatus::OutOfOffice => "OOF",
                EntryStatus::Busy => "Busy",
                _ => "other",
            };
            match entry.time() {
                EntryTime::Timed(interval) => {
                    (interval.start_unix().to_string(), interval.end_unix().to_string(), status)
                }
                EntryTime::AllDay { first, last } => (first.to_string(), last.to_string(), status),
                _ => (String::new(), String::new(), "other"),
            }
        })
        .collect();
    entries.sort();
    entries
}

fn slots(windows: &[(i64, i64)], busy: &[Vec<(i64, i64)>], minutes: u64, repeat: u32) -> Result<Found, Box<dyn Error>> {
    let interval = |&(start, end): &(i64, i64)| Interval::from_unix(start, end);
    let open: Vec<Interval> = windows.iter().map(interval).collect::<Result<_, _>>()?;
    let length = Duration::from_secs(60 * minutes);
    let rules = SlotRules::builder(length).step(length).anchor(Anchor::BackToBack).build()?;
    let now = window().start() - TimeDelta::days(1);
    let (began, processor) = (Instant::now(), ThreadTime::now());
    let mut starts = Vec::new();
    for _ in 0..repeat.max(1) {
        // From bare numbers to bare numbers, as the others are asked.
        let open = OpenWindows::new(Berlin, window(), &IntervalSet::from(open.clone()));
        let each = busy.iter().map(|busy| {
            let busy: Vec<Interval> = busy.iter().map(interval).collect::<Result<_, _>>()?;
            let slots = open.slots(&rules, &Resources::one(busy), &Busy::default(), now);
            Ok(slots.iter().map(|slot| slot.start_unix()).collect())
        });
        starts = each.collect::<Result<_, Box<dyn Error>>>()?;
    }
    let rounds = f64::from(repeat.max(1));
    let cost = Cost {
        seconds: began.elapsed().as_secs_f64() / rounds,
        processor_seconds: processor.elapsed().as_secs_f64() / rounds,
    };
    Ok(Found { starts, cost })
}
