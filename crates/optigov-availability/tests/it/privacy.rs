//! Nothing personal and no secret leaves a run: not in a log line at any level, an error, `Debug` output or an answer.

use std::{fmt::Debug, io::Write as _};

use optigov_availability::{Answer, Language, Municipality, Wanted};
use optigov_calendar::testing::Log;
use optigov_exchange_simulator::{Account, Mailbox, Scenario};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::support::{COUNTER, MAILBOX, PASSWORD, TITLE, Town, berlin, days, entry};

/// Everything that a run says.
#[derive(Clone, Default)]
struct Said(Log);

impl Said {
    fn add(&self, value: impl Debug) {
        write!(self.0.clone(), "{value:?}\n{value:#?}\n").expect("a log takes everything");
    }

    /// An error with all its causes, as a service would log it.
    fn add_error(&self, error: &dyn std::error::Error) {
        let mut cause = Some(error);
        while let Some(error) = cause {
            self.add(error.to_string());
            cause = error.source();
        }
    }
}

#[tokio::test]
async fn titles_password_and_addresses_are_in_no_log_error_or_debug_output() {
    let said = Said::default();
    // Every line of every crate at every level, but for the simulator's: it is not what runs at a customer's.
    let targets = Targets::new().with_default(tracing::Level::TRACE).with_target("optigov_exchange_simulator", None);
    let lines = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(said.0.writer());
    tracing_subscriber::registry().with(targets).with(lines).init();

    let outside = "schalter2@musterstadt.example";
    let typo = "schaltre1@musterstadt.example";
    let more = |id: &str, mailbox: &str| COUNTER.replace("schalter-1", id).replace(MAILBOX, mailbox);
    let counters = format!("{COUNTER}{}{}", more("schalter-2", outside), more("schalter-3", typo));
    let scenario = || {
        let private = entry("2026-11-24 09:00", "2026-11-24 10:00").private();
        Scenario::new()
            .account(Account::new("svc-optigov").password(PASSWORD).impersonates([MAILBOX]))
            .mailbox(Mailbox::new(MAILBOX).entry(private).entry(entry("2026-11-24 10:00", "2026-11-24 10:30")))
            .mailbox(Mailbox::new(outside))
    };

    // A run that works for one counter, and fails for two.
    let town = Town::with_scenario("2026-11-23 07:00", &counters, scenario(), |builder| builder);
    let request = days("2026-11-23", "2026-11-27");
    let answer = town.availability.free_slots(&request).await.expect("the request holds");
    let statuses: Vec<&str> = answer.counters.iter().map(|counter| counter.status.as_str()).collect();
    assert_eq!(statuses, ["known", "unknown", "unknown"]);
    said.add((&answer, &request));
    said.add(written(answer));
    for counter in ["schalter-1", "schalter-2", "schalter-9"] {
        let verdict = match town.availability.counter(counter) {
            Ok(counter) => counter.confirm(&Wanted::new(), berlin("2026-11-24 09:00")).await,
            Err(error) => Err(error),
        };
        match verdict {
            Ok(verdict) => said.add((serde_json::to_string(&verdict).expect("it serialises"), verdict)),
            Err(error) => {
                said.add_error(&error);
                said.add(error);
            }
        }
    }
    said.add(town.availability.municipality());

    // One whose password is wrong.
    let wrong =
        Town::with_scenario("2026-11-23 07:00", &counters, scenario(), |builder| builder.secret("kein-Geheimnis-4711"));
    let answer = wrong.availability.free_slots(&request).await.expect("the request holds");
    assert!(answer.counters.iter().all(|counter| counter.status.is_unknown()));
    said.add(&answer);
    said.add(written(answer));

    // A configuration that cannot be used.
    let faults = Municipality::from_toml(&counters.replace('@', "@@").replace("on = true", "on = treu"));
    let faults = faults.expect_err("addresses and switches are wrong");
    said.add_error(&faults);
    said.add(faults);

    let text = said.0.text();
    assert!(text.contains("calendar not read"), "the run's log is in what is searched");
    let local_parts = ["schalter1@", "schalter2@", "schaltre1@", "musterstadt.example"];
    let secrets = [TITLE, "Titelprobe", "Kündigung", PASSWORD, "kein-Geheimnis", "svc-optigov", "Basic "];
    for secret in local_parts.iter().chain(&secrets) {
        let line = text.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret} is told");
    }
    for login in [format!("STADT\\svc-optigov:{PASSWORD}"), "STADT\\svc-optigov:kein-Geheimnis-4711".to_owned()] {
        assert!(!text.contains(&base64(&login)), "the Authorization header is told");
    }
}

/// The answer as it is written, in both languages.
fn written(answer: Answer) -> String {
    let german = serde_json::to_string(&answer).expect("it serialises");
    german + &serde_json::to_string(&answer.in_language(Language::English)).expect("it serialises")
}

fn base64(text: &str) -> String {
    use base64::Engine as _;
    base64::prelude::BASE64_STANDARD.encode(text)
}
