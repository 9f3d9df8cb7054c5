//! The assertion by which a certificate's owner proves who it is: a JSON web token, signed with PS256.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use optigov_calendar::ReadError;
use ring::{
    digest::{SHA256, digest},
    rand::SystemRandom,
    signature::{RSA_PSS_SHA256, RsaKeyPair},
};
use secrecy::SecretString;
use serde_json::json;

/// How long an assertion lasts. Microsoft asks for five to ten minutes.
const LASTS: Duration = Duration::from_secs(600);

/// A key and the fingerprint of its certificate.
pub(crate) struct Signer {
    key: RsaKeyPair,
    /// The SHA-256 of the certificate, in base64url.
    fingerprint: String,
}

/// What an assertion says.
pub(crate) struct Claims<'a> {
    /// The token endpoint with its tenant.
    pub(crate) audience: &'a str,
    pub(crate) client_id: &'a str,
    /// A name that no other assertion has.
    pub(crate) id: &'a str,
    /// Now, in Unix seconds.
    pub(crate) now: i64,
}

impl Signer {
    /// A key and the certificate that it belongs to.
    pub(crate) fn new(certificate: &[u8], key: RsaKeyPair) -> Signer {
        let fingerprint = BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, certificate));
        Signer { key, fingerprint }
    }

    /// Signs.
    ///
    /// # Errors
    /// [`ReadError::internal`] where the system has no randomness.
    pub(crate) fn sign(&self, claims: &Claims<'_>) -> Result<SecretString, ReadError> {
        let header = json!({"alg": "PS256", "typ": "JWT", "x5t#S256": self.fingerprint});
        let lasts = i64::try_from(LASTS.as_secs()).unwrap_or(i64::MAX);
        let payload = json!({
            "aud": claims.audience,
            "iss": claims.client_id,
            "sub": claims.client_id,
            "jti": claims.id,
            "nbf": claims.now,
            "iat": claims.now,
            "exp": claims.now.saturating_add(lasts),
        });
        let part = |value: serde_json::Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(header), part(payload));
        let mut signature = vec![0; self.key.public().modulus_len()];
        self.key
            .sign(&RSA_PSS_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature)
            .map_err(|_| ReadError::internal())?;
        Ok(SecretString::from(format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))))
    }
}
