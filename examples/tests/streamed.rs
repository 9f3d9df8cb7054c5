//! An answer as a streamed body: it is written while it is sent, so that a slow reader of a long list costs no more memory than a quick one.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::routing::get;
use chrono::{DateTime, NaiveDate, TimeZone as _, Utc};
use chrono_tz::Europe::Berlin;
use futures_util::{future, stream};
use optigov_availability::{Answer, Availability, Interval, MemorySource, Municipality, SlotsRequest};

/// Bytes of bodies that are in memory.
#[derive(Default)]
struct Held {
    now: AtomicUsize,
    most: AtomicUsize,
}

/// A chunk that counts as held until the server has sent it and lets it go.
struct Chunk {
    bytes: Vec<u8>,
    held: Arc<Held>,
}

impl Chunk {
    fn new(bytes: Vec<u8>, held: &Arc<Held>) -> Chunk {
        let now = held.now.fetch_add(bytes.capacity(), Ordering::SeqCst) + bytes.capacity();
        held.most.fetch_max(now, Ordering::SeqCst);
        Chunk { bytes, held: Arc::clone(held) }
    }
}

impl AsRef<[u8]> for Chunk {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        self.held.now.fetch_sub(self.bytes.capacity(), Ordering::SeqCst);
    }
}

fn now() -> DateTime<Utc> {
    Berlin.with_ymd_and_hms(2026, 11, 23, 7, 0, 0).single().expect("a time that exists").to_utc()
}

/// Ninety days at a hundred counters that are open every day: some 15 MB.
async fn long_answer() -> Answer {
    let mut text =
        "format = 1\nname = \"Musterstadt\"\ntemplates = [{ id = \"t\", label = \"T\", length = \"5min\" }]\n"
            .to_owned();
    for counter in 0..100 {
        text += &format!(
            "[[counters]]\nid = \"s{counter}\"\nname = \"Schalter {counter}\"\ntemplates = [\"t\"]\n\
             opening = [{{ days = \"Mo-So\", hours = \"08:00-18:00\" }}]\n"
        );
    }
    let municipality = Municipality::from_toml(&text).expect("the configuration holds");
    let availability = Availability::for_municipality(municipality).source(MemorySource::new()).clock(now);
    let day = |month, day| NaiveDate::from_ymd_opt(2026, month, day).expect("a date");
    let window = Interval::of_dates(day(9, 1), day(12, 31), Berlin).expect("days");
    let availability = availability.build().expect("nothing is missing");
    availability.free_slots(&SlotsRequest::new(window)).await.expect("the request holds")
}

#[tokio::test]
async fn a_streamed_answer_holds_at_most_64_kib_at_once_however_slow_its_reader_is() {
    let answer = long_answer().await;
    let expected = answer.to_json();
    assert!(expected.len() > 5_000_000, "{}", expected.len());
    let held = Arc::new(Held::default());
    let of_server = Arc::clone(&held);
    let handler = move || {
        let held = Arc::clone(&of_server);
        let counted = move |chunk| Ok::<_, Infallible>(Bytes::from_owner(Chunk::new(chunk, &held)));
        future::ready(Body::from_stream(stream::iter(answer.clone().into_json_chunks().map(counted))))
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    tokio::spawn(axum::serve(listener, Router::new().route("/", get(handler))).into_future());

    rustls::crypto::ring::default_provider().install_default().ok();
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let mut response = client.get(url).send().await.expect("an answer");
    // The server runs on this thread: it goes on until it has to wait for the reader.
    for _ in 0..10_000 {
        tokio::task::yield_now().await;
    }
    let mut body = Vec::with_capacity(expected.len());
    while let Some(chunk) = response.chunk().await.expect("a body") {
        body.extend_from_slice(&chunk);
    }
    assert!(body == expected, "the body is the answer");
    let most = held.most.load(Ordering::SeqCst);
    assert!((1..=65_536).contains(&most), "{most} bytes were held at once");
    assert_eq!(held.now.load(Ordering::SeqCst), 0, "and none is left");
}
