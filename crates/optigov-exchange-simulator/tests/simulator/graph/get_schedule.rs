//! `getSchedule`.

use optigov_exchange_simulator::{
    Effect, Entry, Fault, FreeBusyDefect, GraphDefect, Mailbox, Permission, Scenario, Status,
};
use serde_json::{Value, json};

use super::{Answer, Client, at, connect, day, scenario};
use crate::common::MAILBOX;

const OPEN: &str = "offen@musterstadt.example";
const CLOSED: &str = "zu@musterstadt.example";
const HERE: &str = "hier@musterstadt.example";

fn town() -> Scenario {
    let entries = [
        Entry::local(at(24, 9), at(24, 10)).subject("Gespräch"),
        Entry::local(at(24, 10), at(24, 11)).status(Status::Tentative).private().subject("Geheim"),
        Entry::all_day(day(25), day(25)).status(Status::OutOfOffice),
    ];
    scenario()
        .mailbox(Mailbox::new(MAILBOX).online().entries(entries.clone()))
        .mailbox(Mailbox::new(OPEN).online().default_permission(Permission::LimitedDetails).entries(entries))
        .mailbox(Mailbox::new(CLOSED).online().default_permission(Permission::None))
        .mailbox(Mailbox::new(HERE))
}

fn asked(schedules: &[&str]) -> Value {
    let time = |text: &str| json!({"dateTime": text, "timeZone": "W. Europe Standard Time"});
    json!({
        "schedules": schedules,
        "startTime": time("2026-11-24T08:00:00"),
        "endTime": time("2026-11-25T00:00:00"),
        "availabilityViewInterval": 60,
    })
}

async fn ask(client: &Client, body: &Value) -> Answer {
    client.post(&format!("/users/{MAILBOX}/calendar/getSchedule"), body).await
}

#[tokio::test]
async fn every_mailbox_has_a_schedule_or_an_error() {
    let (simulator, client) = connect(town()).await;
    let names = [MAILBOX, OPEN, CLOSED, HERE, "niemand@musterstadt.example"];
    let body = ask(&client, &asked(&names)).await.json();
    let [anna, open, closed, here, unknown] = body["value"].as_array().expect("schedules").as_slice() else {
        panic!("five schedules: {body}");
    };
    assert_eq!(anna["availabilityView"], "0210000000000000");
    assert_eq!(
        anna["scheduleItems"][0],
        json!({
            "status": "busy",
            "start": {"dateTime": "2026-11-24T08:00:00.0000000", "timeZone": "UTC"},
            "end": {"dateTime": "2026-11-24T09:00:00.0000000", "timeZone": "UTC"},
        })
    );
    assert_eq!(anna["workingHours"]["timeZone"]["name"], "W. Europe Standard Time");
    assert_eq!(
        (&open["scheduleItems"][0]["subject"], &open["scheduleItems"][1]["subject"]),
        (&json!("Gespräch"), &Value::Null)
    );
    let code = |schedule: &Value| schedule["error"]["responseCode"].as_str().expect("a code").to_owned();
    assert_eq!(code(closed), "ErrorNoFreeBusyAccess");
    assert_eq!(code(here), "ErrorProxyRequestProcessingFailed");
    assert_eq!(code(unknown), "ErrorMailRecipientNotFound");
    let last = simulator.requests().pop().expect("a request");
    assert_eq!((last.operation(), last.mailbox(), last.asks_for_titles()), (Some("getSchedule"), Some(MAILBOX), false));
    simulator.update(|scenario| *scenario = scenario.clone().hybrid_free_busy()).expect("a scenario");
    assert_eq!(ask(&client, &asked(&[HERE])).await.all("availabilityView"), [json!("0".repeat(16))]);
}

#[tokio::test]
async fn all_day_appointments_are_true_instants() {
    let (_simulator, client) = connect(town()).await;
    let time = |text: &str| json!({"dateTime": text, "timeZone": "UTC"});
    let body = json!({"Schedules": [MAILBOX], "StartTime": time("2026-11-24T12:00:00"), "EndTime": time("2026-11-26T12:00:00")});
    let items = ask(&client, &body).await.all("scheduleItems");
    assert_eq!(
        (&items[0][0]["status"], &items[0][0]["start"]["dateTime"]),
        (&json!("oof"), &json!("2026-11-24T23:00:00.0000000"))
    );
}

#[tokio::test]
async fn limits_are_graphs() {
    let (_simulator, client) = connect(town()).await;
    let with = |name: &str, value: Value| {
        let mut body = asked(&[MAILBOX]);
        body[name] = value;
        body
    };
    let time = |text: &str| json!({"dateTime": text, "timeZone": "UTC"});
    for (body, code) in [
        (asked(&[MAILBOX; 21]), "ErrorInvalidParameter"),
        (asked(&[]), "ErrorInvalidParameter"),
        (with("endTime", time("2027-01-25T08:00:00")), "ErrorTimeIntervalTooBig"),
        (with("endTime", time("2026-11-24T00:00:00")), "ErrorInvalidTimeInterval"),
        (with("endTime", json!("2026-11-25")), "ErrorInvalidParameter"),
        (with("availabilityViewInterval", json!(4)), "ErrorInvalidMergedFreeBusyInterval"),
        (with("availabilityViewInterval", json!(1441)), "ErrorInvalidMergedFreeBusyInterval"),
    ] {
        assert_eq!(ask(&client, &body).await.refusal(), (400, code.to_owned()), "{body}");
    }
    assert_eq!(ask(&client, &asked(&[MAILBOX; 20])).await.status, 200);
    assert_eq!(ask(&client, &with("endTime", time("2027-01-25T06:00:00"))).await.status, 200, "61 days and 23 hours");
}

#[tokio::test]
async fn schedules_can_be_odd() {
    let odd = |effect| async move {
        let (_simulator, client) = connect(town().fault(Fault::new(effect).operation("getSchedule"))).await;
        ask(&client, &asked(&[MAILBOX, OPEN])).await.json()["value"].clone()
    };
    let busy = odd(Effect::FreeBusy(FreeBusyDefect::BusyMerged)).await;
    assert_eq!(busy[0]["availabilityView"], "2".repeat(16));
    let merged = odd(Effect::FreeBusy(FreeBusyDefect::MergedOnly)).await;
    assert!(merged[0]["scheduleItems"].is_null() && merged[0]["availabilityView"].is_string());
    let refused = odd(Effect::FreeBusy(FreeBusyDefect::ResponseCode("ErrorOfTomorrow".into()))).await;
    assert_eq!(refused[1]["error"]["responseCode"], "ErrorOfTomorrow");
    let titled = odd(Effect::Graph(GraphDefect::Titles)).await;
    assert_eq!(titled[0]["scheduleItems"][0]["subject"], "Gespräch");
    let missing = odd(Effect::Graph(GraphDefect::MissingSchedule)).await;
    assert_eq!(missing.as_array().expect("schedules").len(), 1);
    let other = odd(Effect::Graph(GraphDefect::ScheduleId("x@y.example".into()))).await;
    assert_eq!(other[0]["scheduleId"], "x@y.example");
    let short = odd(Effect::Graph(GraphDefect::AvailabilityView("02x".into()))).await;
    assert_eq!(short[0]["availabilityView"], "02x");
    let unknown = odd(Effect::Graph(GraphDefect::ShowAs("everywhere".into()))).await;
    assert_eq!(unknown[0]["scheduleItems"][0]["status"], "everywhere");
}
