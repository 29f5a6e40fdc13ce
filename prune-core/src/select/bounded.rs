//! One ranking over layers, each with a minimum and a maximum kept count.

use crate::density::Density;
use crate::error::{Error, ErrorKind};
use crate::select::{Ranked, Selected, Selector};
use crate::tensor::distinct;

/// The least and the most elements of a layer that may be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Bound {
    /// The least.
    pub min: usize,
    /// The most; a number above the layer's size means everything.
    pub max: usize,
}

impl Default for Bound {
    /// Any number of elements, from none to all.
    fn default() -> Self {
        Bound { min: 0, max: usize::MAX }
    }
}

impl Bound {
    /// The counts of a least and a most density of `elements` (rule 1); a density that is not given does not bind.
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
    /// Keeps exactly `kept` elements of all the layers together, each layer within its bound. The best `min` of each
    /// layer are kept. The rest is chosen in the one order of all elements (rule 2), passing over layers that have
    /// reached their `max`. This keeps a global ranking from emptying a layer.
    ///
    /// [`Selected::ties`] counts the ties of the ranking that decided the layer: a ranking of that layer alone if a
    /// bound decided, and otherwise the ranking of all layers that no bound decided.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::BoundCount`] unless there is a bound for each layer, [`ErrorKind::BoundsCross`],
    /// [`ErrorKind::TooFewAlive`] if a minimum is more than is alive in its layer, or `kept` is more than is alive in
    /// all; [`ErrorKind::BudgetTooSmall`] and [`ErrorKind::BudgetTooLarge`] if the bounds cannot meet `kept`;
    /// [`ErrorKind::Nan`], [`ErrorKind::DuplicateLayer`], [`ErrorKind::ShapeMismatch`] of a mask in force,
    /// [`ErrorKind::Layout`].
    ///
    /// # Complexity
    ///
    /// One linear selection over the layers, and one more for each round in which bounds decide at least one layer:
    /// there are at most as many rounds as layers.
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
            // A later ranking of the same layer replaces the earlier one.
            open.iter().zip(found).for_each(|(&i, found)| selected[i] = Some(found));
            Ok::<_, Error>(counts)
        })?;
        Ok(selected.into_iter().flatten().collect())
    }
}

/// Decides the kept count of each layer, `kept` in all, within bounds that [`reachable`] has checked, by ranking
/// again and again. `rank` selects the given number of elements from the given layers together and returns the count
/// of each layer. The last ranking of a layer counts.
///
/// # Errors
///
/// The errors of `rank`.
pub fn within_bounds<E>(
    kept: usize,
    bounds: &[Bound],
    mut rank: impl FnMut(&[usize], usize) -> Result<Vec<usize>, E>,
) -> Result<(), E> {
    // A ranking without bounds leaves some layers below their minima and some above their maxima. Moving all of them
    // to their bounds would keep too much in all, or too little. If too much, the true cut lies higher than that of
    // the ranking, so a layer below its minimum stays below it: these layers are decided. If too little, layers above
    // their maxima are.
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

/// The bounds of layers, given by name and number of alive elements; no maximum is left above the number alive.
/// Refuses bounds that cannot be met.
///
/// # Errors
///
/// As [`Selector::top_within`], for counts.
pub fn reachable(layers: &[(&str, usize)], kept: usize, bounds: &[Bound]) -> Result<Vec<Bound>, Error> {
    if bounds.len() != layers.len() {
        return Err(ErrorKind::BoundCount { layers: layers.len(), bounds: bounds.len() }.into());
    }
    // A layout may make a false claim, which is found out later: the sums must not overflow here.
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
