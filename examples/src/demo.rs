//! The demo municipality *Musterstadt*: five counters, six mailboxes, and calendars that mean something on any day.

use std::fs;

use chrono::{DateTime, Datelike as _, Days, NaiveDate, NaiveDateTime, NaiveTime, Utc, Weekday};
use chrono_tz::Europe::{Berlin, London};
use optigov_availability::{Availability, AvailabilityBuilder};
use optigov_counter::Municipality;
use optigov_exchange_simulator::{Account, Application, Entry, Mailbox, Scenario, Simulator, Status};
use tempfile::TempDir;

use anyhow::anyhow;

/// The service account's password in the simulated Exchange; a demo has no secret to keep.
const PASSWORD: &str = "Musterstadt-2026";
/// The application that reads the mailboxes of a hybrid demo that lie in Exchange Online, and its secret.
const CLIENT: &str = "11111111-2222-4333-8444-555555555555";
const CLIENT_SECRET: &str = "Musterstadt-online-2026";
/// The mailboxes that lie in Exchange Online in a hybrid demo.
const ONLINE: [&str; 2] = ["schalter1@musterstadt.example", "trauzimmer@musterstadt.example"];
/// The configuration, as an administrator would write it; `{url}` and `{ca_file}` are the simulator's.
const CONFIGURATION: &str = include_str!("../musterstadt.toml");

/// A running Exchange with the demo's calendars, and the configuration that reads them. The Exchange stops when this is dropped.
pub struct Demo {
    /// The Exchange.
    pub simulator: Simulator,
    municipality: Municipality,
    _files: TempDir,
}

impl Demo {
    /// Starts the simulator with entries placed around `now`, and imports iCalendar files into mailboxes: pairs of address and file content. A mailbox with a file
    /// has that file's entries alone.
    ///
    /// # Errors
    /// Where an iCalendar file or its address cannot be used, or the simulator cannot start.
    pub fn start(now: DateTime<Utc>, ics: &[(String, Vec<u8>)]) -> anyhow::Result<Self> {
        Demo::started(now, ics, &[])
    }

    /// The same town in the middle of its move: two of its mailboxes already lie in Exchange Online, and nobody has told the configuration which. The
    /// appointments that can be booked are the same.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_hybrid(now: DateTime<Utc>, ics: &[(String, Vec<u8>)]) -> anyhow::Result<Self> {
        Demo::started(now, ics, &ONLINE)
    }

    fn started(now: DateTime<Utc>, ics: &[(String, Vec<u8>)], online: &[&str]) -> anyhow::Result<Self> {
        let mailboxes = mailboxes(now.with_timezone(&Berlin).date_naive()).into_iter();
        let place = |mailbox: Mailbox| if online.contains(&mailbox.address()) { mailbox.online() } else { mailbox };
        let mut mailboxes: Vec<Mailbox> = mailboxes.map(place).collect();
        let mut emptied = Vec::new();
        for (address, file) in ics {
            let at = mailboxes.iter().position(|mailbox| mailbox.address().eq_ignore_ascii_case(address));
            let at = at.ok_or_else(|| {
                let known: Vec<&str> = mailboxes.iter().map(Mailbox::address).collect();
                anyhow!("--ics: Musterstadt has no mailbox {address}; there are {}", known.join(", "))
            })?;
            let mut mailbox = mailboxes.remove(at);
            // A second file for the same mailbox comes on top of the first.
            if !emptied.contains(address) {
                mailbox.entries_mut().clear();
                emptied.push(address.clone());
            }
            mailboxes.insert(at, mailbox.ics_file(file)?);
        }
        let account = Account::new("svc-optigov").password(PASSWORD);
        let account = account.impersonates(mailboxes.iter().map(Mailbox::address));
        let application = Application::new(CLIENT).secret(CLIENT_SECRET).reads(online.iter().copied());
        let scenario = Scenario::new().tenant("musterstadt.example").account(account).application(application);
        let scenario = mailboxes.into_iter().fold(scenario, Scenario::mailbox);
        let simulator = Simulator::start(scenario)?;

        let files = tempfile::tempdir()?;
        let ca_file = files.path().join("ca.pem");
        fs::write(&ca_file, simulator.ca_pem())?;
        let exchange_online =
            if online.is_empty() { String::new() } else { exchange_online(&simulator.base_url(), online) };
        let text = CONFIGURATION.replacen("[[templates]]", &format!("{exchange_online}[[templates]]"), 1);
        let text = text.replace("{url}", &simulator.url()).replace("{ca_file}", &ca_file.to_string_lossy());
        Ok(Demo { simulator, municipality: Municipality::from_toml(&text)?, _files: files })
    }

    /// The facade, set up from the demo's configuration, with the service account's password and the application's secret.
    pub fn availability(&self) -> AvailabilityBuilder {
        availability(self.municipality.clone())
    }

    /// The demo's configuration.
    pub fn municipality(&self) -> &Municipality {
        &self.municipality
    }
}

