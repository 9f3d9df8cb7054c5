//! `docs/configuration.md` describes the format that is.

use std::path::Path;

use optigov_counter::{Code, Municipality};
use serde_json::Value;

fn description() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
    std::fs::read_to_string(path).expect("the description of the format")
}

#[test]
fn every_key_of_the_schema_and_every_code_is_described() {
    let description = description();
    let schema: Value = serde_json::from_str(&Municipality::schema()).expect("the schema is JSON");
    let mut keys = Vec::new();
    property_names(&schema, &mut keys);
    assert!(keys.len() > 50, "only {} keys were found", keys.len());
    for key in keys {
        let named = ["`", " ", "].", "{ "].iter().any(|before| description.contains(&format!("{before}{key}")));
        assert!(named, "the key {key} is not described");
    }
    for code in Code::ALL {
        assert!(description.contains(&format!("`{code}`")), "the code {code} is not described");
    }
}

#[test]
fn its_example_is_read_without_a_fault() {
    let description = description();
    let example = description.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("an example");
    let municipality = Municipality::from_toml(example).unwrap_or_else(|faults| panic!("{faults}"));
    assert!(municipality.warnings().is_empty(), "{:?}", municipality.warnings());
}

fn property_names(schema: &Value, names: &mut Vec<String>) {
    match schema {
        Value::Object(object) => {
            if let Some(properties) = object.get("properties").and_then(Value::as_object) {
                names.extend(properties.keys().cloned());
            }
            object.values().for_each(|value| property_names(value, names));
        }
        Value::Array(list) => list.iter().for_each(|value| property_names(value, names)),
        _ => {}
    }
}
