//! The evidence that a method may look at besides the weights.

use std::collections::BTreeMap;

use prune_core::{Error, LayerRef, Layers, Layout, Masks, Need, PlainTensor, Score};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::candidate::Candidate;
use super::listed::LayerList;
use crate::event::{Event, Rule};
use crate::key::Key;
use crate::prune_error::PruneError;
use crate::value::{Grow, Reopen};

/// The evidence that an event may look at besides the weights, by layer name: see
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
    /// Gradients of the loss by the weights, shaped as the weights: of one batch for `saliency` and `rigl`, averaged
    /// over batches for `snip`, either for `'reopen': 'gradient'`. They take precedence over
    /// [observed](super::Pruner::observe) gradients.
    pub gradients: Option<&'a dyn Layers>,
    /// The norms of the layers' inputs over calibration data, for `wanda`.
    pub inputs: Option<Inputs<'a>>,
    /// The user's own scores, shaped as the weights, for `given`.
    pub scores: Option<&'a dyn Layers>,
    /// Every parameter as it was at the end of the epoch that the event rewinds to.
    pub rewind: Option<&'a dyn Layers>,
    /// Called on the calling thread before each layer is looked at. Once it returns true, the event ends with
    /// [`PruneError::Stopped`] and nothing has changed. It cannot stop one ranking of all layers together, or small
    /// layers that are ranked at once.
    pub stop: Option<&'a dyn Fn() -> bool>,
}

/// The L2 norm of each input of a layer over calibration data. The shape is that of the layer's weights without the
/// axis of outputs: a dense layer of shape (in, out) has `in` norms, and a convolution has one for each place in the
/// patch that its kernel sees (`[height, width, in]`).
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum Inputs<'a> {
    /// Norms that have been measured already.
    Norms(&'a dyn Layers),
    /// Measures the norms of one layer's inputs under the given masks. It is called for one layer after the other, in
    /// the model's order, with the masks that the event has made for the layers before, as Wanda prunes from the first
    /// layer to the last.
    Measure(&'a MeasureInputs<'a>),
}

/// Measures the norms of the inputs of the named layer, under masks.
pub type MeasureInputs<'a> = dyn Fn(&str, &Masks) -> Result<PlainTensor<f64>, Error> + 'a;

impl core::fmt::Debug for Evidence<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Evidence")
            .field("gradients", &self.gradients.is_some())
            .field("inputs", &self.inputs.is_some())
            .field("scores", &self.scores.is_some())
            .field("rewind", &self.rewind.is_some())
            .field("stop", &self.stop.is_some())
            .finish()
    }
}

/// The gradients that an event looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum GradientsWanted {
    /// The gradient of the last batch.
    Last,
    /// The sum of the gradients of all batches.
    Sum,
}

impl GradientsWanted {
    /// The gradients that an event looks at, if any.
    pub(super) fn by(event: &Event) -> Option<GradientsWanted> {
        match (event.rule(), event.score().needs(), event.reopen()) {
            (Rule::Regrow(regrow), ..) => (regrow.grow == Grow::Gradient).then_some(GradientsWanted::Last),
            (_, Some(Need::Gradient), _) => Some(GradientsWanted::Last),
            (_, Some(Need::MeanGradient), _) | (_, _, Some(Reopen::Gradient)) => Some(GradientsWanted::Sum),
            _ => None,
        }
    }
}

/// Gradients since the last epoch, or the last step, ended.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct ObservedGradients {
    by_layer: BTreeMap<String, GradientSum>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct GradientSum {
    shape: Vec<usize>,
    #[serde(with = "bits")]
    values: Vec<f64>,
}

impl ObservedGradients {
    pub(super) fn is_empty(&self) -> bool {
        self.by_layer.is_empty()
    }

    /// Records the gradients of the layers that an event is for. If one of them is refused, none is recorded.
    pub(super) fn add(
        &mut self,
        key: Key,
        event: &Event,
        gradients: &LayerList<'_>,
        how: GradientsWanted,
    ) -> Result<(), PruneError> {
        let wanted: Vec<_> = gradients.iter().filter(|(name, layer)| event.selects(name, layer.rank())).collect();
        let mut read = Vec::with_capacity(wanted.len());
        for (name, layer) in &wanted {
            if let Some(sum) = self.by_layer.get(*name)
                && sum.shape != layer.shape()
            {
                let (expected, got) = (sum.shape.clone(), layer.shape().to_vec());
                return Err(PruneError::GradientShape { at: key, layer: (*name).to_owned(), expected, got });
            }
            read.push(layer.to_logical_f64().map_err(|error| error.in_layer(name))?);
        }
        for ((name, layer), values) in wanted.into_iter().zip(read) {
            match self.by_layer.get_mut(name) {
                Some(sum) if how == GradientsWanted::Sum => {
                    sum.values.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
                }
                Some(sum) => sum.values = values,
                None => {
                    self.by_layer.insert(name.to_owned(), GradientSum { shape: layer.shape().to_vec(), values });
                }
            }
        }
        Ok(())
    }

    /// True if every sum has as many values as its shape says.
    pub(super) fn is_sound(&self) -> bool {
        let sound =
            |sum: &GradientSum| Layout::row_major(&sum.shape).is_ok_and(|layout| layout.len() == sum.values.len());
        self.by_layer.values().all(sound)
    }
}

