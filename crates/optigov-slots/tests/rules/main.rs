//! What each opening rule, booking rule and resource says, and what is refused.

mod booking;
mod opening;
mod refused;

use std::collections::BTreeSet;

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use chrono_tz::Europe::Berlin;
use optigov_slots::{
    Busy, Hours, Interval, OpenWindows, Resources, Rule, SlotRulesBuilder, Slots, Timetable, Weekdays,
};

pub(crate) fn date(text: &str) -> NaiveDate {
    text.parse().expect("a date")
}

pub(crate) fn instant(text: &str) -> DateTime<Utc> {
    text.parse().expect("an instant")
}

pub(crate) fn hours(text: &str) -> Hours {
    text.parse().expect("hours")
}

pub(crate) fn span(start: &str, end: &str) -> Interval {
    Interval::new(instant(start), instant(end)).expect("not empty")
}

pub(crate) fn days(first: &str, last: &str) -> Interval {
    Interval::of_dates(date(first), date(last), Berlin).expect("days")
}

pub(crate) fn timetable(rules: impl IntoIterator<Item = Rule>) -> Timetable {
    rules.into_iter().fold(Timetable::builder(Berlin), |builder, rule| builder.rule(rule)).build().expect("valid")
}

/// The dates on which something opens.
pub(crate) fn open_dates(timetable: &Timetable, window: Interval, audience: Option<&str>) -> BTreeSet<NaiveDate> {
    timetable
        .open_windows(window, audience)
        .windows()
        .iter()
        .map(|i| i.start().with_timezone(&Berlin).date_naive())
        .collect()
}

/// All dates of 2027 and 2028 with a property.
pub(crate) fn dates_where(property: impl Fn(NaiveDate) -> bool) -> BTreeSet<NaiveDate> {
    date("2027-01-01").iter_days().take_while(|date| date.year() < 2029).filter(|date| property(*date)).collect()
}

pub(crate) fn ask(open: &OpenWindows, rules: SlotRulesBuilder) -> Slots {
    ask_with(open, rules, Resources::none(), &[], "2027-01-01T00:00:00Z")
}

pub(crate) fn ask_with(
    open: &OpenWindows,
    rules: SlotRulesBuilder,
    resources: Resources,
    bookings: &[Interval],
    now: &str,
) -> Slots {
    open.slots(&rules.build().expect("valid"), &resources, &Busy::from(bookings), instant(now))
}

pub(crate) fn every_day_from_eight_to_ten() -> Timetable {
    timetable([Rule::weekly(Weekdays::ALL).hours(hours("08:00-10:00"))])
}
