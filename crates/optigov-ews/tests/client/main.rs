//! The client that users get, against servers on loopback.

mod calendar_view;
mod certificates;
mod check;
mod classification;
mod conformance;
mod credentials;
mod expansion;
mod free_busy;
#[cfg(feature = "kerberos")]
mod kerberos_gate;
mod load;
#[cfg(feature = "ntlm")]
mod ntlm;
#[cfg(feature = "ntlm")]
mod ntlm_gate;
mod route;
mod secrecy;
mod support;
mod surplus;
mod throttling;
mod watch;
mod wire;
