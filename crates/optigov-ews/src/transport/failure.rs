//! What the errors of the HTTP, TLS and socket libraries mean.

use std::{error::Error as StdError, io};

use rustls::{AlertDescription, CertificateError, Error as TlsError};

use super::resolve::ResolveError;
use crate::{Error, Kind, Step, error::BoxError};

/// Where a transport was when it failed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Before the request could be sent.
    Connecting,
    /// The request may have been sent; no part of the answer has come.
    Waiting,
    /// Part of the answer has come.
    Receiving,
}

/// The time for connecting has passed.
pub(crate) fn too_late() -> Error {
    Error::new(Kind::Timeout, "no connection to the server within the time for connecting").at(Step::Connect)
}

/// The server has sent nothing for the idle time.
pub(crate) fn silent() -> Error {
    Error::new(Kind::Timeout, "the server fell silent")
}

/// Tells the step and the cause by what is found in the error's chain.
pub(crate) fn classify(error: impl Into<BoxError>, phase: Phase) -> Error {
    let error = error.into();
    let found = find::<TlsError>(&*error).map(tls);
    let found =
        found.or_else(|| find::<ResolveError>(&*error).map(|_| (Kind::Resolve, "the server's name has no address")));
    let (kind, fact) = found.unwrap_or_else(|| match (io_kind(&*error), phase) {
        (Some(io::ErrorKind::ConnectionRefused), Phase::Connecting) => {
            (Kind::Connect, "the server refuses connections on this port")
        }
        (_, Phase::Connecting) => (Kind::Connect, "no connection to the server"),
        (_, Phase::Waiting) => (Kind::Interrupted, "the connection was lost before the answer began"),
        (_, Phase::Receiving) => (Kind::Interrupted, "the connection was lost before the answer was whole"),
    });
    let failure = match (kind, io_kind(&*error), phase) {
        (Kind::Connect, Some(io::ErrorKind::TimedOut), _) => too_late(),
        (Kind::Interrupted, Some(io::ErrorKind::TimedOut), _) => silent(),
        (Kind::Interrupted, _, Phase::Waiting) => Error::new(kind, fact).before_the_answer(),
        _ => Error::new(kind, fact),
    };
    failure.with_source(error)
}

fn tls(error: &TlsError) -> (Kind, &'static str) {
    match error {
        TlsError::InvalidCertificate(reason) => match reason {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                (Kind::CertificateExpired, "the server's certificate has expired")
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                (Kind::CertificateExpired, "the server's certificate is not valid yet")
            }
            CertificateError::UnknownIssuer => {
                (Kind::CertificateUntrusted, "the server's certificate is signed by an authority that is not trusted")
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                (Kind::CertificateName, "the server's certificate is for another name")
            }
            CertificateError::Revoked => (Kind::CertificateUntrusted, "the server's certificate has been revoked"),
            _ => (Kind::CertificateUntrusted, "the server's certificate cannot be accepted"),
        },
        TlsError::AlertReceived(AlertDescription::CertificateRequired) => {
            (Kind::Tls, "the server asks for a client certificate")
        }
        TlsError::AlertReceived(AlertDescription::ProtocolVersion) | TlsError::PeerIncompatible(_) => {
            (Kind::Tls, "client and server have no TLS version or cipher in common")
        }
        TlsError::InvalidMessage(_) => (Kind::Tls, "the server does not speak TLS on this port"),
        _ => (Kind::Tls, "the TLS handshake failed"),
    }
}

fn io_kind(error: &(dyn StdError + 'static)) -> Option<io::ErrorKind> {
    find::<io::Error>(error).map(io::Error::kind)
}

/// The first error of this type in the chain. An `io::Error` that only carries another error names that one as itself, not as its
/// source, so it is looked into.
fn find<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        let carried = error.downcast_ref::<io::Error>().and_then(|error| error.get_ref());
        next = match carried {
            Some(carried) => Some(carried as &(dyn StdError + 'static)),
            None => error.source(),
        };
    }
    None
}
