//! Scenarios 25 to 29 of the domain, each through the configuration and the engine.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, TimeZone, Utc};
use chrono_tz::Europe::Berlin;
use optigov_counter::{Code, Counter, Fault, Language, Municipality};
use optigov_slots::{Busy, Interval, Needed, Reason, Resources, Slots};

/// An instant by its date and time in Berlin.
fn at(local: &str) -> DateTime<Utc> {
    let local = chrono::NaiveDateTime::parse_from_str(local, "%Y-%m-%d %H:%M").expect("a local time");
    Berlin.from_local_datetime(&local).single().expect("a time that exists once").to_utc()
}

fn interval(start: &str, end: &str) -> Interval {
    Interval::new(at(start), at(end)).expect("an interval")
}

fn date(text: &str) -> NaiveDate {
    text.parse().expect("a date")
}

fn days(first: &str, last: &str) -> Interval {
    Interval::of_dates(date(first), date(last), Berlin).expect("days")
}

struct Question<'q> {
    municipality: &'q Municipality,
    counter: &'q Counter,
    template: &'q str,
    concerns: u32,
    window: Interval,
    now: DateTime<Utc>,
    busy: Vec<Interval>,
    bookings: Vec<Interval>,
}

impl Question<'_> {
    fn slots(&self) -> Slots {
        let template = self.municipality.template(self.template).expect("a template");
        let open = self.counter.open_windows(self.municipality, template, self.window);
        let rules = self.counter.slot_rules(template, self.concerns).expect("rules");
        open.slots(&rules, &Resources::one(self.busy.clone()), &Busy::from(self.bookings.clone()), self.now)
    }

    fn starts(&self) -> Vec<String> {
        self.slots()
            .iter()
            .map(|slot| slot.start().with_timezone(&Berlin).format("%Y-%m-%d %H:%M").to_string())
            .collect()
    }
}

fn times(starts: &[String], day: &str) -> Vec<String> {
    starts.iter().filter_map(|start| start.strip_prefix(day)).map(|time| time.trim().to_owned()).collect()
}

fn read(text: &str) -> Municipality {
    Municipality::from_toml(text).unwrap_or_else(|faults| panic!("{faults}"))
}

fn sample(name: &str) -> Municipality {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/samples");
    read(&std::fs::read_to_string(folder.join(name)).expect("a sample"))
}

#[test]
fn scenario_25_sync_on_without_a_mailbox_is_refused_with_the_path_and_off_it_is_fine() {
    let text = |on: bool, mailboxes: &str| {
        format!(
            "{{\"id\": \"eins\", \"name\": \"Schalter 1\",\n \"exchange_sync\": {{ \"on\": {on}, \"mailboxes\": {mailboxes} }}}}"
        )
    };
    let faults: Vec<Fault> =
        Counter::from_json(&text(true, "[]")).expect_err("on without a mailbox").into_iter().collect();
    assert_eq!(faults.len(), 1);
    assert_eq!((faults[0].path().as_str(), faults[0].code()), ("exchange_sync.mailboxes", Code::SyncWithoutMailbox));
    assert_eq!((faults[0].line(), faults[0].column()), (Some(2), Some(46)));
    assert_eq!(
        faults[0].message(Language::German),
        "Der Exchange-Abgleich ist eingeschaltet, aber es ist kein Postfach eingetragen."
    );

    let off = Counter::from_json(&text(false, "[\"anna@musterstadt.example\"]")).expect("off with a mailbox");
    assert!(!off.exchange_sync().is_on());
    assert_eq!(off.exchange_sync().mailboxes().len(), 1);
    assert!(!Counter::from_json("{\"id\": \"a\", \"name\": \"A\"}").expect("no sync at all").exchange_sync().is_on());
}

