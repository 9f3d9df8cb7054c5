//! One wrong password, one try; and the other ways to prove who the account is.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use optigov_calendar::{Mailbox, ReadErrorKind};
use optigov_ews::{Credentials, EwsClient, TokenProvider, TokenReason};
use optigov_exchange_simulator::{
    AccessPolicy, Account, Effect, Entry, Fault, HttpAnswer, LoginRefusal, Mailbox as SimulatedMailbox, MailboxState,
    Scenario, Scheme, Simulator,
};
use secrecy::SecretString;

use crate::support::{PASSWORD, Setup, anna, berta, beside_proofs, read, utc};

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

/// Gives the next token whenever one was refused, and counts how often.
struct Tokens {
    refused: AtomicUsize,
    tokens: &'static [&'static str],
}

#[async_trait::async_trait]
impl TokenProvider for Tokens {
    async fn token(&self, reason: TokenReason) -> Result<SecretString, Box<dyn std::error::Error + Send + Sync>> {
        let refused = usize::from(reason == TokenReason::Refused);
        let given = self.refused.fetch_add(refused, Ordering::SeqCst) + refused;
        Ok((*self.tokens.get(given).ok_or("no more tokens")?).into())
    }
}

async fn with_tokens(tokens: &'static [&'static str]) -> (Option<ReadErrorKind>, usize) {
    // An occurrence shows that the server expands series, so a single request reads the calendar.
    let weekly = Entry::timed(utc("2026-11-24T09:00:00Z"), utc("2026-11-24T10:00:00Z")).recurs("FREQ=WEEKLY");
    let scenario = Scenario::new()
        .schemes([Scheme::Bearer])
        .account(Account::new("svc-optigov").bearer("gut").impersonates(["anna@musterstadt.example"]))
        .mailbox(SimulatedMailbox::new("anna@musterstadt.example").entry(weekly));
    let simulator = Simulator::start(scenario).expect("a simulator");
    let provider = Arc::new(Tokens { refused: AtomicUsize::new(0), tokens });
    let client = client(&simulator, Credentials::bearer(provider.clone()));
    let kind = read(&client, &anna()).await.err().map(|error| error.kind());
    (kind, provider.refused.load(Ordering::SeqCst))
}

#[tokio::test]
async fn a_token_is_asked_for_again_once_after_a_401() {
    assert_eq!(with_tokens(&["gut"]).await, (None, 0));
    assert_eq!(with_tokens(&["alt", "gut"]).await, (None, 1));
    assert_eq!(with_tokens(&["alt", "noch-aelter", "gut"]).await, (Some(ReadErrorKind::CredentialsRefused), 1));
    assert_eq!(with_tokens(&["alt"]).await, (Some(ReadErrorKind::Token), 1));
}

#[test]
fn no_credential_shows_in_debug() {
    let all = [
        Credentials::basic("STADT\\svc-optigov", PASSWORD),
        #[cfg(feature = "ntlm")]
        Credentials::ntlm("STADT\\svc-optigov", PASSWORD),
        Credentials::bearer(Arc::new(Tokens { refused: AtomicUsize::new(0), tokens: &["gut"] })),
    ];
    let text = format!("{all:?}");
    assert!(!text.contains(PASSWORD) && !text.contains("svc-optigov"), "{text}");
}

/// The schemes by which a password is proven, with a password of choice.
fn with_password(password: &str) -> Vec<Credentials> {
    vec![
        Credentials::basic("STADT\\svc-optigov", password),
        #[cfg(feature = "ntlm")]
        Credentials::ntlm("STADT\\svc-optigov", password),
        #[cfg(feature = "ntlm")]
        Credentials::negotiate("STADT\\svc-optigov", password),
    ]
}

