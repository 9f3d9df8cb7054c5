//! What a query found, as the kernel left it: runs of starts, or one bit for each possible start.

use crate::cells::Cells;
use crate::index::index;
use crate::time::{Seconds, UtcSecond};

/// Starts that follow each other by the rules' step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) first: UtcSecond,
    pub(crate) count: i64,
}

/// The bookable starts of one query, in one of two forms.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answer {
    pub(crate) form: Form,
    pub(crate) runs: Vec<Run>,
    pub(crate) bits: Vec<u64>,
}

/// Which of the two forms an [`Answer`] has.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) enum Form {
    #[default]
    Empty,
    /// The runs, in order, all with the same step.
    Runs { step: Seconds },
    /// The bits, each of which stands for an instant.
    Bits(Cells),
}

impl Answer {
    pub(crate) fn clear(&mut self) {
        self.form = Form::Empty;
        self.runs.clear();
        self.bits.clear();
    }

    pub(crate) fn len(&self) -> usize {
        match self.form {
            Form::Empty => 0,
            Form::Runs { .. } => self.runs.iter().map(|run| index(run.count)).sum(),
            Form::Bits(_) => self.bits.iter().map(|&word| ones(word)).sum(),
        }
    }

    /// All starts that are not before `bound`.
    pub(crate) fn starts_from(&self, bound: UtcSecond) -> Starts<'_> {
        match self.form {
            Form::Empty => Starts { form: StartsForm::Runs { step: Seconds::ONE, runs: &[], index: 0 } },
            Form::Runs { step } => {
                let skipped = self.runs.partition_point(|run| run.first + step * (run.count - 1) < bound);
                let runs = &self.runs[skipped..];
                let index = runs.first().map_or(0, |run| {
                    bound.saturating_since(run.first).saturating_add(step - Seconds::ONE).or_none() / step
                });
                Starts { form: StartsForm::Runs { step, runs, index } }
            }
            Form::Bits(cells) => {
                let bit = cells.at_or_after(bound);
                let (first, rest) = match self.bits.get(bit / 64..) {
                    Some([first, rest @ ..]) => (first & (u64::MAX << (bit % 64)), rest),
                    _ => (0, [].as_slice()),
                };
                let base = cells.instant(bit / 64 * 64);
                Starts { form: StartsForm::Bits { cell: cells.cell(), base, word: first, words: rest } }
            }
        }
    }

    /// The last start before `bound`.
    pub(crate) fn last_before(&self, bound: UtcSecond) -> Option<UtcSecond> {
        match self.form {
            Form::Empty => None,
            Form::Runs { step } => {
                let run = self.runs[..self.runs.partition_point(|run| run.first < bound)].last()?;
                let last = (bound.saturating_since(run.first) - Seconds::ONE) / step;
                Some(run.first + step * last.min(run.count - 1))
            }
            Form::Bits(cells) => {
                let bit = cells.at_or_after(bound);
                let partial = self.bits.get(bit / 64).map_or(0, |word| word & !(u64::MAX << (bit % 64)));
                let (word, bits) = match partial {
                    0 => self.bits.iter().copied().enumerate().take(bit / 64).rfind(|(_, bits)| *bits != 0)?,
                    _ => (bit / 64, partial),
                };
                Some(cells.instant(word * 64 + index(bits.ilog2())))
            }
        }
    }

    /// How many starts lie from each edge to the next. Edges are in order.
    pub(crate) fn counts<'a>(&'a self, edges: &'a [UtcSecond]) -> impl Iterator<Item = usize> + 'a {
        let mut runs = self.runs.as_slice();
        let bit = |instant| match self.form {
            Form::Bits(cells) => cells.at_or_after(instant),
            _ => 0,
        };
        let mut from = edges.first().map_or(0, |&edge| bit(edge));
        edges.windows(2).map(move |edges| match self.form {
            Form::Empty => 0,
            Form::Runs { step } => {
                let mut count = 0;
                while let [run, rest @ ..] = runs
                    && run.first < edges[1]
                {
                    let before = |instant: UtcSecond| {
                        let offset = instant - run.first + step - Seconds::ONE;
                        (offset.or_none() / step).min(run.count)
                    };
                    count += before(edges[1]) - before(edges[0]);
                    if before(edges[1]) < run.count {
                        break;
                    }
                    runs = rest;
                }
                index(count)
            }
            Form::Bits(_) => {
                let until = bit(edges[1]);
                let count = count_bits(&self.bits, from, until);
                from = until;
                count
            }
        })
    }
}

/// Starts in time order.
#[derive(Debug, Clone)]
pub(crate) struct Starts<'a> {
    form: StartsForm<'a>,
}

#[derive(Debug, Clone)]
enum StartsForm<'a> {
    Runs { step: Seconds, runs: &'a [Run], index: i64 },
    Bits { cell: Seconds, base: UtcSecond, word: u64, words: &'a [u64] },
}

impl Iterator for Starts<'_> {
    type Item = UtcSecond;

    #[inline]
    fn next(&mut self) -> Option<UtcSecond> {
        match &mut self.form {
            StartsForm::Bits { cell, base, word, words } => {
                while *word == 0 {
                    let [next, rest @ ..] = *words else { return None };
                    (*word, *words) = (*next, rest);
                    *base += *cell * 64;
                }
                let bit = word.trailing_zeros();
                *word &= *word - 1;
                Some(*base + *cell * i64::from(bit))
            }
            StartsForm::Runs { step, runs, index } => {
                let run = runs.first()?;
                let start = run.first + *step * *index;
                *index += 1;
                if *index >= run.count {
                    (*index, *runs) = (0, &runs[1..]);
                }
                Some(start)
            }
        }
    }

    /// Goes through each form in a loop of its own, which asks once what form it is.
    #[inline]
    fn fold<B, F: FnMut(B, UtcSecond) -> B>(self, init: B, mut f: F) -> B {
        let mut all = init;
        match self.form {
            StartsForm::Bits { cell, mut base, mut word, words } => {
                let mut words = words.iter();
                loop {
                    while word != 0 {
                        all = f(all, base + cell * i64::from(word.trailing_zeros()));
                        word &= word - 1;
                    }
                    let Some(next) = words.next() else { return all };
                    word = *next;
                    base += cell * 64;
                }
            }
            StartsForm::Runs { step, runs, index } => {
                let mut skipped = index;
                for run in runs {
                    for index in skipped..run.count {
                        all = f(all, run.first + step * index);
                    }
                    skipped = 0;
                }
                all
            }
        }
    }
}

fn count_bits(bits: &[u64], from: usize, until: usize) -> usize {
    if from >= until {
        return 0;
    }
    let (first, last) = (from / 64, (until - 1) / 64);
    let head = u64::MAX << (from % 64);
    let tail = u64::MAX >> (63 - (until - 1) % 64);
    match bits.get(first..=last) {
        Some([only]) => ones(only & head & tail),
        Some([first, between @ .., last]) => {
            ones(first & head) + ones(last & tail) + between.iter().map(|&word| ones(word)).sum::<usize>()
        }
        _ => 0,
    }
}

fn ones(word: u64) -> usize {
    index(word.count_ones())
}
