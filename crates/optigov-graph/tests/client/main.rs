//! The client against the simulator's second face.

mod answers;
mod calendar_view;
mod check;
mod classification;
mod conformance;
mod exchanges;
mod faces;
mod get_schedule;
mod load;
mod recorder;
mod secrecy;
mod support;
mod throttling;
mod tokens;
