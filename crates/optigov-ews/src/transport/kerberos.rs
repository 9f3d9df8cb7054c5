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

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use http::{HeaderMap, HeaderValue, StatusCode};
use optigov_calendar::ReadError;
use optigov_http::{Connection, Connector, HttpResponse};

use self::{
    failure::{is_about_the_ticket, refused_ticket, token_failed},
    handshake::Attempt,
    tickets::{Ticket, Tickets},
};
use super::{
    Post, Ready, binding,
    challenges::{challenges, offered_schemes},
    not_offered,
};

const SCHEME: &str = "Negotiate";

/// How a client uses tickets.
pub(crate) struct Habits {
    /// A verdict of the KDC's is remembered for so long.
    lock_lasts: Duration,
    /// The server wants a token with each request.
    per_request: AtomicBool,
}

impl Habits {
    pub(crate) fn new(lock_lasts: Duration) -> Habits {
        Habits { lock_lasts, per_request: AtomicBool::new(false) }
    }

    pub(crate) fn is_per_request(&self) -> bool {
        self.per_request.load(Ordering::Relaxed)
    }

    pub(crate) fn set_per_request(&self, per_request: bool) {
        self.per_request.store(per_request, Ordering::Relaxed);
    }
}

/// A token that goes with the next request.
pub(crate) struct Sent {
    attempt: Attempt,
    ticket: Arc<Ticket>,
}

/// Gets a ticket, and makes a token of it that is tied to this connection.
pub(crate) async fn open(
    connection: Connection,
    connector: &Connector,
    tickets: &Tickets,
    habits: &Habits,
) -> Result<Ready, ReadError> {
    let ticket = tickets.ticket(connector.route().host(), habits.lock_lasts).await?;
    let binding = connection.leaf().and_then(binding::tls_server_end_point);
    let (attempt, token) = Attempt::new(&ticket, binding.as_deref())?;
    let mut authorization = HeaderValue::from_str(&format!("{SCHEME} {}", BASE64_STANDARD.encode(token)))
        .map_err(|error| token_failed().with_source(error))?;
    authorization.set_sensitive(true);
    Ok(Ready { connection, authorization, ticket: Some(Sent { attempt, ticket }) })
}

/// Sends the request with its token, and verifies the server's proof in the answer. A refusal that another ticket may cure is answered once with a
/// ticket that is fetched anew.
pub(crate) async fn deliver(
    mut ready: Ready,
    connector: &Connector,
    tickets: &Tickets,
    habits: &Habits,
    post: &Post,
    patience: Duration,
) -> Result<(Connection, HttpResponse), ReadError> {
    let host = connector.route().host();
    let mut fetched_anew = false;
    loop {
        let Ready { mut connection, authorization, ticket: Some(Sent { attempt, ticket }) } = ready else {
            return Err(ReadError::internal());
        };
        let answer =
            post.exchange(&mut connection, connector, Some(authorization), post.body.clone(), patience).await?;
        let proof = token(&answer.headers);
        if answer.status != StatusCode::UNAUTHORIZED {
            // What comes from something else in front of the server, such as "busy", needs no proof: nothing in it is believed.
            if proof.is_some() || answer.status.is_success() || answer.status == StatusCode::INTERNAL_SERVER_ERROR {
                attempt.verify(proof.as_deref())?;
            }
            if let Some(persists) = answer.headers.get("persistent-auth") {
                habits.set_per_request(persists.as_bytes().eq_ignore_ascii_case(b"false"));
            }
            return Ok((connection, answer));
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
        if !connection.is_open() {
            connection = Connection::open(connector).await?;
        }
        ready = open(connection, connector, tickets, habits).await?;
    }
}

/// The server's token.
fn token(headers: &HeaderMap) -> Option<Vec<u8>> {
    let ours = challenges(headers).filter(|challenge| challenge.scheme.eq_ignore_ascii_case(SCHEME));
    ours.filter_map(|challenge| BASE64_STANDARD.decode(challenge.token?).ok()).next()
}

/// `krb5` logs names and, for a keytab, its path; none of that leaves here.
fn quietly<T>(work: impl FnOnce() -> T) -> T {
    tracing::subscriber::with_default(tracing::subscriber::NoSubscriber::default(), work)
}
