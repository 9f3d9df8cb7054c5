//! Answers that contradict themselves or the request, as a bare HTTP client sees them.

use chrono::NaiveDate;
use optigov_exchange_simulator::{Account, Contradiction, Effect, Entry, Fault, Mailbox, Scenario, Simulator};

use crate::common::{Answer, MAILBOX, envelope, find_item, free_busy, post};

const DAY: (&str, &str) = ("2026-11-24T00:00:00Z", "2026-11-25T00:00:00Z");
const FIELDS: [&str; 2] = ["calendar:Start", "calendar:End"];

fn start(effect: Effect) -> Simulator {
    let day = NaiveDate::from_ymd_opt(2026, 11, 24).expect("a date");
    let at = |hour| day.and_hms_opt(hour, 0, 0).expect("a time");
    let entries = (9..12).map(|hour| Entry::local(at(hour), at(hour + 1)));
    let account = Account::new("svc-optigov").password("geheim").impersonates_everybody();
    let mailbox = Mailbox::new(MAILBOX).entries(entries);
    Simulator::start(Scenario::new().account(account).mailbox(mailbox).fault(Fault::new(effect))).expect("a simulator")
}

async fn view(contradiction: Contradiction) -> Answer {
    let request = envelope(Some(MAILBOX), &find_item(None, DAY, Some(5), &FIELDS));
    post(&start(Effect::Contradiction(contradiction)), "geheim", request).await
}

async fn availability(effect: Effect) -> Answer {
    post(&start(effect), "geheim", envelope(None, &free_busy(&[MAILBOX], DAY, "FreeBusy"))).await
}

#[tokio::test]
async fn a_view_says_two_things_and_the_true_one_first() {
    let messages = view(Contradiction::TwoMessages).await;
    assert_eq!(messages.texts("FindItemResponseMessage").len(), 2);
    assert_eq!(messages.texts("ResponseCode"), ["NoError", "NoError"]);
    assert_eq!(messages.attributes("TotalItemsInView"), ["3", "0"]);

    let folders = view(Contradiction::TwoFolders).await;
    assert_eq!(folders.texts("ResponseCode"), ["NoError"]);
    assert_eq!(folders.attributes("TotalItemsInView"), ["3", "0"]);

    let codes = view(Contradiction::TwoResponseCodes).await;
    assert_eq!(codes.texts("ResponseCode"), ["ErrorInternalServerError", "NoError"]);
    assert_eq!(codes.texts("CalendarItem").len(), 3);

    let starts = view(Contradiction::TwoStarts).await.texts("Start");
    assert_eq!(starts[..2], ["2026-11-24T08:00:00Z", "2001-01-01T00:00:00Z"]);
    assert_eq!(starts.len(), 6);
    let ends = view(Contradiction::TwoEnds).await.texts("End");
    assert_eq!(ends[..2], ["2026-11-24T09:00:00Z", "2001-01-01T00:00:00Z"]);
}

#[tokio::test]
async fn free_busy_says_two_things_and_the_true_one_first() {
    let contradict = |contradiction| availability(Effect::Contradiction(contradiction));
    let messages = contradict(Contradiction::TwoMessages).await;
    assert_eq!(messages.texts("FreeBusyResponse").len(), 2);
    assert_eq!(messages.texts("CalendarEvent").len(), 3);
    let views = contradict(Contradiction::TwoViews).await;
    assert_eq!((views.texts("FreeBusyResponse").len(), views.texts("FreeBusyView").len()), (1, 2));
    let codes = contradict(Contradiction::TwoResponseCodes).await;
    assert_eq!(codes.texts("ResponseCode"), ["ErrorInternalServerError", "NoError"]);
    let starts = contradict(Contradiction::TwoStarts).await.texts("StartTime");
    assert_eq!(starts[..2], ["2026-11-24T09:00:00", "2001-01-01T00:00:00Z"]);
}

#[tokio::test]
async fn a_view_is_not_what_was_asked_for() {
    let unreadable = view(Contradiction::UnreadableIncludesLast).await;
    assert_eq!(unreadable.attributes("IncludesLastItemInRange"), ["perhaps"]);

    let more = view(Contradiction::MoreThanAsked).await;
    assert_eq!((more.texts("CalendarItem").len(), more.attributes("TotalItemsInView")), (6, vec!["6".to_owned()]));

    let missing = view(Contradiction::MissingItems(2)).await;
    assert_eq!(missing.texts("CalendarItem").len(), 1);
    assert_eq!(missing.attributes("TotalItemsInView"), ["3"]);
    assert_eq!(missing.attributes("IncludesLastItemInRange"), ["true"]);

    let groups = view(Contradiction::Groups).await;
    assert_eq!((groups.texts("Groups").len(), groups.texts("CalendarItem").len()), (1, 3));
    let none = view(Contradiction::NoItems).await;
    assert_eq!((none.texts("Items").len(), none.texts("RootFolder").len()), (0, 1));
    assert_eq!(none.texts("ResponseCode"), ["NoError"]);

    let failed = view(Contradiction::Status(500)).await;
    assert_eq!((failed.status, failed.texts("CalendarItem").len()), (500, 3));
}

#[tokio::test]
async fn years_are_signed_or_have_five_digits() {
    for year in ["+12026", "-0001"] {
        let request = envelope(Some(MAILBOX), &find_item(None, DAY, None, &FIELDS));
        let items = post(&start(Effect::Year(year.into())), "geheim", request).await;
        assert_eq!(items.texts("Start")[0], format!("{year}-11-24T08:00:00Z"));
        assert_eq!(items.texts("End")[0], format!("{year}-11-24T09:00:00Z"));
        let events = availability(Effect::Year(year.into())).await;
        assert_eq!(events.texts("StartTime")[0], format!("{year}-11-24T09:00:00"));
    }
}
