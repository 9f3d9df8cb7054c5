//! Exchange as a source of calendars: the client, set up from a municipality's connection.

use std::num::NonZeroUsize;
use std::sync::Arc;

use async_trait::async_trait;
use optigov_counter::{Access, Authentication, ExchangeConnection, Mailbox, SecretReference, Status};
use optigov_ews::{Credentials, EwsClient, FreeBusyStatus, Origin, Proxy};
use optigov_slots::Interval;
use secrecy::{ExposeSecret as _, SecretString};

use crate::entry::CalendarEntry;
use crate::error::{Error, Kind};
use crate::source::{Calendar, CalendarSource, ReadError, ReadErrorKind};
use crate::text::Text;

/// How many mailboxes one free/busy request asks for; Exchange refuses more than 100.
const MAILBOXES_PER_REQUEST: NonZeroUsize = NonZeroUsize::new(100).expect("not 0");

/// Reads calendars from an Exchange Server: entry by entry under impersonation, or busy times only (titles hidden).
///
/// Cheap to clone; clones share the client. Keep one to replace the credential later, without building the facade anew:
/// `source.client().set_credentials(…)`.
#[derive(Clone)]
pub struct EwsSource {
    client: EwsClient,
    access: Access,
}

impl EwsSource {
    /// A source over a client that is set up already.
    pub fn new(client: EwsClient, access: Access) -> Self {
        EwsSource { client, access }
    }

    /// Sets up the client as the municipality's connection says. `provided` is the secret, where the connection leaves it to the service;
    /// it then also takes the place of one that the connection refers to.
    ///
    /// # Errors
    /// [`is_setup`](Error::is_setup): the secret or the CA file is missing, or a setting cannot be used.
    pub fn connect(connection: &ExchangeConnection, provided: Option<SecretString>) -> Result<Self, Error> {
        let mut builder = EwsClient::builder(connection.url())
            .credentials(credentials(connection, provided)?)
            .connect_timeout(connection.connect_timeout())
            .idle_timeout(connection.idle_timeout())
            .timeout(connection.timeout())
            .max_in_flight(connection.in_flight() as usize)
            .mailboxes_per_request(MAILBOXES_PER_REQUEST.get());
        if let Some(file) = connection.ca_file() {
            let pem = std::fs::read(file).map_err(|cause| {
                let name = file.display();
                setup(format!("die CA-Datei {name} ist nicht lesbar"), format!("the CA file {name} cannot be read"))
                    .caused_by(cause)
            })?;
            builder = builder.root_certificates_pem(pem);
        }
        if let Some(proxy) = connection.proxy() {
            builder = builder.proxy(Proxy::parse(proxy).map_err(unusable)?);
        }
        if let Some(address) = connection.resolve_to() {
            builder = builder.resolve_to(address);
        }
        if let Some(address) = connection.local_address() {
            builder = builder.local_address(address);
        }
        Ok(EwsSource::new(builder.build().map_err(unusable)?, connection.access()))
    }

    /// The client that it reads with.
    pub fn client(&self) -> &EwsClient {
        &self.client
    }

    async fn impersonated(&self, mailbox: &Mailbox, window: Interval) -> Result<Calendar, ReadError> {
        let mailbox = client_mailbox(mailbox)?;
        let items = self
            .client
            .impersonate(&mailbox)
            .calendar_view(window.start(), window.end())
            .await
            .map_err(|e| read_error(&e))?;
        let entries = items.iter().filter_map(|item| {
            let entry = match item.all_day() {
                Some((first, last)) => CalendarEntry::all_day(first, last, status(item.status())),
                None => timed(item.start(), item.end(), item.status())?,
            };
            Some(if item.cancelled() { entry.cancelled() } else { entry })
        });
        Ok(Calendar::new(entries.collect()))
    }

    async fn free_busy(&self, mailboxes: &[Mailbox], window: Interval) -> Vec<Result<Calendar, ReadError>> {
        let addresses: Vec<_> = mailboxes.iter().map(client_mailbox).collect();
        let usable: Vec<_> = addresses.iter().filter_map(|address| address.as_ref().ok().cloned()).collect();
        let read = self.client.free_busy(&usable, window.start(), window.end()).await;
        let read = read.map_err(|error| read_error(&error));
        let mut results = read.as_ref().map(|results| results.iter()).ok();
        let calendars = addresses.into_iter().map(|address| {
            address?;
            let result = match (&read, results.as_mut().and_then(Iterator::next)) {
                (Err(error), _) => return Err(error.clone()),
                (Ok(_), Some((_, result))) => result,
                (Ok(_), None) => return Err(ReadError::internal()),
            };
            let events = result.as_ref().map_err(read_error)?;
            let entries = events.iter().filter_map(|event| timed(event.start(), event.end(), event.status()));
            Ok(Calendar::without_all_day_flag(entries.collect()))
        });
        calendars.collect()
    }
}

#[async_trait]
impl CalendarSource for EwsSource {
    async fn read(&self, mailboxes: &[Mailbox], window: Interval) -> Vec<Result<Calendar, ReadError>> {
        match self.access {
            Access::FreeBusy => self.free_busy(mailboxes, window).await,
            _ => {
                futures_util::future::join_all(mailboxes.iter().map(|mailbox| self.impersonated(mailbox, window))).await
            }
        }
    }

    fn batch(&self) -> NonZeroUsize {
        match self.access {
            Access::FreeBusy => MAILBOXES_PER_REQUEST,
            _ => NonZeroUsize::MIN,
        }
    }

