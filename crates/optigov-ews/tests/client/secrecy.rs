//! What a log at its most talkative may never hold.

use optigov_calendar::{Access, CalendarSource, Language, ReadError, testing::Log};
use optigov_ews::Credentials;
use optigov_exchange_simulator::{Account, Entry, Mailbox as SimulatedMailbox, Scenario, Simulator};

use crate::support::{PASSWORD, Reply, Scripted, Setup, anna, berta, check, envelope, interval, read, refusal, view};

#[tokio::test]
async fn no_log_error_or_debug_text_holds_a_secret_an_address_or_a_title() {
    let window = interval("2026-11-24T09:00:00Z", "2026-11-24T10:00:00Z");
    let entry = Entry::timed(window.start(), window.end()).subject("Streng geheim").location("Zimmer 12");
    let simulator = Simulator::start(
        Scenario::new()
            .account(Account::new("svc-optigov").password(PASSWORD).impersonates(["anna@musterstadt.example"]))
            .mailbox(SimulatedMailbox::new("anna@musterstadt.example").entry(entry))
            .mailbox(SimulatedMailbox::new("berta@musterstadt.example")),
    )
    .expect("a simulator");
    let log = Log::default();
    // With a single subscriber, `tracing` lets the thread that first reaches a log line decide whether anybody listens to it, and that may be
    // another test's thread, where nobody does. With two, it asks both.
    let _second = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::default());
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(log.writer()).finish();
    // The simulator has threads of its own, so this hears the client alone.
    let listening = tracing::subscriber::set_default(subscriber);
    let mut shown = String::new();
    for credentials in [
        Credentials::basic("svc-optigov", PASSWORD),
        Credentials::basic("svc-optigov", "falsches-passwort"),
        #[cfg(feature = "ntlm")]
        Credentials::ntlm("STADT\\svc-optigov", PASSWORD),
        #[cfg(feature = "ntlm")]
        Credentials::negotiate("STADT\\svc-optigov", "falsches-passwort"),
    ] {
        shown += &format!("{credentials:?}");
        let setup = |access| {
            let setup = Setup::of(&simulator).credentials(credentials.clone());
            setup.settings(|settings| settings.access = access).build()
        };
        let (client, free_busy) = (setup(Access::Impersonation), setup(Access::FreeBusy));
        for mailbox in [anna(), berta()] {
            let answer = read(&client, &mailbox).await;
            let folder = client.impersonate(&mailbox).calendar_folder().await;
            let busy = free_busy.read(std::slice::from_ref(&mailbox), window).await;
            let reports = [check(&client, &mailbox).await, check(&free_busy, &mailbox).await];
            shown += &format!(
                "{client:?} {mailbox:?} {:?} {answer:?} {folder:?} {busy:?} {reports:?}",
                client.impersonate(&mailbox)
            );
            for error in [answer.err(), folder.err()].into_iter().flatten() {
                shown += &format!("{error} {}", Language::ALL.map(|language| error.describe(language)).concat());
            }
            for report in reports {
                shown += &serde_json::to_string(&report).expect("JSON");
                shown += &Language::ALL.map(|language| report.to_text(language)).concat();
            }
        }
    }
    drop(listening);
    let logged = log.text();
    assert!(logged.contains("FindItem"), "the log heard nothing");
    let basic = "c3ZjLW9wdGlnb3Y6"; // svc-optigov: in base64
    for secret in
        [PASSWORD, "falsches", "svc-optigov", "anna", "berta", "musterstadt", "geheim", "Zimmer", "TlRMTVNTUA", basic]
    {
        for (place, text) in [("log", &logged), ("text", &shown)] {
            let at = text.find(secret).map(|at| text[..at].lines().count());
            assert_eq!(
                at,
                None,
                "{secret} in the {place}: {:?}",
                at.and_then(|at| text.lines().nth(at.saturating_sub(1)))
            );
        }
    }
}

/// What stands for an answer's own text: a secret, in capitals where a name must be plain.
const LEAK: &str = "LEAKgeheim";

