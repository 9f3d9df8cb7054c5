//! Goes through the connection to Exchange step by step and prints a line each: what works, and what to do where it does not.
//!
//! Without `--config` the demo mailbox of *Musterstadt* is checked in a simulated Exchange; `--wrong-password` shows a refusal, and `--hybrid` checks a mailbox on the
//! own server and one in Exchange Online.
//! Exit status: 0 when every step works, 2 for a bad command line or configuration, 3 when a step fails.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
use chrono::Utc;
use clap::{Parser, ValueEnum};
use optigov_availability::{Availability, ConnectionReport, Language, Mailbox};
use optigov_examples::{demo, failure, language, print, town};

/// Checks the connection to Exchange, from the name's resolution to the calendar.
#[derive(Parser)]
#[command(name = "connection_check")]
struct Arguments {
    /// A municipality's configuration in TOML; without it, the demo municipality in a simulated Exchange.
    #[arg(long, value_name = "FILE", conflicts_with = "wrong_password")]
    config: Option<PathBuf>,
    /// The mailbox to check. Default: the test mailbox of each connection in the configuration.
    #[arg(long, value_name = "ADDRESS")]
    mailbox: Option<String>,
    /// Uses a wrong password in the demo: one attempt, refused at authentication.
    #[arg(long)]
    wrong_password: bool,
    /// A demo with mailboxes on the own server and in Exchange Online.
    #[arg(long, conflicts_with = "config")]
    hybrid: bool,
    /// The language of causes and remedies.
    #[arg(long, value_parser = language(), default_value_t = Language::German)]
    lang: Language,
    /// How the report is printed.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Prints the report as JSON; several as a list. The same as --format json.
    #[arg(long, hide = true)]
    json: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

#[tokio::main]
async fn main() -> ExitCode {
    optigov_examples::log_to_stderr();
    match run(&Arguments::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(3),
        Err(error) => failure::report(&error),
    }
}

async fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    let language = arguments.lang;
    // The simulator serves as long as `demo` lives.
    let (_demo, builder) = match &arguments.config {
        Some(file) => (None, Availability::for_municipality(town::load(file, language)?)),
        None => {
            let demo = match arguments.hybrid {
                true => demo::Demo::start_hybrid(Utc::now(), &[])?,
                false => demo::Demo::start(Utc::now(), &[])?,
            };
            let builder = demo.availability();
            let builder = if arguments.wrong_password { builder.secret("not the password") } else { builder };
            (Some(demo), builder)
        }
    };
    let availability = builder.build()?;
    let municipality = availability.municipality();
    let own = municipality.exchange().and_then(|exchange| exchange.test_mailbox());
    let online = municipality.exchange_online().and_then(|online| online.test_mailbox());
    let mailboxes: Vec<Mailbox> = match &arguments.mailbox {
        Some(address) => vec![address.parse()?],
        None => own.into_iter().chain(online).cloned().collect(),
    };
    if mailboxes.is_empty() {
        bail!("no mailbox: name one with --mailbox, or a test mailbox in the configuration");
    }
    let mut reports = Vec::new();
    for mailbox in &mailboxes {
        reports.push(availability.check_connection(mailbox).await);
    }
    match (arguments.json || arguments.format == Format::Json, &reports[..]) {
        (true, [report]) => print(&format!("{:#}\n", serde_json::json!(report)))?,
        (true, reports) => print(&format!("{:#}\n", serde_json::json!(reports)))?,
        (false, reports) => {
            let texts: Vec<String> = reports.iter().map(|report| report.to_text(language)).collect();
            print(&texts.join("\n"))?;
        }
    }
    Ok(reports.iter().all(ConnectionReport::is_good))
}
