use std::fmt;

use serde::Deserialize;

/// An account that may log in.
///
/// Defaults: domain `STADT`, no password (nobody gets in by one), no bearer token, no impersonation, no mailbox of its own,
/// never locked.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    pub(crate) name: String,
    #[serde(default = "Account::default_domain")]
    pub(crate) domain: String,
    pub(crate) principal_name: Option<String>,
    pub(crate) password: Option<String>,
    pub(crate) bearer: Option<String>,
    pub(crate) mailbox: Option<String>,
    #[serde(default)]
    pub(crate) impersonates: Impersonates,
    pub(crate) locked_after: Option<u32>,
}

/// The scope of the role `ApplicationImpersonation`. In a scenario file: `"all"` or a list of addresses.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(untagged)]
pub(crate) enum Impersonates {
    /// The role is not assigned.
    #[default]
    #[serde(skip)]
    Nobody,
    Scope(Vec<String>),
    #[serde(deserialize_with = "all")]
    Everybody,
}

impl Impersonates {
    pub(crate) fn includes(&self, address: &str) -> bool {
        match self {
            Impersonates::Nobody => false,
            Impersonates::Scope(scope) => scope.iter().any(|one| one.eq_ignore_ascii_case(address)),
            Impersonates::Everybody => true,
        }
    }
}

impl Account {
    /// An account with this name, in the domain `STADT`.
    pub fn new(name: impl Into<String>) -> Self {
        Account {
            name: name.into(),
            domain: Account::default_domain(),
            principal_name: None,
            password: None,
            bearer: None,
            mailbox: None,
            impersonates: Impersonates::Nobody,
            locked_after: None,
        }
    }

    /// The password, for Basic, NTLM and Negotiate.
    pub fn password(mut self, password: impl Into<String>) -> Self {
        self.password = Some(password.into());
        self
    }

    /// The NetBIOS domain. Default: `STADT`. Compared without regard to case; a login without a domain means this one.
    pub fn domain(mut self, domain: impl Into<String>) -> Self {
        self.domain = domain.into();
        self
    }

    /// The user principal name, by which one may log in too (`svc-optigov@stadt.example`).
    pub fn principal_name(mut self, name: impl Into<String>) -> Self {
        self.principal_name = Some(name.into());
        self
    }

    /// A token that `Authorization: Bearer` accepts for this account.
    pub fn bearer(mut self, token: impl Into<String>) -> Self {
        self.bearer = Some(token.into());
        self
    }

    /// The address of the account's own mailbox (which the scenario must have). A request that names no mailbox and
    /// impersonates nobody means this one.
    pub fn mailbox(mut self, address: impl Into<String>) -> Self {
        self.mailbox = Some(address.into());
        self
    }

    /// Gives it the role `ApplicationImpersonation` with a scope: these mailboxes, by primary address.
    pub fn impersonates(mut self, mailboxes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.impersonates = Impersonates::Scope(mailboxes.into_iter().map(Into::into).collect());
        self
    }

    /// Gives it the role `ApplicationImpersonation` without a scope: every mailbox.
    pub fn impersonates_everybody(mut self) -> Self {
        self.impersonates = Impersonates::Everybody;
        self
    }

    /// Locks the account for good after this many wrong passwords in a row, as a directory would. Default: never.
    pub fn locked_after(mut self, refusals: u32) -> Self {
        self.locked_after = Some(refusals);
        self
    }

    fn default_domain() -> String {
        "STADT".to_owned()
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account").field("name", &self.name).field("domain", &self.domain).finish_non_exhaustive()
    }
}

fn all<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    match String::deserialize(deserializer)?.as_str() {
        "all" => Ok(()),
        other => Err(serde::de::Error::custom(format!("expected \"all\" or a list of addresses, not \"{other}\""))),
    }
}
