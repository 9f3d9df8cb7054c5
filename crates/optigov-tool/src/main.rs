//! The administrator's tool: `optigov check`, `slots`, `config` and `simulate`.
//!
//! Exit status: 0 when all is well, 1 for what was not foreseen, 2 for a command line or configuration that cannot be used, 3 when a step of the connection check fails
//! or a counter's calendars are not known.

mod check;
mod cli;
mod config;
mod explain;
mod failure;
mod files;
mod generate;
mod german;
mod language;
mod password;
mod simulate;
mod slots;
mod usage;

use std::{io::Write as _, process::ExitCode};

use clap::FromArgMatches as _;

use crate::{
    cli::{Command, Tool},
    failure::Failure,
};

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<std::ffi::OsString> = std::env::args_os().collect();
    let language = language::wanted(&arguments);
    let parsed =
        usage::command(language).try_get_matches_from(&arguments).and_then(|matches| Tool::from_arg_matches(&matches));
    let tool = match parsed {
        Ok(tool) => tool,
        Err(error) => return usage::end(&error, language),
    };
    log_to_stderr();
    let ended = match &tool.command {
        Command::Check(arguments) => check::run(arguments, language).await,
        Command::Slots(arguments) => slots::run(arguments, language).await,
        Command::Config(arguments) => config::run(arguments, language),
        Command::Simulate(arguments) => simulate::run(arguments, language).await,
        Command::Generate(arguments) => generate::run(arguments, language),
    };
    match ended {
        Ok(status) => status,
        Err(failure) => failure.report(language),
    }
}

/// Sends log lines to standard error: none unless `RUST_LOG` asks for them.
fn log_to_stderr() {
    use tracing_subscriber::EnvFilter;
    if let Ok(filter) = EnvFilter::try_from_default_env() {
        drop(tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init());
    }
}

/// Writes to standard output; a reader that went away is no failure.
fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Failure::unforeseen(error)),
        _ => Ok(()),
    }
}
