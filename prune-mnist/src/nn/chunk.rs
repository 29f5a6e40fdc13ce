//! One fixed part of the batch on its way through convolutions and pooling.
//!
//! A batch is cut into chunks of [`CHUNK`] samples, whatever the number of threads. A chunk goes through a whole run
//! of per-sample stages on one thread with its own buffers. It keeps its own gradients of their kernels, which are
//! added up afterwards in the order of the chunks.
//!
//! 1. Inside a chunk a few samples at a time go through all the stages, so that the output of a stage is still in the
//!    second-level cache when the next stage reads it.
//! 2. The output of a convolution is the largest array of a network (100 kB for each sample in the CNN's first). If
//!    average pooling follows, the backward pass needs only the signs that the relu let through. They are kept as one
//!    byte for each element, and the next samples reuse the output's memory, which never leaves the cache.

use std::ops::Range;

use super::activation::{Scratch, SharedActivationPruning};
use super::error::NnError;
use super::gate::{Gate, Gates, close, note_signs};
use super::layers::elementwise::{add_bias, relu};
use super::layers::pool::PoolKind;
use super::plan::{Stage, StageKind};
use super::profile::Profile;
use super::real::Real;
use super::storage::{ParamSet, row_major, row_major_mut};

/// The number of samples in a chunk. Eight chunks of a batch of 128 keep up to eight threads busy, and their separate
/// gradients (18,816 values each in the CNN) are still small against the arithmetic.
pub(super) const CHUNK: usize = 16;

/// The data that every pass needs.
pub(super) struct Pass<'a, T> {
    pub(super) stages: &'a [Stage],
    /// Index of the first of `stages` within the model.
    pub(super) first: usize,
    pub(super) params: &'a dyn ParamSet<T>,
    pub(super) pruners: &'a [Option<SharedActivationPruning<T>>],
    pub(super) profile: &'a Profile,
    /// Copies of the kernels of these stages, for convolutions.
    pub(super) kernels: &'a [KernelCopies<T>],
}

/// A convolution's kernel in the form that its products need, whatever the storage: row-major, and transposed.
///
/// Every sample multiplies with it, and the product would reorder it each time; once for each pass is enough. A
/// kernel is small. Kernel gradients are kept row-major too, and are brought into the storage's order when they are
/// added up. So a convolution costs the same in every storage, and gives the same bits.
#[derive(Debug, Default)]
pub(super) struct KernelCopies<T> {
    rows: Vec<T>,
    transposed: Vec<T>,
}

impl<T: Real> KernelCopies<T> {
    /// Memory for the kernel of `stage`; none unless it is a convolution.
    pub(super) fn new(stage: &Stage) -> Self {
        match stage.kind {
            StageKind::Conv(shape) => {
                Self { rows: vec![T::zero(); shape.weights()], transposed: vec![T::zero(); shape.weights()] }
            }
            StageKind::Dense { .. } | StageKind::Pool(_) => Self { rows: Vec::new(), transposed: Vec::new() },
        }
    }

    /// Takes the kernel of `stage` from `params`.
    pub(super) fn fill(&mut self, stage: &Stage, params: &dyn ParamSet<T>) {
        if let (StageKind::Conv(shape), Some(kernel)) = (stage.kind, stage.kernel) {
            let kernel = params.matrix(kernel);
            row_major_mut(&mut self.rows, shape.features).assign(&kernel);
            row_major_mut(&mut self.transposed, kernel.nrows()).assign(&kernel.t());
        }
    }
}

/// Buffers of one chunk for a run of stages.
pub(super) struct Chunk<T> {
    stages: Vec<Buffers<T>>,
    unrolled: Vec<T>,
    /// The number of samples that go through all stages together.
    group: usize,
    /// The first error of the chunk in its last pass.
    pub(super) error: Option<NnError>,
}

/// Buffers of one stage.
struct Buffers<T> {
    /// Output, of all samples of the chunk or of one group; empty for the last stage, which writes into the whole
    /// batch.
    output: Vec<T>,
    /// True if `output` has all samples of the chunk.
    whole: bool,
    /// Gradient of the output, for one group; empty for the last stage.
    gradient: Vec<T>,
    /// The masks of the activation pruner; each sample starts on a fresh word.
    masks: Vec<u64>,
    scratch: Scratch,
    /// The elements that a relu let through, if the output is not kept.
    signs: Vec<u8>,
    /// Kernel and bias gradients, if the stage has them; the kernel's row-major.
    params: [Vec<T>; 2],
}

