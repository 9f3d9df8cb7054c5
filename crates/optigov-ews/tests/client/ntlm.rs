//! NTLM: a handshake for each connection, the channel binding, and what is no refusal.

use optigov_calendar::Language;
use optigov_ews::Credentials;
use optigov_exchange_simulator::{ChannelBinding, Simulator};

use crate::{
    credentials::{client, refused_once, scenario},
    support::{PASSWORD, Reply, Scripted, anna, read, view},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_16_a_wrong_password_is_sent_once_with_ntlm() {
    refused_once(Credentials::ntlm("STADT\\svc-optigov", "falsch"), Credentials::ntlm("STADT\\svc-optigov", PASSWORD))
        .await;
}

/// Scenario 21 of the domain: Extended Protection on Require.
#[tokio::test]
async fn scenario_21_ntlm_and_negotiate_work_with_extended_protection() {
    for binding in [ChannelBinding::None, ChannelBinding::Allow, ChannelBinding::Require] {
        let simulator = Simulator::start(scenario().channel_binding(binding)).expect("a simulator");
        for credentials in [
            Credentials::ntlm("STADT\\svc-optigov", PASSWORD),
            Credentials::ntlm("svc-optigov@musterstadt.example", PASSWORD),
            Credentials::negotiate("STADT\\svc-optigov", PASSWORD),
        ] {
            let client = client(&simulator, credentials);
            let before = simulator.requests().len();
            for _ in 0..3 {
                read(&client, &anna()).await.expect("a view");
            }
            let requests = simulator.requests().split_off(before);
            assert!(
                requests.iter().all(|request| request.connection() == requests[0].connection()),
                "one connection for all legs and calls"
            );
            let answered = requests.iter().filter(|request| request.operation() == Some("FindItem")).count();
            assert!((3..=4).contains(&answered), "{answered}");
        }
    }
}

#[tokio::test]
async fn the_diagnosis_of_a_refused_ntlm_logon_names_extended_protection() {
    let simulator = Simulator::start(scenario()).expect("a simulator");
    let client = client(&simulator, Credentials::ntlm("STADT\\svc-optigov", "falsch"));
    let error = read(&client, &anna()).await.expect_err("refused");
    assert!(error.remedy().in_language(Language::English).contains("Extended Protection"));
}

/// A CHALLENGE_MESSAGE ([MS-NLMP] 2.2.1.2) with the usual flags, a fixed challenge and an empty TargetInfo.
pub(crate) const CHALLENGE: &str = "TlRMTVNTUAACAAAAAAAAADgAAAA1goniASNFZ4mrze8AAAAAAAAAAAQABAA4AAAACgBhSgAAAA8AAAAA";

/// A server that authenticates a connection and hangs up at the next request.
#[tokio::test]
async fn a_connection_lost_after_its_handshake_is_not_a_refusal() {
    let server = Scripted::start(|number, request| match request.header("authorization") {
        _ if number == 1 => Reply::HangUp,
        token if token.len() < 100 => Reply::status(401, "").header("www-authenticate", format!("NTLM {CHALLENGE}")),
        _ => Reply::ok(view("", "true")),
    })
    .await;
    let client = server.client().credentials(Credentials::ntlm("STADT\\svc-optigov", PASSWORD)).build();
    read(&client, &anna()).await.expect("a view after a second handshake");
    let connections: Vec<_> = server.received().iter().map(|request| request.connection).collect();
    assert_eq!(connections, [1, 1, 2, 2]);
}

#[tokio::test]
async fn a_call_dropped_in_the_middle_closes_its_connection() {
    let server = Scripted::start(|number, request| match (number, request.header("authorization").len()) {
        (2, _) => Reply::Silence,
        (_, 1..100) => Reply::status(401, "").header("www-authenticate", format!("NTLM {CHALLENGE}")),
        _ => Reply::ok(view("", "true")),
    })
    .await;
    let client = server.client().credentials(Credentials::ntlm("STADT\\svc-optigov", PASSWORD)).build();
    read(&client, &anna()).await.expect("a view");
    let call = tokio::spawn({
        let client = client.clone();
        async move { read(&client, &anna()).await }
    });
    while server.count() < 3 {
        server.arrived().await;
    }
    call.abort();
    assert!(call.await.expect_err("dropped").is_cancelled());
    read(&client, &anna()).await.expect("a view on a new connection");
    let connections: Vec<_> = server.received().iter().map(|request| request.connection).collect();
    assert_eq!(connections, [1, 1, 1, 2, 2]);
}

#[tokio::test]
async fn a_server_that_forgets_a_connection_gets_a_new_handshake_and_refuses_nothing() {
    let simulator = Simulator::start(scenario()).expect("a simulator");
    let first = client(&simulator, Credentials::ntlm("STADT\\svc-optigov", PASSWORD));
    read(&first, &anna()).await.expect("a view");
    first.set_credentials(Credentials::ntlm("STADT\\svc-optigov", PASSWORD));
    read(&first, &anna()).await.expect("a view on a connection of the new credential's");
    let connections: std::collections::HashSet<_> =
        simulator.requests().iter().map(|request| request.connection()).collect();
    assert_eq!(connections.len(), 2);
}
