//! The municipality's connection to Exchange Online, by Microsoft Graph.

use std::{fmt, num::NonZeroU32, path::Path};

use optigov_calendar::{Cloud, GraphAccess, GraphSettings, InvalidRoute, Mailbox, Route, Text, TlsVersion};

use super::{
    CertificateFiles, ProxyLogin, SecretReference, WhenUnavailable,
    settings::{
        Account, Address, EntriesPerCall, FilePath, InFlight, MaxResponseBytes, ProxyAddress, RequestsPerCall,
        UserAgentText, unusable,
    },
    unless_default,
    way::{together, way, way_getters},
};
use crate::{
    fault::{Code, Fault},
    text::{
        forms::{deserialize_by_reading, is_default, number, table, text_value, words},
        reader::{Read, Reader},
        value::Value,
    },
    values::{Span, at_least},
};

/// How the calendars of a municipality's mailboxes in Exchange Online are read: by an application of its tenant, with a certificate or a client secret.
///
/// What is accepted can be built: the [`Route`] and the [`GraphSettings`] are those that the client takes. Certificate, private key and secret are named here
/// and read by whoever builds the client; a connection holds no secret.
///
/// `Debug` shows neither tenant nor application nor addresses of mailboxes.
#[derive(Clone, Debug, PartialEq, serde::Serialize, schemars::JsonSchema)]
#[serde(into = "OnlineForm")]
#[schemars(
    from = "OnlineForm",
    description = "How a municipality's mailboxes in Exchange Online are read, by Microsoft Graph. Holds no secret, only where the secret is."
)]
pub struct ExchangeOnlineConnection {
    route: Route,
    settings: GraphSettings,
    cloud: Cloud,
    secret: Option<SecretReference>,
    certificate: Option<CertificateFiles>,
    ca_file: Option<FilePath>,
    proxy_login: Option<ProxyLogin>,
    test_mailbox: Option<Mailbox>,
    when_unavailable: WhenUnavailable,
}

impl ExchangeOnlineConnection {
    /// The way to Microsoft Graph, with everything that the configuration itself says. What it only refers to ([`ca_file`](Self::ca_file),
    /// [`proxy_secret`](Self::proxy_secret)) is added by whoever builds the client.
    pub fn route(&self) -> &Route {
        &self.route
    }

    /// Which application asks, where its tokens are issued, and how Graph is asked.
    pub fn graph_settings(&self) -> &GraphSettings {
        &self.settings
    }

    /// Where the client secret is to be taken from. It is there exactly when there is no [`certificate`](Self::certificate).
    pub fn secret(&self) -> Option<&SecretReference> {
        self.secret.as_ref()
    }

    /// The files with the application's certificate and its private key, each PEM. They are there exactly when there is no [`secret`](Self::secret).
    pub fn certificate(&self) -> Option<&CertificateFiles> {
        self.certificate.as_ref()
    }

    way_getters!();

    /// What happens when Exchange Online does not answer. Beside a connection to an own server, that one's setting holds for both.
    pub fn when_unavailable(&self) -> WhenUnavailable {
        self.when_unavailable
    }
}

impl Read for ExchangeOnlineConnection {
    fn read(value: &Value<'_>, reader: &mut Reader) -> Option<Self> {
        OnlineForm::read(value, reader).map(|form| form.connection(reader))
    }
}

deserialize_by_reading!(ExchangeOnlineConnection);

