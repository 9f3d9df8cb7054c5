//! Nothing is lost on the way to the administrator: what the client knew of a failure stands in the answer, the log line and the check, and no
//! address does.

use optigov_availability::{Language, Origin, ReadError, Verdict, Wanted, reason_text};
use optigov_calendar::testing::Log;
use optigov_exchange_simulator::{Account, Effect, Fault, Mailbox, Scenario};
use optigov_slots::Reason;
use tracing_subscriber::{filter::LevelFilter, layer::SubscriberExt as _};

use crate::support::{COUNTER, MAILBOX, PASSWORD, Town, all_starts, berlin, entry};

const TUESDAY: &str = "2026-11-24";

/// A town whose Exchange answers every view with this response code, and the one error that its answer tells.
async fn told(code: &str) -> (Town, ReadError) {
    let account = Account::new("svc-optigov").password(PASSWORD).impersonates_everybody();
    let scenario = Scenario::new().account(account).mailbox(Mailbox::new(MAILBOX));
    let scenario = scenario.fault(Fault::new(Effect::ResponseCode(code.to_owned())));
    let town = Town::with_scenario("2026-11-23 07:00", COUNTER, scenario, |builder| builder);
    let answer = town.answer(TUESDAY, TUESDAY).await;
    let [unread] = answer.counters[0].status.unread() else { panic!("{:?}", answer.counters[0].status) };
    (town, unread.error.clone())
}

#[tokio::test]
async fn code_request_id_and_whose_fault_reach_the_answer_the_check_and_their_texts() {
    let (town, error) = told("ErrorAccessDenied").await;
    assert_eq!(error.code().map(|code| code.as_str()), Some("ErrorAccessDenied"));
    assert_eq!(error.origin(), Origin::Account);
    let id = error.request_id().expect("every request has an id").to_owned();
    let sent = town.simulator.requests();
    assert!(sent.iter().any(|request| request.header("client-request-id") == Some(id.as_str())), "the server saw it");

    let answer = town.answer(TUESDAY, TUESDAY).await;
    for language in Language::ALL {
        let written = serde_json::to_string(&answer.clone().in_language(language)).expect("it serialises");
        assert!(written.contains("ErrorAccessDenied"), "{written}");
        let reason = answer.counters[0].status.reason(language).expect("a reason");
        for part in ["ErrorAccessDenied", error.cause().in_language(language), error.remedy().in_language(language)] {
            assert!(reason.contains(part), "{part} is not in: {reason}");
        }
        assert!(!reason.contains(MAILBOX), "{reason}");
    }

    let report = town.availability.check_connection(&MAILBOX.parse().expect("an address")).await;
    let failed = report.error().expect("a step failed");
    let json = serde_json::to_value(&report).expect("it serialises").to_string();
    for text in [report.to_text(Language::German), report.to_text(Language::English), json] {
        assert!(text.contains("ErrorAccessDenied") && text.contains(failed.request_id().expect("an id")), "{text}");
        assert!(!text.contains(MAILBOX), "{text}");
    }
}

#[test]
fn a_log_line_has_everything_as_fields() {
    let log = Log::default();
    let lines = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(log.writer());
    let subscriber = tracing_subscriber::registry().with(LevelFilter::WARN).with(lines);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let error = tracing::subscriber::with_default(subscriber, || runtime.block_on(told("ErrorAccessDenied"))).1;
    let text = log.text();
    let line = text.lines().find(|line| line.contains("calendar not read")).expect("a line");
    for part in ["mailbox=", "origin=\"account\"", "code=\"ErrorAccessDenied\"", error.request_id().expect("an id")] {
        assert!(line.contains(part), "{part} is not in: {line}");
    }
}

#[tokio::test]
async fn why_a_start_is_not_offered_is_said_in_both_languages_and_in_local_time() {
    let meeting = entry("2026-11-24 09:10", "2026-11-24 10:00");
    let town = Town::new(COUNTER, [Mailbox::new(MAILBOX).entry(meeting)]);
    assert_eq!(town.starts(TUESDAY).await.len(), all_starts().len() - 2);
    let counter = town.availability.counter("schalter-1").expect("it exists");
    let verdict = counter.why(&Wanted::new(), berlin("2026-11-24 09:00")).await.expect("it is offered");
    assert_eq!(
        verdict.explain(Language::German),
        ["Postfach 1 ist vom 24.11.2026, 09:10 Uhr bis 24.11.2026, 10:00 Uhr belegt."]
    );
    assert_eq!(verdict.explain(Language::English), ["Mailbox 1 is busy from 2026-11-24 09:10 to 2026-11-24 10:00."]);
    let written = serde_json::to_value(verdict.in_language(Language::English)).expect("it serialises");
    assert_eq!(written["start"], "2026-11-24T09:00:00+01:00");
    assert_eq!((&written["bookable"], &written["reasons"][0]["code"]), (&false.into(), &"busy".into()));
    assert_eq!(written["reasons"][0]["message"], "Mailbox 1 is busy from 2026-11-24 09:10 to 2026-11-24 10:00.");

    let night = counter.why(&Wanted::new(), berlin("2026-11-24 06:00")).await.expect("it is offered");
    let closed = Verdict::explain(&night, Language::German).join(" ");
    assert!(closed.contains("geschlossen") && closed.contains("24.11.2026, 08:00 Uhr"), "{closed}");
}

#[test]
fn every_reason_has_words_of_its_own() {
    let (at, window) = (berlin("2026-11-24 09:00"), crate::support::days(TUESDAY, TUESDAY));
    let window: optigov_availability::Interval =
        serde_json::from_value(serde_json::to_value(window).expect("it serialises")["window"].clone())
            .expect("a window");
    let date = crate::support::date(TUESDAY);
    let reasons = [
        Reason::OutsideWindow { window },
        Reason::Closed { at, since: None, until: Some(at) },
        Reason::Holiday { date },
        Reason::OutsideHorizon { last: date, bookable_from: at },
        Reason::LeadTime { earliest: at, now: at },
        Reason::NotOnGrid { previous: Some(at), next: Some(at) },
        Reason::Busy { resource: 0, interval: window },
        Reason::Buffer { resource: Some(0), interval: window, needed: window },
        Reason::Capacity { places: 2, taken: 2 },
        Reason::DayLimit { date, limit: 3 },
    ];
    let codes: Vec<&str> = reasons.iter().map(Reason::code).collect();
    assert_eq!(codes, Reason::CODES, "every reason is here");
    for reason in &reasons {
        let text = reason_text(reason, chrono_tz::Europe::Berlin);
        for language in Language::ALL {
            let text = text.in_language(language);
            assert!(text.ends_with('.') && !text.contains('_'), "{text}");
        }
    }
}
