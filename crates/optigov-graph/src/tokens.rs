//! The access token, shared by all requests of a client.
//!
//! One request for a token is under way at a time, in a task of its own: whoever gives up waiting neither repeats it nor loses its verdict. A token is renewed
//! before its end, while it still serves. A refused credential is not sent again before it is replaced or its time has passed.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::{HeaderValue, Method, Request, header};
use optigov_calendar::{GraphSettings, ReadError, ReadErrorKind, Route, Text};
use optigov_http::{CLIENT_REQUEST_ID, LONGEST_BACK_OFF, asked_wait, later, web_page};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};
use tokio::{
    sync::watch,
    time::{Instant, sleep_until, timeout_at},
};
use url::Position;
use uuid::Uuid;

use crate::{
    assertion::Claims,
    credentials::{GraphCredentials, Proof},
    host::Host,
    sts::{self, Issued, at_the_authority},
    texts,
};

/// A token is renewed so long before its end, or at half of its time where that is later.
const BEFORE_ITS_END: Duration = Duration::from_secs(300);
/// The wait after the first request for a token that failed. It doubles with each further one.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The least wait after a request for a token that was sent and that no passing fault ended.
const WITHOUT_A_TOKEN: Duration = Duration::from_secs(5);
/// The longest wait of our own choice, where the credential was not refused.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// For so long after a token was asked for anew, since Graph had refused the old one, another refusal is no reason to ask again.
const ANEW: Duration = Duration::from_secs(60);
/// A clock that runs a little ahead makes no assertion one of the future.
const EARLIER: i64 = 60;

pub(crate) struct Tokens {
    authority: Host,
    settings: GraphSettings,
    scope: String,
    state: Mutex<State>,
    /// Tells those who wait that a request for a token has ended.
    changed: watch::Sender<()>,
}

/// A token in the form in which requests carry it.
#[derive(Clone)]
pub(crate) struct Token {
    pub(crate) header: HeaderValue,
    /// Tells tokens apart.
    number: u64,
    renew_at: Instant,
    ends: Instant,
}

struct State {
    credentials: GraphCredentials,
    /// Counts replacements, so that the fate of an old credential does not befall a new one.
    generation: u64,
    token: Option<Token>,
    /// Whether a request for a token is under way.
    asking: bool,
    /// How many requests for a token have been made.
    asked: u64,
    /// Requests in a row that brought no token.
    failed: u32,
    held: Option<Held>,
    /// How the last request without a token ended, by its number.
    failure: Option<(u64, Held)>,
    /// When a token was asked for because Graph had refused the one before.
    anew: Option<Instant>,
}

/// No request for a token before this time.
#[derive(Clone)]
struct Held {
    until: Instant,
    error: ReadError,
}

impl Tokens {
    /// `graph` is the way to Graph; that to the authority differs in its address only.
    ///
    /// # Errors
    /// [`ReadError::is_configuration`] when a certificate of the route cannot be used.
    pub(crate) fn new(
        graph: &Route,
        settings: GraphSettings,
        credentials: GraphCredentials,
    ) -> Result<Tokens, ReadError> {
        let state = State {
            credentials,
            generation: 0,
            token: None,
            asking: false,
            asked: 0,
            failed: 0,
            held: None,
            failure: None,
            anew: None,
        };
        Ok(Tokens {
            authority: Host::new(graph.to_authority(&settings), settings.user_agent())?,
            scope: GraphSettings::scope(graph),
            settings,
            state: Mutex::new(state),
            changed: watch::Sender::new(()),
        })
    }

    /// A token that is valid now. Where there is none, one is asked for, and everybody waits for the same one.
    ///
    /// # Errors
    /// Why there is none. Where an earlier refusal keeps the credential from being sent, [`ReadErrorKind::CredentialsLocked`].
    pub(crate) async fn token(self: &Arc<Tokens>, deadline: Instant) -> Result<Token, ReadError> {
        let mut changed = self.changed.subscribe();
        loop {
            changed.borrow_and_update();
            let seen = match self.look() {
                Look::Token(token) => return Ok(token),
                Look::Held(held) if passes(&held.error) && held.until < deadline => {
                    sleep_until(held.until).await;
                    continue;
                }
                Look::Held(held) => return Err(held.as_an_error()),
                Look::Asked(asked) => asked,
            };
            if timeout_at(deadline, changed.changed()).await.is_err() {
                return Err(at_the_authority(ReadError::deadline()));
            }
            let state = self.state();
            // The request that this caller has waited for ended without a token.
            if state.token.is_none()
                && let Some((number, held)) = &state.failure
                && *number >= seen
                && !(passes(&held.error) && held.until < deadline)
            {
                return Err(held.error.clone());
            }
        }
    }

