//! The promise, shown: random towns, calendars, policies, clocks and faults go through facade, client and simulator, and an oracle that knows
//! the true calendars looks at every answer.
//!
//! - No slot overlaps a blocking entry, buffers included, of a calendar as it was when it was read.
//! - None is offered for an unknown calendar under `close`, and unknown is what a calendar is that no request could have read.
//! - What is stale says so, with its true age, and only where the operator chose it.
//! - Where nothing is wrong, the answer is the oracle's list, slot by slot.
//!
//! `PROPTEST_CASES=10000 cargo test -p optigov-availability --test it safety` for a long run. A failing case shrinks, prints itself and the
//! file into which its seed was written: the next run begins with it.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Europe::Berlin;
use optigov_availability::{
    Access, Availability, CounterAnswer, EwsClient, Interval, Municipality, SlotsRequest, Status as Known, Wanted,
    WarningCode, WhenUnavailable,
};
use optigov_calendar::{EwsSettings, Route};
use optigov_ews::Credentials;
use optigov_exchange_simulator::{Account, Effect, Entry, Fault, Mailbox, Scenario, Shape, Simulator, Status};
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::probe::TestClock;
use crate::support::{PASSWORD, TITLE};

/// How old a reading may be to serve as known: the default.
const TIME_TO_LIVE: TimeDelta = TimeDelta::seconds(60);
/// The first day of every case; two days later clocks go back, on a Sunday.
const FIRST: NaiveDate = NaiveDate::from_ymd_opt(2026, 10, 23).expect("a Friday");

/// What a town is like. Everything that happens in it comes from `steps`.
#[derive(Clone, Debug)]
struct Case {
    calendars: Vec<Vec<Item>>,
    counters: Vec<Desk>,
    length: u32,
    buffers: (u32, u32),
    policy: Policy,
    free_busy: bool,
    /// The server does not expand series, from the first day on.
    unexpanded: bool,
    steps: Vec<Step>,
}

/// A counter: which mailboxes of the town it has, and how many of them must be free (0 for all).
#[derive(Clone, Debug)]
struct Desk {
    mailboxes: BTreeSet<usize>,
    needed: usize,
    all_day_blocks: bool,
    tentative_blocks: bool,
}

/// An entry of a calendar; times are minutes and days from the first day on, as the wall clock shows them.
#[derive(Clone, Debug)]
enum Item {
    Timed { start: i64, minutes: i64, status: Status, cancelled: bool, private: bool },
    AllDay { day: u64, days: u64, status: Status },
    Series { day: u64, start: i64, minutes: i64, count: u64, deleted: u64 },
}

#[derive(Clone, Copy, Debug)]
enum Policy {
    Close,
    ServeStale { hours: u32 },
    Ignore,
}

#[derive(Clone, Debug)]
enum Step {
    /// Time goes on by more than the time to live, and a calendar changes.
    Change {
        minutes: i64,
        calendar: Index,
        items: Vec<Item>,
    },
    /// The clock is set, forwards or back.
    Clock {
        seconds: i64,
    },
    /// From now on this goes wrong: for one mailbox, or for all.
    Break {
        trouble: Trouble,
        calendar: Option<Index>,
    },
    /// All is well again but a changed password.
    Mend,
    /// The account's password expires.
    Expire,
    Ask {
        first: u64,
        days: u64,
    },
    Confirm {
        counter: Index,
        slot: Index,
    },
}

/// What goes wrong at the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    Slow,
    Unsorted,
    OptionalLeftOut,
    Forbidden,
    Masters,
    SometimesReset,
    Reset,
    ResetWithin,
    BadGateway,
    CutOff,
    Malformed,
    Denied,
    Throttled(Shape),
    Hang,
}

