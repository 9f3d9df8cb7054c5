//! Who logs in, by which scheme, and when an account locks.

mod denial;
mod ntlm;
mod spnego;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

pub(crate) use denial::Denial;
pub(crate) use ntlm::binding;

use crate::scenario::{Account, ChannelBinding, Scenario, Scheme};
use ntlm::{Authenticate, Challenge};
use spnego::Token;

/// Wrong passwords in a row, by account name; shared by all connections.
#[derive(Debug, Default)]
pub(crate) struct Refusals(Mutex<HashMap<String, u32>>);

/// What a connection has proved so far. NTLM and Negotiate log in a connection, as in IIS: all legs must come on the
/// same connection, and later requests on it need no header.
#[derive(Debug, Default)]
pub(crate) struct Session {
    stage: Stage,
    /// The list of mechanisms that a Negotiate client signs.
    mechanisms: Vec<u8>,
}

#[derive(Debug, Default)]
enum Stage {
    #[default]
    Nothing,
    Challenged(Challenge),
    LoggedIn(String),
}

/// The result of looking at a request's credentials.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Login {
    /// The request is logged in as the account at this index. The text is the value of `WWW-Authenticate` that ends a
    /// handshake.
    Account(usize, Option<String>),
    /// 401 with these values of `WWW-Authenticate`, and why.
    Refused(Vec<String>, Denial),
}

impl Refusals {
    pub(crate) fn of(&self, account: &str) -> u32 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&account.to_lowercase()).copied().unwrap_or(0)
    }

    /// Counts a try of an application, which is never locked.
    pub(crate) fn count(&self, name: &str, right: bool) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(name.to_lowercase()).or_insert(0);
        *count = if right { 0 } else { *count + 1 };
    }

    /// Counts a try with a right or wrong password. A locked account stays locked.
    fn judge(&self, account: &Account, right: bool) -> Result<(), Denial> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(account.name.to_lowercase()).or_insert(0);
        if account.locked_after.is_some_and(|most| *count >= most) {
            return Err(Denial::AccountLocked);
        }
        *count = if right { 0 } else { *count + 1 };
        if right { Ok(()) } else { Err(Denial::WrongPassword) }
    }
}

/// Decides about logins.
pub(crate) struct Judge<'a> {
    pub(crate) scenario: &'a Scenario,
    pub(crate) refusals: &'a Refusals,
    /// The channel binding that belongs to the server's certificate. `None` without TLS.
    pub(crate) binding: Option<[u8; 16]>,
}