/// The evidence that an event has been given.
pub(super) struct EventEvidence<'a> {
    gradients: Option<LayerList<'a>>,
    observed: &'a ObservedGradients,
    norms: Option<LayerList<'a>>,
    measure: Option<&'a MeasureInputs<'a>>,
    scores: Option<LayerList<'a>>,
    stop: Option<&'a dyn Fn() -> bool>,
}

impl<'a> EventEvidence<'a> {
    pub(super) fn of(evidence: Evidence<'a>, observed: &'a ObservedGradients) -> Result<Self, Error> {
        let (norms, measure) = match evidence.inputs {
            Some(Inputs::Norms(norms)) => (Some(LayerList::of(norms)?), None),
            Some(Inputs::Measure(measure)) => (None, Some(measure)),
            None => (None, None),
        };
        Ok(EventEvidence {
            gradients: evidence.gradients.map(LayerList::of).transpose()?,
            observed,
            norms,
            measure,
            scores: evidence.scores.map(LayerList::of).transpose()?,
            stop: evidence.stop,
        })
    }

    /// True if the caller may stop the event.
    pub(super) fn can_stop(&self) -> bool {
        self.stop.is_some()
    }

    /// Returns an error if the caller has stopped the event.
    pub(super) fn go_on(&self, at: Key) -> Result<(), PruneError> {
        if self.stop.is_some_and(|stop| stop()) { Err(PruneError::Stopped { at }) } else { Ok(()) }
    }

    /// True if inputs are measured while the event goes on.
    pub(super) fn asks_for_inputs(&self, event: &Event) -> bool {
        event.score().needs() == Some(Need::InputNorms) && self.measure.is_some()
    }

    /// The evidence for a score in one layer.
    pub(super) fn evidence(
        &self,
        key: Key,
        score: Score,
        candidate: &Candidate<'_>,
        so_far: Option<&Masks>,
    ) -> Result<Option<PlainTensor<f64>>, PruneError> {
        let Some(need) = score.needs() else { return Ok(None) };
        let found = match need {
            Need::Gradient | Need::MeanGradient => return self.gradient(key, candidate, score.name()).map(Some),
            Need::InputNorms => match (self.measure, &self.norms) {
                (Some(measure), _) => measure(candidate.name(), so_far.unwrap_or(&Masks::default())).map(Some),
                (None, Some(norms)) => copied(norms, candidate.name()),
                (None, None) => Ok(None),
            },
            _ => self.scores.as_ref().map_or(Ok(None), |scores| copied(scores, candidate.name())),
        };
        let missing = || PruneError::EvidenceMissing {
            at: key,
            layer: candidate.name().to_owned(),
            method: score.name(),
            need: need.to_string(),
            how: "hand it over in the `Evidence` of the call",
        };
        found.map_err(PruneError::in_layer(key, candidate.name()))?.ok_or_else(missing).map(Some)
    }

    /// A layer's gradient, for a method that requires it.
    pub(super) fn gradient(
        &self,
        key: Key,
        candidate: &Candidate<'_>,
        method: &'static str,
    ) -> Result<PlainTensor<f64>, PruneError> {
        let shape = candidate.layer.shape();
        let values = self.gradient_of(key, candidate.name(), shape)?.ok_or_else(|| PruneError::EvidenceMissing {
            at: key,
            layer: candidate.name().to_owned(),
            method,
            need: "the layer's gradient".to_owned(),
            how: "call `observe` after each backward pass that leads up to the event, before gradients are masked, or hand \
                  it over in its `Evidence`",
        })?;
        PlainTensor::from_logical(shape, values).map_err(PruneError::in_event(key))
    }

    /// A layer's gradient in logical order, if there is one.
    pub(super) fn gradient_of(&self, key: Key, name: &str, shape: &[usize]) -> Result<Option<Vec<f64>>, PruneError> {
        let given = self.gradients.as_ref().and_then(|layers| layers.get(name));
        let (got, values) = match (given, self.observed.by_layer.get(name)) {
            (Some(layer), _) => (layer.shape(), layer.to_logical_f64().map_err(|error| error.in_layer(name))?),
            (None, Some(sum)) if self.gradients.is_none() => (sum.shape.as_slice(), sum.values.clone()),
            _ => return Ok(None),
        };
        if got == shape {
            return Ok(Some(values));
        }
        let (expected, got) = (shape.to_vec(), got.to_vec());
        Err(PruneError::GradientShape { at: key, layer: name.to_owned(), expected, got })
    }
}

/// A copy of a layer's values, if the layer is there.
fn copied(layers: &LayerList<'_>, name: &str) -> Result<Option<PlainTensor<f64>>, Error> {
    let copy = |layer: &LayerRef<'_>| PlainTensor::from_logical(layer.shape(), layer.to_logical_f64()?);
    layers.get(name).map(copy).transpose()
}

/// Serialises numbers by their bits, so that every format restores them exactly.
mod bits {
    use super::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(values: &[f64], serializer: S) -> Result<S::Ok, S::Error> {
        values.iter().map(|value| value.to_bits()).collect::<Vec<u64>>().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<f64>, D::Error> {
        Ok(Vec::<u64>::deserialize(deserializer)?.into_iter().map(f64::from_bits).collect())
    }
}
