//! The written form of values: what was written is read back, what is not valid is not read, and reasons keep their documented shape.
#![cfg(feature = "serde")]

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Europe::Berlin;
use optigov_slots::{
    Busy, Hours, Interval, IntervalSet, Lead, Reason, Resources, Rule, SlotRules, SlotRulesBuilder, Slots, Timetable,
    Weekdays,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

fn date(text: &str) -> NaiveDate {
    text.parse().expect("a date")
}

fn instant(text: &str) -> DateTime<Utc> {
    text.parse().expect("an instant")
}

fn hours(text: &str) -> Hours {
    text.parse().expect("hours")
}

fn span(start: &str, end: &str) -> Interval {
    Interval::new(instant(start), instant(end)).expect("not empty")
}

fn comes_back<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: T) -> String {
    let written = serde_json::to_string(&value).expect("writable");
    assert_eq!(serde_json::from_str::<T>(&written).expect(&written), value);
    written
}

fn refused<T: DeserializeOwned + Debug>(text: &str) -> String {
    serde_json::from_str::<T>(text).expect_err(text).to_string()
}

#[test]
fn values_come_back_as_they_were() {
    let interval = Interval::from_unix(1_803_888_000, 1_803_891_600).expect("not empty");
    assert_eq!(comes_back(interval), r#"{"start":"2027-03-01T08:00:00Z","end":"2027-03-01T09:00:00Z"}"#);
    comes_back(IntervalSet::from(interval));
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
}

/// A counter that opens at eight in Berlin, 07:00 UTC, and closes at ten; asked from 1 to 3 March.
struct Scene {
    holiday: bool,
    rules: SlotRulesBuilder,
    busy: Vec<Interval>,
    bookings: Vec<Interval>,
    now: &'static str,
}

fn scene() -> Scene {
    let rules = SlotRules::builder(Duration::from_mins(30));
    Scene { holiday: false, rules, busy: Vec::new(), bookings: Vec::new(), now: "2027-01-01T00:00:00Z" }
}

impl Scene {
    fn slots(self) -> Slots {
        let timetable = Timetable::builder(Berlin).rule(Rule::weekly(Weekdays::ALL).hours(hours("08:00-10:00")));
        let timetable = if self.holiday { timetable.holiday(date("2027-03-02")) } else { timetable };
        let window = Interval::of_dates(date("2027-03-01"), date("2027-03-03"), Berlin).expect("days");
        let open = timetable.build().expect("valid").open_windows(window, None);
        let rules = self.rules.build().expect("valid");
        open.slots(&rules, &Resources::one(self.busy), &Busy::from(self.bookings), instant(self.now))
    }

    fn why(self, start: &str) -> Value {
        serde_json::to_value(self.slots().why(instant(start))).expect("writable")
    }
}

#[test]
fn slots_are_written_as_intervals() {
    let written = serde_json::to_string(&scene().slots().first()).expect("writable");
    assert_eq!(written, r#"{"start":"2027-03-01T07:00:00Z","end":"2027-03-01T07:30:00Z"}"#);
}

#[test]
fn each_reason_is_written_with_its_code_and_its_data() {
    let half_past_seven = span("2027-03-01T07:30:00Z", "2027-03-01T08:00:00Z");
    let buffered = SlotRules::builder(Duration::from_mins(30)).buffer_after(Duration::from_mins(10));
    let cases = [
        (
            scene().why("2027-03-10T07:00:00Z"),
            json!([{
                "code": "outside_window",
                "window": {"start": "2027-02-28T23:00:00Z", "end": "2027-03-03T23:00:00Z"},
            }]),
        ),
        (
            scene().why("2027-03-01T06:30:00Z"),
            json!([{"code": "closed", "at": "2027-03-01T06:30:00Z", "since": null, "until": "2027-03-01T07:00:00Z"}]),
        ),
        (
            Scene { holiday: true, ..scene() }.why("2027-03-02T07:00:00Z"),
            json!([
                {
                    "code": "closed",
                    "at": "2027-03-02T07:00:00Z",
                    "since": "2027-03-01T09:00:00Z",
                    "until": "2027-03-03T07:00:00Z",
                },
                {"code": "holiday", "date": "2027-03-02"},
            ]),
        ),
        (
            Scene { rules: scene().rules.horizon_days(7), now: "2027-02-22T12:00:00Z", ..scene() }
                .why("2027-03-02T07:00:00Z"),
            json!([{"code": "outside_horizon", "last": "2027-03-01", "bookable_from": "2027-02-22T23:00:00Z"}]),
        ),
        (
            Scene { rules: scene().rules.lead(Lead::Days(1)), now: "2027-03-01T12:00:00.5Z", ..scene() }
                .why("2027-03-01T07:30:00Z"),
            json!([{"code": "lead_time", "earliest": "2027-03-01T23:00:00Z", "now": "2027-03-01T12:00:00.500Z"}]),
        ),
        (
            scene().why("2027-03-01T07:10:00Z"),
            json!([{"code": "not_on_grid", "previous": "2027-03-01T07:00:00Z", "next": "2027-03-01T07:30:00Z"}]),
        ),
        (
            Scene { busy: vec![half_past_seven], ..scene() }.why("2027-03-01T07:30:00Z"),
            json!([{
                "code": "busy",
                "resource": 0,
                "interval": {"start": "2027-03-01T07:30:00Z", "end": "2027-03-01T08:00:00Z"},
            }]),
        ),
        (
            Scene { rules: buffered, busy: vec![half_past_seven], ..scene() }.why("2027-03-01T07:00:00Z"),
            json!([{
                "code": "buffer",
                "resource": 0,
                "interval": {"start": "2027-03-01T07:30:00Z", "end": "2027-03-01T08:00:00Z"},
                "needed": {"start": "2027-03-01T07:00:00Z", "end": "2027-03-01T07:40:00Z"},
            }]),
        ),
        (
            Scene { rules: buffered, bookings: vec![half_past_seven], ..scene() }.why("2027-03-01T08:00:00Z"),
            json!([{
                "code": "buffer",
                "resource": null,
                "interval": {"start": "2027-03-01T07:30:00Z", "end": "2027-03-01T08:00:00Z"},
                "needed": {"start": "2027-03-01T07:50:00Z", "end": "2027-03-01T08:40:00Z"},
            }]),
        ),
        (
            Scene { bookings: vec![half_past_seven], ..scene() }.why("2027-03-01T07:30:00Z"),
            json!([{"code": "capacity", "places": 1, "taken": 1}]),
        ),
        (
            Scene { rules: scene().rules.day_limit(1), bookings: vec![half_past_seven], ..scene() }
                .why("2027-03-01T08:30:00Z"),
            json!([{"code": "day_limit", "date": "2027-03-01", "limit": 1}]),
        ),
    ];
    let mut codes = BTreeSet::new();
    for (written, expected) in &cases {
        assert_eq!(written, expected);
        codes.extend(written.as_array().expect("a list").iter().map(|reason| reason["code"].as_str().expect("a code")));
    }
    assert_eq!(codes, Reason::CODES.iter().copied().collect());
}

#[test]
fn the_code_of_a_reason_is_the_one_that_is_written() {
    let rules = SlotRules::builder(Duration::from_mins(30)).buffer_after(Duration::from_mins(10)).day_limit(1);
    let taken = span("2027-03-02T07:30:00Z", "2027-03-02T08:00:00Z");
    let scene = Scene { holiday: true, rules, busy: vec![taken], bookings: vec![taken], now: "2027-03-02T12:00:00Z" };
    let reasons = scene.slots().why(instant("2027-03-02T07:00:00Z"));
    assert_eq!(reasons.len(), 5);
    for reason in reasons {
        assert_eq!(serde_json::to_value(reason).expect("writable")["code"], reason.code());
    }
}
