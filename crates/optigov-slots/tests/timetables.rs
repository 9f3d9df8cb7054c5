//! Opening rules, exceptions, booking rules and resources: what each of them says, and what is refused.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Utc, Weekday};
use chrono_tz::{Europe::Berlin, Tz};
use optigov_slots::{
    Busy, ClockChange, Exception, Hours, Interval, Lead, Needed, OpenWindows, Reason, Resources, Rule, SlotRules,
    Slots, Timetable, Weekdays, merge,
};
use proptest::prelude::*;

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

fn days(first: &str, last: &str) -> Interval {
    Interval::of_dates(date(first), date(last), Berlin).expect("days")
}

fn timetable(rules: impl IntoIterator<Item = Rule>) -> Timetable {
    rules.into_iter().fold(Timetable::builder(Berlin), |builder, rule| builder.rule(rule)).build().expect("valid")
}

/// The dates on which something opens.
fn open_dates(timetable: &Timetable, window: Interval, audience: Option<&str>) -> BTreeSet<NaiveDate> {
    timetable
        .open_windows(window, audience)
        .windows()
        .iter()
        .map(|i| i.start().with_timezone(&Berlin).date_naive())
        .collect()
}

/// All dates of 2027 and 2028 with a property.
fn dates_where(property: impl Fn(NaiveDate) -> bool) -> BTreeSet<NaiveDate> {
    date("2027-01-01").iter_days().take_while(|date| date.year() < 2029).filter(|date| property(*date)).collect()
}

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
fn hours_by_appointment_open_for_their_templates_alone() {
    let timetable = timetable([
        Rule::weekly(Weekdays::MONDAY).hours(hours("08:00-12:00")),
        Rule::weekly(Weekdays::TUESDAY).hours(hours("08:00-12:00")).only_for("wedding").only_for("passport"),
    ]);
    let count = |audience| open_dates(&timetable, days("2027-03-01", "2027-03-07"), audience).len();
    assert_eq!((count(None), count(Some("parking")), count(Some("wedding")), count(Some("passport"))), (1, 1, 2, 2));
}

fn ask(open: &OpenWindows, rules: optigov_slots::SlotRulesBuilder) -> Slots {
    ask_with(open, rules, Resources::none(), &[], "2027-01-01T00:00:00Z")
}

fn ask_with(
    open: &OpenWindows,
    rules: optigov_slots::SlotRulesBuilder,
    resources: Resources,
    bookings: &[Interval],
    now: &str,
) -> Slots {
    open.slots(&rules.build().expect("valid"), &resources, &Busy::from(bookings), instant(now))
}