impl Trouble {
    fn effect(self) -> Effect {
        match self {
            Trouble::Slow => Effect::Delay(Duration::from_millis(3)),
            Trouble::Unsorted => Effect::Unsorted,
            Trouble::OptionalLeftOut => Effect::MissingOptional,
            Trouble::Forbidden => Effect::ForbiddenCharacters,
            Trouble::Masters => Effect::Masters,
            Trouble::SometimesReset | Trouble::Reset => Effect::ResetBefore,
            Trouble::ResetWithin => Effect::ResetWithin,
            Trouble::BadGateway => {
                Effect::Status { code: 502, body: "Bad Gateway".to_owned(), content_type: "text/html".to_owned() }
            }
            Trouble::CutOff => Effect::Truncated,
            Trouble::Malformed => Effect::Malformed,
            Trouble::Denied => Effect::ResponseCode("ErrorAccessDenied".to_owned()),
            Trouble::Throttled(shape) => Effect::Throttled { shape, back_off: Some(Duration::from_secs(3600)) },
            Trouble::Hang => Effect::Hang,
        }
    }

    /// Whether no calendar can be read while it lasts.
    fn is_deadly(self) -> bool {
        !matches!(
            self,
            Trouble::Slow
                | Trouble::Unsorted
                | Trouble::OptionalLeftOut
                | Trouble::Forbidden
                | Trouble::Masters
                | Trouble::SometimesReset
        )
    }
}

impl Item {
    fn entry(&self) -> Entry {
        let entry = match *self {
            Item::Timed { start, minutes, status, cancelled, private } => {
                let start = midnight(0) + TimeDelta::minutes(start);
                let entry = Entry::timed(start, start + TimeDelta::minutes(minutes)).status(status);
                let entry = if cancelled { entry.cancelled() } else { entry };
                if private { entry.private() } else { entry }
            }
            Item::AllDay { day, days, status } => Entry::all_day(date(day), date(day + days - 1)).status(status),
            Item::Series { day, start, minutes, count, deleted } => {
                let start = wall(day, start);
                let series = Entry::local(start, start + TimeDelta::minutes(minutes))
                    .recurs(format!("FREQ=DAILY;COUNT={count}"));
                if deleted < count { series.deleted(date(day + deleted)) } else { series }
            }
        };
        entry.subject(TITLE)
    }

    /// The times that it blocks at a counter: what the domain's table says, in the oracle's own words.
    fn blocked(&self, desk: &Desk, free_busy: bool) -> Vec<(DateTime<Utc>, DateTime<Utc>)> {
        let whole_days = |day: u64, days: u64| vec![(midnight(day), midnight(day + days))];
        match *self {
            Item::Timed { cancelled: true, .. } | Item::Timed { status: Status::Free, .. } => Vec::new(),
            Item::Timed { status: Status::Tentative, .. } if !desk.tentative_blocks => Vec::new(),
            Item::Timed { start, minutes, .. } => {
                let start = midnight(0) + TimeDelta::minutes(start);
                let end = start + TimeDelta::minutes(minutes);
                let shows_midnight = |at: DateTime<Utc>| at.with_timezone(&Berlin).time() == NaiveTime::MIN;
                let guessed = free_busy && !desk.all_day_blocks && shows_midnight(start) && shows_midnight(end);
                if guessed { Vec::new() } else { vec![(start, end)] }
            }
            // Free/busy does not tell free entries at all.
            Item::AllDay { status: Status::Free, .. } if free_busy => Vec::new(),
            Item::AllDay { .. } if !desk.all_day_blocks => Vec::new(),
            Item::AllDay { day, days, .. } => whole_days(day, days),
            Item::Series { day, start, minutes, count, deleted } => {
                let days = (0..count).filter(|nth| *nth != deleted);
                days.map(|nth| {
                    let start = berlin(wall(day + nth, start));
                    (start, start + TimeDelta::minutes(minutes))
                })
                .collect()
            }
        }
    }
}

fn date(day: u64) -> NaiveDate {
    FIRST + Days::new(day)
}

