//! Laws over generated configurations, and over texts that are nearly one.

mod municipalities;
mod schema;

use optigov_counter::{Counter, Municipality, ResolvedHours};
use proptest::prelude::*;

use municipalities::municipality;

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn read_write_read_gives_the_same_value_in_both_notations(text in municipality()) {
        let first = Municipality::from_json(&text).map_err(|faults| TestCaseError::fail(format!("{text}\n{faults}")))?;
        let (json, toml) = (first.to_json(), first.to_toml());
        let from_json = Municipality::from_json(&json).map_err(|faults| TestCaseError::fail(format!("{json}\n{faults}")))?;
        let from_toml = Municipality::from_toml(&toml).map_err(|faults| TestCaseError::fail(format!("{toml}\n{faults}")))?;
        prop_assert_eq!(&from_json, &first);
        prop_assert_eq!(&from_toml, &first);
        // The canonical form is a fixed point.
        prop_assert_eq!(from_toml.to_json(), json);
        prop_assert_eq!(from_json.to_toml(), toml);
        for counter in first.counters() {
            let alone = Counter::from_json(&counter.to_json()).map_err(|faults| TestCaseError::fail(faults.to_string()))?;
            prop_assert_eq!(&alone, &**counter);
            prop_assert_eq!(first.with_counter(alone).map_err(|faults| TestCaseError::fail(faults.to_string()))?, first.clone());
        }
    }

    #[test]
    fn every_valid_counter_gives_the_engine_what_it_accepts(text in municipality(), start in 0..2_000_000_000_i64, days in 1..100_i64) {
        let municipality = Municipality::from_json(&text).map_err(|faults| TestCaseError::fail(faults.to_string()))?;
        let window = optigov_slots::Interval::from_unix(start, start + days * 86_400).expect("a window");
        for counter in municipality.counters() {
            let resolved = ResolvedHours::new();
            for id in counter.templates() {
                let template = municipality.template(id.as_str()).expect("a template that exists");
                let rules = counter.slot_rules(template, template.max_concerns()).expect("rules that the engine accepts");
                prop_assert_eq!(rules.length(), template.length() * template.max_concerns());
                let zone = counter.time_zone().unwrap_or(municipality.time_zone());
                let timetable = counter.timetable(&municipality, window);
                prop_assert_eq!(timetable.zone(), zone);
                prop_assert_eq!(timetable.rules().len(), counter.opening().len(), "the engine refused the timetable");
                // What is kept is the same as what is worked out anew.
                let open = counter.open_windows(&municipality, template, window);
                for _ in 0..2 {
                    let kept = resolved.open_windows(counter, &municipality, template, window);
                    prop_assert_eq!(kept.windows(), open.windows());
                }
                let fresh = timetable.open_windows(window, Some(id.as_str()));
                prop_assert_eq!(open.windows(), fresh.windows());
            }
        }
    }

    #[test]
    fn no_text_that_is_nearly_a_configuration_makes_the_reader_panic(
        text in municipality(),
        cut in any::<proptest::sample::Index>(),
        length in 0..40_usize,
        inserted in "[\\[\\]{}\",:=0-9a-zä\n ]{0,6}",
    ) {
        let toml = Municipality::from_json(&text).map_err(|faults| TestCaseError::fail(faults.to_string()))?.to_toml();
        for text in [text, toml] {
            let mut start = cut.index(text.len());
            while !text.is_char_boundary(start) {
                start -= 1;
            }
            let rest: String = text[start..].chars().skip(length).collect();
            let damaged = format!("{}{inserted}{rest}", &text[..start]);
            for read in [Municipality::from_json(&damaged), Municipality::from_toml(&damaged)] {
                if let Err(faults) = read {
                    prop_assert!(faults.errors().all(|fault| fault.line().is_some()));
                }
            }
        }
    }
}

#[test]
fn debug_and_every_notation_hold_no_secret_and_debug_no_address() {
    let text = r#"{
        "name": "Musterstadt",
        "exchange": {
            "url": "https://mail.musterstadt.example/EWS/Exchange.asmx", "authentication": "basic",
            "account": "svc-geheim@musterstadt.example", "secret": { "env": "OPTIGOV_PASSWORD" },
            "test_mailbox": "probe@musterstadt.example"
        },
        "counters": [{ "id": "eins", "name": "Schalter 1",
            "exchange_sync": { "on": true, "mailboxes": ["anna@musterstadt.example"] } }]
    }"#;
    let municipality = Municipality::from_json(text).expect("a municipality");
    let debug = format!("{municipality:?} {:#?}", municipality.exchange());
    for address in ["anna", "probe", "svc-geheim", "@"] {
        assert!(!debug.contains(address), "{address} is in {debug}");
    }
    // What is kept is where the secret is; a text that holds the secret itself is never accepted, so none can be written.
    assert!(municipality.to_json().contains("OPTIGOV_PASSWORD"));
    for inline in ["\"hunter2\"", "{ \"value\": \"hunter2\" }", "{ \"password\": \"hunter2\" }", "null", "7"] {
        let with_secret = text.replace("{ \"env\": \"OPTIGOV_PASSWORD\" }", inline);
        let faults = Municipality::from_json(&with_secret).expect_err(inline);
        assert!(!format!("{faults} {faults:?}").contains("hunter2"));
    }
}
