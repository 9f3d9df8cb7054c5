//! Signing in: one token for all, renewed in time, and a refused credential sent once.

use std::time::Duration;

use futures_util::future::join_all;
use optigov_calendar::{CalendarSource, ReadErrorKind, Step};
use optigov_exchange_simulator::{Application, Effect, Fault, HttpAnswer, Scenario};
use optigov_graph::GraphCredentials;

use crate::support::{APPLICATION, SECRET, Setup, application, entries, mailbox, online, read, requests, start, week};

const CERTIFICATE: &str = include_str!("../../../optigov-exchange-simulator/tests/simulator/keys/registered.crt.pem");
const KEY: &str = include_str!("../../../optigov-exchange-simulator/tests/simulator/keys/registered.key.pem");
const OTHER: &str = include_str!("../../../optigov-exchange-simulator/tests/simulator/keys/other.crt.pem");
const OTHER_KEY: &str = include_str!("../../../optigov-exchange-simulator/tests/simulator/keys/other.key.pem");

fn scenario(application: Application) -> Scenario {
    Scenario::new().application(application).mailbox(online("anna"))
}

#[tokio::test]
async fn a_certificate_or_a_secret_gets_a_token() {
    let application = application().certificate(CERTIFICATE);
    let simulator = start(scenario(application));
    let certificate = GraphCredentials::certificate(CERTIFICATE.as_bytes(), KEY.as_bytes()).expect("a credential");
    for credentials in [certificate, GraphCredentials::secret(SECRET)] {
        let client = Setup::of(&simulator).credentials(credentials).build();
        assert!(entries(&client, "anna").await.is_empty());
    }
    assert_eq!(simulator.refused_logins(APPLICATION), 0);
    let asked = requests(&simulator, "token");
    assert_eq!(asked.len(), 2);
    assert!(asked[0].body().contains("client_assertion=***") && asked[1].body().contains("client_secret=***"));
}

#[tokio::test]
async fn one_request_for_a_token_serves_all_who_wait() {
    let fault = Fault::new(Effect::Delay(Duration::from_millis(200))).operation("token");
    let simulator = start(scenario(application()).fault(fault));
    let client = Setup::of(&simulator).build();
    let reads = join_all((0..30).map(|_| read(&client, "anna"))).await;
    assert!(reads.iter().all(Result::is_ok));
    assert_eq!(simulator.tokens_issued(APPLICATION), 1);
}

#[tokio::test]
async fn a_token_is_kept_and_asked_for_anew_once_after_a_401() {
    let simulator = start(scenario(application()));
    let client = Setup::of(&simulator).build();
    for _ in 0..3 {
        entries(&client, "anna").await;
    }
    assert_eq!(simulator.tokens_issued(APPLICATION), 1);
    simulator.expire_tokens();
    let reads = join_all((0..10).map(|_| read(&client, "anna"))).await;
    assert!(reads.iter().all(Result::is_ok), "{:?}", reads.iter().find(|read| read.is_err()));
    assert_eq!(simulator.tokens_issued(APPLICATION), 2);
}

#[tokio::test]
async fn a_token_that_graph_never_takes_is_not_asked_for_again_and_again() {
    let fault = Fault::new(Effect::Unauthorized).operation("calendarView");
    let simulator = start(scenario(application()).fault(fault));
    let client = Setup::of(&simulator).build();
    for _ in 0..5 {
        let error = read(&client, "anna").await.expect_err("an error");
        assert_eq!((error.kind(), error.step()), (ReadErrorKind::Token, Some(Step::Authentication)));
        assert_eq!(error.http_status(), Some(401));
    }
    assert_eq!(simulator.tokens_issued(APPLICATION), 2, "the first one, and another once");
}

#[tokio::test]
async fn a_token_that_a_part_of_a_batch_refuses_is_asked_for_anew_once() {
    for (times, whole) in [(1, true), (u64::MAX, false)] {
        let fault = Fault::new(Effect::Unauthorized).mailbox("anna@musterstadt.example").first(times);
        let simulator = start(scenario(application()).mailbox(online("berta")).fault(fault));
        let client = Setup::of(&simulator).build();
        let read = client.read(&[mailbox("anna"), mailbox("berta")], week()).await;
        assert_eq!((read[0].is_ok(), read[1].is_ok()), (whole, true), "{read:?}");
        assert_eq!(simulator.tokens_issued(APPLICATION), 2);
    }
}

