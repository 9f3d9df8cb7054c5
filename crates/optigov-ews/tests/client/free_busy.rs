//! Free/busy of any number of mailboxes over any window.

use chrono::TimeDelta;
use optigov_calendar::{AllDayFlag, EntryStatus, Mailbox, ReadErrorKind, Step};
use optigov_exchange_simulator::{
    Account, AnchorLookup, Contradiction, Effect, Entry, Fault, FreeBusyDefect, Mailbox as SimulatedMailbox,
    Permission, Scenario, Simulator, Status,
};

use crate::support::{
    PASSWORD, Reply, Scripted, Setup, anna, berta, beside_proofs, envelope, interval, span, utc, window,
};

fn addresses(count: usize) -> Vec<Mailbox> {
    (0..count)
        .map(|number| Mailbox::parse(&format!("person-{number}@musterstadt.example")).expect("an address"))
        .collect()
}

fn scenario(mailboxes: &[Mailbox], entry: impl Fn(usize) -> Entry) -> Scenario {
    let account = Account::new("svc-optigov").password(PASSWORD);
    mailboxes.iter().enumerate().fold(Scenario::new().account(account), |scenario, (number, mailbox)| {
        let mailbox = SimulatedMailbox::new(mailbox.as_str()).default_permission(Permission::AvailabilityOnly);
        scenario.mailbox(mailbox.entry(entry(number)))
    })
}

/// An hour that begins a minute later for each mailbox, so that results are told apart.
fn hour(number: usize) -> Entry {
    let start = utc("2026-11-24T09:00:00Z") + TimeDelta::minutes(i64::try_from(number).expect("small"));
    Entry::timed(start, start + TimeDelta::hours(1)).subject("Streng geheim").status(Status::OutOfOffice)
}

#[tokio::test]
async fn a_hundred_mailboxes_go_into_one_request() {
    let mailboxes = addresses(250);
    let simulator = Simulator::start(scenario(&mailboxes, hour)).expect("a simulator");
    let client = Setup::of(&simulator).build();
    let results = client.free_busy(&mailboxes, window()).await;
    assert_eq!(beside_proofs(&simulator).len(), 3);
    assert!(beside_proofs(&simulator).iter().all(|request| !request.body().contains("ExchangeImpersonation")));
    assert_eq!(results.len(), mailboxes.len(), "one result per mailbox");
    for (number, calendar) in results.into_iter().enumerate() {
        let calendar = calendar.expect("a calendar");
        assert_eq!(calendar.all_day_flag(), AllDayFlag::Guessed);
        assert_eq!(calendar.entries().len(), 1);
        let entry = calendar.entries()[0];
        let start = utc("2026-11-24T09:00:00Z") + TimeDelta::minutes(i64::try_from(number).expect("small"));
        assert_eq!((span(entry).start(), entry.status()), (start, EntryStatus::OutOfOffice), "in the order asked for");
    }
}

#[tokio::test]
async fn a_window_that_is_too_long_is_split_and_the_limit_remembered() {
    let mailboxes = addresses(1);
    let weekly = |number| hour(number).zone(chrono_tz::UTC).recurs("FREQ=WEEKLY");
    let simulator = Simulator::start(scenario(&mailboxes, weekly).free_busy_days(21)).expect("a simulator");
    let client = Setup::of(&simulator).build();
    let year = async || {
        let before = beside_proofs(&simulator).len();
        let mut results = client.free_busy(&mailboxes, interval("2026-11-23T00:00:00Z", "2027-11-22T00:00:00Z")).await;
        let entries = results.remove(0).expect("a calendar").into_entries();
        assert_eq!(entries.len(), 52);
        let starts: Vec<_> = entries.into_iter().map(|entry| span(entry).start()).collect();
        assert!(starts.windows(2).all(|pair| pair[1] - pair[0] == TimeDelta::days(7)));
        beside_proofs(&simulator).len() - before
    };
    assert_eq!(year().await, 1 + 18, "one request is refused, then 364 days in pieces of 21");
    assert_eq!(year().await, 18, "the limit is remembered");
}

