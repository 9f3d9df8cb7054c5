//! What a connection says about Kerberos.

use std::fmt;

use optigov_calendar::{InvalidRoute, KerberosSettings, NegotiatePolicy, Text};

use super::{
    Authentication, ConnectionForm,
    settings::{Account, unusable},
};
use crate::{
    fault::{Code, Fault},
    text::{forms::text_value, reader::Reader},
};

/// Whether tickets are asked for.
pub(super) fn is_used(authentication: Authentication, negotiate: NegotiatePolicy) -> bool {
    authentication == Authentication::Kerberos
        || authentication == Authentication::Negotiate && negotiate != NegotiatePolicy::Ntlm
}

/// The settings, once everything that holds between them was checked; `None` where no ticket is asked for, or there is no account.
pub(super) fn settings(form: &ConnectionForm, reader: &mut Reader) -> Option<KerberosSettings> {
    let used = is_used(form.authentication, form.negotiate);
    let given = [
        ("realm", form.realm.is_some()),
        ("kdcs", !form.kdcs.is_empty()),
        ("service_name", form.service_name.is_some()),
        ("keytab", form.keytab.is_some()),
    ];
    for (key, _) in given.into_iter().filter(|(_, given)| *given && !used) {
        reader.below(key, |reader| reader.fault(only_with_kerberos(key)));
    }
    if form.authentication != Authentication::Negotiate && form.negotiate != NegotiatePolicy::default() {
        reader.below("negotiate", |reader| reader.fault(only_with_negotiate()));
    }
    if used && form.negotiate == NegotiatePolicy::Both && form.keytab.is_some() {
        reader.below("keytab", |reader| reader.fault(ntlm_needs_a_password()));
    }
    let account = form.account.as_ref().filter(|_| used)?;
    let made = made(account, form);
    made.map_err(|invalid| {
        reader.below(invalid.setting(), |reader| reader.fault(unusable(Code::Malformed, &invalid)));
    })
    .ok()
}

fn made(account: &Account, form: &ConnectionForm) -> Result<KerberosSettings, InvalidRoute> {
    let mut settings = KerberosSettings::new(&account.0)?;
    if let Some(realm) = &form.realm {
        settings = settings.with_realm(&realm.0)?;
    }
    for kdc in &form.kdcs {
        settings = settings.with_kdc(&kdc.0)?;
    }
    match &form.service_name {
        Some(name) => settings.with_service_name(&name.0),
        None => Ok(settings),
    }
}

fn only_with_kerberos(key: &str) -> Fault {
    Fault::new(
        Code::Conflict,
        Text::new(
            format!("„{key}“ gehört zu Kerberos, das hier nicht verwendet wird."),
            format!("\"{key}\" belongs to Kerberos, which is not used here."),
        ),
        Text::new(
            format!("Bitte „authentication“ auf „kerberos“ setzen oder „{key}“ entfernen."),
            format!("Set \"authentication\" to \"kerberos\", or remove \"{key}\"."),
        ),
    )
}

fn only_with_negotiate() -> Fault {
    Fault::new(
        Code::Conflict,
        Text::fixed(
            "„negotiate“ gehört zum gleichnamigen Anmeldeverfahren, das hier nicht verwendet wird.",
            "\"negotiate\" belongs to the authentication of that name, which is not used here.",
        ),
        Text::fixed(
            "Bitte „authentication“ auf „negotiate“ setzen oder „negotiate“ entfernen.",
            "Set \"authentication\" to \"negotiate\", or remove \"negotiate\".",
        ),
    )
}

fn ntlm_needs_a_password() -> Fault {
    Fault::new(
        Code::Conflict,
        Text::fixed(
            "NTLM braucht ein Kennwort; mit einem Keytab geht nur Kerberos.",
            "NTLM needs a password; a keytab serves Kerberos only.",
        ),
        Text::fixed(
            "Bitte statt des Keytabs „secret“ angeben oder „negotiate“ auf „kerberos“ setzen.",
            "Give \"secret\" in place of the keytab, or set \"negotiate\" to \"kerberos\".",
        ),
    )
}

/// A text of the Kerberos settings, each checked as the settings check it.
macro_rules! kerberos_text {
    ($type:ident, $with:ident, $description:literal, [$($example:literal),+], $pattern:literal) => {
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub(super) struct $type(pub(super) String);

        impl $type {
            fn parse(text: &str) -> Result<$type, Fault> {
                let any = KerberosSettings::new("any@ANY");
                let read = any.and_then(|settings| settings.$with(text));
                read.map(|_| $type(text.trim().to_owned())).map_err(|invalid| unusable(Code::Malformed, &invalid))
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        text_value!($type, $description, [$($example),+], $pattern);
    };
}

kerberos_text!(
    Realm,
    with_realm,
    "A Kerberos realm: the DNS name of the domain.",
    ["STADT.EXAMPLE"],
    r"^\s*[A-Za-z0-9_.-]+\s*$"
);
kerberos_text!(
    KdcAddress,
    with_kdc,
    "A domain controller: its name or IP address, with a port where it is not 88.",
    ["dc1.stadt.example", "10.20.0.1:88"],
    r"^\s*[A-Za-z0-9_.:\[\]-]{1,260}\s*$"
);
kerberos_text!(
    ServiceName,
    with_service_name,
    "The server's service principal name.",
    ["HTTP/mail.stadt.example"],
    r"^\s*[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+(@[A-Za-z0-9_.-]+)?\s*$"
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::examples_hold;

    #[test]
    fn examples_in_the_schema_are_read_and_their_canonical_form_is_stable() {
        examples_hold::<Realm>(Realm::EXAMPLES);
        examples_hold::<KdcAddress>(KdcAddress::EXAMPLES);
        examples_hold::<ServiceName>(ServiceName::EXAMPLES);
    }
}
