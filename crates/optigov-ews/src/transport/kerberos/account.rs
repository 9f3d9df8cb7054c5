//! The account as the KDC is told it.

use krb5::{Principal, client::NT_PRINCIPAL};
use optigov_calendar::KerberosSettings;

/// The name type of a user principal name, which the KDC looks up as a whole (RFC 6806, 5).
const NT_ENTERPRISE: i32 = 10;

/// A name in its realm, or a user principal name as a whole where its suffix is not the realm.
pub(crate) fn principal(settings: &KerberosSettings) -> Principal {
    let (name, realm) = (settings.name(), settings.realm());
    match settings.foreign_suffix() {
        Some(suffix) => Principal::new(NT_ENTERPRISE, [format!("{name}@{suffix}")], realm),
        None => Principal::new(NT_PRINCIPAL, [name], realm),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_principal_name_of_another_suffix_is_looked_up_as_a_whole() {
        let settings = |account, realm| {
            KerberosSettings::new(account).and_then(|settings| settings.with_realm(realm)).expect("an account")
        };
        let plain = principal(&settings("svc@stadt.example", "STADT.EXAMPLE"));
        assert_eq!((plain.name_type, plain.to_string()), (NT_PRINCIPAL, "svc@STADT.EXAMPLE".into()));
        let whole = principal(&settings("svc@stadt.de", "AD.STADT.EXAMPLE"));
        assert_eq!((whole.name_type, whole.components), (NT_ENTERPRISE, vec!["svc@stadt.de".to_owned()]));
    }
}
