//! What a configuration says about Microsoft Graph and a client of it takes: which application of which tenant, in which cloud, and how it reads calendars.

use std::{fmt, num::NonZeroU32, time::Duration};

use serde::{Deserialize, Serialize};
use url::Url;

use crate::{InvalidRoute, Route, UserAgent, route::service_root};

/// How calendars in Exchange Online are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum GraphAccess {
    /// By `calendarView`, of which only times and flags are selected. The application could see titles; they are never asked for. The default.
    #[default]
    CalendarView,
    /// By `getSchedule`, for applications that are to see availability only. It knows no all-day flag, so all-day entries can only be guessed, and Graph puts
    /// titles into its answers that cannot be deselected; they are dropped unread.
    GetSchedule,
}

/// One of Microsoft's clouds. Each has an authority that issues tokens and an endpoint of its own, and a token of one is worth nothing in another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Cloud {
    /// The global cloud, in which European tenants lie, too. The default.
    #[default]
    Global,
    /// Microsoft 365 for the government of the United States, L4.
    UsGovernment,
    /// Microsoft 365 for the government of the United States, L5 (DoD).
    UsGovernmentDod,
    /// Microsoft 365 in China, operated by 21Vianet.
    China,
}

impl GraphAccess {
    /// Every way, the default first.
    pub const ALL: [GraphAccess; 2] = [GraphAccess::CalendarView, GraphAccess::GetSchedule];

    /// The word for it in a configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            GraphAccess::CalendarView => "calendar_view",
            GraphAccess::GetSchedule => "get_schedule",
        }
    }
}

impl Cloud {
    /// Every cloud, the default first.
    pub const ALL: [Cloud; 4] = [Cloud::Global, Cloud::UsGovernment, Cloud::UsGovernmentDod, Cloud::China];

    /// The word for it in a configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Cloud::Global => "global",
            Cloud::UsGovernment => "us_government",
            Cloud::UsGovernmentDod => "us_government_dod",
            Cloud::China => "china",
        }
    }

    /// The root of the authority that issues tokens.
    pub fn authority(self) -> &'static str {
        match self {
            Cloud::Global => "https://login.microsoftonline.com",
            Cloud::UsGovernment | Cloud::UsGovernmentDod => "https://login.microsoftonline.us",
            Cloud::China => "https://login.chinacloudapi.cn",
        }
    }

    /// The root of Microsoft Graph, without a version.
    pub fn endpoint(self) -> &'static str {
        match self {
            Cloud::Global => "https://graph.microsoft.com",
            Cloud::UsGovernment => "https://graph.microsoft.us",
            Cloud::UsGovernmentDod => "https://dod-graph.microsoft.us",
            Cloud::China => "https://microsoftgraph.chinacloudapi.cn",
        }
    }
}

/// How Microsoft Graph is asked: for which application of which tenant, where its tokens are issued, and within which limits. Valid by construction. The way to
/// Graph itself, with proxy, roots and deadlines, is a [`Route`]; the credential is given to the client. `Debug` shows neither tenant nor application.
///
/// ```
/// use optigov_calendar::{Cloud, GraphSettings, Route};
///
/// let settings = GraphSettings::new("musterstadt.onmicrosoft.com", "11111111-2222-4333-8444-555555555555")?;
/// let route = Route::for_graph(Cloud::Global.endpoint())?;
/// assert_eq!(settings.token_url().as_str(), "https://login.microsoftonline.com/musterstadt.onmicrosoft.com/oauth2/v2.0/token");
/// assert_eq!(GraphSettings::scope(&route), "https://graph.microsoft.com/.default");
/// # Ok::<(), optigov_calendar::InvalidRoute>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct GraphSettings {
    tenant: Box<str>,
    client_id: Box<str>,
    authority: Url,
    access: GraphAccess,
    entries_per_page: NonZeroU32,
    requests_per_call: NonZeroU32,
    entries_per_call: NonZeroU32,
    credential_lock: Duration,
    user_agent: Option<UserAgent>,
}

impl GraphSettings {
    /// The most entries that Graph puts on one page of a calendar view.
    pub const MOST_ENTRIES_PER_PAGE: NonZeroU32 = NonZeroU32::new(1_000).expect("not zero");
    /// The default for the most requests that one mailbox's calendar may take: 200.
    pub const REQUESTS_PER_CALL: NonZeroU32 = NonZeroU32::new(200).expect("not zero");
    /// The default for the most entries of one mailbox's calendar: 200,000.
    pub const ENTRIES_PER_CALL: NonZeroU32 = NonZeroU32::new(200_000).expect("not zero");
    /// The default for how long a refused credential is not sent again: 30 min.
    pub const CREDENTIAL_LOCK: Duration = Duration::from_secs(30 * 60);

