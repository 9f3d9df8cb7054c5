use chrono::{Datelike, NaiveDate};

use crate::time::Day;
use crate::{Hours, Weekdays};

/// Opening hours that recur on weekdays.
///
/// ```
/// use optigov_slots::{Rule, Weekdays};
///
/// // The first Saturday of every month from May 2027 on, for two templates only.
/// let saturday = Rule::weekly(Weekdays::SATURDAY)
///     .nth_of_month(1)
///     .valid_from("2027-05-01".parse()?)
///     .hours("09:00-12:00".parse()?)
///     .only_for("passport")
///     .only_for("wedding");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    pub(crate) weekdays: Weekdays,
    pub(crate) hours: Vec<Hours>,
    recurrence: Recurrence,
    valid_from: Option<NaiveDate>,
    valid_until: Option<NaiveDate>,
    pub(crate) audience: Vec<String>,
}

/// In which weeks a [`Rule`] opens on its weekdays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Recurrence {
    /// In every week.
    #[default]
    Weekly,
    /// In every n-th week, counted in both directions from the week (Monday to Sunday) of a date.
    EveryWeeks {
        /// 1 for every week, 2 for every second one.
        weeks: u16,
        /// A date in a week in which the rule opens.
        from: NaiveDate,
    },
    /// On the n-th of each of the weekdays in a month, 1 to 5. In a month without a fifth, a 5 opens nothing.
    NthOfMonth(u8),
    /// On the last of each of the weekdays in a month.
    LastOfMonth,
}

impl Rule {
    /// A rule for weekdays of every week. It needs [`hours`](Rule::hours).
    #[must_use]
    pub fn weekly(weekdays: impl Into<Weekdays>) -> Rule {
        Rule {
            weekdays: weekdays.into(),
            hours: Vec::new(),
            recurrence: Recurrence::Weekly,
            valid_from: None,
            valid_until: None,
            audience: Vec::new(),
        }
    }

    /// Only in some weeks. Default: [`Recurrence::Weekly`].
    #[must_use]
    pub fn recurring(mut self, recurrence: Recurrence) -> Rule {
        self.recurrence = recurrence;
        self
    }

    /// Only every `weeks`-th week, counted in both directions from the week (Monday to Sunday) of `from`.
    #[must_use]
    pub fn every_weeks(self, weeks: u16, from: NaiveDate) -> Rule {
        self.recurring(Recurrence::EveryWeeks { weeks, from })
    }

    /// Only the `n`-th of each weekday in a month: 1 to 5. In a month without a fifth, a 5 opens nothing.
    #[must_use]
    pub fn nth_of_month(self, n: u8) -> Rule {
        self.recurring(Recurrence::NthOfMonth(n))
    }

    /// Only the last of each weekday in a month.
    #[must_use]
    pub fn last_of_month(self) -> Rule {
        self.recurring(Recurrence::LastOfMonth)
    }

    /// Adds hours. May be called again: a morning and an afternoon.
    #[must_use]
    pub fn hours(mut self, hours: Hours) -> Rule {
        self.hours.push(hours);
        self
    }

    /// The first date on which the rule applies. Default: always has.
    #[must_use]
    pub fn valid_from(mut self, date: NaiveDate) -> Rule {
        self.valid_from = Some(date);
        self
    }

    /// The last date on which the rule applies. Default: always will.
    #[must_use]
    pub fn valid_until(mut self, date: NaiveDate) -> Rule {
        self.valid_until = Some(date);
        self
    }

    /// Only for an audience, such as one appointment template (by-appointment hours). May be called again for further ones. Default:
    /// for everybody.
    #[must_use]
    pub fn only_for(mut self, audience: impl Into<String>) -> Rule {
        self.audience.push(audience.into());
        self
    }

    /// The weekdays on which it opens.
    pub fn weekdays(&self) -> Weekdays {
        self.weekdays
    }

    /// The hours of each day on which it opens, in the order in which they were added.
    pub fn daily_hours(&self) -> &[Hours] {
        &self.hours
    }

    /// In which weeks it opens.
    pub fn recurrence(&self) -> Recurrence {
        self.recurrence
    }

    /// The first date on which it applies, if there is one.
    pub fn first_date(&self) -> Option<NaiveDate> {
        self.valid_from
    }

    /// The last date on which it applies, if there is one.
    pub fn last_date(&self) -> Option<NaiveDate> {
        self.valid_until
    }

    /// Whom alone it opens for; nobody named means everybody.
    pub fn audience(&self) -> &[String] {
        &self.audience
    }

    /// Whether the rule opens on a day, whose weekday (Monday is 0) is known.
    pub(crate) fn applies_on(&self, day: Day, weekday: u8) -> bool {
        self.weekdays.has(weekday)
            && self.valid_from.is_none_or(|from| Day::of(from) <= day)
            && self.valid_until.is_none_or(|until| day <= Day::of(until))
            && match self.recurrence {
                Recurrence::Weekly => true,
                Recurrence::EveryWeeks { weeks, from } => {
                    day.monday().since(Day::of(from).monday()) % (7 * i32::from(weeks)) == 0
                }
                Recurrence::NthOfMonth(n) => day.date().day0() / 7 + 1 == u32::from(n),
                Recurrence::LastOfMonth => {
                    let date = day.date();
                    date.day() + 7 > u32::from(date.num_days_in_month())
                }
            }
    }

    pub(crate) fn check(&self) -> Result<(), &'static str> {
        if self.weekdays.is_empty() {
            return Err("it has no weekday: name at least one");
        }
        if self.hours.is_empty() {
            return Err("it has no hours: add hours, or leave the rule out");
        }
        if let (Some(from), Some(until)) = (self.valid_from, self.valid_until)
            && until < from
        {
            return Err("it is valid until a date before the one from which it is valid: exchange them");
        }
        match self.recurrence {
            Recurrence::EveryWeeks { weeks: 0, .. } => Err("it recurs every 0 weeks: use 1 for every week"),
            Recurrence::NthOfMonth(n) if !(1..=5).contains(&n) => {
                Err("a month has weekdays 1 to 5 of a kind: use one of these, or the last of the month")
            }
            _ => Ok(()),
        }
    }
}
