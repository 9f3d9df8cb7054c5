//! The command line. Its texts are English here; `german.rs` has the German ones.

use std::path::PathBuf;

use chrono::NaiveDate;
use clap::{Args, Parser, Subcommand, ValueEnum};
use optigov_availability::{Language, Mailbox};
use optigov_tool::Moment;

use crate::language::spoken;

/// Checks a connection to Exchange, prints free slots, checks and explains configurations, simulates an Exchange
#[derive(Parser)]
#[command(name = "optigov", version, subcommand_required = true)]
pub(crate) struct Tool {
    #[command(subcommand)]
    pub(crate) command: Command,
    /// The language of everything that is printed: de or en. Default: the locale's
    #[arg(long, value_name = "LANGUAGE", value_parser = clap::builder::PossibleValuesParser::new(["de", "en"]), global = true, hide_possible_values = true)]
    pub(crate) lang: Option<String>,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Goes through the connection to Exchange step by step, and says what to do where it fails
    Check(Box<Check>),
    /// Prints the appointments that can be booked
    Slots(Slots),
    /// Checks, converts and explains configurations, prints their JSON Schema
    #[command(subcommand)]
    Config(Config),
    /// Simulates an Exchange on a free port of this machine, prints its addresses as JSON, and ends with the program that started it
    Simulate(Simulate),
    /// Writes manual pages and shell completions into a folder
    Generate(Generate),
}

/// Goes through the connection to Exchange step by step, and says what to do where it fails
#[derive(Args)]
pub(crate) struct Check {
    /// A municipality's configuration, TOML or JSON; without it, the options below say everything
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The mailbox to check. Default: the configuration's test mailbox
    #[arg(long, value_name = "ADDRESS", value_parser = mailbox)]
    pub(crate) mailbox: Option<Mailbox>,
    /// A file whose first line is the password; without it, the password is asked for
    #[arg(long, value_name = "FILE", conflicts_with = "password_env")]
    pub(crate) password_file: Option<PathBuf>,
    /// The environment variable that holds the password
    #[arg(long, value_name = "NAME")]
    pub(crate) password_env: Option<String>,
    /// How the report is printed: text or json
    #[arg(long, value_enum, default_value_t = TextFormat::Text)]
    pub(crate) format: TextFormat,
    #[command(flatten)]
    pub(crate) connection: Connection,
}

/// A connection as in `[exchange]` of a configuration.
#[derive(Args)]
pub(crate) struct Connection {
    /// The address of Exchange Web Services, such as https://mail.musterstadt.example/EWS/Exchange.asmx
    #[arg(long, value_name = "URL", conflicts_with = "config", required_unless_present = "config")]
    pub(crate) url: Option<String>,
    /// The service account: 'DOMAIN\user' (in single quotes) or user@domain
    #[arg(long, value_name = "ACCOUNT", conflicts_with = "config")]
    pub(crate) account: Option<String>,
    /// How it signs in: kerberos, ntlm, negotiate, basic or bearer
    #[arg(long, value_name = "SCHEME", default_value = "negotiate", conflicts_with = "config")]
    pub(crate) authentication: String,
    /// What negotiate permits: ntlm, kerberos or both
    #[arg(long, value_name = "WHAT", conflicts_with = "config")]
    pub(crate) negotiate: Option<String>,
    /// How calendars are read: impersonation or free_busy
    #[arg(long, value_name = "ACCESS", conflicts_with = "config")]
    pub(crate) access: Option<String>,
    /// Kerberos: the account's realm
    #[arg(long, value_name = "REALM", conflicts_with = "config")]
    pub(crate) realm: Option<String>,
    /// Kerberos: a domain controller; may be given several times
    #[arg(long, value_name = "HOST", conflicts_with = "config")]
    pub(crate) kdc: Vec<String>,
    /// Kerberos: the server's service principal name
    #[arg(long, value_name = "NAME", conflicts_with = "config")]
    pub(crate) service_name: Option<String>,
    /// Kerberos: a keytab file in place of the password
    #[arg(long, value_name = "FILE", conflicts_with = "config")]
    pub(crate) keytab: Option<String>,
    /// A file with root certificates to trust besides the system's, PEM or DER
    #[arg(long, value_name = "FILE", conflicts_with = "config")]
    pub(crate) ca_file: Option<String>,
    /// A proxy: http://host:port, socks5://host:port or socks5h://host:port
    #[arg(long, value_name = "URL", conflicts_with = "config")]
    pub(crate) proxy: Option<String>,
    /// The user name for the proxy; its password is asked for
    #[arg(long, value_name = "NAME", conflicts_with = "config", requires = "proxy")]
    pub(crate) proxy_account: Option<String>,
    /// The IP address of the server, where the name cannot be resolved
    #[arg(long, value_name = "IP", conflicts_with = "config")]
    pub(crate) resolve_to: Option<String>,
    /// The local IP address to connect from, such as the tunnel's
    #[arg(long, value_name = "IP", conflicts_with = "config")]
    pub(crate) local_address: Option<String>,
    /// Any other key of [exchange], as KEY=VALUE; may be given several times
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = key_and_value, conflicts_with = "config")]
    pub(crate) settings: Vec<(String, String)>,
}

