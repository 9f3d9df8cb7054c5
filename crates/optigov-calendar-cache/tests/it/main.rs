//! What a reader holds, on tokio's paused time: nothing here sleeps.

#![allow(clippy::print_stdout, reason = "counts are worth reading")]

mod herd;
mod laws;
mod live;
mod outage;
mod stale;
mod support;
