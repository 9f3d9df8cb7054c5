use chrono::NaiveDate;
use optigov_calendar::{ConnectingId, EntryTime, Language, ReadErrorKind, RequestVersion};
use proptest::prelude::*;

use super::*;
use crate::{ops::golden, soap::ActingFor};

fn utc(text: &str) -> DateTime<Utc> {
    time::parse(text).expect("an instant")
}

fn day(text: &str) -> NaiveDate {
    text.parse().expect("a date")
}

fn interval(start: &str, end: &str) -> Interval {
    Interval::new(utc(start), utc(end)).expect("not empty")
}

fn window() -> Interval {
    interval("2026-11-23T00:00:00Z", "2026-12-07T00:00:00Z")
}

fn content(bytes: &str) -> Result<View, ReadError> {
    read(bytes.as_bytes(), 1_000).and_then(|answer| answer.content)
}

#[test]
fn the_request_asks_for_times_and_status_and_no_title() {
    let mailbox = Mailbox::parse("o'neill&co@musterstadt.example").expect("an address");
    for (id, name) in [
        (ConnectingId::PrimarySmtpAddress, "find_item.request.xml"),
        (ConnectingId::SmtpAddress, "find_item_smtp_address.request.xml"),
    ] {
        let operation = request(window(), &mailbox, 1_000);
        for field in ["Subject", "Body", "Attendees", "Location", "Organizer", "AllProperties", "Default"] {
            assert!(!operation.contains(field), "{field}");
        }
        golden(name, &soap::envelope(RequestVersion::default(), Some(ActingFor { id, mailbox: &mailbox }), &operation));
    }
}

#[test]
fn the_check_asks_for_three_titles() {
    let mailbox = Mailbox::parse("anna@musterstadt.example").expect("an address");
    let acting_for = Some(ActingFor { id: ConnectingId::PrimarySmtpAddress, mailbox: &mailbox });
    golden(
        "find_item_titles.request.xml",
        &soap::envelope(RequestVersion::default(), acting_for, &titles_request(window(), &mailbox)),
    );
}

#[test]
fn a_view_is_read_with_every_spelling_of_times_and_booleans() {
    let answer = read(include_bytes!("../../../tests/goldens/find_item.response.xml"), 1_000).expect("an envelope");
    assert_eq!(answer.server.expect("a version").to_string(), "15.2.1544.9");
    let view = answer.content.expect("a view");
    assert!(view.complete && !view.short);
    assert_eq!(view.expansion, Expansion::Expands, "one of the items is an occurrence");
    let timed = |start, end, status| CalendarEntry::timed(interval(start, end), status);
    let expected = [
        timed("2026-11-24T09:00:00Z", "2026-11-24T10:30:00Z", EntryStatus::Busy),
        CalendarEntry::all_day(day("2026-11-25"), day("2026-11-26"), EntryStatus::OutOfOffice),
        timed("2026-11-25T07:00:00Z", "2026-11-25T07:30:00Z", EntryStatus::Tentative).cancelled(),
        timed("2026-11-26T10:00:00Z", "2026-11-26T11:00:00Z", EntryStatus::Unknown),
    ];
    let entries: Vec<CalendarEntry> = view.items.iter().map(|item| item.entry).collect();
    assert_eq!(entries, expected);
    assert_eq!(view.items[1].interval, interval("2026-11-24T23:00:00Z", "2026-11-26T23:00:00Z"));
    assert_eq!(view.items[3].id, ItemId::of("AAMkAGItem4").digest);
}

#[test]
fn a_cut_view_says_so() {
    assert!(
        !content(include_str!("../../../tests/goldens/find_item_truncated.response.xml")).expect("a view").complete
    );
}

#[test]
fn the_times_inside_a_series_are_not_its_own() {
    let view = content(include_str!("../../../tests/goldens/find_item_series.response.xml")).expect("a view");
    assert_eq!(view.expansion, Expansion::DoesNot);
    assert_eq!(view.items[0].interval, interval("2026-11-03T09:00:00Z", "2026-11-03T10:00:00Z"));
}

#[test]
fn an_alias_is_told_with_the_primary_address_which_no_text_shows() {
    let error = content(include_str!("../../../tests/goldens/find_item_alias.response.xml")).expect_err("an alias");
    assert_eq!(error.kind(), ReadErrorKind::NotPrimaryAddress);
    assert_eq!(error.primary_address().map(Mailbox::as_str), Some("anna@musterstadt.example"));
    assert!(!format!("{error} {error:?}").contains("anna"));
}

