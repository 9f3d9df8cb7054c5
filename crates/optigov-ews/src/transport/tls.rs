//! TLS settings, one for every way out of the client.

use std::sync::Arc;

use rustls::{
    ClientConfig, RootCertStore, SupportedProtocolVersion,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    version::{TLS12, TLS13},
};
use secrecy::{ExposeSecret, SecretString};

use crate::Error;

/// The oldest version of TLS that the client speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum TlsVersion {
    /// TLS 1.2, the default. The German BSI recommends it until the end of 2031 (TR-02102-2).
    #[default]
    Tls12,
    /// TLS 1.3.
    Tls13,
}

/// What the builder knows about TLS.
#[derive(Clone, Default)]
pub(crate) struct TlsSettings {
    pub(crate) roots_pem: Vec<Vec<u8>>,
    pub(crate) only_given_roots: bool,
    pub(crate) minimum: TlsVersion,
    pub(crate) client: Option<(Vec<u8>, SecretString)>,
}

/// The settings in the form that connections use. Certificates are always verified.
pub(crate) struct Tls {
    pub(crate) config: ClientConfig,
    pub(crate) roots: Arc<RootCertStore>,
}

impl TlsSettings {
    /// # Errors
    /// [`Error::is_configuration`] when a PEM text holds no certificate or key that can be used.
    pub(crate) fn load(&self) -> Result<Tls, Error> {
        let roots = Arc::new(self.roots()?);
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(self.versions())
            .map_err(|error| Error::configuration("this TLS version cannot be used").with_source(error))?
            .with_root_certificates(roots.clone());
        let config = match &self.client {
            None => builder.with_no_client_auth(),
            Some((certificates, key)) => {
                let certificates = certificates_in(certificates, "the client certificate")?;
                let key = PrivateKeyDer::from_pem_slice(key.expose_secret().as_bytes())
                    .map_err(|_| Error::configuration("the client certificate's key is not a PEM private key"))?;
                builder.with_client_auth_cert(certificates, key).map_err(|error| {
                    Error::configuration("the client certificate does not fit its key").with_source(error)
                })?
            }
        };
        Ok(Tls { config, roots })
    }

    fn roots(&self) -> Result<RootCertStore, Error> {
        let mut roots = RootCertStore::empty();
        for pem in &self.roots_pem {
            for certificate in certificates_in(pem, "the root certificate")? {
                roots.add(certificate).map_err(|error| {
                    Error::configuration("the root certificate cannot be used as a root").with_source(error)
                })?;
            }
        }
        if !self.only_given_roots {
            // A machine without system roots, such as a slim container, can still trust the given ones.
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        Ok(roots)
    }

    fn versions(&self) -> &'static [&'static SupportedProtocolVersion] {
        static BOTH: [&SupportedProtocolVersion; 2] = [&TLS13, &TLS12];
        match self.minimum {
            TlsVersion::Tls12 => &BOTH,
            TlsVersion::Tls13 => &BOTH[..1],
        }
    }
}

fn certificates_in(pem: &[u8], what: &str) -> Result<Vec<CertificateDer<'static>>, Error> {
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(|_| {
        Error::configuration(format!(
            "{what} is not PEM: its text must be between BEGIN CERTIFICATE and END CERTIFICATE"
        ))
    })?;
    if certificates.is_empty() {
        return Err(Error::configuration(format!("{what} holds no certificate: BEGIN CERTIFICATE is missing")));
    }
    Ok(certificates)
}
