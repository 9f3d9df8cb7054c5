//! What holds where other slot engines are known to be wrong: changes of clocks, edges, buffers, the order of input, sheer size.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, TimeZone, Utc};
use chrono_tz::{Europe::Berlin, Tz};
use optigov_slots::{
    Anchor, Busy, Interval, Reason, Resources, Rule, SlotRules, SlotRulesBuilder, Slots, Timetable, Weekdays,
};

fn date(text: &str) -> NaiveDate {
    text.parse().expect("a date")
}

fn instant(text: &str) -> DateTime<Utc> {
    text.parse().expect("an instant")
}

/// `2027-03-01 09:00` in Berlin.
fn berlin(text: &str) -> DateTime<Utc> {
    let local = chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").expect("a local time");
    Berlin.from_local_datetime(&local).earliest().expect("exists").to_utc()
}

fn between(start: &str, end: &str) -> Interval {
    Interval::new(berlin(start), berlin(end)).expect("not empty")
}

fn every_day(zone: Tz, hours: &[&str]) -> Timetable {
    let rule = hours.iter().fold(Rule::weekly(Weekdays::ALL), |rule, hours| rule.hours(hours.parse().expect("hours")));
    Timetable::builder(zone).rule(rule).build().expect("valid")
}

fn minutes(length: u64) -> SlotRulesBuilder {
    SlotRules::builder(Duration::from_mins(length))
}

fn ask(
    timetable: &Timetable,
    first: &str,
    last: &str,
    rules: SlotRulesBuilder,
    busy: Vec<Interval>,
    bookings: Vec<Interval>,
) -> Slots {
    let window = Interval::of_dates(date(first), date(last), timetable.zone()).expect("days");
    let rules = rules.build().expect("valid");
    timetable.open_windows(window, None).slots(
        &rules,
        &Resources::one(busy),
        &bookings.into(),
        instant("1960-01-01T00:00:00Z"),
    )
}

/// The starts as clocks in the zone show them.
fn shown(slots: &Slots) -> Vec<String> {
    let zone = slots.open_windows().zone();
    slots.iter().map(|slot| slot.start().with_timezone(&zone).format("%d. %H:%M").to_string()).collect()
}

#[test]
fn slots_keep_their_local_time_after_the_clocks_change() {
    let timetable = every_day(Berlin, &["08:00-10:00"]);
    for (first, last) in [("2027-03-27", "2027-03-29"), ("2026-10-24", "2026-10-26")] {
        let slots = ask(&timetable, first, last, minutes(60), vec![], vec![]);
        let shown: BTreeSet<String> = shown(&slots).iter().map(|start| start[4..].to_owned()).collect();
        assert_eq!(shown, BTreeSet::from(["08:00".to_owned(), "09:00".to_owned()]));
        assert_eq!(slots.len(), 6);
    }
}

#[test]
fn hours_that_end_in_a_skipped_hour_end_with_the_change() {
    let slots = ask(&every_day(Berlin, &["00:00-02:30"]), "2027-03-28", "2027-03-28", minutes(30), vec![], vec![]);
    assert_eq!(shown(&slots), ["28. 00:00", "28. 00:30", "28. 01:00", "28. 01:30"]);
    let slots = ask(&every_day(Berlin, &["02:15-02:45"]), "2027-03-28", "2027-03-28", minutes(15), vec![], vec![]);
    assert!(slots.is_empty());
}

#[test]
fn no_slot_starts_in_an_hour_that_does_not_exist() {
    let slots = ask(&every_day(Berlin, &["01:00-04:00"]), "2027-03-28", "2027-03-28", minutes(30), vec![], vec![]);
    assert_eq!(shown(&slots), ["28. 01:00", "28. 01:30", "28. 03:00", "28. 03:30"]);
}

#[test]
fn a_repeated_hour_is_offered_twice_and_blocked_as_two_hours() {
    // From 02:00 in summer time until 03:00 in winter time: two hours.
    let block = Interval::new(instant("2026-10-25T00:00:00Z"), instant("2026-10-25T02:00:00Z")).expect("not empty");
    let slots = ask(&every_day(Berlin, &["01:30-03:30"]), "2026-10-25", "2026-10-25", minutes(30), vec![block], vec![]);
    assert_eq!(shown(&slots), ["25. 01:30", "25. 03:00"]);
    let free = ask(&every_day(Berlin, &["01:30-03:30"]), "2026-10-25", "2026-10-25", minutes(30), vec![], vec![]);
    assert_eq!(shown(&free), ["25. 01:30", "25. 02:00", "25. 02:30", "25. 02:00", "25. 02:30", "25. 03:00"]);
}

