//! The access tokens that were issued.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom, SystemRandom};

use crate::world::World;

#[derive(Debug, Default)]
pub(crate) struct Tokens(Mutex<Issued>);

#[derive(Debug, Default)]
struct Issued {
    tokens: HashMap<String, Token>,
    /// Of each application, by its client id in lower case.
    counts: HashMap<String, u64>,
    /// The `jti` of every assertion that was accepted.
    nonces: HashSet<String>,
}

#[derive(Debug)]
struct Token {
    client_id: String,
    expires: Instant,
}

/// Why a request to Graph has no valid token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unauthorized {
    Missing,
    Unknown,
    Expired,
}

impl Unauthorized {
    pub(super) fn message(self) -> &'static str {
        match self {
            Unauthorized::Missing => "Access token is empty.",
            Unauthorized::Unknown => "IDX14100: JWT is not well formed, there are no dots (.).",
            Unauthorized::Expired => "Lifetime validation failed, the token is expired.",
        }
    }

    /// The reason in a few words.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Unauthorized::Missing => "no credentials",
            Unauthorized::Unknown => "wrong bearer token",
            Unauthorized::Expired => "expired token",
        }
    }
}

impl Tokens {
    /// A new token. It does not say what it is, as a client must not look into it.
    pub(super) fn issue(&self, client_id: &str, lifetime: Duration) -> String {
        let mut random = [0; 48];
        // Should the system have no randomness, the number still makes each token another.
        SystemRandom::new().fill(&mut random).ok();
        let mut issued = self.issued();
        let count = issued.counts.entry(client_id.to_lowercase()).or_default();
        *count += 1;
        let token = format!("{}.{count}", URL_SAFE_NO_PAD.encode(random));
        let expires = Instant::now() + lifetime;
        issued.tokens.insert(token.clone(), Token { client_id: client_id.to_owned(), expires });
        token
    }

    /// Notes an assertion. `false`: its `jti` came before.
    pub(super) fn is_first_use(&self, nonce: &str) -> bool {
        self.issued().nonces.insert(nonce.to_owned())
    }

    /// How many tokens an application got.
    pub(crate) fn count(&self, client_id: &str) -> u64 {
        self.issued().counts.get(&client_id.to_lowercase()).copied().unwrap_or(0)
    }

    /// Ends every token that was issued so far.
    pub(crate) fn expire(&self) {
        let now = Instant::now();
        self.issued().tokens.values_mut().for_each(|token| token.expires = now);
    }

    /// The application of the scenario that an `Authorization` header speaks for.
    pub(super) fn application(&self, world: &World, authorization: Option<&str>) -> Result<usize, Unauthorized> {
        let (scheme, token) = authorization.and_then(|value| value.split_once(' ')).ok_or(Unauthorized::Missing)?;
        if !scheme.eq_ignore_ascii_case("bearer") || token.trim().is_empty() {
            return Err(Unauthorized::Missing);
        }
        let issued = self.issued();
        let token = issued.tokens.get(token.trim()).ok_or(Unauthorized::Unknown)?;
        if token.expires <= Instant::now() {
            return Err(Unauthorized::Expired);
        }
        let mut applications = world.scenario.applications.iter();
        let at = applications.position(|application| application.client_id.eq_ignore_ascii_case(&token.client_id));
        at.ok_or(Unauthorized::Unknown)
    }

    fn issued(&self) -> MutexGuard<'_, Issued> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
