//! The client that users get, against servers on loopback.

mod calendar_view;
#[cfg(feature = "ntlm")]
mod ntlm_gate;
mod simulator;
mod support;
