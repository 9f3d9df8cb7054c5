//! The municipality's one connection to Exchange.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::endpoint::{Account, Address, EnvironmentName, EwsUrl, FilePath, ProxyUrl};
use crate::fault::{Code, Fault, Texts};
use crate::mailbox::Mailbox;
use crate::sync::is_default;
use crate::text::reader::{Read, Reader, deserialize_by_reading, inline_secret, read_table, text, whole_number, word};
use crate::text::value::Value;
use crate::values::Span;

/// How a municipality's Exchange is reached and what happens when it does not answer. Holds no secret, only where the secret is.
///
/// `Debug` shows neither account nor addresses.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct ExchangeConnection {
    /// The EWS endpoint: https, or http for a server on this machine.
    url: EwsUrl,
    /// How calendars are read: "impersonation" (default), or "free_busy", in which the account cannot see titles.
    #[serde(default, skip_serializing_if = "is_default")]
    access: Access,
    /// How the account signs in.
    authentication: Authentication,
    /// The account: DOMAIN\user or user@domain. Needed for all but bearer.
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<Account>,
    /// Where the account's password or token is: { env = "NAME" }, { file = "/path" }, or "provided" by the service.
    secret: SecretReference,
    /// A PEM file with further root certificates.
    #[serde(skip_serializing_if = "Option::is_none")]
    ca_file: Option<FilePath>,
    /// An HTTP or SOCKS5 proxy.
    #[serde(skip_serializing_if = "Option::is_none")]
    proxy: Option<ProxyUrl>,
    /// The IP address to use for the host in the URL, instead of asking DNS.
    #[serde(skip_serializing_if = "Option::is_none")]
    resolve_to: Option<Address>,
    /// The local IP address to connect from: the VPN tunnel's.
    #[serde(skip_serializing_if = "Option::is_none")]
    local_address: Option<Address>,
    /// Deadline for connecting, TLS included. Default: 10s.
    #[serde(skip_serializing_if = "Option::is_none")]
    connect_timeout: Option<Span>,
    /// The longest wait for the next byte of an answer. Default: 15s.
    #[serde(skip_serializing_if = "Option::is_none")]
    idle_timeout: Option<Span>,
    /// Deadline for a whole call, retries included. Default: 30s.
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout: Option<Span>,
    /// The greatest number of requests in flight for this account, 1 to 100. Default: 10.
    #[serde(skip_serializing_if = "Option::is_none")]
    in_flight: Option<InFlight>,
    /// The mailbox with which support and customer test the connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    test_mailbox: Option<Mailbox>,
    /// What happens when Exchange does not answer: "close" (default: nothing can be booked), { serve_stale = "2h" }, or "ignore" (opening hours only).
    #[serde(default, skip_serializing_if = "is_default")]
    when_unavailable: WhenUnavailable,
}

impl ExchangeConnection {
    /// The EWS endpoint, `https://…/EWS/Exchange.asmx`. Plain http is there only for a server on the same machine.
    pub fn url(&self) -> &str {
        self.url.0.as_str()
    }

    /// How calendars are read.
    pub fn access(&self) -> Access {
        self.access
    }

    /// How the account signs in.
    pub fn authentication(&self) -> Authentication {
        self.authentication
    }

    /// The account, `DOMAIN\user` or `user@domain`. `None` only with [`Authentication::Bearer`].
    pub fn account(&self) -> Option<&str> {
        self.account.as_ref().map(|account| account.0.as_str())
    }

    /// Where the password or token is to be taken from.
    pub fn secret(&self) -> &SecretReference {
        &self.secret
    }

    /// A PEM file with roots to trust besides the system's.
    pub fn ca_file(&self) -> Option<&Path> {
        self.ca_file.as_ref().map(|path| path.0.as_path())
    }

    /// The proxy to connect through: `http`, `https`, `socks5` or `socks5h` (the proxy resolves the host).
    pub fn proxy(&self) -> Option<&str> {
        self.proxy.as_ref().map(|proxy| proxy.0.as_str())
    }

    /// The address of the host in the URL, when DNS is not to be asked.
    pub fn resolve_to(&self) -> Option<IpAddr> {
        self.resolve_to.map(|address| address.0)
    }

    /// The local address to connect from.
    pub fn local_address(&self) -> Option<IpAddr> {
        self.local_address.map(|address| address.0)
    }

    /// Deadline for connecting, TLS included. Default: 10 s.
    pub fn connect_timeout(&self) -> Duration {
        self.connect_timeout.map_or(Duration::from_secs(10), Span::duration)
    }

