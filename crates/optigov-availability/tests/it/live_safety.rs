//! The promise of the live cache, shown: random towns with appointments that come and go, readings that are slow or fail, streams that are lost with or
//! without a word and come back, saves and guards that are dropped. Whatever happens, no slot lies over an appointment that was entered more than the
//! stated delay before.
//!
//! The stated delay is 2 s besides the time that a reading takes, while a mailbox is watched; where its stream is lost, it is the time until the source
//! says so and the ordinary time to live together; where a guard is dropped and another made, it is the ordinary time to live.
//!
//! `PROPTEST_CASES=10000 cargo test -p optigov-availability --test it live_safety` for a long run.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use futures_util::stream;
use optigov_availability::{
    Availability, Calendar, CalendarEntry, CalendarSource, Clock, Counter, EntryStatus, Interval, KeepFresh, Mailbox,
    ReadError, ReadErrorKind, Status, WhenUnavailable,
};
use optigov_calendar::{Change, Changes};
use proptest::{prelude::*, sample::Index};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep, sleep_until},
};

use crate::{
    probe::{address, counter, failure, municipality, over, running_clock},
    support::{berlin, days},
};

const MAILBOXES: usize = 4;
/// The stated delay while a mailbox is watched, the longest that a reading takes here, and the time to live.
const DELAY: Duration = Duration::from_secs(2);
const SLOWEST: Duration = Duration::from_secs(4);
const TIME_TO_LIVE: Duration = Duration::from_secs(60);
/// After so long at most a source notices that a stream is lost.
const NOTICED: u64 = 30;

#[derive(Clone, Debug)]
struct Case {
    /// The mailboxes of each counter.
    counters: Vec<BTreeSet<usize>>,
    stale: bool,
    steps: Vec<Step>,
}

#[derive(Clone, Debug)]
enum Step {
    /// The calendar has these half hours of Tuesday morning from now on.
    Enter {
        mailbox: Index,
        halves: BTreeSet<u8>,
    },
    /// Readings take so long from now on.
    Slow {
        milliseconds: u64,
    },
    /// Whether readings fail from now on, of one mailbox.
    Fail {
        mailbox: Index,
        fails: bool,
    },
    /// Reports of one mailbox go missing from now on. After a while the source notices and says so, and after another one it watches again.
    Lose {
        mailbox: Index,
        noticed: u64,
        back: u64,
    },
    /// Reports go missing, and after a while the streams end.
    HangUp {
        noticed: u64,
    },
    Wait {
        milliseconds: u64,
    },
    Ask,
    Save {
        counter: Index,
    },
    /// The guard is dropped, and a new one made.
    Renew,
}

/// Calendars in memory, and streams that can be disturbed.
#[derive(Default)]
struct Town {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    calendars: HashMap<Mailbox, BTreeSet<u8>>,
    failing: BTreeSet<Mailbox>,
    takes: Duration,
    streams: Vec<OpenStream>,
    reads: usize,
}

struct OpenStream {
    reports: mpsc::UnboundedSender<Change>,
    /// Of these nothing is said, though it should be.
    silent: BTreeSet<Mailbox>,
}

