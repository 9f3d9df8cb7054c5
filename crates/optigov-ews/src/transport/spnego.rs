//! As much of SPNEGO ([RFC 4178](https://www.rfc-editor.org/rfc/rfc4178)) as a server may wrap around its NTLM messages. The first message goes
//! out bare, which Windows takes; a server that answers in a `NegTokenResp` gets the next message in one as well.

use x509_parser::asn1_rs::{Any, Class, FromDer, Tag};

/// The NTLM message inside a `NegTokenResp`. `None` where the token is no such thing.
pub(super) fn unwrap(token: &[u8]) -> Option<&[u8]> {
    let (_, response) = Any::from_der(token).ok()?;
    let (_, sequence) = Any::from_der(context(&response, 1)?).ok()?;
    let mut fields =
        (sequence.class() == Class::Universal && sequence.tag() == Tag::Sequence).then_some(sequence.data)?;
    while !fields.is_empty() {
        let (rest, field) = Any::from_der(fields).ok()?;
        if let Some(content) = context(&field, 2) {
            let (_, octets) = Any::from_der(content).ok()?;
            return (octets.class() == Class::Universal && octets.tag() == Tag::OctetString).then_some(octets.data);
        }
        fields = rest;
    }
    None
}

/// An NTLM message in a `NegTokenResp`.
pub(super) fn wrap(message: &[u8]) -> Vec<u8> {
    tagged(0xa1, &tagged(0x30, &tagged(0xa2, &tagged(0x04, message))))
}

fn context<'a>(value: &Any<'a>, tag: u32) -> Option<&'a [u8]> {
    (value.class() == Class::ContextSpecific && value.tag().0 == tag).then_some(value.data)
}

/// A value of DER.
fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match u8::try_from(content.len()) {
        Ok(length @ ..=0x7f) => out.push(length),
        _ => {
            let length = content.len().to_be_bytes();
            let used = &length[length.iter().take_while(|byte| **byte == 0).count()..];
            out.push(0x80 | u8::try_from(used.len()).unwrap_or(8));
            out.extend(used);
        }
    }
    out.extend(content);
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `accept-incomplete`, the mechanism NTLM, and a message, as Windows sends them.
    #[test]
    fn the_message_is_found_behind_state_and_mechanism() {
        let mut token = vec![0xa1, 0x1f, 0x30, 0x1d, 0xa0, 0x03, 0x0a, 0x01, 0x01, 0xa1, 0x0c, 0x06, 0x0a];
        token.extend([0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x02, 0x0a, 0xa2, 0x08, 0x04, 0x06]);
        token.extend(b"NTLMSS");
        assert_eq!(unwrap(&token), Some(&b"NTLMSS"[..]));
        for broken in [&b""[..], b"NTLMSSP\0", &token[..20], &[0xa1, 0x80], &[0xa1, 0x84, 0xff, 0xff, 0xff, 0xff, 1]] {
            assert_eq!(unwrap(broken), None);
        }
    }

    proptest! {
        #[test]
        fn what_is_wrapped_is_unwrapped(message in prop::collection::vec(any::<u8>(), 0..70_000)) {
            let token = wrap(&message);
            prop_assert_eq!(unwrap(&token), Some(&message[..]));
        }

        #[test]
        fn no_token_makes_the_reader_panic(token in prop::collection::vec(any::<u8>(), 0..64)) {
            unwrap(&token);
        }
    }
}
