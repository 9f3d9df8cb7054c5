//! What the examples share: the demo municipality *Musterstadt* in a simulated Exchange, the example service, and how a program fails.

#[cfg(feature = "postgres")]
pub mod bookings;
pub mod demo;
pub mod failure;
pub mod service;
pub mod town;

use std::io::{self, Write as _};

use clap::builder::{PossibleValuesParser, TypedValueParser};
use optigov_availability::Language;

/// Reads the language of texts for people from a command line: `de` or `en`.
pub fn language() -> impl TypedValueParser<Value = Language> {
    let codes = Language::ALL.map(Language::as_str);
    PossibleValuesParser::new(codes).try_map(|code| code.parse::<Language>())
}

/// Writes `text` to standard output; a reader that went away is no failure.
///
/// # Errors
/// Where standard output cannot be written.
pub fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => done,
    }
}

/// Sends log lines to standard error, warnings and above unless `RUST_LOG` says otherwise.
pub fn log_to_stderr() {
    use tracing_subscriber::EnvFilter;
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("error"));
    // A second call in one process would fail, and the first stays in force.
    drop(tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).try_init());
}
