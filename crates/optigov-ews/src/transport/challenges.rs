//! `WWW-Authenticate` after [RFC 9110, 11.6.1](https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1): challenges, in one line or in many.
//!
//! A parser of our own, because the handshakes of NTLM and Negotiate put a token in the place of parameters, which the library for challenges
//! (`http-auth`) refuses by intention.

use http::{HeaderMap, header};

/// More challenges than this are not looked at.
const MOST: usize = 32;

/// One challenge. Its parameters, which no scheme here needs, are passed over.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Challenge<'h> {
    pub(super) scheme: &'h str,
    /// The token of a handshake.
    pub(super) token: Option<&'h str>,
}

/// The schemes offered, in the order sent, each once.
pub(crate) fn offered_schemes(headers: &HeaderMap) -> Vec<String> {
    let mut schemes: Vec<String> = Vec::new();
    for Challenge { scheme, .. } in challenges(headers) {
        if is_scheme(scheme) && !schemes.iter().any(|known| known.eq_ignore_ascii_case(scheme)) {
            schemes.push(scheme.to_owned());
        }
    }
    schemes
}

/// The challenges of all lines.
pub(super) fn challenges(headers: &HeaderMap) -> impl Iterator<Item = Challenge<'_>> {
    let lines = headers.get_all(header::WWW_AUTHENTICATE).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(parse).take(MOST)
}

/// The challenges of one line. An element of the list without a scheme is a parameter of the challenge before it.
fn parse(line: &str) -> impl Iterator<Item = Challenge<'_>> {
    elements(line).filter_map(|element| {
        let (scheme, rest) = match element.split_once([' ', '\t']) {
            Some((scheme, rest)) => (scheme, rest.trim()),
            None => (element, ""),
        };
        let is_parameter = scheme.contains('=') || rest.starts_with('=');
        (is_token(scheme) && !is_parameter)
            .then(|| Challenge { scheme, token: Some(rest).filter(|rest| is_token68(rest)) })
    })
}

/// The elements of a list that commas part, save those inside quotation marks.
fn elements(line: &str) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    let parts = line.split(move |character| {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ',' => return !quoted,
            _ => {}
        }
        false
    });
    parts.map(str::trim).filter(|element| !element.is_empty())
}

/// `token` of RFC 9110, 5.6.2.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// `token68` of RFC 9110, 11.2.
fn is_token68(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    !body.is_empty() && body.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte))
}

/// What can be the name of a scheme and is repeated to the administrator.
fn is_scheme(name: &str) -> bool {
    name.len() <= 20 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn all(line: &str) -> Vec<(&str, Option<&str>)> {
        parse(line).map(|challenge| (challenge.scheme, challenge.token)).collect()
    }

    #[test]
    fn challenges_may_stand_in_one_line_and_follow_a_token() {
        assert_eq!(all("Negotiate,NTLM"), [("Negotiate", None), ("NTLM", None)]);
        assert_eq!(
            all("NTLM TlRMTVNTUAACAAAA==, Negotiate"),
            [("NTLM", Some("TlRMTVNTUAACAAAA==")), ("Negotiate", None)]
        );
        assert_eq!(
            all(
                "Basic realm=\"a, NTLM \\\", b\", charset=\"UTF-8\", NTLM , ,Bearer client_id = \"x\", authorization_uri=y"
            ),
            [("Basic", None), ("NTLM", None), ("Bearer", None)]
        );
        assert_eq!(all(""), []);
        assert_eq!(all(",, =,\"NTLM"), []);
    }

    #[test]
    fn each_scheme_is_offered_once_whatever_the_lines() {
        let mut headers = HeaderMap::new();
        for line in ["Negotiate,NTLM", "ntlm", "Basic realm=\"Exchange, NTLM2 \"", "Bearer", "<script> x"] {
            headers.append(header::WWW_AUTHENTICATE, HeaderValue::from_static(line));
        }
        assert_eq!(offered_schemes(&headers), ["Negotiate", "NTLM", "Basic", "Bearer"]);
    }

    /// A challenge as a server may write it, and what is to be read of it.
    fn challenge() -> impl Strategy<Value = (String, String, Option<String>)> {
        let parameters = prop::collection::vec(("[a-z]{1,8}", "[ -~]{0,12}"), 1..4).prop_map(|parameters| {
            let written = parameters
                .iter()
                .map(|(name, value)| format!("{name}=\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"")));
            (written.collect::<Vec<_>>().join(", "), None)
        });
        let token = "[A-Za-z0-9+/]{1,40}={0,2}".prop_map(|token| (token.clone(), Some(token)));
        let rest = prop_oneof![Just((String::new(), None)), token, parameters];
        ("[A-Za-z]{1,12}", rest)
            .prop_map(|(scheme, (rest, token))| (format!("{scheme} {rest}").trim_end().to_owned(), scheme, token))
    }

    proptest! {
        #[test]
        fn what_a_server_lists_is_what_is_read(list in prop::collection::vec(challenge(), 0..6), comma in " ?,[ ,]?") {
            let line = list.iter().map(|(written, ..)| written.as_str()).collect::<Vec<_>>().join(&comma);
            let read: Vec<_> = parse(&line).map(|it| (it.scheme.to_owned(), it.token.map(str::to_owned))).collect();
            let meant: Vec<_> = list.into_iter().map(|(_, scheme, token)| (scheme, token)).collect();
            prop_assert_eq!(read, meant);
        }

        #[test]
        fn no_line_makes_the_parser_panic(line in "\\PC{0,60}") {
            prop_assert!(parse(&line).count() <= line.len());
        }
    }
}
