//! The instances, their store and their Exchange.

use std::time::Duration;

use optigov_availability::{Availability, AvailabilityBuilder, Municipality};
use optigov_calendar_cache::{SharedCache, SharedCacheSettings, testing::RedisServer};
use optigov_exchange_simulator::{Account, Mailbox, Scenario, Simulator};
use tokio::time::{Instant, sleep};

use crate::support::{PASSWORD, berlin, configuration};

/// Three instances of a service.
pub(crate) struct Cluster {
    pub(crate) simulator: Simulator,
    _store: RedisServer,
    pub(crate) municipality: Municipality,
    /// `None` for one that was killed.
    pub(crate) instances: Vec<Option<Availability>>,
    _files: tempfile::TempDir,
}

impl Cluster {
    /// Three instances with these counters (TOML) and mailboxes, at Monday 2026-11-23 07:00 in Berlin. `None`, and loud words, where there is
    /// no store on this machine.
    pub(crate) async fn start(
        counters: &str,
        mailboxes: impl IntoIterator<Item = Mailbox>,
        set: impl Fn(AvailabilityBuilder) -> AvailabilityBuilder,
    ) -> Option<Cluster> {
        let Some(store) = RedisServer::start(&[]).await.expect("the store comes up") else {
            println!("\n*** NOT TESTED: {} ***\n", RedisServer::MISSING);
            return None;
        };
        let account = Account::new("svc-optigov").password(PASSWORD).impersonates_everybody();
        let scenario = mailboxes.into_iter().fold(Scenario::new().account(account), Scenario::mailbox);
        let simulator = Simulator::start(scenario).expect("the scenario holds");
        let files = tempfile::tempdir().expect("a directory for the CA's certificate");
        let ca_file = files.path().join("ca.pem");
        std::fs::write(&ca_file, simulator.ca_pem()).expect("the CA's certificate is written");
        let text = configuration(&simulator.url(), &ca_file.display().to_string(), counters);
        let municipality = Municipality::from_toml(&text).unwrap_or_else(|faults| panic!("{faults}"));
        let instances = (0..3).map(|_| Some(instance(&store, &municipality, &set))).collect();
        Some(Cluster { simulator, _store: store, municipality, instances, _files: files })
    }

    /// One that was not killed.
    pub(crate) fn instance(&self, at: usize) -> &Availability {
        self.instances[at].as_ref().expect("not killed")
    }

    /// Those that were not killed.
    pub(crate) fn alive(&self) -> impl Iterator<Item = &Availability> {
        self.instances.iter().flatten()
    }

    /// How often a calendar was read.
    pub(crate) fn readings(&self) -> usize {
        let requests = self.simulator.requests().into_iter();
        requests.filter(|request| request.operation() == Some("FindItem")).count()
    }
}

fn instance(
    store: &RedisServer,
    municipality: &Municipality,
    set: impl Fn(AvailabilityBuilder) -> AvailabilityBuilder,
) -> Availability {
    let mut settings = SharedCacheSettings::default();
    // This machine may be busy.
    settings.answers_within = Duration::from_secs(2);
    let cache = SharedCache::connect(&store.url(), settings).expect("an address");
    let now = berlin("2026-11-23 07:00");
    let builder = Availability::for_municipality(municipality.clone()).secret(PASSWORD).clock(move || now);
    set(builder.cache(cache)).build().expect("the connection can be set up")
}

/// Waits until something holds, and says how long it took.
pub(crate) async fn soon(what: &str, mut holds: impl AsyncFnMut() -> bool) -> Duration {
    let began = Instant::now();
    while !holds().await {
        assert!(began.elapsed() < Duration::from_secs(20), "{what}");
        sleep(Duration::from_millis(20)).await;
    }
    began.elapsed()
}
