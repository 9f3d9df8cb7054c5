//! The connection check tells the steps apart, names cause and remedy, and never passes a wrong password.

use std::time::Duration;

use chrono::TimeDelta;
use optigov_calendar::{
    Access, CalendarSource, ConnectionReport, Finding, Language, Mailbox, ReadErrorKind, Step, StepOutcome, StepReport,
    TitleVisibility,
};
use optigov_ews::Credentials;
use optigov_exchange_simulator::{Account, Entry, Mailbox as SimulatedMailbox, Permission, Scenario, Simulator};
use tokio::net::TcpListener;

use crate::{
    certificates::Authority,
    support::{PASSWORD, Reply, Scripted, Setup, anna, berta, check, envelope, utc, view},
};

/// An hour on so many days after the checks' time.
fn hour(days: i64) -> Entry {
    let start = utc("2026-11-24T09:00:00Z") + TimeDelta::days(days);
    Entry::timed(start, start + TimeDelta::hours(1))
}

fn scenario() -> Scenario {
    Scenario::new()
        .account(
            Account::new("svc-optigov")
                .password(PASSWORD)
                .impersonates(["anna@musterstadt.example", "info@musterstadt.example"]),
        )
        .mailbox(
            SimulatedMailbox::new("anna@musterstadt.example")
                .alias("a.meier@musterstadt.example")
                .entry(hour(0).subject("Streng geheim")),
        )
        .mailbox(SimulatedMailbox::new("berta@musterstadt.example"))
}

fn mailbox(address: &str) -> Mailbox {
    Mailbox::parse(address).expect("an address")
}

fn step(report: &ConnectionReport, step: Step) -> &StepReport {
    report.step(step).expect("every step is reported")
}

