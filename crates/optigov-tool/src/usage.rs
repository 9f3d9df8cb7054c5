//! Help and errors of the command line in both languages. clap speaks English alone.

use std::{error::Error as _, io::Write as _, process::ExitCode};

use clap::{
    Arg, ArgAction, Command, CommandFactory as _,
    error::{ContextKind, ContextValue, ErrorKind},
};
use optigov_availability::Language;

use crate::{cli::Tool, german};

const GERMAN_STATUS: &str = "\
Ende mit Status:
  0  alles in Ordnung
  1  etwas Unvorhergesehenes
  2  Befehlszeile oder Konfiguration nicht verwendbar
  3  check: ein Schritt ist fehlgeschlagen; slots: Kalender eines Schalters sind nicht bekannt

Das Kennwort wird erfragt und dabei nicht angezeigt; auf der Befehlszeile steht es nie.";

const ENGLISH_STATUS: &str = "\
Exit status:
  0  all is well
  1  something unforeseen
  2  the command line or a configuration cannot be used
  3  check: a step failed; slots: the calendars of a counter are not known

The password is asked for and not shown; it never stands on the command line.";

const GERMAN_EXAMPLES: &str = "\
Beispiele:
  optigov check --url https://mail.musterstadt.example/EWS/Exchange.asmx \\
      --account 'STADT\\svc-optigov' --mailbox demo@musterstadt.example
  optigov check --config stadt.toml --format json";

const ENGLISH_EXAMPLES: &str = "\
Examples:
  optigov check --url https://mail.musterstadt.example/EWS/Exchange.asmx \\
      --account 'STADT\\svc-optigov' --mailbox demo@musterstadt.example
  optigov check --config town.toml --format json";

/// The command line with its texts in a language.
pub(crate) fn command(language: Language) -> Command {
    let (status, examples) = match language {
        Language::English => (ENGLISH_STATUS, ENGLISH_EXAMPLES),
        _ => (GERMAN_STATUS, GERMAN_EXAMPLES),
    };
    let command = Tool::command().max_term_width(80).after_help(status).disable_help_subcommand(true);
    let command = command.mut_subcommand("check", |check| check.after_help(format!("{examples}\n\n{status}")));
    match language {
        Language::English => command,
        _ => in_german(command, ""),
    }
}

fn in_german(mut command: Command, path: &str) -> Command {
    let named = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path} {name}") };
    command = command
        .disable_help_flag(true)
        .disable_version_flag(true)
        .disable_help_subcommand(true)
        .subcommand_help_heading("Befehle")
        .subcommand_value_name("BEFEHL")
        .help_template("{about-with-newline}\nAufruf: {usage}\n\n{all-args}{after-help}");
    if let Some(about) = german::text(if path.is_empty() { "optigov" } else { path }) {
        command = command.about(about).long_about(None::<&str>);
    }
    command = command.mut_args(|argument| {
        let id = argument.get_id().to_string();
        let text = german::text(&named(&id)).unwrap_or_default();
        let default: Vec<String> =
            argument.get_default_values().iter().map(|value| value.to_string_lossy().into_owned()).collect();
        let shown = default.is_empty() || argument.get_action().takes_values() && default == ["false"];
        let text = if shown { text.to_owned() } else { format!("{text} [Voreinstellung: {}]", default.join(", ")) };
        let heading = if argument.is_positional() { "Argumente" } else { "Optionen" };
        let placeholders: Vec<String> = argument
            .get_value_names()
            .map(|names| names.iter().map(|name| german::placeholder(name).to_owned()).collect())
            .unwrap_or_else(|| vec![german::placeholder(&id.to_uppercase()).to_owned()]);
        let argument = argument.help(text).help_heading(heading);
        if argument.get_action().takes_values() {
            argument.value_names(placeholders).hide_default_value(true).hide_possible_values(true)
        } else {
            argument
        }
    });
    let help = Arg::new("help").short('h').long("help").action(ArgAction::Help).help_heading("Optionen");
    command = command.arg(help.help(german::text("help").unwrap_or_default()));
    if path.is_empty() {
        let version =
            Arg::new("version").short('V').long("version").action(ArgAction::Version).help_heading("Optionen");
        command = command.arg(version.help(german::text("version").unwrap_or_default()));
    }
    command = command.mut_subcommands(|sub| {
        let name = named(sub.get_name());
        in_german(sub, &name)
    });
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage:").trim().replace("[OPTIONS]", "[OPTIONEN]");
    let usage = match path {
        "" => usage,
        path => usage.replacen(path.rsplit(' ').next().unwrap_or_default(), &format!("optigov {path}"), 1),
    };
    command.override_usage(usage)
}

/// Prints what clap ended with: help and version on standard output, an error on standard error.
pub(crate) fn end(error: &clap::Error, language: Language) -> ExitCode {
    let is_help = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    let german = language == Language::German && !is_help;
    let missing_command = error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand;
    let text = match german && !missing_command {
        true => german_error(error),
        false => error.render().to_string().trim_end().to_owned() + "\n",
    };
    // Without a terminal there is nobody to tell.
    let _ = match is_help {
        true => std::io::stdout().write_all(text.as_bytes()),
        false => std::io::stderr().write_all(text.as_bytes()),
    };
    ExitCode::from(if is_help { 0 } else { 2 })
}

