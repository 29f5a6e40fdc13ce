//! Units: groups of elements that are pruned in one piece.

mod abreast;
mod blocks;
mod channels;
mod geometry;
mod open;
mod place;
mod reduce;
mod spread;
mod sum;
mod tally;
mod work;

pub use blocks::{Blocks, Pool};
pub use channels::{Channels, Norm};
pub use tally::UnitTally;

use crate::bits::set_run;
use crate::error::{Error, ErrorKind};
use crate::key::RankBy;
use crate::layout::checked_len;
use crate::mask::Mask;
use crate::tensor::{LayerRef, PlainTensor, for_any_type};
use crate::threads::Threads;
use crate::unit::geometry::Geometry;

/// A group of elements that is pruned in one piece: a block or a channel.
///
/// A tensor has a *grid* of units, itself a tensor. [`Unit::scores`] gives each unit one score; any selection ranks
/// those by value, as it ranks any scores; and [`Unit::spread`] turns the mask of units into a mask of elements.
/// [`Selector::units`](crate::Selector::units) does all of this for one layer.
///
/// # Counts are in units (rule 1)
///
/// A density is a share of the units, whatever the number of elements in each. A smaller block at the far edge of a
/// tensor counts as one unit like any other. A tensor without elements has no units.
///
/// # Scores
///
/// The elements of a unit are numbered in logical order and added up in `f64`: in blocks of 512; within a block those
/// of equal number modulo 8 one after the other; these eight sums in halves; and blocks in pairs. So a score is the
/// same to the bit on every layout, number of threads and instruction set. Dead elements count as 0, and are not
/// examined. NaN among the others is an error that names the element. Infinities keep their place in the order: an
/// infinity makes a mean or a norm infinite, and a mean by value that meets both infinities is `+inf`. No other unit
/// has an infinite score: sums are scaled if they would overflow (or if squares would vanish), and norms beyond
/// `f64::MAX` are `f64::MAX`.
///
/// # Examples
///
/// Two blocks in one ranking with the channels of another layer:
///
/// ```
/// use prune_core::{Blocks, Channels, LayerRef, Norm, PlainTensor, Pool, Ranked, RankBy, Selector, Unit};
///
/// let a = PlainTensor::from_logical(&[2, 4], vec![1.0f32, -1.0, 0.0, 0.5, 1.0, 2.0, 0.0, 0.5])?;
/// let b = PlainTensor::from_logical(&[2, 2], vec![3.0f32, 0.1, -4.0, 0.2])?;
/// let (a, b) = (LayerRef::of(&a), LayerRef::of(&b));
/// let blocks = Unit::from(Blocks::new(&[2, 2], &[], Pool::Mean)?);
/// let channels = Unit::from(Channels::new(1, Norm::L2));
///
/// let of_a = blocks.scores(&a, RankBy::Magnitude, None)?;
/// let of_b = channels.scores(&b, RankBy::Magnitude, None)?;
/// assert_eq!((of_a.values(), of_b.values()[0]), (&[1.25, 0.25][..], 5.0));
/// let (of_a, of_b) = (LayerRef::of(&of_a), LayerRef::of(&of_b));
/// let kept = Selector::value().top(&[Ranked::new("a", &of_a), Ranked::new("b", &of_b)], 2)?;
/// let mask = blocks.spread(&kept[0].mask, a.shape())?;
/// assert_eq!(mask.kept_indices().collect::<Vec<_>>(), [0, 1, 4, 5]);
/// let mask = channels.spread(&kept[1].mask, b.shape())?;
/// assert_eq!(mask.kept_indices().collect::<Vec<_>>(), [0, 2]);
/// # Ok::<(), prune_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Unit {
    /// Boxes of neighbouring elements.
    Blocks(Blocks),
    /// Everything at one index of an axis.
    Channels(Channels),
}

impl From<Blocks> for Unit {
    fn from(blocks: Blocks) -> Self {
        Unit::Blocks(blocks)
    }
}

impl From<Channels> for Unit {
    fn from(channels: Channels) -> Self {
        Unit::Channels(channels)
    }
}

impl Unit {
    /// The shape of the tensor of units. For blocks: the length of each axis in blocks, which is that of the tensor
    /// if an axis is not cut. For channels: the length of their axis, or 0 if the tensor has no elements.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::AxisOutOfRange`], [`ErrorKind::BlockRank`], [`ErrorKind::Blocks`] if two axes are the same one,
    /// [`ErrorKind::ShapeOverflow`].
    pub fn grid(&self, shape: &[usize]) -> Result<Vec<usize>, Error> {
        Ok(self.grid_of(&self.geometry(shape)?))
    }

