//! What the server's response codes mean for somebody who reads calendars: what went wrong, whose fault it is, and whether to ask again.
//!
//! The table holds every code of Microsoft's schema (`ResponseCodeType` in Messages.xsd), also those that only other operations know: a server
//! may send any of them. The [`Origin`] also says how far a code reaches:
//!
//! | origin | the code concerns |
//! |---|---|
//! | [`Origin::Mailbox`] | this mailbox alone; all others can be read |
//! | [`Origin::Account`] | the service account; where it is about rights, its rights to this mailbox |
//! | [`Origin::Library`] | the request: the same request fails again, for every mailbox alike |
//! | [`Origin::Server`] | the server, its organisation, or the way from there to the mailbox |

mod table;

use std::sync::LazyLock;

use optigov_calendar::{Origin, ReadError, ReadErrorKind};
use optigov_http::Retry;

/// What a response code means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CodeMeaning {
    /// What went wrong.
    pub(crate) kind: ReadErrorKind,
    /// Whose fault it is.
    pub(crate) origin: Origin,
    /// Whether the same request may be sent again.
    pub(crate) retry: Retry,
}

/// The meaning of a code as the server spells it. The set of codes is open: one that is not in the table is the server's own error, and is not
/// asked again.
pub(crate) fn meaning(code: &str) -> CodeMeaning {
    const UNKNOWN: CodeMeaning = CodeMeaning { kind: ReadErrorKind::Server, origin: Origin::Server, retry: Retry::No };
    match BY_CODE.binary_search_by_key(&code, |(code, _)| code) {
        Ok(index) => BY_CODE[index].1,
        Err(_) => UNKNOWN,
    }
}

/// Whether the request that ended like this may be sent again. The server's code decides; where there is none, the kind does.
pub(crate) fn retry(error: &ReadError) -> Retry {
    match error.code() {
        // Where nothing was sent, it was our own memory of an earlier answer that held the request back.
        _ if error.step().is_none() => Retry::No,
        Some(code) => meaning(code.as_str()).retry,
        None if error.is_throttled() => Retry::BackOff,
        None if error.kind() == ReadErrorKind::Transient => Retry::Transient,
        None => Retry::No,
    }
}

