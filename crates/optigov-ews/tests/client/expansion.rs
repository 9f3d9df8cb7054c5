//! Whether the server expands series: how the client finds out, and what it does where the server does not.

use chrono::TimeDelta;
use optigov_calendar::{
    AllDayFlag, Calendar, EwsSettings, Mailbox, ReadErrorKind, Step, StepOutcome, UnexpandedSeries,
};
use optigov_ews::EwsClient;
use optigov_exchange_simulator::{
    Account, Contradiction, Effect, Entry, Fault, Mailbox as SimulatedMailbox, Scenario, Simulator,
};

use crate::support::{PASSWORD, Setup, anna, berta, beside_proofs, check, interval, read, span, utc, window};

/// A weekly meeting from nine to ten that began a year ago, so that its master lies in no window of these tests.
fn weekly() -> Entry {
    let start = utc("2025-11-25T09:00:00Z");
    Entry::timed(start, start + TimeDelta::hours(1)).zone(chrono_tz::UTC).recurs("FREQ=WEEKLY").subject("Jour fixe")
}

/// A single appointment at this time.
fn single(start: &str, end: &str) -> Entry {
    Entry::timed(utc(start), utc(end))
}

fn scenario(anna: Vec<Entry>, berta: Vec<Entry>) -> Scenario {
    let account = Account::new("svc-optigov").password(PASSWORD).impersonates_everybody();
    Scenario::new()
        .account(account)
        .mailbox(SimulatedMailbox::new("anna@musterstadt.example").entries(anna))
        .mailbox(SimulatedMailbox::new("berta@musterstadt.example").entries(berta))
}

fn started(scenario: Scenario) -> Simulator {
    Simulator::start(scenario).expect("a simulator")
}

fn count(simulator: &Simulator, operation: &str) -> usize {
    simulator.requests().iter().filter(|request| request.operation() == Some(operation)).count()
}

fn by_free_busy(settings: &mut EwsSettings) {
    settings.unexpanded_series = UnexpandedSeries::ReadFreeBusy;
}

async fn refused(client: &EwsClient, mailbox: &Mailbox) {
    let error = read(client, mailbox).await.expect_err("no slot over a meeting");
    assert_eq!((error.kind(), error.step()), (ReadErrorKind::UnexpandedSeries, Some(Step::Calendar)));
}

#[tokio::test]
async fn a_view_that_lacks_a_series_which_began_earlier_is_refused() {
    let simulator = started(scenario(vec![weekly()], Vec::new()).unexpanded_series());
    refused(&Setup::of(&simulator).build(), &anna()).await;
    assert_eq!(count(&simulator, "FindItem"), 2, "what may have been entered between two answers is looked for again");
    assert_eq!(count(&simulator, "GetUserAvailability"), 1);
}

#[tokio::test]
async fn a_series_behind_an_entry_that_does_not_block_is_missed_all_the_same() {
    let around = || single("2026-11-24T08:00:00Z", "2026-11-24T12:00:00Z");
    let day = "2026-11-24".parse().expect("a date");
    let entries = [
        around().status(optigov_exchange_simulator::Status::Free),
        around().status(optigov_exchange_simulator::Status::Tentative),
        around().cancelled(),
        Entry::all_day(day, day),
        single("2026-11-24T09:30:00Z", "2026-11-24T10:00:00Z"),
    ];
    for entry in entries {
        let simulator = started(scenario(vec![weekly(), entry], Vec::new()).unexpanded_series());
        refused(&Setup::of(&simulator).build(), &anna()).await;
    }
}

#[tokio::test]
async fn once_learned_every_view_of_all_clones_is_refused_for_every_mailbox_and_after_a_restart() {
    let simulator = started(scenario(vec![weekly()], Vec::new()).unexpanded_series());
    let client = Setup::of(&simulator).build();
    read(&client, &berta()).await.expect("an empty calendar, compared");
    refused(&client, &anna()).await;
    let asked = simulator.requests().len();
    refused(&client.clone(), &berta()).await;
    let free = interval("2026-11-27T00:00:00Z", "2026-11-28T00:00:00Z");
    let error = client.impersonate(&anna()).calendar_view(free).await.expect_err("a narrower window");
    assert_eq!(error.kind(), ReadErrorKind::UnexpandedSeries);
    assert_eq!(simulator.requests().len(), asked, "nothing is asked any more");
    simulator.update(|scenario| *scenario = self::scenario(Vec::new(), Vec::new())).expect("another server");
    refused(&client, &anna()).await;
}

#[tokio::test]
async fn once_learned_every_view_is_read_by_free_busy_where_that_is_set() {
    let simulator = started(
        scenario(vec![weekly()], vec![single("2026-11-26T09:00:00Z", "2026-11-26T10:00:00Z")]).unexpanded_series(),
    );
    let client = Setup::of(&simulator).settings(by_free_busy).build();
    let calendar = async |mailbox: Mailbox| -> Calendar {
        client.impersonate(&mailbox).calendar_view(window()).await.expect("free/busy")
    };
    assert_eq!(calendar(berta()).await.all_day_flag(), AllDayFlag::Known, "compared, and nothing is missing");
    for (mailbox, start) in [(anna(), "2026-11-24T09:00:00Z"), (berta(), "2026-11-26T09:00:00Z")] {
        let calendar = calendar(mailbox).await;
        assert_eq!(calendar.all_day_flag(), AllDayFlag::Guessed);
        let starts: Vec<_> = calendar.entries().iter().map(|entry| span(*entry).start()).collect();
        assert_eq!(starts, [utc(start)]);
    }
}

