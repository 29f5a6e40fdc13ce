//! Where the cuts of slices lie, from the slices so far. A layer's slices are alike, so the next cut is probably near.

use crate::kernel::compare::{Bracket, BracketCounts};

/// Standard deviations of a cut that a bracket reaches to either side: it misses about once in six times. A second pass
/// over elements in a cache costs less than more elements inside every bracket.
const DEVIATIONS: f64 = 1.4;

/// The number of slices of which the mean and the variance are remembered.
const REMEMBERED: f64 = 16.0;

/// The most by which a key differs from the `f64` nearest to it.
const ROUNDING: f64 = 1024.0;

/// The cuts of the slices so far, as wide keys.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cuts {
    count: f64,
    mean: f64,
    variance: f64,
    /// The difference between the keys of two elements next to each other in the ranking, near the cut.
    spacing: f64,
}

impl Cuts {
    /// Remembers a cut, and the spacing of the keys beside it.
    pub(super) fn after(before: Option<Self>, cut: f64, spacing: f64) -> Self {
        let Some(before) = before else { return Cuts { count: 1.0, mean: cut, variance: 0.0, spacing } };
        let count = (before.count + 1.0).min(REMEMBERED);
        let off = cut - before.mean;
        Cuts {
            count,
            mean: before.mean + off / count,
            variance: before.variance + (off * off * (1.0 - 1.0 / count) - before.variance) / count,
            spacing: before.spacing + (spacing - before.spacing) / count,
        }
    }

    /// The reach of a bracket to either side, for slices of `len` elements of which `share` are kept.
    pub(super) fn reach(&self, len: usize, share: f64) -> f64 {
        // Few cuts say little about their variance. Chance alone gives this much.
        let by_chance = self.spacing.powi(2) * len as f64 * share * (1.0 - share);
        let variance = by_chance.max(self.variance) * (1.0 + 1.0 / self.count);
        DEVIATIONS * variance.sqrt() + self.spacing + ROUNDING
    }

    /// The bracket for the next slice.
    pub(super) fn bracket(&self, reach: f64) -> Bracket {
        Bracket { sure: ((self.mean + reach) as u64).saturating_add(1), inside: (self.mean - reach) as u64 }
    }

    /// A bracket beside one that missed the cut which keeps `asked` elements. The counts say how far it missed.
    pub(super) fn bracket_beside(&self, missed: Bracket, seen: &BracketCounts, asked: usize, reach: f64) -> Bracket {
        if asked <= seen.sure {
            let far = (seen.sure - asked) as f64 * self.spacing + reach;
            Bracket { sure: missed.sure.saturating_add(far as u64), inside: missed.sure }
        } else {
            let far = asked.saturating_sub(seen.sure + seen.inside) as f64 * self.spacing + reach;
            Bracket { sure: missed.inside, inside: missed.inside.saturating_sub(far as u64) }
        }
    }
}
