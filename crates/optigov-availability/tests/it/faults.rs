//! Every way in which the simulated server can fail, through the facade: each ends in the status, the culprit and the remedy that belong to it.

use std::time::Duration;

use optigov_availability::{Answer, Language, Origin, ReadErrorKind as Kind, Status};
use optigov_exchange_simulator::{
    AccessPolicy, Account, Contradiction, Effect, Fault, FreeBusyDefect, HttpAnswer, Mailbox, MailboxState, Scenario,
    Shape, SoapFault,
};

use crate::support::{COUNTER, MAILBOX, PASSWORD, Town, all_starts, entry, starts};

const TUESDAY: &str = "2026-11-24";

/// How an answer must end.
#[derive(Clone, Copy, Debug)]
enum Ends {
    /// Every slot that is free is offered.
    Known,
    /// None is, and this is whose fault it is.
    Unknown(Kind, Origin),
}
use Ends::{Known, Unknown};

fn scenario() -> Scenario {
    let account = Account::new("svc-optigov").password(PASSWORD).impersonates_everybody();
    let busy = entry("2026-11-24 09:00", "2026-11-24 10:00");
    Scenario::new().account(account).mailbox(Mailbox::new(MAILBOX).entry(busy))
}

async fn ask(scenario: Scenario) -> Answer {
    // Longer than the connection's own timeout of 10 s, so that the client's own last word counts.
    let town =
        Town::with_scenario("2026-11-23 07:00", COUNTER, scenario, |builder| builder.deadline(Duration::from_secs(12)));
    town.answer(TUESDAY, TUESDAY).await
}

/// Holds an answer against what the table says.
fn hold(answer: &Answer, ends: Ends, what: &str) {
    let counter = &answer.counters[0];
    match ends {
        Known => {
            assert!(counter.status.is_known(), "{what}: {:?}", counter.status);
            let free: Vec<String> = all_starts().into_iter().filter(|start| !start.starts_with("09")).collect();
            assert_eq!(starts(counter), free, "{what}");
        }
        Unknown(kind, origin) => {
            let Status::Unknown { .. } = counter.status else { panic!("{what}: {:?}", counter.status) };
            assert_eq!(counter.slots.len(), 0, "{what}");
            let error = &counter.status.unread()[0].error;
            assert_eq!((error.kind(), error.origin()), (kind, origin), "{what}: {error:?}");
            for language in Language::ALL {
                let reason = counter.status.reason(language).expect("a reason");
                assert!(reason.contains(kind.remedy().in_language(language)), "{what}: {reason}");
                assert!(!reason.contains("musterstadt") && !reason.contains(PASSWORD), "{what}: {reason}");
            }
        }
    }
}

/// Asks under each effect, several towns at a time.
async fn table(rows: Vec<(Effect, Ends)>) {
    let asked = rows.into_iter().map(|(effect, ends)| {
        tokio::spawn(async move {
            let what = format!("{effect:?}");
            hold(&ask(scenario().fault(Fault::new(effect))).await, ends, &what);
        })
    });
    for row in asked.collect::<Vec<_>>() {
        row.await.expect("the row holds");
    }
}

fn code(code: &str) -> Effect {
    Effect::ResponseCode(code.to_owned())
}

