use std::{fmt, sync::Arc, time::Duration};

use optigov_calendar::ReadError;
use secrecy::{SecretSlice, SecretString};

use crate::{
    error::configuration,
    transport::kerberos::{account::Account, keytab},
};

/// How an account gets its Kerberos tickets, and for which service.
///
/// The account and its password or keytab are enough where the DNS names the domain's KDCs (`_kerberos._udp` and `_kerberos._tcp`, as Active
/// Directory enters them) or `/etc/krb5.conf` does. A value of this type shows neither account nor secret.
///
/// ```
/// use optigov_ews::{Credentials, Kerberos};
///
/// let kerberos = Kerberos::with_password("svc-optigov@STADT.EXAMPLE", "geheim")?
///     .with_kdc("dc1.stadt.example")?
///     .with_service_name("HTTP/mail.stadt.example")?;
/// let credentials = Credentials::from(kerberos);
/// # Ok::<(), optigov_calendar::ReadError>(())
/// ```
#[derive(Clone)]
pub struct Kerberos {
    account: Account,
    key: LongTermKey,
    kdcs: Vec<String>,
    configuration: Option<Arc<str>>,
    service: Option<Arc<str>>,
    kdc_timeout: Duration,
}

/// What proves the account to the KDC.
#[derive(Clone)]
pub(crate) enum LongTermKey {
    Password(SecretString),
    /// The keytab file's bytes.
    Keytab(Arc<SecretSlice<u8>>),
}

/// What `Negotiate` may carry. Basic is never among it.
#[cfg(feature = "ntlm")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NegotiatePolicy {
    /// Kerberos only. The default.
    #[default]
    Kerberos,
    /// NTLM only.
    Ntlm,
    /// Kerberos first; NTLM where no ticket can be had or the server takes none. NTLM is not tried after a verdict on the account or its password,
    /// so that a wrong password is sent once.
    KerberosThenNtlm,
}

/// The deadline for tickets, unless another one is set.
const KDC_TIMEOUT: Duration = Duration::from_secs(10);

impl Kerberos {
    /// An account (`user@REALM` or `REALM\user`) and its password. The password does not leave the process.
    ///
    /// # Errors
    /// [`ReadErrorKind::Configuration`](optigov_calendar::ReadErrorKind::Configuration) where the account names no realm.
    pub fn with_password(account: &str, password: impl Into<SecretString>) -> Result<Kerberos, ReadError> {
        Kerberos::new(account, LongTermKey::Password(password.into()))
    }

    /// An account and the content of a keytab file that holds its AES keys, as `ktpass` or `ktutil` writes it.
    ///
    /// # Errors
    /// [`ReadErrorKind::Configuration`](optigov_calendar::ReadErrorKind::Configuration) where the account names no realm, or the bytes are no keytab.
    pub fn with_keytab(account: &str, keytab: impl Into<Vec<u8>>) -> Result<Kerberos, ReadError> {
        let keytab = SecretSlice::from(keytab.into());
        keytab::read(&keytab)?;
        Kerberos::new(account, LongTermKey::Keytab(Arc::new(keytab)))
    }

    fn new(account: &str, key: LongTermKey) -> Result<Kerberos, ReadError> {
        Ok(Kerberos {
            account: Account::parse(account)?,
            key,
            kdcs: Vec::new(),
            configuration: None,
            service: None,
            kdc_timeout: KDC_TIMEOUT,
        })
    }

    /// The account's realm, where its name holds another one: the short name of a domain (`STADT\svc`), or the suffix of a user principal name that is not
    /// the domain's. It is written in capitals, whatever is given.
    ///
    /// # Errors
    /// [`ReadErrorKind::Configuration`](optigov_calendar::ReadErrorKind::Configuration) where it is no realm.
    pub fn with_realm(self, realm: &str) -> Result<Kerberos, ReadError> {
        Ok(Kerberos { account: self.account.in_realm(realm)?, ..self })
    }

    /// Asks this KDC (`host` or `host:port`, port 88 if none is given), instead of those in `krb5.conf` or the DNS. May be called again; they are asked
    /// in this order.
    ///
    /// # Errors
    /// [`ReadErrorKind::Configuration`](optigov_calendar::ReadErrorKind::Configuration) where it is no address.
    pub fn with_kdc(mut self, address: &str) -> Result<Kerberos, ReadError> {
        let address = address.trim();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:[]".contains(&byte);
        if address.is_empty() || address.len() > 260 || !address.bytes().all(plain) {
            return Err(configuration(
                "die Adresse eines KDC ist weder ein Name noch eine IP-Adresse",
                "a KDC's address is neither a name nor an IP address",
            ));
        }
        self.kdcs.push(address.to_owned());
        Ok(self)
    }

