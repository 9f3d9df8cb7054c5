//! The requests that begin and end subscriptions, and what their failures mean.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use futures_util::{StreamExt, stream};
use optigov_calendar::{Mailbox, ReadError, ReadErrorKind};

use crate::{
    affinity::Affinity,
    ops::{
        subscribe::{self, SubscriptionId},
        unsubscribe,
    },
    session::Session,
};

/// So many mailboxes of a group are subscribed to at once.
pub(super) const AT_ONCE: usize = 4;
/// After so many failures in a row that need not be the server's, it counts as one of the server's.
pub(super) const MANY: usize = 3;

/// What an error says of subscribing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The account may not watch this mailbox.
    Denied,
    /// Something is the matter with this mailbox.
    Mailbox,
    /// The group's server does not take this mailbox.
    Elsewhere,
    /// The account has as many subscriptions as it may have.
    TooMany,
    /// It may be this mailbox or the server.
    Unclear,
    /// No other mailbox would fare better.
    Server,
}

/// Subscribes to one mailbox. `None` where that has become pointless.
pub(super) async fn ask(
    session: Arc<Session>,
    affinity: Arc<Affinity>,
    group: u64,
    mailbox: Mailbox,
    in_a_row: Arc<AtomicUsize>,
) -> (Mailbox, Option<Result<SubscriptionId, ReadError>>) {
    let Ok(_turn) = session.hub.subscribing.acquire().await else { return (mailbox, None) };
    if in_a_row.load(Ordering::Relaxed) >= MANY || !session.hub.is_wanted(group, &mailbox) {
        return (mailbox, None);
    }
    let body = subscribe::request(&mailbox);
    let call = session.impersonating(&mailbox, subscribe::NAME, &body, session.deadline());
    let subscribed = session.call(call.with_affinity(&affinity), subscribe::read).await;
    (mailbox, Some(subscribed))
}

/// Ends subscriptions one after the other, until the server does not answer well.
pub(super) async fn end_subscriptions(
    session: Arc<Session>,
    affinity: Arc<Affinity>,
    ids: Vec<(Mailbox, SubscriptionId)>,
) {
    let ended = stream::iter(ids).map(|(mailbox, id)| {
        let (session, affinity) = (session.clone(), affinity.clone());
        async move {
            let _turn = session.hub.subscribing.acquire().await.ok()?;
            let body = unsubscribe::request(&id);
            let call = session.impersonating(&mailbox, unsubscribe::NAME, &body, session.deadline());
            match session.call(call.with_affinity(&affinity), unsubscribe::read).await {
                Err(error)
                    if matches!(verdict(&error), Verdict::Server | Verdict::Unclear) && error.code().is_none() =>
                {
                    None
                }
                _ => Some(()),
            }
        }
    });
    let mut ended = std::pin::pin!(ended.buffer_unordered(AT_ONCE));
    while let Some(Some(())) = ended.next().await {}
}

pub(super) fn verdict(error: &ReadError) -> Verdict {
    use ReadErrorKind as Kind;
    match error.code().map(|code| code.as_str()) {
        Some("ErrorProxyRequestNotAllowed" | "ErrorCrossSiteRequest") => return Verdict::Elsewhere,
        Some("ErrorExceededSubscriptionCount") => return Verdict::TooMany,
        Some("ErrorSubscriptionAccessDenied") => return Verdict::Denied,
        _ => {}
    }
    match error.kind() {
        Kind::AccessDenied | Kind::ImpersonationDenied | Kind::RequestRejected => Verdict::Denied,
        _ if error.is_mailbox() => Verdict::Mailbox,
        Kind::Timeout | Kind::Deadline | Kind::Interrupted | Kind::Transient | Kind::Server | Kind::Malformed => {
            Verdict::Unclear
        }
        Kind::LimitReached | Kind::Gateway | Kind::Unavailable => Verdict::Unclear,
        _ => Verdict::Server,
    }
}
