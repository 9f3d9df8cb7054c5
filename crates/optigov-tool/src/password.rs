//! Passwords: asked for without echo, or read from where a file or a variable has them. Never an argument.

use std::path::Path;

use optigov_availability::Language;
use secrecy::SecretString;

use crate::failure::Failure;

/// The password from the file or the variable that was named, else from the terminal. `what` it is for, in both languages.
pub(crate) fn password(
    file: Option<&Path>,
    variable: Option<&str>,
    what: (&str, &str),
    language: Language,
) -> Result<SecretString, Failure> {
    if let Some(file) = file {
        let name = file.display();
        let text = std::fs::read_to_string(file).map_err(|cause| {
            let german = format!("Die Kennwortdatei {name} kann nicht gelesen werden.");
            Failure::unusable(german, format!("The password file {name} cannot be read.")).caused_by(cause)
        })?;
        return Ok(SecretString::from(text.lines().next().unwrap_or_default()));
    }
    if let Some(name) = variable {
        return std::env::var(name).map(SecretString::from).map_err(|_| {
            Failure::unusable(
                format!("Die Umgebungsvariable {name} gibt es nicht."),
                format!("There is no environment variable {name}."),
            )
        });
    }
    let prompt = match language {
        Language::English => format!("{} (not shown): ", what.1),
        _ => format!("{} (wird nicht angezeigt): ", what.0),
    };
    let typed = rpassword::prompt_password(prompt).map_err(|_| {
        Failure::unusable(
            "Hier ist kein Terminal, an dem das Kennwort erfragt werden kann. Bitte --password-file oder --password-env angeben.",
            "There is no terminal to ask for the password. Give --password-file or --password-env.",
        )
    })?;
    if typed.is_empty() {
        return Err(Failure::unusable(
            "Es wurde kein Kennwort eingegeben; nichts wurde gesendet.",
            "No password was typed; nothing was sent.",
        ));
    }
    Ok(SecretString::from(typed))
}

/// The words for the service account's password.
pub(crate) const OF_THE_ACCOUNT: (&str, &str) = ("Kennwort des Dienstkontos", "Password of the service account");
/// The words for the proxy's password.
pub(crate) const OF_THE_PROXY: (&str, &str) = ("Kennwort am Proxy", "Password for the proxy");
/// The words for the client secret of an application in Exchange Online.
pub(crate) const OF_THE_APPLICATION: (&str, &str) =
    ("Clientgeheimnis der Anwendung in Exchange Online", "Client secret of the application in Exchange Online");
