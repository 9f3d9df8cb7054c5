//! Bytes that a connection sends although nothing was asked for.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// Tells a connection what to send after the answer that is under way. Clones mean the same connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct Surplus(Arc<Mutex<Stage>>);

#[derive(Debug, Default)]
enum Stage {
    #[default]
    Nothing,
    /// The answer before is not yet written.
    Prepared(Bytes, Duration),
    Waiting(Bytes, Pin<Box<Sleep>>),
    Sending(Bytes),
}

impl Surplus {
    /// Sends `bytes`, `after` everything written before has left.
    pub(crate) fn prepare(&self, bytes: Bytes, after: Duration) {
        *self.stage() = Stage::Prepared(bytes, after);
    }

    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A stream below HTTP that sends its surplus.
#[derive(Debug)]
pub(crate) struct WithSurplus<S> {
    stream: S,
    surplus: Surplus,
}

impl<S: AsyncWrite + Unpin> WithSurplus<S> {
    pub(crate) fn new(stream: S, surplus: Surplus) -> WithSurplus<S> {
        WithSurplus { stream, surplus }
    }

    /// Waits, and sends, as far as it gets.
    fn go_on(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut stage = self.surplus.stage();
        if let Stage::Waiting(bytes, sleep) = &mut *stage {
            ready!(sleep.as_mut().poll(cx));
            *stage = Stage::Sending(std::mem::take(bytes));
        }
        let Stage::Sending(bytes) = &mut *stage else { return Poll::Ready(Ok(())) };
        while bytes.has_remaining() {
            let written = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            bytes.advance(written);
        }
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        *stage = Stage::Nothing;
        Poll::Ready(Ok(()))
    }

    /// What was prepared may go: the answer before has left.
    fn start(&self) {
        let mut stage = self.surplus.stage();
        if let Stage::Prepared(bytes, after) = &mut *stage {
            let bytes = std::mem::take(bytes);
            *stage = match *after {
                Duration::ZERO => Stage::Sending(bytes),
                after => Stage::Waiting(bytes, Box::pin(tokio::time::sleep(after))),
            };
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for WithSurplus<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if let Poll::Ready(Err(error)) = self.go_on(cx) {
            return Poll::Ready(Err(error));
        }
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for WithSurplus<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        self.start();
        match self.go_on(cx) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            // The surplus may come later; whoever flushes waits for what was written before.
            Poll::Ready(Ok(())) | Poll::Pending => Poll::Ready(Ok(())),
        }
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
