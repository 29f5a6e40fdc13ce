//! Trains by the step and by the epoch, and measures on the test images.

mod evidence;

use std::ops::ControlFlow;

use prune_schedule::{PruneError, Pruner, Report, StepAction};
use serde::{Deserialize, Serialize};

use super::Backend;
use super::error::StepError;
use super::rates::{Course, Rates};
use super::state::State;
use crate::data::{Dataset, PIXELS, Split};
use crate::nn::{Batch, ModelSpec, Network, NnError, Optimiser, Samples, Score};
use crate::rng::epoch_order;

/// The training settings of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Epochs to train.
    pub epochs: u64,
    /// Learning rate of the first step; it falls linearly to 0.
    pub lr: f64,
    /// Share of the last step that each step repeats.
    pub momentum: f64,
    /// Pull of weights towards zero.
    pub weight_decay: f64,
    /// Images a step.
    pub batch_size: u64,
    /// The seed of initial weights and orders.
    pub seed: u64,
}

impl Settings {
    /// The learning rates of all epochs.
    #[must_use]
    pub fn rates(&self) -> Rates {
        Rates { start: self.lr, course: Course::Linear, after: 0, epochs: self.epochs }
    }
}

/// The progress of a network in an epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EpochPart {
    /// Steps done.
    pub steps: u64,
    /// Cross-entropy in nats, summed over their images.
    pub loss_sum: f64,
    /// Images predicted correctly.
    pub correct: usize,
    /// Images trained on.
    pub count: usize,
}

impl EpochPart {
    fn add(&mut self, score: Score) {
        let mut total = self.score();
        total.add(score);
        *self = Self { steps: self.steps + 1, loss_sum: total.loss_sum, correct: total.correct, count: total.count };
    }

    /// The score of the steps done.
    #[must_use]
    pub fn score(&self) -> Score {
        Score { loss_sum: self.loss_sum, correct: self.correct, count: self.count }
    }
}

/// The working memory of training, which a run and its twin use in turns.
pub struct Trainer<'d, P> {
    /// The network.
    pub network: Network<f32>,
    settings: Settings,
    train: Samples<'d>,
    test: Samples<'d>,
    gradients: P,
    batch: Batch<f32>,
    order: Vec<u32>,
    /// The epoch of `order`.
    ordered: Option<u64>,
    /// The weights of the forward pass under the straight-through estimator.
    forward: Option<P>,
    /// The pruner's reports after steps, since they were last taken.
    reports: Vec<Report>,
}

impl<'d, P: Backend> Trainer<'d, P> {
    /// Memory for training a network of `spec` on `data`.
    ///
    /// # Errors
    ///
    /// A `spec` that describes no network, or a batch size of 0.
    pub fn new(spec: &ModelSpec, data: &'d Dataset, settings: Settings) -> Result<Self, NnError> {
        // A batch larger than the whole set would only cost memory.
        let most = data.train.len().max(data.test.len()) as u64;
        let network = Network::new(spec, settings.batch_size.min(most) as usize)?;
        let samples = |split: &'d Split| Samples::new(split.images(), split.labels(), PIXELS);
        Ok(Self {
            gradients: P::zeros(network.parameters()),
            network,
            settings,
            train: samples(&data.train)?,
            test: samples(&data.test)?,
            batch: Batch::new(),
            order: Vec::new(),
            ordered: None,
            forward: None,
            reports: Vec::new(),
        })
    }

    /// Steps of an epoch.
    #[must_use]
    pub fn steps(&self) -> u64 {
        (self.train.len() as u64).div_ceil(self.settings.batch_size)
    }

