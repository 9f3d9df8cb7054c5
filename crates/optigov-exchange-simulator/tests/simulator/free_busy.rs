//! GetUserAvailability over the socket: what each right and each view shows.

use chrono::NaiveDate;
use optigov_exchange_simulator::{
    Account, Effect, Entry, Fault, FreeBusyDefect, Mailbox, Permission, Scenario, Simulator, Status,
};

use crate::common::{Answer, MAILBOX, envelope, free_busy, free_busy_by, post};

const DAY: (&str, &str) = ("2026-11-24T08:00:00", "2026-11-24T14:00:00");

fn hours(from: u32, to: u32) -> Entry {
    let day = NaiveDate::from_ymd_opt(2026, 11, 24).expect("a date");
    let at = |hour| day.and_hms_opt(hour, 0, 0).expect("a time");
    Entry::local(at(from), at(to))
}

fn start(permission: Permission) -> Simulator {
    let anna = Mailbox::new(MAILBOX)
        .alias("a.muster@musterstadt.example")
        .permission("svc-optigov", permission)
        .entry(hours(9, 11).subject("Gespräch").location("Zimmer 12").status(Status::Tentative))
        .entry(hours(10, 12).subject("Arztbesuch").private().status(Status::OutOfOffice))
        .entry(hours(12, 13).subject("Unterwegs").status(Status::WorkingElsewhere))
        .entry(hours(13, 14).subject("Merker").status(Status::Free));
    let account = Account::new("svc-optigov").password("geheim").impersonates([MAILBOX]);
    Simulator::start(Scenario::new().account(account).mailbox(anna)).expect("a simulator")
}

async fn ask(permission: Permission, view: &str) -> Answer {
    post(&start(permission), "geheim", envelope(None, &free_busy(&[MAILBOX], DAY, view))).await
}

#[tokio::test]
async fn each_view_holds_what_it_is_named_for() {
    for (view, merged, events, details) in [
        ("MergedOnly", true, 0, 0),
        ("FreeBusy", false, 4, 0),
        ("FreeBusyMerged", true, 4, 0),
        ("Detailed", false, 4, 4),
        ("DetailedMerged", true, 4, 4),
    ] {
        let answer = ask(Permission::Reviewer, view).await;
        assert_eq!(answer.texts("FreeBusyViewType"), [view]);
        assert_eq!(answer.texts("MergedFreeBusy"), if merged { vec!["013340"] } else { vec![] }, "{view}");
        assert_eq!(answer.texts("CalendarEvent").len(), events, "{view}");
        assert_eq!(answer.texts("CalendarEventDetails").len(), details, "{view}");
        assert_eq!(answer.texts("WorkingHours").is_empty(), view == "MergedOnly");
    }
}

#[tokio::test]
async fn times_are_bare_and_in_the_zone_of_the_request() {
    let answer = ask(Permission::AvailabilityOnly, "FreeBusy").await;
    assert_eq!(answer.texts("StartTime")[0], "2026-11-24T09:00:00");
    assert_eq!(answer.texts("EndTime")[0], "2026-11-24T11:00:00");
    assert_eq!(answer.texts("BusyType"), ["Tentative", "OOF", "WorkingElsewhere", "Free"]);
}

#[tokio::test]
async fn rights_decide_what_is_shown() {
    let none = ask(Permission::None, "Detailed").await;
    assert_eq!((none.status, none.texts("ResponseCode")), (200, vec!["ErrorNoFreeBusyAccess".to_owned()]));
    assert!(none.texts("CalendarEvent").is_empty());

    let availability = ask(Permission::AvailabilityOnly, "DetailedMerged").await;
    assert_eq!(availability.texts("FreeBusyViewType"), ["FreeBusyMerged"]);
    assert!(!availability.body.contains("Gespräch") && !availability.body.contains("Zimmer 12"));

    let limited = ask(Permission::LimitedDetails, "Detailed").await;
    assert_eq!(limited.texts("Subject"), ["Gespräch", "Unterwegs", "Merker"], "not the private one");
    assert_eq!(limited.texts("IsPrivate"), ["false", "true", "false", "false"]);

    let reviewer = ask(Permission::Reviewer, "Detailed").await;
    assert!(reviewer.texts("Subject").contains(&"Arztbesuch".to_owned()));

    // Impersonation gives the owner's rights, whatever the folder says: it cannot hide titles.
    let request = envelope(Some(MAILBOX), &free_busy(&[MAILBOX], DAY, "Detailed"));
    let owner = post(&start(Permission::None), "geheim", request).await;
    assert!(owner.body.contains("Arztbesuch"));
}

#[tokio::test]
async fn every_mailbox_has_its_own_result() {
    let mailboxes = ["niemand@musterstadt.example", "a.muster@musterstadt.example", "unsinn", MAILBOX];
    let request = envelope(None, &free_busy(&mailboxes, DAY, "FreeBusy"));
    let answer = post(&start(Permission::AvailabilityOnly), "geheim", request).await;
    let codes = ["ErrorMailRecipientNotFound", "NoError", "ErrorInvalidSmtpAddress", "NoError"];
    assert_eq!(answer.texts("ResponseCode"), codes);
    assert_eq!(answer.texts("CalendarEvent").len(), 8);
}