#[test]
fn scenario_26_lunch_break_and_long_thursday_and_a_service_that_would_run_into_lunch_is_not_offered() {
    let municipality = read(
        r#"
        name = "Musterstadt"
        [[templates]]
        id = "beratung"
        label = "Beratung"
        length = "45min"
        [[counters]]
        id = "eins"
        name = "Schalter 1"
        templates = ["beratung"]
        booking = { step = "30min" }
        opening = [
            { days = "Mo-Fr", hours = ["08:00-12:00", "13:00-15:00"] },
            { days = "Do", hours = "15:00-18:00", until = "2027-03-04" },
        ]
        "#,
    );
    let question = Question {
        municipality: &municipality,
        counter: municipality.counter("eins").expect("a counter"),
        template: "beratung",
        concerns: 1,
        window: days("2027-03-01", "2027-03-12"),
        now: at("2027-02-26 12:00"),
        busy: Vec::new(),
        bookings: Vec::new(),
    };
    let starts = question.starts();
    let short = ["08:00", "08:30", "09:00", "09:30", "10:00", "10:30", "11:00", "13:00", "13:30", "14:00"];
    assert_eq!(times(&starts, "2027-03-03"), short, "a Wednesday: 11:30 would end at 12:15");
    let long = [&short[..], &["14:30", "15:00", "15:30", "16:00", "16:30", "17:00"]].concat();
    assert_eq!(times(&starts, "2027-03-04"), long, "the last long Thursday");
    assert_eq!(times(&starts, "2027-03-11"), short, "the Thursday after the long ones");
    assert!(question.slots().why(at("2027-03-03 11:30")).iter().any(|reason| matches!(reason, Reason::Closed { .. })));
}

#[test]
fn scenario_27_lead_time_horizon_and_buffers_are_exact_at_the_edges() {
    let municipality = read(
        r#"
        name = "Musterstadt"
        [[templates]]
        id = "pass"
        label = "Reisepass"
        length = "20min"
        [[counters]]
        id = "eins"
        name = "Schalter 1"
        templates = ["pass"]
        booking = { lead_time = "24h", horizon = "60d", buffer_before = "5min", buffer_after = "5min", step = "5min" }
        opening = [{ days = "daily", hours = "08:00-16:00" }]
        "#,
    );
    let question = |window: Interval, busy: Vec<Interval>| Question {
        municipality: &municipality,
        counter: municipality.counter("eins").expect("a counter"),
        template: "pass",
        concerns: 1,
        window,
        now: at("2027-01-11 09:30"),
        busy,
        bookings: Vec::new(),
    };
    let starts = question(days("2027-01-11", "2027-03-31"), Vec::new()).starts();
    assert_eq!(starts.first().map(String::as_str), Some("2027-01-12 09:30"), "exactly 24 hours ahead");
    assert_eq!(starts.last().map(String::as_str), Some("2027-03-12 15:40"), "the 60th day, to its end");

    // An Exchange entry from 10:00 to 10:30: an appointment keeps five minutes from either side of it.
    let busy = vec![interval("2027-01-20 10:00", "2027-01-20 10:30")];
    let slots = question(days("2027-01-20", "2027-01-20"), busy).slots();
    for (start, free) in [("09:35", true), ("09:40", false), ("10:00", false), ("10:30", false), ("10:35", true)] {
        assert_eq!(slots.is_bookable(at(&format!("2027-01-20 {start}"))), free, "{start}");
    }
}

#[test]
fn scenario_27_days_are_released_at_the_hour_that_was_set() {
    let municipality = sample("rathaus.toml");
    let counter = municipality.counter("buergerbuero-1").expect("a counter");
    let bookable_at = |now: &str| {
        let question = Question {
            municipality: &municipality,
            counter,
            template: "ummeldung",
            concerns: 1,
            window: days("2027-03-31", "2027-03-31"),
            now: at(now),
            busy: Vec::new(),
            bookings: Vec::new(),
        };
        question.slots().len()
    };
    // 31 March is the 60th day after 30 January; it is released at 07:00.
    assert_eq!(bookable_at("2027-01-30 06:59"), 0);
    assert!(bookable_at("2027-01-30 07:00") > 0);
}

