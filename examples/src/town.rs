//! Loading a municipality from a file, with every fault at once.

use std::fs;
use std::path::Path;

use optigov_availability::Language;
use optigov_counter::Municipality;

use anyhow::{Context as _, bail};

/// Reads a municipality from a TOML file.
///
/// # Errors
/// Where the file cannot be read, or with every fault in it: place, message, remedy, in `language`.
pub fn load(file: &Path, language: Language) -> anyhow::Result<Municipality> {
    let name = file.display();
    let text = fs::read_to_string(file).with_context(|| format!("{name} cannot be read"))?;
    match Municipality::from_toml(&text) {
        Ok(municipality) => Ok(municipality),
        Err(faults) => {
            let lines: Vec<String> = faults.iter().map(|fault| format!("\n  {}", fault.describe(language))).collect();
            bail!("{name} cannot be used:{}", lines.concat())
        }
    }
}
