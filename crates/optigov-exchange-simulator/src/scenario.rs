mod account;
mod application;
mod contradiction;
mod effect;
mod entry;
mod fault;
mod file;
mod free_busy_defect;
mod front_end;
mod graph_defect;
mod http_answer;
mod ics;
mod location;
mod login_refusal;
mod mailbox;
mod milliseconds;
mod soap_fault;
mod stream_defect;
mod streaming;
mod throttling;
mod transport;

pub use account::Account;
pub use application::Application;
pub use contradiction::Contradiction;
pub use effect::Effect;
pub use entry::{Entry, Status};
pub use fault::Fault;
pub use free_busy_defect::FreeBusyDefect;
pub use front_end::{AccessPolicy, AnchorLookup};
pub use graph_defect::GraphDefect;
pub use http_answer::HttpAnswer;
pub use location::Location;
pub use login_refusal::LoginRefusal;
pub use mailbox::{Mailbox, MailboxState, Permission};
pub use soap_fault::SoapFault;
pub use stream_defect::StreamDefect;
pub use streaming::Streaming;
pub use throttling::{Shape, Throttling};
pub use transport::{Certificate, Tls};

pub(crate) use account::Impersonates;
pub(crate) use entry::{Exception, Span};

use crate::zones::is_in_range;

/// What a simulated Exchange holds and how it behaves: accounts, mailboxes with their calendars, and transport.
///
/// A value is only checked as a whole when the simulator starts or is updated. Defaults: no account, no mailbox, HTTPS with
/// a certificate of the simulator's own authority, the schemes Negotiate, NTLM and Basic.
///
/// ```
/// use optigov_exchange_simulator::{Account, Mailbox, Scenario};
///
/// let scenario = Scenario::new()
///     .account(Account::new("svc-optigov").password("geheim").impersonates(["anna@musterstadt.example"]))
///     .mailbox(Mailbox::new("anna@musterstadt.example"));
/// # let _ = scenario;
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    pub(crate) accounts: Vec<Account>,
    pub(crate) applications: Vec<Application>,
    pub(crate) tenant: String,
    pub(crate) mailboxes: Vec<Mailbox>,
    pub(crate) schemes: Vec<Scheme>,
    pub(crate) channel_binding: ChannelBinding,
    pub(crate) plain: bool,
    pub(crate) certificate: Certificate,
    pub(crate) tls: Tls,
    pub(crate) faults: Vec<Fault>,
    pub(crate) throttling: Throttling,
    pub(crate) streaming: Streaming,
    pub(crate) back_ends: usize,
    pub(crate) separate_sites: bool,
    pub(crate) foreign: bool,
    pub(crate) unexpanded_series: bool,
    pub(crate) free_busy_days: u32,
    pub(crate) hybrid_free_busy: bool,
    pub(crate) mailbox_concurrency: usize,
    pub(crate) anchor_lookup: AnchorLookup,
    pub(crate) access_policy: AccessPolicy,
    pub(crate) refused_login: LoginRefusal,
    pub(crate) challenges_in_one_line: bool,
    pub(crate) ntlm_without_target_info: bool,
}

/// A way to log in. In a scenario file: `basic`, `ntlm`, `negotiate`, `bearer`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Scheme {
    /// HTTP Basic, [RFC 7617](https://www.rfc-editor.org/rfc/rfc7617).
    Basic,
    /// NTLM of the connection.
    Ntlm,
    /// Negotiate of the connection, with NTLM inside (there is no Kerberos here).
    Negotiate,
    /// A bearer token, [RFC 6750](https://www.rfc-editor.org/rfc/rfc6750).
    Bearer,
}

/// Extended Protection: whether NTLM must be bound to the TLS channel. In a scenario file: `none`, `allow`, `require`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ChannelBinding {
    /// Bindings are not looked at.
    None,
    /// A binding that a client sends must be the right one; a zeroed one is wrong. The default, as in Exchange since 2019 CU14.
    #[default]
    Allow,
    /// Without the right binding nobody gets in.
    Require,
}

impl Scenario {
    /// The id of the tenant, which names it everywhere its domain does.
    pub const TENANT_ID: &str = "6f4c4d3a-2b1e-4f70-9a58-0d1c2e3f4a5b";

