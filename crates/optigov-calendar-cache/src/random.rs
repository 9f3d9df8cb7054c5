//! Random numbers for versions, tokens and ids.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};

/// A number from 1 to 2^63 - 1 that no other call anywhere will get: keyed by the operating system's random bytes.
pub(crate) fn random_number() -> u64 {
    let mut hash = RandomState::new().build_hasher();
    hash.write_u64(fastrand::u64(..));
    (hash.finish() >> 1).max(1)
}
