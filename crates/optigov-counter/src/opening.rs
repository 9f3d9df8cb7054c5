//! When a counter is open: the written form of hours that recur.

use std::borrow::Cow;

use optigov_calendar::Text;
use optigov_slots::{ClockChange, Hours, Recurrence, Rule};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

use crate::{
    exception::ExceptionRule,
    fault::{Code, Fault},
    text::{
        forms::{number, table, words},
        reader::{Read, Reader, wrong_type},
        value::Value,
    },
    values::{Date, HoursText, TemplateId, WeekdaysText},
};

/// The opening rules of a counter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Opening(pub(crate) Vec<Rule>);

impl Opening {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Read for Opening {
    fn read(value: &Value<'_>, reader: &mut Reader) -> Option<Self> {
        let forms: Vec<RuleForm> = Vec::read(value, reader)?;
        Some(Opening(forms.into_iter().map(Rule::from).collect()))
    }
}

impl Serialize for Opening {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(RuleForm::from))
    }
}

impl JsonSchema for Opening {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Opening".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Vec::<RuleForm>::json_schema(generator)
    }
}

/// A [`Rule`] as it is written.
#[derive(Serialize, schemars::JsonSchema)]
#[schemars(deny_unknown_fields, rename = "OpeningRule", description = "Hours that recur on weekdays.")]
struct RuleForm {
    /// The weekdays.
    days: WeekdaysText,
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

table!(RuleForm {
    days: required, hours: required, from: optional, until: optional, repeat: optional, for_templates: or_default,
} checked);

impl From<RuleForm> for Rule {
    fn from(form: RuleForm) -> Rule {
        let rule = Rule::weekly(form.days.0).recurring(form.repeat.map_or(Recurrence::Weekly, |repeat| repeat.0));
        let rule = form.hours.0.into_iter().fold(rule, Rule::hours);
        let rule = form.from.map(Date::date).into_iter().fold(rule, Rule::valid_from);
        let rule = form.until.map(Date::date).into_iter().fold(rule, Rule::valid_until);
        form.for_templates.into_iter().fold(rule, Rule::only_for)
    }
}

impl From<&Rule> for RuleForm {
    fn from(rule: &Rule) -> RuleForm {
        RuleForm {
            days: WeekdaysText(rule.weekdays()),
            hours: HoursList(rule.daily_hours().to_vec()),
            from: rule.first_date().map(Date::of),
            until: rule.last_date().map(Date::of),
            repeat: Some(rule.recurrence()).filter(|recurrence| *recurrence != Recurrence::Weekly).map(Repeat),
            for_templates: rule.audience().iter().map(|id| TemplateId::of(id)).collect(),
        }
    }
}

/// In which weeks a rule opens, if not in all, as a table of the format.
struct Repeat(Recurrence);

/// The keys of a [`Repeat`].
#[derive(Serialize, schemars::JsonSchema)]
#[schemars(
    deny_unknown_fields,
    rename = "Repeat",
    description = "In which weeks a rule opens: weeks and from, or in_month.",
    extend("oneOf" = [
        { "required": ["weeks", "from"], "not": { "required": ["in_month"] } },
        { "required": ["in_month"], "not": { "anyOf": [{ "required": ["weeks"] }, { "required": ["from"] }] } },
    ])
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

number!(Weeks, 1..=52);

words! {
    /// Which one of a weekday in a month, as the recurrence that it means.
    struct InMonth(Recurrence), "Which one of the weekday in a month.", {
        Recurrence::NthOfMonth(1) => "first",
        Recurrence::NthOfMonth(2) => "second",
        Recurrence::NthOfMonth(3) => "third",
        Recurrence::NthOfMonth(4) => "fourth",
        Recurrence::NthOfMonth(5) => "fifth",
        Recurrence::LastOfMonth => "last",
    }
}

impl Read for Repeat {
    fn read(value: &Value<'_>, reader: &mut Reader) -> Option<Self> {
        match RepeatForm::read(value, reader)? {
            RepeatForm { weeks: Some(weeks), from: Some(from), in_month: None } => {
                let weeks = u16::try_from(weeks.0).ok()?;
                Some(Repeat(Recurrence::EveryWeeks { weeks, from: from.date() }))
            }
            RepeatForm { weeks: None, from: None, in_month: Some(in_month) } => Some(Repeat(in_month.0)),
            _ => reader.refuse(Fault::new(
                Code::Conflict,
                Text::fixed(
                    "Die Wiederholung ist unvollständig, oder es sind zwei angegeben.",
                    "The repetition is incomplete, or two are given.",
                ),
                Text::fixed(
                    "Bitte { weeks = 2, from = \"2027-01-04\" } oder { in_month = \"first\" } schreiben.",
                    "Write { weeks = 2, from = \"2027-01-04\" } or { in_month = \"first\" }.",
                ),
            )),
        }
    }
}

impl Serialize for Repeat {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let form = match self.0 {
            Recurrence::EveryWeeks { weeks, from } => {
                RepeatForm { weeks: Some(Weeks(weeks.into())), from: Some(Date::of(from)), in_month: None }
            }
            in_month => RepeatForm { weeks: None, from: None, in_month: Some(InMonth(in_month)) },
        };
        form.serialize(serializer)
    }
}

