//! Tickets that end, and servers that refuse them.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use optigov_calendar::{ReadErrorKind, Step};

use super::{
    ask,
    gate::{Gate, count},
};

#[tokio::test]
async fn short_tickets_are_renewed_under_load_before_they_end() {
    let Some(gate) = Gate::start(&["--per-request", "--binding", "require", "--lifetime", "6"]) else { return };
    let client = gate.client(gate.kerberos());
    ask(&client).await.expect("an answer");
    let until = Instant::now() + Duration::from_secs(14);
    let answered = join_all((0..4).map(|_| async {
        let mut answered = 1;
        while Instant::now() < until {
            ask(&client).await.expect("an answer, whatever the age of the ticket");
            answered += 1;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        answered
    }))
    .await;
    let (granting, service) = gate.issued();
    // Each is good for six seconds and renewed after three.
    assert!((3..=6).contains(&granting) && service == granting, "{granting} and {service}");
    let decisions = gate.decisions();
    assert_eq!(count(&decisions, "accepted"), decisions.len());
    assert!(decisions.len() > answered.len());
}

#[tokio::test]
async fn a_ticket_that_ended_unused_is_fetched_anew_before_it_is_sent() {
    let Some(gate) = Gate::start(&["--per-request", "--lifetime", "4"]) else { return };
    let client = gate.client(gate.kerberos());
    ask(&client).await.expect("an answer");
    // The acceptor grants a second on top. Time of the KDC's and the acceptor's cannot be injected.
    tokio::time::sleep(Duration::from_millis(5_500)).await;
    ask(&client).await.expect("an answer");
    assert_eq!(gate.issued(), (2, 2));
    let decisions = gate.decisions();
    assert_eq!((count(&decisions, "accepted"), decisions.len()), (3, 3), "the credential's own request, then two");
}

#[tokio::test]
async fn a_refusal_that_tells_of_the_clock_is_answered_once_with_a_new_ticket() {
    let Some(gate) = Gate::start(&["--error-token", "--clock-skew", "server:900"]) else { return };
    let error = ask(&gate.client(gate.kerberos())).await.expect_err("refused");
    assert_eq!((error.kind(), error.step()), (ReadErrorKind::ClockSkew, Some(Step::Authentication)), "{error}");
    assert_eq!(gate.issued(), (1, 2), "another ticket for the service, with the same granting ticket");
    let decisions = gate.decisions();
    assert_eq!((count(&decisions, "refused"), decisions.len()), (2, 2));
}

#[tokio::test]
async fn a_refusal_without_a_reason_costs_no_second_ticket_and_locks_nothing() {
    let Some(gate) = Gate::start(&["--clock-skew", "server:900"]) else { return };
    let client = gate.client(gate.kerberos());
    for _ in 0..2 {
        let error = ask(&client).await.expect_err("refused");
        assert_eq!((error.kind(), error.http_status()), (ReadErrorKind::TicketRefused, Some(401)), "{error}");
    }
    assert_eq!(gate.issued(), (1, 1));
    assert_eq!(count(&gate.decisions(), "refused"), 2);
}
