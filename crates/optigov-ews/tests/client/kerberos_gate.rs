//! Kerberos against a KDC and an acceptor that are not ours (MIT's), in front of which a server demands `Negotiate` as IIS does.
//!
//! `OPTIGOV_KERBEROS_GATE` names the script. It needs the Debian packages krb5-kdc, krb5-admin-server, python3-gssapi and openssl. Without the
//! variable these tests say that they skip.

mod bindings;
#[cfg(feature = "ntlm")]
mod cost;
mod gate;
mod kdc;
mod load;
mod negotiate;
mod secrecy;
mod tickets;
mod watch;

use optigov_calendar::{ReadError, ReadErrorKind};
use optigov_ews::{Credentials, EwsClient, Kerberos};

use self::gate::Gate;
use crate::support::anna;

/// One request, whose answer the gate always gives.
async fn ask(client: &EwsClient) -> Result<(), ReadError> {
    client.impersonate(&anna()).calendar_folder().await.map(drop)
}

/// One request that fails, and why.
async fn ask_in_vain(gate: &Gate, kerberos: Kerberos) -> ReadError {
    ask(&gate.client(Credentials::from(kerberos))).await.expect_err("a failure")
}

fn kinds(results: &[Result<(), ReadError>], kind: ReadErrorKind) -> usize {
    results.iter().filter(|result| result.as_ref().is_err_and(|error| error.kind() == kind)).count()
}
