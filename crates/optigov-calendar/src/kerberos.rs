//! What Kerberos needs to know besides a secret: the account and its realm, the domain controllers, the server's name. Valid by construction.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

use crate::InvalidRoute;

/// Which account gets Kerberos tickets, where, and for which service. It holds no secret, and `Debug` shows no account.
///
/// The account is enough where the DNS names the domain's KDCs (`_kerberos._tcp`, `_kerberos._udp`, as Active Directory enters them) or
/// `/etc/krb5.conf` does.
///
/// ```
/// use optigov_calendar::KerberosSettings;
///
/// let settings = KerberosSettings::new("STADT\\svc-optigov")?.with_realm("stadt.example")?.with_kdc("dc1.stadt.example")?;
/// assert_eq!(settings.realm(), "STADT.EXAMPLE");
/// assert_eq!(settings.service("Mail.Stadt.example"), "HTTP/mail.stadt.example");
/// # Ok::<(), optigov_calendar::InvalidRoute>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct KerberosSettings {
    account: Box<str>,
    name: Box<str>,
    /// What follows the `@`.
    suffix: Option<Box<str>>,
    /// The realm that is set, not the one in the account.
    realm: Option<Box<str>>,
    kdcs: Vec<String>,
    service_name: Option<Box<str>>,
    timeout: Duration,
}

/// What `Negotiate` may carry. Basic is never among it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NegotiatePolicy {
    /// NTLM only. The default.
    #[default]
    Ntlm,
    /// Kerberos only.
    Kerberos,
    /// Kerberos first; NTLM where no ticket can be had or the server takes none. NTLM is not tried after a verdict on the account or its password,
    /// so that a wrong password is sent once.
    Both,
}

impl NegotiatePolicy {
    /// Every policy, the default first.
    pub const ALL: [NegotiatePolicy; 3] = [NegotiatePolicy::Ntlm, NegotiatePolicy::Kerberos, NegotiatePolicy::Both];

    /// The word for it in a configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            NegotiatePolicy::Ntlm => "ntlm",
            NegotiatePolicy::Kerberos => "kerberos",
            NegotiatePolicy::Both => "both",
        }
    }
}

impl KerberosSettings {
    /// The default deadline for getting tickets: 10 s.
    pub const TIMEOUT: Duration = Duration::from_secs(10);

    /// An account, `user@REALM` or `REALM\user`.
    ///
    /// # Errors
    /// Where it names no realm.
    pub fn new(account: &str) -> Result<KerberosSettings, InvalidRoute> {
        let account = account.trim();
        let (name, suffix, realm) = match (account.split_once('\\'), account.rsplit_once('@')) {
            (Some((realm, name)), _) => (name, None, realm),
            (None, Some((name, suffix))) => (name, Some(suffix), suffix),
            (None, None) => ("", None, ""),
        };
        let plain = !name.is_empty() && !name.contains(|c: char| c.is_control() || "\\@/".contains(c));
        if !plain || !is_domain(realm) {
            return Err(InvalidRoute::new(
                "account",
                ("Kerberos braucht ein Konto mit seinem Realm.", "Kerberos needs an account with its realm."),
                (
                    "Bitte das Konto als „konto@STADT.EXAMPLE“ oder „STADT.EXAMPLE\\konto“ angeben.",
                    "Give the account as \"user@TOWN.EXAMPLE\" or \"TOWN.EXAMPLE\\user\".",
                ),
            ));
        }
        Ok(KerberosSettings {
            name: name.into(),
            suffix: suffix.map(Into::into),
            account: account.into(),
            realm: None,
            kdcs: Vec::new(),
            service_name: None,
            timeout: KerberosSettings::TIMEOUT,
        })
    }

