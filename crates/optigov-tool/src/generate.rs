//! `optigov generate`: manual pages and shell completions, for packages.

use std::{fs, path::Path, process::ExitCode};

use clap::Command;
use clap_complete::{Shell, generate_to};
use clap_mangen::Man;
use optigov_availability::Language;

use crate::{cli::Generate, failure::Failure, usage};

pub(crate) fn run(arguments: &Generate, _: Language) -> Result<ExitCode, Failure> {
    let folder = &arguments.folder;
    write(folder).map_err(|cause| {
        let shown = folder.display();
        let german = format!("In {shown} kann nicht geschrieben werden.");
        Failure::unusable(german, format!("{shown} cannot be written to.")).caused_by(cause)
    })?;
    Ok(ExitCode::SUCCESS)
}

fn write(folder: &Path) -> std::io::Result<()> {
    let completions = folder.join("completions");
    fs::create_dir_all(&completions)?;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        generate_to(shell, &mut usage::command(Language::English), "optigov", &completions)?;
    }
    for (language, folder) in
        [(Language::English, folder.join("man")), (Language::German, folder.join("man").join("de"))]
    {
        fs::create_dir_all(&folder)?;
        pages(usage::command(language), "optigov", language, &folder)?;
    }
    Ok(())
}

/// The page of a command, and those of its commands.
fn pages(command: Command, name: &str, language: Language, folder: &Path) -> std::io::Result<()> {
    for sub in command.get_subcommands() {
        let name = format!("{name}-{}", sub.get_name());
        pages(sub.clone().bin_name(name.replace('-', " ")), &name, language, folder)?;
    }
    let command = command.name(name.to_owned()).display_name(name.to_owned()).version(env!("CARGO_PKG_VERSION"));
    let mut page = Vec::new();
    Man::new(command).title(name.to_uppercase()).manual("optiGov").render(&mut page)?;
    let mut page = String::from_utf8_lossy(&page).into_owned();
    if language == Language::German {
        for (english, german) in HEADINGS {
            page = page.replace(&format!(".SH {english}\n"), &format!(".SH {german}\n"));
            page = page.replace(&format!(".SH \"{english}\"\n"), &format!(".SH \"{german}\"\n"));
        }
    }
    fs::write(folder.join(format!("{name}.1")), page)
}

const HEADINGS: [(&str, &str); 8] = [
    ("NAME", "BEZEICHNUNG"),
    ("SYNOPSIS", "ÜBERSICHT"),
    ("DESCRIPTION", "BESCHREIBUNG"),
    ("OPTIONS", "OPTIONEN"),
    ("SUBCOMMANDS", "BEFEHLE"),
    ("EXTRA", "ENDE UND BEISPIELE"),
    ("ARGUMENTS", "ARGUMENTE"),
    ("VERSION", "VERSION"),
];
