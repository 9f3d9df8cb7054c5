//! TLS settings, one for every way out of the client.

use std::sync::Arc;

use optigov_calendar::{ReadError, Route, TlsVersion};
use rustls::{
    ClientConfig, RootCertStore, SupportedProtocolVersion,
    crypto::ring,
    version::{TLS12, TLS13},
};

use crate::error::configuration;

/// The TLS settings of a route in the form that connections use. Certificates are always verified.
pub(crate) struct Tls {
    pub(crate) config: ClientConfig,
    pub(crate) roots: Arc<RootCertStore>,
}

impl Tls {
    /// # Errors
    /// [`ReadError::is_configuration`] when a root or the client certificate cannot be used, or when there is no root to trust.
    pub(crate) fn new(route: &Route) -> Result<Tls, ReadError> {
        let roots = Arc::new(roots(route)?);
        if roots.is_empty() && route.url().scheme() == "https" {
            return Err(configuration(
                "es gibt kein Stammzertifikat, dem vertraut wird: Das System hat keines, und es wurde keines angegeben",
                "there is no root certificate to trust: the system has none, and none was given",
            ));
        }
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(versions(route.minimum_tls()))
            .map_err(|error| {
                configuration("diese TLS-Version geht hier nicht", "this TLS version cannot be used").with_source(error)
            })?
            .with_root_certificates(roots.clone());
        let config = match route.client_certificate() {
            None => builder.with_no_client_auth(),
            Some(client) => {
                let (chain, key) = (client.chain().to_vec(), client.key().clone_key());
                builder.with_client_auth_cert(chain, key).map_err(|error| {
                    configuration(
                        "das Client-Zertifikat passt nicht zu seinem Schlüssel",
                        "the client certificate does not fit its key",
                    )
                    .with_source(error)
                })?
            }
        };
        Ok(Tls { config, roots })
    }
}

fn roots(route: &Route) -> Result<RootCertStore, ReadError> {
    let mut roots = RootCertStore::empty();
    for certificate in route.root_certificates() {
        roots.add(certificate.clone()).map_err(|error| {
            configuration(
                "eines der angegebenen Zertifikate taugt nicht als Stammzertifikat",
                "one of the certificates given cannot be used as a root",
            )
            .with_source(error)
        })?;
    }
    if !route.only_given_roots() {
        // A machine without system roots, such as a slim container, can still trust the given ones.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    Ok(roots)
}

fn versions(minimum: TlsVersion) -> &'static [&'static SupportedProtocolVersion] {
    static BOTH: [&SupportedProtocolVersion; 2] = [&TLS13, &TLS12];
    match minimum {
        TlsVersion::Tls13 => &BOTH[..1],
        _ => &BOTH,
    }
}
