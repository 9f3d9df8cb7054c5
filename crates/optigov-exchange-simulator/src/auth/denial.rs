//! Why a login was answered with 401.

/// A reason for 401.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Denial {
    NoAccounts,
    NoCredentials,
    AccountGone,
    UnknownScheme,
    SchemeNotOffered,
    MalformedToken,
    /// The handshake needs another leg.
    Challenge,
    NoFirstMessage,
    AccountLocked,
    WrongPassword,
    WrongBearerToken,
    NoSuchAccount,
    NoChannelBinding,
    ZeroedChannelBinding,
    WrongChannelBinding,
}

impl Denial {
    /// The reason in a few words.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Denial::NoAccounts => "the scenario has no account",
            Denial::NoCredentials => "no credentials",
            Denial::AccountGone => "the account is gone",
            Denial::UnknownScheme => "unknown scheme",
            Denial::SchemeNotOffered => "scheme not offered",
            Denial::MalformedToken => "malformed token",
            Denial::Challenge => "challenge",
            Denial::NoFirstMessage => "third NTLM message without the first on this connection",
            Denial::AccountLocked => "account locked",
            Denial::WrongPassword => "wrong password",
            Denial::WrongBearerToken => "wrong bearer token",
            Denial::NoSuchAccount => "no such account",
            Denial::NoChannelBinding => "no channel binding",
            Denial::ZeroedChannelBinding => "zeroed channel binding",
            Denial::WrongChannelBinding => "wrong channel binding",
        }
    }

    /// Whether credentials were tried, and found wrong.
    pub(crate) fn is_verdict(self) -> bool {
        match self {
            Denial::AccountLocked
            | Denial::WrongPassword
            | Denial::WrongBearerToken
            | Denial::NoSuchAccount
            | Denial::NoChannelBinding
            | Denial::ZeroedChannelBinding
            | Denial::WrongChannelBinding => true,
            Denial::NoAccounts
            | Denial::NoCredentials
            | Denial::AccountGone
            | Denial::UnknownScheme
            | Denial::SchemeNotOffered
            | Denial::MalformedToken
            | Denial::Challenge
            | Denial::NoFirstMessage => false,
        }
    }
}