    /// The scenario file of the demo town *Musterstadt*: two accounts and a handful of mailboxes.
    ///
    /// ```
    /// use optigov_exchange_simulator::Scenario;
    ///
    /// assert!(Scenario::from_toml(Scenario::MUSTERSTADT).is_ok());
    /// ```
    pub const MUSTERSTADT: &str = include_str!("../scenarios/musterstadt.toml");

    /// An Exchange without accounts or mailboxes.
    pub fn new() -> Self {
        Scenario {
            accounts: Vec::new(),
            applications: Vec::new(),
            tenant: "musterstadt.example".to_owned(),
            mailboxes: Vec::new(),
            schemes: vec![Scheme::Negotiate, Scheme::Ntlm, Scheme::Basic],
            channel_binding: ChannelBinding::Allow,
            plain: false,
            certificate: Certificate::default(),
            tls: Tls::default(),
            faults: Vec::new(),
            throttling: Throttling::default(),
            streaming: Streaming::default(),
            back_ends: 1,
            separate_sites: false,
            foreign: false,
            unexpanded_series: false,
            free_busy_days: 42,
            hybrid_free_busy: false,
            mailbox_concurrency: 4,
            anchor_lookup: AnchorLookup::default(),
            access_policy: AccessPolicy::default(),
            refused_login: LoginRefusal::default(),
            challenges_in_one_line: false,
            ntlm_without_target_info: false,
        }
    }

    /// Reads a scenario file; `scenarios/musterstadt.toml` and, for Exchange Online, `scenarios/hybrid.toml` in this crate show
    /// every key.
    ///
    /// # Errors
    /// [`is_scenario`](crate::Error::is_scenario): the text is not TOML, has an unknown key, or a value that does not fit.
    pub fn from_toml(text: &str) -> Result<Self, crate::Error> {
        file::scenario(text)
    }

    /// Adds an account.
    pub fn account(mut self, account: Account) -> Self {
        self.accounts.push(account);
        self
    }

    /// Registers an application, which reads mailboxes that are [online](Mailbox::online) by Microsoft Graph.
    pub fn application(mut self, application: Application) -> Self {
        self.applications.push(application);
        self
    }

    /// The domain by which token requests name the tenant. Default: `musterstadt.example`. [`TENANT_ID`](Scenario::TENANT_ID)
    /// names it as well.
    pub fn tenant(mut self, domain: impl Into<String>) -> Self {
        self.tenant = domain.into();
        self
    }

    /// Adds a mailbox.
    pub fn mailbox(mut self, mailbox: Mailbox) -> Self {
        self.mailboxes.push(mailbox);
        self
    }

    /// The schemes offered, in this order. None at all lets everybody in, as the first account of the scenario.
    pub fn schemes(mut self, schemes: impl IntoIterator<Item = Scheme>) -> Self {
        self.schemes = schemes.into_iter().collect();
        self
    }

    /// Extended Protection for NTLM and Negotiate over TLS. Default: [`ChannelBinding::Allow`].
    pub fn channel_binding(mut self, channel_binding: ChannelBinding) -> Self {
        self.channel_binding = channel_binding;
        self
    }

    /// The longest window, in days, that GetUserAvailability answers; a longer one gives `ErrorTimeIntervalTooBig`.
    /// Default: 42, Exchange's own.
    pub fn free_busy_days(mut self, days: u32) -> Self {
        self.free_busy_days = days;
        self
    }

    /// Lets free/busy work across the hybrid organisation: the server answers GetUserAvailability for mailboxes that are
    /// online, and `getSchedule` answers for those on premises. Default: `ErrorProxyRequestProcessingFailed` for each of them.
    pub fn hybrid_free_busy(mut self) -> Self {
        self.hybrid_free_busy = true;
        self
    }

    /// How many requests to one mailbox Microsoft Graph answers at a time; more are refused with 429. Default: 4.
    pub fn mailbox_concurrency(mut self, most: usize) -> Self {
        self.mailbox_concurrency = most;
        self
    }

    /// Serves plain HTTP. Default: HTTPS.
    pub fn plain_http(mut self) -> Self {
        self.plain = true;
        self
    }

