//! How a counter is booked.

use std::time::Duration;

use chrono::NaiveTime;
use optigov_calendar::Text;
use optigov_slots::{Anchor, Lead};
use serde::Serialize;

use crate::{
    fault::{Code, Fault},
    text::{
        forms::{deserialize_by_reading, number, table, words},
        reader::Reader,
    },
    values::{Days, LeadText, Span, TimeText, span_within_a_day},
};

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
    lead_time: Option<LeadText>,
    /// How many civil days after today can be booked. Default: 60d.
    #[serde(skip_serializing_if = "Option::is_none")]
    horizon: Option<Days>,
    /// The time of day at which the horizon moves on by a day. Default: 00:00.
    #[serde(skip_serializing_if = "Option::is_none")]
    release_at: Option<TimeText>,
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
    pub fn lead_time(&self) -> Lead {
        self.lead_time.map_or(Lead::Time(Duration::ZERO), |lead| lead.0)
    }

    /// How many civil days after today can be booked, 0 to 3660. Default: 60.
    pub fn horizon_days(&self) -> u32 {
        self.horizon.unwrap_or(Days::new(60)).count().into()
    }

    /// The time of day at which the horizon moves on by a day. Default: midnight.
    pub fn release_at(&self) -> NaiveTime {
        self.release_at.unwrap_or_default().0
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
    pub(crate) fn horizon_ends_before(&self, lead_time: Lead) -> bool {
        match lead_time {
            Lead::Days(days) => days > self.horizon_days(),
            // The horizon ends with its last day.
            Lead::Time(length) => length.as_secs() >= (u64::from(self.horizon_days()) + 1) * 86_400,
            _ => false,
        }
    }
}

table!(BookingRules {
    step: optional, anchor: optional, lead_time: optional, horizon: optional, release_at: optional,
    buffer_before: optional, buffer_after: optional, day_limit: optional,
} checked);

deserialize_by_reading!(BookingRules);

words! {
    /// The engine's [`Anchor`] in the words of the format.
    #[derive(Default)]
    struct StepAnchor(Anchor), "What steps are counted from.", {
        Anchor::WindowStart => "window_start",
        Anchor::LocalMidnight => "midnight",
        Anchor::BackToBack => "back_to_back",
    }
}

number!(DayLimit, 1..=10_000);

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
        Text::new(
            "Der Buchungshorizont ist kürzer als die Vorlaufzeit, deshalb könnte nie etwas gebucht werden.",
            "The horizon is shorter than the lead time, so nothing could ever be booked.",
        ),
        Text::new(
            "Bitte den Horizont verlängern oder die Vorlaufzeit verkürzen.",
            "Lengthen the horizon or shorten the lead time.",
        ),
    )
}
