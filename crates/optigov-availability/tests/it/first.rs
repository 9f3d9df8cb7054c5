//! The first slot is looked for in parts of the window that grow. Whatever part it is found in, it is the first of the list.

use chrono::TimeDelta;
use optigov_availability::{
    Availability, Booking, CalendarEntry, EntryStatus, Interval, Mailbox, MemorySource, Municipality, ReadError,
    ReadErrorKind, SlotsRequest, Text,
};
use proptest::prelude::*;

use crate::support::{berlin, configuration};

const COUNTERS: &str = r#"
[[counters]]
id = "eins"
name = "Schalter 1"
templates = ["ausweis"]
opening = [{ days = "Mo-Fr", hours = "08:00-12:00" }]
booking = { lead_time = "2 days", horizon = "200 days" }
exchange_sync = { on = true, mailboxes = ["anna@musterstadt.example"] }

[[counters]]
id = "zwei"
name = "Schalter 2"
templates = ["ausweis"]
opening = [{ days = "Di", hours = ["09:10-12:00", "13:00-17:00"] }]
booking = { anchor = "back_to_back", day_limit = 2 }
exchange_sync = { on = true, mailboxes = ["ben@musterstadt.example", "cara@musterstadt.example"], needed = "any" }

[[counters]]
id = "drei"
name = "Ohne Abgleich"
templates = ["ausweis"]
opening = [{ days = "Sa", hours = "10:00-10:30" }]
"#;

/// A town in whose calendars time is taken: from so many hours after now on, for so many hours, in the calendar with this index.
fn town(taken: &[(i64, i64, usize)], failing: usize, without: usize) -> Availability {
    let text = configuration("https://localhost/EWS/Exchange.asmx", "", COUNTERS).replace("ca_file = ''\n", "");
    let text = if without == 0 { text.replace("on = true", "on = false") } else { text };
    let municipality = Municipality::from_toml(&text).unwrap_or_else(|faults| panic!("{faults}"));
    let (source, now) = (MemorySource::new(), berlin("2026-09-01 07:00"));
    for (place, name) in ["anna", "ben", "cara"].into_iter().enumerate() {
        let address = Mailbox::parse(&format!("{name}@musterstadt.example")).expect("an address");
        let own = taken.iter().filter(|(_, _, whose)| *whose == place).map(|(from, hours, _)| {
            let start = now + TimeDelta::hours(*from);
            let interval = Interval::new(start, start + TimeDelta::hours(*hours)).expect("not empty");
            CalendarEntry::timed(interval, EntryStatus::OutOfOffice)
        });
        source.set(address.clone(), own.collect());
        if place == failing {
            source.fail(address, ReadError::new(ReadErrorKind::Server, Text::fixed("nein", "no")));
        }
    }
    Availability::for_municipality(municipality).source(source).clock(move || now).build().expect("nothing is missing")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, ..ProptestConfig::default() })]

    #[test]
    fn the_first_slot_is_the_first_of_the_list(
        taken in prop::collection::vec((-100..4_000_i64, prop_oneof![1..30_i64, 1..4_000_i64], 0..4_usize), 0..12),
        (failing, without) in (0..6_usize, 0..5_usize),
        (start, hours) in (-50..3_000_i64, prop_oneof![1..200_i64, 1..6_000_i64]),
        one in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let availability = town(&taken, failing, without);
        let start = berlin("2026-09-01 07:00") + TimeDelta::hours(start);
        let window = Interval::new(start, start + TimeDelta::hours(hours)).expect("not empty");
        let bookings = taken.iter().filter(|(_, _, whose)| *whose == 3).map(|(from, _, _)| {
            let start = berlin("2026-09-01 09:10") + TimeDelta::hours(*from);
            Booking::new("zwei", Interval::new(start, start + TimeDelta::minutes(30)).expect("not empty"))
        });
        let request = SlotsRequest::new(window).bookings(bookings);
        let request = if one { request.counters(["zwei"]) } else { request };
        let (first, list) = runtime.block_on(async {
            let first = availability.first_free(&request).await.expect("the request holds");
            (first, availability.free_slots(&request).await.expect("the request holds"))
        });
        let found = first.slot().map(|first| (first.counter.id.clone(), first.slot));
        let expected = list.in_time_order().next().map(|first| (first.counter.id.clone(), first.slot));
        prop_assert_eq!(found, expected);
        for (part, whole) in first.answer.counters.iter().zip(&list.counters) {
            prop_assert_eq!(part.status.as_str(), whole.status.as_str());
            prop_assert!(part.slots.iter().eq(whole.slots.iter().take(part.slots.len())), "the part is complete");
        }
    }
}
