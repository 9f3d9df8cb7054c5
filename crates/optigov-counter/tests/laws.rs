//! Laws over generated configurations, and over texts that are nearly one.

use optigov_counter::{Counter, Municipality, ResolvedHours, testing::table};
use proptest::prelude::*;
use serde_json::{Value, json};

fn id() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9][a-z0-9._-]{0,8}"
}

fn line() -> impl Strategy<Value = String> {
    // Quotation marks, backslashes and umlauts must survive both notations.
    "[A-Za-zÄÖÜäöüß\"'\\\\#=\\[\\]{}][A-Za-z0-9ÄÖÜäöüß ,.\"'\\\\/#=-]{0,20}[A-Za-z0-9.]"
}

fn span() -> impl Strategy<Value = String> {
    prop_oneof![
        (1..180_u32).prop_map(|minutes| format!("{minutes}min")),
        (1..12_u32).prop_map(|hours| format!("{hours} h")),
        (0..3_u32, 1..60_u32, 1..60_u32).prop_map(|(h, m, s)| format!("{h}h{m}min{s}s")),
    ]
}

fn lead_time() -> impl Strategy<Value = String> {
    prop_oneof![span(), (0..10_u32).prop_map(|days| format!("{days} Tage"))]
}

fn time_of_day() -> impl Strategy<Value = String> {
    (0..24_u32, 0..60_u32).prop_map(|(hour, minute)| format!("{hour}:{minute:02}"))
}

fn date() -> impl Strategy<Value = String> {
    prop_oneof![
        (2020..2040_u32, 1..13_u32, 1..29_u32).prop_map(|(year, month, day)| format!("{year}-{month:02}-{day:02}")),
        (2020..2040_u32, 1..13_u32, 1..29_u32).prop_map(|(year, month, day)| format!("{day}.{month}.{year}")),
    ]
}

/// Hours without overlaps: pairs of neighbouring edges.
fn hours() -> impl Strategy<Value = Value> {
    proptest::collection::btree_set(0..1441_u32, 2..9).prop_map(|edges| {
        let edges: Vec<u32> = edges.into_iter().collect();
        let clock = |minute: u32| format!("{:02}:{:02}", minute / 60, minute % 60);
        let hours: Vec<String> =
            edges.chunks_exact(2).map(|pair| format!("{}-{}", clock(pair[0]), clock(pair[1]))).collect();
        if hours.len() == 1 { json!(hours[0]) } else { json!(hours) }
    })
}

fn weekdays() -> impl Strategy<Value = String> {
    let day =
        prop_oneof![Just("Mo"), Just("Tue"), Just("Mittwoch"), Just("Do"), Just("Fri"), Just("samstags"), Just("So")];
    prop_oneof![
        Just("daily".to_owned()),
        (day.clone(), day.clone()).prop_map(|(first, last)| format!("{first}-{last}")),
        proptest::collection::vec(day, 1..4).prop_map(|days| days.join(", ")),
    ]
}

fn holiday_rule() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("augsburger_friedensfest".to_owned()),
        Just("mariae_himmelfahrt".to_owned()),
        Just("heiligabend".to_owned()),
        (1..13_u32, 1..29_u32).prop_map(|(month, day)| format!("{month:02}-{day:02}")),
        (-60..60_i32).prop_map(|days| format!("easter{days:+}")),
        date(),
    ]
}

fn mailbox() -> impl Strategy<Value = String> {
    let local = "[a-zA-Z]{1,3}([.!+_-][a-z0-9]{1,3}){0,2}";
    let domain = prop_oneof![Just("musterstadt.example"), Just("Müllheim.example"), Just("a-b.c.example")];
    (local, domain).prop_map(|(local, domain)| format!("{local}@{domain}"))
}

fn with(table: BoxedStrategy<Value>, more: BoxedStrategy<Value>) -> BoxedStrategy<Value> {
    (table, more)
        .prop_map(|(mut table, more)| {
            if let (Value::Object(table), Value::Object(more)) = (&mut table, more) {
                table.extend(more);
            }
            table
        })
        .boxed()
}

fn text(strategy: impl Strategy<Value = String> + 'static) -> BoxedStrategy<Value> {
    strategy.prop_map(Value::String).boxed()
}

fn one_of(words: &'static [&'static str]) -> BoxedStrategy<Value> {
    proptest::sample::select(words).prop_map(|word| json!(word)).boxed()
}

fn blocking() -> BoxedStrategy<Value> {
    let effect = || one_of(&["block", "ignore"]);
    table(vec![
        ("free", effect()),
        ("tentative", effect()),
        ("busy", effect()),
        ("out_of_office", effect()),
        ("working_elsewhere", effect()),
        ("no_data", effect()),
        ("unknown", effect()),
        ("all_day", one_of(&["ignore", "block", "block-unless-free"])),
        ("midnight_to_midnight", one_of(&["all_day", "timed"])),
    ])
}

fn sync() -> BoxedStrategy<Value> {
    (
        any::<bool>(),
        proptest::collection::btree_map(mailbox().prop_map(|m| m.to_lowercase()), Just(()), 1..4),
        0..3_usize,
        blocking(),
    )
        .prop_map(|(on, mailboxes, needed, blocking)| {
            let mailboxes: Vec<String> = mailboxes.into_keys().collect();
            let needed = [json!("all"), json!("any"), json!({ "at_least": mailboxes.len() })][needed].clone();
            json!({ "on": on, "mailboxes": mailboxes, "needed": needed, "blocking": blocking })
        })
        .boxed()
}

