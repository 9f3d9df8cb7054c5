//! What is written and read by serde. Reading goes through the builders, so a value that was read is as valid as one that was built.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use crate::{Anchor, ClockChange, EmptyInterval, Error, Exception, Interval, Lead, Rule, SlotRules, Timetable};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawInterval {
    start: DateTime<Utc>,
    end: DateTime<Utc>,
}

impl TryFrom<RawInterval> for Interval {
    type Error = EmptyInterval;

    fn try_from(raw: RawInterval) -> Result<Interval, EmptyInterval> {
        Interval::new(raw.start, raw.end)
    }
}

impl From<Interval> for RawInterval {
    fn from(interval: Interval) -> RawInterval {
        RawInterval { start: interval.start(), end: interval.end() }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawTimetable {
    zone: Tz,
    #[serde(default)]
    rules: Vec<Rule>,
    #[serde(default)]
    exceptions: Vec<Exception>,
    #[serde(default)]
    holidays: Vec<NaiveDate>,
    #[serde(default)]
    clock_change: ClockChange,
}

impl TryFrom<RawTimetable> for Timetable {
    type Error = Error;

    fn try_from(raw: RawTimetable) -> Result<Timetable, Error> {
        let builder = Timetable::builder(raw.zone).holidays(raw.holidays).clock_change(raw.clock_change);
        let builder = raw.rules.into_iter().fold(builder, |builder, rule| builder.rule(rule));
        raw.exceptions.into_iter().fold(builder, |builder, exception| builder.exception(exception)).build()
    }
}

impl From<Timetable> for RawTimetable {
    fn from(timetable: Timetable) -> RawTimetable {
        RawTimetable {
            zone: timetable.zone,
            holidays: timetable.holidays().collect(),
            rules: timetable.rules,
            exceptions: timetable.exceptions,
            clock_change: timetable.clock_change,
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawSlotRules {
    length_seconds: u64,
    #[serde(default = "one")]
    concerns: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    step_seconds: Option<u64>,
    #[serde(default)]
    anchor: Anchor,
    #[serde(default)]
    buffer_before_seconds: u64,
    #[serde(default)]
    buffer_after_seconds: u64,
    #[serde(default)]
    lead: RawLead,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    horizon_days: Option<u32>,
    #[serde(default)]
    release_at: NaiveTime,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    day_limit: Option<u32>,
    #[serde(default = "one")]
    capacity: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RawLead {
    Seconds(u64),
    Days(u32),
}

impl Default for RawLead {
    fn default() -> RawLead {
        RawLead::Seconds(0)
    }
}

fn one() -> u32 {
    1
}

impl TryFrom<RawSlotRules> for SlotRules {
    type Error = Error;

    fn try_from(raw: RawSlotRules) -> Result<SlotRules, Error> {
        let mut builder = SlotRules::builder(Duration::from_secs(raw.length_seconds))
            .concerns(raw.concerns)
            .anchor(raw.anchor)
            .buffer_before(Duration::from_secs(raw.buffer_before_seconds))
            .buffer_after(Duration::from_secs(raw.buffer_after_seconds))
            .lead(match raw.lead {
                RawLead::Seconds(seconds) => Lead::Time(Duration::from_secs(seconds)),
                RawLead::Days(days) => Lead::Days(days),
            })
            .release_at(raw.release_at)
            .capacity(raw.capacity);
        builder.step = raw.step_seconds.map(Duration::from_secs);
        builder.horizon_days = raw.horizon_days;
        builder.day_limit = raw.day_limit;
        builder.build()
    }
}

impl From<SlotRules> for RawSlotRules {
    fn from(SlotRules { builder, .. }: SlotRules) -> RawSlotRules {
        RawSlotRules {
            length_seconds: builder.length.as_secs(),
            concerns: builder.concerns,
            step_seconds: builder.step.map(|step| step.as_secs()),
            anchor: builder.anchor,
            buffer_before_seconds: builder.buffer_before.as_secs(),
            buffer_after_seconds: builder.buffer_after.as_secs(),
            lead: match builder.lead {
                Lead::Time(time) => RawLead::Seconds(time.as_secs()),
                Lead::Days(days) => RawLead::Days(days),
            },
            horizon_days: builder.horizon_days,
            release_at: builder.release,
            day_limit: builder.day_limit,
            capacity: builder.capacity,
        }
    }
}