fn german_error(error: &clap::Error) -> String {
    let get = |kind: ContextKind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => texts.join(", "),
        Some(ContextValue::StyledStr(text)) => text.to_string(),
        Some(ContextValue::Number(number)) => number.to_string(),
        _ => String::new(),
    };
    let (argument, value) = (get(ContextKind::InvalidArg), get(ContextKind::InvalidValue));
    let said = match error.kind() {
        ErrorKind::UnknownArgument => format!("Die Angabe „{argument}“ ist hier nicht vorgesehen."),
        ErrorKind::InvalidSubcommand => {
            format!("Den Befehl „{}“ gibt es nicht.", get(ContextKind::InvalidSubcommand))
        }
        ErrorKind::MissingSubcommand => "Es fehlt ein Befehl.".to_owned(),
        ErrorKind::MissingRequiredArgument => format!("Es fehlt: {argument}"),
        ErrorKind::ArgumentConflict if get(ContextKind::PriorArg) == argument => {
            format!("„{argument}“ darf nur einmal angegeben werden.")
        }
        ErrorKind::ArgumentConflict => {
            format!("„{argument}“ und „{}“ schließen sich aus.", get(ContextKind::PriorArg))
        }
        ErrorKind::InvalidValue if value.is_empty() => format!("Zu „{argument}“ fehlt der Wert."),
        ErrorKind::InvalidValue => {
            format!("„{value}“ ist für „{argument}“ nicht möglich. Möglich ist: {}", get(ContextKind::ValidValue))
        }
        ErrorKind::ValueValidation => {
            let why = error.source().map(|why| format!(" {}", in_german_words(&why.to_string()))).unwrap_or_default();
            format!("„{value}“ ist für „{argument}“ nicht möglich.{why}")
        }
        ErrorKind::TooManyValues | ErrorKind::WrongNumberOfValues | ErrorKind::TooFewValues => {
            format!("Zu „{argument}“ gehört genau ein Wert.")
        }
        ErrorKind::InvalidUtf8 => "Die Befehlszeile enthält Zeichen, die kein UTF-8 sind.".to_owned(),
        _ => "Die Befehlszeile ist so nicht verwendbar.".to_owned(),
    };
    let mut text = format!("Fehler: {said}\n");
    let suggested = [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand, ContextKind::SuggestedValue].map(get);
    if let Some(suggested) = suggested.iter().find(|suggested| !suggested.is_empty()) {
        text += &format!("\n  Ist „{suggested}“ gemeint?\n");
    }
    text + "\nMehr sagt „optigov --help“, oder zu einem Befehl „optigov BEFEHL --help“.\n"
}

/// clap's own reasons are about numbers; ours are in the reader's language already.
fn in_german_words(why: &str) -> String {
    match why.split_once(" is not in ") {
        Some((_, range)) => format!("Möglich ist {}.", range.replace("..=", " bis ")),
        None if why.contains("invalid digit") => "Das ist keine ganze Zahl.".to_owned(),
        None => why.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn each(command: &Command, path: &str, visit: &mut dyn FnMut(&str)) {
        visit(if path.is_empty() { "optigov" } else { path });
        let named = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path} {name}") };
        for argument in command.get_arguments() {
            visit(&named(argument.get_id().as_str()));
        }
        for sub in command.get_subcommands() {
            each(sub, &named(sub.get_name()), visit);
        }
    }

    #[test]
    fn every_command_and_argument_has_a_german_text() {
        each(&Tool::command(), "", &mut |name| assert!(german::text(name).is_some(), "{name} has no German text"));
    }

    #[test]
    fn the_german_help_and_errors_have_no_english_words() {
        fn helps(command: &mut Command, all: &mut String) {
            all.push_str(&command.render_long_help().to_string());
            command.get_subcommands_mut().for_each(|sub| helps(sub, all));
        }
        let mut all = String::new();
        helps(&mut command(Language::German), &mut all);
        let tries: [&[&str]; 9] = [
            &["optigov", "chek"],
            &["optigov", "check", "--ur", "x"],
            &["optigov", "check"],
            &["optigov", "slots", "a.toml", "--days", "0"],
            &["optigov", "slots", "a.toml", "--days", "x"],
            &["optigov", "slots", "a.toml", "--format", "xml"],
            &["optigov", "config", "convert"],
            &["optigov", "check", "--config", "a", "--url", "b"],
            &["optigov", "check", "--password-file"],
        ];
        for words in tries {
            let error = command(Language::German).try_get_matches_from(words).expect_err("not a command line");
            assert_ne!(error.kind(), ErrorKind::DisplayHelp);
            all.push_str(&german_error(&error));
        }
        for english in
            ["Usage", "Options", "OPTIONS", "Commands", "default", "possible", "required", "error", "Print", " the "]
        {
            assert!(!all.contains(english), "{english:?} is in\n{all}");
        }
    }

    #[test]
    fn nothing_on_the_command_line_takes_a_password() {
        each(&Tool::command(), "", &mut |name| {
            let takes = ["password", "secret", "token"].iter().any(|word| name.ends_with(word));
            assert!(!takes, "{name}");
        });
    }
}