    async fn check(&self, mailbox: &Mailbox) -> Option<optigov_ews::CheckReport> {
        let mailbox = optigov_ews::Mailbox::parse(mailbox.as_str()).ok()?;
        Some(match self.access {
            Access::FreeBusy => self.client.check_free_busy(&mailbox).await,
            _ => self.client.check(&mailbox).await,
        })
    }
}

/// An entry without duration occupies no time and is none.
fn timed(
    start: chrono::DateTime<chrono::Utc>,
    end: chrono::DateTime<chrono::Utc>,
    shown: FreeBusyStatus,
) -> Option<CalendarEntry> {
    Interval::new(start, end).ok().map(|interval| CalendarEntry::timed(interval, status(shown)))
}

fn status(shown: FreeBusyStatus) -> Status {
    match shown {
        FreeBusyStatus::Free => Status::Free,
        FreeBusyStatus::Tentative => Status::Tentative,
        FreeBusyStatus::Busy => Status::Busy,
        FreeBusyStatus::OutOfOffice => Status::OutOfOffice,
        FreeBusyStatus::WorkingElsewhere => Status::WorkingElsewhere,
        FreeBusyStatus::NoData => Status::NoData,
        _ => Status::Unknown,
    }
}

fn client_mailbox(mailbox: &Mailbox) -> Result<optigov_ews::Mailbox, ReadError> {
    optigov_ews::Mailbox::parse(mailbox.as_str()).map_err(|error| read_error(&error))
}

/// What the client says, without what only the client needs.
fn read_error(error: &optigov_ews::Error) -> ReadError {
    use optigov_ews::Language::{English, German};
    let kind = match error.origin() {
        Origin::Network => ReadErrorKind::Network,
        Origin::Server => ReadErrorKind::Server,
        Origin::Account => ReadErrorKind::Account,
        Origin::Mailbox => ReadErrorKind::Mailbox,
        Origin::Configuration => ReadErrorKind::Configuration,
        _ => ReadErrorKind::Internal,
    };
    let message = Text::new(error.cause(German), error.cause(English));
    let remedy = Text::new(error.remedy(German), error.remedy(English));
    ReadError::new(kind, message, remedy).with_retry_after(error.retry_after())
}

fn credentials(connection: &ExchangeConnection, provided: Option<SecretString>) -> Result<Credentials, Error> {
    let secret = match provided {
        Some(secret) => secret,
        None => referred(connection.secret())?,
    };
    let account = || {
        let account = connection.account().map(str::to_owned);
        account.ok_or_else(|| {
            setup("das Dienstkonto fehlt (exchange.account)", "the service account is missing (exchange.account)")
        })
    };
    match connection.authentication() {
        Authentication::Basic => Ok(Credentials::basic(account()?, secret)),
        #[cfg(feature = "ntlm")]
        Authentication::Ntlm => Ok(Credentials::ntlm(account()?, secret)),
        #[cfg(feature = "ntlm")]
        Authentication::Negotiate => Ok(Credentials::negotiate(account()?, secret)),
        Authentication::Bearer => Ok(Credentials::bearer(Arc::new(FixedToken(secret)))),
        _ => Err(setup(
            "dieses Anmeldeverfahren ist nicht einkompiliert (Feature „ntlm“)",
            "this authentication scheme is not compiled in (feature \"ntlm\")",
        )),
    }
}

fn referred(reference: &SecretReference) -> Result<SecretString, Error> {
    let secret = match reference {
        SecretReference::Environment(name) => std::env::var(name).map_err(|cause| {
            let de = format!("das Geheimnis fehlt: die Umgebungsvariable {name} ist nicht lesbar");
            setup(de, format!("the secret is missing: the environment variable {name} cannot be read")).caused_by(cause)
        })?,
        SecretReference::File(file) => std::fs::read_to_string(file).map_err(|cause| {
            let name = file.display();
            let de = format!("das Geheimnis fehlt: die Datei {name} ist nicht lesbar");
            setup(de, format!("the secret is missing: the file {name} cannot be read")).caused_by(cause)
        })?,
        _ => {
            let de = "das Geheimnis fehlt: die Verbindung überlässt es dem Dienst (AvailabilityBuilder::secret)";
            return Err(setup(
                de,
                "the secret is missing: the connection leaves it to the service (AvailabilityBuilder::secret)",
            ));
        }
    };
    Ok(SecretString::from(secret.trim_end_matches(['\r', '\n']).to_owned()))
}

/// A bearer token that is what it is: renewing it is the business of a service, which then builds its own [`EwsClient`].
struct FixedToken(SecretString);

#[async_trait]
impl optigov_ews::TokenProvider for FixedToken {
    async fn token(
        &self,
        reason: optigov_ews::TokenReason,
    ) -> Result<SecretString, Box<dyn std::error::Error + Send + Sync>> {
        match reason {
            optigov_ews::TokenReason::Refused => Err("the token is refused, and there is no other".into()),
            _ => Ok(self.0.expose_secret().into()),
        }
    }
}

fn setup(de: impl Into<String>, en: impl Into<String>) -> Error {
    Error::new(Kind::Setup, Text::new(de, en))
}

fn unusable(cause: optigov_ews::Error) -> Error {
    setup("die Verbindung zu Exchange ist so nicht nutzbar", "the connection to Exchange cannot be used like this")
        .caused_by(cause)
}
