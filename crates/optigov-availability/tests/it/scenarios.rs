//! What the libraries promise, scenario by scenario. Numbers are those of the domain's list.

use chrono_tz::Europe::London;
use optigov_availability::Wanted;
use optigov_availability::{Municipality, WarningCode};
use optigov_exchange_simulator::{Account, Entry, Mailbox, Permission, Scenario, Status};

use crate::support::{
    COUNTER, MAILBOX, PASSWORD, TITLE, Town, all_starts, berlin, configuration, date, entry, starts, wall,
};

const TUESDAY: &str = "2026-11-24";

fn mailbox() -> Mailbox {
    Mailbox::new(MAILBOX)
}

/// [`all_starts`] without these.
fn all_but(taken: &[&str]) -> Vec<String> {
    all_starts().into_iter().filter(|start| !taken.contains(&start.as_str())).collect()
}

#[tokio::test]
async fn scenario_01_an_all_day_vacation_leaves_the_slots_and_warns() {
    let town = Town::new(COUNTER, [mailbox().entry(Entry::all_day(date(TUESDAY), date(TUESDAY)).subject("Urlaub"))]);
    let answer = town.answer(TUESDAY, TUESDAY).await;
    let counter = &answer.counters[0];
    assert_eq!(starts(counter), all_starts());
    assert_eq!(counter.warnings.len(), 1);
    assert_eq!((counter.warnings[0].code, counter.warnings[0].count), (WarningCode::AllDayIgnored, 1));
    let words = counter.warnings[0].message(optigov_availability::Language::English);
    assert_eq!(words, "1 all-day entry ignored: give it a start and an end time to block");
    assert_eq!(town.answer("2026-11-25", "2026-11-25").await.counters[0].warnings, [], "it is not on the next day");
}

#[tokio::test]
async fn scenario_02_a_vacation_with_start_and_end_time_takes_all_slots() {
    let vacation = entry("2026-11-30 00:00", "2026-12-04 23:59").status(Status::OutOfOffice);
    let town = Town::new(COUNTER, [mailbox().entry(vacation)]);
    let answer = town.answer("2026-11-30", "2026-12-04").await;
    assert!(answer.is_known());
    assert_eq!(answer.counters[0].slots.len(), 0);
    assert_eq!(town.answer("2026-11-23", "2026-11-29").await.counters[0].slots.len(), 5 * 8);
}

#[tokio::test]
async fn scenario_03_free_is_ignored_busy_and_out_of_office_block() {
    let at =
        |from: &str, to: &str, status| entry(&format!("{TUESDAY} {from}"), &format!("{TUESDAY} {to}")).status(status);
    let entries = [
        at("08:00", "08:30", Status::Free),
        at("09:00", "09:30", Status::Busy),
        at("10:00", "10:30", Status::OutOfOffice),
    ];
    let town = Town::new(COUNTER, [mailbox().entries(entries)]);
    assert_eq!(town.starts(TUESDAY).await, all_but(&["09:00", "10:00"]));
}

