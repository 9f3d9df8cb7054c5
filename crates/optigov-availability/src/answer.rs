//! What is answered: per counter how well its calendars are known, the bookable slots, and what the caller should hear of.

mod days;
mod document;
mod json;
mod local_time;

use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use optigov_calendar::{Language, ReadError, Text};
use optigov_slots::{Slot, Slots};
use serde::{Deserialize, Serialize};

pub(crate) use self::local_time::local;
pub use self::{days::DayCounts, json::JsonChunks};

/// The answer to a [`SlotsRequest`](crate::SlotsRequest), one part per counter, in the order asked.
///
/// It serialises as it is, with reasons and warnings in the language of [`in_language`](Self::in_language), German by default:
///
/// ```json
/// { "now": "2026-11-24T07:00:00+01:00",
///   "counters": [ { "id": "eins", "name": "Schalter 1", "template": "pass", "status": "known", "reason": null,
///                   "slots": [ { "start": "2026-11-24T08:00:00+01:00", "end": "2026-11-24T08:20:00+01:00" } ], "warnings": [] } ] }
/// ```
///
/// A counter whose status is `stale` has an `age_seconds`, too. Every slot is listed: for one counter and some days, not for years.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Answer {
    /// The instant that counted as now.
    pub now: DateTime<Utc>,
    /// The municipality's zone, in which `now` is written.
    pub zone: Tz,
    /// One part per counter asked for.
    pub counters: Vec<CounterAnswer>,
    /// The language of the texts when the answer is serialised.
    pub(crate) language: Language,
}

/// What can be booked at one counter, and how well that is known. It serialises as it does within an [`Answer`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CounterAnswer {
    /// The counter's id.
    pub id: String,
    /// The counter's name.
    pub name: String,
    /// The counter's zone, in which its slots are written.
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
    /// The language of the texts when the answer is serialised.
    pub(crate) language: Language,
}

/// The first bookable slot of the counters asked for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FirstFree {
    /// How well the calendars are known, and what a list would say of the part of the window that was gone through: there, the slot is the first, and
    /// nothing is missing. The part may reach a good way beyond the slot.
    pub answer: Answer,
    /// The counter's place in the answer, and the slot.
    first: Option<(usize, Slot)>,
}

/// A slot and the counter at which it can be booked.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct FreeSlot<'a> {
    /// The counter's answer.
    pub counter: &'a CounterAnswer,
    /// The slot.
    pub slot: Slot,
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
    /// Why: everything that is known of it.
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

impl Answer {
    /// The same answer with its texts in `language` when it is serialised.
    pub fn in_language(mut self, language: Language) -> Answer {
        self.language = language;
        self.counters.iter_mut().for_each(|counter| counter.language = language);
        self
    }

    /// The part of the counter with this id.
    pub fn counter(&self, id: &str) -> Option<&CounterAnswer> {
        self.counters.iter().find(|counter| counter.id == id)
    }

    /// The slots of all counters in time order, made one by one.
    pub fn in_time_order(&self) -> impl Iterator<Item = FreeSlot<'_>> + '_ {
        let slots = self.counters.iter().map(|counter| (counter, &counter.slots));
        optigov_slots::merge(slots).map(|(counter, slot)| FreeSlot { counter, slot })
    }

    /// Whether every counter asked for is known.
    pub fn is_known(&self) -> bool {
        self.counters.iter().all(|counter| counter.status.is_known())
    }
}

/// An answer about this counter alone, in its language and its zone.
impl From<CounterAnswer> for Answer {
    fn from(counter: CounterAnswer) -> Answer {
        Answer { now: counter.slots.now(), zone: counter.zone, language: counter.language, counters: vec![counter] }
    }
}

impl FirstFree {
    pub(crate) fn of(answer: Answer) -> FirstFree {
        let places = answer.counters.iter().enumerate().map(|(place, counter)| (place, &counter.slots));
        let first = optigov_slots::merge(places).next();
        FirstFree { answer, first }
    }

    /// The first slot and its counter; `None` where there is none.
    pub fn slot(&self) -> Option<FreeSlot<'_>> {
        let (place, slot) = self.first?;
        Some(FreeSlot { counter: &self.answer.counters[place], slot })
    }
}

impl CounterAnswer {
    /// The same answer with its texts in `language` when it is serialised.
    pub fn in_language(self, language: Language) -> CounterAnswer {
        CounterAnswer { language, ..self }
    }

    /// How many slots begin on each local day of the window, in order: a month's overview. Days without any are there, with 0.
    pub fn counts_per_day(&self) -> impl Iterator<Item = (NaiveDate, usize)> + '_ {
        self.slots.counts_per_day()
    }
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

    /// The calendars that could not be read; empty where all were.
    pub fn unread(&self) -> &[Unread] {
        match self {
            Status::Known => &[],
            Status::Stale { unread, .. } | Status::Unknown { unread } => unread,
        }
    }

    /// Why calendars could not be read: for each everything that is known, with the remedy, on a line of its own. `None` where all were read.
    pub fn reason(&self, language: Language) -> Option<String> {
        let lines: Vec<String> = self.unread().iter().map(|unread| unread.describe(language)).collect();
        (!lines.is_empty()).then(|| lines.join("\n"))
    }
}

impl Unread {
    /// Which mailbox, and everything that is known of why it could not be read.
    pub fn describe(&self, language: Language) -> String {
        format!("exchange_sync.mailboxes[{}]: {}", self.mailbox, self.error.describe(language))
    }
}

impl Warning {
    pub(crate) fn counted(code: WarningCode, count: u32) -> Option<Warning> {
        (count > 0).then_some(Warning { code, count })
    }

    /// The warning in words.
    pub fn message(&self, language: Language) -> String {
        self.text().in_language(language).to_owned()
    }

    fn text(&self) -> Text {
        let (count, one) = (self.count, self.count == 1);
        match self.code {
            WarningCode::AllDayIgnored if one => Text::fixed(
                "1 ganztägiger Eintrag blockiert nicht: Beginn und Ende mit Uhrzeit eintragen, damit er blockiert",
                "1 all-day entry ignored: give it a start and an end time to block",
            ),
            WarningCode::AllDayIgnored => Text::new(
                format!(
                    "{count} ganztägige Einträge blockieren nicht: Beginn und Ende mit Uhrzeit eintragen, damit sie blockieren"
                ),
                format!("{count} all-day entries ignored: give them a start and an end time to block"),
            ),
            WarningCode::GuessedAllDayIgnored if one => Text::fixed(
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