    /// Graph has refused this token: it is not used again, and another one may be asked for, once.
    ///
    /// Gives whether another try makes sense.
    pub(crate) fn refused(&self, token: &Token) -> bool {
        let mut state = self.state();
        let now = Instant::now();
        match &state.token {
            Some(current) if current.number == token.number => {
                if state.anew.is_some_and(|at| now < at + ANEW) {
                    return false;
                }
                state.anew = Some(now);
                state.token = None;
                true
            }
            // Somebody else has heard of it before.
            _ => true,
        }
    }

    /// Replaces the credential. What is known of the old one is forgotten.
    pub(crate) fn replace(&self, credentials: GraphCredentials) {
        let mut state = self.state();
        let generation = state.generation + 1;
        let asked = state.asked;
        *state = State {
            credentials,
            generation,
            token: None,
            asking: false,
            asked,
            failed: 0,
            held: None,
            failure: None,
            anew: None,
        };
        drop(state);
        self.changed.send_replace(());
    }

    /// The name of the way in which the application proves itself.
    pub(crate) fn scheme(&self) -> &'static str {
        self.state().credentials.scheme()
    }

    /// The token, or who is to be waited for. Begins a request for a token where one is due.
    fn look(self: &Arc<Tokens>) -> Look {
        let mut state = self.state();
        let now = Instant::now();
        state.token.take_if(|token| token.ends <= now);
        state.held.take_if(|held| held.until <= now);
        let due = state.token.as_ref().is_none_or(|token| token.renew_at <= now);
        if due && !state.asking && state.held.is_none() {
            state.asking = true;
            state.asked += 1;
            let asking =
                Asking { tokens: self.clone(), generation: state.generation, number: state.asked, is_settled: false };
            tokio::spawn(asking.run(state.credentials.clone()));
        }
        match (&state.token, &state.held) {
            (Some(token), _) => Look::Token(token.clone()),
            (None, Some(held)) => Look::Held(held.clone()),
            (None, None) => Look::Asked(state.asked),
        }
    }

    /// Asks the authority.
    async fn ask(&self, credentials: &GraphCredentials, id: &str) -> Result<Issued, ReadError> {
        let url = self.settings.token_url();
        let body = self.form(credentials, url.as_str())?;
        let request = Request::builder()
            .method(Method::POST)
            .uri(&url[Position::BeforePath..Position::AfterQuery])
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ACCEPT, "application/json")
            .header(header::USER_AGENT, self.authority.connector.user_agent())
            .header(CLIENT_REQUEST_ID, id)
            .header("return-client-request-id", "true")
            .body(Bytes::from(body.expose_secret().to_owned()))
            .map_err(|error| ReadError::internal().with_source(error))?;
        let sent = self.authority.send_on_a_new_connection(request).await;
        let answer = sent.map_err(|error| at_the_authority(texts::in_words_of_graph(error)))?;
        if let Some(page) = web_page(&answer)
            && (answer.status.is_success() || page.kind() == ReadErrorKind::LogonPage)
        {
            return Err(at_the_authority(texts::in_words_of_graph(page)));
        }
        sts::read(answer.status.as_u16(), &answer.body)
            .map_err(|error| error.with_retry_after(asked_wait(&answer.headers)))
    }

    fn form(&self, credentials: &GraphCredentials, audience: &str) -> Result<SecretString, ReadError> {
        let client_id = self.settings.client_id();
        let mut form = String::new();
        let mut field = |name: &str, value: &str| {
            let separator = if form.is_empty() { "" } else { "&" };
            form += &format!("{separator}{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC));
        };
        field("client_id", client_id);
        field("scope", &self.scope);
        field("grant_type", "client_credentials");
        match &credentials.0 {
            Proof::Secret(secret) => field("client_secret", secret.expose_secret()),
            Proof::Certificate(signer) => {
                let id = Uuid::new_v4().to_string();
                let now = DateTime::<Utc>::from(SystemTime::now()).timestamp() - EARLIER;
                let assertion = signer.sign(&Claims { audience, client_id, id: &id, now })?;
                field("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
                field("client_assertion", assertion.expose_secret());
            }
        }
        Ok(SecretString::from(form))
    }

    /// A panic elsewhere leaves what is known of the credential as it is.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a caller finds.
enum Look {
    Token(Token),
    Held(Held),
    /// The request of this number is under way.
    Asked(u64),
}

impl Held {
    /// What is said to those who come later.
    fn as_an_error(&self) -> ReadError {
        let wait = self.until.saturating_duration_since(Instant::now());
        if is_verdict(self.error.kind()) {
            let fact = Text::fixed(
                "Microsoft Entra ID hat diesen Nachweis der Anwendung abgelehnt, und seither wurde er nicht geändert",
                "Microsoft Entra ID refused this credential of the application, and it has not been replaced since",
            );
            let locked = texts::in_words_of_graph(ReadError::new(ReadErrorKind::CredentialsLocked, fact));
            let locked = match self.error.code() {
                Some(code) => locked.with_code(code.as_str()),
                None => locked,
            };
            return locked.with_retry_after(Some(wait));
        }
        // Nothing was sent: the error is an earlier one.
        self.error.clone().at(None).with_retry_after(Some(wait))
    }
}

/// Whether the error is a verdict on the application or its credential: the same one is not sent again.
fn is_verdict(kind: ReadErrorKind) -> bool {
    use ReadErrorKind::{AccountDisabled, AccountUnknown, CredentialsRefused, PasswordExpired};
    matches!(kind, CredentialsRefused | PasswordExpired | AccountDisabled | AccountUnknown)
}

/// Whether waiting a little may help within the same call.
fn passes(error: &ReadError) -> bool {
    error.is_throttled() || error.kind() == ReadErrorKind::Transient
}

/// One request for a token.
struct Asking {
    tokens: Arc<Tokens>,
    generation: u64,
    number: u64,
    is_settled: bool,
}

impl Asking {
    async fn run(mut self, credentials: GraphCredentials) {
        let id = Uuid::new_v4().to_string();
        let answer = self.tokens.ask(&credentials, &id).await.map_err(|error| error.with_request_id(&id));
        match &answer {
            Ok(issued) => tracing::debug!(request = id, seconds = issued.lasts.as_secs(), "a token was issued"),
            Err(error) => tracing::debug!(
                request = id,
                kind = error.kind().as_str(),
                fact = %error,
                status = error.http_status(),
                code = error.code().map(|code| code.as_str()),
                "no token was issued"
            ),
        }
        self.settle(answer);
    }

    fn settle(&mut self, answer: Result<Issued, ReadError>) {
        use ReadErrorKind::{Connect, Proxy, Refused, Resolve};
        self.is_settled = true;
        let lock = self.tokens.settings.credential_lock();
        let mut state = self.tokens.state();
        if state.generation != self.generation {
            return;
        }
        state.asking = false;
        let now = Instant::now();
        let header = answer.and_then(|issued| Ok((header_of(&issued.token)?, issued.lasts)));
        match header {
            Ok((header, lasts)) => {
                let renew_in = lasts.saturating_sub(BEFORE_ITS_END).max(lasts / 2);
                state.token = Some(Token { header, number: self.number, renew_at: now + renew_in, ends: now + lasts });
                state.failed = 0;
                state.held = None;
            }
            Err(error) => {
                let own = FIRST_WAIT.saturating_mul(1 << state.failed.min(10)).min(LONGEST_WAIT);
                let asked = error.retry_after().unwrap_or_default().min(LONGEST_BACK_OFF);
                let wait = match error.kind() {
                    kind if is_verdict(kind) => lock,
                    // Nothing has reached the authority.
                    Resolve | Refused | Connect | Proxy => Duration::ZERO,
                    _ if error.is_tls() => Duration::ZERO,
                    _ if passes(&error) => own.max(asked),
                    _ => own.max(asked).max(WITHOUT_A_TOKEN),
                };
                state.failed = state.failed.saturating_add(1);
                let held = Held { until: later(now, wait), error };
                state.failure = Some((self.number, held.clone()));
                state.held = Some(held);
            }
        }
        drop(state);
        self.tokens.changed.send_replace(());
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        if !self.is_settled {
            self.settle(Err(ReadError::internal()));
        }
    }
}

fn header_of(token: &SecretString) -> Result<HeaderValue, ReadError> {
    let mut value = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret()))
        .map_err(|_| at_the_authority(ReadError::internal()))?;
    value.set_sensitive(true);
    Ok(value)
}
