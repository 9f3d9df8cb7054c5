//! What a thousand mailboxes cost, in requests and connections.

use std::{collections::HashSet, num::NonZeroUsize, time::Duration};

use optigov_calendar::Mailbox;
use optigov_ews::{Credentials, EwsClient};
use optigov_exchange_simulator::{Account, Entry, Mailbox as SimulatedMailbox, Permission, Scenario, Simulator};
use tokio::task::JoinSet;

use crate::support::{PASSWORD, Setup, read, utc, window};

const MAILBOXES: usize = 1_000;
const IN_FLIGHT: usize = 10;

fn mailboxes() -> Vec<Mailbox> {
    (0..MAILBOXES)
        .map(|number| Mailbox::parse(&format!("person-{number}@musterstadt.example")).expect("an address"))
        .collect()
}

fn simulator() -> Simulator {
    let account = Account::new("svc-optigov").password(PASSWORD).impersonates_everybody();
    // Everybody has a weekly meeting, which shows that the server expands series.
    let (start, end) = (utc("2026-11-24T09:00:00Z"), utc("2026-11-24T10:00:00Z"));
    let weekly = Entry::timed(start, end).recurs("FREQ=WEEKLY");
    let mailbox = |mailbox: &Mailbox| {
        let mailbox = SimulatedMailbox::new(mailbox.as_str()).default_permission(Permission::AvailabilityOnly);
        mailbox.entry(weekly.clone())
    };
    let scenario = mailboxes().iter().map(mailbox).fold(Scenario::new().account(account), Scenario::mailbox);
    Simulator::start(scenario).expect("a simulator")
}

fn client(simulator: &Simulator, credentials: Credentials) -> EwsClient {
    let in_flight = NonZeroUsize::new(IN_FLIGHT).expect("not zero");
    let setup = Setup::of(simulator).credentials(credentials);
    setup.route(|route| route.with_in_flight(in_flight).with_timeout(Duration::from_secs(60))).build()
}

async fn read_all(client: &EwsClient, mailboxes: Vec<Mailbox>) {
    let mut tasks = JoinSet::new();
    for mailbox in mailboxes {
        let client = client.clone();
        tasks.spawn(async move { read(&client, &mailbox).await.map(drop) });
    }
    while let Some(done) = tasks.join_next().await {
        done.expect("a task").expect("a view");
    }
}

#[tokio::test]
async fn a_thousand_mailboxes_are_a_thousand_requests_over_a_few_connections() {
    let simulator = simulator();
    read_all(&client(&simulator, Credentials::basic("svc-optigov", PASSWORD)), mailboxes()).await;
    let requests = simulator.requests();
    assert_eq!(requests.len(), MAILBOXES + 1, "one proves the credential");
    let connections: HashSet<_> = requests.iter().map(|request| request.connection()).collect();
    assert!(connections.len() <= IN_FLIGHT, "{} connections", connections.len());
}

#[cfg(feature = "ntlm")]
#[tokio::test]
async fn ntlm_costs_a_handshake_for_a_connection_and_none_for_a_request() {
    let simulator = simulator();
    read_all(&client(&simulator, Credentials::ntlm("STADT\\svc-optigov", PASSWORD)), mailboxes().split_off(700)).await;
    let requests = simulator.requests();
    let connections: HashSet<_> = requests.iter().map(|request| request.connection()).collect();
    assert!(connections.len() <= IN_FLIGHT, "{} connections", connections.len());
    let with_header = requests.iter().filter(|request| request.header("authorization").is_some()).count();
    assert_eq!(with_header, 2 * connections.len(), "two legs for each connection");
    assert_eq!(requests.iter().filter(|request| request.operation().is_some()).count(), 301);
}

#[tokio::test]
async fn a_thousand_mailboxes_are_ten_free_busy_requests() {
    let simulator = simulator();
    let client = client(&simulator, Credentials::basic("svc-optigov", PASSWORD));
    let results = client.free_busy(&mailboxes(), window()).await;
    assert!(results.iter().all(|result| result.is_ok()));
    assert_eq!(simulator.requests().len(), 11, "one proves the credential");
}
