//! Positions for a sample.

use crate::hash::hash;

/// The number of neighbours that are sampled together: a cache line of f32. One element alone costs as much as all of
/// these, since the way to memory takes the time.
pub(crate) const RUN: usize = 16;

/// `count` positions below `len`, ascending: one in each of `count` equal stretches, at a place in it that a hash
/// chooses. Sorted values are sampled evenly, and no period in the values can coincide with the positions.
///
/// The same numbers always give the same positions, though masks do not depend on them.
pub(crate) fn positions(count: usize, len: usize) -> impl Iterator<Item = usize> {
    (0..count).map(move |i| position(i, count, len))
}

/// The `i`-th of the [`positions`].
#[inline]
pub(crate) fn position(i: usize, count: usize, len: usize) -> usize {
    // i * len / count, in parts that cannot overflow while `count` is below 2^32.
    let stretch = |i: usize| i * (len / count) + i * (len % count) / count;
    let (start, end) = (stretch(i), stretch(i + 1));
    let reach = (end - start).max(1) as u128;
    start + ((u128::from(hash(i as u64)) * reach) >> 64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_spread_and_inside() {
        for (count, len) in [(1, 1), (7, 7), (10, 1000), (1000, 1_000_003), (3, usize::MAX)] {
            let drawn: Vec<usize> = positions(count, len).collect();
            assert_eq!(drawn.len(), count);
            assert!(drawn.windows(2).all(|pair| pair[0] < pair[1]), "{count} of {len}");
            assert!(drawn.iter().all(|&position| position < len));
        }
    }
}
