//! Every exchange of the client, held against Microsoft's metadata by a judge that knows nothing of it: `validate_graph.py`, which `OPTIGOV_SHARED` leads to.

use std::{env, fs, num::NonZeroU32, path::Path, process::Command};

use chrono::NaiveDate;
use chrono_tz::Europe::Berlin;
use optigov_calendar::{CalendarSource, GraphAccess};
use optigov_exchange_simulator::{Effect, Entry, Fault, Mailbox as Simulated, Permission, Scenario, Simulator};
use optigov_graph::GraphCredentials;

use crate::{
    recorder::Recorder,
    support::{Setup, application, interval, mailbox, online, start, utc, week},
};

const CERTIFICATE: &str = include_str!("../../../optigov-exchange-simulator/tests/simulator/keys/registered.crt.pem");
const KEY: &str = include_str!("../../../optigov-exchange-simulator/tests/simulator/keys/registered.key.pem");

fn simulator() -> Simulator {
    let date = NaiveDate::from_ymd_opt(2026, 11, 24).expect("a date");
    let begin = utc("2026-11-23T00:00:00Z");
    let hour = |n: i64| begin + chrono::TimeDelta::hours(n);
    let series = Entry::local(date.and_hms_opt(9, 0, 0).expect("a time"), date.and_hms_opt(10, 0, 0).expect("a time"));
    let anna = online("anna")
        .zone(Berlin)
        .default_permission(Permission::AvailabilityOnly)
        .entry(Entry::all_day(date, date))
        .entry(series.recurs("FREQ=DAILY;COUNT=5").subject("Streng vertraulich"))
        .entry(Entry::timed(hour(40), hour(41)).private())
        .entry(Entry::timed(hour(50), hour(51)).cancelled());
    let berta = online("berta").entries((0..30).map(|n| Entry::timed(hour(n), hour(n + 1))));
    let busy =
        Effect::GraphError { status: 429, code: "ApplicationThrottled".to_owned(), retry_after: Some("1".to_owned()) };
    start(
        Scenario::new()
            .application(application().certificate(CERTIFICATE))
            .mailbox(anna)
            .mailbox(berta)
            .mailbox(online("clara#ext#"))
            .mailbox(Simulated::new("vorort@musterstadt.example"))
            .fault(Fault::new(busy).mailbox("berta@musterstadt.example").operation("calendarView").first(1)),
    )
}

#[tokio::test]
async fn every_exchange_is_valid_by_microsofts_metadata_and_asks_for_no_title() {
    let simulator = simulator();
    let recorder = Recorder::before(&simulator).await;
    let certificate = GraphCredentials::certificate(CERTIFICATE.as_bytes(), KEY.as_bytes()).expect("a credential");
    for access in GraphAccess::ALL {
        let few = NonZeroU32::new(7).expect("not zero");
        let setup = Setup::at(&recorder.base, &recorder.root).access(access);
        let client =
            setup.settings(|settings| settings.with_entries_per_page(few)).credentials(certificate.clone()).build();
        let asked = ["anna", "berta", "clara#ext#", "vorort", "niemand"].map(mailbox);
        let read = client.read(&asked, week()).await;
        assert_eq!(read.iter().filter(|result| result.is_ok()).count(), 3, "{read:?}");
        for one in &asked {
            client.read(std::slice::from_ref(one), week()).await;
        }
        let long = interval("2026-01-01T00:00:00Z", "2026-12-31T00:00:00Z");
        client.read(&asked[..1], long).await.remove(0).expect("a calendar");
        simulator.expire_tokens();
        assert!(client.check(&asked[0], utc("2026-11-23T08:00:00Z")).await.is_good());
    }
    let wrong = Setup::at(&recorder.base, &recorder.root).credentials(GraphCredentials::secret("falsch")).build();
    wrong.read(&[mailbox("anna")], week()).await.remove(0).expect_err("refused");
    let lines = recorder.lines();
    assert!(lines.len() > 30, "{} exchanges", lines.len());
    let kinds = ["oauth2/v2.0/token", "calendar/calendarView", "$batch", "getSchedule", "$skip"];
    for kind in kinds {
        assert!(lines.iter().any(|line| line.contains(kind)), "{kind} was not recorded");
    }
    judged(&lines);
}

/// Asks the judge, where it is there.
fn judged(lines: &[String]) {
    let Some(shared) = env::var_os("OPTIGOV_SHARED") else {
        return;
    };
    let judge = Path::new(&shared).join("tools/validate_graph.py");
    let record = tempfile::NamedTempFile::new().expect("a file");
    fs::write(record.path(), lines.join("\n")).expect("written");
    let python = env::var_os("OPTIGOV_PYTHON").unwrap_or_else(|| "python3".into());
    let verdict = Command::new(python).arg(judge).arg(record.path()).output().expect("the judge");
    let said = String::from_utf8_lossy(&verdict.stdout);
    assert!(verdict.status.success() && said.contains("valid"), "{said}{}", String::from_utf8_lossy(&verdict.stderr));
}
