//! Faults on the second face, as a bare HTTP client sees them.

use std::time::Duration;

use optigov_exchange_simulator::{
    Contradiction, Effect, Entry, Fault, GraphDefect, HttpAnswer, Mailbox, Scenario, Shape, SoapFault, Throttling,
};
use serde_json::{Value, json};

use super::{Answer, SELECT, at, connect, day, scenario, view};
use crate::common::MAILBOX;

fn town() -> Scenario {
    scenario()
        .mailbox(
            Mailbox::new(MAILBOX)
                .online()
                .entry(Entry::local(at(24, 9), at(24, 10)).subject("Erstes"))
                .entry(Entry::all_day(day(25), day(25)).subject("Zweites"))
                .entry(Entry::local(at(26, 9), at(26, 10)).subject("Runde").recurs("FREQ=DAILY;COUNT=3")),
        )
        .mailbox(Mailbox::new("bernd@musterstadt.example").online())
}

async fn with(effect: Effect) -> Answer {
    with_options(effect, SELECT).await
}

async fn with_options(effect: Effect, options: &str) -> Answer {
    let (_simulator, client) = connect(town().fault(Fault::new(effect))).await;
    client.get(&view(MAILBOX, options), &[]).await
}

async fn odd(defect: GraphDefect) -> Answer {
    with(Effect::Graph(defect)).await
}

#[tokio::test]
async fn refusals_carry_any_code_and_hint() {
    let error = Effect::GraphError { status: 429, code: "ErrorOfTomorrow".into(), retry_after: Some("soon".into()) };
    let answer = with(error).await;
    assert_eq!((answer.refusal(), answer.header("retry-after")), ((429, "ErrorOfTomorrow".to_owned()), Some("soon")));
    for (effect, status, code) in [
        (Effect::ResponseCode("MailboxNotHostedInExchangeOnline".into()), 404, "MailboxNotHostedInExchangeOnline"),
        (Effect::Fault("generalException".into()), 500, "generalException"),
        (
            Effect::SoapFault(SoapFault::new("serviceNotAvailable").status(503).back_off("9")),
            503,
            "serviceNotAvailable",
        ),
        (
            Effect::Throttled { shape: Shape::Status, back_off: Some(Duration::from_secs(3)) },
            503,
            "serviceNotAvailable",
        ),
        (Effect::Throttled { shape: Shape::TooManyRequests, back_off: None }, 429, "TooManyRequests"),
        (Effect::Unauthorized, 401, "InvalidAuthenticationToken"),
        (Effect::Graph(GraphDefect::NoCalendar), 404, "ErrorItemNotFound"),
    ] {
        assert_eq!(with(effect.clone()).await.refusal(), (status, code.to_owned()), "{effect:?}");
    }
    assert_eq!(with(Effect::Http(HttpAnswer::proxy_error(504))).await.status, 504);
}

#[tokio::test]
async fn bytes_are_damaged_as_on_the_other_face() {
    let broken = |answer: &Answer| serde_json::from_str::<Value>(&answer.text).is_err();
    for effect in [Effect::Truncated, Effect::Malformed, Effect::Gzip, Effect::Utf16] {
        let answer = with(effect.clone()).await;
        assert!(answer.status == 200 && broken(&answer), "{effect:?}");
    }
    let huge = with(Effect::Huge(100_000)).await;
    assert_eq!((huge.text.len(), huge.json()["value"].as_array().expect("events").len()), (100_000, 5));
    let many = with(Effect::ManyItems(100_000)).await;
    assert!(many.text.len() == 100_000 && many.json()["value"].as_array().expect("events").len() > 200);
    let years = with(Effect::Year("+12026".into())).await;
    assert_eq!(years.all("start")[0]["dateTime"], "+12026-11-24T08:00:00.0000000");
    let titled = with(Effect::InvalidUtf8).await;
    assert!(titled.text.contains('\u{fffd}'));
    let (_simulator, client) = connect(town().fault(Fault::new(Effect::ResetWithin))).await;
    assert!(client.try_get(&view(MAILBOX, SELECT), &[]).await.is_err());
    let (_simulator, client) = connect(town().fault(Fault::new(Effect::CloseBefore))).await;
    assert!(client.try_get(&view(MAILBOX, SELECT), &[]).await.is_err());
}

