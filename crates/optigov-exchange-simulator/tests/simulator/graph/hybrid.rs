//! One organisation, two faces: mailboxes here, there, and on their way.

use optigov_exchange_simulator::{Account, Entry, Location, Mailbox, Scenario, Simulator};

use super::{Client, SELECT, at, scenario, view};
use crate::common::{MAILBOX, envelope, find_item, free_busy, post};

const WEEK: (&str, &str) = ("2026-11-23T00:00:00Z", "2026-11-30T00:00:00Z");
const BERND: &str = "bernd@musterstadt.example";

fn town() -> Scenario {
    scenario()
        .account(Account::new("svc-optigov").password("geheim").impersonates_everybody())
        .mailbox(Mailbox::new(MAILBOX).entry(Entry::local(at(24, 9), at(24, 10))))
        .mailbox(Mailbox::new(BERND).online())
}

/// What EWS says of a mailbox: its response code, or that of the fault.
async fn ews(simulator: &Simulator, mailbox: &str) -> String {
    let request = envelope(Some(mailbox), &find_item(None, WEEK, None, &["calendar:Start"]));
    post(simulator, "geheim", request).await.texts("ResponseCode").remove(0)
}

/// What Graph says of it: `NoError` or the code.
async fn graph(client: &Client, mailbox: &str) -> String {
    let answer = client.get(&view(mailbox, SELECT), &[]).await;
    if answer.status == 200 { "NoError".to_owned() } else { answer.refusal().1 }
}

#[tokio::test]
async fn each_mailbox_is_read_on_its_own_side() {
    let simulator = super::start(town());
    let client = Client::new(&simulator).await;
    assert_eq!(ews(&simulator, MAILBOX).await, "NoError");
    assert_eq!(graph(&client, MAILBOX).await, "MailboxNotEnabledForRESTAPI");
    assert_eq!(ews(&simulator, BERND).await, "ErrorNonExistentMailbox");
    assert_eq!(graph(&client, BERND).await, "NoError");
}

#[tokio::test]
async fn a_mailbox_moves_while_the_town_works() {
    let simulator = super::start(town());
    let client = Client::new(&simulator).await;
    let moved = |location| {
        simulator
            .update(|scenario| {
                scenario.mailbox_mut(MAILBOX).expect("Anna").move_to(location);
            })
            .expect("a scenario");
    };
    moved(Location::Online);
    assert_eq!(ews(&simulator, MAILBOX).await, "ErrorNonExistentMailbox");
    assert_eq!(client.get(&view(MAILBOX, SELECT), &[]).await.all("id").len(), 1, "its entries moved with it");
    moved(Location::OnPremises);
    assert_eq!(ews(&simulator, MAILBOX).await, "NoError");
    assert_eq!(graph(&client, MAILBOX).await, "MailboxNotEnabledForRESTAPI");
}

#[tokio::test]
async fn free_busy_reaches_the_other_side_only_where_the_scenario_says_so() {
    let simulator = super::start(town());
    let ask = || post(&simulator, "geheim", envelope(Some(MAILBOX), &free_busy(&[MAILBOX, BERND], WEEK, "FreeBusy")));
    assert_eq!(ask().await.texts("ResponseCode"), ["NoError", "ErrorProxyRequestProcessingFailed"]);
    simulator.update(|scenario| *scenario = scenario.clone().hybrid_free_busy()).expect("a scenario");
    assert_eq!(ask().await.texts("ResponseCode"), ["NoError", "NoError"]);
}

#[tokio::test]
async fn subscriptions_end_when_the_mailbox_leaves_the_server() {
    let simulator = super::start(town());
    let folder = "<t:FolderIds><t:DistinguishedFolderId Id='calendar'/></t:FolderIds>";
    let kinds = "<t:EventTypes><t:EventType>CreatedEvent</t:EventType></t:EventTypes>";
    let subscribe = format!(
        "<m:Subscribe><m:StreamingSubscriptionRequest>{folder}{kinds}</m:StreamingSubscriptionRequest></m:Subscribe>"
    );
    let subscription =
        post(&simulator, "geheim", envelope(Some(MAILBOX), &subscribe)).await.texts("SubscriptionId").remove(0);
    let unsubscribe = format!("<m:Unsubscribe><m:SubscriptionId>{subscription}</m:SubscriptionId></m:Unsubscribe>");
    simulator
        .update(|scenario| scenario.mailbox_mut(MAILBOX).expect("Anna").move_to(Location::Online))
        .expect("a scenario");
    let answer = post(&simulator, "geheim", envelope(None, &unsubscribe)).await;
    assert_eq!(answer.texts("ResponseCode"), ["ErrorSubscriptionNotFound"]);
}
