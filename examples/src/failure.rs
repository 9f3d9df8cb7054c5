//! How an example fails: what is wrong on standard error, and a stated exit status.

use std::{fmt::Write as _, io::Write as _, process::ExitCode};

/// Prints a failure with its causes on the lines below it to standard error, and gives the exit status of a command line or a configuration that
/// cannot be used: 2.
pub fn report(failure: &anyhow::Error) -> ExitCode {
    let mut text = format!("error: {failure}");
    for cause in failure.chain().skip(1) {
        // Writing to a String does not fail.
        let _ = write!(text, "\n  because: {cause}");
    }
    // Without a standard error there is nobody to tell.
    let _ = writeln!(std::io::stderr(), "{text}");
    ExitCode::from(2)
}