    /// The application (client id) of a tenant, in the global cloud, with the default for everything else. The tenant is its id or one of its domains.
    ///
    /// # Errors
    /// Where the tenant is no GUID and no domain of one tenant (`common`, `organizations` and `consumers` name none), or the client id is no GUID.
    pub fn new(tenant: &str, client_id: &str) -> Result<GraphSettings, InvalidRoute> {
        Ok(GraphSettings {
            tenant: tenant_name(tenant)?,
            client_id: application_id(client_id)?,
            authority: service_root(Cloud::Global.authority(), "authority")?,
            access: GraphAccess::default(),
            entries_per_page: GraphSettings::MOST_ENTRIES_PER_PAGE,
            requests_per_call: GraphSettings::REQUESTS_PER_CALL,
            entries_per_call: GraphSettings::ENTRIES_PER_CALL,
            credential_lock: GraphSettings::CREDENTIAL_LOCK,
            user_agent: None,
        })
    }

    /// Has tokens issued by this authority, the root of an address: `https://login.microsoftonline.us`. Default: the global cloud's.
    ///
    /// # Errors
    /// Where it is not `https` (`http` is accepted for loopback addresses only), names no host, or has a path, a query or a user.
    pub fn with_authority(self, root: &str) -> Result<GraphSettings, InvalidRoute> {
        Ok(GraphSettings { authority: service_root(root, "authority")?, ..self })
    }

    /// How calendars are read. Default: by calendar view.
    pub fn with_access(self, access: GraphAccess) -> GraphSettings {
        GraphSettings { access, ..self }
    }

    /// How many entries one page of a calendar view holds (`$top`), at most 1,000. Default: 1,000.
    pub fn with_entries_per_page(self, entries: NonZeroU32) -> GraphSettings {
        GraphSettings { entries_per_page: entries.min(GraphSettings::MOST_ENTRIES_PER_PAGE), ..self }
    }

    /// The most requests, pages included, that one mailbox's calendar may take in one call; with more, it is an error. Default: 200.
    pub fn with_requests_per_call(self, requests: NonZeroU32) -> GraphSettings {
        GraphSettings { requests_per_call: requests, ..self }
    }

    /// The most entries that one mailbox's calendar may hold in a window; one with more is an error, so that memory is bounded. Default: 200,000.
    pub fn with_entries_per_call(self, entries: NonZeroU32) -> GraphSettings {
        GraphSettings { entries_per_call: entries, ..self }
    }

    /// How long a refused credential is not sent again, unless it is replaced; at most a year. Default: 30 min.
    pub fn with_credential_lock(self, lock: Duration) -> GraphSettings {
        GraphSettings { credential_lock: lock.min(Duration::from_secs(366 * 86_400)), ..self }
    }

    /// How the client names itself. Default: `optigov-graph/` and its version. An organisation with an access policy for Exchange Web Services knows programs by
    /// it, and such a policy holds for Graph, too.
    pub fn with_user_agent(self, name: UserAgent) -> GraphSettings {
        GraphSettings { user_agent: Some(name), ..self }
    }

    /// The tenant: its id or one of its domains, in lower case.
    pub fn tenant(&self) -> &str {
        &self.tenant
    }

    /// The application's id, in lower case.
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// The root of the authority that issues tokens.
    pub fn authority(&self) -> &Url {
        &self.authority
    }

    /// Where tokens are asked for; the audience of a client assertion as well.
    pub fn token_url(&self) -> Url {
        let mut url = self.authority.clone();
        // A tenant is made of letters, digits, dots and hyphens.
        url.set_path(&format!("{}/oauth2/v2.0/token", self.tenant));
        url
    }

    /// The scope of a token for Graph at the end of this way: everything that the application was granted there.
    pub fn scope(graph: &Route) -> String {
        format!("{}/.default", graph.url().origin().ascii_serialization())
    }

    /// How calendars are read.
    pub fn access(&self) -> GraphAccess {
        self.access
    }

    /// How many entries one page of a calendar view holds.
    pub fn entries_per_page(&self) -> NonZeroU32 {
        self.entries_per_page
    }

    /// The most requests that one mailbox's calendar may take in one call.
    pub fn requests_per_call(&self) -> NonZeroU32 {
        self.requests_per_call
    }

    /// The most entries that one mailbox's calendar may hold in a window.
    pub fn entries_per_call(&self) -> NonZeroU32 {
        self.entries_per_call
    }

    /// How long a refused credential is not sent again.
    pub fn credential_lock(&self) -> Duration {
        self.credential_lock
    }

    /// How the client names itself, where that is set.
    pub fn user_agent(&self) -> Option<&UserAgent> {
        self.user_agent.as_ref()
    }
}

impl fmt::Debug for GraphSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let authority = self.authority.host_str();
        f.debug_struct("GraphSettings")
            .field("authority", &authority)
            .field("access", &self.access)
            .finish_non_exhaustive()
    }
}

/// The id of an application or a tenant, in lower case.
fn guid(text: &str) -> Option<Box<str>> {
    let groups = [8, 4, 4, 4, 12];
    let is_group =
        |(group, length): (&str, usize)| group.len() == length && group.bytes().all(|b| b.is_ascii_hexdigit());
    let fits = text.split('-').count() == groups.len() && text.split('-').zip(groups).all(is_group);
    fits.then(|| text.to_ascii_lowercase().into())
}

