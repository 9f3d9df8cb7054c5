//! The account and how it proves who it is.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
#[cfg(all(feature = "kerberos", feature = "ntlm"))]
use optigov_calendar::NegotiatePolicy;
#[cfg(feature = "kerberos")]
use optigov_calendar::{KerberosSettings, ReadError};
use secrecy::SecretString;

#[cfg(feature = "kerberos")]
use crate::{Kerberos, transport::kerberos::tickets::Tickets};

/// How the account proves who it is.
///
/// A value of this type shows neither password nor token, nor the account's name.
#[derive(Clone)]
pub struct Credentials(pub(crate) Scheme);

#[derive(Clone)]
pub(crate) enum Scheme {
    Basic(Login),
    #[cfg(feature = "ntlm")]
    Ntlm(Login),
    #[cfg(feature = "ntlm")]
    Negotiate(Login),
    #[cfg(feature = "kerberos")]
    Kerberos(Arc<Tickets>),
    #[cfg(all(feature = "kerberos", feature = "ntlm"))]
    KerberosOrNtlm(Arc<Tickets>, Login),
    Bearer(Arc<dyn TokenProvider>),
}

#[derive(Clone)]
pub(crate) struct Login {
    pub(crate) user: Arc<str>,
    pub(crate) password: SecretString,
}

impl Credentials {
    /// HTTP Basic ([RFC 7617](https://www.rfc-editor.org/rfc/rfc7617)): `DOMAIN\user` or a user principal name, and the password. The
    /// password itself goes to the server with every request, inside TLS.
    pub fn basic(user: impl Into<String>, password: impl Into<SecretString>) -> Credentials {
        Credentials(Scheme::Basic(Login::new(user, password)))
    }

    /// NTLM with the channel binding of the TLS connection: `DOMAIN\user` or a user principal name, and the password, which does not leave
    /// the process.
    #[cfg(feature = "ntlm")]
    pub fn ntlm(user: impl Into<String>, password: impl Into<SecretString>) -> Credentials {
        Credentials(Scheme::Ntlm(Login::new(user, password)))
    }

    /// NTLM inside `Negotiate`, for servers that offer only that. No Kerberos ticket is asked for.
    #[cfg(feature = "ntlm")]
    pub fn negotiate(user: impl Into<String>, password: impl Into<SecretString>) -> Credentials {
        Credentials(Scheme::Negotiate(Login::new(user, password)))
    }

    /// Kerberos: an account (`user@REALM` or `REALM\user`) and its password, which does not leave the process. What else can be set is in
    /// [`Kerberos`](crate::Kerberos). Tickets are shared by the clones of this value, and by all clients that have one.
    ///
    /// # Errors
    /// [`ReadErrorKind::Configuration`](optigov_calendar::ReadErrorKind::Configuration) where the account names no realm.
    #[cfg(feature = "kerberos")]
    pub fn kerberos(account: &str, password: impl Into<SecretString>) -> Result<Credentials, ReadError> {
        Ok(Kerberos::with_password(settings(account)?, password).into())
    }

    /// Kerberos with the content of a keytab file in place of a password.
    ///
    /// # Errors
    /// [`ReadErrorKind::Configuration`](optigov_calendar::ReadErrorKind::Configuration) where the account names no realm, or the bytes are no
    /// keytab.
    #[cfg(feature = "kerberos")]
    pub fn kerberos_keytab(account: &str, keytab: impl Into<Vec<u8>>) -> Result<Credentials, ReadError> {
        Kerberos::with_keytab(settings(account)?, keytab).map(Credentials::from)
    }

    /// `Negotiate` with what the policy permits in it: Kerberos, NTLM, or Kerberos first.
    ///
    /// # Errors
    /// [`ReadErrorKind::Configuration`](optigov_calendar::ReadErrorKind::Configuration) where NTLM is permitted and there is no password for it,
    /// only a keytab.
    #[cfg(all(feature = "kerberos", feature = "ntlm"))]
    pub fn negotiate_by(kerberos: Kerberos, policy: NegotiatePolicy) -> Result<Credentials, ReadError> {
        let login = || {
            kerberos.login().ok_or_else(|| {
                crate::error::configuration(
                    "NTLM braucht ein Kennwort; mit einem Keytab geht nur Kerberos",
                    "NTLM needs a password; a keytab serves Kerberos only",
                )
            })
        };
        Ok(Credentials(match policy {
            NegotiatePolicy::Ntlm => Scheme::Negotiate(login()?),
            NegotiatePolicy::Both => {
                let login = login()?;
                Scheme::KerberosOrNtlm(Arc::new(Tickets::new(kerberos, NO_TICKET_LASTS)), login)
            }
            _ => return Ok(kerberos.into()),
        }))
    }

