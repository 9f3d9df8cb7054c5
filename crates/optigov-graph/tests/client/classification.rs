//! What a refusal means: whose fault it is, and whether it is asked again. The rows are the codes that Microsoft documents or that others have seen.

use std::time::Duration;

use optigov_calendar::{CalendarSource, GraphAccess, Language, Origin, ReadError, ReadErrorKind as Kind, Route, Step};
use optigov_exchange_simulator::{
    Application, Effect, Fault, HttpAnswer, Mailbox as Simulated, MailboxState, Scenario, Simulator,
};
use optigov_graph::{GraphClient, GraphCredentials};

use crate::support::{APPLICATION, SECRET, Setup, TENANT, application, mailbox, online, read, requests, start, week};

/// What a row expects of the number of requests.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Asked {
    Once,
    /// Once more, gently.
    Twice,
    /// More often, until the deadline.
    Again,
}

/// The error of a view under an effect that begins after one good answer, and how many requests it took.
async fn met(effect: Effect) -> (ReadError, Asked) {
    let fault = Fault::new(effect).operation("calendarView").after(1);
    let simulator = start(Scenario::new().application(application()).mailbox(online("anna")).fault(fault));
    let client = Setup::of(&simulator).route(|route| route.with_timeout(Duration::from_secs(3))).build();
    read(&client, "anna").await.expect("the first view");
    let before = requests(&simulator, "calendarView").len();
    let error = read(&client, "anna").await.expect_err("an error");
    let asked = match requests(&simulator, "calendarView").len() - before {
        0 | 1 => Asked::Once,
        2 => Asked::Twice,
        _ => Asked::Again,
    };
    (error, asked)
}

fn refused(status: u16, code: &str) -> Effect {
    Effect::GraphError { status, code: code.to_owned(), retry_after: None }
}

