use serde::Deserialize;

/// On which side of a hybrid organisation a mailbox lies. In a scenario file: `on_premises`, `online`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Location {
    /// On the town's own Exchange server: read by EWS; Graph answers `MailboxNotEnabledForRESTAPI`. The default.
    #[default]
    OnPremises,
    /// In Exchange Online: read by Graph; EWS of the server answers `ErrorNonExistentMailbox`, since it has a remote mailbox
    /// of this address only.
    Online,
}