#[tokio::test]
async fn what_concerns_one_mailbox_is_its_result_only() {
    let mailboxes = [anna(), berta(), Mailbox::parse("niemand@musterstadt.example").expect("an address")];
    let scenario = Scenario::new()
        .account(Account::new("svc-optigov").password(PASSWORD))
        .mailbox(
            SimulatedMailbox::new("anna@musterstadt.example")
                .default_permission(Permission::AvailabilityOnly)
                .entry(hour(0)),
        )
        .mailbox(SimulatedMailbox::new("berta@musterstadt.example").default_permission(Permission::None));
    let simulator = Simulator::start(scenario).expect("a simulator");
    let results = Setup::of(&simulator).build().free_busy(&mailboxes, window()).await;
    let kinds: Vec<_> = results.iter().map(|result| result.as_ref().err().map(|error| error.kind())).collect();
    assert_eq!(kinds, [None, Some(ReadErrorKind::AccessDenied), Some(ReadErrorKind::MailboxNotFound)]);
    let requests = beside_proofs(&simulator);
    for error in results.iter().filter_map(|result| result.as_ref().err()) {
        assert_eq!(error.request_id(), requests[0].header("client-request-id"), "the shared request's id");
        assert_eq!(error.step(), Some(Step::Calendar));
        assert!(error.code().is_some());
    }
}

/// An answer about one mailbox with these events.
fn answer(events: &[(&str, &str)]) -> String {
    answers(1, events)
}

/// An answer about so many mailboxes, each with these events.
fn answers(mailboxes: usize, events: &[(&str, &str)]) -> String {
    let event = |(start, end): &(&str, &str)| {
        format!(
            "<t:CalendarEvent><t:StartTime>{start}</t:StartTime><t:EndTime>{end}</t:EndTime><t:BusyType>Busy</t:BusyType></t:CalendarEvent>"
        )
    };
    let events: String = events.iter().map(event).collect();
    let response = format!(
        "<FreeBusyResponse><ResponseMessage ResponseClass=\"Success\"><ResponseCode>NoError</ResponseCode></ResponseMessage>\
         <FreeBusyView><t:FreeBusyViewType>FreeBusy</t:FreeBusyViewType><t:CalendarEventArray>{events}</t:CalendarEventArray>\
         </FreeBusyView></FreeBusyResponse>"
    );
    envelope(&format!(
        "<GetUserAvailabilityResponse xmlns:t=\"x\"><FreeBusyResponseArray>{}</FreeBusyResponseArray></GetUserAvailabilityResponse>",
        response.repeat(mailboxes)
    ))
}

#[tokio::test]
async fn times_without_offset_are_utc_and_what_leaks_past_the_window_is_dropped() {
    let leaking = answer(&[
        ("2026-11-30T09:00:00", "2026-11-30T10:00:00"),
        ("2026-11-29T23:00:00", "2026-11-30T01:00:00"),
        ("2026-11-24T09:00:00", "2026-11-24T10:00:00"),
        ("2026-11-20T09:00:00", "2026-11-23T00:00:00"),
    ]);
    let server = Scripted::start(move |_, _| Reply::ok(leaking.clone())).await;
    let results = server.client().build().free_busy(&[anna()], window()).await;
    let calendar = results[0].as_ref().expect("a calendar");
    let starts: Vec<_> = calendar.entries().iter().map(|entry| span(*entry).start()).collect();
    assert_eq!(starts, [utc("2026-11-24T09:00:00Z"), utc("2026-11-29T23:00:00Z")]);
    assert!(server.received()[0].body.contains("<t:TimeZone><t:Bias>0</t:Bias>"));
}

#[tokio::test]
async fn what_lies_across_two_pieces_comes_once_and_a_failed_piece_is_no_free_time() {
    let server = Scripted::start(|_, _| Reply::ok(answer(&[("2027-01-04T00:00:00", "2027-01-08T00:00:00")]))).await;
    let client = server.client().build();
    let results = client.free_busy(&[anna()], interval("2026-11-23T00:00:00Z", "2027-02-01T00:00:00Z")).await;
    assert_eq!(results[0].as_ref().expect("a calendar").entries().len(), 1);
    assert_eq!(server.count(), 2);

    let broken = Scripted::start(|number, _| match number {
        0 => Reply::ok(answer(&[])),
        _ => Reply::ok(answer(&[("gestern", "morgen")])),
    })
    .await;
    let client = broken.client().build();
    let results = client.free_busy(&[anna()], interval("2026-11-23T00:00:00Z", "2027-02-01T00:00:00Z")).await;
    assert_eq!(results[0].as_ref().expect_err("half of it").kind(), ReadErrorKind::Malformed);
}

