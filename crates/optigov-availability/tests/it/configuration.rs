//! What a configuration's reader accepts, the client can be built from; and what stands in files is read as editors write it.

use std::{fs, path::Path, sync::LazyLock};

use optigov_availability::{Availability, Municipality, ProvidedSecrets, exchange_client, exchange_online_client};
use optigov_counter::testing::{connections, files, online_connections};
use proptest::prelude::*;
use tempfile::TempDir;

/// An application's certificate and its RSA key, those of the simulator's own tests.
const APPLICATION_CERTIFICATE: &str =
    include_str!("../../../optigov-exchange-simulator/tests/simulator/keys/registered.crt.pem");
const APPLICATION_KEY: &str =
    include_str!("../../../optigov-exchange-simulator/tests/simulator/keys/registered.key.pem");

/// A folder with the files that generated connections refer to.
static FOLDER: LazyLock<TempDir> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder");
    let authority = rcgen::generate_simple_self_signed(["ca.musterstadt.example".to_owned()]).expect("a certificate");
    let client = rcgen::generate_simple_self_signed(["optigov.example".to_owned()]).expect("a certificate");
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("a file");
    write(files::CA, &authority.cert.pem());
    write(files::CLIENT_CERTIFICATE, &client.cert.pem());
    write(files::CLIENT_KEY, &client.signing_key.serialize_pem());
    write(files::SECRET, "kein-Geheimnis\n");
    write(files::APPLICATION_CERTIFICATE, APPLICATION_CERTIFICATE);
    write(files::APPLICATION_KEY, APPLICATION_KEY);
    // The head of a keytab's format, and no key.
    write(files::KEYTAB, "\u{5}\u{2}");
    folder
});