impl Judge<'_> {
    /// Judges an `Authorization` header on a connection.
    pub(crate) fn login(&self, session: &mut Session, authorization: Option<&str>) -> Login {
        if self.scenario.schemes.is_empty() {
            return match self.scenario.accounts.first() {
                Some(_) => Login::Account(0, None),
                None => self.refused(Denial::NoAccounts),
            };
        }
        let Some(authorization) = authorization else {
            return match &session.stage {
                Stage::LoggedIn(name) => match self.scenario.accounts.iter().position(|a| a.name == *name) {
                    Some(account) => Login::Account(account, None),
                    None => self.refused(Denial::AccountGone),
                },
                _ => self.refused(Denial::NoCredentials),
            };
        };
        let (scheme, value) = authorization.split_once(' ').unwrap_or((authorization, ""));
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "basic" => Scheme::Basic,
            "ntlm" => Scheme::Ntlm,
            "negotiate" => Scheme::Negotiate,
            "bearer" => Scheme::Bearer,
            _ => return self.refused(Denial::UnknownScheme),
        };
        if !self.scenario.schemes.contains(&scheme) {
            return self.refused(Denial::SchemeNotOffered);
        }
        let value = value.trim();
        let result = match scheme {
            Scheme::Basic => self.basic(value).map(|account| (account, None)),
            Scheme::Bearer => self.bearer(value).map(|account| (account, None)),
            Scheme::Ntlm | Scheme::Negotiate => match STANDARD.decode(value) {
                Err(_) => Err(Denial::MalformedToken),
                Ok(token) => match self.leg(session, scheme, &token) {
                    Ok(Leg::Challenge(token)) => {
                        let challenge = format!("{} {}", name(scheme), STANDARD.encode(token));
                        return Login::Refused(self.handshake(scheme, challenge), Denial::Challenge);
                    }
                    Ok(Leg::Done(account, token)) => {
                        Ok((account, token.map(|token| format!("{} {}", name(scheme), STANDARD.encode(token)))))
                    }
                    Err(reason) => {
                        *session = Session::default();
                        Err(reason)
                    }
                },
            },
        };
        match result {
            Ok((account, last_word)) => Login::Account(account, last_word),
            Err(reason) => self.refused(reason),
        }
    }

    fn refused(&self, reason: Denial) -> Login {
        Login::Refused(offers(self.scenario), reason)
    }

    /// The challenge of a handshake; the other schemes of the connection follow in the same line if the scenario says so.
    fn handshake(&self, scheme: Scheme, challenge: String) -> Vec<String> {
        if !self.scenario.challenges_in_one_line {
            return vec![challenge];
        }
        let others = self.scenario.schemes.iter().copied();
        let others = others.filter(|other| *other != scheme && matches!(other, Scheme::Ntlm | Scheme::Negotiate));
        vec![
            std::iter::once(challenge).chain(others.map(|other| name(other).to_owned())).collect::<Vec<_>>().join(", "),
        ]
    }

    fn basic(&self, value: &str) -> Result<usize, Denial> {
        let pair = STANDARD.decode(value).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let pair = pair.ok_or(Denial::MalformedToken)?;
        let (user, password) = pair.split_once(':').ok_or(Denial::MalformedToken)?;
        let (domain, user) = user.split_once('\\').unwrap_or(("", user));
        let at = self.account(domain, user)?;
        let account = &self.scenario.accounts[at];
        self.refusals.judge(account, account.password.as_deref() == Some(password)).map(|()| at)
    }

    fn bearer(&self, token: &str) -> Result<usize, Denial> {
        let accounts = &mut self.scenario.accounts.iter();
        accounts.position(|account| account.bearer.as_deref() == Some(token)).ok_or(Denial::WrongBearerToken)
    }

    /// One leg of NTLM, bare or in SPNEGO.
    fn leg(&self, session: &mut Session, scheme: Scheme, token: &[u8]) -> Result<Leg, Denial> {
        let (ntlm, wrapped, signed) = match Token::parse(token).ok_or(Denial::MalformedToken)? {
            Token::Bare(ntlm) => (ntlm, false, false),
            Token::First { mechanisms, ntlm } if scheme == Scheme::Negotiate => {
                session.mechanisms = mechanisms.to_vec();
                if ntlm.is_empty() {
                    return Ok(Leg::Challenge(spnego::incomplete(&[])));
                }
                (ntlm, true, false)
            }
            Token::Later { ntlm, signed } if scheme == Scheme::Negotiate => (ntlm, true, signed),
            Token::First { .. } | Token::Later { .. } => return Err(Denial::MalformedToken),
        };
        let domain = self.scenario.accounts.first().map_or("STADT", |account| &account.domain);
        let target_info = match self.scenario.ntlm_without_target_info {
            true => Vec::new(),
            false => ntlm::target_info(domain, filetime()),
        };
        if let Some(challenge) = Challenge::new(ntlm, domain, nonce(), &target_info) {
            let message = challenge.message().to_vec();
            session.stage = Stage::Challenged(challenge);
            return Ok(Leg::Challenge(if wrapped { spnego::incomplete(&message) } else { message }));
        }
        let Stage::Challenged(challenge) = std::mem::take(&mut session.stage) else {
            return Err(Denial::NoFirstMessage);
        };
        let authenticate = Authenticate::parse(ntlm).ok_or(Denial::MalformedToken)?;
        self.check_binding(&authenticate)?;
        let at = self.account(&authenticate.domain, &authenticate.user)?;
        let account = &self.scenario.accounts[at];
        let password = account.password.as_deref();
        let right = password.is_some_and(|password| authenticate.proves(&challenge, password));
        self.refusals.judge(account, right)?;
        session.stage = Stage::LoggedIn(account.name.clone());
        let last_word = wrapped.then(|| {
            let signature =
                signed.then(|| authenticate.sign_as_server(password.unwrap_or_default(), &session.mechanisms));
            spnego::completed(signature.as_deref())
        });
        Ok(Leg::Done(at, last_word))
    }

    fn check_binding(&self, authenticate: &Authenticate<'_>) -> Result<(), Denial> {
        let Some(expected) = self.binding else { return Ok(()) };
        match (self.scenario.channel_binding, authenticate.binding()) {
            (ChannelBinding::None, _) | (ChannelBinding::Allow, None) => Ok(()),
            (ChannelBinding::Require, None) => Err(Denial::NoChannelBinding),
            (_, Some(sent)) if sent == expected => Ok(()),
            (_, Some(sent)) if sent.iter().all(|byte| *byte == 0) => Err(Denial::ZeroedChannelBinding),
            (_, Some(_)) => Err(Denial::WrongChannelBinding),
        }
    }

    /// The account of a login name: `name`, `DOMAIN\name` or its user principal name.
    fn account(&self, domain: &str, user: &str) -> Result<usize, Denial> {
        let same = |a: &str, b: &str| a.to_lowercase() == b.to_lowercase();
        let means = |account: &Account| {
            let by_name = same(user, &account.name) && (domain.is_empty() || same(domain, &account.domain));
            by_name || account.principal_name.as_deref().is_some_and(|upn| same(user, upn))
        };
        self.scenario.accounts.iter().position(means).ok_or(Denial::NoSuchAccount)
    }
}

/// The values of `WWW-Authenticate` that offer every scheme of the scenario.
pub(crate) fn offers(scenario: &Scenario) -> Vec<String> {
    let challenge = |scheme: &Scheme| match scheme {
        Scheme::Basic => r#"Basic realm="localhost""#.to_owned(),
        other => name(*other).to_owned(),
    };
    let all: Vec<_> = scenario.schemes.iter().map(challenge).collect();
    if scenario.challenges_in_one_line { vec![all.join(",")] } else { all }
}

enum Leg {
    Challenge(Vec<u8>),
    Done(usize, Option<Vec<u8>>),
}

fn name(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::Basic => "Basic",
        Scheme::Ntlm => "NTLM",
        Scheme::Negotiate => "Negotiate",
        Scheme::Bearer => "Bearer",
    }
}

fn nonce() -> [u8; 8] {
    let mut nonce = [0; 8];
    // Should the system have no randomness, a fixed challenge still serves a test.
    rustls::crypto::ring::default_provider().secure_random.fill(&mut nonce).ok();
    nonce
}

/// Now, in 100 ns since 1601.
fn filetime() -> u64 {
    const UNIX_EPOCH_IN_FILETIME: u64 = 116_444_736_000_000_000;
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UNIX_EPOCH_IN_FILETIME + u64::try_from(since.as_nanos() / 100).unwrap_or(0)
}
