//! The counters of a municipality, of which there may be ten thousand.

use std::{borrow::Cow, fmt, sync::Arc};

use rpds::{HashTrieMapSync, RedBlackTreeMapSync};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Serialize, Serializer};

use crate::{counter::Counter, fault::Fault, values::CounterId};

/// Counters in the order of the text, found by id. Copies share what is the same in both, so that a copy with one counter changed
/// costs next to nothing, however many there are.
#[derive(Clone, Default)]
pub(crate) struct Counters {
    /// By a number that a counter keeps for as long as it is there. A counter that is added has the next one.
    by_place: RedBlackTreeMapSync<u64, Entry>,
    places: HashTrieMapSync<CounterId, u64>,
}

#[derive(Clone)]
struct Entry {
    counter: Arc<Counter>,
    /// With paths of the counter's own document.
    warnings: Arc<[Fault]>,
}

impl Counters {
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &Arc<Counter>> {
        self.by_place.values().map(|entry| &entry.counter)
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Arc<Counter>> {
        self.entry(id).map(|entry| &entry.counter)
    }

    pub(crate) fn warnings_of(&self, id: &str) -> &[Fault] {
        self.entry(id).map_or(&[], |entry| &entry.warnings)
    }

    /// All warnings, each with the place of its counter in the order of the text.
    pub(crate) fn warnings(&self) -> impl Iterator<Item = (usize, &Fault)> {
        let entries = self.by_place.values().enumerate();
        entries.flat_map(|(index, entry)| entry.warnings.iter().map(move |warning| (index, warning)))
    }

    /// The same with this counter in place of the one with its id, or after all others.
    pub(crate) fn with(&self, counter: Arc<Counter>, warnings: Vec<Fault>) -> Counters {
        let id = counter.id().clone();
        let known = self.places.get(&id).copied();
        let place = known.unwrap_or_else(|| self.by_place.last().map_or(0, |(last, _)| last + 1));
        Counters {
            by_place: self.by_place.insert(place, Entry { counter, warnings: warnings.into() }),
            places: if known.is_some() { self.places.clone() } else { self.places.insert(id, place) },
        }
    }

    /// The same without this counter, if it is there.
    pub(crate) fn without(&self, id: &str) -> Option<Counters> {
        let place = self.places.get(id)?;
        Some(Counters { by_place: self.by_place.remove(place), places: self.places.remove(id) })
    }

    /// Notes the warnings of a counter by its index in the text that was just read.
    pub(super) fn warn(&mut self, index: usize, warnings: Vec<Fault>) {
        let entry = u64::try_from(index).ok().and_then(|place| self.by_place.get_mut(&place));
        if let Some(entry) = entry {
            entry.warnings = warnings.into();
        }
    }

    fn entry(&self, id: &str) -> Option<&Entry> {
        self.by_place.get(self.places.get(id)?)
    }
}

impl From<Vec<Counter>> for Counters {
    fn from(list: Vec<Counter>) -> Counters {
        let mut counters = Counters::default();
        let none: Arc<[Fault]> = Arc::from([]);
        for (counter, place) in list.into_iter().zip(0..) {
            counters.places.insert_mut(counter.id().clone(), place);
            counters.by_place.insert_mut(place, Entry { counter: Arc::new(counter), warnings: Arc::clone(&none) });
        }
        counters
    }
}

/// Where a counter stands among the others counts, its warnings do not.
impl PartialEq for Counters {
    fn eq(&self, other: &Counters) -> bool {
        self.iter().eq(other.iter())
    }
}

impl fmt::Debug for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl Serialize for Counters {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl JsonSchema for Counters {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Counters".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Vec::<Counter>::json_schema(generator)
    }
}
