//! Stochastic gradient descent.

use rayon::prelude::*;

use super::{Optimiser, PART};
use crate::nn::error::NnError;
use crate::nn::real::Real;
use crate::nn::simd::vectorised;
use crate::nn::spec::{ParamKind, ParamSpec};
use crate::nn::storage::{ParamSet, ParamStorage};

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
