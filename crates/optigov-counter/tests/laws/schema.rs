//! The JSON Schema says what the reader says, but for the rules that a schema cannot say: they are listed here, and `docs/configuration.md` names them.

use std::{collections::BTreeMap, sync::LazyLock};

use jsonschema::Validator;
use optigov_counter::{Code, Counter, Fault, Municipality};
use proptest::{prelude::*, sample::Index, strategy::ValueTree, test_runner::TestRunner};
use serde_json::{Map, Value, json};

use crate::municipalities::municipality;

/// What only the reader can tell, and why a schema cannot.
const BEYOND_A_SCHEMA: &[(Code, &str)] = &[
    (Code::DuplicateId, "ids are compared across a list"),
    (Code::DuplicateMailbox, "addresses are the same in any case, and with an umlaut or in ASCII"),
    (Code::UnknownTemplate, "what is referred to stands elsewhere"),
    (Code::UnknownName, "what is referred to stands elsewhere"),
    (Code::TooFewMailboxes, "a number is compared with the length of a list"),
    (Code::OverlappingHours, "times are compared"),
    (Code::InvertedDates, "dates are compared"),
    (Code::HorizonBeforeLeadTime, "durations are compared"),
    (Code::ConflictingExceptions, "dates are compared across a list"),
    (Code::ConflictingLocations, "addresses are compared across counters"),
    (Code::LocationWithoutConnection, "what is referred to stands elsewhere"),
    (Code::OutOfRange, "the length of a duration, or of a time span, is worked out"),
    (Code::Conflict, "whether the parts of a way to a server go together depends on its addresses"),
    (Code::SyncWithoutMailbox, "a group may have the mailboxes"),
    (Code::UnknownWord, "the IANA database of time zones is not in the schema"),
];

/// Values whose form goes beyond what the schema's regular expressions say: domains, URLs, addresses, dates that no calendar has, times that end where they
/// begin, and what Kerberos makes of an account.
const FORMS_BEYOND_A_PATTERN: [&str; 24] = [
    "tenant",
    "client_id",
    "authority",
    "endpoint",
    "address",
    "on_premises",
    "online",
    "auto",
    "mailboxes",
    "test_mailbox",
    "url",
    "proxy",
    "resolve_to",
    "local_address",
    "on",
    "from",
    "until",
    "remove",
    "add",
    "realm",
    "kdcs",
    "service_name",
    "account",
    "proxy_account",
];

/// What a municipality is by the schema, and its words; made once, because its regular expressions are long.
static MUNICIPALITY: LazyLock<(Validator, BTreeMap<String, String>)> = LazyLock::new(|| {
    let schema = schema_of(&Municipality::schema());
    (validator(&schema), words_of(&schema))
});

fn validator(schema: &Value) -> Validator {
    jsonschema::validator_for(schema).expect("a schema")
}

fn schema_of(text: &str) -> Value {
    serde_json::from_str(text).expect("a schema is JSON")
}

fn is_beyond_a_schema(fault: &Fault) -> bool {
    if BEYOND_A_SCHEMA.iter().any(|(code, _)| *code == fault.code()) {
        return true;
    }
    let path = fault.path();
    let key = path.rsplit('.').next().unwrap_or_default();
    let key = key.split('[').next().unwrap_or_default();
    fault.code() == Code::Malformed && FORMS_BEYOND_A_PATTERN.contains(&key)
}

