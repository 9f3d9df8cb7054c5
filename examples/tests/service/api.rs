//! The interface for programs.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{Service, TUESDAY};

#[tokio::test]
async fn counters_are_listed_and_come_back_as_they_were_saved() {
    let service = Service::start().await;
    let list = service.get("/counters").await.json();
    let ids: Vec<&str> = list.as_array().expect("a list").iter().filter_map(|counter| counter["id"].as_str()).collect();
    assert_eq!(ids, ["buergerbuero-1", "buergerbuero-2", "zulassung-1", "zulassung-2", "standesamt"]);

    let mut document = service.counter("standesamt").await;
    assert_eq!(document["format"], 1);
    document["name"] = "Standesamt, Erdgeschoss".into();
    let saved = service.put("/counters/standesamt", &document).await;
    assert_eq!((saved.status, saved.json()), (StatusCode::OK, document.clone()));
    assert_eq!(service.counter("standesamt").await, document);

    document["id"] = "standesamt-2".into();
    assert_eq!(service.put("/counters/standesamt-2", &document).await.status, StatusCode::CREATED);
    assert_eq!(service.get("/counters").await.json().as_array().map(Vec::len), Some(6));
}

#[tokio::test]
async fn a_saved_mailbox_counts_from_the_next_answer_on() {
    let service = Service::start().await;
    let before = service.get(TUESDAY).await.starts();
    assert_eq!(before.len(), 11);

    let mut document = service.counter("buergerbuero-1").await;
    document["exchange_sync"]["mailboxes"] = json!(["schalter2@musterstadt.example"]);
    assert_eq!(service.put("/counters/buergerbuero-1", &document).await.status, StatusCode::OK);
    let other = service.get(TUESDAY).await.starts();
    // The other calendar holds one short appointment, at the edge of two slots.
    assert_eq!(other.len(), 17);

    document["exchange_sync"]["on"] = false.into();
    assert_eq!(service.put("/counters/buergerbuero-1", &document).await.status, StatusCode::OK);
    let asked = service.exchange().requests().len();
    let open = service.get(TUESDAY).await.starts();
    assert_eq!(open.len(), 19);
    assert!(before.iter().all(|start| *start == before[3] || open.contains(start)), "{open:?}");
    assert_eq!(service.exchange().requests().len(), asked, "switched off, no calendar is read");
}

#[tokio::test]
async fn every_fault_of_a_document_is_told_with_its_place_in_both_languages() {
    let service = Service::start().await;
    let good = service.counter("buergerbuero-1").await;
    let mut document = good.clone();
    document["exchange_sync"] = json!({ "on": true, "mailboxes": ["schalter1", "a@b.example", "a@b.example"] });
    document["opening"][0]["days"] = "Mo-Fxr".into();
    let refused = service.put("/counters/buergerbuero-1", &document).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let faults = refused.json();
    let faults = faults["faults"].as_array().expect("a list");
    let found: Vec<_> = faults.iter().filter_map(|fault| fault["path"].as_str().zip(fault["code"].as_str())).collect();
    assert!(found.contains(&("exchange_sync.mailboxes[0]", "malformed")), "{found:?}");
    assert!(found.iter().any(|(path, _)| path.starts_with("opening[0].days")), "{found:?}");
    for fault in faults {
        for text in ["message", "remedy"] {
            let (de, en) = (fault[text]["de"].as_str(), fault[text]["en"].as_str());
            assert!(de.is_some_and(|de| !de.is_empty()) && en.is_some() && de != en, "{fault}");
        }
    }

    // What only the municipality can know is told with its place in the document, too.
    let mut document = good.clone();
    document["templates"] = json!(["personalausweis", "reisepass"]);
    let refused = service.put("/counters/buergerbuero-1", &document).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(refused.json()["faults"][0]["path"], "templates[1]");
    assert_eq!(refused.json()["faults"][0]["code"], "unknown_template");

    let refused = service.put("/counters/buergerbuero-2", &good).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(refused.json()["faults"][0]["path"], "id");

    assert_eq!(service.counter("buergerbuero-1").await, good, "nothing of it was saved");
}