fn wall(day: u64, minute: i64) -> NaiveDateTime {
    date(day).and_time(NaiveTime::MIN) + TimeDelta::minutes(minute)
}

fn berlin(wall: NaiveDateTime) -> DateTime<Utc> {
    Berlin.from_local_datetime(&wall).earliest().expect("no case has a skipped hour").to_utc()
}

fn midnight(day: u64) -> DateTime<Utc> {
    berlin(wall(day, 0))
}

fn name(calendar: usize) -> String {
    format!("schalter{calendar}@musterstadt.example")
}

const MOST_CALENDARS: usize = 5;

/// The days that a question may be about, and the times at which a counter is open on them.
const DAYS: u64 = 10;
const OPEN: [(i64, i64); 2] = [(8 * 60, 12 * 60), (13 * 60, 15 * 60)];

/// A town as it runs: the facade over the simulator, and what the oracle knows.
struct Run<'a> {
    case: &'a Case,
    simulator: Simulator,
    availability: Availability,
    clock: TestClock,
    calendars: Vec<Vec<Item>>,
    trouble: Option<(Trouble, Option<usize>)>,
    expired: bool,
    /// An answer may have shown that the server expands series. A client takes that for granted from then on, as it must: a server does not forget
    /// how to.
    may_be_proven: bool,
    /// Every instant at which something may have been read, with the calendars as they were.
    past: Vec<(DateTime<Utc>, Vec<Vec<Item>>)>,
    /// The instants at which a calendar may have been read with success, by the calendar.
    readable: Vec<Vec<DateTime<Utc>>>,
    listed: Vec<DateTime<Utc>>,
}

impl<'a> Run<'a> {
    fn new(case: &'a Case) -> Self {
        let account = Account::new("svc-optigov").password(PASSWORD).impersonates_everybody();
        let town = Scenario::new().plain_http().account(account);
        let calendars = case.calendars.iter().enumerate();
        let town = calendars.fold(town, |town, (at, items)| town.mailbox(mailbox(at, items)));
        let town = if case.unexpanded { town.unexpanded_series() } else { town };
        let simulator = Simulator::start(town).expect("the scenario holds");
        let hangs = case.steps.iter().any(|step| matches!(step, Step::Break { trouble: Trouble::Hang, .. }));
        let deadline = if hangs { Duration::from_millis(250) } else { Duration::from_secs(5) };
        let mut settings = EwsSettings::default();
        settings.access = if case.free_busy { Access::FreeBusy } else { Access::Impersonation };
        // So few that almost every calendar is truncated and must be asked for in parts.
        settings.entries_per_answer = 3.try_into().expect("not 0");
        let client = EwsClient::builder(Route::new(&simulator.url()).expect("an address").with_timeout(deadline))
            .credentials(Credentials::basic("svc-optigov", PASSWORD))
            .settings(settings)
            .build()
            .expect("the client can be built");
        let clock = TestClock::at("2026-10-23 06:00");
        let policy = match case.policy {
            Policy::Close => WhenUnavailable::Close,
            Policy::ServeStale { hours } => WhenUnavailable::ServeStale { up_to: Duration::from_secs(3600) * hours },
            Policy::Ignore => WhenUnavailable::Ignore,
        };
        let availability = Availability::for_municipality(municipality(case))
            .source(client)
            .clock(clock.clone())
            .when_unavailable(policy)
            .deadline(deadline)
            .build()
            .expect("nothing is missing");
        Run {
            case,
            simulator,
            availability,
            clock,
            calendars: case.calendars.clone(),
            trouble: None,
            expired: false,
            may_be_proven: false,
            past: Vec::new(),
            readable: vec![Vec::new(); case.calendars.len()],
            listed: Vec::new(),
        }
    }