/// Writes the words of a document as the schema has them. That the reader takes any case, and `-` for `_`, is a rule beyond the schema.
fn in_the_schemas_words(document: &mut Value, words: &BTreeMap<String, String>) {
    match document {
        Value::String(text) => {
            if let Some(word) = words.get(&text.replace('-', "_").to_lowercase()) {
                word.clone_into(text);
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|value| in_the_schemas_words(value, words)),
        Value::Object(table) => table.values_mut().for_each(|value| in_the_schemas_words(value, words)),
        _ => {}
    }
}

fn words_of(schema: &Value) -> BTreeMap<String, String> {
    let mut words = BTreeMap::new();
    fn collect(schema: &Value, words: &mut BTreeMap<String, String>) {
        match schema {
            Value::Object(object) => {
                let listed = object.get("enum").and_then(Value::as_array).into_iter().flatten();
                for word in listed.chain(object.get("const")).filter_map(Value::as_str) {
                    words.insert(word.to_lowercase(), word.to_owned());
                }
                object.values().for_each(|value| collect(value, words));
            }
            Value::Array(list) => list.iter().for_each(|value| collect(value, words)),
            _ => {}
        }
    }
    collect(schema, &mut words);
    words
}

/// Documents that a schema describes, its patterns and required keys included; what it says by conditions is left to chance.
fn described(schema: &Value, root: &Value, depth: usize) -> BoxedStrategy<Value> {
    let by_name = |name: &str| root.pointer(name.trim_start_matches('#')).cloned().unwrap_or(Value::Bool(true));
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        return described(&by_name(reference), root, depth);
    }
    if let Some(constant) = schema.get("const") {
        return Just(constant.clone()).boxed();
    }
    if let Some(words) = schema.get("enum").and_then(Value::as_array) {
        return proptest::sample::select(words.clone()).boxed();
    }
    let branches = |key: &str| schema.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    if schema.get("properties").is_none() {
        let branches = [branches("oneOf"), branches("anyOf")].concat();
        if !branches.is_empty() {
            let made: Vec<_> = branches.iter().map(|branch| described(branch, root, depth)).collect();
            return proptest::strategy::Union::new(made).boxed();
        }
    }
    let whole = |key: &str, default: u64| schema.get(key).and_then(Value::as_u64).unwrap_or(default);
    match schema.get("type").and_then(Value::as_str) {
        Some("boolean") => any::<bool>().prop_map(Value::Bool).boxed(),
        Some("integer") => {
            let (least, most) = (whole("minimum", 0), whole("maximum", 1_000_000));
            prop_oneof![Just(least), Just(most), least..=most].prop_map(|number| json!(number)).boxed()
        }
        Some("array") => {
            let (least, most) = (whole("minItems", 0) as usize, (whole("maxItems", 3) as usize).min(3));
            let items = described(schema.get("items").unwrap_or(&Value::Bool(true)), root, depth + 1);
            proptest::collection::vec(items, least..=most).prop_map(Value::Array).boxed()
        }
        Some("string") => {
            let examples: Vec<Value> = schema.get("examples").and_then(Value::as_array).cloned().unwrap_or_default();
            let pattern = schema.get("pattern").and_then(Value::as_str).unwrap_or("^[a-z]{1,5}$");
            let inside = pattern.trim_start_matches('^');
            // What counts as white space differs between regular expressions of Rust and of ECMA.
            let inside = inside.strip_suffix('$').unwrap_or(inside).replace(r"\s", " ");
            let by_pattern = proptest::string::string_regex(&inside).expect(pattern).prop_map(Value::String);
            match examples.is_empty() {
                true => by_pattern.boxed(),
                false => prop_oneof![2 => proptest::sample::select(examples), 1 => by_pattern].boxed(),
            }
        }
        _ if schema.get("additionalProperties").is_some_and(Value::is_object) => {
            let one = described(&schema["additionalProperties"], root, depth + 1);
            proptest::collection::btree_map("[a-c]", one, 0..3)
                .prop_map(|entries| Value::Object(entries.into_iter().collect()))
                .boxed()
        }
        _ => object(schema, root, depth),
    }
}

/// A table. Of alternatives that differ in the keys that they require, one is chosen.
fn object(schema: &Value, root: &Value, depth: usize) -> BoxedStrategy<Value> {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return Just(json!({})).boxed() };
    let names = |value: &Value| -> Vec<String> {
        let list = value.get("required").and_then(Value::as_array).into_iter().flatten();
        list.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let required = names(schema);
    let list = |value: &Value, key: &str| value.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    let mut alternatives: Vec<Vec<Vec<String>>> = Vec::new();
    for clause in std::iter::once(schema.clone()).chain(list(schema, "allOf")) {
        let branches: Vec<Vec<String>> = list(&clause, "oneOf").iter().map(names).collect();
        if !branches.is_empty() && branches.iter().all(|branch| !branch.is_empty()) {
            alternatives.push(branches);
        }
    }
    // By name, so that the documents are the same whether a map of serde_json keeps the order of its keys or not.
    let optional: Vec<(String, BoxedStrategy<Option<Value>>)> = properties
        .iter()
        .collect::<BTreeMap<_, _>>()
        .into_iter()
        .filter(|(name, _)| !(name.starts_with('$') || *name == "format"))
        .map(|(name, schema)| {
            // Deeper down, less is there.
            let likely = if required.contains(name) { 0.999 } else { [0.6, 0.3, 0.25, 0.2][depth.min(3)] };
            (name.clone(), proptest::option::weighted(likely, described(schema, root, depth + 1)).boxed())
        })
        .collect();
    let always: BTreeMap<String, BoxedStrategy<Value>> = alternatives
        .iter()
        .flatten()
        .flatten()
        .filter_map(|name| Some((name.clone(), described(properties.get(name)?, root, depth + 1))))
        .collect();
    let count = alternatives.len();
    let (names_of, made): (Vec<String>, Vec<_>) = optional.into_iter().unzip();
    let (always_names, always_made): (Vec<String>, Vec<_>) = always.into_iter().unzip();
    (made, always_made, proptest::collection::vec(any::<Index>(), count))
        .prop_map(move |(values, forced, chosen)| {
            let mut table: Map<String, Value> =
                names_of.iter().cloned().zip(values).filter_map(|(name, value)| Some((name, value?))).collect();
            for (branches, index) in alternatives.iter().zip(chosen) {
                let branch = index.get(branches);
                for name in branches.iter().flatten().filter(|name| !branch.contains(name)) {
                    table.remove(name);
                }
                for name in branch {
                    let at = always_names.iter().position(|known| known == name);
                    if let Some(at) = at.filter(|_| !table.contains_key(name)) {
                        table.insert(name.clone(), forced[at].clone());
                    }
                }
                if branch.iter().any(|name| name == "closed") {
                    table.insert("closed".to_owned(), json!(true));
                } else if branches.iter().flatten().any(|name| name == "closed") {
                    table.remove("closed");
                }
                if branch.iter().any(|name| name == "on") && branches.len() == 2 {
                    table.remove("days");
                }
            }
            Value::Object(table)
        })
        .boxed()
}

