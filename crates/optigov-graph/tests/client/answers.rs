//! Answers as Graph writes them, from files that the fuzz target starts from, too.

use optigov_calendar::{CalendarEntry, EntryStatus, ReadErrorKind};
use optigov_graph::wire;

use crate::support::{interval, mailbox};

#[test]
fn a_page_is_read_with_its_link() {
    let (entries, more) = wire::page(include_bytes!("../answers/page.json")).expect("a page");
    let nine_to_ten = interval("2026-11-24T09:00:00Z", "2026-11-24T10:00:00Z");
    let date = "2026-11-25".parse().expect("a date");
    let vacation = CalendarEntry::all_day(date, date, EntryStatus::OutOfOffice).cancelled();
    assert_eq!(entries, [CalendarEntry::timed(nine_to_ten, EntryStatus::Busy), vacation]);
    assert!(more);
}

#[test]
fn the_parts_of_a_batch_are_told_apart() {
    let parts = wire::batch(include_bytes!("../answers/batch.json"), 2).expect("a batch");
    assert_eq!(parts, [Some(200), Some(429)]);
}

#[test]
fn schedules_belong_to_their_mailboxes() {
    let asked = [mailbox("berta"), mailbox("anna")];
    let read = wire::schedules(include_bytes!("../answers/schedules.json"), &asked).expect("schedules");
    let kind = |index: usize| read[index].as_ref().err().map(|error| error.kind());
    assert_eq!((kind(0), kind(1)), (Some(ReadErrorKind::MailboxNotFound), None));
}

#[test]
fn a_token_and_a_refusal_are_read() {
    assert_eq!(wire::token(200, include_bytes!("../answers/token.json")).map(|lasts| lasts.as_secs()), Ok(3_599));
    let refused = wire::token(401, include_bytes!("../answers/refusal.json")).expect_err("refused");
    assert_eq!(refused.kind(), ReadErrorKind::CredentialsRefused);
    assert!(wire::next_link(include_str!("../answers/link.txt"), &mailbox("anna")));
    assert!(!wire::next_link(include_str!("../answers/link.txt"), &mailbox("berta")));
}
