//! The connection check: every step on the way to a calendar, one after the other.

use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::{HeaderMap, StatusCode, header};
use optigov_calendar::{
    Access, CHECKED_DAYS, CalendarEntry, ConnectionReport, EntryTime, Finding, Language, Mailbox, ReadError,
    ReadErrorKind, Step, StepReport, StepWarning, Text, TitleVisibility, check_window,
};
use optigov_http::{Connection, Dialled, reach};
use optigov_slots::Interval;
use tokio::time::{Instant, timeout_at};

#[cfg(feature = "kerberos")]
use crate::prove::is_verdict;
use crate::{
    calendar_view::{Compare, Completeness, Views},
    free_busy,
    ops::{find_item, get_folder, get_user_availability},
    session::Session,
    transport::{offered_schemes, request},
    version::ServerVersion,
    window,
};

/// The whole check may take this many times as long as a single call.
const CALLS: u32 = 4;

/// Goes the whole way to a mailbox's calendar and reports on each step. It takes part in the client's limits and in the lock on a refused
/// credential: a wrong password is sent once.
pub(crate) async fn run(session: &Session, mailbox: &Mailbox, now: DateTime<Utc>) -> ConnectionReport {
    let deadline = Instant::now() + session.route().timeout().saturating_mul(CALLS).min(Duration::from_secs(86_400));
    let mut steps = Vec::new();
    let check = Check { session, mailbox, window: check_window(now), deadline };
    let failed = match timeout_at(deadline, check.walk(&mut steps)).await {
        Ok(Ok(())) => None,
        Ok(Err(failed)) => Some(failed),
        // The step that was being taken is the first that has not been reported.
        Err(_) => check.steps().nth(steps.len()).map(|step| StepReport::failed(step, ReadError::deadline().at(step))),
    };
    steps.extend(failed);
    steps.extend(check.steps().skip(steps.len()).map(StepReport::not_reached));
    ConnectionReport::new(steps)
}

struct Check<'a> {
    session: &'a Session,
    mailbox: &'a Mailbox,
    window: Interval,
    deadline: Instant,
}

/// What the server answers to a request that carries no credential.
enum Probe {
    /// It asks for one, by these schemes.
    Asked(Vec<String>),
    /// It answers without one.
    NotAsked,
    /// Something else, such as a redirect, which says nothing about authentication.
    Unclear,
}

/// What the first request with a credential brought.
struct Entered {
    /// The free/busy times, where that is what was asked.
    free_busy: Vec<CalendarEntry>,
}

/// An error and the step that it belongs to.
struct Stopped {
    step: Step,
    error: ReadError,
}

