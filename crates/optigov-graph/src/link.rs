//! Where the next page of a view is.

use optigov_calendar::{Mailbox, ReadError};
use optigov_http::error::malformed;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use url::Url;

/// What is encoded in a segment of a path: everything but what RFC 3986 never does, and `@`, which every path may hold.
const IN_A_SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'@');

/// A longer link is no link.
const LONGEST: usize = 8_192;

/// The path of a mailbox in Graph, after its version: `/users/anna@musterstadt.example`.
pub(crate) fn user(mailbox: &Mailbox) -> String {
    format!("/users/{}", utf8_percent_encode(mailbox.as_str(), IN_A_SEGMENT))
}

/// The path and query, after the version, of the next page that `@odata.nextLink` names.
///
/// # Errors
/// [`Malformed`](optigov_calendar::ReadErrorKind::Malformed) where the link leads to another host than Graph's, to another mailbox or to something
/// else than a view: neither is the token sent there, nor does what comes from there count.
pub(crate) fn next(link: &str, graph: &Url, mailbox: &Mailbox) -> Result<String, ReadError> {
    let unusable = || {
        malformed(
            "der Verweis auf die nächste Seite (@odata.nextLink) ist unbrauchbar",
            "the link to the next page (@odata.nextLink) is of no use",
        )
    };
    // What parses an address drops control characters; none belongs in one.
    if link.len() > LONGEST || link.contains(char::is_control) {
        return Err(unusable());
    }
    let url = Url::parse(link).map_err(|_| unusable())?;
    if url.origin() != graph.origin() || !url.username().is_empty() || url.password().is_some() {
        return Err(malformed(
            "der Verweis auf die nächste Seite (@odata.nextLink) führt zu einem anderen Server",
            "the link to the next page (@odata.nextLink) leads to another server",
        ));
    }
    let path = url.path().strip_prefix("/v1.0").ok_or_else(unusable)?;
    if !is_a_view_of(path, mailbox) {
        return Err(malformed(
            "der Verweis auf die nächste Seite (@odata.nextLink) führt zu einem anderen Kalender",
            "the link to the next page (@odata.nextLink) leads to another calendar",
        ));
    }
    Ok(match url.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    })
}

/// Whether the path is `/users/{mailbox}/calendar/calendarView`, in either notation of a key, and with the calendar left out.
fn is_a_view_of(path: &str, mailbox: &Mailbox) -> bool {
    let decode = |segment: &str| percent_decode_str(segment).decode_utf8_lossy().to_lowercase();
    let segments: Vec<String> = path.trim_start_matches('/').split('/').map(decode).collect();
    let named = mailbox.as_str().to_lowercase();
    let rest = match segments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["users", user, rest @ ..] if *user == named => rest.join("/"),
        [users, rest @ ..] if *users == format!("users('{}')", named.replace('\'', "''")) => rest.join("/"),
        _ => return false,
    };
    matches!(rest.as_str(), "calendar/calendarview" | "calendarview")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn graph() -> Url {
        Url::parse("https://graph.microsoft.com").expect("an address")
    }

    fn mailbox(text: &str) -> Mailbox {
        Mailbox::parse(text).expect("an address")
    }

    #[test]
    fn a_next_page_is_on_the_same_host_and_in_the_same_mailbox() {
        let anna = mailbox("anna@musterstadt.example");
        for good in [
            "https://graph.microsoft.com/v1.0/users/anna@musterstadt.example/calendar/calendarView?$skip=10",
            "https://graph.microsoft.com:443/v1.0/users/anna%40MUSTERSTADT.example/calendarView?a=b",
            "https://graph.microsoft.com/v1.0/users('anna%40musterstadt.example')/calendar/calendarView?$skip=10",
        ] {
            assert!(next(good, &graph(), &anna).is_ok_and(|next| next.starts_with("/users")), "{good}");
        }
        for wrong in [
            "",
            "/v1.0/users/anna@musterstadt.example/calendar/calendarView?$skip=10",
            "http://graph.microsoft.com/v1.0/users/anna@musterstadt.example/calendar/calendarView",
            "https://graph.microsoft.com.evil.example/v1.0/users/anna@musterstadt.example/calendar/calendarView",
            "https://graph.microsoft.com:8443/v1.0/users/anna@musterstadt.example/calendar/calendarView",
            "https://graph.microsoft.com@evil.example/v1.0/users/anna@musterstadt.example/calendar/calendarView",
            "https://x@graph.microsoft.com/v1.0/users/anna@musterstadt.example/calendar/calendarView",
            "https://graph.microsoft.com/beta/users/anna@musterstadt.example/calendar/calendarView",
            "https://graph.microsoft.com/v1.0/users/berta@musterstadt.example/calendar/calendarView",
            "https://graph.microsoft.com/v1.0/me/calendar/calendarView",
            "https://graph.microsoft.com/v1.0/users/anna@musterstadt.example/messages",
            "https://graph.microsoft.com/v1.0/users/berta@x.example/../anna@musterstadt.example/events",
            "\0https://graph.microsoft.com/v1.0/users/anna@musterstadt.example/calendar/calendarView",
            "https://graph.microsoft.com/v1.0/users/anna@muster\nstadt.example/calendar/calendarView",
        ] {
            assert!(next(wrong, &graph(), &anna).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_a_path_cannot_hold_is_encoded() {
        assert_eq!(user(&mailbox("anna#ext#@musterstadt.example")), "/users/anna%23ext%23@musterstadt.example");
    }

    proptest! {
        #[test]
        fn whatever_comes_is_a_page_of_this_mailbox_or_an_error(
            tail in "\\PC{0,60}", start in prop::sample::select(vec!["", "https://graph.microsoft.com", "https://graph.microsoft.com/v1.0/users/"]),
        ) {
            let anna = mailbox("anna@musterstadt.example");
            if let Ok(found) = next(&format!("{start}{tail}"), &graph(), &anna) {
                prop_assert!(found.starts_with("/users") && found.to_lowercase().contains("musterstadt.example"));
            }
        }
    }
}
