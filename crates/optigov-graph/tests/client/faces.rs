//! The same calendars on both faces: what is read from Exchange Online is what is read from a server of one's own.

use chrono::{NaiveDate, NaiveDateTime};
use chrono_tz::{America::New_York, Europe::Berlin, Europe::London};
use optigov_calendar::{
    Access, Calendar, CalendarEntry, CalendarSource, EwsSettings, GraphAccess, Mailbox, ReadError, Route,
};
use optigov_ews::{Credentials, EwsClient};
use optigov_exchange_simulator::{
    Account, Effect, Entry, Fault, Location, Mailbox as Simulated, Permission, Scenario, Shape, Simulator, Status,
};
use optigov_slots::Interval;

use crate::support::{Setup, application, interval, mailbox, start};

const PASSWORD: &str = "sehr-geheim-7";

fn day(month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, month, day).expect("a date")
}

fn at(date: NaiveDate, hour: u32) -> NaiveDateTime {
    date.and_hms_opt(hour, 0, 0).expect("a time")
}

fn local(date: NaiveDate, from: u32, to: u32) -> Entry {
    Entry::local(at(date, from), at(date, to)).zone(Berlin)
}

/// The scenarios that make sense on both faces, each with its calendar and a window.
fn scenarios() -> Vec<(&'static str, Simulated, Interval)> {
    let one =
        || Simulated::new("anna@musterstadt.example").zone(Berlin).default_permission(Permission::AvailabilityOnly);
    let november = interval("2026-11-22T23:00:00Z", "2026-11-29T23:00:00Z");
    let autumn = interval("2026-10-18T22:00:00Z", "2026-11-01T23:00:00Z");
    let spring = interval("2026-03-22T23:00:00Z", "2026-04-05T22:00:00Z");
    let monday = day(11, 23);
    vec![
        ("an empty calendar", one(), november),
        (
            "every status",
            one().entries(
                [Status::Free, Status::Tentative, Status::Busy, Status::OutOfOffice, Status::WorkingElsewhere]
                    .into_iter()
                    .zip(8..)
                    .map(|(status, hour)| local(monday, hour, hour + 1).status(status)),
            ),
            november,
        ),
        (
            "a vacation of two weeks",
            one().entry(Entry::all_day(day(11, 16), day(11, 29)).status(Status::OutOfOffice)),
            november,
        ),
        ("a birthday that is free", one().entry(Entry::all_day(monday, monday).status(Status::Free)), november),
        (
            "a weekly series over the end of summer time",
            one().entry(local(day(10, 19), 9, 10).recurs("FREQ=WEEKLY;COUNT=4")),
            autumn,
        ),
        (
            "a daily series over the begin of summer time",
            one().entry(local(day(3, 23), 2, 3).recurs("FREQ=DAILY;COUNT=10")),
            spring,
        ),
        ("the hour that comes twice", one().entry(local(day(10, 25), 2, 3)), autumn),
        (
            "a series with moved, changed and deleted occurrences",
            one().entry(
                local(monday, 9, 10)
                    .recurs("FREQ=DAILY;COUNT=5")
                    .deleted(day(11, 24))
                    .moved(day(11, 25), at(day(11, 25), 14), at(day(11, 25), 15))
                    .changed(day(11, 26), local(day(11, 26), 9, 12).status(Status::Tentative)),
            ),
            november,
        ),
        ("a cancelled meeting", one().entry(local(monday, 9, 10).meeting().cancelled()), november),
        ("a private appointment", one().entry(local(monday, 9, 10).private().subject("Arzt")), november),
        (
            "a mailbox in London",
            one()
                .zone(London)
                .entry(Entry::local(at(monday, 9), at(monday, 10)).zone(London))
                .entry(Entry::all_day(day(11, 24), day(11, 24)).zone(London)),
            november,
        ),
        (
            "a mailbox in New York",
            one().zone(New_York).entry(Entry::local(at(monday, 9), at(monday, 10)).zone(New_York)),
            november,
        ),
        ("a custom zone", one().entry(local(monday, 9, 10).zone_name("Heimatzeit")), november),
        ("a room", one().room().entry(local(monday, 9, 17)), november),
        (
            "what spans and touches the window",
            one()
                .entry(Entry::timed(
                    "2026-11-01T00:00:00Z".parse::<chrono::DateTime<chrono::Utc>>().expect("an instant"),
                    "2026-12-24T00:00:00Z".parse::<chrono::DateTime<chrono::Utc>>().expect("an instant"),
                ))
                .entry(local(day(11, 22), 22, 23).status(Status::Busy)),
            november,
        ),
        (
            "1,500 appointments",
            one().entries((0..1_500).map(|n| {
                let start = november.start() + chrono::TimeDelta::minutes(6 * n);
                Entry::timed(start, start + chrono::TimeDelta::minutes(5))
            })),
            november,
        ),
    ]
}

