//! The example service, end to end: over HTTP, with calendars read from a simulated Exchange. Now is a Monday at 08:00 in Musterstadt.

use chrono::{DateTime, TimeZone as _, Utc};
use optigov_examples::demo::Demo;
use optigov_examples::service;
use optigov_exchange_simulator::Simulator;
use reqwest::{Method, StatusCode, redirect};
use serde_json::{Value, json};

/// A Tuesday on which Bürgerbüro 1 has appointments, and could take 19 without.
const TUESDAY: &str = "/counters/buergerbuero-1/slots?from=2026-11-24&days=1";

struct Service {
    demo: Option<Demo>,
    url: String,
    client: reqwest::Client,
}

struct Answer {
    status: StatusCode,
    location: String,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }

    /// The starts of the first counter's slots.
    fn starts(&self) -> Vec<DateTime<Utc>> {
        let json = self.json();
        let slots = json["counters"][0]["slots"].as_array().expect("slots").iter();
        slots.map(|slot| slot["start"].as_str().expect("a text").parse().expect("an instant")).collect()
    }
}

impl Service {
    async fn start() -> Service {
        let now = Utc.with_ymd_and_hms(2026, 11, 23, 7, 0, 0).single().expect("an instant");
        let demo = Demo::start(now, &[]).expect("a demo");
        let availability = demo.availability().clock(move || now).build().expect("a facade");
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        tokio::spawn(axum::serve(listener, service::router(availability, move || now)).into_future());
        // reqwest wants a provider even where nothing is encrypted; a second test finds it installed.
        rustls::crypto::ring::default_provider().install_default().ok();
        let client = reqwest::Client::builder().no_proxy().redirect(redirect::Policy::none());
        Service { demo: Some(demo), url, client: client.build().expect("a client") }
    }

