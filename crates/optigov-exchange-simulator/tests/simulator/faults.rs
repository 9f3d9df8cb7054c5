//! Every fault that can be switched on, as a bare HTTP client sees it.

use std::collections::HashSet;
use std::time::Duration;

use crate::common::{Answer, MAILBOX, attempt, client, envelope, find_item, post};
use chrono::{NaiveDate, NaiveDateTime};
use optigov_exchange_simulator::{
    Account, Certificate, Effect, Entry, Fault, Mailbox, Scenario, Shape, Simulator, Throttling, Tls,
};

const DAY: (&str, &str) = ("2026-11-24T08:00:00Z", "2026-11-24T12:00:00Z");
const FIELDS: [&str; 4] = ["item:Subject", "calendar:Start", "calendar:End", "calendar:IsAllDayEvent"];

fn day() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, 24).expect("a date")
}

fn at(hour: u32) -> NaiveDateTime {
    day().and_hms_opt(hour, 0, 0).expect("a time")
}

fn scenario() -> Scenario {
    Scenario::new()
        .account(Account::new("svc-optigov").password("geheim").impersonates_everybody())
        .mailbox(
            Mailbox::new(MAILBOX)
                .entry(Entry::local(at(8), at(9)).subject("Vorher"))
                .entry(Entry::local(at(9), at(10)).subject("Erstes"))
                .entry(
                    Entry::local(at(11), at(12))
                        .subject("Runde")
                        .recurs("FREQ=DAILY;COUNT=3")
                        .deleted(day() + chrono::Days::new(1))
                        .moved(day() + chrono::Days::new(2), at(20), at(21)),
                ),
        )
        .mailbox(Mailbox::new("bernd@musterstadt.example").entry(Entry::local(at(9), at(10)).subject("Bernds")))
}

fn start(effect: Effect) -> Simulator {
    Simulator::start(scenario().fault(Fault::new(effect))).expect("a simulator")
}

fn view() -> String {
    envelope(Some(MAILBOX), &find_item(Some(MAILBOX), DAY, None, &FIELDS))
}

async fn with(effect: Effect) -> Answer {
    post(&start(effect), "geheim", view()).await
}

#[tokio::test]
async fn answers_are_late_missing_or_cut_off() {
    let bounded = Duration::from_secs(20);
    let late = start(Effect::Delay(Duration::from_millis(30)));
    assert_eq!(post(&late, "geheim", view()).await.status, 200);

    let hanging = start(Effect::Hang);
    let request = attempt(&hanging, "geheim", view());
    tokio::select! {
        _ = request => panic!("it must not answer"),
        received = tokio::time::timeout(bounded, hanging.received(1)) => assert_eq!(received.expect("in time").len(), 1),
    }
    for effect in [Effect::ResetBefore, Effect::ResetWithin] {
        let cut = start(effect.clone());
        let result = tokio::time::timeout(bounded, attempt(&cut, "geheim", view())).await.expect("in time");
        assert!(result.is_err(), "{effect:?}");
        assert_eq!(cut.requests().len(), 1, "{effect:?}: the request arrived whole");
    }
}

#[tokio::test]
async fn a_connection_reset_after_the_answer_is_not_used_again() {
    let simulator = start(Effect::ResetAfter);
    let client = client(&simulator);
    let mut answered = 0;
    for _ in 0..5 {
        let request = client.post(simulator.url()).basic_auth("svc-optigov", Some("geheim"));
        // A pooled client may send into the connection that is just being reset; such a request gets no answer.
        if let Ok(response) = request.header("Content-Type", "text/xml").body(view()).send().await {
            assert!(response.text().await.expect("a whole body").ends_with("</s:Envelope>"));
            answered += 1;
        }
    }
    let requests = simulator.requests();
    let connections: HashSet<_> = requests.iter().map(|request| request.connection()).collect();
    assert!(answered >= 1 && requests.len() == answered && connections.len() == answered, "{connections:?}");
}

#[tokio::test]
async fn status_codes_come_with_any_body() {
    let effect = Effect::Status { code: 502, body: "<h1>Bad gateway</h1>".into(), content_type: "text/html".into() };
    let answer = with(effect).await;
    assert_eq!((answer.status, answer.body.as_str()), (502, "<h1>Bad gateway</h1>"));
    assert_eq!(answer.headers["content-type"], "text/html");
}

