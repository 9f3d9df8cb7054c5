//! One HTTP/1.1 connection of our own.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use optigov_calendar::ReadError;
use tokio::{task::AbortHandle, time::timeout};

use super::{
    Answer, Body, CLIENT_REQUEST_ID, Post,
    connector::{Connector, Dialled},
    failure::{Phase, classify, silent},
};
use crate::error::{configuration, malformed};

/// A connection that answers one request after the other. Dropping it closes it, in the middle of an answer too.
pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    driver: AbortHandle,
    #[cfg(any(feature = "ntlm", feature = "kerberos"))]
    leaf: Option<rustls::pki_types::CertificateDer<'static>>,
}

impl Connection {
    pub(crate) async fn open(connector: &Connector) -> Result<Connection, ReadError> {
        Connection::over(connector.dial().await?).await
    }

    pub(crate) async fn over(dialled: Dialled) -> Result<Connection, ReadError> {
        let handshake = http1::handshake(TokioIo::new(dialled.stream)).await;
        let (sender, driver) = handshake.map_err(|error| classify(error, Phase::Connecting))?;
        let driver = tokio::spawn(async move {
            // Its errors reach whoever waits for an answer.
            driver.await.ok();
        });
        Ok(Connection {
            sender,
            driver: driver.abort_handle(),
            #[cfg(any(feature = "ntlm", feature = "kerberos"))]
            leaf: dialled.leaf,
        })
    }

    /// The certificate that the server showed.
    #[cfg(any(feature = "ntlm", feature = "kerberos"))]
    pub(crate) fn leaf(&self) -> Option<&rustls::pki_types::CertificateDer<'static>> {
        self.leaf.as_ref()
    }

    /// Whether another request may be tried on it: the server has neither closed it nor sent anything unasked.
    pub(crate) fn is_open(&self) -> bool {
        !self.sender.is_closed()
    }

    /// Sends a request with this proof and this body, and receives its whole answer. After an error the connection is of no more use.
    ///
    /// # Errors
    /// What keeps the answer from coming, and [`Malformed`](optigov_calendar::ReadErrorKind::Malformed) where the answer names another
    /// request: the server has sent more answers than it was asked for.
    pub(crate) async fn exchange(
        &mut self,
        connector: &Connector,
        post: &Post,
        authorization: Option<HeaderValue>,
        body: Bytes,
        patience: Duration,
    ) -> Result<Answer, ReadError> {
        let mut headers = post.headers(connector);
        headers.extend(authorization.map(|value| (header::AUTHORIZATION, value)));
        let answer = self.post(connector, headers, body, patience).await?;
        match answer.headers.get(CLIENT_REQUEST_ID) {
            Some(returned) if !returned.as_bytes().eq_ignore_ascii_case(post.id.as_bytes()) => {
                self.driver.abort();
                Err(malformed(
                    "die Antwort gehört zu einer anderen Anfrage (client-request-id)",
                    "the answer belongs to another request (client-request-id)",
                ))
            }
            _ => Ok(answer),
        }
    }

    /// Sends a request and receives its whole answer, each part of it within `patience`.
    pub(crate) async fn post(
        &mut self,
        connector: &Connector,
        mut headers: HeaderMap,
        body: Bytes,
        patience: Duration,
    ) -> Result<Answer, ReadError> {
        let (route, url) = (&connector.route, connector.route.url());
        let host = match url.port() {
            Some(port) => format!("{}:{port}", url.host_str().unwrap_or_default()),
            None => url.host_str().unwrap_or_default().to_owned(),
        };
        let unusable =
            || configuration("die Adresse lässt sich so nicht verwenden", "the URL cannot be used like this");
        headers.insert(header::HOST, HeaderValue::from_str(&host).map_err(|error| unusable().with_source(error))?);
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = url[url::Position::BeforePath..url::Position::AfterQuery]
            .parse()
            .map_err(|error: http::uri::InvalidUri| unusable().with_source(error))?;
        *request.headers_mut() = headers;

        let ready = timeout(patience, self.sender.ready()).await.map_err(|_| silent())?;
        ready.map_err(|error| classify(error, Phase::Waiting))?;
        let response = timeout(patience, self.sender.send_request(request)).await.map_err(|_| silent())?;
        let (head, mut incoming) = response.map_err(|error| classify(error, Phase::Waiting))?.into_parts();
        let mut body = Body::new(route.max_response_bytes().get(), &head.headers)?;
        while let Some(frame) = timeout(patience, incoming.frame()).await.map_err(|_| silent())? {
            if let Ok(piece) = frame.map_err(|error| classify(error, Phase::Receiving))?.into_data() {
                body.push(&piece)?;
            }
        }
        Ok(Answer { status: head.status, headers: head.headers, body: body.finish()? })
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}
