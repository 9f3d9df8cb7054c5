use chrono::NaiveDate;

use crate::time::Day;
use crate::{Hours, Weekdays};

/// What is different on a date, or on the dates of a stretch.
///
/// ```
/// use optigov_slots::{Exception, Weekdays};
///
/// // Closed on the Fridays of July 2027.
/// let fridays = Exception::closed("2027-07-01".parse()?).through("2027-07-31".parse()?).on(Weekdays::FRIDAY);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exception {
    pub(crate) effect: ExceptionEffect,
    first: NaiveDate,
    last: NaiveDate,
    weekdays: Weekdays,
    pub(crate) audience: Vec<String>,
}

/// What becomes of the hours on the dates of an [`Exception`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ExceptionEffect {
    /// No rule opens.
    Closed,
    /// These hours in place of those of the rules, also on a holiday.
    OtherHours(Vec<Hours>),
    /// These hours on top of all others, also on a holiday.
    ExtraHours(Vec<Hours>),
}

impl Exception {
    /// On one date.
    pub fn new(date: NaiveDate, effect: ExceptionEffect) -> Exception {
        Exception { effect, first: date, last: date, weekdays: Weekdays::ALL, audience: Vec::new() }
    }

    /// No rule opens on the date.
    pub fn closed(date: NaiveDate) -> Exception {
        Exception::new(date, ExceptionEffect::Closed)
    }

    /// These hours in place of those of the rules, also on a holiday.
    pub fn other_hours(date: NaiveDate, hours: impl IntoIterator<Item = Hours>) -> Exception {
        Exception::new(date, ExceptionEffect::OtherHours(hours.into_iter().collect()))
    }

    /// These hours on top of all others, also on a holiday.
    pub fn extra_hours(date: NaiveDate, hours: impl IntoIterator<Item = Hours>) -> Exception {
        Exception::new(date, ExceptionEffect::ExtraHours(hours.into_iter().collect()))
    }

    /// The same on every date up to `last`, which is included: an election week, a company outing.
    #[must_use]
    pub fn through(mut self, last: NaiveDate) -> Exception {
        self.last = last;
        self
    }

    /// Only on these weekdays of the stretch. Default: on all.
    #[must_use]
    pub fn on(mut self, weekdays: impl Into<Weekdays>) -> Exception {
        self.weekdays = weekdays.into();
        self
    }

    /// Only for an audience, such as one appointment template. May be called again for further ones.
    #[must_use]
    pub fn only_for(mut self, audience: impl Into<String>) -> Exception {
        self.audience.push(audience.into());
        self
    }

    /// What becomes of the hours.
    pub fn effect(&self) -> &ExceptionEffect {
        &self.effect
    }

    /// The first date of the stretch.
    pub fn first_date(&self) -> NaiveDate {
        self.first
    }

    /// The last date of the stretch.
    pub fn last_date(&self) -> NaiveDate {
        self.last
    }

    /// Whom alone it is for; nobody named means everybody.
    pub fn audience(&self) -> &[String] {
        &self.audience
    }

    /// The days on which it holds.
    pub(crate) fn days(&self) -> impl Iterator<Item = Day> {
        let days = Day::of(self.first).through(Day::of(self.last));
        days.filter(|day| self.weekdays.has(day.days_from_monday()))
    }

    pub(crate) fn check(&self) -> Result<(), &'static str> {
        if self.last < self.first {
            return Err("its last date is before its first: exchange them");
        }
        if Day::of(self.last).since(Day::of(self.first)) > 3_660 {
            return Err("it covers more than 3,660 days: use a rule that is valid from and until a date");
        }
        if self.weekdays.is_empty() {
            return Err("it has no weekday: name at least one, or leave them out");
        }
        match &self.effect {
            ExceptionEffect::OtherHours(hours) | ExceptionEffect::ExtraHours(hours) if hours.is_empty() => {
                Err("it has no hours: add hours, or say that the date is closed")
            }
            _ => Ok(()),
        }
    }
}

impl ExceptionEffect {
    /// The hours, if they are in place of all others.
    pub(crate) fn other_hours(&self) -> Option<&[Hours]> {
        match self {
            ExceptionEffect::OtherHours(hours) => Some(hours),
            _ => None,
        }
    }

    /// The hours, if they are on top of all others.
    pub(crate) fn extra_hours(&self) -> Option<&[Hours]> {
        match self {
            ExceptionEffect::ExtraHours(hours) => Some(hours),
            _ => None,
        }
    }
}