    async fn step(&mut self, step: &Step) -> Result<(), TestCaseError> {
        match step {
            Step::Change { minutes, calendar, items } => {
                self.clock.advance(Duration::from_secs(60 * minutes.unsigned_abs()));
                let calendar = calendar.index(self.calendars.len());
                self.calendars[calendar] = items.clone();
                let changed: Vec<Entry> = items.iter().map(Item::entry).collect();
                self.update(|scenario| {
                    *scenario.mailbox_mut(&name(calendar)).expect("it exists").entries_mut() = changed;
                });
            }
            Step::Clock { seconds } => self.clock.shift(*seconds),
            Step::Break { trouble: Trouble::Masters, .. } if self.may_be_proven => {}
            Step::Break { trouble, calendar } => {
                // Whether it expands series is a matter of the whole server.
                let calendar = calendar.filter(|_| *trouble != Trouble::Masters);
                let calendar = calendar.map(|calendar| calendar.index(self.calendars.len()));
                self.trouble = Some((*trouble, calendar));
                let fault = Fault::new(trouble.effect());
                let fault = match calendar {
                    Some(calendar) if !self.case.free_busy => fault.mailbox(name(calendar)),
                    _ => fault,
                };
                let fault = if *trouble == Trouble::SometimesReset { fault.probability(0.4, 7) } else { fault };
                self.update(|scenario| {
                    scenario.clear_faults();
                    *scenario = scenario.clone().fault(fault);
                });
            }
            Step::Mend => {
                self.trouble = None;
                self.update(Scenario::clear_faults);
            }
            Step::Expire => {
                self.expired = true;
                self.update(|scenario| {
                    let account = scenario.account_mut("svc-optigov").expect("it exists");
                    *account = account.clone().password("seit heute anders");
                });
            }
            Step::Ask { first, days } => self.ask(*first, *days).await?,
            Step::Confirm { counter, slot } => self.confirm(*counter, *slot).await?,
        }
        Ok(())
    }

    fn update(&self, change: impl FnOnce(&mut Scenario)) {
        self.simulator.update(change).expect("the scenario holds");
    }

    /// Whether no request for a calendar can succeed now.
    fn is_dead(&self, calendar: usize) -> bool {
        let everywhere = |place: Option<usize>| self.case.free_busy || place.is_none_or(|place| place == calendar);
        self.expired || self.trouble.is_some_and(|(trouble, place)| trouble.is_deadly() && everywhere(place))
    }

    fn note(&mut self) -> DateTime<Utc> {
        let now = optigov_availability::Clock::now(&self.clock);
        let expands = !self.case.unexpanded && !matches!(self.trouble, Some((Trouble::Masters, _)));
        let is_series = |item: &Item| matches!(item, Item::Series { .. });
        self.may_be_proven |= expands && self.calendars.iter().flatten().any(is_series);
        self.past.push((now, self.calendars.clone()));
        for calendar in 0..self.calendars.len() {
            if !self.is_dead(calendar) {
                self.readable[calendar].push(now);
            }
        }
        now
    }

    async fn ask(&mut self, first: u64, days: u64) -> Result<(), TestCaseError> {
        let now = self.note();
        let window = Interval::new(midnight(first), midnight(first + days)).expect("days");
        let answer = self.availability.free_slots(&SlotsRequest::new(window)).await.expect("the request holds");
        self.listed.clear();
        for (desk, counter) in self.case.counters.iter().zip(&answer.counters) {
            let starts: Vec<_> = counter.slots.iter().map(|slot| slot.start()).collect();
            self.judge(desk, counter, &starts, now)?;
            self.listed.extend(&starts);
            let sound = self.trouble.is_none() && counter.status.is_known() && !self.case.free_busy;
            let fresh = counter.read_at.is_none_or(|read_at| read_at == now)
                && counter.warnings.iter().all(|warning| warning.code == WarningCode::AllDayIgnored);
            if sound && fresh {
                prop_assert_eq!(
                    starts,
                    self.expected(desk, first, days, now),
                    "{} is known, so its list is the oracle's",
                    &counter.id
                );
            }
        }
        Ok(())
    }