/// Prints the appointments that can be booked
#[derive(Args)]
pub(crate) struct Slots {
    /// A municipality's configuration, TOML or JSON
    pub(crate) file: PathBuf,
    /// The point in time that counts as now: local time or RFC 3339. Default: the machine's clock
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub(crate) now: Option<Moment>,
    /// The first day. Default: today
    #[arg(long, value_name = "DATE", value_parser = date)]
    pub(crate) from: Option<NaiveDate>,
    /// How many days, 1 to 730
    #[arg(long, value_name = "N", default_value_t = 14, value_parser = clap::value_parser!(u16).range(1..=730))]
    pub(crate) days: u16,
    /// Only this counter; may be given several times. Default: all
    #[arg(long, value_name = "ID")]
    pub(crate) counter: Vec<String>,
    /// The appointment template. Default: each counter's first
    #[arg(long, value_name = "ID")]
    pub(crate) template: Option<String>,
    /// A file whose first line is the password, where the configuration does not say where it is; without it, the password is asked for
    #[arg(long, value_name = "FILE", conflicts_with = "password_env")]
    pub(crate) password_file: Option<PathBuf>,
    /// The environment variable that holds the password
    #[arg(long, value_name = "NAME")]
    pub(crate) password_env: Option<String>,
    /// How the slots are printed: table or json
    #[arg(long, value_enum, default_value_t = TableFormat::Table)]
    pub(crate) format: TableFormat,
}

/// Checks, converts and explains configurations, prints their JSON Schema
#[derive(Subcommand)]
pub(crate) enum Config {
    /// Says everything that is wrong with configurations, and every warning
    Check {
        /// Configurations, TOML or JSON
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// How faults are printed: text or json
        #[arg(long, value_enum, default_value_t = TextFormat::Text)]
        format: TextFormat,
    },
    /// Prints a configuration in its canonical form, in the other notation or in one that is named
    Convert {
        /// A configuration, TOML or JSON
        file: PathBuf,
        /// The notation: toml or json. Default: the other one
        #[arg(long, value_enum)]
        to: Option<Notation>,
    },
    /// Prints the JSON Schema of a municipality or of a counter's own document
    Schema {
        /// What of: municipality or counter
        #[arg(value_enum, default_value_t = Document::Municipality)]
        document: Document,
    },
    /// Says in sentences what a configuration means, with the opening hours of the coming days
    Explain {
        /// A configuration, TOML or JSON
        file: PathBuf,
        /// Only this counter; may be given several times. Default: all
        #[arg(long, value_name = "ID")]
        counter: Vec<String>,
        /// The first day. Default: today
        #[arg(long, value_name = "DATE", value_parser = date)]
        from: Option<NaiveDate>,
        /// How many days, 1 to 366
        #[arg(long, value_name = "N", default_value_t = 14, value_parser = clap::value_parser!(u16).range(1..=366))]
        days: u16,
    },
}

/// Simulates an Exchange on a free port of this machine, prints its addresses as JSON, and ends with the program that started it
#[derive(Args)]
pub(crate) struct Simulate {
    /// A scenario in TOML. Default: the demo town Musterstadt
    pub(crate) file: Option<PathBuf>,
    /// Where the simulator's root certificate is written. Default: a temporary file
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,
    /// Go on when the program that started it has ended
    #[arg(long)]
    pub(crate) stay: bool,
}

/// Writes manual pages and shell completions into a folder
#[derive(Args)]
pub(crate) struct Generate {
    /// The folder
    pub(crate) folder: PathBuf,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TextFormat {
    Text,
    Json,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TableFormat {
    Table,
    Json,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Notation {
    Toml,
    Json,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Document {
    Municipality,
    Counter,
}

fn told(german: &str, english: &str) -> String {
    match spoken() {
        Language::English => english.to_owned(),
        _ => german.to_owned(),
    }
}

fn mailbox(text: &str) -> Result<Mailbox, String> {
    text.parse::<Mailbox>().map_err(|invalid| {
        let (message, remedy) = (invalid.message().clone(), invalid.remedy());
        format!("{} {}", message.in_language(spoken()), remedy.in_language(spoken()))
    })
}

fn moment(text: &str) -> Result<Moment, String> {
    text.parse().map_err(|_| {
        told(
            "Bitte eine Ortszeit wie „2026-11-23T08:00“ oder einen Zeitpunkt nach RFC 3339 angeben.",
            "Give a local time such as 2026-11-23T08:00, or a point in time by RFC 3339.",
        )
    })
}

fn date(text: &str) -> Result<NaiveDate, String> {
    let forms = ["%Y-%m-%d", "%d.%m.%Y"];
    forms.iter().find_map(|form| NaiveDate::parse_from_str(text, form).ok()).ok_or_else(|| {
        told(
            "Bitte ein Datum wie „2026-12-24“ oder „24.12.2026“ angeben.",
            "Give a date such as 2026-12-24 or 24.12.2026.",
        )
    })
}

fn key_and_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err(told("Bitte SCHLÜSSEL=WERT angeben, etwa timeout=60s.", "Give KEY=VALUE, such as timeout=60s.")),
    }
}
