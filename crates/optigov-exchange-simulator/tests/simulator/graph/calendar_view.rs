//! `calendarView`: what it holds, page by page.

use optigov_exchange_simulator::{Application, Entry, Mailbox, MailboxState, Scenario, Status};
use serde_json::{Value, json};

use super::{APPLICATION, Client, SELECT, at, connect, day, scenario, view, with};
use crate::common::MAILBOX;

fn mailbox() -> Mailbox {
    Mailbox::new(MAILBOX)
        .online()
        .alias("a.muster@musterstadt.example")
        .principal_name("anna@stadt.example")
        .entry(Entry::local(at(24, 9), at(24, 10)).subject("Gespräch").location("Zimmer 12").private())
        .entry(Entry::all_day(day(25), day(27)).subject("Urlaub").status(Status::OutOfOffice))
        .entry(
            Entry::local(at(23, 14), at(23, 15)).subject("Runde").recurs("FREQ=DAILY;COUNT=5").deleted(day(24)).moved(
                day(25),
                at(25, 16),
                at(25, 17),
            ),
        )
        .entry(Entry::local(at(26, 11), at(26, 12)).status(Status::Free).cancelled())
        .entry(Entry::local(at(28, 9), at(28, 10)).zone(chrono_tz::Europe::London).zone_name("Eigene Zone"))
        .entry(Entry::local(at(29, 9), at(29, 10)).status(Status::NoData))
}

fn time(value: &Value) -> String {
    format!("{} {}", value["dateTime"].as_str().expect("a time"), value["timeZone"].as_str().expect("a zone"))
}

#[tokio::test]
async fn a_view_holds_what_was_selected_and_nothing_else() {
    let (simulator, client) = with(mailbox()).await;
    let answer = client.get(&view(MAILBOX, &format!("{SELECT}&$top=100")), &[]).await;
    let body = answer.json();
    let events = body["value"].as_array().expect("events");
    let found: Vec<_> = events
        .iter()
        .map(|event| {
            let text = |name: &str| event[name].as_str().expect("a text").to_owned();
            (time(&event["start"]).replace(":00.0000000 UTC", ""), text("type"), text("showAs"))
        })
        .collect();
    let expected = [
        ("2026-11-23T13:00", "occurrence", "busy"),
        ("2026-11-24T08:00", "singleInstance", "busy"),
        ("2026-11-25T00:00", "singleInstance", "oof"),
        ("2026-11-25T15:00", "exception", "busy"),
        ("2026-11-26T10:00", "singleInstance", "free"),
        ("2026-11-26T13:00", "occurrence", "busy"),
        ("2026-11-27T13:00", "occurrence", "busy"),
        ("2026-11-28T09:00", "singleInstance", "busy"),
        ("2026-11-29T08:00", "singleInstance", "unknown"),
    ];
    assert_eq!(found, expected.map(|(start, kind, status)| (start.to_owned(), kind.to_owned(), status.to_owned())));
    let mut names: Vec<_> = events[0].as_object().expect("an object").keys().collect();
    names.sort_unstable();
    let wanted =
        ["@odata.etag", "end", "id", "isAllDay", "isCancelled", "originalStartTimeZone", "showAs", "start", "type"];
    assert_eq!(names, wanted);
    assert_eq!(answer.all("isAllDay").iter().filter(|all_day| **all_day == json!(true)).count(), 1);
    assert_eq!(answer.all("isCancelled")[4], json!(true));
    assert_eq!(answer.all("originalStartTimeZone")[7], json!("tzone://Microsoft/Custom"));
    assert!(!answer.text.contains("Urlaub") && body.get("@odata.nextLink").is_none());
    let context = format!("{}/v1.0/$metadata#users('{MAILBOX}')/calendar/calendarView", simulator.base_url());
    assert_eq!(body["@odata.context"], context);
}

#[tokio::test]
async fn titles_come_where_they_are_asked_for() {
    let (_simulator, client) = with(mailbox()).await;
    let named = client.get(&view(MAILBOX, "$select=subject,location,sensitivity&$top=50"), &[]).await;
    assert_eq!(named.all("subject")[1], json!("Gespräch"));
    assert_eq!(
        (&named.all("sensitivity")[1], &named.all("location")[1]["displayName"]),
        (&json!("private"), &json!("Zimmer 12"))
    );
    let whole = client.get(&view(MAILBOX, ""), &[]).await;
    assert_eq!(whole.all("subject")[2], json!("Urlaub"));
    let misspelt = client.get(&view(MAILBOX, "$select=start,busy"), &[]).await;
    assert_eq!(misspelt.refusal().0, 400);
}

