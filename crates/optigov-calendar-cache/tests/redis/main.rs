//! The cache that instances share, against a real `redis-server`. Where there is none, every test says so and passes.

#![cfg(feature = "redis")]
#![allow(clippy::print_stdout, reason = "counts are worth reading")]

mod faults;
mod instances;
mod relay;
mod revival;
mod rights;
mod server;
#[allow(dead_code, reason = "shared with the other tests")]
#[path = "../it/support.rs"]
mod support;
mod tls;
mod watching;
mod ways;