#[tokio::test]
async fn xml_is_damaged() {
    let whole = post(&Simulator::start(scenario()).expect("a simulator"), "geheim", view()).await.body;
    let truncated = with(Effect::Truncated).await.body;
    assert!(whole.starts_with(&truncated) && truncated.len() == whole.len() / 2);
    assert!(with(Effect::Malformed).await.body.ends_with("</wrong>"));
    let body = with(Effect::ForbiddenCharacters).await.body;
    assert!(body.contains("Erstes&#x0;&#xB;</t:Subject>"));
    let replaced = with(Effect::Replace { text: "Erstes".into(), with: "Zweites".into() }).await;
    assert!(replaced.texts("Subject").contains(&"Zweites".to_owned()));
}

#[tokio::test]
async fn answers_are_huge_or_endless() {
    assert_eq!(with(Effect::Huge(3_000_000)).await.body.len(), 3_000_000);
    let endless = start(Effect::Endless);
    let request = client(&endless).post(endless.url()).basic_auth("svc-optigov", Some("geheim"));
    let mut response = request.header("Content-Type", "text/xml").body(view()).send().await.expect("a head");
    let mut read = 0;
    while read < 5_000_000 {
        read += response.chunk().await.expect("it goes on").expect("it does not end").len();
    }
}

#[tokio::test]
async fn the_data_itself_is_wrong_or_unusual() {
    let subjects = |answer: Answer| answer.texts("Subject");
    assert_eq!(subjects(with(Effect::OtherMailbox("bernd@musterstadt.example".into())).await), ["Bernds"]);
    assert_eq!(subjects(with(Effect::Unsorted).await), ["Runde", "Erstes"]);
    assert_eq!(subjects(with(Effect::Touching).await), ["Vorher", "Erstes", "Runde"]);
    assert_eq!(with(Effect::NumericBooleans).await.texts("IsAllDayEvent"), ["0", "0"]);
    assert!(with(Effect::MissingOptional).await.texts("IsAllDayEvent").is_empty());

    let masters = with(Effect::Masters).await;
    assert_eq!(masters.texts("Subject"), ["Erstes", "Runde"]);
    assert_eq!(masters.texts("NumberOfOccurrences"), ["3"]);
    assert_eq!(masters.texts("OriginalStart"), ["2026-11-26T10:00:00Z"]);
    // The item's own start, that of the moved occurrence, that of the deleted one.
    let starts = masters.texts("Start");
    assert_eq!(starts[1..], ["2026-11-24T10:00:00Z", "2026-11-24T19:00:00Z", "2026-11-25T10:00:00Z"]);
}

#[tokio::test]
async fn refusals_come_as_messages_and_as_faults() {
    let message = with(Effect::ResponseCode("ErrorOfTomorrow".into())).await;
    assert_eq!((message.status, message.texts("ResponseCode")), (200, vec!["ErrorOfTomorrow".to_owned()]));
    let fault = with(Effect::Fault("ErrorInternalServerTransientError".into())).await;
    assert_eq!((fault.status, fault.texts("ResponseCode").len()), (500, 1));
    let bare = with(Effect::BareFault("Client".into())).await;
    assert_eq!((bare.status, bare.texts("faultcode")), (200, vec!["Client".to_owned()]));
    assert!(!bare.body.contains("detail"));
}

