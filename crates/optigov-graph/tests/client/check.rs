//! The connection check: every step in its place.

use optigov_calendar::{
    CalendarSource, ConnectionReport, Finding, GraphAccess, Language, ReadErrorKind, Step, StepOutcome, TitleVisibility,
};
use optigov_exchange_simulator::{Application, Effect, Entry, Fault, HttpAnswer, Mailbox as Simulated, Scenario};
use optigov_graph::{GraphClient, GraphCredentials};

use crate::support::{APPLICATION, SECRET, Setup, application, mailbox, online, requests, start, utc};

async fn check(client: &GraphClient, name: &str) -> ConnectionReport {
    client.check(&mailbox(name), utc("2026-11-23T08:00:00Z")).await
}

fn outcomes(report: &ConnectionReport) -> Vec<StepOutcome> {
    report.steps().iter().map(|step| step.outcome()).collect()
}

use StepOutcome::{Failed, NotReached, Passed};

#[tokio::test]
async fn scenario_19_every_step_of_a_good_connection_passes_and_no_title_is_asked_for() {
    let entry = Entry::timed(utc("2026-11-24T09:00:00Z"), utc("2026-11-24T10:00:00Z")).subject("Streng vertraulich");
    let simulator = start(Scenario::new().application(application()).mailbox(online("anna").entry(entry)));
    for access in GraphAccess::ALL {
        let report = check(&Setup::of(&simulator).access(access).build(), "anna").await;
        assert!(report.is_good());
        let steps: Vec<_> = report.steps().iter().map(|step| step.step()).collect();
        let expected = [
            Step::Resolve,
            Step::Connect,
            Step::Tls,
            Step::Authentication,
            Step::Service,
            Step::Rights,
            Step::Calendar,
            Step::Titles,
        ];
        assert_eq!(steps, expected);
        assert_eq!(outcomes(&report), [Passed; 8]);
        let entries = report.step(Step::Calendar).map(|step| step.findings().to_vec());
        assert_eq!(entries, Some(vec![Finding::Entries { count: 1, days: 14 }]));
        let titles = report.step(Step::Titles).map(|step| step.findings().to_vec());
        assert_eq!(titles, Some(vec![Finding::Titles { visibility: TitleVisibility::NotHideable }]));
        for (language, words) in [
            (Language::German, "kennt keine Berechtigung, die Titel verbirgt"),
            (Language::English, "no permission that hides titles"),
        ] {
            let text = report.to_text(language);
            assert!(text.contains(words) && !text.contains("vertraulich"), "{text}");
        }
    }
    assert!(!simulator.requests().iter().any(|request| request.asks_for_titles()));
}

#[tokio::test]
async fn scenario_19_a_wrong_secret_never_passes_and_is_sent_once() {
    let simulator = start(Scenario::new().application(application()).mailbox(online("anna")));
    let client = Setup::of(&simulator).credentials(GraphCredentials::secret("falsch")).build();
    for _ in 0..3 {
        let report = check(&client, "anna").await;
        assert_eq!(outcomes(&report), [Passed, Passed, Passed, Failed, NotReached, NotReached, NotReached, NotReached]);
        let error = report.error().expect("an error");
        assert!(error.is_credentials());
        assert_eq!(error.code().map(|code| code.as_str()), Some("AADSTS7000215"));
    }
    assert_eq!(requests(&simulator, "token").len(), 1);
}

#[tokio::test]
async fn scenario_13_a_mailbox_outside_the_scope_fails_the_rights() {
    let scoped = Application::new(APPLICATION).secret(SECRET).reads(["berta@musterstadt.example"]);
    let simulator = start(Scenario::new().application(scoped).mailbox(online("anna")).mailbox(online("berta")));
    let report = check(&Setup::of(&simulator).build(), "anna").await;
    assert_eq!(outcomes(&report), [Passed, Passed, Passed, Passed, Passed, Failed, NotReached, NotReached]);
    assert_eq!(report.error().map(|error| error.kind()), Some(ReadErrorKind::AccessDenied));
    assert!(report.to_text(Language::English).contains("Application Calendars.Read"));
}

#[tokio::test]
async fn scenario_14_a_typing_error_and_a_mailbox_on_premises_fail_the_calendar() {
    let simulator =
        start(Scenario::new().application(application()).mailbox(Simulated::new("vorort@musterstadt.example")));
    let client = Setup::of(&simulator).build();
    for (name, kind) in [("niemand", ReadErrorKind::MailboxNotFound), ("vorort", ReadErrorKind::MailboxElsewhere)] {
        let report = check(&client, name).await;
        assert_eq!(outcomes(&report), [Passed, Passed, Passed, Passed, Passed, NotReached, Failed, NotReached]);
        assert_eq!(report.error().map(|error| error.kind()), Some(kind));
        let text = report.to_text(Language::German);
        assert!(!text.contains(name), "{text}");
    }
}

#[tokio::test]
async fn something_else_in_place_of_graph_fails_the_service() {
    for answer in [HttpAnswer::web_page(), HttpAnswer::proxy_error(502), HttpAnswer::logon_page()] {
        let fault = Fault::new(Effect::Http(answer)).operation("calendarView");
        let simulator = start(Scenario::new().application(application()).mailbox(online("anna")).fault(fault));
        let report = check(&Setup::of(&simulator).build(), "anna").await;
        assert_eq!(outcomes(&report), [Passed, Passed, Passed, Passed, Failed, NotReached, NotReached, NotReached]);
        let text = report.to_text(Language::German);
        assert!(text.contains("Microsoft 365"), "{text}");
    }
}

#[tokio::test]
async fn a_token_that_graph_does_not_take_fails_the_sign_in() {
    let fault = Fault::new(Effect::Unauthorized).operation("calendarView");
    let simulator = start(Scenario::new().application(application()).mailbox(online("anna")).fault(fault));
    let report = check(&Setup::of(&simulator).build(), "anna").await;
    assert_eq!(outcomes(&report), [Passed, Passed, Passed, Failed, NotReached, NotReached, NotReached, NotReached]);
    assert_eq!(report.error().map(|error| error.kind()), Some(ReadErrorKind::Token));
}
