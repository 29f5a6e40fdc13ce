//! What a reshape states: axes that are cut into factors or multiplied together.

use crate::reason::ReasonId;
use crate::tensor::TensorAxis;

/// One axis of a reshape as a product of factors, outermost first. Factors are numbers into [`Factoring::lengths`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FactoredAxis {
    /// The axis.
    pub axis: TensorAxis,
    /// Its factors.
    pub factors: Vec<usize>,
}

/// A run of axes before a reshape and the run that takes its place, over common factors.
///
/// `[N, 12 * 64]` seen as `[N, 12, 64]` has, beside the first axis, factors 12 and 64: one axis of two factors before, two
/// axes of one factor after. One factor joins and all others are pinned, because a reshape can follow the removal of whole
/// coordinates of one factor only:
///
/// - first reshapes that only multiply: their outermost factor that is not pinned joins (flattening maps a channel to
///   its block);
/// - then those that cut an axis: the outermost factor that nothing pins joins (heads), which after a multiplication
///   that pinned it is an inner one (channel shuffle). All cuts of one axis join the same factor, or none.
///
/// A factor of which nothing could go any more, since earlier joins make one of all its coordinates or pin them, comes after
/// all others: in `batch * heads` that came about by a cut into heads, the heads join.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Factoring {
    /// Lengths of the factors in order; `None` where a length is not known.
    pub lengths: Vec<Option<usize>>,
    /// Axes before.
    pub before: Vec<FactoredAxis>,
    /// Axes after.
    pub after: Vec<FactoredAxis>,
    /// Stands in the explanation of whatever is pinned.
    pub reason: ReasonId,
}
