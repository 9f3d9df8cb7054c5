//! The connection check tells the steps apart, names cause and remedy, and never passes a wrong password.

use chrono::{DateTime, TimeDelta, Utc};
use optigov_ews::{
    CheckFinding, CheckOutcome, CheckReport, CheckStep, Credentials, EwsClient, EwsClientBuilder, Kind, Language,
    Mailbox,
};
use optigov_exchange_simulator::{Account, Entry, Mailbox as SimulatedMailbox, Permission, Scenario, Simulator};
use tokio::net::TcpListener;

use crate::{
    certificates::Authority,
    support::{PASSWORD, Reply, Scripted, anna, berta, view},
};

fn scenario() -> Scenario {
    let start = DateTime::<Utc>::from(std::time::SystemTime::now()) + TimeDelta::days(1);
    let entry = Entry::timed(start, start + TimeDelta::hours(1)).subject("Streng geheim");
    Scenario::new()
        .account(
            Account::new("svc-optigov")
                .password(PASSWORD)
                .impersonates(["anna@musterstadt.example", "info@musterstadt.example"]),
        )
        .mailbox(SimulatedMailbox::new("anna@musterstadt.example").alias("a.meier@musterstadt.example").entry(entry))
        .mailbox(SimulatedMailbox::new("berta@musterstadt.example"))
}

fn client(simulator: &Simulator) -> EwsClientBuilder {
    let builder = EwsClient::builder(&simulator.url()).only_given_roots().root_certificates_pem(simulator.ca_pem());
    builder.credentials(Credentials::basic("svc-optigov", PASSWORD))
}

fn mailbox(address: &str) -> Mailbox {
    Mailbox::parse(address).expect("an address")
}

/// Everything before the step has passed, it failed for this reason, and nothing after it was reached.
fn failed_at(report: &CheckReport, step: CheckStep, kind: Kind) {
    let text = report.to_text(Language::English);
    assert!(!report.passed(), "{text}");
    for result in report.steps() {
        let expected = match result.step().cmp(&step) {
            std::cmp::Ordering::Less => [CheckOutcome::Passed, CheckOutcome::NotNeeded],
            std::cmp::Ordering::Equal => [CheckOutcome::Failed; 2],
            std::cmp::Ordering::Greater => [CheckOutcome::NotReached; 2],
        };
        assert!(expected.contains(&result.outcome()), "{text}");
        assert_eq!(result.failure().map(|failure| failure.kind()), (result.step() == step).then_some(kind), "{text}");
        if let Some(failure) = result.failure() {
            for language in [Language::German, Language::English] {
                assert!(!failure.cause(language).is_empty() && !failure.remedy(language).is_empty());
            }
        }
    }
    assert_eq!(report.steps().len(), 8);
    let json = serde_json::to_string(report).expect("JSON");
    for secret in [PASSWORD, "falsch", "@", "geheim", "svc-optigov"] {
        assert!(!json.contains(secret) && !text.contains(secret), "{json}\n{text}");
    }
}

#[tokio::test]
async fn the_whole_way_is_reported() {
    let simulator = Simulator::start(scenario()).expect("a simulator");
    let report = client(&simulator).build().expect("a client").check(&anna()).await;
    let findings: Vec<_> = report.steps().iter().filter_map(|result| result.finding().cloned()).collect();
    assert!(report.passed(), "{}", report.to_text(Language::English));
    assert!(matches!(&findings[1], CheckFinding::Tls { version: Some(version), names, not_after: Some(_), issuer }
        if version == "TLS 1.3" && names.contains(&"localhost".to_owned()) && issuer.contains("CA")));
    assert!(
        matches!(&findings[2], CheckFinding::Schemes { offered, used } if offered.contains(used) && used == "Basic")
    );
    assert!(matches!(&findings[3], CheckFinding::Version { product, .. } if product.starts_with("Exchange Server")));
    assert_eq!(findings[4], CheckFinding::Entries { count: 1 });
    assert_eq!(findings[5], CheckFinding::Titles { looked_at: 1, with_title: 1 });
    assert!(!serde_json::to_string(&report).expect("JSON").contains("geheim"));
    let german = report.to_text(Language::German);
    assert!(
        german.contains("Namensauflösung: in Ordnung") && german.contains("1 Eintrag in den nächsten 14 Tagen"),
        "{german}"
    );
    let asked_for_titles =
        simulator.requests().iter().filter(|request| request.body().contains("item:Subject")).count();
    assert_eq!(asked_for_titles, 1);
}

#[tokio::test]
async fn scenario_19_a_wrong_password_never_passes_and_is_sent_once() {
    let simulator = Simulator::start(scenario()).expect("a simulator");
    let client = client(&simulator).credentials(Credentials::basic("svc-optigov", "falsch")).build().expect("a client");
    failed_at(&client.check(&anna()).await, CheckStep::Authentication, Kind::CredentialsRefused);
    failed_at(&client.check(&anna()).await, CheckStep::Authentication, Kind::CredentialsLocked);
    assert_eq!(simulator.refused_logins("svc-optigov"), 1);
}

/// Scenario 13 of the domain.
#[tokio::test]
async fn scenario_13_a_mailbox_outside_the_scope() {
    let simulator = Simulator::start(scenario()).expect("a simulator");
    let client = client(&simulator).build().expect("a client");
    let report = client.check(&berta()).await;
    failed_at(&report, CheckStep::Impersonation, Kind::ImpersonationDenied);
    assert!(report.to_text(Language::German).contains("ApplicationImpersonation"));
}