#[tokio::test]
async fn a_hundred_mailboxes_are_allowed_and_windows_have_a_limit() {
    let simulator = start(Permission::AvailabilityOnly);
    for (count, window, code) in [
        (100, DAY, "NoError"),
        (101, DAY, "ErrorMailboxDataArrayTooBig"),
        (1, ("2026-11-01T00:00:00", "2026-12-13T00:00:00"), "NoError"),
        (1, ("2026-11-01T00:00:00", "2026-12-13T00:00:01"), "ErrorTimeIntervalTooBig"),
    ] {
        let request = envelope(None, &free_busy(&vec![MAILBOX; count], window, "FreeBusy"));
        assert_eq!(post(&simulator, "geheim", request).await.texts("ResponseCode")[0], code);
    }
}

#[tokio::test]
async fn an_interval_longer_than_the_window_is_refused_whatever_the_view() {
    let simulator = start(Permission::Reviewer);
    let refused = "ErrorInvalidMergedFreeBusyInterval";
    for (minutes, interval, code) in [
        (60, Some(60), "NoError"),
        (59, Some(60), refused),
        (30, Some(30), "NoError"),
        (30, None, "NoError"),
        (29, None, refused),
        (5, Some(5), "NoError"),
        (4, Some(5), refused),
        (4, Some(4), refused),
        (300, Some(4), refused),
        (300, Some(1441), refused),
    ] {
        let end = format!("2026-11-24T{:02}:{:02}:00", 9 + minutes / 60, minutes % 60);
        for view in ["MergedOnly", "FreeBusy", "FreeBusyMerged", "Detailed", "DetailedMerged"] {
            let request = free_busy_by(&[MAILBOX], ("2026-11-24T09:00:00", &end), interval, view);
            let answer = post(&simulator, "geheim", envelope(None, &request)).await;
            assert_eq!(answer.texts("ResponseCode"), [code], "{minutes} {interval:?} {view}");
        }
    }
}

#[tokio::test]
async fn a_view_can_hide_its_events() {
    for (defect, view_type, merged, events) in [
        (FreeBusyDefect::None, "None", None, 0),
        (FreeBusyDefect::MergedOnly, "MergedOnly", Some("013340"), 0),
        (FreeBusyDefect::MergedWithoutEvents, "FreeBusyMerged", Some("013340"), 0),
        (FreeBusyDefect::BusyMerged, "FreeBusyMerged", Some("222222"), 4),
        (FreeBusyDefect::UnknownViewType("Everything".into()), "Everything", None, 4),
    ] {
        let simulator = start(Permission::AvailabilityOnly);
        simulator
            .update(|scenario| *scenario = scenario.clone().fault(Fault::new(Effect::FreeBusy(defect.clone()))))
            .expect("a scenario");
        let answer = post(&simulator, "geheim", envelope(None, &free_busy(&[MAILBOX], DAY, "FreeBusy"))).await;
        assert_eq!(answer.texts("ResponseCode"), ["NoError"], "{defect:?}");
        assert_eq!(answer.texts("FreeBusyViewType"), [view_type], "{defect:?}");
        assert_eq!(answer.texts("MergedFreeBusy"), merged.into_iter().collect::<Vec<_>>(), "{defect:?}");
        assert_eq!(answer.texts("CalendarEvent").len(), events, "{defect:?}");
    }
}

#[tokio::test]
async fn a_defect_of_one_mailbox_leaves_the_others_of_the_request_alone() {
    let bernd = "bernd@musterstadt.example";
    let series = hours(20, 21).recurs("FREQ=DAILY");
    let mailboxes = [Mailbox::new(MAILBOX).entry(hours(9, 10)), Mailbox::new(bernd).entry(series)];
    let account = Account::new("svc-optigov").password("geheim");
    let scenario = mailboxes.into_iter().fold(Scenario::new().account(account), Scenario::mailbox);
    let with = |defect| scenario.clone().fault(Fault::new(Effect::FreeBusy(defect)).mailbox(bernd));
    let request = || envelope(None, &free_busy(&[MAILBOX, bernd], DAY, "FreeBusy"));

    let leaking = Simulator::start(with(FreeBusyDefect::LeakingSeries)).expect("a simulator");
    let answer = post(&leaking, "geheim", request()).await;
    assert_eq!(answer.texts("StartTime")[..2], ["2026-11-24T09:00:00", "2026-11-24T20:00:00"]);
    assert_eq!(answer.texts("StartTime").len(), 1 + 7);

    let refused = Simulator::start(with(FreeBusyDefect::ResponseCode("ErrorTimeoutExpired".into()))).expect("one");
    let answer = post(&refused, "geheim", request()).await;
    assert_eq!(answer.texts("ResponseCode"), ["NoError", "ErrorTimeoutExpired"]);
    assert_eq!(answer.texts("CalendarEvent").len(), 1);
}