#[tokio::test]
async fn one_failed_request_leaves_the_results_of_the_others() {
    let server = Scripted::start(|_, request| match request.body.contains("person-0@") {
        true => Reply::status(502, ""),
        false => Reply::ok(answers(request.body.matches("<t:MailboxData>").count(), &[])),
    })
    .await;
    let client = server.client().build();
    let results = client.free_busy(&addresses(203), window()).await;
    let read: Vec<_> = results.iter().map(|result| result.is_ok()).collect();
    assert_eq!(read, [vec![false; 100], vec![true; 103]].concat());
    let errors: Vec<_> = results.iter().filter_map(|result| result.as_ref().err()).collect();
    assert_eq!((errors[0].kind(), errors[0].http_status()), (ReadErrorKind::Gateway, Some(502)));
    assert!(errors[0].request_id().is_some());
    assert!(errors.iter().all(|error| *error == errors[0]), "an error of a request is that of every mailbox in it");
    assert!(client.free_busy(&addresses(1), window()).await[0].is_err());
    assert!(client.free_busy(&[], window()).await.is_empty(), "nothing was asked");
}

#[tokio::test]
async fn windows_of_any_length_are_asked_in_a_way_that_the_server_takes() {
    let mailboxes = addresses(1);
    let simulator = Simulator::start(scenario(&mailboxes, hour)).expect("a simulator");
    let client = Setup::of(&simulator).build();
    let start = utc("2026-11-24T09:30:00Z");
    let lengths = [1, 60, 4 * 60 + 59, 300, 30 * 60, 59 * 60, 3_599, 3_600, 86_400, 42 * 86_400, 42 * 86_400 + 1_800];
    for seconds in lengths {
        let window = optigov_slots::Interval::new(start, start + TimeDelta::seconds(seconds)).expect("not empty");
        let before = beside_proofs(&simulator).len();
        let results = client.free_busy(&mailboxes, window).await;
        assert_eq!(results[0].as_ref().expect("a calendar").entries().len(), 1, "{seconds} s");
        assert_eq!(beside_proofs(&simulator).len() - before, if seconds > 42 * 86_400 { 2 } else { 1 }, "{seconds} s");
    }
}

#[tokio::test]
async fn a_widened_window_brings_nothing_from_outside_the_one_asked_for() {
    let mailboxes = addresses(1);
    let simulator = Simulator::start(scenario(&mailboxes, hour)).expect("a simulator");
    let minute = interval("2026-11-24T08:57:00Z", "2026-11-24T08:58:00Z");
    let results = Setup::of(&simulator).build().free_busy(&mailboxes, minute).await;
    assert!(results[0].as_ref().expect("a calendar").entries().is_empty());
}

/// What a group of two becomes where free/busy of the first is odd in this way.
async fn odd(defect: FreeBusyDefect) -> [Option<ReadErrorKind>; 2] {
    let mailboxes = addresses(2);
    let fault = Fault::new(Effect::FreeBusy(defect)).mailbox(mailboxes[0].as_str());
    let simulator = Simulator::start(scenario(&mailboxes, hour).fault(fault)).expect("a simulator");
    let results = Setup::of(&simulator).build().free_busy(&mailboxes, window()).await;
    [0, 1].map(|at| results[at].as_ref().err().map(|error| error.kind()))
}

#[tokio::test]
async fn what_says_less_than_the_events_is_not_free() {
    let (denied, malformed) = (Some(ReadErrorKind::AccessDenied), Some(ReadErrorKind::Malformed));
    assert_eq!(odd(FreeBusyDefect::None).await, [denied, None]);
    assert_eq!(odd(FreeBusyDefect::MergedOnly).await, [denied, None]);
    assert_eq!(odd(FreeBusyDefect::MergedWithoutEvents).await, [malformed, None]);
    assert_eq!(odd(FreeBusyDefect::BusyMerged).await, [malformed, None]);
    assert_eq!(odd(FreeBusyDefect::UnknownViewType("Everything".to_owned())).await, [malformed, None]);
    assert_eq!(odd(FreeBusyDefect::LeakingSeries).await, [None, None]);
}

