//! From a municipality's connections to clients: files and secrets are read here, and nowhere else.

use std::{path::Path, sync::Arc};

use async_trait::async_trait;
#[cfg(any(feature = "ntlm", feature = "kerberos"))]
use optigov_calendar::NegotiatePolicy;
use optigov_calendar::{ClientCertificate, InvalidRoute, KerberosSettings, ReadError, Route};
use optigov_counter::{Authentication, ExchangeConnection, ExchangeOnlineConnection, SecretReference};
#[cfg(feature = "kerberos")]
use optigov_ews::Kerberos;
use optigov_ews::{Credentials, EwsClient, TokenProvider, TokenReason};
use optigov_graph::{GraphClient, GraphCredentials};
use secrecy::{ExposeSecret as _, SecretString};

use crate::Error;

/// The secrets that a service keeps itself and hands in. One that is handed in takes the place of the one that the connection refers to. `Debug`
/// shows none of them.
#[derive(Clone, Debug, Default)]
pub struct ProvidedSecrets {
    account: Option<SecretString>,
    online: Option<SecretString>,
    proxy: Option<SecretString>,
}

impl ProvidedSecrets {
    /// Nothing is handed in: the connection says where the secrets are.
    pub fn none() -> ProvidedSecrets {
        ProvidedSecrets::default()
    }

    /// The service account's password or token.
    pub fn account(self, secret: impl Into<SecretString>) -> ProvidedSecrets {
        ProvidedSecrets { account: Some(secret.into()), ..self }
    }

    /// The client secret of the application that reads Exchange Online.
    pub fn online(self, secret: impl Into<SecretString>) -> ProvidedSecrets {
        ProvidedSecrets { online: Some(secret.into()), ..self }
    }

    /// The password for the proxy, of both connections.
    pub fn proxy(self, secret: impl Into<SecretString>) -> ProvidedSecrets {
        ProvidedSecrets { proxy: Some(secret.into()), ..self }
    }
}

/// The client that a municipality's connection describes.
///
/// Keep a clone to replace the credential later without setting up the facade anew: `client.set_credentials(…)`.
///
/// # Errors
/// [`is_setup`](Error::is_setup): a secret or a file that the connection refers to is missing or cannot be used.
pub fn exchange_client(connection: &ExchangeConnection, provided: &ProvidedSecrets) -> Result<EwsClient, Error> {
    let login = connection.proxy_account().map(|user| (user, connection.proxy_secret()));
    let mut route = route(connection.route(), connection.ca_file(), login, provided)?;
    if let Some(files) = connection.client_certificate() {
        let (certificate, key) = (read(files.certificate())?, read(files.key())?);
        let certificate = ClientCertificate::new(&certificate, &key);
        route = route.with_client_certificate(certificate.map_err(|refused| unusable_file(files.key(), refused))?);
    }
    let client = EwsClient::builder(route).settings(connection.ews_settings().clone());
    client.credentials(credentials(connection, provided)?).build().map_err(unusable)
}

/// The client that a municipality's connection to Exchange Online describes.
///
/// Keep a clone to replace the credential later without setting up the facade anew: `client.set_credentials(…)`.
///
/// # Errors
/// [`is_setup`](Error::is_setup): a secret or a file that the connection refers to is missing or cannot be used.
pub fn exchange_online_client(
    connection: &ExchangeOnlineConnection,
    provided: &ProvidedSecrets,
) -> Result<GraphClient, Error> {
    let login = connection.proxy_account().map(|user| (user, connection.proxy_secret()));
    let route = route(connection.route(), connection.ca_file(), login, provided)?;
    let credentials = match (connection.certificate(), &provided.online, connection.secret()) {
        (Some(files), ..) => {
            let (certificate, key) = (read(files.certificate())?, read(files.key())?);
            GraphCredentials::certificate(&certificate, &key).map_err(|refused| {
                Error::setup(
                    "Zertifikat oder Schlüssel für Exchange Online sind nicht verwendbar (exchange_online.certificate, private_key)",
                    "certificate or key for Exchange Online cannot be used (exchange_online.certificate, private_key)",
                )
                .caused_by(refused)
            })?
        }
        (None, Some(secret), _) => GraphCredentials::secret(secret.clone()),
        (None, None, Some(reference)) => GraphCredentials::secret(referred(reference)?),
        (None, None, None) => {
            return Err(Error::setup(
                "es fehlt, womit die Anwendung sich ausweist (exchange_online.certificate)",
                "what the application proves itself with is missing (exchange_online.certificate)",
            ));
        }
    };
    let client = GraphClient::builder(route, connection.graph_settings().clone());
    client.credentials(credentials).build().map_err(unusable)
}

