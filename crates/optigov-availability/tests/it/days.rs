//! A day without slots says why, and never that it is full where calendars are unknown.

use optigov_availability::{CounterAnswer, DayState, EmptyDay, Language, WhenUnavailable};
use optigov_exchange_simulator::{Account, Effect, Fault, Mailbox, Scenario};

use crate::support::{COUNTER, MAILBOX, PASSWORD, Town, entry};

/// Bookable from a day before to ten days ahead; 25 November 2026 is a holiday here.
fn counter() -> String {
    format!(
        "{COUNTER}booking = {{ lead_time = \"1d\", horizon = \"10d\" }}\n[holidays]\nadd = [{{ on = \"2026-11-25\", name = \"Stadtfest\" }}]\n"
    )
}

fn states(counter: &CounterAnswer) -> Vec<&'static str> {
    counter.days().map(|day| day.state.code()).collect()
}

#[tokio::test]
async fn a_day_without_slots_says_why_in_a_word() {
    let full = entry("2026-11-27 07:00", "2026-11-27 13:00");
    let town = Town::new(&counter(), [Mailbox::new(MAILBOX).entry(full)]);
    let answer = town.answer("2026-11-23", "2026-12-04").await;
    let counter = &answer.counters[0];
    let expected = [
        "lead_time",
        "free",
        "holiday",
        "free",
        "full",
        "closed",
        "closed",
        "free",
        "free",
        "free",
        "free",
        "outside_horizon",
    ];
    assert_eq!(states(counter), expected);
    let counts: Vec<_> = counter.days().map(|day| (day.date, day.state.free())).collect();
    assert_eq!(counts, counter.counts_per_day().collect::<Vec<_>>());
    let words: Vec<String> =
        counter.days().take(6).map(|day| day.state.text().in_language(Language::German).to_owned()).collect();
    assert_eq!(words, ["nicht mehr buchbar", "8 frei", "Feiertag", "8 frei", "ausgebucht", "geschlossen"]);
    let written = serde_json::to_value(counter.days().nth(2)).expect("it serialises");
    assert_eq!(written, serde_json::json!({ "date": "2026-11-25", "free": 0, "state": "holiday" }));
}

#[tokio::test]
async fn a_day_is_not_called_full_where_its_calendar_is_unknown() {
    let scenario = Scenario::new().account(Account::new("svc-optigov").password(PASSWORD).impersonates_everybody());
    let scenario =
        scenario.mailbox(Mailbox::new(MAILBOX)).fault(Fault::new(Effect::ResponseCode("ErrorAccessDenied".to_owned())));
    let town = Town::with_scenario("2026-11-23 07:00", &counter(), scenario, |builder| builder);
    let answer = town.answer("2026-11-23", "2026-11-28").await;
    assert_eq!(states(&answer.counters[0]), ["lead_time", "unknown", "holiday", "unknown", "unknown", "closed"]);

    let ignoring =
        Town::at("2026-11-23 07:00", &counter(), [], |builder| builder.when_unavailable(WhenUnavailable::Ignore));
    let answer = ignoring.answer("2026-11-24", "2026-11-25").await;
    assert_eq!(states(&answer.counters[0]), ["free", "holiday"], "as the operator chose");
}

#[test]
fn every_state_has_words_and_a_name_of_its_own() {
    use EmptyDay::{Closed, Full, Holiday, LeadTime, OutsideHorizon, TooShort};
    let empty = [Closed, Holiday, TooShort, OutsideHorizon, LeadTime, Full].map(DayState::Empty);
    let states: Vec<DayState> = empty.into_iter().chain([DayState::Free(1), DayState::Unknown]).collect();
    for language in Language::ALL {
        let words: std::collections::BTreeSet<String> =
            states.iter().map(|state| state.text().in_language(language).to_owned()).collect();
        assert_eq!(words.len(), states.len(), "{words:?}");
    }
    let names: std::collections::BTreeSet<&str> = states.iter().map(|state| state.code()).collect();
    assert_eq!(names.len(), states.len());
}
