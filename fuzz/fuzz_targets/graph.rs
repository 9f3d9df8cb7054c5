//! No answer of Graph's makes a reader panic; what is read as events has times that fit, and a link that is followed stays with its mailbox.

#![no_main]

use libfuzzer_sys::fuzz_target;
use optigov_calendar::{CalendarEntry, EntryTime, Mailbox};
use optigov_graph::wire;

fn its_times_fit(entry: CalendarEntry) {
    match entry.time() {
        EntryTime::Timed(interval) => assert!(interval.start() < interval.end()),
        EntryTime::AllDay { first, last } => assert!(first <= last),
        _ => {}
    }
}

fuzz_target!(|answer: &[u8]| {
    let anna = Mailbox::parse("anna@musterstadt.example").expect("an address");
    if let Ok((entries, _)) = wire::page(answer) {
        // An event needs a start and an end: it cannot come from fewer bytes than these.
        assert!(entries.len() * 30 <= answer.len());
        entries.into_iter().for_each(its_times_fit);
    }
    for parts in [1, 4] {
        if let Ok(found) = wire::batch(answer, parts) {
            assert_eq!(found.len(), parts);
        }
    }
    let mailboxes = [anna.clone(), Mailbox::parse("berta@musterstadt.example").expect("an address")];
    if let Ok(results) = wire::schedules(answer, &mailboxes) {
        assert_eq!(results.len(), mailboxes.len());
        for calendar in results.into_iter().flatten() {
            calendar.into_entries().into_iter().for_each(its_times_fit);
        }
    }
    for status in [200, 400, 503] {
        wire::token(status, answer).ok();
    }
    if let Ok(link) = std::str::from_utf8(answer) {
        if wire::next_link(link, &anna) {
            assert!(link.trim_start().to_ascii_lowercase().starts_with("https:"));
        }
    }
});
