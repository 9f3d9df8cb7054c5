//! Works with a configuration file: checks it, prints it back in its canonical form, converts between TOML and JSON, emits the JSON Schema, and shows the
//! opening windows of a counter.
//!
//! ```text
//! cargo run --example counter_config -- check docs/samples/rathaus.toml --lang de
//! cargo run --example counter_config -- print docs/samples/rathaus.toml
//! cargo run --example counter_config -- convert docs/samples/rathaus.toml
//! cargo run --example counter_config -- schema municipality
//! cargo run --example counter_config -- windows docs/samples/rathaus.toml --counter standesamt --from 2027-03-01
//! ```
//!
//! Exit status: 0 when all is well (warnings included), 2 for a bad command line or configuration. Every fault is printed: by `check` on standard output, by the
//! others on standard error.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use chrono::{Datelike, Days, NaiveDate, Utc, Weekday};
use clap::{Parser, Subcommand, ValueEnum};
use comfy_table::{Table, presets};
use optigov_counter::{Counter, Fault, Faults, Language, Municipality, decoded};
use optigov_examples::language;
use optigov_slots::Interval;
use optigov_tool::counted;

/// Checks, prints and converts counter configurations.
#[derive(Parser)]
#[command(name = "counter_config")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// The language of faults and tables.
    #[arg(long, value_parser = language(), default_value_t = Language::English, global = true)]
    lang: Language,
    /// How faults are printed.
    #[arg(long, alias = "faults", global = true, default_value = "text")]
    format: FaultFormat,
}

