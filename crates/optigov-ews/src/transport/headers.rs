//! The proofs of the schemes that put one into every request.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD};
use http::HeaderValue;
use optigov_calendar::{ReadError, ReadErrorKind, Text};
use optigov_http::error::configuration;
use secrecy::{ExposeSecret, SecretString};
use tokio::time::timeout;

use crate::credentials::{Login, TokenProvider, TokenReason};

/// User name and password, as Basic authentication has them.
pub(crate) fn basic(login: &Login) -> Result<HeaderValue, ReadError> {
    let pair = SecretString::from(format!("{}:{}", login.user, login.password.expose_secret()));
    header("Basic", &BASE64_STANDARD.encode(pair.expose_secret()).into())
}

/// A token of the provider's, which has to come within this time.
pub(crate) async fn bearer(
    provider: &dyn TokenProvider,
    reason: TokenReason,
    within: Duration,
) -> Result<HeaderValue, ReadError> {
    let given = timeout(within, provider.token(reason)).await.map_err(|_| {
        let fact = Text::fixed(
            "die Quelle der Zugriffstoken antwortet nicht",
            "the provider of access tokens does not answer",
        );
        ReadError::new(ReadErrorKind::Token, fact)
    })?;
    let token = given.map_err(|error| {
        let fact = Text::fixed(
            "die Quelle der Zugriffstoken meldet einen Fehler",
            "the provider of access tokens reports an error",
        );
        ReadError::new(ReadErrorKind::Token, fact).with_source(error)
    })?;
    header("Bearer", &token)
}

fn header(scheme: &str, proof: &SecretString) -> Result<HeaderValue, ReadError> {
    let mut value = HeaderValue::from_str(&format!("{scheme} {}", proof.expose_secret())).map_err(|_| {
        configuration(
            "die Zugangsdaten enthalten Zeichen, die in keinem HTTP-Header stehen dürfen",
            "the credential holds characters that a header cannot carry",
        )
    })?;
    value.set_sensitive(true);
    Ok(value)
}
