//! What a method may look at besides the weights.

use std::collections::BTreeMap;

use prune_core::Layers;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::error::PruneError;
use super::selection::Listed;
use crate::epoch::Epochs;

/// What an event may look at besides the weights, under the layers' names: see
/// [`Pruner::end_epoch_with`](super::Pruner::end_epoch_with).
///
/// # Examples
///
/// ```
/// use prune_core::{LayerRef, PlainTensor};
/// use prune_schedule::Evidence;
///
/// let gradient = PlainTensor::from_logical(&[2, 2], vec![0.1f32, 0.0, -0.3, 0.2])?;
/// let gradients = [("fc", LayerRef::of(&gradient))];
/// let evidence = Evidence { gradients: Some(&gradients), ..Evidence::default() };
/// assert!(evidence.inputs.is_none());
/// # Ok::<(), prune_core::Error>(())
/// ```
#[derive(Clone, Copy, Default)]
pub struct Evidence<'a> {
    /// Gradients of the loss by the weights, shaped as the weights. `'reopen': 'gradient'` asks for them.
    pub gradients: Option<&'a dyn Layers>,
    /// What the layers were fed. Nothing asks for it yet.
    pub inputs: Option<&'a dyn Layers>,
}

impl core::fmt::Debug for Evidence<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Evidence")
            .field("gradients", &self.gradients.is_some())
            .field("inputs", &self.inputs.is_some())
            .finish()
    }
}

/// Gradients added up since the last epoch ended.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Observed {
    by_layer: BTreeMap<String, Sum>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sum {
    shape: Vec<usize>,
    #[serde(with = "bits")]
    values: Vec<f64>,
}

impl Observed {
    pub(super) fn is_empty(&self) -> bool {
        self.by_layer.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.by_layer.clear();
    }

    /// Adds the gradients of the layers that `wanted` says. Nothing is added where one of them is refused.
    pub(super) fn add(
        &mut self,
        epoch: Epochs,
        gradients: &Listed<'_>,
        wanted: impl Fn(&str, usize) -> bool,
    ) -> Result<(), PruneError> {
        let wanted: Vec<_> = gradients.iter().filter(|(name, layer)| wanted(name, layer.rank())).collect();
        let mut read = Vec::with_capacity(wanted.len());
        for (name, layer) in &wanted {
            if let Some(sum) = self.by_layer.get(*name)
                && sum.shape != layer.shape()
            {
                let (expected, got) = (sum.shape.clone(), layer.shape().to_vec());
                return Err(PruneError::GradientShape { epoch, layer: (*name).to_owned(), expected, got });
            }
            read.push(layer.to_logical_f64().map_err(|error| error.in_layer(name))?);
        }
        for ((name, layer), values) in wanted.into_iter().zip(read) {
            match self.by_layer.get_mut(name) {
                Some(sum) => sum.values.iter_mut().zip(values).for_each(|(sum, value)| *sum += value),
                None => {
                    self.by_layer.insert(name.to_owned(), Sum { shape: layer.shape().to_vec(), values });
                }
            }
        }
        Ok(())
    }

    /// Whether every sum has as many values as its shape says.
    pub(super) fn is_sound(&self) -> bool {
        self.by_layer.values().all(|sum| {
            let len = sum.shape.iter().try_fold(1usize, |len, &side| len.checked_mul(side));
            len == Some(sum.values.len())
        })
    }
}

/// Where gradients come from.
pub(super) enum Gradients<'a> {
    Given(Listed<'a>),
    Observed(&'a Observed),
}

impl Gradients<'_> {
    /// A layer's gradient in logical order, if there is one.
    pub(super) fn of(&self, epoch: Epochs, name: &str, shape: &[usize]) -> Result<Option<Vec<f64>>, PruneError> {
        let (got, values) = match self {
            Gradients::Given(layers) => match layers.iter().find(|(listed, _)| *listed == name) {
                Some((_, layer)) => (layer.shape(), layer.to_logical_f64().map_err(|error| error.in_layer(name))?),
                None => return Ok(None),
            },
            Gradients::Observed(observed) => match observed.by_layer.get(name) {
                Some(sum) => (sum.shape.as_slice(), sum.values.clone()),
                None => return Ok(None),
            },
        };
        if got == shape {
            return Ok(Some(values));
        }
        let (expected, got) = (shape.to_vec(), got.to_vec());
        Err(PruneError::GradientShape { epoch, layer: name.to_owned(), expected, got })
    }
}

/// Numbers by their bits, so that every one of them comes back, whatever the format.
mod bits {
    use super::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(values: &[f64], serializer: S) -> Result<S::Ok, S::Error> {
        values.iter().map(|value| value.to_bits()).collect::<Vec<u64>>().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<f64>, D::Error> {
        Ok(Vec::<u64>::deserialize(deserializer)?.into_iter().map(f64::from_bits).collect())
    }
}
