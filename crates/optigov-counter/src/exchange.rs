//! The municipality's connections to Exchange: to its own server, and to Exchange Online.

mod kerberos;
mod online;
mod secret;
mod settings;
mod unavailable;
mod way;

use std::{
    num::{NonZeroU32, NonZeroUsize},
    path::Path,
};

use optigov_calendar::{
    Access, ConnectingId, EwsSettings, KerberosSettings, Mailbox, NegotiatePolicy, RequestVersion, Route, Text,
    TlsVersion, UnexpandedSeries,
};

use self::kerberos::{KdcAddress, Realm, ServiceName};
use self::settings::{
    Account, Address, Endpoint, EntriesPerAnswer, EntriesPerCall, FilePath, HangingConnections, InFlight,
    MaxResponseBytes, ProxyAddress, RequestsPerCall, UserAgentText,
};
use self::way::{together, way, way_getters};
pub use self::{online::ExchangeOnlineConnection, secret::SecretReference, unavailable::WhenUnavailable};
use crate::{
    fault::{Code, Fault},
    text::{
        forms::{deserialize_by_reading, is_default, table, words},
        reader::{Read, Reader},
        value::Value,
    },
    values::{Span, at_least},
};

/// How a municipality's own Exchange server is reached, how it is asked, and what happens when it does not answer.
///
/// What is accepted can be built: the [`Route`] and the [`EwsSettings`] are those that the client takes. What is in files and in the
/// environment (certificates, passwords) is named here and read by whoever builds the client; a connection holds no secret.
///
/// `Debug` shows neither account nor addresses of mailboxes.
#[derive(Clone, Debug, PartialEq, serde::Serialize, schemars::JsonSchema)]
#[serde(into = "ConnectionForm")]
#[schemars(
    from = "ConnectionForm",
    description = "How a municipality's Exchange is reached and what happens when it does not answer. Holds no secret, only where the secret is."
)]
pub struct ExchangeConnection {
    route: Route,
    ews_settings: EwsSettings,
    authentication: Authentication,
    account: Option<Account>,
    negotiate: NegotiatePolicy,
    kerberos: Option<KerberosSettings>,
    secret: SecretReference,
    /// The secret is a keytab file.
    by_keytab: bool,
    ca_file: Option<FilePath>,
    client_certificate: Option<CertificateFiles>,
    proxy_login: Option<ProxyLogin>,
    test_mailbox: Option<Mailbox>,
    when_unavailable: WhenUnavailable,
}

/// The files with a client's certificate and its private key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFiles {
    certificate: FilePath,
    key: FilePath,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct ProxyLogin {
    account: Account,
    secret: SecretReference,
}

words! {
    /// How the account signs in.
    #[non_exhaustive]
    pub enum Authentication {
        /// NTLM, with channel binding.
        Ntlm = "ntlm",
        /// Kerberos, with channel binding.
        Kerberos = "kerberos",
        /// What `negotiate` permits, within Negotiate: NTLM unless it says otherwise.
        Negotiate = "negotiate",
        /// Basic over TLS.
        Basic = "basic",
        /// A bearer token that the service fetches and renews.
        Bearer = "bearer",
    }
}

impl ExchangeConnection {
    /// The way to the server, with everything that the configuration itself says. What it only refers to ([`ca_file`](Self::ca_file),
    /// [`client_certificate`](Self::client_certificate), [`proxy_secret`](Self::proxy_secret)) is added by whoever builds the client.
    pub fn route(&self) -> &Route {
        &self.route
    }

    /// How Exchange Web Services are asked.
    pub fn ews_settings(&self) -> &EwsSettings {
        &self.ews_settings
    }

    /// How the account signs in.
    pub fn authentication(&self) -> Authentication {
        self.authentication
    }

    /// The account, `DOMAIN\user` or `user@domain`. `None` only with [`Authentication::Bearer`].
    pub fn account(&self) -> Option<&str> {
        self.account.as_ref().map(|account| account.0.as_str())
    }

    /// What [`Authentication::Negotiate`] permits.
    pub fn negotiate(&self) -> NegotiatePolicy {
        self.negotiate
    }

    /// How tickets are got. It is there exactly when Kerberos is used: with [`Authentication::Kerberos`], and with
    /// [`Authentication::Negotiate`] where that permits it.
    pub fn kerberos(&self) -> Option<&KerberosSettings> {
        self.kerberos.as_ref()
    }

