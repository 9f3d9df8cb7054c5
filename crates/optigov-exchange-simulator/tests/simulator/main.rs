//! The simulator over its socket, with a client that knows nothing of it.

mod calendar_view;
mod common;
mod faults;
mod free_busy;
mod scenarios;
