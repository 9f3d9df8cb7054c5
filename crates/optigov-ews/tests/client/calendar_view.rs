//! What a calendar view promises: it is whole, it is the window's, it is the mailbox's, or it is an error.

use std::{
    collections::HashSet,
    num::{NonZeroU32, NonZeroUsize},
    time::Duration,
};

use chrono::TimeDelta;
use optigov_calendar::{
    AllDayFlag, ConnectingId, EntryStatus, EntryTime, EwsSettings, Language, Mailbox, ReadErrorKind, RequestVersion,
    UnexpandedSeries,
};
use optigov_ews::EwsClient;
use optigov_exchange_simulator::{
    Account, Contradiction, Effect, Entry, Fault, Mailbox as SimulatedMailbox, Scenario, Simulator,
};

use optigov_slots::Interval;

use crate::support::{
    PASSWORD, Reply, Scripted, Setup, anna, beside_proofs, interval, item, read, refusal, span, utc, view, window,
};

#[tokio::test]
async fn a_view_is_sorted_deduplicated_and_holds_only_what_overlaps_the_window() {
    let items = [
        item(
            "b",
            "2026-11-24T09:00:00Z",
            "2026-11-24T10:00:00Z",
            "<t:LegacyFreeBusyStatus>OOF</t:LegacyFreeBusyStatus>",
        ),
        item("a", "2026-11-22T09:00:00+01:00", "2026-11-23T01:00:00", "<t:IsCancelled>1</t:IsCancelled>"),
        item(
            "b",
            "2026-11-24T09:00:00Z",
            "2026-11-24T10:00:00Z",
            "<t:LegacyFreeBusyStatus>OOF</t:LegacyFreeBusyStatus>",
        ),
        item("touches", "2026-11-22T23:00:00Z", "2026-11-23T00:00:00Z", ""),
        item("outside", "2026-12-01T00:00:00Z", "2026-12-02T00:00:00Z", ""),
        item("empty", "2026-11-24T09:00:00Z", "2026-11-24T09:00:00Z", ""),
    ];
    let server = Scripted::start(move |_, _| Reply::ok(view(&items.concat(), "1"))).await;
    let items = read(&server.client().build(), &anna()).await.expect("a view");
    assert_eq!(items.len(), 2);
    assert_eq!(span(items[0]), interval("2026-11-22T08:00:00Z", "2026-11-23T01:00:00Z"));
    assert!(items[0].is_cancelled());
    assert_eq!(items[0].status(), EntryStatus::Unknown);
    assert_eq!(items[1].status(), EntryStatus::OutOfOffice);
    assert_eq!(server.count(), 1);
}

#[tokio::test]
async fn a_view_that_the_server_always_cuts_ends_in_an_error() {
    let server = Scripted::start(|_, _| Reply::ok(view("", "false"))).await;
    let error = read(&server.client().build(), &anna()).await.expect_err("no view");
    assert_eq!(error.kind(), ReadErrorKind::LimitReached);
    assert!(server.count() <= 30, "{} requests", server.count());
}

#[tokio::test]
async fn the_bound_on_requests_ends_in_an_error_that_names_it() {
    let server = Scripted::start(|_, _| Reply::ok(view("", "false"))).await;
    let client = server.client().settings(|settings| settings.requests_per_call = number(5)).build();
    let error = read(&client, &anna()).await.expect_err("no view");
    assert_eq!(error.to_string(), "the calendar cannot be read whole with 5 requests");
    assert_eq!(server.count(), 5);
}

fn number(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).expect("not zero")
}

#[tokio::test]
async fn the_bound_on_entries_ends_in_an_error_that_names_it() {
    let nine = |id: &str| item(id, "2026-11-24T09:00:00Z", "2026-11-24T10:00:00Z", "");
    let items = [nine("a"), nine("b"), nine("a"), nine("b")].concat();
    let server = Scripted::start(move |_, _| Reply::ok(view(&items, "true"))).await;
    let bounded = |most| server.client().settings(|settings| settings.entries_per_call = number(most)).build();
    assert_eq!(read(&bounded(2), &anna()).await.expect("what comes twice counts once").len(), 2);
    let error = read(&bounded(1), &anna()).await.expect_err("two entries");
    assert_eq!(error.kind(), ReadErrorKind::LimitReached);
    assert_eq!(error.to_string(), "the calendar holds more than 1 entries in the window");
}