fn told_in_both_languages(error: &ReadError) {
    for language in Language::ALL {
        let text = error.describe(language);
        for wrong in ["musterstadt", "anna", "VPN", "IIS", "ApplicationImpersonation", "Dienstkonto", SECRET] {
            assert!(!text.contains(wrong), "{wrong} in: {text}");
        }
    }
    let (cause, remedy) = (error.cause(), error.remedy());
    assert_ne!(cause.in_language(Language::German), cause.in_language(Language::English));
    assert_ne!(remedy.in_language(Language::German), remedy.in_language(Language::English));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_answer_has_its_kind_its_culprit_and_its_retry() {
    use Asked::{Again, Once, Twice};
    let rows: Vec<(Effect, Kind, Origin, Asked)> = vec![
        (refused(403, "ErrorAccessDenied"), Kind::AccessDenied, Origin::Account, Once),
        (refused(403, "Authorization_RequestDenied"), Kind::ConsentMissing, Origin::Account, Once),
        (refused(403, "ErrorOfTheFuture"), Kind::Forbidden, Origin::Account, Once),
        (refused(404, "ErrorInvalidUser"), Kind::MailboxNotFound, Origin::Mailbox, Once),
        (refused(404, "ResourceNotFound"), Kind::MailboxNotFound, Origin::Mailbox, Once),
        (refused(404, "Request_ResourceNotFound"), Kind::MailboxNotFound, Origin::Mailbox, Once),
        (refused(404, "MailboxNotEnabledForRESTAPI"), Kind::MailboxElsewhere, Origin::Mailbox, Once),
        (refused(404, "MailboxNotSupportedForRESTAPI"), Kind::MailboxElsewhere, Origin::Mailbox, Once),
        (refused(404, "MailboxNotHostedInExchangeOnline"), Kind::MailboxElsewhere, Origin::Mailbox, Once),
        (refused(403, "extensionError"), Kind::MailboxElsewhere, Origin::Mailbox, Once),
        (refused(404, "ErrorItemNotFound"), Kind::MailboxDefective, Origin::Mailbox, Once),
        (refused(503, "ErrorMailboxMoveInProgress"), Kind::MailboxUnavailable, Origin::Mailbox, Twice),
        (refused(503, "ErrorMailboxStoreUnavailable"), Kind::MailboxUnavailable, Origin::Mailbox, Twice),
        (refused(400, "ErrorInvalidParameter"), Kind::RequestRejected, Origin::Library, Once),
        (refused(400, "BadRequest"), Kind::RequestRejected, Origin::Library, Once),
        (refused(429, "ApplicationThrottled"), Kind::Throttled, Origin::Server, Again),
        (refused(429, "TooManyRequests"), Kind::Throttled, Origin::Server, Again),
        (refused(503, "serviceNotAvailable"), Kind::Unavailable, Origin::Server, Again),
        (refused(504, "gatewayTimeout"), Kind::Unavailable, Origin::Server, Again),
        (refused(500, "ErrorInternalServerTransientError"), Kind::Transient, Origin::Server, Again),
        (refused(500, "ErrorInternalServerError"), Kind::Server, Origin::Server, Twice),
        (refused(500, "generalException"), Kind::Server, Origin::Server, Twice),
        (refused(404, "ErrorOfTheFuture"), Kind::Server, Origin::Server, Once),
        (Effect::Http(HttpAnswer::new(302).header("Location", "/login")), Kind::NotTheService, Origin::Server, Once),
        (Effect::Http(HttpAnswer::logon_page()), Kind::LogonPage, Origin::Server, Once),
        (Effect::Http(HttpAnswer::web_page()), Kind::NotTheService, Origin::Server, Once),
        (Effect::Http(HttpAnswer::proxy_error(502)), Kind::Gateway, Origin::Server, Once),
        (Effect::Http(HttpAnswer::new(404).body("nothing here")), Kind::NotTheService, Origin::Server, Once),
        (Effect::Http(HttpAnswer::new(403).body("forbidden")), Kind::Forbidden, Origin::Account, Once),
        (Effect::Truncated, Kind::Malformed, Origin::Server, Once),
        (Effect::Malformed, Kind::Malformed, Origin::Server, Once),
        (Effect::ResetWithin, Kind::Interrupted, Origin::Network, Once),
        (Effect::ResetBefore, Kind::Interrupted, Origin::Network, Again),
    ];
    let met = rows.into_iter().map(|row| tokio::spawn(async move { (met(row.0.clone()).await, row) }));
    for row in met {
        let ((error, requests), (effect, kind, origin, asked)) = row.await.expect("a row");
        assert_eq!((error.kind(), error.origin(), requests), (kind, origin, asked), "{effect:?}: {error:?}");
        assert!(error.request_id().is_some(), "{effect:?}: {error:?}");
        told_in_both_languages(&error);
    }
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_an_error_that_names_the_bound() {
    let fault = Fault::new(Effect::Huge(3 << 20)).operation("calendarView");
    let simulator = start(Scenario::new().application(application()).mailbox(online("anna")).fault(fault));
    let bound = std::num::NonZeroUsize::new(1 << 20).expect("not zero");
    let client = Setup::of(&simulator).route(|route| route.with_max_response_bytes(bound)).build();
    let error = read(&client, "anna").await.expect_err("too large");
    assert_eq!(error.kind(), Kind::LimitReached);
    assert!(error.to_string().contains("1048576"), "{error}");
}

/// The error of a client that is set up wrongly, or whose application is.
async fn at_sign_in(application: Application, change: impl FnOnce(Setup) -> Setup) -> ReadError {
    let simulator = start(Scenario::new().application(application).mailbox(online("anna")));
    let client = change(Setup::of(&simulator)).build();
    let error = read(&client, "anna").await.expect_err("no token");
    assert_eq!(error.step(), Some(Step::Authentication), "{error:?}");
    assert!(requests(&simulator, "token").len() <= 1);
    told_in_both_languages(&error);
    error
}

#[tokio::test]
async fn what_keeps_the_application_from_signing_in_is_told_apart() {
    let with = |secret: &'static str| move |setup: Setup| setup.credentials(GraphCredentials::secret(secret));
    let tenant = |setup: Setup| {
        let base = setup.settings.authority().to_string();
        let settings = optigov_calendar::GraphSettings::new("andere.example", APPLICATION);
        let settings = settings.and_then(|settings| settings.with_authority(&base)).expect("settings");
        setup.settings(|_| settings)
    };
    let app = |setup: Setup| {
        let base = setup.settings.authority().to_string();
        let settings = optigov_calendar::GraphSettings::new(TENANT, "33333333-2222-4333-8444-555555555555");
        let settings = settings.and_then(|settings| settings.with_authority(&base)).expect("settings");
        setup.settings(|_| settings)
    };
    let rows = [
        (at_sign_in(application(), with("falsch")).await, Kind::CredentialsRefused, "AADSTS7000215"),
        (at_sign_in(application().expired_secret("alt"), with("alt")).await, Kind::PasswordExpired, "AADSTS7000222"),
        (at_sign_in(application(), tenant).await, Kind::TenantUnknown, "AADSTS90002"),
        (at_sign_in(application(), app).await, Kind::AccountUnknown, "AADSTS700016"),
        (at_sign_in(application().disabled(), |setup| setup).await, Kind::AccountDisabled, "AADSTS7000112"),
    ];
    for (index, (error, kind, code)) in rows.iter().enumerate() {
        assert_eq!((error.kind(), error.code().map(|code| code.as_str())), (*kind, Some(*code)));
        assert!(rows[..index].iter().all(|(other, ..)| other.cause() != error.cause()), "{error:?}");
    }
}

#[tokio::test]
async fn what_the_authority_says_by_number_is_told_apart() {
    for (number, kind) in [
        (65_001, Kind::ConsentMissing),
        (650_056, Kind::ConsentMissing),
        (53_003, Kind::Forbidden),
        (90_038, Kind::TenantUnknown),
        (500_011, Kind::TenantUnknown),
        (700_024, Kind::ClockSkew),
        (700_027, Kind::CredentialsRefused),
        (7_000_218, Kind::Token),
        (999_999, Kind::Token),
    ] {
        let fault = Fault::new(Effect::Aadsts(number)).operation("token");
        let simulator = start(Scenario::new().application(application()).mailbox(online("anna")).fault(fault));
        let error = read(&Setup::of(&simulator).build(), "anna").await.expect_err("no token");
        let code = format!("AADSTS{number}");
        assert_eq!((error.kind(), error.code().map(|code| code.as_str())), (kind, Some(code.as_str())));
        assert_eq!(requests(&simulator, "token").len(), 1, "{number} is asked once");
        told_in_both_languages(&error);
    }
}

#[tokio::test]
async fn what_keeps_a_mailbox_from_being_read_is_told_apart() {
    let scoped =
        Application::new(APPLICATION).secret(SECRET).reads(["berta@musterstadt.example", "doris@musterstadt.example"]);
    let simulator = start(
        Scenario::new()
            .application(scoped)
            .mailbox(online("anna"))
            .mailbox(online("berta"))
            .mailbox(Simulated::new("clara@musterstadt.example"))
            .mailbox(online("doris").state(MailboxState::Disabled)),
    );
    for access in GraphAccess::ALL {
        let client = Setup::of(&simulator).access(access).build();
        let denied = read(&client, "anna").await.expect_err("outside the scope");
        let german = denied.describe(Language::German);
        assert!(german.contains("bisher auch keinen anderen"), "nothing shows yet that anything was granted: {german}");
        let read_all = client.read(&["berta", "anna", "clara", "doris", "niemand"].map(mailbox), week()).await;
        let errors: Vec<_> = read_all.into_iter().map(Result::err).collect();
        let kinds: Vec<_> = errors.iter().map(|error| error.as_ref().map(ReadError::kind)).collect();
        // `getSchedule` asks by way of a mailbox that may be read, and shows whatever that one may see.
        let anna = if access == GraphAccess::CalendarView { Some(Kind::AccessDenied) } else { None };
        assert_eq!(
            kinds,
            [None, anna, Some(Kind::MailboxElsewhere), Some(Kind::MailboxElsewhere), Some(Kind::MailboxNotFound)],
            "{access:?}"
        );
        errors.iter().flatten().for_each(told_in_both_languages);
        if let Some(denied) = &errors[1] {
            let german = denied.describe(Language::German);
            assert!(german.contains("Verwaltungsbereich") && !german.contains("bisher"), "{german}");
        }
    }
}

fn nobody_answers() -> (String, String) {
    let simulator = start(Scenario::new().application(application()).mailbox(online("anna")));
    (simulator.base_url(), simulator.ca_pem().to_owned())
}

async fn unreachable(client: GraphClient) -> ReadError {
    let error = read(&client, "anna").await.expect_err("nobody answers");
    told_in_both_languages(&error);
    error
}

#[tokio::test]
async fn an_authority_that_does_not_answer_and_a_graph_that_does_not_are_told_apart() {
    let (gone, root) = nobody_answers();
    let simulator: Simulator = start(Scenario::new().application(application()).mailbox(online("anna")));
    let no_authority =
        Setup::of(&simulator).settings(|settings| settings.with_authority(&gone).expect("an authority")).build();
    let error = unreachable(no_authority).await;
    assert_eq!((error.kind(), error.step()), (Kind::Refused, Some(Step::Authentication)));
    let to_nowhere = Route::for_graph(&gone).and_then(|route| route.with_root_certificates(root.as_bytes()));
    let no_graph = Setup::of(&simulator).route(|_| {
        to_nowhere.and_then(|route| route.with_root_certificates(simulator.ca_pem().as_bytes())).expect("a route")
    });
    // A token for Graph of another address is not to be had from the simulator, so the authority is asked first and refuses.
    let error = unreachable(no_graph.build()).await;
    assert_eq!((error.kind(), error.step()), (Kind::TenantUnknown, Some(Step::Authentication)));
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_is_not_accepted() {
    let simulator = start(Scenario::new().application(application()).mailbox(online("anna")));
    let client = Setup::of(&simulator).route(|_| Route::for_graph(&simulator.base_url()).expect("a route")).build();
    let error = unreachable(client).await;
    assert_eq!(error.kind(), Kind::CertificateUntrusted);
    assert!(simulator.requests().is_empty());
}