/// Takes a value out of a document, or one of its keys at random by its order; at the top, everything goes.
fn remove(document: &mut Value, place: &str) {
    let Some((parent, key)) = place.rsplit_once('/') else {
        *document = json!({});
        return;
    };
    match document.pointer_mut(place) {
        // A part of a table may go with the rest.
        Some(Value::Object(table)) if table.len() > 1 => {
            let last = table.keys().next_back().cloned();
            last.and_then(|key| table.remove(&key));
        }
        _ => match document.pointer_mut(parent) {
            Some(Value::Object(table)) => drop(table.remove(key)),
            Some(Value::Array(list)) => drop(key.parse().ok().map(|index: usize| list.remove(index))),
            _ => *document = json!({}),
        },
    }
}

#[test]
fn what_the_schema_describes_is_read_or_refused_for_a_rule_that_a_schema_cannot_say() {
    let mut runner = TestRunner::deterministic();
    let (mut refused_for, mut disagreements) = (BTreeMap::new(), Vec::new());
    type Reader = fn(&str) -> Result<(), optigov_counter::Faults>;
    let documents: [(String, Reader); 2] = [
        (Municipality::schema(), |text| Municipality::from_json(text).map(drop)),
        (Counter::schema(), |text| Counter::from_json(text).map(drop)),
    ];
    for (schema, read) in documents {
        let schema = schema_of(&schema);
        let (validator, strategy) = (validator(&schema), described(&schema, &schema, 0));
        let (mut described, mut read_whole) = (0, 0);
        for _ in 0..100 {
            let mut document = strategy.new_tree(&mut runner).expect("a document").current();
            // What conditions refuse is taken out, piece by piece.
            while let Err(error) = validator.validate(&document) {
                let place = error.instance_path().to_string();
                remove(&mut document, &place);
                if document == json!({}) {
                    break;
                }
            }
            if document == json!({}) {
                continue;
            }
            described += 1;
            match read(&document.to_string()) {
                Ok(()) => read_whole += 1,
                Err(faults) => {
                    for fault in faults.errors() {
                        if !is_beyond_a_schema(fault) {
                            disagreements.push(format!("[{}] {fault}", fault.code()));
                        }
                        *refused_for.entry(fault.code().as_str()).or_insert(0) += 1;
                    }
                }
            }
        }
        assert!(described > 50, "only {described} of 100 documents are what the schema describes");
        assert!(read_whole > 0, "only {read_whole} of {described} were read");
    }
    assert!(disagreements.is_empty(), "the schema allows what the reader refuses:\n{}", disagreements.join("\n"));
    assert!(refused_for.len() > 3, "{refused_for:?}");
}