#[test]
fn slots_run_over_midnight() {
    let slots = ask(&every_day(Berlin, &["22:00-02:00"]), "2027-03-01", "2027-03-01", minutes(90), vec![], vec![]);
    // The night before reaches into the day, and its grid began at 22:00.
    assert_eq!(shown(&slots), ["01. 22:00", "01. 23:30"]);
    assert_eq!(slots.iter().last().map(|slot| slot.end()), Some(berlin("2027-03-02 01:00")));
    // Two days that meet at 24:00 are one stretch of time.
    let slots = ask(
        &every_day(Berlin, &["23:00-24:00", "00:00-01:00"]),
        "2027-03-01",
        "2027-03-01",
        minutes(60).step(Duration::from_mins(30)),
        vec![],
        vec![],
    );
    assert_eq!(shown(&slots), ["01. 00:00", "01. 23:00", "01. 23:30"]);
}

#[test]
fn each_buffer_lies_on_its_own_side_and_two_that_meet_do_not_add_up() {
    let timetable = every_day(Berlin, &["08:00-12:00"]);
    let rules = minutes(20)
        .step(Duration::from_mins(5))
        .buffer_before(Duration::from_mins(5))
        .buffer_after(Duration::from_mins(10));
    let at = |slots: &Slots, time: &str| slots.is_bookable(berlin(&format!("2027-03-01 {time}")));
    let taken = between("2027-03-01 10:00", "2027-03-01 10:30");
    let busy = ask(&timetable, "2027-03-01", "2027-03-01", rules, vec![taken], vec![]);
    // Ten minutes after the appointment, five before it.
    assert!(at(&busy, "09:30") && !at(&busy, "09:35") && !at(&busy, "10:30") && at(&busy, "10:35"));
    assert_eq!(busy.why(berlin("2027-03-01 09:35")).len(), 1);
    assert!(
        matches!(busy.why(berlin("2027-03-01 09:35"))[0], Reason::Buffer { resource: Some(0), interval, .. } if interval == taken)
    );
    // A booking has buffers of its own: the longer of two that meet counts, once.
    let booked = ask(&timetable, "2027-03-01", "2027-03-01", rules, vec![], vec![taken]);
    assert!(at(&booked, "09:30") && !at(&booked, "09:35") && !at(&booked, "10:35") && at(&booked, "10:40"));
    // At the edges of the opening hours, nothing needs to be free: nobody is there.
    assert!(at(&busy, "08:00") && at(&busy, "11:40"));
}

#[test]
fn the_grid_begins_anew_after_lunch_unless_it_counts_from_midnight() {
    let slots = ask(
        &every_day(Berlin, &["08:00-08:50", "13:05-13:50"]),
        "2027-03-01",
        "2027-03-01",
        minutes(20),
        vec![],
        vec![],
    );
    assert_eq!(shown(&slots), ["01. 08:00", "01. 08:20", "01. 13:05", "01. 13:25"]);
    let midnight = minutes(20).anchor(Anchor::LocalMidnight);
    let slots =
        ask(&every_day(Berlin, &["08:00-08:50", "13:05-13:50"]), "2027-03-01", "2027-03-01", midnight, vec![], vec![]);
    assert_eq!(shown(&slots), ["01. 08:00", "01. 08:20", "01. 13:20"]);
}

#[test]
fn back_to_back_continues_at_once_after_an_odd_appointment() {
    let busy = vec![between("2027-03-01 08:25", "2027-03-01 08:42")];
    let rules = minutes(20).anchor(Anchor::BackToBack).buffer_after(Duration::from_mins(5));
    let slots = ask(&every_day(Berlin, &["08:00-10:00"]), "2027-03-01", "2027-03-01", rules, busy, vec![]);
    assert_eq!(shown(&slots), ["01. 08:00", "01. 08:42", "01. 09:07", "01. 09:32"]);
}

#[test]
fn any_overlap_takes_a_slot_and_touching_takes_none() {
    let timetable = every_day(Berlin, &["09:00-11:00"]);
    let removed = |from: &str, until: &str| {
        let busy = vec![between(&format!("2027-03-01 {from}"), &format!("2027-03-01 {until}"))];
        let free = shown(&ask(&timetable, "2027-03-01", "2027-03-01", minutes(30), busy, vec![]));
        ["09:00", "09:30", "10:00", "10:30"]
            .into_iter()
            .filter(|time| !free.contains(&format!("01. {time}")))
            .collect::<Vec<_>>()
    };
    assert_eq!(removed("09:50", "10:05"), ["09:30", "10:00"]); // over an edge
    assert_eq!(removed("10:10", "10:15"), ["10:00"]); // inside
    assert_eq!(removed("08:00", "09:01"), ["09:00"]); // from before the opening
    assert_eq!(removed("09:15", "10:45"), ["09:00", "09:30", "10:00", "10:30"]); // around
    assert_eq!(removed("09:30", "10:00"), ["09:30"]); // ends exactly where the next begins
}