fn simulator(mailbox: Simulated, location: Location, faults: &[Fault]) -> Simulator {
    let account = Account::new("svc-optigov").password(PASSWORD).impersonates_everybody();
    let scenario = Scenario::new().account(account).application(application()).mailbox(mailbox.location(location));
    start(faults.iter().cloned().fold(scenario, Scenario::fault))
}

fn by_ews(simulator: &Simulator, access: Access) -> EwsClient {
    let route =
        Route::new(&simulator.url()).and_then(|route| route.with_root_certificates(simulator.ca_pem().as_bytes()));
    let mut settings = EwsSettings::default();
    settings.access = access;
    let builder = EwsClient::builder(route.expect("a route")).credentials(Credentials::basic("svc-optigov", PASSWORD));
    builder.settings(settings).build().expect("a client")
}

fn sorted(calendar: Result<Calendar, ReadError>) -> Vec<CalendarEntry> {
    let mut entries = calendar.expect("a calendar").into_entries();
    entries.sort_unstable();
    entries
}

async fn read(source: &impl CalendarSource, window: Interval) -> Vec<CalendarEntry> {
    let anna: Mailbox = mailbox("anna");
    sorted(source.read(&[anna], window).await.remove(0))
}

#[tokio::test]
async fn both_faces_show_the_same_entries_by_impersonation_and_by_calendar_view() {
    for (name, calendar, window) in scenarios() {
        let on_premises = simulator(calendar.clone(), Location::OnPremises, &[]);
        let online = simulator(calendar, Location::Online, &[]);
        let expected = read(&by_ews(&on_premises, Access::Impersonation), window).await;
        assert!(name == "an empty calendar" || !expected.is_empty(), "{name}");
        assert_eq!(read(&Setup::of(&online).build(), window).await, expected, "{name}");
    }
}

#[tokio::test]
async fn both_faces_show_the_same_times_by_free_busy_and_by_get_schedule() {
    for (name, calendar, window) in scenarios() {
        let on_premises = simulator(calendar.clone(), Location::OnPremises, &[]);
        let online = simulator(calendar, Location::Online, &[]);
        let mut expected = read(&by_ews(&on_premises, Access::FreeBusy), window).await;
        let mut found = read(&Setup::of(&online).access(GraphAccess::GetSchedule).build(), window).await;
        // Free time is told by one and not by the other; it blocks nothing.
        for entries in [&mut expected, &mut found] {
            entries.retain(|entry| entry.status() != optigov_calendar::EntryStatus::Free);
        }
        assert_eq!(found, expected, "{name}");
    }
}

#[tokio::test]
async fn both_faces_show_the_same_entries_through_throttling_and_lost_connections() {
    let busy =
        || Effect::Throttled { shape: Shape::TooManyRequests, back_off: Some(std::time::Duration::from_millis(50)) };
    let views = |effect: Effect| {
        ["FindItem", "calendarView"].map(|name| Fault::new(effect.clone()).operation(name).first(1)).to_vec()
    };
    let (_, calendar, window) = scenarios().remove(7);
    let without = simulator(calendar.clone(), Location::OnPremises, &[]);
    let expected = read(&by_ews(&without, Access::Impersonation), window).await;
    for effect in [
        busy(),
        Effect::ResetBefore,
        Effect::CloseBefore,
        Effect::Utf16,
        Effect::Gzip,
        Effect::Unsorted,
        Effect::Touching,
    ] {
        let faults = views(effect.clone());
        let on_premises = simulator(calendar.clone(), Location::OnPremises, &faults);
        let online = simulator(calendar.clone(), Location::Online, &faults);
        let by_view = read(&by_ews(&on_premises, Access::Impersonation), window).await;
        assert_eq!(by_view, expected, "on premises: {effect:?}");
        assert_eq!(read(&Setup::of(&online).build(), window).await, expected, "online: {effect:?}");
    }
}
