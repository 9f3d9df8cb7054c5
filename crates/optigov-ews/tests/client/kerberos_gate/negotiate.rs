//! `Negotiate` beside NTLM, and what is tried after what.

use optigov_calendar::{CalendarSource, Finding, ReadErrorKind, Step, StepOutcome};

use super::{
    ask,
    gate::{Gate, count},
};
use crate::support::{anna, utc};

#[tokio::test]
async fn a_server_may_offer_ntlm_beside_it_in_one_line_or_in_two() {
    for lines in ["one", "two"] {
        let Some(gate) = Gate::start(&["--ntlm-offered", lines, "--binding", "require"]) else { return };
        let client = gate.client(gate.kerberos());
        ask(&client).await.expect("an answer");
        let report = client.check(&anna(), utc("2026-11-23T00:00:00Z")).await;
        let steps: Vec<_> = report.steps().iter().map(|report| report.step()).collect();
        let wanted = [Step::Resolve, Step::Connect, Step::Tls, Step::Kdc, Step::Ticket, Step::Authentication];
        assert_eq!(steps[..6], wanted);
        for step in wanted {
            assert_eq!(report.step(step).expect("a step").outcome(), StepOutcome::Passed, "{step:?}");
        }
        let authentication = report.step(Step::Authentication).expect("a step");
        let offered = ["Negotiate", "NTLM"].map(String::from).to_vec();
        assert_eq!(authentication.findings(), [Finding::Schemes { offered, used: "Negotiate (Kerberos)".into() }]);
        assert_eq!(gate.issued(), (1, 1));
        assert_eq!(count(&gate.decisions(), "refused"), 0);
    }
}

#[tokio::test]
async fn the_check_tells_the_kdc_and_the_ticket_apart() {
    let Some(gate) = Gate::start(&[]) else { return };
    let unknown = gate.kerberos_for("HTTP/mail.stadt.example");
    let nowhere = gate.kerberos_by_conf("[libdefaults]\n dns_lookup_kdc = false\n");
    for (kerberos, step, kind) in [
        (unknown, Step::Ticket, ReadErrorKind::ServiceUnknown),
        (nowhere, Step::Kdc, ReadErrorKind::KdcUnreachable),
        (gate.account(gate.text("principal"), "falsch"), Step::Ticket, ReadErrorKind::CredentialsRefused),
    ] {
        let report = gate.client(kerberos).check(&anna(), utc("2026-11-23T00:00:00Z")).await;
        let failed: Vec<_> = report.steps().iter().filter(|it| it.outcome() == StepOutcome::Failed).collect();
        assert_eq!(failed.len(), 1, "{report:?}");
        assert_eq!((failed[0].step(), failed[0].error().map(|error| error.kind())), (step, Some(kind)));
        assert_eq!(report.step(Step::Authentication).map(|it| it.outcome()), Some(StepOutcome::NotReached));
    }
    assert_eq!(gate.kdc_log(&["AS_REQ", "PREAUTH_FAILED"]), 1);
}

#[cfg(feature = "ntlm")]
mod with_ntlm {
    use optigov_calendar::NegotiatePolicy;
    use optigov_ews::{Credentials, Kerberos};

    use super::*;

    fn both(kerberos: Kerberos) -> Credentials {
        Credentials::negotiate_by(kerberos, NegotiatePolicy::Both).expect("a password")
    }

    #[tokio::test]
    async fn kerberos_comes_first_and_ntlm_is_not_tried_where_it_works() {
        let Some(gate) = Gate::start(&["--ntlm-offered", "two"]) else { return };
        ask(&gate.client(both(gate.kerberos()))).await.expect("an answer");
        let decisions = gate.decisions();
        assert_eq!((count(&decisions, "accepted"), decisions.len()), (1, 2), "one token for both requests");
    }

    #[tokio::test]
    async fn ntlm_is_tried_without_a_ticket_where_the_policy_permits_it() {
        let Some(gate) = Gate::start(&["--ntlm-offered", "two"]) else { return };
        let unknown = || gate.kerberos_for("HTTP/mail.stadt.example");
        let error = ask(&gate.client(both(unknown()))).await.expect_err("the gate takes no NTLM");
        assert_eq!(error.step(), Some(Step::Authentication));
        let error = ask(&gate.client(unknown())).await.expect_err("Kerberos alone");
        assert_eq!(error.kind(), ReadErrorKind::ServiceUnknown);
        let decisions = gate.decisions();
        assert!(decisions.iter().all(|line| line["reason"] == "NTLM token"), "{decisions:?}");
        assert_eq!(decisions.len(), 1);
    }

    #[tokio::test]
    async fn a_wrong_password_at_the_kdc_is_not_tried_by_ntlm() {
        let Some(gate) = Gate::start(&["--ntlm-offered", "two"]) else { return };
        let client = gate.client(both(gate.account(gate.text("principal"), "falsch")));
        let first = ask(&client).await.expect_err("refused").kind();
        let second = ask(&client).await.expect_err("locked").kind();
        assert_eq!((first, second), (ReadErrorKind::CredentialsRefused, ReadErrorKind::CredentialsLocked));
        assert_eq!(gate.kdc_log(&["AS_REQ", "PREAUTH_FAILED"]), 1);
        assert_eq!(gate.decisions().len(), 0);
    }
}