impl JsonSchema for Repeat {
    fn schema_name() -> Cow<'static, str> {
        "Repeat".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        RepeatForm::json_schema(generator)
    }
}

/// Opening hours by name, which several counters share.
#[derive(schemars::JsonSchema)]
#[schemars(
    deny_unknown_fields,
    rename = "SharedHours",
    description = "Opening hours and exceptions that counters share."
)]
#[expect(dead_code, reason = "they are read for their faults, and counters have them written out")]
pub(crate) struct SharedHours {
    /// Hours that recur, on top of a counter's own.
    #[serde(default)]
    opening: Opening,
    /// What is different by date, on top of a counter's own.
    #[serde(default)]
    exceptions: Vec<ExceptionRule>,
}

table!(SharedHours { opening: or_default, exceptions: or_default });

words! {
    /// What becomes of hours whose start or end the clocks skip, or show twice.
    #[derive(Default)]
    struct ClockChanges(ClockChange), "What becomes of hours that the clocks skip or show twice.", {
        ClockChange::Widest => "widest",
        ClockChange::Rfc5545 => "rfc5545",
    }
}

/// Hours of one day: at least one, in order, none overlapping another. Read from one text or a list.
pub(crate) struct HoursList(pub(crate) Vec<Hours>);

impl Read for HoursList {
    fn read(value: &Value<'_>, reader: &mut Reader) -> Option<Self> {
        const MOST: usize = 48;
        let mut hours: Vec<Hours> = match value {
            Value::Text(_) => vec![HoursText::read(value, reader)?.0],
            Value::List(list) if list.is_empty() || list.len() > MOST => {
                return reader.refuse(Fault::new(
                    Code::OutOfRange,
                    Text::fixed(
                        "Die Liste der Zeitspannen ist leer oder zu lang.",
                        "The list of hours is empty or too long.",
                    ),
                    Text::fixed("Bitte 1 bis 48 Zeitspannen angeben.", "Give from 1 to 48 hours."),
                ));
            }
            Value::List(_) => Vec::<HoursText>::read(value, reader)?.into_iter().map(|hours| hours.0).collect(),
            _ => {
                return reader.refuse(wrong_type(
                    value,
                    "eine Zeitspanne oder eine Liste von Zeitspannen",
                    "hours or a list of hours",
                ));
            }
        };
        let overlap = |index: &usize| hours[..*index].iter().any(|earlier| earlier.overlaps(hours[*index]));
        let overlapping: Vec<usize> = (1..hours.len()).filter(overlap).collect();
        for index in overlapping {
            let shown = hours[index];
            let fault = Fault::new(
                Code::OverlappingHours,
                Text::new(
                    format!("{shown} überschneidet eine andere Zeitspanne."),
                    format!("{shown} overlaps other hours."),
                ),
                Text::fixed("Bitte die beiden zusammenfassen.", "Join the two."),
            );
            reader.element(index, |reader| reader.fault(fault));
        }
        hours.sort_unstable();
        Some(HoursList(hours))
    }
}

impl Serialize for HoursList {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().copied().map(HoursText))
    }
}

impl JsonSchema for HoursList {
    fn schema_name() -> Cow<'static, str> {
        "HoursList".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let hours = generator.subschema_for::<HoursText>();
        json_schema!({
            "description": "Hours of a day: one, or a list without overlaps.",
            "anyOf": [hours, { "type": "array", "items": hours, "minItems": 1, "maxItems": 48 }],
        })
    }
}

fn checked(rule: RuleForm, reader: &mut Reader) -> Option<RuleForm> {
    if let (Some(from), Some(until)) = (rule.from, rule.until) {
        dates_in_order(from, until, reader);
    }
    Some(rule)
}

pub(crate) fn dates_in_order(from: Date, until: Date, reader: &mut Reader) {
    if until < from {
        let fault = Fault::new(
            Code::InvertedDates,
            Text::fixed("Das Ende liegt vor dem Anfang.", "The end is before the beginning."),
            Text::fixed("Bitte „from“ und „until“ tauschen.", "Swap \"from\" and \"until\"."),
        );
        reader.below("until", |reader| reader.fault(fault));
    }
}
