//! The token that proves the account to the server, and the proof that the server gives in return.

use krb5::{
    ChannelBindings, ClientError,
    initiator::{GSS_C_CHANNEL_BOUND_FLAG, GSS_C_MUTUAL_FLAG, InitOptions},
    spnego::SpnegoInitiator,
};
use optigov_calendar::ReadError;

use super::{
    failure::{token_failed, unproven},
    quietly,
    tickets::Ticket,
};

/// One attempt to authenticate. Each has a token of its own: servers refuse one that they have seen.
pub(crate) struct Attempt {
    initiator: SpnegoInitiator,
}

impl Attempt {
    /// A token for the server, tied to the TLS connection by its binding.
    pub(crate) fn new(ticket: &Ticket, binding: Option<&[u8]>) -> Result<(Attempt, Vec<u8>), ReadError> {
        let bindings = binding.map(ChannelBindings::new);
        let mut options = InitOptions::default();
        options.channel_bindings = bindings.as_ref();
        // "I bind" is said only together with a binding: without one it counts as a wrong one.
        let flags = GSS_C_MUTUAL_FLAG | if bindings.is_some() { GSS_C_CHANNEL_BOUND_FLAG } else { 0 };
        let made = quietly(|| SpnegoInitiator::with_options(&ticket.credentials, flags, options));
        let (initiator, token) = made.map_err(|_| token_failed())?;
        Ok((Attempt { initiator }, token))
    }

    /// Verifies the server's token, which only the owner of the service's key can make.
    ///
    /// # Errors
    /// Where there is none, or a wrong one: what answered is not the service, and the connection must end.
    pub(crate) fn verify(mut self, token: Option<&[u8]>) -> Result<(), ReadError> {
        let token = token.ok_or_else(|| unproven(false))?;
        quietly(|| self.initiator.step(token)).map_err(|_| unproven(true))?;
        match self.initiator.context().is_established() {
            true => Ok(()),
            false => Err(unproven(true)),
        }
    }

    /// The code of the Kerberos error in a refusal, if the server tells one.
    pub(crate) fn refusal(mut self, token: Option<&[u8]>) -> Option<i32> {
        match quietly(|| self.initiator.step(token?).err())? {
            ClientError::Kdc { code, .. } => Some(code),
            _ => None,
        }
    }
}
