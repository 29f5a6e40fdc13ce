//! Carries a case out and returns the result as two digests.

use std::borrow::Cow;

use half::{bf16, f16};
use prune_core::{LayerMut, LayerRef, Layers, LayersMut, Mask, Masks, PlainTensor, Tensor as _};
use prune_schedule::{Evidence, Inputs, PruneError, Pruner, Report, Strategy, UsedDefaults};

use super::cases::{Case, EPOCHS, STEPS};
use super::draws::{Digest, Draws};

/// A tensor of any element type.
#[derive(Clone)]
pub(crate) enum Tensor {
    F16(PlainTensor<f16>),
    Bf16(PlainTensor<bf16>),
    F32(PlainTensor<f32>),
    F64(PlainTensor<f64>),
}

macro_rules! each {
    ($tensor:expr, $it:ident => $value:expr) => {
        match $tensor {
            Tensor::F16($it) => $value,
            Tensor::Bf16($it) => $value,
            Tensor::F32($it) => $value,
            Tensor::F64($it) => $value,
        }
    };
}

impl Tensor {
    pub(crate) fn shape(&self) -> Vec<usize> {
        each!(self, tensor => tensor.layout().shape().to_vec())
    }

    /// Moves every value, dead or alive, by multiples of 1/64.
    fn disturb(&mut self, draws: &mut Draws) {
        macro_rules! add {
            ($tensor:expr, $from:expr) => {
                $tensor
                    .values_mut()
                    .iter_mut()
                    .for_each(|value| *value += $from(draws.within(0, 16) as f64 / 64.0 - 0.125))
            };
        }
        match self {
            Tensor::F16(tensor) => add!(tensor, f16::from_f64),
            Tensor::Bf16(tensor) => add!(tensor, bf16::from_f64),
            Tensor::F32(tensor) => add!(tensor, |value: f64| value as f32),
            Tensor::F64(tensor) => add!(tensor, |value: f64| value),
        }
    }

    fn digest(&self, digest: &mut Digest) {
        match self {
            Tensor::F16(tensor) => tensor.values().iter().for_each(|value| digest.add(value.to_le_bytes())),
            Tensor::Bf16(tensor) => tensor.values().iter().for_each(|value| digest.add(value.to_le_bytes())),
            Tensor::F32(tensor) => tensor.values().iter().for_each(|value| digest.add(value.to_le_bytes())),
            Tensor::F64(tensor) => tensor.values().iter().for_each(|value| digest.add(value.to_le_bytes())),
        }
    }
}

/// Layers by name.
#[derive(Clone)]
pub(crate) struct Tensors(pub(crate) Vec<(String, Tensor)>);

impl Layers for Tensors {
    fn layers(&self) -> Vec<(Cow<'_, str>, LayerRef<'_>)> {
        self.0.iter().map(|(name, tensor)| (name.as_str().into(), each!(tensor, it => LayerRef::of(it)))).collect()
    }
}

impl LayersMut for Tensors {
    fn layers_mut(&mut self) -> Vec<(Cow<'_, str>, LayerMut<'_>)> {
        self.0.iter_mut().map(|(name, tensor)| (name.as_str().into(), each!(tensor, it => LayerMut::of(it)))).collect()
    }
}

impl Tensors {
    /// Tensors of the same names and shapes with other values.
    fn like(&self, seed: u64) -> Self {
        let mut draws = Draws::new(seed);
        let tensor = |shape: &[usize]| {
            let values = (0..shape.iter().product::<usize>()).map(|_| draws.value(false) as f32).collect();
            Tensor::F32(PlainTensor::from_logical(shape, values).unwrap())
        };
        let mut tensor = tensor;
        Tensors(self.0.iter().map(|(name, old)| (name.clone(), tensor(&old.shape()))).collect())
    }

    fn shape(&self, name: &str) -> Vec<usize> {
        self.0.iter().find(|(listed, _)| listed == name).unwrap().1.shape()
    }
}

/// The end of a case.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// All epochs were carried out.
    Ended,
    /// The strategy is not valid, or does not fit the model.
    Refused(String),
    /// An event was refused.
    Failed(String),
}

/// The result of a case.
pub(crate) struct Ended {
    /// The digest of masks and weights after each step and epoch.
    pub(crate) masks: u64,
    /// The digest of reports, warnings and errors.
    pub(crate) reports: u64,
    pub(crate) outcome: Outcome,
}

struct Run<'c> {
    case: &'c Case,
    pruner: Pruner,
    model: Tensors,
    masks: Digest,
    reports: Digest,
}

pub(crate) fn run(case: &Case) -> Ended {
    let (mut masks, mut reports) = (Digest::new(), Digest::new());
    let refused = |why: String, mut masks: Digest, mut reports: Digest| {
        masks.add("refused");
        reports.add(&why);
        Ended { masks: masks.0, reports: reports.0, outcome: Outcome::Refused(why) }
    };
    let strategy: Strategy = match case.strategy.parse() {
        Ok(strategy) => strategy,
        Err(error) => return refused(error.to_string(), masks, reports),
    };
    reports.add(strategy.timeline().to_string());
    reports.add(strategy.to_json());
    masks.add([u8::from(strategy.to_toml().parse::<Strategy>().unwrap() == strategy)]);
    let pruner = Pruner::new(strategy);
    match pruner.check(&case.model) {
        Ok(warnings) => warnings.iter().for_each(|warning| reports.add(warning.to_string())),
        Err(error) => return refused(error.to_string(), masks, reports),
    }
    let mut run = Run { case, pruner, model: case.model.clone(), masks, reports };
    let outcome = match run.train() {
        Ok(()) => Outcome::Ended,
        Err(error) => {
            run.reports.add(error.to_string());
            Outcome::Failed(error.to_string())
        }
    };
    run.note();
    Ended { masks: run.masks.0, reports: run.reports.0, outcome }
}

