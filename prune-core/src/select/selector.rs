//! The entry to all selections.

use crate::density::Density;
use crate::error::Error;
#[cfg(doc)]
use crate::error::ErrorKind;
use crate::key::RankBy;
use crate::layout::resolve_axis;
use crate::mask::Mask;
use crate::n_m::NmPattern;
use crate::select::{Ranked, concatenated, lanes, top};
use crate::tensor::distinct;
use crate::threads::Threads;

/// Makes masks from scores: by magnitude and on all threads, by default. A layer is a [`Ranked`]; for a single tensor
/// without a name, a [`LayerRef`](crate::LayerRef) will do.
///
/// Backends offer the common cases as methods on tensors. This type offers all of them: several layers in one
/// ranking, each within bounds or not, one ranking for each output, blocks and channels, scores other than the
/// weights, and masks in force that only close.
///
/// # Examples
///
/// ```
/// use prune_core::{Density, LayerRef, PlainTensor, Ranked, Selector};
///
/// let a = PlainTensor::from_logical(&[4], vec![0.1f32, -0.9, 0.3, 0.2])?;
/// let b = PlainTensor::from_logical(&[2], vec![2.0f64, 0.05])?;
/// let (a, b) = (LayerRef::of(&a), LayerRef::of(&b));
///
/// // One ranking over layers of different element types: the best half of all six.
/// let masks = Selector::default()
///     .global(&[Ranked::new("a", &a), Ranked::new("b", &b)], Density::new(0.5)?)?;
/// assert_eq!(masks[0].mask.kept_indices().collect::<Vec<_>>(), [1, 2]);
/// assert_eq!(masks[1].mask.kept_indices().collect::<Vec<_>>(), [0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Selector {
    pub(crate) rank_by: RankBy,
    pub(crate) threads: Threads,
    pub(crate) count_ties: bool,
}

impl Default for Selector {
    fn default() -> Self {
        Selector { rank_by: RankBy::Magnitude, threads: Threads::Pool, count_ties: true }
    }
}

/// If layers are ranked side by side, one thread ranks each layer that has at most one in this many of all elements.
const A_SHARE: usize = 64;

/// A mask, and the counts of the selection that made it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Selected {
    /// The mask of the kept elements.
    pub mask: Mask,
    /// The number of elements of this layer that share the score at the cut, if only a part of them could be kept; 0
    /// if no tie had to be broken. For N:M, the number of groups in which a tie was broken; for [`Selector::units`],
    /// units in place of elements.
    pub ties: usize,
    /// Groups that keep fewer than `min(N, r)` of their `r` elements, because too few were alive. Always 0 except for
    /// N:M.
    pub short_groups: usize,
}

impl Selector {
    /// Ranks by magnitude: scores are the weights themselves.
    pub fn magnitude() -> Self {
        Selector::default()
    }

    /// Ranks by the value of given scores, higher first.
    pub fn value() -> Self {
        Selector { rank_by: RankBy::Value, ..Selector::default() }
    }

    /// The same selector with another order.
    #[must_use]
    pub fn with_rank_by(self, rank_by: RankBy) -> Self {
        Selector { rank_by, ..self }
    }

    /// The same selector on the given threads. The masks are the same.
    #[must_use]
    pub fn with_threads(self, threads: Threads) -> Self {
        Selector { threads, ..self }
    }

    /// The same selector, which counts the groups of N:M in which a tie was broken (the default), or does not.
    /// Without the count, [`Selected::ties`] is 0 for N:M, and the mask takes about half the time.
    #[must_use]
    pub fn with_count_ties(self, count_ties: bool) -> Self {
        Selector { count_ties, ..self }
    }

    /// The order in which scores rank.
    pub fn rank_by(&self) -> RankBy {
        self.rank_by
    }

    /// The threads it runs on.
    pub fn threads(&self) -> Threads {
        self.threads
    }

    /// True if N:M counts ties.
    pub fn count_ties(&self) -> bool {
        self.count_ties
    }

