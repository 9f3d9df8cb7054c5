//! The client that users get, against servers on loopback.

mod calendar_view;
mod certificates;
#[cfg(feature = "ntlm")]
mod ntlm_gate;
mod simulator;
mod support;
mod throttling;
