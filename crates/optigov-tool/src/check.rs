//! `optigov check`: the connection check.

use std::process::ExitCode;

use optigov_availability::{Availability, AvailabilityBuilder, ConnectionReport, Language, Mailbox, StepOutcome};
use optigov_counter::{Fault, Municipality, SecretReference};
use optigov_tool::{terminal_width, wrapped};
use serde_json::{Map, Value, json};

use crate::{
    cli::{Check, Connection, TextFormat},
    failure::Failure,
    files,
    password::{OF_THE_ACCOUNT, OF_THE_APPLICATION, OF_THE_PROXY, password},
    print,
};

pub(crate) async fn run(arguments: &Check, language: Language) -> Result<ExitCode, Failure> {
    let municipality = match &arguments.config {
        Some(file) => files::usable(file, language)?.municipality,
        None => described(&arguments.connection, language)?,
    };
    let mailbox = mailbox(arguments, &municipality)?;
    let builder = with_secrets(
        Availability::for_municipality(municipality.clone()),
        &municipality,
        (arguments.password_file.as_deref(), arguments.password_env.as_deref()),
        language,
    )?;
    let availability = builder.build().map_err(|error| unusable_setup().caused_by(error))?;
    let report = availability.check_connection(&mailbox).await;
    match arguments.format {
        TextFormat::Json => print(&format!("{:#}\n", json!(report)))?,
        TextFormat::Text => print(&wrapped(&text(&report, language), terminal_width()))?,
    }
    Ok(ExitCode::from(if report.is_good() { 0 } else { 3 }))
}

/// The facade with the secrets that the configuration leaves to whoever uses it.
pub(crate) fn with_secrets(
    mut builder: AvailabilityBuilder,
    municipality: &Municipality,
    (file, variable): (Option<&std::path::Path>, Option<&str>),
    language: Language,
) -> Result<AvailabilityBuilder, Failure> {
    if municipality.exchange_online().and_then(|online| online.secret()) == Some(&SecretReference::Provided) {
        builder = builder.online_secret(password(None, None, OF_THE_APPLICATION, language)?);
    }
    let Some(exchange) = municipality.exchange() else { return Ok(builder) };
    let asked_for = *exchange.secret() == SecretReference::Provided && exchange.keytab().is_none();
    if asked_for || file.is_some() || variable.is_some() {
        builder = builder.secret(password(file, variable, OF_THE_ACCOUNT, language)?);
    }
    if exchange.proxy_secret() == Some(&SecretReference::Provided) {
        builder = builder.proxy_secret(password(None, None, OF_THE_PROXY, language)?);
    }
    Ok(builder)
}

pub(crate) fn unusable_setup() -> Failure {
    Failure::unusable("Die Verbindung ist so nicht verwendbar.", "The connection cannot be used like this.")
}

fn mailbox(arguments: &Check, municipality: &Municipality) -> Result<Mailbox, Failure> {
    let of_exchange = municipality.exchange().and_then(|exchange| exchange.test_mailbox());
    let of_online = municipality.exchange_online().and_then(|online| online.test_mailbox());
    arguments.mailbox.as_ref().or(of_exchange).or(of_online).cloned().ok_or_else(|| {
        Failure::unusable(
            "Es ist kein Postfach genannt. Bitte --mailbox angeben oder in der Konfiguration „test_mailbox“.",
            "No mailbox is named. Give --mailbox, or test_mailbox in the configuration.",
        )
    })
}

/// The report in words, with how it ended in the first line that counts: the last.
fn text(report: &ConnectionReport, language: Language) -> String {
    let failed = report.steps().iter().find(|step| step.outcome() == StepOutcome::Failed);
    let warned = report.steps().iter().any(|step| step.outcome() == StepOutcome::Warning);
    let end = match (language, failed, warned) {
        (Language::English, None, false) => "The calendar can be read.".to_owned(),
        (Language::English, None, true) => "The calendar can be read; see the warnings above.".to_owned(),
        (Language::English, Some(step), _) => {
            format!("The check ended at step {} ({}).", step.step().number(), step.step().name().in_language(language))
        }
        (_, None, false) => "Der Kalender ist lesbar.".to_owned(),
        (_, None, true) => "Der Kalender ist lesbar; bitte die Hinweise oben beachten.".to_owned(),
        (_, Some(step), _) => {
            format!(
                "Die Prüfung endete bei Schritt {} ({}).",
                step.step().number(),
                step.step().name().in_language(language)
            )
        }
    };
    format!("{}\n{end}\n", report.to_text(language))
}

/// A municipality with the connection of the command line and nothing else.
fn described(connection: &Connection, language: Language) -> Result<Municipality, Failure> {
    let mut exchange = Map::new();
    let texts = [
        ("url", &connection.url),
        ("account", &connection.account),
        ("negotiate", &connection.negotiate),
        ("access", &connection.access),
        ("realm", &connection.realm),
        ("service_name", &connection.service_name),
        ("keytab", &connection.keytab),
        ("ca_file", &connection.ca_file),
        ("proxy", &connection.proxy),
        ("proxy_account", &connection.proxy_account),
        ("resolve_to", &connection.resolve_to),
        ("local_address", &connection.local_address),
    ];
    exchange.insert("authentication".to_owned(), json!(connection.authentication));
    for (key, text) in texts {
        if let Some(text) = text {
            exchange.insert(key.to_owned(), json!(text));
        }
    }
    if !connection.kdc.is_empty() {
        exchange.insert("kdcs".to_owned(), json!(connection.kdc));
    }
    if connection.keytab.is_none() {
        exchange.insert("secret".to_owned(), json!("provided"));
    }
    if connection.proxy_account.is_some() {
        exchange.insert("proxy_secret".to_owned(), json!("provided"));
    }
    for (key, value) in &connection.settings {
        exchange.insert(key.replace('-', "_"), setting(value));
    }
    let document = json!({ "name": "optigov check", "exchange": exchange });
    Municipality::from_json(&document.to_string()).map_err(|faults| {
        let told: Vec<String> = faults.errors().map(|fault| told(fault, language)).collect();
        Failure::told(told.join("\n        "))
    })
}

/// A setting's value: a number or a truth value where it looks like one, else a text.
fn setting(text: &str) -> Value {
    match serde_json::from_str(text) {
        Ok(value @ (Value::Bool(_) | Value::Number(_))) => value,
        _ => json!(text),
    }
}

/// A fault with the option in place of the key.
fn told(fault: &Fault, language: Language) -> String {
    let path = fault.path();
    let key = path.strip_prefix("exchange.").unwrap_or(&path);
    let key = key.split(['[', '.']).next().unwrap_or_default();
    let option = match key {
        "kdcs" => "--kdc".to_owned(),
        key => format!("--{}", key.replace('_', "-")),
    };
    format!("{option}: {} {}", fault.message(language), fault.remedy(language))
}
