//! What strangers' servers put on the wire: encodings, compression, lists of challenges, hints of any size.

use std::time::Duration;

use optigov_calendar::{EntryStatus, ReadErrorKind};
use optigov_ews::Credentials;
use optigov_exchange_simulator::{
    Account, Effect, Entry, Fault, HttpAnswer, Mailbox as SimulatedMailbox, Scenario, Scheme, Simulator, SoapFault,
};

use crate::support::{PASSWORD, Reply, Scripted, Setup, anna, check, interval, read, refusal, view};

fn scenario() -> Scenario {
    let nine = interval("2026-11-24T09:00:00Z", "2026-11-24T10:00:00Z");
    let entry = Entry::timed(nine.start(), nine.end()).subject("Müller und Söhne");
    Scenario::new()
        .account(Account::new("svc-optigov").password(PASSWORD).impersonates(["anna@musterstadt.example"]))
        .mailbox(SimulatedMailbox::new("anna@musterstadt.example").entry(entry))
}

async fn with_fault(effects: impl IntoIterator<Item = Effect>) -> Result<usize, optigov_calendar::ReadError> {
    let scenario = effects.into_iter().fold(scenario(), |scenario, effect| scenario.fault(Fault::new(effect)));
    let simulator = Simulator::start(scenario).expect("a simulator");
    let entries = read(&Setup::of(&simulator).build(), &anna()).await?;
    assert!(entries.iter().all(|entry| entry.status() == EntryStatus::Busy));
    Ok(entries.len())
}

#[tokio::test]
async fn a_body_that_is_gzipped_unasked_or_in_utf_16_is_read() {
    for effects in [vec![Effect::Gzip], vec![Effect::Utf16], vec![Effect::Gzip, Effect::Utf16]] {
        assert_eq!(with_fault(effects.clone()).await.expect("a view"), 1, "{effects:?}");
    }
}

#[tokio::test]
async fn a_small_body_that_unfolds_beyond_the_bound_is_a_limit_reached() {
    let bomb = scenario().fault(Fault::new(Effect::Gzip)).fault(Fault::new(Effect::Huge(40 << 20)));
    let simulator = Simulator::start(bomb).expect("a simulator");
    let most = std::num::NonZeroUsize::new(8 << 20).expect("not zero");
    for credentials in crate::support::every_scheme() {
        let client =
            Setup::of(&simulator).credentials(credentials).route(|route| route.with_max_response_bytes(most)).build();
        let error = read(&client, &anna()).await.expect_err("a bomb");
        assert_eq!(error.kind(), ReadErrorKind::LimitReached);
    }
}

#[tokio::test]
async fn a_byte_that_is_no_text_is_harmless_where_it_is_skipped() {
    assert_eq!(with_fault([Effect::InvalidUtf8]).await.expect("a view"), 1);
}

#[tokio::test]
async fn a_byte_that_is_no_text_is_malformed_where_it_is_read() {
    // The check reads whether there is a subject, and nothing else reads one.
    let simulator = Simulator::start(scenario().fault(Fault::new(Effect::InvalidUtf8))).expect("a simulator");
    let report = check(&Setup::of(&simulator).build(), &anna()).await;
    let error = report.steps().iter().find_map(|step| step.error()).expect("a step failed");
    assert_eq!(error.kind(), ReadErrorKind::Malformed);
}

#[tokio::test]
async fn challenges_in_one_line_and_after_a_token_are_understood() {
    for credentials in [
        Credentials::basic("svc-optigov", PASSWORD),
        #[cfg(feature = "ntlm")]
        Credentials::ntlm("STADT\\svc-optigov", PASSWORD),
        #[cfg(feature = "ntlm")]
        Credentials::negotiate("STADT\\svc-optigov", PASSWORD),
    ] {
        let simulator = Simulator::start(scenario().challenges_in_one_line()).expect("a simulator");
        let client = Setup::of(&simulator).credentials(credentials.clone()).build();
        assert_eq!(read(&client, &anna()).await.expect("a view").len(), 1, "{credentials:?}");
        let text = format!("{:?}", check(&client, &anna()).await);
        for scheme in ["Negotiate", "NTLM", "Basic"] {
            assert!(text.contains(&format!("\"{scheme}\"")), "{scheme} was offered: {text}");
        }
    }
}

#[tokio::test]
async fn a_scheme_that_one_line_does_not_offer_is_a_matter_of_the_settings() {
    let simulator = Simulator::start(scenario().schemes([Scheme::Negotiate, Scheme::Ntlm]).challenges_in_one_line());
    let simulator = simulator.expect("a simulator");
    let error = read(&Setup::of(&simulator).build(), &anna()).await.expect_err("no Basic");
    assert_eq!(error.kind(), ReadErrorKind::SchemeNotOffered);
    assert!(error.fact().in_language(optigov_calendar::Language::German).contains("Negotiate, NTLM"));
}