#[tokio::test]
async fn the_month_counts_what_the_list_lists() {
    let service = Service::start().await;
    let month = service.get("/counters/buergerbuero-1/days?month=2026-12").await.json();
    let days: &Vec<Value> = month["days"].as_array().expect("days");
    assert_eq!((days.len(), &days[0]["date"], &days[30]["date"]), (31, &json!("2026-12-01"), &json!("2026-12-31")));
    let free: u64 = days.iter().filter_map(|day| day["free"].as_u64()).sum();
    let listed = service.get("/counters/buergerbuero-1/slots?from=2026-12-01&days=31").await.starts();
    assert_eq!(free, listed.len() as u64);
    assert!(free > 100, "{month}");
    assert_eq!(days[24], json!({ "date": "2026-12-25", "free": 0, "state": "holiday" }));

    let this_month = service.get("/counters/buergerbuero-1/days").await.json();
    assert_eq!((&this_month["month"], &this_month["status"]), (&json!("2026-11"), &json!("known")));
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused_in_one_shape() {
    let service = Service::start().await;
    for path in ["", "/slots", "/days", "/why?start=2026-11-24T09:00:00Z"] {
        let refused = service.get(&format!("/counters/nowhere{path}")).await;
        assert_eq!((refused.status, refused.problem().as_str()), (StatusCode::NOT_FOUND, "unknown_counter"), "{path}");
    }
    for query in ["days=0", "days=731", "days=x", "from=tomorrow", "day=3", "lang=fr"] {
        let refused = service.get(&format!("/counters/buergerbuero-1/slots?{query}")).await;
        assert_eq!((refused.status, refused.problem().as_str()), (StatusCode::BAD_REQUEST, "malformed"), "{query}");
    }
    for (query, code) in [("template=reisepass", "unknown_template"), ("template=trauung", "not_offered")] {
        let refused = service.get(&format!("/counters/buergerbuero-1/slots?{query}")).await;
        assert_eq!((refused.status, refused.problem().as_str()), (StatusCode::UNPROCESSABLE_ENTITY, code));
    }
    for month in ["2026-13", "2026", "x", "2026-12-24", "2026-1", ""] {
        let refused = service.get(&format!("/counters/buergerbuero-1/days?month={month}")).await;
        assert_eq!((refused.status, refused.problem().as_str()), (StatusCode::BAD_REQUEST, "malformed"), "{month}");
    }
    let nowhere = service.get("/nowhere").await;
    assert_eq!((nowhere.status, nowhere.problem().as_str()), (StatusCode::NOT_FOUND, "no_such_address"));
    let deleted = service.send(service.request(Method::DELETE, "/counters/buergerbuero-1")).await;
    assert_eq!((deleted.status, deleted.problem().as_str()), (StatusCode::METHOD_NOT_ALLOWED, "no_such_address"));
    let large = service.put("/counters/buergerbuero-1", &json!("x".repeat(70_000))).await;
    assert_eq!((large.status, large.problem().as_str()), (StatusCode::PAYLOAD_TOO_LARGE, "too_large"));
}

#[tokio::test]
async fn why_a_time_is_not_offered_is_told_with_its_data() {
    let service = Service::start().await;
    let busy = service.get("/counters/buergerbuero-1/why?start=2026-11-24T10:20:00Z&lang=de").await.json();
    assert_eq!((&busy["bookable"], &busy["reasons"][0]["code"]), (&json!(false), &json!("busy")), "{busy}");
    assert_eq!(
        busy["reasons"][0]["message"],
        "Postfach 1 ist vom 24.11.2026, 11:10 Uhr bis 24.11.2026, 11:50 Uhr belegt."
    );
    let free = service.get("/counters/buergerbuero-1/why?start=2026-11-24T07:00:00Z").await.json();
    assert_eq!((&free["bookable"], &free["reasons"]), (&json!(true), &json!([])));
}

/// The schemas that the description names for what the facade writes are those of what is sent: nothing is missing, nothing is undescribed.
#[tokio::test]
async fn answers_have_the_form_that_the_description_says() {
    use optigov_examples::service::{DayOverview, SlotList, Verdict, Warning};
    let service = Service::start().await;
    let list: SlotList = serde_json::from_str(&service.get(TUESDAY).await.body).expect("as described");
    assert_eq!((list.counters.len(), list.counters[0].slots.len()), (1, 11));
    let month = service.get("/counters/buergerbuero-1/days").await.json();
    let days: Vec<DayOverview> = serde_json::from_value(month["days"].clone()).expect("as described");
    let warnings: Vec<Warning> = serde_json::from_value(month["warnings"].clone()).expect("as described");
    assert_eq!((days.len(), days[0].state.as_str(), warnings.len()), (30, "holiday", 1));
    for start in ["2026-11-24T07:00:00Z", "2026-11-24T10:20:00Z"] {
        let verdict = service.get(&format!("/counters/buergerbuero-1/why?start={start}")).await;
        serde_json::from_str::<Verdict>(&verdict.body).expect("as described");
    }

    let description = service.get("/openapi.json").await.json();
    assert_eq!(description["openapi"], "3.1.0");
    let paths: Vec<&String> = description["paths"].as_object().expect("paths").keys().collect();
    assert_eq!(paths.len(), 8, "{paths:?}");
    // Every reference leads somewhere.
    let text = description.to_string();
    for reference in text.split(r##""$ref":"#"##).skip(1) {
        let (pointer, _) = reference.split_once('"').expect("an end");
        assert!(description.pointer(pointer).is_some(), "{pointer}");
    }
    let counter = &description["components"]["schemas"]["Counter"];
    assert!(counter["properties"]["exchange_sync"].is_object(), "the configuration's own schema: {counter}");
}

#[tokio::test]
async fn healthy_is_who_knows_every_calendar() {
    let health = Service::start().await.get("/health").await;
    assert_eq!(health.status, StatusCode::OK);
    let mut health = health.json();
    let calendars = health["calendars"].take();
    assert_eq!(health, json!({ "status": "ok", "counters": 5, "not_known": [], "calendars": null }));
    assert_eq!((&calendars["circuit"]["state"], &calendars["live"]), (&json!("closed"), &json!(null)));
}

#[tokio::test]
async fn without_exchange_nothing_is_offered_and_the_service_lives_on() {
    let mut service = Service::start().await;
    drop(service.demo.take());
    let health = service.get("/health").await;
    assert_eq!((health.status, &health.json()["status"]), (StatusCode::OK, &json!("degraded")));
    let answer = service.get(TUESDAY).await;
    assert_eq!((answer.json()["counters"][0]["status"].as_str(), answer.starts().len()), (Some("unknown"), 0));
    let month = service.get("/counters/buergerbuero-1/days").await.json();
    assert_eq!((&month["days"][23]["state"], &month["days"][21]["state"]), (&json!("unknown"), &json!("closed")));
    let refused = service.post("/counters/buergerbuero-1/bookings", &json!({ "start": "2026-11-24T07:00:00Z" })).await;
    assert_eq!((refused.status, refused.problem().as_str()), (StatusCode::SERVICE_UNAVAILABLE, "calendars_unknown"));
}

#[tokio::test]
async fn the_connection_check_reports_every_step_and_who_uses_the_mailbox() {
    let service = Service::start().await;
    let check =
        async |query: &str| service.send(service.request(Method::POST, &format!("/connection-check{query}"))).await;
    let report = check("?mailbox=zulassung%40musterstadt.example").await;
    assert_eq!(report.status, StatusCode::OK);
    assert_eq!(report.json()["good"], true, "{}", report.body);
    assert_eq!(report.json()["counters"], json!(["zulassung-1", "zulassung-2"]));
    let unknown = check("?mailbox=nobody%40musterstadt.example").await.json();
    assert_eq!((&unknown["good"], &unknown["counters"]), (&json!(false), &json!([])));
    assert_eq!(check("").await.json()["good"], true, "the test mailbox");
    let malformed = check("?mailbox=nobody").await;
    assert_eq!((malformed.status, malformed.problem().as_str()), (StatusCode::UNPROCESSABLE_ENTITY, "faults"));
}

#[tokio::test]
async fn a_short_list_comes_with_its_length_and_a_long_one_is_written_while_it_is_sent() {
    use optigov_examples::service::SlotList;
    let service = Service::start().await;
    let list = async |days: u16| {
        let url = format!("{}/counters/buergerbuero-1/slots?from=2026-11-24&days={days}", service.url);
        let answer = service.client.get(url).send().await.expect("an answer");
        let length = answer.headers().get("content-length").and_then(|length| length.to_str().ok()?.parse().ok());
        let body = answer.text().await.expect("a whole body");
        let list: SlotList = serde_json::from_str(&body).expect("as described");
        (length, list.counters.into_iter().next().expect("one counter").slots)
    };
    let (length, short) = list(14).await;
    assert!(length.is_some_and(|length: usize| length < 65_536), "{length:?}");
    let (length, long) = list(60).await;
    assert!(length.is_none() && long.len() > 750, "{length:?} {}", long.len());
    assert!(!short.is_empty() && short.iter().zip(&long).all(|(short, long)| short.start == long.start));
}
