//! The application and how it proves who it is.

use std::{fmt, sync::Arc};

use optigov_calendar::ReadError;
use optigov_http::error::configuration;
use ring::signature::RsaKeyPair;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use secrecy::SecretString;
use x509_parser::{certificate::X509Certificate, prelude::FromDer};

use crate::assertion::Signer;

/// How the application proves who it is: by a certificate or by a client secret.
///
/// A value of this type shows neither.
#[derive(Clone)]
pub struct GraphCredentials(pub(crate) Proof);

#[derive(Clone)]
pub(crate) enum Proof {
    Secret(SecretString),
    Certificate(Arc<Signer>),
}

impl GraphCredentials {
    /// A client secret: its value, not its id. It goes to the authority with each request for a token.
    pub fn secret(secret: impl Into<SecretString>) -> GraphCredentials {
        GraphCredentials(Proof::Secret(secret.into()))
    }

    /// A certificate and its RSA key of 2,048 to 4,096 bits, each as PEM or as DER; the key as PKCS #8 or PKCS #1, without a password. Both may be in
    /// one file, given twice. The key does not leave the process: it signs an assertion for each request (PS256), which names the certificate by its
    /// SHA-256 fingerprint (`x5t#S256`).
    ///
    /// # Errors
    /// [`ReadError::is_configuration`] where there is no certificate or no such key, or where the key belongs to another certificate.
    pub fn certificate(certificate: &[u8], key: &[u8]) -> Result<GraphCredentials, ReadError> {
        let certificate = certificate_of(certificate)?;
        let key = key_of(key)?;
        let (_, parsed) = X509Certificate::from_der(&certificate).map_err(|_| no_certificate())?;
        if parsed.public_key().subject_public_key.data.as_ref() != key.public().as_ref() {
            return Err(configuration(
                "der Schlüssel der Anwendung gehört zu einem anderen Zertifikat",
                "the application's key belongs to another certificate",
            ));
        }
        Ok(GraphCredentials(Proof::Certificate(Arc::new(Signer::new(&certificate, key)))))
    }

    /// The name of the way, for the connection report.
    pub(crate) fn scheme(&self) -> &'static str {
        match self.0 {
            Proof::Secret(_) => "OAuth 2.0 (client secret)",
            Proof::Certificate(_) => "OAuth 2.0 (certificate)",
        }
    }
}

fn no_certificate() -> ReadError {
    configuration("die Datei enthält kein Zertifikat", "the file holds no certificate")
}

/// The first certificate of a file.
fn certificate_of(file: &[u8]) -> Result<CertificateDer<'static>, ReadError> {
    match CertificateDer::from_pem_slice(file) {
        Ok(certificate) => Ok(certificate),
        Err(_) if X509Certificate::from_der(file).is_ok() => Ok(CertificateDer::from(file.to_vec())),
        Err(_) => Err(no_certificate()),
    }
}

fn key_of(file: &[u8]) -> Result<RsaKeyPair, ReadError> {
    let key = match PrivateKeyDer::from_pem_slice(file) {
        Ok(PrivateKeyDer::Pkcs8(key)) => RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()),
        Ok(PrivateKeyDer::Pkcs1(key)) => RsaKeyPair::from_der(key.secret_pkcs1_der()),
        Ok(_) => return Err(unusable_key()),
        Err(_) => RsaKeyPair::from_pkcs8(file).or_else(|_| RsaKeyPair::from_der(file)),
    };
    key.map_err(|_| unusable_key())
}

fn unusable_key() -> ReadError {
    configuration(
        "die Datei enthält keinen RSA-Schlüssel ohne Kennwort mit 2048 bis 4096 Bit",
        "the file holds no RSA key without a password and with 2,048 to 4,096 bits",
    )
}

impl fmt::Debug for GraphCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let proof = match self.0 {
            Proof::Secret(_) => "Secret(..)",
            Proof::Certificate(_) => "Certificate(..)",
        };
        write!(f, "GraphCredentials::{proof}")
    }
}
