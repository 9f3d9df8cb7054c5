//! A store for tests: Debian's `redis-server`, started on a free port of the loopback interface, and stopped by its process id.

use std::{
    net::{Ipv4Addr, TcpListener},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use optigov_calendar::CalendarSource;
use optigov_calendar_cache::{CalendarReader, ReaderSettings, SharedCache, SharedCacheSettings, SystemClock};
use tokio::time::{Instant, sleep, timeout};

use crate::support::Server;

/// A running store.
pub(crate) struct Store {
    child: Child,
    pub(crate) port: u16,
    arguments: Vec<String>,
    directory: tempfile::TempDir,
}

impl Store {
    /// A store that keeps nothing on disk; `None`, and loud words, where this machine has no `redis-server`.
    pub(crate) async fn start() -> Option<Store> {
        Store::start_with(&["--save", "", "--appendonly", "no"]).await
    }

    pub(crate) async fn start_with(arguments: &[&str]) -> Option<Store> {
        let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        loop {
            let (port, directory) = (free_port(), tempfile::tempdir().expect("a directory"));
            let Some(child) = launch(port, &arguments, directory.path()) else {
                println!(
                    "\n*** NOT TESTED: no `redis-server` on this machine (Debian: apt-get install redis-server) ***\n"
                );
                return None;
            };
            let mut store = Store { child, port, arguments: arguments.clone(), directory };
            if store.comes_up().await {
                return Some(store);
            }
            // Another process has taken the port meanwhile.
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub(crate) fn cache(&self) -> SharedCache {
        self.cache_with(|_| {})
    }

    pub(crate) fn cache_with(&self, set: impl FnOnce(&mut SharedCacheSettings)) -> SharedCache {
        let mut settings = SharedCacheSettings::default();
        set(&mut settings);
        SharedCache::connect(&self.url(), settings).expect("an address")
    }

    /// What an instance of a service reads by: a reader through a cache of its own.
    pub(crate) fn instance(&self, server: &Arc<Server>, set: impl FnOnce(&mut ReaderSettings)) -> Arc<CalendarReader> {
        self.instance_by(self.cache(), server, set)
    }

    /// An instance for counting: it waits for its store, however busy this machine is.
    pub(crate) fn patient_instance(&self, server: &Arc<Server>) -> Arc<CalendarReader> {
        let cache = self.cache_with(|settings| settings.answers_within = Duration::from_secs(30));
        self.instance_by(cache, server, |settings| {
            settings.time_to_live = Duration::from_secs(3_600);
            settings.cache = Duration::from_secs(30);
            settings.lease = Duration::from_secs(60);
            settings.lease_patience = Duration::from_secs(60);
        })
    }

    fn instance_by(
        &self,
        cache: SharedCache,
        server: &Arc<Server>,
        set: impl FnOnce(&mut ReaderSettings),
    ) -> Arc<CalendarReader> {
        let mut settings = ReaderSettings::default();
        set(&mut settings);
        let source: Arc<dyn CalendarSource> = Arc::<Server>::clone(server);
        CalendarReader::new(source, Arc::new(cache), Arc::new(SystemClock), settings)
    }

    /// One command, by a connection of its own.
    pub(crate) async fn command(&self, command: &[&str]) -> redis::RedisResult<redis::Value> {
        let client = redis::Client::open(self.url())?;
        let mut connection = client.get_multiplexed_async_connection().await?;
        let mut built = redis::cmd(command[0]);
        built.arg(&command[1..]);
        built.query_async(&mut connection).await
    }

    pub(crate) async fn names(&self) -> Vec<String> {
        let names = self.command(&["KEYS", "*"]).await.expect("the store answers");
        redis::from_redis_value(names).expect("names")
    }

    pub(crate) fn pause(&self) {
        self.signal("-STOP");
    }

    pub(crate) fn resume(&self) {
        self.signal("-CONT");
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }

    /// Starts the store again at the same port, with what it has on disk.
    pub(crate) async fn restart(&mut self) {
        self.child = launch(self.port, &self.arguments, self.directory.path()).expect("it was there before");
        assert!(self.comes_up().await, "the store comes up again");
    }

    fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().expect("a signal").success());
    }

    async fn comes_up(&mut self) -> bool {
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(10) {
            if let Ok(Some(_)) = self.child.try_wait() {
                return false;
            }
            let ping = timeout(Duration::from_millis(500), self.command(&["PING"]));
            if matches!(ping.await, Ok(Ok(_))) {
                return true;
            }
            sleep(Duration::from_millis(10)).await;
        }
        false
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.kill();
    }
}

pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    listener.local_addr().expect("an address").port()
}

fn launch(port: u16, arguments: &[String], directory: &std::path::Path) -> Option<Child> {
    let mut command = Command::new("redis-server");
    command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--dir"]).arg(directory).args(arguments);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()
}

/// Waits until something holds, which it should soon.
pub(crate) async fn soon(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !holds().await {
        assert!(began.elapsed() < Duration::from_secs(10), "{what}");
        sleep(Duration::from_millis(5)).await;
    }
}