#[test]
fn titles_are_counted_and_dropped() {
    let answer =
        count_titles(include_bytes!("../../../tests/goldens/find_item_titles.response.xml")).expect("an envelope");
    assert_eq!(answer.content.expect("counts"), TitleCount { entries: 3, fields: 2, titled: 1 });
}

#[test]
fn a_broken_item_is_an_error_that_names_it_and_no_hole() {
    let whole = include_str!("../../../tests/goldens/find_item.response.xml");
    let breaks = [
        ("<t:Start>2026-11-26T10:00:00Z</t:Start>\n", "", "has no start; it ends on 2026-11-26"),
        ("<t:End>2026-11-26T11:00:00Z</t:End>\n", "", "has no end; it begins on 2026-11-26"),
        ("2026-11-26T10:00:00Z", "heute um zehn", "has a start that is no time; it ends on 2026-11-26"),
        ("2026-11-26T11:00:00Z", "", "has an end that is no time; it begins on 2026-11-26"),
        ("2026-11-26T11:00:00Z", "2026-11-26T09:00:00Z", "ends before it begins, on 2026-11-26"),
    ];
    for (from, to, fact) in breaks {
        let error = content(&whole.replace(from, to)).expect_err(fact);
        assert_eq!(error.kind(), ReadErrorKind::Malformed);
        assert_eq!(error.to_string(), format!("item 4 of the view (…tem4) {fact}"));
        let german = error.fact().in_language(Language::German);
        assert!(german.starts_with("Eintrag 4 der Ansicht (…tem4)") && german.contains("26.11.2026"), "{german}");
    }
}

#[test]
fn a_note_in_the_folder_blocks_nothing_and_breaks_nothing() {
    let whole = include_str!("../../../tests/goldens/find_item.response.xml");
    let view =
        content(&whole.replace("<t:Items>", "<t:Items><t:Message><t:ItemId Id=\"x\"/></t:Message>")).expect("a view");
    assert_eq!(view.items.len(), 4);
}

#[test]
fn a_server_limit_on_entries_counts_as_a_cut_view() {
    for code in ["ErrorCalendarViewRangeTooBig", "ErrorExceededFindCountLimit"] {
        let alias = include_str!("../../../tests/goldens/find_item_alias.response.xml");
        assert_eq!(content(&alias.replace("ErrorNonPrimarySmtpAddress", code)).expect("a view"), View::cut());
    }
}

/// Writes a view as a server would; times in the spelling that `style` picks.
fn written(view: &View, style: usize) -> String {
    let time = |instant: DateTime<Utc>| match style % 3 {
        0 => time::format(instant),
        1 => instant.format("%Y-%m-%dT%H:%M:%S").to_string(),
        _ => (instant + chrono::TimeDelta::hours(5)).format("%Y-%m-%dT%H:%M:%S.000+05:00").to_string(),
    };
    let boolean = |value: bool| [["false", "true"], ["0", "1"]][style % 2][usize::from(value)];
    let items: String = view
        .items
        .iter()
        .map(|Item { interval, entry, id }| {
            let status = match entry.status() {
                EntryStatus::OutOfOffice => "OOF".to_owned(),
                status => format!("{status:?}"),
            };
                        format!(
                "<t:CalendarItem><t:ItemId Id=\"{id}\"/><t:Start>{}</t:Start><t:End>{}</t:End><t:IsAllDayEvent>{}</t:IsAllDayEvent>\
                 <t:LegacyFreeBusyStatus>{status}</t:LegacyFreeBusyStatus><t:IsCancelled>{}</t:IsCancelled>\
                 <t:StartTimeZone Id=\"W. Europe Standard Time\"/></t:CalendarItem>",
                time(interval.start()),
                time(interval.end()),
                boolean(matches!(entry.time(), EntryTime::AllDay { .. })),
                boolean(entry.is_cancelled())
            )
        })
        .collect();
    format!(
        "<Envelope><Body><FindItemResponse><ResponseMessages><FindItemResponseMessage><ResponseCode>NoError</ResponseCode>\
         <RootFolder IncludesLastItemInRange=\"{}\"><Items>{items}</Items></RootFolder></FindItemResponseMessage></ResponseMessages>\
         </FindItemResponse></Body></Envelope>",
        boolean(view.complete)
    )
}

