//! When a counter is open: hours that recur.

use chrono::NaiveDate;
use optigov_calendar::Text;
use optigov_slots::ClockChange;
use serde::Serialize;

use crate::{
    fault::{Code, Fault},
    text::{
        forms::{deserialize_by_reading, number, table, words},
        reader::{Read, Reader, wrong_type},
        value::Value,
    },
    values::{Date, Hours, TemplateId, Weekdays},
};

/// Hours that recur on weekdays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct OpeningRule {
    /// The weekdays.
    days: Weekdays,
    /// The hours of each of these days: one text or a list.
    hours: HoursList,
    /// The first date on which the rule holds. Default: always has.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<Date>,
    /// The last date on which the rule holds. Default: always will.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<Date>,
    /// In which weeks: { weeks = 2, from = "2027-01-04" } or { in_month = "first" }. Default: every week.
    #[serde(skip_serializing_if = "Option::is_none")]
    repeat: Option<Repeat>,
    /// Only for these templates (by-appointment hours). Default: for all that the counter serves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    for_templates: Vec<TemplateId>,
}

impl OpeningRule {
    /// The weekdays.
    pub fn days(&self) -> Weekdays {
        self.days
    }

    /// The hours of each day, in order, none overlapping another.
    pub fn hours(&self) -> &[Hours] {
        &self.hours.0
    }

    /// The first date on which the rule holds.
    pub fn from(&self) -> Option<NaiveDate> {
        self.from.map(Date::date)
    }

    /// The last date on which the rule holds.
    pub fn until(&self) -> Option<NaiveDate> {
        self.until.map(Date::date)
    }

    /// In which weeks. `None`: in every week.
    pub fn repeat(&self) -> Option<Repeat> {
        self.repeat
    }

    /// The only templates for which the rule opens; empty for all.
    pub fn for_templates(&self) -> &[TemplateId] {
        &self.for_templates
    }
}

table!(OpeningRule {
    days: required, hours: required, from: optional, until: optional, repeat: optional, for_templates: or_default,
} checked_rule);

deserialize_by_reading!(OpeningRule);

/// In which weeks a rule opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Repeat {
    /// In every n-th week, counted in both directions from the week (Monday to Sunday) of a date.
    EveryWeeks {
        /// 1 to 52.
        weeks: u16,
        /// A date in a week in which the rule opens.
        from: NaiveDate,
    },
    /// On the n-th of each of the weekdays in a month, 1 to 5.
    NthOfMonth(u8),
    /// On the last of each of the weekdays in a month.
    LastOfMonth,
}

/// The form of [`Repeat`] in a text.
#[derive(Serialize, schemars::JsonSchema)]
#[schemars(
    deny_unknown_fields,
    rename = "Repeat",
    description = "In which weeks a rule opens: weeks and from, or in_month."
)]
struct RepeatForm {
    /// Every so many weeks, 1 to 52.
    #[serde(skip_serializing_if = "Option::is_none")]
    weeks: Option<Weeks>,
    /// A date in a week in which the rule opens.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<Date>,
    /// Which one of the weekday in a month: "first" to "fifth", or "last".
    #[serde(skip_serializing_if = "Option::is_none")]
    in_month: Option<InMonth>,
}

table!(RepeatForm { weeks: optional, from: optional, in_month: optional });

impl Read for Repeat {
    fn read(value: &Value<'_>, reader: &mut Reader) -> Option<Self> {
        match RepeatForm::read(value, reader)? {
            RepeatForm { weeks: Some(weeks), from: Some(from), in_month: None } => {
                u16::try_from(weeks.0).ok().map(|weeks| Repeat::EveryWeeks { weeks, from: from.date() })
            }
            RepeatForm { weeks: None, from: None, in_month: Some(InMonth(repeat)) } => Some(repeat),
            _ => reader.refuse(Fault::new(
                Code::Conflict,
                Text::new(
                    "Die Wiederholung ist unvollständig oder doppelt.",
                    "The repetition is incomplete, or there are two.",
                ),
                Text::new(
                    "Bitte { weeks = 2, from = \"2027-01-04\" } oder { in_month = \"first\" } schreiben.",
                    "Write { weeks = 2, from = \"2027-01-04\" } or { in_month = \"first\" }.",
                ),
            )),
        }
    }
}

