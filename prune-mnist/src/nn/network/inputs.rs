//! The norms of the inputs of each kernel.

use std::borrow::Cow;

use prune_core::{LayerRef, Layers, PlainTensor};
use rayon::prelude::*;

use super::Network;
use crate::nn::error::NnError;
use crate::nn::plan::{Stage, StageKind};
use crate::nn::real::Real;
use crate::nn::spec::ParamSpec;
use crate::nn::storage::ParamSet;

/// The L2 norm of each input of each kernel over some samples. Wanda (Sun et al. 2023) multiplies magnitudes by
/// these.
///
/// A kernel's name (`Conv_0-kernel`, `Dense_1-kernel`) leads to a tensor of the kernel's shape without its last axis,
/// the features: (inputs) for a dense kernel, (height, width, input channels) for a convolution's. A norm is zero if
/// the input was always zero, and not finite if the input was not.
///
/// As [`Layers`], it is the evidence for pruning by such norms.
#[derive(Clone, Debug, PartialEq)]
pub struct InputNorms {
    kernels: Vec<(String, PlainTensor<f64>)>,
}

impl InputNorms {
    /// Names and norms, in the order of the model.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &PlainTensor<f64>)> {
        self.kernels.iter().map(|(name, norms)| (name.as_str(), norms))
    }

    /// The norms of the inputs of the kernel with this name.
    #[must_use]
    pub fn get(&self, kernel: &str) -> Option<&PlainTensor<f64>> {
        self.iter().find(|(name, _)| *name == kernel).map(|(_, norms)| norms)
    }
}

impl Layers for InputNorms {
    fn layers(&self) -> Vec<(Cow<'_, str>, LayerRef<'_>)> {
        self.iter().map(|(name, norms)| (Cow::Borrowed(name), LayerRef::of(norms))).collect()
    }
}

impl<T: Real> Network<T> {
    /// The norm of each input of each kernel over `images`, in the order of the model. `images` has the form that
    /// [`gradients`](Self::gradients) takes, but may be larger than a batch.
    ///
    /// An input of a convolution is a place under its kernel. Its norm is over all output pixels of all images, and
    /// places outside an image count as zero. Inputs are those that the network with `params` and its activation
    /// pruners meets: if earlier layers are pruned already, these are their outputs.
    ///
    /// Squares are summed in f64, over the pixels of an image and then over the images, both in their order. So the
    /// norms are the same bit for bit at any number of threads, and for any capacity up to the rounding of the
    /// forward pass. The cost is that of a forward pass, and an addition for each value under a kernel at each of its
    /// places.
    ///
    /// # Errors
    /// [`NnError::EmptyBatch`] without images, [`NnError::PartSample`], parameters that do not fit the model; or the error
    /// of an activation pruner.
    ///
    /// # Examples
    /// ```
    /// use prune_mnist::nn::{Initialisation, ModelSpec, Network, NdarrayParams, initial_parameters};
    ///
    /// let mut network = Network::<f32>::new(&ModelSpec::mlp(), 128)?;
    /// let params: NdarrayParams<f32> = initial_parameters(network.parameters(), Initialisation::default(), 42);
    /// let mut images = vec![0.0; 2 * 784];
    /// (images[10], images[784 + 10]) = (0.3, 0.4);
    /// let norms = network.input_norms(&params, &images)?;
    /// let pixels = norms.get("Dense_0-kernel").unwrap().values();
    /// assert_eq!(pixels.len(), 784);
    /// assert!((pixels[10] - 0.5).abs() < 1e-7);
    /// assert_eq!(pixels[11], 0.0);
    /// # Ok::<(), prune_mnist::nn::NnError>(())
    /// ```
    pub fn input_norms(&mut self, params: &dyn ParamSet<T>, images: &[T]) -> Result<InputNorms, NnError> {
        params.check("parameters", &self.plan.params)?;
        let sample = self.plan.input_len;
        if images.is_empty() {
            return Err(NnError::EmptyBatch);
        }
        if !images.len().is_multiple_of(sample) {
            return Err(NnError::PartSample { values: images.len(), sample });
        }
        let kernels: Vec<ParamSpec> = self
            .plan
            .stages
            .iter()
            .filter_map(|stage| stage.kernel)
            .map(|kernel| self.plan.params[kernel].clone())
            .collect();
        let mut all: Vec<Vec<f64>> = kernels.iter().map(|spec| vec![0.0; spec.rows]).collect();
        for batch in images.chunks(self.capacity * sample) {
            self.propagate(params, batch)?;
            let count = batch.len() / sample;
            let mut sums = all.iter_mut();
            for (index, segment) in self.segments.iter().enumerate() {
                let input = match index.checked_sub(1) {
                    None => batch,
                    Some(before) => &self.segments[before].output[..],
                };
                for (place, stage) in self.plan.stages[segment.stages.clone()].iter().enumerate() {
                    if stage.kernel.is_none() {
                        continue;
                    }
                    let fed = segment.fed(place, stage.input_len, input, count);
                    let squares: Vec<Vec<f64>> = fed.into_par_iter().map(|image| squares(stage, image)).collect();
                    let Some(sums) = sums.next() else { continue };
                    for squares in squares {
                        sums.iter_mut().zip(squares).for_each(|(sum, square)| *sum += square);
                    }
                }
            }
        }
        let norms = kernels.into_iter().zip(all).map(|(spec, mut norms)| {
            norms.iter_mut().for_each(|sum| *sum = sum.sqrt());
            let inputs = &spec.shape[..spec.shape.len() - 1];
            let norms = PlainTensor::from_logical(inputs, norms)
                .unwrap_or_else(|error| unreachable!("a kernel has a row for each input: {error}"));
            (spec.name.clone(), norms)
        });
        Ok(InputNorms { kernels: norms.collect() })
    }
}

/// The square of each input of a stage's kernel, summed over one sample.
fn squares<T: Real>(stage: &Stage, image: &[T]) -> Vec<f64> {
    match stage.kind {
        StageKind::Conv(shape) => shape.tap_squares(image),
        StageKind::Dense { .. } => image.iter().map(|value| Real::to_f64(*value).powi(2)).collect(),
        StageKind::Pool(_) => unreachable!("{} has no kernel", stage.name),
    }
}
