//! A sparse network of dense layers after its idle neurons are removed.

use prune_core::{CompactedLayer, DenseLayer, Layers as _, Masks, compact};
use serde::{Deserialize, Serialize};

use super::error::PaperError;
use crate::data::Split;
use crate::nn::{NdarrayParams, ParamSpec};

/// A network without idle neurons.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CompactNetwork {
    /// The number of used inputs, then the number of neurons left in each layer; the outputs, last, all stay.
    pub(super) units: Vec<usize>,
    /// The number of weights that the masks keep between them.
    pub(super) kept: usize,
    pub(super) biases: usize,
    /// The number of test images that it predicts wrongly, computed by the network itself in `f64`.
    pub(super) wrong: usize,
}

/// The number of bytes of an f32.
const BYTES: usize = 4;

impl CompactNetwork {
    /// Compacts and tests the network of these weights and masks, dense layers with relu between.
    ///
    /// # Errors
    ///
    /// Errors of [`compact`].
    pub(super) fn of(params: &NdarrayParams<f32>, masks: &Masks, test: &Split) -> Result<Self, PaperError> {
        let layers = params.layers();
        // Each kernel is followed by its bias.
        let chain: Vec<DenseLayer<'_>> = layers
            .chunks_exact(2)
            .map(|pair| {
                let ((name, kernel), (_, bias)) = (&pair[0], &pair[1]);
                DenseLayer::new(name, kernel).with_bias(Some(bias)).with_mask(masks.get(name))
            })
            .collect();
        let small = compact(&chain, |x| x.max(0.0))?.without_unused_inputs();
        let used: Vec<usize> = small.used_inputs.kept_indices().collect();
        let neurons = small.layers.iter().map(|layer| layer.outputs.kept_len());
        let guess = |index: usize| {
            let image = test.image(index);
            predicted(&small.layers, used.iter().map(|&pixel| f64::from(image[pixel]) / 255.0).collect())
        };
        let labels = test.labels().iter().enumerate();
        Ok(Self {
            units: [used.len()].into_iter().chain(neurons).collect(),
            kept: small.layers.iter().map(|layer| layer.mask.kept_len()).sum(),
            biases: small.layers.iter().filter_map(|layer| layer.bias.as_ref()).map(|bias| bias.values().len()).sum(),
            wrong: labels.filter(|&(index, &label)| guess(index) != usize::from(label)).count(),
        })
    }

    /// Weights of its layers, kept or not.
    pub(super) fn weights(&self) -> usize {
        self.units.windows(2).map(|pair| pair[0] * pair[1]).sum()
    }

    /// Weights and biases of its layers.
    pub(super) fn parameters(&self) -> usize {
        self.weights() + self.biases
    }

    /// The number of bytes by the count of Evci et al.: one bit for each weight of its layers, and an f32 for each
    /// kept weight and for each bias.
    pub(super) fn bytes(&self) -> usize {
        self.weights().div_ceil(8) + BYTES * (self.kept + self.biases)
    }

    /// The name, such as 408-100-69; the outputs are left out, since they always stay.
    pub(super) fn name(&self) -> String {
        let units: Vec<String> = self.units.iter().rev().skip(1).rev().map(ToString::to_string).collect();
        units.join("-")
    }

    /// True if it can come from a network of these kernels.
    pub(super) fn is_within(&self, kernels: &[ParamSpec]) -> bool {
        let first = kernels.first().map(|kernel| kernel.rows);
        let most: Vec<usize> = first.into_iter().chain(kernels.iter().map(|kernel| kernel.columns)).collect();
        self.units.len() == most.len()
            && self.units.iter().zip(&most).all(|(units, most)| units <= most)
            && self.units.last() == most.last()
            && self.kept <= self.weights()
            && self.biases <= self.units[1..].iter().sum()
    }
}

