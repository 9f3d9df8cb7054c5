//! The promise over random hybrid towns: mailboxes on the own server and online, by rule and found out, that move while calls are made and while one side
//! or the other fails. An oracle that knows the true calendars looks at every answer.
//!
//! - No slot overlaps a busy entry of a calendar as it was when it may have been read, wherever it lay.
//! - A calendar that no request could have read since the answer's oldest reading is unknown, and unknown is never free. That is so where its server
//!   fails, and where a rule says that it lies elsewhere.
//!
//! `PROPTEST_CASES=5000 cargo test -p optigov-availability --test it safety_hybrid` for a long run.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use optigov_availability::{
    Availability, Clock as _, CounterAnswer, Interval, Municipality, SlotsRequest, Status, Wanted, WhenUnavailable,
};
use optigov_exchange_simulator::{Account, Application, Effect, Entry, Fault, Location, Mailbox, Scenario, Simulator};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::probe::TestClock;
use crate::support::{PASSWORD, TITLE, berlin};

const CLIENT: &str = "11111111-2222-4333-8444-555555555555";

/// Five days from Monday, 2026-11-23.
const DAYS: i64 = 5;

#[derive(Clone, Debug)]
struct Case {
    mailboxes: Vec<Place>,
    any: bool,
    serve_stale: bool,
    steps: Vec<Step>,
}

/// Where a mailbox lies at first, and what the configuration says of it.
#[derive(Clone, Debug)]
struct Place {
    online: bool,
    said: Said,
    busy: Vec<Busy>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Said {
    Nothing,
    OwnServer,
    Online,
}

/// Five minutes from the first Monday's midnight on, in Berlin's winter time.
#[derive(Clone, Copy, Debug)]
struct Busy {
    start: i64,
    length: i64,
}

#[derive(Clone, Debug)]
enum Step {
    Move {
        mailbox: Index,
    },
    Change {
        mailbox: Index,
        busy: Vec<Busy>,
    },
    /// Requests to this side fail.
    Break {
        online: bool,
    },
    Mend,
    /// So many seconds pass.
    Pass {
        seconds: u64,
    },
    /// The counter is saved as it is: nothing read before counts, and failures are forgotten.
    Save,
    Ask,
    Confirm {
        slot: Index,
    },
}

/// The calendars at one instant, and which of them could be read then.
struct Moment {
    at: DateTime<Utc>,
    calendars: Vec<Vec<Busy>>,
    readable: Vec<bool>,
}

struct Run<'a> {
    case: &'a Case,
    simulator: Simulator,
    availability: Availability,
    clock: TestClock,
    calendars: Vec<Vec<Busy>>,
    online: Vec<bool>,
    broken: [bool; 2],
    past: Vec<Moment>,
    listed: Vec<DateTime<Utc>>,
}

fn name(mailbox: usize) -> String {
    format!("postfach{mailbox}@musterstadt.example")
}

fn monday() -> DateTime<Utc> {
    berlin("2026-11-23 00:00")
}

impl Busy {
    fn times(self) -> (DateTime<Utc>, DateTime<Utc>) {
        let start = monday() + TimeDelta::minutes(5 * self.start);
        (start, start + TimeDelta::minutes(5 * self.length))
    }

    fn entry(self) -> Entry {
        let (start, end) = self.times();
        Entry::timed(start, end).subject(TITLE)
    }
}

fn location(online: bool) -> Location {
    if online { Location::Online } else { Location::OnPremises }
}

impl<'a> Run<'a> {
    fn new(case: &'a Case) -> Self {
        let account = Account::new("svc-optigov").password(PASSWORD).impersonates_everybody();
        let application = Application::new(CLIENT).secret(PASSWORD).reads_everybody();
        let town = Scenario::new().plain_http().tenant("musterstadt.example").account(account).application(application);
        let mailboxes = case.mailboxes.iter().enumerate().map(|(at, place)| {
            Mailbox::new(name(at)).location(location(place.online)).entries(place.busy.iter().map(|busy| busy.entry()))
        });
        let simulator = Simulator::start(mailboxes.fold(town, Scenario::mailbox)).expect("the scenario holds");
        let clock = TestClock::at("2026-11-23 06:00");
        let policy = match case.serve_stale {
            true => WhenUnavailable::ServeStale { up_to: Duration::from_secs(3 * 3600) },
            false => WhenUnavailable::Close,
        };
        let availability = Availability::for_municipality(municipality(case, &simulator))
            .secret(PASSWORD)
            .online_secret(PASSWORD)
            .clock(clock.clone())
            .when_unavailable(policy)
            .patience(Duration::from_secs(1))
            .deadline(Duration::from_secs(1))
            .build()
            .expect("both connections can be set up");
        Run {
            case,
            simulator,
            availability,
            clock,
            calendars: case.mailboxes.iter().map(|place| place.busy.clone()).collect(),
            online: case.mailboxes.iter().map(|place| place.online).collect(),
            broken: [false, false],
            past: Vec::new(),
            listed: Vec::new(),
        }
    }

