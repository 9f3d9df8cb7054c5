//! The client and its builder.

use std::{fmt, num::NonZeroUsize, sync::Arc};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use futures_util::future;
use optigov_calendar::{
    Access, Calendar, CalendarSource, Changes, ConnectionReport, EwsSettings, Mailbox, ReadError, Route,
};
use optigov_slots::Interval;

use crate::{
    calendar_view, check,
    credentials::Credentials,
    error::configuration,
    free_busy::{self, MAILBOXES_PER_REQUEST},
    impersonated::Impersonated,
    session::Session,
    version::ServerVersion,
    watch,
};

/// Reads calendars from one Exchange server with one account.
///
/// Clones are cheap and share connections, limits and the account's standing. Dropping the future of a call ends the call; the client
/// stays usable. As a [`CalendarSource`] it reads in the way that [`EwsSettings::access`] names.
///
/// ```
/// use optigov_calendar::Route;
/// use optigov_ews::{Credentials, EwsClient};
///
/// let route = Route::new("https://mail.musterstadt.example/EWS/Exchange.asmx")?;
/// // Sends nothing yet. The crate's page has a reading.
/// let client = EwsClient::builder(route).credentials(Credentials::basic(r"STADT\svc-optigov", "secret")).build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct EwsClient {
    session: Arc<Session>,
}

impl EwsClient {
    /// Starts with the way to the server, whose URL is that of its web services, such as
    /// `https://mail.musterstadt.example/EWS/Exchange.asmx`.
    pub fn builder(route: Route) -> EwsClientBuilder {
        EwsClientBuilder { route, credentials: None, settings: EwsSettings::default() }
    }

    /// Acts for a mailbox, which the server permits by the role `ApplicationImpersonation`. The account then reads as the owner does.
    pub fn impersonate<'a>(&'a self, mailbox: &'a Mailbox) -> Impersonated<'a> {
        Impersonated { session: &self.session, mailbox }
    }

    /// The times at which mailboxes are not free, by `GetUserAvailability` and without impersonation. It needs no more than the
    /// permission `AvailabilityOnly` on each calendar, so it keeps titles from the account.
    ///
    /// Any number of mailboxes and any window: both are split as the server needs it. There is one result per mailbox, in the order asked;
    /// each is sorted by time and holds every time that overlaps the window, in its own length. Which ones are all-day entries the server does
    /// not say ([`AllDayFlag::Guessed`](optigov_calendar::AllDayFlag::Guessed)).
    ///
    /// # Errors
    /// Per mailbox: what concerns it alone ([`ReadError::is_mailbox`]), or what kept the request that it was part of from being answered.
    pub async fn free_busy(&self, mailboxes: &[Mailbox], window: Interval) -> Vec<Result<Calendar, ReadError>> {
        free_busy::read(&self.session, mailboxes, window, self.session.deadline()).await
    }

    /// Replaces the account's credential, for this client and all its clones. A lock on the old one falls, and so does every wait that the
    /// server asked for.
    pub fn set_credentials(&self, credentials: Credentials) {
        self.session.vault.replace(credentials);
        self.session.limits.clear();
        self.session.hub.try_again();
    }

    /// The server's version, once an answer has told it.
    pub fn server_version(&self) -> Option<ServerVersion> {
        self.session.server_version()
    }
}

#[async_trait]
impl CalendarSource for EwsClient {
    /// By impersonation all mailboxes are read at once, within the bound on requests in flight; by free/busy they share one request.
    async fn read(&self, mailboxes: &[Mailbox], window: Interval) -> Vec<Result<Calendar, ReadError>> {
        let deadline = self.session.deadline();
        match self.session.settings.access {
            Access::FreeBusy => free_busy::read(&self.session, mailboxes, window, deadline).await,
            _ => {
                let reads =
                    mailboxes.iter().map(|mailbox| calendar_view::read(&self.session, mailbox, window, deadline));
                future::join_all(reads).await
            }
        }
    }

    fn batch(&self) -> NonZeroUsize {
        match self.session.settings.access {
            Access::FreeBusy => NonZeroUsize::new(MAILBOXES_PER_REQUEST).unwrap_or(NonZeroUsize::MIN),
            _ => NonZeroUsize::MIN,
        }
    }

    /// By streaming notifications: a subscription for each mailbox, under impersonation, and one connection that stays open for each 200 of them
    /// ([`EwsSettings::hanging_connections`]). All streams of a client and its clones share connections and subscriptions. In free/busy
    /// mode there are none.
    fn watch(&self, mailboxes: Vec<Mailbox>) -> Changes {
        watch::watch(self.session.clone(), mailboxes)
    }

    /// Goes the whole way to a mailbox's calendar step by step and reports on each one. It takes part in the client's limits and in the
    /// lock on a refused credential: a wrong password is sent once. It ends within four times the deadline of a call.
    ///
    /// To tell whether the account can see titles, those of at most three entries are asked for, counted and dropped. No other method asks
    /// for any. In free/busy mode, which is to hide titles from the account, visible ones fail the check.
    async fn check(&self, mailbox: &Mailbox, now: DateTime<Utc>) -> ConnectionReport {
        check::run(&self.session, mailbox, now).await
    }
}

impl fmt::Debug for EwsClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EwsClient").field("route", self.session.route()).finish_non_exhaustive()
    }
}

/// What an [`EwsClient`] is built from.
#[derive(Debug)]
#[must_use]
pub struct EwsClientBuilder {
    route: Route,
    credentials: Option<Credentials>,
    settings: EwsSettings,
}

impl EwsClientBuilder {
    /// How the account proves who it is. Without it nothing can be built.
    pub fn credentials(self, credentials: Credentials) -> EwsClientBuilder {
        EwsClientBuilder { credentials: Some(credentials), ..self }
    }

    /// How Exchange Web Services are asked. Default: [`EwsSettings::default`].
    pub fn settings(self, settings: EwsSettings) -> EwsClientBuilder {
        EwsClientBuilder { settings, ..self }
    }

    /// The client. Nothing is sent yet.
    ///
    /// # Errors
    /// [`ReadError::is_configuration`] when there are no credentials, when a certificate of the route cannot be used, or when no root
    /// certificate is there to be trusted.
    pub fn build(self) -> Result<EwsClient, ReadError> {
        let credentials = self
            .credentials
            .ok_or_else(|| configuration("es wurden keine Zugangsdaten angegeben", "no credentials were given"))?;
        Ok(EwsClient { session: Arc::new(Session::new(self.route, credentials, self.settings)?) })
    }
}
