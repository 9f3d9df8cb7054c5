//! Streaming notifications: which changes come, by which back end, and what can become of a stream.

use std::time::Duration;

use chrono::{DateTime, Utc};
use optigov_exchange_simulator::{
    Account, Effect, Entry, Fault, Mailbox, Scenario, Simulator, Status, StreamDefect, Streaming,
};

use crate::common::{Answer, MAILBOX, client, envelope, post_with};

const BERND: &str = "bernd@musterstadt.example";
const COOKIE: &str = "X-BackEndOverrideCookie";

fn at(hour: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_500_000 + hour * 3_600, 0).expect("an instant")
}

fn town() -> Scenario {
    Scenario::new()
        .account(Account::new("svc-optigov").password("geheim").impersonates_everybody())
        .mailbox(Mailbox::new(MAILBOX))
        .mailbox(Mailbox::new(BERND).back_end(1))
        .plain_http()
}

fn start(scenario: Scenario) -> Simulator {
    Simulator::start(scenario).expect("a simulator")
}

fn affinity(cookie: Option<&str>) -> Vec<(&'static str, String)> {
    let mut headers = vec![("X-AnchorMailbox", MAILBOX.to_owned()), ("X-PreferServerAffinity", "true".to_owned())];
    headers.extend(cookie.map(|cookie| ("Cookie", cookie.to_owned())));
    headers
}

