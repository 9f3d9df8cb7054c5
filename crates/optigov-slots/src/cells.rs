use crate::index::{index, number};
use crate::time::{Seconds, UtcSecond};

/// How instants and bits belong together: bit `i` is the instant `base + i * cell`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cells {
    base: UtcSecond,
    cell: u32,
    /// `2^64 / cell`, rounded up: a product in place of a division, exact for all dividends below 2^32.
    inverse: u64,
    count: u32,
}

impl Cells {
    /// Cells from `base` to the first that is not before `end`, if they are few enough to be told apart by 32 bits.
    pub(crate) fn new(base: UtcSecond, end: UtcSecond, cell: u32) -> Option<Cells> {
        let span = u32::try_from((end - base).count()).ok()?;
        span.checked_add(cell.checked_mul(2)?)?;
        // A cell of one second has no inverse below 2^64.
        (cell > 1).then(|| Cells { base, cell, inverse: u64::MAX / u64::from(cell) + 1, count: span.div_ceil(cell) })
    }

    /// The instant of bit 0.
    pub(crate) fn base(self) -> UtcSecond {
        self.base
    }

    /// The time from one bit's instant to the next one's.
    pub(crate) fn cell(self) -> Seconds {
        Seconds::from(self.cell)
    }

    /// How many cells there are.
    pub(crate) fn count(self) -> usize {
        index(self.count)
    }

    /// The instant of a bit.
    pub(crate) fn instant(self, bit: usize) -> UtcSecond {
        self.base + self.cell() * number(bit)
    }

    /// The first bit whose instant is not before `instant`; the number of cells if there is none.
    #[inline]
    pub(crate) fn at_or_after(self, instant: UtcSecond) -> usize {
        self.bit(instant.saturating_since(self.base))
    }

    /// The first bit that is not before an offset from the base; the number of cells if there is none.
    #[inline]
    pub(crate) fn bit(self, offset: Seconds) -> usize {
        let end = i64::from(self.count) * i64::from(self.cell);
        let offset = offset.count().clamp(0, end).cast_unsigned() + u64::from(self.cell - 1);
        index((u128::from(self.inverse) * u128::from(offset)) >> 64)
    }

    /// The bits whose instants lie in `[start, end)`.
    #[inline]
    pub(crate) fn within(self, start: UtcSecond, end: UtcSecond) -> (usize, usize) {
        (self.at_or_after(start), self.at_or_after(end))
    }
}