/// A simulated Exchange whose mailbox has a half-hour appointment every two hours.
fn busy_calendar(appointments: i64) -> (Simulator, EwsClient) {
    let entry = |number| {
        let start = utc("2024-01-01T00:00:00Z") + TimeDelta::hours(2 * number);
        // Each is a series of one, which shows that the server expands series.
        Entry::timed(start, start + TimeDelta::minutes(30)).subject("Streng geheim").recurs("FREQ=DAILY;COUNT=1")
    };
    let simulator = Simulator::start(
        Scenario::new()
            .account(Account::new("svc-optigov").password(PASSWORD).impersonates(["anna@musterstadt.example"]))
            .mailbox(SimulatedMailbox::new("anna@musterstadt.example").entries((0..appointments).map(entry))),
    )
    .expect("a simulator");
    let client = Setup::of(&simulator).settings(|settings| settings.entries_per_answer = number(100)).build();
    (simulator, client)
}

#[tokio::test]
async fn scenario_12_a_cut_view_is_split_until_it_is_whole() {
    let (simulator, client) = busy_calendar(500);
    let view = client
        .impersonate(&anna())
        .calendar_view(interval("2023-12-01T00:00:00Z", "2025-01-01T00:00:00Z"))
        .await
        .expect("a view");
    let starts: Vec<_> = view.entries().iter().map(|entry| span(*entry).start()).collect();
    assert_eq!(starts.len(), 500);
    assert_eq!(starts.iter().collect::<HashSet<_>>().len(), 500);
    assert!(starts.is_sorted());
    assert_eq!(view.all_day_flag(), AllDayFlag::Known);
    assert!(beside_proofs(&simulator).len() < 40, "{} requests", beside_proofs(&simulator).len());
}

#[tokio::test]
async fn a_window_of_many_years_is_read_in_views_that_the_server_takes() {
    let (simulator, client) = busy_calendar(50);
    let view = client
        .impersonate(&anna())
        .calendar_view(interval("2020-01-01T00:00:00Z", "2030-01-01T00:00:00Z"))
        .await
        .expect("a view");
    assert_eq!(view.entries().len(), 50);
    assert_eq!(beside_proofs(&simulator).len(), 6);
}

#[tokio::test]
async fn the_mailbox_is_named_in_header_folder_and_anchor() {
    let server = Scripted::start(|_, _| Reply::ok(view("", "true"))).await;
    let ids = [
        (ConnectingId::PrimarySmtpAddress, "<t:PrimarySmtpAddress>anna@musterstadt.example<"),
        (ConnectingId::SmtpAddress, "<t:SmtpAddress>anna@musterstadt.example<"),
    ];
    for (number, (id, header)) in ids.into_iter().enumerate() {
        let client = server.client().settings(|settings| settings.connecting_id = id).build();
        read(&client, &anna()).await.expect("a view");
        assert_eq!(client.server_version().map(|version| version.to_string()).as_deref(), Some("15.2.1544.9"));
        let request = server.received().swap_remove(number);
        assert!(request.body.contains(header), "{}", request.body);
        assert!(
            request.body.contains(
                "<t:DistinguishedFolderId Id=\"calendar\"><t:Mailbox><t:EmailAddress>anna@musterstadt.example<"
            )
        );
        assert_eq!(request.header("x-anchormailbox"), "anna@musterstadt.example");
        assert!(!request.header("client-request-id").is_empty());
    }
}

#[tokio::test]
async fn a_server_that_loses_the_impersonation_refuses_rather_than_serve_the_accounts_own_calendar() {
    let simulator = Simulator::start(
        Scenario::new()
            .account(Account::new("svc-optigov").password(PASSWORD).mailbox("svc@musterstadt.example"))
            .mailbox(SimulatedMailbox::new("svc@musterstadt.example"))
            .mailbox(SimulatedMailbox::new("anna@musterstadt.example")),
    )
    .expect("a simulator");
    let client = Setup::of(&simulator).build();
    assert!(read(&client, &anna()).await.expect_err("refused").is_mailbox());
}

