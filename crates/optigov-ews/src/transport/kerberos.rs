//! Kerberos: tickets from the KDC, and the token that proves the account to the server inside `Negotiate`.
//!
//! The crate `krb5` is used in [`exchange`], [`handshake`] and [`keytab`] only.

pub(crate) mod account;
pub(crate) mod exchange;
pub(crate) mod failure;
pub(crate) mod handshake;
pub(crate) mod keytab;
pub(crate) mod renewing;
pub(crate) mod tickets;

/// `krb5` logs names and, for a keytab, its path; none of that leaves here.
fn quietly<T>(work: impl FnOnce() -> T) -> T {
    tracing::subscriber::with_default(tracing::subscriber::NoSubscriber::default(), work)
}
