//! Some mailboxes on the town's own server, some in Exchange Online, and some that move, through the facade and both clients to a simulated Exchange
//! with both faces.

use std::time::Duration;

use chrono::TimeDelta;
use chrono_tz::{Europe::Berlin, Europe::London};
use optigov_availability::{
    Answer, Availability, AvailabilityBuilder, CircuitState, Counter, Language, Municipality, ReadErrorKind, Status,
    Step, StepOutcome, Wanted,
};
use optigov_exchange_simulator::{
    Account, Application, Effect, Entry, Fault, Location, Mailbox, MailboxState, RecordedRequest, Scenario, Simulator,
    Status as EntryStatus,
};

use crate::probe::TestClock;
use crate::support::{MAILBOX, PASSWORD, all_starts, configuration, date, days, entry, starts};

const CLIENT: &str = "11111111-2222-4333-8444-555555555555";
const SECRET: &str = "Clientgeheimnis-4711";
const TUESDAY: &str = "2026-11-24";
const ANNA: &str = "anna@musterstadt.example";
const BEN: &str = "ben@musterstadt.example";

/// A counter with these mailboxes as TOML writes them.
fn counter(mailboxes: &str) -> String {
    format!(
        r#"
[[counters]]
id = "schalter-1"
name = "Schalter 1"
templates = ["ausweis"]
opening = [{{ days = "Mo-Fr", hours = "08:00-12:00" }}]
exchange_sync = {{ on = true, mailboxes = [{mailboxes}] }}
"#
    )
}

/// A town that moves to Exchange Online.
struct Town {
    simulator: Simulator,
    availability: Availability,
    clock: TestClock,
}

impl Town {
    fn new(counters: &str, mailboxes: impl IntoIterator<Item = Mailbox>) -> Town {
        Town::with(counters, mailboxes, |scenario| scenario, |builder| builder)
    }

    fn with(
        counters: &str,
        mailboxes: impl IntoIterator<Item = Mailbox>,
        change: impl FnOnce(Scenario) -> Scenario,
        set: impl FnOnce(AvailabilityBuilder) -> AvailabilityBuilder,
    ) -> Town {
        let account = Account::new("svc-optigov").password(PASSWORD).impersonates_everybody();
        let application = Application::new(CLIENT).secret(SECRET).reads_everybody();
        let scenario = Scenario::new().plain_http().tenant("musterstadt.example").account(account);
        let scenario = mailboxes.into_iter().fold(scenario.application(application), Scenario::mailbox);
        let simulator = Simulator::start(change(scenario)).expect("the scenario holds");
        let clock = TestClock::at("2026-11-23 07:00");
        let builder = Availability::for_municipality(municipality(&simulator, counters));
        let builder = builder.secret(PASSWORD).online_secret(SECRET).clock(clock.clone());
        let availability = set(builder).build().expect("both connections can be set up");
        Town { simulator, availability, clock }
    }

    fn update(&self, change: impl FnOnce(&mut Scenario)) {
        self.simulator.update(change).expect("the scenario holds");
    }

    fn change(&self, mailbox: &str, change: impl FnOnce(&mut Mailbox)) {
        self.update(|scenario| change(scenario.mailbox_mut(mailbox).expect("it exists")));
    }

    async fn answer(&self) -> Answer {
        self.availability.free_slots(&days(TUESDAY, TUESDAY)).await.expect("the request holds")
    }

    /// The answer after so long that nothing read before serves as known.
    async fn later(&self) -> Answer {
        self.clock.advance(Duration::from_secs(61));
        self.answer().await
    }

    /// The same, asked until it is so: failures are remembered for a moment of real time.
    async fn at_last(&self, wanted: impl Fn(&Answer) -> bool) -> Answer {
        let began = std::time::Instant::now();
        self.clock.advance(Duration::from_secs(61));
        loop {
            let answer = self.answer().await;
            if wanted(&answer) {
                return answer;
            }
            assert!(began.elapsed() < Duration::from_secs(20), "still not: {:?}", answer.counters[0].status);
            tokio::task::yield_now().await;
        }
    }

