//! The client that users get, against servers on loopback.

mod calendar_view;
mod simulator;
mod support;
