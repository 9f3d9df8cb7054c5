//! Reading by `calendarView`: whole, or an error.

use std::num::NonZeroU32;

use chrono::NaiveDate;
use chrono_tz::{Europe::Berlin, Pacific::Tongatapu};
use optigov_calendar::{CalendarEntry, CalendarSource, EntryStatus, ReadErrorKind};
use optigov_exchange_simulator::{
    Effect, Entry, Fault, GraphDefect, Mailbox as Simulated, Scenario, Simulator, Status,
};

use crate::support::{Setup, application, entries, interval, mailbox, online, read, requests, start, utc, week};

fn per_page(count: u32) -> NonZeroU32 {
    NonZeroU32::new(count).expect("not zero")
}

fn hours(count: i64) -> Vec<Entry> {
    let begin = utc("2026-11-23T00:00:00Z");
    let hour = |n: i64| begin + chrono::TimeDelta::hours(n);
    (0..count).map(|n| Entry::timed(hour(n), hour(n + 1))).collect()
}

fn with(mailbox: Simulated) -> Simulator {
    start(Scenario::new().application(application()).mailbox(mailbox))
}

fn graph_fault(defect: GraphDefect) -> Fault {
    Fault::new(Effect::Graph(defect)).operation("calendarView")
}

/// The kind of error that a calendar of twelve entries ends in under a defect, read by three on a page; `None` where it is read whole.
async fn met(defect: GraphDefect) -> Option<ReadErrorKind> {
    let simulator = start(
        Scenario::new()
            .application(application())
            .mailbox(online("anna").entries(hours(12)))
            .fault(graph_fault(defect.clone())),
    );
    let client = Setup::of(&simulator).settings(|settings| settings.with_entries_per_page(per_page(3))).build();
    let read = read(&client, "anna").await;
    assert!(requests(&simulator, "calendarView").len() <= 200, "{defect:?}: the number of requests is bounded");
    match read {
        Ok(calendar) => {
            assert_eq!(calendar.entries().len(), 12, "{defect:?}: whole or an error");
            None
        }
        Err(error) => Some(error.kind()),
    }
}

#[tokio::test]
async fn exactly_what_is_needed_is_asked_for() {
    let simulator = with(online("anna").entries(hours(2)));
    let client = Setup::of(&simulator).build();
    assert_eq!(entries(&client, "anna").await.len(), 2);
    let asked = requests(&simulator, "calendarView");
    let [request] = asked.as_slice() else { panic!("{} requests", asked.len()) };
    assert_eq!(request.path(), "/v1.0/users/anna@musterstadt.example/calendar/calendarView");
    assert_eq!(
        request.query(),
        "startDateTime=2026-11-21T22:00:00Z&endDateTime=2026-12-01T02:00:00Z\
         &$select=id,start,end,isAllDay,isCancelled,showAs,type&$top=1000"
    );
    assert_eq!(request.header("prefer"), Some("outlook.timezone=\"UTC\", IdType=\"ImmutableId\""));
    assert!(request.header("user-agent").is_some_and(|name| name.starts_with("optigov-graph/")));
    assert!(!request.asks_for_titles());
}

#[tokio::test]
async fn scenario_12_a_calendar_of_many_pages_is_read_whole() {
    let simulator = with(online("anna").entries(hours(50)));
    for count in [1, 7, 49, 50, 51] {
        let client = Setup::of(&simulator).settings(|settings| settings.with_entries_per_page(per_page(count))).build();
        assert_eq!(entries(&client, "anna").await.len(), 50, "{count} on a page");
    }
    assert!(requests(&simulator, "calendarView").iter().all(|request| request.header("prefer").is_some()));
}

#[tokio::test]
async fn pages_that_are_empty_overlap_or_are_full_make_no_difference() {
    for defect in [GraphDefect::OverlappingPages, GraphDefect::ZoneLabel("Etc/UTC".to_owned())] {
        assert_eq!(met(defect).await, None);
    }
    // Each page but the last is empty: what the server says to be there is not there, and nothing shows it.
    let simulator = start(
        Scenario::new()
            .application(application())
            .mailbox(online("anna").entries(hours(12)))
            .fault(graph_fault(GraphDefect::EmptyPages)),
    );
    let client = Setup::of(&simulator).settings(|settings| settings.with_entries_per_page(per_page(5))).build();
    assert_eq!(read(&client, "anna").await.expect("pages").entries().len(), 2, "a page may be empty");
}

#[tokio::test]
async fn a_link_that_leads_elsewhere_or_in_a_circle_is_an_error() {
    for defect in [
        GraphDefect::NextLinkHost("evil.example".to_owned()),
        GraphDefect::NextLink(
            "https://evil.example/v1.0/users/anna@musterstadt.example/calendar/calendarView".to_owned(),
        ),
        GraphDefect::NextLink("/v1.0/users/anna@musterstadt.example/calendar/calendarView".to_owned()),
        GraphDefect::NextLink("kein Verweis".to_owned()),
        GraphDefect::RepeatedPage,
    ] {
        assert_eq!(met(defect.clone()).await, Some(ReadErrorKind::Malformed), "{defect:?}");
    }
}

