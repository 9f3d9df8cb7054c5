//! The shapes in which a server says that it is busy, and what the client does about it.

use std::time::{Duration, Instant};

use optigov_calendar::{ReadErrorKind, Step};
use optigov_ews::Credentials;
use optigov_exchange_simulator::{
    Account, Effect, Fault, Mailbox as SimulatedMailbox, MailboxState, Scenario, Shape, Simulator,
};

use crate::{
    certificates::Authority,
    support::{
        PASSWORD, Reply, Scripted, Setup, anna, berta, beside_proofs, envelope, every_scheme, read, refusal, view,
    },
};

const BACK_OFF: &str = "<m:MessageXml><t:Value Name=\"BackOffMilliseconds\">40</t:Value></m:MessageXml>";

fn fault(code: &str, wait: &str) -> String {
    envelope(&format!(
        "<s:Fault><faultcode>a:{code}</faultcode><faultstring>busy</faultstring><detail>\
         <e:ResponseCode xmlns:e=\"http://schemas.microsoft.com/exchange/services/2006/errors\">{code}</e:ResponseCode>\
         <t:MessageXml xmlns:t=\"http://schemas.microsoft.com/exchange/services/2006/types\">\
         <t:Value Name=\"BackOffMilliseconds\">{wait}</t:Value></t:MessageXml></detail></s:Fault>"
    ))
}

/// One throttled answer, then a good one: the call waits as told and succeeds with a second request.
async fn waits_and_goes_on(throttled: Reply, told: Duration) {
    let server =
        Scripted::start(move |number, _| if number == 0 { throttled.clone() } else { Reply::ok(view("", "true")) })
            .await;
    let client = server.client().build();
    let began = Instant::now();
    read(&client, &anna()).await.expect("a view");
    assert!(began.elapsed() >= told, "{:?}", began.elapsed());
    assert_eq!(server.count(), 2);
}

#[tokio::test]
async fn http_503_is_throttling() {
    waits_and_goes_on(Reply::status(503, "").header("retry-after", "0"), Duration::ZERO).await;
    waits_and_goes_on(Reply::status(429, "").header("retry-after", "0"), Duration::ZERO).await;
}

/// A server that is stopped says 503, too; only a word of Exchange's makes it throttling.
#[tokio::test]
async fn a_503_is_throttling_only_where_exchange_says_so() {
    for (body, kind) in [
        ("Service Unavailable".to_owned(), ReadErrorKind::Unavailable),
        (fault("ErrorServerBusy", "25000"), ReadErrorKind::Throttled),
    ] {
        let busy = Reply::status(503, body).header("retry-after", "25");
        let server = Scripted::start(move |_, _| busy.clone()).await;
        let client = server.client().route(|route| route.with_timeout(Duration::from_secs(20))).build();
        let error = read(&client, &anna()).await.expect_err("busy");
        assert_eq!((error.kind(), error.http_status()), (kind, Some(503)));
        assert_eq!(error.retry_after(), Some(Duration::from_secs(25)));
        assert!(error.request_id().is_some());
    }
}

#[tokio::test]
async fn http_500_with_a_fault_is_throttling() {
    waits_and_goes_on(Reply::status(500, fault("ErrorServerBusy", "40")), Duration::from_millis(40)).await;
}

#[tokio::test]
async fn a_fault_with_http_200_is_throttling() {
    waits_and_goes_on(Reply::ok(fault("ErrorServerBusy", "40")), Duration::from_millis(40)).await;
}

#[tokio::test]
async fn scenario_18_http_200_with_an_inner_error_server_busy_is_throttling() {
    let inner = "<m:MessageXml><t:Value Name=\"InnerErrorMessageText\">busy</t:Value>\
                 <t:Value Name=\"InnerErrorResponseCode\">ErrorServerBusy</t:Value>\
                 <t:Value Name=\"BackOffMilliseconds\">40</t:Value></m:MessageXml>";
    waits_and_goes_on(Reply::ok(refusal("ErrorInternalServerError", inner)), Duration::from_millis(40)).await;
}

#[tokio::test]
async fn a_message_of_its_own_is_throttling() {
    for code in ["ErrorServerBusy", "ErrorExceededConnectionCount", "ErrorTooManyObjectsOpened"] {
        waits_and_goes_on(Reply::ok(refusal(code, BACK_OFF)), Duration::from_millis(40)).await;
    }
}