    /// OAuth bearer tokens ([RFC 6750](https://www.rfc-editor.org/rfc/rfc6750)) that somebody else fetches and renews.
    pub fn bearer(provider: Arc<dyn TokenProvider>) -> Credentials {
        Credentials(Scheme::Bearer(provider))
    }

    /// The scheme's name as HTTP has it.
    pub(crate) fn scheme(&self) -> &'static str {
        match self.0 {
            Scheme::Basic(_) => "Basic",
            #[cfg(feature = "ntlm")]
            Scheme::Ntlm(_) => "NTLM",
            #[cfg(feature = "ntlm")]
            Scheme::Negotiate(_) => "Negotiate",
            #[cfg(feature = "kerberos")]
            Scheme::Kerberos(_) => "Negotiate (Kerberos)",
            #[cfg(all(feature = "kerberos", feature = "ntlm"))]
            Scheme::KerberosOrNtlm(..) => "Negotiate (Kerberos, NTLM)",
            Scheme::Bearer(_) => "Bearer",
        }
    }

    /// Whether a 401 may mean no more than that somebody has to renew it.
    pub(crate) fn is_renewed(&self) -> bool {
        matches!(self.0, Scheme::Bearer(_))
    }
}

/// Where NTLM is permitted, a failure to get a ticket is remembered for so long: nobody should wait for the KDC each time.
#[cfg(all(feature = "kerberos", feature = "ntlm"))]
const NO_TICKET_LASTS: std::time::Duration = std::time::Duration::from_secs(60);

#[cfg(feature = "kerberos")]
fn settings(account: &str) -> Result<KerberosSettings, ReadError> {
    KerberosSettings::new(account).map_err(|invalid| {
        let error = ReadError::new(optigov_calendar::ReadErrorKind::Configuration, invalid.message().clone());
        error.with_texts(invalid.message().clone(), invalid.remedy().clone())
    })
}

#[cfg(feature = "kerberos")]
impl From<Kerberos> for Credentials {
    /// Kerberos, and nothing else.
    fn from(kerberos: Kerberos) -> Credentials {
        Credentials(Scheme::Kerberos(Arc::new(Tickets::new(kerberos, std::time::Duration::ZERO))))
    }
}

#[cfg(feature = "kerberos")]
impl Scheme {
    /// Whether NTLM is tried where there is no ticket.
    pub(crate) fn permits_ntlm(&self) -> bool {
        #[cfg(feature = "ntlm")]
        return matches!(self, Scheme::KerberosOrNtlm(..));
        #[cfg(not(feature = "ntlm"))]
        false
    }

    /// Where the tickets are, if Kerberos is used.
    pub(crate) fn tickets(&self) -> Option<&Arc<Tickets>> {
        match self {
            Scheme::Kerberos(tickets) => Some(tickets),
            #[cfg(feature = "ntlm")]
            Scheme::KerberosOrNtlm(tickets, _) => Some(tickets),
            _ => None,
        }
    }
}

impl Login {
    pub(crate) fn new(user: impl Into<String>, password: impl Into<SecretString>) -> Login {
        Login { user: user.into().into(), password: password.into() }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials({}, ..)", self.scheme())
    }
}

/// Why a token is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TokenReason {
    /// A request needs one; a token that is still good may be given again.
    Needed,
    /// The server refused the one given last; give another.
    Refused,
}

/// Gives the bearer tokens that a request needs.
///
/// It is asked before every request, so it should keep its token and answer at once; and once more after a 401.
#[async_trait]
pub trait TokenProvider: Send + Sync {
    /// The token, without `Bearer`.
    ///
    /// # Errors
    /// Any error: the call then ends with [`ReadErrorKind::Token`](optigov_calendar::ReadErrorKind::Token), and this error as its source. Its text must hold no token.
    async fn token(&self, reason: TokenReason) -> Result<SecretString, Box<dyn std::error::Error + Send + Sync>>;
}
