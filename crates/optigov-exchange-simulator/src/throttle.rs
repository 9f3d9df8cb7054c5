//! The throttling policy at work.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::Instant;

use crate::scenario::{Shape, Throttling};
use crate::soap::Refusal;

/// What the policy keeps count of.
#[derive(Debug, Default)]
pub(crate) struct Usage {
    in_flight: AtomicUsize,
    /// Requests spent, as of a time.
    spent: Mutex<Option<(f64, Instant)>>,
}

/// A request that counts as in flight until it is dropped.
#[derive(Debug)]
pub(crate) struct InFlight(Arc<Usage>);

impl Usage {
    /// Lets a request in, or not.
    pub(crate) fn admit(self: &Arc<Self>, policy: &Throttling) -> Option<InFlight> {
        let others = self.in_flight.fetch_add(1, Ordering::SeqCst);
        let admitted = InFlight(Arc::clone(self));
        let has_room = policy.in_flight.is_none_or(|most| others < most);
        (has_room && self.pay(policy)).then_some(admitted)
    }

    fn pay(&self, policy: &Throttling) -> bool {
        let Some(budget) = policy.budget else { return true };
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let left = spent.map_or(0.0, |(spent, since)| {
            (spent - now.duration_since(since).as_secs_f64() * f64::from(policy.recharge)).max(0.0)
        });
        let affordable = left + 1.0 <= f64::from(budget);
        *spent = Some((if affordable { left + 1.0 } else { left }, now));
        affordable
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::SeqCst);
    }
}

/// What a busy server says in the shapes that are SOAP.
pub(crate) fn refusal(shape: Shape, back_off: Option<std::time::Duration>) -> Refusal {
    const TEXT: &str = "The server cannot serve this request now. Try again later.";
    let hint = back_off.map(|back_off| back_off.as_millis());
    let refusal = match shape {
        Shape::Wrapped => Refusal::new("ErrorInternalServerError", "An internal server error occurred.")
            .with("InnerErrorMessageText", TEXT)
            .with("InnerErrorResponseCode", "ErrorServerBusy")
            .with("InnerErrorDescriptiveLinkKey", 0),
        Shape::Status | Shape::Fault | Shape::Message | Shape::TooManyRequests | Shape::ApplicationThrottled => {
            Refusal::new("ErrorServerBusy", TEXT)
        }
    };
    match hint {
        Some(milliseconds) => refusal.with("BackOffMilliseconds", milliseconds),
        None => refusal,
    }
}
