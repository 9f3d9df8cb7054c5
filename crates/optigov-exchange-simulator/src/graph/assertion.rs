//! Client assertions: JSON Web Tokens by which an application proves that it has the key of a registered certificate.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{self, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use ring::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::Value;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::sts_error::StsError;
use super::tokens::Tokens;
use crate::scenario::Application;

/// How far clocks may differ, in seconds.
const SKEW: f64 = 300.0;

/// What an assertion must be made for.
pub(super) struct Expected<'a> {
    pub(super) application: &'a Application,
    /// The values of `aud` that are accepted.
    pub(super) audiences: &'a [String],
    pub(super) tokens: &'a Tokens,
}

impl Expected<'_> {
    pub(super) fn check(&self, assertion: &str) -> Result<(), StsError> {
        let malformed = || StsError::new(50_027, "malformed assertion", "JWT token is invalid or malformed.");
        let parts: Vec<&str> = assertion.split('.').collect();
        let [head, claims, signature] = parts.as_slice() else { return Err(malformed()) };
        let decoded = |part: &str| URL_SAFE_NO_PAD.decode(part.trim_end_matches('='));
        let json = |part| decoded(part).ok().and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
        let (header, body) = json(head).zip(json(claims)).ok_or_else(malformed)?;
        let signature = decoded(signature).map_err(|_| malformed())?;
        let algorithm: &dyn VerificationAlgorithm = match header["alg"].as_str() {
            Some("PS256") => &signature::RSA_PSS_2048_8192_SHA256,
            Some("RS256") => &signature::RSA_PKCS1_2048_8192_SHA256,
            _ => return Err(malformed()),
        };
        let der = self.registered(&header)?;
        let (_, certificate) = X509Certificate::from_der(&der).map_err(|_| malformed())?;
        let key = &certificate.public_key().subject_public_key.data;
        let signed = format!("{head}.{claims}");
        if UnparsedPublicKey::new(algorithm, key).verify(signed.as_bytes(), &signature).is_err() {
            let text = "The certificate with identifier used to sign the client assertion is not registered on application. \
                        [Reason - The key used is not the certificate's.]";
            return Err(StsError::new(700_027, "wrong signature", text));
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let (validity, seconds) = (certificate.validity(), i64::try_from(now.as_secs()).unwrap_or(0));
        if !(validity.not_before.timestamp()..=validity.not_after.timestamp()).contains(&seconds) {
            let text = "The provided certificate is not within its specified valid time range.";
            return Err(StsError::new(1_000_502, "expired certificate", text));
        }
        self.check_claims(&body, now.as_secs_f64())
    }

    /// The certificate that the header names.
    fn registered(&self, header: &Value) -> Result<CertificateDer<'static>, StsError> {
        let sha256 = header["x5t#S256"].as_str().map(|text| (&SHA256, text));
        let named = sha256.or_else(|| header["x5t"].as_str().map(|text| (&SHA1_FOR_LEGACY_USE_ONLY, text)));
        let Some((algorithm, thumbprint)) = named else {
            let text = "The assertion's header names no certificate.";
            return Err(StsError::new(50_012, "assertion without thumbprint", text));
        };
        let thumbprint = thumbprint.trim_end_matches('=');
        let all = self.application.certificates.iter();
        let mut all = all.filter_map(|pem| CertificateDer::from_pem_slice(pem.as_bytes()).ok());
        let found = all.find(|der| URL_SAFE_NO_PAD.encode(digest::digest(algorithm, der)) == thumbprint);
        found.ok_or_else(|| {
            let text = format!(
                "The certificate with identifier used to sign the client assertion is not registered on application. [Reason - \
                 The key was not found., Thumbprint of key used by client: '{thumbprint}']"
            );
            StsError::new(700_027, "certificate not registered", text)
        })
    }

    fn check_claims(&self, claims: &Value, now: f64) -> Result<(), StsError> {
        let id = &self.application.client_id;
        if ["iss", "sub"].iter().any(|name| !claims[name].as_str().is_some_and(|text| text.eq_ignore_ascii_case(id))) {
            let text = "Client assertion application identifier doesn't match 'client_id' parameter.";
            return Err(StsError::new(700_021, "assertion for another application", text));
        }
        if !claims["aud"].as_str().is_some_and(|audience| self.audiences.iter().any(|one| one == audience)) {
            let text = "Client assertion audience claim does not match Realm issuer.";
            return Err(StsError::new(700_023, "assertion for another audience", text));
        }
        // A NumericDate may have a fraction, and MSAL for Python sends one.
        let begins = claims["nbf"].as_f64().or_else(|| claims["iat"].as_f64()).unwrap_or(0.0);
        if !claims["exp"].as_f64().is_some_and(|ends| ends + SKEW > now) || begins > now + SKEW {
            let text = "Client assertion is not within its valid time range.";
            return Err(StsError::new(700_024, "assertion out of its time", text));
        }
        match claims["jti"].as_str().filter(|nonce| !nonce.is_empty()) {
            Some(nonce) if self.tokens.is_first_use(nonce) => Ok(()),
            Some(_) => Err(StsError::new(50_013, "assertion used twice", "The assertion was used before.")),
            None => Err(StsError::new(50_013, "assertion without jti", "The assertion has no 'jti'.")),
        }
    }
}

/// Whether a text can be registered as an application's certificate.
pub(crate) fn check_certificate(pem: &str) -> Result<(), crate::Error> {
    const RSA: &str = "1.2.840.113549.1.1.1";
    let refused = || crate::Error::scenario("its certificate is not usable PEM with an RSA key");
    let der = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|cause| refused().because(cause))?;
    match X509Certificate::from_der(&der) {
        Ok((_, certificate)) if certificate.public_key().algorithm.algorithm.to_id_string() == RSA => Ok(()),
        _ => Err(refused()),
    }
}
