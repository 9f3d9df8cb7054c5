//! On whose behalf a request acts, and what it may see.

use crate::scenario::{Location, Mailbox, MailboxState, Permission};
use crate::soap::Refusal;
use crate::world::{Named, World};
use crate::xml::{Element, Ns};

/// The account that sent a request, and the mailbox that it acts for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caller {
    /// The account that logged in.
    pub(crate) account: usize,
    /// The mailbox that it impersonates.
    pub(crate) acting_as: Option<usize>,
}

impl Caller {
    /// Applies the `ExchangeImpersonation` header. Exchange refuses with a fault, before it looks at the operation.
    pub(crate) fn new(world: &World, account: usize, header: Option<&Element>) -> Result<Caller, Refusal> {
        let Some(header) = header else { return Ok(Caller { account, acting_as: None }) };
        let ids = header.types(&["ConnectingSID"]).map_or(&[][..], |sid| &sid.children);
        let [id] = ids else {
            let text = "The ExchangeImpersonation header needs exactly one way of naming the user.";
            return Err(Refusal::new("ErrorInvalidExchangeImpersonationHeaderData", text));
        };
        let target = named(world, id)?;
        let mailbox = world.mailbox(target);
        on_premises(mailbox)?;
        let allowed = world.account(account).impersonates.includes(&mailbox.address);
        if !allowed {
            let text = "The account does not have permission to impersonate the requested user.";
            return Err(Refusal::new("ErrorImpersonateUserDenied", text));
        }
        if mailbox.state == MailboxState::Disabled {
            return Err(Refusal::new("ErrorAccountDisabled", "The account that was asked for is disabled."));
        }
        Ok(Caller { account, acting_as: Some(target) })
    }

    /// The mailbox that a request means when it names none: the impersonated one, else the account's own.
    pub(crate) fn own_mailbox(&self, world: &World) -> Option<usize> {
        self.acting_as.or_else(|| world.mailbox_of(world.account(self.account).mailbox.as_deref()?))
    }

    /// What the caller may see of a mailbox.
    pub(crate) fn permission(&self, world: &World, mailbox: usize) -> Permission {
        if self.own_mailbox(world) == Some(mailbox) {
            return Permission::Reviewer;
        }
        let owner = world.mailbox(mailbox);
        let address = self.own_mailbox(world).map(|own| world.mailbox(own).address.to_lowercase());
        let name = self.acting_as.is_none().then(|| world.account(self.account).name.to_lowercase());
        let granted = [name, address].into_iter().flatten().find_map(|who| owner.permissions.get(&who).copied());
        granted.unwrap_or(owner.default_permission)
    }
}

/// The mailbox that a child of `ConnectingSID` names.
fn named(world: &World, id: &Element) -> Result<usize, Refusal> {
    let unknown = || Refusal::new("ErrorNonExistentMailbox", "No mailbox with such an address exists.");
    let value = id.text();
    let mut mailboxes = world.scenario.mailboxes.iter();
    match (id.ns, id.name.as_str()) {
        (Ns::Types, "PrimarySmtpAddress" | "SmtpAddress") if !value.contains('@') => {
            Err(Refusal::new("ErrorInvalidSmtpAddress", "The SMTP address format is not valid."))
        }
        (Ns::Types, "PrimarySmtpAddress") => match world.by_address(value) {
            Some(Named::Primary(at)) => Ok(at),
            Some(Named::Alias(at)) => Err(not_primary(&world.mailbox(at).address)),
            None => Err(unknown()),
        },
        (Ns::Types, "SmtpAddress") => world.mailbox_of(value).ok_or_else(unknown),
        (Ns::Types, "PrincipalName") => mailboxes
            .position(|m| m.principal_name.as_deref().unwrap_or(&m.address).eq_ignore_ascii_case(value))
            .ok_or_else(|| Refusal::new("ErrorInvalidUserPrincipalName", "The user principal name is not valid.")),
        (Ns::Types, "SID") => mailboxes
            .position(|m| m.sid.as_deref().is_some_and(|sid| sid.eq_ignore_ascii_case(value)))
            .ok_or_else(|| Refusal::new("ErrorInvalidUserSid", "The security identifier of the user is not valid.")),
        _ => {
            let text = "The ExchangeImpersonation header names the user in an unknown way.";
            Err(Refusal::new("ErrorInvalidExchangeImpersonationHeaderData", text))
        }
    }
}

/// Of a mailbox in Exchange Online, the server on premises has a mail user only.
pub(crate) fn on_premises(mailbox: &Mailbox) -> Result<(), Refusal> {
    match mailbox.location {
        Location::OnPremises => Ok(()),
        Location::Online => {
            let text = "The SMTP address has no mailbox associated with it.";
            Err(Refusal::new("ErrorNonExistentMailbox", text))
        }
    }
}

/// Exchange names the primary address that should have been used.
pub(crate) fn not_primary(primary: &str) -> Refusal {
    let text = "The primary SMTP address must be given when a mailbox is named.";
    Refusal::new("ErrorNonPrimarySmtpAddress", text).with("Primary", primary)
}
