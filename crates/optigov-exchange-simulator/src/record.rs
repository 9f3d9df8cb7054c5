//! What the simulator received.

/// A request as it came in, without secrets.
#[derive(Clone, Debug, Default)]
pub struct RecordedRequest {
    pub(crate) connection: u64,
    pub(crate) operation: Option<String>,
    pub(crate) mailbox: Option<String>,
    pub(crate) account: Option<String>,
    pub(crate) refusal: Option<&'static str>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) asks_for_titles: bool,
    pub(crate) parts: Vec<RecordedRequest>,
}

impl RecordedRequest {
    /// The name of the operation: the element in `soap:Body`, or what Microsoft Graph and the token endpoint do (`calendarView`,
    /// `getSchedule`, `calendar`, `calendars`, `user`, `$batch`, `token`, `discovery`). `None` where there is none.
    pub fn operation(&self) -> Option<&str> {
        self.operation.as_deref()
    }

    /// The mailbox that was meant: the one in the impersonation header, else the first one named in the body; for Microsoft
    /// Graph the one in the path, by its primary address where the scenario has it. None of a batch, only of its parts.
    pub fn mailbox(&self) -> Option<&str> {
        self.mailbox.as_deref()
    }

    /// The account that was logged in, or the client id of the application. `None` where the login did not succeed.
    pub fn account(&self) -> Option<&str> {
        self.account.as_deref()
    }

    /// Why the login did not succeed, in a few words (`wrong password`, `no channel binding`, `challenge`); for people and for
    /// tests of this crate, not a stable list. It says so whatever the scenario answered in place of 401. `None` where the
    /// login succeeded, also where [`Effect::Unauthorized`](crate::Effect::Unauthorized) then answered 401.
    pub fn refusal(&self) -> Option<&str> {
        self.refusal
    }

    /// The TCP connection it came on, counted from 1.
    pub fn connection(&self) -> u64 {
        self.connection
    }

    /// A header's value. Of `Authorization` and `Proxy-Authorization`, only the scheme's name was kept.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The body as it was sent. Of a token request, the secret and the assertion are `***`.
    pub fn body(&self) -> &str {
        &self.body
    }

    /// The HTTP method.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The path as it was sent; of a part of a batch, with `/v1.0` in front.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The query as it was sent, without the question mark. Empty where there is none.
    pub fn query(&self) -> &str {
        &self.query
    }

    /// Whether Microsoft Graph was asked for titles, places, bodies or the people of events: by name in the query, or by leaving
    /// out `$select` where whole events come then. `getSchedule` has no way to ask, and so never does. A batch asks where one
    /// of its parts does.
    pub fn asks_for_titles(&self) -> bool {
        self.asks_for_titles || self.parts.iter().any(RecordedRequest::asks_for_titles)
    }

    /// The requests of a batch, in their order. [`Simulator::requests`](crate::Simulator::requests) does not list them on their own.
    pub fn parts(&self) -> &[RecordedRequest] {
        &self.parts
    }
}