    /// A score for each unit, in logical order. `by` decides if a block pools magnitudes, or values as they are. A
    /// norm uses magnitudes either way.
    ///
    /// # Errors
    ///
    /// As [`Unit::grid`]; [`ErrorKind::Nan`] with the index of the first element alive that is NaN, [`ErrorKind::ShapeMismatch`]
    /// of the mask in force, [`ErrorKind::Layout`].
    ///
    /// # Complexity
    ///
    /// Linear in the number of elements. One pass, and a second over units that have infinities or extreme elements:
    /// elements so large that sums leave the range of `f64`, or so large or small that squares do. Finite elements
    /// can be so extreme only in `f64`. Memory is 8 bytes a unit, and about forty more for every unit of more than
    /// 512 elements and every 512th element.
    pub fn scores(&self, scores: &LayerRef<'_>, by: RankBy, alive: Option<&Mask>) -> Result<PlainTensor<f64>, Error> {
        self.scores_on(scores, by, alive, Threads::Pool)
    }

    /// Does the same as [`Unit::scores`] on the given threads. The scores are the same, to the bit.
    ///
    /// # Errors
    ///
    /// As [`Unit::scores`].
    pub fn scores_on(
        &self,
        scores: &LayerRef<'_>,
        by: RankBy,
        alive: Option<&Mask>,
        threads: Threads,
    ) -> Result<PlainTensor<f64>, Error> {
        if let Some(alive) = alive {
            alive.fits("mask in force", scores.shape())?;
        }
        let reduction = self.reduction(by);
        for_any_type!(LayerRef, scores, lent => {
            // Allocate only after checking the layout.
            let (layout, values) = lent.dense()?;
            let sides = self.sides(layout.shape())?;
            let geometry = Geometry::new(layout.shape(), &sides)?;
            let of_units = if layout.is_empty() {
                Vec::new()
            } else {
                reduction.scores((&layout, values), (&sides, geometry.units()), alive, threads)?
            };
            PlainTensor::from_logical(&self.grid_of(&geometry), of_units)
        })
    }

    /// The units of which at least one element is kept. For the mask of a layer's channels along its outputs, the
    /// result is the mask of the layer's bias.
    ///
    /// # Errors
    ///
    /// As [`Unit::grid`].
    ///
    /// # Complexity
    ///
    /// Linear in the number of elements.
    pub fn alive(&self, alive: &Mask) -> Result<Mask, Error> {
        let geometry = self.geometry(alive.shape())?;
        let mut words = vec![0u64; geometry.units().div_ceil(64)];
        let mut first = 0;
        for (unit, len) in geometry.runs() {
            if words[unit / 64] >> (unit % 64) & 1 == 0 && (first..first + len).any(|index| alive.is_kept(index)) {
                words[unit / 64] |= 1 << (unit % 64);
            }
            first += len;
        }
        Mask::from_words(&self.grid_of(&geometry), words)
    }

    /// Turns units back into elements: keeps all elements of each kept unit.
    ///
    /// # Errors
    ///
    /// As [`Unit::grid`], and [`ErrorKind::ShapeMismatch`] if `units` are not those of a tensor of this shape.
    ///
    /// # Complexity
    ///
    /// Linear in the number of elements.
    pub fn spread(&self, units: &Mask, shape: &[usize]) -> Result<Mask, Error> {
        let geometry = self.geometry(shape)?;
        units.fits("mask of units", &self.grid_of(&geometry))?;
        Mask::from_words(shape, spread::spread(&geometry, units, checked_len(shape)?, Threads::Pool))
    }

    /// A part of [`Unit::spread`]: the bits of `len` elements of a tensor from the element `first` on, packed as
    /// masks are.
    ///
    /// # Errors
    ///
    /// As [`Unit::spread`]; [`ErrorKind::WrongLen`] if the tensor ends before.
    pub fn spread_part(&self, units: &Mask, shape: &[usize], first: usize, len: usize) -> Result<Vec<u64>, Error> {
        let geometry = self.geometry(shape)?;
        units.fits("mask of units", &self.grid_of(&geometry))?;
        let mut words = vec![0u64; len.div_ceil(64)];
        let (mut runs, mut done) = (geometry.runs_from(first), 0);
        while done < len {
            let Some((unit, run)) = runs.next() else {
                let (expected, got) = (checked_len(shape)?, first.saturating_add(len));
                return Err(ErrorKind::WrongLen { shape: shape.to_vec(), expected, got }.into());
            };
            let run = run.min(len - done);
            if units.is_kept(unit) {
                set_run(&mut words, done, run);
            }
            done += run;
        }
        Ok(words)
    }

    fn reduction(&self, by: RankBy) -> reduce::Reduction {
        match self {
            Unit::Blocks(blocks) => blocks.pool().reduce(by),
            Unit::Channels(channels) => channels.norm().reduce(),
        }
    }

    fn geometry(&self, shape: &[usize]) -> Result<Geometry, Error> {
        Geometry::new(shape, &self.sides(shape)?)
    }

    /// The length of a unit along each axis of a tensor.
    fn sides(&self, shape: &[usize]) -> Result<Vec<usize>, Error> {
        match self {
            Unit::Blocks(blocks) => blocks.sides(shape),
            Unit::Channels(channels) => channels.sides(shape),
        }
    }

    fn grid_of(&self, geometry: &Geometry) -> Vec<usize> {
        match self {
            Unit::Blocks(_) => geometry.grid().to_vec(),
            // All other axes are one block long.
            Unit::Channels(_) => vec![geometry.units()],
        }
    }
}

#[cfg(test)]
mod tests;
