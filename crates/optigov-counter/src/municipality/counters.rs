//! The counters of a municipality, of which there may be ten thousand.

use std::{borrow::Cow, fmt, sync::Arc};

use rpds::{HashTrieMapSync, VectorSync};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Serialize, Serializer};

use crate::{counter::Counter, fault::Fault, values::CounterId};

/// Counters in the order of the text, found by id. Copies share what is the same in both, so that a copy with one counter changed
/// costs next to nothing, however many there are.
///
/// A counter keeps its slot for as long as it is there, so that removing another one moves none. Slots that were left are given up
/// once there are many of them.
#[derive(Clone, Default)]
pub(crate) struct Counters {
    slots: VectorSync<Option<Entry>>,
    slot_of: HashTrieMapSync<CounterId, usize>,
    /// The empty slots, in order.
    empty: Arc<Vec<usize>>,
}

#[derive(Clone)]
struct Entry {
    counter: Arc<Counter>,
    /// With paths of the counter's own document.
    warnings: Arc<[Fault]>,
}

impl Counters {
    /// With more empty slots than this, counters move up.
    const MOST_EMPTY: usize = 256;

    pub(crate) fn len(&self) -> usize {
        self.slots.len() - self.empty.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Counter>> {
        self.entries().map(|entry| &entry.counter)
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Arc<Counter>> {
        self.entry(id).map(|entry| &entry.counter)
    }

    /// Where a counter stands among the others, counted from 0.
    pub(crate) fn position(&self, id: &str) -> Option<usize> {
        let slot = self.slot_of.get(id)?;
        Some(slot - self.empty.partition_point(|empty| empty < slot))
    }

    pub(crate) fn warnings_of(&self, id: &str) -> &[Fault] {
        self.entry(id).map_or(&[], |entry| &entry.warnings)
    }

    /// All warnings, each with the position and the id of its counter.
    pub(crate) fn warnings(&self) -> impl Iterator<Item = (usize, &CounterId, &Fault)> {
        let entries = self.entries().enumerate();
        entries.flat_map(|(position, entry)| {
            entry.warnings.iter().map(move |warning| (position, entry.counter.id(), warning))
        })
    }

    /// The same with this counter in place of the one with its id, or after all others.
    pub(crate) fn with(&self, counter: Arc<Counter>, warnings: Vec<Fault>) -> Counters {
        let mut changed = self.clone();
        changed.insert(Entry { counter, warnings: warnings.into() });
        changed
    }

    /// The same without this counter, if it is there.
    pub(crate) fn without(&self, id: &str) -> Option<Counters> {
        let slot = *self.slot_of.get(id)?;
        let mut changed = self.clone();
        changed.slots.set_mut(slot, None);
        changed.slot_of.remove_mut(id);
        let empty = Arc::make_mut(&mut changed.empty);
        empty.insert(empty.partition_point(|other| *other < slot), slot);
        if empty.len() > Counters::MOST_EMPTY {
            let mut moved_up = Counters::default();
            changed.entries().cloned().for_each(|entry| moved_up.insert(entry));
            return Some(moved_up);
        }
        Some(changed)
    }

    /// Notes the warnings of a counter by its place in the text that was just read.
    pub(super) fn warn(&mut self, index: usize, warnings: Vec<Fault>) {
        if let Some(Some(entry)) = self.slots.get_mut(index) {
            entry.warnings = warnings.into();
        }
    }

    fn insert(&mut self, entry: Entry) {
        match self.slot_of.get(entry.counter.id()) {
            Some(slot) => drop(self.slots.set_mut(*slot, Some(entry))),
            None => {
                self.slot_of.insert_mut(entry.counter.id().clone(), self.slots.len());
                self.slots.push_back_mut(Some(entry));
            }
        }
    }

    fn entry(&self, id: &str) -> Option<&Entry> {
        self.slots.get(*self.slot_of.get(id)?)?.as_ref()
    }

    fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.slots.iter().flatten()
    }
}

impl From<Vec<Counter>> for Counters {
    fn from(list: Vec<Counter>) -> Counters {
        let mut counters = Counters::default();
        let none: Arc<[Fault]> = Arc::from([]);
        for counter in list {
            counters.insert(Entry { counter: Arc::new(counter), warnings: Arc::clone(&none) });
        }
        counters
    }
}

/// The order of the counters is compared, their warnings are not.
impl PartialEq for Counters {
    fn eq(&self, other: &Counters) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
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
