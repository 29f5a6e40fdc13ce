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
        let alive: Vec<(&str, usize)> = layers.iter().map(|layer| (layer.name, layer.alive_len())).collect();
        let bounds = reachable(&alive, kept, bounds)?;
        let mut selected: Vec<Option<Selected>> = layers.iter().map(|_| None).collect();
        within_bounds(kept, &bounds, |open, left| {
            let ranked: Vec<Ranked<'_>> = open.iter().map(|&i| layers[i]).collect();
            let found = self.top(&ranked, left)?;
            let counts = found.iter().map(|selected| selected.mask.kept_len()).collect();
            // A layer that is ranked again is decided by the later ranking.
            open.iter().zip(found).for_each(|(&i, found)| selected[i] = Some(found));
            Ok::<_, Error>(counts)
        })?;
        Ok(selected.into_iter().flatten().collect())
    }
}

/// Decides how many each layer keeps of `kept` in one ranking within bounds that [`reachable`] has found to be met, by
/// ranking again and again: `rank` selects so many of these layers together and says how many of each that were. The last
/// ranking of a layer is the one that holds.
///
/// # Errors
///
/// Those of `rank`.
pub fn within_bounds<E>(
    kept: usize,
    bounds: &[Bound],
    mut rank: impl FnMut(&[usize], usize) -> Result<Vec<usize>, E>,
) -> Result<(), E> {
    // Ranked as if there were no bounds, layers come out below their minima or above their maxima. If all these were put
    // right, too much would be kept in all or too little. In the first case the cut lies higher than the ranking had it, so
    // that whatever is below its minimum stays there: these layers are decided. Else those above their maxima are.
    let mut open: Vec<usize> = (0..bounds.len()).collect();
    let mut left = kept;
    while !open.is_empty() {
        let counts = rank(&open, left)?;
        let of_open = || open.iter().zip(&counts).map(|(&i, &count)| (i, bounds[i], count));
        let lacking: usize = of_open().map(|(_, bound, count)| bound.min.saturating_sub(count)).sum();
        let excess: usize = of_open().map(|(_, bound, count)| count.saturating_sub(bound.max)).sum();
        if lacking == 0 && excess == 0 {
            break;
        }
        let fixed_at = |(i, bound, count): (usize, Bound, usize)| match () {
            () if count < bound.min && lacking >= excess => (i, Some(bound.min)),
            () if count > bound.max && excess >= lacking => (i, Some(bound.max)),
            () => (i, None),
        };
        let decided: Vec<(usize, Option<usize>)> = of_open().map(fixed_at).collect();
        for (i, fixed) in decided.iter().filter_map(|&(i, fixed)| Some((i, fixed?))) {
            rank(&[i], fixed)?;
            left -= fixed;
        }
        open = decided.iter().filter(|(_, fixed)| fixed.is_none()).map(|&(i, _)| i).collect();
    }
    Ok(())
}

/// The bounds of layers by their names and how much is alive in them, no maximum more than that; refuses bounds that cannot
/// be met.
///
/// # Errors
///
/// As [`Selector::top_within`], of counts.
pub fn reachable(layers: &[(&str, usize)], kept: usize, bounds: &[Bound]) -> Result<Vec<Bound>, Error> {
    if bounds.len() != layers.len() {
        return Err(ErrorKind::BoundCount { layers: layers.len(), bounds: bounds.len() }.into());
    }
    // What a layout claims may be false, which is found out later: it must not overflow here.
    let (mut least, mut most, mut all) = (0usize, 0usize, 0usize);
    let mut reachable = Vec::with_capacity(bounds.len());
    for (&(name, alive), &Bound { min, max }) in layers.iter().zip(bounds) {
        if min > max {
            return Err(ErrorKind::BoundsCross { min, max }.in_layer(name));
        }
        if min > alive {
            return Err(ErrorKind::TooFewAlive { asked: min, alive }.in_layer(name));
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
