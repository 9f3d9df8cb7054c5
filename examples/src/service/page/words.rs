//! Dates and times as they are read in German.

use chrono::{DateTime, Datelike as _, NaiveDate, Utc};
use chrono_tz::Tz;
use optigov_counter::{Recurrence, Weekdays};

const WEEKDAYS: [&str; 7] = ["Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"];
const MONTHS: [&str; 12] = [
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
];

/// `Dienstag`.
pub(super) fn weekday(date: NaiveDate) -> &'static str {
    WEEKDAYS[date.weekday().num_days_from_monday() as usize]
}

/// `24. November`.
pub(super) fn day(date: NaiveDate) -> String {
    format!("{}. {}", date.day(), MONTHS[date.month0() as usize])
}

/// `Dienstag, 24. November 2026`.
pub(super) fn long(date: NaiveDate) -> String {
    format!("{}, {} {}", weekday(date), day(date), date.year())
}

/// `November 2026`.
pub(super) fn month(date: NaiveDate) -> String {
    format!("{} {}", MONTHS[date.month0() as usize], date.year())
}

/// `08:20`.
pub(super) fn clock(instant: DateTime<Utc>, zone: Tz) -> String {
    instant.with_timezone(&zone).format("%H:%M").to_string()
}

/// An instant for an address.
pub(super) fn for_address(instant: DateTime<Utc>) -> String {
    instant.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// `1 Termin frei`, `7 Termine frei`.
pub(super) fn free(count: usize) -> String {
    if count == 1 { "1 Termin frei".to_owned() } else { format!("{count} Termine frei") }
}

/// The weekdays as the configuration writes them (`Mon-Fri, Sun`), in German.
pub(super) fn days(weekdays: Weekdays) -> String {
    const WORDS: [(&str, &str); 7] =
        [("Mon", "Mo"), ("Tue", "Di"), ("Wed", "Mi"), ("Thu", "Do"), ("Fri", "Fr"), ("Sat", "Sa"), ("Sun", "So")];
    WORDS.iter().fold(weekdays.to_string(), |text, (english, german)| text.replace(english, german)).replace('-', "–")
}

/// In which weeks hours recur; empty where in all.
pub(super) fn recurrence(recurrence: Recurrence) -> String {
    match recurrence {
        Recurrence::EveryWeeks { weeks, .. } => format!(" (alle {weeks} Wochen)"),
        Recurrence::NthOfMonth(nth) => format!(" (jeweils der {nth}. im Monat)"),
        Recurrence::LastOfMonth => " (jeweils der letzte im Monat)".to_owned(),
        _ => String::new(),
    }
}
