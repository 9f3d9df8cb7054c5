//! How many requests to one mailbox are being answered at a time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

#[derive(Clone, Debug, Default)]
pub(crate) struct Concurrency(Arc<Mutex<HashMap<String, Count>>>);

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    now: usize,
    most: usize,
}

/// A request that counts until it is dropped.
#[derive(Debug)]
pub(super) struct Running {
    concurrency: Concurrency,
    mailbox: String,
    /// How many others ran when it began.
    pub(super) others: usize,
}

impl Concurrency {
    pub(super) fn enter(&self, mailbox: &str) -> Running {
        let mailbox = mailbox.to_lowercase();
        let others = self.change(&mailbox, |count| {
            count.now += 1;
            count.most = count.most.max(count.now);
            count.now - 1
        });
        Running { concurrency: self.clone(), mailbox, others }
    }

    /// The most requests to a mailbox that were there at a time, refused ones included.
    pub(crate) fn most(&self, mailbox: &str) -> usize {
        self.change(&mailbox.to_lowercase(), |count| count.most)
    }

    fn change<T>(&self, mailbox: &str, change: impl FnOnce(&mut Count) -> T) -> T {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(all.entry(mailbox.to_owned()).or_default())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.concurrency.change(&self.mailbox, |count| count.now -= 1);
    }
}