impl Check<'_> {
    /// Pushes a report for each step that ended well, in order, and gives the one that did not.
    async fn walk(&self, steps: &mut Vec<StepReport>) -> Result<(), StepReport> {
        let failed = |step| move |error: ReadError| StepReport::failed(step, error.at(step));

        let dialled = reach(&self.session.connector, steps).await?;
        let probe = self.probe(dialled).await.map_err(failed(Step::Authentication))?;
        self.tickets(steps).await?;
        let began = Instant::now();
        let entered = self.enter().await;
        let proven = self.session.vault.accepted_since(began);
        steps.push(self.authentication(probe, proven, entered.as_ref().err())?);
        let entered = match entered {
            Ok(entered) => entered,
            Err(Stopped { step, error }) => {
                self.steps_before(step, steps);
                return Err(failed(step)(error));
            }
        };
        self.steps_before(Step::Calendar, steps);

        let (entries, warning) = match self.free_busy_mode() {
            true => (entered.free_busy, None),
            false => {
                let Check { session, mailbox, window, .. } = *self;
                let views = Views { session, mailbox, window, deadline: self.call_deadline() };
                let reading = views.read(Compare::Always).await.map_err(failed(Step::Calendar))?;
                (reading.calendar.into_entries(), completeness_warning(&reading.completeness))
            }
        };
        let found = Finding::Entries { count: entries.len(), days: CHECKED_DAYS };
        let report = StepReport::passed(Step::Calendar).with_finding(found);
        steps.push(warning.into_iter().fold(report, StepReport::with_warning));

        let visibility = self.titles(&entries).await.map_err(failed(Step::Titles))?;
        let finding = Finding::Titles { visibility };
        if self.free_busy_mode() && visibility == TitleVisibility::Visible {
            return Err(failed(Step::Titles)(titles_visible()).with_finding(finding));
        }
        steps.push(StepReport::passed(Step::Titles).with_finding(finding));
        Ok(())
    }

    /// The steps that are taken on this way: those with the KDC where Kerberos is used, and no application's rights.
    fn steps(&self) -> impl Iterator<Item = Step> + use<> {
        let by_ticket = self.session.vault.uses_tickets();
        let taken = move |step: &Step| match step {
            Step::Kdc | Step::Ticket => by_ticket,
            Step::Rights => false,
            _ => true,
        };
        Step::ALL.into_iter().filter(taken)
    }

    /// Gets a ticket, where Kerberos is used. The proof of the credential gets the same one, and is told the same verdict: a wrong password is sent
    /// once.
    #[cfg(feature = "kerberos")]
    async fn tickets(&self, steps: &mut Vec<StepReport>) -> Result<(), StepReport> {
        let vault = &self.session.vault;
        if !vault.uses_tickets() {
            return Ok(());
        }
        let failed = |step, error: ReadError| StepReport::failed(step, error.at(step));
        let credentials = match vault.for_tickets() {
            Ok(credentials) => credentials,
            Err(error) => {
                steps.push(StepReport::not_reached(Step::Kdc));
                return Err(failed(Step::Ticket, error));
            }
        };
        let scheme = &credentials.0;
        let Some(tickets) = scheme.tickets() else { return Ok(()) };
        let reached = tickets.reach().await;
        let ticket = tickets.ticket(self.session.route().host(), self.session.settings.credential_lock).await;
        let warned = |step, error: &ReadError| {
            let warning = StepWarning::new(error.cause().clone(), error.remedy().clone());
            StepReport::passed(step).with_warning(warning)
        };
        let kdc = match &reached {
            Ok(address) => StepReport::passed(Step::Kdc).with_finding(Finding::Addresses { addresses: vec![*address] }),
            // A ticket in hand is good without a KDC, and so is NTLM.
            Err(error) => warned(Step::Kdc, error),
        };
        let Err(error) = ticket else {
            steps.extend([kdc, StepReport::passed(Step::Ticket)]);
            return Ok(());
        };
        let verdict = is_verdict(error.kind());
        let only_way = verdict || !scheme.permits_ntlm();
        if error.step() == Some(Step::Kdc) {
            if only_way {
                return Err(failed(Step::Kdc, error));
            }
            steps.extend([warned(Step::Kdc, &error), StepReport::not_reached(Step::Ticket)]);
            return Ok(());
        }
        steps.push(kdc);
        match only_way {
            true => return Err(failed(Step::Ticket, error)),
            false => steps.push(warned(Step::Ticket, &error)),
        }
        Ok(())
    }

    #[cfg(not(feature = "kerberos"))]
    async fn tickets(&self, _: &mut Vec<StepReport>) -> Result<(), StepReport> {
        Ok(())
    }

    /// Asks without a credential.
    async fn probe(&self, dialled: Dialled) -> Result<Probe, ReadError> {
        let connector = &self.session.connector;
        let headers = HeaderMap::from_iter([(header::USER_AGENT, connector.user_agent().clone())]);
        let request = request(connector, headers, Bytes::new())?;
        let mut connection = Connection::over(dialled).await?;
        let answer = connection.exchange(connector, request, connector.route().idle_timeout()).await?;
        Ok(match answer.status {
            StatusCode::UNAUTHORIZED => Probe::Asked(offered_schemes(&answer.headers)),
            status if status.is_success() => Probe::NotAsked,
            _ => Probe::Unclear,
        })
    }

    /// Asks with the credential: by impersonation for the calendar's folder, else for the free/busy times themselves.
    async fn enter(&self) -> Result<Entered, Stopped> {
        if self.free_busy_mode() {
            let group = std::slice::from_ref(self.mailbox);
            let answered = free_busy::read_group(self.session, group, self.window, self.call_deadline()).await;
            let mut results = answered.map_err(|error| self.stopped(error))?;
            // What the server says of this one mailbox, it says after everything before the calendar has gone well.
            let result = results.pop().unwrap_or_else(|| Err(ReadError::internal()));
            let calendar = result.map_err(|error| Stopped { step: Step::Calendar, error })?;
            return Ok(Entered { free_busy: calendar.into_entries() });
        }
        let body = get_folder::request(self.mailbox);
        let call = self.session.impersonating(self.mailbox, get_folder::NAME, &body, self.call_deadline());
        let opened = self.session.call(call, get_folder::read).await;
        opened.map_err(|error| self.stopped(error)).map(|_| Entered { free_busy: Vec::new() })
    }

    /// The step that an error of the first call with a credential belongs to.
    fn stopped(&self, error: ReadError) -> Stopped {
        use ReadErrorKind::{
            CredentialsLocked, CredentialsRefused, ImpersonationDenied, MailboxNotFound, NotPrimaryAddress,
            PasswordExpired, SchemeNotOffered, ServerUnproven, TicketRefused, Token,
        };
        let step = match error.kind() {
            CredentialsRefused | CredentialsLocked | PasswordExpired | SchemeNotOffered | Token | TicketRefused
            | ServerUnproven => Step::Authentication,
            _ if matches!(error.step(), Some(Step::Kdc | Step::Ticket | Step::Authentication)) => Step::Authentication,
            ImpersonationDenied | MailboxNotFound | NotPrimaryAddress if !self.free_busy_mode() => Step::Impersonation,
            _ if error.is_mailbox() => Step::Calendar,
            _ => Step::Service,
        };
        Stopped { step, error }
    }

    /// The step `Authentication`, as far as the answer to the first request with a credential shows how it ended. Only Exchange itself
    /// answers in SOAP, and only after it has accepted the credential; that is what `proven` says.
    fn authentication(&self, probe: Probe, proven: bool, stopped: Option<&Stopped>) -> Result<StepReport, StepReport> {
        let step = Step::Authentication;
        let (offered, asked) = match &probe {
            Probe::Asked(schemes) => (schemes.clone(), true),
            Probe::NotAsked | Probe::Unclear => (Vec::new(), false),
        };
        let finding = Finding::Schemes { offered, used: self.session.vault.scheme().to_owned() };
        let report = match stopped {
            Some(Stopped { step: Step::Authentication, error }) => {
                return Err(StepReport::failed(step, error.clone().at(step)).with_finding(finding));
            }
            _ if matches!(probe, Probe::NotAsked) => StepReport::not_needed(step),
            // A server that asked for a credential and then answered something else than 401 has taken it.
            Some(Stopped { error, .. }) if !proven && (!asked || error.is_unreachable()) => {
                StepReport::not_reached(step)
            }
            _ => StepReport::passed(step),
        };
        Ok(report.with_finding(finding))
    }

    /// Reports on the steps between `Authentication` and this one, which have gone well.
    fn steps_before(&self, step: Step, steps: &mut Vec<StepReport>) {
        if Step::Service < step {
            steps.push(service(self.session.server_version()));
        }
        if Step::Impersonation < step {
            steps.push(match self.free_busy_mode() {
                true => StepReport::not_needed(Step::Impersonation),
                false => StepReport::passed(Step::Impersonation),
            });
        }
    }

    /// Looks for titles: as the owner at those of three entries, in free/busy mode at the details of the time around the first three,
    /// which an account that may see no titles does not get.
    async fn titles(&self, entries: &[CalendarEntry]) -> Result<TitleVisibility, ReadError> {
        if !self.free_busy_mode() {
            let body = find_item::titles_request(self.window, self.mailbox);
            let call = self.session.impersonating(self.mailbox, find_item::NAME, &body, self.call_deadline());
            return Ok(self.session.call(call, find_item::count_titles).await?.seen_by_the_owner());
        }
        let starts: Vec<i64> = entries.iter().take(3).filter_map(|entry| start(*entry)).collect();
        let (Some(first), Some(third)) = (starts.first(), starts.last()) else {
            return Ok(TitleVisibility::CannotTell);
        };
        // Entries may reach far beyond what one request may ask for; that they touch the window is enough to find them.
        let from = (*first).max(self.window.start_unix());
        let around = Interval::from_unix(from, (*third).max(from).saturating_add(60)).unwrap_or(self.window);
        let window = window::at_least(around, get_user_availability::SHORTEST_WINDOW);
        let body = get_user_availability::titles_request(window, self.mailbox);
        let call = self.session.as_itself(Some(self.mailbox), get_user_availability::NAME, &body, self.call_deadline());
        Ok(self.session.call(call, get_user_availability::count_titles).await?.seen_in_free_busy())
    }

    /// The deadline of a call that begins now.
    fn call_deadline(&self) -> Instant {
        self.session.deadline().min(self.deadline)
    }

    fn free_busy_mode(&self) -> bool {
        self.session.settings.access == Access::FreeBusy
    }
}

