//! As much of SPNEGO ([RFC 4178](https://www.rfc-editor.org/rfc/rfc4178)) as carries NTLM inside Negotiate.

/// 1.3.6.1.4.1.311.2.2.10 in DER, with tag and length.
const NTLM: &[u8] = &[0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x02, 0x0a];
const SPNEGO: &[u8] = &[0x06, 0x06, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x02];

const SEQUENCE: u8 = 0x30;
const OCTETS: u8 = 0x04;
const ENUMERATED: u8 = 0x0a;

/// What a client's token holds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Token<'a> {
    /// NTLM as it is, without SPNEGO around it.
    Bare(&'a [u8]),
    /// The first token. `ntlm` is empty where the client's favourite is another mechanism.
    First { mechanisms: &'a [u8], ntlm: &'a [u8] },
    /// A later token.
    Later { ntlm: &'a [u8], signed: bool },
}

impl<'a> Token<'a> {
    pub(crate) fn parse(token: &'a [u8]) -> Option<Token<'a>> {
        if token.starts_with(b"NTLMSSP\0") {
            return Some(Token::Bare(token));
        }
        match value(token)? {
            (0x60, inside, _) => {
                let (0xa0, choice, _) = value(inside.strip_prefix(SPNEGO)?)? else { return None };
                let (SEQUENCE, fields, _) = value(choice)? else { return None };
                let mechanisms = tagged(fields, 0xa0)?;
                let (SEQUENCE, list, _) = value(mechanisms)? else { return None };
                let token = tagged(fields, 0xa2).and_then(octets).unwrap_or_default();
                let ntlm = if list.starts_with(NTLM) { token } else { &[] };
                Some(Token::First { mechanisms, ntlm })
            }
            (0xa1, inside, _) => {
                let (SEQUENCE, fields, _) = value(inside)? else { return None };
                let ntlm = tagged(fields, 0xa2).and_then(octets)?;
                Some(Token::Later { ntlm, signed: tagged(fields, 0xa3).is_some() })
            }
            _ => None,
        }
    }
}

/// The answer `accept-incomplete`, with NTLM's challenge if there is one yet.
pub(crate) fn incomplete(challenge: &[u8]) -> Vec<u8> {
    let mut fields = wrap(0xa0, &wrap(ENUMERATED, &[1]));
    fields.extend(wrap(0xa1, NTLM));
    if !challenge.is_empty() {
        fields.extend(wrap(0xa2, &wrap(OCTETS, challenge)));
    }
    wrap(0xa1, &wrap(SEQUENCE, &fields))
}

/// The answer `accept-completed`, with the signature over the list of mechanisms where the client signed it too.
pub(crate) fn completed(signature: Option<&[u8]>) -> Vec<u8> {
    let mut fields = wrap(0xa0, &wrap(ENUMERATED, &[0]));
    if let Some(signature) = signature {
        fields.extend(wrap(0xa3, &wrap(OCTETS, signature)));
    }
    wrap(0xa1, &wrap(SEQUENCE, &fields))
}

fn wrap(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match u8::try_from(content.len()) {
        Ok(length @ ..=0x7f) => out.push(length),
        Ok(length) => out.extend([0x81, length]),
        Err(_) => {
            out.push(0x82);
            out.extend(u16::try_from(content.len()).unwrap_or(u16::MAX).to_be_bytes());
        }
    }
    out.extend(content);
    out
}

/// Tag, content and what follows.
fn value(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81 => (usize::from(*rest.first()?), rest.get(1..)?),
        0x82 => (usize::from(u16::from_be_bytes(rest.get(..2)?.try_into().ok()?)), rest.get(2..)?),
        _ => return None,
    };
    Some((tag, rest.get(..length)?, &rest[length..]))
}

fn tagged(mut fields: &[u8], wanted: u8) -> Option<&[u8]> {
    loop {
        let (tag, content, rest) = value(fields)?;
        if tag == wanted {
            return Some(content);
        }
        fields = rest;
    }
}

fn octets(der: &[u8]) -> Option<&[u8]> {
    value(der).filter(|(tag, _, _)| *tag == OCTETS).map(|(_, content, _)| content)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn first(mechanisms: &[&[u8]], token: &[u8]) -> Vec<u8> {
        let mut fields = wrap(0xa0, &wrap(SEQUENCE, &mechanisms.concat()));
        fields.extend(wrap(0xa2, &wrap(OCTETS, token)));
        wrap(0x60, &[SPNEGO, &wrap(0xa0, &wrap(SEQUENCE, &fields))].concat())
    }

    #[test]
    fn ntlm_is_found_where_the_client_prefers_it() {
        let long = [7; 300];
        let token = first(&[NTLM], &long);
        assert!(matches!(Token::parse(&token), Some(Token::First { ntlm, .. }) if ntlm == long));
        let kerberos: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 0x01, 0x02, 0x02];
        let token = first(&[kerberos, NTLM], b"ticket");
        assert!(matches!(Token::parse(&token), Some(Token::First { ntlm: &[], .. })));
        assert_eq!(Token::parse(b"NTLMSSP\0..."), Some(Token::Bare(b"NTLMSSP\0...")));
    }

    #[test]
    fn answers_are_tokens_too() {
        let challenge = incomplete(&[9; 200]);
        assert_eq!(Token::parse(&challenge), Some(Token::Later { ntlm: &[9; 200], signed: false }));
        assert_eq!(Token::parse(&completed(None)), None, "no NTLM in it");
    }

    #[test]
    fn damaged_tokens_are_refused() {
        let token = first(&[NTLM], &[7; 300]);
        for length in 0..token.len() {
            assert_eq!(Token::parse(&token[..length]), None);
        }
    }

    proptest! {
        #[test]
        fn no_token_makes_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..80), at in 0..340_usize) {
            let mut token = first(&[NTLM], &[7; 300]);
            token.splice(at.min(token.len()).., bytes.iter().copied());
            Token::parse(&token);
            Token::parse(&bytes);
        }
    }
}
