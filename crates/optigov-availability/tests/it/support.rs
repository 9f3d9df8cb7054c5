//! A town for tests: a simulated Exchange, a configuration that reads it, and the facade over both.

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeZone as _, Utc};
use chrono_tz::Europe::Berlin;
use optigov_availability::{
    Answer, Availability, AvailabilityBuilder, CounterAnswer, Interval, Municipality, SlotsRequest,
};
use optigov_exchange_simulator::{Account, Entry, Mailbox, RecordedRequest, Scenario, Simulator};

pub(crate) const PASSWORD: &str = "kein-Geheimnis-7731";

/// The mailbox of the counter in [`COUNTER`].
pub(crate) const MAILBOX: &str = "schalter1@musterstadt.example";

/// One counter with one mailbox: Monday to Friday 08:00 to 12:00, appointments of 30 minutes.
pub(crate) const COUNTER: &str = r#"
[[counters]]
id = "schalter-1"
name = "Schalter 1"
templates = ["ausweis"]
opening = [{ days = "Mo-Fr", hours = "08:00-12:00" }]
exchange_sync = { on = true, mailboxes = ["schalter1@musterstadt.example"] }
"#;

pub(crate) struct Town {
    pub(crate) simulator: Simulator,
    pub(crate) availability: Availability,
    _files: tempfile::TempDir,
}

impl Town {
    /// A town with these counters (TOML) and mailboxes, at Monday 2026-11-23 07:00 in Berlin.
    pub(crate) fn new(counters: &str, mailboxes: impl IntoIterator<Item = Mailbox>) -> Town {
        Town::at("2026-11-23 07:00", counters, mailboxes, |builder| builder)
    }

    /// The same at another time, and with further settings of the facade.
    pub(crate) fn at(
        now: &str,
        counters: &str,
        mailboxes: impl IntoIterator<Item = Mailbox>,
        set: impl FnOnce(AvailabilityBuilder) -> AvailabilityBuilder,
    ) -> Town {
        let account = Account::new("svc-optigov").password(PASSWORD).impersonates_everybody();
        let scenario = mailboxes.into_iter().fold(Scenario::new().account(account), Scenario::mailbox);
        Town::with_scenario(now, counters, scenario, set)
    }

    pub(crate) fn with_scenario(
        now: &str,
        counters: &str,
        scenario: Scenario,
        set: impl FnOnce(AvailabilityBuilder) -> AvailabilityBuilder,
    ) -> Town {
        Town::with_access("impersonation", now, counters, scenario, set)
    }

    /// The same with an access mode: `impersonation` or `free_busy`.
    pub(crate) fn with_access(
        access: &str,
        now: &str,
        counters: &str,
        scenario: Scenario,
        set: impl FnOnce(AvailabilityBuilder) -> AvailabilityBuilder,
    ) -> Town {
        let simulator = Simulator::start(scenario).expect("the scenario holds");
        let files = tempfile::tempdir().expect("a directory for the CA's certificate");
        let ca_file = files.path().join("ca.pem");
        std::fs::write(&ca_file, simulator.ca_pem()).expect("the CA's certificate is written");
        let (url, ca_file) = (simulator.url(), ca_file.display().to_string());
        let access = format!("access = {access:?}\n{counters}");
        let text = configuration(&url, &ca_file, &access);
        let municipality = Municipality::from_toml(&text).unwrap_or_else(|faults| panic!("{faults}"));
        let now = berlin(now);
        let builder = Availability::for_municipality(municipality).secret(PASSWORD).clock(move || now);
        let availability = set(builder).build().expect("the connection can be set up");
        Town { simulator, availability, _files: files }
    }

    /// The requests so far, without those that prove the account's credential.
    pub(crate) fn asked(&self) -> Vec<RecordedRequest> {
        let requests = self.simulator.requests().into_iter();
        requests.filter(|request| request.operation() != Some("GetServerTimeZones")).collect()
    }

    /// The answer for these days of November 2026 or another month, both included.
    pub(crate) async fn answer(&self, first: &str, last: &str) -> Answer {
        self.availability.free_slots(&days(first, last)).await.expect("the request holds")
    }

    /// The starts of the first counter's slots on a day, as the wall clock shows them.
    pub(crate) async fn starts(&self, day: &str) -> Vec<String> {
        starts(&self.answer(day, day).await.counters[0])
    }
}

pub(crate) fn configuration(url: &str, ca_file: &str, counters: &str) -> String {
    format!(
        r#"
format = 1
name = "Musterstadt"
templates = [
    {{ id = "ausweis", label = "Ausweis", length = "30min", max_concerns = 3 }},
    {{ id = "lang", label = "Beratung", length = "45min" }},
]

[exchange]
url = "{url}"
ca_file = '{ca_file}'
authentication = "basic"
account = 'STADT\svc-optigov'
secret = "provided"
timeout = "10s"
{counters}"#
    )
}

pub(crate) fn days(first: &str, last: &str) -> SlotsRequest {
    SlotsRequest::new(Interval::of_dates(date(first), date(last), Berlin).expect("the first day is not after the last"))
}

pub(crate) fn starts(counter: &CounterAnswer) -> Vec<String> {
    let local = |start: DateTime<Utc>| start.with_timezone(&counter.zone).format("%H:%M").to_string();
    counter.slots.iter().map(|slot| local(slot.start())).collect()
}

/// All the starts of [`COUNTER`] on an ordinary day.
pub(crate) fn all_starts() -> Vec<String> {
    ["08:00", "08:30", "09:00", "09:30", "10:00", "10:30", "11:00", "11:30"].map(str::to_owned).to_vec()
}

/// An entry between two times on the wall clock of its mailbox's zone.
pub(crate) fn entry(start: &str, end: &str) -> Entry {
    Entry::local(wall(start), wall(end)).subject(TITLE)
}

/// What no request, answer or log may hold.
pub(crate) const TITLE: &str = "Titelprobe Kündigungsgespräch";

pub(crate) fn wall(text: &str) -> NaiveDateTime {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").expect("a date and a time")
}

pub(crate) fn date(text: &str) -> NaiveDate {
    text.parse().expect("a date")
}

pub(crate) fn berlin(text: &str) -> DateTime<Utc> {
    Berlin.from_local_datetime(&wall(text)).earliest().expect("a time that exists").to_utc()
}
