//! From faults to lines and columns: one walk through the tree that was read, and one pass over its text, however many faults there are.

use std::collections::BTreeMap;

use crate::fault::{Fault, Place, Position, Step, shortened};

/// A value of a text that knows where it stands.
pub(crate) trait Node: Copy {
    /// The first byte of the value.
    fn start(self) -> usize;

    /// Visits each child once, in the order of the text, with the first byte of its key. An element of a list has no key.
    fn each_child(self, visit: &mut dyn FnMut(Name<'_>, usize, Self));
}

/// What a child is called in its parent.
pub(crate) enum Name<'n> {
    Key(&'n str),
    Index(usize),
}

/// Gives each fault its line and column: those of the deepest place on its path that the text has.
pub(crate) fn locate<N: Node>(text: &str, root: N, faults: &mut [Fault]) {
    let mut sought: Vec<usize> = (0..faults.len()).collect();
    sought.sort_by(|a, b| faults[*a].steps.cmp(&faults[*b].steps));
    let mut bytes = vec![0; faults.len()];
    descend(root, 0, &sought, faults, &mut bytes);
    sought.sort_unstable_by_key(|index| bytes[*index]);
    let mut positions = Positions::new(text);
    for index in sought {
        faults[index].set_position(positions.of_byte(bytes[index]));
    }
}

/// The faults that one step leads to, and the child that it leads to.
struct Group<'s, N> {
    sought: &'s [usize],
    found: Option<(usize, N)>,
}

/// `sought` are the faults at or below `node`, in the order of their paths; `depth` steps of theirs are done.
fn descend<N: Node>(node: N, depth: usize, sought: &[usize], faults: &[Fault], bytes: &mut [usize]) {
    for index in sought {
        bytes[*index] = node.start();
    }
    let deeper = sought.iter().position(|index| faults[*index].steps.len() > depth).unwrap_or(sought.len());
    let sought = &sought[deeper..];
    if sought.is_empty() {
        return;
    }
    let (mut keys, mut indices) = (BTreeMap::new(), BTreeMap::new());
    for sought in sought.chunk_by(|a, b| faults[*a].steps[depth] == faults[*b].steps[depth]) {
        let group = Group { sought, found: None };
        match &faults[sought[0]].steps[depth] {
            Step::Key(key) => drop(keys.insert(&**key, group)),
            Step::Index(index) | Step::Entry(index, _) => drop(indices.insert(*index, group)),
        }
    }
    // Of keys that stand there twice, the last is meant.
    node.each_child(&mut |name, start, child| {
        let group = match name {
            Name::Index(index) => indices.get_mut(&index),
            Name::Key(key) if keys.contains_key(key) => keys.get_mut(key),
            // The step of an unknown key may hold it shortened.
            Name::Key(key) => keys.get_mut(&*shortened(key)),
        };
        if let Some(group) = group {
            group.found = Some((start, child));
        }
    });
    for Group { sought, found } in keys.into_values().chain(indices.into_values()) {
        let Some((key, child)) = found else { continue };
        let mut below = Vec::with_capacity(sought.len());
        for index in sought {
            let ends_here = faults[*index].steps.len() == depth + 1;
            if ends_here && faults[*index].place == Place::Key {
                bytes[*index] = key;
            } else {
                below.push(*index);
            }
        }
        if !below.is_empty() {
            descend(child, depth + 1, &below, faults, bytes);
        }
    }
}

/// Turns bytes, asked for in their order, into positions.
struct Positions<'t> {
    text: &'t str,
    done: usize,
    at: Position,
}

impl<'t> Positions<'t> {
    fn new(text: &'t str) -> Positions<'t> {
        Positions { text, done: 0, at: Position { line: 1, column: 1 } }
    }

    /// Past the end is the end, and within a character is its start.
    fn of_byte(&mut self, byte: usize) -> Position {
        let mut end = byte.clamp(self.done, self.text.len());
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        self.at = self.at.after(&self.text[self.done..end]);
        self.done = end;
        self.at
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use optigov_calendar::Text;

    use super::*;
    use crate::fault::Code;

    /// A table of so many keys `k0`, `k1`, …, each of which holds a table of the key `x`; counts the children that are visited.
    #[derive(Clone, Copy)]
    struct Counting<'c> {
        keys: usize,
        start: usize,
        visits: &'c Cell<usize>,
    }

    impl Node for Counting<'_> {
        fn start(self) -> usize {
            self.start
        }

        fn each_child(self, visit: &mut dyn FnMut(Name<'_>, usize, Self)) {
            for index in 0..self.keys {
                self.visits.set(self.visits.get() + 1);
                let keys = if self.start == 0 { 1 } else { 0 };
                let name = if self.start == 0 { format!("k{index}") } else { "x".to_owned() };
                visit(Name::Key(&name), 1 + index, Counting { keys, start: 100_000 + index, ..self });
            }
        }
    }

    #[test]
    fn every_child_is_visited_once_however_many_faults_there_are() {
        let fault = |steps: &[String]| {
            let fault = Fault::new(Code::UnknownKey, Text::fixed("", ""), Text::fixed("", ""));
            fault.at(&steps.iter().map(|step| Step::Key(step.clone().into())).collect::<Vec<_>>())
        };
        let mut faults: Vec<Fault> =
            (0..200).flat_map(|n| [fault(&[format!("k{n}")]), fault(&[format!("k{n}"), "x".to_owned()])]).collect();
        let visits = Cell::new(0);
        locate(&" ".repeat(200_000), Counting { keys: 10_000, start: 0, visits: &visits }, &mut faults);
        assert_eq!(visits.get(), 10_000 + 200);
        assert_eq!((faults[0].column(), faults[398].column()), (Some(100_001), Some(100_200)));
    }

    #[test]
    fn positions_asked_for_in_order_are_those_from_the_start() {
        let text = "a = 1\nü = \"ß\"\r\n\n  x";
        let mut positions = Positions::new(text);
        for byte in (0..=text.len() + 2).flat_map(|byte| [byte, byte]) {
            assert_eq!(positions.of_byte(byte), Position::of_byte(text, byte), "{byte}");
        }
    }
}