#[tokio::test]
async fn a_wrong_password_is_sent_once_whatever_the_server_answers() {
    let refusals = [
        LoginRefusal::Unauthorized,
        LoginRefusal::Reset,
        LoginRefusal::Close,
        LoginRefusal::Hang,
        LoginRefusal::Late(Duration::from_millis(300)),
        LoginRefusal::Answer(HttpAnswer::forbidden()),
        LoginRefusal::Answer(HttpAnswer::error_page()),
        LoginRefusal::Answer(HttpAnswer::web_page()),
        LoginRefusal::Answer(HttpAnswer::logon_page()),
        LoginRefusal::Answer(HttpAnswer::new(400)),
        LoginRefusal::Answer(HttpAnswer::new(503).header("Retry-After", "0")),
        LoginRefusal::Answer(HttpAnswer::new(401).header("WWW-Authenticate", "Kerberos")),
    ];
    for refusal in refusals {
        for wrong in with_password("falsch") {
            let simulator = Simulator::start(scenario().refused_login(refusal.clone())).expect("a simulator");
            let setup = Setup::of(&simulator).credentials(wrong.clone());
            let client = setup.route(|route| route.with_idle_timeout(Duration::from_millis(100))).build();
            let began = Instant::now();
            for _ in 0..2 {
                let kinds = storm(&client).await;
                assert!(kinds.iter().all(Option::is_some), "{refusal:?} {wrong:?}");
            }
            let error = read(&client, &anna()).await.expect_err("held back");
            assert!(error.retry_after() > Some(Duration::from_secs(2)), "{refusal:?} {wrong:?}: {error:?}");
            assert_eq!(error.step().is_none(), error.kind() != ReadErrorKind::CredentialsLocked, "{error:?}");
            assert!(began.elapsed() < Duration::from_secs(4), "others hear at once: {:?}", began.elapsed());
            assert_eq!(simulator.refused_logins("svc-optigov"), 1, "{refusal:?} {wrong:?}");
        }
    }
}

#[tokio::test]
async fn a_refusal_that_comes_after_everybody_has_gone_locks() {
    for wrong in with_password("falsch") {
        let late = LoginRefusal::Late(Duration::from_millis(400));
        let simulator = Simulator::start(scenario().refused_login(late)).expect("a simulator");
        let setup = Setup::of(&simulator).credentials(wrong);
        let client = setup.route(|route| route.with_idle_timeout(Duration::from_millis(200))).build();
        let mailbox = anna();
        let given_up = tokio::time::timeout(Duration::from_millis(100), read(&client, &mailbox)).await;
        assert!(given_up.is_err(), "the caller gives up before the client does");
        tokio::time::sleep(Duration::from_millis(800)).await;
        let error = read(&client, &anna()).await.expect_err("locked");
        assert_eq!(error.kind(), ReadErrorKind::CredentialsLocked);
        assert_eq!(simulator.refused_logins("svc-optigov"), 1);
    }
}

#[tokio::test]
async fn a_lock_of_any_length_holds() {
    let simulator = Simulator::start(scenario()).expect("a simulator");
    let setup = Setup::of(&simulator).credentials(Credentials::basic("svc-optigov", "falsch"));
    let client = setup.settings(|settings| settings.credential_lock = Duration::MAX).build();
    storm(&client).await;
    storm(&client).await;
    assert_eq!(simulator.refused_logins("svc-optigov"), 1);
}

#[tokio::test]
async fn after_its_wait_the_right_password_is_tried_again_and_then_in_use() {
    let refusal = LoginRefusal::Reset;
    let simulator = Simulator::start(scenario().refused_login(refusal)).expect("a simulator");
    let setup = Setup::of(&simulator).credentials(Credentials::basic("svc-optigov", PASSWORD));
    let client = setup.settings(|settings| settings.credential_lock = Duration::from_millis(200)).build();
    simulator.update(|scenario| replace_account(scenario, "anderes")).expect("a scenario");
    read(&client, &anna()).await.expect_err("a reset in place of the 401");
    simulator.update(|scenario| replace_account(scenario, PASSWORD)).expect("a scenario");
    read(&client, &anna()).await.expect_err("not before its time");
    tokio::time::sleep(Duration::from_millis(250)).await;
    assert_eq!(storm(&client).await, [None; 30]);
}

fn replace_account(scenario: &mut Scenario, password: &str) {
    let account = scenario.account_mut("svc-optigov").expect("the account");
    *account = account.clone().password(password);
}

#[cfg(feature = "ntlm")]
#[tokio::test]
async fn a_scheme_that_is_not_offered_locks_nothing() {
    for credentials in with_password(PASSWORD).split_off(1) {
        let simulator = Simulator::start(scenario().schemes([Scheme::Basic])).expect("a simulator");
        let client = client(&simulator, credentials);
        let error = read(&client, &anna()).await.expect_err("not offered");
        assert_eq!((error.kind(), error.retry_after()), (ReadErrorKind::SchemeNotOffered, None));
        simulator
            .update(|scenario| *scenario = scenario.clone().schemes([Scheme::Negotiate, Scheme::Ntlm]))
            .expect("a scenario");
        read(&client, &anna()).await.expect("it is offered now");
    }
}

