//! A cache that instances share, in Redis or Valkey, with a memory in front of it in each instance.

mod format;
mod front;
mod link;
mod notices;
mod scripts;

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use futures_util::Stream;
use optigov_slots::Interval;
use redis::{Client, FromRedisValue as _, Pipeline, TlsCertificates, Value};

pub use self::notices::SavedElsewhere;
use self::{
    front::{Front, Kept},
    link::{Link, Replies},
    notices::Notices,
    scripts::random_number,
};
use crate::{
    CacheError, CacheKey, CacheVersion, CachedReadings, CalendarCache, Clock, Lease, Reading, StoreHealth, SystemClock,
    cache::READINGS_PER_MAILBOX,
};

/// A cache that instances share, in one Redis (7 or later) or Valkey server, or behind one address that leads to the present primary.
///
/// # What it holds
///
/// - A reading is stored once for all instances. Every question goes to the store, in one round trip for all its mailboxes; what this
///   instance has in memory need not be sent again. So a counter saved at one instance counts at all of them at once.
/// - Versions are random numbers and lie in the same hash as the readings made under them, so that they are evicted together; names in the store
///   begin with the run of the server, so that one which has restarted from an old snapshot, or a replica that has taken over, begins empty.
///   An evicted, flushed or lost version therefore never revives a reading.
/// - A store that is down, hangs or is slow costs a call [`answers_within`](SharedCacheSettings::answers_within) once per pause (100 ms, growing to
///   5 s); otherwise answers come from memory and from the source. Memory then serves for [`alone`](SharedCacheSettings::alone) after the store has
///   confirmed it or this instance has read it: so long may a save that another instance still could tell the store go unnoticed here.
/// - A store that is full stores nothing new, and forgets still: saves hold for what it has. Mailboxes that it has not are kept in memory, for
///   `alone` as well.
/// - Two primaries at once, after a split network: an instance that still reaches the old one does not hear of saves told to the new one, until
///   its readings reach the time to live.
///
/// It needs a Tokio runtime. It is cheap to clone; clones share the connection.
#[derive(Clone)]
pub struct SharedCache {
    inner: Arc<Inner>,
}

struct Inner {
    settings: SharedCacheSettings,
    instance: String,
    link: Link,
    front: Arc<Front>,
    notices: Notices,
}

/// How a [`SharedCache`] behaves.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SharedCacheSettings {
    /// With what names in the store begin. Default: `optigov`. Instances that share must agree on it.
    pub prefix: String,
    /// How long the store may take for an answer before this instance goes on without it. Default: 250 ms.
    pub answers_within: Duration,
    /// For how long memory may serve while the store does not answer; see [`SharedCache`]. Default: 5 s.
    pub alone: Duration,
    /// How long the store keeps a mailbox after its last reading; at least as long as readings may serve stale. Default: 1 h.
    pub keep: Duration,
    /// Bytes that the memory in front may hold. Default: 64 MiB.
    pub memory: u64,
    /// Certificates of the authorities that are trusted with `rediss://`, as PEM, in place of the system's. Default: none, the system's.
    pub roots: Option<Vec<u8>>,
}

impl Default for SharedCacheSettings {
    fn default() -> SharedCacheSettings {
        SharedCacheSettings {
            prefix: "optigov".to_owned(),
            answers_within: Duration::from_millis(250),
            alone: Duration::from_secs(5),
            keep: Duration::from_secs(3_600),
            memory: 64 << 20,
            roots: None,
        }
    }
}

impl SharedCache {
    /// A cache in the store at `url`: `redis://[user:password@]host[:port][/database]`, or `rediss://` for TLS with the system's roots. Does not wait
    /// for the store: it is connected to when it is first asked, and again whenever the connection is lost.
    ///
    /// TLS is by `rustls`. Where the process has chosen no cryptographic provider for it, this chooses `ring`.
    ///
    /// # Errors
    /// Where `url` is no address of a store, or the roots are no certificates.
    ///
    /// # Panics
    /// Outside a Tokio runtime.
    pub fn connect(url: &str, settings: SharedCacheSettings) -> Result<SharedCache, CacheError> {
        SharedCache::connect_with_clock(url, settings, Arc::new(SystemClock))
    }

