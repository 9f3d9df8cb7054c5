//! What a configuration says about Exchange Web Services and a client of them takes: how calendars are read, and in which terms.

use std::{num::NonZeroU32, time::Duration};

use serde::{Deserialize, Serialize};

/// How calendars are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Access {
    /// By Exchange impersonation: calendars with the owner's rights. The account could see titles; they are never asked for. The default.
    #[default]
    Impersonation,
    /// By free/busy requests: titles are hidden from the account. All-day entries can only be guessed.
    FreeBusy,
}

/// By which name the account says for whom it acts: the children of `ConnectingSID`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ConnectingId {
    /// The mailbox's own address, which must be its primary one. The default: an alias is then told apart from a typing error.
    #[default]
    PrimarySmtpAddress,
    /// The mailbox's own address, which may be an alias.
    SmtpAddress,
}

/// The schema version that a request names; the server answers in its terms. Written as EWS spells it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub enum RequestVersion {
    /// Exchange 2010.
    Exchange2010,
    /// Exchange 2010 SP1.
    #[serde(rename = "Exchange2010_SP1")]
    Exchange2010Sp1,
    /// Exchange 2010 SP2.
    #[serde(rename = "Exchange2010_SP2")]
    Exchange2010Sp2,
    /// Exchange 2013, the default: every server still in use knows it.
    #[default]
    Exchange2013,
    /// Exchange 2013 SP1.
    #[serde(rename = "Exchange2013_SP1")]
    Exchange2013Sp1,
    /// Exchange 2016 and later.
    Exchange2016,
}

/// What to do when the server sends a series instead of its occurrences.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum UnexpandedSeries {
    /// Such a calendar counts as not read. The default.
    #[default]
    Refuse,
    /// Ask free/busy instead, which knows neither all-day entries nor cancelled ones.
    ReadFreeBusy,
}

impl Access {
    /// Every way, the default first.
    pub const ALL: [Access; 2] = [Access::Impersonation, Access::FreeBusy];

    /// The word for it in a configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Access::Impersonation => "impersonation",
            Access::FreeBusy => "free_busy",
        }
    }
}

impl ConnectingId {
    /// Every name, the default first.
    pub const ALL: [ConnectingId; 2] = [ConnectingId::PrimarySmtpAddress, ConnectingId::SmtpAddress];

    /// The word for it in a configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            ConnectingId::PrimarySmtpAddress => "primary_smtp_address",
            ConnectingId::SmtpAddress => "smtp_address",
        }
    }
}

impl RequestVersion {
    /// Every version, the oldest first.
    pub const ALL: [RequestVersion; 6] = [
        RequestVersion::Exchange2010,
        RequestVersion::Exchange2010Sp1,
        RequestVersion::Exchange2010Sp2,
        RequestVersion::Exchange2013,
        RequestVersion::Exchange2013Sp1,
        RequestVersion::Exchange2016,
    ];

    /// The version as EWS spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            RequestVersion::Exchange2010 => "Exchange2010",
            RequestVersion::Exchange2010Sp1 => "Exchange2010_SP1",
            RequestVersion::Exchange2010Sp2 => "Exchange2010_SP2",
            RequestVersion::Exchange2013 => "Exchange2013",
            RequestVersion::Exchange2013Sp1 => "Exchange2013_SP1",
            RequestVersion::Exchange2016 => "Exchange2016",
        }
    }
}

impl UnexpandedSeries {
    /// Every choice, the default first.
    pub const ALL: [UnexpandedSeries; 2] = [UnexpandedSeries::Refuse, UnexpandedSeries::ReadFreeBusy];

    /// The word for it in a configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            UnexpandedSeries::Refuse => "refuse",
            UnexpandedSeries::ReadFreeBusy => "read_free_busy",
        }
    }
}

/// How a client names itself to the server: visible ASCII characters and spaces, at most 200.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct UserAgent(Box<str>);

/// A text is no user agent: it is empty, longer than 200 characters, or has others than visible ASCII characters and spaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a user agent has 1 to 200 visible ASCII characters")]
pub struct InvalidUserAgent;

impl UserAgent {
    /// Reads a user agent, such as `optiGov/1.0`.
    ///
    /// # Errors
    /// Where a header cannot carry it.
    pub fn parse(text: &str) -> Result<UserAgent, InvalidUserAgent> {
        let text = text.trim();
        let fits = (1..=200).contains(&text.len()) && text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        if fits { Ok(UserAgent(text.into())) } else { Err(InvalidUserAgent) }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// How Exchange Web Services are asked. Every field has a default.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EwsSettings {
    /// How calendars are read. Default: by impersonation.
    pub access: Access,
    /// By which name the account says for whom it acts. Default: the primary address.
    pub connecting_id: ConnectingId,
    /// The schema version that requests name. Default: Exchange 2013.
    pub request_version: RequestVersion,
    /// What to do when the server does not expand series. Default: refuse.
    pub unexpanded_series: UnexpandedSeries,
    /// `MaxEntriesReturned` of a calendar view; a view with more is split. Default: 1000.
    pub entries_per_answer: NonZeroU32,
    /// The most requests that one call may be split into. Default: 200.
    pub requests_per_call: NonZeroU32,
    /// The most entries that one mailbox's calendar may hold in a window; one with more is an error, so that memory is bounded. Default: 200,000.
    pub entries_per_call: NonZeroU32,
    /// The most connections whose answers stay open, by which the server tells of changes; each carries 200 mailboxes at most. They are not among
    /// the requests in flight. For a moment a renewal has one more, where the server allows it. Default: 3, Exchange's own limit.
    pub hanging_connections: NonZeroU32,
    /// How long a refused credential is not sent again, unless it is replaced. Default: 30 min, the usual window in which directories count
    /// wrong passwords.
    pub credential_lock: Duration,
    /// How the client names itself. Default: `optigov-ews/` and its version. An Exchange with an access policy knows programs by it.
    pub user_agent: Option<UserAgent>,
}

impl Default for EwsSettings {
    fn default() -> EwsSettings {
        EwsSettings {
            access: Access::default(),
            connecting_id: ConnectingId::default(),
            request_version: RequestVersion::default(),
            unexpanded_series: UnexpandedSeries::default(),
            entries_per_answer: NonZeroU32::new(1_000).unwrap_or(NonZeroU32::MIN),
            requests_per_call: NonZeroU32::new(200).unwrap_or(NonZeroU32::MIN),
            entries_per_call: NonZeroU32::new(200_000).unwrap_or(NonZeroU32::MIN),
            hanging_connections: NonZeroU32::new(3).unwrap_or(NonZeroU32::MIN),
            credential_lock: Duration::from_secs(30 * 60),
            user_agent: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_the_one_in_json() {
        fn same<T: serde::Serialize + Copy>(all: &[T], word: fn(T) -> &'static str) {
            for value in all {
                assert_eq!(serde_json::to_string(value).expect("serialises"), format!("\"{}\"", word(*value)));
            }
        }
        same(&Access::ALL, Access::as_str);
        same(&ConnectingId::ALL, ConnectingId::as_str);
        same(&RequestVersion::ALL, RequestVersion::as_str);
        same(&UnexpandedSeries::ALL, UnexpandedSeries::as_str);
        same(&crate::TlsVersion::ALL, crate::TlsVersion::as_str);
    }

    #[test]
    fn a_user_agent_fits_a_header() {
        assert!(UserAgent::parse("optiGov/1.0 (Terminvergabe)").is_ok());
        for wrong in ["", " ", "a\nb", "ä", &"x".repeat(201)] {
            assert!(UserAgent::parse(wrong).is_err());
        }
    }
}
