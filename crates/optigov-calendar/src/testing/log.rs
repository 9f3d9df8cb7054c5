//! A log that a test reads.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
};

/// Keeps what is written to it, so that a test can hold a source to what a log may never say. Clones share what they keep.
#[derive(Clone, Debug, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// All that was written so far; what is no text stands as a replacement character.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }

    /// Makes writers to this log, as `with_writer` of `tracing-subscriber` takes it.
    pub fn writer(&self) -> impl Fn() -> Log + Send + Sync + 'static {
        let log = self.clone();
        move || log.clone()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
