//! The samples in `docs/samples` are read, and mean the same in both notations.

use std::path::Path;

use optigov_counter::Municipality;

fn samples() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/samples");
    let mut samples: Vec<(String, String)> = std::fs::read_dir(folder)
        .expect("the folder of samples")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .map(|path| (path.display().to_string(), std::fs::read_to_string(&path).expect("a sample")))
        .collect();
    samples.sort();
    samples
}

#[test]
fn every_sample_is_read_without_a_warning_and_means_the_same_in_both_notations() {
    assert!(samples().len() >= 3);
    for (name, text) in samples() {
        let municipality = Municipality::from_toml(&text).unwrap_or_else(|faults| panic!("{name}:\n{faults}"));
        assert!(municipality.warnings().is_empty(), "{name}: {:?}", municipality.warnings());
        let toml = municipality.to_toml();
        assert_eq!(
            Municipality::from_toml(&toml).unwrap_or_else(|faults| panic!("{toml}\n{faults}")),
            municipality,
            "{name}"
        );
        let json = municipality.to_json();
        assert_eq!(
            Municipality::from_json(&json).unwrap_or_else(|faults| panic!("{json}\n{faults}")),
            municipality,
            "{name}"
        );
    }
}