/// Everything before the step has gone well, it failed for this reason, and nothing after it was reached.
fn failed_at(report: &ConnectionReport, failing: Step, kind: ReadErrorKind) {
    let text = report.to_text(Language::English);
    assert!(!report.is_good(), "{text}");
    for result in report.steps() {
        let expected = match result.step().cmp(&failing) {
            std::cmp::Ordering::Less => [StepOutcome::Passed, StepOutcome::NotNeeded],
            std::cmp::Ordering::Equal => [StepOutcome::Failed; 2],
            std::cmp::Ordering::Greater => [StepOutcome::NotReached; 2],
        };
        assert!(expected.contains(&result.outcome()), "{text}");
        assert_eq!(result.error().map(|error| error.kind()), (result.step() == failing).then_some(kind), "{text}");
        if let Some(error) = result.error() {
            assert_eq!(error.step(), Some(failing));
            for language in Language::ALL {
                assert!(report.to_text(language).contains(&error.details(language)), "{text}");
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
    let report = check(&Setup::of(&simulator).build(), &anna()).await;
    let findings: Vec<_> = report.steps().iter().flat_map(|step| step.findings().iter().cloned()).collect();
    assert!(report.is_good(), "{}", report.to_text(Language::English));
    assert!(report.steps().iter().all(|step| step.outcome() == StepOutcome::Passed));
    assert!(matches!(&findings[1], Finding::Tls { version: Some(version), names, not_after: Some(_), issuer }
        if version == "TLS 1.3" && names.contains(&"localhost".to_owned()) && issuer.contains("CA")));
    assert!(matches!(&findings[2], Finding::Schemes { offered, used } if offered.contains(used) && used == "Basic"));
    assert!(matches!(&findings[3], Finding::Version { product, .. } if product.starts_with("Exchange Server")));
    assert_eq!(findings[4], Finding::Entries { count: 1, days: 14 });
    let visibility = TitleVisibility::Visible;
    assert_eq!(findings[5], Finding::Titles { visibility }, "under impersonation that is no fault");
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
async fn the_calendar_is_read_from_the_instant_given() {
    let simulator = Simulator::start(scenario()).expect("a simulator");
    let client = Setup::of(&simulator).build();
    let count = async |now| {
        let report = client.check(&anna(), utc(now)).await;
        assert!(report.is_good());
        let findings = step(&report, Step::Calendar).findings().to_vec();
        (findings, step(&report, Step::Titles).findings().to_vec())
    };
    let one = vec![Finding::Entries { count: 1, days: 14 }];
    let none = vec![Finding::Entries { count: 0, days: 14 }];
    let told = |visibility| vec![Finding::Titles { visibility }];
    assert_eq!(count("2026-11-12T00:00:00Z").await, (one, told(TitleVisibility::Visible)));
    assert_eq!(count("2026-11-10T00:00:00Z").await, (none.clone(), told(TitleVisibility::CannotTell)));
    assert_eq!(count("2026-11-25T00:00:00Z").await, (none, told(TitleVisibility::CannotTell)));
}

#[tokio::test]
async fn scenario_19_a_wrong_password_never_passes_and_is_sent_once() {
    let simulator = Simulator::start(scenario()).expect("a simulator");
    let client = Setup::of(&simulator).credentials(Credentials::basic("svc-optigov", "falsch")).build();
    failed_at(&check(&client, &anna()).await, Step::Authentication, ReadErrorKind::CredentialsRefused);
    failed_at(&check(&client, &anna()).await, Step::Authentication, ReadErrorKind::CredentialsLocked);
    assert_eq!(simulator.refused_logins("svc-optigov"), 1);
}

/// Scenario 13 of the domain.
#[tokio::test]
async fn scenario_13_a_mailbox_outside_the_scope() {
    let simulator = Simulator::start(scenario()).expect("a simulator");
    let client = Setup::of(&simulator).build();
    let report = check(&client, &berta()).await;
    failed_at(&report, Step::Impersonation, ReadErrorKind::ImpersonationDenied);
    assert!(report.to_text(Language::German).contains("ApplicationImpersonation"));
}

/// Scenario 14 of the domain.
#[tokio::test]
async fn scenario_14_an_alias_and_a_typing_error_are_told_apart() {
    let simulator = Simulator::start(scenario()).expect("a simulator");
    let client = Setup::of(&simulator).build();
    failed_at(
        &check(&client, &mailbox("a.meier@musterstadt.example")).await,
        Step::Impersonation,
        ReadErrorKind::NotPrimaryAddress,
    );
    failed_at(
        &check(&client, &mailbox("ana@musterstadt.example")).await,
        Step::Impersonation,
        ReadErrorKind::MailboxNotFound,
    );
}

#[tokio::test]
async fn certificates_are_told_apart_and_shown() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let cases = [
        (ours.issue("localhost", 2021), &ours, ReadErrorKind::CertificateExpired),
        (ours.issue("mail.musterstadt.example", 2120), &ours, ReadErrorKind::CertificateName),
        (theirs.issue("localhost", 2120), &ours, ReadErrorKind::CertificateUntrusted),
    ];
    for (certificate, root, kind) in cases {
        let server = Scripted::start_tls(certificate.server(), |_, _| Reply::ok(view("", "true"))).await;
        let report = check(&server.client().trusting(root.pem()).build(), &anna()).await;
        failed_at(&report, Step::Tls, kind);
        assert!(
            matches!(report.steps()[2].findings(), [Finding::Tls { version: None, names, .. }] if names.len() == 1)
        );
    }
}

#[tokio::test]
async fn a_closed_port_a_silent_host_and_a_name_without_address() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port");
    let port = listener.local_addr().expect("an address").port();
    let check = async |url: &str| {
        let setup = Setup::new(url).trusting(Authority::new().pem());
        let setup = setup.route(|route| route.with_connect_timeout(Duration::from_millis(150)));
        check(&setup.build(), &anna()).await
    };
    failed_at(&check(&format!("https://127.0.0.1:{port}/")).await, Step::Tls, ReadErrorKind::Timeout);
    drop(listener);
    failed_at(&check(&format!("https://127.0.0.1:{port}/")).await, Step::Connect, ReadErrorKind::Refused);
    // No name ends in `invalid` (RFC 6761); a machine without name servers finds no address, either.
    failed_at(&check("https://mail.musterstadt.invalid/").await, Step::Resolve, ReadErrorKind::Resolve);
}

#[tokio::test]
async fn a_web_page_is_not_ews() {
    let page = || Reply::status(200, "<!DOCTYPE html><html>Anmelden</html>").header("content-type", "text/html");
    let server = Scripted::start(move |_, _| page()).await;
    let report = check(&server.client().build(), &anna()).await;
    failed_at(&report, Step::Service, ReadErrorKind::NotTheService);
    assert_eq!(report.steps()[3].outcome(), StepOutcome::NotNeeded, "nobody asked for a password");
}

#[tokio::test]
async fn a_server_that_does_not_speak_tls_is_told() {
    let server = Scripted::start(|_, _| Reply::ok(view("", "true"))).await;
    let url = server.url.replace("http://127.0.0.1", "https://localhost");
    let client = Setup::new(&url).trusting(Authority::new().pem()).build();
    failed_at(&check(&client, &anna()).await, Step::Tls, ReadErrorKind::Tls);
}

/// A server that answers the request without a credential in this way, and every other one that Exchange does not answer either.
#[tokio::test]
async fn an_answer_that_says_nothing_about_authentication_is_not_taken_for_none() {
    for (status, kind) in [
        (302, ReadErrorKind::NotTheService),
        (403, ReadErrorKind::Forbidden),
        (500, ReadErrorKind::Server),
        (503, ReadErrorKind::Unavailable),
    ] {
        let server =
            Scripted::start_with_proofs(move |_, _| Reply::status(status, "").header("retry-after", "600")).await;
        let report = check(&server.client().build(), &anna()).await;
        let error = report.error().expect("an error");
        assert_eq!((error.kind(), error.http_status(), error.step()), (kind, Some(status), Some(Step::Service)));
        let authentication = step(&report, Step::Authentication);
        assert_eq!(authentication.outcome(), StepOutcome::NotReached, "nobody has looked at the credential");
        let schemes = Finding::Schemes { offered: Vec::new(), used: "Basic".to_owned() };
        assert_eq!(authentication.findings(), [schemes]);
        assert_eq!(step(&report, Step::Service).outcome(), StepOutcome::Failed);
    }
}

/// The real request decides: a firewall may turn away whatever carries no credential.
#[tokio::test]
async fn a_server_that_turns_away_only_what_carries_no_credential_passes() {
    let server = Scripted::start(|_, request| match request.header("authorization") {
        "" => Reply::status(403, ""),
        _ if request.body.contains("GetFolder") => Reply::ok(include_str!("../goldens/get_folder.response.xml")),
        _ => Reply::ok(view("", "true")),
    })
    .await;
    let report = check(&server.client().build(), &anna()).await;
    assert!(report.is_good(), "{}", report.to_text(Language::English));
    assert_eq!(step(&report, Step::Authentication).outcome(), StepOutcome::Passed);
}

#[tokio::test]
async fn a_server_older_than_2016_passes_with_a_warning() {
    let older = |text: &str| text.replace("MinorVersion=\"2\"", "MinorVersion=\"0\"");
    let server = Scripted::start(move |_, request| match request.body.contains("GetFolder") {
        true => Reply::ok(older(include_str!("../goldens/get_folder.response.xml"))),
        false => Reply::ok(older(&view("", "true"))),
    })
    .await;
    let report = check(&server.client().build(), &anna()).await;
    assert!(report.is_good());
    let service = step(&report, Step::Service);
    assert_eq!((service.outcome(), service.warnings().len()), (StepOutcome::Warning, 1));
    let text = report.to_text(Language::German);
    assert!(text.contains("Exchange Server 2013") && text.contains("Subscription Edition"), "{text}");
}

#[tokio::test]
async fn the_check_ends_within_four_times_the_deadline_of_a_call() {
    let server = Scripted::start(|_, _| Reply::Silence).await;
    let client = server.client().route(|route| route.with_timeout(Duration::from_millis(30))).build();
    let report = tokio::time::timeout(Duration::from_secs(10), check(&client, &anna())).await.expect("an end");
    failed_at(&report, Step::Authentication, ReadErrorKind::Deadline);
}

fn free_busy(simulator: &Simulator) -> Setup {
    Setup::of(simulator).settings(|settings| settings.access = Access::FreeBusy)
}

#[tokio::test]
async fn an_account_for_free_busy_needs_no_impersonation() {
    let open = SimulatedMailbox::new("anna@musterstadt.example").entry(hour(0).subject("Arzt"));
    let closed = SimulatedMailbox::new("berta@musterstadt.example").default_permission(Permission::None);
    let scenario = Scenario::new()
        .account(Account::new("svc-optigov").password(PASSWORD))
        .mailbox(open.permission("svc-optigov", Permission::AvailabilityOnly))
        .mailbox(closed);
    let simulator = Simulator::start(scenario).expect("a simulator");
    let client = free_busy(&simulator).build();
    let report = check(&client, &anna()).await;
    assert!(report.is_good(), "{}", report.to_text(Language::English));
    assert_eq!(report.steps()[6].findings(), [Finding::Entries { count: 1, days: 14 }]);
    assert_eq!(report.steps()[5].outcome(), StepOutcome::NotNeeded, "nobody is impersonated");
    assert_eq!(report.steps()[7].findings(), [Finding::Titles { visibility: TitleVisibility::Hidden }]);
    failed_at(&check(&client, &berta()).await, Step::Calendar, ReadErrorKind::AccessDenied);
    let nobody = mailbox("niemand@musterstadt.example");
    failed_at(&check(&client, &nobody).await, Step::Calendar, ReadErrorKind::MailboxNotFound);
}

#[tokio::test]
async fn a_mailboxs_own_free_busy_error_fails_the_calendar_and_not_the_service() {
    let answer = envelope(
        "<GetUserAvailabilityResponse><FreeBusyResponseArray><FreeBusyResponse><ResponseMessage ResponseClass=\"Error\">\
         <ResponseCode>ErrorOfTheFuture</ResponseCode></ResponseMessage></FreeBusyResponse></FreeBusyResponseArray>\
         </GetUserAvailabilityResponse>",
    );
    let server = Scripted::start(move |_, request| match request.header("authorization") {
        "" => Reply::status(401, "").header("www-authenticate", "Basic realm=\"x\""),
        _ => Reply::ok(answer.clone()),
    })
    .await;
    let client = server.client().settings(|settings| settings.access = Access::FreeBusy).build();
    let report = check(&client, &anna()).await;
    failed_at(&report, Step::Calendar, ReadErrorKind::Server);
    assert!(report.error().is_some_and(|error| error.request_id().is_some()));
}

#[tokio::test]
async fn rights_that_show_titles_to_a_free_busy_account_fail_the_check() {
    let entries = [0, 1, 2, 3].map(|days| hour(days).subject("Arzt"));
    let open = SimulatedMailbox::new("anna@musterstadt.example").entries(entries);
    let scenario = Scenario::new()
        .account(Account::new("svc-optigov").password(PASSWORD))
        .mailbox(open.permission("svc-optigov", Permission::LimitedDetails));
    let simulator = Simulator::start(scenario).expect("a simulator");
    let report = check(&free_busy(&simulator).build(), &anna()).await;
    failed_at(&report, Step::Titles, ReadErrorKind::TitlesVisible);
    assert_eq!(report.steps()[7].findings(), [Finding::Titles { visibility: TitleVisibility::Visible }]);
    assert!(report.to_text(Language::German).contains("AvailabilityOnly"));
    assert!(!format!("{report:?}").contains("Arzt"));
}

#[tokio::test]
async fn entries_without_a_title_leave_it_open_whether_titles_can_be_seen() {
    let untitled = SimulatedMailbox::new("anna@musterstadt.example").entry(hour(0).subject(""));
    let scenario = Scenario::new()
        .account(Account::new("svc-optigov").password(PASSWORD).impersonates(["anna@musterstadt.example"]))
        .mailbox(untitled.permission("svc-optigov", Permission::LimitedDetails));
    let simulator = Simulator::start(scenario).expect("a simulator");
    for client in [Setup::of(&simulator).build(), free_busy(&simulator).build()] {
        let report = check(&client, &anna()).await;
        assert!(report.is_good(), "{}", report.to_text(Language::English));
        let cannot_tell = Finding::Titles { visibility: TitleVisibility::CannotTell };
        assert_eq!(step(&report, Step::Titles).findings(), [cannot_tell]);
    }
}
