//! One HTTP/1.1 connection of our own.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use optigov_calendar::ReadError;
use tokio::{task::AbortHandle, time::timeout};

use super::{
    Answer, Body,
    connector::{Connector, Dialled},
    failure::{Phase, classify, silent},
};
use crate::error::configuration;

/// A connection that answers one request after the other. Dropping it closes it, in the middle of an answer too.
pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    driver: AbortHandle,
    #[cfg(any(feature = "ntlm", feature = "kerberos"))]
    leaf: Option<rustls::pki_types::CertificateDer<'static>>,
}

impl Connection {
    #[cfg(any(feature = "ntlm", feature = "kerberos"))]
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

    /// Whether another request may be tried on it.
    #[cfg(any(feature = "ntlm", feature = "kerberos"))]
    pub(crate) fn is_open(&self) -> bool {
        !self.sender.is_closed()
    }

    /// Sends a request and receives its whole answer.
    pub(crate) async fn post(
        &mut self,
        connector: &Connector,
        mut headers: HeaderMap,
        body: Bytes,
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

        self.sender.ready().await.map_err(|error| classify(error, Phase::Waiting))?;
        let response = timeout(route.idle_timeout(), self.sender.send_request(request)).await.map_err(|_| silent())?;
        let (head, mut incoming) = response.map_err(|error| classify(error, Phase::Waiting))?.into_parts();
        let mut body = Body::new(route.max_response_bytes().get(), &head.headers)?;
        while let Some(frame) = timeout(route.idle_timeout(), incoming.frame()).await.map_err(|_| silent())? {
            if let Ok(piece) = frame.map_err(|error| classify(error, Phase::Receiving))?.into_data() {
                body.push(&piece)?;
            }
        }
        Ok(Answer { status: head.status, headers: head.headers, body: body.bytes })
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}
