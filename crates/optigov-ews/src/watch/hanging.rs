//! How many hanging connections there may be: those whose answer stays open.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::{Instant, timeout_at},
};

/// For so long the server's limit is remembered. Then one connection more is tried: an administrator may have raised it.
const REMEMBERED: Duration = Duration::from_secs(15 * 60);

/// The limit that all streams of a client share. It is apart from the one on requests in flight.
pub(super) struct Hanging {
    state: Mutex<State>,
    /// Tells those who wait that a place has become free.
    changed: watch::Sender<()>,
    /// One renewal at a time may have a connection more than is allowed.
    renewals: Arc<Semaphore>,
    most: usize,
}

struct State {
    open: usize,
    /// How many the server has shown to allow, and until when that is believed.
    learned: Option<(usize, Instant)>,
}

/// The right to one hanging connection.
pub(super) struct Place {
    hanging: Arc<Hanging>,
    /// The right to have one connection more than is allowed, for a renewal.
    renewal: Option<OwnedSemaphorePermit>,
}

impl Hanging {
    pub(super) fn new(most: usize) -> Hanging {
        Hanging {
            state: Mutex::new(State { open: 0, learned: None }),
            changed: watch::Sender::new(()),
            renewals: Arc::new(Semaphore::new(1)),
            most,
        }
    }

    /// A place, if one is free.
    pub(super) fn try_take(self: &Arc<Self>) -> Option<Place> {
        let mut state = self.state();
        let is_free = state.open < self.allowed(&mut state);
        state.open += usize::from(is_free);
        is_free.then(|| Place { hanging: self.clone(), renewal: None })
    }

    /// Waits for a place.
    pub(super) async fn take(self: &Arc<Self>) -> Place {
        let mut changed = self.changed.subscribe();
        loop {
            changed.borrow_and_update();
            if let Some(place) = self.try_take() {
                return place;
            }
            let again = self.state().learned.map_or(Instant::now() + REMEMBERED, |(_, until)| until);
            timeout_at(again, changed.changed()).await.ok();
        }
    }

    /// A place beside the one that is to be given up, once no other renewal has one. `None` where the server allows no more connections than
    /// there are.
    pub(super) async fn take_beside(self: &Arc<Self>) -> Option<Place> {
        let renewal = self.renewals.clone().acquire_owned().await.ok()?;
        let mut state = self.state();
        self.allowed(&mut state);
        if state.learned.is_some_and(|(most, _)| state.open >= most) {
            return None;
        }
        state.open += 1;
        Some(Place { hanging: self.clone(), renewal: Some(renewal) })
    }

    /// What is allowed now.
    pub(super) fn allowed_now(&self) -> usize {
        self.allowed(&mut self.state())
    }

    fn allowed(&self, state: &mut State) -> usize {
        state.learned = state.learned.filter(|(_, until)| Instant::now() < *until);
        state.learned.map_or(self.most, |(learned, _)| learned.min(self.most))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// The server refused this connection because there are too many: it allows as many as the others. One is always tried.
    pub(super) fn refused(self) {
        let mut state = self.hanging.state();
        let others = state.open.saturating_sub(1).max(1);
        state.learned = Some((others, Instant::now() + REMEMBERED));
    }

    /// The connection beside which this one was opened has ended.
    pub(super) fn settle(&mut self) {
        self.renewal = None;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.hanging.state().open -= 1;
        self.hanging.changed.send_replace(());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn no_more_places_are_taken_than_allowed_and_a_free_one_wakes() {
        let hanging = Arc::new(Hanging::new(2));
        let (first, _second) = (hanging.take().await, hanging.take().await);
        assert!(hanging.try_take().is_none());
        let (_third, ()) = tokio::join!(hanging.take(), async { drop(first) });
        assert!(hanging.try_take().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn one_renewal_at_a_time_has_one_place_more() {
        let hanging = Arc::new(Hanging::new(1));
        let old = hanging.take().await;
        let mut new = hanging.take_beside().await.expect("a place");
        let other = tokio::time::timeout(Duration::from_secs(60), hanging.take_beside()).await;
        assert!(other.is_err(), "two renewals at a time");
        drop(old);
        assert!(hanging.try_take().is_none(), "the new one has taken the place");
        new.settle();
        assert!(hanging.take_beside().await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn the_servers_limit_is_learned_and_forgotten_again() {
        let hanging = Arc::new(Hanging::new(5));
        let _held = [hanging.take().await, hanging.take().await];
        hanging.take().await.refused();
        assert_eq!(hanging.allowed_now(), 2);
        assert!(hanging.try_take().is_none() && hanging.take_beside().await.is_none());
        let began = Instant::now();
        let _third = hanging.take().await;
        assert_eq!(Instant::now() - began, REMEMBERED, "then one more is tried");
    }

    #[tokio::test(start_paused = true)]
    async fn one_connection_is_always_tried() {
        let hanging = Arc::new(Hanging::new(3));
        hanging.take().await.refused();
        assert_eq!(hanging.allowed_now(), 1);
        assert!(hanging.try_take().is_some());
    }
}
