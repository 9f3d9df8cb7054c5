//! Which folder a request names, and whether the caller may open it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::Request;
use crate::identity::{not_primary, on_premises};
use crate::scenario::{MailboxState, Permission};
use crate::soap::Refusal;
use crate::world::Named;
use crate::xml::{Element, Ns};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Root,
    MessageRoot,
    Calendar,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Folder {
    pub(super) kind: Kind,
    pub(super) mailbox: usize,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::Root => "root",
            Kind::MessageRoot => "msgfolderroot",
            Kind::Calendar => "calendar",
        }
    }

    fn named(name: &str) -> Option<Kind> {
        [Kind::Root, Kind::MessageRoot, Kind::Calendar].into_iter().find(|kind| kind.name() == name)
    }
}

impl Folder {
    /// The folder of a `t:DistinguishedFolderId` or `t:FolderId`, if the caller may open it.
    pub(super) fn named(request: &Request<'_>, id: &Element) -> Result<Folder, Refusal> {
        let folder = match (id.ns, id.name.as_str()) {
            (Ns::Types, "DistinguishedFolderId") => distinguished(request, id)?,
            (Ns::Types, "FolderId") => from_id(request, super::required_attribute(id, "Id")?)?,
            _ => return Err(super::schema(format!("the element '{}' names no folder", id.name))),
        };
        folder.check(request)?;
        Ok(folder)
    }

    /// An opaque id, the same on every run.
    pub(super) fn id(self, request: &Request<'_>) -> String {
        STANDARD.encode(format!("{}\n{}", self.kind.name(), request.world.mailbox(self.mailbox).address))
    }

    /// Whether the mailbox can be opened, by this caller.
    pub(super) fn check(self, request: &Request<'_>) -> Result<(), Refusal> {
        on_premises(request.world.mailbox(self.mailbox))?;
        available(request, self.mailbox)?;
        if request.caller.permission(request.world, self.mailbox) < Permission::Reviewer {
            return Err(Refusal::new("ErrorAccessDenied", "Access is denied. Check the credentials and try again."));
        }
        Ok(())
    }
}

/// Whether the mailbox's store answers at all.
pub(super) fn available(request: &Request<'_>, mailbox: usize) -> Result<(), Refusal> {
    match request.world.mailbox(mailbox).state {
        MailboxState::Enabled => Ok(()),
        MailboxState::Disabled => {
            Err(Refusal::new("ErrorAccountDisabled", "The account that was asked for is disabled."))
        }
        MailboxState::Moving => {
            let text = "The mailbox is being moved to another server and cannot be opened now.";
            Err(Refusal::new("ErrorMailboxMoveInProgress", text))
        }
        MailboxState::Unavailable => {
            let text = "The mailbox database is temporarily unavailable.";
            Err(Refusal::new("ErrorMailboxStoreUnavailable", text))
        }
        // Where the request names the mailbox by its address, it got no answer at all.
        MailboxState::Hung => Err(Refusal::new("ErrorTimeoutExpired", "The mailbox did not answer in time.")),
    }
}

fn distinguished(request: &Request<'_>, id: &Element) -> Result<Folder, Refusal> {
    let name = super::required_attribute(id, "Id")?;
    let mailbox = match id.types(&["Mailbox", "EmailAddress"]).map(Element::text) {
        Some(address) => match request.world.by_address(address) {
            Some(Named::Primary(at)) => at,
            Some(Named::Alias(at)) => return Err(not_primary(&request.world.mailbox(at).address)),
            None => {
                let text = "No mailbox with such an address exists.";
                return Err(Refusal::new("ErrorNonExistentMailbox", text));
            }
        },
        None => request.caller.own_mailbox(request.world).ok_or_else(|| {
            let text = "An account without a mailbox of its own must name the mailbox of a distinguished folder.";
            Refusal::new("ErrorMissingEmailAddress", text)
        })?,
    };
    match Kind::named(name) {
        Some(kind) => Ok(Folder { kind, mailbox }),
        None => Err(not_found()),
    }
}

fn from_id(request: &Request<'_>, id: &str) -> Result<Folder, Refusal> {
    let malformed = || Refusal::new("ErrorInvalidIdMalformed", "The Id is invalid.");
    let text = STANDARD.decode(id).ok().and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(malformed)?;
    let (kind, address) = text.split_once('\n').ok_or_else(malformed)?;
    let kind = Kind::named(kind).ok_or_else(malformed)?;
    let mailbox = request.world.mailbox_of(address).ok_or_else(not_found)?;
    Ok(Folder { kind, mailbox })
}

fn not_found() -> Refusal {
    Refusal::new("ErrorFolderNotFound", "The folder could not be found in the store.")
}
