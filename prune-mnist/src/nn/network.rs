//! A model with its working memory: gradients of a batch, and evaluation.

mod inputs;

use super::activation::SharedActivationPruning;
use super::batch::{Batch, Samples};
use super::chunk::{CHUNK, Pass};
use super::error::NnError;
use super::gate::Gate;
use super::layers::loss::cross_entropy;
use super::plan::{Plan, Stage, plan};
use super::profile::{LayerTime, Profile};
use super::real::Real;
use super::segment::Segment;
use super::spec::{LayerSummary, ModelSpec, ParamSpec};
use super::storage::ParamSet;

pub use self::inputs::InputNorms;

/// A model that can be trained and evaluated, with all its working memory.
///
/// The parameters are not in it. The caller holds them, their gradients and the optimiser's buffers, in any backend's
/// storage. Between [`gradients`](Self::gradients) and the optimiser's step the caller can read the dense gradients
/// and mask them; after the step it holds weights and buffers at zero.
///
/// The threads of the current rayon pool share the work. The results are the same bit for bit at any number of
/// threads.
///
/// # Examples
/// ```
/// use prune_mnist::nn::{Initialisation, ModelSpec, Network, NdarrayParams, Optimiser, ParamStorage, Sgd};
/// use prune_mnist::nn::initial_parameters;
///
/// let spec = ModelSpec::mlp();
/// let mut network = Network::<f32>::new(&spec, 128)?;
/// let mut params: NdarrayParams<f32> = initial_parameters(network.parameters(), Initialisation::default(), 42);
/// let mut gradients = NdarrayParams::zeros(network.parameters());
/// let mut sgd = Sgd::new(network.parameters(), 0.9, 0.0);
///
/// let (images, labels) = (vec![0.5; 2 * 784], [3, 7]);
/// let first = network.gradients(&params, &images, &labels, &mut gradients)?;
/// sgd.step(&mut params, &gradients, 0.1)?;
/// let second = network.gradients(&params, &images, &labels, &mut gradients)?;
/// assert!(second.loss() < first.loss());
/// # Ok::<(), prune_mnist::nn::NnError>(())
/// ```
pub struct Network<T> {
    name: String,
    plan: Plan,
    segments: Vec<Segment<T>>,
    pruners: Vec<Option<SharedActivationPruning<T>>>,
    capacity: usize,
    batch: Batch<T>,
    profile: Profile,
}

/// Loss and correct predictions over some samples.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Score {
    /// Cross-entropy in nats, summed over the samples.
    pub loss_sum: f64,
    /// Samples whose largest output is the label's.
    pub correct: usize,
    /// Number of samples.
    pub count: usize,
}

impl Score {
    /// Mean cross-entropy in nats; NaN without samples. Not finite when a run has diverged.
    #[must_use]
    pub fn loss(&self) -> f64 {
        self.loss_sum / self.count as f64
    }

    /// Fraction predicted correctly, in 0..=1; NaN without samples.
    #[must_use]
    pub fn accuracy(&self) -> f64 {
        self.correct as f64 / self.count as f64
    }

    /// Adds the figures of more samples.
    pub fn add(&mut self, other: Self) {
        self.loss_sum += other.loss_sum;
        self.correct += other.correct;
        self.count += other.count;
    }
}

impl<T: Real> Network<T> {
    /// A model with memory for batches of up to `capacity` samples.
    ///
    /// # Errors
    /// A description of no valid model (see [`ModelSpec::layers`]), or a capacity of 0.
    pub fn new(spec: &ModelSpec, capacity: usize) -> Result<Self, NnError> {
        let plan = plan(spec)?;
        if capacity == 0 {
            return Err(NnError::EmptyBatch);
        }
        let segments = Segment::cut(&plan.stages, capacity);
        let (pruners, profile) = (vec![None; plan.prune_places], Profile::new(plan.stages.len()));
        Ok(Self { name: spec.name.clone(), plan, segments, pruners, capacity, batch: Batch::new(), profile })
    }

    /// The parameters in the order of the model.
    #[must_use]
    pub fn parameters(&self) -> &[ParamSpec] {
        &self.plan.params
    }

    /// The table of the model: one row for each layer.
    #[must_use]
    pub fn layers(&self) -> &[LayerSummary] {
        &self.plan.summaries
    }