/// Everything that an error shows, its sources included.
fn everything(error: &ReadError) -> String {
    let mut text = format!("{error} {error:?} {error:#?} {}", serde_json::to_string(error).expect("JSON"));
    text += &Language::ALL.map(|language| error.describe(language)).concat();
    let mut next = std::error::Error::source(error);
    while let Some(source) = next {
        text += &format!("{source} {source:?}");
        next = source.source();
    }
    text
}

/// Answers that put [`LEAK`], or a text of `length` bytes, wherever a server can.
fn telling(length: usize) -> Vec<Reply> {
    let long = format!("{LEAK}{}", "a".repeat(length));
    let whole = |content: &str| view(content, "true");
    vec![
        Reply::ok(format!("<{long}></{LEAK}>")),
        Reply::ok(format!("<a></{long}>")),
        Reply::ok(format!("</{long}>")),
        Reply::ok(format!("<?xml {long}?><a/>")),
        Reply::ok(format!("<!DOCTYPE {long}><a/>")),
        Reply::ok(format!("<a>&{long};</a>")),
        Reply::ok(whole(&format!("<{long}></x>"))),
        Reply::ok(whole(&format!("<t:CalendarItem><t:ItemId Id=\"{LEAK}\" {long}={long}/></t:CalendarItem>"))),
        Reply::ok(whole(&format!("<t:CalendarItem><t:ItemId Id=\"&{long};\"/></t:CalendarItem>"))),
        Reply::ok(whole(&format!("<t:CalendarItem><t:Start>{long}</t:Start><t:End>{long}</t:End></t:CalendarItem>"))),
        Reply::ok(whole(&format!("<t:CalendarItem><t:Start>&{long};</t:Start></t:CalendarItem>"))),
        Reply::ok(envelope(&format!("<{long}/>"))),
        Reply::ok(refusal(&format!("{long}@musterstadt.example"), &format!("<{long}/>"))),
        Reply::ok(long.clone()),
        Reply::ok(long.clone()).header("content-encoding", "gzip"),
        Reply::status(500, format!("<{long}></{LEAK}>")),
        Reply::status(
            500,
            envelope(&format!("<s:Fault><faultcode>{long}!</faultcode><faultstring>{long}</faultstring></s:Fault>")),
        ),
        Reply::status(403, long.clone()).header("x-ews-policy-reason", format!("{LEAK} und mehr")),
        Reply::status(302, long.clone()).header("location", format!("https://{LEAK}.example/{LEAK}")),
        Reply::status(503, long.clone()).header("retry-after", LEAK),
        Reply::status(401, long.clone()).header("www-authenticate", format!("{LEAK}! realm=\"{LEAK}\"")),
        Reply::status(200, long.clone()).header("content-type", "text/html"),
    ]
}

async fn shown(reply: Reply) -> (ReadError, String) {
    let server = Scripted::start(move |_, _| reply.clone()).await;
    let error = read(&server.client().build(), &anna()).await.expect_err("an error");
    let text = everything(&error);
    (error, text)
}

#[tokio::test]
async fn no_text_of_the_servers_is_in_an_error_or_a_log() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(log.writer()).finish();
    let listening = tracing::subscriber::set_default(subscriber);
    for (number, reply) in telling(0).into_iter().enumerate() {
        let (_, text) = shown(reply).await;
        assert!(!text.contains("LEAK"), "answer {number}: {text}");
    }
    drop(listening);
    let logged = log.text();
    let of_the_client = logged.lines().find(|line| line.contains("LEAK"));
    assert_eq!(of_the_client, None);
}

#[tokio::test]
async fn an_error_is_short_however_long_the_answer() {
    // Names of elements are what the parser keeps, so those are longest; the rest only has to be long.
    for reply in telling(30 << 20).into_iter().take(3).chain(telling(1 << 20)) {
        let (error, text) = shown(reply).await;
        assert!(!text.contains("LEAK"), "{:?}", error.kind());
        let debug = format!("{error:?}").len();
        assert!(debug < 700 && text.len() < 8_000, "{:?}: {debug}, {}", error.kind(), text.len());
    }
}
