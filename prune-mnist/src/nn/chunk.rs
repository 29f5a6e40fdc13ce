//! One fixed part of the batch on its way through convolutions and pooling.
//!
//! A batch is cut into chunks of [`CHUNK`] samples, whatever the number of threads. A chunk goes through a whole run of
//! per-sample stages on one thread with buffers of its own, and keeps its own gradients of their kernels, which are
//! added up afterwards in the order of the chunks. Inside, a few samples at a time take all the stages, so that what
//! one stage wrote is still in the cache when the next reads it.

use std::ops::Range;

use ndarray::ArrayView2;

use super::activation::{Scratch, SharedActivationPruner};
use super::error::NnError;
use super::gate::Gates;
use super::layers::elementwise::relu;
use super::plan::{Stage, StageKind};
use super::profile::Profile;
use super::real::Real;
use super::simd::vectorised;
use super::storage::{ParamSet, matrix_mut};

/// Samples in a chunk. Eight chunks of a batch of 128 keep up to eight threads busy, and the gradients they hold apart
/// (18,816 values each in the CNN) are still small against the arithmetic.
pub(super) const CHUNK: usize = 16;

/// Samples that take all the stages together. Two of the CNN's need about a megabyte with what is unrolled for them,
/// about the size of a second-level cache.
const GROUP: usize = 2;

/// Buffers of one chunk for a run of stages.
pub(super) struct Chunk<T> {
    /// Output of each stage but the last, for the samples of the chunk; the last one writes into the whole batch.
    outputs: Vec<Vec<T>>,
    /// Gradient of those outputs, for one group of samples.
    gradients: Vec<Vec<T>>,
    /// Activation masks of each stage.
    masks: Vec<Masks>,
    /// Kernel and bias gradients of each stage; empty where it has none.
    pub(super) params: Vec<[Vec<T>; 2]>,
    unrolled: Vec<T>,
    /// The first error of the chunk in its last pass.
    pub(super) error: Option<NnError>,
}

/// The activation masks of one stage for the samples of a chunk, and what its pruner works in.
struct Masks {
    /// Each sample starts on a fresh word. Empty where nothing can be pruned.
    words: Vec<u64>,
    scratch: Scratch,
}

impl Masks {
    fn new(stage: &Stage) -> Self {
        let words = if stage.prune.is_some() { CHUNK * stage.mask_words() } else { 0 };
        Self { words: vec![0; words], scratch: Box::new(()) }
    }

    fn sample(&self, stage: &Stage, sample: usize) -> &[u64] {
        &self.words[part(&(sample..sample + 1), stage.mask_words())]
    }

    /// The element-wise part of `stage` that was not fused: activation pruning, and a relu after it.
    fn finish<T: Real>(
        &mut self,
        pass: &Pass<'_, T>,
        stage: &Stage,
        output: &mut [T],
        group: &Range<usize>,
        first_sample: usize,
    ) -> Result<(), NnError> {
        if let Some(pruner) = stage.prune.and_then(|place| pass.pruners[place.index].as_ref()) {
            let words = stage.mask_words();
            let masks = self.words[part(group, words)].chunks_exact_mut(words);
            for ((sample, output), mask) in group.clone().zip(output.chunks_exact_mut(stage.len)).zip(masks) {
                pruner.prune(output, &stage.shape, mask, &mut *self.scratch).map_err(|source| NnError::Activation {
                    layer: stage.name.clone(),
                    sample: first_sample + sample,
                    source,
                })?;
            }
        }
        if stage.relu && !stage.fused_relu() {
            vectorised(|| relu(output));
        }
        Ok(())
    }
}

/// What every pass needs to know.
pub(super) struct Pass<'a, T> {
    pub(super) stages: &'a [Stage],
    /// Index of the first of `stages` within the model.
    pub(super) first: usize,
    pub(super) params: &'a dyn ParamSet<T>,
    pub(super) pruners: &'a [Option<SharedActivationPruner<T>>],
    pub(super) profile: &'a Profile,
}