#[test]
fn scenario_28_capacity_counts_bookings_and_several_concerns_need_consecutive_time() {
    let municipality = read(
        r#"
        name = "Musterstadt"
        [[templates]]
        id = "pass"
        label = "Reisepass"
        length = "20min"
        max_concerns = 2
        [[counters]]
        id = "eins"
        name = "Schalter 1"
        templates = ["pass"]
        capacity = 3
        opening = [{ days = "Mo", hours = "09:00-10:00" }]
        "#,
    );
    let with_bookings = |count: usize, concerns: u32| Question {
        municipality: &municipality,
        counter: municipality.counter("eins").expect("a counter"),
        template: "pass",
        concerns,
        window: days("2027-03-01", "2027-03-01"),
        now: at("2027-02-26 12:00"),
        busy: Vec::new(),
        bookings: vec![interval("2027-03-01 09:20", "2027-03-01 09:40"); count],
    };
    assert!(
        with_bookings(2, 1).slots().is_bookable(at("2027-03-01 09:20")),
        "two of three places are taken: one is left"
    );
    assert!(!with_bookings(3, 1).slots().is_bookable(at("2027-03-01 09:20")), "all three are taken");
    let times_of = |question: Question<'_>| times(&question.starts(), "2027-03-01");
    assert_eq!(times_of(with_bookings(3, 1)), ["09:00", "09:40"]);
    assert_eq!(times_of(with_bookings(2, 2)), ["09:00", "09:20"], "40 minutes in one");
    assert_eq!(times_of(with_bookings(3, 2)), Vec::<String>::new(), "no 40 minutes are left in one");

    let template = municipality.template("pass").expect("a template");
    let counter = municipality.counter("eins").expect("a counter");
    assert!(counter.slot_rules(template, 3).expect_err("more than the template allows").is_concerns());
    assert!(counter.slot_rules(template, 0).expect_err("none").is_concerns());
}

#[test]
fn scenario_29_holidays_are_the_municipalitys_and_an_exception_opens_on_christmas_eve() {
    let (augsburg, nuremberg) = (sample("augsburg.toml"), sample("nuernberg.toml"));
    let open_on = |municipality: &Municipality, day: &str| -> Vec<String> {
        let counter = municipality.counters().next().expect("a counter");
        let template = municipality.template("reisepass").expect("a template");
        let open = counter.open_windows(municipality, template, days(day, day));
        let local = |instant: DateTime<Utc>| instant.with_timezone(&Berlin).format("%H:%M").to_string();
        open.windows().iter().map(|open| format!("{}-{}", local(open.start()), local(open.end()))).collect()
    };
    for year in 2026..2030 {
        let day = |rest: &str| format!("{year}-{rest}");
        assert!(open_on(&augsburg, &day("08-15")).is_empty(), "Mariä Himmelfahrt {year} in Augsburg");
        assert_eq!(open_on(&nuremberg, &day("08-15")), ["08:00-16:00"], "15 August {year} in Nuremberg");
        assert!(open_on(&augsburg, &day("08-08")).is_empty(), "the peace festival {year} in Augsburg");
        assert_eq!(open_on(&nuremberg, &day("08-08")), ["08:00-16:00"], "8 August {year} in Nuremberg");
        assert_eq!(open_on(&augsburg, &day("12-24")), ["10:00-12:00"], "Christmas Eve {year} in Augsburg");
        assert_eq!(open_on(&nuremberg, &day("12-24")), ["08:00-16:00"], "Christmas Eve {year} in Nuremberg");
        assert!(open_on(&augsburg, &day("12-25")).is_empty() && open_on(&nuremberg, &day("12-25")).is_empty());
    }
    let holidays = augsburg.holidays(2027);
    let name_of =
        |day: &str| holidays.iter().find(|holiday| holiday.date() == date(day)).and_then(|holiday| holiday.name());
    assert_eq!(name_of("2027-08-08"), Some("Augsburger Friedensfest"));
    assert_eq!(name_of("2027-08-15"), Some("Mariä Himmelfahrt"));
}

