//! What the KDC refuses, and what happens without it.

use std::time::Duration;

use futures_util::future::join_all;
use optigov_calendar::{Language, ReadErrorKind, Step};
use optigov_ews::{Credentials, Kerberos};

use super::{
    ask, ask_in_vain,
    gate::{Gate, count},
    kinds,
};

#[tokio::test]
async fn a_wrong_password_is_sent_once_however_many_tasks_wait() {
    let Some(gate) = Gate::start(&["--binding", "require"]) else { return };
    let client = gate.client(gate.account(gate.text("principal"), "falsch"));
    let results = join_all((0..8).map(|_| ask(&client))).await;
    assert_eq!(kinds(&results, ReadErrorKind::CredentialsRefused), 1, "{results:?}");
    assert_eq!(kinds(&results, ReadErrorKind::CredentialsLocked), 7, "{results:?}");
    assert_eq!(gate.kdc_log(&["AS_REQ", "PREAUTH_FAILED"]), 1);
    let refused = results.into_iter().find_map(|result| result.err().filter(|error| error.code().is_some()));
    let refused = refused.expect("the first one");
    assert_eq!(refused.code().map(|code| code.as_str().to_owned()).as_deref(), Some("KDC_ERR_PREAUTH_FAILED"));
    assert_eq!(refused.step(), Some(Step::Ticket));

    client.set_credentials(Credentials::from(gate.kerberos()));
    ask(&client).await.expect("an answer with the right password");
    assert_eq!(gate.kdc_log(&["AS_REQ", "PREAUTH_FAILED"]), 1);
    assert_eq!(count(&gate.decisions(), "refused"), 0, "the server saw no wrong password");
}

#[tokio::test]
async fn two_clients_with_one_credential_send_a_wrong_password_once() {
    let Some(gate) = Gate::start(&[]) else { return };
    let credentials = Credentials::from(gate.account(gate.text("principal"), "falsch"));
    let (one, other) = (gate.client(credentials.clone()), gate.client(credentials));
    for client in [&one, &other, &one, &other] {
        assert!(ask(client).await.expect_err("refused").is_credentials());
    }
    assert_eq!(gate.kdc_log(&["AS_REQ", "PREAUTH_FAILED"]), 1);
}

#[tokio::test]
async fn what_the_kdc_refuses_is_told_apart_with_cause_and_remedy() {
    use ReadErrorKind::{AccountDisabled, AccountUnknown, EncryptionNotSupported, PasswordExpired, ServiceUnknown};
    let Some(gate) = Gate::start(&[]) else { return };
    let password = gate.text("password");
    let keytab = Kerberos::with_keytab(gate.settings(gate.text("disabled")), gate.read("client_keytab"));
    let keytab = keytab.expect("a keytab of another account");
    let cases = [
        (gate.account(gate.text("disabled"), password), AccountDisabled, "KDC_ERR_CLIENT_REVOKED"),
        (gate.account(gate.text("expired"), password), AccountDisabled, "KDC_ERR_NAME_EXP"),
        (gate.account(gate.text("password_expired"), password), PasswordExpired, "KDC_ERR_KEY_EXPIRED"),
        (gate.account("niemand@STADT.EXAMPLE", password), AccountUnknown, "KDC_ERR_C_PRINCIPAL_UNKNOWN"),
        (gate.kerberos_for("HTTP/mail.stadt.example"), ServiceUnknown, "KDC_ERR_S_PRINCIPAL_UNKNOWN"),
        (keytab, EncryptionNotSupported, ""),
    ];
    for (kerberos, kind, code) in cases {
        let error = ask_in_vain(&gate, kerberos).await;
        assert_eq!((error.kind(), error.code().map_or("", |code| code.as_str())), (kind, code), "{error}");
        for language in Language::ALL {
            let text = error.describe(language);
            assert!(code.is_empty() || text.contains("STADT.EXAMPLE") && text.contains(gate.text("kdc")), "{text}");
            assert!(!text.contains("svc-") && !text.contains("niemand"), "an account is named in: {text}");
        }
        if kind == ServiceUnknown {
            assert!(error.describe(Language::German).contains("setspn -Q HTTP/mail.stadt.example"));
        }
    }
    assert_eq!(gate.decisions().len(), 0, "nothing reached the server");
}