    /// Where the password or token is to be taken from, or the keytab in place of a password: then it is a file, and not one of text.
    pub fn secret(&self) -> &SecretReference {
        &self.secret
    }

    /// The keytab file, where the account has one in place of a password.
    pub fn keytab(&self) -> Option<&Path> {
        match &self.secret {
            SecretReference::File(path) if self.by_keytab => Some(path),
            _ => None,
        }
    }

    /// The certificate for servers that ask the client for one.
    pub fn client_certificate(&self) -> Option<&CertificateFiles> {
        self.client_certificate.as_ref()
    }

    way_getters!();

    /// What happens when Exchange does not answer.
    pub fn when_unavailable(&self) -> WhenUnavailable {
        self.when_unavailable
    }
}

impl Read for ExchangeConnection {
    fn read(value: &Value<'_>, reader: &mut Reader) -> Option<Self> {
        ConnectionForm::read(value, reader).map(|form| form.connection(reader))
    }
}

deserialize_by_reading!(ExchangeConnection);

impl CertificateFiles {
    /// The file with the certificate, and with those that lead from it to its authority.
    pub fn certificate(&self) -> &Path {
        &self.certificate.0
    }

    /// The file with the private key.
    pub fn key(&self) -> &Path {
        &self.key.0
    }
}

