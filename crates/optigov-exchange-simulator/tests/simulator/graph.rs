//! Exchange Online by Microsoft Graph, over the socket.

mod batch;
mod calendar_view;
mod faults;
mod get_schedule;
mod hybrid;
mod token;

use optigov_exchange_simulator::{Application, Mailbox, Scenario, Simulator};
use serde_json::{Value, json};

use crate::common::{MAILBOX, client};

pub(crate) const APPLICATION: &str = "11111111-2222-4333-8444-555555555555";

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).expect("JSON")
    }

    /// Status and code of a refusal.
    pub(crate) fn refusal(&self) -> (u16, String) {
        (self.status, self.json()["error"]["code"].as_str().expect("a code").to_owned())
    }

    /// A member of every item of `value`.
    pub(crate) fn all(&self, member: &str) -> Vec<Value> {
        self.json()["value"].as_array().expect("a value").iter().map(|item| item[member].clone()).collect()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("a text"))
    }
}

/// A scenario whose application reads every mailbox.
pub(crate) fn scenario() -> Scenario {
    Scenario::new().application(Application::new(APPLICATION).secret("geheim").reads_everybody())
}

pub(crate) fn start(scenario: Scenario) -> Simulator {
    Simulator::start(scenario).expect("a simulator")
}

/// A simulator with one mailbox, and a token for it.
pub(crate) async fn with(mailbox: Mailbox) -> (Simulator, Client) {
    connect(scenario().mailbox(mailbox)).await
}

pub(crate) async fn connect(scenario: Scenario) -> (Simulator, Client) {
    let simulator = start(scenario);
    let client = Client::new(&simulator).await;
    (simulator, client)
}

/// A bare HTTP client with a token.
pub(crate) struct Client {
    http: reqwest::Client,
    base: String,
    token: String,
}

impl Client {
    pub(crate) async fn new(simulator: &Simulator) -> Client {
        let answer = token(simulator, &[]).await;
        let token = answer.json()["access_token"].as_str().expect("a token").to_owned();
        Client { http: client(simulator), base: simulator.base_url(), token }
    }

    pub(crate) async fn try_get(&self, path: &str, headers: &[(&str, &str)]) -> Result<Answer, reqwest::Error> {
        let url = if path.starts_with("https://") { path.to_owned() } else { format!("{}/v1.0{path}", self.base) };
        let mut request = self.http.get(url).bearer_auth(&self.token);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        read(request.send().await?).await
    }

    pub(crate) async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.try_get(path, headers).await.expect("an answer")
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        let request = self.http.post(format!("{}/v1.0{path}", self.base)).bearer_auth(&self.token);
        let request = request.header("Content-Type", "application/json").body(body.to_string());
        read(request.send().await.expect("an answer")).await.expect("a whole answer")
    }
}

async fn read(response: reqwest::Response) -> Result<Answer, reqwest::Error> {
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let bytes = response.bytes().await?;
    Ok(Answer { status, headers, text: String::from_utf8_lossy(&bytes).into_owned() })
}

/// A token request with the right secret; `changed` fields replace others, and those of empty text are left out.
pub(crate) async fn token(simulator: &Simulator, changed: &[(&str, &str)]) -> Answer {
    token_of(simulator, "musterstadt.example", changed).await
}

pub(crate) async fn token_of(simulator: &Simulator, tenant: &str, changed: &[(&str, &str)]) -> Answer {
    let mut form = vec![
        ("client_id", APPLICATION),
        ("scope", "https://graph.microsoft.com/.default"),
        ("grant_type", "client_credentials"),
        ("client_secret", "geheim"),
    ];
    for (name, value) in changed {
        form.retain(|(key, _)| key != name);
        form.push((*name, *value));
    }
    form.retain(|(_, value)| !value.is_empty());
    let encoded = |text: &str| {
        let bytes = text.bytes();
        bytes
            .map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") })
            .collect::<String>()
    };
    let body = form.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect::<Vec<_>>().join("&");
    let request = client(simulator).post(format!("{}/{tenant}/oauth2/v2.0/token", simulator.base_url()));
    let request = request.header("Content-Type", "application/x-www-form-urlencoded").body(body);
    read(request.send().await.expect("an answer")).await.expect("a whole answer")
}

/// The path of a view of the last week of November 2026.
pub(crate) fn view(mailbox: &str, options: &str) -> String {
    let and = if options.is_empty() { "" } else { "&" };
    format!(
        "/users/{mailbox}/calendar/calendarView?startDateTime=2026-11-23T00:00:00Z&endDateTime=2026-11-30T00:00:00Z{and}{options}"
    )
}