#[tokio::test]
async fn without_a_kdc_the_error_names_it_and_the_realm_and_the_step() {
    let Some(gate) = Gate::start(&["--kdc-down-after", "0", "--kdc-back-after", "4"]) else { return };
    gate.wait_for_kdc(false).await;
    let client = gate.client(gate.kerberos());
    let results = join_all((0..8).map(|_| ask(&client))).await;
    assert_eq!(kinds(&results, ReadErrorKind::KdcUnreachable), 8, "{results:?}");
    let error = results.into_iter().find_map(Result::err).expect("an error");
    assert_eq!(error.step(), Some(Step::Kdc));
    assert!(error.to_string().contains(gate.text("kdc")) && error.to_string().contains("STADT.EXAMPLE"), "{error}");

    let conf = gate.kerberos_by_conf("[libdefaults]\n dns_lookup_kdc = false\n");
    let error = ask_in_vain(&gate, conf).await;
    assert_eq!((error.kind(), error.step()), (ReadErrorKind::KdcUnreachable, Some(Step::Kdc)));

    gate.wait_for_kdc(true).await;
    ask(&client).await.expect("an answer once the KDC is back: nothing is locked");
}

#[tokio::test]
async fn a_second_kdc_is_asked_when_the_first_takes_no_connection() {
    let Some(gate) = Gate::start(&[]) else { return };
    // A port that is free at this moment.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a port");
    let settings = gate.without_kdc().with_kdc(&closed.to_string()).and_then(|it| it.with_kdc(gate.text("kdc")));
    let kerberos = Kerberos::with_password(settings.expect("addresses"), gate.text("password"));
    ask(&gate.client(kerberos)).await.expect("an answer");
}

#[tokio::test]
async fn a_kdc_that_never_answers_ends_within_the_deadline_for_tickets() {
    let Some(gate) = Gate::start(&[]) else { return };
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = silent.local_addr().expect("an address").to_string();
    let settings = gate.without_kdc().with_kdc(&address).expect("an address").with_timeout(Duration::from_millis(300));
    let kerberos = Kerberos::with_password(settings, gate.text("password"));
    let began = std::time::Instant::now();
    let client = gate.client(kerberos);
    let error = ask(&client).await.expect_err("no answer");
    assert_eq!(error.kind(), ReadErrorKind::KdcSilent);
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    // The KDC may have counted the password, so the next try waits: meanwhile the same error is told, and nobody connects.
    let mut connections = 0;
    while let Ok(Ok(_)) = tokio::time::timeout(Duration::from_millis(50), silent.accept()).await {
        connections += 1;
    }
    let again = ask(&client).await.expect_err("no answer");
    assert_eq!(again.kind(), ReadErrorKind::KdcSilent);
    assert!(again.retry_after().is_some(), "{again:?}");
    assert!(
        tokio::time::timeout(Duration::from_millis(50), silent.accept()).await.is_err(),
        "{connections} connections"
    );
}

#[tokio::test]
async fn with_a_ticket_in_hand_the_kdc_is_not_needed() {
    let Some(gate) = Gate::start(&["--per-request", "--kdc-down-after", "1"]) else { return };
    let client = gate.client(gate.kerberos());
    ask(&client).await.expect("an answer");
    gate.wait_for_kdc(false).await;
    // On connections of their own: each needs a token.
    let results = join_all((0..6).map(|_| ask(&client))).await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    assert_eq!(gate.issued(), (1, 1));
    assert_eq!(count(&gate.decisions(), "accepted"), 8, "the credential's own request, then seven");
}

#[tokio::test]
async fn a_kdc_whose_clock_is_off_is_told_as_that() {
    let Some(gate) = Gate::start(&["--clock-skew", "kdc:900"]) else { return };
    let error = ask_in_vain(&gate, gate.kerberos()).await;
    assert_eq!((error.kind(), error.step()), (ReadErrorKind::ClockSkew, Some(Step::Ticket)), "{error}");
}
