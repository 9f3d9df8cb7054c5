//! What a log at its most talkative may never hold.

use optigov_calendar::{CalendarSource, GraphAccess, Language, testing::Log};
use optigov_exchange_simulator::{
    Application, Effect, Entry, Fault, GraphDefect, HttpAnswer, Mailbox as Simulated, Permission, Scenario,
};
use optigov_graph::GraphCredentials;

use crate::support::{APPLICATION, SECRET, Setup, application, mailbox, online, start, utc, week};

const CERTIFICATE: &str = include_str!("../../../optigov-exchange-simulator/tests/simulator/keys/registered.crt.pem");
const KEY: &str = include_str!("../../../optigov-exchange-simulator/tests/simulator/keys/registered.key.pem");

#[tokio::test]
async fn no_log_error_or_debug_text_holds_a_secret_an_address_or_a_title() {
    let entry = Entry::timed(utc("2026-11-24T09:00:00Z"), utc("2026-11-24T10:00:00Z"));
    let entry = entry.subject("Streng vertraulich").location("Zimmer 12");
    let scoped =
        application().certificate(CERTIFICATE).reads(["anna@musterstadt.example", "vorort@musterstadt.example"]);
    let anna = online("anna").entry(entry).default_permission(Permission::LimitedDetails);
    let scenario = Scenario::new()
        .application(scoped)
        .mailbox(anna)
        .mailbox(online("berta"))
        .mailbox(Simulated::new("vorort@musterstadt.example"));
    let log = Log::default();
    // With a single subscriber, `tracing` lets the thread that first reaches a log line decide whether anybody listens to it, and that may be
    // another test's thread, where nobody does. With two, it asks both.
    let _second = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::default());
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(log.writer()).finish();
    // The simulator has threads of its own, so this hears the client alone.
    let listening = tracing::subscriber::set_default(subscriber);
    let mut shown = String::new();
    let certificate = GraphCredentials::certificate(CERTIFICATE.as_bytes(), KEY.as_bytes()).expect("a credential");
    let leak = |effect| Fault::new(effect).operation("calendarView");
    let faults = [
        None,
        Some(leak(Effect::Graph(GraphDefect::Titles))),
        Some(leak(Effect::Malformed)),
        Some(leak(Effect::Http(HttpAnswer::new(403).body("anna@musterstadt.example Streng vertraulich")))),
        Some(leak(Effect::GraphError { status: 400, code: "anna@musterstadt.example".to_owned(), retry_after: None })),
        Some(leak(Effect::Graph(GraphDefect::ShowAs("Streng vertraulich".to_owned())))),
        Some(leak(Effect::Graph(GraphDefect::NextLink("https://anna@musterstadt.example/".to_owned())))),
    ];
    for fault in faults {
        let scenario = fault.into_iter().fold(scenario.clone(), Scenario::fault);
        let simulator = start(scenario);
        for credentials in
            [GraphCredentials::secret(SECRET), GraphCredentials::secret("falsches~geheimnis"), certificate.clone()]
        {
            shown += &format!("{credentials:?}");
            for access in GraphAccess::ALL {
                let setup = Setup::of(&simulator).credentials(credentials.clone()).access(access);
                shown += &format!("{:?}", setup.settings);
                let client = setup.build();
                shown += &format!("{client:?}");
                let asked = ["anna", "berta", "vorort", "niemand"].map(mailbox);
                for result in client.read(&asked, week()).await {
                    shown += &format!("{result:?}");
                    if let Err(error) = result {
                        shown +=
                            &format!("{error} {}", Language::ALL.map(|language| error.describe(language)).concat());
                        let mut next = std::error::Error::source(&error);
                        while let Some(source) = next {
                            shown += &format!("{source} {source:?}");
                            next = source.source();
                        }
                    }
                }
                let report = client.check(&asked[0], utc("2026-11-23T08:00:00Z")).await;
                shown += &format!("{report:?} {}", serde_json::to_string(&report).expect("JSON"));
                shown += &Language::ALL.map(|language| report.to_text(language)).concat();
            }
        }
    }
    drop(listening);
    let logged = log.text();
    assert!(logged.contains("calendarView") && logged.contains("a token was issued"), "the log heard nothing");
    let key_line = KEY.lines().nth(3).expect("a line of the key");
    for secret in [
        SECRET,
        "falsches",
        "anna",
        "berta",
        "vorort",
        "niemand",
        "musterstadt",
        "vertraulich",
        "Zimmer",
        APPLICATION,
        "eyJ",
        key_line,
    ] {
        for (place, text) in [("log", &logged), ("text", &shown)] {
            let line = text.lines().find(|line| line.contains(secret));
            assert_eq!(line, None, "{secret} in the {place}");
        }
    }
}

#[test]
fn an_application_is_not_named_by_its_credential() {
    let _never_made = Application::new(APPLICATION);
    let shown = format!("{:?}", GraphCredentials::secret(SECRET));
    assert_eq!(shown, "GraphCredentials::Secret(..)");
}