/// A connection as it is written. Each setting that is left out has the default of [`Route`] or [`EwsSettings`].
#[derive(serde::Serialize, schemars::JsonSchema)]
#[schemars(
    deny_unknown_fields,
    extend(
        "dependentRequired" = {
            "client_certificate": ["client_key"], "client_key": ["client_certificate"],
            "proxy_account": ["proxy_secret", "proxy"], "proxy_secret": ["proxy_account", "proxy"],
        },
        "allOf" = [
            { "oneOf": [{ "required": ["secret"] }, { "required": ["keytab"] }] },
            {
                "if": { "properties": { "authentication": { "const": "bearer" } } },
                "else": { "required": ["account"] },
            },
            {
                "if": { "properties": { "only_given_roots": { "const": true } }, "required": ["only_given_roots"] },
                "then": { "required": ["ca_file"] },
            },
            {
                "if": { "properties": { "authentication": { "enum": ["kerberos", "negotiate"] } } },
                "else": { "not": { "anyOf": [
                    { "required": ["realm"] }, { "required": ["kdcs"], "properties": { "kdcs": { "minItems": 1 } } },
                    { "required": ["service_name"] }, { "required": ["keytab"] },
                ] } },
            },
            {
                "if": { "properties": { "negotiate": { "enum": ["kerberos", "both"] } }, "required": ["negotiate"] },
                "then": { "properties": { "authentication": { "const": "negotiate" } } },
            },
        ],
    )
)]
struct ConnectionForm {
    /// The EWS endpoint: https, or http for a server on this machine.
    url: Endpoint,
    /// How calendars are read: "impersonation" (default), or "free_busy", in which the account cannot see titles.
    #[serde(default, skip_serializing_if = "is_default")]
    access: Access,
    /// By which name the account says for whom it acts. Default: primary_smtp_address.
    #[serde(default, skip_serializing_if = "is_default")]
    connecting_id: ConnectingId,
    /// The schema version that requests name. Default: Exchange2013.
    #[serde(default, skip_serializing_if = "is_default")]
    request_version: RequestVersion,
    /// What happens when the server sends a series instead of its occurrences: "refuse" (default) or "read_free_busy".
    #[serde(default, skip_serializing_if = "is_default")]
    unexpanded_series: UnexpandedSeries,
    /// How the account signs in.
    authentication: Authentication,
    /// The account: DOMAIN\user or user@domain. Needed for all but bearer.
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<Account>,
    /// What authentication "negotiate" permits: "ntlm" (default), "kerberos", or "both": Kerberos first.
    #[serde(default, skip_serializing_if = "is_default")]
    negotiate: NegotiatePolicy,
    /// The account's Kerberos realm. Default: the one in account.
    #[serde(skip_serializing_if = "Option::is_none")]
    realm: Option<Realm>,
    /// The domain controllers (KDCs). Default: those of krb5.conf or of the DNS.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    kdcs: Vec<KdcAddress>,
    /// The server's service principal name. Default: HTTP/ and the host in url.
    #[serde(skip_serializing_if = "Option::is_none")]
    service_name: Option<ServiceName>,
    /// Where the account's password or token is: { env = "NAME" }, { file = "/path" }, or "provided" by the service. Needed unless there is a keytab.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<SecretReference>,
    /// A keytab file with the account's AES keys, in place of secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    keytab: Option<FilePath>,
    /// How long a refused password or token is not sent again, at least a minute. Default: 30min.
    #[serde(skip_serializing_if = "Option::is_none")]
    credential_lock: Option<Span>,
    /// A file with further root certificates, PEM or DER.
    #[serde(skip_serializing_if = "Option::is_none")]
    ca_file: Option<FilePath>,
    /// Whether only the roots in ca_file are trusted, not the system's. Default: false.
    #[serde(default, skip_serializing_if = "is_default")]
    only_given_roots: bool,
    /// The oldest version of TLS that is spoken. Default: 1.2.
    #[serde(default, skip_serializing_if = "is_default")]
    minimum_tls: TlsVersion,
    /// A file with a certificate for servers that ask the client for one, PEM or DER; together with client_key.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_certificate: Option<FilePath>,
    /// A file with the private key of client_certificate, PEM or DER, without encryption.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_key: Option<FilePath>,
    /// A proxy: http, socks5 or socks5h, without user and password.
    #[serde(skip_serializing_if = "Option::is_none")]
    proxy: Option<ProxyAddress>,
    /// The user name for the proxy; together with proxy_secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    proxy_account: Option<Account>,
    /// Where the proxy's password is, in the forms of secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    proxy_secret: Option<SecretReference>,
    /// The IP address to use for the host in the URL, instead of asking DNS. Not with a proxy that finds the address itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    resolve_to: Option<Address>,
    /// The local IP address to connect from: the VPN tunnel's.
    #[serde(skip_serializing_if = "Option::is_none")]
    local_address: Option<Address>,
    /// Deadline for connecting, TLS included. Default: 10s.
    #[serde(skip_serializing_if = "Option::is_none")]
    connect_timeout: Option<Span>,
    /// The longest wait for the next byte of an answer. Default: 20s.
    #[serde(skip_serializing_if = "Option::is_none")]
    idle_timeout: Option<Span>,
    /// Deadline for a whole call, retries included. Default: 30s.
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout: Option<Span>,
    /// The greatest number of requests in flight for this account. Default: 10.
    #[serde(skip_serializing_if = "Option::is_none")]
    in_flight: Option<InFlight>,
    /// The greatest number of entries that one answer of the server holds; a window with more is split. Default: 1000.
    #[serde(skip_serializing_if = "Option::is_none")]
    entries_per_answer: Option<EntriesPerAnswer>,
    /// The greatest number of requests that one call is split into. Default: 200.
    #[serde(skip_serializing_if = "Option::is_none")]
    requests_per_call: Option<RequestsPerCall>,
    /// The greatest number of entries of one mailbox in one call; with more, the calendar counts as not read. Default: 200000.
    #[serde(skip_serializing_if = "Option::is_none")]
    entries_per_call: Option<EntriesPerCall>,
    /// The greatest number of connections that stay open, by which the server tells of changes to calendars; each carries 200 mailboxes.
    /// Default: 3.
    #[serde(skip_serializing_if = "Option::is_none")]
    hanging_connections: Option<HangingConnections>,
    /// The size of the largest answer that is read, in bytes. Default: 67108864 (64 MiB).
    #[serde(skip_serializing_if = "Option::is_none")]
    max_response_bytes: Option<MaxResponseBytes>,
    /// How the client names itself to the server. Default: the library and its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_agent: Option<UserAgentText>,
    /// The mailbox with which support and customer test the connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    test_mailbox: Option<Mailbox>,
    /// What happens when Exchange does not answer: "close" (default: nothing can be booked), { serve_stale = "2h" }, or "ignore" (opening hours only).
    #[serde(default, skip_serializing_if = "is_default")]
    when_unavailable: WhenUnavailable,
}

