//! The channel binding that ties a handshake to its TLS connection.

use ring::digest::{Algorithm, SHA256, SHA384, SHA512, digest};
use x509_parser::{
    certificate::X509Certificate, prelude::FromDer, signature_algorithm::SignatureAlgorithm, x509::AlgorithmIdentifier,
};

/// `tls-server-end-point` and the hash of the server's certificate, by the hash function of the certificate's own signature; MD5 and
/// SHA-1 count as SHA-256 ([RFC 5929, 4.1](https://www.rfc-editor.org/rfc/rfc5929#section-4.1)).
///
/// `None` where the RFC defines no binding (a signature without a hash function, such as Ed25519): a wrong or empty binding is refused
/// by every server, a missing one only by those that require it.
pub(crate) fn tls_server_end_point(certificate: impl AsRef<[u8]>) -> Option<Vec<u8>> {
    let der = certificate.as_ref();
    let (_, parsed) = X509Certificate::from_der(der).ok()?;
    let hash = digest(signature_hash(&parsed.signature_algorithm)?, der);
    Some([b"tls-server-end-point:", hash.as_ref()].concat())
}

fn signature_hash(signature: &AlgorithmIdentifier<'_>) -> Option<&'static Algorithm> {
    let named = match SignatureAlgorithm::try_from(signature) {
        Ok(SignatureAlgorithm::RSASSA_PSS(parameters)) => parameters.hash_algorithm_oid().to_id_string(),
        _ => signature.algorithm.to_id_string(),
    };
    match named.as_str() {
        // MD5 and SHA-1, with RSA, DSA, ECDSA, and as the hash of RSASSA-PSS
        "1.2.840.113549.1.1.4"
        | "1.2.840.113549.1.1.5"
        | "1.2.840.10040.4.3"
        | "1.2.840.10045.4.1"
        | "1.3.14.3.2.26" => Some(&SHA256),
        "1.2.840.113549.1.1.11" | "1.2.840.10045.4.3.2" | "2.16.840.1.101.3.4.2.1" => Some(&SHA256),
        "1.2.840.113549.1.1.12" | "1.2.840.10045.4.3.3" | "2.16.840.1.101.3.4.2.2" => Some(&SHA384),
        "1.2.840.113549.1.1.13" | "1.2.840.10045.4.3.4" | "2.16.840.1.101.3.4.2.3" => Some(&SHA512),
        _ => None,
    }
}
