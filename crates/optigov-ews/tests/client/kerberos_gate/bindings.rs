//! Channel bindings, mutual authentication, and the ways to name the account.

use std::{path::PathBuf, sync::Mutex};

use base64::{Engine, prelude::BASE64_STANDARD};
use optigov_calendar::ReadErrorKind;
use optigov_ews::{Credentials, Kerberos};

use super::{
    ask,
    gate::{Gate, count},
};
use crate::support::{Received, Reply, Scripted, Setup, view};

/// Each certificate's signature hash, held against each way of looking at the binding.
async fn accepted_with(digest: &str) {
    for binding in ["none", "allow", "require"] {
        let Some(gate) = Gate::start(&["--binding", binding, "--tls-hash", digest]) else { return };
        let client = gate.client(gate.kerberos());
        for _ in 0..3 {
            ask(&client).await.expect("an answer");
        }
        let decisions = gate.decisions();
        assert_eq!(
            (count(&decisions, "accepted"), count(&decisions, "passed"), decisions.len()),
            (1, 3, 4),
            "the proof, then three requests"
        );
        let accepted = &decisions[0];
        assert_eq!((&accepted["binding"], &accepted["wrapped"]), (&"right".into(), &"spnego".into()), "{accepted}");
        for flag in ["mutual", "integrity"] {
            assert!(accepted["flags"].as_array().is_some_and(|flags| flags.contains(&flag.into())), "{accepted}");
        }
    }
}

#[tokio::test]
async fn kerberos_is_accepted_with_a_certificate_signed_with_sha_256() {
    accepted_with("sha256").await;
}

#[tokio::test]
async fn kerberos_is_accepted_with_a_certificate_signed_with_sha_384() {
    accepted_with("sha384").await;
}

#[tokio::test]
async fn kerberos_is_accepted_with_a_certificate_signed_with_sha_512() {
    accepted_with("sha512").await;
}

#[tokio::test]
async fn an_account_is_named_in_every_spelling_and_proved_by_password_or_keytab() {
    let Some(gate) = Gate::start(&["--binding", "require"]) else { return };
    let (principal, password) = (gate.text("principal"), gate.text("password"));
    let (user, realm) = principal.split_once('@').expect("a realm");
    let keytab = Kerberos::with_keytab(gate.settings(principal), gate.read("client_keytab"));
    let short = gate.settings(&format!("STADT\\{user}")).with_realm(realm).expect("a realm");
    let conf = String::from_utf8(gate.read("krb5_conf")).expect("text");
    let found = gate.kerberos_by_conf(&conf);
    let other = gate.kerberos_for(gate.text("other_spn"));
    let ways = [
        gate.account(&format!("{realm}\\{user}"), password),
        gate.account(&principal.to_lowercase(), password),
        Kerberos::with_password(short, password),
        keytab.expect("a keytab"),
        found,
        other,
    ];
    let count_of_ways = ways.len();
    for kerberos in ways {
        ask(&gate.client(kerberos)).await.expect("an answer");
    }
    let spn = gate.text("other_spn").to_owned();
    let decisions = gate.decisions();
    assert_eq!(count(&decisions, "accepted"), count_of_ways);
    let last = decisions.iter().rfind(|line| line["result"] == "accepted").expect("a token");
    assert_eq!(last["spn"], spn);
}

#[tokio::test]
async fn an_answer_without_the_servers_proof_ends_the_connection() {
    let Some(gate) = Gate::start(&[]) else { return };
    for (header, wanted) in
        [(None, "no proof"), (Some("Negotiate"), "no proof"), (Some("Negotiate oQcwBaADCgEA"), "wrong")]
    {
        let server = Scripted::start_with_proofs(move |_, _| match header {
            Some(header) => Reply::ok(view("", "true")).header("www-authenticate", header),
            None => Reply::ok(view("", "true")),
        })
        .await;
        let credentials = Credentials::from(gate.kerberos_for("HTTP/localhost"));
        for connection in 1..=2 {
            let client = Setup::new(&server.url).credentials(credentials.clone()).build();
            let error = ask(&client).await.expect_err("an impostor");
            assert_eq!(error.kind(), ReadErrorKind::ServerUnproven);
            assert!(error.to_string().contains(wanted), "{error}");
            assert_eq!(server.received().last().expect("a request").connection, connection);
        }
    }
    assert_eq!(gate.issued(), (3, 3), "an impostor costs no tickets");
}

/// The token of a request.
fn token(received: &Received) -> Option<Vec<u8>> {
    BASE64_STANDARD.decode(received.header("authorization").strip_prefix("Negotiate ")?).ok()
}

#[tokio::test]
async fn a_proof_made_for_another_request_is_refused() {
    const FOLDER: &str = include_str!("../../goldens/get_folder.response.xml");
    let Some(gate) = Gate::start(&[]) else { return };
    let path = PathBuf::from(gate.text("krb5_conf")).with_file_name("http.keytab");
    let keytab = krb5::Keytab::load(path).expect("the service's keys");
    let first_proof = Mutex::new(None);
    let server = Scripted::start_with_proofs(move |_, received| {
        let Some(token) = token(received) else {
            return Reply::status(401, "").header("www-authenticate", "Negotiate");
        };
        let proof = krb5::spnego::SpnegoAcceptor::new(&keytab).step(&token).expect("a ticket").expect("a proof");
        // The first proof is right; later it is sent again in place of theirs.
        let sent = first_proof.lock().expect("the proof").get_or_insert(proof).clone();
        Reply::ok(FOLDER).header("www-authenticate", format!("Negotiate {}", BASE64_STANDARD.encode(sent)))
    })
    .await;
    let kerberos = gate.kerberos_for("HTTP/localhost");
    let client = Setup::new(&server.url).credentials(Credentials::from(kerberos)).build();
    // The credential's own request is answered with a right proof.
    let error = ask(&client).await.expect_err("a proof that was made for the request before");
    assert_eq!(error.kind(), ReadErrorKind::ServerUnproven);
    assert_eq!(server.count(), 3, "with a token, without one, with another one");
    assert_eq!(gate.issued(), (1, 1));
}
