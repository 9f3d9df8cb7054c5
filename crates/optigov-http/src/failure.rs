//! What the errors of the HTTP, TLS and socket libraries mean.

use std::{error::Error as StdError, io};

use optigov_calendar::{Proxy, ProxyKind, ReadError, ReadErrorKind, Step, Text};
use rustls::{AlertDescription, CertificateError, Error as TlsError};

use crate::resolve::ResolveError;

/// An error of one of the libraries below.
pub(crate) type BoxError = Box<dyn StdError + Send + Sync>;

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
pub(crate) fn too_late() -> ReadError {
    let fact = Text::fixed(
        "innerhalb der Frist für den Verbindungsaufbau kam keine Verbindung zustande",
        "no connection came about within the time for connecting",
    );
    ReadError::new(ReadErrorKind::Timeout, fact).at(Step::Connect)
}

/// The error of a server that has sent nothing for the idle time.
pub fn silent() -> ReadError {
    let fact = Text::fixed("der Server sendet nichts mehr", "the server fell silent");
    ReadError::new(ReadErrorKind::Timeout, fact)
}

/// Tells the step and the cause by what is found in the error's chain.
pub(crate) fn classify(error: impl Into<BoxError>, phase: Phase) -> ReadError {
    let error = error.into();
    if let Some(tls) = find::<TlsError>(&*error) {
        return of_tls(tls).with_source(error);
    }
    if find::<ResolveError>(&*error).is_some() {
        let fact = Text::fixed("der Name hat keine Adresse", "the name has no address");
        return ReadError::new(ReadErrorKind::Resolve, fact).with_source(error);
    }
    let found = find::<io::Error>(&*error).map(io::Error::kind);
    let failure = match (found, phase) {
        (Some(io::ErrorKind::TimedOut), Phase::Connecting) => too_late(),
        (Some(io::ErrorKind::TimedOut), _) => silent(),
        (found, Phase::Connecting) => connecting(found),
        (_, Phase::Waiting) => {
            let fact = Text::fixed(
                "die Verbindung brach ab, bevor die Antwort begann",
                "the connection was lost before the answer began",
            );
            ReadError::new(ReadErrorKind::Interrupted, fact).before_the_answer()
        }
        (_, Phase::Receiving) => {
            let fact = Text::fixed(
                "die Verbindung brach ab, bevor die Antwort vollständig war",
                "the connection was lost before the answer was whole",
            );
            ReadError::new(ReadErrorKind::Interrupted, fact)
        }
    };
    failure.with_source(error)
}

/// The same failure where a proxy stands on the way: what kept the connection from coming about is the proxy's doing.
pub(crate) fn through_proxy(failure: ReadError, proxy: &Proxy) -> ReadError {
    let (step, fact) = match failure.kind() {
        // A proxy that looks for the server itself is the only name that is resolved here.
        ReadErrorKind::Resolve if proxy.kind() != ProxyKind::Socks5 => {
            (Step::Resolve, Text::fixed("der Name des Proxys hat keine Adresse", "the proxy's name has no address"))
        }
        ReadErrorKind::Refused => (
            Step::Connect,
            Text::fixed(
                "der Proxy nimmt auf seinem Port keine Verbindungen an",
                "the proxy refuses connections on its port",
            ),
        ),
        ReadErrorKind::Connect if is_about_the_login(&failure) => (
            Step::Connect,
            Text::fixed(
                "der Proxy nimmt Benutzername oder Kennwort nicht an",
                "the proxy does not accept the user name or the password",
            ),
        ),
        ReadErrorKind::Connect => (
            Step::Connect,
            Text::fixed(
                "der Proxy öffnet die Verbindung zum Server nicht",
                "the proxy does not open the connection to the server",
            ),
        ),
        _ => return failure,
    };
    ReadError::new(ReadErrorKind::Proxy, fact).at(step).with_source(failure)
}

/// Whether a proxy asks for another login. `hyper-util` does not export the types of these errors, so their texts must do.
fn is_about_the_login(failure: &ReadError) -> bool {
    const TEXTS: [&str; 3] =
        ["proxy authorization required", "credentials not accepted", "does not support user/pass authentication"];
    let mut next = failure.source();
    while let Some(error) = next {
        let text = error.to_string();
        if TEXTS.iter().any(|known| text.contains(known)) {
            return true;
        }
        next = error.source();
    }
    false
}

fn connecting(found: Option<io::ErrorKind>) -> ReadError {
    use io::ErrorKind::{AddrNotAvailable, ConnectionRefused, HostUnreachable, NetworkUnreachable};
    let (kind, fact) = match found {
        Some(ConnectionRefused) => (
            ReadErrorKind::Refused,
            Text::fixed(
                "der Server lehnt Verbindungen auf diesem Port ab",
                "the server refuses connections on this port",
            ),
        ),
        Some(HostUnreachable | NetworkUnreachable) => (
            ReadErrorKind::Connect,
            Text::fixed("es gibt keinen Weg zur Adresse des Servers", "there is no route to the server's address"),
        ),
        Some(AddrNotAvailable) => (
            ReadErrorKind::Connect,
            Text::fixed(
                "dieser Rechner hat die eingestellte lokale Adresse nicht",
                "this machine does not have the local address that is configured",
            ),
        ),
        _ => (
            ReadErrorKind::Connect,
            Text::fixed("der Verbindungsaufbau brach ab", "the connection broke off while it was being opened"),
        ),
    };
    ReadError::new(kind, fact)
}

fn of_tls(error: &TlsError) -> ReadError {
    let (kind, german, english) = match error {
        TlsError::InvalidCertificate(reason) => match reason {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => (
                ReadErrorKind::CertificateExpired,
                "die Gültigkeit des Zertifikats ist abgelaufen",
                "the certificate's validity has ended",
            ),
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => (
                ReadErrorKind::CertificateExpired,
                "die Gültigkeit des Zertifikats hat noch nicht begonnen",
                "the certificate's validity has not begun yet",
            ),
            CertificateError::UnknownIssuer => (
                ReadErrorKind::CertificateUntrusted,
                "die Stelle, die das Zertifikat ausgestellt hat, gilt nicht als vertrauenswürdig",
                "the authority that issued the certificate is not trusted",
            ),
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => (
                ReadErrorKind::CertificateName,
                "das Zertifikat gilt nicht für den Namen in der Adresse",
                "the certificate is not for the name in the URL",
            ),
            CertificateError::Revoked => {
                (ReadErrorKind::CertificateUntrusted, "das Zertifikat ist gesperrt", "the certificate has been revoked")
            }
            _ => (
                ReadErrorKind::CertificateUntrusted,
                "das Zertifikat ist nicht annehmbar",
                "the certificate cannot be accepted",
            ),
        },
        TlsError::AlertReceived(AlertDescription::CertificateRequired) => (
            ReadErrorKind::Tls,
            "der Server verlangt ein Client-Zertifikat",
            "the server asks for a client certificate",
        ),
        TlsError::AlertReceived(AlertDescription::ProtocolVersion) | TlsError::PeerIncompatible(_) => (
            ReadErrorKind::Tls,
            "beide Seiten haben keine TLS-Version oder Verschlüsselung gemeinsam",
            "client and server have no TLS version or cipher in common",
        ),
        TlsError::InvalidMessage(_) => (
            ReadErrorKind::Tls,
            "der Server spricht auf diesem Port kein TLS",
            "the server does not speak TLS on this port",
        ),
        _ => (ReadErrorKind::Tls, "der TLS-Handshake schlug fehl", "the TLS handshake failed"),
    };
    ReadError::new(kind, Text::fixed(german, english))
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
