//! What a thousand mailboxes cost in requests.

use futures_util::{StreamExt, stream};
use optigov_calendar::{CalendarSource, GraphAccess};
use optigov_exchange_simulator::{Entry, Scenario};

use crate::support::{APPLICATION, Setup, application, mailbox, online, requests, start, utc, week};

#[tokio::test]
async fn a_thousand_mailboxes_take_fifty_requests_and_one_token() {
    let start_of = |n: i64| utc("2026-11-23T08:00:00Z") + chrono::TimeDelta::minutes(n % 300);
    let scenario = (0..1_000_i64).fold(Scenario::new().application(application()), |scenario, n| {
        let entry = Entry::timed(start_of(n), start_of(n) + chrono::TimeDelta::hours(1));
        scenario.mailbox(online(&format!("person{n}")).entry(entry))
    });
    let simulator = start(scenario);
    let all: Vec<_> = (0..1_000).map(|n| mailbox(&format!("person{n}"))).collect();
    for (access, operation) in [(GraphAccess::CalendarView, "$batch"), (GraphAccess::GetSchedule, "getSchedule")] {
        let client = Setup::of(&simulator).access(access).build();
        let issued = simulator.tokens_issued(APPLICATION);
        // As the cache reads: by as many as one call takes.
        let groups = all.chunks(client.batch().get()).map(<[_]>::to_vec);
        let reads = groups.map(|group| {
            let client = client.clone();
            async move { client.read(&group, week()).await }
        });
        let read: Vec<_> = stream::iter(reads).buffer_unordered(8).concat().await;
        assert_eq!(read.len(), 1_000);
        assert!(read.iter().all(|result| result.as_ref().is_ok_and(|calendar| calendar.entries().len() == 1)));
        assert_eq!(requests(&simulator, operation).len(), 50);
        assert_eq!(simulator.tokens_issued(APPLICATION) - issued, 1);
    }
}