/// A connection as it is written. Each setting that is left out has the default of [`Route`] or [`GraphSettings`].
#[derive(serde::Serialize, schemars::JsonSchema)]
#[schemars(
    deny_unknown_fields,
    extend(
        "dependentRequired" = {
            "certificate": ["private_key"], "private_key": ["certificate"],
            "proxy_account": ["proxy_secret", "proxy"], "proxy_secret": ["proxy_account", "proxy"],
        },
        "allOf" = [
            { "oneOf": [{ "required": ["secret"] }, { "required": ["certificate", "private_key"] }] },
            {
                "if": { "properties": { "only_given_roots": { "const": true } }, "required": ["only_given_roots"] },
                "then": { "required": ["ca_file"] },
            },
        ],
    )
)]
struct OnlineForm {
    /// The tenant: its id, or one of its domains.
    tenant: Tenant,
    /// The application's id (client id).
    client_id: ClientId,
    /// Where the application's client secret is: { env = "NAME" }, { file = "/path" }, or "provided" by the service. In place of certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<SecretReference>,
    /// A file with the application's certificate, PEM; together with private_key, in place of secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate: Option<FilePath>,
    /// A file with the private key of certificate, PEM, without encryption.
    #[serde(skip_serializing_if = "Option::is_none")]
    private_key: Option<FilePath>,
    /// Microsoft's cloud in which the tenant lies. Default: global.
    #[serde(default, skip_serializing_if = "is_default")]
    cloud: Cloud,
    /// The root of the authority's address, where it is not the cloud's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    authority: Option<Authority>,
    /// The root of Graph's address, where it is not the cloud's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    endpoint: Option<GraphEndpoint>,
    /// How calendars are read: "calendar_view" (default), or "get_schedule", which knows no all-day flag.
    #[serde(default, skip_serializing_if = "is_default")]
    access: GraphAccess,
    /// How long a refused secret or certificate is not sent again, at least a minute. Default: 30min.
    #[serde(skip_serializing_if = "Option::is_none")]
    credential_lock: Option<Span>,
    /// A file with further root certificates, PEM or DER: those of a proxy that inspects TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    ca_file: Option<FilePath>,
    /// Whether only the roots in ca_file are trusted, not the system's. Default: false.
    #[serde(default, skip_serializing_if = "is_default")]
    only_given_roots: bool,
    /// The oldest version of TLS that is spoken. Default: 1.2.
    #[serde(default, skip_serializing_if = "is_default")]
    minimum_tls: TlsVersion,
    /// A proxy: http, socks5 or socks5h, without user and password.
    #[serde(skip_serializing_if = "Option::is_none")]
    proxy: Option<ProxyAddress>,
    /// The user name for the proxy; together with proxy_secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    proxy_account: Option<Account>,
    /// Where the proxy's password is, in the forms of secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    proxy_secret: Option<SecretReference>,
    /// The local IP address to connect from.
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
    /// The greatest number of requests in flight for this application. Default: 4.
    #[serde(skip_serializing_if = "Option::is_none")]
    in_flight: Option<InFlight>,
    /// The greatest number of entries on one page of an answer. Default: 1000.
    #[serde(skip_serializing_if = "Option::is_none")]
    entries_per_page: Option<EntriesPerPage>,
    /// The greatest number of requests for one mailbox in one call. Default: 200.
    #[serde(skip_serializing_if = "Option::is_none")]
    requests_per_call: Option<RequestsPerCall>,
    /// The greatest number of entries of one mailbox in one call; with more, the calendar counts as not read. Default: 200000.
    #[serde(skip_serializing_if = "Option::is_none")]
    entries_per_call: Option<EntriesPerCall>,
    /// The size of the largest answer that is read, in bytes. Default: 67108864 (64 MiB).
    #[serde(skip_serializing_if = "Option::is_none")]
    max_response_bytes: Option<MaxResponseBytes>,
    /// How the client names itself. Default: the library and its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_agent: Option<UserAgentText>,
    /// The mailbox with which support and customer test the connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    test_mailbox: Option<Mailbox>,
    /// What happens when Exchange Online does not answer, in the forms of exchange.when_unavailable. Only where there is no exchange, whose setting
    /// holds for both.
    #[serde(default, skip_serializing_if = "is_default")]
    when_unavailable: WhenUnavailable,
}

table!(OnlineForm {
    tenant: required,
    client_id: required,
    secret: optional,
    certificate: optional,
    private_key: optional,
    cloud: or_default,
    authority: optional,
    endpoint: optional,
    access: or_default,
    credential_lock: optional,
    ca_file: optional,
    only_given_roots: or_default,
    minimum_tls: or_default,
    proxy: optional,
    proxy_account: optional,
    proxy_secret: optional,
    local_address: optional,
    connect_timeout: optional,
    idle_timeout: optional,
    timeout: optional,
    in_flight: optional,
    entries_per_page: optional,
    requests_per_call: optional,
    entries_per_call: optional,
    max_response_bytes: optional,
    user_agent: optional,
    test_mailbox: optional,
    when_unavailable: or_default,
});

words!(optigov_calendar::Cloud, optigov_calendar::GraphAccess);

number!(EntriesPerPage, 10..=1_000);

impl OnlineForm {
    /// The connection, once everything that holds between its settings was checked. A setting that does not go with the others is a fault,
    /// and the connection is made without it.
    fn connection(self, reader: &mut Reader) -> ExchangeOnlineConnection {
        self.check(reader);
        let way = way!(self, resolve_to: None);
        let route = way.route(self.server(), reader);
        let settings = self.graph_settings();
        let certificate = self.certificate.zip(self.private_key);
        let proxy_login = self.proxy_account.zip(self.proxy_secret);
        ExchangeOnlineConnection {
            route,
            settings,
            cloud: self.cloud,
            secret: self.secret,
            certificate: certificate.map(|(certificate, key)| CertificateFiles { certificate, key }),
            ca_file: self.ca_file,
            proxy_login: proxy_login.map(|(account, secret)| ProxyLogin { account, secret }),
            test_mailbox: self.test_mailbox,
            when_unavailable: self.when_unavailable,
        }
    }

