//! One file per operation: its request and how its answer is read. None of them changes a mailbox.

pub(crate) mod find_item;
pub(crate) mod get_folder;
pub(crate) mod get_user_availability;

/// Holds a request against its golden; writes it instead when `OPTIGOV_BLESS` is set.
#[cfg(test)]
pub(crate) fn golden(name: &str, actual: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens").join(name);
    if std::env::var_os("OPTIGOV_BLESS").is_some() {
        std::fs::write(&path, actual).expect("the golden is written");
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(actual, golden, "{name} differs; OPTIGOV_BLESS=1 writes it anew");
}
