//! A store for these tests, and instances that use it.

use std::{
    ops::{Deref, DerefMut},
    sync::Arc,
    time::Duration,
};

use optigov_calendar::CalendarSource;
use optigov_calendar_cache::{
    CalendarReader, ReaderSettings, SharedCache, SharedCacheSettings, SystemClock, testing::RedisServer,
};
use tokio::time::{Instant, sleep};

use crate::support::Server;

/// A running store.
pub(crate) struct Store(RedisServer);

impl Deref for Store {
    type Target = RedisServer;

    fn deref(&self) -> &RedisServer {
        &self.0
    }
}

impl DerefMut for Store {
    fn deref_mut(&mut self) -> &mut RedisServer {
        &mut self.0
    }
}

impl Store {
    /// A store that keeps nothing on disk; `None`, and loud words, where this machine has none.
    pub(crate) async fn start() -> Option<Store> {
        Store::start_with(&[]).await
    }

    pub(crate) async fn start_with(arguments: &[&str]) -> Option<Store> {
        let server = RedisServer::start(arguments).await.expect("the store comes up");
        if server.is_none() {
            println!("\n*** NOT TESTED: {} ***\n", RedisServer::MISSING);
        }
        server.map(Store)
    }

    pub(crate) fn cache(&self) -> SharedCache {
        self.cache_with(|_| {})
    }

    pub(crate) fn cache_with(&self, set: impl FnOnce(&mut SharedCacheSettings)) -> SharedCache {
        cache_at(&self.url(), set)
    }

    /// What an instance of a service reads by: a reader through a cache of its own.
    pub(crate) fn instance(&self, server: &Arc<Server>, set: impl FnOnce(&mut ReaderSettings)) -> Arc<CalendarReader> {
        reader_of(self.cache(), server, set)
    }

    /// An instance for counting: it waits for its store, however busy this machine is.
    pub(crate) fn patient_instance(&self, server: &Arc<Server>) -> Arc<CalendarReader> {
        let cache = self.cache_with(|settings| settings.answers_within = Duration::from_secs(30));
        reader_of(cache, server, |settings| {
            settings.time_to_live = Duration::from_secs(3_600);
            settings.cache = Duration::from_secs(30);
            settings.lease = Duration::from_secs(60);
            settings.lease_patience = Duration::from_secs(60);
        })
    }

    /// One command, by a connection of its own. It may take long: a busy disk makes `SAVE` slow.
    pub(crate) async fn command(&self, command: &[&str]) -> redis::RedisResult<redis::Value> {
        let client = redis::Client::open(self.url())?;
        let patience = Some(Duration::from_secs(30));
        let config =
            redis::AsyncConnectionConfig::new().set_response_timeout(patience).set_connection_timeout(patience);
        let mut connection = client.get_multiplexed_async_connection_with_config(&config).await?;
        let mut built = redis::cmd(command[0]);
        built.arg(&command[1..]);
        built.query_async(&mut connection).await
    }

    pub(crate) async fn names(&self) -> Vec<String> {
        let names = self.command(&["KEYS", "*"]).await.expect("the store answers");
        redis::from_redis_value(names).expect("names")
    }
}

/// A cache in the store at an address.
pub(crate) fn cache_at(url: &str, set: impl FnOnce(&mut SharedCacheSettings)) -> SharedCache {
    let mut settings = SharedCacheSettings::default();
    set(&mut settings);
    SharedCache::connect(url, settings).expect("an address")
}

/// A reader of the server through a cache.
pub(crate) fn reader_of(
    cache: SharedCache,
    server: &Arc<Server>,
    set: impl FnOnce(&mut ReaderSettings),
) -> Arc<CalendarReader> {
    let mut settings = ReaderSettings::default();
    set(&mut settings);
    let source: Arc<dyn CalendarSource> = Arc::<Server>::clone(server);
    CalendarReader::new(source, Arc::new(cache), Arc::new(SystemClock), settings)
}

/// Waits until something holds, which it should soon.
pub(crate) async fn soon(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !holds().await {
        assert!(began.elapsed() < Duration::from_secs(10), "{what}");
        sleep(Duration::from_millis(5)).await;
    }
}
