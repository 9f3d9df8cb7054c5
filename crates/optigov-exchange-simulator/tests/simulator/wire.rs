//! Bodies and connections that are unusual below XML.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use chrono::NaiveDate;
use optigov_exchange_simulator::{Account, Effect, Entry, Fault, Mailbox, Scenario, Simulator};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::common::{Answer, MAILBOX, envelope, find_item, free_busy, post};

const DAY: (&str, &str) = ("2026-11-24T00:00:00Z", "2026-11-25T00:00:00Z");

fn scenario(effects: impl IntoIterator<Item = Effect>) -> Scenario {
    let day = NaiveDate::from_ymd_opt(2026, 11, 24).expect("a date");
    let at = |hour| day.and_hms_opt(hour, 0, 0).expect("a time");
    let account = Account::new("svc-optigov").password("geheim").impersonates_everybody();
    let mailbox = Mailbox::new(MAILBOX).entry(Entry::local(at(9), at(10)).subject("Gespräch"));
    let scenario = Scenario::new().account(account).mailbox(mailbox);
    effects.into_iter().map(Fault::new).fold(scenario, Scenario::fault)
}

fn start(scenario: Scenario) -> Simulator {
    Simulator::start(scenario).expect("a simulator")
}

fn view() -> String {
    envelope(Some(MAILBOX), &find_item(None, DAY, None, &["calendar:Start", "calendar:End"]))
}

async fn with(effects: impl IntoIterator<Item = Effect>) -> Answer {
    post(&start(scenario(effects)), "geheim", view()).await
}

fn unzipped(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    flate2::read::GzDecoder::new(bytes).read_to_end(&mut out).expect("gzip");
    out
}

#[tokio::test]
async fn a_body_comes_gzipped_unasked() {
    let simulator = start(scenario([Effect::Gzip]));
    let answer = post(&simulator, "geheim", view()).await;
    assert_eq!(answer.headers["content-encoding"], "gzip");
    assert!(simulator.requests()[0].header("accept-encoding").is_none());
    let whole = with([]).await;
    assert_eq!(unzipped(&answer.bytes), whole.bytes);

    let bomb = with([Effect::Huge(20_000_000), Effect::Gzip]).await;
    assert!(bomb.bytes.len() < 200_000, "{}", bomb.bytes.len());
    assert_eq!(unzipped(&bomb.bytes).len(), 20_000_000);
}

#[tokio::test]
async fn a_body_comes_in_utf_16() {
    let answer = with([Effect::Utf16]).await;
    assert_eq!(answer.headers["content-type"], "text/xml; charset=utf-16");
    assert_eq!(answer.bytes[..2], [0xff, 0xfe]);
    let units: Vec<u16> =
        answer.bytes[2..].chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
    let text = String::from_utf16(&units).expect("a text");
    let expected = with([]).await.body.replace("encoding=\"utf-8\"", "encoding=\"utf-16\"");
    assert_eq!(text, expected);
}

#[tokio::test]
async fn a_subject_that_nobody_asked_for_holds_an_invalid_byte() {
    let items = with([Effect::InvalidUtf8]).await;
    assert_eq!(items.texts("Subject"), ["\u{fffd}Gespräch"]);
    assert!(items.bytes.contains(&0xfc) && std::str::from_utf8(&items.bytes).is_err());
    let simulator = start(scenario([Effect::InvalidUtf8]));
    let events = post(&simulator, "geheim", envelope(None, &free_busy(&[MAILBOX], DAY, "FreeBusy"))).await;
    assert_eq!(events.texts("Subject"), ["\u{fffd}"]);
    assert!(std::str::from_utf8(&events.bytes).is_err());
}