#[tokio::test]
async fn scenario_04_tentative_and_working_elsewhere_go_by_the_policy() {
    let at =
        |from: &str, to: &str, status| entry(&format!("{TUESDAY} {from}"), &format!("{TUESDAY} {to}")).status(status);
    let entries = [at("08:00", "08:30", Status::Tentative), at("09:00", "09:30", Status::WorkingElsewhere)];
    let town = Town::new(COUNTER, [mailbox().entries(entries.clone())]);
    assert_eq!(town.starts(TUESDAY).await, all_but(&["08:00", "09:00"]), "both block by default");

    let blocking = r#"mailboxes = ["schalter1@musterstadt.example"], blocking = { tentative = "ignore", working_elsewhere = "ignore" }"#;
    let counter = COUNTER.replace(r#"mailboxes = ["schalter1@musterstadt.example"]"#, blocking);
    let town = Town::new(&counter, [mailbox().entries(entries)]);
    assert_eq!(town.starts(TUESDAY).await, all_starts());
}

#[tokio::test]
async fn scenario_05_of_a_weekly_meeting_only_the_actual_times_block() {
    let weekly = entry("2026-11-03 09:00", "2026-11-03 10:00").recurs("FREQ=WEEKLY;BYDAY=TU");
    let weekly = weekly.moved(date("2026-12-01"), wall("2026-12-02 10:00"), wall("2026-12-02 10:30"));
    let weekly = weekly.deleted(date("2026-12-08"));
    let town = Town::new(COUNTER, [mailbox().entry(weekly)]);
    assert_eq!(town.starts("2026-11-24").await, all_but(&["09:00", "09:30"]), "as the series says");
    assert_eq!(town.starts("2026-12-01").await, all_starts(), "moved away");
    assert_eq!(town.starts("2026-12-02").await, all_but(&["10:00"]), "moved here");
    assert_eq!(town.starts("2026-12-08").await, all_starts(), "deleted");
    assert_eq!(town.starts("2026-12-15").await, all_but(&["09:00", "09:30"]), "and on it goes");
}

#[tokio::test]
async fn scenario_06_a_cancelled_meeting_still_in_the_calendar_does_not_block() {
    let town = Town::new(COUNTER, [mailbox().entry(entry("2026-11-24 09:00", "2026-11-24 10:00").cancelled())]);
    assert_eq!(town.starts(TUESDAY).await, all_starts());
}

#[tokio::test]
async fn scenario_07_a_private_item_blocks_and_no_title_is_asked_for_or_told() {
    let town = Town::new(COUNTER, [mailbox().entry(entry("2026-11-24 09:00", "2026-11-24 10:00").private())]);
    let answer = town.answer(TUESDAY, TUESDAY).await;
    assert_eq!(starts(&answer.counters[0]), all_but(&["09:00", "09:30"]));
    let told = format!("{answer:?} {}", serde_json::to_string(&answer).expect("it serialises"));
    assert!(!told.contains(TITLE));
    let requests = town.simulator.requests();
    assert!(!requests.is_empty());
    for request in requests {
        let body = request.body().to_lowercase();
        for field in [
            "item:subject",
            "item:body",
            "calendar:location",
            "attendees",
            "calendar:organizer",
            "allproperties",
            ">default<",
        ] {
            assert!(!body.contains(field), "{field} is asked for");
        }
    }
}

#[tokio::test]
async fn scenario_08_the_repeated_hour_is_covered_and_the_skipped_one_not_offered() {
    let counter = COUNTER.replace("Mo-Fr", "So").replace("08:00-12:00", "01:00-05:00");
    let night = entry("2026-10-25 02:00", "2026-10-25 03:00");
    let town = Town::at("2026-10-20 07:00", &counter, [mailbox().entry(night)], |builder| builder);
    let free = town.starts("2026-10-25").await;
    assert_eq!(
        free,
        ["01:00", "01:30", "03:00", "03:30", "04:00", "04:30"],
        "02:00 to 03:00 is shown twice, and blocked twice"
    );

    let town = Town::at("2027-03-20 07:00", &counter, [mailbox()], |builder| builder);
    assert_eq!(
        town.starts("2027-03-28").await,
        ["01:00", "01:30", "03:00", "03:30", "04:00", "04:30"],
        "there is no 02:30"
    );
}

#[tokio::test]
async fn scenario_09_nine_in_london_blocks_ten_in_berlin_and_all_day_stays_one_day() {
    let meeting = entry("2026-11-24 09:00", "2026-11-24 09:30");
    let all_day = Entry::all_day(date("2026-11-25"), date("2026-11-25"));
    let london = mailbox().zone(London).entry(meeting).entry(all_day);
    let counter = COUNTER.replace(r#""Mo-Fr""#, r#""Mo-So""#).replace("08:00-12:00", "00:00-24:00").replace(
        r#"mailboxes = ["schalter1@musterstadt.example"]"#,
        r#"mailboxes = ["schalter1@musterstadt.example"], blocking = { all_day = "block" }"#,
    );
    let town = Town::new(&counter, [london]);
    let tuesday = town.starts("2026-11-24").await;
    assert!(tuesday.contains(&"09:00".to_owned()) && !tuesday.contains(&"10:00".to_owned()), "{tuesday:?}");
    assert_eq!(tuesday.len(), 47, "the evening before the all-day entry is free to its last slot");
    assert_eq!(town.starts("2026-11-25").await.len(), 0, "the day itself is blocked, in the counter's zone");
    assert_eq!(town.starts("2026-11-26").await.len(), 48, "and no slot of the next");
}

#[tokio::test]
async fn scenario_10_a_partial_overlap_takes_the_slot_and_a_touch_does_not() {
    let town = Town::new(COUNTER, [mailbox().entry(entry("2026-11-24 09:50", "2026-11-24 10:05"))]);
    assert_eq!(town.starts(TUESDAY).await, all_but(&["09:30", "10:00"]));
    let town = Town::new(COUNTER, [mailbox().entry(entry("2026-11-24 09:50", "2026-11-24 10:00"))]);
    assert_eq!(town.starts(TUESDAY).await, all_but(&["09:30"]));
}

#[tokio::test]
async fn scenario_11_a_meeting_that_began_before_the_window_still_blocks() {
    let town = Town::new(COUNTER, [mailbox().entry(entry("2026-11-20 15:00", "2026-11-24 09:00"))]);
    assert_eq!(town.starts(TUESDAY).await, all_but(&["08:00", "08:30"]));
}

#[tokio::test]
async fn scenario_12_more_than_a_thousand_items_are_read_whole() {
    // 60 one-minute entries a day on 25 days; the last one blocks the last slot of the last day.
    let days_of_december = (1..=25).map(|day| format!("2026-12-{day:02}"));
    let entries = days_of_december.clone().flat_map(|day| {
        (0..60).map(move |minute| entry(&format!("{day} 06:{minute:02}"), &format!("{day} {}", next_minute(minute))))
    });
    let mailbox = mailbox().entries(entries).entry(entry("2026-12-24 11:30", "2026-12-24 12:00"));
    let town = Town::new(COUNTER, [mailbox]);
    let answer = town.answer("2026-12-01", "2026-12-25").await;
    assert!(answer.is_known());
    assert_eq!(answer.counters[0].slots.len(), 19 * 8 - 1, "19 working days, one slot taken");
    assert!(town.asked().len() > 1, "one answer holds 1,000 items at most, so there was more than one");
}

fn next_minute(minute: u32) -> String {
    if minute == 59 { "07:00".to_owned() } else { format!("06:{:02}", minute + 1) }
}

#[tokio::test]
async fn scenario_22_two_counters_share_a_mailbox_one_fetch_blocks_both() {
    let second = COUNTER.replace("schalter-1", "schalter-2").replace("Schalter 1", "Schalter 2");
    let town =
        Town::new(&format!("{COUNTER}{second}"), [mailbox().entry(entry("2026-11-24 09:00", "2026-11-24 10:00"))]);
    let views = || town.simulator.requests().iter().filter(|request| request.operation() == Some("FindItem")).count();
    let answer = town.answer(TUESDAY, TUESDAY).await;
    assert_eq!(answer.counters.len(), 2);
    for counter in &answer.counters {
        assert_eq!(starts(counter), all_but(&["09:00", "09:30"]), "{}", counter.id);
    }
    assert_eq!(views(), 1);
}

#[tokio::test]
async fn scenario_23_of_several_mailboxes_all_must_be_free_or_any() {
    let mailboxes = || {
        [
            mailbox().entry(entry("2026-11-24 08:00", "2026-11-24 09:00")),
            Mailbox::new("schalter2@musterstadt.example").entry(entry("2026-11-24 08:30", "2026-11-24 10:00")),
        ]
    };
    let both = r#"mailboxes = ["schalter1@musterstadt.example", "schalter2@musterstadt.example"], needed = "#;
    let counter =
        |needed| COUNTER.replace(r#"mailboxes = ["schalter1@musterstadt.example"]"#, &format!("{both}{needed:?}"));
    let town = Town::new(&counter("all"), mailboxes());
    assert_eq!(town.starts(TUESDAY).await, all_but(&["08:00", "08:30", "09:00", "09:30"]));
    let town = Town::new(&counter("any"), mailboxes());
    let answer = town.answer(TUESDAY, TUESDAY).await;
    assert_eq!(starts(&answer.counters[0]), all_but(&["08:30"]));
    let slots = &answer.counters[0].slots;
    assert_eq!(slots.free_resources(berlin("2026-11-24 08:00")), [1], "the second mailbox is the free one");
    assert_eq!(slots.free_resources(berlin("2026-11-24 09:00")), [0]);
}

#[tokio::test]
async fn scenario_25_on_without_a_mailbox_is_refused_and_off_with_one_asks_nothing() {
    let on = COUNTER.replace(r#", mailboxes = ["schalter1@musterstadt.example"]"#, "");
    let faults = Municipality::from_toml(&configuration("https://localhost/EWS/Exchange.asmx", "/ca.pem", &on));
    let faults = faults.expect_err("sync is on without a mailbox");
    let paths: Vec<String> = faults.errors().map(|fault| fault.path()).collect();
    assert!(paths.iter().any(|path| path.starts_with("counters[0].exchange_sync")), "{paths:?}");

    let off = COUNTER.replace("on = true", "on = false");
    let town = Town::new(&off, [mailbox().entry(entry("2026-11-24 09:00", "2026-11-24 10:00"))]);
    let answer = town.answer(TUESDAY, TUESDAY).await;
    assert!(answer.is_known());
    assert_eq!(starts(&answer.counters[0]), all_starts());
    assert_eq!(town.simulator.requests().len(), 0);
}

#[tokio::test]
async fn scenario_26_lunch_long_thursday_and_no_appointment_that_reaches_into_lunch() {
    let hours = r#"opening = [{ days = "Mo-Fr", hours = ["08:00-12:00", "13:00-14:30"] }, { days = "Do", hours = "14:30-18:00" }]"#;
    let counter = COUNTER
        .replace(r#"opening = [{ days = "Mo-Fr", hours = "08:00-12:00" }]"#, hours)
        .replace(r#"["ausweis"]"#, r#"["lang"]"#)
        .replace("templates = [\"lang\"]", "templates = [\"lang\"]\nbooking = { step = \"30min\" }");
    let town = Town::new(&counter, [mailbox()]);
    let tuesday = town.starts(TUESDAY).await;
    let expected = ["08:00", "08:30", "09:00", "09:30", "10:00", "10:30", "11:00", "13:00", "13:30"];
    assert_eq!(tuesday, expected, "11:30 would last until 12:15");
    let thursday = town.starts("2026-11-26").await;
    assert_eq!(thursday[..9], expected[..], "the morning is as on Tuesday");
    assert_eq!(thursday.last().map(String::as_str), Some("17:00"), "17:30 would last until 18:15");
}

#[tokio::test]
async fn scenario_30_in_free_busy_mode_midnight_to_midnight_is_a_stated_guess() {
    let town = |counter: &str| {
        let midnights = entry("2026-11-24 00:00", "2026-11-26 00:00");
        let nearly = entry("2026-11-26 00:00", "2026-11-26 23:59");
        let mailbox = mailbox().entries([midnights, nearly]).permission("svc-optigov", Permission::AvailabilityOnly);
        let scenario = Scenario::new().account(Account::new("svc-optigov").password(PASSWORD)).mailbox(mailbox);
        Town::with_access("free_busy", "2026-11-23 07:00", counter, scenario, |builder| builder)
    };
    let guessing = town(COUNTER);
    let answer = guessing.answer("2026-11-24", "2026-11-26").await;
    let counter = &answer.counters[0];
    assert!(counter.status.is_known());
    let per_day: Vec<usize> = counter.counts_per_day().map(|(_, count)| count).collect();
    assert_eq!(per_day, [8, 8, 0], "two whole days are taken for all-day; one minute less is not");
    assert_eq!(counter.warnings.len(), 1);
    assert_eq!((counter.warnings[0].code, counter.warnings[0].count), (WarningCode::GuessedAllDayIgnored, 1));
    assert!(guessing.simulator.requests().iter().all(|request| !request.body().contains("ExchangeImpersonation")));

    let timed = r#"mailboxes = ["schalter1@musterstadt.example"], blocking = { midnight_to_midnight = "timed" }"#;
    let certain = town(&COUNTER.replace(r#"mailboxes = ["schalter1@musterstadt.example"]"#, timed));
    let answer = certain.answer("2026-11-24", "2026-11-26").await;
    assert_eq!(answer.counters[0].slots.len(), 0, "the setting takes them for what they show");
    assert_eq!(answer.counters[0].warnings, []);
}

#[tokio::test]
async fn the_list_and_the_confirmation_agree() {
    let entries = [entry("2026-11-24 09:50", "2026-11-24 10:05"), entry("2026-11-24 08:00", "2026-11-24 08:10")];
    let town = Town::new(COUNTER, [mailbox().entries(entries)]);
    let listed = town.starts(TUESDAY).await;
    for quarter in 0..24 {
        let start = berlin("2026-11-24 07:00") + chrono::TimeDelta::minutes(15 * quarter);
        let verdict = town
            .availability
            .counter("schalter-1")
            .expect("it exists")
            .confirm(&Wanted::new(), start)
            .await
            .expect("the request holds");
        let shown = start.with_timezone(&chrono_tz::Europe::Berlin).format("%H:%M").to_string();
        assert_eq!(verdict.is_bookable(), listed.contains(&shown), "{shown}");
        assert_eq!(verdict.is_bookable(), verdict.reasons.is_empty(), "{shown}");
    }
}