    /// Keeps the best `density` of one layer (rule 1 gives the count).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Nan`], [`ErrorKind::TooFewAlive`], [`ErrorKind::ShapeMismatch`] of the mask in force,
    /// [`ErrorKind::Layout`].
    ///
    /// # Complexity
    ///
    /// Linear in the number of elements.
    pub fn unstructured<'a>(&self, layer: impl Into<Ranked<'a>>, density: Density) -> Result<Selected, Error> {
        let layer = layer.into();
        self.top_of_layer(layer, density.kept_of(layer.scores.len()))
    }

    /// Keeps the best `density` of all the layers together, in one ranking; a layer may reach 0.
    ///
    /// # Errors
    ///
    /// As [`Selector::unstructured`], and [`ErrorKind::DuplicateLayer`].
    ///
    /// # Complexity
    ///
    /// Linear in the number of elements.
    pub fn global(&self, layers: &[Ranked<'_>], density: Density) -> Result<Vec<Selected>, Error> {
        // A layout may make a false claim, which is found out later: the sum must not overflow here.
        let elements = layers.iter().fold(0usize, |sum, layer| sum.saturating_add(layer.scores.len()));
        self.top(layers, density.kept_of(elements))
    }

    /// Keeps the best `kept` elements of one layer.
    ///
    /// # Errors
    ///
    /// As [`Selector::unstructured`].
    pub fn top_of_layer<'a>(&self, layer: impl Into<Ranked<'a>>, kept: usize) -> Result<Selected, Error> {
        let layer = layer.into();
        let selected = self.top(&[layer], kept).map_err(|error| error.in_layer(layer.name))?;
        selected.into_iter().next().ok_or_else(|| unreachable!("one layer in, one mask out"))
    }

    /// Keeps the best `kept` elements of each of these layers, each ranked alone. The result is that of
    /// [`Selector::top_of_layer`] on one after the other, but threads take whole layers before they share one.
    ///
    /// # Errors
    ///
    /// As [`Selector::top_of_layer`]; the first refused layer in this order is named.
    ///
    /// # Complexity
    ///
    /// Linear in the number of elements.
    ///
    /// # Examples
    ///
    /// ```
    /// use prune_core::{LayerRef, PlainTensor, Ranked, Selector};
    ///
    /// let a = PlainTensor::from_logical(&[4], vec![0.1f32, -0.9, 0.3, 0.2])?;
    /// let b = PlainTensor::from_logical(&[2], vec![2.0f32, 0.05])?;
    /// let (a, b) = (LayerRef::of(&a), LayerRef::of(&b));
    /// let selected = Selector::magnitude().top_of_each(&[(Ranked::new("a", &a), 2), (Ranked::new("b", &b), 1)])?;
    /// assert_eq!(selected[0].mask.kept_indices().collect::<Vec<_>>(), [1, 2]);
    /// assert_eq!(selected[1].mask.kept_indices().collect::<Vec<_>>(), [0]);
    /// # Ok::<(), prune_core::Error>(())
    /// ```
    pub fn top_of_each(&self, layers: &[(Ranked<'_>, usize)]) -> Result<Vec<Selected>, Error> {
        // One thread ranks a layer that is a small part of all elements.
        let elements = layers.iter().fold(0usize, |sum, (layer, _)| sum.saturating_add(layer.scores.len()));
        let one = |(layer, kept): (Ranked<'_>, usize)| {
            let threads = if layer.scores.len() <= elements / A_SHARE { Threads::One } else { self.threads };
            self.with_threads(threads).top_of_layer(layer, kept)
        };
        self.threads.map(layers.to_vec(), one).into_iter().collect()
    }

    /// Keeps the best `kept` elements of all the layers together.
    ///
    /// # Errors
    ///
    /// As [`Selector::global`].
    pub fn top(&self, layers: &[Ranked<'_>], kept: usize) -> Result<Vec<Selected>, Error> {
        layers.iter().try_for_each(Ranked::check)?;
        distinct(layers.iter().map(|layer| layer.name))?;
        top::select(layers, kept, self.rank_by, self.threads)
    }

    /// Keeps `pattern` along `axis` (rule 4): N of every M consecutive elements of each lane.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Nan`], [`ErrorKind::AxisOutOfRange`], [`ErrorKind::ShapeMismatch`] of the mask in force,
    /// [`ErrorKind::Layout`].
    ///
    /// # Complexity
    ///
    /// Linear in the number of elements, for any M.
    pub fn n_m<'a>(&self, layer: impl Into<Ranked<'a>>, pattern: NmPattern, axis: isize) -> Result<Selected, Error> {
        let layer = layer.into();
        layer.check()?;
        let axis = resolve_axis(axis, layer.scores.rank())?;
        lanes::select(&layer, pattern, axis, self).map_err(|error| error.in_layer(layer.name))
    }

    /// Keeps `pattern` over the concatenation of all the layers, by name (bytewise), each in logical order. Groups
    /// straddle lanes and layers.
    ///
    /// # Errors
    ///
    /// As [`Selector::n_m`], and [`ErrorKind::DuplicateLayer`].
    ///
    /// # Complexity
    ///
    /// Linear in the number of elements, for any M; one thread.
    pub fn n_m_concatenated(&self, layers: &[Ranked<'_>], pattern: NmPattern) -> Result<Vec<Selected>, Error> {
        layers.iter().try_for_each(Ranked::check)?;
        distinct(layers.iter().map(|layer| layer.name))?;
        concatenated::select(layers, pattern, self.rank_by)
    }
}