#[tokio::test]
async fn free_busy_that_contradicts_itself_is_malformed() {
    use Contradiction::{Status, TwoEnds, TwoMessages, TwoResponseCodes, TwoStarts, TwoViews};
    let mailboxes = addresses(2);
    for contradiction in [TwoMessages, TwoResponseCodes, TwoViews, TwoStarts, TwoEnds, Status(500)] {
        let fault = Fault::new(Effect::Contradiction(contradiction.clone()));
        let simulator = Simulator::start(scenario(&mailboxes, hour).fault(fault)).expect("a simulator");
        for result in Setup::of(&simulator).build().free_busy(&mailboxes, window()).await {
            assert_eq!(result.expect_err("not free").kind(), ReadErrorKind::Malformed, "{contradiction:?}");
        }
    }
}

#[tokio::test]
async fn one_address_that_the_front_end_does_not_find_costs_one_mailbox() {
    for lookup in [AnchorLookup::Fault("ErrorNonExistentMailbox".to_owned()), AnchorLookup::Status(404)] {
        let mut mailboxes = addresses(100);
        let scenario = scenario(&mailboxes, hour).anchor_lookup(lookup.clone());
        mailboxes[0] = Mailbox::parse("niemand@musterstadt.example").expect("an address");
        let simulator = Simulator::start(scenario).expect("a simulator");
        let results = Setup::of(&simulator).build().free_busy(&mailboxes, window()).await;
        let error = results[0].as_ref().expect_err("nobody");
        assert_eq!((error.kind(), error.step()), (ReadErrorKind::MailboxNotFound, Some(Step::Calendar)), "{lookup:?}");
        assert!(results[1..].iter().all(|result| result.is_ok()), "{lookup:?}");
        assert_eq!(beside_proofs(&simulator).len(), 13, "1 for the group, 2 for each time that it is halved");
    }
}

#[tokio::test]
async fn an_address_that_answers_nobody_is_not_asked_about_every_mailbox() {
    let server = Scripted::start(|_, _| Reply::status(404, "")).await;
    let results = server.client().build().free_busy(&addresses(100), window()).await;
    assert!(
        results.iter().all(|result| result.as_ref().is_err_and(|error| error.kind() == ReadErrorKind::NotTheService))
    );
    assert!(server.count() <= 20, "{} requests", server.count());
}

#[tokio::test]
async fn a_refusal_of_windows_that_passes_leaves_nothing_behind() {
    let mailboxes = addresses(1);
    let passing = Fault::new(Effect::ResponseCode("ErrorTimeIntervalTooBig".to_owned()));
    let simulator = Simulator::start(scenario(&mailboxes, hour).fault(passing)).expect("a simulator");
    let client = Setup::of(&simulator).build();
    let month = interval("2026-11-10T00:00:00Z", "2026-12-10T00:00:00Z");
    assert!(client.free_busy(&mailboxes, month).await[0].is_err(), "a day is too long as well");
    simulator.update(Scenario::clear_faults).expect("the scenario holds");
    let before = beside_proofs(&simulator).len();
    assert!(client.free_busy(&mailboxes, month).await[0].is_ok());
    assert_eq!(beside_proofs(&simulator).len() - before, 1);
}

#[tokio::test]
async fn a_learned_window_grows_again() {
    let mailboxes = addresses(1);
    let simulator = Simulator::start(scenario(&mailboxes, hour).free_busy_days(21)).expect("a simulator");
    let client = Setup::of(&simulator).build();
    let weeks = interval("2026-11-10T00:00:00Z", "2026-12-22T00:00:00Z");
    let cost = async || {
        let before = beside_proofs(&simulator).len();
        assert!(client.free_busy(&mailboxes, weeks).await[0].is_ok());
        beside_proofs(&simulator).len() - before
    };
    assert_eq!((cost().await, cost().await), (3, 2));
    simulator.update(|scenario| *scenario = scenario.clone().free_busy_days(42)).expect("the scenario holds");
    let mut costs = Vec::new();
    while costs.last() != Some(&1) && costs.len() < 100 {
        costs.push(cost().await);
    }
    assert!(costs.len() < 40, "{costs:?}");
    assert_eq!(cost().await, 1);
}