    async fn confirm(&mut self, counter: Index, slot: Index) -> Result<(), TestCaseError> {
        if self.listed.is_empty() {
            return Ok(());
        }
        let start = self.listed[slot.index(self.listed.len())];
        let at = counter.index(self.case.counters.len());
        let now = self.note();
        let verdict = self
            .availability
            .counter(&format!("s{at}"))
            .expect("it exists")
            .confirm(&Wanted::new(), start)
            .await
            .expect("the request holds");
        if !verdict.is_bookable() {
            return Ok(());
        }
        let desk = &self.case.counters[at];
        match &verdict.status {
            Known::Known => {
                // Read afresh: dead calendars count as busy, the others as they are at this moment.
                let (least, free) =
                    (desk.least(), self.free_at(desk, &self.calendars, start, |calendar| self.is_dead(calendar)));
                prop_assert!(free >= least, "confirmed at {start} with {free} of {least} free");
            }
            Known::Stale { age, .. } => self.check_age(*age, now)?,
            _ => prop_assert!(matches!(self.case.policy, Policy::Ignore), "confirmed, though unknown"),
        }
        Ok(())
    }

    fn check_age(&self, age: Duration, now: DateTime<Utc>) -> Result<(), TestCaseError> {
        let Policy::ServeStale { hours } = self.case.policy else {
            return Err(TestCaseError::fail("stale, though nobody chose it"));
        };
        prop_assert!(age <= Duration::from_secs(3600) * hours, "stale for {age:?}");
        let age = TimeDelta::from_std(age).expect("not that long");
        prop_assert!(self.past.iter().any(|(read, _)| *read == now - age), "nothing was read {age} ago");
        Ok(())
    }

    fn judge(
        &self,
        desk: &Desk,
        counter: &CounterAnswer,
        starts: &[DateTime<Utc>],
        now: DateTime<Utc>,
    ) -> Result<(), TestCaseError> {
        let ignored = match &counter.status {
            Known::Known => {
                let oldest = counter.read_at.unwrap_or(now);
                prop_assert!(now - oldest < TIME_TO_LIVE && oldest <= now, "known, though read at {oldest}");
                BTreeSet::new()
            }
            Known::Stale { age, .. } => {
                self.check_age(*age, now)?;
                BTreeSet::new()
            }
            Known::Unknown { unread } => {
                if !matches!(self.case.policy, Policy::Ignore) {
                    prop_assert_eq!(starts.len(), 0, "slots for an unknown calendar");
                    return Ok(());
                }
                let warned = counter.warnings.iter().find(|warning| warning.code == WarningCode::CalendarIgnored);
                prop_assert_eq!(
                    warned.map_or(0, |warning| warning.count as usize),
                    unread.len(),
                    "every answer says what it ignores"
                );
                let mailboxes: Vec<usize> = desk.mailboxes.iter().copied().collect();
                unread.iter().map(|unread| mailboxes[unread.mailbox]).collect()
            }
            other => return Err(TestCaseError::fail(format!("a status that nobody told the oracle of: {other:?}"))),
        };
        // As old as the answer says that its readings are, or younger; and a reading that did not succeed is none.
        let from = counter.read_at.unwrap_or(now);
        let never_read = |calendar: usize| !self.readable[calendar].iter().any(|read| (from..=now).contains(read));
        let dead: BTreeSet<usize> = desk.mailboxes.iter().copied().filter(|calendar| never_read(*calendar)).collect();
        // Where the counter is not open in the window, nothing needs to be read and nothing is offered.
        let nothing_needed = counter.read_at.is_none() && starts.is_empty();
        if desk.least() == desk.mailboxes.len() && !dead.is_subset(&ignored) && !nothing_needed {
            prop_assert!(counter.status.is_unknown(), "{dead:?} cannot have been read");
        }
        let versions: Vec<&Vec<Vec<Item>>> =
            self.past.iter().filter(|(read, _)| (from..=now).contains(read)).map(|(_, calendars)| calendars).collect();
        for start in starts {
            // Each calendar may have been read at any of these instants; a slot needs one at which it is free.
            let free = desk.mailboxes.iter().filter(|calendar| {
                ignored.contains(calendar)
                    || !dead.contains(calendar)
                        && versions.iter().any(|version| self.is_free(desk, &version[**calendar], *start))
            });
            let (free, least) = (free.count(), desk.least());
            prop_assert!(
                free >= least,
                "{} offers {start}, where {free} of {least} calendars can have been free",
                counter.id
            );
        }
        Ok(())
    }

