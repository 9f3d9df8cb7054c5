//! Free/busy times by `getSchedule`.

use optigov_calendar::{AllDayFlag, CalendarSource, EntryStatus, GraphAccess, ReadErrorKind};
use optigov_exchange_simulator::{
    Effect, Entry, Fault, FreeBusyDefect, GraphDefect, Mailbox as Simulated, Permission, Scenario, Simulator, Status,
};
use optigov_graph::GraphClient;

use crate::support::{Setup, application, interval, mailbox, online, read, requests, start, utc, week};

fn hour(n: i64) -> Entry {
    let begin = utc("2026-11-23T00:00:00Z") + chrono::TimeDelta::hours(n);
    Entry::timed(begin, begin + chrono::TimeDelta::hours(1)).subject("Streng geheim")
}

fn client(simulator: &Simulator) -> GraphClient {
    Setup::of(simulator).access(GraphAccess::GetSchedule).build()
}

fn scenario() -> Scenario {
    let anna = online("anna").default_permission(Permission::LimitedDetails).entries([hour(9), hour(30)]);
    Scenario::new().application(application()).mailbox(anna).mailbox(online("berta").entry(hour(10)))
}

#[tokio::test]
async fn many_mailboxes_share_requests_of_at_most_twenty() {
    let mut scenario = Scenario::new().application(application());
    for n in 0..45_i64 {
        scenario = scenario.mailbox(online(&format!("person{n}")).entries((0..n % 3).map(hour)));
    }
    let simulator = start(scenario);
    let asked: Vec<_> = (0..45).map(|n| mailbox(&format!("person{n}"))).collect();
    let read = client(&simulator).read(&asked, week()).await;
    for (n, result) in read.iter().enumerate() {
        assert_eq!(result.as_ref().map(|calendar| calendar.entries().len()), Ok(n % 3), "person{n}");
    }
    assert_eq!(requests(&simulator, "getSchedule").len(), 3);
}

#[tokio::test]
async fn titles_that_come_unasked_are_dropped_and_all_day_is_guessed() {
    let simulator = start(scenario());
    let calendar = read(&client(&simulator), "anna").await.expect("a calendar");
    assert_eq!(calendar.entries().len(), 2);
    assert_eq!(calendar.all_day_flag(), AllDayFlag::Guessed);
    assert!(!format!("{calendar:?}").contains("geheim"));
}

#[tokio::test]
async fn one_mailbox_that_cannot_be_shown_leaves_the_others_alone() {
    let simulator = start(scenario().mailbox(Simulated::new("vorort@musterstadt.example")));
    let asked = ["niemand", "vorort", "anna", "berta"].map(mailbox);
    let read = client(&simulator).read(&asked, week()).await;
    let kind = |index: usize| read[index].as_ref().err().map(|error| error.kind());
    assert_eq!(kind(0), Some(ReadErrorKind::MailboxNotFound));
    assert_eq!(kind(1), Some(ReadErrorKind::MailboxElsewhere));
    assert_eq!((kind(2), kind(3)), (None, None));
    // The first two cannot be the way to the others.
    assert_eq!(requests(&simulator, "getSchedule").len(), 3);
}

#[tokio::test]
async fn a_long_window_is_read_in_pieces_and_each_time_comes_once() {
    let long = Entry::timed(utc("2026-12-01T00:00:00Z"), utc("2027-06-01T00:00:00Z"));
    let simulator = start(Scenario::new().application(application()).mailbox(online("anna").entry(long)));
    let window = interval("2026-11-01T00:00:00Z", "2027-05-01T00:00:00Z");
    let calendar = client(&simulator).read(&[mailbox("anna")], window).await.remove(0).expect("a calendar");
    assert_eq!(calendar.entries().len(), 1);
    assert_eq!(requests(&simulator, "getSchedule").len(), 3);
}

#[tokio::test]
async fn a_window_of_a_second_is_read_as_well() {
    let simulator = start(scenario());
    let window = interval("2026-11-23T09:10:00Z", "2026-11-23T09:10:01Z");
    let calendar = client(&simulator).read(&[mailbox("anna")], window).await.remove(0).expect("a calendar");
    assert_eq!(calendar.entries().len(), 1);
}

#[tokio::test]
async fn what_a_schedule_lacks_blocks_or_is_an_error() {
    let odd = |defect| Effect::Graph(defect);
    let of_free_busy = |defect| Effect::FreeBusy(defect);
    for effect in [
        odd(GraphDefect::NoStart),
        odd(GraphDefect::NoEnd),
        odd(GraphDefect::NullTimes),
        odd(GraphDefect::ZoneLabel("W. Europe Standard Time".to_owned())),
        odd(GraphDefect::MissingSchedule),
        odd(GraphDefect::ScheduleId("berta@musterstadt.example".to_owned())),
        odd(GraphDefect::AvailabilityView("2222".to_owned() + &"2".repeat(332))),
        of_free_busy(FreeBusyDefect::None),
        of_free_busy(FreeBusyDefect::MergedOnly),
        of_free_busy(FreeBusyDefect::MergedWithoutEvents),
    ] {
        let simulator = start(scenario().fault(Fault::new(effect.clone()).operation("getSchedule")));
        let error = read(&client(&simulator), "anna").await.expect_err("never free");
        assert_eq!(error.kind(), ReadErrorKind::Malformed, "{effect:?}");
    }
    let odd_status = Fault::new(odd(GraphDefect::ShowAs("vielleicht".to_owned()))).operation("getSchedule");
    let free = hour(9).status(Status::Free);
    let anna = online("anna").entry(free);
    let simulator = start(Scenario::new().application(application()).mailbox(anna).fault(odd_status));
    let calendar = read(&client(&simulator), "anna").await.expect("a calendar");
    assert_eq!(calendar.entries()[0].status(), EntryStatus::Unknown);
}

#[tokio::test]
async fn a_mailbox_outside_the_scope_is_told_apart() {
    let application = optigov_exchange_simulator::Application::new(crate::support::APPLICATION)
        .secret(crate::support::SECRET)
        .reads(["berta@musterstadt.example"]);
    let simulator = start(Scenario::new().application(application).mailbox(online("anna")).mailbox(online("berta")));
    let client = client(&simulator);
    let error = read(&client, "anna").await.expect_err("denied");
    assert_eq!(error.kind(), ReadErrorKind::AccessDenied);
    assert!(read(&client, "berta").await.is_ok());
}
