//! Kerberos: tickets from the KDC, and the token that proves the account to the server inside `Negotiate`.
//!
//! The crate `krb5` is used in [`exchange`], [`handshake`], [`keytab`] and [`account`] only, and seen from outside in [`Ticket`](tickets::Ticket).

pub(crate) mod account;
pub(crate) mod exchange;
pub(crate) mod failure;
pub(crate) mod handshake;
pub(crate) mod keytab;
pub(crate) mod renewing;
pub(crate) mod tickets;

use std::time::Duration;

use http::StatusCode;
use optigov_calendar::ReadError;

use self::{
    failure::{is_about_the_ticket, refused_ticket},
    handshake::Attempt,
    tickets::Tickets,
};
use super::{
    Answer, Post,
    authenticated::with_token,
    binding,
    challenges::{offered_schemes, token},
    connection::Connection,
    connector::Connector,
    not_offered,
};

const SCHEME: &str = "Negotiate";

/// Sends the request with a token, and verifies the server's proof in the answer. A refusal that another ticket may cure is answered once with a
/// ticket that is fetched anew.
pub(crate) async fn authenticate(
    connection: &mut Connection,
    connector: &Connector,
    tickets: &Tickets,
    lock_lasts: Duration,
    post: &Post<'_>,
) -> Result<Answer, ReadError> {
    let host = connector.route.host();
    let mut ticket = tickets.ticket(host, lock_lasts).await?;
    let mut fetched_anew = false;
    loop {
        if !connection.is_open() {
            *connection = Connection::open(connector).await?;
        }
        let binding = connection.leaf().and_then(binding::tls_server_end_point);
        let (attempt, opening) = Attempt::new(&ticket, binding.as_deref())?;
        let answer =
            connection.post(connector, with_token(connector, post, SCHEME, &opening)?, post.body.clone()).await?;
        let proof = token(&answer.headers, &[SCHEME]);
        if answer.status != StatusCode::UNAUTHORIZED {
            // What comes from something else in front of the server, such as "busy", needs no proof: nothing in it is believed.
            if proof.is_some() || answer.status.is_success() || answer.status == StatusCode::INTERNAL_SERVER_ERROR {
                attempt.verify(proof.as_deref())?;
            }
            return Ok(answer);
        }
        let offered = offered_schemes(&answer.headers);
        if !offered.is_empty() && !offered.iter().any(|name| name.eq_ignore_ascii_case(SCHEME)) {
            return Err(not_offered(SCHEME, &offered));
        }
        let code = attempt.refusal(proof.as_deref());
        if fetched_anew || !code.map_or(ticket.is_old(), is_about_the_ticket) {
            return Err(refused_ticket(&tickets.kerberos().settings().service(host), code));
        }
        fetched_anew = true;
        tickets.refused(host, &ticket);
        ticket = tickets.ticket(host, lock_lasts).await?;
    }
}

/// `krb5` logs names and, for a keytab, its path; none of that leaves here.
fn quietly<T>(work: impl FnOnce() -> T) -> T {
    tracing::subscriber::with_default(tracing::subscriber::NoSubscriber::default(), work)
}