#[cfg(feature = "ntlm")]
#[tokio::test]
async fn an_ntlm_challenge_without_target_information_is_answered() {
    for one_line in [false, true] {
        let plain = scenario().ntlm_without_target_info();
        let scenario = if one_line { plain.challenges_in_one_line() } else { plain };
        let simulator = Simulator::start(scenario).expect("a simulator");
        for credentials in
            [Credentials::ntlm("STADT\\svc-optigov", PASSWORD), Credentials::negotiate("STADT\\svc-optigov", PASSWORD)]
        {
            let client = Setup::of(&simulator).credentials(credentials).build();
            assert_eq!(read(&client, &anna()).await.expect("a view").len(), 1);
        }
    }
}

/// A challenge of NTLM in a `NegTokenResp` that says `accept-incomplete` and names the mechanism.
#[cfg(feature = "ntlm")]
#[tokio::test]
async fn a_challenge_in_spnego_is_unwrapped_and_answered_in_spnego() {
    use base64::{Engine, prelude::BASE64_STANDARD};

    let ntlm = BASE64_STANDARD.decode(crate::ntlm::CHALLENGE).expect("base64");
    let length = |more: usize| u8::try_from(ntlm.len() + more).expect("short");
    let mut token = vec![0xa1, length(25), 0x30, length(23), 0xa0, 0x03, 0x0a, 0x01, 0x01, 0xa1, 0x0c, 0x06, 0x0a];
    token.extend([0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x02, 0x0a, 0xa2, length(2), 0x04, length(0)]);
    token.extend(&ntlm);
    let challenge = format!("Negotiate {}, NTLM", BASE64_STANDARD.encode(token));
    let server = Scripted::start_with_proofs(move |_, request| match request.header("authorization") {
        "" => Reply::ok(view("", "true")),
        token if token.len() < 100 => Reply::status(401, "").header("www-authenticate", challenge.clone()),
        _ => Reply::ok(view("", "true")),
    })
    .await;
    let client = server.client().credentials(Credentials::negotiate("STADT\\svc-optigov", PASSWORD)).build();
    read(&client, &anna()).await.expect("a view");
    let proof = server.received()[1].header("authorization").to_owned();
    let proof = BASE64_STANDARD.decode(proof.strip_prefix("Negotiate ").expect("the scheme")).expect("base64");
    assert_eq!(proof[0], 0xa1, "a NegTokenResp");
    assert!(proof.windows(12).any(|part| part == b"NTLMSSP\0\x03\0\0\0"), "with NTLM's third message inside");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hint_of_any_size_ends_in_an_answer_within_the_deadline() {
    let hints =
        ["9223372036854775808", "18446744073709551616", "-1", "-9223372036854775808", "Fri, 31 Dec 9999 23:59:59 GMT"];
    for hint in hints {
        for effect in [
            Effect::Http(HttpAnswer::new(503).header("Retry-After", hint)),
            Effect::SoapFault(SoapFault::new("ErrorServerBusy").status(503).back_off(hint)),
            Effect::ResponseCodeWithBackOff { code: "ErrorServerBusy".to_owned(), back_off: hint.to_owned() },
            Effect::ResponseCodeWithBackOff { code: "ErrorTimeoutExpired".to_owned(), back_off: hint.to_owned() },
        ] {
            let simulator = Simulator::start(scenario().fault(Fault::new(effect.clone()))).expect("a simulator");
            let client = Setup::of(&simulator).route(|route| route.with_timeout(Duration::from_millis(500))).build();
            let began = std::time::Instant::now();
            let error = read(&client, &anna()).await.expect_err("busy");
            let expected = error.is_throttled() || error.is_timeout() || error.kind() == ReadErrorKind::Transient;
            assert!(expected, "{hint} {effect:?}: {error:?}");
            assert!(began.elapsed() < Duration::from_secs(5), "{hint}");
        }
    }
}

#[tokio::test]
async fn years_that_exchange_does_not_have_are_malformed() {
    for year in ["+12026", "12026", "-0001", "0000", "+262142", "-262143"] {
        let error = with_fault([Effect::Year(year.to_owned())]).await.expect_err("no time");
        assert_eq!(error.kind(), ReadErrorKind::Malformed, "{year}");
    }
}

#[tokio::test]
async fn every_request_carries_the_id_that_its_error_shows_and_asks_for_its_return() {
    let server = Scripted::start(|_, _| Reply::ok(refusal("ErrorCorruptData", ""))).await;
    let error = read(&server.client().build(), &anna()).await.expect_err("refused");
    let received = server.received();
    assert_eq!(received.last().map(|request| request.header("client-request-id")), error.request_id());
    assert!(received.iter().all(|request| request.header("return-client-request-id") == "true"));
}
