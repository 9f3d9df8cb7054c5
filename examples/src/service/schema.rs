//! The form of the answers that the facade writes itself, for the description of the interface.

use chrono::{DateTime, FixedOffset, NaiveDate};
use serde::Deserialize;
use utoipa::ToSchema;

/// The bookable slots of a counter, as of an instant.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SlotList {
    /// The instant that counted as now.
    pub now: DateTime<FixedOffset>,
    /// The counter's part: always one.
    pub counters: Vec<CounterSlots>,
}

/// What can be booked at one counter, and how well that is known.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CounterSlots {
    /// The counter's id.
    pub id: String,
    /// The counter's name.
    pub name: String,
    /// The id of the appointment template.
    pub template: String,
    /// How well the calendars are known: `known`, `stale` or `unknown`.
    #[schema(example = "known")]
    pub status: String,
    /// Why calendars could not be read; for administrators.
    pub reason: Option<String>,
    /// How old the reading is that serves, where it is `stale`.
    pub age_seconds: Option<u64>,
    /// The slots, in the order of time.
    pub slots: Vec<SlotTime>,
    /// What a clerk should hear of.
    pub warnings: Vec<Warning>,
}

/// One slot, in the counter's local time.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SlotTime {
    /// When it starts.
    pub start: DateTime<FixedOffset>,
    /// When it ends.
    pub end: DateTime<FixedOffset>,
}

/// Something that a clerk should hear of, with how often it occurred.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Warning {
    /// Its name for programs.
    pub code: String,
    /// How often.
    pub count: u32,
    /// The warning in words.
    pub message: String,
}

/// One day of a month.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DayOverview {
    /// The date.
    pub date: NaiveDate,
    /// How many slots begin on it.
    pub free: u32,
    /// `free`, or why nothing is: `closed`, `holiday`, `too_short`, `outside_horizon`, `lead_time`, `full`, `unknown`.
    #[schema(example = "closed")]
    pub state: String,
}

/// How a booking at one instant stands.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    /// The instant that was asked about, in the counter's local time.
    pub start: DateTime<FixedOffset>,
    /// Whether an appointment can be booked then.
    pub bookable: bool,
    /// The slot, where it can.
    pub slot: Option<SlotTime>,
    /// How well the calendars are known: `known`, `stale` or `unknown`.
    pub status: String,
    /// Why calendars could not be read; for administrators.
    pub reason: Option<String>,
    /// Why it cannot be booked.
    pub reasons: Vec<Reason>,
}

/// Why an appointment cannot start at an instant. Beside these two, it has the data of its code.
#[derive(Debug, Deserialize, ToSchema)]
pub struct Reason {
    /// Its name for programs.
    #[schema(example = "busy")]
    pub code: String,
    /// The reason in words.
    pub message: String,
}