/// What a client for availability selects.
pub(crate) const SELECT: &str = "$select=start,end,isAllDay,isCancelled,showAs,type,originalStartTimeZone";

pub(crate) fn at(day: u32, hour: u32) -> chrono::NaiveDateTime {
    self::day(day).and_hms_opt(hour, 0, 0).expect("a time")
}

pub(crate) fn day(day: u32) -> chrono::NaiveDate {
    chrono::NaiveDate::from_ymd_opt(2026, 11, day).expect("a date")
}

#[tokio::test]
async fn requests_are_recorded_without_secrets() {
    let (simulator, client) = with(Mailbox::new(MAILBOX).online()).await;
    client.get(&view(MAILBOX, SELECT), &[]).await;
    client.get(&view(MAILBOX, ""), &[]).await;
    let part = json!({"id": "1", "method": "GET", "url": view(MAILBOX, "$select=subject")});
    client.post("/$batch", &json!({"requests": [part]})).await;
    let all = simulator.requests();
    let shown: Vec<_> = all.iter().map(|r| (r.operation(), r.mailbox(), r.account(), r.asks_for_titles())).collect();
    assert_eq!(
        shown,
        [
            (Some("token"), None, Some(APPLICATION), false),
            (Some("calendarView"), Some(MAILBOX), Some(APPLICATION), false),
            (Some("calendarView"), Some(MAILBOX), Some(APPLICATION), true),
            (Some("$batch"), None, Some(APPLICATION), true),
        ]
    );
    assert!(all[0].body().contains("client_secret=***") && !all[0].body().contains("geheim"));
    assert_eq!((all[1].method(), all[1].header("authorization")), ("GET", Some("Bearer")));
    assert!(all[1].path().ends_with("/calendarView") && all[1].query().ends_with(SELECT));
    let part = &all[3].parts()[0];
    assert_eq!((part.operation(), part.mailbox(), part.asks_for_titles()), (Some("calendarView"), Some(MAILBOX), true));
}

#[test]
fn a_file_knows_both_faces() {
    let text = r#"
        tenant = "stadt.example"
        hybrid_free_busy = true
        mailbox_concurrency = 2
        [[application]]
        client_id = "11111111-2222-4333-8444-555555555555"
        secrets = ["geheim"]
        expired_secrets = ["alt"]
        reads = ["anna@musterstadt.example"]
        token_seconds = 60
        [[mailbox]]
        address = "anna@musterstadt.example"
        location = "online"
        [[fault]]
        effect = { graph = { show_as = "everywhere" } }
        operation = "calendarView"
        [[fault]]
        effect = { graph_error = { status = 404, code = "ErrorItemNotFound" } }
        [[fault]]
        effect = { aadsts = 53003 }
    "#;
    let application = Application::new(APPLICATION).secret("geheim").expired_secret("alt").reads([MAILBOX]);
    use optigov_exchange_simulator::{Effect, Fault, GraphDefect};
    let error = Effect::GraphError { status: 404, code: "ErrorItemNotFound".into(), retry_after: None };
    let expected = Scenario::new()
        .tenant("stadt.example")
        .hybrid_free_busy()
        .mailbox_concurrency(2)
        .application(application.token_lifetime(std::time::Duration::from_secs(60)))
        .mailbox(Mailbox::new(MAILBOX).online())
        .fault(Fault::new(Effect::Graph(GraphDefect::ShowAs("everywhere".into()))).operation("calendarView"))
        .fault(Fault::new(error))
        .fault(Fault::new(Effect::Aadsts(53003)));
    assert_eq!(Scenario::from_toml(text).expect("a scenario"), expected);
    for (text, part) in [
        ("[[application]]\nclient_id = \"x\"", "no GUID"),
        (&format!("[[application]]\nclient_id = \"{APPLICATION}\"\ncertificates = [\"x\"]"), "no usable PEM"),
        (&format!("[[application]]\nclient_id = \"{APPLICATION}\"\n").repeat(2), "the client id is taken"),
        ("[[application]]\nclient_id = \"x\"\nsecret = \"y\"", "unknown field"),
    ] {
        let error = Scenario::from_toml(text).expect_err(part).to_string();
        assert!(error.contains(part.trim_start_matches("no usable")), "{error}");
    }
}
