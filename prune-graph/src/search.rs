//! The search for the largest choice whose cost is at most a fraction of the whole.

use prune_core::Density;

use crate::choice::{Choice, RankedFamilies};
use crate::classes::{Classes, Family};
use crate::error::GraphError;
use crate::removal::Removal;

impl Choice {
    /// The largest choice whose cost is at most `fraction` of the cost of removing nothing. It uses the method, the
    /// least density and the multiple of `self`, but not its density. `cost` counts what stays, and must not fall when
    /// more stays. `what` names the cost in errors.
    ///
    /// The density is searched first. If one density changes the counts of several families at once, these then grow
    /// one by one, in order, as long as the cost allows. In the end no family could keep one step more.
    ///
    /// # Errors
    ///
    /// [`GraphError::OutOfReach`] if the smallest choice costs more.
    ///
    /// # Complexity
    ///
    /// At most 60 calls of `cost`, and one for each family.
    pub fn keep_at_most(
        &self,
        classes: &Classes,
        scores: &[f64],
        selected: impl Fn(&Family) -> bool,
        (what, fraction): (&'static str, Density),
        mut cost: impl FnMut(&Removal) -> u128,
    ) -> Result<Removal, GraphError> {
        let all = cost(&Removal::none(classes));
        let most = all as f64 * fraction.get();
        let ranked = RankedFamilies::new(classes, scores, selected);
        let counts = |density: f64| -> Vec<usize> {
            let density = Density::new(density).unwrap_or(Density::ONE);
            Choice { density, ..*self }.counts(&ranked)
        };
        let mut fits = |counts: &[usize]| cost(&ranked.lowest_gone(counts)) as f64 <= most;

        let mut high = counts(1.0);
        if fits(&high) {
            return Ok(ranked.lowest_gone(&high));
        }
        let mut low = counts(f64::MIN_POSITIVE);
        if !fits(&low) {
            let least = cost(&ranked.lowest_gone(&low)) as f64 / all as f64;
            return Err(GraphError::OutOfReach { what, asked: fraction.get(), least });
        }
        let (mut below, mut above) = (0.0, 1.0);
        for _ in 0..56 {
            let middle = (below + above) / 2.0;
            let tried = counts(middle);
            if tried == low {
                below = middle;
            } else if tried == high {
                above = middle;
            } else if fits(&tried) {
                (below, low) = (middle, tried);
            } else {
                (above, high) = (middle, tried);
            }
        }
        for family in 0..low.len() {
            let mut more = low.clone();
            more[family] = high[family].max(low[family]);
            if more != low && fits(&more) {
                low = more;
            }
        }
        Ok(ranked.lowest_gone(&low))
    }
}