impl<T: Real> Buffers<T> {
    fn new(stage: &Stage, next: Option<&Stage>, group: usize) -> Self {
        let averaged = |stage: &Stage| matches!(stage.kind, StageKind::Pool(pool) if pool.kind == PoolKind::Average);
        let whole = !next.is_some_and(averaged);
        let values = |samples: usize| vec![T::zero(); if next.is_some() { samples * stage.len } else { 0 }];
        let words = |wanted: bool| vec![0; if wanted { CHUNK * stage.mask_words() } else { 0 }];
        let params = match stage.kind {
            StageKind::Conv(shape) => [vec![T::zero(); shape.weights()], vec![T::zero(); shape.features]],
            StageKind::Dense { .. } | StageKind::Pool(_) => [Vec::new(), Vec::new()],
        };
        Self {
            output: values(if whole { CHUNK } else { group }),
            whole,
            gradient: values(group),
            masks: words(stage.prune.is_some()),
            scratch: Box::new(()),
            signs: vec![0; if stage.relu && !whole { CHUNK * stage.len } else { 0 }],
            params,
        }
    }

    /// The range of the chunk's samples `group` in `output`.
    fn place(&self, group: &Range<usize>, stage: &Stage) -> Range<usize> {
        if self.whole { part(group, stage.len) } else { part(&(0..group.len()), stage.len) }
    }

    /// The gate of sample `sample` of the chunk, whose output is `output` if it was kept.
    fn gate<'a>(&'a self, pass: &Pass<'_, T>, stage: &Stage, output: &'a [T], sample: usize) -> Gate<'a, T> {
        let sample = sample..sample + 1;
        if stage.relu && self.whole {
            Gate::Positive(output)
        } else if stage.relu {
            Gate::Noted(&self.signs[part(&sample, stage.len)])
        } else if pass.pruner(stage).is_some() {
            Gate::Kept(&self.masks[part(&sample, stage.mask_words())])
        } else {
            Gate::Open
        }
    }
}

impl<'a, T> Pass<'a, T> {
    fn pruner(&self, stage: &Stage) -> Option<&'a SharedActivationPruning<T>> {
        stage.prune.and_then(|place| self.pruners[place.index].as_ref())
    }
}

impl<T: Real> Chunk<T> {
    /// Buffers for `stages`, whose convolutions and pooling run here; for a dense stage, which is alone, only the
    /// mask.
    pub(super) fn new(stages: &[Stage]) -> Self {
        let convs = || {
            stages.iter().filter_map(|stage| match stage.kind {
                StageKind::Conv(shape) => Some(shape),
                StageKind::Dense { .. } | StageKind::Pool(_) => None,
            })
        };
        let group = convs().map(|shape| shape.group()).max().unwrap_or(1).min(CHUNK);
        let buffers = |(index, stage)| Buffers::new(stage, stages.get(index + 1), group);
        Self {
            stages: stages.iter().enumerate().map(buffers).collect(),
            unrolled: vec![T::zero(); convs().map(|shape| shape.unrolled_len()).max().unwrap_or(0)],
            group,
            error: None,
        }
    }

    /// Takes the working memory for the pruner at stage `index` of the run.
    pub(super) fn set_scratch(&mut self, index: usize, scratch: Scratch) {
        self.stages[index].scratch = scratch;
    }

    /// The gradients of kernel and bias of stage `index` of the run.
    pub(super) fn params(&self, index: usize) -> &[Vec<T>; 2] {
        &self.stages[index].params
    }

    /// The input of stage `index` of the run in the last forward pass, for all samples of the chunk. The stage is a
    /// convolution and not the first.
    pub(super) fn fed(&self, index: usize) -> &[T] {
        let inner = &self.stages[index - 1];
        debug_assert!(inner.whole, "only in front of average pooling is the output not kept");
        &inner.output
    }

