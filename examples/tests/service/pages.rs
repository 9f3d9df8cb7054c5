//! The pages for people, as they are sent: German, without a script, with nothing of the configuration in them.

use reqwest::StatusCode;
use serde_json::json;

use crate::{Service, TUESDAY};

const SAVE: &str = "/staff/save?counter=buergerbuero-1";
const CHECK: &str = "/staff/check?counter=buergerbuero-1";

#[tokio::test]
async fn the_first_page_shows_free_slots_and_why_there_are_none() {
    let service = Service::start().await;
    let page = service.get("/").await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(
        page.body,
        service.get("/?counter=buergerbuero-1&from=&template=").await.body,
        "the first counter is shown"
    );
    for part in [
        r#"<html lang="de">"#,
        "<h1>Bürgerbüro 1</h1>",
        "Nächster freier Termin",
        r#"<h3>Dienstag, 24. November</h3><p class="count">11 Termine frei</p>"#,
        r#"<time datetime="2026-11-24T10:40:00+01:00">10:40</time>"#,
        r#"<h3>Samstag, 28. November</h3><p class="count">geschlossen</p>"#,
        "<dt>Mo–Fr</dt><dd>08:00–12:00 Uhr</dd>",
    ] {
        assert!(page.body.contains(part), "{part} is missing: {}", page.body);
    }
    let listed = service.get("/counters/buergerbuero-1/slots?days=7").await.starts();
    assert_eq!(page.body.matches("<time ").count(), listed.len());
    assert!(!page.body.contains("<script") && !page.body.contains("style="), "it works without");
    assert!(!page.body.contains("blockiert nicht"), "that is for staff");
    assert!(page.body.find("Freie Termine</h2>") < page.body.find("Monatsübersicht</h2>"), "slots come first");
    let later = r#"href="/?counter=buergerbuero-1&amp;template=personalausweis&amp;from=2026-11-30">Spätere Tage</a>"#;
    assert!(page.body.contains(later), "{}", page.body);

    // The words for a day without slots: too late, a holiday, too far ahead.
    let words = async |from: &str| service.get(&format!("/?counter=buergerbuero-1&from={from}")).await.body;
    assert!(words("2026-11-16").await.contains(r#"16. November</h3><p class="count">nicht mehr buchbar"#));
    assert!(words("2026-12-24").await.contains(r#"25. Dezember</h3><p class="count">Feiertag"#));
    assert!(words("2027-02-01").await.contains(r#"1. Februar</h3><p class="count">noch nicht buchbar"#));
    let vacation = service.get("/?counter=buergerbuero-2&from=2026-11-30").await.body;
    assert!(vacation.contains(r#"30. November</h3><p class="count">ausgebucht"#), "{vacation}");
}

#[tokio::test]
async fn the_month_says_in_figures_and_signs_what_its_colours_say() {
    let service = Service::start().await;
    let page = service.get("/?counter=buergerbuero-1&from=2026-12-01").await.body;
    let (_, month) = page.split_once(r#"<table class="month">"#).expect("a month");
    let (month, legend) = month.split_once("</table>").expect("an end");
    let free = service.get("/counters/buergerbuero-1/days?month=2026-12").await.json();
    let days = free["days"].as_array().expect("days");
    let with_slots = days.iter().filter(|day| day["free"] != 0).count();
    assert_eq!(month.matches(r#"<a class="cell heat-"#).count(), with_slots);
    for day in days.iter().filter(|day| day["free"] != 0) {
        let count = format!("<strong>{}<span class=\"sr\"> frei</span></strong>", day["free"]);
        assert!(month.contains(&count), "{day}");
    }
    assert_eq!(month.matches("Feiertag").count(), 2, "the two Christmas days");
    for sign in [">F</span> Feiertag", ">–</span> geschlossen"] {
        assert!(legend.contains(sign), "{sign}");
    }
}

#[tokio::test]
async fn the_staff_page_shows_the_day_and_the_entry() {
    let service = Service::start().await;
    let page = service.get("/staff?date=2026-11-24").await.body;
    for part in [
        "<legend>Exchange-Abgleich</legend>",
        r#"<input type="checkbox" name="on" value="yes" checked>"#,
        r#"value="schalter1@musterstadt.example""#,
        "Dienstag, 24. November 2026: 11 Termine frei",
        "Kalender gelesen um 08:00 Uhr.",
        r#"<svg class="strip" role="img""#,
        "<dt>Postfach 1</dt><dd>09:00–10:30, 11:10–11:50</dd>",
    ] {
        assert!(page.contains(part), "{part} is missing: {page}");
    }
    let wednesday = service.get("/staff?date=2026-11-25").await.body;
    assert!(wednesday.contains("1 ganztägiger Eintrag blockiert nicht"), "{wednesday}");
    for title in ["Dienstbesprechung", "Arzt", "Geburtstag", "Schulung"] {
        assert!(!page.contains(title) && !wednesday.contains(title), "{title}");
    }
    let sunday = service.get("/staff?date=2026-11-29").await.body;
    assert!(sunday.contains("Sonntag, 29. November 2026: geschlossen") && !sunday.contains("<svg"), "{sunday}");
}

#[tokio::test]
async fn why_a_time_is_not_offered_is_told_in_german() {
    let service = Service::start().await;
    let why = async |counter: &str, date: &str, time: &str| {
        service.get(&format!("/staff?counter={counter}&date={date}&time={time}")).await.body
    };
    for (counter, date, time, words) in [
        (
            "buergerbuero-1",
            "2026-11-24",
            "11:20",
            "Postfach 1 ist vom 24.11.2026, 11:10 Uhr bis 24.11.2026, 11:50 Uhr belegt.",
        ),
        ("buergerbuero-1", "2026-11-24", "08:05", "Zu dieser Zeit beginnt kein Termin."),
        ("buergerbuero-1", "2026-11-29", "10:00", "geschlossen"),
        ("buergerbuero-1", "2026-12-25", "10:00", "Der 25.12.2026 ist ein Feiertag."),
        ("buergerbuero-1", "2026-11-23", "08:00", "Dafür ist es zu spät"),
        ("buergerbuero-1", "2027-02-01", "08:00", "Der Tag liegt zu weit in der Zukunft"),
        ("standesamt", "2026-11-25", "12:00", "Dieser Termin wird angeboten. Er dauert bis 12:45 Uhr."),
        (
            "standesamt",
            "2026-11-25",
            "09:45",
            "Postfach 2 ist vom 25.11.2026, 10:00 Uhr bis 25.11.2026, 12:00 Uhr belegt.",
        ),
        ("buergerbuero-1", "2026-11-24", "08:00", "Dieser Termin wird angeboten. Er dauert bis 08:20 Uhr."),
        ("buergerbuero-1", "2027-03-28", "02:30", "Diese Uhrzeit gibt es an diesem Tag nicht"),
    ] {
        let page = why(counter, date, time).await;
        assert!(page.contains(words), "{counter} {date} {time}: {page}");
    }
}

#[tokio::test]
async fn the_form_saves_and_the_slots_follow() {
    let service = Service::start().await;
    let vacation = "/counters/buergerbuero-1/slots?from=2026-11-30&days=5";
    assert!(service.get(vacation).await.starts().len() > 50);
    let before = service.counter("buergerbuero-1").await;
    let clerk = service.visit("/staff").await;
    let mailboxes = "mailbox=schalter2%40musterstadt.example&mailbox=schalter1%40musterstadt.example&mailbox=";

    let saved = service.submit(&clerk, SAVE, &format!("on=yes&needed=all&{mailboxes}")).await;
    let location = "/staff?counter=buergerbuero-1&saved=yes";
    assert_eq!((saved.status, saved.location.as_str()), (StatusCode::SEE_OTHER, location), "{}", saved.body);
    let page = service.get(&saved.location).await.body;
    for part in [
        "Gespeichert.",
        r#"role="status" tabindex="-1" autofocus"#,
        r#"id="mailbox-2""#,
        "<legend>2 Postfächer</legend>",
        "beide müssen frei sein",
    ] {
        assert!(page.contains(part), "{part} is missing: {page}");
    }
    assert_eq!(service.get(vacation).await.starts().len(), 0, "both calendars must be free");

    assert_eq!(
        service.submit(&clerk, SAVE, &format!("on=yes&needed=any&{mailboxes}")).await.status,
        StatusCode::SEE_OTHER
    );
    assert!(service.get(vacation).await.starts().len() > 50, "one of both is enough");
    assert_eq!(service.counter("buergerbuero-1").await["exchange_sync"]["needed"], "any");

    // Switched off, the mailboxes stay entered.
    assert_eq!(service.submit(&clerk, SAVE, &format!("needed=all&{mailboxes}")).await.status, StatusCode::SEE_OTHER);
    let page = service.get("/staff?counter=buergerbuero-1").await.body;
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
async fn a_number_of_mailboxes_that_the_form_cannot_choose_is_kept() {
    let service = Service::start().await;
    let mut document = service.counter("buergerbuero-1").await;
    let mailboxes = ["a", "b", "c"].map(|name| format!("{name}@musterstadt.example"));
    document["exchange_sync"] = json!({ "on": false, "mailboxes": mailboxes, "needed": { "at_least": 2 } });
    assert_eq!(service.put("/counters/buergerbuero-1", &document).await.status, StatusCode::OK);
    let clerk = service.visit("/staff").await;
    assert!(service.get("/staff").await.body.contains("mindestens 2 müssen frei sein"));
    let form: Vec<String> = mailboxes.iter().map(|mailbox| format!("mailbox={mailbox}")).collect();
    let saved = service.submit(&clerk, SAVE, &format!("needed=at_least&{}", form.join("&"))).await;
    assert_eq!((saved.status, service.counter("buergerbuero-1").await), (StatusCode::SEE_OTHER, document));
}

#[tokio::test]
async fn a_refused_form_keeps_what_was_entered_and_each_fault_leads_to_its_field() {
    let service = Service::start().await;
    let before = service.counter("buergerbuero-1").await;
    let clerk = service.visit("/staff").await;
    let page = service
        .submit(&clerk, SAVE, "on=yes&needed=any&mailbox=schalter2%40musterstadt.example&mailbox=nobody&mailbox=")
        .await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    for part in [
        "<title>Fehler: Bürgerbüro 1",
        r#"role="alert" tabindex="-1" autofocus"#,
        r##"<a href="#mailbox-1">Postfach 2: Der Adresse fehlt das „@“."##,
        r#"<p class="fault" id="fault-1">Der Adresse fehlt das „@“."#,
        r#"value="any" checked"#,
    ] {
        assert!(page.body.contains(part), "{part} is missing: {}", page.body);
    }
    let (_, field) = page.body.split_once(r#"<input id="mailbox-1""#).expect("the second field");
    let (field, _) = field.split_once('>').expect("an end");
    assert!(field.contains(r#"value="nobody""#) && field.contains(r#"aria-describedby="fault-1""#), "{field}");
    assert_eq!(page.body.matches(r#"aria-invalid="true""#).count(), 1);

    let page = service.submit(&clerk, SAVE, "on=yes&mailbox=").await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.body.contains("aber es ist kein Postfach eingetragen"), "{}", page.body);
    assert_eq!(page.body.matches(r#"aria-invalid="true""#).count(), 1);
    assert_eq!(service.counter("buergerbuero-1").await, before);
}

#[tokio::test]
async fn the_connection_is_checked_for_what_stands_in_the_form_which_keeps_it() {
    let service = Service::start().await;
    let before = service.counter("buergerbuero-1").await;
    let clerk = service.visit("/staff").await;
    let form =
        "on=yes&needed=any&mailbox=schalter1%40musterstadt.example&mailbox=nobody%40musterstadt.example&mailbox=broken";
    let page = service.submit(&clerk, CHECK, form).await;
    assert_eq!(page.status, StatusCode::OK);
    for part in [
        "Die Verbindung ist nicht in Ordnung",
        "<li>Postfach 1: in Ordnung</li>",
        r##"<a href="#check-1">Postfach 2: nicht in Ordnung</a>"##,
        r##"<a href="#mailbox-2">Postfach 3: Der Adresse fehlt das „@“."##,
        "Geprüft wurde, was im Formular steht. Es ist noch nicht gespeichert.",
        r#"<h3 id="check-1">Verbindung zu Postfach 2</h3>"#,
        r#"value="nobody@musterstadt.example""#,
        r#"value="broken""#,
        r#"value="any" checked"#,
    ] {
        assert!(page.body.contains(part), "{part} is missing: {}", page.body);
    }
    assert_eq!(service.counter("buergerbuero-1").await, before, "nothing is saved");

    let good =
        service.submit(&clerk, CHECK, "on=yes&needed=all&mailbox=schalter1%40musterstadt.example&mailbox=").await.body;
    assert!(good.contains("Die Verbindung ist in Ordnung.") && !good.contains("noch nicht gespeichert"), "{good}");
    let none = service.submit(&clerk, CHECK, "mailbox=").await.body;
    assert!(none.contains("kein Postfach eingetragen, das geprüft werden könnte"), "{none}");
}

#[tokio::test]
async fn a_page_shows_nothing_of_the_configuration() {
    let service = Service::start().await;
    let clerk = service.visit("/staff").await;
    let mut pages = vec![
        service.submit(&clerk, SAVE, "on=yes&mailbox=nobody&mailbox=a%40b.example&mailbox=a%40b.example").await.body,
        service.submit(&clerk, SAVE, "on=yes&mailbox=").await.body,
        service.submit(&clerk, CHECK, "on=yes&mailbox=nobody").await.body,
    ];
    // A service that has read nothing before Exchange goes away.
    let mut service = Service::start().await;
    drop(service.demo.take());
    for path in ["/", "/staff?date=2026-11-24&time=09:45", "/staff?counter=standesamt&date=2026-11-25&time=09:45"] {
        pages.push(service.get(path).await.body);
    }
    for page in &pages {
        for inner in ["exchange_sync", "mailboxes[", "counters[", "opening[", "at_least"] {
            assert!(!page.contains(inner), "{inner}: {page}");
        }
    }
    assert!(pages[3].contains("Zurzeit können keine Termine angezeigt werden."), "{}", pages[3]);
    assert!(
        pages[3].contains(r#"24. November</h3><p class="count">nicht bekannt"#),
        "unknown is not full: {}",
        pages[3]
    );
    assert!(!pages[3].contains("Postfach"), "why is no concern of citizens: {}", pages[3]);
    assert!(pages[4].contains("Postfach 1: ") && pages[4].contains("nicht bekannt"), "{}", pages[4]);
}

#[tokio::test]
async fn what_is_most_likely_not_meant_is_said_beside_the_entry() {
    let service = Service::start().await;
    let mut document = service.counter("standesamt").await;
    document["opening"] = json!([]);
    assert_eq!(service.put("/counters/standesamt", &document).await.status, StatusCode::OK);
    let [page, other] =
        [service.get("/staff?counter=standesamt").await, service.get("/staff?counter=zulassung-1").await];
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
    let clerk = service.visit("/staff").await;
    let shown = [
        service.get("/").await,
        service.get("/staff").await,
        service.submit(&clerk, SAVE, &format!("on=yes&mailbox={encoded}")).await,
    ];
    for page in shown {
        assert!(page.body.contains("&lt;script&gt;") && !page.body.contains("<script"), "{}", page.body);
    }
    for path in [
        "/?counter=",
        "/?counter=buergerbuero-1&template=",
        "/book?start=2026-11-24T07:00:00Z&counter=buergerbuero-1&template=",
        "/",
    ] {
        let page = service
            .send(service.request(reqwest::Method::GET, &format!("{path}{encoded}")).header("Accept", "text/html"))
            .await;
        assert!(page.kind.starts_with("text/html") && !page.body.contains("<script"), "{path}: {}", page.body);
    }
}

#[tokio::test]
async fn a_browser_is_told_problems_on_a_page() {
    let service = Service::start().await;
    for (path, status) in [
        ("/?counter=nowhere", StatusCode::NOT_FOUND),
        ("/nowhere", StatusCode::NOT_FOUND),
        ("/?from=tomorrow", StatusCode::BAD_REQUEST),
        ("/booked/7", StatusCode::NOT_FOUND),
    ] {
        let request = service.request(reqwest::Method::GET, path).header("Accept", "text/html,*/*;q=0.8");
        let page = service.send(request).await;
        assert_eq!((page.status, page.kind.as_str()), (status, "text/html; charset=utf-8"), "{path}");
        assert!(page.body.contains(r#"<html lang="de">"#) && page.body.contains("Zur Startseite"), "{}", page.body);
    }
}
