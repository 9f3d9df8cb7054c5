//! What does not grow: tasks, readings, memory and descriptors, in a town in which all goes on at once for hours, and over connections that break.
//!
//! The tests hold for an hour and a thousand requests what does not depend on the machine. A day, with figures:
//! `cargo test -p optigov-availability --test soak -- --ignored --nocapture --test-threads 1`.

#![allow(clippy::print_stdout, reason = "the figures are what the long runs are for")]

mod connections;
mod day;

/// The memory that this process has for itself (its code left out), in MiB; `None` where the system does not say it.
fn memory() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("RssAnon"))?;
    line.split_whitespace().nth(1)?.parse().ok().map(|kib: f64| kib / 1_024.0)
}

/// How many descriptors this process has open; `None` where the system does not say it.
fn descriptors() -> Option<usize> {
    std::fs::read_dir("/proc/self/fd").ok().map(Iterator::count)
}
