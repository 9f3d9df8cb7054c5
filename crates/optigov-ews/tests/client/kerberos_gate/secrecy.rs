//! What a log at its most talkative may never hold.

use optigov_calendar::{CalendarSource, Language, testing::Log};
use optigov_ews::{Credentials, Kerberos};

use super::{ask, gate::Gate};
use crate::support::{anna, utc};

#[tokio::test]
async fn no_log_error_or_debug_text_holds_a_ticket_a_key_a_password_or_an_account() {
    let Some(gate) = Gate::start(&["--binding", "require", "--error-token"]) else { return };
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(log.writer()).finish();
    // One thread runs the client and the flights to the KDC, so this hears all of it.
    let listening = tracing::subscriber::set_default(subscriber);
    let keytab = gate.read("client_keytab");
    let by_keytab = Kerberos::with_keytab(gate.settings(gate.text("principal")), keytab.clone());
    let mut shown = String::new();
    for kerberos in [
        gate.kerberos(),
        by_keytab.expect("a keytab"),
        gate.account(gate.text("principal"), "falsches-passwort"),
        gate.account(gate.text("disabled"), gate.text("password")),
        gate.kerberos_for("HTTP/mail.stadt.example"),
    ] {
        let credentials = Credentials::from(kerberos.clone());
        shown += &format!("{kerberos:?} {credentials:?}");
        let client = gate.client(credentials);
        let answer = ask(&client).await;
        let report = client.check(&anna(), utc("2026-11-23T00:00:00Z")).await;
        shown += &format!("{client:?} {answer:?} {report:?}");
        for language in Language::ALL {
            shown += &report.to_text(language);
            shown +=
                &answer.as_ref().err().map(|error| format!("{error} {}", error.describe(language))).unwrap_or_default();
        }
        shown += &serde_json::to_string(&report).expect("serialises");
    }
    drop(listening);
    let logged = log.text();
    assert!(logged.contains("ticket"), "nothing was logged: {logged}");
    let key = keytab[keytab.len() - 40..keytab.len() - 8].to_vec();
    for (place, text) in [("a log", &logged), ("a text", &shown)] {
        for secret in
            [gate.text("password"), "falsches-passwort", "svc-", "Negotiate YI", "YII", "oYG", "keytab\"", ".keytab"]
        {
            let at = text.find(secret);
            assert!(at.is_none(), "{secret} is in {place}: {}", &text[at.unwrap_or_default().saturating_sub(300)..]);
        }
        assert!(!text.contains(&format!("{key:?}")[1..40]), "a key is in {place}");
    }
}
