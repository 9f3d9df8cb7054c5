//! What a calendar view promises: it is whole, it is the window's, or it is an error.

use crate::support::{Reply, Scripted, anna, item, utc, view};
use optigov_ews::{FreeBusyStatus, Kind};

const START: &str = "2026-11-23T00:00:00Z";
const END: &str = "2026-11-30T00:00:00Z";

async fn read(server: &Scripted) -> Result<Vec<optigov_ews::CalendarItem>, optigov_ews::Error> {
    let client = server.client().build().expect("a client");
    client.impersonate(&anna()).calendar_view(utc(START), utc(END)).await
}

#[tokio::test]
async fn a_view_is_sorted_deduplicated_and_holds_only_what_overlaps_the_window() {
    let items = [
        item(
            "b",
            "2026-11-24T09:00:00Z",
            "2026-11-24T10:00:00Z",
            "<t:LegacyFreeBusyStatus>OOF</t:LegacyFreeBusyStatus>",
        ),
        item("a", "2026-11-22T09:00:00+01:00", "2026-11-23T01:00:00", "<t:IsCancelled>1</t:IsCancelled>"),
        item(
            "b",
            "2026-11-24T09:00:00Z",
            "2026-11-24T10:00:00Z",
            "<t:LegacyFreeBusyStatus>OOF</t:LegacyFreeBusyStatus>",
        ),
        item("touches", "2026-11-22T23:00:00Z", "2026-11-23T00:00:00Z", ""),
        item("outside", "2026-12-01T00:00:00Z", "2026-12-02T00:00:00Z", ""),
        item("empty", "2026-11-24T09:00:00Z", "2026-11-24T09:00:00Z", ""),
    ];
    let server = Scripted::start(move |_, _| Reply::ok(view(&items.concat(), "1"))).await;
    let items = read(&server).await.expect("a view");
    assert_eq!(items.len(), 2);
    assert_eq!(items[0].start(), utc("2026-11-22T08:00:00Z"));
    assert!(items[0].cancelled());
    assert_eq!(items[0].status(), FreeBusyStatus::Unknown);
    assert_eq!(items[1].status(), FreeBusyStatus::OutOfOffice);
    assert_eq!(server.count(), 1);
}

#[tokio::test]
async fn a_view_that_the_server_always_cuts_ends_in_an_error() {
    let server = Scripted::start(|_, _| Reply::ok(view("", "false"))).await;
    let error = read(&server).await.expect_err("no view");
    assert_eq!(error.kind(), Kind::LimitReached);
    assert!(server.count() <= 30, "{} requests", server.count());
}
