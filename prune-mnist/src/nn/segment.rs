//! A run of stages between two points that need the whole batch.
//!
//! Convolutions and pooling run chunk by chunk, each chunk on one thread (`chunk`). A dense stage is a run of its own
//! and takes the whole batch (`layers::dense`). A segment owns the output of its last stage and that output's
//! gradient for the whole batch; the next segment reads the output and writes the gradient.

use std::ops::Range;

use ndarray::ArrayView2;
use rayon::prelude::*;

use super::chunk::{CHUNK, Chunk, KernelCopies, Pass};
use super::error::NnError;
use super::gate::Gates;
use super::layers::dense;
use super::layers::elementwise::add_rows;
use super::plan::{Stage, StageKind};
use super::real::Real;
use super::storage::{ParamSet, row_major, row_major_mut};

/// The number of elements of a gradient that one thread adds up at a time.
const REDUCED_PART: usize = 1 << 12;

/// A run of per-sample stages, or one dense stage.
pub(super) struct Segment<T> {
    /// Its stages within the model.
    pub(super) stages: Range<usize>,
    /// Values of one sample's output.
    pub(super) len: usize,
    /// Output of the last stage, for a whole batch.
    pub(super) output: Vec<T>,
    /// Gradient of that output. The writer closes the gate of the last stage.
    pub(super) gradient: Vec<T>,
    pub(super) chunks: Vec<Chunk<T>>,
    /// The kernel copies of each stage.
    pub(super) kernels: Vec<KernelCopies<T>>,
    /// The sum of the chunks' gradients of one parameter.
    sums: Vec<T>,
}

impl<T: Real> Segment<T> {
    /// Cuts `stages` into segments with buffers for `capacity` samples.
    pub(super) fn cut(stages: &[Stage], capacity: usize) -> Vec<Self> {
        let is_dense = |stage: &Stage| matches!(stage.kind, StageKind::Dense { .. });
        let mut segments: Vec<Self> = Vec::new();
        let mut start = 0;
        for run in stages.chunk_by(|a, b| !is_dense(a) && !is_dense(b)) {
            let len = run[run.len() - 1].len;
            segments.push(Self {
                stages: start..start + run.len(),
                len,
                output: vec![T::zero(); capacity * len],
                gradient: vec![T::zero(); capacity * len],
                chunks: (0..capacity.div_ceil(CHUNK)).map(|_| Chunk::new(run)).collect(),
                kernels: run.iter().map(KernelCopies::new).collect(),
                sums: vec![T::zero(); run.iter().map(Stage::gradient_len).max().unwrap_or(0)],
            });
            start += run.len();
        }
        segments
    }

    /// Takes `input` through the segment.
    pub(super) fn forward(&mut self, pass: &Pass<'_, T>, input: &[T]) -> Result<(), NnError> {
        let stage = &pass.stages[0];
        let count = input.len() / stage.input_len;
        let output = &mut self.output[..count * self.len];
        if let StageKind::Dense { inputs, outputs } = stage.kind {
            let clock = pass.profile.start();
            let (kernel, bias) = weights(pass.params, stage);
            let output = row_major_mut(output, outputs);
            dense::forward(kernel, bias, stage.fused_relu(), row_major(input, inputs), output);
            self.finish_dense(pass, count);
            pass.profile.add_forward(pass.first, clock);
        } else {
            for (copies, stage) in self.kernels.iter_mut().zip(pass.stages) {
                copies.fill(stage, pass.params);
            }
            let pass = &Pass { kernels: &self.kernels, ..*pass };
            let inputs = input.par_chunks(CHUNK * stage.input_len);
            let outputs = output.par_chunks_mut(CHUNK * self.len);
            let chunks = self.chunks.par_iter_mut();
            inputs.zip(outputs).zip(chunks).enumerate().for_each(|(index, ((input, output), chunk))| {
                chunk.forward(pass, input, output, index * CHUNK);
            });
        }
        // The error of the first chunk is reported, whichever thread met its error first.
        let used = count.div_ceil(CHUNK);
        self.chunks[..used].iter_mut().find_map(|chunk| chunk.error.take()).map_or(Ok(()), Err)
    }

