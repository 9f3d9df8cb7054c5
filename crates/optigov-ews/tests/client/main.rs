//! The client that users get, against servers on loopback.

mod calendar_view;
mod certificates;
mod check;
mod conformance;
mod credentials;
mod free_busy;
mod load;
#[cfg(feature = "ntlm")]
mod ntlm;
#[cfg(feature = "ntlm")]
mod ntlm_gate;
mod secrecy;
mod support;
mod throttling;
mod way;