fn every_day_from_eight_to_ten() -> Timetable {
    timetable([Rule::weekly(Weekdays::ALL).hours(hours("08:00-10:00"))])
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

#[test]
fn lead_horizon_and_release_are_exact_at_their_edges() {
    let open = every_day_from_eight_to_ten().open_windows(days("2027-03-01", "2027-06-30"), None);
    let hourly = SlotRules::builder(Duration::from_hours(1));
    let first =
        |lead, now| ask_with(&open, hourly.lead(lead), Resources::none(), &[], now).first().map(|slot| slot.start());
    let day = Lead::Time(Duration::from_hours(24));
    assert_eq!(first(day, "2027-03-01T07:00:00Z"), Some(instant("2027-03-02T07:00:00Z")));
    assert_eq!(first(day, "2027-03-01T07:00:01Z"), Some(instant("2027-03-02T08:00:00Z")));
    assert_eq!(first(day, "2027-03-01T07:00:00.001Z"), Some(instant("2027-03-02T08:00:00Z")));
    assert_eq!(first(Lead::Days(1), "2027-03-01T22:59:59Z"), Some(instant("2027-03-02T07:00:00Z")));
    assert_eq!(first(Lead::Days(1), "2027-03-01T23:00:00Z"), Some(instant("2027-03-03T07:00:00Z")));
    // Over a change of clocks, 24 hours are not a day on the wall.
    assert_eq!(first(day, "2027-03-27T07:00:00Z"), Some(instant("2027-03-28T07:00:00Z")));

    let noon = chrono::NaiveTime::from_hms_opt(12, 0, 0).expect("a time");
    let last_day = |rules: optigov_slots::SlotRulesBuilder, now| {
        ask_with(&open, rules, Resources::none(), &[], now).iter().last().map(|slot| slot.start().date_naive())
    };
    assert_eq!(last_day(hourly.horizon_days(60), "2027-03-01T00:00:00Z"), Some(date("2027-04-30")));
    assert_eq!(last_day(hourly.horizon_days(60), "2027-02-28T23:00:00Z"), Some(date("2027-04-30")));
    assert_eq!(last_day(hourly.horizon_days(60), "2027-02-28T22:59:59Z"), Some(date("2027-04-29")));
    assert_eq!(last_day(hourly.horizon_days(60).release_at(noon), "2027-03-01T10:59:59Z"), Some(date("2027-04-29")));
    assert_eq!(last_day(hourly.horizon_days(60).release_at(noon), "2027-03-01T11:00:00Z"), Some(date("2027-04-30")));
    assert_eq!(last_day(hourly.horizon_days(0), "2027-03-01T00:00:00Z"), Some(date("2027-03-01")));
    let slots = ask_with(&open, hourly.horizon_days(60), Resources::none(), &[], "2027-03-01T00:00:00Z");
    let reasons = slots.why(instant("2027-05-01T06:00:00Z"));
    assert!(matches!(reasons[..], [Reason::OutsideHorizon { last, .. }] if last == date("2027-04-30")), "{reasons:?}");
}

#[test]
fn a_counter_of_three_with_two_bookings_has_one_place_left() {
    let open = every_day_from_eight_to_ten().open_windows(days("2027-03-01", "2027-03-01"), None);
    let eight = instant("2027-03-01T07:00:00Z");
    let booking = span("2027-03-01T07:00:00Z", "2027-03-01T08:00:00Z");
    let with = |bookings: &[Interval], concerns| {
        let rules = SlotRules::builder(Duration::from_mins(30)).capacity(3).concerns(concerns);
        ask_with(&open, rules, Resources::none(), bookings, "2027-03-01T00:00:00Z")
    };
    assert_eq!(with(&[], 1).places_left(eight), 3);
    assert_eq!(with(&[booking; 2], 1).places_left(eight), 1);
    let full = with(&[booking; 3], 1);
    assert!(matches!(full.why(eight)[..], [Reason::Capacity { places: 3, taken: 3, .. }]));
    assert_eq!(full.len(), 2);
    // Two concerns take an hour in one piece.
    assert_eq!(
        with(&[booking; 3], 2).iter().map(|slot| slot.start()).collect::<Vec<_>>(),
        [instant("2027-03-01T08:00:00Z")]
    );
    assert_eq!(with(&[], 4).len(), 1);
    assert_eq!(with(&[], 5).len(), 0);
}

#[test]
fn any_and_at_least_tell_who_is_free_and_share_them_out() {
    let open = every_day_from_eight_to_ten().open_windows(days("2027-03-01", "2027-03-01"), None);
    let (eight, nine) = (instant("2027-03-01T07:00:00Z"), instant("2027-03-01T08:00:00Z"));
    let first_hour = span("2027-03-01T07:00:00Z", "2027-03-01T08:00:00Z");
    let calendars = || [Busy::from(vec![first_hour]), Busy::default(), Busy::from(vec![first_hour])];
    let with = |needed, bookings: &[Interval]| {
        let rules = SlotRules::builder(Duration::from_hours(1)).capacity(3);
        let resources = Resources::new(calendars(), needed).expect("valid");
        ask_with(&open, rules, resources, bookings, "2027-03-01T00:00:00Z")
    };
    let any = with(Needed::Any, &[]);
    assert_eq!((any.free_resources(eight), any.places_left(eight)), (vec![1], 1));
    assert_eq!((any.free_resources(nine), any.places_left(nine)), (vec![0, 1, 2], 3));
    // The only one who is free has an appointment already.
    assert!(matches!(with(Needed::Any, &[first_hour]).why(eight)[..], [Reason::Capacity { places: 1, taken: 1, .. }]));
    let two = with(Needed::AtLeast(2), &[]);
    assert_eq!(two.iter().map(|slot| slot.start()).collect::<Vec<_>>(), [nine]);
    assert_eq!(two.places_left(nine), 1);
    let busy = |reason: &Reason| matches!(reason, Reason::Busy { interval, .. } if *interval == first_hour);
    assert_eq!(two.why(eight).iter().filter(|reason| busy(reason)).count(), 2);
    assert_eq!(with(Needed::All, &[]).len(), 1);
}

#[test]
fn a_day_is_full_once_as_many_bookings_begin_on_it_as_are_allowed() {
    let open = every_day_from_eight_to_ten().open_windows(days("2027-03-01", "2027-03-02"), None);
    let bookings =
        [span("2027-03-01T07:00:00Z", "2027-03-01T07:10:00Z"), span("2027-03-01T22:59:00Z", "2027-03-01T23:30:00Z")];
    let with = |bookings: &[Interval]| {
        ask_with(
            &open,
            SlotRules::builder(Duration::from_hours(1)).day_limit(2),
            Resources::none(),
            bookings,
            "2027-03-01T00:00:00Z",
        )
    };
    assert_eq!(with(&bookings[..1]).len(), 3);
    let full = with(&bookings);
    assert_eq!(full.counts_per_day().collect::<Vec<_>>(), [(date("2027-03-01"), 0), (date("2027-03-02"), 2)]);
    let reasons = full.why(instant("2027-03-01T08:00:00Z"));
    assert!(matches!(reasons[..], [Reason::DayLimit { limit: 2, .. }]), "{reasons:?}");
}

#[test]
fn an_answer_can_be_kept_and_sent_to_other_threads() {
    fn can_be_kept<T: Clone + Send + Sync + 'static>(value: T) -> T {
        value
    }
    let open = every_day_from_eight_to_ten().open_windows(days("2027-03-01", "2027-03-01"), None);
    let kept = can_be_kept(ask(&can_be_kept(open), SlotRules::builder(Duration::from_hours(1))));
    let copy = kept.clone();
    let there = std::thread::spawn(move || copy.iter().collect::<Vec<_>>()).join().expect("no panic");
    assert_eq!(there, kept.iter().collect::<Vec<_>>());
    assert_eq!(there.len(), 2);
}

