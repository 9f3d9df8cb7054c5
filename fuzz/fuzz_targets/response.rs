//! No answer makes a reader panic or use more memory than the answer's own size explains; what is read as items has times that fit.

#![no_main]

use libfuzzer_sys::fuzz_target;
use optigov_ews::wire;

fuzz_target!(|answer: &[u8]| {
    if let Ok(items) = wire::view(answer) {
        // An item needs an element with a start and an end: it cannot come from fewer bytes than these.
        assert!(items.len() * 30 <= answer.len());
        for item in items {
            assert!(item.start() < item.end());
            if let Some((first, last)) = item.all_day() {
                assert!(first <= last);
            }
        }
    }
    wire::folder(answer).ok();
    if let Ok((items, titled)) = wire::titles(answer) {
        assert!(titled <= items);
    }
    for mailboxes in [1, 4] {
        if let Ok(results) = wire::free_busy(answer, mailboxes) {
            assert_eq!(results.len(), mailboxes);
            for event in results.into_iter().flatten().flatten() {
                assert!(event.start() < event.end());
            }
        }
    }
});
