//! The result of a run.

use prune_core::Masks;
use serde::{Deserialize, Serialize};

use super::compacted::CompactNetwork;
use super::settings::Settings;
use crate::nn::{ParamKind, ParamSpec, Score};
use crate::train::Size;

/// Raise this whenever a run of equal settings would give another result than before, so that no older result is
/// used.
pub(super) const VERSION: u32 = 0;

/// A finished run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RunOutcome {
    pub(super) settings: Settings,
    /// The version of training that wrote it.
    #[serde(default)]
    pub(super) version: u32,
    /// The commit of the program that ran.
    pub(super) commit: String,
    /// Wall-clock time, whether the run had its core to itself or not.
    pub(super) seconds: f64,
    /// Mean training loss of each epoch of the last phase.
    pub(super) train_loss: Vec<f64>,
    /// Tests after the last epoch, or after each if that was asked for.
    pub(super) tests: Vec<Test>,
    /// The network cut by magnitude to the last event's density and not retrained: a control that costs one test.
    pub(super) untrained: Option<Test>,
    /// The kernels, in the order of the model.
    pub(super) layers: Vec<LayerKept>,
    /// Multiply-adds of one image's forward pass with the kept weights alone.
    pub(super) multiply_adds: usize,
    /// Bytes as packed masks and kept values, biases included.
    pub(super) bytes: usize,
    /// The number of pruned elements that were not zero at the end.
    pub(super) revivals: usize,
    /// Connections kept for each pixel, if the first layer is dense.
    pub(super) pixels: Option<Vec<u32>>,
    /// The network without its idle neurons, if it was compacted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) compacted: Option<CompactNetwork>,
}

/// A test of a network.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Test {
    /// The epoch, counted from the beginning of the dense phase.
    pub(super) epoch: u64,
    /// Images predicted wrongly.
    pub(super) wrong: usize,
    pub(super) images: usize,
    pub(super) loss: f64,
    /// The density of the kernels.
    pub(super) density: f64,
}

/// A kernel with its kept count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LayerKept {
    pub(super) name: String,
    pub(super) weights: usize,
    pub(super) kept: usize,
}

impl Test {
    pub(super) fn of(epoch: u64, score: Score, layers: &[LayerKept]) -> Self {
        let (kept, weights) = totals(layers);
        let wrong = score.count - score.correct;
        Self { epoch, wrong, images: score.count, loss: score.loss(), density: kept as f64 / weights as f64 }
    }

    fn is_whole(&self) -> bool {
        self.images > 0 && self.wrong <= self.images && self.density > 0.0 && self.density <= 1.0
    }

    /// The error in percent.
    pub(super) fn error(&self) -> f64 {
        100.0 * self.wrong as f64 / self.images as f64
    }
}

impl RunOutcome {
    /// The test after the last epoch.
    pub(super) fn last(&self) -> Option<&Test> {
        self.tests.last()
    }

    /// The error after the last epoch, in percent.
    pub(super) fn error(&self) -> f64 {
        self.last().map_or(f64::NAN, Test::error)
    }

    /// The number of weights for each kept one.
    pub(super) fn compression(&self) -> f64 {
        let (kept, weights) = totals(&self.layers);
        weights as f64 / kept as f64
    }

    /// The numbers of kept and of all kernel weights.
    pub(super) fn kept(&self) -> (usize, usize) {
        totals(&self.layers)
    }

    /// True if this is a whole outcome of `settings`, as this program writes it. A file by an older program, or one
    /// changed by hand, may hold anything.
    pub(super) fn is_of(&self, settings: &Settings) -> bool {
        let kernels = settings.net.kernels();
        let layers_fit = kernels.len() == self.layers.len()
            && kernels.iter().zip(&self.layers).all(|(kernel, layer)| {
                kernel.name == layer.name && kernel.len() == layer.weights && layer.kept <= layer.weights
            });
        let (first, last) = match settings.then {
            Some(_) => (settings.epochs, settings.all_epochs()),
            None => (0, settings.epochs),
        };
        let tested = match (settings.tested_every_epoch, &settings.then) {
            (true, _) => first + 1..last + 1,
            (false, Some(_)) => last..last + 1,
            (false, None) => 0..0,
        };
        self.settings == *settings
            && self.version == VERSION
            && layers_fit
            && self.kept().0 > 0
            && self.tests.iter().map(|test| test.epoch).eq(tested)
            && self.untrained.is_some() == settings.has_untrained()
            && self.tests.iter().chain(&self.untrained).all(Test::is_whole)
            && self.compacted.is_some() == settings.is_compacted()
            && self.compacted.iter().all(|compacted| compacted.is_within(&kernels))
            && self.pixels.as_ref().is_none_or(|pixels| pixels.len() == crate::data::PIXELS)
    }
}

fn totals(layers: &[LayerKept]) -> (usize, usize) {
    layers.iter().fold((0, 0), |(kept, all), layer| (kept + layer.kept, all + layer.weights))
}

/// The kept count of each kernel.
pub(super) fn layers(specs: &[ParamSpec], masks: &Masks) -> Vec<LayerKept> {
    let kernels = specs.iter().filter(|spec| spec.kind == ParamKind::Kernel);
    let kept = |spec: &ParamSpec| {
        let kept = Size::of(spec, masks).kept;
        LayerKept { name: spec.name.clone(), weights: spec.len(), kept }
    };
    kernels.map(kept).collect()
}

/// The connections kept for each input of the first layer, if it is dense.
pub(super) fn pixels(specs: &[ParamSpec], masks: &Masks) -> Option<Vec<u32>> {
    let first = specs.first().filter(|spec| spec.shape.len() == 2)?;
    let mask = masks.get(&first.name)?;
    let mut counts = vec![0; first.rows];
    mask.kept_indices().for_each(|index| counts[index / first.columns] += 1);
    Some(counts)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use prune_core::Mask;

    use super::*;
    use crate::nn::ModelSpec;

    #[test]
    fn pixels_count_the_kept_connections_of_the_first_layer() {
        let specs = ModelSpec::mlp().parameters().unwrap();
        let mut masks = Masks::default();
        assert_eq!(pixels(&specs, &masks), None);
        // Pixel 1 keeps two of its 300 connections, pixel 783 the last one.
        let kept = [300, 599, 784 * 300 - 1];
        let bools: Vec<bool> = (0..784 * 300).map(|index| kept.contains(&index)).collect();
        masks.insert("Dense_0-kernel", Mask::from_bools(&[784, 300], &bools).unwrap());
        let counts = pixels(&specs, &masks).unwrap();
        assert_eq!((counts[0], counts[1], counts[783], counts.iter().sum::<u32>()), (0, 2, 1, 3));
        let kept = layers(&specs, &masks);
        let kept: Vec<_> = kept.iter().map(|layer| (layer.weights, layer.kept)).collect();
        assert_eq!(kept, [(235_200, 3), (30_000, 30_000), (1000, 1000)]);
        assert_eq!(pixels(&ModelSpec::cnn().parameters().unwrap(), &masks), None);
    }
}