    async fn known_at_last(&self) -> Answer {
        self.at_last(Answer::is_known).await
    }

    /// The requests about this mailbox's calendar since the last look, on the own server and online, those in batches included.
    fn asked(&self, seen: &mut usize, mailbox: &str) -> (usize, usize) {
        let all = self.simulator.requests();
        let new = all[*seen..].iter().flat_map(|request| {
            let parts: Vec<RecordedRequest> = request.parts().to_vec();
            std::iter::once(request.clone()).chain(parts)
        });
        let about: Vec<_> = new.filter(|request| request.mailbox() == Some(mailbox)).collect();
        *seen = all.len();
        let online = about.iter().filter(|request| request.operation() == Some("calendarView")).count();
        (about.len() - online, online)
    }
}

fn municipality(simulator: &Simulator, counters: &str) -> Municipality {
    let base = simulator.base_url();
    let online = format!(
        "\n[exchange_online]\ntenant = \"musterstadt.example\"\nclient_id = \"{CLIENT}\"\nsecret = \"provided\"\n\
         authority = \"{base}\"\nendpoint = \"{base}\"\ntimeout = \"10s\"\n"
    );
    let text = configuration(&simulator.url(), "", &format!("{online}{counters}"));
    let text = text.replace("ca_file = ''\n", "");
    Municipality::from_toml(&text).unwrap_or_else(|faults| panic!("{faults}\n{text}"))
}

fn busy(from: &str, to: &str) -> optigov_exchange_simulator::Entry {
    entry(&format!("{TUESDAY} {from}"), &format!("{TUESDAY} {to}"))
}

fn all_but(taken: &[&str]) -> Vec<String> {
    all_starts().into_iter().filter(|start| !taken.contains(&start.as_str())).collect()
}

fn quoted(mailboxes: &[&str]) -> String {
    mailboxes.iter().map(|mailbox| format!("{mailbox:?}")).collect::<Vec<_>>().join(", ")
}

fn unknown_kind(answer: &Answer) -> Option<ReadErrorKind> {
    match &answer.counters[0].status {
        Status::Unknown { unread } => unread.first().map(|unread| unread.error.kind()),
        _ => None,
    }
}

#[tokio::test]
async fn a_counter_with_one_mailbox_here_and_one_online_is_blocked_by_both() {
    let here = Mailbox::new(ANNA).entry(busy("08:00", "08:30"));
    let online = Mailbox::new(BEN).online().entry(busy("10:00", "11:00"));
    let located =
        format!("{{ address = {ANNA:?}, location = \"on_premises\" }}, {{ address = {BEN:?}, location = \"online\" }}");
    for mailboxes in [quoted(&[ANNA, BEN]), located] {
        let town = Town::new(&counter(&mailboxes), [here.clone(), online.clone()]);
        let answer = town.answer().await;
        assert!(answer.is_known(), "{:?}", answer.counters[0].status);
        assert_eq!(starts(&answer.counters[0]), all_but(&["08:00", "10:00", "10:30"]));
        let at_ten = crate::support::berlin("2026-11-24 10:00");
        let verdict = town.availability.counter("schalter-1").expect("it exists").confirm(&Wanted::new(), at_ten).await;
        assert!(!verdict.expect("the request holds").is_bookable(), "the check agrees");
    }
}

#[tokio::test]
async fn a_mailbox_that_is_said_to_lie_somewhere_is_asked_for_there_only() {
    let located = format!("{{ address = {ANNA:?}, location = \"online\" }}");
    let town = Town::new(&counter(&located), [Mailbox::new(ANNA)]);
    let (mut seen, answer) = (0, town.answer().await);
    assert_eq!(unknown_kind(&answer), Some(ReadErrorKind::MailboxElsewhere), "{:?}", answer.counters[0].status);
    assert_eq!(answer.counters[0].slots.len(), 0);
    assert_eq!(town.asked(&mut seen, ANNA).0, 0, "the own server is not asked");
    town.change(ANNA, |anna| anna.move_to(Location::Online));
    assert_eq!(starts(&town.known_at_last().await.counters[0]), all_starts());
}

