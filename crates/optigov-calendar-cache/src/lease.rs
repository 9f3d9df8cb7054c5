//! The right to read a mailbox on behalf of all instances.

/// The right to read a mailbox on behalf of all instances that share a cache, for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease(u64);

impl Lease {
    /// Where nobody shares the cache, or nobody can be asked: the right is everybody's.
    pub const UNSHARED: Lease = Lease(0);

    /// A lease that the store knows by this token, which is no other lease's.
    pub fn shared(token: u64) -> Lease {
        Lease(token)
    }

    /// By which the store knows it; 0 for [`UNSHARED`](Self::UNSHARED).
    pub fn token(self) -> u64 {
        self.0
    }
}