table!(ConnectionForm {
    url: required,
    access: or_default,
    connecting_id: or_default,
    request_version: or_default,
    unexpanded_series: or_default,
    authentication: required,
    account: optional,
    negotiate: or_default,
    realm: optional,
    kdcs: or_default,
    service_name: optional,
    secret: optional,
    keytab: optional,
    credential_lock: optional,
    ca_file: optional,
    only_given_roots: or_default,
    minimum_tls: or_default,
    client_certificate: optional,
    client_key: optional,
    proxy: optional,
    proxy_account: optional,
    proxy_secret: optional,
    resolve_to: optional,
    local_address: optional,
    connect_timeout: optional,
    idle_timeout: optional,
    timeout: optional,
    in_flight: optional,
    entries_per_answer: optional,
    requests_per_call: optional,
    entries_per_call: optional,
    hanging_connections: optional,
    max_response_bytes: optional,
    user_agent: optional,
    test_mailbox: optional,
    when_unavailable: or_default,
});

impl ConnectionForm {
    /// The connection, once everything that holds between its settings was checked. A setting that does not go with the others is a fault,
    /// and the connection is made without it.
    fn connection(self, reader: &mut Reader) -> ExchangeConnection {
        self.check(reader);
        let kerberos = kerberos::settings(&self, reader);
        let ews_settings = self.ews_settings();
        let client_certificate = self.client_certificate.clone().zip(self.client_key.clone());
        let proxy_login = self.proxy_account.clone().zip(self.proxy_secret.clone());
        ExchangeConnection {
            ews_settings,
            route: way!(self, resolve_to: self.resolve_to).route(self.url.0.clone(), reader),
            authentication: self.authentication,
            account: self.account,
            negotiate: self.negotiate,
            kerberos,
            by_keytab: self.secret.is_none() && self.keytab.is_some(),
            secret: match (self.secret, self.keytab) {
                (Some(secret), _) => secret,
                (None, Some(keytab)) => SecretReference::File(keytab.0),
                // A fault has said so.
                (None, None) => SecretReference::Provided,
            },
            ca_file: self.ca_file,
            client_certificate: client_certificate.map(|(certificate, key)| CertificateFiles { certificate, key }),
            proxy_login: proxy_login.map(|(account, secret)| ProxyLogin { account, secret }),
            test_mailbox: self.test_mailbox,
            when_unavailable: self.when_unavailable,
        }
    }

    fn check(&self, reader: &mut Reader) {
        way!(self, resolve_to: self.resolve_to).check(reader);
        // A password that is sent again at once may lock the account.
        reader.below("credential_lock", |reader| self.credential_lock.and_then(|span| at_least(60, span, reader)));
        if self.account.is_none() && self.authentication != Authentication::Bearer {
            let fault = Fault::new(
                Code::MissingKey,
                Text::fixed("Für diese Anmeldung fehlt das Konto.", "This authentication needs an account."),
                Text::fixed(
                    "Bitte „account“ ergänzen: „DOMÄNE\\konto“ oder „konto@domäne“.",
                    "Add \"account\": \"DOMAIN\\user\" or \"user@domain\".",
                ),
            );
            reader.below("account", |reader| reader.fault(fault));
        }
        match (&self.secret, &self.keytab) {
            (None, None) => {
                let fault = Fault::new(
                    Code::MissingKey,
                    Text::fixed("Der Schlüssel „secret“ fehlt.", "The key \"secret\" is missing."),
                    Text::fixed(
                        "Bitte angeben, wo Kennwort oder Token stehen, oder für Kerberos ein „keytab“.",
                        "Say where the password or token is, or give a \"keytab\" for Kerberos.",
                    ),
                );
                reader.below("secret", |reader| reader.fault(fault));
            }
            (Some(_), Some(_)) => {
                let fault = Fault::new(
                    Code::Conflict,
                    Text::fixed(
                        "Das Konto weist sich entweder mit einem Kennwort aus oder mit einem Keytab.",
                        "The account proves itself by a password or by a keytab.",
                    ),
                    Text::fixed(
                        "Bitte genau eines von „secret“ und „keytab“ angeben.",
                        "Give exactly one of \"secret\" and \"keytab\".",
                    ),
                );
                reader.below("keytab", |reader| reader.fault(fault));
            }
            _ => {}
        }
        let (has_certificate, has_key) = (self.client_certificate.is_some(), self.client_key.is_some());
        together(("client_certificate", has_certificate), ("client_key", has_key), reader);
    }

