//! Mailboxes: checked SMTP addresses.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Text;

/// The SMTP address of a mailbox whose calendar is consulted.
///
/// The part before `@` is a dot-atom of at most 64 ASCII characters ([RFC 5321, 4.1.2](https://www.rfc-editor.org/rfc/rfc5321#section-4.1.2);
/// Exchange has no others). The domain has at least two labels and may be internationalised: it is kept in its ASCII form. The whole address
/// has at most 254 bytes ([RFC 5321, 4.5.3.1](https://www.rfc-editor.org/rfc/rfc5321#section-4.5.3.1)). Exchange does not tell upper from
/// lower case, so the address is kept in lower case: two mailboxes that are equal are the same.
///
/// `Debug` does not show the address. Serialised it is the address. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mailbox(Arc<str>);

/// A text is no address of a mailbox. It says what is wrong without repeating the text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", message.in_language(crate::Language::English))]
pub struct InvalidMailbox {
    message: Text,
}

impl InvalidMailbox {
    /// What is wrong, as one sentence.
    pub fn message(&self) -> &Text {
        &self.message
    }

    /// What to write instead, as one sentence.
    pub fn remedy(&self) -> Text {
        Text::fixed(
            "Bitte eine Adresse wie „buergerbuero@musterstadt.example“ angeben.",
            "Give an address such as \"buergerbuero@musterstadt.example\".",
        )
    }
}

impl Mailbox {
    /// The most bytes that an address has.
    pub const LONGEST: usize = 254;

    /// Reads an address. White space around it is dropped.
    ///
    /// # Errors
    /// [`InvalidMailbox`] says what is wrong with it, without repeating it.
    pub fn parse(text: &str) -> Result<Mailbox, InvalidMailbox> {
        let Some((local, domain)) = text.trim().rsplit_once('@') else {
            return refused("Der Adresse fehlt das „@“.", "The address has no \"@\".");
        };
        if !is_dot_atom(local) {
            return refused(
                "Der Teil vor dem „@“ enthält Zeichen, die dort nicht erlaubt sind, oder er ist zu lang.",
                "The part before the \"@\" has characters that are not allowed there, or it is too long.",
            );
        }
        let Some(domain) = ascii_domain(domain) else {
            return refused(
                "Der Teil nach dem „@“ ist kein Domänenname.",
                "The part after the \"@\" is not a domain name.",
            );
        };
        let address = format!("{}@{domain}", local.to_ascii_lowercase());
        if address.len() > Mailbox::LONGEST {
            return refused("Die Adresse ist länger als 254 Zeichen.", "The address is longer than 254 characters.");
        }
        Ok(Mailbox(address.into()))
    }

    /// The address, in lower case and with its domain in ASCII form.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part after the `@`.
    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain)
    }
}

impl Serialize for Mailbox {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mailbox(..)")
    }
}

impl std::str::FromStr for Mailbox {
    type Err = InvalidMailbox;

    fn from_str(text: &str) -> Result<Mailbox, InvalidMailbox> {
        Mailbox::parse(text)
    }
}

impl<'de> Deserialize<'de> for Mailbox {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Mailbox, D::Error> {
        Mailbox::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Mailbox {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Mailbox".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "format": "idn-email",
            "pattern": r"^\s*[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@[^\s@]+\.[^\s@]+\s*$",
            "maxLength": 254,
            "description": "The SMTP address of an Exchange mailbox.",
            "examples": ["buergerbuero@musterstadt.example"],
        })
    }
}

fn refused(german: &'static str, english: &'static str) -> Result<Mailbox, InvalidMailbox> {
    Err(InvalidMailbox { message: Text::fixed(german, english) })
}

fn is_dot_atom(local: &str) -> bool {
    const LONGEST: usize = 64;
    let atom = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte))
    };
    local.len() <= LONGEST && local.split('.').all(atom)
}

/// The domain in ASCII and lower case, if it is one with at least two labels.
fn ascii_domain(domain: &str) -> Option<String> {
    const LONGEST: usize = 253;
    let lower = domain.to_ascii_lowercase();
    let plain = lower.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.');
    // Punycode must be checked like what it stands for.
    let ascii = match plain && !lower.contains("xn--") {
        true => lower,
        false => idna::domain_to_ascii_strict(domain).ok()?,
    };
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let all_numeric = |label: &str| label.bytes().all(|byte| byte.is_ascii_digit());
    let fits = ascii.len() <= LONGEST
        && ascii.contains('.')
        && ascii.split('.').all(label)
        && !ascii.rsplit('.').next().is_some_and(all_numeric);
    fits.then_some(ascii)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_internationalised_domain_is_kept_in_its_ascii_form() {
        let mailbox = Mailbox::parse(" Amt@Müllheim.Example ").expect("an address");
        assert_eq!(mailbox.as_str(), "amt@xn--mllheim-n2a.example");
        assert_eq!(Mailbox::parse(mailbox.as_str()).expect("again"), mailbox);
        assert_eq!(mailbox.domain(), "xn--mllheim-n2a.example");
    }

    #[test]
    fn an_address_has_at_most_254_bytes() {
        let domain = |labels: usize| format!("{}.example", vec!["a".repeat(45); labels].join("."));
        let longest = format!("{}@{}", "l".repeat(61), domain(4));
        assert_eq!(longest.len(), 253);
        assert!(Mailbox::parse(&format!("l{longest}")).is_ok());
        assert!(Mailbox::parse(&format!("ll{longest}")).is_err());
    }

    #[test]
    fn what_is_no_address_is_refused_without_being_repeated() {
        for text in [
            "",
            "anna",
            "@stadt.example",
            "anna@",
            "anna@musterstadt",
            "anna lena@musterstadt.example",
            "anna@muster_stadt.example",
            "anna@-stadt.example",
            "anna@stadt..example",
            ".anna@stadt.example",
            "anna.@stadt.example",
            "anna@10.0.0.1",
            "änna@stadt.example",
            "anna@stadt.example, bert@stadt.example",
            "Anna <anna@stadt.example>",
            "anna@xn--zz.example",
        ] {
            let refused = Mailbox::parse(text).expect_err(text);
            assert!(text.is_empty() || !format!("{refused} {refused:?}").contains(text), "{refused}");
        }
    }

    #[test]
    fn debug_shows_no_address() {
        let mailbox = Mailbox::parse("anna@musterstadt.example").expect("an address");
        assert_eq!(format!("{mailbox:?}"), "Mailbox(..)");
    }
}
