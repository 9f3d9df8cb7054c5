//! What a scheme costs the client, for `docs/performance.md`. Not part of a usual run.

use std::{
    fs,
    io::{self, Write},
};

use futures_util::future::join_all;
use optigov_ews::{Credentials, EwsClient};
use optigov_exchange_simulator::{Account, Mailbox, Scenario, Simulator};

use super::{ask, gate::Gate};
use crate::support::{PASSWORD, Setup};

/// Nanoseconds for which this thread has run, by the kernel's account; the client runs on it alone, servers elsewhere.
fn on_cpu() -> u64 {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    stat.split(' ').next().and_then(|first| first.parse().ok()).expect("a number")
}

/// The client's own work for a thousand requests, ten at once, connections and tickets included.
async fn a_thousand_requests(client: &EwsClient) -> u64 {
    let before = on_cpu();
    for _ in 0..100 {
        let answers = join_all((0..10).map(|_| ask(client))).await;
        assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    }
    on_cpu() - before
}

#[tokio::test]
#[ignore = "measures; see docs/performance.md"]
async fn a_thousand_mailboxes_by_kerberos_ntlm_and_basic() {
    let Some(connection) = Gate::start(&["--binding", "require"]) else { return };
    let request = Gate::start(&["--binding", "require", "--per-request"]).expect("a second gate");
    let account = Account::new("svc-optigov").password(PASSWORD).impersonates(["anna@musterstadt.example"]);
    let scenario = Scenario::new().account(account).mailbox(Mailbox::new("anna@musterstadt.example"));
    let simulator = Simulator::start(scenario).expect("a simulator");
    let mut rows = [("Basic", Vec::new()), ("NTLM", Vec::new()), ("Kerberos", Vec::new()), ("per request", Vec::new())];
    for _ in 0..5 {
        let clients = [
            Setup::of(&simulator).credentials(Credentials::basic("svc-optigov", PASSWORD)).build(),
            Setup::of(&simulator).credentials(Credentials::ntlm("STADT\\svc-optigov", PASSWORD)).build(),
            connection.client(connection.kerberos()),
            request.client(request.kerberos()),
        ];
        for ((_, times), client) in rows.iter_mut().zip(clients) {
            times.push(a_thousand_requests(&client).await);
        }
    }
    let median = |times: &mut Vec<u64>| {
        times.sort_unstable();
        times[times.len() / 2] as f64
    };
    let basic = median(&mut rows[0].1);
    for (scheme, times) in &mut rows {
        let time = median(times);
        writeln!(io::stdout(), "{scheme}: {:.2} of Basic ({:.0} ms)", time / basic, time / 1e6).expect("a line");
    }
}