#[test]
fn slots_end_before_lunch_and_closing() {
    let slots = ask(
        &every_day(Berlin, &["11:00-12:00", "13:00-14:00"]),
        "2027-03-01",
        "2027-03-01",
        minutes(45).step(Duration::from_mins(30)),
        vec![],
        vec![],
    );
    assert_eq!(shown(&slots), ["01. 11:00", "01. 13:00"]);
    let why = slots.why(berlin("2027-03-01 11:30"));
    assert!(matches!(why[..], [Reason::Closed { at, .. }] if at == berlin("2027-03-01 12:00")), "{why:?}");
}

#[test]
fn list_booking_check_and_reasons_agree() {
    let busy = vec![between("2027-03-01 09:10", "2027-03-01 09:40")];
    let slots = ask(&every_day(Berlin, &["08:00-12:00"]), "2027-03-01", "2027-03-02", minutes(30), busy, vec![]);
    let listed: BTreeSet<i64> = slots.iter().map(|slot| slot.start_unix()).collect();
    let window = slots.open_windows().window();
    for second in (window.start_unix() - 600..window.end_unix() + 600).step_by(60) {
        let start = DateTime::from_timestamp(second, 0).expect("in range");
        assert_eq!(slots.is_bookable(start), listed.contains(&second));
        assert_eq!(slots.why(start).is_empty(), listed.contains(&second));
    }
    // Between two seconds nothing starts.
    let shifted = slots.first().expect("a slot").start() + chrono::TimeDelta::nanoseconds(1);
    assert!(!slots.is_bookable(shifted));
    let why = slots.why(shifted);
    assert!(matches!(why[..], [Reason::NotOnGrid { previous: Some(_), next: Some(_) }]), "{why:?}");
}

#[test]
fn the_answer_is_the_same_for_any_order_of_the_input() {
    let timetable = every_day(Berlin, &["08:00-12:00"]);
    let eight = berlin("2027-03-01 08:00").timestamp();
    let entry = |n: i64| Interval::from_unix(eight + n * 3_700, eight + n * 3_700 + 900).expect("not empty");
    let mut busy: Vec<Interval> = (0..20).map(entry).collect();
    let sorted: Vec<_> =
        ask(&timetable, "2027-03-01", "2027-03-02", minutes(10), busy.clone(), vec![]).iter().collect();
    busy.reverse();
    busy.extend_from_within(3..9);
    let reversed: Vec<_> = ask(&timetable, "2027-03-01", "2027-03-02", minutes(10), busy, vec![]).iter().collect();
    assert_eq!(sorted, reversed);
    assert!(!sorted.is_empty());
}

#[test]
fn a_hundred_thousand_overlapping_entries_are_answered_at_once() {
    // 60 entries that all overlap would be 2^60 subsets; 100,000 are nothing to an engine that is linear in them.
    let eight = berlin("2027-03-01 08:00").timestamp();
    let entry = |n: i64| Interval::from_unix(eight + n % 7_000, eight + 7_200 + n % 60).expect("not empty");
    let busy: Vec<Interval> = (0..100_000).map(entry).collect();
    for (anchor, first) in [(Anchor::WindowStart, eight + 2 * 3_600 + 1_800), (Anchor::BackToBack, eight + 7_200 + 59)]
    {
        let rules = minutes(30).anchor(anchor);
        let slots = ask(&every_day(Berlin, &["08:00-12:00"]), "2027-03-01", "2027-03-01", rules, busy.clone(), vec![]);
        assert_eq!((slots.first().map(|slot| slot.start_unix()), slots.len()), (Some(first), 3));
    }
}

#[test]
fn what_began_before_the_window_blocks_in_it() {
    let vacation = vec![between("2027-02-20 00:00", "2027-03-01 23:59")];
    let slots = ask(&every_day(Berlin, &["08:00-09:00"]), "2027-03-01", "2027-03-02", minutes(30), vacation, vec![]);
    assert_eq!(shown(&slots), ["02. 08:00", "02. 08:30"]);
}

