//! What a configuration's reader accepts, the client can be built from; and what stands in files is read as editors write it.

use std::{fs, path::Path, sync::LazyLock};

use optigov_availability::{Municipality, ProvidedSecrets, exchange_client};
use optigov_counter::testing::{connections, files};
use proptest::prelude::*;
use tempfile::TempDir;

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