#[tokio::test]
async fn a_mailbox_that_moves_is_unknown_meanwhile_and_served_again_without_a_restart() {
    let town = Town::new(&counter(&quoted(&[MAILBOX])), [Mailbox::new(MAILBOX).entry(busy("08:00", "08:30"))]);
    let mut seen = 0;
    assert_eq!(starts(&town.answer().await.counters[0]), all_but(&["08:00"]));
    let (own, online) = town.asked(&mut seen, MAILBOX);
    assert!(own > 0 && online == 1, "it is looked for on both sides: {own}, {online}");
    assert_eq!(starts(&town.later().await.counters[0]), all_but(&["08:00"]));
    let (own, online) = town.asked(&mut seen, MAILBOX);
    assert!(own > 0 && online == 0, "and then asked for where it lies: {own}, {online}");

    town.change(MAILBOX, |mailbox| mailbox.set_state(MailboxState::Moving));
    let meanwhile = town.later().await;
    assert_eq!(unknown_kind(&meanwhile), Some(ReadErrorKind::MailboxUnavailable));
    assert_eq!(meanwhile.counters[0].slots.len(), 0, "unknown, never free");

    town.change(MAILBOX, |mailbox| {
        mailbox.move_to(Location::Online);
        mailbox.set_state(MailboxState::Enabled);
        mailbox.entries_mut().push(busy("11:00", "12:00"));
    });
    let online = town.known_at_last().await;
    assert_eq!(starts(&online.counters[0]), all_but(&["08:00", "11:00", "11:30"]), "with what was entered since");
    town.later().await;
    town.asked(&mut seen, MAILBOX);
    assert!(town.later().await.is_known());
    assert_eq!(town.asked(&mut seen, MAILBOX), (0, 1), "from then on it is asked for online only");

    town.change(MAILBOX, |mailbox| mailbox.move_to(Location::OnPremises));
    let back = town.later().await;
    assert_eq!(starts(&back.counters[0]), all_but(&["08:00", "11:00", "11:30"]), "and back at once");
}

#[tokio::test]
async fn what_was_read_before_a_move_does_not_serve_stale_after_it() {
    let serve_stale = counter(&quoted(&[MAILBOX]));
    let set = |builder: AvailabilityBuilder| {
        builder.when_unavailable(optigov_availability::WhenUnavailable::ServeStale {
            up_to: Duration::from_secs(4 * 3600),
        })
    };
    let town = Town::with(&serve_stale, [Mailbox::new(MAILBOX)], |scenario| scenario, set);
    assert_eq!(starts(&town.answer().await.counters[0]), all_starts());
    // The own server is away for a while: what was read last serves, as the operator chose.
    town.update(|scenario| *scenario = scenario.clone().fault(Fault::new(Effect::ResetBefore).mailbox(MAILBOX)));
    assert!(matches!(town.later().await.counters[0].status, Status::Stale { .. }));
    // It has moved, and nobody hands it out: no reading from before counts any more, in the first answer as in the later ones.
    town.update(|scenario| {
        scenario.clear_faults();
        scenario.mailbox_mut(MAILBOX).expect("it exists").move_to(Location::Online);
        let application = scenario.application_mut(CLIENT).expect("it exists");
        *application = application.clone().reads_nobody();
    });
    // The failure of before is remembered for a moment.
    town.at_last(|answer| answer.counters[0].status.is_unknown()).await;
    for _ in 0..3 {
        let answer = town.later().await;
        assert!(answer.counters[0].status.is_unknown() && answer.counters[0].slots.is_empty());
    }
}

