use std::fmt;

use crate::Error;

/// The SMTP address of a mailbox. Its `Debug` shows no address.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mailbox(Box<str>);

impl Mailbox {
    /// Reads an SMTP address. White space around it is dropped; its case is kept.
    ///
    /// # Errors
    /// [`Error::is_configuration`] when the text is not of the shape `local@domain`, holds white space or control characters, or is longer
    /// than 254 bytes ([RFC 5321, 4.5.3.1](https://www.rfc-editor.org/rfc/rfc5321#section-4.5.3.1)).
    pub fn parse(text: &str) -> Result<Mailbox, Error> {
        let text = text.trim();
        let fault = if text.len() > 254 {
            "the mailbox's address is longer than 254 bytes"
        } else if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            "the mailbox's address holds white space or a control character"
        } else if text.rsplit_once('@').is_none_or(|(local, domain)| local.is_empty() || domain.is_empty()) {
            "the mailbox's address is not of the shape local@domain"
        } else {
            return Ok(Mailbox(text.into()));
        };
        Err(Error::configuration(fault))
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mailbox(..)")
    }
}

impl std::str::FromStr for Mailbox {
    type Err = Error;

    fn from_str(text: &str) -> Result<Mailbox, Error> {
        Mailbox::parse(text)
    }
}

/// By which name the account says for whom it acts: the children of `ConnectingSID`. `Debug` shows no name.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectingId {
    /// The mailbox's own address, which must be its primary one. The default: an alias is then told apart from a typing error.
    #[default]
    PrimarySmtpAddress,
    /// The mailbox's own address, which may be an alias.
    SmtpAddress,
    /// A user principal name, such as `anna@ad.musterstadt.example`.
    PrincipalName(String),
    /// A security identifier, such as `S-1-5-21-…`.
    Sid(String),
}

impl ConnectingId {
    /// The element's name and its text.
    pub(crate) fn element<'a>(&'a self, mailbox: &'a Mailbox) -> (&'static str, &'a str) {
        match self {
            ConnectingId::PrimarySmtpAddress => ("PrimarySmtpAddress", mailbox.as_str()),
            ConnectingId::SmtpAddress => ("SmtpAddress", mailbox.as_str()),
            ConnectingId::PrincipalName(name) => ("PrincipalName", name),
            ConnectingId::Sid(sid) => ("SID", sid),
        }
    }
}

impl fmt::Debug for ConnectingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ConnectingId::PrimarySmtpAddress => "PrimarySmtpAddress",
            ConnectingId::SmtpAddress => "SmtpAddress",
            ConnectingId::PrincipalName(_) => "PrincipalName(..)",
            ConnectingId::Sid(_) => "Sid(..)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_checked_and_never_shown() {
        let mailbox = Mailbox::parse(" Anna@musterstadt.example ").expect("an address");
        assert_eq!(mailbox.as_str(), "Anna@musterstadt.example");
        assert_eq!(format!("{mailbox:?}"), "Mailbox(..)");
        for wrong in ["", "anna", "@musterstadt.example", "anna@", "an na@musterstadt.example", "anna@\u{0}x"] {
            let error = Mailbox::parse(wrong).expect_err(wrong);
            assert!(error.is_configuration());
            assert!(!error.to_string().contains("anna"), "{error}");
        }
    }
}