    /// The account's realm, where its name holds another one: the short name of a domain (`STADT\svc`), or the suffix of a user principal name
    /// that is not the domain's. It is taken in capitals, as Active Directory has it, whatever is given.
    ///
    /// # Errors
    /// Where it is no name of a domain.
    pub fn with_realm(self, realm: &str) -> Result<KerberosSettings, InvalidRoute> {
        let realm = realm.trim();
        match is_domain(realm) {
            true => Ok(KerberosSettings { realm: Some(realm.to_ascii_uppercase().into()), ..self }),
            false => Err(InvalidRoute::new(
                "realm",
                ("Das ist kein Realm.", "This is not a realm."),
                (
                    "Der Realm ist der DNS-Name der Domäne, wie „STADT.EXAMPLE“.",
                    "The realm is the domain's DNS name, such as \"TOWN.EXAMPLE\".",
                ),
            )),
        }
    }

    /// Asks this KDC (`host` or `host:port`, port 88 if none is given), instead of those in `krb5.conf` or the DNS. May be called again; they are
    /// asked in this order.
    ///
    /// # Errors
    /// Where it is no address.
    pub fn with_kdc(mut self, address: &str) -> Result<KerberosSettings, InvalidRoute> {
        let address = address.trim();
        // A `krb5.conf` is made of these, so nothing may end a line or a brace.
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:[]".contains(&byte);
        if address.is_empty() || address.len() > 260 || !address.bytes().all(plain) {
            return Err(InvalidRoute::new(
                "kdcs",
                ("Das ist keine Adresse eines KDC.", "This is not the address of a KDC."),
                (
                    "Bitte Namen oder IP-Adressen der Domänencontroller angeben, wie „dc1.stadt.example“ oder „10.20.0.1:88“.",
                    "Give names or IP addresses of domain controllers, such as \"dc1.town.example\" or \"10.20.0.1:88\".",
                ),
            ));
        }
        self.kdcs.push(address.to_owned());
        Ok(self)
    }

    /// The service principal name, where it is not `HTTP/` and the host in the server's address: `HTTP/mail.town.example`, or with a realm.
    ///
    /// # Errors
    /// Where it is not of this form.
    pub fn with_service_name(self, name: &str) -> Result<KerberosSettings, InvalidRoute> {
        let name = name.trim();
        let (service, realm) = name.split_once('@').map_or((name, None), |(service, realm)| (service, Some(realm)));
        let parts: Vec<_> = service.split('/').collect();
        if parts.len() != 2 || !parts.into_iter().chain(realm).all(is_domain) {
            return Err(InvalidRoute::new(
                "service_name",
                ("Das ist kein Dienstprinzipalname.", "This is not a service principal name."),
                (
                    "Bitte den Namen so angeben, wie „setspn“ ihn zeigt: „HTTP/mail.stadt.example“.",
                    "Give the name as \"setspn\" shows it: \"HTTP/mail.town.example\".",
                ),
            ));
        }
        Ok(KerberosSettings { service_name: Some(name.into()), ..self })
    }

    /// Deadline for getting tickets, inside the deadline of the call; at least 1 ms, at most a day. Default: 10 s.
    pub fn with_timeout(self, deadline: Duration) -> KerberosSettings {
        let timeout = deadline.clamp(Duration::from_millis(1), Duration::from_secs(86_400));
        KerberosSettings { timeout, ..self }
    }

    /// The account as it was given.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// The account's name without its realm.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The suffix of a user principal name that is not the realm: the KDC then looks the whole name up.
    pub fn foreign_suffix(&self) -> Option<&str> {
        self.suffix.as_deref().filter(|suffix| !suffix.eq_ignore_ascii_case(&self.realm()))
    }

    /// The realm, in capitals.
    pub fn realm(&self) -> String {
        let of_account = || self.suffix.as_deref().or_else(|| self.account.split('\\').next());
        self.realm.as_deref().or_else(of_account).unwrap_or_default().to_ascii_uppercase()
    }

    /// The realm that was set with [`with_realm`](Self::with_realm).
    pub fn realm_given(&self) -> Option<&str> {
        self.realm.as_deref()
    }

