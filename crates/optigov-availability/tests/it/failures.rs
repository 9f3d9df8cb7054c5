//! What happens when Exchange does not answer: the operator's policies, one broken mailbox among sound ones, deadlines.

use std::time::Duration;

use async_trait::async_trait;
use optigov_availability::{
    Answer, Availability, Calendar, CalendarSource, CounterAnswer, Interval, Language, Mailbox as Address, ReadError,
    ReadErrorKind, SlotsRequest, Status, Wanted, WarningCode,
};
use optigov_counter::WhenUnavailable;
use optigov_exchange_simulator::{Account, Effect, Fault, Mailbox, MailboxState, Scenario, Shape};
use tokio::time::Instant;

use crate::probe::{Probe, TestClock, counter, over};
use crate::support::{COUNTER, MAILBOX, PASSWORD, Town, all_starts, berlin, days, entry, starts};

const ANNA: &str = "anna@musterstadt.example";
const BEN: &str = "ben@musterstadt.example";
const CARA: &str = "cara@musterstadt.example";
const MONDAY: &str = "2026-11-23";
const TUESDAY: &str = "2026-11-24";
const HOUR: Duration = Duration::from_secs(3600);

/// Anna is busy on Tuesday from 09:00 to 10:00.
fn anna() -> Probe {
    let source = Probe::new();
    source.set(ANNA, &[("2026-11-24 09:00", "2026-11-24 10:00")]);
    source
}

fn clock() -> TestClock {
    TestClock::at("2026-11-23 07:00")
}

fn one_counter() -> String {
    counter("s1", &[ANNA], "all")
}

fn up_to(hours: u32) -> WhenUnavailable {
    WhenUnavailable::ServeStale { up_to: HOUR * hours }
}

async fn ask(availability: &Availability, request: &SlotsRequest) -> Answer {
    availability.free_slots(request).await.expect("the request holds")
}

async fn tuesday(availability: &Availability) -> CounterAnswer {
    ask(availability, &days(TUESDAY, TUESDAY)).await.counters.swap_remove(0)
}

fn but_nine_to_ten() -> Vec<String> {
    all_starts().into_iter().filter(|start| !start.starts_with("09")).collect()
}

fn kinds(status: &Status) -> Vec<(usize, ReadErrorKind)> {
    status.unread().iter().map(|unread| (unread.mailbox, unread.error.kind())).collect()
}

#[tokio::test(start_paused = true)]
async fn close_offers_nothing_and_says_why() {
    let source = anna();
    source.fail(ANNA, ReadErrorKind::Connect);
    let availability = over(source.clone(), &one_counter(), &clock(), |builder| builder);
    let counter = tuesday(&availability).await;
    assert!(counter.status.is_unknown(), "close is what holds where nothing else is said");
    assert_eq!(kinds(&counter.status), [(0, ReadErrorKind::Connect)]);
    assert_eq!(counter.slots.len(), 0);
    assert_eq!((counter.warnings.len(), counter.read_at), (0, None));
    let german = counter.status.reason(Language::German).expect("a reason");
    let wanted = "exchange_sync.mailboxes[0]: Das ist eine Probe. Einzelheiten: Störung zur Probe. Nichts zu tun.";
    assert_eq!(german, wanted);
    let written = serde_json::to_value(&counter).expect("it serialises");
    assert_eq!((&written["status"], &written["reason"]), (&"unknown".into(), &wanted.into()));

    let start = berlin("2026-11-24 08:00");
    let verdict =
        availability.counter("s1").expect("it exists").confirm(&Wanted::new(), start).await.expect("the request holds");
    assert!(!verdict.is_bookable() && verdict.status.is_unknown());
    assert_eq!(verdict.reasons, [], "the engine knows of no reason: the status has it");

    source.set(ANNA, &[]);
    assert!(tuesday(&availability).await.status.is_unknown(), "a failure is remembered for a moment");
    tokio::time::advance(Duration::from_secs(60)).await;
    assert_eq!(starts(&tuesday(&availability).await), all_starts(), "and no longer");
}

