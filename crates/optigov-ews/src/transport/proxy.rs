use std::fmt;

use secrecy::SecretString;
use url::Url;

use crate::Error;

/// A proxy on the way to the server. Its `Debug` shows no credential.
#[derive(Clone)]
pub struct Proxy {
    pub(crate) kind: ProxyKind,
    /// Without user and password.
    pub(crate) url: Url,
    pub(crate) login: Option<(String, SecretString)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProxyKind {
    /// `CONNECT` over plain HTTP.
    Http,
    /// SOCKS5; the client finds the server's address.
    Socks5,
    /// SOCKS5; the proxy finds the server's address.
    Socks5Remote,
}

impl Proxy {
    /// Reads `http://[user:password@]host:port`, `socks5://…` (this machine resolves the server's name) or `socks5h://…` (the proxy
    /// resolves it).
    ///
    /// # Errors
    /// [`Error::is_configuration`] for any other text. The error does not repeat it, because it may hold a password.
    pub fn parse(text: &str) -> Result<Proxy, Error> {
        let mut url =
            Url::parse(text).map_err(|error| Error::configuration("the proxy is not a URL").with_source(error))?;
        let kind = match url.scheme() {
            "http" => ProxyKind::Http,
            "socks5" => ProxyKind::Socks5,
            "socks5h" => ProxyKind::Socks5Remote,
            _ => return Err(Error::configuration("the proxy's URL must begin with http://, socks5:// or socks5h://")),
        };
        if url.host_str().is_none_or(str::is_empty) {
            return Err(Error::configuration("the proxy's URL names no host"));
        }
        let decode = |text: &str| {
            percent_decoded(text).ok_or_else(|| Error::configuration("the proxy's credential is not UTF-8"))
        };
        let login = match (url.username(), url.password()) {
            ("", None) => None,
            (user, password) => Some((decode(user)?, SecretString::from(decode(password.unwrap_or_default())?))),
        };
        let cleared = url.set_username("").and_then(|()| url.set_password(None));
        cleared.map_err(|()| Error::configuration("the proxy's URL cannot carry a credential"))?;
        if url.port_or_known_default().is_none() {
            url.set_port(Some(1080)).map_err(|()| Error::configuration("the proxy's URL names no port"))?;
        }
        Ok(Proxy { kind, url, login })
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({}://..)", self.url.scheme())
    }
}

fn percent_decoded(text: &str) -> Option<String> {
    // `url` decodes form values; a plus sign there would be a space.
    let pair = format!("x={}", text.replace('+', "%2B"));
    url::form_urlencoded::parse(pair.as_bytes()).next().map(|(_, value)| value.into_owned())
}
