//! An answer belongs to the request that it follows, also where a server sends more answers than it was asked for.

use std::time::Duration;

use optigov_calendar::ReadErrorKind;
use optigov_ews::Credentials;
use optigov_exchange_simulator::{
    Account, Effect, Entry, Fault, Mailbox as SimulatedMailbox, RecordedRequest, Scenario, Simulator,
};

use crate::support::{PASSWORD, Setup, anna, berta, beside_proofs, every_scheme, read, utc};

/// Anna is busy for an hour, and Berta is not.
fn scenario() -> Scenario {
    // An occurrence shows that the server expands series, so nothing is compared with free/busy.
    let busy = Entry::timed(utc("2026-11-24T09:00:00Z"), utc("2026-11-24T10:00:00Z")).recurs("FREQ=DAILY;COUNT=1");
    Scenario::new()
        .account(Account::new("svc-optigov").password(PASSWORD).impersonates_everybody())
        .mailbox(SimulatedMailbox::new("anna@musterstadt.example").entry(busy))
        .mailbox(SimulatedMailbox::new("berta@musterstadt.example"))
}

#[tokio::test]
async fn an_answer_that_came_unasked_is_never_the_next_mailboxs() {
    for credentials in every_scheme() {
        for after in [0, 20] {
            let surplus = Effect::Surplus { after: Duration::from_millis(after) };
            let surplus = Fault::new(surplus).mailbox("anna@musterstadt.example");
            let simulator = Simulator::start(scenario().fault(surplus)).expect("a simulator");
            let client = Setup::of(&simulator).credentials(credentials.clone()).build();
            assert_eq!(read(&client, &anna()).await.expect("anna's view").len(), 1);
            // The surplus has come, or it comes while a later request is under way. Either way nobody else gets it, and its connection goes.
            let connection = |request: Option<&RecordedRequest>| request.map(RecordedRequest::connection);
            loop {
                match read(&client, &berta()).await {
                    Ok(entries) => assert_eq!(entries, [], "anna's entry is not berta's"),
                    Err(error) => assert_eq!(error.kind(), ReadErrorKind::Malformed),
                }
                let requests = beside_proofs(&simulator);
                if connection(requests.first()) != connection(requests.last()) {
                    break;
                }
                assert!(requests.len() < 10_000, "the connection is still used");
            }
        }
    }
}

#[tokio::test]
async fn an_answer_to_another_request_is_malformed_and_its_connection_closed() {
    for credentials in every_scheme() {
        let other = Fault::new(Effect::OtherRequestId("0b1c".to_owned())).operation("FindItem").nth(1);
        let simulator = Simulator::start(scenario().fault(other)).expect("a simulator");
        let client = Setup::of(&simulator).credentials(credentials).build();
        let error = read(&client, &anna()).await.expect_err("another request's answer");
        assert_eq!(error.kind(), ReadErrorKind::Malformed);
        assert_eq!(error.to_string(), "the answer belongs to another request (client-request-id)");
        assert_eq!(read(&client, &anna()).await.expect("anna's view").len(), 1);
        let connections: Vec<_> = beside_proofs(&simulator).iter().map(RecordedRequest::connection).collect();
        assert_ne!(connections.first(), connections.last());
    }
}

#[tokio::test]
async fn every_request_has_an_id_of_its_own() {
    let simulator = Simulator::start(scenario()).expect("a simulator");
    let client = Setup::of(&simulator).credentials(Credentials::basic("svc-optigov", PASSWORD)).build();
    read(&client, &anna()).await.expect("anna's view");
    let ids: Vec<_> =
        simulator.requests().iter().map(|request| request.header("client-request-id").map(str::to_owned)).collect();
    assert!(ids.iter().all(Option::is_some) && ids[0] != ids[1], "each request has its own id");
}