    fn check(&self, reader: &mut Reader) {
        way!(self, resolve_to: None).check(reader);
        reader.below("credential_lock", |reader| self.credential_lock.and_then(|span| at_least(60, span, reader)));
        let (has_certificate, has_key) = (self.certificate.is_some(), self.private_key.is_some());
        together(("certificate", has_certificate), ("private_key", has_key), reader);
        match (&self.secret, has_certificate || has_key) {
            (None, false) => {
                let fault = Fault::new(
                    Code::MissingKey,
                    Text::fixed(
                        "Es fehlt, womit die Anwendung sich ausweist.",
                        "What the application proves itself with is missing.",
                    ),
                    Text::fixed(
                        "Bitte „certificate“ und „private_key“ angeben, oder mit „secret“, wo der geheime Clientschlüssel steht.",
                        "Give \"certificate\" and \"private_key\", or say by \"secret\" where the client secret is.",
                    ),
                );
                reader.below("certificate", |reader| reader.fault(fault));
            }
            (Some(_), true) => {
                let fault = Fault::new(
                    Code::Conflict,
                    Text::fixed(
                        "Die Anwendung weist sich entweder mit einem Zertifikat aus oder mit einem geheimen Clientschlüssel.",
                        "The application proves itself by a certificate or by a client secret.",
                    ),
                    Text::fixed(
                        "Bitte „secret“ entfernen, oder „certificate“ und „private_key“.",
                        "Remove \"secret\", or \"certificate\" and \"private_key\".",
                    ),
                );
                reader.below("secret", |reader| reader.fault(fault));
            }
            _ => {}
        }
    }

    /// Graph, as it is without further settings.
    fn server(&self) -> Route {
        match &self.endpoint {
            Some(endpoint) => endpoint.0.clone(),
            None => Route::for_graph(self.cloud.endpoint()).expect("a cloud's own endpoint"),
        }
    }

    fn graph_settings(&self) -> GraphSettings {
        let authority = self.authority.as_ref().map_or(self.cloud.authority(), |authority| authority.0.as_str());
        let settings = GraphSettings::new(&self.tenant.0, &self.client_id.0)
            .and_then(|settings| settings.with_authority(authority))
            .expect("each of its parts was made by it");
        let mut settings = settings.with_access(self.access);
        if let Some(lock) = self.credential_lock {
            settings = settings.with_credential_lock(lock.duration());
        }
        if let Some(entries) = self.entries_per_page.and_then(|count| NonZeroU32::new(count.0)) {
            settings = settings.with_entries_per_page(entries);
        }
        if let Some(requests) = self.requests_per_call.and_then(|count| NonZeroU32::new(count.0)) {
            settings = settings.with_requests_per_call(requests);
        }
        if let Some(entries) = self.entries_per_call.and_then(|count| NonZeroU32::new(count.0)) {
            settings = settings.with_entries_per_call(entries);
        }
        match &self.user_agent {
            Some(agent) => settings.with_user_agent(agent.0.clone()),
            None => settings,
        }
    }
}

