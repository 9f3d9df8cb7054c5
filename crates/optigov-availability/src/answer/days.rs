//! How many slots begin on each day: a month's overview of many counters.

use chrono::{Datelike as _, NaiveDate, SubsecRound as _};
use serde::ser::{Serialize, SerializeSeq as _, SerializeStruct as _, Serializer};

use super::{Answer, CounterAnswer, json, local_time::local};

/// An answer without its slots: how many begin on each local day of the window. Made by [`Answer::day_counts`].
///
/// ```json
/// { "now": "2026-11-24T07:00:00+01:00",
///   "counters": [ { "id": "eins", "name": "Schalter 1", "template": "pass", "status": "known", "reason": null,
///                   "days": [ { "date": "2026-11-24", "free": 12 } ], "warnings": [] } ] }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct DayCounts<'a>(&'a Answer);

impl Answer {
    /// How many slots begin on each day at each counter, to be serialised.
    pub fn day_counts(&self) -> DayCounts<'_> {
        DayCounts(self)
    }
}

impl DayCounts<'_> {
    /// The JSON that serde makes of it, in a fraction of the time.
    pub fn to_json(&self) -> Vec<u8> {
        json::day_counts(self.0)
    }
}

impl Serialize for DayCounts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Answer { now, zone, counters, .. } = self.0;
        let counters: Vec<_> = counters.iter().map(CounterDays).collect();
        let mut fields = serializer.serialize_struct("DayCounts", 2)?;
        fields.serialize_field("now", &local(now.trunc_subsecs(0), *zone))?;
        fields.serialize_field("counters", &counters)?;
        fields.end()
    }
}

struct CounterDays<'a>(&'a CounterAnswer);

impl Serialize for CounterDays<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let CounterDays(counter) = self;
        let mut fields =
            serializer.serialize_struct("CounterDays", 7 + usize::from(counter.age_seconds().is_some()))?;
        counter.serialize_head(&mut fields)?;
        fields.serialize_field("days", &DayList(counter))?;
        fields.serialize_field("warnings", &counter.warning_list())?;
        fields.end()
    }
}

struct DayList<'a>(&'a CounterAnswer);

#[derive(serde::Serialize)]
struct WrittenDay {
    date: NaiveDate,
    free: usize,
}

impl Serialize for DayList<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(None)?;
        for (date, free) in self.0.counts_per_day() {
            list.serialize_element(&WrittenDay { date, free })?;
        }
        list.end()
    }
}

/// Appends a date as serde writes it, without the quotes.
pub(super) fn write_date(out: &mut Vec<u8>, date: NaiveDate) {
    match date_digits(date) {
        Some(text) => out.extend_from_slice(&text),
        None => out.extend_from_slice(date.to_string().as_bytes()),
    }
}

/// A date as serde writes it, in the years from 1000 to 9999.
pub(super) fn date_digits(date: NaiveDate) -> Option<[u8; 10]> {
    let year = u32::try_from(date.year()).ok().filter(|year| (1_000..=9_999).contains(year))?;
    let digits = |number: u32| [b'0' + (number / 10 % 10) as u8, b'0' + (number % 10) as u8];
    let ([a, b], [c, d]) = (digits(year / 100), digits(year % 100));
    let ([e, f], [g, h]) = (digits(date.month()), digits(date.day()));
    Some([a, b, c, d, b'-', e, f, b'-', g, h])
}