impl<T: Real> Chunk<T> {
    /// Buffers for `stages`, whose convolutions and pooling run here; a dense stage alone needs its masks only.
    pub(super) fn new(stages: &[Stage]) -> Self {
        let inner = &stages[..stages.len() - 1];
        let buffers = |samples: usize| inner.iter().map(|stage| vec![T::zero(); samples * stage.len]).collect();
        let params = |stage: &Stage| match stage.kind {
            StageKind::Conv(shape) => {
                let weights = shape.kernel[0] * shape.kernel[1] * shape.channels * shape.features;
                [vec![T::zero(); weights], vec![T::zero(); shape.features]]
            }
            StageKind::Dense { .. } | StageKind::Pool(_) => [Vec::new(), Vec::new()],
        };
        let unrolled = |stage: &Stage| match stage.kind {
            StageKind::Conv(shape) => shape.unrolled_len(),
            StageKind::Dense { .. } | StageKind::Pool(_) => 0,
        };
        Self {
            outputs: buffers(CHUNK),
            gradients: buffers(GROUP),
            masks: stages.iter().map(Masks::new).collect(),
            params: stages.iter().map(params).collect(),
            unrolled: vec![T::zero(); stages.iter().map(unrolled).max().unwrap_or(0)],
            error: None,
        }
    }

    /// Takes the working memory for a pruner that was set at stage `index` of the run.
    pub(super) fn set_scratch(&mut self, index: usize, scratch: Scratch) {
        self.masks[index].scratch = scratch;
    }

    /// The mask of sample `sample` of the chunk at stage `index` of the run.
    pub(super) fn mask(&self, index: usize, stage: &Stage, sample: usize) -> &[u64] {
        self.masks[index].sample(stage, sample)
    }

    /// Takes the samples of `input` through all the stages; the last one's output goes to `output`.
    pub(super) fn forward(&mut self, pass: &Pass<'_, T>, input: &[T], output: &mut [T], first_sample: usize) {
        let count = input.len() / pass.stages[0].input_len;
        self.error = (0..count)
            .step_by(GROUP)
            .try_for_each(|start| {
                let group = start..(start + GROUP).min(count);
                (0..pass.stages.len())
                    .try_for_each(|index| self.forward_stage(pass, index, input, output, &group, first_sample))
            })
            .err();
    }

    fn forward_stage(
        &mut self,
        pass: &Pass<'_, T>,
        index: usize,
        input: &[T],
        output: &mut [T],
        group: &Range<usize>,
        first_sample: usize,
    ) -> Result<(), NnError> {
        let stage = &pass.stages[index];
        let clock = pass.profile.start();
        let (before, after) = self.outputs.split_at_mut(index);
        let input = before.last().map_or(input, Vec::as_slice);
        let output = after.first_mut().map_or(output, Vec::as_mut_slice);
        let input = &input[part(group, stage.input_len)];
        let output = &mut output[part(group, stage.len)];
        match stage.kind {
            StageKind::Conv(shape) => {
                let (kernel, bias) = weights(pass.params, stage);
                shape.forward(kernel, bias, stage.fused_relu(), input, output, &mut self.unrolled);
            }
            StageKind::Pool(shape) => vectorised(|| {
                shape.forward(input, output);
                if stage.fused_relu() {
                    relu(output);
                }
            }),
            StageKind::Dense { .. } => unreachable!("dense stages take the whole batch"),
        }
        self.masks[index].finish(pass, stage, output, group, first_sample)?;
        pass.profile.add_forward(pass.first + index, clock);
        Ok(())
    }

    /// The element-wise part of stage `index` that was not fused, for a stage whose output the caller has.
    pub(super) fn finish(
        &mut self,
        pass: &Pass<'_, T>,
        index: usize,
        output: &mut [T],
        group: &Range<usize>,
        first_sample: usize,
    ) -> Result<(), NnError> {
        self.masks[index].finish(pass, &pass.stages[index], output, group, first_sample)
    }

