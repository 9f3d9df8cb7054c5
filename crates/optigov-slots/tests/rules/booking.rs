//! Booking rules and resources, and answers as values.

use std::time::Duration;

use chrono::NaiveTime;
use chrono_tz::Europe::Berlin;
use optigov_slots::{
    Anchor, Busy, Interval, Lead, Needed, OpenWindows, Reason, Resources, Rule, SlotRules, SlotRulesBuilder, Slots,
    Weekdays, merge,
};

use crate::{ask, ask_with, date, days, every_day_from_eight_to_ten, hours, instant, span, timetable};

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

    let noon = NaiveTime::from_hms_opt(12, 0, 0).expect("a time");
    let last_day = |rules: SlotRulesBuilder, now| {
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
        SlotRules::builder(Duration::from_mins(35)).anchor(Anchor::BackToBack).build().expect("valid"),
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