/// Scenario 14 of the domain.
#[tokio::test]
async fn scenario_14_an_alias_and_a_typing_error_are_told_apart() {
    let simulator = Simulator::start(scenario()).expect("a simulator");
    let client = client(&simulator).build().expect("a client");
    failed_at(
        &client.check(&mailbox("a.meier@musterstadt.example")).await,
        CheckStep::Impersonation,
        Kind::NotPrimaryAddress,
    );
    failed_at(
        &client.check(&mailbox("ana@musterstadt.example")).await,
        CheckStep::Impersonation,
        Kind::MailboxNotFound,
    );
}

#[tokio::test]
async fn certificates_are_told_apart_and_shown() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let cases = [
        (ours.issue("localhost", 2021), &ours, Kind::CertificateExpired),
        (ours.issue("mail.musterstadt.example", 2120), &ours, Kind::CertificateName),
        (theirs.issue("localhost", 2120), &ours, Kind::CertificateUntrusted),
    ];
    for (certificate, root, kind) in cases {
        let server = Scripted::start_tls(certificate.server(), |_, _| Reply::ok(view("", "true"))).await;
        let report = server.client().root_certificates_pem(root.pem()).build().expect("a client").check(&anna()).await;
        failed_at(&report, CheckStep::Tls, kind);
        assert!(
            matches!(report.steps()[2].finding(), Some(CheckFinding::Tls { version: None, names, .. }) if names.len() == 1)
        );
    }
}

#[tokio::test]
async fn a_closed_port_a_silent_host_and_a_name_without_address() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port");
    let port = listener.local_addr().expect("an address").port();
    let check = async |url: &str| {
        let builder = EwsClient::builder(url).credentials(Credentials::basic("svc-optigov", PASSWORD));
        let builder = builder.root_certificates_pem(Authority::new().pem()).only_given_roots();
        let client = builder.connect_timeout(std::time::Duration::from_millis(150)).build().expect("a client");
        client.check(&anna()).await
    };
    failed_at(&check(&format!("https://127.0.0.1:{port}/")).await, CheckStep::Tls, Kind::Timeout);
    drop(listener);
    failed_at(&check(&format!("https://127.0.0.1:{port}/")).await, CheckStep::Connect, Kind::Connect);
    // A label of 64 letters is no name of the DNS; the system's resolver knows that without asking anybody.
    let impossible = format!("https://{}.example/", "a".repeat(64));
    failed_at(&check(&impossible).await, CheckStep::Resolve, Kind::Resolve);
}

#[tokio::test]
async fn a_web_page_is_not_ews() {
    let page = || Reply::status(200, "<!DOCTYPE html><html>Anmelden</html>").header("content-type", "text/html");
    let server = Scripted::start(move |_, _| page()).await;
    let report = server.client().build().expect("a client").check(&anna()).await;
    failed_at(&report, CheckStep::Ews, Kind::NotEws);
    assert_eq!(report.steps()[3].outcome(), CheckOutcome::NotNeeded, "nobody asked for a password");
}

#[tokio::test]
async fn a_server_that_does_not_speak_tls_is_told() {
    let server = Scripted::start(|_, _| Reply::ok(view("", "true"))).await;
    let url = server.url.replace("http://127.0.0.1", "https://localhost");
    let client = EwsClient::builder(&url).root_certificates_pem(Authority::new().pem());
    let client = client.credentials(Credentials::basic("svc-optigov", PASSWORD)).build().expect("a client");
    failed_at(&client.check(&anna()).await, CheckStep::Tls, Kind::Tls);
}

#[tokio::test]
async fn an_account_for_free_busy_needs_no_impersonation() {
    let start = DateTime::<Utc>::from(std::time::SystemTime::now()) + TimeDelta::days(1);
    let open = SimulatedMailbox::new("anna@musterstadt.example")
        .entry(Entry::timed(start, start + TimeDelta::hours(1)).subject("Arzt"));
    let closed = SimulatedMailbox::new("berta@musterstadt.example").default_permission(Permission::None);
    let scenario = Scenario::new()
        .account(Account::new("svc-optigov").password(PASSWORD))
        .mailbox(open.permission("svc-optigov", Permission::AvailabilityOnly))
        .mailbox(closed);
    let simulator = Simulator::start(scenario).expect("a simulator");
    let client = client(&simulator).build().expect("a client");
    let report = client.check_free_busy(&anna()).await;
    assert!(report.passed(), "{}", report.to_text(Language::English));
    assert_eq!(report.steps()[6].finding(), Some(&CheckFinding::Entries { count: 1 }));
    assert_eq!(report.steps()[5].outcome(), CheckOutcome::NotNeeded, "nobody is impersonated");
    assert_eq!(report.steps()[7].finding(), Some(&CheckFinding::Titles { looked_at: 1, with_title: 0 }), "hidden");
    failed_at(&client.check_free_busy(&berta()).await, CheckStep::Calendar, Kind::AccessDenied);
}

#[tokio::test]
async fn rights_that_show_titles_to_a_free_busy_account_are_found_out() {
    let start = DateTime::<Utc>::from(std::time::SystemTime::now()) + TimeDelta::days(1);
    let entry = |days| {
        let start = start + TimeDelta::days(days);
        Entry::timed(start, start + TimeDelta::hours(1)).subject("Arzt")
    };
    let open = SimulatedMailbox::new("anna@musterstadt.example").entries([entry(0), entry(1), entry(2), entry(3)]);
    let scenario = Scenario::new()
        .account(Account::new("svc-optigov").password(PASSWORD))
        .mailbox(open.permission("svc-optigov", Permission::LimitedDetails));
    let simulator = Simulator::start(scenario).expect("a simulator");
    let report = client(&simulator).build().expect("a client").check_free_busy(&anna()).await;
    assert_eq!(report.steps()[7].finding(), Some(&CheckFinding::Titles { looked_at: 3, with_title: 3 }));
    assert!(!format!("{report:?}").contains("Arzt"));
}