    fn free_at(
        &self,
        desk: &Desk,
        calendars: &[Vec<Item>],
        start: DateTime<Utc>,
        dead: impl Fn(usize) -> bool,
    ) -> usize {
        desk.mailboxes
            .iter()
            .filter(|calendar| !dead(**calendar) && self.is_free(desk, &calendars[**calendar], start))
            .count()
    }

    fn is_free(&self, desk: &Desk, items: &[Item], start: DateTime<Utc>) -> bool {
        let minutes = |minutes: u32| TimeDelta::minutes(i64::from(minutes));
        let (before, after) = self.case.buffers;
        let (from, until) = (start - minutes(before), start + minutes(self.case.length) + minutes(after));
        let mut blocked = items.iter().flat_map(|item| item.blocked(desk, self.case.free_busy));
        blocked.all(|(begin, end)| end <= from || until <= begin)
    }

    /// The list that a slow walk over the opening hours makes.
    fn expected(&self, desk: &Desk, first: u64, days: u64, now: DateTime<Utc>) -> Vec<DateTime<Utc>> {
        let length = i64::from(self.case.length);
        let weekdays =
            (first..first + days).filter(|day| !matches!(date(*day).format("%a").to_string().as_str(), "Sat" | "Sun"));
        let windows = weekdays.flat_map(|day| OPEN.into_iter().map(move |(open, close)| (day, open, close)));
        let grid = windows.flat_map(|(day, open, close)| {
            (0..)
                .map(move |nth| open + nth * length)
                .take_while(move |start| start + length <= close)
                .map(move |start| berlin(wall(day, start)))
        });
        grid.filter(|start| *start >= now)
            .filter(|start| self.free_at(desk, &self.calendars, *start, |_| false) >= desk.least())
            .collect()
    }
}

impl Desk {
    /// How many mailboxes must be free.
    fn least(&self) -> usize {
        if self.needed == 0 { self.mailboxes.len() } else { self.needed.min(self.mailboxes.len()) }
    }
}

fn mailbox(at: usize, items: &[Item]) -> Mailbox {
    Mailbox::new(name(at)).entries(items.iter().map(Item::entry))
}

fn municipality(case: &Case) -> Municipality {
    let (before, after) = case.buffers;
    let mut text = format!(
        "format = 1\nname = \"Musterstadt\"\ntemplates = [{{ id = \"t\", label = \"T\", length = \"{}min\" }}]\n\n[exchange]\n\
         url = \"http://localhost:1/EWS/Exchange.asmx\"\nauthentication = \"basic\"\naccount = \"svc-optigov\"\nsecret = \"provided\"\n",
        case.length
    );
    for (at, desk) in case.counters.iter().enumerate() {
        let names: Vec<String> = desk.mailboxes.iter().map(|calendar| name(*calendar)).collect();
        let needed = match desk.least() {
            all if all == names.len() => "\"all\"".to_owned(),
            1 => "\"any\"".to_owned(),
            least => format!("{{ at_least = {least} }}"),
        };
        let all_day = if desk.all_day_blocks { "block" } else { "ignore" };
        let tentative = if desk.tentative_blocks { "block" } else { "ignore" };
        text += &format!(
            "\n[[counters]]\nid = \"s{at}\"\nname = \"Schalter\"\ntemplates = [\"t\"]\n\
             opening = [{{ days = \"Mo-Fr\", hours = [\"08:00-12:00\", \"13:00-15:00\"] }}]\n\
             booking = {{ buffer_before = \"{before}min\", buffer_after = \"{after}min\" }}\n\
             exchange_sync = {{ on = {}, mailboxes = {names:?}, needed = {needed}, blocking = {{ all_day = \"{all_day}\", tentative = \"{tentative}\" }} }}\n",
            !names.is_empty()
        );
    }
    Municipality::from_toml(&text).unwrap_or_else(|faults| panic!("{faults}\n{text}"))
}