fn town(exchange: &str) -> Municipality {
    let text = format!(r#"{{ "name": "Musterstadt", "exchange": {exchange} }}"#);
    Municipality::from_json(&text).unwrap_or_else(|faults| panic!("{faults}\n{text}"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn every_accepted_connection_builds_its_client(exchange in connections(FOLDER.path())) {
        let town = town(&exchange);
        let connection = town.exchange().expect("it is there");
        // Where the connection leaves secrets to the service, the service hands them in.
        let provided = ProvidedSecrets::none().account("kein-Geheimnis").proxy("kein-Geheimnis");
        let client = exchange_client(connection, &provided);
        prop_assert!(client.is_ok(), "{:?}\n{exchange}", client.err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn every_accepted_connection_to_exchange_online_builds_its_client_alone_and_beside_an_own_server(
        online in online_connections(FOLDER.path()),
        own in proptest::option::of(connections(FOLDER.path())),
    ) {
        let mut all = serde_json::json!({ "name": "Musterstadt" });
        all["exchange_online"] = serde_json::from_str(&online).expect("JSON");
        if let Some(own) = &own {
            all["exchange"] = serde_json::from_str(own).expect("JSON");
            // It stands beside the own server's settings.
            all["exchange_online"].as_object_mut().expect("a table").remove("when_unavailable");
        }
        let town = Municipality::from_json(&all.to_string()).unwrap_or_else(|faults| panic!("{faults}\n{all}"));
        let provided = ProvidedSecrets::none().account("kein-Geheimnis").online("kein-Geheimnis").proxy("kein-Geheimnis");
        let client = exchange_online_client(town.exchange_online().expect("it is there"), &provided);
        prop_assert!(client.is_ok(), "{:?}\n{online}", client.err());
        let facade = Availability::for_municipality(town).secret("kein-Geheimnis").online_secret("kein-Geheimnis");
        let facade = facade.proxy_secret("kein-Geheimnis").build();
        prop_assert!(facade.is_ok(), "{:?}\n{all}", facade.err());
    }
}

#[test]
fn a_certificate_or_key_of_an_application_that_cannot_be_used_is_refused() {
    let folder = FOLDER.path();
    let built = |certificate: &str, key: &str| {
        let text = serde_json::json!({ "name": "M", "exchange_online": {
            "tenant": "musterstadt.example", "client_id": "11111111-2222-4333-8444-555555555555",
            "certificate": folder.join(certificate).to_string_lossy(), "private_key": folder.join(key).to_string_lossy(),
        } });
        let town = Municipality::from_json(&text.to_string()).unwrap_or_else(|faults| panic!("{faults}"));
        exchange_online_client(town.exchange_online().expect("it is there"), &ProvidedSecrets::none())
    };
    assert!(built(files::APPLICATION_CERTIFICATE, files::APPLICATION_KEY).is_ok());
    for (certificate, key) in [
        (files::CLIENT_CERTIFICATE, files::APPLICATION_KEY),
        (files::APPLICATION_CERTIFICATE, files::CLIENT_KEY),
        (files::APPLICATION_CERTIFICATE, files::SECRET),
        ("gone-online.pem", files::APPLICATION_KEY),
    ] {
        let error = built(certificate, key).expect_err("it cannot be used");
        assert!(error.is_setup() && !format!("{error:?}").contains("PRIVATE"), "{error}");
    }
}

/// The client of a connection by Basic with these further settings.
fn client(settings: &str) -> Result<optigov_availability::EwsClient, optigov_availability::Error> {
    let text = format!(
        r#"{{ "url": "https://mail.musterstadt.example/EWS/Exchange.asmx", "authentication": "basic", "account": "svc", {settings} }}"#
    );
    exchange_client(town(&text).exchange().expect("it is there"), &ProvidedSecrets::none())
}

fn shown(file: &Path) -> String {
    serde_json::to_string(&file.to_string_lossy()).expect("a text")
}

#[test]
fn certificates_are_read_as_pem_or_der_with_or_without_a_byte_order_mark() {
    let folder = tempfile::tempdir().expect("a folder");
    let authority = rcgen::generate_simple_self_signed(["ca.musterstadt.example".to_owned()]).expect("a certificate");
    let pem = authority.cert.pem();
    let contents = [
        pem.clone().into_bytes(),
        format!("\u{feff}{}", pem.replace('\n', "\r\n")).into_bytes(),
        authority.cert.der().to_vec(),
    ];
    for (number, content) in contents.iter().enumerate() {
        let file = folder.path().join(format!("ca-{number}"));
        fs::write(&file, content).expect("a file");
        let secret = FOLDER.path().join(files::SECRET);
        let built = client(&format!(r#""ca_file": {}, "secret": {{ "file": {} }}"#, shown(&file), shown(&secret)));
        assert!(built.is_ok(), "{number}: {:?}", built.err());
    }
}

#[test]
fn a_missing_or_unusable_file_is_named() {
    let secret = FOLDER.path().join(files::SECRET);
    for (file, content) in [("gone.pem", None), ("text.pem", Some("no certificate"))] {
        let path = FOLDER.path().join(file);
        if let Some(content) = content {
            fs::write(&path, content).expect("a file");
        }
        let built = client(&format!(r#""ca_file": {}, "secret": {{ "file": {} }}"#, shown(&path), shown(&secret)));
        let error = built.expect_err("it cannot be used");
        assert!(error.is_setup() && error.to_string().contains(file), "{error}");
    }
}

#[cfg(feature = "kerberos")]
#[test]
fn a_missing_or_unusable_keytab_is_refused_and_its_path_is_told_nowhere() {
    for (file, content) in [("gone.keytab", None), ("text.keytab", Some("no keytab"))] {
        let path = FOLDER.path().join(file);
        if let Some(content) = content {
            fs::write(&path, content).expect("a file");
        }
        let town = town(&format!(
            r#"{{ "url": "https://mail.musterstadt.example/EWS/Exchange.asmx", "authentication": "kerberos", "account": "svc@STADT.EXAMPLE",
                 "keytab": {} }}"#,
            shown(&path)
        ));
        let connection = town.exchange().expect("it is there");
        let error = exchange_client(connection, &ProvidedSecrets::none()).expect_err("it cannot be used");
        assert!(error.is_setup(), "{error}");
        let told = format!("{error} {error:?} {connection:?}");
        assert!(!told.contains(".keytab\"") && !told.contains(file), "{told}");
    }
}