#[tokio::test]
async fn a_link_to_another_mailbox_is_not_followed() {
    let simulator = with(online("anna").entries(hours(12)));
    let base = simulator.base_url();
    let link = format!("{base}/v1.0/users/berta@musterstadt.example/calendar/calendarView?$skip=3");
    simulator
        .update(|scenario| {
            *scenario = scenario.clone().mailbox(online("berta")).fault(graph_fault(GraphDefect::NextLink(link)))
        })
        .expect("updated");
    let client = Setup::of(&simulator).build();
    let error = read(&client, "anna").await.expect_err("an error");
    assert_eq!(error.kind(), ReadErrorKind::Malformed);
    assert!(
        requests(&simulator, "calendarView")
            .iter()
            .all(|request| request.mailbox() == Some("anna@musterstadt.example"))
    );
}

#[tokio::test]
async fn a_full_page_without_a_next_one_is_split_until_it_is_whole() {
    assert_eq!(met(GraphDefect::NoNextLink).await, None);
}

#[tokio::test]
async fn what_an_event_lacks_blocks_or_is_an_error() {
    let shows = |text: &str| GraphDefect::ShowAs(text.to_owned());
    assert_eq!(met(shows("everywhere")).await, None, "an unknown status blocks");
    for (defect, kind) in [
        (GraphDefect::NoStart, ReadErrorKind::Malformed),
        (GraphDefect::NoEnd, ReadErrorKind::Malformed),
        (GraphDefect::NullTimes, ReadErrorKind::Malformed),
        (GraphDefect::ZoneLabel("W. Europe Standard Time".to_owned()), ReadErrorKind::Malformed),
        (GraphDefect::OtherZone("Europe/Berlin".to_owned()), ReadErrorKind::Malformed),
        (GraphDefect::Type("seriesMaster".to_owned()), ReadErrorKind::UnexpandedSeries),
        (GraphDefect::NoCalendar, ReadErrorKind::MailboxDefective),
    ] {
        assert_eq!(met(defect.clone()).await, Some(kind), "{defect:?}");
    }
    assert_eq!(met(GraphDefect::Type("holiday".to_owned())).await, None);
    assert_eq!(met(GraphDefect::Titles).await, None, "titles that come unasked are passed over");
}

#[tokio::test]
async fn an_unknown_status_is_never_free() {
    let entry = Entry::timed(utc("2026-11-24T09:00:00Z"), utc("2026-11-24T10:00:00Z")).status(Status::Free);
    let simulator = with(online("anna").entry(entry));
    let client = Setup::of(&simulator).build();
    assert_eq!(entries(&client, "anna").await[0].status(), EntryStatus::Free);
    let odd = graph_fault(GraphDefect::ShowAs("vielleicht".to_owned()));
    simulator.update(|scenario| *scenario = scenario.clone().fault(odd)).expect("updated");
    assert_eq!(entries(&client, "anna").await[0].status(), EntryStatus::Unknown);
}

#[tokio::test]
async fn all_day_entries_keep_their_dates_and_none_is_missed() {
    let date = |day| NaiveDate::from_ymd_opt(2026, 11, day).expect("a date");
    let simulator = start(
        Scenario::new()
            .application(application())
            .mailbox(online("anna").zone(Berlin).entry(Entry::all_day(date(24), date(25))))
            .mailbox(online("berta").zone(Tongatapu).entry(Entry::all_day(date(24), date(24)))),
    );
    let client = Setup::of(&simulator).build();
    let one = CalendarEntry::all_day(date(24), date(25), EntryStatus::Free);
    let other = CalendarEntry::all_day(date(24), date(24), EntryStatus::Free);
    let dates = |entry: CalendarEntry| entry.time();
    assert_eq!(dates(entries(&client, "anna").await[0]), dates(one));
    // In Tonga the 24th ends at 11:00 UTC. At a counter in Germany it is the 24th until midnight.
    let evening = interval("2026-11-24T15:00:00Z", "2026-11-24T18:00:00Z");
    let read = client.read(&[mailbox("anna"), mailbox("berta")], evening).await;
    let found = |index: usize| {
        read[index].as_ref().map(|calendar| calendar.entries().iter().map(|e| e.time()).collect::<Vec<_>>())
    };
    assert_eq!(found(0), Ok(vec![dates(one)]));
    assert_eq!(found(1), Ok(vec![dates(other)]));
}

#[tokio::test]
async fn all_day_entries_that_come_as_instants_cover_their_date() {
    let date = NaiveDate::from_ymd_opt(2026, 11, 24).expect("a date");
    let simulator = start(
        Scenario::new()
            .application(application())
            .mailbox(online("anna").zone(Berlin).entry(Entry::all_day(date, date)))
            .fault(graph_fault(GraphDefect::AllDayAsInstants)),
    );
    let found = entries(&Setup::of(&simulator).build(), "anna").await;
    let time = CalendarEntry::all_day(date.pred_opt().expect("a date"), date, EntryStatus::Free).time();
    assert_eq!(found[0].time(), time, "the 23rd blocks as well, and the 24th does in any case");
}