#[tokio::test]
async fn a_series_that_is_not_expanded_is_an_error_or_read_through_free_busy() {
    let series = include_str!("../goldens/find_item_series.response.xml");
    let events = include_str!("../goldens/get_user_availability.response.xml");
    let first_only = events.split_inclusive("</m:FreeBusyResponse>\n").next().expect("a result").to_owned()
        + "</m:FreeBusyResponseArray></m:GetUserAvailabilityResponse></s:Body></s:Envelope>";
    let server = Scripted::start(move |_, request| match request.body.contains("GetUserAvailability") {
        true => Reply::ok(first_only.clone()),
        false => Reply::ok(series),
    })
    .await
    .answer_comparisons();
    let error = read(&server.client().build(), &anna()).await.expect_err("a series");
    assert_eq!(error.kind(), ReadErrorKind::UnexpandedSeries);
    assert!(error.request_id().is_some());
    let fallback = |settings: &mut EwsSettings| settings.unexpanded_series = UnexpandedSeries::ReadFreeBusy;
    let client = server.client().settings(fallback).build();
    let calendar = client.impersonate(&anna()).calendar_view(window()).await.expect("free/busy");
    assert_eq!(calendar.entries().len(), 2);
    assert_eq!(span(calendar.entries()[0]).start(), utc("2026-11-24T09:00:00Z"));
    assert_eq!(calendar.all_day_flag(), AllDayFlag::Guessed, "free/busy does not say which entries are all-day");
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_an_error_that_names_the_bound() {
    let server = Scripted::start(|_, _| Reply::ok(view(&" ".repeat(10_000), "true"))).await;
    let bound = NonZeroUsize::new(5_000).expect("not zero");
    let client = server.client().route(|route| route.with_max_response_bytes(bound)).build();
    let error = read(&client, &anna()).await.expect_err("too large");
    assert_eq!(error.kind(), ReadErrorKind::LimitReached);
    assert_eq!(error.to_string(), "the answer is larger than 5000 bytes");
}

#[tokio::test]
async fn what_is_not_ews_is_told_as_such() {
    let answers = [
        Reply::status(200, "<!DOCTYPE html><html>Anmelden</html>").header("content-type", "text/html; charset=utf-8"),
        Reply::status(302, "").header("location", "https://anmeldung.musterstadt.example/"),
        Reply::status(404, "Nicht gefunden"),
        Reply::ok("<html><body>Wartung</body></html>"),
    ];
    for answer in answers {
        let server = Scripted::start(move |_, _| answer.clone()).await;
        let error = read(&server.client().build(), &anna()).await.expect_err("not EWS");
        assert_eq!(error.kind(), ReadErrorKind::NotTheService);
        assert_eq!(server.count(), 1, "no redirect is followed");
    }
}

#[tokio::test]
async fn codes_are_told_apart_and_no_text_of_the_servers_shows() {
    let codes = [
        ("ErrorImpersonateUserDenied", ReadErrorKind::ImpersonationDenied),
        ("ErrorImpersonationDenied", ReadErrorKind::ImpersonationDenied),
        ("ErrorNonExistentMailbox", ReadErrorKind::MailboxNotFound),
        ("ErrorCannotFindUser", ReadErrorKind::MailboxNotFound),
        ("ErrorInvalidSmtpAddress", ReadErrorKind::MailboxNotFound),
        ("ErrorNonPrimarySmtpAddress", ReadErrorKind::NotPrimaryAddress),
        ("ErrorMailboxMoveInProgress", ReadErrorKind::MailboxUnavailable),
        ("ErrorAccountDisabled", ReadErrorKind::MailboxUnavailable),
        ("ErrorAccessDenied", ReadErrorKind::AccessDenied),
        ("ErrorItemNotFound", ReadErrorKind::AccessDenied),
        ("ErrorFolderNotFound", ReadErrorKind::AccessDenied),
        ("ErrorSchemaValidation", ReadErrorKind::RequestRejected),
        ("ErrorOfTheFuture", ReadErrorKind::Server),
    ];
    for (code, kind) in codes {
        let server = Scripted::start(move |_, _| Reply::ok(refusal(code, ""))).await;
        let error = read(&server.client().build(), &anna()).await.expect_err(code);
        assert_eq!((error.kind(), error.code().map(|code| code.as_str())), (kind, Some(code)));
        assert!(error.request_id().is_some());
        let described = Language::ALL.map(|language| error.describe(language)).concat();
        assert!(described.contains(code), "{described}");
        assert!(!format!("{error} {error:?} {described}").contains('@'));
    }
}

#[tokio::test]
async fn a_dropped_call_leaves_the_client_usable() {
    let server =
        Scripted::start(|number, _| if number == 0 { Reply::Silence } else { Reply::ok(view("", "true")) }).await;
    let client = server.client().route(|route| route.with_in_flight(NonZeroUsize::MIN)).build();
    let call = tokio::spawn({
        let client = client.clone();
        async move { read(&client, &anna()).await }
    });
    server.arrived().await;
    call.abort();
    assert!(call.await.expect_err("dropped").is_cancelled());
    tokio::time::timeout(Duration::from_secs(10), read(&client, &anna()))
        .await
        .expect("nothing hangs")
        .expect("a view");
    let connections: Vec<_> = server.received().iter().map(|request| request.connection).collect();
    assert_eq!(connections, [1, 2], "the connection of the dropped call was closed");
}

/// EWS can express the years 1 to 9999, and a calendar has entries in a few of them only.
#[tokio::test]
async fn a_window_that_reaches_beyond_the_year_9999_is_read_as_far_as_ews_can_express_it() {
    let server = Scripted::start(|_, _| Reply::ok(view("", "true"))).await;
    let client = server.client().build();
    let far = Interval::from_unix(253_370_764_800, i64::MAX).expect("not empty");
    client.impersonate(&anna()).calendar_view(far).await.expect("a view");
    let beyond = Interval::from_unix(300_000_000_000, 300_000_086_400).expect("not empty");
    client.impersonate(&anna()).calendar_view(beyond).await.expect("a view");
    let received = server.received();
    assert!(received[0].body.contains("StartDate=\"9999-01-01T00:00:00Z\" EndDate=\"9999-12-31T23:59:59Z\""));
    assert!(received.iter().all(|request| !request.body.contains("+1")), "no year has five digits");
}

/// Scenario 24 of the domain: rooms and shared mailboxes are mailboxes.
#[tokio::test]
async fn scenario_24_a_room_is_read_like_a_person() {
    let (start, end) = (utc("2026-11-24T09:00:00Z"), utc("2026-11-24T10:00:00Z"));
    let simulator = Simulator::start(
        Scenario::new()
            .account(Account::new("svc-optigov").password(PASSWORD).impersonates(["raum-1@musterstadt.example"]))
            .mailbox(
                SimulatedMailbox::new("raum-1@musterstadt.example")
                    .room()
                    .entry(Entry::timed(start, end).subject("Streng geheim")),
            ),
    )
    .expect("a simulator");
    let client = Setup::of(&simulator).build();
    let room = Mailbox::parse("raum-1@musterstadt.example").expect("an address");
    assert_eq!(read(&client, &room).await.expect("a view").len(), 1);
}

/// Scenario 9 of the domain: an entry made in London blocks Berlin's hour, and its all-day entries stay one day.
#[tokio::test]
async fn scenario_9_a_mailbox_in_london() {
    let day = |text: &str| text.parse::<chrono::NaiveDate>().expect("a date");
    let nine = day("2026-11-24").and_hms_opt(9, 0, 0).expect("a time");
    let simulator = Simulator::start(
        Scenario::new()
            .account(Account::new("svc-optigov").password(PASSWORD).impersonates(["anna@musterstadt.example"]))
            .mailbox(
                SimulatedMailbox::new("anna@musterstadt.example")
                    .zone(chrono_tz::Europe::London)
                    .entry(Entry::local(nine, nine + TimeDelta::hours(1)))
                    .entry(Entry::all_day(day("2026-11-25"), day("2026-11-25")))
                    .entry(Entry::all_day(day("2026-11-26"), day("2026-11-26")).zone_name("Customized Time Zone")),
            ),
    )
    .expect("a simulator");
    let client = Setup::of(&simulator).build();
    let items = read(&client, &anna()).await.expect("a view");
    assert_eq!(span(items[0]).start(), utc("2026-11-24T10:00:00+01:00"));
    let all_day = |first, last| EntryTime::AllDay { first: day(first), last: day(last) };
    assert_eq!(items[1].time(), all_day("2026-11-25", "2026-11-25"));
    assert_eq!(items[2].time(), all_day("2026-11-26", "2026-11-26"));
}

#[tokio::test]
async fn requests_name_exchange_2013_or_the_version_that_was_set() {
    let server = Scripted::start(|_, _| Reply::ok(view("", "true"))).await;
    for (version, name) in [
        (None, "\"Exchange2013\""),
        (Some(RequestVersion::Exchange2010Sp2), "\"Exchange2010_SP2\""),
        (Some(RequestVersion::Exchange2016), "\"Exchange2016\""),
    ] {
        let set = |settings: &mut EwsSettings| settings.request_version = version.unwrap_or(settings.request_version);
        read(&server.client().settings(set).build(), &anna()).await.expect("a view");
        let request = server.received().pop().expect("a request");
        assert!(request.body.contains(&format!("<t:RequestServerVersion Version={name}/>")), "{}", request.body);
    }
}

#[tokio::test]
async fn a_view_that_contradicts_itself_or_the_request_is_malformed() {
    use Contradiction::{
        Groups, MoreThanAsked, NoItems, Status, TwoEnds, TwoFolders, TwoMessages, TwoResponseCodes, TwoStarts,
        UnreadableIncludesLast,
    };
    let contradictions = [
        TwoMessages,
        TwoFolders,
        TwoResponseCodes,
        TwoStarts,
        TwoEnds,
        UnreadableIncludesLast,
        MoreThanAsked,
        Groups,
        NoItems,
        Status(500),
    ];
    let (simulator, client) = busy_calendar(50);
    let year = interval("2024-01-01T00:00:00Z", "2025-01-01T00:00:00Z");
    for contradiction in contradictions {
        let fault = Fault::new(Effect::Contradiction(contradiction.clone()));
        simulator.update(|scenario| *scenario = scenario.clone().fault(fault)).expect("the scenario holds");
        let error = client.impersonate(&anna()).calendar_view(year).await.expect_err("no calendar");
        assert_eq!(error.kind(), ReadErrorKind::Malformed, "{contradiction:?}");
        simulator.update(Scenario::clear_faults).expect("the scenario holds");
    }
    assert_eq!(client.impersonate(&anna()).calendar_view(year).await.expect("a view").entries().len(), 50);
}

#[tokio::test]
async fn years_with_a_sign_or_five_digits_are_no_times() {
    let (simulator, client) = busy_calendar(5);
    let year = interval("2024-01-01T00:00:00Z", "2025-01-01T00:00:00Z");
    for text in ["+12026", "12026", "-0001", "+262142", "-262143", "0000", "99999999999"] {
        let fault = Fault::new(Effect::Year(text.to_owned()));
        simulator.update(|scenario| *scenario = scenario.clone().fault(fault)).expect("the scenario holds");
        let error = client.impersonate(&anna()).calendar_view(year).await.expect_err(text);
        assert_eq!(error.kind(), ReadErrorKind::Malformed, "{text}");
        let free_busy = client.free_busy(&[anna()], year).await;
        assert_eq!(free_busy[0].as_ref().expect_err(text).kind(), ReadErrorKind::Malformed, "{text}");
        simulator.update(Scenario::clear_faults).expect("the scenario holds");
    }
}
