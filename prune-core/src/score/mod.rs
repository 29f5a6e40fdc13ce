//! The scores that rank elements: magnitude, or scores computed from the weights and from evidence.
//!
//! A score is one file here and one line in [`KINDS`]: its name, the evidence it needs, and its formula.

mod given;
mod magnitude;
mod normalise;
mod random;
mod saliency;
mod wanda;

use core::fmt;

use crate::error::{Error, ErrorKind};
use crate::key::RankBy;
use crate::tensor::{LayerRef, PlainTensor};

pub use normalise::ScoreNorm;
pub use random::draw;

/// All scores.
const KINDS: [&ScoreKind; 6] =
    [&magnitude::KIND, &random::KIND, &saliency::SALIENCY, &saliency::SNIP, &wanda::KIND, &given::KIND];

/// One kind of score.
pub(crate) struct ScoreKind {
    name: &'static str,
    needs: Option<Need>,
    /// The order in which its scores rank.
    by: RankBy,
    /// True if each output is ranked alone by default.
    within_outputs: bool,
    /// True if it is drawn at random, from a seed.
    drawn: bool,
    scores: for<'a> fn(&Subject<'a>, u64) -> Result<Scores<'a>, Error>,
    /// The score of one element, from its weight and its evidence.
    element: fn(f64, f64) -> f64,
}

/// The score that ranks the elements of a layer, higher first.
///
/// | name | score | needs | from |
/// |---|---|---|---|
/// | `magnitude` | \|w\| | nothing | Janowsky 1989, Han et al. 2015 |
/// | `random` | a hash of seed, layer name and logical index | nothing | a control for the others |
/// | `saliency` | \|w g\|, g the gradient of the current batch | gradients | Mozer and Smolensky 1989, Molchanov et al. 2016 |
/// | `snip` | \|w g\|, g the mean gradient over given batches | mean gradients | Lee et al. 2019 |
/// | `wanda` | \|w\| times the L2 norm of that input over calibration data | input norms | Sun et al. 2023 |
/// | `given` | a tensor of the user's | scores | |
///
/// # Examples
///
/// ```
/// use prune_core::{Density, LayerRef, PlainTensor, Score, Selector, Subject};
///
/// let weights = PlainTensor::from_logical(&[4], vec![1.0f32, -2.0, 0.5, 3.0])?;
/// let gradient = PlainTensor::from_logical(&[4], vec![0.3f32, 0.2, -4.0, 0.0])?;
/// let (weights, gradient) = (LayerRef::of(&weights), LayerRef::of(&gradient));
///
/// let scores = Score::saliency().of(&Subject::new("fc", &weights).with_evidence(&gradient))?;
/// let scored = scores.layer();
/// let ranked = prune_core::Ranked::new("fc", &scored);
/// let kept = Selector::default().with_rank_by(scores.rank_by()).unstructured(ranked, Density::new(0.5)?)?;
/// assert_eq!(kept.mask.kept_indices().collect::<Vec<_>>(), [1, 2]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy)]
pub struct Score {
    kind: &'static ScoreKind,
    seed: u64,
}

/// The evidence that a score needs besides the weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Need {
    /// The gradient of the loss by the weights, of one batch; shaped as the weights.
    Gradient,
    /// The same, averaged over batches before anything is multiplied; shaped as the weights.
    MeanGradient,
    /// The L2 norm of each input over calibration data. It is shaped as the weights without their output axis, so a
    /// convolution has one norm for each place in the patch that its kernel sees.
    InputNorms,
    /// Scores that the user gives; shaped as the weights.
    Scores,
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Need::Gradient => "the gradient of a batch",
            Need::MeanGradient => "gradients averaged over batches",
            Need::InputNorms => "the norms of the layer's inputs",
            Need::Scores => "a tensor of scores",
        })
    }
}

/// A layer whose elements are to be scored.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    name: &'a str,
    weights: &'a LayerRef<'a>,
    evidence: Option<&'a LayerRef<'a>>,
    output_axis: Option<usize>,
}

impl<'a> Subject<'a> {
    /// A layer by its name. The name enters random scores and errors.
    pub fn new(name: &'a str, weights: &'a LayerRef<'a>) -> Self {
        Subject { name, weights, evidence: None, output_axis: None }
    }

    /// The same layer with the evidence that the score [needs](Score::needs).
    #[must_use]
    pub fn with_evidence(self, evidence: &'a LayerRef<'a>) -> Self {
        Subject { evidence: Some(evidence), ..self }
    }

    /// The same layer with the axis of its outputs, which input norms do not have; the last axis by default.
    #[must_use]
    pub fn with_output_axis(self, axis: usize) -> Self {
        Subject { output_axis: Some(axis), ..self }
    }

    /// The evidence, or an error that says which is needed.
    fn needed(&self, kind: &'static ScoreKind) -> Result<&'a LayerRef<'a>, Error> {
        let needs = || kind.needs.map_or_else(String::new, |need| need.to_string());
        self.evidence.ok_or_else(|| ErrorKind::EvidenceMissing { score: kind.name, needs: needs() }.in_layer(self.name))
    }

    /// The evidence, checked to have the shape of the weights.
    fn shaped(&self, kind: &'static ScoreKind, what: &'static str) -> Result<&'a LayerRef<'a>, Error> {
        let evidence = self.needed(kind)?;
        self.same_shape(what, self.weights.shape(), evidence)?;
        Ok(evidence)
    }