    /// The same in the time of `clock`, which says since when the store fails.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    ///
    /// # Panics
    /// Outside a Tokio runtime.
    pub fn connect_with_clock(
        url: &str,
        settings: SharedCacheSettings,
        clock: Arc<dyn Clock>,
    ) -> Result<SharedCache, CacheError> {
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            // Another thread may have chosen meanwhile.
            drop(rustls::crypto::ring::default_provider().install_default());
        }
        // The address may hold a password, so the cause is not repeated.
        let client = match settings.roots.clone() {
            Some(roots) => {
                let certificates = TlsCertificates { client_tls: None, root_cert: Some(roots) };
                Client::build_with_tls(url, certificates)
            }
            None => Client::open(url),
        };
        let client = client.map_err(|_| CacheError::new("this is no address of a store, or no certificate"))?;
        let link = Link::new(client.clone(), clock, settings.answers_within).map_err(CacheError::new)?;
        let front = Arc::new(Front::new(settings.memory, settings.keep));
        let instance = format!("{:016x}", random_number());
        let notices = Notices::new(client, format!("{}:notices", settings.prefix), instance.clone(), &front);
        Ok(SharedCache { inner: Arc::new(Inner { settings, instance, link, front, notices }) })
    }

    /// What other instances tell from now on. It ends with the cache.
    pub fn saved_elsewhere(&self) -> impl Stream<Item = SavedElsewhere> + Send + use<> {
        self.inner.notices.stream()
    }

    /// Tells the other instances that this one has saved a counter. To be called after the counter is in force here and where the service keeps
    /// it, so that the others load what is new.
    ///
    /// # Errors
    /// Where the store cannot be asked: the others then hear of it by other means, or at their next start.
    pub async fn announce(&self, counter: &str) -> Result<(), CacheError> {
        let message = self.inner.notices.of_counter(counter);
        let told = self.inner.insist(|_, pipe| self.inner.notices.publish(pipe, &message)).await?;
        last(told).map(drop)
    }

    /// Whether this instance leads in a role (such as: watching the calendars for all) for the next `term`. Asks to lead, or to go on leading. To
    /// be called again well before the term ends, at a third of it, say; whoever leads and dies is followed when its term has ended.
    ///
    /// It is a lease: an instance that is held up for longer than the term may think that it leads while another does. What is done in the role
    /// must bear being done twice.
    ///
    /// # Errors
    /// Where the store cannot be asked. The instance does not lead then, or not any more when its term has ended.
    pub async fn lead(&self, role: &str, term: Duration) -> Result<bool, CacheError> {
        let held = self.inner.insist(|run, pipe| {
            let name = self.inner.role(run, role);
            scripts::HOLD.load(pipe);
            scripts::HOLD.run(pipe, &name, |cmd| {
                cmd.arg(&self.inner.instance).arg(millis(term));
            });
        });
        Ok(i64::from_redis_value(last(held.await?)?).unwrap_or(0) == 1)
    }

    /// Ends this instance's lead in a role, so that another can follow at once.
    ///
    /// # Errors
    /// Where the store cannot be asked; the lead then ends with its term.
    pub async fn resign(&self, role: &str) -> Result<(), CacheError> {
        let resigned = self.inner.insist(|run, pipe| {
            let name = self.inner.role(run, role);
            scripts::GIVE_UP.load(pipe);
            scripts::GIVE_UP.run(pipe, &name, |cmd| {
                cmd.arg(&self.inner.instance);
            });
        });
        last(resigned.await?).map(drop)
    }
}

impl Inner {
    /// The name of a mailbox's hash. The braces make a cluster keep what belongs to a mailbox together.
    fn name(&self, run: &str, key: CacheKey) -> String {
        format!("{}:{run}:{{{key}}}", self.settings.prefix)
    }

    fn role(&self, run: &str, role: &str) -> String {
        format!("{}:{run}:role:{role}", self.settings.prefix)
    }