fn check(case: &Case) -> Result<(), TestCaseError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut run = Run::new(case);
        let mut refused = 0;
        for step in &case.steps {
            run.step(step).await?;
            // What was under way together may be refused together; then nothing carries the password any more.
            let now = run.simulator.refused_logins("svc-optigov");
            prop_assert!(refused == 0 || now == refused, "a refused password was sent again");
            refused = now;
        }
        Ok(())
    })
}

fn status() -> impl Strategy<Value = Status> {
    select(vec![
        Status::Busy,
        Status::Busy,
        Status::Free,
        Status::Tentative,
        Status::OutOfOffice,
        Status::WorkingElsewhere,
    ])
}

fn item() -> impl Strategy<Value = Item> {
    let day = 0..DAYS;
    let timed = (
        0..(DAYS as i64 * 288),
        prop_oneof![6 => 1..40_i64, 1 => 200..900_i64],
        status(),
        prop::bool::weighted(0.15),
        any::<bool>(),
    )
        .prop_map(|(start, length, status, cancelled, private)| Item::Timed {
            start: start * 5,
            minutes: length * 5,
            status,
            cancelled,
            private,
        });
    // Most people meet when the counter is open.
    let at_work = (day.clone(), 84..180_i64, 1..24_i64, status()).prop_map(|(day, start, length, status)| {
        let start = (berlin(wall(day, start * 5)) - midnight(0)).num_minutes();
        Item::Timed { start, minutes: length * 5, status, cancelled: false, private: false }
    });
    let all_day = (day.clone(), 1..4_u64, status()).prop_map(|(day, days, status)| Item::AllDay { day, days, status });
    let series = (day, 84..180_i64, 1..24_i64, 1..9_u64, 0..12_u64).prop_map(|(day, start, length, count, deleted)| {
        Item::Series { day, start: start * 5, minutes: length * 5, count, deleted }
    });
    prop_oneof![2 => timed, 4 => at_work, 1 => all_day, 1 => series]
}

fn desk() -> impl Strategy<Value = Desk> {
    let mailboxes = prop::collection::btree_set(0..MOST_CALENDARS, 0..=MOST_CALENDARS);
    (mailboxes, 0..4_usize, any::<bool>(), any::<bool>()).prop_map(
        |(mailboxes, needed, all_day_blocks, tentative_blocks)| Desk {
            mailboxes,
            needed,
            all_day_blocks,
            tentative_blocks,
        },
    )
}

fn trouble() -> impl Strategy<Value = Trouble> {
    let shapes = [Shape::Status, Shape::Fault, Shape::Wrapped, Shape::Message].map(Trouble::Throttled);
    let others = [
        Trouble::Slow,
        Trouble::Unsorted,
        Trouble::OptionalLeftOut,
        Trouble::Forbidden,
        Trouble::Masters,
        Trouble::SometimesReset,
        Trouble::Reset,
        Trouble::ResetWithin,
        Trouble::BadGateway,
        Trouble::CutOff,
        Trouble::Malformed,
        Trouble::Denied,
    ];
    prop_oneof![30 => select([&others[..], &shapes[..]].concat()), 1 => Just(Trouble::Hang)]
}

