//! An answer is written as JSON in three ways: by serde, in one piece, and in chunks. All three give the same bytes, and these say what the answer says.

use chrono::{DateTime, Utc};
use optigov_availability::{
    Answer, Availability, CalendarEntry, EntryStatus, Interval, Language, Mailbox, MemorySource, Municipality,
    ReadError, ReadErrorKind, SlotsRequest, Text,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{berlin, configuration, date, days};

const COUNTERS: &str = r#"
[[counters]]
id = "berlin"
name = "Schalter „Süd“ \"1\" \\ Z\u00FCge"
templates = ["ausweis"]
opening = [{ days = "Mo-So", hours = "00:00-24:00" }]
exchange_sync = { on = true, mailboxes = ["anna@musterstadt.example"] }

[[counters]]
id = "st-johns"
name = "Außenstelle"
time_zone = "America/St_Johns"
templates = ["ausweis"]
opening = [{ days = "Mo-So", hours = "00:00-24:00" }]
exchange_sync = { on = true, mailboxes = ["ben@musterstadt.example"] }

[[counters]]
id = "london"
name = "Ohne Abgleich"
time_zone = "Europe/London"
templates = ["lang"]
opening = [{ days = "Mo-Fr", hours = "08:00-12:00" }]
"#;

/// Three counters, of which the second cannot be read.
fn town(counters: &str) -> Availability {
    let text = configuration("https://localhost/EWS/Exchange.asmx", "", counters).replace("ca_file = ''\n", "");
    let municipality = Municipality::from_toml(&text).unwrap_or_else(|faults| panic!("{faults}"));
    let source = MemorySource::new();
    let address = |name: &str| Mailbox::parse(&format!("{name}@musterstadt.example")).expect("an address");
    let nine = Interval::new(berlin("2026-10-24 09:00"), berlin("2026-10-24 09:45")).expect("not empty");
    let all_day = CalendarEntry::all_day(date("2026-10-26"), date("2026-10-26"), EntryStatus::Busy);
    source.set(address("anna"), vec![CalendarEntry::timed(nine, EntryStatus::Busy), all_day]);
    source.fail(address("ben"), ReadError::new(ReadErrorKind::Server, Text::fixed("keine Lust", "not in the mood")));
    let now = berlin("2026-10-20 07:00") + chrono::TimeDelta::milliseconds(250);
    Availability::for_municipality(municipality).source(source).clock(move || now).build().expect("nothing is missing")
}

async fn answer(availability: &Availability, request: &SlotsRequest) -> Answer {
    availability.free_slots(request).await.expect("the request holds")
}

/// What a tree of owned values says, made from the answer's fields alone.
fn tree(answer: &Answer, language: Language) -> Value {
    let counters = answer.counters.iter().map(|counter| {
        let local = |instant: DateTime<Utc>| json!(instant.with_timezone(&counter.zone).fixed_offset());
        let slots = counter.slots.iter().map(|slot| json!({ "start": local(slot.start()), "end": local(slot.end()) }));
        let warnings = counter.warnings.iter().map(
            |warning| json!({ "code": warning.code, "count": warning.count, "message": warning.message(language) }),
        );
        json!({
            "id": counter.id, "name": counter.name, "template": counter.template, "status": counter.status.as_str(),
            "reason": counter.status.reason(language), "slots": slots.collect::<Vec<_>>(),
            "warnings": warnings.collect::<Vec<_>>(),
        })
    });
    let now = answer.now - chrono::TimeDelta::milliseconds(answer.now.timestamp_subsec_millis().into());
    json!({ "now": now.with_timezone(&answer.zone).fixed_offset(), "counters": counters.collect::<Vec<_>>() })
}

fn is_written_alike(answer: Answer) -> Vec<u8> {
    let bytes = serde_json::to_vec(&answer).expect("it is written");
    assert!(answer.to_json() == bytes, "in one piece: {}", String::from_utf8_lossy(&answer.to_json()));
    let counts = answer.day_counts();
    assert!(counts.to_json() == serde_json::to_vec(&counts).expect("it is written"), "counts per day");
    let chunks: Vec<Vec<u8>> = answer.into_json_chunks().collect();
    assert!(chunks.concat() == bytes, "in chunks");
    assert!(chunks.iter().all(|chunk| (1..8_192).contains(&chunk.len())), "of some 4 KiB");
    bytes
}

#[tokio::test]
async fn all_ways_give_the_same_bytes_and_these_say_what_the_answer_says() {
    let availability = town(COUNTERS);
    // The clocks of all three zones go back within these days.
    for (first, last) in [("2026-10-20", "2026-11-10"), ("2026-10-25", "2026-10-25"), ("2026-10-17", "2026-10-18")] {
        for language in Language::ALL {
            let answer = answer(&availability, &days(first, last)).await.in_language(language);
            let expected = tree(&answer, language);
            let bytes = is_written_alike(answer);
            assert_eq!(serde_json::from_slice::<Value>(&bytes).expect("it is JSON"), expected);
        }
    }
}

#[tokio::test]
async fn an_answer_about_no_counter_is_written_alike() {
    let answer = answer(&town(""), &days("2026-10-20", "2026-11-10")).await;
    assert_eq!(is_written_alike(answer), br#"{"now":"2026-10-20T07:00:00+02:00","counters":[]}"#);
}

#[tokio::test]
async fn counts_per_day_are_those_of_the_slots() {
    let answer = answer(&town(COUNTERS), &days("2026-10-24", "2026-10-26")).await;
    let counts: Value = serde_json::from_slice(&answer.day_counts().to_json()).expect("it is JSON");
    // Half hours of a day that is open throughout, without two on Saturday; Sunday has 25 hours.
    let free = |date: &str, free: u32| json!({ "date": date, "free": free });
    assert_eq!(
        counts["counters"][0]["days"],
        json!([free("2026-10-24", 46), free("2026-10-25", 50), free("2026-10-26", 48)])
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn any_window_is_written_alike(start in 1_790_000_000_i64..1_800_000_000, length in 1..3_000_000_i64) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let window = Interval::from_unix(start, start + length).expect("not empty");
        is_written_alike(runtime.block_on(answer(&town(COUNTERS), &SlotsRequest::new(window))));
    }
}
