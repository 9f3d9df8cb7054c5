//! One reading serves many: callers, counters, instances. And what was saved counts at once.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::{FutureExt as _, StreamExt as _, future};
use optigov_availability::{
    Availability, Booking, CacheError, CacheKey, CacheVersion, CachedReadings, Calendar, CalendarCache, CalendarEntry,
    CalendarSource, Counter, EntryStatus, Interval, Language, Mailbox, MemoryCache, MemorySource, ReadError,
    ReadErrorKind, Reading, RoutedSource, SlotsRequest, Status, Text, Wanted,
};
use optigov_exchange_simulator::Account;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::probe::{Probe, TestClock, address, busy_entry, counter, failure, municipality, over};
use crate::support::{PASSWORD, Town, all_starts, berlin, days, starts};

const ANNA: &str = "anna@musterstadt.example";
const BEN: &str = "ben@musterstadt.example";
const TUESDAY: &str = "2026-11-24";
const NINE: (&str, &str) = ("2026-11-24 09:00", "2026-11-24 10:00");
const TEN: (&str, &str) = ("2026-11-24 10:00", "2026-11-24 11:00");

fn clock() -> TestClock {
    TestClock::at("2026-11-23 07:00")
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|at| format!("schalter{at}@musterstadt.example")).collect()
}

/// One counter a mailbox.
fn one_each(names: &[String]) -> String {
    names.iter().enumerate().map(|(at, name)| counter(&format!("s{at}"), &[name], "all")).collect()
}

fn saved(id: &str, mailboxes: &[&str]) -> Counter {
    Counter::clone(municipality(&counter(id, mailboxes, "all")).counter(id).expect("it is there"))
}

async fn tuesday(availability: &Availability) -> Vec<String> {
    let answer = availability.free_slots(&days(TUESDAY, TUESDAY)).await.expect("the request holds");
    assert!(answer.is_known(), "{:?}", answer.counters[0].status);
    starts(&answer.counters[0])
}

