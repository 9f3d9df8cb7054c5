//! What the simulator received.

/// A request as it came in, without secrets.
#[derive(Clone, Debug)]
pub struct RecordedRequest {
    pub(crate) connection: u64,
    pub(crate) operation: Option<String>,
    pub(crate) mailbox: Option<String>,
    pub(crate) account: Option<String>,
    pub(crate) refusal: Option<&'static str>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl RecordedRequest {
    /// The name of the operation: the element in `soap:Body`. `None` where there is no SOAP request in it.
    pub fn operation(&self) -> Option<&str> {
        self.operation.as_deref()
    }

    /// The mailbox that was meant: the one in the impersonation header, else the first one named in the body.
    pub fn mailbox(&self) -> Option<&str> {
        self.mailbox.as_deref()
    }

    /// The account that was logged in. `None` where the login did not succeed.
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

    /// The body as it was sent.
    pub fn body(&self) -> &str {
        &self.body
    }
}
