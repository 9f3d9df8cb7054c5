//! How an example fails: what is wrong on standard error, and a stated exit status.

use std::fmt::{self, Write as _};
use std::io::Write as _;
use std::process::ExitCode;

/// A command line or a configuration that cannot be used: exit status 2.
#[derive(Debug)]
pub struct Failure {
    lines: String,
}

impl Failure {
    /// A failure that the user can mend.
    pub fn usage(text: impl fmt::Display) -> Self {
        Failure { lines: format!("error: {text}") }
    }

    /// Prints it to standard error and gives the exit status.
    pub fn report(&self) -> ExitCode {
        // Without a standard error there is nobody to tell.
        let _ = writeln!(std::io::stderr(), "{}", self.lines);
        ExitCode::from(2)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lines)
    }
}

/// Any error, with its causes on the lines below it.
impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        let mut failure = Failure::usage(&error);
        let mut source = error.source();
        while let Some(cause) = source {
            // Writing to a String does not fail.
            let _ = write!(failure.lines, "\n  because: {cause}");
            source = cause.source();
        }
        failure
    }
}