    /// The gate of sample `sample` of the chunk at the last stage, whose output for that sample is `output`.
    pub(super) fn last_gate<'a>(&'a self, pass: &Pass<'_, T>, output: &'a [T], sample: usize) -> Gate<'a, T> {
        let last = self.stages.len() - 1;
        self.stages[last].gate(pass, &pass.stages[last], output, sample)
    }

    /// Takes the samples of `input` through all the stages; the output of the last goes to `output`.
    pub(super) fn forward(&mut self, pass: &Pass<'_, T>, input: &[T], output: &mut [T], first_sample: usize) {
        let count = input.len() / pass.stages[0].input_len;
        self.error = None;
        for start in (0..count).step_by(self.group) {
            let group = start..(start + self.group).min(count);
            for index in 0..pass.stages.len() {
                if let Err(error) = self.forward_stage(pass, index, (input, output), &group, first_sample) {
                    self.error = Some(error);
                    return;
                }
            }
        }
    }

    fn forward_stage(
        &mut self,
        pass: &Pass<'_, T>,
        index: usize,
        (input, output): (&[T], &mut [T]),
        group: &Range<usize>,
        first_sample: usize,
    ) -> Result<(), NnError> {
        let clock = pass.profile.start();
        let stage = &pass.stages[index];
        let (before, after) = self.stages.split_at_mut(index);
        let own = &mut after[0];
        let input = match before.last() {
            Some(inner) => &inner.output[inner.place(group, &pass.stages[index - 1])],
            None => &input[part(group, stage.input_len)],
        };
        // Taken out for now, so that the stage's masks can be written beside it.
        let mut inner = std::mem::take(&mut own.output);
        let output = match inner.is_empty() {
            true => &mut output[part(group, stage.len)],
            false => &mut inner[own.place(group, stage)],
        };
        let mut bias = None;
        match stage.kind {
            StageKind::Conv(shape) => {
                let kernel = row_major(&pass.kernels[index].rows, shape.features);
                shape.forward(kernel, input, output, &mut self.unrolled);
                bias = stage.kernel.map(|kernel| pass.params.values(kernel + 1));
            }
            StageKind::Pool(shape) => shape.forward(input, output),
            StageKind::Dense { .. } => unreachable!("dense stages take the whole batch"),
        }
        let mut samples = group.clone().zip(output.chunks_exact_mut(stage.len));
        let result =
            samples.try_for_each(|(sample, output)| own.finish(pass, stage, bias, output, sample, first_sample));
        own.output = inner;
        pass.profile.add_forward(pass.first + index, clock);
        result
    }

    /// The element-wise part of a dense stage's output, whose bias and first relu are done.
    pub(super) fn finish_dense(
        &mut self,
        pass: &Pass<'_, T>,
        output: &mut [T],
        first_sample: usize,
    ) -> Result<(), NnError> {
        let (stage, own) = (&pass.stages[0], &mut self.stages[0]);
        let mut samples = output.chunks_exact_mut(stage.len).enumerate();
        samples.try_for_each(|(sample, output)| own.finish(pass, stage, None, output, sample, first_sample))
    }

    /// Takes the gradient of the last stage's output back through the run. Leaves the gradients of its parameters in
    /// [`params`](Self::params). Writes the gradient of its input if one is asked for, closed by the gate of each
    /// sample.
    pub(super) fn backward(
        &mut self,
        pass: &Pass<'_, T>,
        input: &[T],
        output: &[T],
        gradient: &[T],
        mut input_gradient: Option<(&mut [T], &Gates<'_, T>)>,
    ) {
        for gradient in self.stages.iter_mut().flat_map(|stage| &mut stage.params) {
            gradient.fill(T::zero());
        }
        let count = input.len() / pass.stages[0].input_len;
        for start in (0..count).step_by(self.group) {
            let group = start..(start + self.group).min(count);
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
        let (before, after) = self.stages.split_at_mut(index);
        let own = &mut after[0];
        let (output, gradient) = match own.gradient.is_empty() {
            true => (&output[part(group, stage.len)], &gradient[part(group, stage.len)]),
            false => (&own.output[own.place(group, stage)], &own.gradient[part(&(0..group.len()), stage.len)]),
        };
        // The gradient of the input belongs to the stage before, beside that stage's output.
        let mut target = before.last_mut().map(|inner| std::mem::take(&mut inner.gradient));
        let inner = before.last().map(|inner| (inner, &pass.stages[index - 1]));
        let input = match inner {
            Some((inner, stage)) => &inner.output[inner.place(group, stage)],
            None => &input[part(group, stage.input_len)],
        };
        if let StageKind::Conv(shape) = stage.kind {
            let [kernel, bias] = &mut own.params;
            let kernel = row_major_mut(kernel, shape.features);
            shape.backward_parameters(input, gradient, kernel, bias, &mut self.unrolled);
        }
        let values = Values { input, output, gradient };
        if let (Some((inner, inner_stage)), Some(target)) = (inner, target.as_mut()) {
            let gates = |sample: usize| {
                let output = &input[part(&(sample..sample + 1), inner_stage.len)];
                inner.gate(pass, inner_stage, output, group.start + sample)
            };
            let target = &mut target[part(&(0..group.len()), stage.input_len)];
            backward_input(stage, &pass.kernels[index], values, target, &gates, &mut self.unrolled);
        } else if let Some((outer, gates)) = input_gradient {
            let target = &mut outer[part(group, stage.input_len)];
            let gates = |sample: usize| gates(group.start + sample);
            backward_input(stage, &pass.kernels[index], values, target, &gates, &mut self.unrolled);
        }
        if let (Some(inner), Some(target)) = (before.last_mut(), target) {
            inner.gradient = target;
        }
    }
}

impl<T: Real> Buffers<T> {
    /// The element-wise part of one sample's output: bias, relu, activation pruning, a relu after that, and the signs
    /// that the backward pass needs.
    fn finish(
        &mut self,
        pass: &Pass<'_, T>,
        stage: &Stage,
        bias: Option<&[T]>,
        output: &mut [T],
        sample: usize,
        first_sample: usize,
    ) -> Result<(), NnError> {
        let words = part(&(sample..sample + 1), stage.mask_words());
        let signs = match self.signs.is_empty() {
            true => &mut [],
            false => &mut self.signs[part(&(sample..sample + 1), stage.len)],
        };
        let pruner = pass.pruner(stage);
        // A relu is taken with the bias, unless the activations are pruned before it.
        let early = stage.relu && (pruner.is_none() || stage.fused_relu());
        match bias {
            Some(bias) => add_bias(output, bias, early, if pruner.is_none() { &mut *signs } else { &mut [] }),
            None if early => relu(output),
            None => {}
        }
        if let Some(pruner) = pruner {
            pruner.prune(output, &stage.shape, &mut self.masks[words], &mut *self.scratch).map_err(|source| {
                NnError::Activation { layer: stage.name.clone(), sample: first_sample + sample, source }
            })?;
            if stage.relu && !early {
                relu(output);
            }
        }
        if pruner.is_some() || bias.is_none() {
            note_signs(output, signs);
        }
        Ok(())
    }
}

/// The values that a stage's backward pass reads, for one group of samples.
#[derive(Clone, Copy)]
struct Values<'a, T> {
    input: &'a [T],
    output: &'a [T],
    gradient: &'a [T],
}

