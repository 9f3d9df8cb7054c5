//! What is answered: per counter how well its calendars are known, the bookable slots, and what the caller should hear of.

use std::time::Duration;

use chrono::{DateTime, FixedOffset, NaiveDate, SubsecRound as _, Utc};
use chrono_tz::Tz;
use optigov_slots::{Slot, Slots};
use serde::{Deserialize, Serialize};

use crate::source::ReadError;
use crate::text::{Language, Text};

/// The answer to a [`SlotsRequest`](crate::SlotsRequest), one part per counter, in the order asked.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Answer {
    /// The instant that counted as now.
    pub now: DateTime<Utc>,
    /// The municipality's zone, in which [`report`](Self::report) writes `now`.
    pub zone: Tz,
    /// One part per counter asked for.
    pub counters: Vec<CounterAnswer>,
}

/// What can be booked at one counter, and how well that is known.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CounterAnswer {
    /// The counter's id.
    pub id: String,
    /// The counter's name.
    pub name: String,
    /// The counter's zone, in which [`Answer::report`] writes its slots.
    pub zone: Tz,
    /// The id of the template that the slots are for.
    pub template: String,
    /// How well the calendars behind the counter are known.
    pub status: Status,
    /// The bookable slots: the engine's view. Empty where the calendars are unknown and the operator did not choose `ignore`.
    pub slots: Slots,
    /// What an administrator or a clerk should hear of.
    pub warnings: Vec<Warning>,
    /// When the oldest calendar that counted was read; `None` where none was.
    pub read_at: Option<DateTime<Utc>>,
}

/// How well the calendars behind a counter are known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Status {
    /// All that count were read, or Exchange sync is off.
    Known,
    /// Exchange does not answer; an older reading serves, as the operator chose.
    Stale {
        /// How old the oldest reading that serves is.
        age: Duration,
        /// Why it could not be read anew.
        unread: Vec<Unread>,
    },
    /// At least one calendar that counts could not be read.
    Unknown {
        /// Which, and why.
        unread: Vec<Unread>,
    },
}

/// A mailbox of a counter whose calendar could not be read, named by its place in the counter's entry and never by its address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Unread {
    /// Its index in the counter's `exchange_sync.mailboxes`.
    pub mailbox: usize,
    /// Why.
    pub error: ReadError,
}

/// Something that the answer's reader should know, with how often it occurred.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Warning {
    /// What.
    pub code: WarningCode,
    /// How often: entries for the all-day codes, mailboxes for the others. Never 0.
    pub count: u32,
}

/// What a [`Warning`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WarningCode {
    /// All-day entries in the window that the blocking policy ignored.
    AllDayIgnored,
    /// Entries from midnight to midnight that were taken for all-day and ignored: free/busy mode cannot tell.
    GuessedAllDayIgnored,
    /// Mailboxes that could not be read and count as busy throughout, since enough others are known.
    CalendarCountedBusy,
    /// Mailboxes that could not be read and count as free throughout, since the operator chose `ignore`.
    CalendarIgnored,
}

impl Status {
    /// Whether every calendar that counts was read.
    pub fn is_known(&self) -> bool {
        matches!(self, Status::Known)
    }

    /// Whether an older reading serves.
    pub fn is_stale(&self) -> bool {
        matches!(self, Status::Stale { .. })
    }

    /// Whether a calendar that counts could not be read.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Status::Unknown { .. })
    }

    /// `known`, `stale` or `unknown`.
    pub fn as_str(&self) -> &'static str {
        match self {
            Status::Known => "known",
            Status::Stale { .. } => "stale",
            Status::Unknown { .. } => "unknown",
        }
    }

    /// Why calendars could not be read, with the remedy; `None` where all were.
    pub fn reason(&self, language: Language) -> Option<String> {
        let unread = match self {
            Status::Known => return None,
            Status::Stale { unread, .. } | Status::Unknown { unread } => unread,
        };
        let lines: Vec<String> = unread.iter().map(|unread| unread.describe(language)).collect();
        Some(lines.join("\n"))
    }
}

impl Unread {
    fn describe(&self, language: Language) -> String {
        let (message, remedy) = (self.error.message(), self.error.remedy());
        let place = self.mailbox;
        format!("exchange_sync.mailboxes[{place}]: {} {}", message.in_language(language), remedy.in_language(language))
    }
}

impl Warning {
    pub(crate) fn counted(code: WarningCode, count: u32) -> Option<Self> {
        (count > 0).then_some(Warning { code, count })
    }

    /// The warning in words.
    pub fn message(&self, language: Language) -> String {
        self.text().in_language(language).to_owned()
    }

