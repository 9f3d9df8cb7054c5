//! What the tests of the client share.

use std::time::Duration;

use chrono::{DateTime, Utc};
use optigov_calendar::{
    Calendar, CalendarEntry, CalendarSource, GraphAccess, GraphSettings, Mailbox, ReadError, Route,
};
use optigov_exchange_simulator::{Application, Mailbox as Simulated, RecordedRequest, Scenario, Simulator};
use optigov_graph::{GraphClient, GraphCredentials};
use optigov_slots::Interval;

pub(crate) const APPLICATION: &str = "11111111-2222-4333-8444-555555555555";
pub(crate) const TENANT: &str = "musterstadt.example";
pub(crate) const SECRET: &str = "sehr~geheim.1";

pub(crate) fn mailbox(name: &str) -> Mailbox {
    Mailbox::parse(&format!("{name}@musterstadt.example")).expect("an address")
}

pub(crate) fn utc(text: &str) -> DateTime<Utc> {
    text.parse().expect("an instant")
}

pub(crate) fn interval(start: &str, end: &str) -> Interval {
    Interval::new(utc(start), utc(end)).expect("not empty")
}

/// The last week of November 2026.
pub(crate) fn week() -> Interval {
    interval("2026-11-23T00:00:00Z", "2026-11-30T00:00:00Z")
}

pub(crate) fn application() -> Application {
    Application::new(APPLICATION).secret(SECRET).reads_everybody()
}

/// A mailbox in Exchange Online.
pub(crate) fn online(name: &str) -> Simulated {
    Simulated::new(format!("{name}@musterstadt.example")).online()
}

pub(crate) fn start(scenario: Scenario) -> Simulator {
    Simulator::start(scenario).expect("a simulator")
}

/// A client on its way to be built.
pub(crate) struct Setup {
    pub(crate) route: Route,
    pub(crate) settings: GraphSettings,
    pub(crate) credentials: GraphCredentials,
}

impl Setup {
    pub(crate) fn of(simulator: &Simulator) -> Setup {
        Setup::at(&simulator.base_url(), simulator.ca_pem())
    }

    pub(crate) fn at(base: &str, root: &str) -> Setup {
        let route = Route::for_graph(base).and_then(|route| route.with_root_certificates(root.as_bytes()));
        let settings = GraphSettings::new(TENANT, APPLICATION).and_then(|settings| settings.with_authority(base));
        Setup {
            route: route.expect("a route").with_timeout(Duration::from_secs(60)),
            settings: settings.expect("settings"),
            credentials: GraphCredentials::secret(SECRET),
        }
    }

    pub(crate) fn route(mut self, change: impl FnOnce(Route) -> Route) -> Setup {
        self.route = change(self.route);
        self
    }

    pub(crate) fn settings(mut self, change: impl FnOnce(GraphSettings) -> GraphSettings) -> Setup {
        self.settings = change(self.settings);
        self
    }

    pub(crate) fn access(self, access: GraphAccess) -> Setup {
        self.settings(|settings| settings.with_access(access))
    }

    pub(crate) fn credentials(mut self, credentials: GraphCredentials) -> Setup {
        self.credentials = credentials;
        self
    }

    pub(crate) fn build(self) -> GraphClient {
        GraphClient::builder(self.route, self.settings).credentials(self.credentials).build().expect("a client")
    }
}

pub(crate) async fn read(client: &GraphClient, name: &str) -> Result<Calendar, ReadError> {
    client.read(&[mailbox(name)], week()).await.remove(0)
}

/// The entries of a mailbox in the week, sorted.
pub(crate) async fn entries(client: &GraphClient, name: &str) -> Vec<CalendarEntry> {
    let mut entries = read(client, name).await.expect("a calendar").into_entries();
    entries.sort_unstable();
    entries
}

/// The requests of one operation, those in batches included.
pub(crate) fn requests(simulator: &Simulator, operation: &str) -> Vec<RecordedRequest> {
    let all = simulator.requests();
    let single = all.iter().flat_map(|request| std::iter::once(request).chain(request.parts()));
    single.filter(|request| request.operation() == Some(operation)).cloned().collect()
}
