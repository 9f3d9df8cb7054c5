//! What a browser is made to send is refused, and slow clients are cut.

use std::time::Duration;

use optigov_examples::service::Limits;
use reqwest::{Method, StatusCode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::Service;

const SAVE: &str = "/staff/save?counter=buergerbuero-1";

#[tokio::test]
async fn a_page_of_another_site_can_change_nothing() {
    let service = Service::start().await;
    let path = "/connection-check?mailbox=demo%40musterstadt.example";
    let foreign = "http://musterstadt.example.attacker.example".to_owned();
    for (header, value, status) in [
        ("Origin", foreign, StatusCode::FORBIDDEN),
        ("Origin", "null".to_owned(), StatusCode::FORBIDDEN),
        ("Origin", service.url.replace("http:", "ftp:"), StatusCode::FORBIDDEN),
        ("Origin", service.url.clone(), StatusCode::OK),
        ("Sec-Fetch-Site", "cross-site".to_owned(), StatusCode::FORBIDDEN),
        ("Sec-Fetch-Site", "same-site".to_owned(), StatusCode::FORBIDDEN),
        ("Sec-Fetch-Site", "same-origin".to_owned(), StatusCode::OK),
    ] {
        let answer = service.send(service.request(Method::POST, path).header(header, &value)).await;
        assert_eq!(answer.status, status, "{header}: {value}");
        if status == StatusCode::FORBIDDEN {
            assert_eq!(answer.problem(), "foreign_origin");
        }
    }
    let link = service.request(Method::GET, "/").header("Sec-Fetch-Site", "cross-site");
    assert_eq!(service.send(link).await.status, StatusCode::OK, "a link from elsewhere works");
}

#[tokio::test]
async fn under_a_foreign_name_nothing_is_told() {
    let service = Service::start().await;
    for (host, status) in [
        ("attacker.example", StatusCode::MISDIRECTED_REQUEST),
        ("127.0.0.1", StatusCode::MISDIRECTED_REQUEST),
        (&service.url.replace("http://127.0.0.1", "LOCALHOST"), StatusCode::OK),
    ] {
        let answer = service.send(service.request(Method::GET, "/counters").header("Host", host)).await;
        assert_eq!(answer.status, status, "{host}");
    }
}

#[tokio::test]
async fn a_form_without_its_token_changes_nothing() {
    let service = Service::start().await;
    let before = service.counter("buergerbuero-1").await;
    let mut anna = service.visit("/staff").await;
    let ben = service.visit("/staff").await;
    let forged =
        [("", anna.token.clone()), (anna.cookie.as_str(), String::new()), (ben.cookie.as_str(), anna.token.clone())];
    for (cookie, token) in forged {
        let visitor = crate::Visitor { cookie: cookie.to_owned(), token };
        let answer = service.submit(&visitor, SAVE, "mailbox=").await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{}", answer.body);
        assert!(answer.body.contains("Das Formular ist nicht mehr gültig"), "{}", answer.body);
    }
    anna.token.pop();
    assert_eq!(service.submit(&anna, SAVE, "mailbox=").await.status, StatusCode::FORBIDDEN);
    assert_eq!(service.counter("buergerbuero-1").await, before);
    assert_eq!(service.submit(&ben, SAVE, "mailbox=").await.status, StatusCode::SEE_OTHER, "with both it is saved");
}

#[tokio::test]
async fn every_answer_tells_browsers_what_it_may_not_do() {
    let service = Service::start().await;
    for path in ["/", "/staff", "/counters", "/nowhere", "/style.css"] {
        let response = service.request(Method::GET, path).send().await.expect("an answer");
        let header =
            |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        assert!(header("Content-Security-Policy").contains("default-src 'none'; style-src 'self'"), "{path}");
        assert_eq!((header("X-Content-Type-Options"), header("Referrer-Policy")), ("nosniff", "same-origin"), "{path}");
        assert_eq!(header("Cache-Control"), if path == "/style.css" { "max-age=300" } else { "no-store" }, "{path}");
    }
}

/// Sends a piece of a request, and waits for what comes until the service ends the connection.
async fn answer_to(service: &Service, piece: &str) -> String {
    let address = service.url.strip_prefix("http://").expect("an address");
    let mut connection = TcpStream::connect(address).await.expect("a connection");
    let piece = piece.replace("HOST", address);
    connection.write_all(piece.as_bytes()).await.expect("it is sent");
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer).await.expect("it is ended");
    String::from_utf8_lossy(&answer).into_owned()
}

/// Brief enough for a test, and long enough for a client that is not slow on a machine that is.
const BRIEF: Duration = Duration::from_millis(500);

#[tokio::test]
async fn slow_clients_are_cut() {
    let service = Service::with_limits(Limits { head: BRIEF, ..Limits::default() }).await;
    assert_eq!(answer_to(&service, "GET / HTTP/1.1\r\nHost: HO").await, "", "a head that does not end");
    assert_eq!(answer_to(&service, "").await, "", "a connection on which nothing comes");

    let service = Service::with_limits(Limits { request: BRIEF, ..Limits::default() }).await;
    let body = "PUT /counters/buergerbuero-1 HTTP/1.1\r\nHost: HOST\r\nContent-Length: 5\r\n\r\n{";
    let slow = answer_to(&service, body).await;
    assert!(
        slow.starts_with("HTTP/1.1 503") && slow.contains(r#""code":"timeout""#),
        "a body that does not end: {slow}"
    );

    let service = Service::with_limits(Limits { connection: BRIEF, ..Limits::default() }).await;
    let kept = answer_to(&service, "GET /style.css HTTP/1.1\r\nHost: HOST\r\n\r\n").await;
    assert!(kept.starts_with("HTTP/1.1 200"), "a connection that is kept open: {kept}");
}

#[tokio::test]
async fn of_too_many_connections_the_last_waits_for_its_turn() {
    let service = Service::with_limits(Limits { connections: 1, head: BRIEF, ..Limits::default() }).await;
    let waiting = "GET /style.css HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n";
    let (idle, answered) = tokio::join!(answer_to(&service, ""), answer_to(&service, waiting));
    assert!(idle.is_empty() && answered.starts_with("HTTP/1.1 200"), "{answered}");
}
