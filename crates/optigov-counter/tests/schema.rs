//! The JSON Schemas in `docs/schema` are those of the code.

use std::path::Path;

use optigov_counter::{Counter, Municipality};

#[test]
fn the_schemas_in_the_documentation_are_those_of_the_code() {
    const RENEW: &str = "UPDATE_SCHEMAS";
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema");
    for (name, schema) in [("municipality", Municipality::schema()), ("counter", Counter::schema())] {
        let file = folder.join(format!("{name}.schema.json"));
        if std::env::var_os(RENEW).is_some() {
            std::fs::write(&file, &schema).expect("the folder of schemas can be written");
        }
        let kept = std::fs::read_to_string(&file).unwrap_or_default();
        let renew = format!("{RENEW}=1 cargo test -p optigov-counter --test schema");
        assert!(kept == schema, "docs/schema/{name}.schema.json is out of date; renew it with\n{renew}");
    }
}
