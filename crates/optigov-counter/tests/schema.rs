//! The JSON Schemas in `docs/schema` are those of the code.

use std::path::Path;

use optigov_counter::{Counter, Municipality};

#[test]
fn the_schemas_in_the_documentation_are_those_of_the_code() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema");
    for (name, schema) in [("municipality", Municipality::schema()), ("counter", Counter::schema())] {
        let kept = std::fs::read_to_string(folder.join(format!("{name}.schema.json"))).unwrap_or_default();
        let renew = format!("cargo run --example counter_config -- schema {name} > docs/schema/{name}.schema.json");
        assert!(kept == schema, "docs/schema/{name}.schema.json is out of date; renew it with\n{renew}");
    }
}
