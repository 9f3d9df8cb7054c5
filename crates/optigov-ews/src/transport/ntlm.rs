//! NTLM, and `Negotiate` that carries it: IIS authenticates the connection, so every leg runs on one, and later requests on it go
//! without a header.

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode};
use optigov_calendar::{ReadError, Step};
use optigov_http::{
    Connection, Connector, HttpResponse,
    error::{configuration, malformed},
};
use secrecy::ExposeSecret;
use sspi::{
    AuthIdentity, AuthIdentityBuffers, BufferType, ClientRequestFlags, CredentialUse, DataRepresentation, Ntlm,
    SecurityBuffer, SecurityStatus, Sspi, SspiImpl, Username,
};

use super::{Post, binding, challenges::challenges, not_offered, offered_schemes, spnego};
use crate::credentials::Login;

/// Runs the handshake up to its last leg, which carries the proof and the request itself: gives the proof, or what answered in the server's
/// place.
pub(crate) async fn open(
    mut connection: Connection,
    connector: &Connector,
    scheme: &'static str,
    login: &Login,
    post: &Post,
) -> Result<(Connection, Result<HeaderValue, HttpResponse>), ReadError> {
    let binding = connection.leaf().and_then(binding::tls_server_end_point);
    let mut handshake = Handshake::new(login, binding.as_deref(), connector.route().host())?;

    let opening = token(scheme, &handshake.next(None)?)?;
    let patience = connector.route().idle_timeout();
    let answer = post.exchange(&mut connection, connector, Some(opening), Bytes::new(), patience).await?;
    if answer.status != StatusCode::UNAUTHORIZED {
        // Not the server's authentication: a proxy, a redirect, a server that is busy.
        return Ok((connection, Err(answer)));
    }
    let Some(challenge) = ServerMessage::find(&answer.headers) else {
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
    let proof = handshake.next(Some(challenge.ntlm))?;
    let proof = if challenge.wrapped { spnego::wrap(&proof) } else { proof };
    Ok((connection, Ok(token(scheme, &proof)?)))
}

fn token(scheme: &str, token: &[u8]) -> Result<HeaderValue, ReadError> {
    let mut value =
        HeaderValue::from_str(&format!("{scheme} {}", BASE64_STANDARD.encode(token))).map_err(|_| unusable_login())?;
    value.set_sensitive(true);
    Ok(value)
}

/// The server's message, under either scheme's name, and whether SPNEGO was around it.
struct ServerMessage {
    ntlm: Vec<u8>,
    wrapped: bool,
}

impl ServerMessage {
    fn find(headers: &HeaderMap) -> Option<ServerMessage> {
        let ours = challenges(headers).filter(|challenge| {
            challenge.scheme.eq_ignore_ascii_case("NTLM") || challenge.scheme.eq_ignore_ascii_case("Negotiate")
        });
        let token = ours.filter_map(|challenge| BASE64_STANDARD.decode(challenge.token?).ok()).next()?;
        Some(match spnego::unwrap(&token) {
            Some(ntlm) => ServerMessage { ntlm: ntlm.to_vec(), wrapped: true },
            None => ServerMessage { ntlm: token, wrapped: false },
        })
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
