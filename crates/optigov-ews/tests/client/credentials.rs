//! One wrong password, one try; and the other ways to prove who the account is.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use optigov_ews::{Credentials, EwsClient, Kind, Mailbox, TokenProvider, TokenReason};
use optigov_ews_simulator::{Account, ChannelBinding, Mailbox as SimulatedMailbox, Scenario, Scheme, Simulator};
use secrecy::SecretString;

use crate::support::{PASSWORD, Reply, Scripted, anna, read, view};

fn scenario() -> Scenario {
    let names = ["anna", "berta", "carla"].map(|name| format!("{name}@musterstadt.example"));
    let account = Account::new("svc-optigov")
        .password(PASSWORD)
        .principal_name("svc-optigov@musterstadt.example")
        .impersonates(names.clone());
    names
        .into_iter()
        .fold(Scenario::new().account(account), |scenario, name| scenario.mailbox(SimulatedMailbox::new(name)))
}

fn client(simulator: &Simulator, credentials: Credentials) -> EwsClient {
    let builder = EwsClient::builder(&simulator.url()).only_given_roots().root_certificates_pem(simulator.ca_pem());
    builder.credentials(credentials).build().expect("a client")
}

/// Many tasks for several mailboxes at once; gives what they ended with.
async fn storm(client: &EwsClient) -> Vec<Option<Kind>> {
    let tasks: Vec<_> = (0..30)
        .map(|number| {
            let client = client.clone();
            let mailbox = ["anna", "berta", "carla"][number % 3];
            let mailbox = Mailbox::parse(&format!("{mailbox}@musterstadt.example")).expect("an address");
            tokio::spawn(async move { read(&client, &mailbox).await.err().map(|error| error.kind()) })
        })
        .collect();
    let mut kinds = Vec::new();
    for task in tasks {
        kinds.push(task.await.expect("the task"));
    }
    kinds
}

async fn refused_once(wrong: Credentials, right: Credentials) {
    let simulator = Simulator::start(scenario()).expect("a simulator");
    let client = client(&simulator, wrong);
    let kinds = storm(&client).await;
    assert_eq!(kinds.iter().filter(|kind| **kind == Some(Kind::CredentialsRefused)).count(), 1, "{kinds:?}");
    assert_eq!(kinds.iter().filter(|kind| **kind == Some(Kind::CredentialsLocked)).count(), 29, "{kinds:?}");
    assert_eq!(simulator.refused_logins("svc-optigov"), 1);
    client.set_credentials(right);
    assert_eq!(storm(&client).await, [None; 30]);
    assert_eq!(simulator.refused_logins("svc-optigov"), 0, "the directory's count is cleared by the right password");
}

/// Scenario 16 of the domain: one try, a clear error, no lockout, however many tasks and mailboxes wait.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_16_a_wrong_password_is_sent_once_with_basic() {
    refused_once(Credentials::basic("svc-optigov", "falsch"), Credentials::basic("svc-optigov", PASSWORD)).await;
}

#[cfg(feature = "ntlm")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_16_a_wrong_password_is_sent_once_with_ntlm() {
    refused_once(Credentials::ntlm("STADT\\svc-optigov", "falsch"), Credentials::ntlm("STADT\\svc-optigov", PASSWORD))
        .await;
}

/// Scenario 21 of the domain: Extended Protection on Require.
#[cfg(feature = "ntlm")]
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

#[cfg(feature = "ntlm")]
#[tokio::test]
async fn the_diagnosis_of_a_refused_ntlm_logon_names_extended_protection() {
    let simulator = Simulator::start(scenario()).expect("a simulator");
    let client = client(&simulator, Credentials::ntlm("STADT\\svc-optigov", "falsch"));
    let error = read(&client, &anna()).await.expect_err("refused");
    assert!(error.remedy(optigov_ews::Language::English).contains("Extended Protection"));
}

#[tokio::test]
async fn a_scheme_that_is_not_offered_is_told_with_those_that_are() {
    let simulator = Simulator::start(scenario().schemes([Scheme::Negotiate, Scheme::Ntlm])).expect("a simulator");
    let client = client(&simulator, Credentials::basic("svc-optigov", PASSWORD));
    let error = read(&client, &anna()).await.expect_err("not offered");
    assert_eq!(error.kind(), Kind::SchemeNotOffered);
    assert_eq!(error.to_string(), "the server does not offer Basic authentication, only Negotiate, NTLM");
}