/// Writes the gradient of a stage's input to `target`, closed by the gate of each sample.
fn backward_input<T: Real>(
    stage: &Stage,
    kernel: &KernelCopies<T>,
    values: Values<'_, T>,
    target: &mut [T],
    gates: &Gates<'_, T>,
    unrolled: &mut [T],
) {
    match stage.kind {
        StageKind::Conv(shape) => {
            let transposed = row_major(&kernel.transposed, shape.weights() / shape.features);
            shape.backward_input(transposed, values.gradient, target, unrolled);
            for (sample, target) in target.chunks_exact_mut(stage.input_len).enumerate() {
                close(gates(sample), 0, target);
            }
        }
        StageKind::Pool(shape) => {
            let inputs = values.input.chunks_exact(stage.input_len).zip(target.chunks_exact_mut(stage.input_len));
            let outputs = values.output.chunks_exact(stage.len).zip(values.gradient.chunks_exact(stage.len));
            for (sample, ((input, target), (output, gradient))) in inputs.zip(outputs).enumerate() {
                shape.backward(input, output, gradient, target, gates(sample));
            }
        }
        StageKind::Dense { .. } => unreachable!("dense stages take the whole batch"),
    }
}

/// The range of the values of samples `group`, with `len` values for each sample.
fn part(group: &Range<usize>, len: usize) -> Range<usize> {
    group.start * len..group.end * len
}