fn without(hour: &str) -> Vec<String> {
    all_starts().into_iter().filter(|start| !start.starts_with(hour)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ten_thousand_callers_cause_one_reading_per_mailbox() {
    let names = names(4);
    let source = Probe::new();
    for name in &names {
        source.set(name, &[NINE]);
    }
    source.shut();
    let availability = over(source.clone(), &one_each(&names), &clock(), |builder| builder);
    let callers: Vec<_> = (0..10_000)
        .map(|_| {
            let availability = availability.clone();
            tokio::spawn(async move { availability.free_slots(&days(TUESDAY, TUESDAY)).await })
        })
        .collect();
    source.begun(4).await;
    source.open();
    for caller in callers {
        let answer = caller.await.expect("it did not panic").expect("the request holds");
        assert!(answer.is_known());
        assert!(answer.counters.iter().all(|counter| counter.slots.len() == 6));
    }
    assert_eq!(source.reads(), 4, "no call came between landing and cache");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn callers_that_meet_a_landing_reading_do_not_read_again() {
    // Without a gate readings land while others still come: again and again, since it is a matter of interleaving.
    for _ in 0..50 {
        let source = Probe::new();
        source.set(ANNA, &[NINE]);
        let availability = over(source.clone(), &counter("s1", &[ANNA], "all"), &clock(), |builder| builder);
        let callers = (0..64).map(|_| {
            let availability = availability.clone();
            tokio::spawn(async move { tuesday(&availability).await })
        });
        for starts in future::join_all(callers.collect::<Vec<_>>()).await {
            assert_eq!(starts.expect("it did not panic"), without("09"));
        }
        assert_eq!(source.reads(), 1);
    }
}

#[tokio::test]
async fn a_caller_that_goes_away_does_not_end_the_reading_of_the_others() {
    let source = Probe::new();
    source.set(ANNA, &[NINE]);
    source.shut();
    let availability = over(source.clone(), &counter("s1", &[ANNA], "all"), &clock(), |builder| builder);
    let (first, second) = (availability.clone(), availability.clone());
    let first = tokio::spawn(async move { tuesday(&first).await });
    source.begun(1).await;
    let second = tokio::spawn(async move { tuesday(&second).await });
    tokio::task::yield_now().await;
    first.abort();
    assert!(first.await.expect_err("it was aborted").is_cancelled());
    source.open();
    assert_eq!(second.await.expect("it did not panic"), without("09"));
    assert_eq!(source.reads(), 1);
}

#[tokio::test]
async fn a_reading_goes_on_when_its_only_caller_goes_away() {
    let source = Probe::new();
    source.set(ANNA, &[NINE]);
    source.shut();
    let availability = over(source.clone(), &counter("s1", &[ANNA], "all"), &clock(), |builder| builder);
    let request = days(TUESDAY, TUESDAY);
    let mut call = Box::pin(availability.free_slots(&request));
    assert!((&mut call).now_or_never().is_none());
    source.begun(1).await;
    drop(call);
    source.open();
    assert_eq!(tuesday(&availability).await, without("09"));
    assert_eq!(source.reads(), 1, "what was begun was used");
}

/// Panics for mailboxes whose name begins with `a`.
struct Panicking;

#[async_trait]
impl CalendarSource for Panicking {
    async fn read(&self, mailboxes: &[Mailbox], _window: Interval) -> Vec<Result<Calendar, ReadError>> {
        assert!(!mailboxes[0].as_str().starts_with('a'), "a trial panic of a source; the test wants it");
        vec![Ok(Calendar::default())]
    }
}

#[tokio::test]
async fn a_source_that_panics_leaves_its_mailbox_unknown_and_nobody_waiting() {
    let counters = [counter("s1", &[ANNA], "all"), counter("s2", &[BEN], "all")].concat();
    let availability = over(Panicking, &counters, &clock(), |builder| builder);
    for _ in 0..2 {
        let answer = availability.free_slots(&days(TUESDAY, TUESDAY)).await.expect("the request holds");
        let Status::Unknown { unread } = &answer.counters[0].status else { panic!("{:?}", answer.counters[0].status) };
        assert_eq!(unread[0].error.kind(), ReadErrorKind::Internal);
        assert_eq!(answer.counters[0].slots.len(), 0);
        assert!(answer.counters[1].status.is_known());
    }
}

#[tokio::test]
async fn free_busy_reads_a_hundred_mailboxes_at_a_time() {
    let names = names(1_000);
    let source = Probe::with_batch(100);
    for name in &names {
        source.set(name, &[NINE]);
    }
    let availability = over(source.clone(), &one_each(&names), &clock(), |builder| builder);
    let answer = availability.free_slots(&days(TUESDAY, TUESDAY)).await.expect("the request holds");
    assert!(answer.is_known());
    let sizes: Vec<usize> = source.asked().iter().map(|(mailboxes, _)| mailboxes.len()).collect();
    assert_eq!(sizes, [100; 10]);
}

#[tokio::test]
async fn free_busy_over_the_wire_is_one_request_a_hundred_mailboxes() {
    let names = names(250);
    let account = Account::new("svc-optigov").password(PASSWORD);
    let mailboxes = names
        .iter()
        .map(|name| optigov_exchange_simulator::Mailbox::new(name).entry(crate::support::entry(NINE.0, NINE.1)));
    let scenario = mailboxes.fold(optigov_exchange_simulator::Scenario::new().account(account), |scenario, mailbox| {
        scenario.mailbox(mailbox)
    });
    let town = Town::with_access("free_busy", "2026-11-23 07:00", &one_each(&names), scenario, |builder| builder);
    let answer = town.answer(TUESDAY, TUESDAY).await;
    assert!(answer.is_known());
    assert!(answer.counters.iter().all(|counter| starts(counter) == without("09")));
    let operations: Vec<_> = town.asked().iter().map(|request| request.operation().map(str::to_owned)).collect();
    // A horizon of 60 days is two windows of free/busy.
    assert_eq!(operations, vec![Some("GetUserAvailability".to_owned()); 6]);
}

#[tokio::test]
async fn a_cold_call_asks_once_for_each_distinct_mailbox() {
    let names = names(20);
    // Counter `a` has one of its own, each of the others shares two of them.
    let counters: String = (0..19).map(|at| counter(&format!("s{at}"), &[&names[at], &names[at + 1]], "all")).collect();
    let town = Town::new(&counters, names.iter().map(optigov_exchange_simulator::Mailbox::new));
    // No calendar shows whether the server expands series, so each view is compared with free/busy, in two windows.
    let views = || town.simulator.requests().iter().filter(|request| request.operation() == Some("FindItem")).count();
    assert!(town.answer(TUESDAY, TUESDAY).await.is_known());
    assert_eq!((views(), town.asked().len()), (20, 60));
    assert!(town.answer(TUESDAY, TUESDAY).await.is_known());
    assert_eq!(town.asked().len(), 60, "and a warm one asks nothing");
}

#[tokio::test]
async fn a_reading_serves_for_its_time_to_live_and_a_shorter_window() {
    let (source, clock) = (Probe::new(), clock());
    source.set(ANNA, &[NINE]);
    let set = |builder: optigov_availability::AvailabilityBuilder| builder.time_to_live(Duration::from_secs(90));
    let availability = over(source.clone(), &counter("s1", &[ANNA], "all"), &clock, set);
    let week = days("2026-11-23", "2026-11-29");
    availability.free_slots(&week).await.expect("the request holds");
    source.set(ANNA, &[TEN]);
    clock.advance(Duration::from_secs(83));
    assert_eq!(tuesday(&availability).await, without("09"), "as it was read, 83 s ago");
    clock.advance(Duration::from_secs(7));
    assert_eq!(tuesday(&availability).await, without("10"));
    assert_eq!(source.reads(), 2);
    availability.free_slots(&week).await.expect("the request holds");
    assert_eq!(source.reads(), 2, "a day and a week share the reading of the horizon");
}

#[tokio::test]
async fn reading_ahead_asks_before_expiry_and_keeps_nobody_waiting() {
    let (source, clock) = (Probe::new(), clock());
    source.set(ANNA, &[NINE]);
    let set = |builder: optigov_availability::AvailabilityBuilder| {
        builder.time_to_live(Duration::from_secs(60)).read_ahead(Duration::from_secs(20))
    };
    let availability = over(source.clone(), &counter("s1", &[ANNA], "all"), &clock, set);
    assert_eq!(tuesday(&availability).await, without("09"));
    clock.advance(Duration::from_secs(40));
    assert_eq!(tuesday(&availability).await, without("09"));
    assert_eq!(source.reads(), 1, "20 s are left: not less than asked for");

    clock.advance(Duration::from_secs(1));
    source.set(ANNA, &[TEN]);
    source.shut();
    for _ in 0..3 {
        assert_eq!(tuesday(&availability).await, without("09"), "the reading that serves still does");
    }
    source.begun(2).await;
    source.open();
    while tuesday(&availability).await != without("10") {
        tokio::task::yield_now().await;
    }
    assert_eq!(source.reads(), 2, "three callers, one reading ahead");
    clock.advance(Duration::from_secs(39));
    assert_eq!(tuesday(&availability).await, without("10"));
    assert_eq!(source.reads(), 2, "and it serves from when it was begun");
}

#[tokio::test]
async fn confirm_reads_that_day_afresh_and_nothing_else() {
    let source = Probe::new();
    source.set(ANNA, &[]);
    let counters = [counter("s1", &[ANNA], "all"), counter("s2", &[BEN], "all")].concat();
    source.set(BEN, &[]);
    let availability = over(source.clone(), &counters, &clock(), |builder| builder);
    let request = days("2026-11-23", "2027-01-31");
    availability.free_slots(&request).await.expect("the request holds");
    source.set(ANNA, &[NINE]);
    let nine = berlin("2026-11-24 09:00");
    let why =
        availability.counter("s1").expect("it exists").why(&Wanted::new(), nine).await.expect("the request holds");
    assert!(why.is_bookable(), "the list still shows it");
    assert_eq!(source.reads(), 2);
    let verdict =
        availability.counter("s1").expect("it exists").confirm(&Wanted::new(), nine).await.expect("the request holds");
    assert!(!verdict.is_bookable() && verdict.status.is_known());
    assert_eq!(verdict.reasons.len(), 1, "{:?}", verdict.reasons);
    let asked = source.asked();
    assert_eq!(asked.len(), 3);
    let (mailboxes, window) = &asked[2];
    assert_eq!(mailboxes, &[ANNA]);
    assert!(window.duration() <= Duration::from_secs(3 * 86_400), "the day and what reaches into it: {window}");
    assert!(!tuesday(&availability).await.contains(&"09:00".to_owned()), "what was read serves the list, too");
}

#[tokio::test]
async fn a_saved_counter_counts_at_once() {
    let source = Probe::new();
    source.set(ANNA, &[NINE]);
    source.set(BEN, &[TEN]);
    let availability = over(source.clone(), &counter("s1", &[ANNA], "all"), &clock(), |builder| builder);
    assert_eq!(tuesday(&availability).await, without("09"));
    availability.counter_saved(saved("s1", &[BEN])).await.expect("it fits");
    assert_eq!(tuesday(&availability).await, without("10"), "the new mailbox counts, the old one does not");

    source.set(BEN, &[NINE]);
    assert_eq!(tuesday(&availability).await, without("10"), "within the time to live");
    availability.counter_saved(saved("s1", &[BEN])).await.expect("it fits");
    assert_eq!(tuesday(&availability).await, without("09"), "the next answer is never from before");

    availability.counter_saved(saved("s2", &[ANNA])).await.expect("it fits");
    let answer = availability.free_slots(&days(TUESDAY, TUESDAY)).await.expect("the request holds");
    assert_eq!(answer.counters.iter().map(|counter| counter.id.as_str()).collect::<Vec<_>>(), ["s1", "s2"]);

    let unfit = counter("s1", &[BEN], "all").replace(r#"["ausweis"]"#, r#"["lang"]"#);
    let availability = over(source, &counter("s1", &[ANNA], "all"), &clock(), |builder| builder);
    let unfit = Counter::clone(municipality(&unfit).counter("s1").expect("it is there"));
    availability.counter_saved(unfit).await.expect("another template of the same town");
}

#[tokio::test]
async fn a_slow_reading_from_before_the_save_is_never_served_after_it() {
    let source = Probe::new();
    source.set(ANNA, &[NINE]);
    source.shut();
    let availability = over(source.clone(), &counter("s1", &[ANNA], "all"), &clock(), |builder| builder);
    let early = tokio::spawn({
        let availability = availability.clone();
        async move { tuesday(&availability).await }
    });
    source.begun(1).await;
    // It is in the calendar now, but the reading under way does not know it.
    source.set(ANNA, &[TEN]);
    availability.counter_saved(saved("s1", &[ANNA])).await.expect("it fits");
    let late = tokio::spawn({
        let availability = availability.clone();
        async move { tuesday(&availability).await }
    });
    source.begun(2).await;
    source.open();
    assert_eq!(early.await.expect("it did not panic"), without("09"), "who asked before hears what was then");
    assert_eq!(late.await.expect("it did not panic"), without("10"), "who asks after the save does not join them");
    assert_eq!(tuesday(&availability).await, without("10"), "nor did the early reading get into the cache");
    assert_eq!(source.reads(), 2);
}

/// A store outside of the process, as a stub: everything in it is text, and it may be unreachable or hang.
#[derive(Clone, Default)]
struct Store {
    text: Arc<Mutex<HashMap<String, String>>>,
    state: Arc<AtomicUsize>,
}

const REFUSES: usize = 1;
const HANGS: usize = 2;

impl Store {
    async fn reach(&self) -> Result<(), CacheError> {
        match self.state.load(Ordering::SeqCst) {
            REFUSES => Err(CacheError::new("connection refused")),
            HANGS => future::pending().await,
            _ => Ok(()),
        }
    }

    fn known(text: &HashMap<String, String>, key: &CacheKey) -> CachedReadings {
        text.get(&key.to_string()).map(|text| serde_json::from_str(text).expect("what was written")).unwrap_or_default()
    }

    fn write(text: &mut HashMap<String, String>, key: &CacheKey, cached: &CachedReadings) {
        text.insert(key.to_string(), serde_json::to_string(cached).expect("it serialises"));
    }
}

#[async_trait]
impl CalendarCache for Store {
    async fn get(&self, keys: &[CacheKey]) -> Result<Vec<Arc<CachedReadings>>, CacheError> {
        self.reach().await?;
        let text = self.text.lock().expect("no test panics with the lock");
        Ok(keys.iter().map(|key| Arc::new(Store::known(&text, key))).collect())
    }

    async fn put(&self, key: &CacheKey, version: CacheVersion, reading: Arc<Reading>) -> Result<(), CacheError> {
        self.reach().await?;
        let mut text = self.text.lock().expect("no test panics with the lock");
        let mut cached = Store::known(&text, key);
        if cached.version == version {
            cached.add(reading);
            Store::write(&mut text, key, &cached);
        }
        Ok(())
    }

    async fn invalidate(&self, keys: &[CacheKey]) -> Result<(), CacheError> {
        self.reach().await?;
        let mut text = self.text.lock().expect("no test panics with the lock");
        for key in keys {
            let version = CacheVersion(Store::known(&text, key).version.0 + 1);
            Store::write(&mut text, key, &CachedReadings::none_at(version));
        }
        Ok(())
    }
}

#[tokio::test]
async fn instances_with_a_shared_store_share_readings_and_saves() {
    let (source, store) = (Probe::new(), Store::default());
    source.set(ANNA, &[NINE]);
    let instance =
        || over(source.clone(), &counter("s1", &[ANNA], "all"), &clock(), |builder| builder.cache(store.clone()));
    let (one, two) = (instance(), instance());
    assert_eq!(tuesday(&one).await, without("09"));
    assert_eq!(tuesday(&two).await, without("09"));
    assert_eq!(source.reads(), 1, "the second instance found the reading of the first");

    source.set(ANNA, &[TEN]);
    one.counter_saved(saved("s1", &[ANNA])).await.expect("the store can be told");
    assert_eq!(tuesday(&two).await, without("10"), "saved at one instance, it holds at the other");
    let stored = store.text.lock().expect("no test panics with the lock").clone();
    assert!(stored.iter().all(|(key, value)| !key.contains("anna") && !value.contains("anna")), "no address is stored");
}

#[tokio::test]
async fn a_store_that_refuses_costs_readings_and_no_answer() {
    let (source, store) = (Probe::new(), Store::default());
    source.set(ANNA, &[NINE]);
    store.state.store(REFUSES, Ordering::SeqCst);
    let availability =
        over(source.clone(), &counter("s1", &[ANNA], "all"), &clock(), |builder| builder.cache(store.clone()));
    assert_eq!(tuesday(&availability).await, without("09"));
    assert_eq!(tuesday(&availability).await, without("09"));
    assert_eq!(source.reads(), 2);
    let error = availability.counter_saved(saved("s1", &[BEN])).await.expect_err("the store cannot be told");
    assert!(error.is_cache());
    assert_eq!(tuesday(&availability).await, without("09"), "so the old entry is in force");
}

#[tokio::test(start_paused = true)]
async fn a_store_that_hangs_is_not_waited_for_long() {
    let (source, store) = (Probe::new(), Store::default());
    source.set(ANNA, &[NINE]);
    store.state.store(HANGS, Ordering::SeqCst);
    let availability = over(source, &counter("s1", &[ANNA], "all"), &clock(), |builder| builder.cache(store));
    let began = tokio::time::Instant::now();
    assert_eq!(tuesday(&availability).await, without("09"));
    assert!(began.elapsed() < Duration::from_secs(10), "the call's deadline: {:?}", began.elapsed());
    let error = availability.counter_saved(saved("s1", &[BEN])).await.expect_err("the store does not answer");
    assert!(error.is_cache());
}

/// A cache that answers for another number of keys than it was asked about.
struct Miscounting {
    cache: MemoryCache,
    more: bool,
}

#[async_trait]
impl CalendarCache for Miscounting {
    async fn get(&self, keys: &[CacheKey]) -> Result<Vec<Arc<CachedReadings>>, CacheError> {
        let mut answers = self.cache.get(keys).await?;
        match self.more {
            true => answers.insert(0, Arc::default()),
            false => drop(answers.remove(0)),
        }
        Ok(answers)
    }

    async fn put(&self, key: &CacheKey, version: CacheVersion, reading: Arc<Reading>) -> Result<(), CacheError> {
        self.cache.put(key, version, reading).await
    }

    async fn invalidate(&self, keys: &[CacheKey]) -> Result<(), CacheError> {
        self.cache.invalidate(keys).await
    }
}

#[tokio::test]
async fn a_cache_that_answers_in_the_wrong_number_is_not_believed() {
    for more in [true, false] {
        let source = Probe::new();
        source.set(ANNA, &[NINE]);
        source.set(BEN, &[TEN]);
        let cache = Miscounting { cache: MemoryCache::new(1 << 20, Duration::from_secs(60)), more };
        let counters = [counter("s1", &[ANNA], "all"), counter("s2", &[BEN], "all")].concat();
        let availability = over(source.clone(), &counters, &clock(), |builder| builder.cache(cache));
        for reads in [2, 4] {
            let answer = availability.free_slots(&days(TUESDAY, TUESDAY)).await.expect("the request holds");
            let listed: Vec<_> = answer.counters.iter().map(starts).collect();
            assert_eq!(listed, [without("09"), without("10")], "nobody gets another's calendar");
            assert_eq!(source.reads(), reads);
        }
    }
}

#[tokio::test]
async fn refresh_fills_the_cache_and_counts_as_it_goes() {
    let names = names(12);
    let source = Probe::new();
    for name in &names {
        source.set(name, &[NINE]);
    }
    source.fail(&names[3], ReadErrorKind::MailboxNotFound);
    let availability = over(source.clone(), &one_each(&names), &clock(), |builder| builder);
    let request = days(TUESDAY, TUESDAY);
    let window = Interval::of_dates(
        TUESDAY.parse().expect("a date"),
        TUESDAY.parse().expect("a date"),
        chrono_tz::Europe::Berlin,
    );
    let window = window.expect("a day");
    let steps: Vec<_> = availability.refresh(&[], window).expect("all counters").collect().await;
    assert_eq!(steps.len(), 12);
    for (at, step) in steps.iter().enumerate() {
        assert_eq!((step.done + step.failed, step.total), (at + 1, 12));
    }
    assert_eq!((steps[11].done, steps[11].failed), (11, 1));
    availability.free_slots(&request).await.expect("the request holds");
    assert_eq!(source.reads(), 12, "nothing was read again, the one that has just failed neither");
    assert!(availability.refresh(&["s99"], window).err().is_some_and(|error| error.is_unknown_counter()));
    let some: Vec<_> = availability.refresh(&["s1", "s2", "s1"], window).expect("they exist").collect().await;
    assert_eq!(some.len(), 2, "each mailbox once");
}

#[tokio::test]
async fn a_dropped_refresh_begins_no_more_readings() {
    let names = names(100);
    let source = Probe::new();
    source.shut();
    let availability = over(source.clone(), &one_each(&names), &clock(), |builder| builder);
    let window = Interval::new(berlin("2026-11-24 00:00"), berlin("2026-11-25 00:00")).expect("a day");
    let mut progress = Box::pin(availability.refresh(&[], window).expect("all counters"));
    assert!(progress.next().now_or_never().is_none());
    source.begun(1).await;
    drop(progress);
    source.open();
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    assert!(source.reads() <= 10, "{} of 100", source.reads());
}

#[tokio::test]
async fn a_routed_source_asks_each_mailbox_where_it_is() {
    let (exchange, elsewhere) = (Probe::new(), Probe::with_batch(2));
    exchange.set(ANNA, &[NINE]);
    let others = ["b@anderswo.example", "c@anderswo.example", "d@anderswo.example"];
    for other in others {
        elsewhere.set(other, &[TEN]);
    }
    let source = RoutedSource::new(exchange.clone())
        .rule(|mailbox| mailbox.as_str().ends_with("@anderswo.example"), elsewhere.clone());
    assert_eq!(source.batch(), NonZeroUsize::new(2).expect("not 0"));
    let asked = [others[0], ANNA, others[1], others[2]].map(address);
    let window = Interval::new(berlin(NINE.0), berlin(TEN.1)).expect("two hours");
    let answers = source.read(&asked, window).await;
    let entries: Vec<_> = answers.into_iter().map(|answer| answer.expect("it is set")).collect();
    let expected = [TEN, NINE, TEN, TEN].map(|(start, end)| Calendar::new(vec![busy_entry(start, end)]));
    assert_eq!(entries, expected, "in the order asked");
    assert_eq!(exchange.asked()[0].0, [ANNA]);
    assert_eq!(elsewhere.asked().iter().map(|(mailboxes, _)| mailboxes.len()).collect::<Vec<_>>(), [2, 1]);

    let counters = [counter("s1", &[ANNA], "all"), counter("s2", &others[..1], "all")].concat();
    let availability = over(source, &counters, &clock(), |builder| builder);
    let answer = availability.free_slots(&days(TUESDAY, TUESDAY)).await.expect("the request holds");
    assert_eq!(answer.counters.iter().map(starts).collect::<Vec<_>>(), [without("09"), without("10")]);
}

#[tokio::test]
async fn a_memory_source_knows_what_was_set_and_nothing_else() {
    let source = MemorySource::new();
    source.set(address(ANNA), vec![busy_entry(NINE.0, NINE.1)]);
    let window = Interval::new(berlin(NINE.0), berlin(NINE.1)).expect("an hour");
    let answers = source.read(&[address(ANNA), address(BEN)], window).await;
    assert_eq!(answers[0], Ok(Calendar::new(vec![busy_entry(NINE.0, NINE.1)])));
    assert_eq!(
        answers[1].as_ref().expect_err("never set").kind(),
        ReadErrorKind::MailboxNotFound,
        "unknown, not empty"
    );
    source.fail(address(ANNA), failure(ReadErrorKind::Server));
    assert_eq!(source.read(&[address(ANNA)], window).await, [Err(failure(ReadErrorKind::Server))]);
}

#[tokio::test]
async fn a_cached_mailbox_takes_16_bytes_an_entry_and_a_constant() {
    let store = Store::default();
    let bytes = async |entries: i64| {
        let source = MemorySource::new();
        let first = berlin("2026-11-24 00:00").timestamp();
        let entry = |at| Interval::from_unix(first + at * 900, first + at * 900 + 600).expect("ten minutes");
        source.set(address(ANNA), (0..entries).map(|at| CalendarEntry::timed(entry(at), EntryStatus::Busy)).collect());
        let availability =
            over(source, &counter("s1", &[ANNA], "all"), &clock(), |builder| builder.cache(store.clone()));
        availability.counter_saved(saved("s1", &[ANNA])).await.expect("it can be told");
        availability.free_slots(&days("2026-11-23", "2027-11-22")).await.expect("the request holds");
        let text = store.text.lock().expect("no test panics with the lock");
        let cached: Vec<CachedReadings> =
            text.values().map(|text| serde_json::from_str(text).expect("what was written")).collect();
        assert_eq!((cached.len(), cached[0].readings.len()), (1, 1));
        assert_eq!(cached[0].readings[0].len(), usize::try_from(entries).expect("not negative"));
        cached[0].readings[0].bytes()
    };
    let (none, year) = (bytes(0).await, bytes(2_000).await);
    assert!(none <= 128, "the constant: {none}");
    assert_eq!(year - none, 16 * 2_000);
}

#[tokio::test]
async fn the_memory_cache_keeps_versions_apart_and_to_its_bound() {
    let cache = MemoryCache::new(1 << 20, Duration::from_secs(3600));
    let key = CacheKey::new("", &address(ANNA));
    let reading = {
        let store = Store::default();
        let source = Probe::new();
        source.set(ANNA, &[NINE]);
        let availability =
            over(source, &counter("s1", &[ANNA], "all"), &clock(), |builder| builder.cache(store.clone()));
        tuesday(&availability).await;
        let text = store.text.lock().expect("no test panics with the lock");
        let cached: CachedReadings =
            serde_json::from_str(text.values().next().expect("one mailbox")).expect("what was written");
        Arc::clone(&cached.readings[0])
    };
    let known = async || cache.get(&[key]).await.expect("memory answers").swap_remove(0);
    let before = known().await.version;
    cache.put(&key, before, Arc::clone(&reading)).await.expect("memory answers");
    assert_eq!(known().await.readings.len(), 1);
    cache.invalidate(&[key]).await.expect("memory answers");
    assert_ne!(known().await.version, before);
    assert_eq!(known().await.readings.len(), 0);
    cache.put(&key, before, reading).await.expect("memory answers");
    assert_eq!(known().await.readings.len(), 0, "begun before the invalidation");
}

fn round_trip<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(value: &T) {
    let text = serde_json::to_string(value).expect("it serialises");
    assert_eq!(&serde_json::from_str::<T>(&text).expect("it reads back"), value, "{text}");
}

#[tokio::test]
async fn what_goes_out_as_json_comes_back() {
    let source = Probe::new();
    source.set(ANNA, &[NINE]);
    source.fail(BEN, ReadErrorKind::Server);
    let counters =
        [counter("s1", &[ANNA], "all"), counter("s2", &[BEN], "all"), counter("s3", &[ANNA, BEN], "any")].concat();
    let availability = over(source, &counters, &clock(), |builder| builder);
    let booking = Booking::new("s1", Interval::new(berlin(TEN.0), berlin(TEN.1)).expect("an hour"));
    let request = days(TUESDAY, TUESDAY).counters(["s1", "s2", "s3"]).template("ausweis").bookings([booking]);
    round_trip(&request);
    let answer = availability.free_slots(&request).await.expect("the request holds");
    for language in Language::ALL {
        round_trip(&language);
    }
    round_trip(&Wanted::new().template("ausweis"));
    for counter in &answer.counters {
        round_trip(&counter.status);
        round_trip(&counter.warnings);
    }
    round_trip(&Status::Stale { age: Duration::from_secs(7), unread: Vec::new() });
    round_trip(&failure(ReadErrorKind::CredentialsRefused).with_retry_after(Some(Duration::from_secs(5))));
    round_trip(&Text::new("ja", "yes"));
    round_trip(&Calendar::without_all_day_flag(vec![busy_entry(NINE.0, NINE.1).cancelled()]));
    round_trip(&CacheKey::new("x", &address(ANNA)));
    let report: serde_json::Value = serde_json::to_value(&answer).expect("it serialises");
    assert_eq!(report["counters"][0]["slots"][0]["start"], "2026-11-24T08:00:00+01:00", "in the counter's zone");
    assert_eq!(report["counters"][1]["status"], "unknown");
    let bare: SlotsRequest =
        serde_json::from_str(r#"{"window":{"start":"2026-11-24T00:00:00Z","end":"2026-11-25T00:00:00Z"}}"#)
            .expect("the rest has defaults");
    assert!(availability.free_slots(&bare).await.is_ok_and(|answer| answer.counters.len() == 3));
    assert!(
        serde_json::from_str::<SlotsRequest>(
            r#"{"window":{"start":"2026-11-25T00:00:00Z","end":"2026-11-24T00:00:00Z"}}"#
        )
        .is_err()
    );
}