#[derive(Subcommand)]
enum Command {
    /// Says everything that is wrong with a configuration, and every warning.
    Check { file: PathBuf },
    /// Prints a configuration back in its canonical form and its own notation.
    Print { file: PathBuf },
    /// Prints a TOML configuration as JSON, a JSON one as TOML.
    Convert { file: PathBuf },
    /// Prints the JSON Schema.
    Schema { document: Document },
    /// Shows a counter's opening windows by day.
    Windows {
        file: PathBuf,
        /// The counter's id. Default: every counter.
        #[arg(long)]
        counter: Option<String>,
        /// The template for which hours are shown. Default: the first that the counter serves.
        #[arg(long)]
        template: Option<String>,
        /// The first date. Default: today.
        #[arg(long)]
        from: Option<NaiveDate>,
        /// How many days, 1 to 366.
        #[arg(long, default_value_t = 14, value_parser = clap::value_parser!(u64).range(1..=366))]
        days: u64,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum FaultFormat {
    Text,
    Json,
}

#[derive(Clone, Copy, ValueEnum)]
enum Document {
    Municipality,
    Counter,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let (output, status) = match run(&arguments) {
        Ok(output) => (output, ExitCode::SUCCESS),
        Err(failure) => (failure, ExitCode::from(2)),
    };
    let to_stdout = status == ExitCode::SUCCESS || matches!(arguments.command, Command::Check { .. });
    let written = match to_stdout {
        true => io::stdout().lock().write_all(output.as_bytes()),
        false => io::stderr().lock().write_all(output.as_bytes()),
    };
    // Nobody is left to tell if it cannot be written.
    if written.is_ok() { status } else { ExitCode::FAILURE }
}

/// What is to be printed, or what went wrong.
fn run(arguments: &Arguments) -> Result<String, String> {
    match &arguments.command {
        Command::Schema { document: Document::Municipality } => Ok(Municipality::schema()),
        Command::Schema { document: Document::Counter } => Ok(Counter::schema()),
        Command::Check { file } => {
            let (municipality, text) = read(file, arguments)?;
            let told = report(&municipality.warnings(), &file.display().to_string(), &text, arguments);
            let (counters, warnings) = (municipality.counters().count(), municipality.warnings().len());
            Ok(told
                + &match arguments.lang {
                    Language::German => {
                        let warnings = counted(warnings, "Warnung", "Warnungen");
                        format!("{}: in Ordnung, {counters} Schalter, {warnings}\n", municipality.name())
                    }
                    _ => {
                        let counters = counted(counters, "counter", "counters");
                        let warnings = counted(warnings, "warning", "warnings");
                        format!("{}: fine, {counters}, {warnings}\n", municipality.name())
                    }
                })
        }
        Command::Print { file } => {
            let (municipality, _) = read(file, arguments)?;
            Ok(if is_json(file) { municipality.to_json() + "\n" } else { municipality.to_toml() })
        }
        Command::Convert { file } => {
            let (municipality, _) = read(file, arguments)?;
            Ok(if is_json(file) { municipality.to_toml() } else { municipality.to_json() + "\n" })
        }
        Command::Windows { file, counter, template, from, days } => {
            let (municipality, _) = read(file, arguments)?;
            let counters: Vec<&Arc<Counter>> = match counter {
                None => municipality.counters().collect(),
                Some(id) => match municipality.counter(id) {
                    Some(counter) => vec![counter],
                    None => {
                        let known: Vec<&str> = municipality.counters().map(|counter| counter.id().as_str()).collect();
                        let known = known.join(", ");
                        return Err(format!("there is no counter {id}; there are: {known}\n"));
                    }
                },
            };
            let from = from.unwrap_or_else(|| Utc::now().with_timezone(&municipality.time_zone()).date_naive());
            counters
                .into_iter()
                .map(|counter| windows(&municipality, counter, template.as_deref(), from, *days, arguments.lang))
                .collect()
        }
    }
}

/// The configuration of a file and its text, or all its faults.
fn read(file: &Path, arguments: &Arguments) -> Result<(Municipality, String), String> {
    let name = file.display().to_string();
    let bytes = std::fs::read(file).map_err(|error| format!("cannot read {name}: {error}\n"))?;
    let told = |faults: Faults, text| report(&faults.into_iter().collect::<Vec<_>>(), &name, text, arguments);
    let text = decoded(&bytes).map_err(|faults| told(faults, ""))?;
    let read = if is_json(file) { Municipality::from_json(text) } else { Municipality::from_toml(text) };
    read.map(|municipality| (municipality, text.to_owned())).map_err(|faults| told(faults, text))
}

fn report(faults: &[Fault], file: &str, text: &str, arguments: &Arguments) -> String {
    match arguments.format {
        FaultFormat::Text => {
            let told: Vec<String> = faults.iter().map(|fault| fault.report(file, text, arguments.lang)).collect();
            told.join("\n")
        }
        FaultFormat::Json => {
            serde_json::to_string_pretty(faults).map_or_else(|error| error.to_string(), |json| json + "\n")
        }
    }
}

fn is_json(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"))
}

/// A counter's opening windows as a table, a day a row.
fn windows(
    municipality: &Municipality,
    counter: &Counter,
    template: Option<&str>,
    from: NaiveDate,
    days: u64,
    lang: Language,
) -> Result<String, String> {
    let served = match template {
        Some(id) => counter.templates().iter().find(|served| served.as_str() == id),
        None => counter.templates().first(),
    };
    let template = served.and_then(|id| municipality.template(id.as_str()));
    let Some(template) = template else {
        let served: Vec<&str> = counter.templates().iter().map(|id| id.as_str()).collect();
        return Err(format!("counter {} serves: {}\n", counter.id(), served.join(", ")));
    };
    let zone = counter.time_zone().unwrap_or(municipality.time_zone());
    let last = from.checked_add_days(Days::new(days - 1)).unwrap_or(from);
    let window = Interval::of_dates(from, last, zone).map_err(|error| error.to_string())?;
    let open = counter.open_windows(municipality, template, window);
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    table.set_header(match lang {
        Language::German => vec!["Tag", "Geöffnet", "Anmerkung"],
        _ => vec!["day", "open", "note"],
    });
    let holidays: Vec<_> = (from.year()..=last.year()).flat_map(|year| municipality.holidays(year)).collect();
    for date in from.iter_days().take_while(|date| *date <= last) {
        let hours: Vec<String> = open
            .windows()
            .iter()
            .map(|open| (open.start().with_timezone(&zone), open.end().with_timezone(&zone)))
            .filter(|(start, _)| start.date_naive() == date)
            .map(|(start, end)| format!("{}–{}", start.format("%H:%M"), end.format("%H:%M")))
            .collect();
        let holiday = holidays.iter().filter(|holiday| holiday.date() == date).filter_map(|holiday| holiday.name());
        let reasons = counter.exceptions().iter().filter(|exception| !exception.dates(date, date).is_empty());
        let notes: Vec<&str> = holiday.chain(reasons.filter_map(|exception| exception.reason())).collect();
        let closed = if hours.is_empty() { "–".to_owned() } else { hours.join(", ") };
        table.add_row([
            format!("{} {}", weekday(date.weekday(), lang), date.format("%Y-%m-%d")),
            closed,
            notes.join("; "),
        ]);
    }
    Ok(format!("{} ({}), {}\n{table}\n", counter.name(), counter.id(), template.label()))
}

fn weekday(day: Weekday, lang: Language) -> &'static str {
    let (de, en) = match day {
        Weekday::Mon => ("Mo", "Mon"),
        Weekday::Tue => ("Di", "Tue"),
        Weekday::Wed => ("Mi", "Wed"),
        Weekday::Thu => ("Do", "Thu"),
        Weekday::Fri => ("Fr", "Fri"),
        Weekday::Sat => ("Sa", "Sat"),
        Weekday::Sun => ("So", "Sun"),
    };
    match lang {
        Language::German => de,
        _ => en,
    }
}