    fn same_shape(&self, what: &'static str, expected: &[usize], got: &LayerRef<'_>) -> Result<(), Error> {
        if got.shape() == expected {
            return Ok(());
        }
        let (expected, got) = (expected.to_vec(), got.shape().to_vec());
        Err(ErrorKind::ShapeMismatch { what, expected, got }.in_layer(self.name))
    }
}

/// The scores of a layer: a tensor, and the order (magnitude or value) in which it ranks.
#[derive(Debug, Clone)]
pub struct Scores<'a> {
    from: From<'a>,
    by: RankBy,
}

#[derive(Debug, Clone)]
enum From<'a> {
    Lent(&'a LayerRef<'a>),
    Own(PlainTensor<f64>),
}

impl<'a> Scores<'a> {
    fn own(shape: &[usize], values: Vec<f64>) -> Result<Self, Error> {
        Ok(Scores { from: From::Own(PlainTensor::from_logical(shape, values)?), by: RankBy::Value })
    }

    /// The scores as a layer; the weights themselves if they rank by magnitude.
    pub fn layer(&self) -> LayerRef<'_> {
        match &self.from {
            From::Lent(layer) => layer.lend(),
            From::Own(scores) => LayerRef::of(scores),
        }
    }

    /// The order in which they rank.
    pub fn rank_by(&self) -> RankBy {
        self.by
    }
}

impl Score {
    /// The names of all scores.
    pub fn names() -> impl Iterator<Item = &'static str> {
        KINDS.iter().map(|kind| kind.name)
    }

    /// The score with this name; `seed` is used by drawn scores only.
    pub fn named(name: &str, seed: u64) -> Option<Self> {
        KINDS.iter().find(|kind| kind.name == name).map(|kind| Score::of_kind(kind, seed))
    }

    fn of_kind(kind: &'static ScoreKind, seed: u64) -> Self {
        Score { kind, seed: if kind.drawn { seed } else { 0 } }
    }

    /// The magnitude of the weights.
    pub fn magnitude() -> Self {
        Score::of_kind(&magnitude::KIND, 0)
    }

    /// A number in [0, 1) hashed from the seed, the layer's name and the logical index ([`draw`]). It is the same on
    /// every platform, layout and number of threads.
    pub fn random(seed: u64) -> Self {
        Score::of_kind(&random::KIND, seed)
    }

    /// Weight times gradient of the current batch, by magnitude.
    pub fn saliency() -> Self {
        Score::of_kind(&saliency::SALIENCY, 0)
    }

    /// Weight times the mean gradient over batches, by magnitude. Averaging before multiplying matters: the mean of
    /// products would be another score.
    pub fn snip() -> Self {
        Score::of_kind(&saliency::SNIP, 0)
    }

    /// Magnitude times the norm of the input that the weight multiplies.
    pub fn wanda() -> Self {
        Score::of_kind(&wanda::KIND, 0)
    }

    /// Scores that the user gives, by value, higher first.
    pub fn given() -> Self {
        Score::of_kind(&given::KIND, 0)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        self.kind.name
    }

    /// The evidence that it needs besides the weights.
    pub fn needs(self) -> Option<Need> {
        self.kind.needs
    }

    /// The order in which its scores rank: weights by magnitude, computed and given scores by value.
    pub fn rank_by(self) -> RankBy {
        self.kind.by
    }

    /// True if each output of a layer is ranked alone by default, as in Wanda.
    pub fn ranks_within_outputs(self) -> bool {
        self.kind.within_outputs
    }

    /// The seed, if the score is drawn.
    pub fn seed(self) -> Option<u64> {
        self.kind.drawn.then_some(self.seed)
    }

    /// The score of one element, from its weight and its evidence: a gradient, the norm of the input that it
    /// multiplies, or a given score. A drawn score depends on the layer's name and the index only. Magnitude gives
    /// the weight itself, which ranks by magnitude.
    ///
    /// # Examples
    ///
    /// ```
    /// use prune_core::Score;
    ///
    /// assert_eq!(Score::snip().element("fc", 0, 0.5, -4.0), 2.0);
    /// assert_eq!(Score::random(3).element("fc", 7, 0.5, 0.0), prune_core::draw(3, "fc", 7));
    /// ```
    pub fn element(self, layer: &str, index: u64, weight: f64, evidence: f64) -> f64 {
        if self.kind.drawn { draw(self.seed, layer, index) } else { (self.kind.element)(weight, evidence) }
    }

    /// The scores of a layer. NaN among them is refused later, when they are ranked.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::EvidenceMissing`], [`ErrorKind::ShapeMismatch`] of the evidence, [`ErrorKind::AxisOutOfRange`],
    /// [`ErrorKind::Layout`].
    ///
    /// # Complexity
    ///
    /// Linear in the number of elements. Computed scores take eight bytes an element; magnitude and given scores take
    /// none.
    pub fn of<'a>(self, subject: &Subject<'a>) -> Result<Scores<'a>, Error> {
        (self.kind.scores)(subject, self.seed).map_err(|error| error.in_layer(subject.name))
    }
}

impl Default for Score {
    fn default() -> Self {
        Score::magnitude()
    }
}

impl PartialEq for Score {
    fn eq(&self, other: &Self) -> bool {
        (self.kind.name, self.seed) == (other.kind.name, other.seed)
    }
}

impl Eq for Score {}

impl core::hash::Hash for Score {
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        (self.kind.name, self.seed).hash(state);
    }
}

impl fmt::Debug for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Score({self})")
    }
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.seed() {
            Some(seed) => f.pad(&format!("{}, seed {seed}", self.name())),
            None => f.pad(self.name()),
        }
    }
}

#[cfg(test)]
mod tests;
