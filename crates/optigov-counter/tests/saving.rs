//! Saving one counter of ten thousand touches that counter and little else, counted in allocations: a clock would count the machine, too.

use optigov_counter::{Code, Counter, Municipality};

/// A municipality of so many counters, the first with a warning of its own.
fn town(counters: usize) -> Municipality {
    let counter = |number: usize| {
        let templates = if number == 0 { "" } else { r#""templates": ["pass"],"# };
        format!(
            r#"{{ "id": "c{number}", "name": "Schalter {number}", {templates} "opening": [{{ "days": "Mo-Fr", "hours": "8-12" }}] }}"#
        )
    };
    let counters: Vec<String> = (0..counters).map(counter).collect();
    let text = format!(
        r#"{{ "name": "Musterstadt", "templates": [{{ "id": "pass", "label": "Reisepass", "length": "20min" }}], "counters": [{}] }}"#,
        counters.join(",")
    );
    Municipality::from_json(&text).unwrap_or_else(|faults| panic!("{faults}"))
}

fn counter(id: &str, templates: &str) -> Counter {
    let text = format!(
        r#"{{ "id": "{id}", "name": "Neu", "templates": {templates}, "opening": [{{ "days": "Mo", "hours": "9-10" }}] }}"#
    );
    Counter::from_json(&text).unwrap_or_else(|faults| panic!("{faults}"))
}

#[test]
fn saving_adding_and_removing_one_counter_of_ten_thousand_allocates_little() {
    let municipality = town(10_000);
    let (known, new) = (counter("c5000", r#"["pass"]"#), counter("neu", r#"["pass"]"#));
    for (what, change) in [
        ("clone", Box::new(|| municipality.clone()) as Box<dyn Fn() -> Municipality>),
        ("save", Box::new(|| municipality.with_counter(known.clone()).expect("it fits"))),
        ("add", Box::new(|| municipality.with_counter(new.clone()).expect("it fits"))),
        ("remove", Box::new(|| municipality.without_counter("c77").expect("it is there"))),
    ] {
        let mut changed = None;
        let counted = allocation_counter::measure(|| changed = Some(change()));
        assert!(counted.count_total < 200, "{what}: {} allocations", counted.count_total);
        assert!(counted.bytes_total < 100_000, "{what}: {} bytes", counted.bytes_total);
    }
}

#[test]
fn a_saved_counter_keeps_its_place_a_new_one_is_the_last_and_a_removed_one_is_gone() {
    let three = town(3);
    let ids = |municipality: &Municipality| -> Vec<String> {
        municipality.counters().map(|counter| counter.id().to_string()).collect()
    };
    let changed = three.with_counter(counter("c1", r#"["pass"]"#)).expect("it fits");
    assert_eq!(ids(&changed), ["c0", "c1", "c2"]);
    assert_eq!(changed.counter("c1").map(|counter| counter.name()), Some("Neu"));
    assert_eq!(three.counter("c1").map(|counter| counter.name()), Some("Schalter 1"), "the original is as it was");
    let more = changed.with_counter(counter("neu", r#"["pass"]"#)).expect("it fits");
    let fewer = more.without_counter("c1").expect("it is there");
    assert_eq!(ids(&fewer), ["c0", "c2", "neu"]);
    assert!(fewer.counter("c1").is_none() && fewer.without_counter("c1").is_none());
    assert_eq!(fewer.counter_count(), 3);
    for municipality in [&three, &more, &fewer] {
        for (position, counter) in municipality.counters().enumerate() {
            assert_eq!(municipality.position(counter.id().as_str()), Some(position));
        }
    }
    // Written and read again it is the same, whatever was added and removed before.
    assert_eq!(Municipality::from_json(&fewer.to_json()).expect("what was written"), fewer);
    assert_ne!(fewer, more);
}

#[test]
fn a_town_that_loses_most_of_its_counters_one_by_one_is_the_town_of_those_that_are_left() {
    let (mut municipality, few) = (town(1_000), town(100));
    for gone in (100..1_000).rev() {
        municipality = municipality.without_counter(&format!("c{gone}")).expect("it is there");
        assert_eq!(municipality.counter_count(), gone);
    }
    assert_eq!(municipality, few);
    assert_eq!(municipality.position("c99"), Some(99));
    assert_eq!(municipality.warnings(), few.warnings());
}

#[test]
fn warnings_go_with_their_counter_and_have_paths_of_either_document() {
    let paths = |municipality: &Municipality| -> Vec<String> {
        municipality.warnings().iter().map(|warning| warning.path()).collect()
    };
    let town = town(3);
    assert_eq!(paths(&town), ["counters[0]"]);
    assert!(town.warnings()[0].line().is_some());
    let text = r#"{ "id": "c2", "name": "Neu", "exchange_sync": { "blocking": { "busy": "ignore" } }, "templates": ["pass"],
        "opening": [{ "days": "Mo", "hours": "9-11" }, { "days": "Mo", "hours": "10-12" }] }"#;
    let saved = town.with_counter(Counter::from_json(text).expect("a counter")).expect("it fits");
    let own: Vec<String> = saved.counter_warnings("c2").iter().map(|warning| warning.path()).collect();
    assert_eq!(own, ["opening[1]", "exchange_sync.blocking.busy"]);
    assert_eq!(paths(&saved), ["counters[0]", "counters[2].opening[1]", "counters[2].exchange_sync.blocking.busy"]);
    let fewer = saved.without_counter("c0").expect("it is there");
    assert_eq!(paths(&fewer), ["counters[1].opening[1]", "counters[1].exchange_sync.blocking.busy"]);
    let refused = saved.with_counter(counter("c0", r#"["pass", "pas"]"#)).expect_err("an unknown template");
    let told: Vec<(String, Code)> = refused.errors().map(|fault| (fault.path(), fault.code())).collect();
    assert_eq!(told, [("templates[1]".to_owned(), Code::UnknownTemplate)]);
}