    /// The certificate to show over HTTPS. Default: [`Certificate::Valid`].
    pub fn certificate(mut self, certificate: Certificate) -> Self {
        self.certificate = certificate;
        self
    }

    /// The versions of TLS to speak. Default: [`Tls::Modern`].
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = tls;
        self
    }

    /// Adds a rule by which the simulator misbehaves.
    pub fn fault(mut self, fault: Fault) -> Self {
        self.faults.push(fault);
        self
    }

    /// Removes all rules of [`fault`](Scenario::fault); for [`Simulator::update`](crate::Simulator::update).
    pub fn clear_faults(&mut self) {
        self.faults.clear();
    }

    /// The throttling policy. Default: no limits.
    pub fn throttling(mut self, throttling: Throttling) -> Self {
        self.throttling = throttling;
        self
    }

    /// How streaming notifications are treated. Default: [`Streaming::new`].
    pub fn streaming(mut self, streaming: Streaming) -> Self {
        self.streaming = streaming;
        self
    }

    /// How many servers answer behind the front end. Each mailbox lies on one of them ([`Mailbox::back_end`]), and a subscription to
    /// notifications is known only to the one that took it. A request with `X-PreferServerAffinity: true` goes where its
    /// cookie `X-BackEndOverrideCookie` says; else the mailbox in `X-AnchorMailbox` decides; else it goes to each in turn. Who
    /// prefers affinity and sends no such cookie gets one. Default: 1.
    pub fn back_ends(mut self, count: usize) -> Self {
        self.back_ends = count;
        self
    }

    /// The back ends are in sites that do not pass requests on: one refuses to subscribe to a mailbox of another, with
    /// `ErrorProxyRequestNotAllowed`. Default: any of them takes any subscription.
    pub fn separate_sites(mut self) -> Self {
        self.separate_sites = true;
        self
    }

    /// Behaves like an EWS server that is not Microsoft's: SOAP faults with HTTP 200, an unprefixed `faultcode` and no
    /// `detail`; no `ServerVersionInfo`; booleans as `1` and `0`; items unsorted, and those that touch the window; times with
    /// `+00:00`; optional elements left out; free/busy that leaks series past the window. Default: Microsoft's ways.
    pub fn foreign_server(mut self) -> Self {
        self.foreign = true;
        self
    }

    /// Never expands series: of each series, FindItem sends only the master, and only where the master itself (the first
    /// occurrence) lies in the window. A series that began earlier is missing without any sign. Free/busy of the same server
    /// shows all occurrences. Default: series are expanded, as by Exchange.
    pub fn unexpanded_series(mut self) -> Self {
        self.unexpanded_series = true;
        self
    }

    /// What happens when `X-AnchorMailbox` names a mailbox that the front end cannot find. Default: [`AnchorLookup::Ignore`].
    pub fn anchor_lookup(mut self, lookup: AnchorLookup) -> Self {
        self.anchor_lookup = lookup;
        self
    }

    /// Which user agents may use EWS. Default: all.
    pub fn access_policy(mut self, policy: AccessPolicy) -> Self {
        self.access_policy = policy;
        self
    }

    /// What a failed login is answered with. Default: 401.
    pub fn refused_login(mut self, refusal: LoginRefusal) -> Self {
        self.refused_login = refusal;
        self
    }

    /// Writes all challenges into one `WWW-Authenticate` line, parted by commas, and lets the names of the other connection
    /// schemes follow the token of a handshake: `Negotiate,NTLM` and `NTLM <token>, Negotiate`. Default: one line for each.
    pub fn challenges_in_one_line(mut self) -> Self {
        self.challenges_in_one_line = true;
        self
    }

    /// Sends NTLM challenges without target information (no names of computer and domain, no time). Default: with it.
    pub fn ntlm_without_target_info(mut self) -> Self {
        self.ntlm_without_target_info = true;
        self
    }

    /// The mailbox with this primary address, to change it in [`Simulator::update`](crate::Simulator::update).
    pub fn mailbox_mut(&mut self, address: &str) -> Option<&mut Mailbox> {
        self.mailboxes.iter_mut().find(|mailbox| mailbox.address.eq_ignore_ascii_case(address))
    }

    /// The application with this client id, to change it in [`Simulator::update`](crate::Simulator::update).
    pub fn application_mut(&mut self, client_id: &str) -> Option<&mut Application> {
        self.applications.iter_mut().find(|application| application.client_id.eq_ignore_ascii_case(client_id))
    }

    /// The account of this name, to change it in [`Simulator::update`](crate::Simulator::update).
    pub fn account_mut(&mut self, name: &str) -> Option<&mut Account> {
        self.accounts.iter_mut().find(|account| account.name.eq_ignore_ascii_case(name))
    }

    /// Checks what the builder lets through.
    pub(crate) fn check(&self) -> Result<(), crate::Error> {
        for (at, account) in self.accounts.iter().enumerate() {
            if self.accounts[..at].iter().any(|other| other.name.eq_ignore_ascii_case(&account.name)) {
                return Err(crate::Error::scenario("the name is taken").at(format!("account {}", account.name)));
            }
            if let Some(address) = &account.mailbox
                && !self.mailboxes.iter().any(|mailbox| mailbox.address.eq_ignore_ascii_case(address))
            {
                let text = format!("its own mailbox {address} is not in the scenario");
                return Err(crate::Error::scenario(text).at(format!("account {}", account.name)));
            }
        }
        for (at, application) in self.applications.iter().enumerate() {
            let id = &application.client_id;
            if self.applications[..at].iter().any(|other| other.client_id.eq_ignore_ascii_case(id)) {
                return Err(crate::Error::scenario("the client id is taken").at(format!("application {id}")));
            }
            application.check().map_err(|error| error.at(format!("application {id}")))?;
        }
        for (at, fault) in self.faults.iter().enumerate() {
            fault.check().map_err(|error| error.at(format!("fault {}", at + 1)))?;
        }
        self.refused_login.check().map_err(|error| error.at("refused login"))?;
        self.anchor_lookup.check()?;
        self.streaming.check()?;
        if self.back_ends == 0 {
            return Err(crate::Error::scenario("somebody has to answer").at("back_ends"));
        }
        self.access_policy.check()?;
        let mut seen = std::collections::HashSet::new();
        for mailbox in &self.mailboxes {
            for address in std::iter::once(&mailbox.address).chain(&mailbox.aliases) {
                if !address.split_once('@').is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty()) {
                    return Err(crate::Error::scenario(format!("{address:?} is no SMTP address")));
                }
                if !seen.insert(address.to_lowercase()) {
                    return Err(crate::Error::scenario(format!("the address {address} occurs twice")));
                }
            }
            for (at, entry) in mailbox.entries.iter().enumerate() {
                check_entry(entry).map_err(|e| e.at(format!("mailbox {}, entry {}", mailbox.address, at + 1)))?;
            }
        }
        Ok(())
    }
}