    async fn send(&self, method: Method, path: &str, kind: &str, body: String) -> Answer {
        let request = self.client.request(method, format!("{}{path}", self.url)).header("Content-Type", kind);
        let response = request.body(body).send().await.expect("an answer");
        let location = response.headers().get("Location").and_then(|value| value.to_str().ok()).unwrap_or_default();
        Answer {
            status: response.status(),
            location: location.to_owned(),
            body: response.text().await.expect("a whole body"),
        }
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, "", String::new()).await
    }

    async fn put(&self, path: &str, document: &Value) -> Answer {
        self.send(Method::PUT, path, "application/json", document.to_string()).await
    }

    async fn post(&self, path: &str, form: &str) -> Answer {
        self.send(Method::POST, path, "application/x-www-form-urlencoded", form.to_owned()).await
    }

    async fn counter(&self, id: &str) -> Value {
        self.get(&format!("/counters/{id}")).await.json()
    }

    fn exchange(&self) -> &Simulator {
        &self.demo.as_ref().expect("not stopped").simulator
    }
}

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
    let days = month["days"].as_array().expect("days");
    assert_eq!((days.len(), &days[0]["date"], &days[30]["date"]), (31, &json!("2026-12-01"), &json!("2026-12-31")));
    let free: u64 = days.iter().filter_map(|day| day["free"].as_u64()).sum();
    let listed = service.get("/counters/buergerbuero-1/slots?from=2026-12-01&days=31").await.starts();
    assert_eq!(free, listed.len() as u64);
    assert!(free > 100 && days[24]["free"] == 0, "the first Christmas Day is closed: {month}");

    let this_month = service.get("/counters/buergerbuero-1/days").await.json();
    assert_eq!((&this_month["month"], &this_month["status"]), (&json!("2026-11"), &json!("known")));
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused() {
    let service = Service::start().await;
    for path in ["", "/slots", "/days"] {
        assert_eq!(service.get(&format!("/counters/nowhere{path}")).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(service.post("/counters/nowhere/exchange-sync", "on=yes").await.status, StatusCode::NOT_FOUND);
    assert_eq!(service.get("/?counter=nowhere").await.status, StatusCode::NOT_FOUND);
    for query in ["days=0", "days=731", "from=tomorrow", "template=reisepass", "template=trauung", "day=3"] {
        let refused = service.get(&format!("/counters/buergerbuero-1/slots?{query}")).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{query}: {}", refused.body);
    }
    for month in ["2026-13", "2026", "x", "2026-12-24", ""] {
        let refused = service.get(&format!("/counters/buergerbuero-1/days?month={month}")).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{month}: {}", refused.body);
    }
}

#[tokio::test]
async fn the_start_page_shows_the_entry_and_the_free_slots() {
    let service = Service::start().await;
    let page = service.get("/").await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(page.body, service.get("/?counter=buergerbuero-1&from=").await.body, "the first counter is shown");
    for part in [
        r#"<html lang="de">"#,
        "<h1>Bürgerbüro 1</h1>",
        "Mo–Fr 08:00-12:00",
        "<legend>Exchange-Abgleich</legend>",
        r#"<input type="checkbox" name="on" value="yes" checked>"#,
        r#"value="schalter1@musterstadt.example""#,
        "Dienstag, 24.11.2026",
        "Kalender gelesen um 08:00 Uhr.",
        "1 ganztägiger Eintrag blockiert nicht",
    ] {
        assert!(page.body.contains(part), "{part} is missing: {}", page.body);
    }
    let listed = service.get("/counters/buergerbuero-1/slots").await.starts();
    assert_eq!(page.body.matches("<time ").count(), listed.len());
    assert!(page.body.contains(r#"<time datetime="2026-11-24T10:40:00+01:00">10:40</time>"#));
    assert!(!page.body.contains("<script"), "it works without");
    let later =
        r#"<a href="/?counter=buergerbuero-1&amp;template=personalausweis&amp;from=2026-12-07">Weitere Tage</a>"#;
    assert!(page.body.contains(later), "{}", page.body);
    let later = service.get("/?counter=buergerbuero-1&template=personalausweis&from=2026-12-07").await;
    assert!(later.body.contains("Montag, 07.12.2026") && !later.body.contains("24.11.2026"));
    let labels = page.body.matches("<label").count();
    let fields = page.body.matches("<input").count() - page.body.matches(r#"type="hidden""#).count();
    assert_eq!(labels, fields, "every field has its label");
}

#[tokio::test]
async fn the_form_saves_and_the_slots_follow() {
    let service = Service::start().await;
    let vacation = "/counters/buergerbuero-1/slots?from=2026-11-30&days=5";
    assert!(service.get(vacation).await.starts().len() > 50);
    let before = service.counter("buergerbuero-1").await;
    let save = "/counters/buergerbuero-1/exchange-sync";
    let mailboxes = "mailbox=schalter2%40musterstadt.example&mailbox=schalter1%40musterstadt.example&mailbox=";

    let saved = service.post(save, &format!("on=yes&{mailboxes}")).await;
    assert_eq!((saved.status, saved.location.as_str()), (StatusCode::SEE_OTHER, "/?counter=buergerbuero-1&saved=yes"));
    let page = service.get(&saved.location).await.body;
    assert!(page.contains("Gespeichert.") && page.contains(r#"id="mailbox-2""#), "{page}");
    assert_eq!(service.get(vacation).await.starts().len(), 0, "both calendars must be free");

    // Switched off, the mailboxes stay entered.
    assert_eq!(service.post(save, mailboxes).await.status, StatusCode::SEE_OTHER);
    let page = service.get("/?counter=buergerbuero-1").await.body;
    assert!(
        page.contains("Der Exchange-Abgleich ist aus") && page.contains(r#"value="schalter2@musterstadt.example""#)
    );
    assert!(page.contains(r#"<input type="checkbox" name="on" value="yes">"#), "{page}");
    assert_eq!(service.get(TUESDAY).await.starts().len(), 19);

    // Nothing else of the entry has changed.
    let mut after = service.counter("buergerbuero-1").await;
    assert_eq!(after["exchange_sync"]["on"], false);
    after["exchange_sync"] = before["exchange_sync"].clone();
    assert_eq!(after, before);
}

#[tokio::test]
async fn a_refused_form_keeps_what_was_entered_and_shows_each_fault_beside_its_field() {
    let service = Service::start().await;
    let before = service.counter("buergerbuero-1").await;
    let save = "/counters/buergerbuero-1/exchange-sync";
    let page = service.post(save, "on=yes&mailbox=schalter2%40musterstadt.example&mailbox=nobody&mailbox=").await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.body.contains("<title>Fehler: Bürgerbüro 1"), "{}", page.body);
    let (_, field) = page.body.split_once(r#"<input id="mailbox-1""#).expect("the second field");
    let (field, after) = field.split_once('>').expect("an end");
    assert!(field.contains(r#"value="nobody""#) && field.contains(r#"aria-describedby="fault-1""#), "{field}");
    assert!(after.starts_with(r#"<p class="fault" id="fault-1">Der Adresse fehlt das „@“."#), "{after}");
    assert_eq!(page.body.matches(r#"aria-invalid="true""#).count(), 1);

    let page = service.post(save, "on=yes&mailbox=").await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.body.contains("aber es ist kein Postfach eingetragen"), "{}", page.body);
    assert_eq!(page.body.matches(r#"aria-invalid="true""#).count(), 1);
    assert_eq!(service.counter("buergerbuero-1").await, before);
}

#[tokio::test]
async fn what_is_most_likely_not_meant_is_said_beside_the_entry() {
    let service = Service::start().await;
    let mut document = service.counter("standesamt").await;
    document["opening"] = json!([]);
    assert_eq!(service.put("/counters/standesamt", &document).await.status, StatusCode::OK);
    let [page, other] = [service.get("/?counter=standesamt").await, service.get("/?counter=zulassung-1").await];
    assert!(page.body.contains(r#"<p class="note warn">An diesem Schalter"#), "{}", page.body);
    assert!(!other.body.contains("An diesem Schalter"), "{}", other.body);
}

#[tokio::test]
async fn text_from_outside_is_never_markup() {
    let service = Service::start().await;
    let attack = r#""><script>alert(1)</script>"#;
    let mut document = service.counter("buergerbuero-1").await;
    document["name"] = attack.into();
    document["place"] = attack.into();
    assert_eq!(service.put("/counters/buergerbuero-1", &document).await.status, StatusCode::OK);
    let encoded = "%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E";
    let pages = [
        service.get("/").await,
        service.get(&format!("/?counter={encoded}")).await,
        service.get(&format!("/?template={encoded}")).await,
        service.post("/counters/buergerbuero-1/exchange-sync", &format!("on=yes&mailbox={encoded}")).await,
    ];
    for page in pages {
        assert!(page.body.contains("&lt;script&gt;") && !page.body.contains("<script"), "{}", page.body);
    }
}

#[tokio::test]
async fn without_exchange_nothing_is_offered_and_the_service_lives_on() {
    let mut service = Service::start().await;
    drop(service.demo.take());
    let health = service.get("/health").await;
    assert_eq!((health.status, &health.json()["status"]), (StatusCode::OK, &json!("degraded")));
    let answer = service.get(TUESDAY).await;
    assert_eq!((answer.json()["counters"][0]["status"].as_str(), answer.starts().len()), (Some("unknown"), 0));
    let page = service.get("/").await;
    assert_eq!((page.status, page.body.matches("<time ").count()), (StatusCode::OK, 0));
    assert!(page.body.contains("Die Kalender sind nicht bekannt; es werden keine Termine angeboten."), "{}", page.body);
    assert!(!page.body.contains("nichts frei"), "unknown is not taken: {}", page.body);
}

#[tokio::test]
async fn healthy_is_who_knows_every_calendar() {
    let health = Service::start().await.get("/health").await;
    assert_eq!(health.status, StatusCode::OK);
    assert_eq!(health.json(), json!({ "status": "ok", "counters": 5, "not_known": [] }));
}

#[tokio::test]
async fn the_connection_check_reports_every_step_and_who_uses_the_mailbox() {
    let service = Service::start().await;
    let report = service.post("/connection-check?mailbox=zulassung%40musterstadt.example", "").await;
    assert_eq!(report.status, StatusCode::OK);
    assert_eq!(report.json()["good"], true, "{}", report.body);
    assert_eq!(report.json()["counters"], json!(["zulassung-1", "zulassung-2"]));
    let unknown = service.post("/connection-check?mailbox=nobody%40musterstadt.example", "").await.json();
    assert_eq!((&unknown["good"], &unknown["counters"]), (&json!(false), &json!([])));
    assert_eq!(service.post("/connection-check", "").await.json()["good"], true, "the test mailbox");
    assert_eq!(service.post("/connection-check?mailbox=nobody", "").await.status, StatusCode::UNPROCESSABLE_ENTITY);

    let page = service.post("/counters/standesamt/connection-check", "").await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(page.body.matches("Die Verbindung ist in Ordnung.").count(), 2, "{}", page.body);
}

#[tokio::test]
async fn a_page_of_another_site_can_change_nothing() {
    let service = Service::start().await;
    let save = format!("{}/counters/buergerbuero-1/exchange-sync", service.url);
    for (site, status) in [("cross-site", StatusCode::FORBIDDEN), ("same-origin", StatusCode::SEE_OTHER)] {
        let post = service.client.post(&save).header("Sec-Fetch-Site", site).body("mailbox=");
        let post = post.header("Content-Type", "application/x-www-form-urlencoded");
        assert_eq!(post.send().await.expect("an answer").status(), status, "{site}");
    }
    let link = service.client.get(&service.url).header("Sec-Fetch-Site", "cross-site");
    assert_eq!(link.send().await.expect("an answer").status(), StatusCode::OK, "a link from elsewhere works");
}
