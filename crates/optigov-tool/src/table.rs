//! Slots as a table that people read: by day and counter.

use std::{collections::BTreeMap, fmt::Write as _};

use chrono::{DateTime, Datelike as _, FixedOffset, NaiveDate, Timelike as _};
use comfy_table::{ContentArrangement, Table, presets};
use optigov_availability::{Answer, Language, Status};

use crate::wrapped;

/// So many of something, with the right word: `1 slot`, `2 slots`.
pub fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// The answer's slots by day and counter in a table of so many columns, then how well each counter is known, with warnings.
pub fn slots_by_day_and_counter(answer: &Answer, language: Language, width: usize) -> String {
    let words = Words::of(language);
    let table = slots(answer, words, width);
    let mut out = String::new();
    for counter in &answer.counters {
        let mut line = |text: &str| {
            // Writing to a String does not fail.
            let _ = writeln!(out, "{}: {text}", counter.name);
        };
        let reason = counter.status.reason(language).unwrap_or_default();
        match &counter.status {
            Status::Known => {}
            Status::Stale { age, .. } => line(&format!("{} {reason}", words.stale(age.as_secs()))),
            _ => line(&format!("{}. {reason}", words.unknown)),
        }
        for warning in &counter.warnings {
            line(&warning.message(language));
        }
    }
    table + &wrapped(&out, width)
}

fn slots(answer: &Answer, words: &Words, width: usize) -> String {
    let mut days: BTreeMap<NaiveDate, Vec<Vec<DateTime<FixedOffset>>>> = BTreeMap::new();
    for (at, counter) in answer.counters.iter().enumerate() {
        for slot in counter.slots.iter() {
            let start = slot.start().with_timezone(&counter.zone).fixed_offset();
            let day = days.entry(start.date_naive()).or_insert_with(|| vec![Vec::new(); answer.counters.len()]);
            day[at].push(start);
        }
    }
    if days.is_empty() {
        return format!("{}\n", words.nothing);
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(u16::try_from(width).unwrap_or(u16::MAX)).set_header(words.header);
    for (date, counters) in days {
        let mut day = words.day(date);
        table.add_row([""]);
        for (counter, starts) in answer.counters.iter().zip(counters) {
            table.add_row([std::mem::take(&mut day), counter.name.clone(), starts.len().to_string(), by_hour(&starts)]);
        }
    }
    format!("{}\n\n", table.trim_fmt())
}

/// `08:00 :20 :40  09:00 :20`: each hour once.
fn by_hour(starts: &[DateTime<FixedOffset>]) -> String {
    let mut out = String::new();
    let mut last = None;
    for start in starts {
        // The offset tells the two hours apart that bear one name when the clocks go back.
        let hour = (start.hour(), start.offset().local_minus_utc());
        match last {
            Some(same) if same == hour => out.push_str(&start.format(" :%M").to_string()),
            Some(_) => out.push_str(&start.format("  %H:%M").to_string()),
            None => out.push_str(&start.format("%H:%M").to_string()),
        }
        last = Some(hour);
    }
    out
}

struct Words {
    header: [&'static str; 4],
    weekdays: [&'static str; 7],
    nothing: &'static str,
    stale: [&'static str; 4],
    unknown: &'static str,
}

impl Words {
    fn of(language: Language) -> &'static Words {
        match language {
            Language::English => &ENGLISH,
            _ => &GERMAN,
        }
    }

    /// How old the state is that is shown: in seconds up to two minutes, then in minutes.
    fn stale(&self, seconds: u64) -> String {
        let [before, second, seconds_, minutes] = self.stale;
        let age = match seconds {
            1 => format!("1 {second}"),
            0..=120 => format!("{seconds} {seconds_}"),
            _ => format!("{} {minutes}", seconds / 60),
        };
        before.replace("{}", &age)
    }

    fn day(&self, date: NaiveDate) -> String {
        let weekday = self.weekdays[date.weekday().num_days_from_monday() as usize];
        format!("{weekday} {}", date.format("%d.%m.%Y"))
    }
}

const GERMAN: Words = Words {
    header: ["Tag", "Schalter", "frei", "Beginn"],
    weekdays: ["Mo", "Di", "Mi", "Do", "Fr", "Sa", "So"],
    nothing: "In diesem Zeitraum ist nichts frei.",
    stale: ["Exchange antwortet nicht; es gilt der Stand von vor {}.", "Sekunde", "Sekunden", "Minuten"],
    unknown: "Die Kalender sind nicht bekannt",
};

const ENGLISH: Words = Words {
    header: ["Day", "Counter", "free", "Start"],
    weekdays: ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"],
    nothing: "Nothing is free in this period.",
    stale: ["Exchange does not answer; this is how it was {} ago.", "second", "seconds", "minutes"],
    unknown: "The calendars are not known",
};
