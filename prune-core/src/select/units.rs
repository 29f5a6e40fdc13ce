//! One ranking of units.

use crate::density::Density;
use crate::error::{Error, ErrorKind};
use crate::key::RankBy;
use crate::layout::checked_len;
use crate::mask::Mask;
use crate::select::{Ranked, Selected, Selector};
use crate::tensor::LayerRef;
use crate::unit::Unit;

impl Selector {
    /// Keeps the best `density` of the units of one layer (rule 1 over units), and of each kept unit all alive
    /// elements.
    ///
    /// [`Selected::ties`] counts units. The units kept are [`Unit::alive`] of the mask.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::TooFewUnits`]; all errors of [`Unit::scores`].
    ///
    /// # Complexity
    ///
    /// Linear in the number of elements.
    ///
    /// # Examples
    ///
    /// ```
    /// use prune_core::{Blocks, Density, LayerRef, PlainTensor, Pool, Ranked, Selector, Unit};
    ///
    /// let weights = PlainTensor::from_logical(&[2, 5], vec![1.0f32, 0.0, 3.0, 2.0, 0.1, 1.0, 0.0, 0.0, 2.0, 2.0])?;
    /// let weights = LayerRef::of(&weights);
    /// // 2 x 2 blocks; the last is 2 x 1. Means of magnitudes 0.5, 1.75 and 1.05.
    /// let blocks = Unit::from(Blocks::new(&[2, 2], &[], Pool::Mean)?);
    /// let selected = Selector::default().units(Ranked::new("fc", &weights), &blocks, Density::new(0.6)?)?;
    /// assert_eq!(selected.mask.kept_indices().collect::<Vec<_>>(), [2, 3, 4, 7, 8, 9]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn units<'a>(&self, layer: impl Into<Ranked<'a>>, unit: &Unit, density: Density) -> Result<Selected, Error> {
        let layer = &layer.into();
        layer.check()?;
        self.best_units(layer, unit, density).map_err(|error| error.in_layer(layer.name))
    }

    fn best_units(&self, layer: &Ranked<'_>, unit: &Unit, density: Density) -> Result<Selected, Error> {
        let shape = layer.scores.shape();
        let kept = density.kept_of(checked_len(&unit.grid(shape)?)?);
        let alive = layer.alive.map(|alive| unit.alive(alive)).transpose()?;
        if let Some(alive) = alive.as_ref().map(Mask::kept_len).filter(|&alive| kept > alive) {
            return Err(ErrorKind::TooFewUnits { asked: kept, alive }.into());
        }
        let scores = unit.scores_on(layer.scores, self.rank_by, layer.alive, self.threads)?;
        let scores = LayerRef::of(&scores);
        let ranked = Ranked { name: layer.name, scores: &scores, alive: alive.as_ref() };
        let selected = self.with_rank_by(RankBy::Value).top_of_layer(ranked, kept)?;
        let mut mask = unit.spread(&selected.mask, shape)?;
        if let Some(alive) = layer.alive {
            mask.intersect_in_place(alive)?;
        }
        Ok(Selected { mask, ..selected })
    }
}
