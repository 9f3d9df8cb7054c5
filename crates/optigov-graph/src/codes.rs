//! What Graph's codes mean for somebody who reads calendars: what went wrong, whose fault it is, and whether to ask again.
//!
//! Status and code decide, never the message. The set of codes is open: of one that no list has, the status decides alone.

use optigov_calendar::{Origin, ReadError, ReadErrorKind, Step, Text};
use optigov_http::Retry;

use ReadErrorKind::{
    AccessDenied, ConsentMissing, Forbidden, Gateway, MailboxDefective, MailboxElsewhere, MailboxNotFound,
    MailboxUnavailable, NotTheService, RequestRejected, Server, Throttled, Token, Transient, Unavailable,
};

/// The codes that decide whatever the status is, sorted.
static BY_CODE: &[(&str, ReadErrorKind)] = &[
    ("ApplicationThrottled", Throttled),
    ("Authorization_RequestDenied", ConsentMissing),
    ("ErrorAccessDenied", AccessDenied),
    ("ErrorADUnavailable", Transient),
    ("ErrorAccountDisabled", MailboxElsewhere),
    ("ErrorInsufficientResources", Transient),
    ("ErrorInternalServerTransientError", Transient),
    ("ErrorInvalidUser", MailboxNotFound),
    ("ErrorItemNotFound", MailboxDefective),
    ("ErrorMailboxMoveInProgress", MailboxUnavailable),
    ("ErrorMailboxStoreUnavailable", MailboxUnavailable),
    ("ErrorServerBusy", Throttled),
    ("ErrorTimeoutExpired", Transient),
    ("InvalidAuthenticationToken", Token),
    ("MailboxNotEnabledForRESTAPI", MailboxElsewhere),
    ("MailboxNotHostedInExchangeOnline", MailboxElsewhere),
    ("MailboxNotSupportedForRESTAPI", MailboxElsewhere),
    ("Request_ResourceNotFound", MailboxNotFound),
    ("ResourceNotFound", MailboxNotFound),
    ("TooManyRequests", Throttled),
    ("extensionError", MailboxElsewhere),
    ("resourceNotFound", MailboxNotFound),
];

/// The codes of one mailbox in an answer of `getSchedule`, which are those of Exchange's free/busy service.
static OF_A_SCHEDULE: &[(&str, ReadErrorKind)] = &[
    ("ErrorAccessDenied", AccessDenied),
    ("ErrorAccountDisabled", MailboxElsewhere),
    ("ErrorConnectionFailed", MailboxUnavailable),
    ("ErrorFreeBusyGenerationFailed", MailboxUnavailable),
    ("ErrorInvalidSmtpAddress", MailboxNotFound),
    ("ErrorMailRecipientNotFound", MailboxNotFound),
    ("ErrorMailboxFailover", MailboxUnavailable),
    ("ErrorMailboxLogonFailed", MailboxUnavailable),
    ("ErrorMailboxMoveInProgress", MailboxUnavailable),
    ("ErrorMailboxStoreUnavailable", MailboxUnavailable),
    ("ErrorNameResolutionNoResults", MailboxNotFound),
    ("ErrorNoCalendar", MailboxDefective),
    ("ErrorNoFreeBusyAccess", AccessDenied),
    ("ErrorNonExistentMailbox", MailboxNotFound),
    ("ErrorProxyRequestNotAllowed", MailboxElsewhere),
    ("ErrorProxyRequestProcessingFailed", MailboxElsewhere),
    ("ErrorRecipientNotFound", MailboxNotFound),
    ("ErrorServerBusy", Throttled),
    ("ErrorTimeoutExpired", Transient),
    ("ErrorUnableToGetUserOofSettings", Server),
];

