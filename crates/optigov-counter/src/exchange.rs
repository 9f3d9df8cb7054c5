//! The municipality's one connection to Exchange.

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::ser::{Serialize, SerializeMap, Serializer};
use url::Url;

use crate::fault::{Code, Fault, Texts};
use crate::mailbox::Mailbox;
use crate::sync::is_default;
use crate::text::reader::{
    Read, Reader, deserialize_by_reading, inline_secret, read_table, text, whole_number, word, wrong_type,
};
use crate::text::value::Value;
use crate::values::{Span, malformed, text_value};

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

#[derive(Clone, PartialEq, Eq)]
struct EwsUrl(Url);

impl EwsUrl {
    fn parse(text: &str) -> Result<EwsUrl, Fault> {
        let url = checked_url(text, &["https", "http"])?;
        if url.scheme() == "http" && !is_this_machine(&url) {
            return Err(Fault::new(
                Code::OutOfRange,
                Texts::new(
                    "Die Adresse beginnt mit http: Kennwort und Kalender gingen unverschlüsselt durch das Netz.",
                    "The address begins with http: password and calendars would cross the network in clear.",
                ),
                Texts::new("Bitte https verwenden.", "Use https."),
            ));
        }
        Ok(EwsUrl(url))
    }
}

impl fmt::Display for EwsUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for EwsUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EwsUrl({})", self.0)
    }
}

text_value!(EwsUrl, "The EWS endpoint of an Exchange server.", ["https://mail.musterstadt.example/EWS/Exchange.asmx"]);

#[derive(Clone, Debug, PartialEq, Eq)]
struct ProxyUrl(Url);

impl ProxyUrl {
    fn parse(text: &str) -> Result<ProxyUrl, Fault> {
        checked_url(text, &["http", "https", "socks5", "socks5h"]).map(ProxyUrl)
    }
}

impl fmt::Display for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

text_value!(
    ProxyUrl,
    "A proxy: http, https, socks5 or socks5h.",
    ["http://proxy.musterstadt.example:3128", "socks5h://10.8.0.1:1080"]
);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Address(IpAddr);

impl Address {
    fn parse(text: &str) -> Result<Address, Fault> {
        let unclear = |_| malformed(text, "eine IP-Adresse wie „10.20.0.5“", "an IP address such as \"10.20.0.5\"");
        text.trim().parse().map(Address).map_err(unclear)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

text_value!(Address, "An IPv4 or IPv6 address.", ["10.20.0.5", "fd00::5"]);

#[derive(Clone, PartialEq, Eq)]
struct Account(String);

impl Account {
    fn parse(text: &str) -> Result<Account, Fault> {
        const LONGEST: usize = 256;
        let text = text.trim();
        let fits = !text.is_empty() && text.chars().count() <= LONGEST && !text.chars().any(char::is_control);
        // Basic joins account and password with a colon (RFC 7617).
        if fits && !text.contains(':') {
            return Ok(Account(text.to_owned()));
        }
        Err(Fault::new(
            Code::Malformed,
            Texts::new(
                "Das Konto ist leer, zu lang oder enthält einen Doppelpunkt oder Steuerzeichen.",
                "The account is blank, too long, or has a colon or control characters.",
            ),
            Texts::new(
                "Erwartet wird „DOMÄNE\\konto“ oder „konto@domäne“, ohne Kennwort.",
                "Expected is \"DOMAIN\\user\" or \"user@domain\", without a password.",
            ),
        ))
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Account(..)")
    }
}

text_value!(
    Account,
    "The account: DOMAIN\\user or user@domain.",
    ["MUSTERSTADT\\svc-optigov", "svc-optigov@musterstadt.example"]
);

#[derive(Clone, Debug, PartialEq, Eq)]
struct FilePath(PathBuf);

impl FilePath {
    fn parse(text: &str) -> Result<FilePath, Fault> {
        if text.trim().is_empty() || text.chars().any(char::is_control) {
            // It is not repeated: it may be the secret itself.
            return Err(Fault::new(
                Code::Malformed,
                Texts::new("Das ist kein Pfad einer Datei.", "This is not the path of a file."),
                Texts::new("Bitte den vollständigen Pfad angeben.", "Give the full path."),
            ));
        }
        Ok(FilePath(PathBuf::from(text)))
    }
}

impl fmt::Display for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.display().fmt(f)
    }
}

text_value!(FilePath, "The path of a file.", ["/etc/optigov/stadt-ca.pem"]);

struct EnvironmentName(String);

impl Read for EnvironmentName {
    fn read(value: &Value<'_>, reader: &mut Reader) -> Option<Self> {
        let Value::Text(name) = value else {
            return reader.refuse(wrong_type(value, "ein Text", "a text"));
        };
        let fits = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if fits && !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit()) {
            return Some(EnvironmentName(name.to_string()));
        }
        // It is not repeated: it may be the secret itself.
        reader.refuse(Fault::new(
            Code::Malformed,
            Texts::new(
                "Das ist kein Name einer Umgebungsvariablen.",
                "This is not the name of an environment variable.",
            ),
            Texts::new(
                "Erlaubt sind Buchstaben, Ziffern und „_“, wie in „OPTIGOV_EXCHANGE_PASSWORD“.",
                "Letters, digits and \"_\" are allowed, as in \"OPTIGOV_EXCHANGE_PASSWORD\".",
            ),
        ))
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

/// A URL of one of these schemes, with a host and without a user or password. It is not repeated in the fault: a password may stand in it.
fn checked_url(text: &str, schemes: &[&str]) -> Result<Url, Fault> {
    let list = schemes.join(", ");
    let refused = |de: &'static str, en: &'static str| {
        Fault::new(
            Code::Malformed,
            Texts::new(de, en),
            Texts::new(
                format!("Erwartet wird eine vollständige URL; möglich ist: {list}."),
                format!("Expected is a complete URL; possible is: {list}."),
            ),
        )
    };
    let url = Url::parse(text.trim()).map_err(|_| refused("Das ist keine URL.", "This is not a URL."))?;
    if !schemes.contains(&url.scheme()) || url.host_str().is_none_or(str::is_empty) {
        return Err(refused("Diese Art von URL geht hier nicht.", "This kind of URL does not work here."));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(inline_secret());
    }
    Ok(url)
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::examples_hold;

    #[test]
    fn examples_in_the_schema_are_read_and_their_canonical_form_is_stable() {
        examples_hold::<EwsUrl>(EwsUrl::EXAMPLES);
        examples_hold::<ProxyUrl>(ProxyUrl::EXAMPLES);
        examples_hold::<Address>(Address::EXAMPLES);
        examples_hold::<Account>(Account::EXAMPLES);
        examples_hold::<FilePath>(FilePath::EXAMPLES);
    }
}
