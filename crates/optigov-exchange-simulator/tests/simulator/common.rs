//! A bare HTTP client and hand-written requests, as a stranger would send them.

use optigov_exchange_simulator::Simulator;

pub(crate) const MAILBOX: &str = "anna@musterstadt.example";

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: String,
    pub(crate) bytes: Vec<u8>,
}

impl Answer {
    /// The texts of all elements of this name, whatever their prefix.
    pub(crate) fn texts(&self, name: &str) -> Vec<String> {
        let mut found = Vec::new();
        for part in self.body.split('<').filter(|part| !part.starts_with(['/', '?'])) {
            let Some((head, text)) = part.split_once('>') else { continue };
            let tag = head.split([' ', '/']).next().unwrap_or_default();
            if tag.rsplit(':').next() == Some(name) {
                found.push(text.to_owned());
            }
        }
        found
    }

    /// The value of an attribute wherever it occurs.
    pub(crate) fn attributes(&self, name: &str) -> Vec<String> {
        let before = format!(" {name}=\"");
        let parts = self.body.split(&before).skip(1);
        parts.filter_map(|part| part.split('"').next()).map(str::to_owned).collect()
    }
}

pub(crate) fn client(simulator: &Simulator) -> reqwest::Client {
    rustls::crypto::ring::default_provider().install_default().ok();
    let mut builder = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
    if !simulator.ca_pem().is_empty() {
        let ca = reqwest::Certificate::from_pem(simulator.ca_pem().as_bytes()).expect("a certificate");
        builder = builder.tls_certs_only([ca]);
    }
    builder.build().expect("a client")
}

/// One request, whatever comes of it.
pub(crate) async fn attempt(simulator: &Simulator, password: &str, body: String) -> Result<Answer, reqwest::Error> {
    attempt_with(simulator, password, &[], body).await
}

/// One request with further headers, whatever comes of it.
pub(crate) async fn attempt_with(
    simulator: &Simulator,
    password: &str,
    headers: &[(&str, &str)],
    body: String,
) -> Result<Answer, reqwest::Error> {
    let mut request = client(simulator).post(simulator.url()).basic_auth("STADT\\svc-optigov", Some(password));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = request.header("Content-Type", "text/xml; charset=utf-8").body(body).send().await?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let bytes = response.bytes().await?.to_vec();
    Ok(Answer { status, headers, body: String::from_utf8_lossy(&bytes).into_owned(), bytes })
}

/// One request with further headers and the right password.
pub(crate) async fn post_with(simulator: &Simulator, headers: &[(&str, &str)], body: String) -> Answer {
    attempt_with(simulator, "geheim", headers, body).await.expect("a whole answer")
}

pub(crate) async fn post(simulator: &Simulator, password: &str, body: String) -> Answer {
    attempt(simulator, password, body).await.expect("a whole answer")
}

/// An envelope around `body`, impersonating `mailbox` if there is one.
pub(crate) fn envelope(mailbox: Option<&str>, body: &str) -> String {
    let impersonation = mailbox.map_or(String::new(), |mailbox| {
        format!(
            "<t:ExchangeImpersonation><t:ConnectingSID><t:PrimarySmtpAddress>{mailbox}</t:PrimarySmtpAddress>\
             </t:ConnectingSID></t:ExchangeImpersonation>"
        )
    });
    format!(
        r#"<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"
        xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types"
        xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages"><soap:Header>
        <t:RequestServerVersion Version="Exchange2016"/>{impersonation}</soap:Header><soap:Body>{body}</soap:Body>
        </soap:Envelope>"#
    )
}

/// A FindItem for `fields` of the calendar of `folder` (`None`: of whoever asks).
pub(crate) fn find_item(folder: Option<&str>, window: (&str, &str), limit: Option<usize>, fields: &[&str]) -> String {
    let fields: String = fields.iter().map(|field| format!(r#"<t:FieldURI FieldURI="{field}"/>"#)).collect();
    let further = match fields.as_str() {
        "" => String::new(),
        fields => format!("<t:AdditionalProperties>{fields}</t:AdditionalProperties>"),
    };
    let limit = limit.map_or(String::new(), |limit| format!(r#"MaxEntriesReturned="{limit}""#));
    let folder = folder
        .map_or(String::new(), |address| format!("<t:Mailbox><t:EmailAddress>{address}</t:EmailAddress></t:Mailbox>"));
    let (start, end) = window;
    format!(
        r#"<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape>{further}</m:ItemShape>
        <m:CalendarView {limit} StartDate="{start}" EndDate="{end}"/><m:ParentFolderIds>
        <t:DistinguishedFolderId Id="calendar">{folder}</t:DistinguishedFolderId></m:ParentFolderIds></m:FindItem>"#
    )
}

/// A GetUserAvailability in the zone of Berlin, without clock changes, in intervals of an hour.
pub(crate) fn free_busy(mailboxes: &[&str], window: (&str, &str), view: &str) -> String {
    free_busy_by(mailboxes, window, Some(60), view)
}

/// The same in intervals of so many minutes; `None`: the request does not say.
pub(crate) fn free_busy_by(mailboxes: &[&str], window: (&str, &str), interval: Option<u32>, view: &str) -> String {
    let interval = interval.map_or(String::new(), |minutes| {
        format!("<t:MergedFreeBusyIntervalInMinutes>{minutes}</t:MergedFreeBusyIntervalInMinutes>")
    });
    let change = "<t:Bias>0</t:Bias><t:Time>00:00:00</t:Time><t:DayOrder>0</t:DayOrder><t:Month>0</t:Month>\
                  <t:DayOfWeek>Sunday</t:DayOfWeek>";
    let data: String = mailboxes
        .iter()
        .map(|address| {
            format!(
                "<t:MailboxData><t:Email><t:Address>{address}</t:Address></t:Email><t:AttendeeType>Required\
                 </t:AttendeeType></t:MailboxData>"
            )
        })
        .collect();
    let (start, end) = window;
    format!(
        "<m:GetUserAvailabilityRequest><t:TimeZone><t:Bias>-60</t:Bias><t:StandardTime>{change}</t:StandardTime>\
         <t:DaylightTime>{change}</t:DaylightTime></t:TimeZone><m:MailboxDataArray>{data}</m:MailboxDataArray>\
         <t:FreeBusyViewOptions><t:TimeWindow><t:StartTime>{start}</t:StartTime><t:EndTime>{end}</t:EndTime>\
         </t:TimeWindow>{interval}<t:RequestedView>{view}\
         </t:RequestedView></t:FreeBusyViewOptions></m:GetUserAvailabilityRequest>"
    )
}