/// The kind of a refusal by Graph. `code` is the one of its JSON, where it has any.
pub(crate) fn kind(status: u16, code: Option<&str>) -> ReadErrorKind {
    let known = code.and_then(|code| BY_CODE.iter().find(|(known, _)| known.eq_ignore_ascii_case(code)));
    match (known, status, code) {
        (Some((_, kind)), ..) => *kind,
        (_, 401, _) => Token,
        (_, 403, _) => Forbidden,
        // Graph's own words for what it does not know; without them it is no Graph that answers.
        (_, 404, Some(_)) => Server,
        (_, 404 | 405 | 410, None) => NotTheService,
        (_, 407, _) => ReadErrorKind::Proxy,
        (_, 408, _) => Transient,
        // Microsoft's "Login Time-out".
        (_, 440, _) => ReadErrorKind::LogonPage,
        (_, 429, _) => Throttled,
        (_, 502, None) => Gateway,
        (_, 503, _) => Unavailable,
        // Documented to come along with 503, with the same hint when to come back.
        (_, 504, _) => Unavailable,
        (_, 300..=399, _) => NotTheService,
        (_, 400..=499, Some(_)) => RequestRejected,
        _ => Server,
    }
}

/// The error of one mailbox in an answer of `getSchedule`.
pub(crate) fn of_a_schedule(code: &str) -> ReadError {
    let found = OF_A_SCHEDULE.iter().find(|(known, _)| known.eq_ignore_ascii_case(code.trim()));
    let kind = found.map_or(Server, |(_, kind)| *kind);
    let fact = Text::fixed(
        "Exchange Online nennt für dieses Postfach einen Fehler statt seiner Zeiten",
        "Exchange Online reports an error for this mailbox in place of its times",
    );
    let error = ReadError::new(kind, fact).with_code(code.trim()).at(Step::Calendar);
    // It is said of this mailbox alone, whatever is said.
    match kind {
        AccessDenied => error,
        _ => error.with_origin(Origin::Mailbox),
    }
}

/// Whether the request that ended like this may be sent again within the same call.
pub(crate) fn retry(error: &ReadError) -> Retry {
    match error.kind() {
        // Where nothing was sent, it was our own memory of an earlier answer that held the request back.
        _ if error.step().is_none() => Retry::No,
        Throttled | Unavailable => Retry::BackOff,
        MailboxUnavailable => Retry::Gently,
        Transient => Retry::Transient,
        Server if error.http_status() == Some(500) => Retry::Gently,
        _ => Retry::No,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_hold_each_code_once() {
        for table in [BY_CODE, OF_A_SCHEDULE] {
            let mut names: Vec<&str> = table.iter().map(|(name, _)| *name).collect();
            names.sort_unstable();
            names.dedup();
            // Two spellings of one code are in the first table, as Graph spells both.
            assert_eq!(names.len(), table.len());
        }
    }

    #[test]
    fn a_code_counts_for_more_than_its_status_and_a_status_for_more_than_nothing() {
        for (status, code, expected) in [
            (404, Some("MailboxNotEnabledForRESTAPI"), MailboxElsewhere),
            (400, Some("MailboxNotEnabledForRESTAPI"), MailboxElsewhere),
            (404, Some("ErrorInvalidUser"), MailboxNotFound),
            (404, Some("ErrorItemNotFound"), MailboxDefective),
            (404, Some("ErrorOfTheFuture"), Server),
            (404, None, NotTheService),
            (403, Some("ErrorAccessDenied"), AccessDenied),
            (403, Some("ErrorOfTheFuture"), Forbidden),
            (403, None, Forbidden),
            (429, None, Throttled),
            (503, Some("serviceNotAvailable"), Unavailable),
            (504, None, Unavailable),
            (502, None, Gateway),
            (500, Some("generalException"), Server),
            (400, Some("ErrorInvalidParameter"), RequestRejected),
            (302, None, NotTheService),
            (999, None, Server),
        ] {
            assert_eq!(kind(status, code), expected, "{status} {code:?}");
        }
    }

    #[test]
    fn an_error_of_one_schedule_is_about_one_mailbox() {
        for (code, _) in OF_A_SCHEDULE {
            assert!(of_a_schedule(code).is_mailbox(), "{code}");
        }
        assert!(of_a_schedule("ErrorOfTheFuture").is_mailbox());
        assert!(of_a_schedule("ErrorMailRecipientNotFound").is_not_here());
    }
}
