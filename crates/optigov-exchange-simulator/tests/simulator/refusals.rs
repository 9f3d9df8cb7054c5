//! Refusals with any code, status and hint, as a bare HTTP client sees them.

use optigov_exchange_simulator::{Account, Effect, Fault, HttpAnswer, Mailbox, Scenario, Simulator, SoapFault};

use crate::common::{Answer, MAILBOX, envelope, find_item, post};

const DAY: (&str, &str) = ("2026-11-24T08:00:00Z", "2026-11-24T12:00:00Z");

fn start(effect: Effect) -> Simulator {
    let account = Account::new("svc-optigov").password("geheim").impersonates_everybody();
    let scenario = Scenario::new().account(account).mailbox(Mailbox::new(MAILBOX)).fault(Fault::new(effect));
    Simulator::start(scenario).expect("a simulator")
}

async fn with(effect: Effect) -> Answer {
    post(&start(effect), "geheim", envelope(Some(MAILBOX), &find_item(None, DAY, None, &[]))).await
}

#[tokio::test]
async fn a_fault_comes_under_any_status_with_any_hint() {
    for status in [200, 403, 500, 503] {
        for back_off in ["9223372036854775808", "-5", "soon"] {
            let fault = SoapFault::new("ErrorServerBusy").status(status).back_off(back_off);
            let answer = with(Effect::SoapFault(fault)).await;
            assert_eq!((answer.status, answer.texts("faultcode")), (status, vec!["a:ErrorServerBusy".to_owned()]));
            assert_eq!(answer.texts("ResponseCode"), ["ErrorServerBusy"]);
            assert_eq!(answer.texts("Value"), [back_off]);
        }
    }
}

#[tokio::test]
async fn the_two_codes_of_a_fault_may_differ() {
    let fault = SoapFault::new("Something else").fault_code("ErrorAccessDenied");
    let answer = with(Effect::SoapFault(fault.clone())).await;
    assert_eq!(answer.texts("faultcode"), ["a:ErrorAccessDenied"]);
    assert_eq!(answer.texts("ResponseCode"), ["Something else"]);
    let bare = with(Effect::SoapFault(fault.bare())).await;
    assert_eq!((bare.status, bare.texts("faultcode")), (500, vec!["ErrorAccessDenied".to_owned()]));
    assert!(bare.texts("ResponseCode").is_empty());
}

#[tokio::test]
async fn a_message_carries_any_hint() {
    let effect = Effect::ResponseCodeWithBackOff { code: "ErrorServerBusy".into(), back_off: "-5".into() };
    let answer = with(effect).await;
    assert_eq!((answer.status, answer.texts("ResponseCode")), (200, vec!["ErrorServerBusy".to_owned()]));
    assert_eq!(answer.texts("Value"), ["-5"]);
}

#[tokio::test]
async fn proxies_and_policies_answer_without_soap() {
    let forbidden = with(Effect::Http(HttpAnswer::forbidden().header("X-EWS-Policy-Reason", "blocked"))).await;
    assert_eq!((forbidden.status, forbidden.body.as_str()), (403, ""));
    assert_eq!(forbidden.headers["x-ews-policy-reason"], "blocked");
    for (answer, status) in [
        (HttpAnswer::logon_page(), 440),
        (HttpAnswer::proxy_error(502), 502),
        (HttpAnswer::proxy_error(504), 504),
        (HttpAnswer::web_page(), 200),
    ] {
        let answer = with(Effect::Http(answer)).await;
        assert_eq!((answer.status, &answer.headers["content-type"]), (status, &"text/html".parse().expect("it")));
        assert!(!answer.body.is_empty() && !answer.body.contains("ews"));
    }
    for text in ["99999999999999999999", "-1", "Fri, 31 Dec 9999 23:59:59 GMT"] {
        let answer = with(Effect::Http(HttpAnswer::new(503).header("Retry-After", text))).await;
        assert_eq!((answer.status, answer.headers["retry-after"].to_str().expect("it")), (503, text));
    }
}

#[test]
fn impossible_answers_are_refused_by_name() {
    for (effect, part) in [
        (Effect::Http(HttpAnswer::new(99)), "99 is no status"),
        (Effect::Http(HttpAnswer::new(200).header("no name", "x")), "\"no name\" is no name of a header"),
        (Effect::Http(HttpAnswer::new(200).header("x", "a\nb")), "is no value of a header"),
        (Effect::SoapFault(SoapFault::new("x").status(100)), "100 is no status"),
        (Effect::OtherRequestId("a\nb".into()), "is no value of a header"),
    ] {
        let error = Simulator::start(Scenario::new().fault(Fault::new(effect))).expect_err(part);
        assert!(error.is_scenario() && error.to_string().contains(part), "{error}");
    }
}
