//! The account's name and its realm.

use krb5::{Principal, client::NT_PRINCIPAL};
use optigov_calendar::ReadError;

use crate::error::configuration;

/// The name type of a user principal name, which the KDC looks up as a whole (RFC 6806, 5).
const NT_ENTERPRISE: i32 = 10;

/// An account with its realm.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Account {
    name: Box<str>,
    /// What follows the `@`.
    suffix: Option<Box<str>>,
    realm: Box<str>,
    /// As it was given, which is how NTLM takes it.
    given: Box<str>,
}

impl Account {
    /// Reads `user@REALM` or `REALM\user`.
    ///
    /// # Errors
    /// Where there is no realm.
    pub(crate) fn parse(given: &str) -> Result<Account, ReadError> {
        let given = given.trim();
        let (name, suffix, realm) = match (given.split_once('\\'), given.rsplit_once('@')) {
            (Some((realm, name)), _) => (name, None, realm),
            (None, Some((name, suffix))) => (name, Some(suffix), suffix),
            (None, None) => ("", None, ""),
        };
        let plain = |text: &str| !text.is_empty() && !text.contains(|c: char| c.is_control() || "\\@/".contains(c));
        let (true, Some(realm)) = (plain(name), realm_of(realm)) else {
            return Err(configuration(
                "der Name des Kontos ist weder benutzer@REALM noch REALM\\benutzer",
                "the account's name is neither user@REALM nor REALM\\user",
            ));
        };
        Ok(Account { name: name.into(), suffix: suffix.map(Into::into), realm, given: given.into() })
    }

    /// The same account in another realm.
    pub(crate) fn in_realm(self, realm: &str) -> Result<Account, ReadError> {
        let realm = realm_of(realm.trim()).ok_or_else(|| {
            configuration("der Realm ist kein Name einer Domäne", "the realm is not the name of a domain")
        })?;
        Ok(Account { realm, ..self })
    }

    pub(crate) fn realm(&self) -> &str {
        &self.realm
    }

    #[cfg(feature = "ntlm")]
    pub(crate) fn given(&self) -> &str {
        &self.given
    }

    /// The account as the KDC is told it: a name in its realm, or a user principal name as a whole where its suffix is not the realm.
    pub(crate) fn principal(&self) -> Principal {
        match &self.suffix {
            Some(suffix) if !suffix.eq_ignore_ascii_case(&self.realm) => {
                Principal::new(NT_ENTERPRISE, [format!("{}@{suffix}", self.name)], &*self.realm)
            }
            _ => Principal::new(NT_PRINCIPAL, [&*self.name], &*self.realm),
        }
    }
}

/// In capitals, as Active Directory has it; `None` where it is no realm.
fn realm_of(text: &str) -> Option<Box<str>> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let fits = (1..=255).contains(&text.len()) && text.bytes().all(plain);
    fits.then(|| text.to_ascii_uppercase().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn principal(account: &str) -> (i32, String) {
        let principal = Account::parse(account).expect("an account").principal();
        (principal.name_type, principal.to_string())
    }

    #[test]
    fn both_spellings_are_one_account() {
        assert_eq!(principal("svc@STADT.EXAMPLE"), (1, "svc@STADT.EXAMPLE".into()));
        assert_eq!(principal("stadt.example\\svc"), (1, "svc@STADT.EXAMPLE".into()));
        assert_eq!(principal("svc@stadt.example"), (1, "svc@STADT.EXAMPLE".into()));
    }

    #[test]
    fn a_realm_replaces_the_short_name_of_a_domain() {
        let account = Account::parse("STADT\\svc").and_then(|account| account.in_realm("stadt.example"));
        assert_eq!(account.expect("an account").principal().to_string(), "svc@STADT.EXAMPLE");
    }

    #[test]
    fn a_user_principal_name_of_another_suffix_is_looked_up_as_a_whole() {
        let account = Account::parse("svc@stadt.de").and_then(|account| account.in_realm("AD.STADT.EXAMPLE"));
        let principal = account.expect("an account").principal();
        assert_eq!((principal.name_type, principal.components.len()), (NT_ENTERPRISE, 1));
        assert_eq!(principal.to_string(), "svc@stadt.de@AD.STADT.EXAMPLE");
    }

    #[test]
    fn without_a_realm_there_is_no_account() {
        for wrong in ["", "svc", "@STADT", "svc@", "\\svc", "STADT\\", "svc@STADT EXAMPLE", "a/b@STADT", "svc@ST{AT"] {
            assert!(Account::parse(wrong).is_err(), "{wrong}");
        }
    }
}