    fn update(&self, change: impl FnOnce(&mut Scenario)) {
        self.simulator.update(change).expect("the scenario holds");
    }

    async fn step(&mut self, step: &Step) -> Result<(), TestCaseError> {
        match step {
            Step::Move { mailbox } => {
                let at = mailbox.index(self.online.len());
                self.online[at] = !self.online[at];
                let place = location(self.online[at]);
                self.update(|scenario| scenario.mailbox_mut(&name(at)).expect("it exists").move_to(place));
            }
            Step::Change { mailbox, busy } => {
                let at = mailbox.index(self.calendars.len());
                self.calendars[at] = busy.clone();
                let entries: Vec<Entry> = busy.iter().map(|busy| busy.entry()).collect();
                self.update(|scenario| *scenario.mailbox_mut(&name(at)).expect("it exists").entries_mut() = entries);
            }
            Step::Break { online } => {
                self.broken[usize::from(*online)] = true;
                let operations: &[&str] = if *online { &["calendarView", "$batch"] } else { &["FindItem"] };
                self.update(|scenario| {
                    for operation in operations {
                        let effect =
                            Effect::Status { code: 502, body: "Bad Gateway".into(), content_type: "text/html".into() };
                        *scenario = scenario.clone().fault(Fault::new(effect).operation(*operation));
                    }
                });
            }
            Step::Mend => {
                self.broken = [false, false];
                self.update(Scenario::clear_faults);
            }
            Step::Pass { seconds } => self.clock.advance(Duration::from_secs(*seconds)),
            Step::Save => {
                let town = self.availability.municipality();
                let counter = (**town.counter("s").expect("it exists")).clone();
                self.availability.counter_saved(counter).await.expect("it fits");
            }
            Step::Ask => self.ask().await?,
            Step::Confirm { slot } => self.confirm(*slot).await?,
        }
        Ok(())
    }

    fn readable(&self, mailbox: usize) -> bool {
        let (online, said) = (self.online[mailbox], self.case.mailboxes[mailbox].said);
        let said_right = match said {
            Said::Nothing => true,
            Said::OwnServer => !online,
            Said::Online => online,
        };
        said_right && !self.broken[usize::from(online)]
    }

    fn note(&mut self) -> DateTime<Utc> {
        let at = self.clock.now();
        let readable = (0..self.calendars.len()).map(|mailbox| self.readable(mailbox)).collect();
        self.past.push(Moment { at, calendars: self.calendars.clone(), readable });
        at
    }

    async fn ask(&mut self) -> Result<(), TestCaseError> {
        let now = self.note();
        let window = Interval::new(monday(), monday() + TimeDelta::days(DAYS)).expect("days");
        let answer = self.availability.free_slots(&SlotsRequest::new(window)).await.expect("the request holds");
        let counter = &answer.counters[0];
        self.listed = counter.slots.iter().map(|slot| slot.start()).collect();
        self.judge(counter, now)
    }

    fn judge(&self, counter: &CounterAnswer, now: DateTime<Utc>) -> Result<(), TestCaseError> {
        let oldest = counter.read_at.unwrap_or(now);
        match &counter.status {
            Status::Known => prop_assert!(now - oldest < TimeDelta::seconds(60), "known, though read at {oldest}"),
            Status::Stale { age, .. } => {
                prop_assert!(self.case.serve_stale && *age <= Duration::from_secs(3 * 3600), "stale for {age:?}");
            }
            _ => {
                prop_assert!(self.listed.is_empty(), "slots, though unknown");
                return Ok(());
            }
        }
        let least = if self.case.any { 1 } else { self.calendars.len() };
        let moments: Vec<&Moment> = self.past.iter().filter(|moment| (oldest..=now).contains(&moment.at)).collect();
        for start in &self.listed {
            let free = (0..self.calendars.len()).filter(|mailbox| {
                moments.iter().any(|moment| moment.readable[*mailbox] && is_free(&moment.calendars[*mailbox], *start))
            });
            let free = free.count();
            prop_assert!(free >= least, "{start} is offered, where {free} of {least} calendars can have been free");
        }
        Ok(())
    }

