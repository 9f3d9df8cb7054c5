//! The holidays of a municipality: the state's, with what it adds and removes.

use chrono::{Datelike, NaiveDate, NaiveTime};
use optigov_calendar::Text;
use serde::{Serialize, ser::Serializer};

use crate::{
    fault::{Code, Fault},
    text::{
        forms::{deserialize_by_reading, table},
        reader::{Read, Reader},
        value::Value,
    },
    values::{HolidayRule, Line, State, TimeText},
};

/// A date on which the municipality's counters are closed, or close early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holiday {
    date: NaiveDate,
    name: Option<String>,
    closed_from: Option<NaiveTime>,
}

impl Holiday {
    /// The date.
    pub fn date(&self) -> NaiveDate {
        self.date
    }

    /// What it is called, if that is known.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// On a half day, the time of day from which counters are closed. `None`: all day.
    pub fn closed_from(&self) -> Option<NaiveTime> {
        self.closed_from
    }
}

/// What a municipality adds to and removes from its state's holidays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct LocalHolidays {
    /// Holidays of the state that this municipality does not have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    remove: Vec<HolidayRule>,
    /// Holidays and half days that this municipality has beside those of the state.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    add: Vec<AddedHoliday>,
}

impl LocalHolidays {
    /// The holidays of a year, in the order of their dates; a date once, a whole day before a half day.
    pub(crate) fn of_year(&self, state: Option<State>, year: i32) -> Vec<Holiday> {
        let removed: Vec<NaiveDate> = self.remove.iter().filter_map(|rule| rule.date_in(year)).collect();
        let of_state = state.map(|state| state.holidays(year)).unwrap_or_default();
        let kept = of_state.into_iter().filter(|(date, _)| !removed.contains(date));
        let mut holidays: Vec<Holiday> =
            kept.map(|(date, name)| Holiday { date, name: Some(name.to_owned()), closed_from: None }).collect();
        holidays.extend(self.add.iter().filter_map(|added| added.in_year(year)));
        holidays.sort_by_key(|holiday| (holiday.date, holiday.closed_from));
        holidays.dedup_by_key(|holiday| holiday.date);
        holidays
    }

    /// Says which removals remove nothing.
    pub(crate) fn check(&self, state: Option<State>, reader: &mut Reader) {
        // Whether a rule can meet a holiday shows within a few years; one date shows in its own.
        const SHOWN_IN: std::ops::RangeInclusive<i32> = 2024..=2035;
        let removes = |rule: HolidayRule, year: i32| {
            let date = rule.date_in(year);
            state.is_some_and(|state| state.holidays(year).iter().any(|(holiday, _)| Some(*holiday) == date))
        };
        for (index, rule) in self.remove.iter().enumerate() {
            let ever = match rule.only_date() {
                Some(date) => removes(*rule, date.year()),
                None => SHOWN_IN.clone().any(|year| removes(*rule, year)),
            };
            if !ever {
                let fault = Fault::new(
                    Code::RemovesNothing,
                    Text::new(
                        format!("Das Bundesland hat den Feiertag „{rule}“ nicht, deshalb gibt es nichts zu entfernen."),
                        format!("The state does not have the holiday \"{rule}\", so there is nothing to remove."),
                    ),
                    Text::new("Bitte den Eintrag oder das Bundesland prüfen.", "Check the entry, or the state."),
                );
                reader.below("remove", |reader| reader.element(index, |reader| reader.fault(fault)));
            }
        }
    }
}

table!(LocalHolidays { remove: or_default, add: or_default });

deserialize_by_reading!(LocalHolidays);

/// A holiday that a municipality adds: only its rule as a text, or a table.
#[derive(Clone, Debug, PartialEq, Eq)]
struct AddedHoliday {
    on: HolidayRule,
    name: Option<Line>,
    closed_from: Option<TimeText>,
}

impl AddedHoliday {
    fn in_year(&self, year: i32) -> Option<Holiday> {
        let name = self.name.as_ref().map(Line::as_str).or_else(|| self.on.name());
        Some(Holiday {
            date: self.on.date_in(year)?,
            name: name.map(str::to_owned),
            closed_from: self.closed_from.map(|time| time.0),
        })
    }
}

/// The long form of an [`AddedHoliday`].
#[derive(Serialize, schemars::JsonSchema)]
#[schemars(deny_unknown_fields, description = "A holiday or half day with its name.")]
struct HolidayForm {
    /// On which dates.
    on: HolidayRule,
    /// What it is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<Line>,
    /// A half day: counters are closed from this time of day on. Default: all day.
    #[serde(skip_serializing_if = "Option::is_none")]
    closed_from: Option<TimeText>,
}

table!(HolidayForm { on: required, name: optional, closed_from: optional });

impl Read for AddedHoliday {
    fn read(value: &Value<'_>, reader: &mut Reader) -> Option<Self> {
        match value {
            Value::Table(_) => HolidayForm::read(value, reader).map(|form| AddedHoliday {
                on: form.on,
                name: form.name,
                closed_from: form.closed_from,
            }),
            _ => HolidayRule::read(value, reader).map(|on| AddedHoliday { on, name: None, closed_from: None }),
        }
    }
}

impl Serialize for AddedHoliday {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.name.is_none() && self.closed_from.is_none() {
            return self.on.serialize(serializer);
        }
        HolidayForm { on: self.on, name: self.name.clone(), closed_from: self.closed_from }.serialize(serializer)
    }
}

impl schemars::JsonSchema for AddedHoliday {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "AddedHoliday".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let (short, long) = (generator.subschema_for::<HolidayRule>(), generator.subschema_for::<HolidayForm>());
        schemars::json_schema!({ "anyOf": [short, long] })
    }
}
