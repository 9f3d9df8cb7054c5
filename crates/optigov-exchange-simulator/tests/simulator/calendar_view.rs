//! FindItem over the socket, read with a bare HTTP client.

use crate::common::{MAILBOX, client, envelope, find_item, post};
use chrono::NaiveDate;
use optigov_exchange_simulator::{Account, Entry, Mailbox, Scenario, Simulator, Status};

const WEEK: (&str, &str) = ("2026-11-23T00:00:00Z", "2026-11-30T00:00:00Z");
const TIMES: [&str; 3] = ["calendar:Start", "calendar:End", "calendar:LegacyFreeBusyStatus"];

fn day(day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, day).expect("a date")
}

fn hours(date: u32, from: u32, to: u32) -> Entry {
    let at = |hour| day(date).and_hms_opt(hour, 0, 0).expect("a time");
    Entry::local(at(from), at(to))
}

fn start(mailboxes: impl IntoIterator<Item = Mailbox>) -> Simulator {
    let account = Account::new("svc-optigov")
        .password("geheim")
        .mailbox("svc-optigov@musterstadt.example")
        .impersonates([MAILBOX]);
    let own = Mailbox::new("svc-optigov@musterstadt.example").entry(hours(24, 1, 2).subject("Eigenes"));
    let scenario = mailboxes.into_iter().fold(Scenario::new().account(account).mailbox(own), Scenario::mailbox);
    Simulator::start(scenario).expect("a simulator")
}

#[tokio::test]
async fn only_the_requested_properties_come() {
    let simulator = start([Mailbox::new(MAILBOX)
        .entry(hours(24, 9, 10).subject("Geheimes Gespräch").status(Status::Tentative))
        .entry(Entry::all_day(day(25), day(25)).subject("Urlaub").private())]);
    let answer =
        post(&simulator, "geheim", envelope(Some(MAILBOX), &find_item(Some(MAILBOX), WEEK, None, &TIMES))).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.texts("Start"), ["2026-11-24T08:00:00Z", "2026-11-24T23:00:00Z"]);
    assert_eq!(answer.texts("End"), ["2026-11-24T09:00:00Z", "2026-11-25T23:00:00Z"]);
    assert_eq!(answer.texts("LegacyFreeBusyStatus"), ["Tentative", "Busy"]);
    assert!(answer.texts("Subject").is_empty() && answer.texts("IsAllDayEvent").is_empty());

    let request = find_item(Some(MAILBOX), WEEK, None, &["item:Subject", "calendar:IsAllDayEvent"]);
    let answer = post(&simulator, "geheim", envelope(Some(MAILBOX), &request)).await;
    assert_eq!(answer.texts("Subject"), ["Geheimes Gespräch", "Urlaub"]);
    assert_eq!(answer.texts("IsAllDayEvent"), ["false", "true"]);
}

#[tokio::test]
async fn a_truncated_view_says_so() {
    let simulator = start([Mailbox::new(MAILBOX).entries((8..12).map(|hour| hours(24, hour, hour + 1)))]);
    for (limit, shown, whole) in [(3, 3, "false"), (4, 4, "true"), (5, 4, "true")] {
        let request = envelope(Some(MAILBOX), &find_item(None, WEEK, Some(limit), &[]));
        let answer = post(&simulator, "geheim", request).await;
        assert_eq!(answer.texts("CalendarItem").len(), shown);
        assert_eq!(answer.attributes("IncludesLastItemInRange"), [whole]);
        assert_eq!(answer.attributes("TotalItemsInView"), [shown.to_string()]);
    }
}

#[tokio::test]
async fn a_folder_without_mailbox_is_the_impersonated_one_or_the_accounts_own() {
    let simulator = start([Mailbox::new(MAILBOX).entry(hours(24, 9, 10).subject("Annas"))]);
    let subject = ["item:Subject"];
    let impersonated = envelope(Some(MAILBOX), &find_item(None, WEEK, None, &subject));
    assert_eq!(post(&simulator, "geheim", impersonated).await.texts("Subject"), ["Annas"]);
    let own = envelope(None, &find_item(None, WEEK, None, &subject));
    assert_eq!(post(&simulator, "geheim", own).await.texts("Subject"), ["Eigenes"]);
    let refused = envelope(None, &find_item(Some(MAILBOX), WEEK, None, &subject));
    assert_eq!(post(&simulator, "geheim", refused).await.texts("ResponseCode"), ["ErrorAccessDenied"]);
}

