//! How answers are written: slots one by one from the engine's view, texts in the answer's language.

use chrono::{DateTime, FixedOffset, Offset as _, SubsecRound as _, TimeZone as _, Utc};
use chrono_tz::Tz;
use serde::ser::{Serialize, SerializeSeq as _, SerializeStruct as _, Serializer};

use super::{Answer, CounterAnswer, Status, Warning};
use crate::Language;

impl Serialize for Answer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Answer", 2)?;
        fields.serialize_field("now", &local(self.now.trunc_subsecs(0), self.zone))?;
        fields.serialize_field("counters", &self.counters)?;
        fields.end()
    }
}

impl Serialize for CounterAnswer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let age = match self.status {
            Status::Stale { age, .. } => Some(age.as_secs()),
            _ => None,
        };
        let mut fields = serializer.serialize_struct("CounterAnswer", 7 + usize::from(age.is_some()))?;
        fields.serialize_field("id", &self.id)?;
        fields.serialize_field("name", &self.name)?;
        fields.serialize_field("template", &self.template)?;
        fields.serialize_field("status", self.status.as_str())?;
        fields.serialize_field("reason", &self.status.reason(self.language))?;
        match age {
            Some(age) => fields.serialize_field("age_seconds", &age)?,
            None => fields.skip_field("age_seconds")?,
        }
        fields.serialize_field("slots", &SlotList(self))?;
        fields.serialize_field("warnings", &WarningList(&self.warnings, self.language))?;
        fields.end()
    }
}

struct SlotList<'a>(&'a CounterAnswer);

#[derive(serde::Serialize)]
struct WrittenSlot {
    start: DateTime<FixedOffset>,
    end: DateTime<FixedOffset>,
}

impl Serialize for SlotList<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let CounterAnswer { slots, zone, .. } = self.0;
        let mut list = serializer.serialize_seq(Some(slots.len()))?;
        for slot in slots.iter() {
            list.serialize_element(&WrittenSlot { start: local(slot.start(), *zone), end: local(slot.end(), *zone) })?;
        }
        list.end()
    }
}

struct WarningList<'a>(&'a [Warning], Language);

#[derive(serde::Serialize)]
struct WrittenWarning {
    code: super::WarningCode,
    count: u32,
    message: String,
}

impl Serialize for WarningList<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|warning| WrittenWarning {
            code: warning.code,
            count: warning.count,
            message: warning.message(self.1),
        }))
    }
}

/// The instant with the offset that holds then in the zone. At the ends of what chrono can name, the zone's clock may show what it cannot: there
/// the instant is written in UTC.
pub(crate) fn local(instant: DateTime<Utc>, zone: Tz) -> DateTime<FixedOffset> {
    let offset = zone.offset_from_utc_datetime(&instant.naive_utc()).fix();
    match instant.naive_utc().checked_add_offset(offset) {
        Some(_) => instant.with_timezone(&offset),
        None => instant.fixed_offset(),
    }
}