fn step() -> impl Strategy<Value = Step> {
    let change = (2..200_i64, any::<Index>(), prop::collection::vec(item(), 0..5))
        .prop_map(|(minutes, calendar, items)| Step::Change { minutes, calendar, items });
    let clock = prop_oneof![3 => 1..90_i64, 2 => 60..40_000_i64, 1 => -7_200..-1_i64]
        .prop_map(|seconds| Step::Clock { seconds });
    let breaks =
        (trouble(), prop::option::of(any::<Index>())).prop_map(|(trouble, calendar)| Step::Break { trouble, calendar });
    let ask = (0..DAYS - 1, 1..4_u64).prop_map(|(first, days)| Step::Ask { first, days });
    let confirm = (any::<Index>(), any::<Index>()).prop_map(|(counter, slot)| Step::Confirm { counter, slot });
    prop_oneof![2 => change, 2 => clock, 3 => breaks, 2 => Just(Step::Mend), 1 => Just(Step::Expire), 6 => ask, 2 => confirm]
}

fn case() -> impl Strategy<Value = Case> {
    let policy = prop_oneof![
        3 => Just(Policy::Close),
        3 => (1..8_u32).prop_map(|hours| Policy::ServeStale { hours }),
        2 => Just(Policy::Ignore),
    ];
    let steps = prop::collection::vec(step(), 1..9).prop_map(|mut steps| {
        steps.insert(0, Step::Ask { first: 0, days: 4 });
        steps.push(Step::Ask { first: 1, days: 4 });
        steps
    });
    let calendars = prop::collection::vec(prop::collection::vec(item(), 0..9), 1..=MOST_CALENDARS);
    let counters = prop::collection::vec(desk(), 1..=4);
    let rules = (select(vec![15_u32, 20, 30, 45]), (select(vec![0_u32, 5, 10]), select(vec![0_u32, 5, 15])));
    let server = (prop::bool::weighted(0.25), prop::bool::weighted(0.3));
    let town = (calendars, counters, rules, policy, server, steps);
    town.prop_map(|(calendars, mut counters, (length, buffers), policy, (free_busy, unexpanded), steps)| {
        for desk in &mut counters {
            desk.mailboxes.retain(|mailbox| *mailbox < calendars.len());
        }
        Case { calendars, counters, length, buffers, policy, free_busy, unexpanded, steps }
    })
}

/// What the random towns show for all, once by hand: the list is empty, and no start of the list of a healthy server is confirmed.
#[tokio::test]
async fn a_series_that_began_before_the_window_leaves_no_slot_where_the_server_does_not_expand_it() {
    let series = Item::Series { day: 0, start: 9 * 60, minutes: 60, count: 9, deleted: 20 };
    let desk = Desk { mailboxes: BTreeSet::from([0]), needed: 0, all_day_blocks: false, tentative_blocks: false };
    let case = Case {
        calendars: vec![vec![series]],
        counters: vec![desk],
        length: 30,
        buffers: (0, 0),
        policy: Policy::Close,
        free_busy: false,
        unexpanded: true,
        steps: Vec::new(),
    };
    let mut run = Run::new(&case);
    run.step(&Step::Ask { first: 5, days: 2 }).await.expect("the oracle agrees");
    assert!(run.listed.is_empty(), "{:?}", run.listed);
    let counter = run.availability.counter("s0").expect("it exists");
    for minute in [8 * 60, 9 * 60, 9 * 60 + 30, 13 * 60] {
        let verdict = counter.confirm(&Wanted::new(), berlin(wall(5, minute))).await.expect("the request holds");
        assert!(!verdict.is_bookable() && verdict.status.is_unknown(), "{:?}", verdict.status);
    }
}

/// Some hundred, unless the environment asks for more.
fn cases() -> u32 {
    std::env::var_os("PROPTEST_CASES").map_or(200, |_| ProptestConfig::default().cases)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn no_slot_overlaps_what_blocks_and_nothing_unknown_passes_for_free(case in case()) {
        check(&case)?;
    }
}
