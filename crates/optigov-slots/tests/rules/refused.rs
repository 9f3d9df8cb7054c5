//! What is refused, and in which words.

use std::time::Duration;

use chrono::NaiveDate;
use chrono_tz::Europe::Berlin;
use optigov_slots::{Busy, Exception, Hours, Lead, Needed, Resources, Rule, SlotRules, Timetable, Weekdays};

use crate::{date, hours};

#[test]
fn what_cannot_be_is_refused_with_its_place_and_a_remedy() {
    let minutes = |n| SlotRules::builder(Duration::from_mins(n));
    for (rules, place) in [
        (minutes(0), "length"),
        (minutes(25 * 60), "length"),
        (SlotRules::builder(Duration::from_millis(90_500)), "length"),
        (minutes(20).step(Duration::ZERO), "step"),
        (minutes(20).concerns(0), "concerns"),
        (minutes(20).concerns(73), "concerns"),
        (minutes(20).concerns(u32::MAX), "concerns"),
        (minutes(20).capacity(0), "capacity"),
        (minutes(20).day_limit(0), "day_limit"),
        (minutes(20).buffer_before(Duration::MAX), "buffer_before"),
        (minutes(20).buffer_after(Duration::from_hours(25)), "buffer_after"),
        (minutes(20).lead(Lead::Time(Duration::MAX)), "lead"),
        (minutes(20).lead(Lead::Days(u32::MAX)), "lead"),
        (minutes(20).horizon_days(u32::MAX), "horizon_days"),
    ] {
        let error = rules.build().expect_err(place);
        assert_eq!(error.place(), place);
        assert!(
            error.to_string().starts_with(&format!("{place}: "))
                && error.to_string().contains(": ")
                && error.to_string().len() > 20
        );
    }
    let rule = || Rule::weekly(Weekdays::MONDAY).hours(hours("08:00-12:00"));
    for wrong in [
        Rule::weekly(Weekdays::MONDAY),
        Rule::weekly(Weekdays::default()).hours(hours("08:00-12:00")),
        rule().every_weeks(0, date("2027-03-01")),
        rule().nth_of_month(0),
        rule().nth_of_month(6),
        rule().valid_from(date("2027-03-02")).valid_until(date("2027-03-01")),
    ] {
        let error = Timetable::builder(Berlin).rule(rule()).rule(wrong).build().expect_err("wrong");
        assert_eq!(error.place(), "rules[1]");
    }
    for wrong in [
        Exception::other_hours(date("2027-03-01"), []),
        Exception::extra_hours(date("2027-03-01"), []),
        Exception::closed(date("2027-03-01")).through(date("2027-02-01")),
        Exception::closed(NaiveDate::MIN).through(NaiveDate::MAX),
        Exception::closed(date("2027-03-01")).through(date("2027-03-31")).on(Weekdays::default()),
    ] {
        assert_eq!(Timetable::builder(Berlin).exception(wrong).build().expect_err("wrong").place(), "exceptions[0]");
    }
    for (count, needed) in
        [(0, Needed::Any), (2, Needed::AtLeast(0)), (2, Needed::AtLeast(3)), (2, Needed::AtLeast(u32::MAX))]
    {
        let calendars = vec![Busy::default(); count];
        assert_eq!(Resources::new(calendars, needed).expect_err("wrong").place(), "needed");
    }
    for wrong in [
        "",
        "8-12",
        "08:00",
        "08:00-25:00",
        "24:00-25:00",
        "08:00-08:00",
        "08:60-09:00",
        "08:00-12:00-13:00",
        "٠٨:٠٠-12:00",
        "08:00:00:00-09:00",
    ] {
        assert_eq!(wrong.parse::<Hours>().expect_err(wrong).place(), "hours");
    }
}
