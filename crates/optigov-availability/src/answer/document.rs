//! How answers are written: slots one by one from the engine's view, texts in the answer's language.

use chrono::SubsecRound as _;
use serde::ser::{Serialize, SerializeSeq as _, SerializeStruct, Serializer};

use super::{
    Answer, CounterAnswer, Status, Warning,
    local_time::{SlotTexts, local},
};
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
        let mut fields = serializer.serialize_struct("CounterAnswer", 7 + usize::from(self.age_seconds().is_some()))?;
        self.serialize_head(&mut fields)?;
        fields.serialize_field("slots", &SlotList(self))?;
        fields.serialize_field("warnings", &self.warning_list())?;
        fields.end()
    }
}

impl CounterAnswer {
    /// What is said of a counter before its slots: which it is, and how well its calendars are known.
    pub(super) fn serialize_head<S: SerializeStruct>(&self, fields: &mut S) -> Result<(), S::Error> {
        fields.serialize_field("id", &self.id)?;
        fields.serialize_field("name", &self.name)?;
        fields.serialize_field("template", &self.template)?;
        fields.serialize_field("status", self.status.as_str())?;
        fields.serialize_field("reason", &self.status.reason(self.language))?;
        match self.age_seconds() {
            Some(age) => fields.serialize_field("age_seconds", &age),
            None => fields.skip_field("age_seconds"),
        }
    }

    /// What follows the slots.
    pub(super) fn warning_list(&self) -> impl Serialize + '_ {
        WarningList(&self.warnings, self.language)
    }

    pub(super) fn age_seconds(&self) -> Option<u64> {
        match self.status {
            Status::Stale { age, .. } => Some(age.as_secs()),
            _ => None,
        }
    }
}

struct SlotList<'a>(&'a CounterAnswer);

impl Serialize for SlotList<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let CounterAnswer { slots, zone, .. } = self.0;
        let (mut texts, mut json) = (SlotTexts::new(slots, *zone), Vec::new());
        let mut list = serializer.serialize_seq(Some(slots.len()))?;
        for slot in slots.iter() {
            json.clear();
            texts.write(slot.start_unix(), slot.end_unix(), &mut json);
            let [start, end] = texts.instants(&json);
            list.serialize_element(&WrittenSlot { start, end })?;
        }
        list.end()
    }
}

#[derive(serde::Serialize)]
struct WrittenSlot<'a> {
    start: &'a str,
    end: &'a str,
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
