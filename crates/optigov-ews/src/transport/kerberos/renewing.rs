//! A value that ends at a time of the clock: fetched once for all who wait, and renewed while it is still good.

use std::{
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use optigov_calendar::ReadError;
use tokio::time::Instant;

use optigov_http::later;

use crate::prove::is_verdict;

/// After a renewal that failed, the next one is tried no sooner; meanwhile the old value is good.
const PAUSE: Duration = Duration::from_secs(30);

/// When a value is good, in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Life {
    pub(crate) from: i64,
    pub(crate) until: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Fresh,
    /// Good, and more than half of its life is over: if the KDC stops now, there is time to notice.
    Aging,
    Ended,
}

impl Life {
    fn stage(self, now: i64) -> Stage {
        match (now >= self.until, now >= self.from + (self.until - self.from) / 2) {
            (true, _) => Stage::Ended,
            (false, true) => Stage::Aging,
            (false, false) => Stage::Fresh,
        }
    }

    /// Whether less than half of its life is over.
    pub(crate) fn is_fresh(self, now: i64) -> bool {
        self.stage(now) == Stage::Fresh
    }
}

/// Holds the value and whoever fetches the next one.
pub(crate) struct Renewing<T> {
    state: Mutex<State<T>>,
    /// A verdict on the account is remembered for so long, and nothing is fetched meanwhile.
    verdict_lasts: Duration,
    /// Any other failure is remembered for so long.
    failure_lasts: Duration,
}

struct State<T> {
    held: Option<(Arc<T>, Life)>,
    flight: Option<(u64, Flight<T>)>,
    flights: u64,
    failed: Option<(Instant, ReadError)>,
}

type Flight<T> = Shared<BoxFuture<'static, Result<Arc<T>, ReadError>>>;

