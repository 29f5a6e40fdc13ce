//! Optimisers. Their buffers are sets of parameters like the weights themselves, so that whatever is done to the
//! weights by name (holding pruned ones at zero above all) can be done to every buffer.

use rayon::prelude::*;

use super::error::NnError;
use super::real::Real;
use super::simd::vectorised;
use super::spec::{ParamKind, ParamSpec};
use super::storage::{ParamSet, ParamStorage};

/// Moves parameters against their gradients.
pub trait Optimiser<T: Real, P: ParamStorage<T>> {
    /// One step with learning rate `rate`.
    ///
    /// # Errors
    /// Parameters or gradients that are not of the model this optimiser was made for; nothing is written then.
    fn step(&mut self, params: &mut P, gradients: &P, rate: T) -> Result<(), NnError>;

    /// Every buffer with its name; each has one tensor a parameter.
    fn buffers(&self) -> Vec<(&'static str, &P)>;

    /// Every buffer with its name, to write.
    fn buffers_mut(&mut self) -> Vec<(&'static str, &mut P)>;
}

/// Stochastic gradient descent with momentum: `v = momentum * v + g`, then `w -= rate * v`, where g is the gradient plus
/// `weight_decay * w` for kernels. This is the form of PyTorch and Optax without dampening or Nesterov's variant.
///
/// # Examples
/// ```
/// use prune_mnist::nn::{ModelSpec, NdarrayParams, Optimiser, ParamSet, ParamStorage, Sgd};
///
/// let specs = ModelSpec::mlp().parameters()?;
/// let mut params = NdarrayParams::<f32>::zeros(&specs);
/// let mut gradients = NdarrayParams::<f32>::zeros(&specs);
/// gradients.values_mut(1)[0] = 1.0;
/// let mut sgd = Sgd::new(&specs, 0.9, 0.0);
/// sgd.step(&mut params, &gradients, 0.1)?;
/// sgd.step(&mut params, &gradients, 0.1)?;
/// assert!((params.values(1)[0] + 0.1 * (1.0 + 1.9)).abs() < 1e-6);
/// # Ok::<(), prune_mnist::nn::NnError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Sgd<T, P> {
    specs: Vec<ParamSpec>,
    velocity: P,
    momentum: T,
    weight_decay: T,
}

/// Elements that one thread updates at a time: enough to outweigh handing them out, few enough to share a layer.
const PART: usize = 1 << 15;

impl<T: Real, P: ParamStorage<T>> Sgd<T, P> {
    /// An optimiser at rest for the model with these parameters.
    #[must_use]
    pub fn new(specs: &[ParamSpec], momentum: T, weight_decay: T) -> Self {
        Self { specs: specs.to_vec(), velocity: P::zeros(specs), momentum, weight_decay }
    }
}

impl<T: Real, P: ParamStorage<T>> Optimiser<T, P> for Sgd<T, P> {
    fn step(&mut self, params: &mut P, gradients: &P, rate: T) -> Result<(), NnError> {
        (params as &dyn ParamSet<T>).check("parameters", &self.specs)?;
        (gradients as &dyn ParamSet<T>).check("gradients", &self.specs)?;
        (&self.velocity as &dyn ParamSet<T>).check("momentum", &self.specs)?;
        for (index, spec) in self.specs.iter().enumerate() {
            let decay = if spec.kind == ParamKind::Kernel { self.weight_decay } else { T::zero() };
            let momentum = self.momentum;
            let weights = params.values_mut(index).par_chunks_mut(PART);
            let velocities = self.velocity.values_mut(index).par_chunks_mut(PART);
            weights.zip(velocities).zip(gradients.values(index).par_chunks(PART)).for_each(
                |((weights, velocities), gradients)| {
                    descend(weights, velocities, gradients, momentum, decay, rate);
                },
            );
        }
        Ok(())
    }

    fn buffers(&self) -> Vec<(&'static str, &P)> {
        vec![("momentum", &self.velocity)]
    }

