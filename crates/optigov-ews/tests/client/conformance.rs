//! The client is a source of calendars like any other, in both ways of reading.

use chrono_tz::Europe::Berlin;
use optigov_calendar::{
    Access, CalendarEntry, EntryStatus, EntryTime,
    testing::{Calendars, source_conforms},
};
use optigov_exchange_simulator::{
    Account, Entry, Mailbox as SimulatedMailbox, Permission, Scenario, Simulator, Status,
};

use crate::support::{PASSWORD, Setup};

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
    let addresses: Vec<_> = calendars.mailboxes.iter().map(|(mailbox, _)| mailbox.as_str()).collect();
    let account = Account::new("svc-optigov").password(PASSWORD).impersonates(addresses);
    let scenario = calendars.mailboxes.iter().fold(Scenario::new().account(account), |scenario, (mailbox, entries)| {
        let simulated_mailbox = SimulatedMailbox::new(mailbox.as_str()).zone(Berlin);
        let simulated_mailbox = simulated_mailbox.default_permission(Permission::AvailabilityOnly);
        scenario.mailbox(simulated_mailbox.entries(entries.iter().copied().map(simulated)))
    });
    Simulator::start(scenario).expect("a simulator")
}

async fn conforms(access: Access) {
    let mut running = None;
    source_conforms(|calendars| {
        let simulator = simulator(&calendars);
        let client = Setup::of(&simulator).settings(|settings| settings.access = access).build();
        running = Some(simulator);
        async { client }
    })
    .await;
    drop(running);
}

#[tokio::test]
async fn the_client_conforms_by_impersonation() {
    conforms(Access::Impersonation).await;
}

#[tokio::test]
async fn the_client_conforms_in_free_busy_mode() {
    conforms(Access::FreeBusy).await;
}