#[test]
fn a_town_halls_week_is_what_its_sample_says() {
    let municipality = sample("rathaus.toml");
    let open = |counter: &str, template: &str, day: &str| -> Vec<String> {
        let counter = municipality.counter(counter).expect("a counter");
        let open =
            counter.open_windows(&municipality, municipality.template(template).expect("a template"), days(day, day));
        let local = |instant: DateTime<Utc>| instant.with_timezone(&Berlin).format("%H:%M").to_string();
        open.windows().iter().map(|open| format!("{}-{}", local(open.start()), local(open.end()))).collect()
    };
    // Long Thursdays until the end of 2027, short ones after it.
    assert_eq!(open("buergerbuero-1", "ummeldung", "2027-12-30"), ["08:00-12:00", "13:00-18:30"]);
    assert_eq!(open("buergerbuero-1", "ummeldung", "2028-01-13"), ["08:00-12:00", "13:00-16:00"]);
    // The first Saturday of the month, and no other.
    assert_eq!(open("buergerbuero-1", "ummeldung", "2027-02-06"), ["09:00-12:00"]);
    assert!(open("buergerbuero-1", "ummeldung", "2027-02-13").is_empty());
    // The election week, on its weekdays only.
    assert_eq!(open("buergerbuero-1", "ummeldung", "2027-09-21"), ["08:00-18:00"]);
    // By-appointment hours for one template on top of the open hours for all.
    assert_eq!(open("standesamt", "trauung", "2027-03-02"), ["08:30-12:00", "14:00-17:00"]);
    assert_eq!(open("standesamt", "personalausweis", "2027-03-02"), ["08:30-12:00"]);
    // Christmas Eve: a holiday by the city's choice, open at one counter.
    assert_eq!(open("standesamt", "trauung", "2027-12-24"), ["10:00-12:00"]);
    assert!(open("buergerbuero-1", "ummeldung", "2027-12-24").is_empty());
    // Shrove Tuesday is a half day; by-appointment hours in the afternoon fall away.
    assert_eq!(open("buergerbuero-1", "ummeldung", "2027-02-09"), ["08:00-12:00"]);
    assert_eq!(open("standesamt", "trauung", "2027-02-09"), ["08:30-12:00"]);
    // Every second Wednesday, counted from 6 January, which is a holiday itself.
    assert!(open("rentenberatung", "rentenberatung-online", "2027-01-06").is_empty());
    assert!(open("rentenberatung", "rentenberatung-online", "2027-01-13").is_empty());
    assert_eq!(open("rentenberatung", "rentenberatung-online", "2027-01-20"), ["09:00-15:00"]);

    let counter = municipality.counter("rentenberatung").expect("a counter");
    assert_eq!(counter.exchange_sync().needed(), Needed::AtLeast(2));
    let wedding = municipality.template("trauung").expect("a template");
    let rules = municipality.counter("standesamt").expect("a counter").slot_rules(wedding, 1).expect("rules");
    assert_eq!((rules.lead(), rules.buffer_after()), (optigov_slots::Lead::Days(7), Duration::from_mins(15)));
    assert!(counter.slot_rules(wedding, 1).expect_err("another counter's").is_not_served());
}