#[tokio::test]
async fn a_mailbox_that_neither_side_has_is_unknown_and_each_answer_is_told() {
    let town = Town::new(&counter(&quoted(&["niemand@musterstadt.example"])), []);
    let answer = town.answer().await;
    assert_eq!(unknown_kind(&answer), Some(ReadErrorKind::MailboxNotFound));
    let Status::Unknown { unread } = &answer.counters[0].status else { panic!("{:?}", answer.counters[0].status) };
    for (language, places) in [
        (Language::German, ["Eigener Server: ", "Exchange Online: "]),
        (Language::English, ["Own server: ", "Exchange Online: "]),
    ] {
        let text = unread[0].error.describe(language);
        assert!(places.iter().all(|place| text.contains(place)), "{text}");
        assert!(text.contains("ErrorNonExistentMailbox") && !text.contains("niemand"), "{text}");
    }
}

#[tokio::test]
async fn the_check_goes_to_where_the_mailbox_lies_and_says_so() {
    let town = Town::new(&counter(&quoted(&[ANNA, BEN])), [Mailbox::new(ANNA), Mailbox::new(BEN).online()]);
    for (mailbox, place) in [(ANNA, "Own server"), (BEN, "Exchange Online")] {
        let report = town.availability.check_connection(&mailbox.parse().expect("an address")).await;
        assert!(report.is_good(), "{}", report.to_text(Language::English));
        assert_eq!(report.place().map(|place| place.in_language(Language::English)), Some(place));
        assert_eq!(report.counters(), ["schalter-1"]);
    }
    let nobody = "niemand@musterstadt.example".parse().expect("an address");
    let report = town.availability.check_connection(&nobody).await;
    assert!(!report.is_good());
    let text = report.to_text(Language::English);
    assert!(text.contains("Own server: ") && text.contains("Exchange Online: ") && !text.contains("niemand"), "{text}");
    // A move between two checks.
    town.change(ANNA, |anna| anna.move_to(Location::Online));
    let report = town.availability.check_connection(&ANNA.parse().expect("an address")).await;
    assert_eq!(report.place().map(|place| place.in_language(Language::German)), Some("Exchange Online"));
    assert_eq!(report.step(Step::Calendar).map(|step| step.outcome()), Some(StepOutcome::Passed));
}

#[tokio::test]
async fn a_saved_entry_says_anew_where_a_mailbox_lies_and_nothing_read_before_counts() {
    let located = |place: &str| format!("{{ address = {ANNA:?}, location = {place:?} }}");
    let town = Town::new(&counter(&located("on_premises")), [Mailbox::new(ANNA)]);
    assert!(town.answer().await.is_known());
    town.change(ANNA, |anna| {
        anna.move_to(Location::Online);
        anna.entries_mut().push(busy("09:00", "10:00"));
    });
    let entry = counter(&located("online"));
    let saved: Municipality = municipality(&town.simulator, &entry);
    let saved: Counter = (**saved.counter("schalter-1").expect("it exists")).clone();
    town.availability.counter_saved(saved).await.expect("it fits");
    // No time has passed: a reading from the old place would still be fresh.
    let answer = town.answer().await;
    assert_eq!(starts(&answer.counters[0]), all_but(&["09:00", "09:30"]));
    // The rules of the municipality, likewise.
    town.change(ANNA, |anna| anna.move_to(Location::OnPremises));
    let rules =
        format!("\n[mailbox_locations]\non_premises = [\"musterstadt.example\"]\n{}", counter(&quoted(&[ANNA])));
    town.availability.municipality_saved(municipality(&town.simulator, &rules)).await.expect("it can be set up");
    assert_eq!(starts(&town.answer().await.counters[0]), all_but(&["09:00", "09:30"]));
}

