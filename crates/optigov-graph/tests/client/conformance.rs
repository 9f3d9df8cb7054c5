//! The client is a source of calendars like any other, in both ways of reading.

use chrono_tz::Europe::Berlin;
use optigov_calendar::{
    CalendarEntry, EntryStatus, EntryTime, GraphAccess,
    testing::{Calendars, source_conforms},
};
use optigov_exchange_simulator::{Entry, Mailbox as Simulated, Scenario, Simulator, Status};

use crate::support::{Setup, application, start};

fn simulated(entry: CalendarEntry) -> Entry {
    let status = match entry.status() {
        EntryStatus::Busy => Status::Busy,
        EntryStatus::Tentative => Status::Tentative,
        EntryStatus::OutOfOffice => Status::OutOfOffice,
        status => panic!("{status:?} is in no calendar of these tests"),
    };
    let made = match entry.time() {
        EntryTime::Timed(interval) => Entry::timed(interval.start(), interval.end()),
        EntryTime::AllDay { first, last } => Entry::all_day(first, last),
        time => panic!("{time:?} is in no calendar of these tests"),
    };
    made.status(status)
}

fn simulator(calendars: &Calendars) -> Simulator {
    let scenario = Scenario::new().application(application());
    start(calendars.mailboxes.iter().fold(scenario, |scenario, (mailbox, entries)| {
        let simulated_mailbox = Simulated::new(mailbox.as_str()).online().zone(Berlin);
        scenario.mailbox(simulated_mailbox.entries(entries.iter().copied().map(simulated)))
    }))
}

async fn conforms(access: GraphAccess) {
    let mut running = None;
    source_conforms(|calendars| {
        let simulator = simulator(&calendars);
        let client = Setup::of(&simulator).access(access).build();
        running = Some(simulator);
        async { client }
    })
    .await;
    let asks_for_titles = running.expect("a simulator").requests().iter().any(|request| request.asks_for_titles());
    assert!(!asks_for_titles);
}

#[tokio::test]
async fn the_client_conforms_by_calendar_view() {
    conforms(GraphAccess::CalendarView).await;
}

#[tokio::test]
async fn the_client_conforms_by_get_schedule() {
    conforms(GraphAccess::GetSchedule).await;
}
