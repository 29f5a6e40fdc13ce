//! One ranking over layers, each of which keeps no fewer and no more than it is told to.

use crate::density::Density;
use crate::error::{Error, ErrorKind};
use crate::select::{Ranked, Selected, Selector};
use crate::tensor::distinct;

/// How few and how many elements of a layer may be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Bound {
    /// The least.
    pub min: usize,
    /// The most; what is more than there is means everything.
    pub max: usize,
}

impl Default for Bound {
    /// Anything between nothing and everything.
    fn default() -> Self {
        Bound { min: 0, max: usize::MAX }
    }
}

impl Bound {
    /// The counts of a least and a most density of so many elements (rule 1); what is not given does not bind.
    ///
    /// # Examples
    ///
    /// ```
    /// use prune_core::{Bound, Density};
    ///
    /// let tenth = Density::new(0.1)?;
    /// assert_eq!(Bound::between(300, Some(tenth), None), Bound { min: 30, max: usize::MAX });
    /// # Ok::<(), prune_core::DensityError>(())
    /// ```
    pub fn between(elements: usize, min: Option<Density>, max: Option<Density>) -> Self {
        let any = Bound::default();
        let count = |density: Option<Density>, without| density.map_or(without, |density| density.kept_of(elements));
        Bound { min: count(min, any.min), max: count(max, any.max) }
    }
}

impl Selector {
    /// Keeps exactly `kept` elements of all the layers together, each layer within its bound: the best `min` of each are
    /// in, and the rest is chosen in the one order of all elements (rule 2), passing over layers that have their `max`.
    /// This keeps a global ranking from emptying a layer.
    ///
    /// [`Selected::ties`] are those of the ranking that decided about the layer: a ranking of its own where a bound did,
    /// and that of all the other layers where none did.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::BoundCount`] unless there is a bound for each layer, [`ErrorKind::BoundsCross`], [`ErrorKind::TooFewAlive`] where a
    /// minimum is more than is alive in its layer, or `kept` more than in all; [`ErrorKind::BudgetTooSmall`] and
    /// [`ErrorKind::BudgetTooLarge`] where the bounds cannot meet `kept`; [`ErrorKind::Nan`], [`ErrorKind::DuplicateLayer`],
    /// [`ErrorKind::ShapeMismatch`] of a mask in force, [`ErrorKind::Layout`].
    ///
    /// # Complexity
    ///
    /// A linear selection over the layers, and one more for each round in which bounds decide about at least one layer:
    /// at most as many as there are layers.
    ///
    /// # Examples
    ///
    /// ```
    /// use prune_core::{Bound, LayerRef, PlainTensor, Ranked, Selector};
    ///
    /// let large = PlainTensor::from_logical(&[4], vec![9.0f32, 8.0, 7.0, 6.0])?;
    /// let small = PlainTensor::from_logical(&[4], vec![0.1f32, 0.4, 0.3, 0.2])?;
    /// let (large, small) = (LayerRef::of(&large), LayerRef::of(&small));
    /// let layers = [Ranked::new("large", &large), Ranked::new("small", &small)];
    /// let bounds = [Bound::default(), Bound { min: 1, max: 2 }];
    /// let selected = Selector::default().top_within(&layers, 4, &bounds)?;
    /// assert_eq!(selected[0].mask.kept_indices().collect::<Vec<_>>(), [0, 1, 2]);
    /// assert_eq!(selected[1].mask.kept_indices().collect::<Vec<_>>(), [1]);
    /// # Ok::<(), prune_core::Error>(())
    /// ```
    pub fn top_within(&self, layers: &[Ranked<'_>], kept: usize, bounds: &[Bound]) -> Result<Vec<Selected>, Error> {
        layers.iter().try_for_each(Ranked::check)?;
        distinct(layers.iter().map(|layer| layer.name))?;
        let bounds = reachable(layers, kept, bounds)?;

        // Ranked as if there were no bounds, layers come out below their minima or above their maxima. If all these were
        // put right, too much would be kept in all or too little. In the first case the cut lies higher than the ranking
        // had it, so that whatever is below its minimum stays there: these layers are decided. Else those above their
        // maxima are.
        let mut decided: Vec<Option<Selected>> = layers.iter().map(|_| None).collect();
        let mut open: Vec<usize> = (0..layers.len()).collect();
        let mut left = kept;
        while !open.is_empty() {
            let ranked: Vec<Ranked<'_>> = open.iter().map(|&i| layers[i]).collect();
            let selected = self.top(&ranked, left)?;
            let counts: Vec<usize> = selected.iter().map(|selected| selected.mask.kept_len()).collect();
            let of_open = || open.iter().zip(&counts).map(|(&i, &count)| (i, bounds[i], count));
            let lacking: usize = of_open().map(|(_, bound, count)| bound.min.saturating_sub(count)).sum();
            let excess: usize = of_open().map(|(_, bound, count)| count.saturating_sub(bound.max)).sum();
            if lacking == 0 && excess == 0 {
                for (&i, selected) in open.iter().zip(selected) {
                    decided[i] = Some(selected);
                }
                break;
            }
            for (i, bound, count) in of_open() {
                let fixed = if count < bound.min && lacking >= excess {
                    bound.min
                } else if count > bound.max && excess >= lacking {
                    bound.max
                } else {
                    continue;
                };
                decided[i] = Some(self.top_of_layer(layers[i], fixed)?);
                left -= fixed;
            }
            open.retain(|&i| decided[i].is_none());
        }
        Ok(decided.into_iter().flatten().collect())
    }
}

/// The bounds, no maximum more than is alive; refuses those that cannot be met.
fn reachable(layers: &[Ranked<'_>], kept: usize, bounds: &[Bound]) -> Result<Vec<Bound>, Error> {
    if bounds.len() != layers.len() {
        return Err(ErrorKind::BoundCount { layers: layers.len(), bounds: bounds.len() }.into());
    }
    // What a layout claims may be false, which is found out later: it must not overflow here.
    let (mut least, mut most, mut all) = (0usize, 0usize, 0usize);
    let mut reachable = Vec::with_capacity(bounds.len());
    for (layer, &Bound { min, max }) in layers.iter().zip(bounds) {
        let (name, alive) = (|| layer.name.to_owned(), layer.alive_len());
        if min > max {
            return Err(ErrorKind::BoundsCross { min, max }.in_layer(&name()));
        }
        if min > alive {
            return Err(ErrorKind::TooFewAlive { asked: min, alive }.in_layer(&name()));
        }
        let max = max.min(alive);
        least = least.saturating_add(min);
        most = most.saturating_add(max);
        all = all.saturating_add(alive);
        reachable.push(Bound { min, max });
    }
    if kept > all {
        return Err(ErrorKind::TooFewAlive { asked: kept, alive: all }.into());
    }
    if kept < least {
        return Err(ErrorKind::BudgetTooSmall { asked: kept, least }.into());
    }
    if kept > most {
        return Err(ErrorKind::BudgetTooLarge { asked: kept, most }.into());
    }
    Ok(reachable)
}

#[cfg(test)]
mod tests;