    fn lease(&self, run: &str, key: CacheKey, window: Interval) -> String {
        format!("{}:{}:{}", self.name(run, key), window.start_unix(), window.end_unix())
    }

    /// Asks for what must be known or done, even while the store fails.
    async fn insist(&self, commands: impl Fn(&str, &mut Pipeline)) -> Result<Replies, CacheError> {
        self.link.insist(commands, self.settings.answers_within * 4).await
    }

    /// What the store's answer for one mailbox says, kept in memory; `None` where it has no version of the mailbox.
    fn understand(&self, asked: &Asked<'_>, run: &Arc<str>, answer: Value) -> Option<Arc<CachedReadings>> {
        let parts = Vec::<Vec<u8>>::from_redis_value(answer).ok()?;
        let number = |at: usize| std::str::from_utf8(parts.get(at)?).ok()?.parse::<u64>().ok();
        let (version, changes) = (CacheVersion(number(0)?), number(1)?);
        let known = asked.known.as_ref().filter(|kept| kept.run.as_ref() == Some(run));
        if version.0 == 0 {
            self.link.refused("the store is full".to_owned());
            // What was known of the mailbox before may have been made void since.
            known.into_iter().for_each(|_| self.front.forget(&[asked.key]));
            return None;
        }
        let cached = match (parts.get(2), known) {
            (Some(same), Some(known)) if same == b"same" => Arc::clone(&known.cached),
            _ => {
                let readings = parts.iter().skip(2).filter_map(|bytes| format::decode(asked.key, bytes)).map(Arc::new);
                let mut cached = CachedReadings::none_at(version);
                cached.readings = readings.collect();
                cached.readings.sort_by_key(|reading| std::cmp::Reverse(reading.read_at()));
                Arc::new(cached)
            }
        };
        self.front.keep(asked.moment, asked.key, run, changes, &cached);
        Some(cached)
    }
}

/// A question for one mailbox, and what was known of it when the question was asked.
struct Asked<'a> {
    key: CacheKey,
    known: &'a Option<Kept>,
    moment: u64,
}