#[tokio::test]
async fn events_are_odd() {
    assert_eq!(odd(GraphDefect::ShowAs("everywhere".into())).await.all("showAs")[0], "everywhere");
    assert_eq!(odd(GraphDefect::Type("dream".into())).await.all("type")[0], "dream");
    assert_eq!(odd(GraphDefect::NoStart).await.json()["value"][0].get("start"), None);
    assert_eq!(odd(GraphDefect::NoEnd).await.json()["value"][0].get("end"), None);
    assert_eq!(odd(GraphDefect::NullTimes).await.json()["value"][0].get("end"), Some(&Value::Null));
    let label = odd(GraphDefect::ZoneLabel("Mars".into())).await.all("start");
    assert_eq!(label[0], json!({"dateTime": "2026-11-24T08:00:00.0000000", "timeZone": "Mars"}));
    let other = odd(GraphDefect::OtherZone("Europe/Berlin".into())).await.all("start");
    assert_eq!(other[0], json!({"dateTime": "2026-11-24T09:00:00.0000000", "timeZone": "Europe/Berlin"}));
    let instants = odd(GraphDefect::AllDayAsInstants).await.all("start");
    assert_eq!(instants[1]["dateTime"], "2026-11-24T23:00:00.0000000");
    assert_eq!(odd(GraphDefect::Titles).await.all("subject")[1], "Zweites");
    assert_eq!(with(Effect::MissingOptional).await.json()["value"][0].get("showAs"), None);
    assert_eq!(with(Effect::NumericBooleans).await.all("isAllDay")[1], 1);
    assert_eq!(with(Effect::Masters).await.all("type")[2], "seriesMaster");
    assert_eq!(with(Effect::OtherMailbox("bernd@musterstadt.example".into())).await.all("id").len(), 0);
    let reversed = with(Effect::Unsorted).await.all("start");
    assert_eq!(reversed[0]["dateTime"], "2026-11-28T08:00:00.0000000");
}

#[tokio::test]
async fn answers_contradict_themselves() {
    let contradicted = |contradiction| with(Effect::Contradiction(contradiction));
    assert!(contradicted(Contradiction::TwoMessages).await.text.ends_with("],\"value\":[]}"));
    assert!(contradicted(Contradiction::TwoStarts).await.text.contains("\"start\":{\"dateTime\":\"2001-"));
    assert!(contradicted(Contradiction::TwoEnds).await.text.contains("\"end\":{\"dateTime\":\"2001-"));
    assert_eq!(contradicted(Contradiction::MissingItems(2)).await.all("id").len(), 3);
    assert_eq!(contradicted(Contradiction::NoItems).await.json().get("value"), None);
    let status = contradicted(Contradiction::Status(500)).await;
    assert_eq!((status.status, status.all("id").len()), (500, 5));
    let more = with_options(Effect::Contradiction(Contradiction::MoreThanAsked), "$select=start&$top=2").await;
    assert_eq!(more.all("id").len(), 3);
}

#[tokio::test]
async fn pages_are_odd() {
    let link = |defect, top: usize| async move {
        let answer = with_options(Effect::Graph(defect), &format!("$select=start&$top={top}")).await;
        (answer.all("id").len(), answer.json()["@odata.nextLink"].as_str().map(str::to_owned))
    };
    let (_, foreign) = link(GraphDefect::NextLinkHost("evil.example".into()), 50).await;
    assert!(foreign.expect("a link").starts_with("https://evil.example/v1.0/users/"));
    let (_, odd) = link(GraphDefect::NextLink("javascript:x".into()), 50).await;
    assert_eq!(odd.as_deref(), Some("javascript:x"));
    let (_, same) = link(GraphDefect::RepeatedPage, 50).await;
    assert!(same.expect("a link").ends_with("$skip=0"));
    assert_eq!(link(GraphDefect::NoNextLink, 2).await, (2, None));
    let (count, next) = link(GraphDefect::EmptyPages, 2).await;
    assert_eq!((count, next.is_some()), (0, true));
    let overlapping = Fault::new(Effect::Graph(GraphDefect::OverlappingPages));
    let (_simulator, client) = connect(town().fault(overlapping)).await;
    let first = client.get(&view(MAILBOX, "$select=start&$top=2"), &[]).await;
    let next = first.json()["@odata.nextLink"].as_str().expect("a link").to_owned();
    let second = client.get(&next, &[]).await;
    assert_eq!((first.all("id").last(), second.all("id").len()), (second.all("id").first(), 3));
}

#[tokio::test]
async fn requests_in_flight_are_limited() {
    let hang = Fault::new(Effect::Hang).first(1);
    let limits = Throttling::new(Shape::TooManyRequests).in_flight(1).back_off(Duration::from_secs(4));
    let (simulator, client) = connect(town().fault(hang).throttling(limits)).await;
    let path = view(MAILBOX, SELECT);
    let second = async {
        simulator.received(2).await;
        client.get(&view("bernd@musterstadt.example", SELECT), &[]).await
    };
    let refused = tokio::select! {
        _ = client.get(&path, &[]) => panic!("it must hang"),
        answer = second => answer,
    };
    assert_eq!((refused.refusal(), refused.header("retry-after")), ((429, "TooManyRequests".to_owned()), Some("4")));
}

#[tokio::test]
async fn rules_of_one_face_leave_the_other_alone() {
    let rule = Fault::new(Effect::Hang).operation("FindItem");
    let graph =
        Fault::new(Effect::ResponseCode("ErrorItemNotFound".into())).operation("calendarView").mailbox(MAILBOX).nth(2);
    let (_simulator, client) = connect(town().fault(rule).fault(graph)).await;
    let mut statuses = Vec::new();
    for mailbox in [MAILBOX, "bernd@musterstadt.example", MAILBOX, MAILBOX] {
        statuses.push(client.get(&view(mailbox, SELECT), &[]).await.status);
    }
    assert_eq!(statuses, [200, 200, 404, 200]);
}
