//! What a request meets before EWS, over the socket.

use std::time::Duration;

use optigov_exchange_simulator::{
    AccessPolicy, Account, AnchorLookup, Effect, Fault, HttpAnswer, Mailbox, MailboxState, Scenario, Simulator,
};

use crate::common::{MAILBOX, attempt, client, envelope, find_item, free_busy, post, post_with};

const DAY: (&str, &str) = ("2026-11-24T08:00:00Z", "2026-11-24T14:00:00Z");
const AWAY: &str = "weg@musterstadt.example";
const HUNG: &str = "haengt@musterstadt.example";

fn scenario() -> Scenario {
    Scenario::new()
        .account(Account::new("svc-optigov").password("geheim").impersonates_everybody().mailbox(MAILBOX))
        .mailbox(Mailbox::new(MAILBOX))
        .mailbox(Mailbox::new(AWAY).state(MailboxState::Unavailable))
        .mailbox(Mailbox::new(HUNG).state(MailboxState::Hung))
}

fn start(scenario: Scenario) -> Simulator {
    Simulator::start(scenario).expect("a simulator")
}

fn view() -> String {
    envelope(Some(MAILBOX), &find_item(None, DAY, None, &[]))
}

#[tokio::test]
async fn an_anchor_that_cannot_be_found_takes_the_whole_request_down() {
    let fault = AnchorLookup::Fault("ErrorNonExistentMailbox".into());
    let request = || envelope(None, &free_busy(&[MAILBOX, AWAY], DAY, "FreeBusy"));
    let simulator = start(scenario().anchor_lookup(fault));
    for anchor in ["niemand@musterstadt.example", AWAY] {
        let answer = post_with(&simulator, &[("X-AnchorMailbox", anchor)], request()).await;
        assert_eq!((answer.status, answer.texts("ResponseCode")), (500, vec!["ErrorNonExistentMailbox".to_owned()]));
    }
    let answer = post_with(&simulator, &[("X-AnchorMailbox", MAILBOX)], request()).await;
    assert_eq!(answer.texts("ResponseCode"), ["NoError", "ErrorMailboxStoreUnavailable"]);
    assert_eq!(post(&simulator, "geheim", request()).await.status, 200, "without an anchor");

    let simulator = start(scenario().anchor_lookup(AnchorLookup::Status(404)));
    let answer = post_with(&simulator, &[("X-AnchorMailbox", AWAY)], request()).await;
    assert_eq!((answer.status, answer.body.as_str()), (404, ""));
    let ignoring = start(scenario());
    assert_eq!(post_with(&ignoring, &[("X-AnchorMailbox", AWAY)], request()).await.status, 200);
}

#[tokio::test]
async fn user_agents_may_be_blocked_or_allowed() {
    let agent = |name| [("User-Agent", name)];
    let blocked = start(scenario().access_policy(AccessPolicy::block(["optigov-ews/*"])));
    let answer = post_with(&blocked, &agent("optigov-ews/0.1"), view()).await;
    assert_eq!((answer.status, answer.body.as_str()), (403, ""));
    assert!(!answer.headers.contains_key("x-ews-policy-reason") && !answer.headers.contains_key("content-type"));
    assert_eq!(post_with(&blocked, &agent("Outlook"), view()).await.status, 200);
    assert_eq!(attempt(&blocked, "falsch", view()).await.expect("an answer").status, 401, "the login comes first");

    let policy = AccessPolicy::allow(["Outlook*"]).reason("not on the allow list").spares_impersonation();
    let allowing = start(scenario().access_policy(policy));
    let own = || envelope(None, &find_item(None, DAY, None, &[]));
    let answer = post_with(&allowing, &agent("optigov-ews/0.1"), own()).await;
    assert_eq!(
        (answer.status, &answer.headers["x-ews-policy-reason"]),
        (403, &"not on the allow list".parse().expect("it"))
    );
    assert_eq!(post_with(&allowing, &agent("optigov-ews/0.1"), view()).await.status, 200, "impersonation passes");
    assert_eq!(post_with(&allowing, &agent("Outlook/16"), own()).await.status, 200);
}

#[tokio::test]
async fn the_request_id_comes_back_only_where_that_is_asked_for() {
    let simulator = start(scenario().fault(Fault::new(Effect::OtherRequestId("somebody-else".into())).after(3)));
    let both = [("client-request-id", "a-1"), ("return-client-request-id", "true")];
    for (headers, returned) in [
        (&both[..], Some("a-1")),
        (&both[..1], None),
        (&both[1..], None),
        (&both[..], Some("somebody-else")),
        (&both[..1], None),
    ] {
        let answer = post_with(&simulator, headers, view()).await;
        assert_eq!(answer.headers.get("client-request-id").map(|id| id.to_str().expect("a text")), returned);
    }
}

#[tokio::test]
async fn a_passing_outage_redirects_to_a_page_that_exists() {
    let simulator = start(scenario().fault(Fault::new(Effect::Http(HttpAnswer::error_page())).first(1)));
    let answer = post(&simulator, "geheim", view()).await;
    assert_eq!(answer.status, 302);
    let location = answer.headers["location"].to_str().expect("a text");
    assert!(location.starts_with("/ews/genericerrorpage.htm"));
    let page = simulator.url().replace("/EWS/Exchange.asmx", location);
    let page = client(&simulator).get(page).basic_auth("svc-optigov", Some("geheim")).send().await.expect("an answer");
    assert_eq!((page.status().as_u16(), &page.headers()["content-type"]), (200, &"text/html".parse().expect("it")));
    assert_eq!(post(&simulator, "geheim", view()).await.status, 200);
}

#[tokio::test]
async fn a_hung_mailbox_never_answers_while_others_do() {
    let simulator = start(scenario());
    let alone = envelope(Some(HUNG), &find_item(None, DAY, None, &[]));
    let among_others = envelope(None, &free_busy(&[MAILBOX, HUNG], DAY, "FreeBusy"));
    let hanging =
        async { tokio::join!(attempt(&simulator, "geheim", alone), attempt(&simulator, "geheim", among_others)) };
    let others = async {
        tokio::time::timeout(Duration::from_secs(20), simulator.received(2)).await.expect("both arrived");
        assert_eq!(post(&simulator, "geheim", view()).await.status, 200);
    };
    tokio::select! {
        _ = hanging => panic!("it must not answer"),
        () = others => {}
    }
}

#[test]
fn the_front_end_can_be_set_in_a_file() {
    let text = r#"
        anchor_lookup = { fault = "ErrorNonExistentMailbox" }
        [access_policy]
        block = ["optigov-ews/*"]
        reason = "blocked"
        spares_impersonation = true
        [[mailbox]]
        address = "haengt@musterstadt.example"
        state = "hung"
    "#;
    let policy = AccessPolicy::block(["optigov-ews/*"]).reason("blocked").spares_impersonation();
    let expected = Scenario::new()
        .anchor_lookup(AnchorLookup::Fault("ErrorNonExistentMailbox".into()))
        .access_policy(policy)
        .mailbox(Mailbox::new(HUNG).state(MailboxState::Hung));
    assert_eq!(Scenario::from_toml(text).expect("a scenario"), expected);
    for (text, part) in [
        ("anchor_lookup = { status = 99 }", "anchor lookup: 99 is no status"),
        ("[access_policy]\nreason = \"two\\nlines\"", "access policy: \"two\\nlines\" is no value of a header"),
    ] {
        let error = Scenario::from_toml(text).expect_err(part).to_string();
        assert!(error.contains(part), "{error}");
    }
}
