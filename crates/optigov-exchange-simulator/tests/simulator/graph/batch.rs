//! `$batch`.

use std::time::Duration;

use optigov_exchange_simulator::{Effect, Entry, Fault, GraphDefect, Mailbox, Scenario, Shape, SoapFault, Throttling};
use serde_json::{Value, json};

use super::{Answer, SELECT, at, connect, scenario, view};
use crate::common::MAILBOX;

const BERND: &str = "bernd@musterstadt.example";

fn two() -> Scenario {
    scenario()
        .mailbox(Mailbox::new(MAILBOX).online().entry(Entry::local(at(24, 9), at(24, 10))))
        .mailbox(Mailbox::new(BERND).online())
}

fn get(id: &str, mailbox: &str) -> Value {
    json!({"id": id, "method": "GET", "url": view(mailbox, SELECT), "headers": {"Prefer": "outlook.timezone=\"UTC\""}})
}

fn batch(parts: &[Value]) -> Value {
    json!({"requests": parts})
}

/// Id and status of each part, by id.
fn states(answer: &Answer) -> Vec<(String, u64)> {
    let body = answer.json();
    let responses = body["responses"].as_array().expect("responses").iter();
    let mut states: Vec<_> = responses
        .map(|part| (part["id"].as_str().expect("an id").to_owned(), part["status"].as_u64().expect("a status")))
        .collect();
    states.sort();
    states
}

fn part<'a>(body: &'a Value, id: &str) -> &'a Value {
    body["responses"].as_array().expect("responses").iter().find(|part| part["id"] == id).expect("a part")
}

fn named(states: &[(&str, u64)]) -> Vec<(String, u64)> {
    states.iter().map(|(id, status)| ((*id).to_owned(), *status)).collect()
}

#[tokio::test]
async fn each_part_has_an_answer_of_its_own() {
    let (_simulator, client) = connect(two()).await;
    let schedule = json!({
        "id": "4", "method": "POST", "url": format!("users/{MAILBOX}/calendar/getSchedule"),
        "headers": {"Content-Type": "application/json"},
        "body": {"schedules": [MAILBOX], "startTime": {"dateTime": "2026-11-24T00:00:00", "timeZone": "UTC"},
                 "endTime": {"dateTime": "2026-11-25T00:00:00", "timeZone": "UTC"}},
    });
    let parts = [get("1", MAILBOX), get("2", "niemand@musterstadt.example"), get("3", BERND), schedule];
    let answer = client.post("/$batch", &batch(&parts)).await;
    assert_eq!((answer.status, states(&answer)), (200, named(&[("1", 200), ("2", 404), ("3", 200), ("4", 200)])));
    let body = answer.json();
    assert_eq!(part(&body, "1")["body"]["value"][0]["start"]["timeZone"], "UTC");
    assert_eq!(part(&body, "2")["body"]["error"]["code"], "ErrorInvalidUser");
    assert!(part(&body, "1")["headers"]["Content-Type"].as_str().expect("a type").starts_with("application/json"));
    assert_ne!(body["responses"][0]["id"], "1", "answers come in another order");
}

#[tokio::test]
async fn a_part_that_depends_on_a_failed_one_fails() {
    let (_simulator, client) = connect(two()).await;
    let after = |id: &str, other: &str, mailbox: &str| {
        let mut part = get(id, mailbox);
        part["dependsOn"] = json!([other]);
        part
    };
    let parts = [
        after("2", "1", MAILBOX),
        get("1", BERND),
        after("4", "3", MAILBOX),
        get("3", "niemand@x.example"),
        after("5", "4", BERND),
    ];
    let answer = client.post("/$batch", &batch(&parts)).await;
    assert_eq!(states(&answer), named(&[("1", 200), ("2", 200), ("3", 404), ("4", 424), ("5", 424)]));
    let circle = [after("1", "2", MAILBOX), after("2", "1", MAILBOX)];
    assert_eq!(states(&client.post("/$batch", &batch(&circle)).await), named(&[("1", 424), ("2", 424)]));
}

#[tokio::test]
async fn twenty_parts_are_the_most() {
    let (simulator, client) = connect(two()).await;
    let parts: Vec<_> = (0..21).map(|n| get(&n.to_string(), MAILBOX)).collect();
    assert_eq!(client.post("/$batch", &batch(&parts)).await.refusal(), (400, "BadRequest".to_owned()));
    let answer = client.post("/$batch", &batch(&parts[..20])).await;
    assert!(states(&answer).iter().all(|(_, status)| *status == 200));
    assert_eq!(simulator.requests().last().expect("a request").parts().len(), 20);
}

