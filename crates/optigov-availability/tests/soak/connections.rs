//! Real sockets: connections that break, answers that are cut, a server that refuses, and the descriptors that are open meanwhile.

use optigov_availability::{CalendarSource as _, Credentials, EwsClient, Interval, Mailbox};
use optigov_calendar::Route;
use optigov_exchange_simulator::{Account, Effect, Entry, Fault, Scenario, Simulator};

use crate::{descriptors, memory};

const PASSWORD: &str = "kein-Geheimnis-7731";
const MAILBOXES: usize = 20;
/// So many connections the client has at once by default.
const CONNECTIONS: usize = 10;

fn name(mailbox: usize) -> String {
    format!("m{mailbox}@musterstadt.example")
}

fn scenario() -> Scenario {
    let account = Account::new("svc-optigov").password(PASSWORD).impersonates_everybody();
    (0..MAILBOXES).fold(Scenario::new().account(account), |scenario, mailbox| {
        let start: chrono::DateTime<chrono::Utc> = "2026-11-24T08:00:00Z".parse().expect("an instant");
        let entry = Entry::timed(start, start + chrono::TimeDelta::minutes(30)).recurs("FREQ=DAILY;COUNT=20");
        scenario.mailbox(optigov_exchange_simulator::Mailbox::new(name(mailbox)).entries([entry]))
    })
}

/// Reads all mailboxes so many times over, every third time under a fault of its own. Returns how many readings failed, and by how many descriptors more
/// than before the first reading were open between two rounds at most.
async fn read(rounds: usize, told: bool) -> (usize, usize) {
    let simulator = Simulator::start(scenario()).expect("the scenario holds");
    let route = Route::new(&simulator.url());
    let route = route.and_then(|route| route.with_root_certificates(simulator.ca_pem().as_bytes()));
    let client = EwsClient::builder(route.expect("an address and its authority"))
        .credentials(Credentials::basic("svc-optigov", PASSWORD))
        .build()
        .expect("the client can be built");
    let mailboxes: Vec<Mailbox> = (0..MAILBOXES).map(|at| name(at).parse().expect("an address")).collect();
    let window = Interval::from_unix(1_795_400_000, 1_798_000_000).expect("a month");
    let faults = [
        Effect::ResetBefore,
        Effect::CloseBefore,
        Effect::ResetWithin,
        Effect::Truncated,
        Effect::ResponseCode("ErrorAccessDenied".to_owned()),
    ];
    let before = descriptors().unwrap_or_default();
    let (mut failed, mut most) = (0, 0);
    for round in 0..rounds {
        let fault =
            (round % 3 == 2).then(|| Fault::new(faults[round / 3 % faults.len()].clone()).operation("FindItem"));
        // It keeps what it was sent.
        simulator.forget_requests();
        assert!(simulator.requests().is_empty());
        simulator.update(|now| *now = fault.into_iter().fold(scenario(), Scenario::fault)).expect("it holds");
        let reads = mailboxes.iter().map(|mailbox| client.read(std::slice::from_ref(mailbox), window));
        let results = futures_util::future::join_all(reads).await;
        failed += results.into_iter().flatten().filter(Result::is_err).count();
        let open = descriptors().unwrap_or_default();
        most = most.max(open.saturating_sub(before));
        if told && round % 150 == 149 {
            let memory = memory().unwrap_or_default();
            println!("| {} | {failed} | {open} | {memory:.1} MiB |", (round + 1) * MAILBOXES);
        }
    }
    (failed, most)
}

/// Both ends of each connection are in this process, and beside each there may be one that is just being closed.
const MOST: usize = 4 * CONNECTIONS;

#[tokio::test]
async fn connections_that_break_leave_no_descriptor_open() {
    let (failed, most) = read(60, false).await;
    println!("{failed} readings failed; at most {most} descriptors more than before");
    assert!(failed > 2 * MOST, "the faults were felt");
    assert!(most <= MOST, "{most}");
}

#[tokio::test]
#[ignore = "it measures; the command is at the head of this file's folder"]
async fn thirty_thousand_readings_over_connections_that_break() {
    println!("| readings | of which failed | descriptors | memory |");
    let (_, most) = read(1_500, true).await;
    assert!(most <= MOST, "{most}");
}
