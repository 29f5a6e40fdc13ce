//! Boxes of neighbouring elements.

use crate::error::{Error, ErrorKind};
use crate::key::RankBy;
use crate::layout::resolve_axis;
use crate::unit::reduce::{Reduction, ScoreTerm};

/// The function that makes a block's score from its elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Pool {
    /// The mean of all elements of the block.
    #[default]
    Mean,
    /// The highest element.
    Max,
}

impl Pool {
    pub(super) fn reduce(self, by: RankBy) -> Reduction {
        match self {
            Pool::Mean => Reduction { term: ScoreTerm::Mean, by },
            Pool::Max => Reduction { term: ScoreTerm::Max, by },
        }
    }
}

/// Boxes of neighbouring elements, over chosen axes, as kernels for block-sparse matrices need them.
///
/// Blocks lie side by side from index 0 of each chosen axis on. Along the other axes a block is one element long.
///
/// # Ragged edges
///
/// If a side does not divide an axis, the blocks at its far end are smaller. Their mean is over the elements that
/// they have, and each is one unit in every count.
///
/// # Examples
///
/// ```
/// use prune_core::{Blocks, Pool, Unit};
///
/// // 4 x 4 blocks of each kernel position of a convolution (HWIO): over the last two axes.
/// let blocks = Unit::from(Blocks::new(&[4, 4], &[], Pool::Mean)?);
/// assert_eq!(blocks.grid(&[3, 3, 32, 62])?, [3, 3, 8, 16]);
/// // Runs of 8 inputs of a dense layer (in, out).
/// let blocks = Unit::from(Blocks::new(&[8], &[0], Pool::Max)?);
/// assert_eq!(blocks.grid(&[784, 300])?, [98, 300]);
/// assert!(Blocks::new(&[4, 0], &[], Pool::Mean).is_err());
/// # Ok::<(), prune_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Blocks {
    sizes: Vec<usize>,
    axes: Vec<isize>,
    pool: Pool,
}

impl Blocks {
    /// Blocks of `sizes` elements along `axes`, which may be negative; without axes, along the last `sizes.len()` axes.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Blocks`] if there is no size or one is 0, if there are axes but not one for each size, or if an
    /// axis appears twice.
    pub fn new(sizes: &[usize], axes: &[isize], pool: Pool) -> Result<Self, Error> {
        let blocks = Blocks { sizes: sizes.to_vec(), axes: axes.to_vec(), pool };
        if sizes.is_empty() {
            return Err(blocks.refused("they have no size; give one for each axis that is cut"));
        }
        if sizes.contains(&0) {
            return Err(blocks.refused("a size is 0; the smallest is 1"));
        }
        if !axes.is_empty() && axes.len() != sizes.len() {
            return Err(blocks.refused("there must be an axis for each size, or none for the last axes"));
        }
        if (1..axes.len()).any(|i| axes[..i].contains(&axes[i])) {
            return Err(blocks.refused(SAME_AXIS));
        }
        Ok(blocks)
    }

    /// The length of a block along each of its axes.
    pub fn sizes(&self) -> &[usize] {
        &self.sizes
    }

    /// The axes as they were given; none if blocks lie along the last ones.
    pub fn axes(&self) -> &[isize] {
        &self.axes
    }

    /// The function that makes their scores.
    pub fn pool(&self) -> Pool {
        self.pool
    }

    /// The length of a block along each axis of a tensor.
    pub(super) fn sides(&self, shape: &[usize]) -> Result<Vec<usize>, Error> {
        let rank = shape.len();
        let mut sides = vec![None; rank];
        if self.axes.is_empty() {
            let first = rank
                .checked_sub(self.sizes.len())
                .ok_or_else(|| ErrorKind::BlockRank { sizes: self.sizes.clone(), shape: shape.to_vec() })?;
            sides[first..].iter_mut().zip(&self.sizes).for_each(|(side, &size)| *side = Some(size));
        }
        for (&axis, &size) in self.axes.iter().zip(&self.sizes) {
            if sides[resolve_axis(axis, rank)?].replace(size).is_some() {
                return Err(self.refused(SAME_AXIS));
            }
        }
        Ok(sides.into_iter().map(|side| side.unwrap_or(1)).collect())
    }

    fn refused(&self, why: &'static str) -> Error {
        ErrorKind::Blocks { sizes: self.sizes.clone(), axes: self.axes.clone(), why }.into()
    }
}

const SAME_AXIS: &str = "two of the axes are the same one";
