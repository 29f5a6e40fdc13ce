//! Scores of classes: a norm over all their slices, or a random number.

use prune_core::draw;

use crate::classes::{ClassId, Classes};
use crate::error::GraphError;
use crate::tensor::TensorId;

/// The score that ranks the classes of a family. Higher scores stay longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClassScore {
    /// The Euclidean norm over all slices of the class.
    #[default]
    L2,
    /// The sum of absolute values over all slices of the class.
    L1,
    /// A random number from the seed, the name of the first member's tensor, and its index.
    Random {
        /// The seed.
        seed: u64,
    },
}

/// Values of constants, read on demand.
pub trait Weights {
    /// Calls `visit` with the values of a constant, in pieces, in logical order.
    ///
    /// # Errors
    ///
    /// A message that says what cannot be read.
    fn visit(&self, tensor: TensorId, visit: &mut dyn FnMut(&[f64])) -> Result<(), String>;
}

impl Classes {
    /// A score for each class; classes that are not ranked get 0. Sums run in f64, slice by slice, each in logical
    /// order, over tensors in the order of their names. So the result does not depend on how values are stored.
    ///
    /// # Errors
    ///
    /// [`GraphError::Nan`] for a NaN in a slice of a ranked class, [`GraphError::ValueCount`] and
    /// [`GraphError::Unreadable`].
    ///
    /// # Complexity
    ///
    /// One pass over the constants, times their rank.
    pub fn scores(&self, score: ClassScore, weights: &dyn Weights) -> Result<Vec<f64>, GraphError> {
        let mut scores = vec![0.0; self.bound()];
        if let ClassScore::Random { seed } = score {
            for class in self.families().iter().flat_map(|family| family.classes()) {
                if let Some((axis, index)) = self.first_member(*class) {
                    scores[class.index()] = draw(seed, self.name(axis.tensor), index as u64);
                }
            }
            return Ok(scores);
        }
        for &tensor in self.tensors() {
            if self.is_weight(tensor) {
                self.add_slices(tensor, score, weights, &mut scores)?;
            }
        }
        if score == ClassScore::L2 {
            scores.iter_mut().for_each(|score| *score = score.sqrt());
        }
        Ok(scores)
    }

    fn add_slices(
        &self,
        tensor: TensorId,
        score: ClassScore,
        weights: &dyn Weights,
        scores: &mut [f64],
    ) -> Result<(), GraphError> {
        let shape: Vec<usize> = self.sizes(tensor).iter().map(|n| n.unwrap_or(0)).collect();
        let free: Vec<usize> = (0..shape.len())
            .filter(|&axis| (0..shape[axis]).any(|i| self.class_of(tensor.axis(axis), i).is_some()))
            .collect();
        if free.is_empty() {
            return Ok(());
        }
        let inner: Vec<usize> =
            (0..shape.len()).map(|axis| shape[axis + 1..].iter().fold(1usize, |p, &n| p.saturating_mul(n))).collect();
        let mut sums: Vec<Vec<f64>> = shape.iter().map(|&n| vec![0.0; n]).collect();
        let wanted: u128 = shape.iter().map(|&n| n as u128).product();
        let mut at = 0usize;
        let mut got = 0u128;
        let read = weights.visit(tensor, &mut |values| {
            got += values.len() as u128;
            if got > wanted {
                return;
            }
            for &value in values {
                let term = if score == ClassScore::L1 { value.abs() } else { value * value };
                for &axis in &free {
                    sums[axis][at / inner[axis] % shape[axis]] += term;
                }
                at += 1;
            }
        });
        let name = || self.name(tensor).to_owned();
        read.map_err(|why| GraphError::Unreadable { name: name(), why })?;
        if got != wanted {
            return Err(GraphError::ValueCount { name: name(), got, wanted });
        }
        for axis in free {
            for (index, &sum) in sums[axis].iter().enumerate() {
                let Some(ClassId(class)) = self.class_of(tensor.axis(axis), index) else { continue };
                if sum.is_nan() {
                    return Err(GraphError::Nan { name: name(), axis, index });
                }
                scores[class as usize] += sum;
            }
        }
        Ok(())
    }
}
