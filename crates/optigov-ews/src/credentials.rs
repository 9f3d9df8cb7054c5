//! The account and how it proves who it is.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use secrecy::SecretString;

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
            Scheme::Bearer(_) => "Bearer",
        }
    }
}

impl Login {
    fn new(user: impl Into<String>, password: impl Into<SecretString>) -> Login {
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
