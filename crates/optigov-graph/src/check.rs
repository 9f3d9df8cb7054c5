//! The connection check: every step on the way to a calendar, one after the other.

use std::time::Duration;

use chrono::{DateTime, Utc};
use optigov_calendar::{
    CHECKED_DAYS, ConnectionReport, Finding, GraphAccess, Mailbox, ReadError, ReadErrorKind, Step, StepReport,
    TitleVisibility, check_window,
};
use optigov_http::reach;
use tokio::time::{Instant, timeout_at};

use crate::{calendar_view, get_schedule, session::Session, texts};

/// The whole check may take this many times as long as a single call.
const CALLS: u32 = 4;

/// The steps that are taken on this way, in order.
const STEPS: [Step; 8] = [
    Step::Resolve,
    Step::Connect,
    Step::Tls,
    Step::Authentication,
    Step::Service,
    Step::Rights,
    Step::Calendar,
    Step::Titles,
];

/// Goes the whole way to a mailbox's calendar and reports on each step.
pub(crate) async fn run(session: &Session, mailbox: &Mailbox, now: DateTime<Utc>) -> ConnectionReport {
    let deadline = Instant::now() + session.route().timeout().saturating_mul(CALLS).min(Duration::from_secs(86_400));
    let mut steps = Vec::new();
    let failed = match timeout_at(deadline, walk(session, mailbox, now, deadline, &mut steps)).await {
        Ok(Ok(())) => None,
        Ok(Err(failed)) => Some(failed),
        // The step that was being taken is the first that has not been reported.
        Err(_) => STEPS.get(steps.len()).map(|step| StepReport::failed(*step, ReadError::deadline().at(*step))),
    };
    steps.extend(failed);
    let rest: Vec<_> = STEPS.into_iter().skip(steps.len()).map(StepReport::not_reached).collect();
    steps.extend(rest);
    ConnectionReport::new(steps)
}

/// Pushes a report for each step that ended well, in order, and gives the one that did not.
async fn walk(
    session: &Session,
    mailbox: &Mailbox,
    now: DateTime<Utc>,
    deadline: Instant,
    steps: &mut Vec<StepReport>,
) -> Result<(), StepReport> {
    let failed = |step| move |error: ReadError| StepReport::failed(step, error.at(step));
    let connected = reach(&session.graph.connector, steps).await;
    connected.map(drop).map_err(in_words_of_graph)?;

    let call_deadline = || session.deadline().min(deadline);
    let schemes = || Finding::Schemes { offered: Vec::new(), used: session.tokens.scheme().to_owned() };
    if let Err(error) = session.tokens.token(call_deadline()).await {
        return Err(failed(Step::Authentication)(error).with_finding(schemes()));
    }
    let window = check_window(now);
    let asked = std::slice::from_ref(mailbox);
    let read = match session.settings.access() {
        GraphAccess::GetSchedule => get_schedule::read(session, asked, window, call_deadline()).await,
        _ => calendar_view::read(session, asked, window, call_deadline()).await,
    };
    let read = read.into_iter().next().unwrap_or_else(|| Err(ReadError::internal()));
    let step = read.as_ref().err().map_or(Step::Titles, stopped_at);
    if step == Step::Authentication
        && let Err(error) = read
    {
        return Err(failed(step)(error).with_finding(schemes()));
    }
    steps.push(StepReport::passed(Step::Authentication).with_finding(schemes()));
    if Step::Service < step {
        steps.push(StepReport::passed(Step::Service));
    }
    if Step::Rights < step {
        // A mailbox that Graph does not have shows nothing of the rights to it.
        steps.push(match &read {
            Ok(_) => StepReport::passed(Step::Rights),
            Err(_) => StepReport::not_reached(Step::Rights),
        });
    }
    let calendar = read.map_err(failed(step))?;
    let found = Finding::Entries { count: calendar.entries().len(), days: CHECKED_DAYS };
    steps.push(StepReport::passed(Step::Calendar).with_finding(found));
    let visibility = Finding::Titles { visibility: TitleVisibility::NotHideable };
    steps.push(StepReport::passed(Step::Titles).with_finding(visibility));
    Ok(())
}

/// The step that an error of the first request with a token belongs to.
fn stopped_at(error: &ReadError) -> Step {
    use ReadErrorKind::{AccessDenied, ConsentMissing, Forbidden, LimitReached, Malformed, UnexpandedSeries};
    match error.kind() {
        _ if error.step() == Some(Step::Authentication) => Step::Authentication,
        AccessDenied | ConsentMissing | Forbidden => Step::Rights,
        Malformed | LimitReached | UnexpandedSeries => Step::Calendar,
        _ if error.is_mailbox() => Step::Calendar,
        _ => Step::Service,
    }
}

/// The step that failed, worded for Exchange Online.
fn in_words_of_graph(report: StepReport) -> StepReport {
    let Some(error) = report.error() else { return report };
    let worded = StepReport::failed(report.step(), texts::in_words_of_graph(error.clone()));
    report.findings().iter().cloned().fold(worded, StepReport::with_finding)
}