/// The way to a server, with what a configuration only refers to.
fn route(
    route: &Route,
    ca_file: Option<&Path>,
    proxy_login: Option<(&str, Option<&SecretReference>)>,
    provided: &ProvidedSecrets,
) -> Result<Route, Error> {
    let mut route = route.clone();
    if let Some(file) = ca_file {
        route = route.with_root_certificates(&read(file)?).map_err(|refused| unusable_file(file, refused))?;
    }
    let Some((user, reference)) = proxy_login else { return Ok(route) };
    let password = match (&provided.proxy, reference) {
        (Some(password), _) => password.clone(),
        (None, Some(reference)) => referred(reference)?,
        (None, None) => SecretString::from(""),
    };
    route.with_proxy_login(user, password).map_err(|refused| {
        Error::setup("die Anmeldung am Proxy ist so nicht möglich", "this logon to the proxy is not possible")
            .caused_by(refused)
    })
}

fn credentials(connection: &ExchangeConnection, provided: &ProvidedSecrets) -> Result<Credentials, Error> {
    if let (Some(file), Some(settings)) = (connection.keytab(), connection.kerberos()) {
        return by_keytab(file, settings);
    }
    let secret = match &provided.account {
        Some(secret) => secret.clone(),
        None => referred(connection.secret())?,
    };
    let account = || {
        let account = connection.account().map(str::to_owned);
        account.ok_or_else(|| {
            Error::setup(
                "das Dienstkonto fehlt (exchange.account)",
                "the service account is missing (exchange.account)",
            )
        })
    };
    #[cfg(feature = "kerberos")]
    let tickets = || {
        connection.kerberos().cloned().ok_or_else(|| {
            Error::setup(
                "die Angaben zu Kerberos fehlen (exchange.account, exchange.realm)",
                "what Kerberos needs is missing (exchange.account, exchange.realm)",
            )
        })
    };
    match connection.authentication() {
        Authentication::Basic => Ok(Credentials::basic(account()?, secret)),
        #[cfg(feature = "ntlm")]
        Authentication::Ntlm => Ok(Credentials::ntlm(account()?, secret)),
        #[cfg(feature = "ntlm")]
        Authentication::Negotiate if connection.negotiate() == NegotiatePolicy::Ntlm => {
            Ok(Credentials::negotiate(account()?, secret))
        }
        #[cfg(all(feature = "ntlm", feature = "kerberos"))]
        Authentication::Negotiate if connection.negotiate() == NegotiatePolicy::Both => {
            let kerberos = Kerberos::with_password(tickets()?, secret);
            Credentials::negotiate_by(kerberos, NegotiatePolicy::Both).map_err(unusable)
        }
        #[cfg(feature = "kerberos")]
        Authentication::Kerberos => Ok(Kerberos::with_password(tickets()?, secret).into()),
        #[cfg(feature = "kerberos")]
        Authentication::Negotiate if connection.negotiate() == NegotiatePolicy::Kerberos => {
            Ok(Kerberos::with_password(tickets()?, secret).into())
        }
        Authentication::Bearer => Ok(Credentials::bearer(Arc::new(FixedToken(secret)))),
        _ => Err(not_compiled_in()),
    }
}

