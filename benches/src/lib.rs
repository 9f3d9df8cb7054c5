//! Workloads that several benchmarks share.