#[tokio::test]
async fn busy_servers_say_so_in_four_shapes() {
    let back_off = Some(Duration::from_millis(2_500));
    let busy = |shape| with(Effect::Throttled { shape, back_off });
    let status = busy(Shape::Status).await;
    assert_eq!((status.status, &status.headers["retry-after"]), (503, &"3".parse().expect("a header")));
    let fault = busy(Shape::Fault).await;
    assert_eq!((fault.status, fault.texts("ResponseCode")), (500, vec!["ErrorServerBusy".to_owned()]));
    let wrapped = busy(Shape::Wrapped).await;
    assert_eq!((wrapped.status, wrapped.texts("ResponseCode")), (200, vec!["ErrorInternalServerError".to_owned()]));
    assert!(wrapped.texts("Value").contains(&"ErrorServerBusy".to_owned()));
    let message = busy(Shape::Message).await;
    assert_eq!((message.status, message.texts("ResponseCode")), (200, vec!["ErrorServerBusy".to_owned()]));
    for answer in [fault, wrapped, message] {
        assert!(answer.body.contains(r#"<t:Value Name="BackOffMilliseconds">2500</t:Value>"#));
    }
}

#[tokio::test]
async fn a_budget_is_spent_and_requests_in_flight_are_limited() {
    let simulator = Simulator::start(scenario().throttling(Throttling::new(Shape::Message).budget(2, 0))).expect("it");
    let codes = |answer: Answer| answer.texts("ResponseCode").remove(0);
    for code in ["NoError", "NoError", "ErrorServerBusy"] {
        assert_eq!(codes(post(&simulator, "geheim", view()).await), code);
    }
    let throttling = Throttling::new(Shape::Message).in_flight(1);
    let hang = Fault::new(Effect::Hang).first(1);
    let simulator = Simulator::start(scenario().throttling(throttling).fault(hang)).expect("it");
    let first = attempt(&simulator, "geheim", view());
    let second = async {
        simulator.received(1).await;
        codes(post(&simulator, "geheim", view()).await)
    };
    tokio::select! {
        _ = first => panic!("it must hang"),
        code = second => assert_eq!(code, "ErrorServerBusy"),
    }
    assert_eq!(codes(post(&simulator, "geheim", view()).await), "NoError", "the first was given up");
}

#[tokio::test]
async fn a_rule_counts_only_what_fits_it() {
    let rule = Fault::new(Effect::Fault("ErrorTimeoutExpired".into()));
    let rule = rule.operation("FindItem").mailbox("bernd@musterstadt.example").nth(2);
    let simulator = Simulator::start(scenario().fault(rule)).expect("a simulator");
    let mut statuses = Vec::new();
    for mailbox in [MAILBOX, "bernd@musterstadt.example", MAILBOX, "bernd@musterstadt.example", MAILBOX] {
        let request = envelope(Some(mailbox), &find_item(None, DAY, None, &[]));
        statuses.push(post(&simulator, "geheim", request).await.status);
    }
    assert_eq!(statuses, [200, 200, 200, 500, 200]);
    simulator.update(Scenario::clear_faults).expect("a scenario");
    assert_eq!(post(&simulator, "geheim", view()).await.status, 200);
}

#[tokio::test]
async fn tls_faults_end_the_handshake() {
    async fn refused(scenario: Scenario) -> String {
        let simulator = Simulator::start(scenario).expect("a simulator");
        let error = attempt(&simulator, "geheim", view()).await.err().expect("no answer");
        assert!(simulator.requests().is_empty());
        let mut text = String::new();
        let mut cause: Option<&dyn std::error::Error> = Some(&error);
        while let Some(error) = cause {
            text = format!("{text} | {error}");
            cause = error.source();
        }
        text
    }
    let expired = refused(scenario().certificate(Certificate::Expired)).await;
    assert!(expired.to_lowercase().contains("expired"), "{expired}");
    let other = refused(scenario().certificate(Certificate::OtherName)).await;
    assert!(other.contains("not valid for name"), "{other}");
    let old = refused(scenario().tls(Tls::TooOld)).await;
    assert!(old.contains("peer is incompatible"), "{old}");

    let only12 = Simulator::start(scenario().tls(Tls::Only12)).expect("a simulator");
    assert_eq!(post(&only12, "geheim", view()).await.status, 200);
    let sha384 = Simulator::start(scenario().certificate(Certificate::Sha384)).expect("a simulator");
    assert_eq!(post(&sha384, "geheim", view()).await.status, 200);
}

#[tokio::test]
async fn a_foreign_server_has_its_own_ways() {
    let simulator = Simulator::start(scenario().foreign_server()).expect("a simulator");
    let answer = post(&simulator, "geheim", view()).await;
    assert_eq!(answer.texts("Subject"), ["Runde", "Erstes", "Vorher"]);
    assert_eq!(answer.texts("Start")[0], "2026-11-24T10:00:00+00:00");
    assert!(!answer.body.contains("ServerVersionInfo"));
    assert_eq!(answer.attributes("IncludesLastItemInRange"), ["1"]);
    let fault = post(&simulator, "geheim", envelope(Some("niemand@musterstadt.example"), "<m:GetFolder/>")).await;
    assert_eq!((fault.status, fault.texts("faultcode")), (200, vec!["ErrorNonExistentMailbox".to_owned()]));
}

#[tokio::test]
async fn a_certificate_may_be_given() {
    let signed = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let (chain, key) = (signed.cert.pem(), signed.signing_key.serialize_pem());
    let given = scenario().certificate(Certificate::Given { chain: chain.clone(), key });
    assert!(!format!("{given:?}").contains("PRIVATE KEY"));
    let simulator = Simulator::start(given).expect("a simulator");
    assert_eq!(simulator.ca_pem(), chain);
    assert_eq!(post(&simulator, "geheim", view()).await.status, 200);
    let broken = Certificate::Given { chain, key: "no key".to_owned() };
    assert!(Simulator::start(scenario().certificate(broken)).expect_err("no key").is_scenario());
}
