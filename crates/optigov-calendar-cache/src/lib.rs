//! Readings of calendars, kept between calls: one reading per mailbox however many wait for it, and none that a save has made void.
//!
//! A [`CalendarReader`] reads a [`CalendarSource`](optigov_calendar::CalendarSource) through a [`CalendarCache`]; a [`MemoryCache`] is the default one.
//!
//! ```
//! use std::{sync::Arc, time::Duration};
//!
//! use optigov_calendar::MemorySource;
//! use optigov_calendar_cache::{CalendarReader, Freshness, MemoryCache, ReadTarget, ReadWindow, ReaderSettings, SystemClock};
//! use optigov_slots::Interval;
//! use tokio::time::Instant;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
//! let calendars = MemorySource::new();
//! calendars.set("anna@musterstadt.example".parse()?, Vec::new());
//! let cache = Arc::new(MemoryCache::new(64 << 20, Duration::from_secs(3600)));
//! let reader = CalendarReader::new(Arc::new(calendars), cache, Arc::new(SystemClock), ReaderSettings::default());
//!
//! let anna = ReadTarget::new("our Exchange", "anna@musterstadt.example".parse()?);
//! let day = ReadWindow::exactly(Interval::new("2027-03-01T00:00:00Z".parse()?, "2027-03-02T00:00:00Z".parse()?)?);
//! let deadline = Instant::now() + Duration::from_secs(30);
//! let fetched = reader.fetch(&[anna], day, Freshness::Cached, deadline).await;
//! assert!(fetched[0].reading.is_ok());
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! # What it refuses to do
//!
//! - It decides nothing about what blocks: readings are stored as they were read, and each counter's policy is applied to them above.
//! - It never passes a failed reading for an empty one, and never hands out a reading that began before its mailbox's version was bumped.
//!
//! # Features
//!
//! | feature | default | adds |
//! |---|---|---|
//! | `redis` | no | `SharedCache`: readings that instances share through Redis or Valkey |
//! | `testing` | no | conformance tests that anybody's [`CalendarCache`] must pass; with `redis`, a store to test against |

mod cache;
mod circuit;
mod clock;
mod failures;
mod health;
mod in_flight;
mod keeper;
mod lease;
mod memory;
mod notices;
mod pause;
mod random;
mod read_group;
mod reader;
mod reading;
mod settings;
#[cfg(feature = "redis")]
mod shared;
mod store_watch;
mod target;
#[cfg(feature = "testing")]
pub mod testing;
mod watch;

pub use cache::{CacheError, CacheKey, CacheVersion, CachedReadings, CalendarCache};
pub use clock::{Clock, SystemClock};
pub use health::{CircuitHealth, CircuitState, FailingMailbox, LiveHealth, ReaderHealth, StoreHealth};
pub use keeper::{FreshKeeper, KeptMailbox};
pub use lease::Lease;
pub use memory::MemoryCache;
pub use notices::{Notice, Notices, Saved};
pub use reader::CalendarReader;
pub use reading::Reading;
pub use settings::ReaderSettings;
#[cfg(feature = "redis")]
pub use shared::{SharedCache, SharedCacheSettings};
pub use target::{Fetched, Freshness, ReadTarget, ReadWindow};
pub use watch::{Leadership, WatchId};