#[tokio::test]
async fn impersonation_is_refused_with_the_codes_of_exchange() {
    let simulator =
        start([Mailbox::new(MAILBOX).alias("a.muster@musterstadt.example"), Mailbox::new("fremd@musterstadt.example")]);
    for (mailbox, code) in [
        ("fremd@musterstadt.example", "ErrorImpersonateUserDenied"),
        ("anan@musterstadt.example", "ErrorNonExistentMailbox"),
        ("a.muster@musterstadt.example", "ErrorNonPrimarySmtpAddress"),
        ("anna", "ErrorInvalidSmtpAddress"),
    ] {
        let answer = post(&simulator, "geheim", envelope(Some(mailbox), &find_item(None, WEEK, None, &[]))).await;
        assert_eq!((answer.status, answer.texts("ResponseCode")), (500, vec![code.to_owned()]));
    }
}

#[tokio::test]
async fn a_wrong_password_is_refused_until_the_account_locks() {
    let simulator = start([Mailbox::new(MAILBOX)]);
    simulator
        .update(|scenario| {
            let account = scenario.account_mut("svc-optigov").expect("the account");
            *account = account.clone().locked_after(3);
        })
        .expect("a scenario");
    let request = || envelope(Some(MAILBOX), &find_item(None, WEEK, None, &[]));
    for _ in 0..3 {
        let answer = post(&simulator, "falsch", request()).await;
        assert_eq!(answer.status, 401);
        let offered: Vec<_> = answer.headers.get_all("www-authenticate").iter().collect();
        assert_eq!(offered, ["Negotiate", "NTLM", "Basic realm=\"localhost\""]);
    }
    assert_eq!(simulator.refused_logins("svc-optigov"), 3);
    assert_eq!(post(&simulator, "geheim", request()).await.status, 401, "locked");
    let requests = simulator.requests();
    assert_eq!(requests.len(), 4);
    assert!(requests.iter().all(|request| request.account().is_none()));
    assert!(!format!("{requests:?}").contains("c3Zj"), "no part of the credentials is kept");
}

#[tokio::test]
async fn an_update_is_seen_by_the_next_request_and_recorded_with_mailbox_and_operation() {
    let simulator = start([Mailbox::new(MAILBOX)]);
    let request = || envelope(Some(MAILBOX), &find_item(Some(MAILBOX), WEEK, None, &TIMES));
    assert!(post(&simulator, "geheim", request()).await.texts("Start").is_empty());
    simulator
        .update(|scenario| {
            let mailbox = scenario.mailbox_mut(MAILBOX).expect("the mailbox");
            mailbox.entries_mut().push(hours(24, 9, 10));
        })
        .expect("a scenario");
    assert_eq!(post(&simulator, "geheim", request()).await.texts("Start"), ["2026-11-24T08:00:00Z"]);
    let requests = simulator.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!((requests[1].operation(), requests[1].mailbox()), (Some("FindItem"), Some(MAILBOX)));
    assert_eq!((requests[1].account(), requests[1].header("authorization")), (Some("svc-optigov"), Some("Basic")));
    assert!(requests[1].body().contains("CalendarView"));
}

#[tokio::test]
async fn credentials_are_not_recorded_whatever_they_look_like() {
    let simulator = start([Mailbox::new(MAILBOX)]);
    for value in ["Bearer geheimnis", "geheimnis", "Basic", "Basic  geheimnis", "NTLM geheimnis"] {
        let request = client(&simulator).post(simulator.url()).header("Authorization", value).body("");
        assert_eq!(request.send().await.expect("an answer").status(), 401);
    }
    let requests = simulator.requests();
    assert_eq!(requests.len(), 5);
    assert!(!format!("{requests:?}").contains("geheimnis"));
}

