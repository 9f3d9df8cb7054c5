//! What `WWW-Authenticate` says: schemes, each perhaps with a token, in one header line or in several.

#[cfg(any(feature = "ntlm", feature = "kerberos"))]
use base64::{Engine, prelude::BASE64_STANDARD};
use http::{HeaderMap, header};

/// The schemes in `WWW-Authenticate`, in the order sent, each once.
pub(crate) fn offered_schemes(headers: &HeaderMap) -> Vec<String> {
    let mut schemes: Vec<String> = Vec::new();
    for (scheme, _) in challenges(headers) {
        if !schemes.iter().any(|known| known == scheme) {
            schemes.push(scheme.to_owned());
        }
    }
    schemes
}

/// The token that comes with one of these schemes.
#[cfg(any(feature = "ntlm", feature = "kerberos"))]
pub(crate) fn token(headers: &HeaderMap, schemes: &[&str]) -> Option<Vec<u8>> {
    challenges(headers).find_map(|(scheme, token)| {
        let ours = schemes.iter().any(|name| scheme.eq_ignore_ascii_case(name));
        ours.then(|| BASE64_STANDARD.decode(token?).ok()).flatten()
    })
}

/// Each scheme with the token that follows it, if there is one.
fn challenges(headers: &HeaderMap) -> impl Iterator<Item = (&str, Option<&str>)> {
    let lines = headers.get_all(header::WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(parts).filter_map(|part| {
        let (scheme, rest) = part.split_once(' ').unwrap_or((part, ""));
        let named = (1..=20).contains(&scheme.len()) && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let token = Some(rest.trim()).filter(|rest| !rest.is_empty());
        // A further parameter of the scheme before, such as `charset="UTF-8"`, has an equals sign in place of a space.
        named.then_some((scheme, token))
    })
}

/// The parts of a line between its commas, those inside quotation marks aside.
fn parts(line: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    let mut escaped = false;
    line.split(move |character| {
        let separates = character == ',' && !quoted;
        quoted ^= character == '"' && !escaped;
        escaped = quoted && character == '\\' && !escaped;
        separates
    })
    .map(str::trim)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(lines: &[&'static str]) -> HeaderMap {
        lines.iter().map(|line| (header::WWW_AUTHENTICATE, HeaderValue::from_static(line))).collect()
    }

    #[test]
    fn schemes_are_found_in_one_line_and_in_several() {
        for lines in [&["Negotiate, NTLM"][..], &["Negotiate", "NTLM"], &["Negotiate,NTLM", "Negotiate"]] {
            assert_eq!(offered_schemes(&headers(lines)), ["Negotiate", "NTLM"]);
        }
    }

    #[test]
    fn parameters_are_no_schemes() {
        let lines =
            headers(&["Basic realm=\"a, NTLM \\\", Digest\", charset=\"UTF-8\", Negotiate", "", ",,", "Bad{} x"]);
        assert_eq!(offered_schemes(&lines), ["Basic", "Negotiate"]);
    }

    #[cfg(any(feature = "ntlm", feature = "kerberos"))]
    #[test]
    fn a_token_is_found_beside_other_schemes() {
        for lines in [&["NTLM, Negotiate dG9rZW4="][..], &["Basic realm=\"x\"", "negotiate dG9rZW4=, NTLM"]] {
            assert_eq!(token(&headers(lines), &["Negotiate"]), Some(b"token".to_vec()));
        }
        assert_eq!(token(&headers(&["Negotiate", "NTLM dG9rZW4="]), &["Negotiate"]), None);
        assert_eq!(token(&headers(&["Negotiate ###"]), &["Negotiate"]), None);
    }
}