impl<T: Send + Sync + 'static> Renewing<T> {
    pub(crate) fn new(verdict_lasts: Duration, failure_lasts: Duration) -> Renewing<T> {
        let state = State { held: None, flight: None, flights: 0, failed: None };
        Renewing { state: Mutex::new(state), verdict_lasts, failure_lasts }
    }

    /// The value, if it is good at `now`; otherwise the one that `fetch` brings. However many wait, one fetches, and it goes on when nobody waits
    /// any more: what was sent is not sent again.
    pub(crate) async fn get<F>(self: &Arc<Self>, now: i64, fetch: impl FnOnce() -> F) -> Result<Arc<T>, ReadError>
    where
        F: Future<Output = Result<(T, Life), ReadError>> + Send + 'static,
    {
        let flight = {
            let mut state = self.state();
            let held = state.held.as_ref().map(|(value, life)| (value.clone(), life.stage(now)));
            if let Some((value, stage @ (Stage::Fresh | Stage::Aging))) = held {
                if stage == Stage::Aging && state.flight.is_none() && state.may_fetch(PAUSE, self.verdict_lasts) {
                    drop(self.launch(&mut state, fetch()));
                }
                return Ok(value);
            }
            if !state.may_fetch(self.failure_lasts, self.verdict_lasts)
                && let Some((_, error)) = &state.failed
            {
                return Err(error.clone());
            }
            match &state.flight {
                Some((_, flight)) => flight.clone(),
                None => self.launch(&mut state, fetch()),
            }
        };
        flight.await
    }

    /// Drops this value, unless another one has replaced it: the server refuses it.
    pub(crate) fn drop_value(&self, refused: &Arc<T>) {
        let mut state = self.state();
        if state.held.as_ref().is_some_and(|(value, _)| Arc::ptr_eq(value, refused)) {
            state.held = None;
        }
    }

    fn launch(
        self: &Arc<Self>,
        state: &mut State<T>,
        fetch: impl Future<Output = Result<(T, Life), ReadError>> + Send + 'static,
    ) -> Flight<T> {
        state.flights += 1;
        let landing = Landing { renewing: self.clone(), flight: state.flights };
        let task = tokio::spawn(async move { landing.land(fetch.await) });
        let flight = async move { task.await.unwrap_or_else(|_| Err(ReadError::internal())) }.boxed().shared();
        state.flight = Some((state.flights, flight.clone()));
        flight
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> State<T> {
    fn may_fetch(&self, pause: Duration, verdict_lasts: Duration) -> bool {
        self.failed.as_ref().is_none_or(|(at, error)| {
            let pause = if is_verdict(error.kind()) { verdict_lasts } else { pause };
            Instant::now() >= later(*at, pause)
        })
    }
}

/// Ends the flight, also where its task breaks off.
struct Landing<T> {
    renewing: Arc<Renewing<T>>,
    flight: u64,
}

impl<T> Landing<T> {
    fn land(&self, result: Result<(T, Life), ReadError>) -> Result<Arc<T>, ReadError> {
        let mut state = self.renewing.state.lock().unwrap_or_else(PoisonError::into_inner);
        match result {
            Ok((value, life)) => {
                let value = Arc::new(value);
                state.held = Some((value.clone(), life));
                state.failed = None;
                Ok(value)
            }
            Err(error) => {
                state.failed = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }
}

impl<T> Drop for Landing<T> {
    fn drop(&mut self) {
        let mut state = self.renewing.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.flight.as_ref().is_some_and(|(flight, _)| *flight == self.flight) {
            state.flight = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use optigov_calendar::{ReadErrorKind, Text};

    use super::*;

    const LIFE: Life = Life { from: 0, until: 100 };

    struct Fixture {
        renewing: Arc<Renewing<usize>>,
        fetched: Arc<AtomicUsize>,
    }

    impl Fixture {
        fn new() -> Fixture {
            let renewing = Arc::new(Renewing::new(Duration::from_secs(1_800), Duration::ZERO));
            Fixture { renewing, fetched: Arc::default() }
        }

        async fn get(&self, now: i64, fails: Option<ReadErrorKind>) -> Result<usize, ReadErrorKind> {
            let fetched = self.fetched.clone();
            let got = self.renewing.get(now, || async move {
                let count = fetched.fetch_add(1, Ordering::SeqCst) + 1;
                tokio::time::sleep(Duration::from_millis(10)).await;
                match fails {
                    None => Ok((count, Life { from: now, until: now + 100 })),
                    Some(kind) => Err(ReadError::new(kind, Text::fixed("so", "so"))),
                }
            });
            got.await.map(|value| *value).map_err(|error| error.kind())
        }

        fn fetched(&self) -> usize {
            self.fetched.load(Ordering::SeqCst)
        }
    }

    async fn let_flights_land() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    #[test]
    fn a_life_ages_at_its_half_and_ends_at_its_end() {
        assert_eq!(
            [0, 49, 50, 99, 100].map(|now| LIFE.stage(now)),
            [Stage::Fresh, Stage::Fresh, Stage::Aging, Stage::Aging, Stage::Ended]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn however_many_wait_it_is_fetched_once_and_one_failure_is_told_to_all() {
        let fixture = Fixture::new();
        let all = futures_util::future::join_all((0..50).map(|_| fixture.get(0, Some(ReadErrorKind::Timeout)))).await;
        assert!(all.iter().all(|result| *result == Err(ReadErrorKind::Timeout)));
        assert_eq!(fixture.fetched(), 1);
        let all = futures_util::future::join_all((0..50).map(|_| fixture.get(0, None))).await;
        assert!(all.iter().all(|result| *result == Ok(2)), "{all:?}");
        assert_eq!(fixture.fetched(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_renewed_while_it_is_good_and_nobody_waits() {
        let fixture = Fixture::new();
        assert_eq!(fixture.get(0, None).await, Ok(1));
        assert_eq!(fixture.get(49, None).await, Ok(1));
        assert_eq!((fixture.get(50, None).await, fixture.get(51, None).await), (Ok(1), Ok(1)));
        let_flights_land().await;
        assert_eq!((fixture.get(52, None).await, fixture.fetched()), (Ok(2), 2));
    }

    #[tokio::test(start_paused = true)]
    async fn a_renewal_that_fails_leaves_the_old_one_good_until_it_ends() {
        let fixture = Fixture::new();
        fixture.get(0, None).await.expect("a value");
        for now in [50, 60, 70] {
            assert_eq!(fixture.get(now, Some(ReadErrorKind::KdcUnreachable)).await, Ok(1));
            let_flights_land().await;
        }
        assert_eq!(fixture.fetched(), 2, "one failed renewal, then a pause");
        tokio::time::advance(PAUSE).await;
        assert_eq!(fixture.get(80, Some(ReadErrorKind::KdcUnreachable)).await, Ok(1));
        let_flights_land().await;
        assert_eq!(fixture.fetched(), 3);
        let ended = fixture.get(100, Some(ReadErrorKind::KdcUnreachable)).await;
        assert_eq!((ended, fixture.fetched()), (Err(ReadErrorKind::KdcUnreachable), 4));
        assert_eq!(fixture.get(101, None).await, Ok(5));
    }

    #[tokio::test(start_paused = true)]
    async fn a_wrong_password_at_a_renewal_is_sent_once_even_after_the_old_value_has_ended() {
        let fixture = Fixture::new();
        fixture.get(0, None).await.expect("a value");
        assert_eq!(fixture.get(50, Some(ReadErrorKind::CredentialsRefused)).await, Ok(1));
        let_flights_land().await;
        tokio::time::advance(PAUSE).await;
        assert_eq!(fixture.get(90, None).await, Ok(1));
        assert_eq!(fixture.get(100, None).await, Err(ReadErrorKind::CredentialsRefused));
        assert_eq!(fixture.fetched(), 2);
        tokio::time::advance(Duration::from_secs(1_800)).await;
        assert_eq!(fixture.get(2_000, None).await, Ok(3));
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_gives_up_waiting_does_not_stop_the_fetch() {
        let fixture = Fixture::new();
        assert!(tokio::time::timeout(Duration::from_millis(1), fixture.get(0, None)).await.is_err());
        let_flights_land().await;
        assert_eq!((fixture.get(0, None).await, fixture.fetched()), (Ok(1), 1));
    }

    #[tokio::test(start_paused = true)]
    async fn only_the_refused_value_is_dropped() {
        let fixture = Fixture::new();
        let first = fixture.renewing.get(0, || async { Ok((1, LIFE)) }).await.expect("a value");
        fixture.renewing.drop_value(&first);
        assert_eq!(fixture.get(0, None).await, Ok(1), "fetched anew");
        fixture.renewing.drop_value(&first);
        assert_eq!((fixture.get(0, None).await, fixture.fetched()), (Ok(1), 1));
    }
}
