//! The connection check through the facade: who uses the mailbox, and does the access mode keep its promise.

use chrono::TimeDelta;
use optigov_availability::{
    ConnectionReport, Finding, Language, ReadErrorKind, Step, StepOutcome, StepReport, TitleVisibility,
};
use optigov_exchange_simulator::{Account, Entry, Mailbox, Permission, Scenario};

use crate::support::{COUNTER, MAILBOX, PASSWORD, TITLE, Town, berlin};

/// The report for [`MAILBOX`] in a town that reads free/busy, or by impersonation, with these rights on the mailbox.
async fn checked(free_busy: bool, rights: Permission) -> ConnectionReport {
    // The check looks at the days from the injected clock's now on.
    let start = berlin("2026-11-23 07:00") + TimeDelta::hours(2);
    let entry = Entry::timed(start, start + TimeDelta::hours(1)).subject(TITLE);
    let account = Account::new("svc-optigov").password(PASSWORD);
    let account = if free_busy { account } else { account.impersonates([MAILBOX]) };
    let mailbox = Mailbox::new(MAILBOX).entry(entry).permission("svc-optigov", rights);
    let scenario = Scenario::new().account(account).mailbox(mailbox);
    let off = COUNTER.replace("schalter-1", "schalter-2").replace("on = true", "on = false");
    let access = if free_busy { "free_busy" } else { "impersonation" };
    let town = Town::with_access(access, "2026-11-23 07:00", &format!("{COUNTER}{off}"), scenario, |builder| builder);
    town.availability.check_connection(&MAILBOX.parse().expect("an address")).await
}

#[tokio::test]
async fn the_report_names_the_counters_whose_sync_is_on() {
    let report = checked(false, Permission::None).await;
    assert!(report.is_good(), "{report:?}");
    assert_eq!(report.counters(), ["schalter-1"], "the sync of the other one is off");
    assert_eq!(visibility(&report), Some(TitleVisibility::Visible), "impersonation promises nothing about titles");
    let texts: String = Language::ALL.iter().map(|language| report.to_text(*language)).collect();
    assert!(texts.contains("schalter-1"), "{texts}");
    let told = serde_json::to_string(&report).expect("serialises") + &format!("{report:?}") + &texts;
    assert!(!told.contains(TITLE) && !told.contains(MAILBOX), "{told}");
}

#[tokio::test]
async fn free_busy_access_promises_hidden_titles_and_is_held_to_it() {
    let hidden = checked(true, Permission::AvailabilityOnly).await;
    assert_eq!((visibility(&hidden), hidden.is_good()), (Some(TitleVisibility::Hidden), true), "{hidden:?}");

    let shown = checked(true, Permission::LimitedDetails).await;
    assert_eq!((visibility(&shown), shown.is_good()), (Some(TitleVisibility::Visible), false), "{shown:?}");
    let error = shown.error().expect("the step of titles failed");
    assert_eq!((error.kind(), error.step()), (ReadErrorKind::TitlesVisible, Some(Step::Titles)));
    assert!(shown.to_text(Language::German).contains("AvailabilityOnly"), "the remedy is told");

    let closed = checked(true, Permission::None).await;
    assert_eq!((visibility(&closed), closed.is_good()), (None, false), "{closed:?}");
    assert_eq!(closed.step(Step::Calendar).map(StepReport::outcome), Some(StepOutcome::Failed), "not the service");
}

fn visibility(report: &ConnectionReport) -> Option<TitleVisibility> {
    report.step(Step::Titles)?.findings().iter().find_map(|finding| match finding {
        Finding::Titles { visibility } => Some(*visibility),
        _ => None,
    })
}
