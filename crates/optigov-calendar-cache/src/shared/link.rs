//! The way to the store: one connection that comes back by itself, a bound on every question, and no question while the store is known to fail.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use redis::{
    Client, Pipeline, RedisResult, Value,
    aio::{ConnectionManager, ConnectionManagerConfig},
};
use tokio::time::{Instant, timeout};

use crate::{CacheError, Clock, StoreHealth};

/// After a failure the store is asked again after this; each further failure doubles the pause.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// From this pause on, each failure makes a new connection.
const RENEW_AFTER: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// A server that calls itself something else after so many tries is none that can be used.
const TRIES: usize = 3;

/// The way to the store.
pub(crate) struct Link {
    client: Client,
    clock: Arc<dyn Clock>,
    answers_within: Duration,
    state: Mutex<State>,
}

struct State {
    connection: ConnectionManager,
    /// The run of the server as it names itself: it differs after a restart and after a failover. Names in the store begin with it, so that what a
    /// server has loaded from an old snapshot is never looked at.
    run: Option<Arc<str>>,
    health: StoreHealth,
    /// While the store fails: not to be asked before this, and the pause that led to it.
    paused: Option<(Instant, Duration)>,
}

/// What the store answered, in the order of the commands, and the run of the server that did.
pub(crate) struct Replies {
    pub(crate) run: Arc<str>,
    pub(crate) values: Vec<RedisResult<Value>>,
}

impl Link {
    pub(crate) fn new(client: Client, clock: Arc<dyn Clock>, answers_within: Duration) -> RedisResult<Link> {
        let connection = connect(&client, answers_within)?;
        let state = State { connection, run: None, health: StoreHealth::Answering, paused: None };
        Ok(Link { client, clock, answers_within, state: Mutex::new(state) })
    }

    /// Asks the store in one round trip. `commands` adds the commands for a run of the server; it is called again where the server has changed.
    ///
    /// # Errors
    /// At once while the store is known to fail; else where it does not answer in time.
    pub(crate) async fn ask(&self, commands: impl Fn(&str, &mut Pipeline)) -> Result<Replies, CacheError> {
        {
            let mut state = self.state();
            let now = Instant::now();
            if let (Some((until, _)), StoreHealth::Failing { reason, .. }) = (state.paused, &state.health) {
                if now < until {
                    return Err(CacheError::new(reason.clone()));
                }
                // This call tries; the others go on without the store until it knows more.
                state.paused = state.paused.map(|(_, pause)| (now + self.answers_within * 2, pause));
            }
        }
        self.insist(commands, self.answers_within).await
    }

    /// Asks the store although it is known to fail, and waits for longer.
    pub(crate) async fn insist(
        &self,
        commands: impl Fn(&str, &mut Pipeline),
        within: Duration,
    ) -> Result<Replies, CacheError> {
        let answer = timeout(within, self.try_to_ask(commands)).await;
        let answer = answer.map_err(|_| CacheError::new("the store does not answer in time"));
        let answer = answer.and_then(|answer| answer.map_err(CacheError::new));
        self.saw(answer.as_ref().err());
        answer
    }

    /// A store that answers and refuses to store is full, or a replica. It is asked as ever, and its health says so.
    pub(crate) fn refused(&self, reason: String) {
        let mut state = self.state();
        if state.health == StoreHealth::Answering {
            tracing::warn!(reason, "the calendar store answers and stores nothing");
            state.health = StoreHealth::Failing { since: self.clock.now(), reason };
        }
        metrics::counter!("optigov_calendar_store_failures_total").increment(1);
    }

    /// A store that had refused stores again.
    pub(crate) fn stored(&self) {
        let mut state = self.state();
        if state.paused.is_none() && state.health != StoreHealth::Answering {
            tracing::info!("the calendar store stores again");
            state.health = StoreHealth::Answering;
        }
    }

    pub(crate) fn health(&self) -> StoreHealth {
        self.state().health.clone()
    }

    async fn try_to_ask(&self, commands: impl Fn(&str, &mut Pipeline)) -> RedisResult<Replies> {
        let mut connection = self.state().connection.clone();
        for _ in 0..TRIES {
            let run = self.state().run.clone();
            let mut pipe = redis::pipe();
            pipe.cmd("INFO").arg("server").ignore_errors();
            if let Some(run) = &run {
                commands(run, &mut pipe);
            }
            let mut values: Vec<RedisResult<Value>> = pipe.query_async(&mut connection).await?;
            let info: String = redis::from_redis_value(values.remove(0)?)?;
            let named = info.lines().find_map(|line| line.strip_prefix("run_id:")).unwrap_or_default().trim();
            if let Some(run) = run.filter(|run| **run == *named) {
                return Ok(Replies { run, values });
            }
            self.state().run = Some(named.into());
        }
        Err((redis::ErrorKind::Client, "the store is another one at each question").into())
    }

    fn saw(&self, error: Option<&CacheError>) {
        let mut state = self.state();
        match error {
            None => {
                if let (Some(_), StoreHealth::Failing { since, .. }) = (state.paused.take(), &state.health) {
                    tracing::info!(%since, "the calendar store answers again");
                    metrics::gauge!("optigov_calendar_stores_failing").decrement(1.0);
                    state.health = StoreHealth::Answering;
                }
            }
            Some(error) => {
                metrics::counter!("optigov_calendar_store_failures_total").increment(1);
                let pause = match state.paused {
                    Some((_, pause)) => (pause * 2).min(LONGEST_PAUSE),
                    None => {
                        tracing::warn!(error = error as &dyn std::error::Error, "the calendar store does not answer");
                        metrics::gauge!("optigov_calendar_stores_failing").increment(1.0);
                        state.health = StoreHealth::Failing { since: self.clock.now(), reason: error.reason() };
                        FIRST_PAUSE
                    }
                };
                if pause >= RENEW_AFTER {
                    // The connection may hang though the store is well.
                    state.connection = connect(&self.client, self.answers_within).unwrap_or(state.connection.clone());
                }
                let jitter = 0.75 + fastrand::f64() / 4.0;
                state.paused = Some((Instant::now() + pause.mul_f64(jitter), pause));
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection that is made when it is first used, and again when it is lost.
fn connect(client: &Client, answers_within: Duration) -> RedisResult<ConnectionManager> {
    let longest = Some(answers_within * 4);
    let config = ConnectionManagerConfig::new().set_connection_timeout(longest).set_response_timeout(longest);
    ConnectionManager::new_lazy_with_config(client.clone(), config.set_number_of_retries(0))
}

impl Drop for Link {
    fn drop(&mut self) {
        if self.state().paused.is_some() {
            metrics::gauge!("optigov_calendar_stores_failing").decrement(1.0);
        }
    }
}