/// A CHALLENGE_MESSAGE ([MS-NLMP] 2.2.1.2) with the usual flags, a fixed challenge and an empty TargetInfo.
#[cfg(feature = "ntlm")]
const CHALLENGE: &str = "TlRMTVNTUAACAAAAAAAAADgAAAA1goniASNFZ4mrze8AAAAAAAAAAAQABAA4AAAACgBhSgAAAA8AAAAA";

/// A server that speaks NTLM's first half and hangs up in the second.
#[cfg(feature = "ntlm")]
#[tokio::test]
async fn a_connection_lost_between_two_legs_is_not_a_refusal() {
    let server = Scripted::start(|number, request| match request.header("authorization") {
        _ if number == 1 => Reply::HangUp,
        token if token.len() < 100 => Reply::status(401, "").header("www-authenticate", format!("NTLM {CHALLENGE}")),
        _ => Reply::ok(view("", "true")),
    })
    .await;
    let client =
        server.client().credentials(Credentials::ntlm("STADT\\svc-optigov", PASSWORD)).build().expect("a client");
    read(&client, &anna()).await.expect("a view after a second handshake");
    let connections: Vec<_> = server.received().iter().map(|request| request.connection).collect();
    assert_eq!(connections, [1, 1, 2, 2]);
}

#[cfg(feature = "ntlm")]
#[tokio::test]
async fn a_call_dropped_in_the_middle_closes_its_connection() {
    let server = Scripted::start(|number, request| match (number, request.header("authorization").len()) {
        (2, _) => Reply::Silence,
        (_, 1..100) => Reply::status(401, "").header("www-authenticate", format!("NTLM {CHALLENGE}")),
        _ => Reply::ok(view("", "true")),
    })
    .await;
    let client =
        server.client().credentials(Credentials::ntlm("STADT\\svc-optigov", PASSWORD)).build().expect("a client");
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

#[cfg(feature = "ntlm")]
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

/// Gives one token after the other and counts how often it is asked.
struct Tokens {
    asked: AtomicUsize,
    tokens: &'static [&'static str],
}

#[async_trait::async_trait]
impl TokenProvider for Tokens {
    async fn token(&self, reason: TokenReason) -> Result<SecretString, Box<dyn std::error::Error + Send + Sync>> {
        let asked = self.asked.fetch_add(1, Ordering::SeqCst);
        assert_eq!(reason, if asked == 0 { TokenReason::Needed } else { TokenReason::Refused });
        Ok((*self.tokens.get(asked).ok_or("no more tokens")?).into())
    }
}

async fn with_tokens(tokens: &'static [&'static str]) -> (Option<Kind>, usize) {
    let scenario = Scenario::new()
        .schemes([Scheme::Bearer])
        .account(Account::new("svc-optigov").bearer("gut").impersonates(["anna@musterstadt.example"]))
        .mailbox(SimulatedMailbox::new("anna@musterstadt.example"));
    let simulator = Simulator::start(scenario).expect("a simulator");
    let provider = Arc::new(Tokens { asked: AtomicUsize::new(0), tokens });
    let client = client(&simulator, Credentials::bearer(provider.clone()));
    let kind = read(&client, &anna()).await.err().map(|error| error.kind());
    (kind, provider.asked.load(Ordering::SeqCst))
}

#[tokio::test]
async fn a_token_is_asked_for_again_once_after_a_401() {
    assert_eq!(with_tokens(&["gut"]).await, (None, 1));
    assert_eq!(with_tokens(&["alt", "gut"]).await, (None, 2));
    assert_eq!(with_tokens(&["alt", "noch-aelter", "gut"]).await, (Some(Kind::CredentialsRefused), 2));
    assert_eq!(with_tokens(&["alt"]).await, (Some(Kind::Token), 2));
}

#[test]
fn no_credential_shows_in_debug() {
    let all = [
        Credentials::basic("STADT\\svc-optigov", PASSWORD),
        #[cfg(feature = "ntlm")]
        Credentials::ntlm("STADT\\svc-optigov", PASSWORD),
        Credentials::bearer(Arc::new(Tokens { asked: AtomicUsize::new(0), tokens: &["gut"] })),
    ];
    let text = format!("{all:?}");
    assert!(!text.contains(PASSWORD) && !text.contains("svc-optigov"), "{text}");
}