#[tokio::test]
async fn an_outage_online_leaves_the_mailboxes_of_the_own_server_alone_and_health_tells_them_apart() {
    let names: Vec<String> = (0..8).map(|number| format!("p{number}@musterstadt.example")).collect();
    let mailboxes = names.iter().enumerate().map(|(number, name)| {
        let mailbox = Mailbox::new(name);
        if number % 2 == 0 { mailbox } else { mailbox.online() }
    });
    let counters: String = names
        .iter()
        .enumerate()
        .map(|(number, name)| counter(&format!("{name:?}")).replace("schalter-1", &format!("s{number}")))
        .collect();
    let town = Town::new(&counters, mailboxes);
    assert!(town.answer().await.is_known());
    town.update(|scenario| {
        for operation in ["calendarView", "$batch"] {
            let effect = Effect::Status { code: 502, body: "Bad Gateway".into(), content_type: "text/html".into() };
            *scenario = scenario.clone().fault(Fault::new(effect).operation(operation));
        }
    });
    for _ in 0..4 {
        let answer = town.later().await;
        for (number, counter) in answer.counters.iter().enumerate() {
            assert_eq!(counter.status.is_known(), number % 2 == 0, "{number}: {:?}", counter.status);
        }
    }
    let health = town.availability.health();
    let named = |name: &str| {
        let of = |circuit: &&optigov_availability::CircuitHealth| {
            circuit.name.as_ref().is_some_and(|it| it.in_language(Language::English) == name)
        };
        health.circuits.iter().find(of).map(|circuit| circuit.state)
    };
    assert_eq!(named("Own server"), Some(CircuitState::Closed), "{health:?}");
    town.update(Scenario::clear_faults);
    assert!(town.known_at_last().await.is_known());
}

#[tokio::test]
async fn a_town_without_an_own_server_reads_exchange_online_alone() {
    let simulator = Simulator::start(
        Scenario::new()
            .plain_http()
            .tenant("musterstadt.example")
            .application(Application::new(CLIENT).secret(SECRET).reads([ANNA]))
            .mailbox(Mailbox::new(ANNA).online().entry(busy("08:00", "08:30"))),
    )
    .expect("the scenario holds");
    let text = municipality(&simulator, &counter(&quoted(&[ANNA]))).to_json();
    let mut without: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    without.as_object_mut().expect("a table").remove("exchange");
    let town = Municipality::from_json(&without.to_string()).unwrap_or_else(|faults| panic!("{faults}"));
    let clock = TestClock::at("2026-11-23 07:00");
    let availability = Availability::for_municipality(town).online_secret(SECRET).clock(clock).build();
    let availability = availability.expect("one connection is enough");
    let answer = availability.free_slots(&days(TUESDAY, TUESDAY)).await.expect("the request holds");
    assert_eq!(starts(&answer.counters[0]), all_but(&["08:00"]));
    let report = availability.check_connection(&ANNA.parse().expect("an address")).await;
    assert!(report.is_good() && report.place().is_none(), "{}", report.to_text(Language::English));
}

