//! How many tickets and handshakes a thousand requests cost, exactly.

use futures_util::future::join_all;
use optigov_ews::EwsClient;

use super::{
    ask,
    gate::{Gate, count},
};

/// The first request goes alone, after the one that proves the credential; the others go in rounds of ten at once.
async fn a_thousand_requests(client: &EwsClient) {
    ask(client).await.expect("an answer");
    for round in 0..100 {
        let at_once = if round == 99 { 9 } else { 10 };
        let answers = join_all((0..at_once).map(|_| ask(client))).await;
        assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    }
}

#[tokio::test]
async fn a_thousand_requests_over_ten_connections_cost_two_tickets_and_ten_handshakes() {
    let Some(gate) = Gate::start(&["--binding", "require"]) else { return };
    a_thousand_requests(&gate.client(gate.kerberos())).await;
    assert_eq!(gate.issued(), (1, 1));
    let decisions = gate.decisions();
    assert_eq!((count(&decisions, "accepted"), count(&decisions, "passed"), decisions.len()), (10, 991, 1_001));
    assert_eq!(decisions.iter().filter_map(|line| line["connection"].as_u64()).max(), Some(10));
}

#[tokio::test]
async fn a_server_that_wants_a_token_with_each_request_gets_one_on_the_same_ten_connections() {
    let Some(gate) = Gate::start(&["--per-request", "--binding", "require"]) else { return };
    a_thousand_requests(&gate.client(gate.kerberos())).await;
    assert_eq!(gate.issued(), (1, 1));
    let decisions = gate.decisions();
    assert_eq!((count(&decisions, "accepted"), decisions.len()), (1_001, 1_001));
    assert_eq!(decisions.iter().filter_map(|line| line["connection"].as_u64()).max(), Some(10));
}
