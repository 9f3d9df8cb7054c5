//! NTLM, and `Negotiate` that carries it.

use bytes::Bytes;
use http::StatusCode;
use optigov_calendar::{ReadError, Step};
use secrecy::ExposeSecret;
use sspi::{
    AuthIdentity, AuthIdentityBuffers, BufferType, ClientRequestFlags, CredentialUse, DataRepresentation, Ntlm,
    SecurityBuffer, SecurityStatus, Sspi, SspiImpl, Username,
};

use super::{
    Answer, Post,
    authenticated::with_token,
    binding,
    challenges::{offered_schemes, token},
    connection::Connection,
    connector::Connector,
    not_offered, refused,
};
use crate::{
    credentials::Login,
    error::{configuration, malformed},
};

/// Runs the handshake; its last leg carries the request itself.
pub(crate) async fn authenticate(
    connection: &mut Connection,
    connector: &Connector,
    scheme: &'static str,
    login: &Login,
    post: &Post<'_>,
) -> Result<Answer, ReadError> {
    let binding = connection.leaf().and_then(binding::tls_server_end_point);
    let mut handshake = Handshake::new(login, binding.as_deref(), connector.route.host())?;

    let opening = handshake.next(None)?;
    let answer = connection.post(connector, with_token(connector, post, scheme, &opening)?, Bytes::new()).await?;
    if answer.status != StatusCode::UNAUTHORIZED {
        return Ok(answer); // Not the server's authentication: a proxy, a redirect, a server that is busy.
    }
    let Some(challenge) = token(&answer.headers, &["NTLM", "Negotiate"]) else {
        let offered = offered_schemes(&answer.headers);
        return Err(match offered.iter().any(|name| name.eq_ignore_ascii_case(scheme)) {
            true => malformed(
                "der Server bietet NTLM an und schickt keine Herausforderung (Challenge)",
                "the server offers NTLM and sends no challenge",
            )
            .at(Step::Authentication),
            false => not_offered(scheme, &offered),
        });
    };
    let proof = handshake.next(Some(challenge))?;
    let answer = connection.post(connector, with_token(connector, post, scheme, &proof)?, post.body.clone()).await?;
    match answer.status {
        StatusCode::UNAUTHORIZED => Err(refused(scheme, &answer.headers)),
        _ => Ok(answer),
    }
}

/// The client's side of NTLMv2 by `sspi`.
struct Handshake {
    ntlm: Ntlm,
    credentials: Option<AuthIdentityBuffers>,
    target: String,
}

impl Handshake {
    fn new(login: &Login, binding: Option<&[u8]>, host: &str) -> Result<Handshake, ReadError> {
        let username = Username::parse(&login.user).map_err(|_| unusable_login())?;
        let identity = AuthIdentity { username, password: login.password.expose_secret().to_owned().into() };
        quietly(|| {
            let mut ntlm = Ntlm::new();
            if let Some(binding) = binding {
                ntlm.set_channel_bindings(binding);
            }
            let acquired = ntlm
                .acquire_credentials_handle()
                .with_credential_use(CredentialUse::Outbound)
                .with_auth_data(&identity)
                .execute(&mut ntlm);
            let credentials = acquired.map_err(failed)?.credentials_handle;
            Ok(Handshake { ntlm, credentials, target: format!("HTTP/{host}") })
        })
    }

    /// The next message to the server; the answer to its challenge, if there was one.
    fn next(&mut self, challenge: Option<Vec<u8>>) -> Result<Vec<u8>, ReadError> {
        let Handshake { ntlm, credentials, target } = self;
        quietly(|| {
            let mut input = vec![SecurityBuffer::new(challenge.unwrap_or_default(), BufferType::Token)];
            let mut output = vec![SecurityBuffer::new(Vec::new(), BufferType::Token)];
            let mut builder = ntlm
                .initialize_security_context()
                .with_credentials_handle(credentials)
                .with_context_requirements(ClientRequestFlags::ALLOCATE_MEMORY)
                .with_target_data_representation(DataRepresentation::Native)
                .with_target_name(target)
                .with_input(&mut input)
                .with_output(&mut output);
            let result = ntlm
                .initialize_security_context_impl(&mut builder)
                .and_then(|mut step| step.resolve_to_result())
                .map_err(failed)?;
            if matches!(result.status, SecurityStatus::CompleteAndContinue | SecurityStatus::CompleteNeeded) {
                ntlm.complete_auth_token(&mut output).map_err(failed)?;
            }
            Ok(output.pop().map(|buffer| buffer.buffer).unwrap_or_default())
        })
    }
}

/// `sspi`'s own text is left out: nothing says that it holds no part of a message.
fn failed(error: sspi::Error) -> ReadError {
    malformed(
        format!("die NTLM-Nachricht des Servers lässt sich nicht beantworten ({:?})", error.error_type),
        format!("the server's NTLM message cannot be answered ({:?})", error.error_type),
    )
    .at(Step::Authentication)
}

fn unusable_login() -> ReadError {
    configuration(
        "der Name des Kontos ist weder DOMÄNE\\Benutzer noch ein Benutzerprinzipalname (UPN)",
        "the account's name is neither DOMAIN\\user nor a user principal name",
    )
}

/// `sspi` traces the account's name and its state at debug level; none of that leaves here.
fn quietly<T>(work: impl FnOnce() -> T) -> T {
    tracing::subscriber::with_default(tracing::subscriber::NoSubscriber::default(), work)
}
