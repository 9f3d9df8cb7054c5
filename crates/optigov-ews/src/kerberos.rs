//! An account that gets Kerberos tickets.

use std::{fmt, sync::Arc};

use optigov_calendar::{KerberosSettings, ReadError};
use secrecy::{SecretSlice, SecretString};

use crate::transport::kerberos::keytab;

/// An account with its password or keytab, how it gets its Kerberos tickets, and for which service.
///
/// A value of this type shows neither account nor secret.
///
/// ```
/// use optigov_calendar::KerberosSettings;
/// use optigov_ews::{Credentials, Kerberos};
///
/// let settings = KerberosSettings::new("svc-optigov@STADT.EXAMPLE")?
///     .with_kdc("dc1.stadt.example")?
///     .with_service_name("HTTP/mail.stadt.example")?;
/// let credentials = Credentials::from(Kerberos::with_password(settings, "geheim"));
/// # Ok::<(), optigov_calendar::InvalidRoute>(())
/// ```
#[derive(Clone)]
pub struct Kerberos {
    settings: KerberosSettings,
    key: LongTermKey,
    configuration: Option<Arc<str>>,
}

/// What proves the account to the KDC.
#[derive(Clone)]
pub(crate) enum LongTermKey {
    Password(SecretString),
    /// The keytab file's bytes.
    Keytab(Arc<SecretSlice<u8>>),
}

impl Kerberos {
    /// An account and its password. The password does not leave the process.
    pub fn with_password(settings: KerberosSettings, password: impl Into<SecretString>) -> Kerberos {
        Kerberos { settings, key: LongTermKey::Password(password.into()), configuration: None }
    }

    /// An account and the content of a keytab file that holds its AES keys, as `ktpass` or `ktutil` writes it.
    ///
    /// # Errors
    /// [`ReadErrorKind::Configuration`](optigov_calendar::ReadErrorKind::Configuration) where the bytes are no keytab.
    pub fn with_keytab(settings: KerberosSettings, keytab: impl Into<Vec<u8>>) -> Result<Kerberos, ReadError> {
        let keytab = SecretSlice::from(keytab.into());
        keytab::read(&keytab)?;
        Ok(Kerberos { settings, key: LongTermKey::Keytab(Arc::new(keytab)), configuration: None })
    }

    /// The text of a `krb5.conf` to go by. Default: the file that the variable `KRB5_CONFIG` names, or `/etc/krb5.conf`, where there is one. Where
    /// KDCs are given in the settings, no such file counts.
    pub fn with_krb5_conf(self, text: &str) -> Kerberos {
        Kerberos { configuration: Some(text.into()), ..self }
    }

    pub(crate) fn settings(&self) -> &KerberosSettings {
        &self.settings
    }

    pub(crate) fn key(&self) -> &LongTermKey {
        &self.key
    }

    pub(crate) fn configuration(&self) -> Option<&str> {
        self.configuration.as_deref()
    }

    /// The account and password as NTLM takes them; `None` where there is a keytab.
    #[cfg(feature = "ntlm")]
    pub(crate) fn login(&self) -> Option<crate::credentials::Login> {
        match &self.key {
            LongTermKey::Password(password) => {
                Some(crate::credentials::Login::new(self.settings.account(), password.clone()))
            }
            LongTermKey::Keytab(_) => None,
        }
    }
}

impl fmt::Debug for Kerberos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Kerberos(..)")
    }
}
