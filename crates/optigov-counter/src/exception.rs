//! What is different by date.

use chrono::{Datelike, NaiveDate};
use optigov_calendar::Text;
use serde::Serialize;

use crate::fault::{Code, Fault};
use crate::opening::{HoursList, dates_in_order};
use crate::text::{
    forms::{deserialize_by_reading, table},
    reader::Reader,
};
use crate::values::{Date, HolidayRule, Hours, Line, TemplateId, Weekdays};

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

table!(Exception {
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

fn checked_exception(exception: Exception, reader: &mut Reader) -> Option<Exception> {
    const MOST_DAYS: i64 = 366;
    let dates = (exception.on, exception.from, exception.until);
    if !matches!(dates, (Some(_), None, None) | (None, Some(_), Some(_)))
        || (exception.on.is_some() && exception.days.is_some())
    {
        reader.fault(Fault::new(
            Code::Conflict,
            Text::new(
                "Unklar ist, an welchen Tagen die Ausnahme gilt.",
                "It is not clear on which dates the exception holds.",
            ),
            Text::new(
                "Bitte entweder „on“ oder „from“ und „until“ angeben, „days“ nur mit letzteren.",
                "Give either \"on\", or \"from\" and \"until\"; \"days\" only with the latter.",
            ),
        ));
    }
    let effects = [exception.closed, exception.hours.is_some(), exception.extra.is_some()];
    if effects.iter().filter(|chosen| **chosen).count() != 1 {
        reader.fault(Fault::new(
            Code::Conflict,
            Text::new("Unklar ist, was an diesen Tagen gilt.", "It is not clear what holds on these dates."),
            Text::new(
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
                Text::new("Die Ausnahme gilt länger als ein Jahr.", "The exception holds for more than a year."),
                Text::new(
                    "Bitte stattdessen Regeln mit „from“ und „until“ unter „opening“ eintragen.",
                    "Use rules with \"from\" and \"until\" under \"opening\" instead.",
                ),
            );
            reader.below("until", |reader| reader.fault(fault));
        }
    }
    Some(exception)
}