#[tokio::test]
async fn scenario_17_other_mailboxes_go_on_while_one_waits() {
    let server = Scripted::start(|_, request| match request.body.contains("anna@") {
        true => Reply::ok(fault("ErrorServerBusy", "25000")),
        false => Reply::ok(view("", "true")),
    })
    .await;
    let client = server.client().route(|route| route.with_timeout(Duration::from_secs(20))).build();
    let began = Instant::now();
    let error = read(&client, &anna()).await.expect_err("throttled");
    assert!(error.is_throttled() && error.retry_after() >= Some(Duration::from_secs(25)), "{error:?}");
    read(&client, &berta()).await.expect("berta's view");
    let first = error.retry_after().map(|wait| wait + Duration::from_secs(1));
    for _ in 0..20 {
        let error = read(&client, &anna()).await.expect_err("still throttled");
        assert!(
            error.is_throttled() && error.retry_after() <= first,
            "asking does not make the wait longer than the jitter does"
        );
        assert_eq!(error.step(), None, "nothing was sent");
    }
    assert!(began.elapsed() < Duration::from_secs(20), "nobody waited for what the deadline does not allow");
    assert_eq!(server.count(), 2, "anna's later calls sent nothing");
}

#[tokio::test]
async fn the_deadline_holds_and_the_number_of_tries_is_bounded() {
    let server = Scripted::start(|_, _| Reply::ok(fault("ErrorServerBusy", "1"))).await;
    let client = server.client().build();
    assert!(read(&client, &anna()).await.expect_err("always busy").is_throttled());
    assert_eq!(server.count(), 6);

    let server = Scripted::start(|_, _| Reply::Silence).await;
    let client = server.client().route(|route| route.with_timeout(Duration::from_millis(80))).build();
    let began = Instant::now();
    let error = read(&client, &anna()).await.expect_err("silence");
    assert!(error.is_timeout());
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn only_what_can_be_retried_is() {
    let server =
        Scripted::start(|number, _| if number == 0 { Reply::HangUp } else { Reply::ok(view("", "true")) }).await;
    let client = server.client().build();
    read(&client, &anna()).await.expect("a second request succeeds");
    assert_eq!(server.count(), 2);

    let server = Scripted::start(|_, _| Reply::HangUp).await;
    let client = server.client().build();
    assert_eq!(read(&client, &anna()).await.expect_err("never").kind(), ReadErrorKind::Interrupted);
    assert_eq!(server.count(), 4, "three tries, of which the first met a connection that had been idle");

    let server = Scripted::start(|_, _| Reply::ok(refusal("ErrorAccessDenied", ""))).await;
    let client = server.client().build();
    assert_eq!(read(&client, &anna()).await.expect_err("denied").kind(), ReadErrorKind::AccessDenied);
    assert_eq!(server.count(), 1);
}

#[tokio::test]
async fn a_server_that_falls_silent_ends_the_call_and_not_the_client() {
    for scheme in 0..every_scheme().len() {
        let server =
            Scripted::start(|number, _| if number == 0 { Reply::Silence } else { Reply::status(404, "") }).await;
        let client = server.client().credentials(every_scheme().swap_remove(scheme));
        let client = client.route(|route| route.with_idle_timeout(Duration::from_millis(60))).build();
        let error = read(&client, &anna()).await.expect_err("silence");
        assert_eq!((error.kind(), error.to_string().as_str()), (ReadErrorKind::Timeout, "the server fell silent"));
        assert_eq!(read(&client, &anna()).await.expect_err("an answer").kind(), ReadErrorKind::NotTheService);
    }
}

#[tokio::test]
async fn a_host_that_accepts_and_says_nothing_ends_within_the_time_for_connecting() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a loopback port");
    let url = format!("https://{}/EWS/Exchange.asmx", silent.local_addr().expect("an address"));
    for credentials in every_scheme() {
        let setup = Setup::new(&url).credentials(credentials).trusting(Authority::new().pem());
        let client = setup.route(|route| route.with_connect_timeout(Duration::from_millis(60))).build();
        let error = read(&client, &anna()).await.expect_err("silence");
        assert_eq!((error.kind(), error.step()), (ReadErrorKind::Timeout, Some(Step::Connect)));
    }
}

