//! One wrong password, one try; and the other ways to prove who the account is.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use optigov_calendar::{Mailbox, ReadErrorKind};
use optigov_ews::{Credentials, EwsClient, TokenProvider, TokenReason};
use optigov_exchange_simulator::{Account, Mailbox as SimulatedMailbox, Scenario, Scheme, Simulator};
use secrecy::SecretString;

use crate::support::{PASSWORD, Setup, anna, read};

pub(crate) fn scenario() -> Scenario {
    let names = ["anna", "berta", "carla"].map(|name| format!("{name}@musterstadt.example"));
    let account = Account::new("svc-optigov")
        .password(PASSWORD)
        .principal_name("svc-optigov@musterstadt.example")
        .impersonates(names.clone());
    names
        .into_iter()
        .fold(Scenario::new().account(account), |scenario, name| scenario.mailbox(SimulatedMailbox::new(name)))
}

pub(crate) fn client(simulator: &Simulator, credentials: Credentials) -> EwsClient {
    Setup::of(simulator).credentials(credentials).build()
}

/// Many tasks for several mailboxes at once; gives what they ended with.
async fn storm(client: &EwsClient) -> Vec<Option<ReadErrorKind>> {
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

pub(crate) async fn refused_once(wrong: Credentials, right: Credentials) {
    let simulator = Simulator::start(scenario()).expect("a simulator");
    let client = client(&simulator, wrong);
    let kinds = storm(&client).await;
    assert_eq!(kinds.iter().filter(|kind| **kind == Some(ReadErrorKind::CredentialsRefused)).count(), 1, "{kinds:?}");
    assert_eq!(kinds.iter().filter(|kind| **kind == Some(ReadErrorKind::CredentialsLocked)).count(), 29, "{kinds:?}");
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

#[tokio::test]
async fn a_scheme_that_is_not_offered_is_told_with_those_that_are() {
    let simulator = Simulator::start(scenario().schemes([Scheme::Negotiate, Scheme::Ntlm])).expect("a simulator");
    let client = client(&simulator, Credentials::basic("svc-optigov", PASSWORD));
    let error = read(&client, &anna()).await.expect_err("not offered");
    assert_eq!(error.kind(), ReadErrorKind::SchemeNotOffered);
    assert_eq!(error.to_string(), "the server does not offer Basic authentication, only Negotiate, NTLM");
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

async fn with_tokens(tokens: &'static [&'static str]) -> (Option<ReadErrorKind>, usize) {
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
    assert_eq!(with_tokens(&["alt", "noch-aelter", "gut"]).await, (Some(ReadErrorKind::CredentialsRefused), 2));
    assert_eq!(with_tokens(&["alt"]).await, (Some(ReadErrorKind::Token), 2));
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