fn opening(templates: Vec<String>) -> BoxedStrategy<Value> {
    let repeat = prop_oneof![
        (1..53_u32, date()).prop_map(|(weeks, from)| json!({ "weeks": weeks, "from": from })),
        one_of(&["first", "third", "last"]).prop_map(|in_month| json!({ "in_month": in_month })),
    ];
    let some = proptest::sample::subsequence(templates.clone(), 0..=templates.len()).prop_map(|ids| json!(ids));
    with(
        table(vec![
            ("until", text(Just("2039-12-31".to_owned()))),
            ("repeat", repeat.boxed()),
            ("for_templates", some.boxed()),
        ]),
        (weekdays(), hours()).prop_map(|(days, hours)| json!({ "days": days, "hours": hours })).boxed(),
    )
}

fn exception() -> BoxedStrategy<Value> {
    let effect = prop_oneof![
        Just(json!({ "closed": true })),
        hours().prop_map(|hours| json!({ "hours": hours })),
        hours().prop_map(|hours| json!({ "extra": hours })),
    ];
    let when = prop_oneof![
        holiday_rule().prop_map(|rule| json!({ "on": rule })),
        (1..28_u32, weekdays()).prop_map(
            |(day, days)| json!({ "from": format!("2027-05-{day:02}"), "until": "28.05.2027", "days": days })
        ),
    ];
    with(table(vec![("reason", text(line()))]), with(effect.boxed(), when.boxed()))
}

fn booking() -> BoxedStrategy<Value> {
    table(vec![
        ("step", text(span())),
        ("anchor", one_of(&["window_start", "midnight", "back-to-back"])),
        ("lead_time", text(lead_time())),
        ("horizon", text((20..400_u32).prop_map(|days| format!("{days} days")))),
        ("release_at", text(time_of_day())),
        ("buffer_before", text(span())),
        ("buffer_after", text(span())),
        ("day_limit", (1..100_u32).prop_map(|limit| json!(limit)).boxed()),
    ])
}

fn counter(templates: Vec<String>) -> BoxedStrategy<Value> {
    let served = templates.clone();
    with(
        table(vec![
            ("place", text(line())),
            ("time_zone", one_of(&["Europe/Berlin", "Europe/London", "UTC"])),
            ("capacity", (1..1000_u32).prop_map(|capacity| json!(capacity)).boxed()),
            ("observes_holidays", any::<bool>().prop_map(|yes| json!(yes)).boxed()),
            ("clock_changes", one_of(&["widest", "rfc5545"])),
            ("booking", booking()),
            ("exchange_sync", sync()),
            ("opening", proptest::collection::vec(opening(templates), 0..4).prop_map(|rules| json!(rules)).boxed()),
            // One exception, so that none contradicts another.
            ("exceptions", exception().prop_map(|one| json!([one])).boxed()),
        ]),
        (id(), line()).prop_map(move |(id, name)| json!({ "id": id, "name": name, "templates": served })).boxed(),
    )
}

fn exchange() -> BoxedStrategy<Value> {
    let folder = std::path::Path::new("C:\\optigov für alle");
    optigov_counter::testing::connections(folder)
        .prop_map(|text| serde_json::from_str(&text).expect("a table as JSON"))
        .boxed()
}

fn template(id: String) -> BoxedStrategy<Value> {
    with(
        table(vec![
            ("service", text(line())),
            ("max_concerns", (1..3_u32).prop_map(|most| json!(most)).boxed()),
            ("mode", one_of(&["on_site", "online"])),
            ("lead_time", text(lead_time())),
            ("buffer_before", text(span())),
            ("buffer_after", text(span())),
        ]),
        (line(), span()).prop_map(move |(label, length)| json!({ "id": id, "label": label, "length": length })).boxed(),
    )
}

fn distinct_ids(most: usize) -> BoxedStrategy<Vec<String>> {
    proptest::collection::btree_set(id(), 0..=most).prop_map(|ids| ids.into_iter().collect()).boxed()
}

/// A municipality as JSON text, valid by construction.
fn municipality() -> BoxedStrategy<String> {
    distinct_ids(4)
        .prop_flat_map(|ids| {
            let templates: Vec<_> = ids.iter().cloned().map(template).collect();
            let counters = proptest::collection::vec(counter(ids), 0..4);
            let holidays = proptest::collection::vec(
                prop_oneof![
                    text(holiday_rule()),
                    (holiday_rule(), line(), time_of_day())
                        .prop_map(|(on, name, from)| json!({ "on": on, "name": name, "closed_from": from }))
                ],
                0..3,
            );
            let holidays = (holidays, proptest::collection::vec(holiday_rule(), 0..2))
                .prop_map(|(add, remove)| json!({ "add": add, "remove": remove }));
            with(
                table(vec![
                    ("time_zone", one_of(&["Europe/Berlin", "Europe/Vienna"])),
                    ("state", one_of(&["BY", "nw", "Thüringen", "Mecklenburg-Vorpommern"])),
                    ("holidays", holidays.boxed()),
                    ("exchange", exchange()),
                ]),
                (line(), templates, counters)
                    .prop_map(|(name, templates, mut counters)| {
                        for (index, counter) in counters.iter_mut().enumerate() {
                            counter["id"] = json!(format!("{}{index}", counter["id"].as_str().unwrap_or_default()));
                        }
                        json!({ "name": name, "templates": templates, "counters": counters })
                    })
                    .boxed(),
            )
        })
        .prop_map(|municipality| municipality.to_string())
        .boxed()
}

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
