//! Channels: all elements at one index of an axis.

use crate::error::Error;
use crate::key::RankBy;
use crate::layout::resolve_axis;
use crate::unit::reduce::{Reduction, ScoreTerm};

/// The norm of all its elements, by which a channel ranks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Norm {
    /// The sum of magnitudes.
    L1,
    /// The root of the sum of squares.
    #[default]
    L2,
    /// The greatest magnitude, the norm of infinite order.
    Max,
}

impl Norm {
    pub(super) fn reduce(self) -> Reduction {
        let term = match self {
            Norm::L1 => ScoreTerm::Sum,
            Norm::L2 => ScoreTerm::Root,
            Norm::Max => ScoreTerm::Max,
        };
        Reduction { term, by: RankBy::Magnitude }
    }
}

/// All elements at one index of an axis: neurons of a dense layer, filters or input channels of a convolution. This
/// is Ln-structured pruning for n = 1, 2 and infinity (Li et al. 2017 for filters by L1).
///
/// # Examples
///
/// Outputs of a dense layer (in, out), with the bias that goes with them:
///
/// ```
/// use prune_core::{Channels, Density, LayerRef, Norm, PlainTensor, Ranked, Selector, Unit};
///
/// let weights = PlainTensor::from_logical(&[2, 3], vec![3.0f32, 0.1, 2.0, -4.0, 0.2, 2.0])?;
/// let weights = LayerRef::of(&weights);
/// let outputs = Unit::from(Channels::new(1, Norm::L2));
/// let selected = Selector::default().units(Ranked::new("fc", &weights), &outputs, Density::new(0.6)?)?;
/// assert_eq!(selected.mask.kept_indices().collect::<Vec<_>>(), [0, 2, 3, 5]);
/// let bias = outputs.alive(&selected.mask)?;
/// assert_eq!((bias.shape(), bias.kept_indices().collect::<Vec<_>>()), (&[3][..], vec![0, 2]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Channels {
    axis: isize,
    norm: Norm,
}

impl Channels {
    /// Channels along an axis, which may be negative.
    pub fn new(axis: isize, norm: Norm) -> Self {
        Channels { axis, norm }
    }

    /// The axis as it was given.
    pub fn axis(self) -> isize {
        self.axis
    }

    /// The norm by which they rank.
    pub fn norm(self) -> Norm {
        self.norm
    }

    /// A channel is a block that is as long as the tensor along every other axis.
    pub(super) fn sides(self, shape: &[usize]) -> Result<Vec<usize>, Error> {
        let axis = resolve_axis(self.axis, shape.len())?;
        let mut sides: Vec<usize> = shape.iter().map(|&length| length.max(1)).collect();
        sides[axis] = 1;
        Ok(sides)
    }
}
