//! Loading a municipality from a file, with every fault at once.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use optigov_availability::Language;
use optigov_counter::Municipality;

use crate::Failure;

/// Reads a municipality from a TOML file.
///
/// # Errors
/// Where the file cannot be read, or with every fault in it: place, message, remedy, in `language`.
pub fn load(file: &Path, language: Language) -> Result<Municipality, Failure> {
    let name = file.display();
    let text = fs::read_to_string(file).map_err(|error| Failure::usage(format!("{name}: {error}")))?;
    Municipality::from_toml(&text).map_err(|faults| {
        let mut lines = format!("{name} cannot be used:");
        for fault in faults.iter() {
            // Writing to a String does not fail.
            let _ = write!(lines, "\n  {}", fault.describe(language));
        }
        Failure::usage(lines)
    })
}
