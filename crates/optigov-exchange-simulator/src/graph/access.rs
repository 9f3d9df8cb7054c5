//! Whose calendar a request means, and whether the application may read it.

use super::error::GraphError;
use crate::scenario::{Impersonates, Location, MailboxState};
use crate::world::World;

/// The mailbox of a user principal name or of an address, primary or not.
pub(super) fn find(world: &World, user: &str) -> Option<usize> {
    let by_name = |name: &Option<String>| name.as_deref().is_some_and(|name| name.eq_ignore_ascii_case(user));
    let mut mailboxes = world.scenario.mailboxes.iter();
    world.mailbox_of(user).or_else(|| mailboxes.position(|mailbox| by_name(&mailbox.principal_name)))
}

/// The mailbox of a user, if the application may read its calendar and Exchange Online has it.
pub(super) fn open(world: &World, application: usize, user: &str) -> Result<usize, GraphError> {
    let reads = &world.scenario.applications[application].reads;
    if *reads == Impersonates::Nobody {
        return Err(GraphError::new(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again."));
    }
    let unknown = || GraphError::new(404, "ErrorInvalidUser", format!("The requested user '{user}' is invalid."));
    let at = find(world, user).ok_or_else(unknown)?;
    let mailbox = world.mailbox(at);
    let away = || {
        let text = "The mailbox is either inactive, soft-deleted, or is hosted on-premise.";
        GraphError::new(404, "MailboxNotEnabledForRESTAPI", text)
    };
    if mailbox.location == Location::OnPremises {
        return Err(away());
    }
    if !reads.includes(&mailbox.address) {
        let text = "Access to OData is disabled: [RAOP] : Blocked by tenant configured AppOnly AccessPolicy settings.";
        return Err(GraphError::new(403, "ErrorAccessDenied", text));
    }
    match mailbox.state {
        MailboxState::Enabled | MailboxState::Hung => Ok(at),
        MailboxState::Disabled => Err(away()),
        MailboxState::Moving => {
            let text = "The mailbox is being moved to another database.";
            Err(GraphError::new(503, "ErrorMailboxMoveInProgress", text).retry_after(Some("30".to_owned())))
        }
        MailboxState::Unavailable => {
            let text = "The mailbox database is temporarily unavailable.";
            Err(GraphError::new(503, "ErrorMailboxStoreUnavailable", text).retry_after(Some("30".to_owned())))
        }
    }
}
