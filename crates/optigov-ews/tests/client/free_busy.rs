//! Free/busy of any number of mailboxes over any window.

use chrono::TimeDelta;
use optigov_ews::{Credentials, EwsClient, EwsClientBuilder, FreeBusyStatus, Kind, Mailbox};
use optigov_exchange_simulator::{
    Account, Entry, Mailbox as SimulatedMailbox, Permission, Scenario, Simulator, Status,
};

use crate::support::{END, PASSWORD, Reply, START, Scripted, anna, berta, envelope, utc};

fn addresses(count: usize) -> Vec<Mailbox> {
    (0..count)
        .map(|number| Mailbox::parse(&format!("person-{number}@musterstadt.example")).expect("an address"))
        .collect()
}

fn scenario(mailboxes: &[Mailbox], entry: impl Fn() -> Entry) -> Scenario {
    let account = Account::new("svc-optigov").password(PASSWORD);
    mailboxes.iter().fold(Scenario::new().account(account), |scenario, mailbox| {
        scenario.mailbox(
            SimulatedMailbox::new(mailbox.as_str()).default_permission(Permission::AvailabilityOnly).entry(entry()),
        )
    })
}

fn client(simulator: &Simulator) -> EwsClientBuilder {
    let builder = EwsClient::builder(&simulator.url()).only_given_roots().root_certificates_pem(simulator.ca_pem());
    builder.credentials(Credentials::basic("svc-optigov", PASSWORD))
}

fn hour() -> Entry {
    Entry::timed(utc("2026-11-24T09:00:00Z"), utc("2026-11-24T10:00:00Z"))
        .subject("Streng geheim")
        .status(Status::OutOfOffice)
}

#[tokio::test]
async fn a_hundred_mailboxes_go_into_one_request() {
    let mailboxes = addresses(250);
    let simulator = Simulator::start(scenario(&mailboxes, hour)).expect("a simulator");
    let client = client(&simulator).build().expect("a client");
    let results = client.free_busy(&mailboxes, utc(START), utc(END)).await.expect("results");
    assert_eq!(simulator.requests().len(), 3);
    assert!(simulator.requests().iter().all(|request| !request.body().contains("ExchangeImpersonation")));
    assert!(results.iter().map(|(mailbox, _)| mailbox).eq(&mailboxes), "in the order asked for");
    for (_, events) in results {
        let events = events.expect("events");
        assert_eq!(events.len(), 1);
        assert_eq!((events[0].start(), events[0].status()), (utc("2026-11-24T09:00:00Z"), FreeBusyStatus::OutOfOffice));
    }
}

#[tokio::test]
async fn a_window_that_is_too_long_is_split_and_the_limit_remembered() {
    let mailboxes = addresses(1);
    let weekly = || hour().zone(chrono_tz::UTC).recurs("FREQ=WEEKLY");
    let simulator = Simulator::start(scenario(&mailboxes, weekly).free_busy_days(21)).expect("a simulator");
    let client = client(&simulator).build().expect("a client");
    let year = async || {
        let before = simulator.requests().len();
        let results = client
            .free_busy(&mailboxes, utc("2026-11-23T00:00:00Z"), utc("2027-11-22T00:00:00Z"))
            .await
            .expect("results");
        let (_, events) = results.into_iter().next().expect("one result");
        let events = events.expect("events");
        assert_eq!(events.len(), 52);
        assert!(events.windows(2).all(|pair| pair[1].start() - pair[0].start() == TimeDelta::days(7)));
        simulator.requests().len() - before
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
                .entry(hour()),
        )
        .mailbox(SimulatedMailbox::new("berta@musterstadt.example").default_permission(Permission::None));
    let simulator = Simulator::start(scenario).expect("a simulator");
    let results = client(&simulator)
        .build()
        .expect("a client")
        .free_busy(&mailboxes, utc(START), utc(END))
        .await
        .expect("results");
    let kinds: Vec<_> = results.iter().map(|(_, result)| result.as_ref().err().map(|error| error.kind())).collect();
    assert_eq!(kinds, [None, Some(Kind::AccessDenied), Some(Kind::MailboxNotFound)]);
}

/// An answer about one mailbox with these events.
fn answer(events: &[(&str, &str)]) -> String {
    let event = |(start, end): &(&str, &str)| {
        format!(
            "<t:CalendarEvent><t:StartTime>{start}</t:StartTime><t:EndTime>{end}</t:EndTime><t:BusyType>Busy</t:BusyType></t:CalendarEvent>"
        )
    };
    let events: String = events.iter().map(event).collect();
    envelope(&format!(
        "<GetUserAvailabilityResponse xmlns:t=\"x\"><FreeBusyResponseArray><FreeBusyResponse><ResponseMessage ResponseClass=\"Success\">\
         <ResponseCode>NoError</ResponseCode></ResponseMessage><FreeBusyView><t:FreeBusyViewType>FreeBusy</t:FreeBusyViewType>\
         <t:CalendarEventArray>{events}</t:CalendarEventArray></FreeBusyView></FreeBusyResponse></FreeBusyResponseArray>\
         </GetUserAvailabilityResponse>"
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
    let results =
        server.client().build().expect("a client").free_busy(&[anna()], utc(START), utc(END)).await.expect("results");
    let starts: Vec<_> = results[0].1.as_ref().expect("events").iter().map(|event| event.start()).collect();
    assert_eq!(starts, [utc("2026-11-24T09:00:00Z"), utc("2026-11-29T23:00:00Z")]);
    assert!(server.received()[0].body.contains("<t:TimeZone><t:Bias>0</t:Bias>"));
}

#[tokio::test]
async fn what_lies_across_two_pieces_comes_once_and_a_failed_piece_is_no_free_time() {
    let server = Scripted::start(|_, _| Reply::ok(answer(&[("2027-01-04T00:00:00", "2027-01-08T00:00:00")]))).await;
    let client = server.client().build().expect("a client");
    let results = client.free_busy(&[anna()], utc(START), utc("2027-02-01T00:00:00Z")).await.expect("results");
    assert_eq!(results[0].1.as_ref().expect("events").len(), 1);
    assert_eq!(server.count(), 2);

    let broken = Scripted::start(|number, _| match number {
        0 => Reply::ok(answer(&[])),
        _ => Reply::ok(answer(&[("gestern", "morgen")])),
    })
    .await;
    let client = broken.client().build().expect("a client");
    let results = client.free_busy(&[anna()], utc(START), utc("2027-02-01T00:00:00Z")).await.expect("results");
    assert_eq!(results[0].1.as_ref().expect_err("half of it").kind(), Kind::Malformed);
}

#[tokio::test]
async fn one_failed_request_leaves_the_results_of_the_others() {
    let server = Scripted::start(|_, request| match request.body.contains("person-0@") {
        true => Reply::status(502, ""),
        false => Reply::ok(answer(&[])),
    })
    .await;
    let client = server.client().mailboxes_per_request(1).build().expect("a client");
    let results = client.free_busy(&addresses(3), utc(START), utc(END)).await.expect("results");
    assert_eq!(results.iter().map(|(_, result)| result.is_ok()).collect::<Vec<_>>(), [false, true, true]);
    assert!(client.free_busy(&addresses(1), utc(START), utc(END)).await.is_err(), "nothing was answered");
    assert!(client.free_busy(&[], utc(START), utc(END)).await.expect("nothing was asked").is_empty());
}