/// Whatever the server asks for: no panic, no wait beyond the deadline, and at most five minutes.
#[tokio::test]
async fn a_wait_of_any_size_is_capped_and_harms_nobody_else() {
    for text in ["86400", "9223372036854775808", "18446744073709551615", "99999999999999999999", "-1", "soon"] {
        for as_header in [true, false] {
            let server = Scripted::start(move |_, request| match request.body.contains("anna@") {
                true if as_header => Reply::status(503, "").header("retry-after", text),
                true => Reply::ok(fault("ErrorServerBusy", text)),
                false => Reply::ok(view("", "true")),
            })
            .await;
            let client = server.client().route(|route| route.with_timeout(Duration::from_secs(1))).build();
            let began = Instant::now();
            for _ in 0..2 {
                let error = read(&client, &anna()).await.expect_err("throttled");
                assert!(error.is_throttled() || error.is_timeout(), "{text}: {error:?}");
                assert!(error.retry_after() <= Some(Duration::from_secs(302)), "{text}: {error:?}");
            }
            assert!(began.elapsed() < Duration::from_secs(3), "{text}: {:?}", began.elapsed());
            read(&client, &berta()).await.expect("berta's view");
        }
    }
    let server =
        Scripted::start(|_, _| Reply::status(503, "").header("retry-after", "Fri, 31 Dec 9999 23:59:59 GMT")).await;
    let error = read(&server.client().build(), &anna()).await.expect_err("throttled");
    assert!(error.is_throttled() && error.retry_after() <= Some(Duration::from_secs(302)), "{error:?}");
}

#[tokio::test]
async fn another_credential_ends_the_wait_that_the_server_asked_for() {
    let server = Scripted::start(|number, _| match number {
        0 => Reply::status(503, "").header("retry-after", "86400"),
        _ => Reply::ok(view("", "true")),
    })
    .await;
    let client = server.client().build();
    read(&client, &anna()).await.expect_err("throttled");
    read(&client, &anna()).await.expect_err("still");
    client.set_credentials(Credentials::basic("svc-optigov", PASSWORD));
    read(&client, &anna()).await.expect("a view");
    assert_eq!(server.count(), 2);
}

#[tokio::test]
async fn a_mailbox_whose_database_is_away_is_asked_once_more_and_a_passing_fault_until_it_passes() {
    for (code, most) in [("ErrorMailboxStoreUnavailable", 2), ("ErrorInternalServerTransientError", 3)] {
        let server = Scripted::start(move |number, _| match number < 2 {
            true => Reply::ok(refusal(code, "")),
            false => Reply::ok(view("", "true")),
        })
        .await;
        let read = read(&server.client().build(), &anna()).await;
        assert_eq!((read.is_ok(), server.count()), (most == 3, most), "{code}");
    }
}

/// One bad mailbox among a hundred: what each way of being bad costs, in requests, and that the others do not wait for it.
#[tokio::test]
async fn one_bad_mailbox_among_a_hundred_leaves_the_others_unharmed() {
    const BAD: &str = "person-7@musterstadt.example";
    let busy = Fault::new(Effect::Throttled { shape: Shape::Fault, back_off: Some(Duration::from_secs(60)) });
    for (state, fault, requests) in
        [(MailboxState::Hung, None, 1), (MailboxState::Unavailable, None, 2), (MailboxState::Enabled, Some(busy), 1)]
    {
        let names: Vec<_> = (0..100).map(|number| format!("person-{number}@musterstadt.example")).collect();
        let account = Account::new("svc-optigov").password(PASSWORD).impersonates_everybody();
        let mailbox = |name: &String| {
            let mailbox = SimulatedMailbox::new(name);
            if name == BAD { mailbox.state(state) } else { mailbox }
        };
        let scenario = names.iter().map(mailbox).fold(Scenario::new().account(account), Scenario::mailbox);
        let scenario = fault.into_iter().fold(scenario, |scenario, fault| scenario.fault(fault.mailbox(BAD)));
        let simulator = Simulator::start(scenario).expect("a simulator");
        let client = Setup::of(&simulator).route(|route| route.with_timeout(Duration::from_secs(4))).build();
        let began = Instant::now();
        let mut tasks = tokio::task::JoinSet::new();
        for name in names {
            let client = client.clone();
            tasks.spawn(async move {
                let mailbox = optigov_calendar::Mailbox::parse(&name).expect("an address");
                (read(&client, &mailbox).await.is_ok(), name == BAD, began.elapsed())
            });
        }
        while let Some(done) = tasks.join_next().await {
            let (is_read, is_bad, after) = done.expect("a task");
            assert_ne!(is_read, is_bad, "{state:?}");
            assert!(is_bad || after < Duration::from_secs(3), "{state:?}: a good one waited for {after:?}");
        }
        let asked = beside_proofs(&simulator);
        let of_the_bad = asked.iter().filter(|request| request.mailbox() == Some(BAD)).count();
        let views = asked.iter().filter(|request| request.operation() == Some("FindItem")).count();
        assert_eq!((views - of_the_bad, of_the_bad), (99, requests), "{state:?}");
    }
}
