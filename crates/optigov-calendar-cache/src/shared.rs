//! A cache that instances share, in Redis or Valkey, with a memory in front of it in each instance.

mod board;
mod format;
mod front;
mod link;
mod roles;
mod scripts;

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use optigov_slots::Interval;
use redis::{Client, FromRedisValue as _, Pipeline, TlsCertificates, Value};
use tokio::time::Instant;

use self::{
    board::NoticeBoard,
    front::{Front, Kept},
    link::{Link, Replies},
    roles::Roles,
};
use crate::{
    CacheError, CacheKey, CacheVersion, CachedReadings, CalendarCache, Clock, Leadership, Lease, Notice, Notices,
    Reading, Saved, StoreHealth, SystemClock, WatchId, cache::READINGS_PER_MAILBOX, random::random_number,
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
/// - One instance watches for all ([`lead`](CalendarCache::lead)). Its leadership is a lease in the store, and each answer of the store says whether it
///   stands: a watched mailbox is served as such for no longer than the term after its leader has died or has lost the store. What
///   a leader could not tell the store (a touched mailbox, a lost watch) ends its leadership at the next renewal, and another one begins.
/// - A store that is full stores nothing new, and forgets still: saves hold for what it has. Mailboxes that it has not are kept in memory, for
///   `alone` as well.
/// - Two primaries at once, after a split network: an instance that still reaches the old one does not hear of saves told to the new one, until
///   its readings reach the time to live.
///
/// It needs a Tokio runtime. It is cheap to clone; clones share the connection.
///
/// ```
/// use std::time::Duration;
///
/// use optigov_calendar_cache::{SharedCache, SharedCacheSettings};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let mut settings = SharedCacheSettings::default();
/// settings.keep = Duration::from_secs(2 * 3_600);
/// // Connects when it is first asked. For TLS, `rediss://`.
/// let cache = SharedCache::connect("redis://127.0.0.1:6379/0", settings)?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct SharedCache {
    inner: Arc<Inner>,
}

struct Inner {
    settings: SharedCacheSettings,
    link: Link,
    front: Arc<Front>,
    roles: Roles,
    board: NoticeBoard,
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
        let board = NoticeBoard::new(client, format!("{}:notices", settings.prefix), &front);
        Ok(SharedCache { inner: Arc::new(Inner { settings, link, front, roles: Roles::new(), board }) })
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

