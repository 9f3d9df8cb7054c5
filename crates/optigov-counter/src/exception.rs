//! What is different by date.

use chrono::{Datelike, NaiveDate};
use optigov_calendar::Text;
use optigov_slots::{self as slots, ExceptionEffect, Weekdays};
use serde::Serialize;

use crate::{
    fault::{Code, Fault},
    opening::{HoursList, dates_in_order},
    text::{
        forms::{deserialize_by_reading, table},
        reader::{Read, Reader},
        value::Value,
    },
    values::{Date, HolidayRule, Line, TemplateId, WeekdaysText},
};

/// On which dates the usual hours do not hold, and what holds in their place: a date, one of every year, or several from one to another.
///
/// On such a date [other hours](ExceptionEffect::OtherHours) stand for those of the rules, also on a holiday, and win over an exception that
/// closes; [extra hours](ExceptionEffect::ExtraHours) come on top of any others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(into = "ExceptionForm")]
#[schemars(
    from = "ExceptionForm",
    rename = "Exception",
    description = "What is different on a date, or on every date from one to another. On such a date hours stand for those of the rules, also on a holiday, and win over closed; extra hours come on top of any others."
)]
pub struct ExceptionRule {
    dates: ExceptionDates,
    effect: ExceptionEffect,
    for_templates: Vec<TemplateId>,
    reason: Option<Line>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ExceptionDates {
    On(HolidayRule),
    /// From the first to the last, both included.
    Stretch {
        first: NaiveDate,
        last: NaiveDate,
        weekdays: Weekdays,
    },
}

impl ExceptionRule {
    /// What is different.
    pub fn effect(&self) -> &ExceptionEffect {
        &self.effect
    }

    /// The dates from `first` to `last`, both included, on which it holds, in order. A yearly date is known for the years 1900 to 2999.
    pub fn dates(&self, first: NaiveDate, last: NaiveDate) -> Vec<NaiveDate> {
        match self.dates {
            ExceptionDates::On(rule) => dates_of(rule, first, last).collect(),
            ExceptionDates::Stretch { first: from, last: until, weekdays } => {
                let (from, until) = (from.max(first), until.min(last));
                let dates = from.iter_days().take_while(|date| *date <= until);
                dates.filter(|date| weekdays.contains(date.weekday())).collect()
            }
        }
    }

    /// The only templates for which it holds; empty for all.
    pub fn for_templates(&self) -> &[TemplateId] {
        &self.for_templates
    }

    /// Why, for people.
    pub fn reason(&self) -> Option<&str> {
        self.reason.as_ref().map(Line::as_str)
    }

    /// The engine's exceptions for the dates from `first` to `last`.
    pub(crate) fn between(&self, first: NaiveDate, last: NaiveDate) -> Vec<slots::Exception> {
        let on = |date| {
            let exception = slots::Exception::new(date, self.effect.clone());
            self.for_templates.iter().fold(exception, |exception, id| exception.only_for(id.as_str()))
        };
        match self.dates {
            ExceptionDates::On(rule) => dates_of(rule, first, last).map(on).collect(),
            ExceptionDates::Stretch { first: from, last: until, weekdays } => {
                let (from, until) = (from.max(first), until.min(last));
                if from > until { Vec::new() } else { vec![on(from).through(until).on(weekdays)] }
            }
        }
    }

    /// Whether there is a date on which both hold and say different things.
    pub(crate) fn contradicts(&self, other: &ExceptionRule) -> bool {
        let replaces = |exception: &ExceptionRule| !matches!(exception.effect, ExceptionEffect::ExtraHours(_));
        replaces(self)
            && replaces(other)
            && self.effect != other.effect
            && self.for_templates == other.for_templates
            && self.shares_a_date_with(other)
    }

    fn shares_a_date_with(&self, other: &ExceptionRule) -> bool {
        match (self.dates, other.dates) {
            // Cheaper than to look at the dates, and what separates most exceptions of one period.
            (ExceptionDates::Stretch { weekdays: ours, .. }, ExceptionDates::Stretch { weekdays: theirs, .. })
                if !ours.intersects(theirs) =>
            {
                return false;
            }
            (ExceptionDates::On(ours), ExceptionDates::On(theirs)) if ours == theirs => return true,
            _ => {}
        }
        let (Some((first, last)), Some((other_first, other_last))) = (self.first_and_last(), other.first_and_last())
        else {
            return false;
        };
        let (first, last) = (first.max(other_first), last.min(other_last));
        let theirs = other.dates(first, last);
        self.dates(first, last).iter().any(|date| theirs.binary_search(date).is_ok())
    }

