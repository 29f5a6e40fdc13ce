//! Initial values of parameters.

use rand_distr::{Distribution, StandardNormal};
use serde::{Deserialize, Serialize};

use super::real::Real;
use super::spec::{ParamKind, ParamSpec};
use super::storage::ParamStorage;
use crate::rng::{Purpose, stream};

/// The distribution of initial kernels. Biases start at zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Initialisation {
    /// Variance 1 / fan-in, from a normal distribution cut off at two standard deviations: the default of Flax, and
    /// therefore of the original project.
    #[default]
    LecunNormal,
    /// Variance 2 / fan-in, cut off likewise; made for relu.
    HeNormal,
    /// Variance 2 / (fan-in + fan-out), cut off likewise (Glorot and Bengio 2010); the fan-out of a convolution is its
    /// features times the pixels under its kernel.
    GlorotNormal,
}

impl Initialisation {
    fn variance(self, spec: &ParamSpec) -> f64 {
        let fan_in = spec.fan_in as f64;
        match self {
            Self::LecunNormal => 1.0 / fan_in,
            Self::HeNormal => 2.0 / fan_in,
            Self::GlorotNormal => {
                let pixels: usize = spec.shape[..spec.shape.len().saturating_sub(2)].iter().product();
                2.0 / (fan_in + (pixels * spec.columns) as f64)
            }
        }
    }
}

/// The standard deviation of a standard normal distribution cut off at two. Dividing the scale by it gives the wanted
/// variance after the cut.
const CUT_DEVIATION: f64 = 0.879_625_661_034_239_8;

/// The parameters of a model before training. Every backend gets the same values at the same logical places, and each
/// parameter has its own stream of random numbers.
///
/// # Examples
/// ```
/// use prune_mnist::nn::{Initialisation, ModelSpec, NdarrayParams, initial_parameters};
///
/// let specs = ModelSpec::mlp().parameters()?;
/// let params: NdarrayParams<f32> = initial_parameters(&specs, Initialisation::LecunNormal, 42);
/// assert_eq!(params, initial_parameters(&specs, Initialisation::LecunNormal, 42));
/// # Ok::<(), prune_mnist::nn::NnError>(())
/// ```
#[must_use]
pub fn initial_parameters<T: Real, P: ParamStorage<T>>(
    specs: &[ParamSpec],
    initialisation: Initialisation,
    seed: u64,
) -> P {
    let mut params = P::zeros(specs);
    for (index, spec) in specs.iter().enumerate() {
        if spec.kind == ParamKind::Bias {
            continue;
        }
        let scale = initialisation.variance(spec).sqrt() / CUT_DEVIATION;
        let mut generator = stream(seed, Purpose::Initialisation(index as u32));
        let mut draw = || {
            loop {
                let value: f64 = StandardNormal.sample(&mut generator);
                if value.abs() < 2.0 {
                    return T::from_f64(value * scale);
                }
            }
        };
        // Drawn in logical order, so that the layout does not decide which element gets which value.
        let set: &mut dyn super::storage::ParamSet<T> = &mut params;
        set.matrix_mut(index).indexed_iter_mut().for_each(|(_, element)| *element = draw());
    }
    params
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::nn::backends::{NalgebraParams, NdarrayParams};
    use crate::nn::spec::ModelSpec;
    use crate::nn::storage::ParamSet;

    #[test]
    fn kernels_have_the_variance_asked_and_biases_are_zero() {
        let specs = ModelSpec::cnn().parameters().unwrap();
        for (initialisation, gain) in [(Initialisation::LecunNormal, 1.0), (Initialisation::HeNormal, 2.0)] {
            let params: NdarrayParams<f32> = initial_parameters(&specs, initialisation, 7);
            for (index, spec) in specs.iter().enumerate() {
                let values = params.values(index);
                if spec.kind == ParamKind::Bias {
                    assert!(values.iter().all(|&v| v == 0.0));
                    continue;
                }
                let count = values.len() as f64;
                let mean = values.iter().map(|v| v.to_f64()).sum::<f64>() / count;
                let variance = values.iter().map(|v| (v.to_f64() - mean).powi(2)).sum::<f64>() / count;
                let ratio = variance * spec.fan_in as f64 / gain;
                // Five standard errors of a sample variance, generously.
                let tolerance = 5.0 * (2.0 / count).sqrt();
                assert!((ratio - 1.0).abs() < tolerance, "{}: {ratio}", spec.name);
                let bound = (2.0 * (gain / spec.fan_in as f64).sqrt() / CUT_DEVIATION) as f32;
                assert!(values.iter().all(|v| v.abs() <= bound));
            }
        }
    }

    #[test]
    fn glorots_variance_is_between_fan_in_and_fan_out() {
        let specs = ModelSpec::cnn().parameters().unwrap();
        let params: NdarrayParams<f32> = initial_parameters(&specs, Initialisation::GlorotNormal, 7);
        // (3, 3, 32, 64) and (3136, 256).
        for (index, variance) in [(2, 2.0 / (288.0 + 576.0)), (4, 2.0 / (3136.0 + 256.0))] {
            let values = params.values(index);
            let squares: f64 = values.iter().map(|&value| f64::from(value).powi(2)).sum();
            let ratio = squares / values.len() as f64 / variance;
            assert!((ratio - 1.0).abs() < 5.0 * (2.0 / values.len() as f64).sqrt(), "{ratio}");
        }
    }

    #[test]
    fn both_backends_get_the_same_logical_values_and_seeds_differ() {
        let specs = ModelSpec::mlp().parameters().unwrap();
        let rows: NdarrayParams<f32> = initial_parameters(&specs, Initialisation::LecunNormal, 1);
        let columns: NalgebraParams<f32> = initial_parameters(&specs, Initialisation::LecunNormal, 1);
        for index in 0..specs.len() {
            let (rows, columns): (&dyn ParamSet<f32>, &dyn ParamSet<f32>) = (&rows, &columns);
            assert_eq!(rows.matrix(index), columns.matrix(index));
        }
        let other: NdarrayParams<f32> = initial_parameters(&specs, Initialisation::LecunNormal, 2);
        assert_ne!(rows, other);
    }
}
