//! `optigov config`: checks, converts and explains configurations.

use std::{path::PathBuf, process::ExitCode};

use optigov_availability::Language;
use optigov_counter::{Counter, Fault, Municipality};
use optigov_tool::counted;
use serde_json::json;

use crate::{
    cli::{Config, Document, Notation, TextFormat},
    explain,
    failure::Failure,
    files::{self, Unread, is_json},
    print,
};

pub(crate) fn run(arguments: &Config, language: Language) -> Result<ExitCode, Failure> {
    match arguments {
        Config::Check { files, format } => check(files, *format, language),
        Config::Convert { file, to } => {
            let municipality = files::usable(file, language)?.municipality;
            let other = if is_json(file) { Notation::Toml } else { Notation::Json };
            print(&match to.unwrap_or(other) {
                Notation::Toml => municipality.to_toml(),
                Notation::Json => municipality.to_json() + "\n",
            })?;
            Ok(ExitCode::SUCCESS)
        }
        Config::Schema { document } => {
            print(&match document {
                Document::Municipality => Municipality::schema(),
                Document::Counter => Counter::schema(),
            })?;
            Ok(ExitCode::SUCCESS)
        }
        Config::Explain { file, counter, from, days } => {
            let municipality = files::usable(file, language)?.municipality;
            print(&explain::text(&municipality, counter, *from, *days, language)?)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Everything that is wrong with each file, on standard output: it is what was asked for.
fn check(files: &[PathBuf], format: TextFormat, language: Language) -> Result<ExitCode, Failure> {
    let (mut out, mut reports, mut refused) = (Vec::new(), Vec::new(), false);
    for file in files {
        let name = file.display().to_string();
        let (faults, text, end): (Vec<Fault>, String, String) = match files::read(file) {
            Ok(read) => {
                let warnings = read.municipality.warnings();
                let (counters, count) = (read.municipality.counter_count(), warnings.len());
                let end = match language {
                    Language::English => format!(
                        "{name}: fine, {}, {}\n",
                        counted(counters, "counter", "counters"),
                        counted(count, "warning", "warnings")
                    ),
                    _ => {
                        format!("{name}: in Ordnung, {counters} Schalter, {}\n", counted(count, "Warnung", "Warnungen"))
                    }
                };
                (warnings, read.text, end)
            }
            Err(Unread::File(failure)) => return Err(failure),
            Err(Unread::Faults(faults, text)) => {
                refused = true;
                let count = faults.errors().count();
                let end = match language {
                    Language::English => format!("{name}: refused, {}\n", counted(count, "error", "errors")),
                    _ => format!("{name}: abgelehnt, {} Fehler\n", count),
                };
                (faults.into_iter().collect(), text, end)
            }
        };
        let told = faults.iter().map(|fault| fault.report(&name, &text, language));
        out.push(told.chain([end]).collect::<Vec<_>>().join("\n"));
        reports.push(json!({ "file": name, "good": !faults.iter().any(|fault| fault.severity() == optigov_counter::Severity::Error), "faults": faults }));
    }
    match format {
        TextFormat::Text => print(&out.join("\n"))?,
        TextFormat::Json => print(&format!("{:#}\n", json!(reports)))?,
    }
    Ok(ExitCode::from(if refused { 2 } else { 0 }))
}
