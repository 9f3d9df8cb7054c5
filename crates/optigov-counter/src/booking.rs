//! How a counter is booked.

use std::time::Duration;

use optigov_slots::Anchor;
use serde::Serialize;

use crate::fault::{Code, Fault, Texts};
use crate::template::span_within_a_day;
use crate::text::reader::{Read, Reader, deserialize_by_reading, read_table, text, whole_number, word};
use crate::text::value::Value;
use crate::values::{Days, LeadTime, Span, TimeOfDay};

/// How a counter is booked: the grid of starts, how early and how late, what is kept free around appointments, and how many there may be on a day.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct BookingRules {
    /// From one possible start to the next. Default: the length of one concern.
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<Span>,
    /// What steps are counted from: "window_start" (default), "midnight", or "back_to_back".
    #[serde(skip_serializing_if = "Option::is_none")]
    anchor: Option<StepAnchor>,
    /// How long before its start an appointment can be booked at the latest: exactly (24h) or in civil days (1d). Default: 0min.
    #[serde(skip_serializing_if = "Option::is_none")]
    lead_time: Option<LeadTime>,
    /// How many civil days after today can be booked. Default: 60d.
    #[serde(skip_serializing_if = "Option::is_none")]
    horizon: Option<Days>,
    /// The time of day at which the horizon moves on by a day. Default: 00:00.
    #[serde(skip_serializing_if = "Option::is_none")]
    release_at: Option<TimeOfDay>,
    /// Free time kept before an appointment. Default: 0min.
    #[serde(skip_serializing_if = "Option::is_none")]
    buffer_before: Option<Span>,
    /// Free time kept after an appointment. Default: 0min.
    #[serde(skip_serializing_if = "Option::is_none")]
    buffer_after: Option<Span>,
    /// The greatest number of appointments that begin on a day, 1 to 10000. Default: no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    day_limit: Option<DayLimit>,
}

impl BookingRules {
    /// From one possible start to the next. `None`: the length of one concern.
    pub fn step(&self) -> Option<Duration> {
        self.step.map(Span::duration)
    }

    /// What the steps are counted from. Default: the start of each opening window.
    pub fn anchor(&self) -> Anchor {
        self.anchor.unwrap_or_default().0
    }

    /// How long before its start an appointment can be booked at the latest. Default: up to the start.
    pub fn lead_time(&self) -> LeadTime {
        self.lead_time.unwrap_or_default()
    }

    /// How many civil days after today can be booked, 0 to 3660. Default: 60.
    pub fn horizon_days(&self) -> u16 {
        self.horizon.unwrap_or(Days::new(60)).count()
    }

    /// The time of day at which the horizon moves on by a day. Default: midnight.
    pub fn release_at(&self) -> TimeOfDay {
        self.release_at.unwrap_or_default()
    }

    /// Free time kept before an appointment. Default: none.
    pub fn buffer_before(&self) -> Duration {
        self.buffer_before.unwrap_or_default().duration()
    }

    /// Free time kept after an appointment. Default: none.
    pub fn buffer_after(&self) -> Duration {
        self.buffer_after.unwrap_or_default().duration()
    }

    /// The greatest number of appointments that begin on a day of the counter's zone. Default: no limit.
    pub fn day_limit(&self) -> Option<u32> {
        self.day_limit.map(|limit| limit.0)
    }

    /// Whether nothing within the horizon can be booked with this lead time.
    pub(crate) fn horizon_ends_before(&self, lead_time: LeadTime) -> bool {
        match lead_time {
            LeadTime::Days(days) => days > self.horizon_days(),
            // The horizon ends with its last day.
            LeadTime::Exact(length) => length.as_secs() >= (u64::from(self.horizon_days()) + 1) * 86_400,
        }
    }
}

read_table!(BookingRules {
    step: optional, anchor: optional, lead_time: optional, horizon: optional, release_at: optional,
    buffer_before: optional, buffer_after: optional, day_limit: optional,
} checked);

deserialize_by_reading!(BookingRules);

/// The engine's [`Anchor`] in the words of the format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct StepAnchor(Anchor);

impl Read for StepAnchor {
    fn read(value: &Value<'_>, reader: &mut Reader) -> Option<Self> {
        let text = text(value, reader)?;
        word(text, &ANCHORS).map(StepAnchor).map_err(|fault| reader.fault(fault)).ok()
    }
}

impl Serialize for StepAnchor {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let word = ANCHORS.iter().find(|(_, anchor)| *anchor == self.0).map_or(ANCHORS[0].0, |(word, _)| word);
        serializer.serialize_str(word)
    }
}

impl schemars::JsonSchema for StepAnchor {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "StepAnchor".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let words = ANCHORS.map(|(word, _)| word);
        schemars::json_schema!({ "description": "What steps are counted from.", "enum": words })
    }
}

const ANCHORS: [(&str, Anchor); 3] =
    [("window_start", Anchor::WindowStart), ("midnight", Anchor::LocalMidnight), ("back_to_back", Anchor::BackToBack)];

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(transparent)]
struct DayLimit(#[schemars(range(min = 1, max = 10000))] u32);

impl Read for DayLimit {
    fn read(value: &Value<'_>, reader: &mut Reader) -> Option<Self> {
        whole_number(value, 1, 10_000, reader).map(DayLimit)
    }
}

fn checked(rules: BookingRules, reader: &mut Reader) -> Option<BookingRules> {
    span_within_a_day("step", rules.step, 1, reader);
    span_within_a_day("buffer_before", rules.buffer_before, 0, reader);
    span_within_a_day("buffer_after", rules.buffer_after, 0, reader);
    if rules.horizon_ends_before(rules.lead_time()) {
        reader.below("horizon", |reader| reader.fault(horizon_before_lead_time()));
    }
    Some(rules)
}

pub(crate) fn horizon_before_lead_time() -> Fault {
    Fault::new(
        Code::HorizonBeforeLeadTime,
        Texts::new(
            "Der Buchungshorizont ist kürzer als die Vorlaufzeit: Es könnte nie etwas gebucht werden.",
            "The horizon is shorter than the lead time: nothing could ever be booked.",
        ),
        Texts::new(
            "Bitte den Horizont verlängern oder die Vorlaufzeit verkürzen.",
            "Lengthen the horizon or shorten the lead time.",
        ),
    )
}
