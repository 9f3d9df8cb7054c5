//! Serving connections within limits, so that slow clients and many clients hold up nobody.

use std::convert::Infallible;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use optigov_availability::Text;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::{sleep, timeout};

use super::problem::Problem;

/// What a client may take of the service.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How long the head of a request may take to arrive. Default: 10 s.
    pub head: Duration,
    /// How long a request may take in all, from its head to the beginning of the answer; its body must have arrived by then. Default: 60 s.
    pub request: Duration,
    /// How long a connection is kept, however busy; after it, the request under way has as long again as a request may take, and then the
    /// connection is cut. Default: 5 min.
    pub connection: Duration,
    /// How many connections there may be at once; further ones wait. Default: 512.
    pub connections: usize,
    /// The longest body of a request, in bytes. Default: 64 KiB.
    pub body: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        let (head, request) = (Duration::from_secs(10), Duration::from_secs(60));
        Limits { head, request, connection: Duration::from_secs(300), connections: 512, body: 64 << 10 }
    }
}

/// Serves `app` to whoever connects, until `stop`; requests under way then are still answered.
pub async fn serve(
    listener: TcpListener,
    app: Router,
    limits: Limits,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let app = app.layer(DefaultBodyLimit::max(limits.body));
    let places = Arc::new(Semaphore::new(limits.connections));
    let (stopping, stopped) = watch::channel(());
    let mut stop = pin!(stop);
    loop {
        let accepted = async {
            // The semaphore is never closed; without a place it waits.
            let place = Arc::clone(&places).acquire_owned().await;
            (place, listener.accept().await)
        };
        tokio::select! {
            () = &mut stop => break,
            (place, accepted) = accepted => match accepted {
                Ok((stream, _)) => {
                    let connection = one(stream, app.clone(), limits, stopped.clone());
                    tokio::spawn(async move {
                        connection.await;
                        drop(place);
                    });
                }
                // Such as too many open files: it passes as connections end.
                Err(_) => sleep(Duration::from_millis(100)).await,
            },
        }
    }
    drop((listener, stopped));
    stopping.send_replace(());
    // Every connection holds a receiver until it ends.
    timeout(limits.request, stopping.closed()).await.ok();
    Ok(())
}

async fn one(stream: TcpStream, app: Router, limits: Limits, mut stopped: watch::Receiver<()>) {
    let app = TowerToHyperService::new(app);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .serve_connection(TokioIo::new(stream), service_fn(|request| in_time(limits.request, app.call(request))));
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        // What ends a connection early, such as a client that went away, concerns nobody.
        _ = &mut connection => true,
        _ = stopped.changed() => false,
        () = sleep(limits.connection) => false,
    };
    if !ended {
        connection.as_mut().graceful_shutdown();
        timeout(limits.request, connection).await.ok();
    }
}

/// The answer in time, if only that it took too long.
async fn in_time(
    longest: Duration,
    answer: impl Future<Output = Result<Response, Infallible>>,
) -> Result<Response, Infallible> {
    timeout(longest, answer).await.unwrap_or_else(|_| {
        let text = Text::fixed("Die Antwort hat zu lange gedauert.", "The answer took too long.");
        Ok(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "timeout", text).into_response())
    })
}
