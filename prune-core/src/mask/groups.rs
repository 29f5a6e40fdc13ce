//! Compares a mask with an N:M pattern.

use super::Mask;
use crate::error::Error;
#[cfg(doc)]
use crate::error::ErrorKind;
use crate::layout::resolve_axis;
use crate::n_m::NmPattern;

/// The groups of a mask along an axis, counted against an N:M pattern: [`Mask::pattern_counts`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PatternCounts {
    /// Groups that keep exactly `min(N, r)` of their `r` elements (`r` is M, or less in the last group of a lane).
    pub exact: usize,
    /// Groups that keep fewer.
    pub short: usize,
    /// Groups that keep more.
    pub over: usize,
}

impl Mask {
    /// Counts the groups along `axis` that keep exactly as many as the pattern says, fewer, and more (rule 4).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::AxisOutOfRange`].
    ///
    /// # Complexity
    ///
    /// Linear in the number of elements.
    pub fn pattern_counts(&self, pattern: NmPattern, axis: isize) -> Result<PatternCounts, Error> {
        let axis = resolve_axis(axis, self.shape.len())?;
        let mut counts = PatternCounts::default();
        if self.len == 0 {
            return Ok(counts);
        }
        let lane = self.shape[axis];
        let inner: usize = self.shape[axis + 1..].iter().product();
        let outer = self.len / (lane * inner);
        let mut kept = vec![0usize; inner];
        for block in 0..outer {
            for start in (0..lane).step_by(pattern.m()) {
                let end = lane.min(start.saturating_add(pattern.m()));
                kept.fill(0);
                for row in start..end {
                    let first = (block * lane + row) * inner;
                    for (column, kept) in kept.iter_mut().enumerate() {
                        *kept += usize::from(self.is_kept(first + column));
                    }
                }
                let asked = pattern.n().min(end - start);
                for &kept in &kept {
                    match kept.cmp(&asked) {
                        core::cmp::Ordering::Less => counts.short += 1,
                        core::cmp::Ordering::Equal => counts.exact += 1,
                        core::cmp::Ordering::Greater => counts.over += 1,
                    }
                }
            }
        }
        Ok(counts)
    }
}
