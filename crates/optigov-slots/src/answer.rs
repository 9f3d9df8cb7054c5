//! What a query found, as the kernel left it: runs of starts, or one bit for each possible start.

/// Starts that follow each other by the rules' step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) first: i64,
    pub(crate) count: i64,
}

/// The bookable starts of one query, in one of two forms.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answer {
    pub(crate) form: Form,
    pub(crate) runs: Vec<Run>,
    pub(crate) bits: Vec<u64>,
}

#[derive(Debug, Clone, Copy, Default)]
pub(crate) enum Form {
    #[default]
    Empty,
    /// The runs, in order, all with the same step.
    Runs { step: i64 },
    /// The bits.
    Bits(Cells),
}

/// How instants and bits belong together: bit `i` is the instant `base + i * cell`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cells {
    pub(crate) base: i64,
    cell: u32,
    /// `2^64 / cell`, rounded up: a product in place of a division, exact for all dividends below 2^32.
    inverse: u64,
    /// How many there are.
    pub(crate) count: u32,
}

impl Cells {
    /// Cells from `base` to the first that is not before `end`, if they are few enough to be told apart by 32 bits.
    pub(crate) fn new(base: i64, end: i64, cell: u32) -> Option<Cells> {
        let span = u32::try_from(end - base).ok()?;
        span.checked_add(cell.checked_mul(2)?)?;
        // A cell of one second has no inverse below 2^64.
        (cell > 1).then(|| Cells { base, cell, inverse: u64::MAX / u64::from(cell) + 1, count: span.div_ceil(cell) })
    }

    pub(crate) fn cell(self) -> i64 {
        i64::from(self.cell)
    }

    /// The first bit whose instant is not before `second`; `count` if there is none.
    #[inline]
    pub(crate) fn at_or_after(self, second: i64) -> usize {
        self.bit(second.saturating_sub(self.base))
    }

    /// The first bit that is not before an offset in seconds from the base; `count` if there is none.
    #[inline]
    pub(crate) fn bit(self, offset: i64) -> usize {
        let end = i64::from(self.count) * self.cell();
        let offset = offset.clamp(0, end) as u64 + u64::from(self.cell - 1);
        ((u128::from(self.inverse) * u128::from(offset)) >> 64) as usize
    }

    /// The bits whose instants lie in `[start, end)`.
    #[inline]
    pub(crate) fn within(self, start: i64, end: i64) -> (usize, usize) {
        (self.at_or_after(start), self.at_or_after(end))
    }
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
            Form::Runs { .. } => self.runs.iter().map(|run| run.count as usize).sum(),
            Form::Bits(_) => self.bits.iter().map(|word| word.count_ones() as usize).sum(),
        }
    }

    /// All starts that are not before `second`.
    pub(crate) fn starts_from(&self, second: i64) -> Starts<'_> {
        match self.form {
            Form::Empty => Starts { form: StartsForm::Runs { step: 1, runs: &[], index: 0 } },
            Form::Runs { step } => {
                let skipped = self.runs.partition_point(|run| run.first + (run.count - 1) * step < second);
                let runs = &self.runs[skipped..];
                let index = runs
                    .first()
                    .map_or(0, |run| (second.saturating_sub(run.first).saturating_add(step - 1)).max(0) / step);
                Starts { form: StartsForm::Runs { step, runs, index } }
            }
            Form::Bits(cells) => {
                let bit = cells.at_or_after(second);
                let (first, rest) = match self.bits.get(bit / 64..) {
                    Some([first, rest @ ..]) => (first & (u64::MAX << (bit % 64)), rest),
                    _ => (0, [].as_slice()),
                };
                let base = cells.base + (bit / 64 * 64) as i64 * cells.cell();
                Starts { form: StartsForm::Bits { cell: cells.cell(), base, word: first, words: rest } }
            }
        }
    }

    /// How many starts lie from each edge to the next. Edges are in order.
    pub(crate) fn counts<'a>(&'a self, edges: &'a [i64]) -> impl Iterator<Item = usize> + 'a {
        let mut runs = self.runs.as_slice();
        let bit = |second| match self.form {
            Form::Bits(cells) => cells.at_or_after(second),
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
                    let before = |second: i64| ((second - run.first + step - 1).max(0) / step).min(run.count);
                    count += before(edges[1]) - before(edges[0]);
                    if before(edges[1]) < run.count {
                        break;
                    }
                    runs = rest;
                }
                count as usize
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
    Runs { step: i64, runs: &'a [Run], index: i64 },
    Bits { cell: i64, base: i64, word: u64, words: &'a [u64] },
}

impl Iterator for Starts<'_> {
    type Item = i64;

    #[inline]
    fn next(&mut self) -> Option<i64> {
        match &mut self.form {
            StartsForm::Bits { cell, base, word, words } => {
                while *word == 0 {
                    let [next, rest @ ..] = *words else { return None };
                    (*word, *words) = (*next, rest);
                    *base += 64 * *cell;
                }
                let bit = word.trailing_zeros();
                *word &= *word - 1;
                Some(*base + i64::from(bit) * *cell)
            }
            StartsForm::Runs { step, runs, index } => {
                let run = runs.first()?;
                let start = run.first + *index * *step;
                *index += 1;
                if *index >= run.count {
                    (*index, *runs) = (0, &runs[1..]);
                }
                Some(start)
            }
        }
    }

    /// Each form in a loop of its own.
    #[inline]
    fn fold<B, F: FnMut(B, i64) -> B>(self, init: B, mut f: F) -> B {
        let mut all = init;
        match self.form {
            StartsForm::Bits { cell, mut base, mut word, words } => {
                let mut words = words.iter();
                loop {
                    while word != 0 {
                        all = f(all, base + i64::from(word.trailing_zeros()) * cell);
                        word &= word - 1;
                    }
                    let Some(next) = words.next() else { return all };
                    word = *next;
                    base += 64 * cell;
                }
            }
            StartsForm::Runs { step, runs, index } => {
                let mut skipped = index;
                for run in runs {
                    for index in skipped..run.count {
                        all = f(all, run.first + index * step);
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
    let ones = |word: u64| word.count_ones() as usize;
    match bits.get(first..=last) {
        Some([only]) => ones(only & head & tail),
        Some([first, between @ .., last]) => {
            ones(first & head) + ones(last & tail) + between.iter().map(|&word| ones(word)).sum::<usize>()
        }
        _ => 0,
    }
}