#[tokio::test]
async fn close_forgets_what_it_knew_as_soon_as_it_is_too_old() {
    let (source, clock) = (anna(), clock());
    let availability =
        over(source.clone(), &one_counter(), &clock, |builder| builder.when_unavailable(WhenUnavailable::Close));
    assert_eq!(starts(&tuesday(&availability).await), but_nine_to_ten());
    source.fail(ANNA, ReadErrorKind::Server);
    clock.advance(Duration::from_secs(53));
    assert!(
        tuesday(&availability).await.status.is_known(),
        "within the time to live, less its spread, nothing is asked"
    );
    clock.advance(Duration::from_secs(7));
    let counter = tuesday(&availability).await;
    assert!(counter.status.is_unknown());
    assert_eq!(counter.slots.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn serve_stale_goes_from_known_over_stale_with_its_age_to_unknown() {
    let (source, clock) = (anna(), clock());
    let availability = over(source.clone(), &one_counter(), &clock, |builder| builder.when_unavailable(up_to(4)));
    let known = tuesday(&availability).await;
    assert!(known.status.is_known());

    source.fail(ANNA, ReadErrorKind::Connect);
    clock.advance(HOUR / 2);
    let stale = tuesday(&availability).await;
    assert!(matches!(stale.status, Status::Stale { age, .. } if age == HOUR / 2), "{:?}", stale.status);
    assert_eq!(kinds(&stale.status), [(0, ReadErrorKind::Connect)]);
    assert_eq!(starts(&stale), but_nine_to_ten(), "as it was read");
    assert_eq!(stale.read_at, known.read_at);
    let report = serde_json::to_value(stale.in_language(Language::English)).expect("it serialises");
    assert_eq!((&report["status"], &report["age_seconds"]), (&"stale".into(), &1800.into()));
    assert!(report["reason"].as_str().is_some_and(|reason| reason.contains("a trial failure")), "{report}");
    let verdict = availability
        .counter("s1")
        .expect("it exists")
        .confirm(&Wanted::new(), berlin("2026-11-24 09:30"))
        .await
        .expect("it holds");
    assert!(verdict.status.is_stale() && !verdict.is_bookable(), "the booking check is bound by the same reading");
    let verdict = availability
        .counter("s1")
        .expect("it exists")
        .confirm(&Wanted::new(), berlin("2026-11-24 10:00"))
        .await
        .expect("it holds");
    assert!(verdict.status.is_stale() && verdict.is_bookable(), "and lets through what the list shows, saying so");

    clock.advance(HOUR * 7 / 2);
    assert!(tuesday(&availability).await.status.is_stale(), "four hours are up to four hours");
    clock.advance(Duration::from_secs(1));
    let unknown = tuesday(&availability).await;
    assert!(unknown.status.is_unknown());
    assert_eq!(unknown.slots.len(), 0);

    source.set(ANNA, &[]);
    tokio::time::advance(Duration::from_secs(60)).await;
    let known = tuesday(&availability).await;
    assert!(known.status.is_known());
    assert_eq!(starts(&known), all_starts());
}

#[tokio::test]
async fn serve_stale_has_nothing_to_serve_where_nothing_was_ever_read() {
    let source = anna();
    source.fail(ANNA, ReadErrorKind::Connect);
    let availability = over(source, &one_counter(), &clock(), |builder| builder.when_unavailable(up_to(4)));
    let counter = tuesday(&availability).await;
    assert!(counter.status.is_unknown());
    assert_eq!(counter.slots.len(), 0);
}

#[tokio::test]
async fn serve_stale_holds_over_midnight_when_the_window_moves_on() {
    let (source, clock) = (anna(), TestClock::at("2026-11-23 23:00"));
    source.set(ANNA, &[("2026-11-24 09:00", "2026-11-24 10:00"), ("2026-11-26 09:00", "2026-11-26 10:00")]);
    let availability = over(source.clone(), &one_counter(), &clock, |builder| builder.when_unavailable(up_to(6)));
    let monday = ask(&availability, &days(MONDAY, "2026-11-25")).await;
    assert!(monday.is_known());

    source.fail(ANNA, ReadErrorKind::Connect);
    clock.set("2026-11-24 04:00");
    let answer = ask(&availability, &days(TUESDAY, "2026-11-26")).await;
    let counter = &answer.counters[0];
    assert!(matches!(counter.status, Status::Stale { age, .. } if age == HOUR * 5), "{:?}", counter.status);
    let expected = [but_nine_to_ten(), all_starts(), but_nine_to_ten()].concat();
    assert_eq!(starts(counter), expected, "also on Thursday, which Monday's list did not show");

    let answer = ask(&availability, &days(TUESDAY, "2026-12-24")).await;
    assert!(matches!(answer.counters[0].status, Status::Stale { .. }), "the whole horizon was read");
    assert!(answer.counters[0].slots.len() > 100);
}

#[tokio::test]
async fn ignore_goes_by_the_opening_hours_and_warns_in_every_answer() {
    let (source, clock) = (anna(), clock());
    let availability =
        over(source.clone(), &one_counter(), &clock, |builder| builder.when_unavailable(WhenUnavailable::Ignore));
    assert_eq!(starts(&tuesday(&availability).await), but_nine_to_ten(), "what can be read counts");
    source.fail(ANNA, ReadErrorKind::Connect);
    for _ in 0..3 {
        clock.advance(HOUR);
        let counter = tuesday(&availability).await;
        assert!(counter.status.is_unknown());
        assert_eq!(kinds(&counter.status), [(0, ReadErrorKind::Connect)]);
        assert_eq!(starts(&counter), all_starts());
        let warnings: Vec<_> = counter.warnings.iter().map(|warning| (warning.code, warning.count)).collect();
        assert_eq!(warnings, [(WarningCode::CalendarIgnored, 1)]);
        assert!(counter.warnings[0].message(Language::German).contains("nur die Öffnungszeiten"));
    }
    let start = berlin("2026-11-24 09:00");
    let verdict =
        availability.counter("s1").expect("it exists").confirm(&Wanted::new(), start).await.expect("the request holds");
    assert!(verdict.is_bookable() && verdict.status.is_unknown());
}

#[tokio::test]
async fn one_failing_mailbox_affects_only_its_counters() {
    let source = anna();
    source.set(CARA, &[]);
    source.fail(BEN, ReadErrorKind::MailboxNotFound);
    let counters = [
        counter("s1", &[ANNA], "all"),
        counter("s2", &[BEN], "all"),
        counter("s3", &[BEN, CARA], "all"),
        counter("s4", &[CARA], "all"),
    ];
    let availability = over(source, &counters.concat(), &clock(), |builder| builder);
    let answer = ask(&availability, &days(TUESDAY, TUESDAY)).await;
    let status: Vec<_> = answer
        .counters
        .iter()
        .map(|counter| (counter.id.as_str(), counter.status.as_str(), counter.slots.len()))
        .collect();
    assert_eq!(status, [("s1", "known", 6), ("s2", "unknown", 0), ("s3", "unknown", 0), ("s4", "known", 8)]);
    let first = availability.first_free(&days(TUESDAY, TUESDAY)).await.expect("the request holds");
    let first = first.slot().expect("there is one");
    assert_eq!((first.counter.id.as_str(), first.slot.start()), ("s1", berlin("2026-11-24 08:00")));
}

#[tokio::test]
async fn an_unread_calendar_counts_as_busy_where_others_can_do() {
    let source = anna();
    source.set(CARA, &[]);
    source.fail(BEN, ReadErrorKind::Connect);
    let mailboxes = [BEN, ANNA, CARA];
    let with = |needed| over(source.clone(), &counter("s1", &mailboxes, needed), &clock(), |builder| builder);

    let any = tuesday(&with("any")).await;
    assert!(any.status.is_known());
    assert_eq!(starts(&any), all_starts(), "Cara is free all morning");
    assert_eq!(any.slots.free_resources(berlin("2026-11-24 09:00")), [2], "and Ben never counts as free");
    assert_eq!((any.warnings[0].code, any.warnings[0].count), (WarningCode::CalendarCountedBusy, 1));

    let two = tuesday(&with("2")).await;
    assert!(two.status.is_known());
    assert_eq!(starts(&two), but_nine_to_ten(), "two must be Anna and Cara");

    for needed in ["3", "all"] {
        let counter = tuesday(&with(needed)).await;
        assert!(counter.status.is_unknown(), "{needed}");
        assert_eq!(counter.slots.len(), 0, "{needed}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_back_makes_ages_unknown_and_not_small() {
    let (source, clock) = (anna(), TestClock::at("2026-11-23 12:00"));
    let availability = over(source.clone(), &one_counter(), &clock, |builder| builder.when_unavailable(up_to(4)));
    assert!(tuesday(&availability).await.status.is_known());
    clock.set("2026-11-23 11:00");
    source.fail(ANNA, ReadErrorKind::Connect);
    assert!(
        tuesday(&availability).await.status.is_unknown(),
        "the reading is from the future: nobody knows how old it is"
    );
    source.set(ANNA, &[]);
    tokio::time::advance(Duration::from_secs(60)).await;
    assert_eq!(starts(&tuesday(&availability).await), all_starts());
    let reads = source.reads();
    clock.advance(Duration::from_secs(30));
    assert_eq!(starts(&tuesday(&availability).await), all_starts());
    assert_eq!(source.reads(), reads, "what was read since serves as ever");
}

/// Answers for mailboxes whose name begins with `a`; never for others.
struct Hanging;

#[async_trait]
impl CalendarSource for Hanging {
    async fn read(&self, mailboxes: &[Address], _window: Interval) -> Vec<Result<Calendar, ReadError>> {
        if !mailboxes[0].as_str().starts_with('a') {
            std::future::pending::<()>().await;
        }
        vec![Ok(Calendar::default())]
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_ends_by_its_deadline_though_the_source_hangs_for_ever() {
    let counters = [counter("s1", &[ANNA], "all"), counter("s2", &[BEN], "all")].concat();
    let availability = over(Hanging, &counters, &clock(), |builder| builder.deadline(Duration::from_secs(5)));
    for _ in 0..2 {
        let began = Instant::now();
        let answer = ask(&availability, &days(TUESDAY, TUESDAY)).await;
        assert!(began.elapsed() < Duration::from_millis(5_010), "{:?}", began.elapsed());
        assert!(answer.counters[0].status.is_known(), "who answers is heard");
        assert_eq!(kinds(&answer.counters[1].status), [(0, ReadErrorKind::Deadline)]);
        assert_eq!(answer.counters[1].slots.len(), 0);
    }
    let began = Instant::now();
    let verdict = availability
        .counter("s2")
        .expect("it exists")
        .confirm(&Wanted::new(), berlin("2026-11-24 08:00"))
        .await
        .expect("it holds");
    assert!(!verdict.is_bookable() && began.elapsed() < Duration::from_millis(5_010));
}

#[tokio::test(start_paused = true)]
async fn a_deadline_beyond_all_clocks_is_no_fault() {
    let availability = over(anna(), &one_counter(), &clock(), |builder| builder.deadline(Duration::MAX));
    assert!(tuesday(&availability).await.status.is_known());
}

/// Answers for fewer mailboxes than it was asked for.
struct TooShort;

#[async_trait]
impl CalendarSource for TooShort {
    async fn read(&self, _mailboxes: &[Address], _window: Interval) -> Vec<Result<Calendar, ReadError>> {
        Vec::new()
    }
}

#[tokio::test]
async fn a_source_that_says_nothing_of_a_mailbox_has_not_read_it() {
    let availability = over(TooShort, &one_counter(), &clock(), |builder| builder);
    let counter = tuesday(&availability).await;
    assert_eq!(kinds(&counter.status), [(0, ReadErrorKind::Internal)]);
    assert_eq!(counter.slots.len(), 0);
}

#[tokio::test]
async fn scenario_13_a_mailbox_outside_the_scope_names_its_counter_and_the_remedy() {
    let account = Account::new("svc-optigov").password(PASSWORD).impersonates([ANNA]);
    let scenario = Scenario::new().account(account).mailbox(Mailbox::new(ANNA)).mailbox(Mailbox::new(BEN));
    let counters = [counter("s1", &[ANNA], "all"), counter("s2", &[ANNA, BEN], "all")].concat();
    let town = Town::with_scenario("2026-11-23 07:00", &counters, scenario, |builder| builder);
    let answer = town.answer(TUESDAY, TUESDAY).await;
    assert!(answer.counters[0].status.is_known());
    let outside = &answer.counters[1];
    assert_eq!((outside.id.as_str(), outside.slots.len()), ("s2", 0));
    assert_eq!(kinds(&outside.status), [(1, ReadErrorKind::ImpersonationDenied)], "the second mailbox of this counter");
    let german = outside.status.reason(Language::German).expect("a reason");
    assert!(
        german.contains("exchange_sync.mailboxes[1]") && german.contains("darf nicht für dieses Postfach handeln"),
        "{german}"
    );
    let english = outside.status.reason(Language::English).expect("a reason");
    assert!(english.contains("scope"), "the remedy: {english}");
    assert!(!german.contains(BEN) && !english.contains(BEN), "no address");
}

#[tokio::test]
async fn scenario_14_a_typo_and_an_alias_are_told_apart() {
    let typo = "ana@musterstadt.example";
    let alias = "a.muster@musterstadt.example";
    let counters = [counter("s1", &[typo], "all"), counter("s2", &[alias], "all")].concat();
    let town = Town::new(&counters, [Mailbox::new(ANNA).alias(alias)]);
    let answer = town.answer(TUESDAY, TUESDAY).await;
    let reason = |place: usize, language| answer.counters[place].status.reason(language).expect("a reason");
    let expected = [ReadErrorKind::MailboxNotFound, ReadErrorKind::NotPrimaryAddress];
    for (counter, kind) in answer.counters.iter().zip(expected) {
        assert_eq!(kinds(&counter.status), [(0, kind)], "{}", counter.id);
        assert_eq!(counter.slots.len(), 0);
    }
    assert!(reason(0, Language::German).contains("gibt es kein Postfach."), "{}", reason(0, Language::German));
    assert!(reason(1, Language::German).contains("Alias"), "{}", reason(1, Language::German));
    assert!(reason(1, Language::English).contains("alias"), "{}", reason(1, Language::English));
    assert!(!reason(0, Language::English).contains("alias"), "{}", reason(0, Language::English));
}

#[tokio::test]
async fn scenario_15_the_tunnel_is_down_and_the_three_policies_hold() {
    let expected = [
        (WhenUnavailable::Close, "unknown", Vec::new()),
        (up_to(4), "stale", but_nine_to_ten()),
        (WhenUnavailable::Ignore, "unknown", all_starts()),
    ];
    for (policy, status, slots) in expected {
        let clock = clock();
        let mailbox = Mailbox::new(MAILBOX).entry(entry("2026-11-24 09:00", "2026-11-24 10:00"));
        let set =
            |builder: optigov_availability::AvailabilityBuilder| builder.clock(clock.clone()).when_unavailable(policy);
        let town = Town::at("2026-11-23 07:00", COUNTER, [mailbox], set);
        assert_eq!(town.starts(TUESDAY).await, but_nine_to_ten());
        clock.advance(HOUR);
        let Town { simulator, availability, .. } = town;
        drop(simulator);
        let counter = tuesday(&availability).await;
        assert_eq!((counter.status.as_str(), starts(&counter)), (status, slots), "{policy:?}");
        assert_eq!(kinds(&counter.status), [(0, ReadErrorKind::Refused)], "{policy:?}");
    }
}

#[tokio::test]
async fn scenario_16_a_wrong_password_is_tried_once_however_many_ask() {
    let names: Vec<String> = (0..30).map(|at| format!("schalter{at}@musterstadt.example")).collect();
    let counters: String =
        names.iter().enumerate().map(|(at, name)| counter(&format!("s{at}"), &[name], "all")).collect();
    let town =
        Town::at("2026-11-23 07:00", &counters, names.iter().map(Mailbox::new), |builder| builder.secret("abgelaufen"));
    let request = days(TUESDAY, TUESDAY);
    let calls = futures_util::future::join_all((0..10).map(|_| ask(&town.availability, &request))).await;
    for counter in calls.iter().flat_map(|answer| &answer.counters) {
        let [unread] = counter.status.unread() else { panic!("{:?}", counter.status) };
        assert!(unread.error.is_credentials(), "{:?}", unread.error);
        assert_eq!(counter.slots.len(), 0);
    }
    let confirmed = town
        .availability
        .counter("s7")
        .expect("it exists")
        .confirm(&Wanted::new(), berlin("2026-11-24 08:00"))
        .await
        .expect("it holds");
    assert!(!confirmed.is_bookable());
    assert_eq!(town.simulator.refused_logins("svc-optigov"), 1);
    assert_eq!(town.simulator.requests().len(), 1);
}

fn busy_server(mailbox: &str, shape: Shape, back_off: Duration) -> Fault {
    Fault::new(Effect::Throttled { shape, back_off: Some(back_off) }).mailbox(mailbox)
}

#[tokio::test]
async fn scenario_17_a_throttled_mailbox_waits_others_go_on_and_the_deadline_holds() {
    let account = Account::new("svc-optigov").password(PASSWORD).impersonates_everybody();
    let long = Duration::from_secs(3600);
    let scenario = [ANNA, BEN, CARA].into_iter().fold(Scenario::new().account(account), |scenario, name| {
        scenario.mailbox(Mailbox::new(name).entry(entry("2026-11-24 09:00", "2026-11-24 10:00")))
    });
    // Anna's turn comes after a moment; Ben's only long after the deadline.
    let scenario = scenario
        .fault(busy_server(ANNA, Shape::Fault, Duration::from_millis(20)).first(1))
        .fault(busy_server(BEN, Shape::Fault, long));
    let counters: String =
        [("s1", ANNA), ("s2", BEN), ("s3", CARA)].map(|(id, name)| counter(id, &[name], "all")).concat();
    let town = Town::with_scenario("2026-11-23 07:00", &counters, scenario, |builder| builder);
    let began = Instant::now();
    let answer = town.answer(TUESDAY, TUESDAY).await;
    assert!(began.elapsed() < Duration::from_secs(10), "the deadline is 10 s, and a wait that passes it is not begun");
    for place in [0, 2] {
        assert!(answer.counters[place].status.is_known(), "{:?}", answer.counters[place].status);
        assert_eq!(starts(&answer.counters[place]), but_nine_to_ten());
    }
    let throttled = &answer.counters[1];
    assert_eq!(kinds(&throttled.status), [(0, ReadErrorKind::Throttled)]);
    assert!(throttled.status.unread()[0].error.retry_after().is_some_and(|wait| wait > Duration::from_secs(290)));
    let asked = |name: &str| {
        let requests = town.asked();
        let views = requests.iter().filter(|request| request.operation() == Some("FindItem"));
        views.filter(|request| request.mailbox() == Some(name)).count()
    };
    assert_eq!((asked(ANNA), asked(BEN), asked(CARA)), (2, 1, 1));
    assert!(town.answer(TUESDAY, TUESDAY).await.counters[1].status.is_unknown());
    assert_eq!(asked(BEN), 1, "nor is it asked again before its time");
}

#[tokio::test]
async fn scenario_18_a_busy_server_inside_http_200_is_throttling() {
    for shape in [Shape::Status, Shape::Fault, Shape::Wrapped, Shape::Message] {
        let account = Account::new("svc-optigov").password(PASSWORD).impersonates_everybody();
        let mailbox = Mailbox::new(MAILBOX).entry(entry("2026-11-24 09:00", "2026-11-24 10:00"));
        let scenario = Scenario::new().account(account).mailbox(mailbox).fault(busy_server(
            MAILBOX,
            shape,
            Duration::from_secs(3600),
        ));
        let town = Town::with_scenario("2026-11-23 07:00", COUNTER, scenario, |builder| builder);
        let answer = town.answer(TUESDAY, TUESDAY).await;
        let counter = &answer.counters[0];
        // HTTP 503 alone does not say whose word it is: the server may be stopped as well.
        let kind = if shape == Shape::Status { ReadErrorKind::Unavailable } else { ReadErrorKind::Throttled };
        assert_eq!(kinds(&counter.status), [(0, kind)], "{shape:?}");
        assert!(counter.status.reason(Language::German).is_some_and(|reason| reason.contains("drosselt")), "{shape:?}");
        assert_eq!((counter.slots.len(), town.asked().len()), (0, 1), "{shape:?}");
    }
}

/// Twenty counters with one mailbox each, of which those with these numbers hang.
fn twenty_with_hung(hung: [usize; 3]) -> (Scenario, Vec<String>, String) {
    let names: Vec<_> = (0..20).map(|number| format!("amt-{number}@musterstadt.example")).collect();
    let account = Account::new("svc-optigov").password(PASSWORD).impersonates_everybody();
    let mut scenario = Scenario::new().account(account);
    for (number, name) in names.iter().enumerate() {
        let state = if hung.contains(&number) { MailboxState::Hung } else { MailboxState::Enabled };
        scenario = scenario.mailbox(Mailbox::new(name).state(state));
    }
    let counters = names.iter().enumerate().map(|(number, name)| counter(&format!("s{number}"), &[name], "all"));
    let counters = counters.collect();
    (scenario, names, counters)
}

#[tokio::test]
async fn three_hung_mailboxes_of_twenty_hold_up_nobody_else() {
    for hung in [[0, 1, 2], [17, 18, 19], [0, 9, 19]] {
        let (scenario, _, counters) = twenty_with_hung(hung);
        let deadline = Duration::from_secs(6);
        let town = Town::with_scenario("2026-11-23 07:00", &counters, scenario, |builder| builder.deadline(deadline));
        let is_hung = |counter: &CounterAnswer| hung.iter().any(|number| counter.id.as_str() == format!("s{number}"));
        let began = std::time::Instant::now();
        let whole = town.answer(TUESDAY, TUESDAY);
        let meanwhile = async {
            tokio::time::sleep(Duration::from_secs(2)).await;
            let good = (0..20).filter(|number| !hung.contains(number)).map(|number| format!("s{number}"));
            let request = days(TUESDAY, TUESDAY).counters(good);
            let asked = std::time::Instant::now();
            let requests = town.asked().len();
            let answer = ask(&town.availability, &request).await;
            assert_eq!(town.asked().len(), requests, "all of them had landed within 2 s");
            (answer, asked.elapsed())
        };
        let (whole, (good, took)) = tokio::join!(whole, meanwhile);
        assert!(took < Duration::from_secs(2), "{took:?}");
        assert_eq!(good.counters.len(), 17);
        assert!(good.counters.iter().all(|counter| counter.status.is_known()), "{hung:?}");
        assert!(began.elapsed() < deadline + Duration::from_secs(1));
        for counter in &whole.counters {
            assert_eq!(counter.status.is_known(), !is_hung(counter), "{hung:?}: {}", counter.id.as_str());
        }
    }
}

#[tokio::test]
async fn a_list_over_ten_mailboxes_sends_a_wrong_password_once_whatever_the_server_answers() {
    use optigov_exchange_simulator::{HttpAnswer, LoginRefusal};
    for refusal in [
        LoginRefusal::Unauthorized,
        LoginRefusal::Reset,
        LoginRefusal::Close,
        LoginRefusal::Answer(HttpAnswer::forbidden()),
        LoginRefusal::Answer(HttpAnswer::new(503).header("Retry-After", "0")),
    ] {
        let names: Vec<_> = (0..10).map(|number| format!("amt-{number}@musterstadt.example")).collect();
        let account = Account::new("svc-optigov").password("ein anderes").impersonates_everybody();
        let scenario = names.iter().map(Mailbox::new).fold(Scenario::new().account(account), Scenario::mailbox);
        let counters = names.iter().enumerate().map(|(number, name)| counter(&format!("s{number}"), &[name], "all"));
        let counters: String = counters.collect();
        let scenario = scenario.refused_login(refusal.clone());
        let town = Town::with_scenario("2026-11-23 07:00", &counters, scenario, |builder| builder);
        for _ in 0..3 {
            let answer = town.answer(TUESDAY, TUESDAY).await;
            assert!(answer.counters.iter().all(|counter| counter.status.is_unknown()), "{refusal:?}");
        }
        assert_eq!(town.simulator.refused_logins("svc-optigov"), 1, "{refusal:?}");
    }
}
