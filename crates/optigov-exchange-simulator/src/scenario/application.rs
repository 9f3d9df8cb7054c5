use std::fmt;
use std::time::Duration;

use serde::Deserialize;

use super::account::Impersonates;

/// An application that is registered in the tenant and reads Exchange Online by Microsoft Graph without a signed-in user.
///
/// Defaults: no credential (nobody gets a token), no access to any calendar, enabled, tokens that last 3,599 seconds.
///
/// ```
/// use optigov_exchange_simulator::{Application, Mailbox, Scenario};
///
/// let scenario = Scenario::new()
///     .application(
///         Application::new("11111111-2222-4333-8444-555555555555")
///             .secret("geheim")
///             .reads(["anna@musterstadt.example"]),
///     )
///     .mailbox(Mailbox::new("anna@musterstadt.example").online());
/// # let _ = scenario;
/// ```
#[derive(Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Application {
    pub(crate) client_id: String,
    #[serde(default)]
    pub(crate) secrets: Vec<String>,
    #[serde(default)]
    pub(crate) expired_secrets: Vec<String>,
    #[serde(default)]
    pub(crate) certificates: Vec<String>,
    #[serde(default)]
    pub(crate) disabled: bool,
    #[serde(default)]
    pub(crate) reads: Impersonates,
    #[serde(default = "seconds_of_a_token")]
    pub(crate) token_seconds: u64,
}

impl Application {
    /// An application with this client id, which must be a GUID.
    pub fn new(client_id: impl Into<String>) -> Self {
        Application {
            client_id: client_id.into(),
            secrets: Vec::new(),
            expired_secrets: Vec::new(),
            certificates: Vec::new(),
            disabled: false,
            reads: Impersonates::Nobody,
            token_seconds: seconds_of_a_token(),
        }
    }

    /// Adds a client secret.
    pub fn secret(mut self, secret: impl Into<String>) -> Self {
        self.secrets.push(secret.into());
        self
    }

    /// Adds a client secret that has expired: `AADSTS7000222`.
    pub fn expired_secret(mut self, secret: impl Into<String>) -> Self {
        self.expired_secrets.push(secret.into());
        self
    }

    /// Registers a certificate with an RSA key, in PEM. Assertions that name another are refused with `AADSTS700027`.
    pub fn certificate(mut self, pem: impl Into<String>) -> Self {
        self.certificates.push(pem.into());
        self
    }

    /// Lets sign-in be switched off for the application: `AADSTS7000112`.
    pub fn disabled(mut self) -> Self {
        self.disabled = true;
        self
    }

    /// Grants `Calendars.Read` for these mailboxes alone, by primary address, as RBAC for Applications does.
    pub fn reads(mut self, mailboxes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.reads = Impersonates::Scope(mailboxes.into_iter().map(Into::into).collect());
        self
    }

    /// Grants `Calendars.Read` for every mailbox of the tenant, as an administrator's consent in Entra does.
    pub fn reads_everybody(mut self) -> Self {
        self.reads = Impersonates::Everybody;
        self
    }

    /// Takes `Calendars.Read` away again; for [`Simulator::update`](crate::Simulator::update). Tokens are still issued.
    pub fn reads_nobody(mut self) -> Self {
        self.reads = Impersonates::Nobody;
        self
    }

    /// How long its tokens last, in whole seconds. Default: 3,599 seconds, Entra's own.
    pub fn token_lifetime(mut self, lifetime: Duration) -> Self {
        self.token_seconds = lifetime.as_secs();
        self
    }

    /// The client id.
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    pub(super) fn check(&self) -> Result<(), crate::Error> {
        let groups: Vec<_> = self.client_id.split('-').map(str::len).collect();
        let is_guid = groups == [8, 4, 4, 4, 12] && self.client_id.chars().all(|c| c == '-' || c.is_ascii_hexdigit());
        if !is_guid {
            return Err(crate::Error::scenario("its client id is no GUID"));
        }
        self.certificates.iter().try_for_each(|pem| crate::graph::check_certificate(pem))
    }
}

impl fmt::Debug for Application {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Application").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

fn seconds_of_a_token() -> u64 {
    3_599
}
