//! No text makes the reader panic; what it accepts is the same after being written and read again, in both notations; what it refuses says why, where, and
//! how to mend it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use optigov_counter::{Counter, Faults, Language, Municipality, Severity};

fuzz_target!(|text: &str| {
    for read in [Municipality::from_toml, Municipality::from_json] {
        match read(text) {
            Ok(municipality) => {
                let toml = Municipality::from_toml(&municipality.to_toml()).expect("what we wrote as TOML");
                assert_eq!(toml, municipality);
                let json = Municipality::from_json(&municipality.to_json()).expect("what we wrote as JSON");
                assert_eq!(json, municipality);
            }
            Err(faults) => complete(&faults, text),
        }
    }
    match Counter::from_json(text) {
        Ok(counter) => assert_eq!(Counter::from_json(&counter.to_json()).expect("what we wrote"), counter),
        Err(faults) => complete(&faults, text),
    }
});

fn complete(faults: &Faults, text: &str) {
    assert!(faults.errors().count() > 0);
    let lines = text.split('\n').count();
    for fault in faults.iter() {
        assert!(fault.line().is_some_and(|line| (1..=lines).contains(&(line as usize))), "{fault}");
        assert!(fault.column().is_some_and(|column| column >= 1), "{fault}");
        assert!(matches!(fault.severity(), Severity::Error | Severity::Warning));
        for language in [Language::German, Language::English] {
            assert!(!fault.message(language).is_empty() && !fault.remedy(language).is_empty());
        }
    }
}
