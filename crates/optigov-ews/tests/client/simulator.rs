//! Against the Exchange simulator: real TLS, real authentication.

use chrono::TimeDelta;
use optigov_ews::{Credentials, EwsClient, EwsClientBuilder, Language};
use optigov_ews_simulator::{Account, Entry, Mailbox as Box_, Scenario, Simulator};

use crate::support::{anna, utc};

const PASSWORD: &str = "geheim-4711";

fn scenario() -> Scenario {
    let (start, end) = (utc("2026-11-24T09:00:00Z"), utc("2026-11-24T10:00:00Z"));
    Scenario::new()
        .account(Account::new("svc-optigov").password(PASSWORD).impersonates(["anna@musterstadt.example"]))
        .mailbox(Box_::new("anna@musterstadt.example").entry(Entry::timed(start, end).subject("Streng geheim")))
}

fn client(simulator: &Simulator) -> EwsClientBuilder {
    EwsClient::builder(&simulator.url())
        .only_given_roots()
        .root_certificates_pem(simulator.ca_pem())
        .credentials(Credentials::basic("svc-optigov", PASSWORD))
}

#[tokio::test]
async fn a_calendar_is_read_over_tls() {
    let simulator = Simulator::start(scenario()).expect("a simulator");
    let client = client(&simulator).build().expect("a client");
    let items = client
        .impersonate(&anna())
        .calendar_view(utc("2026-11-23T00:00:00Z"), utc("2026-11-30T00:00:00Z"))
        .await
        .expect("a view");
    assert_eq!(items.len(), 1);
    assert_eq!(items[0].end() - items[0].start(), TimeDelta::hours(1));
    let folder = client.impersonate(&anna()).calendar_folder().await.expect("a folder");
    println!("{folder:?}");
    let report = client.check(&anna()).await;
    println!("{}", report.to_text(Language::German));
    println!("{}", serde_json::to_string_pretty(&report).expect("json"));
}
