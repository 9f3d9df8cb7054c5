//! The way to a server that `optigov-ews` and `optigov-graph` share: everything of HTTP that is no matter of what is said over it.
//!
//! A [`Connector`] opens connections along a [`Route`](optigov_calendar::Route): name resolution, proxy, local address, TLS. A [`Connection`]
//! answers one request after the other, within a bound on the size of an answer and on the server's silence; a [`Pool`] keeps those that
//! are idle. [`Limits`] says how many requests may be in flight and who has to wait since the server asked for patience, [`Retry`] and
//! [`Again`] whether a request is sent again. What fails is an [`optigov_calendar::ReadError`] that tells its step and its cause.
//!
//! ```
//! use bytes::Bytes;
//! use http::{HeaderValue, Request};
//! use optigov_calendar::Route;
//! use optigov_http::{Connection, Connector};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! # let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! # let address = listener.local_addr()?;
//! # let server = tokio::spawn(async move {
//! #     use tokio::io::{AsyncReadExt, AsyncWriteExt};
//! #     let (mut stream, _) = listener.accept().await?;
//! #     stream.read(&mut [0; 1_024]).await?;
//! #     stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhallo").await
//! # });
//! let route = Route::new(&format!("http://{address}/"))?;
//! let connector = Connector::new(route, HeaderValue::from_static("an-example/1.0"))?;
//! let mut connection = Connection::open(&connector).await?;
//! let request = Request::get("/greeting").body(Bytes::new())?;
//! let answer = connection.exchange(&connector, request, connector.route().idle_timeout()).await?;
//! assert_eq!((answer.status.as_u16(), answer.body.as_slice()), (200, &b"hallo"[..]));
//! # server.await??;
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! # What it refuses to do
//!
//! - **Accept any certificate.** There is no such setting.
//! - **Follow a redirect**, or go to another host than the route's.
//! - **Read without an end.** An answer larger than the route permits is an error, compressed or not, and so is a server that falls silent.
//! - **Log.** What it knows goes into the error, without addresses and secrets.
//!
//! # Features
//!
//! It has none.

mod body;
mod certificate;
mod connection;
mod connector;
pub mod error;
mod failure;
mod limits;
mod page;
mod pool;
mod reach;
mod resolve;
mod retry;
pub mod time;
mod tls;
mod wait;
pub mod window;

pub use body::NO_TEXT;
pub use connection::{BodyMode, CLIENT_REQUEST_ID, Connection, HttpResponse, OpenBody};
pub use connector::{Connector, Dialled};
pub use failure::silent;
pub use limits::{LONGEST_BACK_OFF, Limits, Permit, growing_pause, later};
pub use page::web_page;
pub use pool::Pool;
pub use reach::reach;
pub use retry::{Again, Retry, may_back_off};
pub use wait::{LONGEST_WAIT, asked_wait, retry_after, whole_number};