    fn buffers_mut(&mut self) -> Vec<(&'static str, &mut P)> {
        vec![("momentum", &mut self.velocity)]
    }
}

vectorised! {
    fn descend<'a, T>(
        weights: &'a mut [T],
        velocities: &'a mut [T],
        gradients: &'a [T],
        momentum: T,
        decay: T,
        rate: T,
    ) {
        for ((weight, velocity), &gradient) in weights.iter_mut().zip(velocities).zip(gradients) {
            *velocity = momentum * *velocity + (gradient + decay * *weight);
            *weight -= rate * *velocity;
        }
    }
}

/// The learning rate of step `step` of `steps`, counted from 0: `start` at first, falling linearly to 0.
///
/// The step that would have rate 0 is the one after the last.
///
/// # Examples
/// ```
/// use prune_mnist::nn::linear_rate;
///
/// assert_eq!(linear_rate(0.1, 0, 4), 0.1);
/// assert_eq!(linear_rate(0.1, 2, 4), 0.05);
/// assert_eq!(linear_rate(0.1, 4, 4), 0.0);
/// ```
#[must_use]
pub fn linear_rate(start: f64, step: u64, steps: u64) -> f64 {
    if step >= steps {
        return 0.0;
    }
    start * ((steps - step) as f64 / steps as f64)
}

/// The learning rate of step `step` of `steps`, counted from 0: `start` at first, falling to 0 along half a cosine
/// (Loshchilov and Hutter 2017, without their restarts).
///
/// The step that would have rate 0 is the one after the last.
///
/// # Examples
/// ```
/// use prune_mnist::nn::cosine_rate;
///
/// assert_eq!(cosine_rate(0.1, 0, 4), 0.1);
/// assert!((cosine_rate(0.1, 2, 4) - 0.05).abs() < 1e-12);
/// assert_eq!(cosine_rate(0.1, 4, 4), 0.0);
/// ```
#[must_use]
pub fn cosine_rate(start: f64, step: u64, steps: u64) -> f64 {
    if step >= steps {
        return 0.0;
    }
    let share = step as f64 / steps as f64;
    start * 0.5 * (1.0 + (std::f64::consts::PI * share).cos())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::nn::backends::NdarrayParams;
    use crate::nn::spec::{Layer, ModelSpec};

    #[test]
    fn weight_decay_pulls_kernels_and_leaves_biases() {
        let specs = ModelSpec::new("m", [1, 1, 2], vec![Layer::Dense { features: 1 }]).parameters().unwrap();
        let (mut params, gradients) = (NdarrayParams::<f64>::zeros(&specs), NdarrayParams::<f64>::zeros(&specs));
        params.values_mut(0).fill(2.0);
        params.values_mut(1).fill(2.0);
        let mut sgd = Sgd::new(&specs, 0.5, 0.1);
        sgd.step(&mut params, &gradients, 1.0).unwrap();
        assert!((params.values(0)[1] - 1.8).abs() < 1e-12);
        assert_eq!(params.values(1), [2.0]);
        assert!((sgd.buffers()[0].1.values(0)[0] - 0.2).abs() < 1e-12);
        sgd.buffers_mut()[0].1.values_mut(0).fill(0.0);
        assert_eq!(sgd.buffers()[0].1.values(0), [0.0, 0.0]);
    }

    #[test]
    fn another_models_gradients_are_refused_before_a_write() {
        let specs = |features| ModelSpec::new("m", [1, 1, 2], vec![Layer::Dense { features }]).parameters().unwrap();
        let mut params = NdarrayParams::<f32>::zeros(&specs(3));
        let mut sgd = Sgd::new(&specs(3), 0.9, 0.0);
        let message = sgd.step(&mut params, &NdarrayParams::zeros(&specs(4)), 0.1).unwrap_err().to_string();
        assert_eq!(message, "gradients `Dense_0-kernel` has 8 values; the model's has 6 ([2, 3])");
        let other = ModelSpec::mlp().parameters().unwrap();
        let message = sgd.step(&mut NdarrayParams::zeros(&other), &params.clone(), 0.1).unwrap_err().to_string();
        assert_eq!(message, "parameters: 6 tensors, but the model has 2");
    }
}