async fn ask(simulator: &Simulator, mailbox: &str, headers: &[(&'static str, String)], body: &str) -> Answer {
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    post_with(simulator, &headers, envelope(Some(mailbox), body)).await
}

async fn subscribe(simulator: &Simulator, mailbox: &str, headers: &[(&'static str, String)]) -> Answer {
    let kinds = ["Created", "Modified", "Deleted", "Moved", "Copied"];
    let kinds = kinds.map(|kind| format!("<t:EventType>{kind}Event</t:EventType>")).concat();
    let body = format!(
        "<m:Subscribe><m:StreamingSubscriptionRequest><t:FolderIds><t:DistinguishedFolderId Id='calendar'/>\
         </t:FolderIds><t:EventTypes>{kinds}</t:EventTypes></m:StreamingSubscriptionRequest></m:Subscribe>"
    );
    ask(simulator, mailbox, headers, &body).await
}

async fn subscription(simulator: &Simulator, mailbox: &str) -> String {
    subscribe(simulator, mailbox, &affinity(None)).await.texts("SubscriptionId").remove(0)
}

fn events_of(ids: &[&str], minutes: u32) -> String {
    let ids: String = ids.iter().map(|id| format!("<t:SubscriptionId>{id}</t:SubscriptionId>")).collect();
    format!(
        "<m:GetStreamingEvents><m:SubscriptionIds>{ids}</m:SubscriptionIds><m:ConnectionTimeout>{minutes}\
         </m:ConnectionTimeout></m:GetStreamingEvents>"
    )
}

/// The response code of a request for events that is refused at once.
async fn refused(simulator: &Simulator, headers: &[(&'static str, String)], ids: &[&str]) -> String {
    ask(simulator, MAILBOX, headers, &events_of(ids, 1)).await.texts("ResponseCode").remove(0)
}

/// An open stream, which gives one envelope after the other.
struct Stream {
    response: reqwest::Response,
    read: String,
}

impl Stream {
    async fn open(simulator: &Simulator, headers: &[(&'static str, String)], ids: &[&str]) -> Stream {
        let mut request = client(simulator).post(simulator.url()).basic_auth("STADT\\svc-optigov", Some("geheim"));
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let body = envelope(Some(MAILBOX), &events_of(ids, 30));
        let response = request.header("Content-Type", "text/xml").body(body).send().await.expect("an answer");
        let mut stream = Stream { response, read: String::new() };
        let first = stream.next().await.expect("an envelope");
        assert!(first.contains("<m:ConnectionStatus>OK<"), "{first}");
        stream
    }

    /// The next envelope; what was left of the last one where the stream ends.
    async fn next(&mut self) -> Result<String, String> {
        const END: &str = "</s:Envelope>";
        loop {
            if let Some(end) = self.read.find(END) {
                let rest = self.read.split_off(end + END.len());
                return Ok(std::mem::replace(&mut self.read, rest));
            }
            match self.response.chunk().await {
                Ok(Some(piece)) => self.read.push_str(&String::from_utf8_lossy(&piece)),
                Ok(None) | Err(_) => return Err(std::mem::take(&mut self.read)),
            }
        }
    }
}

fn change(simulator: &Simulator, mailbox: &str, change: impl FnOnce(&mut Vec<Entry>)) {
    let update = simulator.update(|scenario| change(scenario.mailbox_mut(mailbox).expect("a mailbox").entries_mut()));
    update.expect("a scenario");
}

#[tokio::test]
async fn every_change_of_a_calendar_is_an_event() {
    let simulator = start(town());
    let id = subscription(&simulator, MAILBOX).await;
    let mut stream = Stream::open(&simulator, &affinity(None), &[&id]).await;
    let entry = || Entry::timed(at(9), at(10)).uid("one");
    change(&simulator, MAILBOX, |entries| entries.push(entry()));
    assert!(stream.next().await.expect("an event").contains("<t:CreatedEvent>"));
    change(&simulator, MAILBOX, |entries| entries[0] = Entry::timed(at(11), at(12)).uid("one"));
    assert!(stream.next().await.expect("an event").contains("<t:ModifiedEvent>"), "moved to another time");
    change(&simulator, MAILBOX, |entries| entries[0] = entry().status(Status::Tentative));
    assert!(stream.next().await.expect("an event").contains("<t:ModifiedEvent>"), "changed");
    change(&simulator, MAILBOX, Vec::clear);
    assert!(stream.next().await.expect("an event").contains("<t:DeletedEvent>"));
    change(&simulator, BERND, |entries| entries.push(entry()));
    simulator.beat();
    assert!(stream.next().await.expect("a heartbeat").contains("OK"), "another mailbox is no concern of this one");
}

#[tokio::test]
async fn what_a_program_deletes_into_a_folder_is_moved() {
    let simulator = start(town().mailbox(
        Mailbox::new("cora@musterstadt.example").keeps_deleted().entry(Entry::timed(at(9), at(10)).uid("one")),
    ));
    let id = subscription(&simulator, "cora@musterstadt.example").await;
    let mut stream = Stream::open(&simulator, &affinity(None), &[&id]).await;
    change(&simulator, "cora@musterstadt.example", Vec::clear);
    let event = stream.next().await.expect("an event");
    assert!(event.contains("<t:MovedEvent>") && event.contains("<t:OldParentFolderId "), "{event}");
}

#[tokio::test]
async fn requests_go_where_the_cookie_says_and_only_who_sends_none_gets_one() {
    let simulator = start(town().back_ends(2));
    let first = subscribe(&simulator, MAILBOX, &affinity(None)).await;
    let set = first.headers.get("set-cookie").and_then(|value| value.to_str().ok()).expect("a cookie").to_owned();
    let cookie = set.split(';').next().expect("a part").to_owned();
    assert!(cookie.starts_with(COOKIE));
    let second = subscribe(&simulator, BERND, &affinity(Some(&cookie))).await;
    assert!(second.headers.get("set-cookie").is_none());
    let ids = [first.texts("SubscriptionId").remove(0), second.texts("SubscriptionId").remove(0)];
    let ids: Vec<_> = ids.iter().map(String::as_str).collect();
    drop(Stream::open(&simulator, &affinity(Some(&cookie)), &ids).await);

    // A wrong cookie is worth nothing, and is not replaced; then the anchor decides.
    let wrong = ask(&simulator, MAILBOX, &affinity(Some(&format!("{COOKIE}=ex9~1"))), &events_of(&["x"], 1)).await;
    assert!(wrong.headers.get("set-cookie").is_none());
    drop(Stream::open(&simulator, &affinity(Some(&format!("{COOKIE}=ex9~1"))), &ids).await);
    // The cookie of the other one is obeyed, and that one knows nothing of the subscriptions.
    let other = cookie.replace("ex1", "ex2");
    assert_eq!(refused(&simulator, &affinity(Some(&other)), &ids).await, "ErrorSubscriptionNotFound");
    // Without the wish for affinity the cookie means nothing, and without an anchor each back end gets its turn.
    let plain = [("Cookie", other)];
    let answers = [refused(&simulator, &plain, &["x"]).await, refused(&simulator, &[], &ids).await];
    assert!(answers.contains(&"ErrorSubscriptionNotFound".to_owned()));
}

#[tokio::test]
async fn sites_that_are_apart_refuse_each_others_mailboxes() {
    let simulator = start(town().back_ends(2).separate_sites());
    let refused = subscribe(&simulator, BERND, &affinity(None)).await;
    assert_eq!(refused.texts("ResponseCode"), ["ErrorProxyRequestNotAllowed"]);
    let taken = subscribe(&simulator, BERND, &[("X-AnchorMailbox", BERND.to_owned())]).await;
    assert_eq!(taken.texts("ResponseCode"), ["NoError"]);
}

#[tokio::test]
async fn a_back_end_that_starts_anew_has_forgotten_its_subscriptions() {
    let simulator = start(town().back_ends(2));
    let here = subscription(&simulator, MAILBOX).await;
    let there = subscribe(&simulator, BERND, &[("X-AnchorMailbox", BERND.to_owned())]).await;
    let mut stream = Stream::open(&simulator, &affinity(None), &[&here]).await;
    simulator.restart_back_end(0);
    assert!(stream.next().await.is_err(), "the stream is cut");
    assert_eq!(refused(&simulator, &affinity(None), &[&here]).await, "ErrorSubscriptionNotFound");
    let there = there.texts("SubscriptionId").remove(0);
    drop(Stream::open(&simulator, &[("X-AnchorMailbox", BERND.to_owned())], &[&there]).await);
}

#[tokio::test]
async fn missed_events_end_the_subscription_with_an_error() {
    let simulator = start(town());
    let (anna, bernd) = (subscription(&simulator, MAILBOX).await, subscription(&simulator, BERND).await);
    let mut stream = Stream::open(&simulator, &affinity(None), &[&anna, &bernd]).await;
    simulator.miss_events(MAILBOX);
    let error = stream.next().await.expect("an envelope");
    assert!(error.contains("ErrorMissedNotificationEvents") && error.contains(&anna) && !error.contains(&bernd));
    change(&simulator, BERND, |entries| entries.push(Entry::timed(at(9), at(10))));
    assert!(stream.next().await.expect("an envelope").contains(&bernd), "the other one goes on");
    assert_eq!(refused(&simulator, &affinity(None), &[&anna]).await, "ErrorSubscriptionNotFound");
}

#[tokio::test]
async fn streams_are_cut_fall_silent_and_fail_as_the_rules_say() {
    let rule = |defect, nth| Fault::new(Effect::Stream(defect)).operation("GetStreamingEvents").nth(nth);
    let simulator = start(
        town()
            .streaming(Streaming::new().heartbeat(Duration::from_millis(5)))
            .fault(rule(StreamDefect::Cut { after: 2 }, 1))
            .fault(rule(StreamDefect::Silent { after: 1 }, 2))
            .fault(rule(StreamDefect::Error { after: 1, code: "ErrorReadEventsFailed".to_owned() }, 3)),
    );
    let id = subscription(&simulator, MAILBOX).await;
    let mut cut = Stream::open(&simulator, &affinity(None), &[&id]).await;
    assert!(cut.next().await.expect("a heartbeat").contains("OK"));
    let half = cut.next().await.expect_err("a cut");
    assert!(half.contains("<s:Envelope"), "{half}");
    let mut silent = Stream::open(&simulator, &affinity(None), &[&id]).await;
    let next = tokio::time::timeout(Duration::from_millis(50), silent.next()).await;
    assert!(next.is_err(), "ten heartbeats were due: {next:?}");
    let mut failing = Stream::open(&simulator, &affinity(None), &[&id]).await;
    let error = failing.next().await.expect("an envelope");
    assert!(error.contains("ErrorReadEventsFailed") && error.contains("Closed") && error.contains(&id), "{error}");
    assert!(failing.next().await.is_err());
    assert_eq!(refused(&simulator, &affinity(None), &[&id]).await, "ErrorSubscriptionNotFound");
}

#[tokio::test]
async fn an_account_has_so_many_streams_and_a_stream_so_many_subscriptions() {
    let simulator = start(town().streaming(Streaming::new().connections(1).subscriptions(2)));
    let (anna, bernd) = (subscription(&simulator, MAILBOX).await, subscription(&simulator, BERND).await);
    let third = subscribe(&simulator, MAILBOX, &affinity(None)).await;
    assert_eq!(third.texts("ResponseCode"), ["ErrorExceededSubscriptionCount"]);
    let stream = Stream::open(&simulator, &affinity(None), &[&anna]).await;
    assert_eq!(refused(&simulator, &affinity(None), &[&bernd]).await, "ErrorExceededConnectionCount");
    drop(stream);
    simulator.streams_become(|streams, _| streams == 0).await;
    drop(Stream::open(&simulator, &affinity(None), &[&bernd]).await);
    assert_eq!(simulator.most_streams(), 1);
    let many: Vec<_> = std::iter::repeat_n(anna.as_str(), Streaming::MOST_FOR_A_CONNECTION + 1).collect();
    assert_eq!(refused(&simulator, &affinity(None), &many).await, "ErrorInvalidArgument");
}

#[tokio::test]
async fn a_new_stream_takes_over_the_subscriptions_of_the_old_one_and_nothing_is_lost() {
    let simulator = start(town());
    let (anna, bernd) = (subscription(&simulator, MAILBOX).await, subscription(&simulator, BERND).await);
    let mut old = Stream::open(&simulator, &affinity(None), &[&anna, &bernd]).await;
    let mut new = Stream::open(&simulator, &affinity(None), &[&anna]).await;
    let error = old.next().await.expect("an envelope");
    assert!(error.contains("ErrorNewEventStreamConnectionOpened") && error.contains(&anna) && !error.contains(&bernd));
    change(&simulator, MAILBOX, |entries| entries.push(Entry::timed(at(9), at(10))));
    assert!(new.next().await.expect("an envelope").contains(&anna));
    let waiting = subscription(&simulator, BERND).await;
    change(&simulator, BERND, |entries| entries.push(Entry::timed(at(9), at(10))));
    let mut first = Stream::open(&simulator, &affinity(None), &[&waiting]).await;
    assert!(
        first.next().await.expect("an envelope").contains("<t:CreatedEvent>"),
        "the first stream gets what has waited"
    );
    // What happens while nobody listens is lost for good.
    drop((old, new, first));
    simulator.streams_become(|streams, _| streams == 0).await;
    change(&simulator, MAILBOX, Vec::clear);
    let mut later = Stream::open(&simulator, &affinity(None), &[&anna]).await;
    simulator.beat();
    assert!(later.next().await.expect("an envelope").contains("OK"));
}

#[tokio::test]
async fn a_minute_takes_as_long_as_the_scenario_says_and_then_the_stream_is_closed() {
    let simulator = start(town().streaming(Streaming::new().minute(Duration::from_millis(1))));
    let id = subscription(&simulator, MAILBOX).await;
    let mut stream = Stream::open(&simulator, &affinity(None), &[&id]).await;
    assert!(stream.next().await.expect("an envelope").contains("<m:ConnectionStatus>Closed<"));
    assert!(stream.next().await.is_err());
}

#[test]
fn a_scenario_file_has_words_for_all_of_it() {
    let text = "back_ends = 2\nseparate_sites = true\n[streaming]\nheartbeat = 5\nminute = 50\nconnections = 3\nsubscriptions = 7\n\
                [[fault]]\neffect = { stream = { cut = { after = 3 } } }\n\
                [[mailbox]]\naddress = \"anna@musterstadt.example\"\nback_end = 1\nkeeps_deleted = true\n";
    let streaming = Streaming::new().heartbeat(Duration::from_millis(5)).minute(Duration::from_millis(50));
    let expected = Scenario::new()
        .back_ends(2)
        .separate_sites()
        .streaming(streaming.connections(3).subscriptions(7))
        .fault(Fault::new(Effect::Stream(StreamDefect::Cut { after: 3 })))
        .mailbox(Mailbox::new(MAILBOX).back_end(1).keeps_deleted());
    assert_eq!(Scenario::from_toml(text).expect("a scenario"), expected);
    assert!(Scenario::from_toml("back_ends = 0").is_err() && Scenario::from_toml("[streaming]\nminute = 0").is_err());
}