#[tokio::test]
async fn times_come_in_the_zone_that_is_asked_for_and_all_day_events_at_its_midnights() {
    let (_simulator, client) = with(mailbox()).await;
    for zone in ["W. Europe Standard Time", "Europe/Berlin"] {
        let prefer = format!("outlook.timezone=\"{zone}\"");
        let answer = client.get(&view(MAILBOX, SELECT), &[("Prefer", &prefer)]).await;
        let starts: Vec<_> = answer.all("start").iter().map(time).collect();
        assert_eq!(starts[1], format!("2026-11-24T09:00:00.0000000 {zone}"));
        assert_eq!(starts[2], format!("2026-11-25T00:00:00.0000000 {zone}"));
        assert_eq!(time(&answer.all("end")[2]), format!("2026-11-28T00:00:00.0000000 {zone}"));
    }
    let far = client.get(&view(MAILBOX, SELECT), &[("Prefer", "outlook.timezone=\"Tokyo Standard Time\"")]).await;
    assert_eq!(time(&far.all("start")[2]), "2026-11-25T00:00:00.0000000 Tokyo Standard Time");
    let unknown = client.get(&view(MAILBOX, SELECT), &[("Prefer", "outlook.timezone=\"Mars\"")]).await;
    assert_eq!(unknown.refusal(), (400, "TimeZoneNotSupportedException".to_owned()));
}

#[tokio::test]
async fn stored_instants_decide_what_a_period_matches() {
    let (_simulator, client) = with(Mailbox::new(MAILBOX).online().entry(Entry::all_day(day(25), day(25)))).await;
    let ask = |start: &str, end: &str| {
        let path = format!("/users/{MAILBOX}/calendarView?startDateTime={start}&endDateTime={end}&{SELECT}");
        let client = &client;
        async move { client.get(&path, &[]).await.all("id").len() }
    };
    assert_eq!(ask("2026-11-24T23:00:00Z", "2026-11-24T23:30:00Z").await, 1, "Berlin's midnight is at 23:00 UTC");
    assert_eq!(ask("2026-11-25T23:00:00Z", "2026-11-26T00:00:00Z").await, 0);
    assert_eq!(ask("2026-11-25T00:00:00%2B01:00", "2026-11-25T00:30:00%2B01:00").await, 1);
}

#[tokio::test]
async fn pages_are_followed_by_their_links() {
    let (simulator, client) = with(mailbox()).await;
    let whole = client.get(&view(MAILBOX, "$select=start&$top=100"), &[]).await;
    let mut next = Some(view(MAILBOX, "$select=start&%24top=2&$count=true"));
    let (mut ids, mut pages) = (Vec::new(), 0);
    while let Some(path) = next {
        let page = client.get(&path, &[]).await;
        assert!(page.all("id").len() <= 2);
        assert_eq!(page.json()["@odata.count"], 9);
        ids.extend(page.all("id"));
        pages += 1;
        next = page.json()["@odata.nextLink"].as_str().map(str::to_owned);
        let is_own = |link: &String| link.starts_with(&format!("{}/v1.0/users/", simulator.base_url()));
        assert!(next.as_ref().is_none_or(is_own));
    }
    assert_eq!((pages, ids), (5, whole.all("id")));
    let by_default = Mailbox::new(MAILBOX).online().entry(Entry::local(at(1, 9), at(1, 10)).recurs("FREQ=DAILY"));
    let (_simulator, client) = with(by_default).await;
    let month = format!(
        "/users/{MAILBOX}/calendarView?startDateTime=2026-12-01T00:00&endDateTime=2026-12-31T00:00&$select=start"
    );
    let page = client.get(&month, &[]).await;
    assert_eq!((page.all("id").len(), page.json()["@odata.nextLink"].is_string()), (10, true));
    let page = client.get(&month, &[("Prefer", "odata.maxpagesize=7")]).await;
    assert_eq!(page.all("id").len(), 7);
}

#[tokio::test]
async fn ids_are_of_the_kind_that_is_asked_for() {
    let (_simulator, client) = with(mailbox()).await;
    let changing = client.get(&view(MAILBOX, "$select=seriesMasterId"), &[]).await;
    let immutable = client.get(&view(MAILBOX, "$select=seriesMasterId"), &[("Prefer", "IdType=\"ImmutableId\"")]).await;
    assert!(changing.all("id").iter().zip(immutable.all("id")).all(|(one, other)| *one != other));
    let masters = immutable.all("seriesMasterId");
    assert!(masters[0].is_string() && masters[1].is_null() && masters[0] == masters[3] && masters[0] == masters[5]);
}

