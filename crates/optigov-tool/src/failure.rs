//! How the tool fails: what is wrong on standard error, and a stated exit status.

use std::{error::Error, fmt::Write as _, io::Write as _, process::ExitCode};

use optigov_availability::{Language, Text};

/// Why a command cannot be carried out.
pub(crate) struct Failure {
    text: Text,
    cause: Option<Box<dyn Error>>,
    status: u8,
}

impl Failure {
    /// A command line or a configuration that cannot be used: exit status 2.
    pub(crate) fn unusable(german: impl Into<String>, english: impl Into<String>) -> Failure {
        Failure { text: Text::new(german.into(), english.into()), cause: None, status: 2 }
    }

    /// A text that is in the reader's language already.
    pub(crate) fn told(text: String) -> Failure {
        Failure { text: Text::new(text.clone(), text), cause: None, status: 2 }
    }

    /// What was not foreseen: exit status 1.
    pub(crate) fn unforeseen(cause: impl Error + 'static) -> Failure {
        let text = Text::new("Das war nicht vorgesehen.", "This was not foreseen.");
        Failure { text, cause: Some(Box::new(cause)), status: 1 }
    }

    pub(crate) fn caused_by(self, cause: impl Error + 'static) -> Failure {
        Failure { cause: Some(Box::new(cause)), ..self }
    }

    /// Says on standard error what is wrong, with the causes below it, and gives the exit status.
    pub(crate) fn report(&self, language: Language) -> ExitCode {
        let (label, because) = match language {
            Language::English => ("error", "because"),
            _ => ("Fehler", "Grund"),
        };
        let mut text = format!("{label}: {}", self.text.in_language(language));
        let mut cause = self.cause.as_deref();
        while let Some(error) = cause {
            // Writing to a String does not fail.
            let _ = write!(text, "\n  {because}: {}", in_words(error, language));
            cause = error.source();
        }
        // Without a standard error there is nobody to tell.
        let _ = writeln!(std::io::stderr(), "{}", text.trim_end());
        ExitCode::from(self.status)
    }
}

/// An error's text in the reader's language, where it is known.
fn in_words(error: &(dyn Error + 'static), language: Language) -> String {
    if let Some(error) = error.downcast_ref::<optigov_availability::Error>() {
        return error.message().in_language(language).to_owned();
    }
    let Some(error) = error.downcast_ref::<std::io::Error>() else { return error.to_string() };
    let text = match error.kind() {
        std::io::ErrorKind::NotFound => Text::fixed("Die Datei gibt es nicht.", "There is no such file."),
        std::io::ErrorKind::PermissionDenied => {
            Text::fixed("Auf die Datei darf nicht zugegriffen werden.", "The file must not be accessed.")
        }
        std::io::ErrorKind::IsADirectory => Text::fixed("Das ist ein Ordner.", "This is a folder."),
        _ => return error.to_string(),
    };
    text.in_language(language).to_owned()
}
