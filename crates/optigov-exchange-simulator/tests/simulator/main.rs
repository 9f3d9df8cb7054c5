//! The simulator over its socket, with a client that knows nothing of it.

mod calendar_view;
mod common;
mod contradictions;
mod faults;
mod free_busy;
mod front_end;
mod graph;
mod login;
mod refusals;
mod scenarios;
mod series;
mod streaming;
mod wire;