#[tokio::test]
async fn a_user_has_several_names_and_one_calendar() {
    let (_simulator, client) = with(mailbox()).await;
    let id = client.get(&format!("/users/{MAILBOX}/calendar?$select=id"), &[]).await.json()["id"].clone();
    let id = id.as_str().expect("an id");
    let window = "startDateTime=2026-11-23T00:00:00Z&endDateTime=2026-11-30T00:00:00Z&$select=start";
    for user in [MAILBOX, "ANNA@musterstadt.example", "a.muster@musterstadt.example", "anna%40stadt.example"] {
        for calendar in ["calendar/".to_owned(), String::new(), format!("calendars/{id}/")] {
            let answer = client.get(&format!("/users/{user}/{calendar}calendarView?{window}"), &[]).await;
            assert_eq!(answer.status, 200, "{user} {calendar}");
        }
    }
    assert_eq!(client.get(&format!("/users/{MAILBOX}/calendars"), &[]).await.all("isDefaultCalendar"), [json!(true)]);
    let other = client.get(&format!("/users/{MAILBOX}/calendars/other/calendarView?{window}"), &[]).await;
    assert_eq!(other.refusal(), (404, "ErrorItemNotFound".to_owned()));
}

#[tokio::test]
async fn refusals_have_the_codes_of_graph() {
    const MOVING: &str = "umzug@musterstadt.example";
    let scoped =
        Application::new(APPLICATION).secret("geheim").reads([MAILBOX, "gesperrt@musterstadt.example", MOVING]);
    let scenario = Scenario::new()
        .application(scoped)
        .mailbox(mailbox())
        .mailbox(Mailbox::new("hier@musterstadt.example"))
        .mailbox(Mailbox::new("fremd@musterstadt.example").online())
        .mailbox(Mailbox::new("gesperrt@musterstadt.example").online().state(MailboxState::Disabled))
        .mailbox(Mailbox::new(MOVING).online().state(MailboxState::Moving));
    let (simulator, client) = connect(scenario).await;
    for (path, status, code) in [
        (view("niemand@musterstadt.example", SELECT), 404, "ErrorInvalidUser"),
        (view("hier@musterstadt.example", SELECT), 404, "MailboxNotEnabledForRESTAPI"),
        (view("gesperrt@musterstadt.example", SELECT), 404, "MailboxNotEnabledForRESTAPI"),
        (view("fremd@musterstadt.example", SELECT), 403, "ErrorAccessDenied"),
        (view(MOVING, SELECT), 503, "ErrorMailboxMoveInProgress"),
        (format!("/users/{MAILBOX}"), 403, "Authorization_RequestDenied"),
        ("/me/calendarView".to_owned(), 400, "BadRequest"),
        (format!("/users/{MAILBOX}/messages"), 400, "BadRequest"),
        (format!("/users/{MAILBOX}/calendarView?$select=start"), 400, "ErrorInvalidParameter"),
        (view(MAILBOX, "$top=1001"), 400, "ErrorInvalidUrlQuery"),
        (view(MAILBOX, "$filter=x"), 400, "ErrorInvalidUrlQuery"),
        (
            view(MAILBOX, SELECT).replace("2026-11-30T00:00:00Z", "2036-11-30T00:00:00Z"),
            400,
            "ErrorCalendarViewRangeTooBig",
        ),
        (view(MAILBOX, SELECT).replace("00:00:00Z", "00:00:00+01:00"), 400, "ErrorInvalidParameter"),
    ] {
        let answer = client.get(&path, &[("client-request-id", "0e1f2a3b-0000-4000-8000-000000000001")]).await;
        assert_eq!(answer.refusal(), (status, code.to_owned()), "{path}");
        let inner = &answer.json()["error"]["innerError"];
        assert_eq!(inner["request-id"].as_str(), answer.header("request-id"));
        assert_eq!(inner["client-request-id"], "0e1f2a3b-0000-4000-8000-000000000001");
    }
    simulator
        .update(|scenario| {
            let application = scenario.application_mut(APPLICATION).expect("it");
            *application = application.clone().reads_nobody();
        })
        .expect("a scenario");
    assert_eq!(client.get(&view(MAILBOX, SELECT), &[]).await.refusal(), (403, "ErrorAccessDenied".to_owned()));
    let unknown = connect(super::scenario()).await.1;
    let foreign = Client { token: unknown.token, ..client };
    let answer = foreign.get(&view(MAILBOX, SELECT), &[]).await;
    assert_eq!(answer.refusal().0, 401, "a token of another authority");
}

#[tokio::test]
async fn nothing_can_be_written() {
    let (_simulator, client) = connect(scenario().mailbox(mailbox())).await;
    let answer = client.post(&format!("/users/{MAILBOX}/calendar/calendarView"), &json!({"subject": "x"})).await;
    assert_eq!(answer.status, 405);
    assert_eq!(client.post(&format!("/users/{MAILBOX}/events"), &json!({"subject": "x"})).await.status, 400);
}