    /// The KDCs that are given.
    pub fn kdcs(&self) -> &[String] {
        &self.kdcs
    }

    /// The service principal name that is given.
    pub fn service_name(&self) -> Option<&str> {
        self.service_name.as_deref()
    }

    /// The service to ask for: the one that is given, or `HTTP/` and the host.
    pub fn service(&self, host: &str) -> String {
        self.service_name().map_or_else(|| format!("HTTP/{}", host.to_ascii_lowercase()), str::to_owned)
    }

    /// Deadline for getting tickets.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }
}

impl fmt::Debug for KerberosSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KerberosSettings").field("kdcs", &self.kdcs).finish_non_exhaustive()
    }
}

/// Whether the text is a name of a domain, or of a service.
fn is_domain(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (1..=255).contains(&text.len()) && text.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(account: &str) -> KerberosSettings {
        KerberosSettings::new(account).expect("an account")
    }

    #[test]
    fn both_spellings_are_one_account() {
        for account in ["svc@STADT.EXAMPLE", "stadt.example\\svc", " svc@stadt.example"] {
            let settings = settings(account);
            assert_eq!(
                (settings.name(), &*settings.realm(), settings.foreign_suffix()),
                ("svc", "STADT.EXAMPLE", None)
            );
        }
    }

    #[test]
    fn a_realm_replaces_the_short_name_of_a_domain_and_makes_another_suffix_foreign() {
        let short = settings("STADT\\svc").with_realm("stadt.example").expect("a realm");
        assert_eq!((&*short.realm(), short.foreign_suffix()), ("STADT.EXAMPLE", None));
        let foreign = settings("svc@stadt.de").with_realm("AD.STADT.EXAMPLE").expect("a realm");
        assert_eq!((&*foreign.realm(), foreign.foreign_suffix()), ("AD.STADT.EXAMPLE", Some("stadt.de")));
    }

    #[test]
    fn without_a_realm_there_is_no_account() {
        for wrong in ["", "svc", "@STADT", "svc@", "\\svc", "STADT\\", "svc@STADT EXAMPLE", "a/b@STADT", "svc@ST{AT"] {
            assert_eq!(KerberosSettings::new(wrong).expect_err(wrong).setting(), "account");
        }
        assert_eq!(settings("svc@STADT").with_realm("a b").expect_err("no realm").setting(), "realm");
    }

    #[test]
    fn the_service_is_the_urls_host_unless_another_one_is_given() {
        let plain = settings("svc@STADT.EXAMPLE");
        assert_eq!(plain.service("Mail.Stadt.example"), "HTTP/mail.stadt.example");
        for right in ["HTTP/lb.stadt.example", "HTTP/lb.stadt.example@STADT.EXAMPLE"] {
            let given = plain.clone().with_service_name(right).expect("a name");
            assert_eq!(given.service("mail.stadt.example"), right);
        }
        for wrong in ["", "mail.stadt.example", "HTTP/", "HTTP/a/b", "HTTP/a b", "HTTP/a@", "HTTP/ä"] {
            assert_eq!(plain.clone().with_service_name(wrong).expect_err(wrong).setting(), "service_name");
        }
    }

    #[test]
    fn an_address_that_could_be_read_as_configuration_is_no_kdc() {
        for right in ["dc1.stadt.example", "10.0.0.1:8888", "[fd00::1]:88"] {
            assert!(settings("svc@STADT").with_kdc(right).is_ok(), "{right}");
        }
        for wrong in ["", "dc1 }", "dc1\n[realms]", "https://kdc/"] {
            assert_eq!(settings("svc@STADT").with_kdc(wrong).expect_err(wrong).setting(), "kdcs");
        }
    }

    #[test]
    fn debug_shows_no_account() {
        assert!(!format!("{:?}", settings("svc-optigov@STADT.EXAMPLE")).contains("svc"));
    }
}
