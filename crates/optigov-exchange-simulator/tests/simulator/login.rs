//! How a login can be refused or asked for, over the socket.

use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use optigov_exchange_simulator::{Account, Effect, Fault, HttpAnswer, LoginRefusal, Mailbox, Scenario, Simulator};

use crate::common::{MAILBOX, attempt, client, envelope, find_item, post};

const DAY: (&str, &str) = ("2026-11-24T08:00:00Z", "2026-11-24T12:00:00Z");

/// A first message of NTLM that offers Unicode, NTLM and extended session security.
const NEGOTIATE: &[u8; 32] = b"NTLMSSP\0\x01\0\0\0\x05\x82\x08\xa0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

fn scenario() -> Scenario {
    Scenario::new()
        .account(Account::new("svc-optigov").password("geheim").impersonates_everybody())
        .mailbox(Mailbox::new(MAILBOX))
}

fn start(scenario: Scenario) -> Simulator {
    Simulator::start(scenario).expect("a simulator")
}

fn view() -> String {
    envelope(Some(MAILBOX), &find_item(None, DAY, None, &[]))
}

#[tokio::test]
async fn a_401_may_come_in_the_middle_of_good_requests() {
    let simulator = start(scenario().fault(Fault::new(Effect::Unauthorized).nth(2)));
    let mut statuses = Vec::new();
    for _ in 0..3 {
        let answer = post(&simulator, "geheim", view()).await;
        let offered: Vec<_> = answer.headers.get_all("www-authenticate").iter().collect();
        assert_eq!(offered.len(), if answer.status == 401 { 3 } else { 0 });
        statuses.push(answer.status);
    }
    assert_eq!(statuses, [200, 401, 200]);
    assert_eq!(simulator.refused_logins("svc-optigov"), 0, "no password was wrong");
}

#[tokio::test]
async fn a_wrong_password_may_end_the_connection_in_place_of_a_401() {
    for refusal in [LoginRefusal::Reset, LoginRefusal::Close] {
        let simulator = start(scenario().refused_login(refusal.clone()));
        assert!(attempt(&simulator, "falsch", view()).await.is_err(), "{refusal:?}");
        assert_eq!(simulator.refused_logins("svc-optigov"), 1, "{refusal:?}");
        assert_eq!(post(&simulator, "geheim", view()).await.status, 200, "{refusal:?}");
        let unasked = client(&simulator).post(simulator.url()).body(view()).send().await.expect("an answer");
        assert_eq!(unasked.status().as_u16(), 401, "nothing was tried");
    }
}

#[tokio::test]
async fn a_401_may_come_late_or_never() {
    let delay = Duration::from_millis(200);
    let simulator = start(scenario().refused_login(LoginRefusal::Late(delay)));
    let asked = Instant::now();
    assert_eq!(post(&simulator, "falsch", view()).await.status, 401);
    assert!(asked.elapsed() >= delay);

    let simulator = start(scenario().refused_login(LoginRefusal::Hang));
    tokio::select! {
        _ = attempt(&simulator, "falsch", view()) => panic!("it must not answer"),
        received = simulator.received(1) => assert_eq!(received[0].refusal(), Some("wrong password")),
    }
}

#[tokio::test]
async fn a_wrong_password_may_be_answered_with_anything() {
    for (answer, status) in [
        (HttpAnswer::forbidden(), 403),
        (HttpAnswer::error_page(), 302),
        (HttpAnswer::web_page(), 200),
        (HttpAnswer::logon_page(), 440),
        (HttpAnswer::new(400), 400),
        (HttpAnswer::new(503).header("Retry-After", "0"), 503),
    ] {
        let simulator = start(scenario().refused_login(LoginRefusal::Answer(answer)));
        assert_eq!(post(&simulator, "falsch", view()).await.status, status);
        assert_eq!(simulator.refused_logins("svc-optigov"), 1);
        assert_eq!(post(&simulator, "geheim", view()).await.status, 200);
    }
}

async fn challenges(simulator: &Simulator, authorization: Option<&str>) -> Vec<String> {
    let mut request = client(simulator).post(simulator.url()).body(view());
    if let Some(value) = authorization {
        request = request.header("Authorization", value);
    }
    let response = request.send().await.expect("an answer");
    assert_eq!(response.status().as_u16(), 401);
    let values = response.headers().get_all("www-authenticate").iter();
    values.map(|value| value.to_str().expect("a text").to_owned()).collect()
}

#[tokio::test]
async fn several_challenges_may_stand_in_one_line() {
    let simulator = start(scenario().challenges_in_one_line());
    assert_eq!(challenges(&simulator, None).await, ["Negotiate,NTLM,Basic realm=\"localhost\""]);
    let first = STANDARD.encode(NEGOTIATE);
    let [line] = &challenges(&simulator, Some(&format!("NTLM {first}"))).await[..] else { panic!("one line") };
    assert!(line.starts_with("NTLM TlRMTVNTUA") && line.ends_with(", Negotiate"), "{line}");
}

#[tokio::test]
async fn an_ntlm_challenge_may_lack_target_information() {
    for (scenario, has_info) in [(scenario(), true), (scenario().ntlm_without_target_info(), false)] {
        let simulator = start(scenario);
        let first = STANDARD.encode(NEGOTIATE);
        let [challenge] = &challenges(&simulator, Some(&format!("NTLM {first}"))).await[..] else { panic!("one") };
        let message = STANDARD.decode(challenge.strip_prefix("NTLM ").expect("a token")).expect("base64");
        assert_eq!(message[8], 2);
        let flags = u32::from_le_bytes(message[20..24].try_into().expect("four bytes"));
        assert_eq!((flags & 0x0080_0000 != 0, message[40] != 0), (has_info, has_info));
    }
}

#[test]
fn logins_can_be_set_in_a_file() {
    for (text, expected) in [
        ("refused_login = \"unauthorized\"", Scenario::new()),
        ("refused_login = \"reset\"", Scenario::new().refused_login(LoginRefusal::Reset)),
        ("refused_login = { late = 5000 }", Scenario::new().refused_login(LoginRefusal::Late(Duration::from_secs(5)))),
        (
            "refused_login = { answer = { status = 503, headers = { \"Retry-After\" = \"0\" } } }",
            Scenario::new().refused_login(LoginRefusal::Answer(HttpAnswer::new(503).header("Retry-After", "0"))),
        ),
        ("challenges_in_one_line = true", Scenario::new().challenges_in_one_line()),
        ("ntlm_without_target_info = true", Scenario::new().ntlm_without_target_info()),
    ] {
        assert_eq!(Scenario::from_toml(text).expect(text), expected);
    }
    let error = Scenario::from_toml("refused_login = { answer = { status = 7 } }").expect_err("no status");
    assert_eq!(error.to_string(), "refused login: 7 is no status of a final answer");
}