    /// What the store's answer for one mailbox says, kept in memory; `None` where it has no version of the mailbox. `leaders` are the tokens of those who
    /// lead.
    fn understand(
        &self,
        asked: &Asked<'_>,
        run: &Arc<str>,
        answer: Value,
        leaders: &[String],
    ) -> Option<Arc<CachedReadings>> {
        let parts = Vec::<Vec<u8>>::from_redis_value(answer).ok()?;
        let number = |at: usize| std::str::from_utf8(parts.get(at)?).ok()?.parse::<u64>().ok();
        let (version, changes) = (CacheVersion(number(0)?), number(1)?);
        let known = asked.known.as_ref().filter(|kept| kept.run.as_ref() == Some(run));
        if version.0 == 0 {
            self.link.refused("the store stores nothing: it is full, or a replica".to_owned());
            // What was known of the mailbox before may have been made void since.
            known.into_iter().for_each(|_| self.front.forget(&[asked.key]));
            return None;
        }
        let watch = std::str::from_utf8(parts.get(2)?).ok()?.split_once(':');
        let watch = watch.filter(|(leader, _)| leaders.iter().any(|token| token == leader));
        let watch = watch.and_then(|(_, id)| id.parse().ok()).map(WatchId::from_number);
        let cached = match (parts.get(3), known) {
            (Some(same), Some(known)) if same == b"same" => {
                let cached = &known.cached;
                if cached.watch == watch {
                    Arc::clone(cached)
                } else {
                    Arc::new(CachedReadings::clone(cached).with_watch(watch))
                }
            }
            _ => {
                let readings = parts.iter().skip(3).filter_map(|bytes| format::decode(asked.key, bytes)).map(Arc::new);
                let mut cached = CachedReadings::none_at(version).with_watch(watch);
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
        let roles = inner.roles.names();
        let asked = inner.link.ask(|run, pipe| {
            scripts::LOOK_UP.load(pipe);
            for role in &roles {
                pipe.cmd("GET").arg(inner.role(run, role));
            }
            for (key, known) in keys.iter().zip(&known) {
                let known = known.as_ref().filter(|kept| kept.run.as_deref() == Some(run));
                let known = known.map(|kept| format!("{}:{}", kept.cached.version.0, kept.changes));
                scripts::LOOK_UP.run(pipe, [&inner.name(run, *key)], |cmd| {
                    cmd.arg(known.unwrap_or_default()).arg(random_number()).arg(millis(inner.settings.keep));
                });
            }
        });
        let alone = |key: CacheKey| inner.front.alone(key, inner.settings.alone);
        let Ok(replies) = asked.await else { return Ok(keys.iter().map(|key| alone(*key)).collect()) };
        let run = replies.run;
        let mut answers = replies.values.into_iter().skip(1);
        let leaders = answers.by_ref().take(roles.len()).filter_map(|held| {
            let held = String::from_redis_value(held.ok()?).ok()?;
            held.rsplit_once(':').map(|(_, token)| token.to_owned())
        });
        let leaders: Vec<String> = leaders.collect();
        let understood = keys.iter().zip(&known).map(|(key, known)| {
            let asked = Asked { key: *key, known, moment };
            let answer = answers.next().and_then(Result::ok);
            let cached = answer.and_then(|answer| inner.understand(&asked, &run, answer, &leaders));
            cached.unwrap_or_else(|| alone(*key))
        });
        Ok(understood.collect())
    }

    async fn put(&self, key: &CacheKey, version: CacheVersion, reading: Arc<Reading>) -> Result<(), CacheError> {
        let inner = &*self.inner;
        let bytes = format::encode(*key, &reading).map_err(CacheError::new)?;
        let stored = inner.link.ask(|run, pipe| {
            scripts::STORE.load(pipe);
            scripts::STORE.run(pipe, [&inner.name(run, *key)], |cmd| {
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
        let told = inner.insist(|run, pipe| {
            scripts::FORGET.load(pipe);
            for key in keys {
                scripts::FORGET.run(pipe, [&inner.name(run, *key)], |_| {});
            }
            inner.board.publish(pipe, &Notice::Touched(keys.to_vec()));
        });
        let told = told.await.and_then(|replies| all_done(replies, keys.len()).map(drop));
        // What was answered meanwhile to questions from before is not kept, either.
        inner.front.forget(keys);
        if told.is_err() {
            inner.roles.broken();
        }
        told
    }

    async fn lead(&self, role: &str, term: Duration) -> Option<Leadership> {
        let inner = &*self.inner;
        let (candidacy, asked) = (inner.roles.candidacy(role), Instant::now());
        let answer = inner.insist(|run, pipe| {
            scripts::LEAD.load(pipe);
            scripts::LEAD.run(pipe, [&inner.role(run, role)], |cmd| {
                cmd.arg(inner.roles.instance()).arg(candidacy.renewable).arg(candidacy.fresh).arg(millis(term));
            });
        });
        let token = answer.await.and_then(last).ok().and_then(|token| u64::from_redis_value(token).ok());
        inner.roles.decided(role, token, asked.checked_add(term).unwrap_or(asked))
    }

    async fn resign(&self, leadership: &Leadership) {
        let inner = &*self.inner;
        inner.roles.resigned(leadership);
        let resigned = inner.insist(|run, pipe| {
            scripts::GIVE_UP.load(pipe);
            scripts::GIVE_UP.run(pipe, [&inner.role(run, leadership.role())], |cmd| {
                cmd.arg(inner.roles.written(leadership.token()));
            });
        });
        // Otherwise it ends with its term.
        drop(resigned.await);
    }

    async fn watching(&self, leadership: &Leadership, keys: &[CacheKey]) -> Result<(), CacheError> {
        let inner = &*self.inner;
        let watch = format!("{}:{}", leadership.token(), WatchId::random().number());
        let told = inner.insist(|run, pipe| {
            scripts::WATCH.load(pipe);
            let role = inner.role(run, leadership.role());
            for key in keys {
                scripts::WATCH.run(pipe, [&inner.name(run, *key), &role], |cmd| {
                    cmd.arg(leadership.token()).arg(&watch).arg(millis(inner.settings.keep));
                });
            }
            inner.board.publish(pipe, &Notice::Watching(keys.to_vec()));
        });
        let told = told.await.and_then(|replies| all_done(replies, keys.len()));
        let watched = told.and_then(|answers| match answers.contains(&0) {
            true => Err(CacheError::new("another instance leads")),
            false => Ok(()),
        });
        if watched.is_err() {
            inner.roles.broken();
        }
        watched
    }

    async fn lost(&self, leadership: &Leadership, keys: &[CacheKey]) -> Result<(), CacheError> {
        let inner = &*self.inner;
        let told = inner.insist(|run, pipe| {
            scripts::UNWATCH.load(pipe);
            for key in keys {
                scripts::UNWATCH.run(pipe, [&inner.name(run, *key)], |cmd| {
                    cmd.arg(leadership.token());
                });
            }
            inner.board.publish(pipe, &Notice::Lost(keys.to_vec()));
        });
        let told = told.await.and_then(|replies| all_done(replies, keys.len()).map(drop));
        if told.is_err() {
            inner.roles.broken();
        }
        told
    }

    async fn announce(&self, saved: &Saved) -> Result<(), CacheError> {
        let notice = Notice::Saved(saved.clone());
        let told = self.inner.insist(|_, pipe| self.inner.board.publish(pipe, &notice)).await?;
        last(told).map(drop)
    }

    fn notices(&self) -> Notices {
        self.inner.board.notices()
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
                scripts::GIVE_UP.run(pipe, [&inner.lease(run, *key, window)], |cmd| {
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

/// What a script has answered for each of so many mailboxes, after it was loaded.
fn all_done(replies: Replies, mailboxes: usize) -> Result<Vec<i64>, CacheError> {
    let answers = replies.values.into_iter().skip(1).take(mailboxes);
    let numbers =
        answers.map(|answer| i64::from_redis_value(answer.map_err(CacheError::new)?).map_err(CacheError::new));
    numbers.collect()
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