    /// Trains the rest of an epoch after `part`, for every program. With a pruner, zeros are held after every step. A
    /// pruner without events keeps its masks as they are. `tick` is called after each step with the loss so far, and
    /// can break off there; `part` then holds the progress.
    pub(crate) fn epoch<O: Optimiser<f32, P>>(
        &mut self,
        epoch: u64,
        rates: &Rates,
        part: &mut EpochPart,
        state: &mut State<P, O>,
        mut pruner: Option<&mut Pruner>,
        tick: &mut dyn FnMut(f64) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, StepError> {
        while part.steps < self.steps() {
            let rate = rates.at(epoch, part.steps, self.steps());
            part.add(self.step(epoch, part.steps, rate as f32, state, pruner.as_deref_mut())?);
            if tick(part.score().loss()).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// One step: gradients, the optimiser unless the step's event takes its place, zeros outside the masks, and the
    /// event.
    pub(super) fn step<O: Optimiser<f32, P>>(
        &mut self,
        epoch: u64,
        step: u64,
        rate: f32,
        state: &mut State<P, O>,
        pruner: Option<&mut Pruner>,
    ) -> Result<Score, StepError> {
        let score = match &pruner {
            Some(pruner) if pruner.passes_straight_through() => {
                let forward = self.forward_copy(pruner, &state.params)?;
                let score = self.gradients(epoch, step, &forward);
                self.forward = Some(forward);
                score?
            }
            _ => self.gradients(epoch, step, &state.params)?,
        };
        if !score.loss().is_finite() {
            return Err(StepError::Diverged { step: step + 1, steps: self.steps(), loss: score.loss() });
        }
        let Some(pruner) = pruner else {
            state.optimiser.step(&mut state.params, &self.gradients, rate)?;
            return Ok(score);
        };
        if pruner.before_step(&self.gradients)? == StepAction::Go {
            state.optimiser.step(&mut state.params, &self.gradients, rate)?;
        }
        let (params, mut buffers) = state.parts();
        let report = pruner.after_step(params, &mut buffers)?;
        self.reports.extend(report);
        Ok(score)
    }

    /// The weights for the next forward pass: under the straight-through estimator they are zero outside its masks.
    ///
    /// # Errors
    ///
    /// Errors of the pruner.
    pub(super) fn forward_copy(&mut self, pruner: &Pruner, params: &P) -> Result<P, PruneError> {
        let masks = pruner.forward_masks(params)?;
        let mut forward = match self.forward.take() {
            Some(mut forward) => {
                forward.clone_from(params);
                forward
            }
            None => params.clone(),
        };
        masks.hold(&mut forward)?;
        Ok(forward)
    }

    /// The pruner's reports after steps since the last call.
    pub(super) fn take_reports(&mut self) -> Vec<Report> {
        std::mem::take(&mut self.reports)
    }

    /// Computes the gradients of a step's batch, and returns the score of the batch.
    ///
    /// # Errors
    ///
    /// Parameters that are not the network's; a NaN found by activation pruning.
    pub(super) fn gradients(&mut self, epoch: u64, step: u64, params: &P) -> Result<Score, NnError> {
        if self.ordered != Some(epoch) {
            // Epochs are at most MOST_EPOCHS, and the largest set has 60,000 images, so both casts are exact.
            epoch_order(self.settings.seed, epoch as u32, self.train.len() as u32, &mut self.order);
            self.ordered = Some(epoch);
        }
        let size = self.settings.batch_size.min(self.order.len() as u64) as usize;
        let start = (step as usize) * size;
        let end = (start + size).min(self.order.len());
        self.batch.fill(&self.train, &self.order[start..end])?;
        let (images, labels) = (self.batch.images(), self.batch.labels());
        self.network.gradients(params, images, labels, &mut self.gradients)
    }

    /// The last computed gradients.
    #[cfg(test)]
    pub(super) fn gradient(&self) -> &P {
        &self.gradients
    }

    /// Loss and accuracy on the test images.
    ///
    /// # Errors
    ///
    /// Parameters that are not the network's; a NaN found by activation pruning.
    pub fn evaluate(&mut self, params: &P) -> Result<Score, NnError> {
        self.network.evaluate(params, &self.test)
    }
}