#[test]
fn answers_for_days_that_touch_are_together_the_answer_for_all() {
    let timetable = every_day(Berlin, &["20:00-04:00"]);
    let rules = minutes(50);
    let whole: Vec<_> = ask(&timetable, "2027-03-26", "2027-03-30", rules, vec![], vec![]).iter().collect();
    let paged: Vec<_> = ["2027-03-26", "2027-03-27", "2027-03-28", "2027-03-29", "2027-03-30"]
        .into_iter()
        .flat_map(|day| ask(&timetable, day, day, rules, vec![], vec![]).iter().collect::<Vec<_>>())
        .collect();
    assert_eq!(whole, paged);
    assert_eq!(whole.iter().collect::<BTreeSet<_>>().len(), whole.len());
}

#[test]
fn days_without_a_midnight_and_dates_that_were_skipped_are_counted_as_they_ran() {
    // Cairo: 30 April 2027 begins at 01:00.
    let cairo = every_day(Tz::Africa__Cairo, &["00:00-02:00"]);
    assert_eq!(
        shown(&ask(&cairo, "2027-04-30", "2027-04-30", minutes(30), vec![], vec![])),
        ["30. 01:00", "30. 01:30"]
    );
    // Apia: after the 29th came the 31st.
    let apia = every_day(Tz::Pacific__Apia, &["09:00-10:00"]);
    let slots = ask(&apia, "2011-12-29", "2011-12-31", minutes(60), vec![], vec![]);
    assert_eq!(shown(&slots), ["29. 09:00", "31. 09:00"]);
    assert_eq!(slots.counts_per_day().collect::<Vec<_>>(), [(date("2011-12-29"), 1), (date("2011-12-31"), 1)]);
    assert!(Interval::of_dates(date("2011-12-30"), date("2011-12-30"), Tz::Pacific__Apia).is_err());
    // Lord Howe: half an hour is repeated.
    let lord_howe = every_day(Tz::Australia__Lord_Howe, &["01:00-02:30"]);
    let slots = ask(&lord_howe, "2027-04-04", "2027-04-04", minutes(30), vec![], vec![]);
    assert_eq!(shown(&slots), ["04. 01:00", "04. 01:30", "04. 01:30", "04. 02:00"]);
}

#[test]
fn whole_days_are_told_by_the_clocks_of_the_zone() {
    let days = |zone: Tz, first: &str, last: &str| Interval::of_dates(date(first), date(last), zone).expect("days");
    assert_eq!(days(Berlin, "2027-03-28", "2027-03-28").duration(), Duration::from_hours(23));
    assert_eq!(days(Berlin, "2026-10-25", "2026-10-25").duration(), Duration::from_hours(25));
    for (zone, first, last) in [
        (Berlin, "2027-03-27", "2027-03-29"),
        (Tz::Africa__Cairo, "2027-04-30", "2027-04-30"),
        (Tz::America__Sao_Paulo, "2018-11-04", "2018-11-04"),
        (Tz::Pacific__Apia, "2011-12-28", "2011-12-29"),
        (Tz::Asia__Kathmandu, "1985-12-31", "1986-01-01"),
    ] {
        assert_eq!(days(zone, first, last).whole_days(zone), Some((date(first), date(last))), "{zone}");
    }
    // Whole days in London are not whole days in Berlin.
    assert_eq!(days(Tz::Europe__London, "2027-03-01", "2027-03-01").whole_days(Berlin), None);
    assert_eq!(between("2027-03-01 00:00", "2027-03-05 23:59").whole_days(Berlin), None);
}

#[test]
fn nothing_is_bookable_at_the_ends_of_time() {
    let timetable = every_day(Berlin, &["08:00-12:00"]);
    let all_time = Interval::from_unix(i64::MIN, i64::MAX).expect("not empty");
    let hour = Interval::of_dates(date("2027-03-01"), date("2027-03-01"), Berlin).expect("a day");
    for busy in [vec![], vec![all_time]] {
        for now in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC] {
            let rules =
                minutes(20).horizon_days(3_000).lead(optigov_slots::Lead::Days(3)).day_limit(1).build().expect("valid");
            for window in [hour, Interval::from_unix(i64::MIN, 0).expect("not empty"), all_time] {
                let bookings: Busy = busy.iter().copied().collect();
                let slots =
                    timetable.open_windows(window, None).slots(&rules, &Resources::one(busy.clone()), &bookings, now);
                assert!(slots.is_empty());
                assert!(!slots.why(window.start()).is_empty());
                assert!(!slots.why(DateTime::<Utc>::MAX_UTC).is_empty());
                assert!(!slots.why(DateTime::<Utc>::MIN_UTC).is_empty());
            }
        }
    }
}
