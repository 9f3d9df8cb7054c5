//! When a counter is open: recurring rules, and exceptions by date.

use chrono::{Datelike, NaiveDate};
use optigov_slots::ClockChange;
use serde::Serialize;

use crate::fault::{Code, Fault, Texts};
use crate::text::reader::{Read, Reader, deserialize_by_reading, read_table, text, whole_number, word, wrong_type};
use crate::text::value::Value;
use crate::values::{Date, HolidayRule, Hours, Line, TemplateId, Weekdays};

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

read_table!(OpeningRule {
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

const IN_MONTH: [(&str, Repeat); 6] = [
    ("first", Repeat::NthOfMonth(1)),
    ("second", Repeat::NthOfMonth(2)),
    ("third", Repeat::NthOfMonth(3)),
    ("fourth", Repeat::NthOfMonth(4)),
    ("fifth", Repeat::NthOfMonth(5)),
    ("last", Repeat::LastOfMonth),
];

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

read_table!(RepeatForm { weeks: optional, from: optional, in_month: optional });

impl Read for Repeat {
    fn read(value: &Value<'_>, reader: &mut Reader) -> Option<Self> {
        match RepeatForm::read(value, reader)? {
            RepeatForm { weeks: Some(weeks), from: Some(from), in_month: None } => {
                Some(Repeat::EveryWeeks { weeks: weeks.0, from: from.date() })
            }
            RepeatForm { weeks: None, from: None, in_month: Some(InMonth(repeat)) } => Some(repeat),
            _ => reader.refuse(Fault::new(
                Code::Conflict,
                Texts::new(
                    "Die Wiederholung ist unvollständig oder doppelt.",
                    "The repetition is incomplete, or there are two.",
                ),
                Texts::new(
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
                RepeatForm { weeks: Some(Weeks(weeks)), from: Some(Date::of(from)), in_month: None }
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

#[derive(Serialize, schemars::JsonSchema)]
#[serde(transparent)]
struct Weeks(#[schemars(range(min = 1, max = 52))] u16);

impl Read for Weeks {
    fn read(value: &Value<'_>, reader: &mut Reader) -> Option<Self> {
        whole_number(value, 1, 52, reader).and_then(|weeks| u16::try_from(weeks).ok()).map(Weeks)
    }
}

struct InMonth(Repeat);

impl Read for InMonth {
    fn read(value: &Value<'_>, reader: &mut Reader) -> Option<Self> {
        let text = text(value, reader)?;
        word(text, &IN_MONTH).map(InMonth).map_err(|fault| reader.fault(fault)).ok()
    }
}

impl Serialize for InMonth {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(IN_MONTH.iter().find(|(_, repeat)| *repeat == self.0).map_or("last", |(word, _)| word))
    }
}

impl schemars::JsonSchema for InMonth {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "InMonth".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let words = IN_MONTH.map(|(word, _)| word);
        schemars::json_schema!({ "enum": words })
    }
}

/// What is different on a date, or on every date from one to another.
///
/// On such a date `hours` stand for those of the rules, also on a holiday, and win over `closed`; `extra` hours come on top of any others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Exception {
    /// The date: one (2026-12-24), one of every year (12-24), or a holiday (heiligabend).
    #[serde(skip_serializing_if = "Option::is_none")]
    on: Option<HolidayRule>,
    /// The first of several dates, together with until.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<Date>,
    /// The last of several dates; at most 366 in all.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<Date>,
    /// Only on these weekdays between from and until. Default: on all.
    #[serde(skip_serializing_if = "Option::is_none")]
    days: Option<Weekdays>,
    /// The counter is closed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    closed: bool,
    /// These hours instead of the usual ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    hours: Option<HoursList>,
    /// These hours on top of the usual ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    extra: Option<HoursList>,
    /// Only for these templates. Default: for all that the counter serves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    for_templates: Vec<TemplateId>,
    /// Why, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Line>,
}

impl Exception {
    /// What is different.
    pub fn effect(&self) -> ExceptionEffect<'_> {
        match (&self.hours, &self.extra) {
            (Some(hours), _) => ExceptionEffect::OtherHours(&hours.0),
            (None, Some(extra)) => ExceptionEffect::ExtraHours(&extra.0),
            (None, None) => ExceptionEffect::Closed,
        }
    }

    /// The dates from `first` to `last`, both included, on which it holds, in order. A yearly date is known for the years 1900 to 2999.
    pub fn dates(&self, first: NaiveDate, last: NaiveDate) -> Vec<NaiveDate> {
        if let Some(rule) = self.on {
            return (first.year().max(1900)..=last.year().min(2999))
                .filter_map(|year| rule.date_in(year))
                .filter(|date| (first..=last).contains(date))
                .collect();
        }
        let (Some(from), Some(until)) = (self.from, self.until) else { return Vec::new() };
        let (from, until) = (from.date().max(first), until.date().min(last));
        from.iter_days()
            .take_while(|date| *date <= until)
            .filter(|date| self.days.is_none_or(|days| days.contains(date.weekday())))
            .collect()
    }

    /// The only templates for which it holds; empty for all.
    pub fn for_templates(&self) -> &[TemplateId] {
        &self.for_templates
    }

    /// Why, for people.
    pub fn reason(&self) -> Option<&str> {
        self.reason.as_ref().map(Line::as_str)
    }

    /// Whether there is a date on which both hold and say different things.
    pub(crate) fn contradicts(&self, other: &Exception) -> bool {
        let both_replace = self.extra.is_none() && other.extra.is_none();
        let differ = self.closed != other.closed || self.hours != other.hours;
        both_replace && differ && self.for_templates == other.for_templates && self.shares_a_date_with(other)
    }

    fn shares_a_date_with(&self, other: &Exception) -> bool {
        match (self.first_and_last(), other.first_and_last()) {
            // Cheaper than to look at the dates, and what separates most exceptions of one period.
            _ if self.days.zip(other.days).is_some_and(|(ours, theirs)| !ours.overlap(theirs)) => false,
            (Some((first, last)), Some((other_first, other_last))) => {
                let (first, last) = (first.max(other_first), last.min(other_last));
                let theirs = other.dates(first, last);
                self.dates(first, last).iter().any(|date| theirs.binary_search(date).is_ok())
            }
            _ => self.on.is_some() && self.on == other.on,
        }
    }

    /// The first and the last date, unless it returns every year.
    fn first_and_last(&self) -> Option<(NaiveDate, NaiveDate)> {
        match self.on {
            Some(rule) => rule.only_date().map(|date| (date, date)),
            None => Some((self.from?.date(), self.until?.date())),
        }
    }
}

read_table!(Exception {
    on: optional, from: optional, until: optional, days: optional, closed: or_default, hours: optional, extra: optional,
    for_templates: or_default, reason: optional,
} checked_exception);

deserialize_by_reading!(Exception);

/// What an [`Exception`] does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExceptionEffect<'e> {
    /// No hours.
    Closed,
    /// These hours instead of the usual ones.
    OtherHours(&'e [Hours]),
    /// These hours on top of the usual ones.
    ExtraHours(&'e [Hours]),
}

/// What becomes of hours whose start or end the clocks skip, or show twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ClockChanges(pub(crate) ClockChange);

const CLOCK_CHANGES: [(&str, ClockChange); 2] = [("widest", ClockChange::Widest), ("rfc5545", ClockChange::Rfc5545)];

impl Read for ClockChanges {
    fn read(value: &Value<'_>, reader: &mut Reader) -> Option<Self> {
        let text = text(value, reader)?;
        word(text, &CLOCK_CHANGES).map(ClockChanges).map_err(|fault| reader.fault(fault)).ok()
    }
}

impl Serialize for ClockChanges {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(
            CLOCK_CHANGES.iter().find(|(_, policy)| *policy == self.0).map_or("widest", |(word, _)| word),
        )
    }
}

impl schemars::JsonSchema for ClockChanges {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ClockChanges".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let words = CLOCK_CHANGES.map(|(word, _)| word);
        schemars::json_schema!({ "description": "What becomes of hours that the clocks skip or show twice.", "enum": words })
    }
}

/// Hours of one day: at least one, in order, none overlapping another. Read from one text or a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
struct HoursList(Vec<Hours>);

impl Read for HoursList {
    fn read(value: &Value<'_>, reader: &mut Reader) -> Option<Self> {
        const MOST: usize = 48;
        let mut hours = match value {
            Value::Text(_) => vec![Hours::read(value, reader)?],
            Value::List(list) if list.is_empty() || list.len() > MOST => {
                return reader.refuse(Fault::new(
                    Code::OutOfRange,
                    Texts::new(
                        "Die Liste der Zeitspannen ist leer oder zu lang.",
                        "The list of hours is empty or too long.",
                    ),
                    Texts::new("Erlaubt sind 1 bis 48 Zeitspannen.", "From 1 to 48 are allowed."),
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
                Texts::new(
                    format!("{shown} überschneidet eine andere Zeitspanne."),
                    format!("{shown} overlaps other hours."),
                ),
                Texts::new("Bitte die beiden zusammenfassen.", "Join the two."),
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

fn checked_exception(exception: Exception, reader: &mut Reader) -> Option<Exception> {
    const MOST_DAYS: i64 = 366;
    let dates = (exception.on, exception.from, exception.until);
    if !matches!(dates, (Some(_), None, None) | (None, Some(_), Some(_)))
        || (exception.on.is_some() && exception.days.is_some())
    {
        reader.fault(Fault::new(
            Code::Conflict,
            Texts::new(
                "Unklar ist, an welchen Tagen die Ausnahme gilt.",
                "It is not clear on which dates the exception holds.",
            ),
            Texts::new(
                "Bitte entweder „on“ oder „from“ und „until“ angeben, „days“ nur mit letzteren.",
                "Give either \"on\", or \"from\" and \"until\"; \"days\" only with the latter.",
            ),
        ));
    }
    let effects = [exception.closed, exception.hours.is_some(), exception.extra.is_some()];
    if effects.iter().filter(|chosen| **chosen).count() != 1 {
        reader.fault(Fault::new(
            Code::Conflict,
            Texts::new("Unklar ist, was an diesen Tagen gilt.", "It is not clear what holds on these dates."),
            Texts::new(
                "Bitte genau eines angeben: closed = true, „hours“ oder „extra“.",
                "Give exactly one of closed = true, \"hours\" and \"extra\".",
            ),
        ));
    }
    if let (Some(from), Some(until)) = (exception.from, exception.until) {
        dates_in_order(from, until, reader);
        if (until.date() - from.date()).num_days() >= MOST_DAYS {
            let fault = Fault::new(
                Code::OutOfRange,
                Texts::new("Die Ausnahme gilt länger als ein Jahr.", "The exception holds for more than a year."),
                Texts::new(
                    "Bitte stattdessen Regeln mit „from“ und „until“ unter „opening“ eintragen.",
                    "Use rules with \"from\" and \"until\" under \"opening\" instead.",
                ),
            );
            reader.below("until", |reader| reader.fault(fault));
        }
    }
    Some(exception)
}

fn dates_in_order(from: Date, until: Date, reader: &mut Reader) {
    if until < from {
        let fault = Fault::new(
            Code::InvertedDates,
            Texts::new("Das Ende liegt vor dem Anfang.", "The end is before the beginning."),
            Texts::new("Bitte „from“ und „until“ tauschen.", "Exchange \"from\" and \"until\"."),
        );
        reader.below("until", |reader| reader.fault(fault));
    }
}