#[tokio::test]
async fn another_mailboxs_calendar_is_no_answer_to_a_page() {
    let simulator = with(online("anna").entries(hours(1)));
    let client = Setup::of(&simulator).build();
    let unknown = read(&client, "niemand").await.expect_err("an error");
    assert_eq!(unknown.kind(), ReadErrorKind::MailboxNotFound);
    assert!(unknown.is_not_here());
}

#[tokio::test]
async fn a_long_window_is_read_in_pieces_and_each_entry_comes_once() {
    // One that lies across the end of the first piece.
    let long = Entry::timed(utc("2020-01-01T00:00:00Z"), utc("2036-01-01T00:00:00Z"));
    let simulator = with(online("anna").entry(long).entries(hours(3)));
    let client = Setup::of(&simulator).build();
    let window = interval("2021-01-01T00:00:00Z", "2035-01-01T00:00:00Z");
    let calendar = client.read(&[mailbox("anna")], window).await.remove(0).expect("a calendar");
    assert_eq!(calendar.entries().len(), 4);
    assert_eq!(requests(&simulator, "calendarView").len(), 3);
}

#[tokio::test]
async fn the_bounds_on_entries_and_requests_end_in_an_error_that_names_them() {
    let simulator = with(online("anna").entries(hours(30)));
    let bounded = Setup::of(&simulator).settings(|settings| settings.with_entries_per_call(per_page(29))).build();
    let error = read(&bounded, "anna").await.expect_err("an error");
    assert_eq!(error.kind(), ReadErrorKind::LimitReached);
    assert!(error.to_string().contains("29"), "{error}");
    let few = Setup::of(&simulator)
        .settings(|settings| settings.with_entries_per_page(per_page(1)).with_requests_per_call(per_page(5)))
        .build();
    let error = read(&few, "anna").await.expect_err("an error");
    assert_eq!(error.kind(), ReadErrorKind::LimitReached);
    assert_eq!(requests(&simulator, "calendarView").len(), 6);
}

#[tokio::test]
async fn several_mailboxes_are_read_by_one_batch_and_each_has_its_own_result() {
    let mut scenario = Scenario::new().application(application());
    for n in 0..25 {
        scenario = scenario.mailbox(online(&format!("person{n}")).entries(hours(i64::from(n) % 4)));
    }
    let simulator = start(scenario.mailbox(Simulated::new("vorort@musterstadt.example")));
    let client = Setup::of(&simulator).build();
    let mut asked: Vec<_> = (0..25).map(|n| mailbox(&format!("person{n}"))).collect();
    asked.push(mailbox("niemand"));
    asked.push(mailbox("vorort"));
    let read = client.read(&asked, week()).await;
    for (n, result) in read.iter().take(25).enumerate() {
        assert_eq!(result.as_ref().map(|calendar| calendar.entries().len()), Ok(n % 4), "person{n}");
    }
    let kind = |index: usize| read[index].as_ref().err().map(|error| error.kind());
    assert_eq!((kind(25), kind(26)), (Some(ReadErrorKind::MailboxNotFound), Some(ReadErrorKind::MailboxElsewhere)));
    let batches = requests(&simulator, "$batch");
    assert_eq!(batches.len(), 2);
    assert!(batches.iter().all(|batch| batch.parts().len() <= 20));
}

#[tokio::test]
async fn pages_of_a_batch_are_followed_in_batches() {
    let names = ["anna", "berta", "clara"];
    let scenario = Scenario::new().application(application());
    let simulator = start(
        (1..).zip(names).fold(scenario, |scenario, (n, name)| scenario.mailbox(online(name).entries(hours(n * 4)))),
    );
    let client = Setup::of(&simulator).settings(|settings| settings.with_entries_per_page(per_page(3))).build();
    let read = client.read(&names.map(mailbox), week()).await;
    let counts: Vec<_> = read.iter().map(|result| result.as_ref().map(|c| c.entries().len()).ok()).collect();
    assert_eq!(counts, [Some(4), Some(8), Some(12)]);
}

#[tokio::test]
async fn a_batch_that_is_answered_oddly_never_gives_a_calendar_to_another_mailbox() {
    let batch = |defect| Fault::new(Effect::Graph(defect)).operation("$batch");
    for (defect, whole) in [
        (GraphDefect::MissingPart, [true, false]),
        (GraphDefect::TwoParts, [false, false]),
        (GraphDefect::UnknownPart, [false, false]),
        (GraphDefect::ExchangedParts, [false, false]),
    ] {
        let simulator = start(
            Scenario::new()
                .application(application())
                .mailbox(online("anna").entries(hours(1)))
                .mailbox(online("berta").entries(hours(2)))
                .fault(batch(defect.clone())),
        );
        let client = Setup::of(&simulator).build();
        let read = client.read(&[mailbox("anna"), mailbox("berta")], week()).await;
        let counts: Vec<_> = read.iter().map(|result| result.as_ref().map(|c| c.entries().len()).ok()).collect();
        let expected = [whole[0].then_some(1), whole[1].then_some(2)];
        assert_eq!(counts, expected, "{defect:?}");
    }
}