fn application_id(text: &str) -> Result<Box<str>, InvalidRoute> {
    guid(text.trim()).ok_or_else(|| {
        InvalidRoute::new(
            "client_id",
            ("Das ist keine Anwendungs-ID.", "This is not the id of an application."),
            (
                "Bitte die „Anwendungs-ID (Client)“ aus der Übersicht der App-Registrierung angeben, wie „11111111-2222-4333-8444-555555555555“.",
                "Give the \"Application (client) ID\" of the app registration's overview, such as \"11111111-2222-4333-8444-555555555555\".",
            ),
        )
    })
}

fn tenant_name(text: &str) -> Result<Box<str>, InvalidRoute> {
    let text = text.trim();
    let label = |label: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        (1..=63).contains(&label.len()) && label.bytes().all(plain) && !label.starts_with('-') && !label.ends_with('-')
    };
    let is_domain = text.len() <= 253 && text.contains('.') && text.split('.').all(label);
    let domain = || is_domain.then(|| text.to_ascii_lowercase().into());
    guid(text).or_else(domain).ok_or_else(|| {
        InvalidRoute::new(
            "tenant",
            ("Das ist kein Mandant.", "This is not a tenant."),
            (
                "Bitte die „Verzeichnis-ID (Mandant)“ oder eine Domäne des Mandanten angeben, wie „musterstadt.onmicrosoft.com“.",
                "Give the \"Directory (tenant) ID\" or a domain of the tenant, such as \"musterstadt.onmicrosoft.com\".",
            ),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIENT: &str = "11111111-2222-4333-8444-55555555AAAA";

    fn settings() -> GraphSettings {
        GraphSettings::new("Musterstadt.OnMicrosoft.com", CLIENT).expect("settings")
    }

    #[test]
    fn a_tenant_is_one_and_an_application_has_a_guid() {
        assert_eq!(settings().tenant(), "musterstadt.onmicrosoft.com");
        assert_eq!(settings().client_id(), "11111111-2222-4333-8444-55555555aaaa");
        assert!(GraphSettings::new(CLIENT, CLIENT).is_ok());
        for wrong in
            ["", "common", "organizations", "a..b", "-a.b", "stadt.example/x", "stadt example.de", "stadt.example?x"]
        {
            assert_eq!(GraphSettings::new(wrong, CLIENT).expect_err(wrong).setting(), "tenant");
        }
        for wrong in [
            "",
            "optigov",
            "11111111-2222-4333-8444",
            "g1111111-2222-4333-8444-555555555555",
            "{11111111-2222-4333-8444-555555555555}",
        ] {
            assert_eq!(GraphSettings::new("stadt.example", wrong).expect_err(wrong).setting(), "client_id");
        }
    }

    #[test]
    fn every_cloud_has_an_authority_and_an_endpoint_that_can_be_used() {
        for cloud in Cloud::ALL {
            let settings = settings().with_authority(cloud.authority()).expect("an authority");
            let route = Route::for_graph(cloud.endpoint()).expect("an endpoint");
            assert_eq!(settings.token_url().scheme(), "https");
            assert_eq!(GraphSettings::scope(&route), format!("{}/.default", cloud.endpoint()));
            assert_eq!(route.to_authority(&settings).host(), settings.authority().host_str().expect("a host"));
        }
    }

    #[test]
    fn an_authority_is_the_root_of_an_address() {
        for right in [
            "https://login.microsoftonline.us",
            "https://login.microsoftonline.us/",
            "http://127.0.0.1:8080",
            "https://localhost:1",
        ] {
            assert!(settings().with_authority(right).is_ok(), "{right}");
        }
        for wrong in [
            "",
            "login.microsoftonline.com",
            "http://login.microsoftonline.com",
            "https://login.microsoftonline.com/common",
            "https://login.microsoftonline.com/?a=b",
            "https://user@login.microsoftonline.com",
        ] {
            let refused = settings().with_authority(wrong).expect_err(wrong);
            assert_eq!(refused.setting(), "authority");
            assert!(!format!("{:?}", refused.remedy()).contains("EWS"));
        }
        assert_eq!(Route::for_graph("https://graph.microsoft.com/v1.0").expect_err("a path").setting(), "endpoint");
    }

    #[test]
    fn an_address_that_is_given_for_graph_does_not_lead_to_the_authority() {
        let route =
            Route::for_graph(Cloud::Global.endpoint()).and_then(|route| route.with_resolve_to([10, 0, 0, 1].into()));
        let route = route.expect("a route").with_timeout(Duration::from_secs(3));
        let authority = route.to_authority(&settings());
        assert_eq!((authority.resolve_to(), authority.timeout()), (None, Duration::from_secs(3)));
    }

    #[test]
    fn every_word_is_the_one_in_json() {
        for value in GraphAccess::ALL {
            assert_eq!(serde_json::to_value(value).expect("serialises"), value.as_str());
        }
        for value in Cloud::ALL {
            assert_eq!(serde_json::to_value(value).expect("serialises"), value.as_str());
        }
    }

    #[test]
    fn debug_shows_neither_tenant_nor_application() {
        let shown = format!("{:?}", settings());
        assert!(!shown.contains("musterstadt") && !shown.contains("11111111"), "{shown}");
    }
}
