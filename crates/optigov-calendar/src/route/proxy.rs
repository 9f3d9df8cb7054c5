//! The proxy on the way to a server.

use std::fmt;

use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::InvalidRoute;

/// A proxy on the way to the server. Its `Debug` shows neither its address nor a credential.
#[derive(Clone)]
pub struct Proxy {
    kind: ProxyKind,
    /// Without user and password.
    url: Url,
    login: Option<(String, SecretString)>,
}

/// How a proxy is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProxyKind {
    /// `CONNECT` over plain HTTP; the proxy finds the server's address.
    Http,
    /// SOCKS5; this machine finds the server's address.
    Socks5,
    /// SOCKS5; the proxy finds the server's address.
    Socks5Remote,
}

impl Proxy {
    /// Reads `http://[user:password@]host:port`, `socks5://…` (this machine resolves the server's name) or `socks5h://…` (the proxy
    /// resolves it). In user and password, `%` and two hexadecimal digits stand for a byte
    /// ([RFC 3986, 2.1](https://www.rfc-editor.org/rfc/rfc3986#section-2.1)); nothing else is decoded.
    ///
    /// # Errors
    /// For any other text. The error does not repeat it, because it may hold a password.
    pub fn parse(text: &str) -> Result<Proxy, InvalidRoute> {
        let mut url = Url::parse(text.trim()).map_err(|_| refused("Das ist keine URL.", "This is not a URL."))?;
        let kind = match url.scheme() {
            "http" => ProxyKind::Http,
            "socks5" => ProxyKind::Socks5,
            "socks5h" => ProxyKind::Socks5Remote,
            _ => return Err(refused("Diese Art von Proxy geht hier nicht.", "This kind of proxy does not work here.")),
        };
        if url.host_str().is_none_or(str::is_empty) {
            return Err(refused("Der Adresse fehlt der Name des Proxys.", "The URL names no proxy."));
        }
        let decoded = |text: &str| {
            let decoded = percent_decode_str(text).decode_utf8();
            decoded.map(|text| text.into_owned()).map_err(|_| {
                refused(
                    "Benutzername oder Kennwort des Proxys ist kein UTF-8.",
                    "The proxy's user name or password is not UTF-8.",
                )
            })
        };
        let login = match (url.username(), url.password()) {
            ("", None) => None,
            (user, password) => Some((decoded(user)?, SecretString::from(decoded(password.unwrap_or_default())?))),
        };
        let cleared = url.set_username("").and_then(|()| url.set_password(None));
        cleared
            .map_err(|()| refused("Diese Art von Proxy geht hier nicht.", "This kind of proxy does not work here."))?;
        if url.port_or_known_default().is_none() {
            // The registered port of SOCKS; a URL with a host takes any port.
            url.set_port(Some(1080)).ok();
        }
        let proxy = Proxy { kind, url, login: None };
        match login {
            Some((user, password)) => proxy.with_login(&user, password),
            None => Ok(proxy),
        }
    }

    /// The same proxy with a user and a password.
    ///
    /// # Errors
    /// Where the proxy's protocol cannot carry them: HTTP allows no colon in the user's name
    /// ([RFC 7617, 2](https://www.rfc-editor.org/rfc/rfc7617#section-2)), SOCKS5 neither of them empty nor longer than 255 bytes
    /// ([RFC 1929, 2](https://www.rfc-editor.org/rfc/rfc1929#section-2)).
    pub fn with_login(self, user: &str, password: SecretString) -> Result<Proxy, InvalidRoute> {
        let carried = match self.kind {
            ProxyKind::Http => !user.contains(':'),
            _ => [user, password.expose_secret()].iter().all(|text| (1..=255).contains(&text.len())),
        };
        if !carried {
            return Err(InvalidRoute::new(
                "proxy_account",
                (
                    "Benutzername oder Kennwort ist bei dieser Art von Proxy nicht möglich.",
                    "This kind of proxy cannot take the user name or the password.",
                ),
                (
                    "Bei http darf der Benutzername keinen Doppelpunkt enthalten; bei SOCKS5 haben beide 1 bis 255 Zeichen.",
                    "With http, the user name has no colon; with SOCKS5, both have 1 to 255 characters.",
                ),
            ));
        }
        Ok(Proxy { login: Some((user.to_owned(), password)), ..self })
    }

    /// How it is spoken to.
    pub fn kind(&self) -> ProxyKind {
        self.kind
    }

    /// Its address, without user and password.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Its user and password.
    pub fn login(&self) -> Option<(&str, &SecretString)> {
        self.login.as_ref().map(|(user, password)| (user.as_str(), password))
    }
}

impl PartialEq for Proxy {
    fn eq(&self, other: &Proxy) -> bool {
        let shown = |proxy: &Proxy| {
            proxy.login.as_ref().map(|(user, secret)| (user.clone(), secret.expose_secret().to_owned()))
        };
        (self.kind, &self.url) == (other.kind, &other.url) && shown(self) == shown(other)
    }
}

impl Eq for Proxy {}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({}://..)", self.url.scheme())
    }
}

fn refused(german: &'static str, english: &'static str) -> InvalidRoute {
    InvalidRoute::new(
        "proxy",
        (german, english),
        (
            "Bitte eine vollständige URL mit http, socks5 oder socks5h angeben, etwa „http://proxy.musterstadt.example:3128“.",
            "Give a complete URL with http, socks5 or socks5h, such as \"http://proxy.musterstadt.example:3128\".",
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_decoded_by_percent_signs_alone() {
        for (written, meant) in [
            ("http://svc:geheim&1@proxy:3128", "geheim&1"),
            ("http://svc:a+b=c;d@proxy:3128", "a+b=c;d"),
            ("http://svc:a%2Bb%20c%C3%A4@proxy:3128", "a+b cä"),
            ("socks5://svc:100%@proxy", "100%"),
        ] {
            let proxy = Proxy::parse(written).expect("a proxy");
            let (user, password) = proxy.login().expect("a login");
            assert_eq!((user, password.expose_secret()), ("svc", meant));
        }
        assert!(Proxy::parse("http://svc:%FF@proxy:3128").is_err(), "no UTF-8");
    }

    #[test]
    fn neither_debug_nor_an_error_shows_a_password() {
        let proxy = Proxy::parse("socks5h://svc:geheim@proxy").expect("a proxy");
        assert_eq!(format!("{proxy:?}"), "Proxy(socks5h://..)");
        assert_eq!(proxy.url().as_str(), "socks5h://proxy:1080");
        let refused = Proxy::parse("https://svc:geheim@proxy:3128").expect_err("https proxies are not spoken to");
        assert!(!format!("{refused} {refused:?}").contains("geheim"));
    }
}
