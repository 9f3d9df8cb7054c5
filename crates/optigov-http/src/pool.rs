//! The connections that wait for the next request.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::connection::Connection;

/// An idle connection is not used again after this time: IIS closes it after two minutes.
const KEPT: Duration = Duration::from_secs(90);

/// The idle connections. With NTLM and `Negotiate` they are authenticated, so each belongs to the credential that was used on it.
#[derive(Default)]
pub struct Pool {
    idle: Mutex<Vec<Idle>>,
}

struct Idle {
    connection: Connection,
    /// The number of the credential that was used on it.
    generation: u64,
    since: Instant,
}

impl Pool {
    /// The connection of this credential that was used last. One that has been closed, or on which something came unasked, is none.
    pub fn take(&self, generation: u64) -> Option<Connection> {
        let mut idle = self.idle();
        let now = Instant::now();
        idle.retain(|idle| idle.generation == generation && now < idle.since + KEPT && idle.connection.is_open());
        idle.pop().map(|idle| idle.connection)
    }

    /// Keeps a connection for the next request, unless there are `most` already. The credential of this number was used on it.
    pub fn keep(&self, connection: Connection, generation: u64, most: usize) {
        let mut idle = self.idle();
        if connection.is_open() && idle.len() < most {
            idle.push(Idle { connection, generation, since: Instant::now() });
        }
    }

    /// Closes them all.
    pub fn clear(&self) {
        self.idle().clear();
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
