//! Who logs in, by which scheme, and when an account locks.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::scenario::{Account, Scenario, Scheme};

/// Wrong passwords in a row, by account name; shared by all connections.
#[derive(Debug, Default)]
pub(crate) struct Refusals(Mutex<HashMap<String, u32>>);

/// What a request's credentials are worth.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Login {
    /// Logged in, as the account at this index.
    Account(usize),
    /// 401, with these values of `WWW-Authenticate`.
    Refused(Vec<String>),
}

impl Refusals {
    pub(crate) fn of(&self, account: &str) -> u32 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&account.to_lowercase()).copied().unwrap_or(0)
    }

    /// Counts a try; whether it lets the account in. A locked account stays locked.
    fn judge(&self, account: &Account, right: bool) -> bool {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(account.name.to_lowercase()).or_insert(0);
        if account.locked_after.is_some_and(|most| *count >= most) {
            return false;
        }
        *count = if right { 0 } else { *count + 1 };
        right
    }
}

/// Judges an `Authorization` header.
pub(crate) fn login(scenario: &Scenario, refusals: &Refusals, authorization: Option<&str>) -> Login {
    if scenario.schemes.is_empty() {
        return match scenario.accounts.first() {
            Some(_) => Login::Account(0),
            None => Login::Refused(Vec::new()),
        };
    }
    let (scheme, value) = authorization.and_then(|text| text.split_once(' ')).unwrap_or_default();
    let offered = |scheme| scenario.schemes.contains(&scheme);
    let account = match scheme.to_ascii_lowercase().as_str() {
        "basic" if offered(Scheme::Basic) => basic(scenario, refusals, value),
        "bearer" if offered(Scheme::Bearer) => {
            scenario.accounts.iter().position(|account| account.bearer.as_deref() == Some(value.trim()))
        }
        _ => None,
    };
    match account {
        Some(account) => Login::Account(account),
        None => Login::Refused(challenges(scenario)),
    }
}

fn basic(scenario: &Scenario, refusals: &Refusals, value: &str) -> Option<usize> {
    let pair = String::from_utf8(STANDARD.decode(value.trim()).ok()?).ok()?;
    let (user, password) = pair.split_once(':')?;
    let at = scenario.accounts.iter().position(|account| names(account, user))?;
    let account = &scenario.accounts[at];
    refusals.judge(account, account.password.as_deref() == Some(password)).then_some(at)
}

/// Whether a login name means the account: `name`, `DOMAIN\name` or its user principal name.
fn names(account: &Account, user: &str) -> bool {
    let same = |a: &str, b: &str| a.to_lowercase() == b.to_lowercase();
    match user.split_once('\\') {
        Some((domain, name)) => same(domain, &account.domain) && same(name, &account.name),
        None => same(user, &account.name) || account.principal_name.as_deref().is_some_and(|upn| same(user, upn)),
    }
}

fn challenges(scenario: &Scenario) -> Vec<String> {
    let challenge = |scheme: &Scheme| match scheme {
        Scheme::Basic => r#"Basic realm="localhost""#,
        Scheme::Ntlm => "NTLM",
        Scheme::Negotiate => "Negotiate",
        Scheme::Bearer => "Bearer",
    };
    scenario.schemes.iter().map(|scheme| challenge(scheme).to_owned()).collect()
}
