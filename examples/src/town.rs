//! Loading a municipality from a file, with every fault at once.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, anyhow, bail};
use optigov_availability::Language;
use optigov_counter::{Municipality, decoded};

/// Reads a municipality from a TOML file.
///
/// # Errors
/// Where the file cannot be read, or with every fault in it: place, message, remedy, in `language`.
pub fn load(file: &Path, language: Language) -> anyhow::Result<Municipality> {
    let name = file.display();
    let bytes = fs::read(file).with_context(|| format!("{name} cannot be read"))?;
    let text = decoded(&bytes).map_err(|faults| anyhow!(faults.report(&name.to_string(), "", language)))?;
    match Municipality::from_toml(text) {
        Ok(municipality) => Ok(municipality),
        Err(faults) => bail!("{name} cannot be used:\n\n{}", faults.report(&name.to_string(), text, language)),
    }
}