    /// The first and the last date, unless it returns every year.
    fn first_and_last(&self) -> Option<(NaiveDate, NaiveDate)> {
        match self.dates {
            ExceptionDates::On(rule) => rule.only_date().map(|date| (date, date)),
            ExceptionDates::Stretch { first, last, .. } => Some((first, last)),
        }
    }
}

impl Read for ExceptionRule {
    fn read(value: &Value<'_>, reader: &mut Reader) -> Option<Self> {
        ExceptionForm::read(value, reader)?.rule(reader)
    }
}

deserialize_by_reading!(ExceptionRule);

/// An [`ExceptionRule`] as it is written.
#[derive(Serialize, schemars::JsonSchema)]
#[schemars(
    deny_unknown_fields,
    extend("allOf" = [
        { "oneOf": [
            { "required": ["on"], "not": { "anyOf": [{ "required": ["from"] }, { "required": ["until"] }, { "required": ["days"] }] } },
            { "required": ["from", "until"], "not": { "required": ["on"] } },
        ] },
        { "oneOf": [
            { "required": ["closed"], "properties": { "closed": { "const": true } } },
            { "required": ["hours"] },
            { "required": ["extra"] },
        ] },
    ])
)]
struct ExceptionForm {
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
    days: Option<WeekdaysText>,
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

table!(ExceptionForm {
    on: optional,
    from: optional,
    until: optional,
    days: optional,
    closed: or_default,
    hours: optional,
    extra: optional,
    for_templates: or_default,
    reason: optional,
});

impl ExceptionForm {
    fn rule(self, reader: &mut Reader) -> Option<ExceptionRule> {
        // Both are looked at, so that what is wrong with either is told.
        let (dates, effect) = (self.dates(reader), self.effect(reader));
        Some(ExceptionRule { dates: dates?, effect: effect?, for_templates: self.for_templates, reason: self.reason })
    }

    fn dates(&self, reader: &mut Reader) -> Option<ExceptionDates> {
        const MOST_DAYS: i64 = 366;
        let (first, last) = match (self.on, self.from, self.until, self.days) {
            (Some(rule), None, None, None) => return Some(ExceptionDates::On(rule)),
            (None, Some(from), Some(until), _) => (from, until),
            _ => {
                return reader.refuse(Fault::new(
                    Code::Conflict,
                    Text::fixed(
                        "Es ist nicht klar, an welchen Tagen die Ausnahme gilt.",
                        "It is not clear on which dates the exception holds.",
                    ),
                    Text::fixed(
                        "Bitte entweder „on“ oder „from“ und „until“ angeben, „days“ nur mit „from“ und „until“.",
                        "Give either \"on\", or \"from\" and \"until\"; \"days\" goes only with \"from\" and \"until\".",
                    ),
                ));
            }
        };
        dates_in_order(first, last, reader);
        if (last.date() - first.date()).num_days() >= MOST_DAYS {
            let fault = Fault::new(
                Code::OutOfRange,
                Text::fixed("Die Ausnahme gilt länger als ein Jahr.", "The exception holds for more than a year."),
                Text::fixed(
                    "Bitte stattdessen Regeln mit „from“ und „until“ unter „opening“ eintragen.",
                    "Use rules with \"from\" and \"until\" under \"opening\" instead.",
                ),
            );
            reader.below("until", |reader| reader.fault(fault));
        }
        let weekdays = self.days.map_or(Weekdays::ALL, |days| days.0);
        Some(ExceptionDates::Stretch { first: first.date(), last: last.date(), weekdays })
    }

    fn effect(&self, reader: &mut Reader) -> Option<ExceptionEffect> {
        match (self.closed, &self.hours, &self.extra) {
            (true, None, None) => Some(ExceptionEffect::Closed),
            (false, Some(hours), None) => Some(ExceptionEffect::OtherHours(hours.0.clone())),
            (false, None, Some(extra)) => Some(ExceptionEffect::ExtraHours(extra.0.clone())),
            _ => reader.refuse(Fault::new(
                Code::Conflict,
                Text::fixed(
                    "Es ist nicht klar, was an diesen Tagen gilt.",
                    "It is not clear what holds on these dates.",
                ),
                Text::fixed(
                    "Bitte genau eines angeben: closed = true, „hours“ oder „extra“.",
                    "Give exactly one of closed = true, \"hours\" and \"extra\".",
                ),
            )),
        }
    }
}

impl From<ExceptionRule> for ExceptionForm {
    fn from(rule: ExceptionRule) -> ExceptionForm {
        let (on, from, until, days) = match rule.dates {
            ExceptionDates::On(rule) => (Some(rule), None, None, None),
            ExceptionDates::Stretch { first, last, weekdays } => {
                let days = Some(weekdays).filter(|days| *days != Weekdays::ALL).map(WeekdaysText);
                (None, Some(Date::of(first)), Some(Date::of(last)), days)
            }
        };
        let (hours, extra) = match rule.effect {
            ExceptionEffect::OtherHours(hours) => (Some(HoursList(hours)), None),
            ExceptionEffect::ExtraHours(hours) => (None, Some(HoursList(hours))),
            _ => (None, None),
        };
        let closed = hours.is_none() && extra.is_none();
        let (for_templates, reason) = (rule.for_templates, rule.reason);
        ExceptionForm { on, from, until, days, closed, hours, extra, for_templates, reason }
    }
}

fn dates_of(rule: HolidayRule, first: NaiveDate, last: NaiveDate) -> impl Iterator<Item = NaiveDate> {
    let years = first.year().max(1900)..=last.year().min(2999);
    years.filter_map(move |year| rule.date_in(year)).filter(move |date| (first..=last).contains(date))
}