/// The table, sorted by code.
static BY_CODE: LazyLock<Vec<(&'static str, CodeMeaning)>> = LazyLock::new(|| {
    let mut sorted: Vec<_> =
        table::GROUPS.iter().flat_map(|group| group.codes.iter().map(|code| (*code, group.meaning))).collect();
    sorted.sort_unstable_by_key(|(code, _)| *code);
    sorted
});

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use ReadErrorKind as Kind;

    use super::*;

    fn listed() -> BTreeSet<&'static str> {
        include_str!("../tests/response_codes.txt").lines().collect()
    }

    #[test]
    fn the_table_holds_every_code_of_the_list_once_and_no_other() {
        let list = include_str!("../tests/response_codes.txt");
        assert_eq!(list.lines().count(), listed().len(), "the list holds a code twice");
        for pair in BY_CODE.windows(2) {
            assert_ne!(pair[0].0, pair[1].0, "the table holds a code twice");
        }
        let table: BTreeSet<_> = BY_CODE.iter().map(|(code, _)| *code).collect();
        let missing: Vec<_> = listed().difference(&table).copied().collect();
        let unknown: Vec<_> = table.difference(&listed()).copied().collect();
        assert!(missing.is_empty() && unknown.is_empty(), "missing: {missing:?}; unknown: {unknown:?}");
    }

    /// Holds wherever `OPTIGOV_SHARED` names the directory with Microsoft's schemas; without it there is nothing to compare with.
    #[test]
    fn the_list_is_the_one_of_the_schema() {
        let Some(shared) = std::env::var_os("OPTIGOV_SHARED") else { return };
        let path = std::path::Path::new(&shared).join("schema/Messages.xsd");
        let schema = std::fs::read_to_string(path).expect("Messages.xsd is readable");
        let (_, rest) = schema.split_once("<xs:simpleType name=\"ResponseCodeType\">").expect("the type is there");
        let (codes, _) = rest.split_once("</xs:simpleType>").expect("the type ends");
        let codes: BTreeSet<_> = codes
            .split("<xs:enumeration value=\"")
            .skip(1)
            .map(|code| code.split('"').next().expect("split gives a first part"))
            .collect();
        assert_eq!(listed(), codes);
    }

    #[test]
    fn what_strangers_servers_taught_is_in_the_table() {
        let rows = [
            ("ErrorMailboxStoreUnavailable", Kind::MailboxUnavailable, Origin::Mailbox, Retry::Gently),
            ("ErrorInternalServerTransientError", Kind::Transient, Origin::Server, Retry::Transient),
            ("ErrorInsufficientResources", Kind::Transient, Origin::Server, Retry::Transient),
            ("ErrorADUnavailable", Kind::Transient, Origin::Server, Retry::Transient),
            ("ErrorTimeoutExpired", Kind::Transient, Origin::Server, Retry::Transient),
            ("ErrorPasswordExpired", Kind::PasswordExpired, Origin::Account, Retry::No),
            ("ErrorPasswordChangeRequired", Kind::PasswordExpired, Origin::Account, Retry::No),
            ("ErrorInvalidUserPrincipalName", Kind::MailboxNotFound, Origin::Mailbox, Retry::No),
            ("ErrorInvalidUserSid", Kind::MailboxNotFound, Origin::Mailbox, Retry::No),
            ("ErrorNoCalendar", Kind::MailboxDefective, Origin::Mailbox, Retry::No),
            ("ErrorMailboxConfiguration", Kind::MailboxDefective, Origin::Mailbox, Retry::No),
            ("ErrorInvalidSchemaVersionForMailboxVersion", Kind::RequestRejected, Origin::Configuration, Retry::No),
            ("ErrorServerBusy", Kind::Throttled, Origin::Server, Retry::BackOff),
            ("ErrorExceededConnectionCount", Kind::Throttled, Origin::Server, Retry::BackOff),
            ("ErrorTooManyObjectsOpened", Kind::Throttled, Origin::Server, Retry::BackOff),
        ];
        for (code, kind, origin, retry) in rows {
            assert_eq!(meaning(code), CodeMeaning { kind, origin, retry }, "{code}");
        }
        let remedy = meaning("ErrorInvalidSchemaVersionForMailboxVersion").kind.remedy();
        for language in optigov_calendar::Language::ALL {
            assert!(
                remedy.in_language(language).contains("RequestServerVersion"),
                "the remedy names the request version"
            );
        }
    }

    #[test]
    fn a_code_that_no_list_has_stays_the_servers() {
        let unknown = CodeMeaning { kind: Kind::Server, origin: Origin::Server, retry: Retry::No };
        for code in ["ErrorOfTheFuture", "errorserverbusy", " ErrorServerBusy", "", "anna@musterstadt.example"] {
            assert_eq!(meaning(code), unknown, "{code:?}");
        }
    }

    #[test]
    fn kind_origin_and_retry_do_not_contradict_each_other() {
        for (code, CodeMeaning { kind, origin, retry }) in BY_CODE.iter() {
            match kind {
                Kind::MailboxNotFound | Kind::MailboxUnavailable | Kind::MailboxDefective | Kind::NotPrimaryAddress => {
                    assert_eq!(*origin, Origin::Mailbox, "{code} is about one mailbox");
                }
                Kind::PasswordExpired | Kind::ImpersonationDenied | Kind::AccessDenied => {
                    assert_eq!((*origin, *retry), (Origin::Account, Retry::No), "{code} is about the account");
                }
                Kind::Transient => assert_ne!(*retry, Retry::No, "{code} passes by itself"),
                _ => {}
            }
            assert!(*retry != Retry::BackOff || *kind == Kind::Throttled, "{code}: only throttling slows all down");
            assert!(*origin != Origin::Library || *retry == Retry::No, "{code}: the same request fails again");
        }
    }
}
