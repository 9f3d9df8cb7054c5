//! NTLM, and `Negotiate` that carries it: IIS authenticates the connection, so every leg runs on one, and later requests on it go
//! without a header.

use std::{sync::Mutex, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use optigov_calendar::{ReadError, Step};
use secrecy::ExposeSecret;
use sspi::{
    AuthIdentity, AuthIdentityBuffers, BufferType, ClientRequestFlags, CredentialUse, DataRepresentation, Ntlm,
    SecurityBuffer, SecurityStatus, Sspi, SspiImpl, Username,
};
use tokio::time::Instant;

use super::{
    Answer, Post, binding, connection::Connection, connector::Connector, not_offered, offered_schemes, refused,
};
use crate::{
    credentials::Login,
    error::{configuration, malformed},
};

/// An idle connection is not used again after this time: IIS closes it after two minutes.
const KEPT: Duration = Duration::from_secs(90);

/// The authenticated connections that wait for the next request.
#[derive(Default)]
pub(crate) struct Connections {
    idle: Mutex<Vec<Idle>>,
}

struct Idle {
    connection: Connection,
    /// The credential that it was authenticated with.
    generation: u64,
    since: Instant,
}

impl Connections {
    /// Sends a request on a connection that is authenticated already, or on a new one.
    pub(crate) async fn post(
        &self,
        connector: &Connector,
        scheme: &'static str,
        login: &Login,
        generation: u64,
        post: &Post<'_>,
    ) -> Result<Answer, ReadError> {
        while let Some(mut connection) = self.take(generation) {
            match connection.post(connector, post.headers(connector), post.body.clone()).await {
                // The server has forgotten the connection's account; no credential was sent, so none was refused.
                Ok(answer) if answer.status == StatusCode::UNAUTHORIZED => break,
                Ok(answer) => {
                    self.keep(connection, generation, connector.route.in_flight().get());
                    return Ok(answer);
                }
                // Closed by the server while it was idle.
                Err(error) if error.is_before_the_answer() => {}
                Err(error) => return Err(error),
            }
        }
        let mut connection = Connection::open(connector).await?;
        let answer = authenticate(&mut connection, connector, scheme, login, post).await?;
        self.keep(connection, generation, connector.route.in_flight().get());
        Ok(answer)
    }

    fn take(&self, generation: u64) -> Option<Connection> {
        let mut idle = self.idle.lock().ok()?;
        let now = Instant::now();
        idle.retain(|idle| idle.generation == generation && now < idle.since + KEPT && idle.connection.is_open());
        idle.pop().map(|idle| idle.connection)
    }

    fn keep(&self, connection: Connection, generation: u64, most: usize) {
        let Ok(mut idle) = self.idle.lock() else { return };
        if connection.is_open() && idle.len() < most {
            idle.push(Idle { connection, generation, since: Instant::now() });
        }
    }
}

/// Runs the handshake; its last leg carries the request itself.
async fn authenticate(
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
    let Some(challenge) = challenge(&answer.headers) else {
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

fn with_token(connector: &Connector, post: &Post<'_>, scheme: &str, token: &[u8]) -> Result<HeaderMap, ReadError> {
    let mut headers = post.headers(connector);
    let mut value =
        HeaderValue::from_str(&format!("{scheme} {}", BASE64_STANDARD.encode(token))).map_err(|_| unusable_login())?;
    value.set_sensitive(true);
    headers.insert(header::AUTHORIZATION, value);
    Ok(headers)
}

/// The server's message, under either scheme's name.
fn challenge(headers: &HeaderMap) -> Option<Vec<u8>> {
    headers.get_all(header::WWW_AUTHENTICATE).iter().find_map(|value| {
        let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
        let ours = scheme.eq_ignore_ascii_case("NTLM") || scheme.eq_ignore_ascii_case("Negotiate");
        ours.then(|| BASE64_STANDARD.decode(token.trim()).ok()).flatten()
    })
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