impl Default for Scenario {
    fn default() -> Self {
        Scenario::new()
    }
}

fn check_entry(entry: &Entry) -> Result<(), crate::Error> {
    check_span(&entry.span)?;
    for (date, exception) in &entry.exceptions {
        match exception {
            Exception::Deleted => {}
            Exception::Moved(span) => check_span(span).map_err(|e| e.at(date))?,
            Exception::Changed(changed) => check_entry(changed).map_err(|e| e.at(date))?,
        }
    }
    match &entry.rule {
        None if !entry.exceptions.is_empty() => Err(crate::Error::scenario("it has exceptions but no recurrence")),
        _ => Ok(()),
    }
}

fn check_span(span: &Span) -> Result<(), crate::Error> {
    let (ordered, in_range) = match span {
        Span::Instants { start, end } => (start <= end, is_in_range(start) && is_in_range(end)),
        Span::Local { start, end } => (start <= end, is_in_range(start) && is_in_range(end)),
        Span::Days { first, last } => (first <= last, is_in_range(first) && is_in_range(last)),
    };
    match (ordered, in_range) {
        (true, true) => Ok(()),
        (false, _) => Err(crate::Error::scenario("it ends before it starts")),
        (_, false) => Err(crate::Error::scenario("it lies outside the years 1601 to 4500, which Exchange has")),
    }
}