/// The class of the highest output, the first of equals.
fn predicted(layers: &[CompactedLayer], mut values: Vec<f64>) -> usize {
    for (index, layer) in layers.iter().enumerate() {
        let outputs = layer.outputs.kept_len();
        let mut sums = layer.bias.as_ref().map_or_else(|| vec![0.0; outputs], |bias| bias.values().to_vec());
        // Most pixels are zero, and most weights too.
        for (input, &value) in values.iter().enumerate().filter(|(_, value)| **value != 0.0) {
            let weights = &layer.weights.values()[input * outputs..][..outputs];
            sums.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += value * weight);
        }
        if index + 1 < layers.len() {
            sums.iter_mut().for_each(|sum| *sum = sum.max(0.0));
        }
        values = sums;
    }
    let highest = |best: usize, next: usize| if values[next] > values[best] { next } else { best };
    (1..values.len()).fold(0, highest)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use prune_core::{Mask, draw};

    use super::*;
    use crate::data::DataSource;
    use crate::nn::{Initialisation, ModelSpec, ParamSet as _, initial_parameters};
    use crate::train::{Settings, Trainer};

    #[test]
    fn a_compacted_network_predicts_what_the_sparse_one_does() {
        let data = DataSource::Sample.load().unwrap();
        let specs = ModelSpec::mlp().parameters().unwrap();
        let mut params: NdarrayParams<f32> = initial_parameters(&specs, Initialisation::HeNormal, 2);
        for index in [1, 3, 5] {
            let biases = params.values_mut(index).iter_mut().enumerate();
            biases.for_each(|(neuron, bias)| *bias = (neuron as f32 * 0.7).sin() * 0.2);
        }
        // So few weights that pixels and neurons are cut off on both sides.
        let mut masks = Masks::default();
        for (index, share) in [(0, 0.004), (2, 0.008)] {
            let spec = &specs[index];
            let kept: Vec<bool> = (0..spec.len() as u64).map(|place| draw(5, &spec.name, place) < share).collect();
            masks.insert(spec.name.as_str(), Mask::from_bools(&spec.shape, &kept).unwrap());
            // The weights left must outweigh the biases.
            params.values_mut(index).iter_mut().for_each(|weight| *weight *= 10.0);
        }
        masks.hold(&mut params).unwrap();
        let settings = Settings { epochs: 1, lr: 0.1, momentum: 0.9, weight_decay: 0.0, batch_size: 64, seed: 0 };
        let score = Trainer::new(&ModelSpec::mlp(), &data, settings).unwrap().evaluate(&params).unwrap();
        let small = CompactNetwork::of(&params, &masks, &data.test).unwrap();
        assert_eq!(small.wrong, score.count - score.correct);
        let of = |class| data.test.labels().iter().filter(|&&label| label == class).count();
        assert!((0..10).all(|class| small.wrong != data.test.len() - of(class)), "it says always the same: {small:?}");
        assert!(small.units[0] < 784 && small.units[3] == 10, "{small:?}");
        assert!(small.units[1] < 300 && small.units[2] < 100, "{small:?}");
        let kernels = [0, 2, 4].map(|index: usize| specs[index].clone());
        assert!(small.is_within(&kernels));
        assert!(!CompactNetwork { kept: small.weights() + 1, ..small.clone() }.is_within(&kernels));
        assert!(!CompactNetwork { units: vec![784, 301, 100, 10], ..small.clone() }.is_within(&kernels));
        assert!(!CompactNetwork { units: vec![784, 10], ..small }.is_within(&kernels));
    }

    #[test]
    fn a_network_that_nothing_goes_through_says_always_the_same() {
        let data = DataSource::Sample.load().unwrap();
        let specs = ModelSpec::mlp().parameters().unwrap();
        let mut params: NdarrayParams<f32> = initial_parameters(&specs, Initialisation::HeNormal, 2);
        params.values_mut(5)[7] = 1.0;
        let masks = Masks::from_iter([(specs[0].name.clone(), Mask::none(&specs[0].shape).unwrap())]);
        let small = CompactNetwork::of(&params, &masks, &data.test).unwrap();
        let sevens = data.test.labels().iter().filter(|&&label| label == 7).count();
        assert_eq!(
            small,
            CompactNetwork { units: vec![0, 0, 0, 10], kept: 0, biases: 10, wrong: data.test.len() - sevens }
        );
        assert_eq!((small.name(), small.bytes()), ("0-0-0".to_owned(), 40));
    }

    #[test]
    fn bytes_are_counted_as_they_were_published() {
        use crate::paper::published::RIGL;
        let published = CompactNetwork { units: RIGL.units.to_vec(), kept: RIGL.kept, biases: 179, wrong: 0 };
        assert_eq!((published.name(), published.weights()), ("408-100-69".to_owned(), 48_390));
        // Their number of kept weights follows from a rounded sparsity, and may be the mean of several networks.
        assert_eq!(published.bytes(), 6049 + 4 * (6291 + 179));
        assert!(published.bytes().abs_diff(RIGL.bytes) < RIGL.bytes / 1000);
    }
}
