//! What the server's certificate says, for the connection check. It is verified as ever; it is only remembered, too.

use std::sync::{Arc, Mutex};

use chrono::DateTime;
use optigov_calendar::{Finding, ReadError};
use rustls::{
    ClientConfig, DigitallySignedStruct, Error as TlsError, ProtocolVersion, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::ring,
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use x509_parser::{certificate::X509Certificate, extensions::GeneralName, prelude::FromDer};

use crate::{error::configuration, tls::Tls};

/// TLS settings that remember the certificate shown, accepted or not.
pub(crate) fn recording(tls: &Tls) -> Result<(ClientConfig, Shown), ReadError> {
    let shown = Shown(Arc::default());
    let mut config = tls.config.clone();
    if !tls.roots.is_empty() {
        let inner = WebPkiServerVerifier::builder_with_provider(tls.roots.clone(), Arc::new(ring::default_provider()))
            .build()
            .map_err(|error| {
                configuration("die Stammzertifikate sind nicht nutzbar", "the root certificates cannot be used")
                    .with_source(error)
            })?;
        config.dangerous().set_certificate_verifier(Arc::new(Recorder { inner, shown: shown.0.clone() }));
    }
    Ok((config, shown))
}

/// The certificate that a server showed, accepted or not.
pub(crate) struct Shown(Arc<Mutex<Option<CertificateDer<'static>>>>);

impl Shown {
    /// What the certificate says, once it was shown; `version` is that of TLS, where it is known.
    pub(crate) fn finding(&self, version: Option<&'static str>) -> Option<Finding> {
        let der = self.0.lock().ok()?.take()?;
        let (_, certificate) = X509Certificate::from_der(&der).ok()?;
        let alternatives = certificate.subject_alternative_name().ok().flatten();
        let names = alternatives.map(|extension| extension.value.general_names.iter().filter_map(name).collect());
        Some(Finding::Tls {
            version: version.map(str::to_owned),
            names: names.unwrap_or_default(),
            not_after: DateTime::from_timestamp(certificate.validity().not_after.timestamp(), 0),
            issuer: certificate.issuer().to_string(),
        })
    }
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress([a, b, c, d]) => Some(std::net::Ipv4Addr::new(*a, *b, *c, *d).to_string()),
        GeneralName::IPAddress(bytes) => {
            <[u8; 16]>::try_from(*bytes).ok().map(|bytes| std::net::Ipv6Addr::from(bytes).to_string())
        }
        _ => None,
    }
}

pub(crate) fn version_name(version: ProtocolVersion) -> &'static str {
    match version {
        ProtocolVersion::TLSv1_2 => "TLS 1.2",
        ProtocolVersion::TLSv1_3 => "TLS 1.3",
        _ => "TLS",
    }
}

/// Leaves every decision to the usual verifier.
#[derive(Debug)]
struct Recorder {
    inner: Arc<WebPkiServerVerifier>,
    shown: Arc<Mutex<Option<CertificateDer<'static>>>>,
}

impl ServerCertVerifier for Recorder {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        stapled: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        if let Ok(mut shown) = self.shown.lock() {
            *shown = Some(leaf.clone().into_owned());
        }
        self.inner.verify_server_cert(leaf, intermediates, name, stapled, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        self.inner.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        self.inner.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}