impl From<ExchangeOnlineConnection> for OnlineForm {
    fn from(connection: ExchangeOnlineConnection) -> OnlineForm {
        let ExchangeOnlineConnection { route, settings, cloud, .. } = connection;
        let span = |set, default| unless_default(set, default).map(Span::from_duration);
        let count = |set: NonZeroU32, default| unless_default(set, default).map(NonZeroU32::get);
        let size = |size: usize| u32::try_from(size).unwrap_or(u32::MAX);
        let (certificate, private_key) = connection.certificate.map(|files| (files.certificate, files.key)).unzip();
        let (proxy_account, proxy_secret) = connection.proxy_login.map(|login| (login.account, login.secret)).unzip();
        let authority = settings.authority().as_str().trim_end_matches('/').to_owned();
        let endpoint = route.url().as_str().trim_end_matches('/').to_owned();
        OnlineForm {
            tenant: Tenant(settings.tenant().to_owned()),
            client_id: ClientId(settings.client_id().to_owned()),
            secret: connection.secret,
            certificate,
            private_key,
            cloud,
            authority: (authority != cloud.authority()).then_some(Authority(authority)),
            endpoint: if endpoint == cloud.endpoint() { None } else { GraphEndpoint::parse(&endpoint).ok() },
            access: settings.access(),
            credential_lock: span(settings.credential_lock(), GraphSettings::CREDENTIAL_LOCK),
            ca_file: connection.ca_file,
            only_given_roots: route.only_given_roots(),
            minimum_tls: route.minimum_tls(),
            proxy: route.proxy().cloned().map(ProxyAddress),
            proxy_account,
            proxy_secret,
            local_address: route.local_address().map(Address),
            connect_timeout: span(route.connect_timeout(), Route::CONNECT_TIMEOUT),
            idle_timeout: span(route.idle_timeout(), Route::IDLE_TIMEOUT),
            timeout: span(route.timeout(), Route::TIMEOUT),
            in_flight: unless_default(route.in_flight(), Route::GRAPH_IN_FLIGHT).map(|most| InFlight(size(most.get()))),
            entries_per_page: count(settings.entries_per_page(), GraphSettings::MOST_ENTRIES_PER_PAGE)
                .map(EntriesPerPage),
            requests_per_call: count(settings.requests_per_call(), GraphSettings::REQUESTS_PER_CALL)
                .map(RequestsPerCall),
            entries_per_call: count(settings.entries_per_call(), GraphSettings::ENTRIES_PER_CALL).map(EntriesPerCall),
            max_response_bytes: unless_default(route.max_response_bytes(), Route::MAX_RESPONSE_BYTES)
                .map(|most| MaxResponseBytes(size(most.get()))),
            user_agent: settings.user_agent().cloned().map(UserAgentText),
            test_mailbox: connection.test_mailbox,
            when_unavailable: connection.when_unavailable,
        }
    }
}

/// The root of Graph's address. It is kept as a [`Route`] there, with the default for everything else.
#[derive(Clone, Debug, PartialEq)]
struct GraphEndpoint(Route);

impl GraphEndpoint {
    fn parse(text: &str) -> Result<GraphEndpoint, Fault> {
        Route::for_graph(text).map(GraphEndpoint).map_err(|invalid| unusable(Code::Malformed, &invalid))
    }
}

impl fmt::Display for GraphEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.url().as_str().trim_end_matches('/'))
    }
}

text_value!(
    GraphEndpoint,
    "The root of Microsoft Graph's address, without a version.",
    ["https://graph.microsoft.com", "https://microsoftgraph.chinacloudapi.cn"],
    r"^\s*https?://[^\s?#@]+\s*$"
);

/// A text of the Graph settings, each checked as the settings check it.
macro_rules! graph_text {
    ($type:ident, $check:expr, $read:expr, $description:literal, [$($example:literal),+], $pattern:literal) => {
        #[derive(Clone, PartialEq, Eq)]
        struct $type(String);

        impl $type {
            fn parse(text: &str) -> Result<$type, Fault> {
                let check: fn(&str) -> Result<GraphSettings, InvalidRoute> = $check;
                let read: fn(&GraphSettings) -> &str = $read;
                check(text)
                    .map(|settings| $type(read(&settings).trim_end_matches('/').to_owned()))
                    .map_err(|invalid| unusable(Code::Malformed, &invalid))
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($type), "(..)"))
            }
        }

        text_value!($type, $description, [$($example),+], $pattern);
    };
}

const ANY_CLIENT: &str = "00000000-0000-0000-0000-000000000000";

graph_text!(
    Tenant,
    |text| GraphSettings::new(text, ANY_CLIENT),
    GraphSettings::tenant,
    "A tenant: its id, or one of its domains.",
    ["musterstadt.onmicrosoft.com", "99999999-8888-4777-8666-555555555555"],
    r"^\s*[A-Za-z0-9.-]+\s*$"
);
graph_text!(
    ClientId,
    |text| GraphSettings::new(ANY_CLIENT, text),
    GraphSettings::client_id,
    "The id of an application.",
    ["11111111-2222-4333-8444-555555555555"],
    r"^\s*[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\s*$"
);
graph_text!(
    Authority,
    |text| GraphSettings::new(ANY_CLIENT, ANY_CLIENT).and_then(|settings| settings.with_authority(text)),
    |settings| settings.authority().as_str(),
    "The root of the address of an authority that issues tokens.",
    ["https://login.microsoftonline.com", "https://login.microsoftonline.us"],
    r"^\s*https?://[^\s?#@]+\s*$"
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::examples_hold;

    #[test]
    fn examples_in_the_schema_are_read_and_their_canonical_form_is_stable() {
        examples_hold::<GraphEndpoint>(GraphEndpoint::EXAMPLES);
        examples_hold::<Tenant>(Tenant::EXAMPLES);
        examples_hold::<ClientId>(ClientId::EXAMPLES);
        examples_hold::<Authority>(Authority::EXAMPLES);
    }
}
