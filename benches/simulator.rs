//! What the simulator serves on its one thread: a FindItem view of 50 items, beside a bare server that reads as much and
//! answers as many bytes without looking at them. The clients are raw sockets, so that they cost little themselves. And what
//! it takes to start one.

use std::time::{Duration, Instant};

use chrono::{NaiveDate, TimeDelta};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use optigov_exchange_simulator::{Account, Entry, Mailbox, Scenario, Scheme, Simulator};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

const CONNECTIONS: usize = 4;

const REQUEST: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types" xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages">
<soap:Header><t:RequestServerVersion Version="Exchange2016"/><t:ExchangeImpersonation><t:ConnectingSID><t:PrimarySmtpAddress>anna@musterstadt.example</t:PrimarySmtpAddress></t:ConnectingSID></t:ExchangeImpersonation></soap:Header>
<soap:Body><m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties><t:FieldURI FieldURI="calendar:Start"/><t:FieldURI FieldURI="calendar:End"/><t:FieldURI FieldURI="calendar:IsAllDayEvent"/><t:FieldURI FieldURI="calendar:LegacyFreeBusyStatus"/><t:FieldURI FieldURI="calendar:IsCancelled"/><t:FieldURI FieldURI="calendar:StartTimeZone"/></t:AdditionalProperties></m:ItemShape>
<m:CalendarView MaxEntriesReturned="1000" StartDate="2026-11-23T00:00:00Z" EndDate="2026-12-23T00:00:00Z"/>
<m:ParentFolderIds><t:DistinguishedFolderId Id="calendar"><t:Mailbox><t:EmailAddress>anna@musterstadt.example</t:EmailAddress></t:Mailbox></t:DistinguishedFolderId></m:ParentFolderIds></m:FindItem></soap:Body></soap:Envelope>"#;

/// 30 single entries and a series of 20 in the view.
fn scenario() -> Scenario {
    let day = NaiveDate::from_ymd_opt(2026, 11, 23).expect("a date");
    let at = |n: i64| day.and_hms_opt(8, 0, 0).expect("a time") + TimeDelta::hours(n);
    let singles = (0..30).map(|n| Entry::local(at(24 * n), at(24 * n + 1)).subject("Termin"));
    let series = Entry::local(at(3), at(4)).subject("Runde").recurs("FREQ=DAILY;COUNT=20");
    Scenario::new()
        .plain_http()
        .schemes([Scheme::Basic])
        .account(Account::new("svc-optigov").password("geheim").impersonates_everybody())
        .mailbox(Mailbox::new("anna@musterstadt.example").entries(singles).entry(series))
}

fn request() -> Vec<u8> {
    // svc-optigov:geheim
    format!(
        "POST /EWS/Exchange.asmx HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic c3ZjLW9wdGlnb3Y6Z2VoZWlt\r\n\
         Content-Type: text/xml; charset=utf-8\r\nContent-Length: {}\r\n\r\n{REQUEST}",
        REQUEST.len()
    )
    .into_bytes()
}

/// Sends the request and reads the whole answer.
async fn exchange(stream: &mut TcpStream, request: &[u8], buffer: &mut Vec<u8>) -> usize {
    stream.write_all(request).await.expect("a connection");
    buffer.clear();
    loop {
        assert!(stream.read_buf(buffer).await.expect("an answer") > 0, "the server hung up");
        if let Some(whole) = length(buffer)
            && buffer.len() >= whole
        {
            return whole;
        }
    }
}

/// Length of a message with its head, once the head is there.
fn length(buffer: &[u8]) -> Option<usize> {
    let head = buffer.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&buffer[..head]).expect("a head").to_ascii_lowercase();
    let (_, value) = text.split_once("content-length: ").expect("a length");
    Some(head + value.lines().next().expect("a value").trim().parse::<usize>().expect("a number"))
}

async fn load(port: u16, requests: u64) -> Duration {
    let mut tasks = Vec::new();
    let start = Instant::now();
    for share in 0..CONNECTIONS as u64 {
        let count = requests / CONNECTIONS as u64 + u64::from(share < requests % CONNECTIONS as u64);
        tasks.push(tokio::spawn(async move {
            let mut stream = TcpStream::connect(("127.0.0.1", port)).await.expect("a server");
            stream.set_nodelay(true).expect("a socket");
            let (request, mut buffer) = (request(), Vec::with_capacity(64 * 1024));
            for _ in 0..count {
                exchange(&mut stream, &request, &mut buffer).await;
            }
        }));
    }
    for task in tasks {
        task.await.expect("a client");
    }
    start.elapsed()
}

/// Answers every request with the same bytes, on one thread of its own.
fn bare_server(answer: Vec<u8>) -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.set_nonblocking(true).expect("a socket");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let answer: std::sync::Arc<[u8]> = answer.into();
        runtime.block_on(async move {
            let listener = TcpListener::from_std(listener).expect("a listener");
            while let Ok((mut stream, _)) = listener.accept().await {
                stream.set_nodelay(true).expect("a socket");
                let answer = answer.clone();
                tokio::spawn(async move {
                    let mut buffer = Vec::new();
                    while stream.read_buf(&mut buffer).await.is_ok_and(|read| read > 0) {
                        if length(&buffer).is_some_and(|whole| buffer.len() >= whole) {
                            buffer.clear();
                            if stream.write_all(&answer).await.is_err() {
                                return;
                            }
                        }
                    }
                });
            }
        });
    });
    port
}

fn views(criterion: &mut Criterion) {
    let runtime: Runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let simulator = Simulator::start(scenario()).expect("a simulator");
    let port = simulator.address().port();
    let answer = runtime.block_on(async {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.expect("a server");
        let mut buffer = Vec::new();
        exchange(&mut stream, &request(), &mut buffer).await;
        buffer
    });
    let items = String::from_utf8_lossy(&answer).matches("<t:CalendarItem>").count();
    assert_eq!(items, 50, "the view holds 50 items");
    let bare = bare_server(answer);

    let mut group = criterion.benchmark_group("view of 50 items");
    group.throughput(Throughput::Elements(1));
    group.bench_function("simulator", |bencher| bencher.iter_custom(|n| runtime.block_on(load(port, n))));
    group.bench_function("bare server, same bytes", |bencher| bencher.iter_custom(|n| runtime.block_on(load(bare, n))));
    group.finish();
}

/// Key, certificates, socket, thread, and the end of it all.
fn start(criterion: &mut Criterion) {
    let encrypted = || Scenario::new().account(Account::new("svc-optigov").password("geheim"));
    criterion.bench_function("start and stop with TLS", |bencher| {
        bencher.iter(|| Simulator::start(encrypted()).expect("a simulator"));
    });
}

criterion_group!(benches, views, start);
criterion_main!(benches);