/// A keytab holds keys, so no error names its path.
#[cfg(feature = "kerberos")]
fn by_keytab(file: &Path, settings: &KerberosSettings) -> Result<Credentials, Error> {
    let bytes = std::fs::read(file).map_err(|cause| {
        Error::setup("das Keytab ist nicht lesbar (exchange.keytab)", "the keytab cannot be read (exchange.keytab)")
            .caused_by(cause)
    })?;
    Kerberos::with_keytab(settings.clone(), bytes).map(Credentials::from).map_err(|cause| {
        Error::setup("das Keytab ist nicht verwendbar (exchange.keytab)", "the keytab cannot be used (exchange.keytab)")
            .caused_by(cause)
    })
}

#[cfg(not(feature = "kerberos"))]
fn by_keytab(_: &Path, _: &KerberosSettings) -> Result<Credentials, Error> {
    Err(not_compiled_in())
}

fn not_compiled_in() -> Error {
    Error::setup(
        "dieses Anmeldeverfahren ist nicht einkompiliert (Features „ntlm“ und „kerberos“)",
        "this authentication scheme is not compiled in (features \"ntlm\" and \"kerberos\")",
    )
}

/// The secret that a configuration refers to. A byte order mark before it and a line's end after it are not part of it.
fn referred(reference: &SecretReference) -> Result<SecretString, Error> {
    let secret = match reference {
        SecretReference::Environment(name) => std::env::var(name).map_err(|cause| {
            let de = format!("das Geheimnis fehlt: Die Umgebungsvariable {name} ist nicht lesbar");
            Error::setup(de, format!("the secret is missing: the environment variable {name} cannot be read"))
                .caused_by(cause)
        })?,
        SecretReference::File(file) => String::from_utf8(read(file)?).map_err(|_| {
            let name = file.display();
            let de = format!("das Geheimnis ist nicht lesbar: Die Datei {name} ist nicht in UTF-8");
            // The cause holds the file's bytes, so it is left out.
            Error::setup(de, format!("the secret cannot be read: the file {name} is not in UTF-8"))
        })?,
        _ => {
            return Err(Error::setup(
                "das Geheimnis fehlt: Die Verbindung überlässt es dem Dienst (AvailabilityBuilder::secret, online_secret oder proxy_secret)",
                "the secret is missing: the connection leaves it to the service (AvailabilityBuilder::secret, online_secret or proxy_secret)",
            ));
        }
    };
    let secret = secret.strip_prefix('\u{feff}').unwrap_or(&secret);
    Ok(SecretString::from(secret.trim_end_matches(['\r', '\n']).to_owned()))
}

fn read(file: &Path) -> Result<Vec<u8>, Error> {
    std::fs::read(file).map_err(|cause| {
        let name = file.display();
        Error::setup(format!("die Datei {name} ist nicht lesbar"), format!("the file {name} cannot be read"))
            .caused_by(cause)
    })
}

fn unusable_file(file: &Path, cause: InvalidRoute) -> Error {
    let name = file.display();
    Error::setup(format!("die Datei {name} ist nicht verwendbar"), format!("the file {name} cannot be used"))
        .caused_by(cause)
}

fn unusable(cause: ReadError) -> Error {
    Error::setup(
        "die Verbindung zu Exchange ist so nicht nutzbar",
        "the connection to Exchange cannot be used like this",
    )
    .caused_by(cause)
}

/// A bearer token that is what it is: renewing it is the business of a service, which then builds its own [`EwsClient`].
struct FixedToken(SecretString);

#[async_trait]
impl TokenProvider for FixedToken {
    async fn token(&self, reason: TokenReason) -> Result<SecretString, Box<dyn std::error::Error + Send + Sync>> {
        match reason {
            TokenReason::Refused => Err("the token is refused, and there is no other".into()),
            _ => Ok(self.0.expose_secret().into()),
        }
    }
}
