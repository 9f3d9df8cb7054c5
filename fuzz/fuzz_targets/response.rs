//! No answer makes a reader panic or use more memory than the answer's own size explains; what is read as items has times that fit.

#![no_main]

use libfuzzer_sys::fuzz_target;
use optigov_calendar::{CalendarEntry, EntryTime};
use optigov_ews::wire;

fn its_times_fit(entry: CalendarEntry) {
    match entry.time() {
        EntryTime::Timed(interval) => assert!(interval.start() < interval.end()),
        EntryTime::AllDay { first, last } => assert!(first <= last),
        _ => {}
    }
}

fuzz_target!(|answer: &[u8]| {
    if let Ok(items) = wire::view(answer) {
        // An item needs an element with a start and an end: it cannot come from fewer bytes than these.
        assert!(items.len() * 30 <= answer.len());
        items.into_iter().for_each(its_times_fit);
    }
    wire::folder(answer).ok();
    wire::titles(answer).ok();
    for mailboxes in [1, 4] {
        if let Ok(results) = wire::free_busy(answer, mailboxes) {
            assert_eq!(results.len(), mailboxes);
            for calendar in results.into_iter().flatten() {
                calendar.into_entries().into_iter().for_each(its_times_fit);
            }
        }
    }
});