impl Serialize for Repeat {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let form = match *self {
            Repeat::EveryWeeks { weeks, from } => {
                RepeatForm { weeks: Some(Weeks(weeks.into())), from: Some(Date::of(from)), in_month: None }
            }
            in_month => RepeatForm { weeks: None, from: None, in_month: Some(InMonth(in_month)) },
        };
        form.serialize(serializer)
    }
}

impl schemars::JsonSchema for Repeat {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Repeat".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        RepeatForm::json_schema(generator)
    }
}

number!(Weeks, 1..=52);

words! {
    /// Which one of a weekday in a month, as the repetition that it means.
    struct InMonth(Repeat), "Which one of the weekday in a month.", {
        Repeat::NthOfMonth(1) => "first",
        Repeat::NthOfMonth(2) => "second",
        Repeat::NthOfMonth(3) => "third",
        Repeat::NthOfMonth(4) => "fourth",
        Repeat::NthOfMonth(5) => "fifth",
        Repeat::LastOfMonth => "last",
    }
}

words! {
    /// What becomes of hours whose start or end the clocks skip, or show twice.
    #[derive(Default)]
    struct ClockChanges(ClockChange), "What becomes of hours that the clocks skip or show twice.", {
        ClockChange::Widest => "widest",
        ClockChange::Rfc5545 => "rfc5545",
    }
}

/// Hours of one day: at least one, in order, none overlapping another. Read from one text or a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct HoursList(pub(crate) Vec<Hours>);

impl Read for HoursList {
    fn read(value: &Value<'_>, reader: &mut Reader) -> Option<Self> {
        const MOST: usize = 48;
        let mut hours = match value {
            Value::Text(_) => vec![Hours::read(value, reader)?],
            Value::List(list) if list.is_empty() || list.len() > MOST => {
                return reader.refuse(Fault::new(
                    Code::OutOfRange,
                    Text::new(
                        "Die Liste der Zeitspannen ist leer oder zu lang.",
                        "The list of hours is empty or too long.",
                    ),
                    Text::new("Erlaubt sind 1 bis 48 Zeitspannen.", "From 1 to 48 are allowed."),
                ));
            }
            Value::List(_) => Vec::read(value, reader)?,
            _ => {
                return reader.refuse(wrong_type(
                    value,
                    "eine Zeitspanne oder eine Liste davon",
                    "hours or a list of them",
                ));
            }
        };
        let overlap = |index: &usize| hours[..*index].iter().any(|earlier: &Hours| earlier.overlaps(hours[*index]));
        let overlapping: Vec<usize> = (1..hours.len()).filter(overlap).collect();
        for index in overlapping {
            let shown = hours[index];
            let fault = Fault::new(
                Code::OverlappingHours,
                Text::new(
                    format!("{shown} überschneidet eine andere Zeitspanne."),
                    format!("{shown} overlaps other hours."),
                ),
                Text::new("Bitte die beiden zusammenfassen.", "Join the two."),
            );
            reader.element(index, |reader| reader.fault(fault));
        }
        hours.sort_unstable();
        Some(HoursList(hours))
    }
}

impl schemars::JsonSchema for HoursList {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "HoursList".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let hours = generator.subschema_for::<Hours>();
        schemars::json_schema!({
            "description": "Hours of a day: one, or a list without overlaps.",
            "anyOf": [hours, { "type": "array", "items": hours, "minItems": 1, "maxItems": 48 }],
        })
    }
}

fn checked_rule(rule: OpeningRule, reader: &mut Reader) -> Option<OpeningRule> {
    if let (Some(from), Some(until)) = (rule.from, rule.until) {
        dates_in_order(from, until, reader);
    }
    Some(rule)
}

pub(crate) fn dates_in_order(from: Date, until: Date, reader: &mut Reader) {
    if until < from {
        let fault = Fault::new(
            Code::InvertedDates,
            Text::new("Das Ende liegt vor dem Anfang.", "The end is before the beginning."),
            Text::new("Bitte „from“ und „until“ tauschen.", "Exchange \"from\" and \"until\"."),
        );
        reader.below("until", |reader| reader.fault(fault));
    }
}
