//! Certificates of an authority of the simulator's own, and the TLS configuration.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::scenario::{Certificate, Tls};

/// What a TLS server needs, and what its clients must trust.
pub(crate) struct Identity {
    pub(crate) ca_pem: String,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

/// A `ServerHello` that chooses TLS 1.0 and `TLS_RSA_WITH_AES_128_CBC_SHA`, in a record of that version.
pub(crate) const TLS_1_0_HELLO: [u8; 47] = {
    let mut hello = [0x5a; 47];
    let head = [0x16, 3, 1, 0, 42, 2, 0, 0, 38, 3, 1];
    let mut at = 0;
    while at < head.len() {
        hello[at] = head[at];
        at += 1;
    }
    let tail = [0, 0, 0x2f, 0];
    at = 0;
    while at < tail.len() {
        hello[43 + at] = tail[at];
        at += 1;
    }
    hello
};

impl Identity {
    /// What a scenario asks for. Generated certificates come from a new authority.
    pub(crate) fn new(certificate: &Certificate) -> Result<Identity, crate::Error> {
        match certificate {
            Certificate::Given { chain, key } => Identity::given(chain, key),
            _ => Identity::generate(certificate)
                .map_err(|cause| crate::Error::start("no certificate could be made", cause)),
        }
    }

    fn given(chain: &str, key: &str) -> Result<Identity, crate::Error> {
        let refused = |what: &str| crate::Error::scenario(format!("the given {what} is not usable PEM"));
        let certificates: Vec<_> = CertificateDer::pem_slice_iter(chain.as_bytes())
            .collect::<Result<_, _>>()
            .map_err(|cause| refused("certificate").because(cause))?;
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|cause| refused("key").because(cause))?;
        if certificates.is_empty() {
            return Err(refused("certificate"));
        }
        let last = chain.rfind("-----BEGIN").map_or(chain, |at| &chain[at..]);
        Ok(Identity { ca_pem: last.to_owned(), chain: certificates, key })
    }

    fn generate(certificate: &Certificate) -> Result<Identity, rcgen::Error> {
        let algorithm = match certificate {
            Certificate::Sha384 => &PKCS_ECDSA_P384_SHA384,
            _ => &PKCS_ECDSA_P256_SHA256,
        };
        let mut authority = CertificateParams::new(Vec::new())?;
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        authority.distinguished_name.push(DnType::CommonName, "optiGov EWS simulator CA");
        (authority.not_before, authority.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2120, 1, 1));
        let authority_key = KeyPair::generate_for(algorithm)?;
        let ca_pem = authority.self_signed(&authority_key)?.pem();
        let issuer = Issuer::new(authority, authority_key);

        let names: &[&str] = match certificate {
            Certificate::OtherName => &["exchange.elsewhere.example"],
            _ => &["localhost", "127.0.0.1"],
        };
        let mut leaf = CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())?;
        leaf.distinguished_name.push(DnType::CommonName, names[0]);
        leaf.use_authority_key_identifier_extension = true;
        leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let expires = if *certificate == Certificate::Expired { 2021 } else { 2120 };
        (leaf.not_before, leaf.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(expires, 1, 1));
        let key = KeyPair::generate()?;
        let signed = leaf.signed_by(&key, &issuer)?;
        Ok(Identity {
            ca_pem,
            chain: vec![signed.der().clone()],
            key: PrivateKeyDer::Pkcs8(key.serialize_der().into()),
        })
    }

    /// The certificate in DER.
    pub(crate) fn leaf(&self) -> &[u8] {
        self.chain.first().map_or(&[], |certificate| certificate)
    }

    pub(crate) fn config(self, versions: Tls) -> Result<ServerConfig, rustls::Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let versions: &[&rustls::SupportedProtocolVersion] = match versions {
            Tls::Only12 => &[&rustls::version::TLS12],
            Tls::Modern | Tls::TooOld => rustls::DEFAULT_VERSIONS,
        };
        let builder = ServerConfig::builder_with_provider(provider).with_protocol_versions(versions)?;
        builder.with_no_client_auth().with_single_cert(self.chain, self.key)
    }
}
