//! What a log at its most talkative may never hold.

use std::{
    io,
    sync::{Arc, Mutex},
};

use optigov_calendar::{Access, CalendarSource, Language};
use optigov_ews::Credentials;
use optigov_exchange_simulator::{Account, Entry, Mailbox as SimulatedMailbox, Scenario, Simulator};
use tracing_subscriber::fmt::MakeWriter;

use crate::support::{PASSWORD, Setup, anna, berta, check, interval, read};

/// Keeps what is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("the log").extend_from_slice(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Log;

    fn make_writer(&self) -> Log {
        self.clone()
    }
}

#[tokio::test]
async fn no_log_error_or_debug_text_holds_a_secret_an_address_or_a_title() {
    let window = interval("2026-11-24T09:00:00Z", "2026-11-24T10:00:00Z");
    let entry = Entry::timed(window.start(), window.end()).subject("Streng geheim").location("Zimmer 12");
    let simulator = Simulator::start(
        Scenario::new()
            .account(Account::new("svc-optigov").password(PASSWORD).impersonates(["anna@musterstadt.example"]))
            .mailbox(SimulatedMailbox::new("anna@musterstadt.example").entry(entry))
            .mailbox(SimulatedMailbox::new("berta@musterstadt.example")),
    )
    .expect("a simulator");
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(log.clone()).finish();
    // The simulator has threads of its own, so this hears the client alone.
    let listening = tracing::subscriber::set_default(subscriber);
    let mut shown = String::new();
    for credentials in [
        Credentials::basic("svc-optigov", PASSWORD),
        Credentials::basic("svc-optigov", "falsches-passwort"),
        #[cfg(feature = "ntlm")]
        Credentials::ntlm("STADT\\svc-optigov", PASSWORD),
        #[cfg(feature = "ntlm")]
        Credentials::negotiate("STADT\\svc-optigov", "falsches-passwort"),
    ] {
        shown += &format!("{credentials:?}");
        let setup = |access| {
            let setup = Setup::of(&simulator).credentials(credentials.clone());
            setup.settings(|settings| settings.access = access).build()
        };
        let (client, free_busy) = (setup(Access::Impersonation), setup(Access::FreeBusy));
        for mailbox in [anna(), berta()] {
            let answer = read(&client, &mailbox).await;
            let folder = client.impersonate(&mailbox).calendar_folder().await;
            let busy = free_busy.read(std::slice::from_ref(&mailbox), window).await;
            let reports = [check(&client, &mailbox).await, check(&free_busy, &mailbox).await];
            shown += &format!(
                "{client:?} {mailbox:?} {:?} {answer:?} {folder:?} {busy:?} {reports:?}",
                client.impersonate(&mailbox)
            );
            for error in [answer.err(), folder.err()].into_iter().flatten() {
                shown += &format!("{error} {}", Language::ALL.map(|language| error.describe(language)).concat());
            }
            for report in reports {
                shown += &serde_json::to_string(&report).expect("JSON");
                shown += &Language::ALL.map(|language| report.to_text(language)).concat();
            }
        }
    }
    drop(listening);
    let logged = String::from_utf8(log.0.lock().expect("the log").clone()).expect("text");
    assert!(logged.contains("FindItem"), "the log heard nothing");
    let basic = "c3ZjLW9wdGlnb3Y6"; // svc-optigov: in base64
    for secret in
        [PASSWORD, "falsches", "svc-optigov", "anna", "berta", "musterstadt", "geheim", "Zimmer", "TlRMTVNTUA", basic]
    {
        for (place, text) in [("log", &logged), ("text", &shown)] {
            let at = text.find(secret).map(|at| text[..at].lines().count());
            assert_eq!(
                at,
                None,
                "{secret} in the {place}: {:?}",
                at.and_then(|at| text.lines().nth(at.saturating_sub(1)))
            );
        }
    }
}
