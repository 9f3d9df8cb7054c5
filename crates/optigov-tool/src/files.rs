//! Configurations from files.

use std::{fs, path::Path};

use optigov_availability::Language;
use optigov_counter::{Faults, Municipality, decoded};

use crate::failure::Failure;

/// A configuration as it was read.
pub(crate) struct Configuration {
    pub(crate) municipality: Municipality,
    /// The text of the file, in which its warnings stand.
    pub(crate) text: String,
}

/// Why a file is no configuration.
pub(crate) enum Unread {
    /// It cannot be read.
    File(Failure),
    /// Everything that is wrong with it, and its text as far as it is one.
    Faults(Faults, String),
}

/// Whether a file holds JSON, by its name.
pub(crate) fn is_json(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"))
}

/// Reads a configuration, TOML or JSON.
pub(crate) fn read(file: &Path) -> Result<Configuration, Unread> {
    let name = file.display();
    let bytes = fs::read(file).map_err(|cause| {
        let german = format!("{name} kann nicht gelesen werden.");
        Unread::File(Failure::unusable(german, format!("{name} cannot be read.")).caused_by(cause))
    })?;
    let text = decoded(&bytes).map_err(|faults| Unread::Faults(faults, String::new()))?;
    let read = if is_json(file) { Municipality::from_json(text) } else { Municipality::from_toml(text) };
    match read {
        Ok(municipality) => Ok(Configuration { municipality, text: text.to_owned() }),
        Err(faults) => Err(Unread::Faults(faults, text.to_owned())),
    }
}

/// Reads a configuration that is to be used; what is wrong with it ends the command.
pub(crate) fn usable(file: &Path, language: Language) -> Result<Configuration, Failure> {
    read(file).map_err(|unread| match unread {
        Unread::File(failure) => failure,
        Unread::Faults(faults, text) => {
            let name = file.display().to_string();
            let head = match language {
                Language::English => format!("{name} cannot be used."),
                _ => format!("{name} ist nicht verwendbar."),
            };
            Failure::told(format!("{head}\n\n{}", faults.report(&name, &text, language)))
        }
    })
}
