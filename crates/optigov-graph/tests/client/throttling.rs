//! Throttling in Graph's shapes: who is told to wait waits, others go on, deadlines hold.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use optigov_calendar::{CalendarSource, ReadErrorKind};
use optigov_exchange_simulator::{Effect, Fault, Scenario, Shape, Throttling};

use crate::support::{Setup, application, mailbox, online, read, requests, start, week};

fn scenario(names: &[&str]) -> Scenario {
    names.iter().fold(Scenario::new().application(application()), |scenario, name| scenario.mailbox(online(name)))
}

fn refused(status: u16, code: &str, retry_after: &str) -> Effect {
    Effect::GraphError { status, code: code.to_owned(), retry_after: Some(retry_after.to_owned()) }
}

#[tokio::test]
async fn scenario_17_a_throttled_part_of_a_batch_waits_as_told_and_is_repeated_alone() {
    let throttled = Fault::new(refused(429, "ApplicationThrottled", "1")).mailbox("anna@musterstadt.example").first(1);
    let simulator = start(scenario(&["anna", "berta", "clara"]).fault(throttled));
    let client = Setup::of(&simulator).build();
    let began = Instant::now();
    let read = client.read(&["anna", "berta", "clara"].map(mailbox), week()).await;
    assert!(read.iter().all(Result::is_ok), "{read:?}");
    assert!(began.elapsed() >= Duration::from_secs(1));
    let views = requests(&simulator, "calendarView");
    let of = |name: &str| views.iter().filter(|view| view.mailbox().is_some_and(|m| m.starts_with(name))).count();
    assert_eq!((of("anna"), of("berta"), of("clara")), (2, 1, 1));
    assert_eq!(requests(&simulator, "$batch").len(), 1, "one part is repeated without a batch");
}

#[tokio::test]
async fn scenario_17_other_mailboxes_go_on_while_one_waits() {
    let throttled = Fault::new(refused(429, "TooManyRequests", "3600")).mailbox("anna@musterstadt.example");
    let simulator = start(scenario(&["anna", "berta"]).fault(throttled));
    let client = Setup::of(&simulator).build();
    let began = Instant::now();
    let error = read(&client, "anna").await.expect_err("a wait beyond the deadline");
    assert_eq!(error.kind(), ReadErrorKind::Throttled);
    assert_eq!(error.retry_after(), Some(Duration::from_secs(300)), "it is asked again after five minutes");
    assert!(read(&client, "berta").await.is_ok());
    let again = read(&client, "anna").await.expect_err("not asked");
    assert_eq!((again.kind(), again.step()), (ReadErrorKind::Throttled, None));
    assert!(again.retry_after().is_some_and(|wait| wait > Duration::from_secs(290)));
    assert_eq!(requests(&simulator, "calendarView").len(), 2);
    assert!(began.elapsed() < Duration::from_secs(30), "nobody waited");
}

#[tokio::test]
async fn every_shape_of_a_busy_server_is_waited_out() {
    for (status, code) in
        [(429, "ApplicationThrottled"), (503, "serviceNotAvailable"), (504, "gatewayTimeout"), (503, "ErrorServerBusy")]
    {
        let busy = Fault::new(refused(status, code, "1")).operation("calendarView").first(1);
        let simulator = start(scenario(&["anna"]).fault(busy));
        let client = Setup::of(&simulator).build();
        assert!(read(&client, "anna").await.is_ok(), "{status} {code}");
        assert_eq!(requests(&simulator, "calendarView").len(), 2);
    }
}

#[tokio::test]
async fn a_batch_that_is_throttled_as_a_whole_is_sent_again() {
    let busy = Fault::new(Effect::Throttled { shape: Shape::TooManyRequests, back_off: Some(Duration::from_secs(1)) });
    let simulator = start(scenario(&["anna", "berta"]).fault(busy.operation("$batch").first(1)));
    let client = Setup::of(&simulator).build();
    let read = client.read(&["anna", "berta"].map(mailbox), week()).await;
    assert!(read.iter().all(Result::is_ok), "{read:?}");
}

#[tokio::test]
async fn no_more_than_four_requests_are_at_work_at_a_time() {
    let names: Vec<String> = (0..12).map(|n| format!("person{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    // The simulator refuses the fifth.
    let slow = Fault::new(Effect::Delay(Duration::from_millis(30))).operation("calendarView");
    let policy = Throttling::new(Shape::ApplicationThrottled).in_flight(4);
    let simulator = start(scenario(&names).fault(slow).throttling(policy));
    let client = Setup::of(&simulator).build();
    let all: Vec<_> = names.iter().map(|name| mailbox(name)).collect();
    let single = join_all(names.iter().map(|name| read(&client, name)));
    let (single, batch) = tokio::join!(single, client.read(&all, week()));
    assert!(single.iter().chain(&batch).all(Result::is_ok));
    let answered = requests(&simulator, "calendarView").len();
    assert_eq!(answered, 24, "none was throttled, and so none was repeated");
}

#[tokio::test]
async fn the_deadline_of_a_call_holds_whatever_hangs() {
    let hung = Fault::new(Effect::Hang).mailbox("anna@musterstadt.example");
    let simulator = start(scenario(&["anna", "berta"]).fault(hung));
    let client = Setup::of(&simulator).route(|route| route.with_timeout(Duration::from_millis(500))).build();
    let began = Instant::now();
    let error = read(&client, "anna").await.expect_err("no answer");
    assert!(error.is_timeout() && began.elapsed() < Duration::from_secs(10), "{error:?}");
    assert!(read(&client, "berta").await.is_ok());
}
