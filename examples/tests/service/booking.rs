//! Booking a slot, by form and by interface.

use reqwest::StatusCode;
use serde_json::json;

use crate::{Service, TUESDAY};

const EIGHT: &str = "counter=buergerbuero-1&template=personalausweis&start=2026-11-24T07:00:00Z";

#[tokio::test]
async fn a_booked_slot_is_gone_from_every_answer() {
    let service = Service::start().await;
    let visitor = service.visit(&format!("/book?{EIGHT}")).await;
    let booked = service.submit(&visitor, "/book", EIGHT).await;
    assert_eq!((booked.status, booked.location.as_str()), (StatusCode::SEE_OTHER, "/booked/1"), "{}", booked.body);
    let page = service.get("/booked/1").await.body;
    for part in
        ["Ihr Termin ist gebucht", "Dienstag, 24. November 2026", "08:00–08:20 Uhr", "Personalausweis beantragen"]
    {
        assert!(page.contains(part), "{part} is missing: {page}");
    }
    assert_eq!(service.get(TUESDAY).await.starts().len(), 10);
    let month = service.get("/counters/buergerbuero-1/days").await.json();
    assert_eq!(month["days"][23]["free"], 10);
    let why = service.get("/counters/buergerbuero-1/why?start=2026-11-24T07:00:00Z").await.json();
    assert_eq!(why["reasons"][0]["code"], "capacity");
    let staff = service.get("/staff?counter=buergerbuero-1&date=2026-11-24").await.body;
    assert!(staff.contains("Gebucht</dt><dd>08:00–08:20"), "{staff}");
    assert_eq!(service.get("/booked/2").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn of_two_who_book_at_once_one_is_told_kindly_and_offered_others() {
    let service = Service::start().await;
    let page = format!("/book?{EIGHT}");
    let (anna, ben) = tokio::join!(service.visit(&page), service.visit(&page));
    assert!(anna.cookie != ben.cookie && anna.token != ben.token);
    let (one, other) = tokio::join!(service.submit(&anna, "/book", EIGHT), service.submit(&ben, "/book", EIGHT));
    let (won, lost) = if one.status == StatusCode::SEE_OTHER { (one, other) } else { (other, one) };
    assert_eq!((won.status, lost.status), (StatusCode::SEE_OTHER, StatusCode::CONFLICT));
    for part in [
        "Dieser Termin ist leider nicht mehr frei",
        "Für Sie wurde nichts gebucht",
        r#"role="status""#,
        "08:20 Uhr</a>",
    ] {
        assert!(lost.body.contains(part), "{part} is missing: {}", lost.body);
    }
    assert_eq!(lost.body.matches("<a href=\"/book?").count(), 6);
}

#[tokio::test]
async fn a_form_that_is_sent_twice_books_once() {
    let service = Service::start().await;
    let visitor = service.visit(&format!("/book?{EIGHT}")).await;
    for _ in 0..2 {
        let booked = service.submit(&visitor, "/book", EIGHT).await;
        assert_eq!((booked.status, booked.location.as_str()), (StatusCode::SEE_OTHER, "/booked/1"));
    }
    let again = service.get(&format!("/book?{EIGHT}")).await;
    assert_eq!(again.status, StatusCode::CONFLICT, "who looks at it later is told at once");
}

#[tokio::test]
async fn what_was_never_offered_cannot_be_booked() {
    let service = Service::start().await;
    let visitor = service.visit(&format!("/book?{EIGHT}")).await;
    let night = EIGHT.replace("T07:", "T02:");
    let refused = service.submit(&visitor, "/book", &night).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(refused.body.contains("Dieser Termin kann nicht gebucht werden"), "{}", refused.body);
    for (form, status) in [
        (EIGHT.replace("&start=2026-11-24T07:00:00Z", ""), StatusCode::BAD_REQUEST),
        (EIGHT.replace("buergerbuero-1", "nowhere"), StatusCode::NOT_FOUND),
        (EIGHT.replace("personalausweis", "trauung"), StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        assert_eq!(service.submit(&visitor, "/book", &form).await.status, status, "{form}");
    }
    assert_eq!(service.get(TUESDAY).await.starts().len(), 11);
}

#[tokio::test]
async fn without_exchange_nothing_is_booked_and_nobody_is_blamed() {
    let mut service = Service::start().await;
    let visitor = service.visit(&format!("/book?{EIGHT}")).await;
    drop(service.demo.take());
    let refused = service.submit(&visitor, "/book", EIGHT).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(refused.body.contains("Das liegt nicht an Ihnen"), "{}", refused.body);
}

#[tokio::test]
async fn a_program_books_in_json() {
    let service = Service::start().await;
    let wish = json!({ "start": "2026-11-24T08:00:00+01:00" });
    let made = service.post("/counters/buergerbuero-1/bookings", &wish).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    let expected = json!({
        "number": 1, "counter": "buergerbuero-1", "template": "personalausweis",
        "start": "2026-11-24T08:00:00+01:00", "end": "2026-11-24T08:20:00+01:00",
    });
    assert_eq!(made.json(), expected);
    let taken = service.post("/counters/buergerbuero-1/bookings", &wish).await;
    assert_eq!((taken.status, taken.problem().as_str()), (StatusCode::CONFLICT, "taken"));
    let never =
        service.post("/counters/buergerbuero-1/bookings", &json!({ "start": "2026-11-24T08:01:00+01:00" })).await;
    assert_eq!((never.status, never.problem().as_str()), (StatusCode::CONFLICT, "not_bookable"));
    let odd = service.post("/counters/buergerbuero-1/bookings", &json!({ "begin": "2026-11-24T08:00:00Z" })).await;
    assert_eq!((odd.status, odd.problem().as_str()), (StatusCode::BAD_REQUEST, "malformed"));
}
