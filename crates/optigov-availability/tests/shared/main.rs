//! Three instances of a service, one store that they share (a real `redis-server`) and one simulated Exchange. Where this machine has no
//! `redis-server`, every test says so and passes.

#![allow(clippy::print_stdout, reason = "what was not tested is to be seen")]

mod instances;
mod live;
mod saves;
#[allow(dead_code, reason = "shared with the other tests")]
#[path = "../it/support.rs"]
mod support;
