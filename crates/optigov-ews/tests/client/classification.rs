//! What an answer means: whose fault it is, and whether it is asked again. The rows are those that strangers' servers taught.

use std::{
    num::NonZeroUsize,
    time::{Duration, Instant},
};

use optigov_calendar::{CalendarSource, Language, Mailbox, Origin, ReadError, ReadErrorKind as Kind, UserAgent};
use optigov_exchange_simulator::{
    AccessPolicy, Account, Contradiction, Effect, Entry, Fault, HttpAnswer, Mailbox as SimulatedMailbox, Scenario,
    Simulator, SoapFault,
};

use crate::support::{PASSWORD, Setup, anna, beside_proofs, read, utc, window};

/// What a row expects of the number of requests.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Asked {
    Once,
    /// Once more, gently.
    Twice,
    /// More often, until the deadline.
    Again,
}

fn scenario() -> Scenario {
    Scenario::new()
        .account(Account::new("svc-optigov").password(PASSWORD).impersonates_everybody())
        .mailbox(SimulatedMailbox::new("anna@musterstadt.example").entry(series()))
}

/// An occurrence shows that the server expands series, so nothing is compared with free/busy.
fn series() -> Entry {
    Entry::timed(utc("2026-11-24T09:00:00Z"), utc("2026-11-24T10:00:00Z")).recurs("FREQ=DAILY;COUNT=1")
}

/// The error of a view under an effect that begins after one good answer, and how many requests it took.
async fn met(effect: Effect) -> (ReadError, Asked) {
    let simulator =
        Simulator::start(scenario().fault(Fault::new(effect).operation("FindItem").after(1))).expect("a simulator");
    let client = Setup::of(&simulator).route(|route| route.with_timeout(Duration::from_secs(3))).build();
    read(&client, &anna()).await.expect("the first view");
    let before = beside_proofs(&simulator).len();
    let error = read(&client, &anna()).await.expect_err("an error");
    let asked = match beside_proofs(&simulator).len() - before {
        0 | 1 => Asked::Once,
        2 => Asked::Twice,
        _ => Asked::Again,
    };
    (error, asked)
}

