//! Certificates and keys as they come from files: PEM or DER, with or without a byte order mark.

use std::{fmt, sync::Arc};

use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};

use super::InvalidRoute;

/// A certificate with its chain, and its private key, for servers that ask the client for one. `Debug` shows neither.
#[derive(Clone)]
pub struct ClientCertificate {
    chain: Vec<CertificateDer<'static>>,
    key: Arc<PrivateKeyDer<'static>>,
}

impl ClientCertificate {
    /// Reads a certificate, with its chain if it has one, and its private key, each as PEM or DER.
    ///
    /// # Errors
    /// Where one of the files does not hold what it should. Whether the two belong together is found when a client is built.
    pub fn new(certificates: &[u8], key: &[u8]) -> Result<ClientCertificate, InvalidRoute> {
        let chain = read(certificates, "client_certificate")?;
        let file = without_mark(key);
        let key = match is_pem(file) {
            true => PrivateKeyDer::from_pem_slice(file).ok(),
            false => PrivateKeyDer::try_from(file).ok().map(|key| key.clone_key()),
        };
        let key = key.ok_or_else(|| {
            InvalidRoute::new(
                "client_key",
                (
                    "Die Datei enthält keinen lesbaren privaten Schlüssel.",
                    "The file holds no private key that can be read.",
                ),
                (
                    "Bitte den Schlüssel unverschlüsselt als PEM oder DER angeben.",
                    "Give the key as PEM or DER, without encryption.",
                ),
            )
        })?;
        Ok(ClientCertificate { chain, key: Arc::new(key) })
    }

    /// The certificate, then those that lead from it to its authority.
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.chain
    }

    /// The private key.
    pub fn key(&self) -> &PrivateKeyDer<'static> {
        &self.key
    }
}

impl PartialEq for ClientCertificate {
    fn eq(&self, other: &ClientCertificate) -> bool {
        self.chain == other.chain && self.key.secret_der() == other.key.secret_der()
    }
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientCertificate(..)")
    }
}

/// The certificates of a file: all that are there as PEM, or one as DER.
pub(super) fn read(file: &[u8], setting: &'static str) -> Result<Vec<CertificateDer<'static>>, InvalidRoute> {
    let file = without_mark(file);
    let found: Option<Vec<_>> = match is_pem(file) {
        true => CertificateDer::pem_slice_iter(file).collect::<Result<_, _>>().ok(),
        // A certificate is an ASN.1 sequence.
        false => file.starts_with(&[0x30]).then(|| vec![CertificateDer::from(file.to_vec())]),
    };
    found.filter(|found| !found.is_empty()).ok_or_else(|| {
        InvalidRoute::new(
            setting,
            ("Die Datei enthält kein lesbares Zertifikat.", "The file holds no certificate that can be read."),
            (
                "Bitte das Zertifikat als PEM (mit BEGIN CERTIFICATE) oder als DER angeben.",
                "Give the certificate as PEM (with BEGIN CERTIFICATE) or as DER.",
            ),
        )
    })
}

fn is_pem(file: &[u8]) -> bool {
    file.windows(11).any(|text| text == b"-----BEGIN ")
}

fn without_mark(file: &[u8]) -> &[u8] {
    file.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEM: &str = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";

    #[test]
    fn certificates_are_read_as_pem_or_der_with_or_without_a_byte_order_mark() {
        let windows = format!("\u{feff}{}", PEM.replace('\n', "\r\n"));
        let twice = PEM.repeat(2);
        for (file, count) in [(PEM.as_bytes(), 1), (windows.as_bytes(), 1), (&[0x30, 0x00], 1), (twice.as_bytes(), 2)] {
            let found = read(file, "ca_file").expect("certificates");
            assert_eq!(found, vec![CertificateDer::from(vec![0x30, 0x00]); count]);
        }
        for file in [&b""[..], b"text", b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"] {
            assert!(read(file, "ca_file").is_err());
        }
    }
}
