//! Opening rules, exceptions, holidays, and hours as text.

use std::time::Duration;

use chrono::{Datelike, NaiveDate, NaiveTime, TimeDelta, Weekday};
use chrono_tz::Europe::Berlin;
use chrono_tz::{TZ_VARIANTS, Tz};
use optigov_slots::{ClockChange, Exception, Hours, Interval, Reason, Rule, SlotRules, Timetable, Weekdays};
use proptest::prelude::*;

use crate::{ask, date, dates_where, days, hours, instant, open_dates, span, timetable};

#[test]
fn rules_recur_as_a_walk_through_the_calendar_says() {
    let two_years = days("2027-01-01", "2028-12-31");
    let open = |rule: Rule| open_dates(&timetable([rule.hours(hours("09:00-10:00"))]), two_years, None);
    let saturday = |date: NaiveDate| date.weekday() == Weekday::Sat;
    for n in 1..=5 {
        // The n-th: so many of the month's days up to then are Saturdays.
        let nth = |date: NaiveDate| {
            saturday(date) && (1..=date.day()).filter(|&day| date.with_day(day).is_some_and(saturday)).count() == n
        };
        assert_eq!(open(Rule::weekly(Weekdays::SATURDAY).nth_of_month(n as u8)), dates_where(nth));
    }
    let last = |date: NaiveDate| saturday(date) && (date + TimeDelta::days(7)).month() != date.month();
    assert_eq!(open(Rule::weekly(Weekdays::SATURDAY).last_of_month()), dates_where(last));
    // Every third week from a Wednesday, in both directions: the whole week counts.
    let anchor = date("2027-06-16");
    let monday = |date: NaiveDate| date - TimeDelta::days(i64::from(date.weekday().num_days_from_monday()));
    let third =
        |date: NaiveDate| (monday(date) - monday(anchor)).num_days() % 21 == 0 && date.weekday() != Weekday::Sun;
    let but_sunday: Weekdays = Weekdays::ALL.iter().filter(|&day| day != Weekday::Sun).collect();
    assert_eq!(open(Rule::weekly(but_sunday).every_weeks(3, anchor)), dates_where(third));
    let valid = |d: NaiveDate| {
        date("2027-05-01") <= d && d <= date("2028-02-29") && matches!(d.weekday(), Weekday::Mon | Weekday::Thu)
    };
    let rule = Rule::weekly(Weekdays::MONDAY | Weekdays::THURSDAY)
        .valid_from(date("2027-05-01"))
        .valid_until(date("2028-02-29"));
    assert_eq!(open(rule), dates_where(valid));
}

#[test]
fn exceptions_come_before_holidays_and_holidays_before_rules() {
    let timetable = Timetable::builder(Berlin)
        .rule(Rule::weekly(Weekdays::ALL).hours(hours("08:00-12:00")))
        .holidays([date("2027-12-25"), date("2027-12-26"), date("2027-12-27")])
        .exception(Exception::other_hours(date("2027-12-24"), [hours("10:00-12:00")]))
        .exception(Exception::extra_hours(date("2027-12-26"), [hours("15:00-16:00")]))
        .exception(Exception::extra_hours(date("2027-12-28"), [hours("12:00-13:00")]))
        .exception(Exception::closed(date("2027-12-29")).through(date("2027-12-31")))
        .exception(Exception::other_hours(date("2027-12-30"), [hours("09:00-10:00")]).only_for("passport"))
        .build()
        .expect("valid");
    let open = |audience: Option<&str>| {
        let open = timetable.open_windows(days("2027-12-23", "2028-01-01"), audience);
        let shown = |i: Interval| {
            let (start, end) = (i.start().with_timezone(&Berlin), i.end().with_timezone(&Berlin));
            format!("{} {}-{}", start.format("%d."), start.format("%H:%M"), end.format("%H:%M"))
        };
        open.windows().iter().map(shown).collect::<Vec<_>>()
    };
    let everybody = ["23. 08:00-12:00", "24. 10:00-12:00", "26. 15:00-16:00", "28. 08:00-13:00", "01. 08:00-12:00"];
    assert_eq!(open(None), everybody);
    assert_eq!(open(Some("id-card")), everybody);
    assert!(open(Some("passport")).contains(&"30. 09:00-10:00".to_owned()));

    let slots = ask(
        &timetable.open_windows(days("2027-12-23", "2028-01-01"), None),
        SlotRules::builder(Duration::from_mins(30)),
    );
    let why = |text: &str| slots.why(instant(text));
    assert!(
        matches!(why("2027-12-25T08:00:00Z")[..], [Reason::Closed { .. }, Reason::Holiday { date: d, .. }] if d == date("2027-12-25"))
    );
    assert!(matches!(why("2027-12-26T08:00:00Z")[..], [Reason::Closed { .. }]));
    assert!(matches!(why("2027-12-29T08:00:00Z")[..], [Reason::Closed { .. }]));
    assert!(matches!(why("2028-01-02T08:00:00Z")[..], [Reason::OutsideWindow { .. }]));
}