#[test]
fn a_half_day_ends_the_usual_hours_and_leaves_exceptions_as_they_are() {
    let open = |counter: &str, template: &str| -> Vec<String> {
        let municipality = read(&format!(
            r#"
            name = "Musterstadt"
            holidays = {{ add = [{{ on = "2027-02-09", name = "Faschingsdienstag", closed_from = "12:30" }}] }}
            templates = [
                {{ id = "pass", label = "Reisepass", length = "20min" }},
                {{ id = "trauung", label = "Trauung", length = "45min" }},
            ]
            [[counters]]
            id = "eins"
            name = "Schalter 1"
            templates = ["pass", "trauung"]
            opening = [
                {{ days = "Di", hours = ["08:00-10:00", "11:00-16:00", "22:00-02:00"] }},
                {{ days = "Di", hours = "07:00-08:00", for_templates = ["trauung"] }},
                {{ days = "Mo", hours = "23:00-01:00" }},
            ]
            {counter}
            "#
        ));
        let template = municipality.template(template).expect("a template");
        let window = days("2027-02-09", "2027-02-09");
        let open = municipality.counters().next().expect("a counter").open_windows(&municipality, template, window);
        let inside = open.windows().clipped_to(window);
        let local = |instant: DateTime<Utc>| instant.with_timezone(&Berlin).format("%H:%M").to_string();
        inside.iter().map(|open| format!("{}-{}", local(open.start()), local(open.end()))).collect()
    };
    // What began the evening before runs on; what would begin after 12:30 does not.
    assert_eq!(open("", "pass"), ["00:00-01:00", "08:00-10:00", "11:00-12:30"]);
    assert_eq!(open("", "trauung"), ["00:00-01:00", "07:00-10:00", "11:00-12:30"]);
    let other = "exceptions = [{ on = \"2027-02-09\", hours = \"14:00-15:00\" }]";
    assert_eq!(open(other, "pass"), ["00:00-01:00", "14:00-15:00"]);
    let extra = "exceptions = [{ on = \"2027-02-09\", extra = \"14:00-15:00\" }]";
    assert_eq!(open(extra, "pass"), ["00:00-01:00", "08:00-10:00", "11:00-12:30", "14:00-15:00"]);
    let closed = "exceptions = [{ from = \"2027-02-08\", until = \"2027-02-12\", closed = true }]";
    assert_eq!(open(closed, "pass"), Vec::<String>::new());
    assert_eq!(open("observes_holidays = false", "pass").last().map(String::as_str), Some("22:00-00:00"));
}

#[test]
fn a_counter_that_was_saved_is_checked_against_the_rest_and_answers_anew() {
    let municipality = sample("rathaus.toml");
    let template = municipality.template("ummeldung").expect("a template");
    let window = days("2027-03-01", "2027-03-07");
    let before =
        municipality.counter("buergerbuero-1").expect("a counter").open_windows(&municipality, template, window);

    let saved = municipality.counter("buergerbuero-1").expect("a counter").to_json();
    let changed = Counter::from_json(&saved.replace("\"Mon-Wed, Fri\"", "\"Mon-Wed\"")).expect("a changed counter");
    let municipality = municipality.with_counter(changed).expect("it fits");
    assert_eq!(municipality.counter_count(), 3);
    let counter = municipality.counter("buergerbuero-1").expect("a counter");
    let after = counter.open_windows(&municipality, municipality.template("ummeldung").expect("a template"), window);
    assert_eq!((before.windows().len(), after.windows().len()), (11, 9), "no Friday any more");

    let stray = Counter::from_json(&saved.replace("\"ummeldung\"", "\"ummeldng\"")).expect("fine alone");
    let faults = municipality.with_counter(stray).expect_err("an unknown template");
    let found: Vec<(String, Code)> = faults.iter().map(|fault| (fault.path(), fault.code())).collect();
    assert_eq!(found, [("templates[1]".to_owned(), Code::UnknownTemplate)]);

    let new = Counter::from_json("{\"id\": \"neu\", \"name\": \"Neu\"}").expect("a bare counter");
    let municipality = municipality.with_counter(new).expect("it fits, with a warning");
    assert_eq!(municipality.warnings().iter().map(|fault| fault.path()).collect::<Vec<_>>(), ["counters[3]"]);
}