impl Town {
    fn with<T>(&self, look: impl FnOnce(&mut Inner) -> T) -> T {
        look(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Inner {
    fn tell(&mut self, change: &Change, about: &Mailbox) {
        for stream in self.streams.iter().filter(|stream| !stream.silent.contains(about)) {
            drop(stream.reports.send(change.clone()));
        }
    }
}

struct Handle(Arc<Town>);

#[async_trait]
impl CalendarSource for Handle {
    async fn read(&self, mailboxes: &[Mailbox], _: Interval) -> Vec<Result<Calendar, ReadError>> {
        let (answers, takes) = self.0.with(|town| {
            town.reads += 1;
            let answers = mailboxes.iter().map(|mailbox| match town.failing.contains(mailbox) {
                true => Err(failure(ReadErrorKind::Connect)),
                false => {
                    let busy =
                        town.calendars[mailbox].iter().map(|half| CalendarEntry::timed(time(*half), EntryStatus::Busy));
                    Ok(Calendar::new(busy.collect()))
                }
            });
            (answers.collect(), town.takes)
        });
        sleep(takes).await;
        answers
    }

    fn watch(&self, mailboxes: Vec<Mailbox>) -> Changes {
        let (reports, receiver) = mpsc::unbounded_channel();
        drop(reports.send(Change::Watching(mailboxes)));
        self.0.with(|town| town.streams.push(OpenStream { reports, silent: BTreeSet::new() }));
        Changes::new(stream::unfold(receiver, async |mut receiver| Some((receiver.recv().await?, receiver))))
    }
}

/// A half hour of the morning.
fn time(half: u8) -> Interval {
    let start = berlin("2026-11-24 08:00") + chrono::TimeDelta::minutes(30 * i64::from(half));
    Interval::new(start, start + chrono::TimeDelta::minutes(30)).expect("half an hour")
}

fn mailbox(at: usize) -> String {
    format!("schalter{at}@musterstadt.example")
}

fn entry(at: usize, mailboxes: &BTreeSet<usize>) -> String {
    let names: Vec<String> = mailboxes.iter().map(|at| mailbox(*at)).collect();
    counter(&format!("s{at}"), &names.iter().map(String::as_str).collect::<Vec<_>>(), "all")
}

#[derive(Clone, Copy, Debug)]
enum Event {
    Lost,
    Back,
    Ended,
}

struct Run {
    town: Arc<Town>,
    availability: Availability,
    fresh: Option<KeepFresh>,
    /// What each calendar was like, from when on.
    past: Vec<Vec<(Instant, BTreeSet<u8>)>>,
    /// Until when each mailbox may be known as late as a disturbed one.
    disturbed: Vec<Option<Instant>>,
    events: Vec<(Instant, Event, usize)>,
    clock: Arc<dyn Clock>,
}

impl Run {
    fn new(case: &Case) -> Run {
        let town = Arc::new(Town::default());
        let begin = Instant::now();
        for at in 0..MAILBOXES {
            town.with(|town| drop(town.calendars.insert(address(&mailbox(at)), BTreeSet::new())));
        }
        let counters: String = case.counters.iter().enumerate().map(|(at, mailboxes)| entry(at, mailboxes)).collect();
        let clock = running_clock("2026-11-23 07:00");
        let availability = over(Handle(Arc::clone(&town)), &counters, &clock, |builder| match case.stale {
            true => builder.when_unavailable(WhenUnavailable::ServeStale { up_to: Duration::from_secs(3_600) }),
            false => builder,
        });
        let fresh = Some(availability.keep_fresh(Duration::from_secs(30 * 86_400)));
        let past = vec![vec![(begin, BTreeSet::new())]; MAILBOXES];
        let disturbed = vec![None; MAILBOXES];
        Run { town, availability, fresh, past, disturbed, events: Vec::new(), clock: Arc::new(clock) }
    }

    async fn step(&mut self, case: &Case, step: &Step) -> Result<(), TestCaseError> {
        match step {
            Step::Enter { mailbox: at, halves } => {
                let at = at.index(MAILBOXES);
                self.past[at].push((Instant::now(), halves.clone()));
                let mailbox = address(&mailbox(at));
                self.town.with(|town| {
                    town.calendars.insert(mailbox.clone(), halves.clone());
                    town.tell(&Change::Touched(mailbox.clone()), &mailbox);
                });
            }
            Step::Slow { milliseconds } => self.town.with(|town| town.takes = Duration::from_millis(*milliseconds)),
            Step::Fail { mailbox: at, fails } => {
                let mailbox = address(&mailbox(at.index(MAILBOXES)));
                self.town.with(|town| match fails {
                    true => town.failing.extend([mailbox]),
                    false => town.failing.retain(|failing| *failing != mailbox),
                });
            }
            Step::Lose { mailbox: at, noticed, back } => {
                let (at, now) = (at.index(MAILBOXES), Instant::now());
                let mailbox = address(&mailbox(at));
                self.town.with(|town| {
                    town.streams.iter_mut().for_each(|stream| stream.silent.extend([mailbox.clone()]));
                });
                let noticed = now + Duration::from_secs(*noticed);
                let back = noticed + Duration::from_secs(*back);
                self.events.push((noticed, Event::Lost, at));
                self.events.push((back, Event::Back, at));
                self.disturb(at, back);
            }
            Step::HangUp { noticed } => {
                let ends = Instant::now() + Duration::from_secs(*noticed);
                self.town.with(|town| {
                    let all: BTreeSet<Mailbox> = town.calendars.keys().cloned().collect();
                    town.streams.iter_mut().for_each(|stream| stream.silent.extend(all.clone()));
                });
                self.events.push((ends, Event::Ended, 0));
                (0..MAILBOXES).for_each(|at| self.disturb(at, ends));
            }
            Step::Wait { milliseconds } => self.wait(Duration::from_millis(*milliseconds)).await,
            Step::Ask => self.ask(case).await?,
            Step::Save { counter } => {
                let at = counter.index(case.counters.len());
                let saved = municipality(&entry(at, &case.counters[at]));
                let saved = Counter::clone(saved.counter(&format!("s{at}")).expect("it is there"));
                self.availability.counter_saved(saved).await.expect("it fits");
            }
            Step::Renew => {
                drop(self.fresh.take());
                // What the old streams were about to tell is lost, and between the two nobody watches: the ordinary time to live holds.
                let now = Instant::now();
                (0..MAILBOXES).for_each(|at| self.disturb(at, now));
                self.fresh = Some(self.availability.keep_fresh(Duration::from_secs(30 * 86_400)));
            }
        }
        Ok(())
    }

    /// From now until its stream is back a mailbox is known late; and the readings from then serve for a while.
    fn disturb(&mut self, at: usize, back: Instant) {
        let over = back + TIME_TO_LIVE + SLOWEST + DELAY;
        self.disturbed[at] = self.disturbed[at].max(Some(over));
    }

    /// Lets time pass, in which streams are lost and come back.
    async fn wait(&mut self, time: Duration) {
        let until = Instant::now() + time;
        loop {
            self.events.sort_by_key(|(at, _, _)| *at);
            let Some((at, event, mailbox)) = self.events.first().copied().filter(|(at, _, _)| *at <= until) else {
                break;
            };
            self.events.remove(0);
            sleep_until(at).await;
            self.happen(event, mailbox);
        }
        sleep_until(until).await;
    }

    fn happen(&self, event: Event, at: usize) {
        let about = address(&mailbox(at));
        self.town.with(|town| match event {
            Event::Lost => {
                let lost = Change::Lost { mailboxes: vec![about.clone()], error: failure(ReadErrorKind::Timeout) };
                town.streams.iter().for_each(|stream| drop(stream.reports.send(lost.clone())));
            }
            Event::Back => {
                town.streams.iter_mut().for_each(|stream| stream.silent.retain(|silent| *silent != about));
                town.tell(&Change::Watching(vec![about.clone()]), &about);
            }
            Event::Ended => town.streams.retain(|stream| stream.silent.is_empty()),
        });
    }

    async fn ask(&mut self, case: &Case) -> Result<(), TestCaseError> {
        let asked = Instant::now();
        let answer = self.availability.free_slots(&days("2026-11-24", "2026-11-24")).await.expect("the request holds");
        for (mailboxes, counter) in case.counters.iter().zip(&answer.counters) {
            match &counter.status {
                Status::Known => {}
                Status::Stale { age, .. } => {
                    prop_assert!(case.stale && *age <= Duration::from_secs(3_600));
                    continue;
                }
                _ => {
                    prop_assert_eq!(counter.slots.len(), 0);
                    continue;
                }
            }
            let starts: BTreeSet<DateTime<Utc>> = counter.slots.iter().map(|slot| slot.start()).collect();
            for half in 0..8 {
                if !starts.contains(&time(half).start()) {
                    continue;
                }
                for at in mailboxes {
                    let late = self.disturbed[*at].is_some_and(|until| until >= asked);
                    let delay = if late { Duration::from_secs(NOTICED) + TIME_TO_LIVE } else { DELAY } + SLOWEST;
                    prop_assert!(
                        self.was_free(*at, half, asked.checked_sub(delay)),
                        "{} offers the half hour {half} at {}, which schalter{at} had taken for longer than {delay:?}",
                        counter.id,
                        self.clock.now()
                    );
                }
            }
        }
        Ok(())
    }

    /// Whether a half hour was free at any instant since then.
    fn was_free(&self, at: usize, half: u8, since: Option<Instant>) -> bool {
        let past = &self.past[at];
        past.iter().enumerate().any(|(nth, (_, halves))| {
            let until = past.get(nth + 1).map(|(until, _)| *until);
            let ended_before = until.zip(since).is_some_and(|(until, since)| until < since);
            !ended_before && !halves.contains(&half)
        })
    }
}

fn check(case: &Case) -> Result<(), TestCaseError> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
    runtime.block_on(async {
        let mut run = Run::new(case);
        for step in &case.steps {
            run.step(case, step).await?;
        }
        // Half an hour later all is well again: each list is right, and nearly none of it is read.
        run.town.with(|town| (town.failing.clear(), town.takes = Duration::from_millis(100)));
        run.wait(Duration::from_secs(1_800)).await;
        run.ask(case).await?;
        run.wait(Duration::from_secs(2)).await;
        let before = run.town.with(|town| town.reads);
        for _ in 0..10 {
            run.wait(Duration::from_secs(60)).await;
            run.ask(case).await?;
        }
        let reads = run.town.with(|town| town.reads) - before;
        prop_assert!(reads <= 2 * MAILBOXES, "{reads} readings in ten quiet minutes, of {MAILBOXES} mailboxes");
        let state = run.fresh.as_ref().map(KeepFresh::state).unwrap_or_default();
        prop_assert_eq!((state.live, state.failing), (state.mailboxes, 0));
        Ok(())
    })
}

fn step() -> impl Strategy<Value = Step> {
    let enter = (any::<Index>(), prop::collection::btree_set(0..8_u8, 0..6));
    prop_oneof![
        6 => enter.prop_map(|(mailbox, halves)| Step::Enter { mailbox, halves }),
        1 => (0..4_000_u64).prop_map(|milliseconds| Step::Slow { milliseconds }),
        1 => (any::<Index>(), any::<bool>()).prop_map(|(mailbox, fails)| Step::Fail { mailbox, fails }),
        2 => (any::<Index>(), 0..NOTICED, 0..200_u64).prop_map(|(mailbox, noticed, back)| Step::Lose { mailbox, noticed, back }),
        1 => (0..NOTICED).prop_map(|noticed| Step::HangUp { noticed }),
        3 => (0..3_000_u64).prop_map(|milliseconds| Step::Wait { milliseconds }),
        3 => (3_000..400_000_u64).prop_map(|milliseconds| Step::Wait { milliseconds }),
        8 => Just(Step::Ask),
        1 => any::<Index>().prop_map(|counter| Step::Save { counter }),
        1 => Just(Step::Renew),
    ]
}

fn case() -> impl Strategy<Value = Case> {
    let counters = prop::collection::vec(prop::collection::btree_set(0..MAILBOXES, 1..=3), 1..=3);
    let steps = prop::collection::vec(step(), 1..40);
    (counters, any::<bool>(), steps).prop_map(|(counters, stale, steps)| Case { counters, stale, steps })
}

/// Some hundred, unless the environment asks for more.
fn cases() -> u32 {
    std::env::var_os("PROPTEST_CASES").map_or(200, |_| ProptestConfig::default().cases)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn no_slot_lies_over_an_appointment_entered_more_than_the_stated_delay_before(case in case()) {
        check(&case)?;
    }
}