/// The pruner of a case after the backward pass of a step; `None` if the case ends before.
pub(crate) fn stopped(case: &Case, step: u64) -> Option<Pruner> {
    let pruner = Pruner::new(case.strategy.parse().ok()?);
    pruner.check(&case.model).ok()?;
    let mut run = Run { case, pruner, model: case.model.clone(), masks: Digest::new(), reports: Digest::new() };
    run.train_until(step).ok()?;
    run.pruner.observe(&run.model.like(step)).ok()?;
    Some(run.pruner)
}

impl Run<'_> {
    fn train(&mut self) -> Result<(), PruneError> {
        self.train_until(EPOCHS * STEPS + 1)
    }

    /// Trains all steps before this one.
    fn train_until(&mut self, stop: u64) -> Result<(), PruneError> {
        self.pruner.observe(&self.model.like(self.case.number + 1))?;
        let report = self.with_evidence(0, |pruner, model, evidence| pruner.end_epoch_with(0, model, evidence))?;
        self.take(report);
        self.save(0);
        for epoch in 1..=EPOCHS {
            for step in (epoch - 1) * STEPS + 1..=epoch * STEPS {
                if step == stop {
                    return Ok(());
                }
                self.step(step)?;
            }
            let report =
                self.with_evidence(epoch, |pruner, model, evidence| pruner.end_epoch_with(epoch, model, evidence))?;
            self.take(report);
            self.save(epoch);
        }
        Ok(())
    }

    fn step(&mut self, step: u64) -> Result<(), PruneError> {
        let seed = self.case.number * 1000 + step;
        self.pruner.observe(&self.model.like(seed))?;
        if self.pruner.passes_straight_through() {
            let forward = self.pruner.forward_masks(&self.model)?;
            self.add_masks(&forward);
        }
        if !self.pruner.replaces_step(step) {
            let mut draws = Draws::new(seed + 500);
            self.model.0.iter_mut().for_each(|(_, tensor)| tensor.disturb(&mut draws));
        }
        self.pruner.hold(&mut self.model)?;
        let report = self.with_evidence(step, |pruner, model, evidence| pruner.end_step_with(step, model, evidence))?;
        self.take(report);
        self.pruner.hold(&mut self.model)
    }

    /// Calls with all evidence but gradients: those are observed, unless the case is even.
    fn with_evidence<T>(
        &mut self,
        time: u64,
        call: impl FnOnce(&mut Pruner, &mut Tensors, Evidence<'_>) -> Result<T, PruneError>,
    ) -> Result<T, PruneError> {
        let case = self.case;
        let (given, gradients) = (case.model.like(time + 77), case.model.like(time + 99));
        let inputs = |name: &str, closed: usize| {
            let shape = case.model.shape(name);
            let inputs = if name.ends_with("kernel") { &shape[..shape.len() - 1] } else { &shape[1..] };
            let norms = (0..inputs.iter().product::<usize>()).map(|i| ((i * 5 + closed) % 7) as f64).collect();
            PlainTensor::from_logical(inputs, norms)
        };
        let measure = |name: &str, masks: &Masks| {
            inputs(name, masks.iter().map(|(_, mask): (&str, &Mask)| mask.len() - mask.kept_len()).sum())
        };
        let named = case.model.0.iter().filter(|(name, tensor)| tensor.shape().len() > 1 && name != "table");
        let norms: Vec<(String, Tensor)> =
            named.map(|(name, _)| (name.clone(), Tensor::F64(inputs(name, 3).unwrap()))).collect();
        let norms = Tensors(norms);
        let even = case.number.is_multiple_of(2);
        let evidence = Evidence {
            gradients: if even { Some(&gradients) } else { None },
            inputs: Some(if even { Inputs::Norms(&norms) } else { Inputs::Measure(&measure) }),
            scores: Some(&given),
            rewind: Some(&case.model),
            ..Evidence::default()
        };
        call(&mut self.pruner, &mut self.model, evidence)
    }

    fn take(&mut self, report: Option<Report>) {
        let Some(mut report) = report else { return };
        // The digests were recorded before these fields existed. They cover all other fields.
        report.defaults = UsedDefaults::default();
        report.buffers_open = false;
        self.reports.add(serde_json::to_string(&report).unwrap());
        self.reports.add(report.to_string());
        self.note();
    }

    /// Adds the masks, the held masks, and the weights.
    fn note(&mut self) {
        let (masks, held) = (self.pruner.masks().clone(), self.pruner.held().clone());
        self.add_masks(&masks);
        self.add_masks(&held);
        for (name, tensor) in &self.model.0 {
            self.masks.add(name);
            tensor.digest(&mut self.masks);
        }
        self.masks.add(self.pruner.revivals(&self.model).unwrap().to_le_bytes());
    }

    fn add_masks(&mut self, masks: &Masks) {
        for (name, mask) in masks.iter() {
            self.masks.add(name);
            self.masks.add(mask.iter().map(u8::from).collect::<Vec<_>>());
        }
    }

    fn save(&mut self, epoch: u64) {
        if epoch == self.case.saved_after {
            let resumed = Pruner::from_json(&self.pruner.to_json()).unwrap();
            assert_eq!(resumed, self.pruner);
            self.pruner = resumed;
        }
    }
}
