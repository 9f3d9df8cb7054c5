//! The example service beside a bare axum handler that answers with the same bytes from memory, both asked by the same client in the same run.
//!
//! `cargo bench -p optigov-examples --bench service` asks as fast as answers come. With `-- --load` behind it, requests come at a constant rate
//! whatever becomes of the answers, and latencies are told.

mod client;
mod closed;
mod open;
mod server;

use std::future::pending;
use std::time::Duration;

use axum::Router;
use axum::http::header;
use axum::routing::get;
use chrono::{DateTime, Utc};
use optigov_examples::demo::Demo;
use optigov_examples::service::{self, Hosts, Limits};

use self::client::Client;
use self::server::Server;

/// Two weeks of a counter of the demo municipality, from the Tuesday after [`now`].
const ADDRESS: &str = "/counters/buergerbuero-1/slots?from=2026-11-24&days=14&template=personalausweis";

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_417_200, 0).expect("2026-11-23, 08:00 in Berlin")
}

/// The service as its example starts it, but for the time, which stands still.
fn service(demo: &Demo) -> Server {
    let builder = demo.availability().clock(now);
    Server::start(async |listener| {
        let availability = builder.build().expect("a facade");
        let _fresh = availability.keep_fresh(Duration::from_secs(90 * 86_400));
        let hosts = Hosts::at(listener.local_addr().expect("an address"));
        let app = service::router(availability, now, hosts).expect("a service");
        service::serve(listener, app, Limits::default(), pending()).await.expect("it serves");
    })
}

/// The least that a service does with axum.
fn bare(body: Vec<u8>) -> Server {
    let body = axum::body::Bytes::from(body);
    Server::start(async |listener| {
        let answer = move || {
            let answer = ([(header::CONTENT_TYPE, "application/json")], body.clone());
            async { answer }
        };
        axum::serve(listener, Router::new().route("/counters/{id}/slots", get(answer))).await.expect("it serves");
    })
}

fn main() -> std::io::Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let is_given = |name: &str| arguments.iter().any(|argument| argument == name);
    let client = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let demo = Demo::start(now(), &[]).expect("the demo starts");
    let service = service(&demo);
    let body = client.block_on(warm_answer(&service))?;
    let bytes = body.len();
    let bare = bare(body.clone());
    assert!(client.block_on(answer(&bare))? == body, "both answer with the same bytes");
    match () {
        // A test run has seen that both answer.
        () if !is_given("--bench") => Ok(()),
        () if is_given("--load") => open::run(&client, &service, &bare, bytes),
        () => closed::run(&client, &service, &bare, bytes),
    }?;
    assert!(client.block_on(answer(&service))? == body, "the service still answers the same");
    Ok(())
}

async fn answer(server: &Server) -> std::io::Result<Vec<u8>> {
    let mut client = Client::connect(server.address).await?;
    client.ask().await?;
    Ok(client.body())
}

/// The answer from a warm cache: the first ones wait for the calendars.
async fn warm_answer(service: &Server) -> std::io::Result<Vec<u8>> {
    for _ in 0..100 {
        let body = answer(service).await?;
        if String::from_utf8_lossy(&body).contains(r#""status":"known""#) {
            return Ok(body);
        }
    }
    Err(std::io::Error::other("the calendars do not come to be known"))
}