/// The calendars of both faces' scenarios, each with the starts that it takes on that Tuesday.
fn calendars() -> Vec<(&'static str, Mailbox, &'static [&'static str])> {
    let anna = || Mailbox::new(ANNA);
    let tuesday = |days: i64| date(TUESDAY) + TimeDelta::days(days);
    let wall = |days, hour| tuesday(days).and_hms_opt(hour, 0, 0).expect("a time");
    let meeting = |days, from, to| Entry::local(wall(days, from), wall(days, to)).zone(Berlin);
    const ALL: &[&str] = &["08:00", "08:30", "09:00", "09:30", "10:00", "10:30", "11:00", "11:30"];
    vec![
        ("an empty calendar", anna(), &[]),
        (
            "every status",
            anna()
                .entry(busy("08:00", "08:30").status(EntryStatus::Free))
                .entry(busy("09:00", "09:30").status(EntryStatus::Tentative))
                .entry(busy("10:00", "10:30").status(EntryStatus::OutOfOffice))
                .entry(busy("11:00", "11:30").status(EntryStatus::WorkingElsewhere)),
            &["09:00", "10:00", "11:00"],
        ),
        (
            "a vacation with start and end time",
            anna()
                .entry(meeting(-7, 7, 18).status(EntryStatus::OutOfOffice))
                .entry(Entry::local(wall(-2, 0), wall(10, 0)).zone(Berlin).status(EntryStatus::OutOfOffice)),
            ALL,
        ),
        ("an all-day entry", anna().entry(Entry::all_day(tuesday(0), tuesday(0)).status(EntryStatus::Busy)), &[]),
        ("a series over the end of summer time", anna().entry(meeting(-42, 9, 10).recurs("FREQ=WEEKLY;COUNT=10")), {
            &["09:00", "09:30"]
        }),
        (
            "a series whose occurrence has moved there",
            anna().entry(meeting(-1, 9, 10).recurs("FREQ=DAILY;COUNT=5").deleted(tuesday(0)).moved(
                tuesday(1),
                wall(0, 11),
                wall(0, 12),
            )),
            &["11:00", "11:30"],
        ),
        ("a cancelled meeting", anna().entry(meeting(0, 9, 10).meeting().cancelled()), &[]),
        ("a private appointment", anna().entry(busy("08:30", "09:30").private()), &["08:30", "09:00"]),
        ("a touch and a partial overlap", anna().entry(busy("07:00", "08:00")).entry(busy("09:10", "09:20")), {
            &["09:00"]
        }),
        (
            "nine in London",
            anna().zone(London).entry(Entry::local(wall(0, 9), wall(0, 10)).zone(London)),
            &["10:00", "10:30"],
        ),
        (
            "more appointments than a page holds",
            anna().entries((0..1_500).map(|n| {
                let start = crate::support::berlin("2026-11-23 18:00") + TimeDelta::minutes(n);
                Entry::timed(start, start + TimeDelta::minutes(1))
            })),
            ALL,
        ),
    ]
}

#[tokio::test]
async fn the_same_calendar_leaves_the_same_slots_here_and_online() {
    for (name, mailbox, taken) in calendars() {
        for (place, location) in [("on_premises", Location::OnPremises), ("online", Location::Online)] {
            let located = format!("{{ address = {ANNA:?}, location = {place:?} }}");
            let town = Town::new(&counter(&located), [mailbox.clone().location(location)]);
            let answer = town.answer().await;
            assert!(answer.is_known(), "{name}, {place}: {:?}", answer.counters[0].status);
            assert_eq!(starts(&answer.counters[0]), all_but(taken), "{name}, {place}");
        }
    }
}

#[tokio::test]
async fn a_throttled_or_failing_server_leaves_no_slot_here_or_online_until_it_answers() {
    let faults = [
        Effect::ResetBefore,
        Effect::Status { code: 503, body: String::new(), content_type: "text/plain".to_owned() },
        Effect::Status { code: 500, body: String::new(), content_type: "text/plain".to_owned() },
    ];
    for effect in faults {
        for (place, location) in [("on_premises", Location::OnPremises), ("online", Location::Online)] {
            let located = format!("{{ address = {ANNA:?}, location = {place:?} }}");
            let mailbox = Mailbox::new(ANNA).location(location).entry(busy("09:00", "09:30"));
            let town = Town::new(&counter(&located), [mailbox]);
            town.update(|scenario| *scenario = scenario.clone().fault(Fault::new(effect.clone()).mailbox(ANNA)));
            let answer = town.answer().await;
            assert!(answer.counters[0].status.is_unknown(), "{effect:?}, {place}");
            assert_eq!(answer.counters[0].slots.len(), 0, "{effect:?}, {place}");
            town.update(|scenario| {
                scenario.clear_faults();
            });
            assert_eq!(starts(&town.known_at_last().await.counters[0]), all_but(&["09:00"]), "{effect:?}, {place}");
        }
    }
}