#[tokio::test]
async fn an_answer_of_many_items_has_the_size_that_was_set() {
    let simulator = start(scenario([]));
    let fault = Fault::new(Effect::ManyItems(8 << 20)).mailbox(MAILBOX);
    simulator.update(|scenario| *scenario = scenario.clone().fault(fault)).expect("a scenario");
    let answer = post(&simulator, "geheim", view()).await;
    assert_eq!(answer.bytes.len(), 8 << 20);
    assert!(answer.body.matches("<t:CalendarItem>").count() > 20_000);
    assert!(answer.body.ends_with("</s:Envelope>"));
}

/// Reads until `count` whole answers have come, and returns everything.
async fn read_answers(stream: &mut (impl AsyncRead + Unpin), count: usize) -> String {
    let mut read = Vec::new();
    let end = async {
        while String::from_utf8_lossy(&read).matches("</s:Envelope>").count() < count {
            let mut piece = [0; 4096];
            let length = stream.read(&mut piece).await.expect("a piece");
            assert_ne!(length, 0, "the connection ended early");
            read.extend_from_slice(&piece[..length]);
        }
    };
    tokio::time::timeout(Duration::from_secs(20), end).await.expect("in time");
    String::from_utf8_lossy(&read).into_owned()
}

async fn send(stream: &mut (impl AsyncWrite + Unpin), id: &str) {
    let body = view();
    let head = format!(
        "POST /EWS/Exchange.asmx HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\nContent-Length: {}\r\n\
         Authorization: Basic c3ZjLW9wdGlnb3Y6Z2VoZWlt\r\nclient-request-id: {id}\r\nreturn-client-request-id: true\r\n\r\n",
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes()).await.expect("written");
    stream.flush().await.expect("sent");
}

#[tokio::test]
async fn a_surplus_answer_follows_at_once_or_later() {
    for after in [Duration::ZERO, Duration::from_millis(80)] {
        let fault = Fault::new(Effect::Surplus { after }).first(1);
        let simulator = start(scenario([]).plain_http().fault(fault));
        let mut stream = TcpStream::connect(simulator.address()).await.expect("a connection");
        send(&mut stream, "first").await;
        let both = read_answers(&mut stream, 2).await;
        assert_eq!(both.matches("HTTP/1.1 200 OK\r\n").count(), 2, "{both}");
        assert_eq!(both.matches("client-request-id: first\r\n").count(), 2);
        assert_eq!(simulator.requests().len(), 1);
        let halves: Vec<_> = both.split("HTTP/1.1 200 OK\r\n").skip(1).collect();
        let body = |half: &str| half.split_once("\r\n\r\n").expect("a head").1.to_owned();
        assert_eq!(body(halves[0]), body(halves[1]));

        send(&mut stream, "second").await;
        let next = read_answers(&mut stream, 1).await;
        assert!(next.contains("client-request-id: second\r\n"), "the connection goes on: {next}");
    }
}

#[tokio::test]
async fn a_surplus_answer_comes_through_tls() {
    rustls::crypto::ring::default_provider().install_default().ok();
    let simulator = start(scenario([Effect::Surplus { after: Duration::ZERO }]));
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(simulator.ca_pem().as_bytes()).expect("a certificate")).expect("a root");
    let config = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let stream = TcpStream::connect(simulator.address()).await.expect("a connection");
    let name = "localhost".try_into().expect("a name");
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.expect("TLS");
    send(&mut stream, "first").await;
    let both = read_answers(&mut stream, 2).await;
    assert_eq!(both.matches("client-request-id: first\r\n").count(), 2, "{both}");
    assert_eq!(simulator.requests().len(), 1);
}

#[tokio::test]
async fn a_connection_may_close_before_the_answer() {
    let simulator = start(scenario([Effect::CloseBefore]).plain_http());
    let mut stream = TcpStream::connect(simulator.address()).await.expect("a connection");
    send(&mut stream, "first").await;
    let mut read = Vec::new();
    let end = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut read)).await.expect("in time");
    assert_eq!(end.expect("an orderly end"), 0);
    assert_eq!(simulator.requests().len(), 1);
}
