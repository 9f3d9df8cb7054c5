//! What was written is read back, and what is not valid is not read.
#![cfg(feature = "serde")]

use std::time::Duration;

use chrono_tz::Europe::Berlin;
use optigov_slots::{
    Anchor, Busy, ClockChange, Exception, Hours, Interval, IntervalSet, Lead, Needed, Resources, Rule, SlotRules,
    Timetable, Weekdays,
};
use serde::{Serialize, de::DeserializeOwned};

fn date(text: &str) -> chrono::NaiveDate {
    text.parse().expect("a date")
}

fn hours(text: &str) -> Hours {
    text.parse().expect("hours")
}

fn comes_back<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(value: T) -> String {
    let written = serde_json::to_string(&value).expect("writable");
    assert_eq!(serde_json::from_str::<T>(&written).expect(&written), value);
    written
}

fn refused<T: DeserializeOwned + std::fmt::Debug>(text: &str) -> String {
    serde_json::from_str::<T>(text).expect_err(text).to_string()
}

#[test]
fn values_come_back_as_they_were() {
    let interval = Interval::from_unix(1_803_888_000, 1_803_891_600).expect("not empty");
    assert_eq!(comes_back(interval), r#"{"start":"2027-03-01T08:00:00Z","end":"2027-03-01T09:00:00Z"}"#);
    comes_back(IntervalSet::from(interval));
    assert_eq!(comes_back(hours("22:00-02:00")), r#""22:00-02:00""#);
    assert_eq!(comes_back(Weekdays::MONDAY | Weekdays::FRIDAY), r#"["Mon","Fri"]"#);
    comes_back(Needed::AtLeast(2));
    let timetable = Timetable::builder(Berlin)
        .rule(
            Rule::weekly(Weekdays::ALL)
                .hours(hours("08:00-12:00"))
                .every_weeks(2, date("2027-03-01"))
                .valid_from(date("2027-01-01")),
        )
        .rule(Rule::weekly(Weekdays::SATURDAY).hours(hours("09:00-24:00")).nth_of_month(1).only_for("wedding"))
        .rule(
            Rule::weekly(Weekdays::SUNDAY).hours(hours("00:00-24:00")).last_of_month().valid_until(date("2028-01-01")),
        )
        .exception(Exception::closed(date("2027-12-24")).through(date("2027-12-31")))
        .exception(Exception::extra_hours(date("2027-12-30"), [hours("10:00-12:00")]).only_for("passport"))
        .holiday(date("2027-10-03"))
        .clock_change(ClockChange::Rfc5545)
        .build()
        .expect("valid");
    comes_back(timetable);
    let rules = SlotRules::builder(Duration::from_mins(20))
        .step(Duration::from_mins(5))
        .concerns(2)
        .anchor(Anchor::BackToBack)
        .buffer_before(Duration::from_mins(3))
        .buffer_after(Duration::from_mins(4))
        .horizon_days(60)
        .release_at(chrono::NaiveTime::from_hms_opt(8, 0, 0).expect("a time"))
        .day_limit(9)
        .capacity(3);
    comes_back(rules.lead(Lead::Days(2)).build().expect("valid"));
    comes_back(rules.lead(Lead::Time(Duration::from_hours(3))).build().expect("valid"));
    let shortest: SlotRules = serde_json::from_str(r#"{"length_seconds": 1200}"#).expect("readable");
    assert_eq!(shortest, SlotRules::builder(Duration::from_mins(20)).build().expect("valid"));
}

#[test]
fn a_set_is_put_in_order_when_it_is_read() {
    let text = r#"[{"start":"2027-03-01T09:00:00Z","end":"2027-03-01T10:00:00Z"},{"start":"2027-03-01T08:00:00Z","end":"2027-03-01T09:00:00Z"}]"#;
    let set: IntervalSet = serde_json::from_str(text).expect("readable");
    assert_eq!(set.len(), 1);
}

#[test]
fn what_is_not_valid_is_not_read() {
    assert!(
        refused::<Interval>(r#"{"start":"2027-03-01T09:00:00Z","end":"2027-03-01T09:00:00Z"}"#)
            .contains("must end after it starts")
    );
    assert!(
        refused::<Interval>(r#"{"start":"2027-03-01T09:00:00Z","end":"2027-03-01T10:00:00Z","stop":1}"#)
            .contains("unknown field")
    );
    assert!(refused::<Hours>(r#""8-12""#).contains("08:00-12:00"));
    assert!(refused::<SlotRules>(r#"{"length_seconds": 0}"#).contains("length"));
    assert!(refused::<SlotRules>(r#"{"length_seconds": 1200, "lenght": 3}"#).contains("unknown field"));
    assert!(
        refused::<Timetable>(r#"{"zone": "Europe/Berlin", "rules": [{"weekdays": ["Mon"], "hours": []}]}"#)
            .contains("rules[0]")
    );
    assert!(refused::<Timetable>(r#"{"zone": "Europe/Bonn"}"#).contains("Europe/Bonn"));
}

#[test]
fn slots_and_reasons_can_be_written() {
    let timetable = Timetable::builder(Berlin)
        .rule(Rule::weekly(Weekdays::ALL).hours(hours("08:00-09:00")))
        .build()
        .expect("valid");
    let day = Interval::of_dates(date("2027-03-01"), date("2027-03-01"), Berlin).expect("a day");
    let rules = SlotRules::builder(Duration::from_mins(30)).build().expect("valid");
    let now = "2027-01-01T00:00:00Z".parse().expect("an instant");
    let slots = timetable.open_windows(day, None).slots(&rules, &Resources::none(), &Busy::default(), now);
    let written = serde_json::to_string(&slots.first()).expect("writable");
    assert_eq!(written, r#"{"start":"2027-03-01T07:00:00Z","end":"2027-03-01T07:30:00Z"}"#);
    let written =
        serde_json::to_string(&slots.why("2027-03-01T08:00:00Z".parse().expect("an instant"))).expect("writable");
    assert_eq!(written, r#"[{"reason":"closed","at":"2027-03-01T08:00:00Z"}]"#);
}
