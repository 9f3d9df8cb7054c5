//! One instance of the service. What a service needs in order to be one of several is in this file: a cache that it shares, entries that it keeps
//! where the others can load them, and an ear for what the others have saved.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use futures_util::StreamExt as _;
use optigov_availability::{Availability, Counter, Municipality, Saved, SharedCache, SharedCacheSettings, SystemClock};
use optigov_examples::service::{self, Hosts, Limits};
use optigov_examples::{demo, print};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

/// The file of the municipality as it was in the beginning; beside it lies a file for each counter that was saved since.
pub(crate) const MUNICIPALITY: &str = "municipality.json";
/// The longest entry.
const LONGEST: usize = 1 << 20;

/// Serves until its standard input ends.
pub(crate) async fn serve(kept_in: &Path, store: &str) -> anyhow::Result<()> {
    let entries = Entries { kept_in: Arc::from(kept_in) };
    let mut settings = SharedCacheSettings::default();
    // A machine that compiles something else meanwhile is slower than a server.
    settings.answers_within = Duration::from_secs(1);
    let cache = SharedCache::connect(store, settings)?;
    let availability = demo::availability(entries.municipality()?).cache(cache).build()?;
    // One of the instances watches for all; another one follows it if it dies.
    let _fresh = availability.keep_fresh(Duration::from_secs(90 * 86_400));
    tokio::spawn(follow_the_others(availability.clone(), entries.clone()));
    let keeping = middleware::from_fn_with_state((availability.clone(), entries), keep_what_is_saved);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let app = service::router(availability, SystemClock, Hosts::at(listener.local_addr()?))?.layer(keeping);
    print(&format!("http://{}\n", listener.local_addr()?))?;
    let parent_ends = async {
        // Nothing is ever sent; an error is an end, too.
        drop(tokio::io::stdin().read_to_end(&mut Vec::new()).await);
    };
    Ok(service::serve(listener, app, Limits::default(), parent_ends).await?)
}

/// Loads what another instance has saved, and puts it into force.
async fn follow_the_others(availability: Availability, entries: Entries) {
    let mut saved = availability.saved_elsewhere();
    while let Some(saved) = saved.next().await {
        let loaded = match saved {
            Saved::Counter(id) => entries.counter(&id).and_then(|counter| Ok(availability.counter_loaded(counter)?)),
            _ => entries.municipality().and_then(|town| Ok(availability.municipality_loaded(town)?)),
        };
        if let Err(error) = loaded {
            tracing::error!(error = %error, "what another instance has saved cannot be loaded");
        }
    }
}

/// Keeps an entry where the others can load it, before the service puts it into force and tells them. What is saved by the page for clerks is not kept:
/// this demo saves by the interface for programs.
async fn keep_what_is_saved(
    State((availability, entries)): State<(Availability, Entries)>,
    request: Request,
    next: Next,
) -> Response {
    if request.method() != Method::PUT {
        return next.run(request).await;
    }
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, LONGEST).await else { return StatusCode::PAYLOAD_TOO_LARGE.into_response() };
    let entry = std::str::from_utf8(&body).ok().and_then(|text| Counter::from_json(text).ok());
    // What does not fit the municipality, the service refuses.
    let entry = entry.filter(|counter| availability.municipality().with_counter(counter.clone()).is_ok());
    if entry.is_some_and(|counter| entries.keep(&counter).is_err()) {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    next.run(Request::from_parts(head, Body::from(body))).await
}

/// Where entries are kept, for all instances: here a directory, with a file for each counter.
#[derive(Clone)]
struct Entries {
    kept_in: Arc<Path>,
}

impl Entries {
    /// The municipality with every counter as it was saved last.
    fn municipality(&self) -> anyhow::Result<Municipality> {
        let town = Municipality::from_json(&fs::read_to_string(self.kept_in.join(MUNICIPALITY))?)?;
        let ids: Vec<String> = town.counters().map(|counter| counter.id().to_string()).collect();
        ids.iter()
            .filter(|id| self.file(id).exists())
            .try_fold(town, |town, id| Ok(town.with_counter(self.counter(id)?)?))
    }

    fn counter(&self, id: &str) -> anyhow::Result<Counter> {
        let text = fs::read_to_string(self.file(id)).context("the entry is not kept")?;
        Ok(Counter::from_json(&text)?)
    }

    fn keep(&self, counter: &Counter) -> anyhow::Result<()> {
        // Whoever loads it meanwhile finds the old entry or the new one, and no half of it.
        let written = tempfile::NamedTempFile::new_in(&self.kept_in)?;
        fs::write(written.path(), counter.to_json())?;
        written.persist(self.file(counter.id().as_str()))?;
        Ok(())
    }

    /// An identifier is made of letters, digits and a few signs, and begins with a letter or digit: it is no way out of the directory.
    fn file(&self, id: &str) -> PathBuf {
        self.kept_in.join(format!("counter-{id}.json"))
    }
}