fn start(entry: CalendarEntry) -> Option<i64> {
    match entry.time() {
        EntryTime::Timed(interval) => Some(interval.start_unix()),
        _ => None,
    }
}

/// The step `Service` of a server that answers.
fn service(version: Option<ServerVersion>) -> StepReport {
    let passed = StepReport::passed(Step::Service);
    let Some(version) = version else { return passed };
    let finding = Finding::Version { product: version.product().to_owned(), version: version.to_string() };
    let passed = passed.with_finding(finding);
    if !version.is_older_than_2016() {
        return passed;
    }
    passed.with_warning(StepWarning::new(
        Text::fixed(
            "Der Server ist älter als Exchange Server 2016: Er bekommt keine Sicherheitsupdates mehr, und diese Anbindung ist mit ihm \
             nicht geprüft.",
            "The server is older than Exchange Server 2016: it gets no security updates any more, and this connection has not been tested \
             with it.",
        ),
        Text::fixed(
            "Stellen Sie auf Exchange Server Subscription Edition (SE) um.",
            "Move to Exchange Server Subscription Edition (SE).",
        ),
    ))
}

/// What the administrator is to know about how sure it is that the calendar was read whole.
fn completeness_warning(completeness: &Completeness) -> Option<StepWarning> {
    match completeness {
        Completeness::Shown => None,
        Completeness::InDoubt(error) => Some(StepWarning::new(
            Text::new(
                format!(
                    "Ob die Ansicht alle Termine enthält, konnte nicht geprüft werden, denn die Frage nach Frei/Gebucht-Zeiten wurde abgelehnt. \
                     {}",
                    error.details(Language::German)
                ),
                format!(
                    "Whether the view holds all appointments could not be checked, since the question for free/busy times was refused. {}",
                    error.details(Language::English)
                ),
            ),
            Text::fixed(
                "Erlauben Sie dem Konto Frei/Gebucht-Anfragen (GetUserAvailability) für das Postfach, oder prüfen Sie mit einem Postfach, in \
                 dessen nächsten 14 Tagen ein Serientermin liegt.",
                "Allow the account free/busy requests (GetUserAvailability) for the mailbox, or check with a mailbox that has an occurrence of \
                 a recurring appointment in the next 14 days.",
            ),
        )),
        Completeness::ReadByFreeBusy => Some(StepWarning::new(
            Text::fixed(
                "Der Server löst Terminserien nicht auf. Der Kalender wird deshalb über Frei/Gebucht-Zeiten gelesen.",
                "The server does not expand series of appointments. So the calendar is read by free/busy times.",
            ),
            Text::fixed(
                "Rechnen Sie damit, dass ganztägige Einträge nur vermutet werden können; ein Exchange Server löst Serien auf.",
                "Expect that all-day entries can only be guessed; an Exchange Server expands series.",
            ),
        )),
    }
}

fn titles_visible() -> ReadError {
    let fact = Text::fixed(
        "die Antwort auf die Frage nach Einzelheiten enthält Titel",
        "the answer to a question for details holds titles",
    );
    ReadError::new(ReadErrorKind::TitlesVisible, fact)
}