    /// The input of stage `index` of this segment in the last forward pass, one slice for each sample, in order.
    /// `input` and `count` are those of the segment. The stage is a convolution or dense.
    pub(super) fn fed<'a>(&'a self, index: usize, len: usize, input: &'a [T], count: usize) -> Vec<&'a [T]> {
        match index {
            0 => input.chunks_exact(len).take(count).collect(),
            _ => self.chunks.iter().flat_map(|chunk| chunk.fed(index).chunks_exact(len)).take(count).collect(),
        }
    }

    /// Activation pruning after a dense stage, and a relu after that.
    fn finish_dense(&mut self, pass: &Pass<'_, T>, count: usize) {
        let stage = &pass.stages[0];
        if stage.prune.is_none() {
            return;
        }
        let outputs = self.output[..count * self.len].par_chunks_mut(CHUNK * self.len);
        outputs.zip(self.chunks.par_iter_mut()).enumerate().for_each(|(index, (output, chunk))| {
            chunk.error = chunk.finish_dense(pass, output, index * CHUNK).err();
        });
    }

    /// Takes the gradient of the segment's output back. Writes the gradients of its parameters, and that of its input
    /// if one is asked for.
    pub(super) fn backward(
        &mut self,
        pass: &Pass<'_, T>,
        input: &[T],
        input_gradient: Option<(&mut [T], &Gates<'_, T>)>,
        gradients: &mut dyn ParamSet<T>,
    ) {
        let stage = &pass.stages[0];
        let count = input.len() / stage.input_len;
        let (output, gradient) = (&self.output[..count * self.len], &self.gradient[..count * self.len]);
        if let (StageKind::Dense { inputs, outputs }, Some(kernel)) = (stage.kind, stage.kernel) {
            let clock = pass.profile.start();
            dense::backward_bias(gradient, gradients.values_mut(kernel + 1));
            let order = gradients.order();
            dense::backward(
                weights(pass.params, stage).0,
                row_major(input, inputs),
                row_major(gradient, outputs),
                (gradients.matrix_mut(kernel), order),
                input_gradient.map(|(gradient, gates)| (row_major_mut(gradient, inputs), gates)),
            );
            pass.profile.add_backward(pass.first, clock);
            return;
        }
        let (stages, pass) = (pass.stages, &Pass { kernels: &self.kernels, ..*pass });
        let inputs = input.par_chunks(CHUNK * stage.input_len);
        let outputs = output.par_chunks(CHUNK * self.len).zip(gradient.par_chunks(CHUNK * self.len));
        let chunks = inputs.zip(outputs).zip(self.chunks.par_iter_mut());
        match input_gradient {
            None => chunks.for_each(|((input, (output, gradient)), chunk)| {
                chunk.backward(pass, input, output, gradient, None);
            }),
            Some((target, gates)) => {
                let targets = target.par_chunks_mut(CHUNK * stage.input_len);
                let chunks = chunks.zip(targets).enumerate();
                chunks.for_each(|(index, (((input, (output, gradient)), chunk), target))| {
                    let gates = |sample: usize| gates(index * CHUNK + sample);
                    chunk.backward(pass, input, output, gradient, Some((target, &gates)));
                });
            }
        }
        self.reduce(stages, count.div_ceil(CHUNK), gradients);
    }

    /// Adds up the chunks' gradients, from the first chunk to the last.
    fn reduce(&mut self, stages: &[Stage], used: usize, gradients: &mut dyn ParamSet<T>) {
        let (chunks, sums) = (&self.chunks[..used], &mut self.sums);
        for (index, stage) in stages.iter().enumerate() {
            let Some(kernel) = stage.kernel else { continue };
            for offset in 0..2 {
                let mut target = gradients.matrix_mut(kernel + offset);
                let sums = &mut sums[..target.len()];
                sums.par_chunks_mut(REDUCED_PART).enumerate().for_each(|(part, sums)| {
                    let start = part * REDUCED_PART;
                    let range = start..start + sums.len();
                    sums.fill(T::zero());
                    chunks.iter().for_each(|chunk| add_rows(sums, &chunk.params(index)[offset][range.clone()]));
                });
                let columns = target.ncols();
                target.assign(&row_major(sums, columns));
            }
        }
    }
}

/// Kernel and bias of a stage that has them.
fn weights<'a, T: Real>(params: &'a dyn ParamSet<T>, stage: &Stage) -> (ArrayView2<'a, T>, &'a [T]) {
    match stage.kernel {
        Some(kernel) => (params.matrix(kernel), params.values(kernel + 1)),
        None => unreachable!("{} has no parameters", stage.name),
    }
}
