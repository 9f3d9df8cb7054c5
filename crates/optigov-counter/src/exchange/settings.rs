//! The values of a connection. None of them repeats in a fault what may be a secret.

use std::{fmt, net::IpAddr, path::PathBuf};

use optigov_calendar::{InvalidRoute, Proxy, Route, Text, UserAgent};

use crate::{
    fault::{Code, Fault},
    text::{
        forms::{number, text_value, words},
        reader::{Read, Reader, malformed, wrong_type},
        value::Value,
    },
};

words!(
    optigov_calendar::Access,
    optigov_calendar::ConnectingId,
    optigov_calendar::NegotiatePolicy,
    optigov_calendar::RequestVersion,
    optigov_calendar::TlsVersion,
    optigov_calendar::UnexpandedSeries,
);

/// The server's URL. It is kept as a [`Route`] to this URL, with the default for everything else.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Endpoint(pub(crate) Route);

impl Endpoint {
    fn parse(text: &str) -> Result<Endpoint, Fault> {
        Route::new(text).map(Endpoint).map_err(|invalid| unusable(Code::Malformed, &invalid))
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.url().fmt(f)
    }
}

text_value!(
    Endpoint,
    "The EWS endpoint of an Exchange server.",
    ["https://mail.musterstadt.example/EWS/Exchange.asmx"],
    r"^\s*https?://[^\s/?#@]+"
);

/// A proxy without user and password: those are given apart.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ProxyAddress(pub(crate) Proxy);

impl ProxyAddress {
    fn parse(text: &str) -> Result<ProxyAddress, Fault> {
        let proxy = Proxy::parse(text).map_err(|invalid| unusable(Code::Malformed, &invalid))?;
        if proxy.login().is_none() {
            return Ok(ProxyAddress(proxy));
        }
        Err(Fault::new(
            Code::InlineSecret,
            Text::fixed(
                "In der Adresse des Proxys steht ein Benutzername oder Kennwort.",
                "The proxy's address holds a user name or a password.",
            ),
            Text::fixed(
                "Bitte den Benutzernamen unter „proxy_account“ angeben und unter „proxy_secret“, wo das Kennwort steht.",
                "Give the user name as \"proxy_account\", and as \"proxy_secret\" where the password is.",
            ),
        ))
    }
}

impl fmt::Display for ProxyAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.url().fmt(f)
    }
}

text_value!(
    ProxyAddress,
    "A proxy: http, socks5 (this machine finds the server's address) or socks5h (the proxy finds it).",
    ["http://proxy.musterstadt.example:3128", "socks5h://10.8.0.1:1080"],
    r"^\s*(http|socks5|socks5h)://[^\s/?#@]+/?\s*$"
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

text_value!(
    Address,
    "An IPv4 or IPv6 address.",
    ["10.20.0.5", "fd00::5"],
    r"^\s*([0-9]{1,3}(\.[0-9]{1,3}){3}|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*)\s*$"
);

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
            Text::fixed(
                "Das Konto ist leer oder zu lang, oder es enthält einen Doppelpunkt oder Steuerzeichen.",
                "The account is blank or too long, or it has a colon or control characters.",
            ),
            Text::fixed(
                "Bitte das Konto als „DOMÄNE\\konto“ oder „konto@domäne“ angeben, ohne Kennwort.",
                "Give the account as \"DOMAIN\\user\" or \"user@domain\", without a password.",
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
    ["MUSTERSTADT\\svc-optigov", "svc-optigov@musterstadt.example"],
    r"^\s*[^\s:\u0000-\u001f\u007f-\u009f]([^:\u0000-\u001f\u007f-\u009f]{0,254}[^\s:\u0000-\u001f\u007f-\u009f])?\s*$"
);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FilePath(pub(crate) PathBuf);

impl FilePath {
    fn parse(text: &str) -> Result<FilePath, Fault> {
        if text.trim().is_empty() || text.chars().any(char::is_control) {
            // It is not repeated: it may be the secret itself.
            return Err(Fault::new(
                Code::Malformed,
                Text::fixed("Das ist kein Pfad einer Datei.", "This is not the path of a file."),
                Text::fixed("Bitte den vollständigen Pfad angeben.", "Give the full path."),
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

text_value!(
    FilePath,
    "The path of a file.",
    ["/etc/optigov/stadt-ca.pem"],
    r"^[^\u0000-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f]*$"
);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UserAgentText(pub(crate) UserAgent);

impl UserAgentText {
    fn parse(text: &str) -> Result<UserAgentText, Fault> {
        UserAgent::parse(text).map(UserAgentText).map_err(|_| {
            Fault::new(
                Code::Malformed,
                Text::fixed(
                    "Der Text ist leer oder zu lang, oder er enthält Zeichen, die eine Kopfzeile nicht tragen kann.",
                    "The text is blank or too long, or it has characters that a header cannot carry.",
                ),
                Text::fixed(
                    "Bitte 1 bis 200 Zeichen ohne Umlaute angeben, etwa „optiGov/1.0“.",
                    "Give 1 to 200 ASCII characters, such as \"optiGov/1.0\".",
                ),
            )
        })
    }
}

impl fmt::Display for UserAgentText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

text_value!(
    UserAgentText,
    "How the client names itself: 1 to 200 ASCII characters.",
    ["optiGov/1.0"],
    r"^\s*[!-~]([ -~]{0,198}[!-~])?\s*$"
);

number!(InFlight, 1..=100);
number!(EntriesPerAnswer, 10..=10_000);
number!(RequestsPerCall, 1..=10_000);
number!(EntriesPerCall, 1..=1_000_000);
number!(HangingConnections, 1..=100);
number!(MaxResponseBytes, 65_536..=1_073_741_824);

/// The name of an environment variable.
pub(crate) struct EnvironmentName(pub(crate) String);

impl Read for EnvironmentName {
    fn read(value: &Value<'_>, reader: &mut Reader) -> Option<Self> {
        let Value::Text(name) = value else {
            return reader.refuse(wrong_type(value, "einen Text", "a text"));
        };
        let fits = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if fits && !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit()) {
            return Some(EnvironmentName(name.to_string()));
        }
        // It is not repeated: it may be the secret itself.
        reader.refuse(Fault::new(
            Code::Malformed,
            Text::fixed(
                "Das ist kein Name einer Umgebungsvariablen.",
                "This is not the name of an environment variable.",
            ),
            Text::fixed(
                "Bitte nur Buchstaben ohne Umlaute, Ziffern und „_“ verwenden, wie in „OPTIGOV_EXCHANGE_PASSWORD“.",
                "Use only ASCII letters, digits and \"_\", as in \"OPTIGOV_EXCHANGE_PASSWORD\".",
            ),
        ))
    }
}

/// The fault for a setting that a [`Route`] refuses.
pub(crate) fn unusable(code: Code, invalid: &InvalidRoute) -> Fault {
    Fault::new(code, invalid.message().clone(), invalid.remedy().clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::examples_hold;

    #[test]
    fn examples_in_the_schema_are_read_and_their_canonical_form_is_stable() {
        examples_hold::<Endpoint>(Endpoint::EXAMPLES);
        examples_hold::<ProxyAddress>(ProxyAddress::EXAMPLES);
        examples_hold::<Address>(Address::EXAMPLES);
        examples_hold::<Account>(Account::EXAMPLES);
        examples_hold::<FilePath>(FilePath::EXAMPLES);
        examples_hold::<UserAgentText>(UserAgentText::EXAMPLES);
    }
}
