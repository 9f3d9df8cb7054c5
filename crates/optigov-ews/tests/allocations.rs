//! Memory is bounded by what is returned, not by how much is read.

use std::fmt::Write;

use allocation_counter::measure;
use chrono::{DateTime, Utc};
use optigov_calendar::{Mailbox, Route};
use optigov_ews::{Credentials, EwsClient, wire};
use optigov_exchange_simulator::{Account, Effect, Entry, Fault, Mailbox as SimulatedMailbox, Scenario, Simulator};
use optigov_slots::Interval;

fn instant(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_420_800 + seconds, 0).expect("an instant")
}

/// An answer with so many items and some text in each that nobody asked for.
fn answer(items: usize, unasked: usize) -> Vec<u8> {
    let mut text = String::from(
        "<Envelope><Body><FindItemResponse><ResponseMessages><FindItemResponseMessage><ResponseCode>NoError</ResponseCode>\
         <RootFolder IncludesLastItemInRange=\"true\"><Items>",
    );
    for number in 0..items {
        write!(
            text,
            "<CalendarItem><ItemId Id=\"AAMk{number:0100}\"/><Start>2026-11-24T09:00:00Z</Start><End>2026-11-24T10:00:00Z</End>\
             <LegacyFreeBusyStatus>Busy</LegacyFreeBusyStatus><Body>{}</Body></CalendarItem>",
            "x".repeat(unasked)
        )
        .expect("text can be written");
    }
    (text + "</Items></RootFolder></FindItemResponseMessage></ResponseMessages></FindItemResponse></Body></Envelope>")
        .into_bytes()
}

#[test]
fn reading_an_item_allocates_nothing() {
    let bytes = answer(1_000, 0);
    let counted = measure(|| drop(wire::view(&bytes)));
    assert!(counted.count_total < 60, "{} allocations", counted.count_total);
    let talkative = answer(1_000, 5_000);
    let with_text = measure(|| drop(wire::view(&talkative)));
    assert_eq!(with_text.bytes_max, counted.bytes_max, "what was not asked for is passed over where it lies");
}

#[test]
fn memory_does_not_grow_with_the_number_of_mailboxes() {
    let mailboxes: Vec<_> = (0..60)
        .map(|number| Mailbox::parse(&format!("person-{number}@musterstadt.example")).expect("an address"))
        .collect();
    let account = Account::new("svc-optigov").password("geheim-4711").impersonates_everybody();
    let scenario = mailboxes.iter().fold(Scenario::new().account(account), |scenario, mailbox| {
        let entries = (0..200).map(|number| Entry::timed(instant(3_600 * number), instant(3_600 * number + 1_800)));
        scenario.mailbox(SimulatedMailbox::new(mailbox.as_str()).entries(entries))
    });
    let simulator = Simulator::start(scenario).expect("a simulator");
    let route = Route::new(&simulator.url()).expect("a URL").with_only_given_roots();
    let route = route.with_root_certificates(simulator.ca_pem().as_bytes()).expect("a root");
    let window = Interval::new(instant(0), instant(14 * 86_400)).expect("not empty");
    let client = EwsClient::builder(route)
        .credentials(Credentials::basic("svc-optigov", "geheim-4711"))
        .build()
        .expect("a client");
    // The counter is this thread's: the client runs on it, the simulator on its own.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let most = |mailboxes: &[Mailbox]| {
        let read = async {
            for mailbox in mailboxes {
                let calendar = client.impersonate(mailbox).calendar_view(window).await.expect("a view");
                assert_eq!(calendar.entries().len(), 200);
            }
        };
        measure(|| runtime.block_on(read)).bytes_max
    };
    most(&mailboxes[..5]);
    let (few, many) = (most(&mailboxes[..5]), most(&mailboxes));
    assert!(many < few + few / 2, "{few} bytes for 5 mailboxes, {many} for 60");
}

const MEBIBYTE: u64 = 1 << 20;

#[test]
fn what_an_answer_becomes_is_bounded_whatever_its_size() {
    let long_ids = answer(1_000, 0)
        .split(|byte| *byte == b'"')
        .map(|part| if part.starts_with(b"AAMk") { "A".repeat(64_000).into_bytes() } else { part.to_vec() })
        .collect::<Vec<_>>()
        .join(&b'"');
    assert!(long_ids.len() as u64 > 60 * MEBIBYTE);
    let kept = measure(|| assert_eq!(wire::view(&long_ids).expect("a view").len(), 1_000));
    assert!(kept.bytes_max < MEBIBYTE / 2, "{} bytes for long ids", kept.bytes_max);

    let many = answer(200_000, 0);
    let kept = measure(|| assert!(wire::view(&many).is_err()));
    assert!(kept.bytes_max < MEBIBYTE / 2, "{} bytes for more items than were asked for", kept.bytes_max);

    let event = "<CalendarEvent><StartTime>2026-11-24T09:00:00</StartTime><EndTime>2026-11-24T10:00:00</EndTime></CalendarEvent>";
    let events = format!(
        "<Envelope><Body><GetUserAvailabilityResponse><FreeBusyResponseArray><FreeBusyResponse><ResponseMessage>\
         <ResponseCode>NoError</ResponseCode></ResponseMessage><FreeBusyView><FreeBusyViewType>FreeBusy</FreeBusyViewType>\
         <CalendarEventArray>{}</CalendarEventArray></FreeBusyView></FreeBusyResponse></FreeBusyResponseArray>\
         </GetUserAvailabilityResponse></Body></Envelope>",
        event.repeat(400_000)
    );
    let kept = measure(|| assert!(wire::free_busy(events.as_bytes(), 1).expect("one result")[0].is_err()));
    assert!(kept.bytes_max < 8 * MEBIBYTE, "{} bytes for too many events", kept.bytes_max);
}

/// Every answer about one mailbox has 64 MiB.
#[test]
fn a_mailbox_that_answers_without_end_takes_little_more_than_one_answer() {
    const BODY: u64 = 64 * MEBIBYTE;
    let entry = Entry::timed(instant(0), instant(3_600));
    let account = Account::new("svc-optigov").password("geheim-4711").impersonates_everybody();
    let scenario = Scenario::new()
        .account(account)
        .mailbox(SimulatedMailbox::new("anna@musterstadt.example").entry(entry))
        .fault(Fault::new(Effect::ManyItems(BODY)));
    let simulator = Simulator::start(scenario).expect("a simulator");
    let route = Route::new(&simulator.url()).expect("a URL").with_only_given_roots();
    let route = route.with_root_certificates(simulator.ca_pem().as_bytes()).expect("a root");
    let route = route.with_max_response_bytes(usize::MAX.try_into().expect("not zero"));
    let route = route.with_timeout(std::time::Duration::from_secs(120));
    let client = EwsClient::builder(route)
        .credentials(Credentials::basic("svc-optigov", "geheim-4711"))
        .build()
        .expect("a client");
    let anna = Mailbox::parse("anna@musterstadt.example").expect("an address");
    let window = Interval::new(instant(0), instant(14 * 86_400)).expect("not empty");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let read = async { assert!(client.impersonate(&anna).calendar_view(window).await.is_err()) };
    let most = measure(|| runtime.block_on(read)).bytes_max;
    assert!(most < 3 * BODY, "{} MiB for an answer of 64 MiB", most / MEBIBYTE);
}
