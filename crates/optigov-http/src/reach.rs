//! The first steps of a connection check, which are the same for every server: name, TCP connection, TLS.

use optigov_calendar::{Finding, ReadError, Step, StepReport};

use crate::{Connector, Dialled};

/// Goes as far as a TLS connection, and pushes a report for each step that ended well.
///
/// # Errors
/// The report of the step that did not.
pub async fn reach(connector: &Connector, steps: &mut Vec<StepReport>) -> Result<Dialled, StepReport> {
    let failed = |step| move |error: ReadError| StepReport::failed(step, error.at(step));

    let addresses = connector.addresses().await.map_err(failed(Step::Resolve))?;
    steps.push(StepReport::passed(Step::Resolve).with_finding(Finding::Addresses { addresses }));

    let stream = connector.connect().await.map_err(failed(Step::Connect))?;
    steps.push(StepReport::passed(Step::Connect));

    let (secured, shown) = connector.secure_and_show(stream).await;
    let version = secured.as_ref().ok().and_then(Dialled::tls_version);
    let certificate = shown.and_then(|shown| shown.finding(version));
    let dialled = match secured {
        Ok(dialled) => dialled,
        Err(error) => return Err(failed(Step::Tls)(error).with_finding(certificate)),
    };
    let report = match version {
        Some(_) => StepReport::passed(Step::Tls),
        None => StepReport::not_needed(Step::Tls),
    };
    steps.push(report.with_finding(certificate));
    Ok(dialled)
}
