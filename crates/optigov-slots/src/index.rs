//! Conversions from and to indices, which memory limits and numbers do not.

/// A number as an index or a length. One that no memory holds is the greatest index, which is past the end of everything.
#[inline]
pub(crate) fn index(number: impl TryInto<usize>) -> usize {
    number.try_into().unwrap_or(usize::MAX)
}

/// An index or a length as a number to calculate with.
#[inline]
pub(crate) fn number(index: usize) -> i64 {
    i64::try_from(index).unwrap_or(i64::MAX)
}