/// The facade, set up from the configuration of a demo that runs in another process, or from a changed one.
pub fn availability(municipality: Municipality) -> AvailabilityBuilder {
    Availability::for_municipality(municipality).secret(PASSWORD).online_secret(CLIENT_SECRET)
}

/// The connection to Exchange Online, as an administrator would write it but for the addresses: a real town leaves them out.
fn exchange_online(base: &str, online: &[&str]) -> String {
    let test_mailbox = online.first().copied().unwrap_or_default();
    format!(
        r#"[exchange_online]
tenant = "musterstadt.example"
client_id = "{CLIENT}"
secret = "provided"
authority = "{base}"
endpoint = "{base}"
ca_file = '{{ca_file}}'
test_mailbox = "{test_mailbox}"
timeout = "20s"

"#
    )
}

/// The calendars, around `today`.
fn mailboxes(today: NaiveDate) -> Vec<Mailbox> {
    let work = |n| working_day(today, n);
    let monday = today + Days::new(7 - u64::from(today.weekday().num_days_from_monday()));
    let at = |date: NaiveDate, hour, minute| NaiveDateTime::new(date, time(hour, minute));
    let meeting = |date, from: (u32, u32), to: (u32, u32)| Entry::local(at(date, from.0, from.1), at(date, to.0, to.1));
    // The weekly meeting began four weeks ago; next week's is moved to the Wednesday, the one after is off.
    let tuesday = monday + Days::new(1);
    let weekly =
        meeting(tuesday - Days::new(28), (9, 0), (10, 30)).subject("Dienstbesprechung").recurs("FREQ=WEEKLY;BYDAY=TU");
    let weekly = weekly.moved(tuesday, at(tuesday + Days::new(1), 13, 0), at(tuesday + Days::new(1), 14, 30));
    let weekly = weekly.deleted(tuesday + Days::new(7));
    vec![
        Mailbox::new("schalter1@musterstadt.example")
            .entry(weekly.clone())
            .entry(meeting(work(1), (10, 0), (11, 0)).subject("Schulung (abgesagt)").cancelled())
            .entry(meeting(work(1), (11, 10), (11, 50)).subject("Arzt").private())
            .entry(Entry::all_day(work(2), work(2)).subject("Geburtstag der Kollegin")),
        // A vacation that blocks: it has a start and an end time.
        Mailbox::new("schalter2@musterstadt.example")
            .entry(
                Entry::local(at(monday, 0, 0), at(monday + Days::new(4), 23, 59))
                    .subject("Urlaub")
                    .status(Status::OutOfOffice),
            )
            .entry(meeting(work(1), (9, 50), (10, 5)).subject("Rückruf").status(Status::Tentative)),
        Mailbox::new("zulassung@musterstadt.example")
            .entry(meeting(work(2), (8, 0), (10, 0)).subject("Systemumstellung"))
            .entry(meeting(work(3), (9, 0), (9, 30)).subject("Sprechzeit, frei").status(Status::Free))
            // Made in London: 09:00 there is 10:00 here.
            .entry(meeting(work(4), (9, 0), (10, 0)).subject("Videokonferenz").zone(London)),
        Mailbox::new("standesamt@musterstadt.example")
            .entry(weekly)
            .entry(meeting(work(1), (14, 0), (15, 0)).subject("Vorgespräch").status(Status::WorkingElsewhere)),
        Mailbox::new("trauzimmer@musterstadt.example")
            .room()
            .entry(meeting(work(2), (10, 0), (12, 0)).subject("Trauung")),
        Mailbox::new("demo@musterstadt.example").entry(meeting(work(1), (12, 0), (13, 0)).subject("Verbindungstest")),
    ]
}

/// The `n`-th day from Monday to Friday after `today`.
fn working_day(today: NaiveDate, n: usize) -> NaiveDate {
    let weekend = |date: &NaiveDate| matches!(date.weekday(), Weekday::Sat | Weekday::Sun);
    today.iter_days().skip(1).filter(|date| !weekend(date)).nth(n.saturating_sub(1)).unwrap_or(today)
}

fn time(hour: u32, minute: u32) -> NaiveTime {
    NaiveTime::from_hms_opt(hour, minute, 0).unwrap_or(NaiveTime::MIN)
}