#[test]
fn asking_anew_in_place_is_asking_anew() {
    // Each question changes what the memory of the last could wrongly keep: hours, rules, calendars, bookings, the present.
    let timetable = every_day_from_eight_to_ten();
    let short = timetable.open_windows(days("2027-03-01", "2027-03-02"), None);
    let long = timetable.open_windows(days("2027-03-01", "2027-03-09"), None);
    let odd = OpenWindows::new(
        Berlin,
        span("2027-03-01T00:00:00Z", "2027-03-02T00:00:00Z"),
        &span("2027-03-01T06:59:01Z", "2027-03-01T09:00:00Z").into(),
    );
    let twenty = SlotRules::builder(Duration::from_mins(20)).build().expect("valid");
    let others = [
        SlotRules::builder(Duration::from_mins(20)).capacity(3).build().expect("valid"),
        SlotRules::builder(Duration::from_mins(35)).anchor(optigov_slots::Anchor::BackToBack).build().expect("valid"),
        SlotRules::builder(Duration::from_mins(10))
            .buffer_after(Duration::from_mins(10))
            .day_limit(1)
            .build()
            .expect("valid"),
    ];
    let busy = Resources::one(vec![span("2027-03-01T07:30:00Z", "2027-03-01T08:00:00Z")]);
    let any = Resources::new([Busy::default(), busy.calendars()[0].clone()], Needed::Any).expect("valid");
    let booked = Busy::from(vec![span("2027-03-02T07:30:00Z", "2027-03-02T08:00:00Z")]);
    let mut kept = short.slots(&twenty, &busy, &booked, instant("2027-01-01T00:00:00Z"));
    for open in [&long, &odd, &short] {
        for rules in [&twenty, &others[0], &others[1], &others[2], &twenty] {
            for (resources, bookings) in [(&busy, &Busy::default()), (&any, &booked), (&Resources::none(), &booked)] {
                for now in
                    ["2027-01-01T00:00:00Z", "2027-03-01T07:40:00Z", "2027-03-20T00:00:00Z", "2027-01-01T00:00:00Z"]
                {
                    kept.update(open, rules, resources, bookings, instant(now));
                    let anew = open.slots(rules, resources, bookings, instant(now));
                    assert!(kept.iter().eq(anew.iter()));
                    assert!(kept.counts_per_day().eq(anew.counts_per_day()));
                    assert_eq!(anew.is_empty(), now == "2027-03-20T00:00:00Z");
                }
            }
        }
    }
}

