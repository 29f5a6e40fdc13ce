//! Adam.

use rayon::prelude::*;

use super::{Optimiser, PART};
use crate::nn::error::NnError;
use crate::nn::real::Real;
use crate::nn::simd::vectorised;
use crate::nn::spec::ParamSpec;
use crate::nn::storage::{ParamSet, ParamStorage};

/// Adam (Kingma and Ba 2015, algorithm 1): the mean of the gradients over the root of the mean of their squares. Both
/// are running means, corrected for starting at zero.
///
/// ```text
/// m = 0.9 m + 0.1 g      v = 0.999 v + 0.001 g^2
/// w -= rate * (m / (1 - 0.9^t)) / (sqrt(v / (1 - 0.999^t)) + 1e-8)      t = 1, 2, ...
/// ```
///
/// There is no weight decay. An element whose gradients were all zero does not move: its m and v stay zero, and
/// 0 / (0 + 1e-8) is 0. So masked gradients are enough to keep zeros zero, in the weights and in both buffers.
///
/// # Examples
/// ```
/// use prune_mnist::nn::{Adam, ModelSpec, NdarrayParams, Optimiser, ParamSet, ParamStorage};
///
/// let specs = ModelSpec::mlp().parameters()?;
/// let mut params = NdarrayParams::<f32>::zeros(&specs);
/// let mut gradients = NdarrayParams::<f32>::zeros(&specs);
/// gradients.values_mut(1)[..2].copy_from_slice(&[1000.0, -0.001]);
/// let mut adam = Adam::new(&specs);
/// adam.step(&mut params, &gradients, 0.1)?;
/// // The first step is as long as the rate, whatever the gradient's size.
/// assert!((params.values(1)[0] + 0.1).abs() < 1e-5 && (params.values(1)[1] - 0.1).abs() < 1e-5);
/// assert_eq!(params.values(1)[2], 0.0);
/// # Ok::<(), prune_mnist::nn::NnError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Adam<P> {
    specs: Vec<ParamSpec>,
    mean: P,
    square: P,
    steps: u64,
}

/// The share that each step keeps of the running mean of gradients.
const BETA_1: f64 = 0.9;
/// The share that each step keeps of the running mean of their squares.
const BETA_2: f64 = 0.999;
/// A small number that keeps the quotient finite.
const EPSILON: f64 = 1e-8;

impl<P> Adam<P> {
    /// An optimiser at rest for the model with these parameters.
    #[must_use]
    pub fn new<T: Real>(specs: &[ParamSpec]) -> Self
    where
        P: ParamStorage<T>,
    {
        Self { specs: specs.to_vec(), mean: P::zeros(specs), square: P::zeros(specs), steps: 0 }
    }
}

impl<T: Real, P: ParamStorage<T>> Optimiser<T, P> for Adam<P> {
    fn step(&mut self, params: &mut P, gradients: &P, rate: T) -> Result<(), NnError> {
        (params as &dyn ParamSet<T>).check("parameters", &self.specs)?;
        (gradients as &dyn ParamSet<T>).check("gradients", &self.specs)?;
        (&self.mean as &dyn ParamSet<T>).check("mean", &self.specs)?;
        (&self.square as &dyn ParamSet<T>).check("square", &self.specs)?;
        self.steps = self.steps.saturating_add(1);
        let corrections = Corrections::at(self.steps, rate);
        for index in 0..self.specs.len() {
            let weights = params.values_mut(index).par_chunks_mut(PART);
            let means = self.mean.values_mut(index).par_chunks_mut(PART);
            let squares = self.square.values_mut(index).par_chunks_mut(PART);
            let gradients = gradients.values(index).par_chunks(PART);
            weights.zip(means).zip(squares).zip(gradients).for_each(|(((weights, means), squares), gradients)| {
                descend(weights, means, squares, gradients, corrections);
            });
        }
        Ok(())
    }

    fn buffers(&self) -> Vec<(&'static str, &P)> {
        vec![("mean", &self.mean), ("square", &self.square)]
    }

    fn buffers_mut(&mut self) -> Vec<(&'static str, &mut P)> {
        vec![("mean", &mut self.mean), ("square", &mut self.square)]
    }
}

/// The factors of a step, computed in f64 so that the powers lose nothing.
#[derive(Clone, Copy)]
struct Corrections<T> {
    /// The rate over the correction of the mean.
    rate: T,
    /// One over the root of the squares' correction.
    root: T,
}

impl<T: Real> Corrections<T> {
    fn at(step: u64, rate: T) -> Self {
        // Both powers are 0 long before the exponent is cut off.
        let power = |beta: f64| 1.0 - beta.powi(i32::try_from(step).unwrap_or(i32::MAX));
        Self { rate: T::from_f64(rate.to_f64() / power(BETA_1)), root: T::from_f64(1.0 / power(BETA_2).sqrt()) }
    }
}

vectorised! {
    fn descend<'a, T>(
        weights: &'a mut [T],
        means: &'a mut [T],
        squares: &'a mut [T],
        gradients: &'a [T],
        corrections: Corrections<T>,
    ) {
        let [beta_1, beta_2, epsilon] = [BETA_1, BETA_2, EPSILON].map(T::from_f64);
        let [rest_1, rest_2] = [1.0 - BETA_1, 1.0 - BETA_2].map(T::from_f64);
        let Corrections { rate, root } = corrections;
        let buffers = means.iter_mut().zip(squares);
        for ((weight, (mean, square)), &gradient) in weights.iter_mut().zip(buffers).zip(gradients) {
            *mean = beta_1 * *mean + rest_1 * gradient;
            *square = beta_2 * *square + rest_2 * (gradient * gradient);
            *weight -= rate * *mean / (square.sqrt() * root + epsilon);
        }
    }
}

#[cfg(test)]
mod tests;
