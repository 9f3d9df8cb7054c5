//! The main job, end to end: prints the appointments that can be booked, from calendars read over Exchange Web Services and Microsoft Graph.
//!
//! Without `--config` an Exchange simulator is started on a free loopback port and the demo municipality *Musterstadt* is read from it.
//! Exit status: 0 when every counter asked for is known, 2 for a bad command line or configuration, 3 when a counter is unknown.

use std::fs;
use std::path::PathBuf;
use std::pin::pin;
use std::process::ExitCode;

use anyhow::Context as _;
use chrono::{Days, NaiveDate, Utc};
use chrono_tz::Europe::Berlin;
use clap::{Parser, ValueEnum};
use futures_util::StreamExt as _;
use indicatif::{ProgressBar, ProgressStyle};
use optigov_availability::{Answer, Availability, Interval, Language, Municipality, SlotsRequest};
use optigov_examples::{demo, failure, language, print, town};
use optigov_tool::{Moment, slots_by_day_and_counter, terminal_width};

/// Prints the appointments that can be booked, by day and counter.
#[derive(Parser)]
#[command(name = "free_slots")]
struct Arguments {
    /// A municipality's configuration in TOML; without it, the demo municipality in a simulated Exchange.
    #[arg(long, value_name = "FILE", conflicts_with = "ics")]
    config: Option<PathBuf>,
    /// Puts an iCalendar file (an Outlook or Google export) into a mailbox of the simulated Exchange, in place of its demo entries.
    #[arg(long, value_name = "MAILBOX=FILE", value_parser = mailbox_and_file)]
    ics: Vec<(String, PathBuf)>,
    /// Two of the demo's mailboxes lie in Exchange Online and are read by Microsoft Graph; where is found out.
    #[arg(long, conflicts_with = "config")]
    hybrid: bool,
    /// What counts as now: local time (2026-11-23T08:00) or RFC 3339. Default: the machine's clock.
    #[arg(long, value_name = "TIME")]
    now: Option<Moment>,
    /// The first day. Default: the day of --now in the municipality's zone.
    #[arg(long, value_name = "DATE")]
    from: Option<NaiveDate>,
    /// How many days.
    #[arg(long, value_name = "N", default_value_t = 14, value_parser = clap::value_parser!(u16).range(1..=730))]
    days: u16,
    /// Only these counters. Default: all.
    #[arg(long, value_name = "ID")]
    counter: Vec<String>,
    /// The appointment template to be booked. Default: each counter's first.
    #[arg(long, value_name = "ID")]
    template: Option<String>,
    /// Reads the calendars first, with a progress bar on standard error where that is a terminal.
    #[arg(long)]
    progress: bool,
    /// How the slots are printed.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// The language of reasons, warnings and the table.
    #[arg(long, value_parser = language(), default_value_t = Language::German)]
    lang: Language,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Table,
    Json,
}

#[tokio::main]
async fn main() -> ExitCode {
    optigov_examples::log_to_stderr();
    let arguments = Arguments::parse();
    match run(&arguments).await {
        Ok(answer) if answer.is_known() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(3),
        Err(error) => failure::report(&error),
    }
}

async fn run(arguments: &Arguments) -> anyhow::Result<Answer> {
    let language = arguments.lang;
    let municipality = match &arguments.config {
        Some(file) => Some(town::load(file, language)?),
        None => None,
    };
    let zone = municipality.as_ref().map_or(Berlin, Municipality::time_zone);
    let now = arguments.now.map_or_else(|| Ok(Utc::now()), |now| now.in_zone(zone))?;
    // The simulator serves as long as `demo` lives.
    let (_demo, builder) = match municipality {
        Some(municipality) => (None, Availability::for_municipality(municipality)),
        None => {
            let files = ics_files(&arguments.ics)?;
            let demo = match arguments.hybrid {
                true => demo::Demo::start_hybrid(now, &files)?,
                false => demo::Demo::start(now, &files)?,
            };
            let builder = demo.availability();
            (Some(demo), builder)
        }
    };
    let availability = builder.clock(move || now).build()?;

    let from = arguments.from.unwrap_or_else(|| now.with_timezone(&zone).date_naive());
    let last = from.checked_add_days(Days::new(u64::from(arguments.days) - 1));
    let last = last.context("--from is too late: the calendar ends before the last day")?;
    let window = Interval::of_dates(from, last, zone)?;
    let mut request = SlotsRequest::new(window);
    if !arguments.counter.is_empty() {
        request = request.counters(&arguments.counter);
    }
    if let Some(template) = &arguments.template {
        request = request.template(template);
    }

    if arguments.progress {
        warm(&availability, &arguments.counter, window).await?;
    }
    let answer = availability.free_slots(&request).await?.in_language(language);
    match arguments.format {
        Format::Json => print(&format!("{}\n", serde_json::to_string_pretty(&answer)?))?,
        Format::Table => print(&slots_by_day_and_counter(&answer, language, terminal_width()))?,
    }
    Ok(answer)
}

/// Reads the counters' calendars into the cache and shows how far it is. A calendar that cannot be read is the answer's matter.
async fn warm(availability: &Availability, counters: &[String], window: Interval) -> anyhow::Result<()> {
    let ids: Vec<&str> = counters.iter().map(String::as_str).collect();
    let mut progress = pin!(availability.refresh(&ids, window)?);
    let bar = ProgressBar::new(0).with_style(ProgressStyle::with_template("{bar:40} {pos}/{len} {msg}")?);
    while let Some(progress) = progress.next().await {
        bar.set_length(progress.total as u64);
        bar.set_position((progress.done + progress.failed) as u64);
        if progress.failed > 0 {
            bar.set_message(format!("({} failed)", progress.failed));
        }
    }
    bar.finish_and_clear();
    Ok(())
}

fn mailbox_and_file(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((mailbox, file)) if mailbox.contains('@') && !file.is_empty() => Ok((mailbox.to_owned(), file.into())),
        _ => Err("expected MAILBOX=FILE, such as schalter1@musterstadt.example=calendar.ics".to_owned()),
    }
}

fn ics_files(arguments: &[(String, PathBuf)]) -> anyhow::Result<Vec<(String, Vec<u8>)>> {
    let read = |(mailbox, file): &(String, PathBuf)| {
        let content = fs::read(file).with_context(|| format!("--ics {} cannot be read", file.display()))?;
        Ok((mailbox.clone(), content))
    };
    arguments.iter().map(read).collect()
}
