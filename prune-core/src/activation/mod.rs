//! Pruning activations inside a model's forward pass.
//!
//! The mask of the forward pass is kept for the backward pass, which lets gradient through kept elements only.

mod report;
mod sample;

pub use report::ActivationReport;
pub use sample::{ActivationRule, Scratch, prune_sample, zero_outside};

use half::{bf16, f16};

use crate::bits::copy_run;
use crate::density::Density;
use crate::error::{Error, ErrorKind};
use crate::layout::unravel;
use crate::mask::Mask;
use crate::n_m::NmPattern;
use crate::tensor::{Element, LayerMut, LentMut};
use crate::walk;

/// The activations that one ranking spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ActivationScope {
    /// Each sample (each index of axis 0) alone, so that a prediction does not depend on its batch.
    #[default]
    PerSample,
    /// The whole tensor at once, as jax_pruning intends.
    WholeTensor,
}

/// Prunes activations in place and reuses its mask and scratch memory from call to call. Once these have grown to the
/// size of a batch, pruning allocates nothing of that size, if the activations lie in one piece of memory.
///
/// The successor of jax_pruning's `prune_act_unstruct` and `prune_act_struct`. Every backend also has these two as
/// methods on tensors, which allocate.
///
/// # Examples
///
/// ```
/// use prune_core::{ActivationPruner, Density, LayerMut, PlainTensor};
///
/// // Two samples of four activations; half of each is kept.
/// let mut x = PlainTensor::from_logical(&[2, 4], vec![4.0f32, -1.0, 3.0, 2.0, 0.0, 0.1, 0.0, 0.0])?;
/// let mut pruner = ActivationPruner::unstructured(Density::new(0.5)?);
/// let report = pruner.prune(LayerMut::of(&mut x))?;
/// assert_eq!(x.values(), [4.0, 0.0, 3.0, 0.0, 0.0, 0.1, 0.0, 0.0]);
/// assert_eq!((report.kept, report.non_zero_before, report.non_zero_after), (4, 5, 3));
///
/// // The backward pass: gradient through kept elements only.
/// let mut gradient = PlainTensor::from_logical(&[2, 4], vec![1.0f32; 8])?;
/// pruner.mask_gradient(LayerMut::of(&mut gradient))?;
/// assert_eq!(gradient.values(), [1.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 0.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct ActivationPruner {
    rule: ActivationRule,
    scope: ActivationScope,
    mask: Mask,
    reused: ReusedMemory,
}

/// Memory that lives on from call to call. Only the element type in use takes any.
#[derive(Debug, Clone, Default)]
struct ReusedMemory {
    /// The mask of one ranking.
    bits: Vec<u64>,
    f32: ReusedMemoryOf<f32>,
    f64: ReusedMemoryOf<f64>,
    f16: ReusedMemoryOf<f16>,
    bf16: ReusedMemoryOf<bf16>,
}

#[derive(Debug, Clone, Default)]
struct ReusedMemoryOf<E: Element> {
    scratch: Scratch<E>,
    /// Activations in logical order, if memory has another order.
    logical: Vec<E>,
}

impl ActivationPruner {
    /// Keeps this density of each ranking.
    pub fn unstructured(density: Density) -> Self {
        Self::new(ActivationRule::Unstructured(density))
    }

    /// Keeps N of every M consecutive activations along the last axis.
    pub fn n_m(pattern: NmPattern) -> Self {
        Self::new(ActivationRule::Nm(pattern))
    }

    /// Follows a rule.
    pub fn new(rule: ActivationRule) -> Self {
        let mask = Mask::from_own_words(&[0], 0, Vec::new());
        ActivationPruner { rule, scope: ActivationScope::default(), mask, reused: ReusedMemory::default() }
    }

    /// The same pruner with another scope. The scope makes no difference to N:M, whose groups never leave their lane.
    #[must_use]
    pub fn with_scope(self, scope: ActivationScope) -> Self {
        ActivationPruner { scope, ..self }
    }