#[tokio::test]
async fn a_401_shortly_after_an_accepted_request_is_held_against_one_more_proof() {
    for credentials in with_password(PASSWORD) {
        let throttled = Fault::new(Effect::Unauthorized).operation("FindItem").nth(1);
        let simulator = Simulator::start(scenario().fault(throttled)).expect("a simulator");
        let client = client(&simulator, credentials);
        read(&client, &anna()).await.expect("a view, with the second try");
        let operations: Vec<_> =
            simulator.requests().iter().filter_map(|request| request.operation().map(str::to_owned)).collect();
        let proofs = operations.iter().filter(|name| *name == "GetServerTimeZones").count();
        assert_eq!((proofs, views(&operations)), (2, 2), "{operations:?}");
    }
}

fn views(operations: &[String]) -> usize {
    operations.iter().filter(|name| *name == "FindItem").count()
}

#[tokio::test]
async fn a_password_that_was_changed_is_tried_twice_and_then_locked() {
    let simulator = Simulator::start(scenario()).expect("a simulator");
    let client = client(&simulator, Credentials::basic("svc-optigov", PASSWORD));
    read(&client, &anna()).await.expect("a view");
    simulator.update(|scenario| replace_account(scenario, "neu")).expect("a scenario");
    let error = read(&client, &anna()).await.expect_err("refused");
    assert_eq!(error.kind(), ReadErrorKind::CredentialsRefused);
    storm(&client).await;
    assert_eq!(simulator.refused_logins("svc-optigov"), 2, "the request and the confirming proof");
}

#[tokio::test]
async fn a_mailbox_that_always_gets_a_401_locks_nobody() {
    let throttled = Fault::new(Effect::Unauthorized).mailbox("anna@musterstadt.example");
    let simulator = Simulator::start(scenario().fault(throttled)).expect("a simulator");
    let client = client(&simulator, Credentials::basic("svc-optigov", PASSWORD));
    let error = read(&client, &anna()).await.expect_err("always 401");
    assert_eq!((error.kind(), error.http_status()), (ReadErrorKind::Throttled, Some(401)));
    read(&client, &berta()).await.expect("berta's view");
}

#[tokio::test]
async fn an_accepted_credential_is_in_use_by_many_at_once_though_a_mailbox_hangs() {
    let hung = scenario().mailbox(SimulatedMailbox::new("hung@musterstadt.example").state(MailboxState::Hung));
    let hung = hung.account(Account::new("svc-2").password(PASSWORD).impersonates_everybody());
    let simulator = Simulator::start(hung).expect("a simulator");
    for credentials in [
        Credentials::basic("svc-2", PASSWORD),
        #[cfg(feature = "ntlm")]
        Credentials::ntlm("STADT\\svc-2", PASSWORD),
    ] {
        let client = client(&simulator, credentials);
        let waiting = client.clone();
        let before = beside_proofs(&simulator).len();
        let hanging = tokio::spawn(async move {
            let hung = Mailbox::parse("hung@musterstadt.example").expect("an address");
            read(&waiting, &hung).await
        });
        while beside_proofs(&simulator).len() == before {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let began = Instant::now();
        read(&client, &anna()).await.expect("a view");
        assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
        hanging.abort();
    }
}

#[tokio::test]
async fn where_a_policy_keeps_the_account_out_a_request_on_behalf_of_a_mailbox_is_the_proof() {
    let policy = AccessPolicy::block(["optigov-ews/*"]).spares_impersonation();
    let simulator = Simulator::start(scenario().access_policy(policy)).expect("a simulator");
    let setup = Setup::of(&simulator).credentials(Credentials::basic("svc-optigov", PASSWORD));
    let client = setup.settings(|settings| settings.credential_lock = Duration::from_millis(100)).build();
    let error = read(&client, &anna()).await.expect_err("the account's own request");
    assert_eq!((error.kind(), error.http_status()), (ReadErrorKind::Forbidden, Some(403)));
    tokio::time::sleep(Duration::from_millis(150)).await;
    assert_eq!(storm(&client).await, [None; 30]);
}