#[test]
fn an_exception_holds_on_its_weekdays_alone() {
    let closed = Exception::closed(date("2027-03-01")).through(date("2027-03-12"));
    let closed = closed.on(Weekdays::MONDAY | Weekdays::FRIDAY);
    let rule = Rule::weekly(Weekdays::MONDAY_TO_FRIDAY).hours(hours("08:00-12:00"));
    let timetable = Timetable::builder(Berlin).rule(rule).exception(closed).build().expect("valid");
    let open = open_dates(&timetable, days("2027-03-01", "2027-03-15"), None);
    let expected = ["02", "03", "04", "09", "10", "11", "15"].map(|day| date(&format!("2027-03-{day}")));
    assert_eq!(open, expected.into());
}

#[test]
fn hours_by_appointment_open_for_their_templates_alone() {
    let timetable = timetable([
        Rule::weekly(Weekdays::MONDAY).hours(hours("08:00-12:00")),
        Rule::weekly(Weekdays::TUESDAY).hours(hours("08:00-12:00")).only_for("wedding").only_for("passport"),
    ]);
    let count = |audience| open_dates(&timetable, days("2027-03-01", "2027-03-07"), audience).len();
    assert_eq!((count(None), count(Some("parking")), count(Some("wedding")), count(Some("passport"))), (1, 1, 2, 2));
}

#[test]
fn edges_that_the_clocks_skip_or_repeat_follow_the_policy() {
    let open = |policy: ClockChange, day: &str, written: &str| {
        let rule = Rule::weekly(Weekdays::ALL).hours(hours(written));
        let timetable = Timetable::builder(Berlin).rule(rule).clock_change(policy).build().expect("valid");
        timetable.open_windows(days(day, day), None).windows().iter().next()
    };
    // On 28 March 2027, 01:00 UTC is 03:00 in Berlin; on 25 October 2026, 02:30 is at 00:30 and at 01:30 UTC.
    let (widest, rfc) = (ClockChange::Widest, ClockChange::Rfc5545);
    assert_eq!(open(widest, "2027-03-28", "02:30-05:00"), Some(span("2027-03-28T01:00:00Z", "2027-03-28T03:00:00Z")));
    assert_eq!(open(rfc, "2027-03-28", "02:30-05:00"), Some(span("2027-03-28T01:30:00Z", "2027-03-28T03:00:00Z")));
    assert_eq!(open(widest, "2026-10-25", "01:00-02:30"), Some(span("2026-10-24T23:00:00Z", "2026-10-25T01:30:00Z")));
    assert_eq!(open(rfc, "2026-10-25", "01:00-02:30"), Some(span("2026-10-24T23:00:00Z", "2026-10-25T00:30:00Z")));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn hours_are_read_as_they_are_written(opening in 0..86_400_u32, length in 1..=86_400_u32) {
        let time = |second: u32| NaiveTime::from_num_seconds_from_midnight_opt(second % 86_400, 0).expect("a time");
        prop_assume!(length < 86_400 || opening == 0);
        let hours = Hours::new(time(opening), time(opening + length));
        prop_assert_eq!(hours.to_string().parse::<Hours>().expect("readable"), hours);
    }

    #[test]
    fn any_text_is_hours_or_an_error(text in ".{0,20}") {
        let _ = text.parse::<Hours>();
    }

    #[test]
    fn days_of_any_zone_follow_each_other(zone in 0..TZ_VARIANTS.len(), day in 0..47_000_i64) {
        let zone: Tz = TZ_VARIANTS[zone];
        let first = date("1970-01-01") + TimeDelta::days(day);
        let next = first + TimeDelta::days(1);
        if let (Ok(today), Ok(tomorrow)) = (Interval::of_dates(first, first, zone), Interval::of_dates(next, next, zone)) {
            prop_assert_eq!(today.end(), tomorrow.start());
            prop_assert_eq!(today.whole_days(zone), Some((first, first)));
            prop_assert!(today.start().with_timezone(&zone).date_naive() == first);
        }
    }
}