#[tokio::test]
async fn what_is_no_soap_for_ews_is_refused_as_http_or_as_a_fault() {
    let simulator = start([Mailbox::new(MAILBOX)]);
    let authorized = |request: reqwest::RequestBuilder| request.basic_auth("svc-optigov", Some("geheim"));
    let status =
        async |request: reqwest::RequestBuilder| authorized(request).send().await.expect("an answer").status().as_u16();
    let client = client(&simulator);
    let url = simulator.url();
    assert_eq!(status(client.get(&url)).await, 405);
    assert_eq!(status(client.post(url.replace("Exchange.asmx", "Other.asmx"))).await, 404);
    assert_eq!(status(client.post(&url).header("Content-Type", "application/json").body("{}")).await, 415);
    let large = "x".repeat(5_000_000);
    assert_eq!(status(client.post(&url).header("Content-Type", "text/xml").body(large)).await, 413);
    for body in ["", "<a>", "no XML at all", &envelope(None, "<m:FindItem/>").replace("Exchange2016", "Exchange3000")] {
        let answer = post(&simulator, "geheim", body.to_owned()).await;
        let codes = answer.texts("ResponseCode");
        assert!(answer.status == 500 && ["ErrorSchemaValidation", "ErrorInvalidServerVersion"].contains(&&*codes[0]));
    }
    let unknown = post(&simulator, "geheim", envelope(Some(MAILBOX), "<m:CreateItem/>")).await;
    assert_eq!((unknown.status, unknown.texts("ResponseCode")), (500, vec!["ErrorInvalidRequest".to_owned()]));
}

#[tokio::test]
async fn times_are_in_the_zone_of_the_context_where_the_request_has_one() {
    let simulator = start([Mailbox::new(MAILBOX).entry(hours(24, 9, 10)).entry(hours(24, 12, 13))]);
    let morning = find_item(None, ("2026-11-24T08:00:00", "2026-11-24T12:00:00"), None, &TIMES);
    let context = |zone: &str| {
        let context = format!(r#"<t:TimeZoneContext><t:TimeZoneDefinition Id="{zone}"/></t:TimeZoneContext>"#);
        envelope(Some(MAILBOX), &morning).replace("</soap:Header>", &format!("{context}</soap:Header>"))
    };
    let answer = post(&simulator, "geheim", context("W. Europe Standard Time")).await;
    assert_eq!(answer.texts("Start"), ["2026-11-24T09:00:00+01:00"]);
    let answer = post(&simulator, "geheim", context("UTC")).await;
    assert_eq!(answer.texts("Start"), ["2026-11-24T08:00:00Z", "2026-11-24T11:00:00Z"]);
    let answer = post(&simulator, "geheim", context("Mitteleuropa")).await;
    assert_eq!(answer.texts("ResponseCode"), ["ErrorTimeZone"]);
}

#[tokio::test]
async fn times_beyond_reason_are_refused_and_harm_nothing() {
    let series = hours(24, 9, 10).recurs("FREQ=DAILY");
    let simulator = start([Mailbox::new(MAILBOX).entry(series)]);
    for year in ["+262142", "9999", "1500", "0000", "-262143"] {
        for window in [
            (format!("{year}-01-01T00:00:00"), format!("{year}-12-31T23:59:59")),
            (format!("{year}-01-01T00:00:00Z"), format!("{year}-12-31T23:59:59Z")),
        ] {
            let request = envelope(Some(MAILBOX), &find_item(None, (&window.0, &window.1), None, &TIMES));
            assert_eq!(post(&simulator, "geheim", request).await.texts("ResponseCode"), ["ErrorSchemaValidation"]);
        }
    }
    let late =
        envelope(Some(MAILBOX), &find_item(None, ("4500-01-01T00:00:00Z", "4500-02-01T00:00:00Z"), None, &TIMES));
    assert_eq!(post(&simulator, "geheim", late).await.texts("ResponseCode"), ["NoError"]);
    let id = |unix: i64| {
        use base64::Engine as _;
        let id = base64::engine::general_purpose::STANDARD.encode(format!("item\n{MAILBOX}\nx\n{unix}"));
        format!(
            r#"<m:GetItem><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:ItemIds><t:ItemId Id="{id}"/></m:ItemIds></m:GetItem>"#
        )
    };
    for (unix, code) in [(8_000_000_000_000, "ErrorInvalidIdMalformed"), (1_764_000_000, "ErrorItemNotFound")] {
        let answer = post(&simulator, "geheim", envelope(Some(MAILBOX), &id(unix))).await;
        assert_eq!(answer.texts("ResponseCode"), [code]);
    }
    let outside = simulator.update(|scenario| {
        let mailbox = scenario.mailbox_mut(MAILBOX).expect("the mailbox");
        mailbox.entries_mut().push(Entry::all_day(NaiveDate::MIN, NaiveDate::MAX));
    });
    assert!(outside.expect_err("refused").to_string().contains("1601 to 4500"));
}