    /// The longest wait for the next byte. Default: 15 s.
    pub fn idle_timeout(&self) -> Duration {
        self.idle_timeout.map_or(Duration::from_secs(15), Span::duration)
    }

    /// Deadline for one whole call. Default: 30 s.
    pub fn timeout(&self) -> Duration {
        self.timeout.map_or(Duration::from_secs(30), Span::duration)
    }

    /// The greatest number of requests at the same time, 1 to 100. Default: 10, the least `EWSMaxConcurrency` that is documented.
    pub fn in_flight(&self) -> u32 {
        self.in_flight.map_or(10, |count| count.0)
    }

    /// The mailbox with which the connection is tested.
    pub fn test_mailbox(&self) -> Option<&Mailbox> {
        self.test_mailbox.as_ref()
    }

    /// What happens when Exchange does not answer.
    pub fn when_unavailable(&self) -> WhenUnavailable {
        self.when_unavailable
    }
}

read_table!(ExchangeConnection {
    url: required, access: or_default, authentication: required, account: optional, secret: required, ca_file: optional,
    proxy: optional, resolve_to: optional, local_address: optional, connect_timeout: optional, idle_timeout: optional,
    timeout: optional, in_flight: optional, test_mailbox: optional, when_unavailable: or_default,
} checked);

deserialize_by_reading!(ExchangeConnection);

/// How calendars are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Access {
    /// By Exchange impersonation: calendars with the owner's rights. The account could see titles; they are never asked for. The default.
    #[default]
    Impersonation,
    /// By free/busy requests: titles are hidden from the account. All-day entries can only be guessed.
    FreeBusy,
}

impl Read for Access {
    fn read(value: &Value<'_>, reader: &mut Reader) -> Option<Self> {
        let words = [("impersonation", Access::Impersonation), ("free_busy", Access::FreeBusy)];
        let text = text(value, reader)?;
        word(text, &words).map_err(|fault| reader.fault(fault)).ok()
    }
}

/// How the account signs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Authentication {
    /// NTLM, with channel binding.
    Ntlm,
    /// NTLM within Negotiate, for servers that offer only that.
    Negotiate,
    /// Basic over TLS.
    Basic,
    /// A bearer token that the service fetches and renews.
    Bearer,
}

impl Read for Authentication {
    fn read(value: &Value<'_>, reader: &mut Reader) -> Option<Self> {
        let words = [
            ("ntlm", Authentication::Ntlm),
            ("negotiate", Authentication::Negotiate),
            ("basic", Authentication::Basic),
            ("bearer", Authentication::Bearer),
        ];
        let text = text(value, reader)?;
        word(text, &words).map_err(|fault| reader.fault(fault)).ok()
    }
}

/// Where a secret is. The secret itself is never part of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SecretReference {
    /// In the environment variable of this name.
    Environment(String),
    /// In this file, without the line's end.
    File(PathBuf),
    /// The service hands it in.
    Provided,
}

impl Read for SecretReference {
    fn read(value: &Value<'_>, reader: &mut Reader) -> Option<Self> {
        match value {
            Value::Text("provided") => Some(SecretReference::Provided),
            Value::Table(_) => {
                let [env, file] = reader.table(value, &["env", "file"])?;
                let env: Option<Option<EnvironmentName>> = reader.optional("env", env);
                let file: Option<Option<FilePath>> = reader.optional("file", file);
                match (env?, file?) {
                    (Some(name), None) => Some(SecretReference::Environment(name.0)),
                    (None, Some(path)) => Some(SecretReference::File(path.0)),
                    _ => reader.refuse(Fault::new(
                        Code::Conflict,
                        Texts::new(
                            "Genau eines von „env“ und „file“ wird gebraucht.",
                            "Exactly one of \"env\" and \"file\" is needed.",
                        ),
                        Texts::new("Bitte nur eines der beiden angeben.", "Give one of the two."),
                    )),
                }
            }
            // Whatever else stands here may be the secret itself.
            _ => reader.refuse(inline_secret()),
        }
    }
}

impl Serialize for SecretReference {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (key, value) = match self {
            SecretReference::Provided => return serializer.serialize_str("provided"),
            SecretReference::Environment(name) => ("env", name.clone()),
            SecretReference::File(path) => ("file", path.to_string_lossy().into_owned()),
        };
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(key, &value)?;
        map.end()
    }
}