#[tokio::test]
async fn a_throttled_part_says_when_to_come_back() {
    let throttled = Effect::Throttled { shape: Shape::Fault, back_off: Some(Duration::from_millis(2_500)) };
    let (_simulator, client) = connect(two().fault(Fault::new(throttled).mailbox(BERND).first(1))).await;
    let parts = [get("1", MAILBOX), get("2", BERND)];
    let answer = client.post("/$batch", &batch(&parts)).await;
    assert_eq!((answer.status, states(&answer)), (200, named(&[("1", 200), ("2", 429)])));
    let body = answer.json();
    assert_eq!((&part(&body, "2")["headers"]["Retry-After"], answer.header("retry-after")), (&json!("3"), None));
    assert_eq!(part(&body, "2")["body"]["error"]["code"], "ApplicationThrottled");
    assert_eq!(states(&client.post("/$batch", &batch(&parts)).await), named(&[("1", 200), ("2", 200)]));

    let budget = Throttling::new(Shape::TooManyRequests).budget(3, 0).back_off(Duration::from_secs(7));
    let (_simulator, client) = connect(two().throttling(budget)).await;
    let parts: Vec<_> = (0..5).map(|n| get(&n.to_string(), MAILBOX)).collect();
    let throttled = states(&client.post("/$batch", &batch(&parts)).await);
    assert_eq!(throttled.iter().filter(|(_, status)| *status == 429).count(), 2);
}

#[tokio::test]
async fn four_requests_to_a_mailbox_run_at_a_time() {
    let delay = Fault::new(Effect::Delay(Duration::from_millis(50)));
    let (simulator, client) = connect(two().fault(delay.mailbox(MAILBOX).first(6))).await;
    let parts: Vec<_> = (0..6).map(|n| get(&n.to_string(), MAILBOX)).collect();
    let answer = client.post("/$batch", &batch(&parts)).await;
    assert!(states(&answer).iter().all(|(_, status)| *status == 200), "a batch waits by itself");
    assert_eq!(simulator.most_at_once(MAILBOX), 4);

    let hang = Fault::new(Effect::Hang).mailbox(MAILBOX).first(1);
    let (simulator, client) = connect(two().mailbox_concurrency(1).fault(hang)).await;
    let path = view(MAILBOX, SELECT);
    let hanging = client.get(&path, &[]);
    let second = async {
        simulator.received(2).await;
        client.get(&path, &[]).await
    };
    let refused = tokio::select! {
        _ = hanging => panic!("it must hang"),
        answer = second => answer,
    };
    assert_eq!(
        (refused.refusal(), refused.header("retry-after")),
        ((429, "ApplicationThrottled".to_owned()), Some("1"))
    );
}

#[tokio::test]
async fn a_batch_that_meets_a_soap_fault_answers_like_a_single_request() {
    let busy = || Effect::SoapFault(SoapFault::new("ErrorServerBusy").status(503).back_off("7"));
    let (_simulator, client) = connect(two().fault(Fault::new(busy()).mailbox(MAILBOX))).await;
    let single = client.get(&view(MAILBOX, SELECT), &[]).await;
    let (_simulator, client) = connect(two().fault(Fault::new(busy()).operation("$batch"))).await;
    let whole = client.post("/$batch", &batch(&[get("1", MAILBOX)])).await;
    for answer in [single, whole] {
        assert_eq!(answer.refusal(), (503, "ErrorServerBusy".to_owned()));
        assert_eq!(answer.header("retry-after"), Some("7"));
    }
}

#[tokio::test]
async fn a_batch_can_be_odd() {
    let odd = |defect| async move {
        let rule = Fault::new(Effect::Graph(defect)).operation("$batch");
        let (_simulator, client) = connect(two().fault(rule)).await;
        let answer = client.post("/$batch", &batch(&[get("1", MAILBOX), get("2", BERND)])).await;
        (states(&answer), answer.json())
    };
    assert_eq!(odd(GraphDefect::MissingPart).await.0, named(&[("1", 200)]));
    assert_eq!(odd(GraphDefect::UnknownPart).await.0, named(&[("1", 200), ("2", 200), ("unknown", 200)]));
    assert_eq!(odd(GraphDefect::TwoParts).await.0, named(&[("1", 200), ("1", 200), ("2", 200), ("2", 200)]));
    let exchanged = odd(GraphDefect::ExchangedParts).await.1;
    assert_eq!(part(&exchanged, "2")["body"]["value"].as_array().expect("events").len(), 1);
    let rule = Fault::new(Effect::Truncated).mailbox(BERND);
    let (_simulator, client) = connect(two().fault(rule)).await;
    let answer = client.post("/$batch", &batch(&[get("1", MAILBOX), get("2", BERND)])).await;
    assert!(serde_json::from_str::<Value>(&answer.text).is_err());
    let web_page = Fault::new(Effect::Http(optigov_exchange_simulator::HttpAnswer::proxy_error(502))).mailbox(BERND);
    let (_simulator, client) = connect(two().fault(web_page)).await;
    let answer = client.post("/$batch", &batch(&[get("1", MAILBOX), get("2", BERND)])).await;
    assert_eq!(states(&answer), named(&[("1", 200), ("2", 502)]));
}
