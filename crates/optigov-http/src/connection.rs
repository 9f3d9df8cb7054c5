//! One HTTP/1.1 connection of our own.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::{
    body::Incoming,
    client::conn::http1::{self, SendRequest},
};
use hyper_util::rt::TokioIo;
use optigov_calendar::ReadError;
use rustls::pki_types::CertificateDer;
use tokio::{task::AbortHandle, time::timeout};

use crate::{
    body::Body,
    connector::{Connector, Dialled},
    error::{configuration, malformed},
    failure::{Phase, classify, silent},
    page::is_web_page,
};

/// The header by which an answer names its request, at Exchange and at Microsoft Graph.
pub const CLIENT_REQUEST_ID: &str = "client-request-id";

/// A whole answer, whatever its status.
pub struct HttpResponse {
    /// The HTTP status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body in UTF-8, uncompressed. Where its bytes were no text stands [`NO_TEXT`](crate::NO_TEXT).
    pub body: Vec<u8>,
    /// What is still to come, where the request asked for [`BodyMode::Streamed`] and the answer is a success. Then `body` is empty.
    pub rest: Option<OpenBody>,
}

/// How the body of an answer is handed over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum BodyMode {
    /// All of it. The default.
    #[default]
    Whole,
    /// Of a success (200) that is no web page only the head; the body follows piece by piece. All of any other answer.
    Streamed,
}

/// The body of an answer that stays open. Dropping it closes the connection that it [keeps](OpenBody::keeping).
pub struct OpenBody {
    incoming: Incoming,
    body: Body,
    /// Open for as long as this is kept.
    _connection: Option<Connection>,
}

impl OpenBody {
    /// Keeps the connection on which it comes. Without it there is no body for long.
    pub fn keeping(self, connection: Connection) -> OpenBody {
        OpenBody { _connection: Some(connection), ..self }
    }

    /// The next piece, uncompressed, which may be empty; `None` at the end. How long to wait is up to the caller; dropping the future
    /// loses nothing.
    ///
    /// # Errors
    /// What ends the connection early, and [`LimitReached`](optigov_calendar::ReadErrorKind::LimitReached) where a piece unfolds to more than an
    /// answer may have.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, ReadError> {
        let Some(frame) = self.incoming.frame().await else { return Ok(None) };
        if let Ok(piece) = frame.map_err(|error| classify(error, Phase::Receiving))?.into_data() {
            self.body.push(&piece)?;
        }
        self.body.take().map(Some)
    }
}

/// A connection that answers one request after the other. Dropping it closes it, in the middle of an answer too.
pub struct Connection {
    sender: SendRequest<Full<Bytes>>,
    driver: AbortHandle,
    leaf: Option<CertificateDer<'static>>,
}

impl Connection {
    /// Opens a connection within the time for connecting.
    ///
    /// # Errors
    /// What keeps it from coming about, with the step at which the way ended.
    pub async fn open(connector: &Connector) -> Result<Connection, ReadError> {
        Connection::over(connector.dial().await?).await
    }

    /// Speaks HTTP over an open stream.
    ///
    /// # Errors
    /// What keeps it from being used.
    pub async fn over(dialled: Dialled) -> Result<Connection, ReadError> {
        let handshake = http1::handshake(TokioIo::new(dialled.stream)).await;
        let (sender, driver) = handshake.map_err(|error| classify(error, Phase::Connecting))?;
        let driver = tokio::spawn(async move {
            // Its errors reach whoever waits for an answer.
            driver.await.ok();
        });
        Ok(Connection { sender, driver: driver.abort_handle(), leaf: dialled.leaf })
    }

    /// The certificate that the server showed.
    pub fn leaf(&self) -> Option<&CertificateDer<'static>> {
        self.leaf.as_ref()
    }

    /// Whether another request may be tried on it: the server has neither closed it nor sent anything unasked.
    pub fn is_open(&self) -> bool {
        !self.sender.is_closed()
    }

    /// Sends a request, whose URI is a path with its query, and receives its whole answer, each part of it within `patience`. The header `Host`
    /// is the route's. After an error the connection is of no more use.
    ///
    /// # Errors
    /// What keeps the answer from coming, and [`Malformed`](optigov_calendar::ReadErrorKind::Malformed) where the answer names another
    /// request ([`CLIENT_REQUEST_ID`]): the server has sent more answers than it was asked for.
    pub async fn exchange(
        &mut self,
        connector: &Connector,
        request: Request<Bytes>,
        patience: Duration,
    ) -> Result<HttpResponse, ReadError> {
        self.exchange_with(connector, request, patience, BodyMode::Whole).await
    }

    /// The same, with the body in one of its modes. Where some is still to come, the connection has to be [kept](OpenBody::keeping) with it.
    ///
    /// # Errors
    /// As for [`exchange`](Connection::exchange).
    pub async fn exchange_with(
        &mut self,
        connector: &Connector,
        request: Request<Bytes>,
        patience: Duration,
        body_mode: BodyMode,
    ) -> Result<HttpResponse, ReadError> {
        let id = request.headers().get(CLIENT_REQUEST_ID).cloned();
        let answer = self.send(connector, request.map(Full::new), patience, body_mode).await?;
        match (answer.headers.get(CLIENT_REQUEST_ID), id) {
            (Some(returned), Some(id)) if !returned.as_bytes().eq_ignore_ascii_case(id.as_bytes()) => {
                self.driver.abort();
                Err(malformed(
                    "die Antwort gehört zu einer anderen Anfrage (client-request-id)",
                    "the answer belongs to another request (client-request-id)",
                ))
            }
            _ => Ok(answer),
        }
    }

    async fn send(
        &mut self,
        connector: &Connector,
        mut request: Request<Full<Bytes>>,
        patience: Duration,
        body_mode: BodyMode,
    ) -> Result<HttpResponse, ReadError> {
        let (route, url) = (connector.route(), connector.route().url());
        let host = match url.port() {
            Some(port) => format!("{}:{port}", url.host_str().unwrap_or_default()),
            None => url.host_str().unwrap_or_default().to_owned(),
        };
        let host = HeaderValue::from_str(&host).map_err(|error| {
            configuration("die Adresse lässt sich so nicht verwenden", "the URL cannot be used like this")
                .with_source(error)
        })?;
        request.headers_mut().insert(header::HOST, host);

        let ready = timeout(patience, self.sender.ready()).await.map_err(|_| silent())?;
        ready.map_err(|error| classify(error, Phase::Waiting))?;
        let response = timeout(patience, self.sender.send_request(request)).await.map_err(|_| silent())?;
        let (head, mut incoming) = response.map_err(|error| classify(error, Phase::Waiting))?.into_parts();
        let mut body = Body::new(route.max_response_bytes().get(), &head.headers)?;
        if body_mode == BodyMode::Streamed && head.status == StatusCode::OK && !is_web_page(&head.headers) {
            let rest = Some(OpenBody { incoming, body, _connection: None });
            return Ok(HttpResponse { status: head.status, headers: head.headers, body: Vec::new(), rest });
        }
        while let Some(frame) = timeout(patience, incoming.frame()).await.map_err(|_| silent())? {
            if let Ok(piece) = frame.map_err(|error| classify(error, Phase::Receiving))?.into_data() {
                body.push(&piece)?;
            }
        }
        Ok(HttpResponse { status: head.status, headers: head.headers, body: body.finish()?, rest: None })
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}