    async fn confirm(&mut self, slot: Index) -> Result<(), TestCaseError> {
        if self.listed.is_empty() {
            return Ok(());
        }
        let start = self.listed[slot.index(self.listed.len())];
        self.note();
        let counter = self.availability.counter("s").expect("it exists");
        let verdict = counter.confirm(&Wanted::new(), start).await.expect("the request holds");
        if verdict.is_bookable() && verdict.status.is_known() {
            let least = if self.case.any { 1 } else { self.calendars.len() };
            let free = (0..self.calendars.len())
                .filter(|mailbox| self.readable(*mailbox) && is_free(&self.calendars[*mailbox], start));
            let free = free.count();
            prop_assert!(free >= least, "confirmed at {start} with {free} of {least} free");
        }
        Ok(())
    }
}

fn is_free(calendar: &[Busy], start: DateTime<Utc>) -> bool {
    let end = start + TimeDelta::minutes(30);
    calendar.iter().all(|busy| {
        let (from, until) = busy.times();
        until <= start || end <= from
    })
}

fn municipality(case: &Case, simulator: &Simulator) -> Municipality {
    let (url, base) = (simulator.url(), simulator.base_url());
    let mailboxes: Vec<String> = case
        .mailboxes
        .iter()
        .enumerate()
        .map(|(at, place)| match place.said {
            Said::Nothing => format!("{:?}", name(at)),
            Said::OwnServer => format!("{{ address = {:?}, location = \"on_premises\" }}", name(at)),
            Said::Online => format!("{{ address = {:?}, location = \"online\" }}", name(at)),
        })
        .collect();
    let needed = if case.any { "any" } else { "all" };
    let text = format!(
        r#"
name = "Musterstadt"
templates = [{{ id = "t", label = "T", length = "30min" }}]

[exchange]
url = "{url}"
authentication = "basic"
account = "svc-optigov"
secret = "provided"

[exchange_online]
tenant = "musterstadt.example"
client_id = "{CLIENT}"
secret = "provided"
authority = "{base}"
endpoint = "{base}"

[[counters]]
id = "s"
name = "Schalter"
templates = ["t"]
opening = [{{ days = "Mo-Fr", hours = "08:00-12:00" }}]
exchange_sync = {{ on = true, mailboxes = [{}], needed = "{needed}" }}
"#,
        mailboxes.join(", ")
    );
    Municipality::from_toml(&text).unwrap_or_else(|faults| panic!("{faults}\n{text}"))
}

fn busy() -> impl Strategy<Value = Vec<Busy>> {
    // Mostly while the counter is open.
    let one =
        (0..DAYS, 90..150_i64, 1..24_i64).prop_map(|(day, start, length)| Busy { start: day * 288 + start, length });
    prop::collection::vec(one, 0..6)
}

fn place() -> impl Strategy<Value = Place> {
    let said = prop_oneof![4 => Just(Said::Nothing), 1 => Just(Said::OwnServer), 1 => Just(Said::Online)];
    (any::<bool>(), said, busy()).prop_map(|(online, said, busy)| {
        // What is said is right at first.
        let online = if said == Said::Nothing { online } else { said == Said::Online };
        Place { online, said, busy }
    })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => any::<Index>().prop_map(|mailbox| Step::Move { mailbox }),
        2 => (any::<Index>(), busy()).prop_map(|(mailbox, busy)| Step::Change { mailbox, busy }),
        2 => any::<bool>().prop_map(|online| Step::Break { online }),
        2 => Just(Step::Mend),
        3 => prop_oneof![1..60_u64, 61..7_200_u64].prop_map(|seconds| Step::Pass { seconds }),
        3 => Just(Step::Save),
        6 => Just(Step::Ask),
        2 => any::<Index>().prop_map(|slot| Step::Confirm { slot }),
    ]
}

fn case() -> impl Strategy<Value = Case> {
    let steps = prop::collection::vec(step(), 2..14).prop_map(|mut steps| {
        steps.insert(0, Step::Ask);
        steps.push(Step::Ask);
        steps
    });
    (prop::collection::vec(place(), 1..=3), any::<bool>(), any::<bool>(), steps)
        .prop_map(|(mailboxes, any, serve_stale, steps)| Case { mailboxes, any, serve_stale, steps })
}

fn cases() -> u32 {
    std::env::var_os("PROPTEST_CASES").map_or(100, |_| ProptestConfig::default().cases)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn no_slot_overlaps_what_blocks_wherever_mailboxes_lie_and_move(case in case()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let mut run = Run::new(&case);
            for step in &case.steps {
                run.step(step).await?;
            }
            Ok::<_, TestCaseError>(())
        })?;
    }
}
