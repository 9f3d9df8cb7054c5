use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::iter::FusedIterator;

use crate::slots::Iter;
use crate::time::UtcSecond;
use crate::{Slot, Slots};

/// The slots of several counters in time order, each with its counter, made one by one. Slots that start together come in the order in
/// which their counters were given.
///
/// ```
/// # use optigov_slots::{Slots, merge};
/// # fn demo(first: &Slots, second: &Slots) {
/// for (counter, slot) in merge([("A", first), ("B", second)]).take(5) {
///     // …
/// }
/// # }
/// ```
pub fn merge<'a, K: Clone>(counters: impl IntoIterator<Item = (K, &'a Slots)>) -> Merged<'a, K> {
    let mut counters: Vec<(K, Iter<'a>)> = counters.into_iter().map(|(key, slots)| (key, slots.iter())).collect();
    let next = counters.iter_mut().enumerate().filter_map(|(index, (_, iter))| {
        let slot = iter.next()?;
        Some(Reverse((slot.start_second(), index, slot)))
    });
    let next = next.collect();
    Merged { counters, next }
}

/// Slots of several counters; see [`merge`].
#[derive(Debug, Clone)]
pub struct Merged<'a, K> {
    counters: Vec<(K, Iter<'a>)>,
    /// The next slot of each counter that has one, after its start and the counter's index.
    next: BinaryHeap<Reverse<(UtcSecond, usize, Slot)>>,
}

impl<K: Clone> Iterator for Merged<'_, K> {
    type Item = (K, Slot);

    fn next(&mut self) -> Option<(K, Slot)> {
        let mut top = self.next.peek_mut()?;
        let Reverse((_, index, slot)) = *top;
        let (key, iter) = &mut self.counters[index];
        match iter.next() {
            Some(following) => *top = Reverse((following.start_second(), index, following)),
            None => drop(PeekMut::pop(top)),
        }
        Some((key.clone(), slot))
    }
}

impl<K: Clone> FusedIterator for Merged<'_, K> {}