    /// The rule it follows.
    pub fn rule(&self) -> ActivationRule {
        self.rule
    }

    /// The scope of each ranking.
    pub fn scope(&self) -> ActivationScope {
        self.scope
    }

    /// The mask of the last call; empty before the first.
    pub fn mask(&self) -> &Mask {
        &self.mask
    }

    /// Prunes `x` in place and keeps the mask. A tensor of rank 0 or 1 is one sample.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Nan`] names the first NaN, [`ErrorKind::Layout`]; `x` is then unchanged and the mask empty.
    ///
    /// # Complexity
    ///
    /// Linear in the number of elements.
    pub fn prune(&mut self, mut x: LayerMut<'_>) -> Result<ActivationReport, Error> {
        let shape = x.shape().to_vec();
        let len = x.layout().len();
        let samples = match (self.scope, &shape[..]) {
            (ActivationScope::PerSample, [samples, _, ..]) => *samples,
            _ => 1,
        };
        let lane = shape.last().copied().unwrap_or(1);
        let mut words = core::mem::replace(&mut self.mask, Mask::from_own_words(&[0], 0, Vec::new())).into_words();
        let (rankings, ReusedMemory { bits, f32, f64, f16, bf16 }) = ((self.rule, samples, lane), &mut self.reused);
        let pruned = match &x {
            LayerMut::F32(lent) => prune(lent, rankings, &mut words, bits, f32),
            LayerMut::F64(lent) => prune(lent, rankings, &mut words, bits, f64),
            LayerMut::F16(lent) => prune(lent, rankings, &mut words, bits, f16),
            LayerMut::Bf16(lent) => prune(lent, rankings, &mut words, bits, bf16),
        };
        match pruned {
            Ok(report) => {
                let mask = Mask::from_own_words(&shape, len, words);
                x.apply_mask(&mask)?;
                self.mask = mask;
                Ok(report)
            }
            Err(Failure::Nan(index)) => Err(ErrorKind::Nan { index: unravel(index, &shape) }.into()),
            Err(Failure::Other(error)) => Err(error),
        }
    }

    /// Writes `+0.0` into a gradient where the mask of the last call is false.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ShapeMismatch`], before anything is written.
    pub fn mask_gradient(&self, mut gradient: LayerMut<'_>) -> Result<(), Error> {
        gradient.apply_mask(&self.mask)
    }
}

enum Failure {
    /// A NaN at a linear logical index.
    Nan(usize),
    Other(Error),
}

/// Fills `words` with the mask in logical order. The tuple is the rule, the number of samples and the length of a
/// lane.
fn prune<E: Element>(
    x: &LentMut<'_, E>,
    (rule, samples, lane): (ActivationRule, usize, usize),
    words: &mut Vec<u64>,
    bits: &mut Vec<u64>,
    ReusedMemoryOf { scratch, logical }: &mut ReusedMemoryOf<E>,
) -> Result<ActivationReport, Failure> {
    let lent = x.lend();
    let (layout, memory) = lent.dense().map_err(Failure::Other)?;
    // Allocate only after checking the layout.
    words.clear();
    words.resize(memory.len().div_ceil(64), 0);
    let logical = if layout.is_row_major() {
        memory
    } else {
        logical.clear();
        logical.reserve(memory.len());
        walk::logical(&layout, |position| logical.push(memory[position]));
        &logical[..]
    };
    let mut report = ActivationReport::default();
    if logical.is_empty() {
        return Ok(report);
    }
    let each = logical.len() / samples;
    bits.resize(each.div_ceil(64), 0);
    for (sample, values) in logical.chunks(each).enumerate() {
        let found = prune_sample(rule, values, lane, bits, scratch);
        report += found.map_err(|index| Failure::Nan(sample * each + index))?;
        copy_run(bits, 0, words, sample * each, each);
    }
    Ok(report)
}

#[cfg(test)]
mod tests;
