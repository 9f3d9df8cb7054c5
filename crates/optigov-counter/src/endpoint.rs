//! The values of a connection: URLs, addresses, account, and where a secret is. None of them repeats in a fault what may be a secret.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

use url::Url;

use crate::fault::{Code, Fault, Texts};
use crate::text::reader::{Read, Reader, inline_secret, wrong_type};
use crate::text::value::Value;
use crate::values::{malformed, text_value};

#[derive(Clone, PartialEq, Eq)]
pub(crate) struct EwsUrl(pub(crate) Url);

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
pub(crate) struct ProxyUrl(pub(crate) Url);

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
pub(crate) struct Address(pub(crate) IpAddr);

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
pub(crate) struct Account(pub(crate) String);

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
pub(crate) struct FilePath(pub(crate) PathBuf);

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

pub(crate) struct EnvironmentName(pub(crate) String);

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