#[tokio::test]
async fn a_token_is_renewed_before_its_end_while_it_still_serves() {
    // Half of two seconds is the time of renewal; the simulator refuses expired tokens.
    let simulator = start(scenario(application().token_lifetime(Duration::from_secs(2))));
    let client = Setup::of(&simulator).build();
    let began = std::time::Instant::now();
    while began.elapsed() < Duration::from_secs(3) {
        entries(&client, "anna").await;
    }
    let refused = simulator.requests().iter().filter(|request| request.refusal().is_some()).count();
    assert_eq!(refused, 0, "no request carried an expired token");
    assert!((3..=5).contains(&simulator.tokens_issued(APPLICATION)));
}

#[tokio::test]
async fn scenario_16_a_wrong_secret_is_sent_once_however_many_ask() {
    let simulator = start(scenario(application()));
    let client = Setup::of(&simulator).credentials(GraphCredentials::secret("falsch")).build();
    let reads = join_all((0..20).map(|_| read(&client, "anna"))).await;
    let errors: Vec<_> = reads.into_iter().map(|read| read.expect_err("an error")).collect();
    assert!(errors.iter().any(|error| error.kind() == ReadErrorKind::CredentialsRefused));
    for error in errors {
        assert!(error.is_credentials(), "{error:?}");
        assert_eq!(error.code().map(|code| code.as_str()), Some("AADSTS7000215"));
    }
    let error = read(&client, "anna").await.expect_err("an error");
    assert_eq!(error.kind(), ReadErrorKind::CredentialsLocked);
    assert!(error.retry_after().is_some_and(|wait| wait > Duration::from_secs(1_000)));
    assert_eq!((simulator.refused_logins(APPLICATION), requests(&simulator, "token").len()), (1, 1));
    client.set_credentials(GraphCredentials::secret(SECRET));
    assert!(entries(&client, "anna").await.is_empty());
}

#[tokio::test]
async fn a_lock_ends_after_its_time() {
    let simulator = start(scenario(application()));
    let client = Setup::of(&simulator)
        .credentials(GraphCredentials::secret("falsch"))
        .settings(|settings| settings.with_credential_lock(Duration::ZERO))
        .build();
    for count in 1..=2 {
        read(&client, "anna").await.expect_err("an error");
        assert_eq!(simulator.refused_logins(APPLICATION), count);
    }
}

#[tokio::test]
async fn a_certificate_that_is_not_registered_is_sent_once() {
    let simulator = start(scenario(Application::new(APPLICATION).certificate(CERTIFICATE).reads_everybody()));
    let other = GraphCredentials::certificate(OTHER.as_bytes(), OTHER_KEY.as_bytes()).expect("a credential");
    let client = Setup::of(&simulator).credentials(other).build();
    let error = read(&client, "anna").await.expect_err("an error");
    assert_eq!(error.code().map(|code| code.as_str()), Some("AADSTS700027"));
    assert_eq!(error.kind(), ReadErrorKind::CredentialsRefused);
    assert_eq!(read(&client, "anna").await.expect_err("an error").kind(), ReadErrorKind::CredentialsLocked);
    assert_eq!(requests(&simulator, "token").len(), 1);
}

#[tokio::test]
async fn a_key_must_belong_to_its_certificate_and_both_must_be_readable() {
    let made = |certificate: &str, key: &str| GraphCredentials::certificate(certificate.as_bytes(), key.as_bytes());
    assert!(made(CERTIFICATE, KEY).is_ok());
    let both = format!("{KEY}\n{CERTIFICATE}");
    assert!(made(&both, &both).is_ok(), "both in one file");
    for (certificate, key) in
        [(CERTIFICATE, OTHER_KEY), (KEY, KEY), (CERTIFICATE, CERTIFICATE), ("", KEY), (CERTIFICATE, ""), ("x", "y")]
    {
        let error = made(certificate, key).expect_err("unusable");
        assert!(error.is_configuration(), "{error:?}");
    }
}

#[tokio::test]
async fn a_passing_fault_of_the_authority_is_waited_out_within_the_call() {
    for effect in [Effect::Aadsts(90_024), Effect::Http(HttpAnswer::new(503).body("busy"))] {
        let simulator = start(scenario(application()).fault(Fault::new(effect).operation("token").first(1)));
        let client = Setup::of(&simulator).build();
        assert!(entries(&client, "anna").await.is_empty());
        assert_eq!(requests(&simulator, "token").len(), 2);
    }
}

#[tokio::test]
async fn a_caller_that_gives_up_loses_no_verdict() {
    let fault = Fault::new(Effect::Delay(Duration::from_millis(200))).operation("token");
    let simulator = start(scenario(application()).fault(fault));
    let client = Setup::of(&simulator).credentials(GraphCredentials::secret("falsch")).build();
    assert!(tokio::time::timeout(Duration::from_millis(20), read(&client, "anna")).await.is_err());
    let error = read(&client, "anna").await.expect_err("an error");
    assert!(error.is_credentials(), "{error:?}");
    assert_eq!(requests(&simulator, "token").len(), 1);
}