#[tokio::test]
async fn a_master_in_one_mailbox_is_learned_for_all() {
    let start = utc("2026-11-24T09:00:00Z");
    let master = Entry::timed(start, start + TimeDelta::hours(1)).recurs("FREQ=WEEKLY");
    let simulator = started(scenario(vec![master], Vec::new()).unexpanded_series());
    let client = Setup::of(&simulator).build();
    refused(&client, &anna()).await;
    assert_eq!(beside_proofs(&simulator).len(), 1, "the master itself is proof enough");
    refused(&client, &berta()).await;
}

#[tokio::test]
async fn an_occurrence_ends_the_doubt_and_costs_no_further_request() {
    let simulator = started(scenario(vec![weekly()], Vec::new()));
    let client = Setup::of(&simulator).build();
    for asked in 1..=3 {
        read(&client, &berta()).await.expect("an empty calendar proves nothing");
        assert_eq!(count(&simulator, "GetUserAvailability"), asked);
    }
    assert_eq!(read(&client, &anna()).await.expect("a view").len(), 1);
    read(&client, &berta()).await.expect("a view");
    assert_eq!((count(&simulator, "FindItem"), count(&simulator, "GetUserAvailability")), (5, 3));
}

#[tokio::test]
async fn where_free_busy_is_not_allowed_the_doubt_stays_and_the_check_says_so() {
    let refusal = Fault::new(Effect::ResponseCode("ErrorNoFreeBusyAccess".to_owned())).operation("GetUserAvailability");
    let single = single("2026-11-26T09:00:00Z", "2026-11-26T10:00:00Z");
    let simulator = started(scenario(vec![single], vec![weekly()]).fault(refusal));
    let client = Setup::of(&simulator).build();
    assert_eq!(read(&client, &anna()).await.expect("as before").len(), 1);
    let report = check(&client, &anna()).await;
    let calendar = report.step(Step::Calendar).expect("a step");
    assert!(report.is_good());
    assert_eq!((calendar.outcome(), calendar.warnings().len()), (StepOutcome::Warning, 1));
    assert_eq!(read(&client, &berta()).await.expect("a view").len(), 1, "which shows that series are expanded");
}

#[tokio::test]
async fn an_error_of_free_busy_that_passes_leaves_the_calendar_unread() {
    let busy = Fault::new(Effect::ResponseCode("ErrorFreeBusyGenerationFailed".to_owned()));
    let simulator = started(scenario(vec![weekly()], Vec::new()).unexpanded_series());
    simulator
        .update(|scenario| *scenario = scenario.clone().fault(busy.operation("GetUserAvailability")))
        .expect("the scenario holds");
    assert!(read(&Setup::of(&simulator).build(), &anna()).await.is_err(), "nothing shows that the view is whole");
}

#[tokio::test]
async fn the_check_compares_whatever_is_known_and_fails_where_entries_are_missing() {
    let simulator = started(scenario(vec![weekly()], Vec::new()).unexpanded_series());
    let report = check(&Setup::of(&simulator).build(), &anna()).await;
    let calendar = report.step(Step::Calendar).expect("a step");
    assert_eq!(calendar.outcome(), StepOutcome::Failed);
    assert_eq!(calendar.error().map(|error| error.kind()), Some(ReadErrorKind::UnexpandedSeries));
    let report = check(&Setup::of(&simulator).settings(by_free_busy).build(), &anna()).await;
    assert!(report.is_good());
    assert_eq!(report.step(Step::Calendar).map(|step| step.outcome()), Some(StepOutcome::Warning));

    let healthy = started(scenario(vec![weekly()], Vec::new()));
    let client = Setup::of(&healthy).build();
    read(&client, &anna()).await.expect("a view that proves that series are expanded");
    assert_eq!(count(&healthy, "GetUserAvailability"), 0);
    let report = check(&client, &anna()).await;
    assert_eq!(report.step(Step::Calendar).map(|step| step.outcome()), Some(StepOutcome::Passed));
    assert_eq!(count(&healthy, "GetUserAvailability"), 1);
}

#[tokio::test]
async fn a_view_with_fewer_items_than_it_counts_is_compared_even_on_a_server_that_is_proven() {
    let short = Fault::new(Effect::Contradiction(Contradiction::MissingItems(1))).operation("FindItem");
    let last = || single("2026-11-26T09:00:00Z", "2026-11-26T10:00:00Z");
    let simulator = started(scenario(vec![weekly(), last()], Vec::new()));
    let client = Setup::of(&simulator).build();
    read(&client, &anna()).await.expect("a view that proves that series are expanded");
    simulator.update(|scenario| *scenario = scenario.clone().fault(short)).expect("the scenario holds");
    let error = read(&client, &anna()).await.expect_err("an appointment is missing");
    assert_eq!(error.kind(), ReadErrorKind::Malformed);
    simulator
        .update(|scenario| {
            *scenario.mailbox_mut("anna@musterstadt.example").expect("it exists").entries_mut() =
                vec![weekly(), last().status(optigov_exchange_simulator::Status::Free)];
        })
        .expect("the scenario holds");
    assert_eq!(read(&client, &anna()).await.expect("nothing busy is missing").len(), 1);
}