fn code(code: &str) -> Effect {
    Effect::ResponseCode(code.to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_answer_has_its_kind_its_culprit_and_its_retry() {
    use Asked::{Again, Once, Twice};
    let fault = SoapFault::new;
    let rows: Vec<(Effect, Kind, Origin, Asked)> = vec![
        (code("ErrorMailboxStoreUnavailable"), Kind::MailboxUnavailable, Origin::Mailbox, Twice),
        (Effect::Http(HttpAnswer::forbidden()), Kind::Forbidden, Origin::Account, Once),
        (code("ErrorInternalServerTransientError"), Kind::Transient, Origin::Server, Again),
        (code("ErrorInsufficientResources"), Kind::Transient, Origin::Server, Again),
        (code("ErrorADUnavailable"), Kind::Transient, Origin::Server, Again),
        (code("ErrorTimeoutExpired"), Kind::Transient, Origin::Server, Again),
        (Effect::Http(HttpAnswer::error_page()), Kind::Transient, Origin::Server, Again),
        (Effect::Http(HttpAnswer::new(302).header("Location", "/owa/")), Kind::NotTheService, Origin::Server, Once),
        (Effect::Http(HttpAnswer::logon_page()), Kind::LogonPage, Origin::Server, Once),
        (Effect::Http(HttpAnswer::proxy_error(502)), Kind::Gateway, Origin::Server, Once),
        (Effect::Http(HttpAnswer::proxy_error(504)), Kind::Gateway, Origin::Server, Once),
        (Effect::SoapFault(fault("ErrorServerBusy").status(503)), Kind::Throttled, Origin::Server, Again),
        (Effect::SoapFault(fault("ErrorADUnavailable").status(503)), Kind::Transient, Origin::Server, Again),
        (
            Effect::SoapFault(fault("ErrorImpersonateUserDenied").status(403)),
            Kind::ImpersonationDenied,
            Origin::Account,
            Once,
        ),
        (code("ErrorPasswordExpired"), Kind::PasswordExpired, Origin::Account, Once),
        (code("ErrorPasswordChangeRequired"), Kind::PasswordExpired, Origin::Account, Once),
        (code("ErrorInvalidUserPrincipalName"), Kind::MailboxNotFound, Origin::Mailbox, Once),
        (code("ErrorInvalidUserSid"), Kind::MailboxNotFound, Origin::Mailbox, Once),
        (code("ErrorNoCalendar"), Kind::MailboxDefective, Origin::Mailbox, Once),
        (code("ErrorMailboxConfiguration"), Kind::MailboxDefective, Origin::Mailbox, Once),
        (code("ErrorInvalidSchemaVersionForMailboxVersion"), Kind::RequestRejected, Origin::Configuration, Once),
        (
            Effect::SoapFault(fault("Client.NotFound").fault_code("ErrorNoCalendar")),
            Kind::MailboxDefective,
            Origin::Mailbox,
            Once,
        ),
        (
            Effect::SoapFault(fault("ErrorNoCalendar").fault_code("Client")),
            Kind::MailboxDefective,
            Origin::Mailbox,
            Once,
        ),
        (code("ErrorOfTheFuture"), Kind::Server, Origin::Server, Once),
        (Effect::Contradiction(Contradiction::Status(500)), Kind::Malformed, Origin::Server, Once),
        (Effect::Contradiction(Contradiction::TwoResponseCodes), Kind::Malformed, Origin::Server, Once),
        (Effect::Http(HttpAnswer::web_page()), Kind::NotTheService, Origin::Server, Once),
    ];
    let met = rows.into_iter().map(|row| tokio::spawn(async move { (met(row.0.clone()).await, row) }));
    for row in met {
        let ((error, requests), (effect, kind, origin, asked)) = row.await.expect("a row");
        assert_eq!((error.kind(), error.origin(), requests), (kind, origin, asked), "{effect:?}: {error:?}");
    }
}

#[tokio::test]
async fn a_fault_says_when_to_come_back_whatever_its_status() {
    for status in [403, 500, 503] {
        let busy = SoapFault::new("ErrorServerBusy").status(status).back_off("25000");
        let (error, asked) = met(Effect::SoapFault(busy)).await;
        assert_eq!(error.retry_after(), Some(Duration::from_secs(25)), "{status}");
        assert_eq!((error.http_status(), asked), (Some(status), Asked::Once), "25 s are longer than the deadline");
    }
}

#[tokio::test]
async fn a_passing_fault_passes_within_the_deadline() {
    for effect in
        [code("ErrorTimeoutExpired"), code("ErrorMailboxStoreUnavailable"), Effect::Http(HttpAnswer::error_page())]
    {
        let simulator = Simulator::start(scenario().fault(Fault::new(effect.clone()).operation("FindItem").nth(2)))
            .expect("a simulator");
        let client = Setup::of(&simulator).build();
        for _ in 0..2 {
            read(&client, &anna()).await.expect("a view");
        }
        assert_eq!(beside_proofs(&simulator).len(), 3, "{effect:?}");
    }
}

#[tokio::test]
async fn an_unproven_password_is_not_sent_again_for_an_error_page() {
    let simulator = Simulator::start(scenario().fault(Fault::new(Effect::Http(HttpAnswer::error_page()))));
    let simulator = simulator.expect("a simulator");
    let error = read(&Setup::of(&simulator).build(), &anna()).await.expect_err("an outage");
    assert_eq!((error.kind(), simulator.requests().len()), (Kind::Transient, 1));
}

#[tokio::test]
async fn a_policy_names_the_program_and_its_reason() {
    let policy = |reason: &str| AccessPolicy::block(["optigov-ews/*"]).reason(reason);
    for (reason, shown) in [("EwsBlockList", true), ("ask anna@musterstadt.example", false), (&"x".repeat(65), false)] {
        let simulator = Simulator::start(scenario().access_policy(policy(reason))).expect("a simulator");
        let error = read(&Setup::of(&simulator).build(), &anna()).await.expect_err("forbidden");
        assert_eq!((error.kind(), error.origin()), (Kind::Forbidden, Origin::Account));
        for language in Language::ALL {
            let text = error.describe(language);
            assert!(text.contains("optigov-ews/") && text.contains("EwsAllowList"), "{text}");
            assert_eq!(text.contains(reason), shown, "{text}");
        }
        let settable = Setup::of(&simulator)
            .settings(|settings| settings.user_agent = UserAgent::parse("optiGov Terminvergabe/1.0").ok())
            .build();
        read(&settable, &anna()).await.expect("another program is not blocked");
    }
}

/// Figures for one bad mailbox among 100.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_database_that_is_away_leaves_the_other_99_unharmed() {
    let address = |number: usize| format!("m{number}@musterstadt.example");
    let scenario = (0..100).fold(
        Scenario::new().account(Account::new("svc-optigov").password(PASSWORD).impersonates_everybody()),
        |scenario, number| scenario.mailbox(SimulatedMailbox::new(address(number))),
    );
    let bad = Fault::new(code("ErrorMailboxStoreUnavailable")).mailbox(address(50));
    let simulator = Simulator::start(scenario.fault(bad)).expect("a simulator");
    let client =
        Setup::of(&simulator).route(|route| route.with_in_flight(NonZeroUsize::new(8).expect("not zero"))).build();
    let mailboxes: Vec<Mailbox> = (0..100).map(|n| Mailbox::parse(&address(n)).expect("an address")).collect();
    for round in 1..=2 {
        let began = Instant::now();
        let results = client.read(&mailboxes, window()).await;
        let failed: Vec<usize> = (0..100).filter(|number| results[*number].is_err()).collect();
        assert_eq!(failed, [50]);
        let requests = simulator.requests();
        let views = requests.iter().filter(|request| request.operation() == Some("FindItem")).count();
        assert_eq!(views, round * 101, "one gentle retry, and nothing else twice");
        assert!(began.elapsed() < Duration::from_secs(6), "nobody waits for it: {:?}", began.elapsed());
    }
}