fn throttled(shape: Shape) -> Effect {
    Effect::Throttled { shape, back_off: Some(Duration::from_secs(60)) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_way_and_the_front_end_do() {
    let page = |code| Effect::Status { code, body: "<html></html>".to_owned(), content_type: "text/html".to_owned() };
    table(vec![
        (Effect::Delay(Duration::from_millis(100)), Known),
        // The proof of the credential is not answered, and has a short limit of its own.
        (Effect::Hang, Unknown(Kind::Timeout, Origin::Network)),
        (Effect::ResetBefore, Unknown(Kind::Interrupted, Origin::Network)),
        (Effect::CloseBefore, Unknown(Kind::Interrupted, Origin::Network)),
        (Effect::ResetWithin, Unknown(Kind::Interrupted, Origin::Network)),
        (Effect::ResetAfter, Known),
        (page(404), Unknown(Kind::NotTheService, Origin::Server)),
        (page(500), Unknown(Kind::Server, Origin::Server)),
        (page(503), Unknown(Kind::Unavailable, Origin::Server)),
        (Effect::Http(HttpAnswer::error_page()), Unknown(Kind::Transient, Origin::Server)),
        (Effect::Http(HttpAnswer::logon_page()), Unknown(Kind::LogonPage, Origin::Server)),
        (Effect::Http(HttpAnswer::proxy_error(502)), Unknown(Kind::Gateway, Origin::Server)),
        (Effect::Http(HttpAnswer::proxy_error(504)), Unknown(Kind::Gateway, Origin::Server)),
        (Effect::Http(HttpAnswer::forbidden()), Unknown(Kind::Forbidden, Origin::Account)),
        (Effect::Http(HttpAnswer::web_page()), Unknown(Kind::NotTheService, Origin::Server)),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_exchange_says() {
    let fault = |code: &str| SoapFault::new(code);
    table(vec![
        (code("ErrorMailboxStoreUnavailable"), Unknown(Kind::MailboxUnavailable, Origin::Mailbox)),
        (code("ErrorNoCalendar"), Unknown(Kind::MailboxDefective, Origin::Mailbox)),
        (code("ErrorNonExistentMailbox"), Unknown(Kind::MailboxNotFound, Origin::Mailbox)),
        (code("ErrorImpersonateUserDenied"), Unknown(Kind::ImpersonationDenied, Origin::Account)),
        (code("ErrorAccessDenied"), Unknown(Kind::AccessDenied, Origin::Account)),
        (code("ErrorTimeoutExpired"), Unknown(Kind::Transient, Origin::Server)),
        (code("ErrorADUnavailable"), Unknown(Kind::Transient, Origin::Server)),
        (code("ErrorPasswordExpired"), Unknown(Kind::PasswordExpired, Origin::Account)),
        (code("ErrorInvalidSchemaVersionForMailboxVersion"), Unknown(Kind::RequestRejected, Origin::Configuration)),
        (code("ErrorSchemaValidation"), Unknown(Kind::RequestRejected, Origin::Library)),
        (code("ErrorOfTheFuture"), Unknown(Kind::Server, Origin::Server)),
        (
            Effect::ResponseCodeWithBackOff { code: "ErrorServerBusy".to_owned(), back_off: "60000".to_owned() },
            Unknown(Kind::Throttled, Origin::Server),
        ),
        (Effect::Fault("ErrorAccessDenied".to_owned()), Unknown(Kind::AccessDenied, Origin::Account)),
        (Effect::BareFault("ErrorAccessDenied".to_owned()), Unknown(Kind::AccessDenied, Origin::Account)),
        (
            Effect::SoapFault(fault("ErrorServerBusy").status(403).back_off("60000")),
            Unknown(Kind::Throttled, Origin::Server),
        ),
        (
            Effect::SoapFault(fault("Other").fault_code("ErrorNoCalendar").status(503)),
            Unknown(Kind::MailboxDefective, Origin::Mailbox),
        ),
        (throttled(Shape::Status), Unknown(Kind::Unavailable, Origin::Server)),
        (throttled(Shape::Fault), Unknown(Kind::Throttled, Origin::Server)),
        (throttled(Shape::Wrapped), Unknown(Kind::Throttled, Origin::Server)),
        (throttled(Shape::Message), Unknown(Kind::Throttled, Origin::Server)),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_stands_in_the_bytes() {
    let malformed = Unknown(Kind::Malformed, Origin::Server);
    table(vec![
        (Effect::Gzip, Known),
        (Effect::Utf16, Known),
        (Effect::InvalidUtf8, Known),
        (Effect::ForbiddenCharacters, Known),
        (Effect::NumericBooleans, Known),
        (Effect::Unsorted, Known),
        (Effect::Touching, Known),
        (Effect::Huge(1 << 20), Known),
        (Effect::Truncated, malformed),
        (Effect::Malformed, malformed),
        (Effect::Year("+12026".to_owned()), malformed),
        (Effect::Year("-0001".to_owned()), malformed),
        (Effect::Contradiction(Contradiction::TwoResponseCodes), malformed),
        (Effect::Contradiction(Contradiction::Status(500)), malformed),
        (Effect::Huge(80 << 20), Unknown(Kind::LimitReached, Origin::Mailbox)),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_set_up_on_the_server() {
    let states = [
        (MailboxState::Disabled, Unknown(Kind::MailboxUnavailable, Origin::Mailbox)),
        (MailboxState::Moving, Unknown(Kind::MailboxUnavailable, Origin::Mailbox)),
        (MailboxState::Unavailable, Unknown(Kind::MailboxUnavailable, Origin::Mailbox)),
        (MailboxState::Hung, Unknown(Kind::Deadline, Origin::Network)),
    ];
    for (state, ends) in states {
        let account = Account::new("svc-optigov").password(PASSWORD).impersonates_everybody();
        let scenario = Scenario::new().account(account).mailbox(Mailbox::new(MAILBOX).state(state));
        hold(&ask(scenario).await, ends, &format!("{state:?}"));
    }
    let blocked = scenario().access_policy(AccessPolicy::block(["optigov-ews/*"]).reason("EwsBlockList"));
    let answer = ask(blocked).await;
    hold(&answer, Unknown(Kind::Forbidden, Origin::Account), "an access policy");
    let reason = answer.counters[0].status.reason(Language::German).expect("a reason");
    assert!(reason.contains("optigov-ews/") && reason.contains("EwsBlockList"), "{reason}");
    hold(&ask(scenario().challenges_in_one_line()).await, Known, "challenges in one line");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_contradicts_itself() {
    let malformed = Unknown(Kind::Malformed, Origin::Server);
    let contradictions = [
        Contradiction::TwoMessages,
        Contradiction::TwoFolders,
        Contradiction::TwoViews,
        Contradiction::TwoStarts,
        Contradiction::TwoEnds,
        Contradiction::UnreadableIncludesLast,
        Contradiction::MoreThanAsked,
        Contradiction::Groups,
        Contradiction::NoItems,
    ];
    let rows = contradictions.into_iter().map(|contradiction| (Effect::Contradiction(contradiction), malformed));
    table(rows.chain([(Effect::OtherRequestId("0b1c".to_owned()), malformed)]).collect()).await;
    table(vec![
        (Effect::Surplus { after: Duration::ZERO }, Known),
        (Effect::Unauthorized, Unknown(Kind::CredentialsRefused, Origin::Account)),
        (Effect::Endless, Unknown(Kind::LimitReached, Origin::Mailbox)),
    ])
    .await;
    // The view counts an item that it does not hold, and free/busy has it.
    let missing = Fault::new(Effect::Contradiction(Contradiction::MissingItems(1))).operation("FindItem");
    hold(&ask(scenario().fault(missing)).await, malformed, "an item that is counted and not sent");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_free_busy_says_less_than_it_should() {
    let malformed = Unknown(Kind::Malformed, Origin::Server);
    let rows = [
        (FreeBusyDefect::None, Unknown(Kind::AccessDenied, Origin::Account)),
        (FreeBusyDefect::MergedOnly, Unknown(Kind::AccessDenied, Origin::Account)),
        (FreeBusyDefect::MergedWithoutEvents, malformed),
        (FreeBusyDefect::BusyMerged, malformed),
        (FreeBusyDefect::UnknownViewType("Later".to_owned()), malformed),
        (
            FreeBusyDefect::ResponseCode("ErrorNoFreeBusyAccess".to_owned()),
            Unknown(Kind::AccessDenied, Origin::Account),
        ),
        (FreeBusyDefect::LeakingSeries, Known),
    ];
    for (defect, ends) in rows {
        let what = format!("{defect:?}");
        let scenario = scenario().fault(Fault::new(Effect::FreeBusy(defect)));
        let town = Town::with_access("free_busy", "2026-11-23 07:00", COUNTER, scenario, |builder| builder);
        hold(&town.answer(TUESDAY, TUESDAY).await, ends, &what);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_series_that_is_not_expanded_is_refused_or_read_by_free_busy() {
    let weekly = || entry("2026-11-10 09:00", "2026-11-10 10:00").recurs("FREQ=WEEKLY");
    let account = || Account::new("svc-optigov").password(PASSWORD).impersonates_everybody();
    let scenario =
        || Scenario::new().account(account()).mailbox(Mailbox::new(MAILBOX).entry(weekly())).unexpanded_series();
    hold(&ask(scenario()).await, Unknown(Kind::UnexpandedSeries, Origin::Server), "refused");
    let settings = format!("unexpanded_series = \"read_free_busy\"\n{COUNTER}");
    let town = Town::with_scenario("2026-11-23 07:00", &settings, scenario(), |builder| builder);
    hold(&town.answer(TUESDAY, TUESDAY).await, Known, "read by free/busy");
}
