//! The statements of a reshape: axes that are cut into factors or multiplied together.

use crate::reason::ReasonId;
use crate::tensor::TensorAxis;

/// One axis of a reshape as a product of factors, outermost first. Factors are positions in [`Factoring::lengths`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FactoredAxis {
    /// The axis.
    pub axis: TensorAxis,
    /// Its factors.
    pub factors: Vec<usize>,
}

/// A run of axes before a reshape, and the run that replaces it, as products of common factors.
///
/// When `[N, 12 * 64]` becomes `[N, 12, 64]`, the factors are 12 and 64, beside the first axis: before, there is one
/// axis of two factors, and after, two axes of one factor each. One factor joins and all others are pinned, because a
/// reshape can only follow the removal of whole coordinates of one factor:
///
/// - first reshapes that only multiply: their outermost factor that is not pinned joins (flattening maps a channel to
///   its block);
/// - then those that cut an axis: the outermost factor that nothing pins joins (heads), which after a multiplication
///   that pinned it is an inner one (channel shuffle). All cuts of one axis join the same factor, or none.
///
/// A factor comes after all others if earlier joins pin its coordinates or make one class of them, since nothing of it
/// could go any more. For example, after a cut into heads has made `batch * heads`, the heads join.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Factoring {
    /// Lengths of the factors, in order; `None` for an unknown length.
    pub lengths: Vec<Option<usize>>,
    /// Axes before.
    pub before: Vec<FactoredAxis>,
    /// Axes after.
    pub after: Vec<FactoredAxis>,
    /// The reason for everything that the reshape pins.
    pub reason: ReasonId,
}