#[async_trait]
impl CalendarCache for SharedCache {
    async fn get(&self, keys: &[CacheKey]) -> Result<Vec<Arc<CachedReadings>>, CacheError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let inner = &*self.inner;
        let moment = inner.front.moment();
        let known: Vec<Option<Kept>> = keys.iter().map(|key| inner.front.known(*key)).collect();
        let asked = inner.link.ask(|run, pipe| {
            scripts::LOOK_UP.load(pipe);
            for (key, known) in keys.iter().zip(&known) {
                let known = known.as_ref().filter(|kept| kept.run.as_deref() == Some(run));
                let known = known.map(|kept| format!("{}:{}", kept.cached.version.0, kept.changes));
                scripts::LOOK_UP.run(pipe, &inner.name(run, *key), |cmd| {
                    cmd.arg(known.unwrap_or_default()).arg(random_number()).arg(millis(inner.settings.keep));
                });
            }
        });
        let alone = |key: CacheKey| inner.front.alone(key, inner.settings.alone);
        let Ok(replies) = asked.await else { return Ok(keys.iter().map(|key| alone(*key)).collect()) };
        let run = replies.run;
        let mut answers = replies.values.into_iter().skip(1);
        let understood = keys.iter().zip(&known).map(|(key, known)| {
            let asked = Asked { key: *key, known, moment };
            let answer = answers.next().and_then(Result::ok);
            let cached = answer.and_then(|answer| inner.understand(&asked, &run, answer));
            cached.unwrap_or_else(|| alone(*key))
        });
        Ok(understood.collect())
    }

    async fn put(&self, key: &CacheKey, version: CacheVersion, reading: Arc<Reading>) -> Result<(), CacheError> {
        let inner = &*self.inner;
        let bytes = format::encode(*key, &reading).map_err(CacheError::new)?;
        let stored = inner.link.ask(|run, pipe| {
            scripts::STORE.load(pipe);
            scripts::STORE.run(pipe, &inner.name(run, *key), |cmd| {
                cmd.arg(version.0).arg(reading.window().start_unix()).arg(reading.window().end_unix());
                cmd.arg(reading.read_at().timestamp_millis()).arg(&bytes[..]).arg(millis(inner.settings.keep));
                cmd.arg(READINGS_PER_MAILBOX);
            });
        });
        let changes = match stored.await.map(|replies| replies.values.into_iter().nth(1)) {
            Ok(Some(Ok(changes))) => {
                let changes = u64::from_redis_value(changes).ok();
                if changes > Some(0) {
                    inner.link.stored();
                }
                changes
            }
            Ok(Some(Err(error))) => {
                inner.link.refused(error.to_string());
                None
            }
            Ok(None) | Err(_) => None,
        };
        inner.front.add(*key, version, &reading, changes, inner.settings.alone);
        Ok(())
    }

    async fn invalidate(&self, keys: &[CacheKey]) -> Result<(), CacheError> {
        let inner = &*self.inner;
        inner.front.forget(keys);
        let message = inner.notices.of_mailboxes(keys);
        // To forget a mailbox needs no memory, so that a store that is full does it as well.
        let told = inner.insist(|run, pipe| {
            for key in keys {
                pipe.cmd("DEL").arg(inner.name(run, *key));
            }
            inner.notices.publish(pipe, &message);
        });
        let told = told.await;
        // What was answered meanwhile to questions from before is not kept, either.
        inner.front.forget(keys);
        told?.values.into_iter().take(keys.len()).try_for_each(|deleted| deleted.map(drop)).map_err(CacheError::new)
    }

    fn health(&self) -> Option<StoreHealth> {
        Some(self.inner.link.health())
    }

    async fn lease(&self, keys: &[CacheKey], window: Interval, longest: Duration) -> Vec<Option<Lease>> {
        let inner = &*self.inner;
        let leases: Vec<Lease> = keys.iter().map(|_| Lease::shared(random_number())).collect();
        let asked = inner.link.ask(|run, pipe| {
            for (key, lease) in keys.iter().zip(&leases) {
                let name = inner.lease(run, *key, window);
                pipe.cmd("SET").arg(name).arg(lease.token()).arg("NX").arg("PX").arg(millis(longest));
            }
        });
        // Where the store does not say that another instance reads, this one does.
        let Ok(replies) = asked.await else { return leases.into_iter().map(Some).collect() };
        let taken = replies.values.into_iter().map(|answer| matches!(answer, Ok(Value::Nil)));
        leases.into_iter().zip(taken).map(|(lease, taken)| (!taken).then_some(lease)).collect()
    }

    async fn release(&self, leases: &[(CacheKey, Lease)], window: Interval) {
        let inner = &*self.inner;
        let released = inner.link.ask(|run, pipe| {
            scripts::GIVE_UP.load(pipe);
            for (key, lease) in leases {
                scripts::GIVE_UP.run(pipe, &inner.lease(run, *key, window), |cmd| {
                    cmd.arg(lease.token());
                });
            }
        });
        // Otherwise they end by themselves.
        drop(released.await);
    }
}

impl fmt::Debug for SharedCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedCache").field("health", &self.inner.link.health()).finish_non_exhaustive()
    }
}

/// The answer of the last command.
fn last(replies: Replies) -> Result<Value, CacheError> {
    let last = replies.values.into_iter().next_back();
    last.ok_or_else(|| CacheError::new("the store left a question unanswered"))?.map_err(CacheError::new)
}

fn millis(duration: Duration) -> u64 {
    // The store takes no more than this, nor 0.
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX).clamp(1, 1 << 50)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_address_that_is_none_is_refused_without_being_repeated() {
        for url in ["", "http://geheim@localhost", "redis//geheim", "redis://:geheim@local host"] {
            let error = SharedCache::connect(url, SharedCacheSettings::default()).expect_err(url);
            assert!(!format!("{error} {error:?}").contains("geheim"), "{error:?}");
        }
    }
}
