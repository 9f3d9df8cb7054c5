//! One host, Graph or the authority, and the connections to it.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Request};
use optigov_calendar::{ReadError, Route, UserAgent};
use optigov_http::{Connection, Connector, HttpResponse, Pool};

pub(crate) struct Host {
    pub(crate) connector: Arc<Connector>,
    pool: Pool,
}

impl Host {
    /// # Errors
    /// [`ReadError::is_configuration`] when a certificate of the route cannot be used.
    pub(crate) fn new(route: Route, user_agent: Option<&UserAgent>) -> Result<Host, ReadError> {
        let own = HeaderValue::from_static(concat!("optigov-graph/", env!("CARGO_PKG_VERSION")));
        let configured = user_agent.and_then(|name| HeaderValue::from_str(name.as_str()).ok());
        let connector = Arc::new(Connector::new(route, configured.unwrap_or(own))?);
        Ok(Host { connector, pool: Pool::default() })
    }

    /// Sends a request on an idle connection if there is one, else on a new one, and receives its whole answer.
    ///
    /// # Errors
    /// What keeps the answer from coming.
    pub(crate) async fn send(&self, request: Request<Bytes>) -> Result<HttpResponse, ReadError> {
        let patience = self.connector.route().idle_timeout();
        if let Some(mut connection) = self.pool.take(0) {
            match connection.exchange(&self.connector, request.clone(), patience).await {
                Ok(answer) => {
                    self.keep(connection);
                    return Ok(answer);
                }
                // Closed by the server while it was idle, and the others with it.
                Err(error) if error.is_before_the_answer() => self.pool.clear(),
                Err(error) => return Err(error),
            }
        }
        let mut connection = Connection::open(&self.connector).await?;
        let answer = connection.exchange(&self.connector, request, patience).await?;
        self.keep(connection);
        Ok(answer)
    }

    /// Sends a request that must not be sent twice: an idle connection may have been closed, and then nobody knows whether the request arrived.
    ///
    /// # Errors
    /// What keeps the answer from coming.
    pub(crate) async fn send_on_a_new_connection(&self, request: Request<Bytes>) -> Result<HttpResponse, ReadError> {
        let mut connection = Connection::open(&self.connector).await?;
        connection.exchange(&self.connector, request, self.connector.route().idle_timeout()).await
    }

    fn keep(&self, connection: Connection) {
        self.pool.keep(connection, 0, self.connector.route().in_flight().get());
    }
}