    /// The number of samples that fit into a batch.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// The number of values of one sample.
    #[must_use]
    pub fn sample_len(&self) -> usize {
        self.plan.input_len
    }

    /// The number of outputs of the last layer.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.plan.stages.last().map_or(0, |stage| stage.len)
    }

    /// The number of places where activations can be pruned.
    #[must_use]
    pub fn activation_prunings(&self) -> usize {
        self.pruners.len()
    }

    /// Prunes activations at place `index` from now on, in training and in evaluation; `None` stops it. Places count
    /// from 0 in the order of the model.
    ///
    /// # Errors
    /// [`NnError::NoSuchActivation`].
    pub fn set_activation_pruner(
        &mut self,
        index: usize,
        pruner: Option<SharedActivationPruning<T>>,
    ) -> Result<(), NnError> {
        if index >= self.pruners.len() {
            return Err(NnError::NoSuchActivation { model: self.name.clone(), index, count: self.pruners.len() });
        }
        if let Some(pruner) = &pruner {
            let at = |stage: &Stage| stage.prune.is_some_and(|place| place.index == index);
            for segment in &mut self.segments {
                if let Some(stage) = self.plan.stages[segment.stages.clone()].iter().position(at) {
                    segment.chunks.iter_mut().for_each(|chunk| chunk.set_scratch(stage, pruner.scratch()));
                }
            }
        }
        self.pruners[index] = pruner;
        Ok(())
    }

    /// Writes the gradients of the mean loss over a batch to `gradients`, and overwrites its old content.
    ///
    /// `images` holds the samples one after the other, each in row-major order of height, width and channels.
    ///
    /// # Errors
    /// Counts, labels or parameters that do not fit the model, found before anything is written; or the error of an
    /// activation pruner, which leaves `gradients` unchanged.
    pub fn gradients(
        &mut self,
        params: &dyn ParamSet<T>,
        images: &[T],
        labels: &[u8],
        gradients: &mut dyn ParamSet<T>,
    ) -> Result<Score, NnError> {
        gradients.check("gradients", &self.plan.params)?;
        self.forward(params, images, labels, 0)?;
        let score = self.score(params, labels, true);
        self.backward(params, images, gradients);
        Ok(score)
    }

    /// Loss and accuracy on one batch, without gradients.
    ///
    /// # Errors
    /// As [`gradients`](Self::gradients).
    pub fn score_batch(&mut self, params: &dyn ParamSet<T>, images: &[T], labels: &[u8]) -> Result<Score, NnError> {
        self.forward(params, images, labels, 0)?;
        Ok(self.score(params, labels, false))
    }

    /// Loss and accuracy on `samples`, in batches, in order.
    ///
    /// # Errors
    /// As [`gradients`](Self::gradients).
    pub fn evaluate(&mut self, params: &dyn ParamSet<T>, samples: &Samples<'_>) -> Result<Score, NnError> {
        let mut total = Score::default();
        let mut batch = std::mem::take(&mut self.batch);
        let result = (0..samples.len()).step_by(self.capacity).try_for_each(|start| {
            batch.fill_range(samples, start, self.capacity);
            self.forward(params, batch.images(), batch.labels(), start)?;
            total.add(self.score(params, batch.labels(), false));
            Ok(())
        });
        self.batch = batch;
        result.map(|()| total)
    }

    /// The outputs before softmax of the last batch, sample after sample.
    #[must_use]
    pub fn logits(&self) -> &[T] {
        self.segments.last().map_or(&[], |segment| &segment.output)
    }

    /// Resets the clocks of all layers and starts them, or stops them.
    pub fn set_profile(&mut self, on: bool) {
        self.profile.set(on);
    }

    /// The times of the clocks, one row for each layer with an output of its own. Times of dense layers are those of
    /// the calling thread; the others add up all threads.
    #[must_use]
    pub fn profile(&self) -> Vec<LayerTime> {
        let rows = self.plan.stages.iter().enumerate().map(|(index, stage)| {
            let [forward, backward] = self.profile.times(index);
            let summary = self.plan.summaries.iter().find(|summary| summary.name == stage.name);
            let multiply_adds = summary.map_or(0, |summary| summary.multiply_adds);
            LayerTime { name: stage.name.clone(), forward, backward, multiply_adds }
        });
        rows.collect()
    }

    /// Checks a batch and takes it through the model; errors count samples from `offset`.
    fn forward(&mut self, params: &dyn ParamSet<T>, images: &[T], labels: &[u8], offset: usize) -> Result<(), NnError> {
        params.check("parameters", &self.plan.params)?;
        let (count, sample, classes) = (labels.len(), self.plan.input_len, self.classes());
        if count == 0 {
            return Err(NnError::EmptyBatch);
        }
        if count > self.capacity {
            return Err(NnError::BatchTooLarge { got: count, capacity: self.capacity });
        }
        if images.len() != count * sample {
            return Err(NnError::CountsDisagree { images: images.len(), labels: count, sample });
        }
        if let Some(sample) = labels.iter().position(|&label| usize::from(label) >= classes) {
            return Err(NnError::LabelTooLarge { sample: offset + sample, label: labels[sample], classes });
        }
        self.propagate(params, images)
    }

    /// Takes a batch through the model; batch and parameters have been checked.
    fn propagate(&mut self, params: &dyn ParamSet<T>, images: &[T]) -> Result<(), NnError> {
        let count = images.len() / self.plan.input_len;
        for index in 0..self.segments.len() {
            let (before, after) = self.segments.split_at_mut(index);
            let input = before.last().map_or(images, |segment| &segment.output[..count * segment.len]);
            let pass = pass(&self.plan, &self.pruners, &self.profile, params, &after[0]);
            after[0].forward(&pass, input)?;
        }
        Ok(())
    }

    /// Scores the outputs of the last forward pass, and writes their gradient if `gradient` is set.
    fn score(&mut self, params: &dyn ParamSet<T>, labels: &[u8], gradient: bool) -> Score {
        let mut total = Score { count: labels.len(), ..Score::default() };
        let Some(segment) = self.segments.last_mut() else { return total };
        let pass = pass(&self.plan, &self.pruners, &self.profile, params, segment);
        let scale = T::from_f64(1.0 / labels.len() as f64);
        let rows = segment.output.chunks_exact(segment.len).zip(segment.gradient.chunks_exact_mut(segment.len));
        for (sample, (&label, (logits, row))) in labels.iter().zip(rows).enumerate() {
            let figures = cross_entropy(logits, label, scale, gradient.then_some(&mut *row));
            total.loss_sum += figures.loss;
            total.correct += usize::from(figures.correct);
            if gradient {
                segment.chunks[sample / CHUNK].last_gate(&pass, logits, sample % CHUNK).close(0, row);
            }
        }
        total
    }

    fn backward(&mut self, params: &dyn ParamSet<T>, images: &[T], gradients: &mut dyn ParamSet<T>) {
        let count = images.len() / self.plan.input_len;
        for index in (0..self.segments.len()).rev() {
            let (before, after) = self.segments.split_at_mut(index);
            let segment = &mut after[0];
            let pass = pass(&self.plan, &self.pruners, &self.profile, params, segment);
            match before.last_mut() {
                None => segment.backward(&pass, images, None, gradients),
                Some(Segment { stages, len, output, gradient, chunks, .. }) => {
                    let (len, output) = (*len, &*output);
                    let inner = Pass { stages: &self.plan.stages[stages.clone()], ..pass };
                    let gates = |sample: usize| -> Gate<'_, T> {
                        let values = &output[sample * len..(sample + 1) * len];
                        chunks[sample / CHUNK].last_gate(&inner, values, sample % CHUNK)
                    };
                    let target = &mut gradient[..count * len];
                    segment.backward(&pass, &output[..count * len], Some((target, &gates)), gradients);
                }
            }
        }
    }
}

fn pass<'a, T>(
    plan: &'a Plan,
    pruners: &'a [Option<SharedActivationPruning<T>>],
    profile: &'a Profile,
    params: &'a dyn ParamSet<T>,
    segment: &Segment<T>,
) -> Pass<'a, T> {
    let stages = &plan.stages[segment.stages.clone()];
    Pass { stages, first: segment.stages.start, params, pruners, profile, kernels: &[] }
}

impl<T> std::fmt::Debug for Network<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Network").field("name", &self.name).field("capacity", &self.capacity).finish_non_exhaustive()
    }
}
