//! How a credential is proven: one request of its own, whose verdict is heard even if all who asked for it have gone.

use std::{
    pin::pin,
    sync::{Arc, OnceLock},
    time::Duration,
};

use http::HeaderValue;
use optigov_calendar::{ReadError, ReadErrorKind};
use optigov_http::{HttpResponse, silent};
use tokio::time::{sleep, timeout};

use crate::{
    credentials::TokenReason,
    interpret::interpret,
    ops::get_server_time_zones,
    transport::{Opened, Post, Transport, vault::Proof},
    version::ServerVersion,
};

/// For so long those who wait for a proof wait for its answer.
const LIMIT: Duration = Duration::from_secs(5);
/// For so long an answer is listened for. A refusal that comes within it still locks the credential.
const LISTENS: Duration = Duration::from_secs(300);

/// Sends the proof and sees to it that the vault hears how it ended.
pub(crate) async fn run(
    mut proof: Proof,
    transport: Arc<Transport>,
    server: Arc<OnceLock<ServerVersion>>,
    post: Post,
    idle_timeout: Duration,
) {
    sleep(proof.pause).await;
    let mut reason = TokenReason::Needed;
    let answer = loop {
        let ready = match transport.open(&proof.credentials, proof.generation, &post, reason).await {
            Ok(Opened::Ready(ready)) => ready,
            Ok(Opened::Answered(answer)) => {
                return match verdict(answer, transport.user_agent(), &server) {
                    Ok(()) => proof.accepted(),
                    Err(error) => proof.not_sent(error.with_request_id(&post.id)),
                };
            }
            // The first token was sent, and no other one is to be had.
            Err(error) if reason == TokenReason::Refused => return proof.unanswered(error.with_request_id(&post.id)),
            // The KDC's verdict, which it gives before the server is asked.
            Err(error) if is_verdict(error.kind()) => return proof.refused(error.with_request_id(&post.id)),
            // The KDC may have counted the password, although it did not answer.
            Err(error) if error.kind() == ReadErrorKind::KdcSilent => {
                return proof.unanswered(error.with_request_id(&post.id));
            }
            Err(error) => return proof.not_sent(error.with_request_id(&post.id)),
        };
        let (credentials, generation) = (proof.credentials.clone(), proof.generation);
        let mut delivery = pin!(transport.deliver(ready, &credentials, generation, &post, LISTENS));
        let answer = match timeout(LIMIT.min(idle_timeout), &mut delivery).await {
            Ok(answer) => answer,
            Err(_) => {
                proof.unanswered(silent().with_request_id(&post.id));
                timeout(LISTENS, delivery).await.unwrap_or_else(|_| Err(silent()))
            }
        };
        match answer {
            // The token may have been an old one: another one is asked for, once.
            Err(error)
                if error.kind() == ReadErrorKind::CredentialsRefused
                    && proof.credentials.is_renewed()
                    && reason == TokenReason::Needed =>
            {
                reason = TokenReason::Refused;
            }
            answer => break answer,
        }
    };
    tracing::debug!(request = post.id, answered = answer.is_ok(), "the credential was sent to be proven");
    let agent = transport.user_agent();
    match answer.and_then(|answer| verdict(answer, agent, &server)).map_err(|error| error.with_request_id(&post.id)) {
        Ok(()) => proof.accepted(),
        Err(error) if error.kind() == ReadErrorKind::CredentialsRefused => proof.refused(error),
        // The KDC has accepted the account's key, and the server has not seen it.
        Err(error) if matches!(error.kind(), ReadErrorKind::TicketRefused | ReadErrorKind::ClockSkew) => {
            proof.not_sent(error);
        }
        Err(error) => proof.unanswered(error),
    }
}

/// Whether the error is a verdict on the account or its key: asking again would count as another wrong password.
pub(crate) fn is_verdict(kind: ReadErrorKind) -> bool {
    use ReadErrorKind::{AccountDisabled, AccountUnknown, CredentialsRefused, PasswordExpired};
    matches!(kind, CredentialsRefused | PasswordExpired | AccountDisabled | AccountUnknown)
}

/// Only Exchange itself answers in SOAP, and only after it has accepted the credential; what it says does not matter.
fn verdict(answer: HttpResponse, user_agent: &HeaderValue, server: &OnceLock<ServerVersion>) -> Result<(), ReadError> {
    let status = answer.status;
    match interpret(answer, user_agent, get_server_time_zones::read) {
        Ok(answer) => {
            if let Some(version) = answer.server {
                server.get_or_init(|| version);
            }
            Ok(())
        }
        // An envelope, of whatever else.
        Err(error) if error.kind() == ReadErrorKind::Malformed && status.is_success() => Ok(()),
        Err(error) if status.is_success() => Err(error),
        Err(error) => Err(error.with_http_status(status.as_u16())),
    }
}