    fn text(&self) -> Text {
        let (count, one) = (self.count, self.count == 1);
        match self.code {
            WarningCode::AllDayIgnored if one => Text::new(
                "1 ganztägiger Eintrag blockiert nicht: Beginn und Ende mit Uhrzeit eintragen, damit er blockiert",
                "1 all-day entry ignored: give it a start and an end time to block",
            ),
            WarningCode::AllDayIgnored => Text::new(
                format!(
                    "{count} ganztägige Einträge blockieren nicht: Beginn und Ende mit Uhrzeit eintragen, damit sie blockieren"
                ),
                format!("{count} all-day entries ignored: give them a start and an end time to block"),
            ),
            WarningCode::GuessedAllDayIgnored if one => Text::new(
                "1 Eintrag von Mitternacht bis Mitternacht gilt als ganztägig und blockiert nicht (Annahme: ohne Einsicht in die Termine ist das nicht sicher)",
                "1 entry from midnight to midnight taken for all-day and ignored (a guess: free/busy access cannot tell)",
            ),
            WarningCode::GuessedAllDayIgnored => Text::new(
                format!(
                    "{count} Einträge von Mitternacht bis Mitternacht gelten als ganztägig und blockieren nicht (Annahme: ohne Einsicht in die Termine ist das nicht sicher)"
                ),
                format!(
                    "{count} entries from midnight to midnight taken for all-day and ignored (a guess: free/busy access cannot tell)"
                ),
            ),
            WarningCode::CalendarCountedBusy => Text::new(
                format!("Kalender nicht lesbar ({count}): gilt als durchgehend belegt"),
                format!("calendar not read ({count}): counted as busy throughout"),
            ),
            WarningCode::CalendarIgnored => Text::new(
                format!(
                    "Kalender nicht lesbar ({count}): wird wie eingestellt nicht berücksichtigt, es gelten nur die Öffnungszeiten"
                ),
                format!("calendar not read ({count}): left out as configured, only the opening hours count"),
            ),
        }
    }
}

/// An [`Answer`] as plain data in one language, to be written as JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Report {
    /// The instant that counted as now, in whole seconds and the municipality's zone.
    pub now: DateTime<FixedOffset>,
    /// One part per counter.
    pub counters: Vec<CounterReport>,
}

/// A [`CounterAnswer`] as plain data in one language.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CounterReport {
    /// The counter's id.
    pub id: String,
    /// The counter's name.
    pub name: String,
    /// The id of the template that the slots are for.
    pub template: String,
    /// `known`, `stale` or `unknown`.
    pub status: String,
    /// Why calendars could not be read; null where all were.
    pub reason: Option<String>,
    /// The age in seconds of the oldest reading that serves, where the status is `stale`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub age_seconds: Option<u64>,
    /// The bookable slots, in the counter's zone.
    pub slots: Vec<SlotReport>,
    /// What the reader should know.
    pub warnings: Vec<WarningReport>,
}

/// One bookable slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SlotReport {
    /// When the appointment begins.
    pub start: DateTime<FixedOffset>,
    /// When it ends, without buffer.
    pub end: DateTime<FixedOffset>,
}

/// A [`Warning`] with its words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct WarningReport {
    /// What it is about.
    pub code: WarningCode,
    /// How often.
    pub count: u32,
    /// The warning in words.
    pub message: String,
}

impl Answer {
    /// The answer as plain data, with reasons and warnings in `language`. It lists every slot: for one counter and some days, not for years.
    pub fn report(&self, language: Language) -> Report {
        Report {
            now: self.now.trunc_subsecs(0).with_timezone(&self.zone).fixed_offset(),
            counters: self.counters.iter().map(|counter| counter.report(language)).collect(),
        }
    }

    /// The slots of all counters in time order, made one by one, each with its counter's place in [`counters`](Self::counters).
    pub fn in_time_order(&self) -> impl Iterator<Item = (usize, Slot)> + '_ {
        optigov_slots::merge(self.counters.iter().enumerate().map(|(at, counter)| (at, &counter.slots)))
    }

    /// Whether every counter asked for is known.
    pub fn is_known(&self) -> bool {
        self.counters.iter().all(|counter| counter.status.is_known())
    }
}

impl CounterAnswer {
    /// How many slots begin on each local day of the window, in order: a month's overview. Days without any are there, with 0.
    pub fn counts_per_day(&self) -> impl Iterator<Item = (NaiveDate, usize)> + '_ {
        self.slots.counts_per_day()
    }

    /// This counter's part as plain data, with reasons and warnings in `language`.
    pub fn report(&self, language: Language) -> CounterReport {
        let local = |instant: DateTime<Utc>| instant.with_timezone(&self.zone).fixed_offset();
        let age = match self.status {
            Status::Stale { age, .. } => Some(age.as_secs()),
            _ => None,
        };
        CounterReport {
            id: self.id.clone(),
            name: self.name.clone(),
            template: self.template.clone(),
            status: self.status.as_str().to_owned(),
            reason: self.status.reason(language),
            age_seconds: age,
            slots: self
                .slots
                .iter()
                .map(|slot| SlotReport { start: local(slot.start()), end: local(slot.end()) })
                .collect(),
            warnings: self.warnings.iter().map(|warning| warning.report(language)).collect(),
        }
    }
}

impl Warning {
    fn report(&self, language: Language) -> WarningReport {
        WarningReport { code: self.code, count: self.count, message: self.message(language) }
    }
}
