//! Bodies that end in unusual ways, and a socket that can be reset.

mod repeated;
mod surplus;

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

pub(crate) use repeated::Repeated;
pub(crate) use surplus::{Surplus, WithSurplus};

pub(crate) type Body = UnsyncBoxBody<Bytes, io::Error>;

/// Tells a socket whether to end with a reset, and when. Clones mean the same socket.
#[derive(Clone, Debug, Default)]
pub(crate) struct ConnectionEnd(Arc<Flags>);

#[derive(Debug, Default)]
struct Flags {
    /// Closing the socket resets the connection.
    reset: AtomicBool,
    /// The connection ends as soon as everything written has left.
    end_when_flushed: AtomicBool,
    flushed: AtomicBool,
}

impl ConnectionEnd {
    pub(crate) fn reset(&self) {
        self.0.reset.store(true, Ordering::SeqCst);
    }

    fn end_when_flushed(&self) {
        self.reset();
        self.0.end_when_flushed.store(true, Ordering::SeqCst);
    }
}

/// A TCP socket that can end with a reset.
#[derive(Debug)]
pub(crate) struct Wire {
    stream: TcpStream,
    connection_end: ConnectionEnd,
}

impl Wire {
    pub(crate) fn new(stream: TcpStream, connection_end: ConnectionEnd) -> Wire {
        Wire { stream, connection_end }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if self.connection_end.0.reset.load(Ordering::SeqCst) {
            self.stream.set_zero_linger().ok();
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.connection_end.0.flushed.load(Ordering::SeqCst) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_flush(cx);
        let flags = &self.connection_end.0;
        if result.is_ready() && flags.end_when_flushed.load(Ordering::SeqCst) {
            flags.flushed.store(true, Ordering::SeqCst);
            // Whoever waits to read learns that the connection has ended.
            cx.waker().wake_by_ref();
        }
        result
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

/// A body of known length.
pub(crate) fn whole(content: impl Into<Bytes>) -> Body {
    Full::new(content.into()).map_err(|never| match never {}).boxed_unsync()
}

/// The first half of `content`, then a reset.
pub(crate) fn broken(content: Bytes, connection_end: ConnectionEnd) -> Body {
    let half = content.slice(..content.len() / 2);
    let end = stream::once(async move {
        // Gives the connection a chance to write the first half.
        tokio::task::yield_now().await;
        connection_end.reset();
        Err(io::Error::from(io::ErrorKind::ConnectionReset))
    });
    streamed(stream::once(async move { Ok(half) }).chain(end))
}

/// All of `content`, then a reset.
pub(crate) fn last(content: Bytes, connection_end: ConnectionEnd) -> Body {
    let end = stream::once(async move {
        tokio::task::yield_now().await;
        connection_end.end_when_flushed();
        Ok(Bytes::new())
    });
    streamed(stream::once(async move { Ok(content) }).chain(end))
}

/// All of `content`; when it has left, the connection sends `next`.
pub(crate) fn followed(content: Bytes, surplus: Surplus, next: Bytes, after: Duration) -> Body {
    streamed(stream::once(async move {
        surplus.prepare(next, after);
        Ok(content)
    }))
}

/// A long body, piece by piece.
pub(crate) fn long(repeated: Repeated) -> Body {
    let pieces = stream::unfold(repeated.pieces(), |mut pieces| async move {
        // An endless body must not starve the other connections of this thread.
        tokio::task::yield_now().await;
        pieces.next().map(|piece| (Ok(piece), pieces))
    });
    streamed(pieces)
}

pub(crate) fn streamed(pieces: impl stream::Stream<Item = io::Result<Bytes>> + Send + 'static) -> Body {
    StreamBody::new(pieces.map(|piece| piece.map(Frame::data))).boxed_unsync()
}