    /// The text of a `krb5.conf` to go by. Default: the file that the variable `KRB5_CONFIG` names, or `/etc/krb5.conf`, where there is one.
    pub fn with_krb5_conf(self, text: &str) -> Kerberos {
        Kerberos { configuration: Some(text.into()), ..self }
    }

    /// The service principal name, where it is not `HTTP/` and the host in the server's address: `HTTP/mail.town.example`, or with a realm.
    ///
    /// # Errors
    /// [`ReadErrorKind::Configuration`](optigov_calendar::ReadErrorKind::Configuration) where it is not of this form.
    pub fn with_service_name(self, name: &str) -> Result<Kerberos, ReadError> {
        let name = name.trim();
        let (service, realm) = name.split_once('@').map_or((name, None), |(service, realm)| (service, Some(realm)));
        let parts: Vec<_> = service.split('/').collect();
        let plain = |part: &&str| {
            !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        };
        if parts.len() != 2 || !parts.iter().chain(realm.iter()).all(plain) {
            return Err(configuration(
                "der Dienstprinzipalname hat nicht die Form HTTP/mail.stadt.example",
                "the service principal name is not of the form HTTP/mail.town.example",
            ));
        }
        Ok(Kerberos { service: Some(name.into()), ..self })
    }

    /// Deadline for getting tickets, inside the deadline of the call; at least 1 ms. Default: 10 s.
    pub fn with_kdc_timeout(self, deadline: Duration) -> Kerberos {
        Kerberos { kdc_timeout: deadline.max(Duration::from_millis(1)), ..self }
    }

    pub(crate) fn account(&self) -> &Account {
        &self.account
    }

    pub(crate) fn key(&self) -> &LongTermKey {
        &self.key
    }

    pub(crate) fn kdcs(&self) -> &[String] {
        &self.kdcs
    }

    pub(crate) fn configuration(&self) -> Option<&str> {
        self.configuration.as_deref()
    }

    pub(crate) fn kdc_timeout(&self) -> Duration {
        self.kdc_timeout
    }

    /// The account and password as NTLM takes them; `None` where there is a keytab.
    #[cfg(feature = "ntlm")]
    pub(crate) fn login(&self) -> Option<crate::credentials::Login> {
        match &self.key {
            LongTermKey::Password(password) => {
                Some(crate::credentials::Login::new(self.account.given(), password.clone()))
            }
            LongTermKey::Keytab(_) => None,
        }
    }

    /// The service to ask for: the one that is set, or `HTTP/` and the host.
    pub(crate) fn service(&self, host: &str) -> String {
        match &self.service {
            Some(name) => name.to_string(),
            None => format!("HTTP/{}", host.to_ascii_lowercase()),
        }
    }
}

impl fmt::Debug for Kerberos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Kerberos(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_service_is_the_urls_host_unless_another_one_is_set() {
        let kerberos = Kerberos::with_password("svc@STADT.EXAMPLE", "geheim").expect("an account");
        assert_eq!(kerberos.service("Mail.Stadt.example"), "HTTP/mail.stadt.example");
        let kerberos = kerberos.with_service_name("HTTP/lb.stadt.example").expect("a name");
        assert_eq!(kerberos.service("mail.stadt.example"), "HTTP/lb.stadt.example");
        for wrong in ["", "mail.stadt.example", "HTTP/", "HTTP/a/b", "HTTP/a b", "HTTP/a@", "HTTP/ä"] {
            assert!(kerberos.clone().with_service_name(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_address_that_could_be_read_as_configuration_is_no_kdc() {
        let kerberos = Kerberos::with_password("svc@STADT.EXAMPLE", "geheim").expect("an account");
        for right in ["dc1.stadt.example", "10.0.0.1:8888", "[fd00::1]:88"] {
            assert!(kerberos.clone().with_kdc(right).is_ok(), "{right}");
        }
        for wrong in ["", "dc1 }", "dc1\n[realms]", "https://kdc/"] {
            assert!(kerberos.clone().with_kdc(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn neither_account_nor_secret_is_shown() {
        let kerberos = Kerberos::with_password("svc-optigov@STADT.EXAMPLE", "geheim").expect("an account");
        assert_eq!(format!("{kerberos:?}"), "Kerberos(..)");
    }
}
