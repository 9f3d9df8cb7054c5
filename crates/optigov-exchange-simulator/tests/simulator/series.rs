//! A server that does not expand series, over its socket.

use chrono::NaiveDate;
use optigov_exchange_simulator::{Account, Effect, Entry, Fault, Mailbox, Scenario, Simulator};

use crate::common::{Answer, MAILBOX, envelope, find_item, free_busy, post};

const FIELDS: [&str; 3] = ["item:Subject", "calendar:Start", "calendar:CalendarItemType"];

fn hours(day: u32, from: u32, to: u32) -> Entry {
    let day = NaiveDate::from_ymd_opt(2026, 11, day).expect("a date");
    let at = |hour| day.and_hms_opt(hour, 0, 0).expect("a time");
    Entry::local(at(from), at(to))
}

fn scenario() -> Scenario {
    let account = Account::new("svc-optigov").password("geheim").impersonates_everybody();
    let mailbox = Mailbox::new(MAILBOX)
        .entry(hours(2, 9, 10).subject("Seit langem").recurs("FREQ=WEEKLY"))
        .entry(hours(24, 11, 12).subject("Seit heute").recurs("FREQ=DAILY"))
        .entry(hours(24, 8, 9).subject("Einzeln"));
    Scenario::new().account(account).mailbox(mailbox)
}

async fn view(simulator: &Simulator, window: (&str, &str)) -> Answer {
    post(simulator, "geheim", envelope(Some(MAILBOX), &find_item(None, window, None, &FIELDS))).await
}

#[tokio::test]
async fn only_masters_come_and_only_where_they_themselves_lie_in_the_window() {
    let effect = scenario().fault(Fault::new(Effect::Masters));
    let from_file = Scenario::from_toml("unexpanded_series = true").expect("a scenario");
    assert_eq!(from_file, Scenario::new().unexpanded_series());
    for scenario in [scenario().unexpanded_series(), effect] {
        let simulator = Simulator::start(scenario).expect("a simulator");
        let week = view(&simulator, ("2026-11-23T00:00:00Z", "2026-11-30T00:00:00Z")).await;
        assert_eq!(week.texts("Subject"), ["Einzeln", "Seit heute"]);
        assert_eq!(week.texts("CalendarItemType"), ["Single", "RecurringMaster"]);
        assert_eq!(week.attributes("IncludesLastItemInRange"), ["true"]);
        assert_eq!(week.attributes("TotalItemsInView"), ["2"]);

        let next_week = view(&simulator, ("2026-11-30T00:00:00Z", "2026-12-07T00:00:00Z")).await;
        assert_eq!(next_week.texts("ResponseCode"), ["NoError"]);
        assert!(next_week.texts("CalendarItem").is_empty(), "series that began earlier are missing without any sign");
        assert_eq!(next_week.attributes("IncludesLastItemInRange"), ["true"]);

        let whole = view(&simulator, ("2026-11-01T00:00:00Z", "2026-12-07T00:00:00Z")).await;
        assert_eq!(whole.texts("Subject"), ["Seit langem", "Einzeln", "Seit heute"]);
    }
}

#[tokio::test]
async fn free_busy_of_the_same_server_shows_all_occurrences() {
    let simulator = Simulator::start(scenario().unexpanded_series()).expect("a simulator");
    let window = ("2026-11-30T00:00:00", "2026-12-02T00:00:00");
    let answer = post(&simulator, "geheim", envelope(None, &free_busy(&[MAILBOX], window, "FreeBusy"))).await;
    assert_eq!(answer.texts("StartTime"), ["2026-11-30T09:00:00", "2026-11-30T11:00:00", "2026-12-01T11:00:00"]);
}
