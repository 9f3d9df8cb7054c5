//! The way to the server: one `post`, behind which each authentication scheme has the connection that it needs.

#[cfg(any(feature = "ntlm", feature = "kerberos"))]
mod authenticated;
#[cfg(any(feature = "ntlm", feature = "kerberos"))]
mod binding;
pub(crate) mod certificate;
mod challenges;
pub(crate) mod connection;
pub(crate) mod connector;
pub(crate) mod failure;
#[cfg(feature = "kerberos")]
pub(crate) mod kerberos;
pub(crate) mod limits;
#[cfg(feature = "ntlm")]
mod ntlm;
mod pooled;
mod resolve;
mod tls;
pub(crate) mod vault;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use optigov_calendar::{Mailbox, ReadError, ReadErrorKind, Text};

pub(crate) use self::challenges::offered_schemes;
use self::{connector::Connector, pooled::Pooled, vault::Admission};
use crate::credentials::Scheme;

/// One request.
pub(crate) struct Post<'a> {
    pub(crate) body: Bytes,
    /// The mailbox whose server should answer.
    pub(crate) anchor: Option<&'a Mailbox>,
    /// The request's own id, which the server logs.
    pub(crate) id: &'a str,
}

/// An answer, whatever its status. A 401 has become an error on the way.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// The connections to the server.
pub(crate) struct Transport {
    pooled: Pooled,
    #[cfg(any(feature = "ntlm", feature = "kerberos"))]
    authenticated: authenticated::Connections,
}

impl Transport {
    pub(crate) fn new(connector: &Connector) -> Result<Transport, ReadError> {
        Ok(Transport {
            pooled: Pooled::new(connector)?,
            #[cfg(any(feature = "ntlm", feature = "kerberos"))]
            authenticated: authenticated::Connections::default(),
        })
    }

    /// Sends one request and receives its whole answer.
    ///
    /// # Errors
    /// What keeps an answer from coming, and a credential that is refused.
    pub(crate) async fn post(
        &self,
        connector: &Connector,
        admission: &Admission<'_>,
        post: &Post<'_>,
    ) -> Result<Answer, ReadError> {
        match &admission.credentials.0 {
            Scheme::Basic(login) => self.pooled.post_basic(connector, login, post).await,
            Scheme::Bearer(provider) => self.pooled.post_bearer(connector, &**provider, post).await,
            #[cfg(any(feature = "ntlm", feature = "kerberos"))]
            _ => self.authenticated.post(connector, admission, post).await,
        }
    }
}

impl Post<'_> {
    /// The headers of every request, without the one that authenticates.
    fn headers(&self, connector: &Connector) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/xml; charset=utf-8"));
        headers.insert(header::ACCEPT, HeaderValue::from_static("text/xml"));
        headers.insert(header::USER_AGENT, connector.user_agent.clone());
        headers.insert("return-client-request-id", HeaderValue::from_static("true"));
        let optional = [("client-request-id", Some(self.id)), ("x-anchormailbox", self.anchor.map(Mailbox::as_str))];
        for (name, text) in optional {
            if let Some(mut value) = text.and_then(|text| HeaderValue::from_str(text).ok()) {
                value.set_sensitive(name == "x-anchormailbox");
                headers.insert(name, value);
            }
        }
        headers
    }
}

/// The error that a 401 stands for: another scheme is wanted, or the credential is wrong.
fn refused(scheme: &str, headers: &HeaderMap) -> ReadError {
    let offered = offered_schemes(headers);
    if offered.is_empty() || offered.iter().any(|name| name.eq_ignore_ascii_case(scheme)) {
        let fact = Text::new(
            format!("der Server nimmt die Zugangsdaten nicht an (Verfahren {scheme})"),
            format!("the server does not accept the credential (authentication: {scheme})"),
        );
        return ReadError::new(ReadErrorKind::CredentialsRefused, fact).with_http_status(401);
    }
    not_offered(scheme, &offered)
}

fn not_offered(scheme: &str, offered: &[String]) -> ReadError {
    let fact = if offered.is_empty() {
        Text::new(
            format!("der Server bietet weder {scheme} noch ein anderes Anmeldeverfahren an"),
            format!("the server offers neither {scheme} authentication nor any other"),
        )
    } else {
        let offered = offered.join(", ");
        Text::new(
            format!("der Server bietet {scheme} nicht an, sondern nur {offered}"),
            format!("the server does not offer {scheme} authentication, only {offered}"),
        )
    };
    ReadError::new(ReadErrorKind::SchemeNotOffered, fact).with_http_status(401)
}

/// Takes in a body piece by piece and keeps to the bound.
struct Body {
    bytes: Vec<u8>,
    most: usize,
}

impl Body {
    /// # Errors
    /// [`ReadErrorKind::LimitReached`] when the announced length is already too much.
    fn new(most: usize, headers: &HeaderMap) -> Result<Body, ReadError> {
        let announced = headers
            .get(header::CONTENT_LENGTH)
            .and_then(|value| value.to_str().ok())
            .and_then(|text| text.parse::<usize>().ok());
        let mut body = Body { bytes: Vec::new(), most };
        if let Some(length) = announced {
            body.check(length)?;
            // What is announced is not yet sent: no more than a common answer's size is set aside for it.
            body.bytes.reserve_exact(length.min(1 << 20));
        }
        Ok(body)
    }

    fn push(&mut self, piece: &[u8]) -> Result<(), ReadError> {
        self.check(self.bytes.len() + piece.len())?;
        self.bytes.extend_from_slice(piece);
        Ok(())
    }

    fn check(&self, length: usize) -> Result<(), ReadError> {
        if length <= self.most {
            return Ok(());
        }
        let fact = Text::new(
            format!("die Antwort ist größer als {} Bytes", self.most),
            format!("the answer is larger than {} bytes", self.most),
        );
        Err(ReadError::new(ReadErrorKind::LimitReached, fact))
    }
}