    fn ews_settings(&self) -> EwsSettings {
        let mut settings = EwsSettings::default();
        settings.access = self.access;
        settings.connecting_id = self.connecting_id;
        settings.request_version = self.request_version;
        settings.unexpanded_series = self.unexpanded_series;
        settings.user_agent = self.user_agent.as_ref().map(|agent| agent.0.clone());
        if let Some(lock) = self.credential_lock {
            settings.credential_lock = lock.duration();
        }
        let counts = [
            (&mut settings.entries_per_answer, self.entries_per_answer.map(|count| count.0)),
            (&mut settings.requests_per_call, self.requests_per_call.map(|count| count.0)),
            (&mut settings.entries_per_call, self.entries_per_call.map(|count| count.0)),
            (&mut settings.hanging_connections, self.hanging_connections.map(|count| count.0)),
        ];
        for (setting, count) in counts {
            *setting = count.and_then(NonZeroU32::new).unwrap_or(*setting);
        }
        settings
    }
}

impl From<ExchangeConnection> for ConnectionForm {
    fn from(connection: ExchangeConnection) -> ConnectionForm {
        let ExchangeConnection { route, ews_settings: ews, .. } = connection;
        let default = EwsSettings::default();
        let span = |set, default| unless_default(set, default).map(Span::from_duration);
        let count = |set: NonZeroU32, default| unless_default(set, default).map(NonZeroU32::get);
        let size = |set: NonZeroUsize, default| {
            unless_default(set, default).map(|size| u32::try_from(size.get()).unwrap_or(u32::MAX))
        };
        let (client_certificate, client_key) =
            connection.client_certificate.map(|files| (files.certificate, files.key)).unzip();
        let (secret, keytab) = match connection.secret {
            SecretReference::File(path) if connection.by_keytab => (None, Some(FilePath(path))),
            secret => (Some(secret), None),
        };
        let kerberos = connection.kerberos.as_ref();
        let realm = kerberos.and_then(KerberosSettings::realm_given).map(|realm| Realm(realm.to_owned()));
        let service_name = kerberos.and_then(KerberosSettings::service_name).map(|name| ServiceName(name.to_owned()));
        let kdcs = kerberos.map(KerberosSettings::kdcs).unwrap_or_default().iter().cloned().map(KdcAddress).collect();
        let (proxy_account, proxy_secret) = connection.proxy_login.map(|login| (login.account, login.secret)).unzip();
        ConnectionForm {
            access: ews.access,
            connecting_id: ews.connecting_id,
            request_version: ews.request_version,
            unexpanded_series: ews.unexpanded_series,
            authentication: connection.authentication,
            account: connection.account,
            negotiate: connection.negotiate,
            realm,
            kdcs,
            service_name,
            secret,
            keytab,
            credential_lock: span(ews.credential_lock, default.credential_lock),
            ca_file: connection.ca_file,
            only_given_roots: route.only_given_roots(),
            minimum_tls: route.minimum_tls(),
            client_certificate,
            client_key,
            proxy: route.proxy().cloned().map(ProxyAddress),
            proxy_account,
            proxy_secret,
            resolve_to: route.resolve_to().map(Address),
            local_address: route.local_address().map(Address),
            connect_timeout: span(route.connect_timeout(), Route::CONNECT_TIMEOUT),
            idle_timeout: span(route.idle_timeout(), Route::IDLE_TIMEOUT),
            timeout: span(route.timeout(), Route::TIMEOUT),
            in_flight: size(route.in_flight(), Route::IN_FLIGHT).map(InFlight),
            entries_per_answer: count(ews.entries_per_answer, default.entries_per_answer).map(EntriesPerAnswer),
            requests_per_call: count(ews.requests_per_call, default.requests_per_call).map(RequestsPerCall),
            entries_per_call: count(ews.entries_per_call, default.entries_per_call).map(EntriesPerCall),
            hanging_connections: count(ews.hanging_connections, default.hanging_connections).map(HangingConnections),
            max_response_bytes: size(route.max_response_bytes(), Route::MAX_RESPONSE_BYTES).map(MaxResponseBytes),
            user_agent: ews.user_agent.map(UserAgentText),
            test_mailbox: connection.test_mailbox,
            when_unavailable: connection.when_unavailable,
            url: Endpoint(route),
        }
    }
}

fn unless_default<T: PartialEq>(set: T, default: T) -> Option<T> {
    (set != default).then_some(set)
}

fn not_zero_usize(count: u32) -> Option<NonZeroUsize> {
    usize::try_from(count).ok().and_then(NonZeroUsize::new)
}