    /// Takes the gradient of the last stage's output back through the run: leaves the gradients of its parameters in
    /// `self.params`, and writes that of its input where one is asked for, closed by the gate of each sample.
    pub(super) fn backward(
        &mut self,
        pass: &Pass<'_, T>,
        input: &[T],
        output: &[T],
        gradient: &[T],
        mut input_gradient: Option<(&mut [T], &Gates<'_, T>)>,
    ) {
        self.params.iter_mut().flatten().for_each(|gradient| gradient.fill(T::zero()));
        let count = input.len() / pass.stages[0].input_len;
        for start in (0..count).step_by(GROUP) {
            let group = start..(start + GROUP).min(count);
            for index in (0..pass.stages.len()).rev() {
                let clock = pass.profile.start();
                self.backward_stage(pass, index, (input, output, gradient), &group, &mut input_gradient);
                pass.profile.add_backward(pass.first + index, clock);
            }
        }
    }

    fn backward_stage(
        &mut self,
        pass: &Pass<'_, T>,
        index: usize,
        (input, output, gradient): (&[T], &[T], &[T]),
        group: &Range<usize>,
        input_gradient: &mut Option<(&mut [T], &Gates<'_, T>)>,
    ) {
        let stage = &pass.stages[index];
        let within = 0..group.len();
        let input = if index == 0 { input } else { &self.outputs[index - 1] };
        let input = &input[part(group, stage.input_len)];
        let output = &self.outputs.get(index).map_or(output, Vec::as_slice)[part(group, stage.len)];
        let (before, after) = self.gradients.split_at_mut(index);
        let gradient = match after.first() {
            Some(own) => &own[part(&within, stage.len)],
            None => &gradient[part(group, stage.len)],
        };
        if let StageKind::Conv(shape) = stage.kind {
            let [kernel, bias] = &mut self.params[index];
            let rows = kernel.len() / shape.features;
            let kernel = matrix_mut(kernel, rows, shape.features, pass.params.order());
            shape.backward_parameters(input, gradient, kernel, bias, &mut self.unrolled);
        }
        let values = Values { input, output, gradient };
        if let Some(inner) = before.last_mut() {
            let (stage_before, masks) = (&pass.stages[index - 1], &self.masks[index - 1]);
            let gates = |sample: usize| {
                let output = &input[part(&(sample..sample + 1), stage.input_len)];
                stage_before.gate(pass.pruners, output, || masks.sample(stage_before, group.start + sample))
            };
            let target = &mut inner[part(&within, stage.input_len)];
            backward_input(stage, pass.params, values, target, &gates, &mut self.unrolled);
        } else if let Some((outer, gates)) = input_gradient {
            let target = &mut outer[part(group, stage.input_len)];
            let gates = |sample: usize| gates(group.start + sample);
            backward_input(stage, pass.params, values, target, &gates, &mut self.unrolled);
        }
    }
}

/// What a stage's backward pass reads, for one group of samples.
#[derive(Clone, Copy)]
struct Values<'a, T> {
    input: &'a [T],
    output: &'a [T],
    gradient: &'a [T],
}

/// Writes the gradient of a stage's input to `target`, closed by the gate of each sample.
fn backward_input<T: Real>(
    stage: &Stage,
    params: &dyn ParamSet<T>,
    values: Values<'_, T>,
    target: &mut [T],
    gates: &Gates<'_, T>,
    unrolled: &mut [T],
) {
    match stage.kind {
        StageKind::Conv(shape) => {
            let (kernel, _) = weights(params, stage);
            shape.backward_input(kernel, values.gradient, target, unrolled);
            for (sample, target) in target.chunks_exact_mut(stage.input_len).enumerate() {
                vectorised(|| gates(sample).close(0, target));
            }
        }
        StageKind::Pool(shape) => {
            let inputs = values.input.chunks_exact(stage.input_len).zip(target.chunks_exact_mut(stage.input_len));
            let outputs = values.output.chunks_exact(stage.len).zip(values.gradient.chunks_exact(stage.len));
            for (sample, ((input, target), (output, gradient))) in inputs.zip(outputs).enumerate() {
                let gate = gates(sample);
                vectorised(|| shape.backward(input, output, gradient, target, gate));
            }
        }
        StageKind::Dense { .. } => unreachable!("dense stages take the whole batch"),
    }
}

/// Kernel and bias of a stage that has them.
pub(super) fn weights<'a, T: Real>(params: &'a dyn ParamSet<T>, stage: &Stage) -> (ArrayView2<'a, T>, &'a [T]) {
    match stage.kernel {
        Some(kernel) => (params.matrix(kernel), params.values(kernel + 1)),
        None => unreachable!("{} has no parameters", stage.name),
    }
}

/// Where the values of samples `group` lie, each sample having `len` of them.
fn part(group: &Range<usize>, len: usize) -> Range<usize> {
    group.start * len..group.end * len
}
