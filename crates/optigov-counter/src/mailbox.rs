//! Mailboxes: checked SMTP addresses.

use std::fmt;

use crate::Fault;
use crate::fault::{Code, Texts};

/// The address of an Exchange mailbox whose calendar is consulted.
///
/// The part before `@` is a dot-atom of at most 64 ASCII characters ([RFC 5321, 4.1.2](https://www.rfc-editor.org/rfc/rfc5321#section-4.1.2); Exchange has
/// no others), the domain has at least two labels and may be internationalised: it is kept in its ASCII form. Case does not matter to Exchange, so the whole
/// address is kept in lower case: two mailboxes that are equal are the same.
///
/// `Debug` does not show the address.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mailbox(String);

impl Mailbox {
    /// Checks an address.
    ///
    /// # Errors
    ///
    /// A fault that says what is wrong with it, without repeating it.
    pub fn parse(text: &str) -> Result<Mailbox, Fault> {
        let text = text.trim();
        let Some((local, domain)) = text.rsplit_once('@') else {
            return Err(refused("Der Adresse fehlt das „@“.", "The address has no \"@\"."));
        };
        if !is_dot_atom(local) {
            return Err(refused(
                "Der Teil vor dem „@“ enthält Zeichen, die dort nicht erlaubt sind, oder ist zu lang.",
                "The part before the \"@\" has characters that are not allowed there, or is too long.",
            ));
        }
        let Some(domain) = ascii_domain(domain) else {
            return Err(refused(
                "Der Teil nach dem „@“ ist kein Domänenname.",
                "The part after the \"@\" is not a domain name.",
            ));
        };
        Ok(Mailbox(format!("{}@{domain}", local.to_ascii_lowercase())))
    }

    /// The address, in lower case and with its domain in ASCII form.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mailbox(..)")
    }
}

impl crate::text::reader::Read for Mailbox {
    fn read(value: &crate::text::value::Value<'_>, reader: &mut crate::text::reader::Reader) -> Option<Self> {
        let text = crate::text::reader::text(value, reader)?;
        Mailbox::parse(text).map_err(|fault| reader.fault(fault)).ok()
    }
}

impl std::str::FromStr for Mailbox {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Mailbox, Fault> {
        Mailbox::parse(text)
    }
}

impl serde::Serialize for Mailbox {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

crate::text::reader::deserialize_by_reading!(Mailbox);

impl schemars::JsonSchema for Mailbox {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Mailbox".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "format": "idn-email",
            "description": "The SMTP address of an Exchange mailbox.",
            "examples": ["buergerbuero@musterstadt.example"],
        })
    }
}

fn refused(de: &'static str, en: &'static str) -> Fault {
    Fault::new(
        Code::Malformed,
        Texts::new(de, en),
        Texts::new(
            "Erwartet wird eine Adresse wie „buergerbuero@musterstadt.example“.",
            "Expected is an address such as \"buergerbuero@musterstadt.example\".",
        ),
    )
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
    let plain = domain.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.');
    // Punycode must be checked like what it stands for.
    let ascii = if plain && !domain.contains("xn--") && !domain.contains("XN--") {
        domain.to_ascii_lowercase()
    } else {
        idna::domain_to_ascii_strict(domain).ok()?
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
            let fault = Mailbox::parse(text).expect_err(text);
            assert!(text.is_empty() || !fault.to_string().contains(text), "{fault}");
        }
    }

    #[test]
    fn debug_shows_no_address() {
        let mailbox = Mailbox::parse("anna@musterstadt.example").expect("an address");
        assert_eq!(format!("{mailbox:?}"), "Mailbox(..)");
    }
}