#[test]
fn reasons_come_in_order_and_all_at_once() {
    let open = every_day_from_eight_to_ten().open_windows(days("2027-03-01", "2027-03-01"), None);
    let busy = span("2027-03-01T08:45:00Z", "2027-03-01T09:30:00Z");
    let rules = SlotRules::builder(Duration::from_mins(40)).buffer_after(Duration::from_mins(10)).day_limit(1);
    let slots = ask_with(
        &open,
        rules,
        Resources::one(vec![busy]),
        &[span("2027-03-01T06:00:00Z", "2027-03-01T06:10:00Z")],
        "2027-03-01T12:00:00Z",
    );
    let reasons: Vec<String> = slots.why(instant("2027-03-01T08:30:00Z")).iter().map(Reason::to_string).collect();
    assert_eq!(
        reasons,
        [
            "closed at 2027-03-01T09:00:00Z",
            "the earliest start that can be booked is 2027-03-01T12:00:00Z",
            "no appointment starts then",
            "resource 0 is busy 2027-03-01T08:45:00Z/2027-03-01T09:30:00Z",
            "all 1 appointments of 2027-03-01 are booked",
        ]
    );
}

#[test]
fn merging_counters_keeps_time_order_and_names_the_counter() {
    let open = |written: &str| {
        let timetable = timetable([Rule::weekly(Weekdays::ALL).hours(hours(written))]);
        ask(
            &timetable.open_windows(days("2027-03-01", "2027-03-03"), None),
            SlotRules::builder(Duration::from_mins(20)),
        )
    };
    let counters = [open("08:00-10:00"), open("08:20-09:00"), open("14:00-14:10")];
    let merged: Vec<_> = merge((0..).zip(&counters)).collect();
    let mut expected: Vec<_> =
        (0..).zip(&counters).flat_map(|(key, slots)| slots.iter().map(move |slot| (key, slot))).collect();
    expected.sort_by_key(|(key, slot)| (slot.start_unix(), *key));
    assert_eq!(merged, expected);
    assert_eq!(merge(std::iter::empty::<((), &Slots)>()).next(), None);
    let taken: Vec<_> = merge([("a", &counters[0]), ("b", &counters[1])]).take(3).map(|(key, _)| key).collect();
    assert_eq!(taken, ["a", "a", "b"]);
}

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

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn hours_are_read_as_they_are_written(opening in 0..86_400_u32, length in 1..=86_400_u32) {
        let time = |second: u32| chrono::NaiveTime::from_num_seconds_from_midnight_opt(second % 86_400, 0).expect("a time");
        prop_assume!(length < 86_400 || opening == 0);
        let hours = Hours::new(time(opening), time(opening + length));
        prop_assert_eq!(hours.to_string().parse::<Hours>().expect("readable"), hours);
    }

    #[test]
    fn any_text_is_hours_or_an_error(text in ".{0,20}") {
        let _ = text.parse::<Hours>();
    }

    #[test]
    fn days_of_any_zone_follow_each_other(zone in 0..chrono_tz::TZ_VARIANTS.len(), day in 0..47_000_i64) {
        let zone: Tz = chrono_tz::TZ_VARIANTS[zone];
        let first = date("1970-01-01") + TimeDelta::days(day);
        let next = first + TimeDelta::days(1);
        if let (Ok(today), Ok(tomorrow)) = (Interval::of_dates(first, first, zone), Interval::of_dates(next, next, zone)) {
            prop_assert_eq!(today.end(), tomorrow.start());
            prop_assert_eq!(today.whole_days(zone), Some((first, first)));
            prop_assert!(today.start().with_timezone(&zone).date_naive() == first);
        }
    }
}
