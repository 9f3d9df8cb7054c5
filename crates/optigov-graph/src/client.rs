//! The client and its builder.

use std::{fmt, num::NonZeroUsize, sync::Arc};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use optigov_calendar::{
    Calendar, CalendarSource, ConnectionReport, GraphAccess, GraphSettings, Mailbox, ReadError, Route,
};
use optigov_http::error::configuration;
use optigov_slots::Interval;

use crate::{batch, calendar_view, check, credentials::GraphCredentials, get_schedule, session::Session};

/// Reads calendars from Exchange Online as one application of one tenant.
///
/// Clones are cheap and share connections, limits and the token. Dropping the future of a call ends the call; the client stays usable. As a
/// [`CalendarSource`] it reads in the way that [`GraphSettings::access`] names. It reports no changes.
///
/// ```
/// use optigov_calendar::{GraphSettings, Route};
/// use optigov_graph::{GraphClient, GraphCredentials};
///
/// let settings = GraphSettings::new("musterstadt.example", "11111111-2222-4333-8444-555555555555")?;
/// let route = Route::for_graph("https://graph.microsoft.com")?;
/// // Sends nothing yet. The crate's page has a reading.
/// let client = GraphClient::builder(route, settings).credentials(GraphCredentials::secret("geheim")).build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct GraphClient {
    session: Arc<Session>,
}

impl GraphClient {
    /// Starts with the way to Graph, made by [`Route::for_graph`], and with the application and its tenant. Tokens are asked for by the same way, from the
    /// authority that the settings name.
    pub fn builder(route: Route, settings: GraphSettings) -> GraphClientBuilder {
        GraphClientBuilder { route, settings, credentials: None }
    }

    /// Replaces the application's credential, for this client and all its clones. A lock on the old one falls, its token is not used any more, and every wait
    /// that Graph asked for ends.
    pub fn set_credentials(&self, credentials: GraphCredentials) {
        self.session.tokens.replace(credentials);
        self.session.limits.clear();
    }
}

#[async_trait]
impl CalendarSource for GraphClient {
    /// By calendar view the mailboxes are read in one batch, and each page that follows in another; by schedule they share one request. A mailbox that Graph
    /// throttles waits, and the others go on.
    async fn read(&self, mailboxes: &[Mailbox], window: Interval) -> Vec<Result<Calendar, ReadError>> {
        let deadline = self.session.deadline();
        match self.session.settings.access() {
            GraphAccess::GetSchedule => get_schedule::read(&self.session, mailboxes, window, deadline).await,
            _ => calendar_view::read(&self.session, mailboxes, window, deadline).await,
        }
    }

    /// Twenty, the parts of a batch and the mailboxes of one `getSchedule`.
    fn batch(&self) -> NonZeroUsize {
        let most = match self.session.settings.access() {
            GraphAccess::GetSchedule => get_schedule::MOST_MAILBOXES,
            _ => batch::MOST_PARTS,
        };
        NonZeroUsize::new(most).unwrap_or(NonZeroUsize::MIN)
    }

    /// Goes the whole way to a mailbox's calendar step by step and reports on each one: the name, the connection and TLS of Graph, the token, whether Graph
    /// answers, whether the application may read the mailbox, its calendar, and what is known of titles. It takes part in the client's limits and in the lock on
    /// a refused credential. It ends within four times the deadline of a call.
    ///
    /// No title is asked for: Graph has no permission that would hide them, and the report says so.
    async fn check(&self, mailbox: &Mailbox, now: DateTime<Utc>) -> ConnectionReport {
        check::run(&self.session, mailbox, now).await
    }
}

impl fmt::Debug for GraphClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GraphClient").field("route", self.session.route()).finish_non_exhaustive()
    }
}

/// What a [`GraphClient`] is built from.
#[derive(Debug)]
#[must_use]
pub struct GraphClientBuilder {
    route: Route,
    settings: GraphSettings,
    credentials: Option<GraphCredentials>,
}

impl GraphClientBuilder {
    /// How the application proves who it is. Without it nothing can be built.
    pub fn credentials(self, credentials: GraphCredentials) -> GraphClientBuilder {
        GraphClientBuilder { credentials: Some(credentials), ..self }
    }

    /// The client. Nothing is sent yet.
    ///
    /// # Errors
    /// [`ReadError::is_configuration`] when there are no credentials, when a certificate of the route cannot be used, or when no root certificate is
    /// there to be trusted.
    pub fn build(self) -> Result<GraphClient, ReadError> {
        let credentials = self
            .credentials
            .ok_or_else(|| configuration("es wurden keine Zugangsdaten angegeben", "no credentials were given"))?;
        Ok(GraphClient { session: Arc::new(Session::new(self.route, credentials, self.settings)?) })
    }
}