fn any_item() -> impl Strategy<Value = Item> {
    let status = prop::sample::select(EntryStatus::ALL.to_vec());
    let days = (0_i64..20_000, 1_i64..30);
    (any::<u64>(), any::<bool>(), 0_i64..2_000_000_000, 1_i64..10_000_000, days, status, any::<bool>()).prop_map(
        |(id, all_day, start, length, (first, days), status, cancelled)| {
            let date = |day: i64| DateTime::from_timestamp(day * 86_400, 0).expect("in range").date_naive();
            let interval = match all_day {
                true => Interval::of_dates(date(first), date(first + days - 1), chrono_tz::Europe::Berlin),
                false => Interval::from_unix(start, start + length),
            };
            let interval = interval.expect("not empty");
            let entry = match all_day {
                true => CalendarEntry::all_day(date(first), date(first + days - 1), status),
                false => CalendarEntry::timed(interval, status),
            };
            Item { interval, entry: if cancelled { entry.cancelled() } else { entry }, id }
        },
    )
}

proptest! {
    #[test]
    fn what_a_server_writes_is_what_is_read(items in prop::collection::vec(any_item(), 0..20), complete: bool, style in 0_usize..6) {
        let mut view = View { items, complete, short: false, expansion: Expansion::InDoubt };
        let written = written(&view, style);
        view.items.iter_mut().for_each(|item| item.id = ItemId::of(&item.id.to_string()).digest);
        let read = content(&written).expect("a view");
        prop_assert_eq!(read, view);
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        read(&bytes, 10).ok();
    }

    #[test]
    fn no_cut_or_changed_answer_makes_the_reader_panic(at in 0_usize..3_000, byte: u8, cut: bool) {
        let mut bytes = include_bytes!("../../../tests/goldens/find_item.response.xml").to_vec();
        let at = at % (bytes.len() - 2); // what follows is white space
        bytes[at] = byte;
        if cut {
            bytes.truncate(at);
            prop_assert!(read(&bytes, 10).and_then(|answer| answer.content).is_err(), "half an answer passed for a whole one");
        }
        read(&bytes, 10).ok();
    }
}

#[test]
fn what_contradicts_itself_is_malformed() {
    let whole = include_str!("../../../tests/goldens/find_item.response.xml");
    let changes = [
        ("<t:Items>", "<t:Groups>", "</t:Items>", "</t:Groups>", "RootFolder holds no Items"),
        ("<t:Items>", "<t:Items/><t:Items>", "", "", "the answer holds Items twice"),
        (
            "</m:ResponseCode>",
            "</m:ResponseCode><m:ResponseCode>NoError</m:ResponseCode>",
            "",
            "",
            "the answer holds ResponseCode twice",
        ),
        ("</t:Start>", "</t:Start><t:Start>2001-01-01T00:00:00Z</t:Start>", "", "", "the answer holds Start twice"),
        ("</t:End>", "</t:End><t:End>2027-01-01T00:00:00Z</t:End>", "", "", "the answer holds End twice"),
        (
            "</t:LegacyFreeBusyStatus>",
            "</t:LegacyFreeBusyStatus><t:LegacyFreeBusyStatus>Free</t:LegacyFreeBusyStatus>",
            "",
            "",
            "the answer holds LegacyFreeBusyStatus twice",
        ),
    ];
    for (from, to, from_end, to_end, fact) in changes {
        let changed = whole.replace(from, to);
        let changed = if from_end.is_empty() { changed } else { changed.replace(from_end, to_end) };
        assert_ne!(changed, whole, "{fact}");
        let error = content(&changed).expect_err(fact);
        assert_eq!((error.kind(), error.to_string()), (ReadErrorKind::Malformed, fact.to_owned()));
    }
}

#[test]
fn more_items_than_asked_for_are_malformed() {
    let whole = include_bytes!("../../../tests/goldens/find_item.response.xml");
    assert!(read(whole, 4).expect("an envelope").content.is_ok());
    let error = read(whole, 3).expect("an envelope").content.expect_err("four items");
    assert_eq!(error.kind(), ReadErrorKind::Malformed);
}