impl schemars::JsonSchema for SecretReference {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "SecretReference".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let one = |key: &str| {
            schemars::json_schema!({
                "type": "object",
                "properties": { key: { "type": "string" } },
                "required": [key],
                "additionalProperties": false,
            })
        };
        schemars::json_schema!({
            "description": "Where a secret is; never the secret itself.",
            "oneOf": [{ "const": "provided" }, one("env"), one("file")],
        })
    }
}

/// What happens to counters whose calendars cannot be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum WhenUnavailable {
    /// Nothing can be booked: unknown is never free. The default.
    #[default]
    Close,
    /// What was read last counts, up to this age; then nothing can be booked.
    ServeStale {
        /// The greatest age.
        up_to: Duration,
    },
    /// The opening hours alone count. Double bookings are possible.
    Ignore,
}

impl Read for WhenUnavailable {
    fn read(value: &Value<'_>, reader: &mut Reader) -> Option<Self> {
        match value {
            Value::Table(_) => {
                let [serve_stale] = reader.table(value, &["serve_stale"])?;
                let up_to: Span = reader.required("serve_stale", serve_stale)?;
                let up_to = reader.below("serve_stale", |reader| positive(up_to, reader))?;
                Some(WhenUnavailable::ServeStale { up_to: up_to.duration() })
            }
            Value::Text(text) if text.replace('-', "_") == "serve_stale" => reader.refuse(Fault::new(
                Code::MissingKey,
                Texts::new("Es fehlt, bis zu welchem Alter.", "The greatest age is missing."),
                Texts::new(
                    "Bitte so schreiben: when_unavailable = { serve_stale = \"2h\" }.",
                    "Write it like this: when_unavailable = { serve_stale = \"2h\" }.",
                ),
            )),
            _ => {
                let text = text(value, reader)?;
                let words = [("close", WhenUnavailable::Close), ("ignore", WhenUnavailable::Ignore)];
                word(text, &words).map_err(|fault| reader.fault(fault)).ok()
            }
        }
    }
}

impl Serialize for WhenUnavailable {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            WhenUnavailable::Close => serializer.serialize_str("close"),
            WhenUnavailable::Ignore => serializer.serialize_str("ignore"),
            WhenUnavailable::ServeStale { up_to } => {
                let mut map = serializer.serialize_map(Some(1))?;
                let span = Span::from_seconds(u32::try_from(up_to.as_secs()).unwrap_or(u32::MAX));
                map.serialize_entry("serve_stale", &span)?;
                map.end()
            }
        }
    }
}

impl schemars::JsonSchema for WhenUnavailable {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "WhenUnavailable".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let age = generator.subschema_for::<Span>();
        schemars::json_schema!({
            "description": "What happens to counters whose calendars cannot be read.",
            "oneOf": [
                { "enum": ["close", "ignore"] },
                {
                    "type": "object",
                    "properties": { "serve_stale": age },
                    "required": ["serve_stale"],
                    "additionalProperties": false,
                },
            ],
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[serde(transparent)]
struct InFlight(#[schemars(range(min = 1, max = 100))] u32);

impl Read for InFlight {
    fn read(value: &Value<'_>, reader: &mut Reader) -> Option<Self> {
        whole_number(value, 1, 100, reader).map(InFlight)
    }
}

fn positive(span: Span, reader: &mut Reader) -> Option<Span> {
    if span.seconds() > 0 {
        return Some(span);
    }
    reader.refuse(Fault::new(
        Code::OutOfRange,
        Texts::new("Die Dauer ist null.", "The duration is zero."),
        Texts::new("Bitte eine Dauer von mindestens einer Sekunde angeben.", "Give a duration of at least one second."),
    ))
}

fn checked(connection: ExchangeConnection, reader: &mut Reader) -> Option<ExchangeConnection> {
    let deadlines = [
        ("connect_timeout", connection.connect_timeout),
        ("idle_timeout", connection.idle_timeout),
        ("timeout", connection.timeout),
    ];
    for (key, span) in deadlines {
        reader.below(key, |reader| span.and_then(|span| positive(span, reader)));
    }
    if connection.account.is_none() && connection.authentication != Authentication::Bearer {
        let fault = Fault::new(
            Code::MissingKey,
            Texts::new("Für diese Anmeldung fehlt das Konto.", "This authentication needs an account."),
            Texts::new(
                "Bitte „account“ ergänzen: „DOMÄNE\\konto“ oder „konto@domäne“.",
                "Add \"account\": \"DOMAIN\\user\" or \"user@domain\".",
            ),
        );
        reader.below("account", |reader| reader.fault(fault));
    }
    Some(connection)
}