/// A document with one thing changed: a key taken away or added, or a value of another kind.
fn changed(mut document: Value, at: &Index, how: u8) -> Value {
    fn count(value: &Value) -> usize {
        1 + match value {
            Value::Object(table) => table.values().map(count).sum(),
            Value::Array(list) => list.iter().map(count).sum(),
            _ => 0,
        }
    }
    fn change(value: &mut Value, left: &mut usize, how: u8) -> bool {
        if *left == 0 {
            match (how, &mut *value) {
                (0, Value::Object(table)) => {
                    let first = table.keys().next().cloned();
                    first.and_then(|key| table.remove(&key));
                }
                (1, Value::Object(table)) => drop(table.insert("zz".to_owned(), json!(1))),
                (0 | 1, Value::Array(list)) => drop(list.pop()),
                (2, value) => *value = json!(7),
                (3, value) => *value = json!("etwas anderes"),
                (4, value) => *value = json!([]),
                (5, value) => *value = json!({}),
                (_, value) => *value = json!(true),
            }
            return true;
        }
        *left -= 1;
        match value {
            Value::Object(table) => table.values_mut().any(|value| change(value, left, how)),
            Value::Array(list) => list.iter_mut().any(|value| change(value, left, how)),
            _ => false,
        }
    }
    let mut left = at.index(count(&document));
    change(&mut document, &mut left, how);
    document
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_read_and_what_is_not_the_schema_says_alike(text in municipality(), at in any::<Index>(), how in 0..8_u8) {
        let (validator, words) = &*MUNICIPALITY;
        let whole: Value = serde_json::from_str(&text).expect("JSON");
        for document in [whole.clone(), changed(whole, &at, how)] {
            let read = Municipality::from_json(&document.to_string());
            let mut worded = document.clone();
            in_the_schemas_words(&mut worded, words);
            let allowed = validator.validate(&worded);
            match (read, allowed) {
                (Ok(_), Err(error)) => {
                    let place = error.instance_path().to_string();
                    return Err(TestCaseError::fail(format!("it is read, and the schema says at {place}: {error}\n{document:#}")));
                }
                (Err(faults), Ok(())) => {
                    for fault in faults.errors() {
                        prop_assert!(is_beyond_a_schema(fault), "the schema allows it, the reader says [{}] {}\n{:#}", fault.code(), fault, document);
                    }
                }
                _ => {}
            }
        }
    }
}

#[test]
fn the_schema_has_the_combinations_that_the_reader_asks_for() {
    let validator = validator(&schema_of(&Municipality::schema()));
    let counter = |more: &str| format!(r#"{{ "name": "M", "counters": [{{ "id": "a", "name": "A", {more} }}] }}"#);
    let exchange = |more: &str| {
        format!(
            r#"{{ "name": "M", "exchange": {{ "url": "https://m.example/", "authentication": "ntlm", "account": "S\\a", "secret": "provided"{more} }} }}"#
        )
    };
    for (text, allowed) in [
        (counter(r#""exchange_sync": { "on": true }"#), false),
        (counter(r#""exchange_sync": { "on": true, "mailboxes": [] }"#), false),
        (counter(r#""exchange_sync": { "on": true, "mailboxes": ["a@b.example"] }"#), true),
        (counter(r#""exchange_sync": { "on": false }"#), true),
        (counter(r#""exceptions": [{ "on": "12-24" }]"#), false),
        (counter(r#""exceptions": [{ "on": "12-24", "closed": true }]"#), true),
        (counter(r#""exceptions": [{ "on": "12-24", "closed": true, "hours": "8-9" }]"#), false),
        (counter(r#""exceptions": [{ "from": "2027-01-01", "hours": "8-9" }]"#), false),
        (counter(r#""opening": [{ "days": "Mo", "hours": "8-9", "repeat": { "weeks": 2 } }]"#), false),
        (
            counter(r#""opening": [{ "days": "Mo", "hours": "8-9", "repeat": { "weeks": 2, "from": "2027-01-04" } }]"#),
            true,
        ),
        (counter(r#""opening": [{ "days": "Mo bis Fr", "hours": "08.00 bis 9 Uhr" }]"#), true),
        (counter(r#""opening": [{ "days": "Mo", "hours": "acht bis neun" }]"#), false),
        (counter(r#""place": """#), false),
        (counter(r#""$schema": "x""#), false),
        (exchange(""), true),
        (exchange(r#", "keytab": "/a""#), false),
        (exchange(r#", "client_certificate": "/a""#), false),
        (exchange(r#", "only_given_roots": true"#), false),
        (exchange("").replace(r#""account": "S\\a", "#, ""), false),
        (r#"{ "$schema": "./municipality.schema.json", "name": "M" }"#.to_owned(), true),
    ] {
        let document: Value = serde_json::from_str(&text).expect(&text);
        assert_eq!(validator.is_valid(&document), allowed, "{text}");
        // Of the rules in this list, none is beyond a schema.
        let read = Municipality::from_json(&text).is_ok();
        assert_eq!(read, allowed, "{text}");
    }
}
