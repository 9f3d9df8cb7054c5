//! `optigov slots`: what can be booked.

use std::process::ExitCode;

use chrono::{Days, Utc};
use optigov_availability::{Availability, Interval, Language, SlotsRequest};
use optigov_tool::{slots_by_day_and_counter, terminal_width};

use crate::{
    check::{unusable_setup, with_secrets},
    cli::{Slots, TableFormat},
    failure::Failure,
    files, print,
};

pub(crate) async fn run(arguments: &Slots, language: Language) -> Result<ExitCode, Failure> {
    let municipality = files::usable(&arguments.file, language)?.municipality;
    let zone = municipality.time_zone();
    let now = match arguments.now {
        None => Utc::now(),
        Some(moment) => moment.in_zone(zone).map_err(|_| {
            Failure::unusable(
                "Die Uhren zeigen diese Zeit (--now) an dem Tag nie.",
                "On that day, clocks never show this time (--now).",
            )
        })?,
    };
    let from = arguments.from.unwrap_or_else(|| now.with_timezone(&zone).date_naive());
    let last = from.checked_add_days(Days::new(u64::from(arguments.days) - 1));
    let window = last
        .and_then(|last| Interval::of_dates(from, last, zone).ok())
        .ok_or_else(|| Failure::unusable("Diese Tage liegen zu weit entfernt.", "These days are too far away."))?;
    let builder = with_secrets(
        Availability::for_municipality(municipality.clone()),
        &municipality,
        (arguments.password_file.as_deref(), arguments.password_env.as_deref()),
        language,
    )?;
    let availability = builder.clock(move || now).build().map_err(|error| unusable_setup().caused_by(error))?;
    let mut request = SlotsRequest::new(window);
    if !arguments.counter.is_empty() {
        request = request.counters(&arguments.counter);
    }
    if let Some(template) = &arguments.template {
        request = request.template(template);
    }
    let answer = availability.free_slots(&request).await.map_err(|error| {
        Failure::unusable("Danach kann nicht gefragt werden.", "This cannot be asked for.").caused_by(error)
    })?;
    let answer = answer.in_language(language);
    match arguments.format {
        TableFormat::Json => {
            let json = serde_json::to_string_pretty(&answer).map_err(Failure::unforeseen)?;
            print(&format!("{json}\n"))?;
        }
        TableFormat::Table => print(&slots_by_day_and_counter(&answer, language, terminal_width()))?,
    }
    Ok(ExitCode::from(if answer.is_known() { 0 } else { 3 }))
}
