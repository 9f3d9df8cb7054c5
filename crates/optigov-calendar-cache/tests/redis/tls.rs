//! The way to the store by TLS, with `rustls` and `ring`.

use std::time::Duration;

use optigov_calendar_cache::{
    CalendarCache as _, SharedCache, SharedCacheSettings, StoreHealth,
    testing::{RedisServer, cache_conforms},
};

use crate::{server::Store, support::targets};

#[tokio::test]
async fn a_store_by_tls_is_believed_only_with_a_certificate_of_a_trusted_authority() {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
    let directory = tempfile::tempdir().expect("a directory");
    let (certificate, key) = (directory.path().join("certificate.pem"), directory.path().join("key.pem"));
    std::fs::write(&certificate, made.cert.pem()).expect("it is written");
    std::fs::write(&key, made.signing_key.serialize_pem()).expect("it is written");
    let port = RedisServer::free_port().expect("a port").to_string();
    let files = [&certificate, &key].map(|path| path.to_str().expect("plain").to_owned());
    let arguments = [
        "--save",
        "",
        "--tls-port",
        &port,
        "--tls-cert-file",
        &files[0],
        "--tls-key-file",
        &files[1],
        "--tls-ca-cert-file",
        &files[0],
        "--tls-auth-clients",
        "no",
    ];
    let Some(_store) = Store::start_with(&arguments).await else { return };
    let url = format!("rediss://localhost:{port}");
    let mut settings = SharedCacheSettings::default();
    settings.answers_within = Duration::from_secs(5);
    let strangers = SharedCache::connect(&url, settings.clone()).expect("an address");
    strangers.get(&[targets(1)[0].key]).await.expect("it answers from memory");
    assert!(matches!(strangers.health(), Some(StoreHealth::Failing { .. })), "the system does not know the authority");
    settings.roots = Some(made.cert.pem().into_bytes());
    let cache = SharedCache::connect(&url, settings).expect("an address");
    cache_conforms(&cache, "tls").await;
    assert_eq!(cache.health(), Some(StoreHealth::Answering));
}
