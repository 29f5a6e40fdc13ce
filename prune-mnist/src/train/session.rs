//! A run: the pruned network, its dense twin, and the end of each epoch.

mod evidence;

use std::collections::BTreeMap;
use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;

use prune_core::{ActivationRule, ErrorKind, Mask, Masks};
use prune_schedule::{PruneError, Pruner, Strategy, Warning};
use serde::{Deserialize, Serialize};

use super::Backend;
use super::error::{StepError, TrainError};
use super::record::{EpochRecord, EventRecord, Figures, History, Later, TwinRecord};
use super::state::TrainedState;
use super::trainer::{EpochPart, Settings, Trainer};
use crate::data::Dataset;
use crate::nn::{
    Initialisation, ModelSpec, NnError, Optimiser as _, ParamSpec, Place, Score, initial_parameters, prune_activations,
};

/// A training loss, in nats, from which no run recovers: ten times that of guessing among ten classes.
const HOPELESS_LOSS: f64 = 23.0;

/// The network of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TwinRole {
    /// The network that the strategy prunes.
    Pruned,
    /// The dense twin.
    Twin,
}

impl fmt::Display for TwinRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pruned => "the pruned network",
            Self::Twin => "the dense twin",
        })
    }
}

/// The callback after each step. It gets the network of the step and that network's loss so far, and returns whether
/// to go on.
pub type Tick<'t> = dyn FnMut(TwinRole, f64) -> ControlFlow<()> + 't;

/// The progress of the epoch in training, for both networks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EpochProgress {
    /// The network that is pruned, which trains first.
    pub pruned: EpochPart,
    /// The dense twin.
    pub twin: EpochPart,
}

impl EpochProgress {
    /// Steps done by both networks.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.pruned.steps + self.twin.steps
    }
}

/// A run that trains epoch by epoch.
///
/// After each step, [`pruned`](Self::pruned), [`twin`](Self::twin), [`pruner`](Self::pruner),
/// [`history`](Self::history) and [`begun`](Self::begun) are all that the next step depends on, besides the settings.
pub struct Session<'d, P> {
    /// The working memory.
    pub trainer: Trainer<'d, P>,
    /// The places where activations are pruned.
    pub places: Vec<Arc<Place>>,
    /// The pruner that carries out the strategy.
    pub pruner: Pruner,
    /// The network that is pruned.
    pub pruned: TrainedState<P>,
    /// Its dense twin, from the first event on.
    pub twin: Option<TrainedState<P>>,
    /// The records so far.
    pub history: History,
    /// The progress since the last epoch of the history.
    pub begun: EpochProgress,
    /// The parameters at the end of epochs to which events rewind.
    pub snapshots: BTreeMap<u64, P>,
    /// The pruner's warnings before training.
    pub warnings: Vec<Warning>,
    settings: Settings,
}

impl<'d, P: Backend> Session<'d, P> {
    /// A run at its beginning, with its strategy checked against the model.
    ///
    /// # Errors
    ///
    /// [`TrainError::Network`], [`TrainError::Unfit`].
    pub fn new(
        spec: &ModelSpec,
        data: &'d Dataset,
        settings: Settings,
        strategy: Strategy,
        rules: &[ActivationRule],
    ) -> Result<Self, TrainError> {
        let mut trainer = Trainer::<P>::new(spec, data, settings)?;
        let places = prune_activations(&mut trainer.network, spec, rules)?;
        let specs = trainer.network.parameters();
        let params: P = initial_parameters(specs, Initialisation::LecunNormal, settings.seed);
        let mut session = Self {
            trainer,
            places,
            pruner: Pruner::new(strategy),
            pruned: TrainedState::at_rest(params, settings.momentum, settings.weight_decay),
            twin: None,
            history: History::default(),
            begun: EpochProgress::default(),
            snapshots: BTreeMap::new(),
            warnings: Vec::new(),
            settings,
        };
        session.check(&spec.name)?;
        Ok(session)
    }

    /// Checks the strategy against the parameters of `model`, and keeps the pruner's warnings.
    ///
    /// # Errors
    ///
    /// [`TrainError::Unfit`].
    pub fn check(&mut self, model: &str) -> Result<(), TrainError> {
        let unfit = |source| TrainError::Unfit { model: model.to_owned(), source: Box::new(source) };
        self.warnings = self.pruner.check(&self.pruned.params).map_err(unfit)?;
        Ok(())
    }

    /// Carries out the event before training, if there is one, and returns its record.
    ///
    /// # Errors
    ///
    /// [`TrainError::Prune`].
    pub fn start(&mut self) -> Result<Option<&EventRecord>, TrainError> {
        if self.pruner.strategy().event_at(0).is_none() {
            self.snapshot(0);
            self.pruner.start(&mut self.pruned.params)?;
            return Ok(None);
        }
        let before = self.measure(0, TwinRole::Pruned)?;
        self.end_epoch(0, before)?;
        Ok(self.history.events.last())
    }

    /// The epoch to train next, or to continue.
    #[must_use]
    pub fn next_epoch(&self) -> u64 {
        self.history.epochs.len() as u64 + 1
    }

    /// Trains the next epoch, and the twin's, and ends it. `tick` is called after each step with the loss so far. If
    /// `tick` breaks off, so does this call, and the next call continues the same epoch.
    ///
    /// # Errors
    ///
    /// [`TrainError::Diverged`], [`TrainError::Prune`].
    pub fn epoch(&mut self, tick: &mut Tick<'_>) -> Result<ControlFlow<()>, TrainError> {
        let epoch = self.next_epoch();
        if self.twin.is_none() && self.differs_in(epoch) {
            self.twin = Some(self.pruned.clone());
        }
        for role in [TwinRole::Pruned, TwinRole::Twin] {
            if (role == TwinRole::Pruned || self.twin.is_some()) && self.train(epoch, role, tick)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        let train = self.begun.pruned.score();
        let twin = match self.twin {
            None => None,
            Some(_) => Some((self.begun.twin.score(), Figures::from(self.measure(epoch, TwinRole::Twin)?))),
        };
        let before = self.measure(epoch, TwinRole::Pruned)?;
        if let Some(event) = self.history.events.last_mut().filter(|event| event.report.epoch + 1 == epoch) {
            event.later = twin.map(|(_, twin)| Later { epoch, pruned: before.into(), twin });
        }
        let after = self.end_epoch(epoch, before)?;
        let layer_densities = layer_densities(self.trainer.network.parameters(), self.pruner.masks());
        self.history.epochs.push(EpochRecord {
            epoch,
            train_loss: train.loss(),
            train_accuracy: train.accuracy(),
            test_loss: after.unwrap_or(before).loss(),
            test_accuracy: after.unwrap_or(before).accuracy(),
            test_accuracy_before_event: after.map(|_| before.accuracy()),
            density: density(self.trainer.network.parameters(), self.pruner.masks()),
            layer_densities: layer_densities.collect(),
            revivals: self.pruned.revivals(self.pruner.held()).map_err(PruneError::from)?,
            learning_rate: self.settings.rates().at(epoch, 0, self.trainer.steps()),
            twin: twin.map(|(train, test)| TwinRecord {
                train_loss: train.loss(),
                train_accuracy: train.accuracy(),
                test_loss: test.loss,
                test_accuracy: test.accuracy,
            }),
        });
        self.begun = EpochProgress::default();
        Ok(ControlFlow::Continue(()))
    }

    /// Carries out the epoch's event, if there is one; returns the score after it.
    fn end_epoch(&mut self, epoch: u64, before: Score) -> Result<Option<Score>, TrainError> {
        let event = self.pruner.strategy().event_at(epoch).is_some();
        if event && self.twin.is_none() {
            self.twin = Some(self.pruned.clone());
        }
        self.snapshot(epoch);
        let report = match self.carry_out(epoch)? {
            Err(PruneError::Event { source, .. }) if matches!(source.kind, ErrorKind::Nan { .. }) => {
                let layer = source.layer.unwrap_or_default();
                return Err(self.diverged(epoch, TwinRole::Pruned, format!("weights of layer `{layer}` are NaN")));
            }
            report => report?,
        };
        let Some(report) = report else { return Ok(None) };
        if report.rewound_to.is_some() {
            // After a rewind, the momentum of the old weights means nothing for the new ones.
            for (_, buffer) in self.pruned.optimiser.buffers_mut() {
                (0..buffer.specs().len()).for_each(|index| buffer.values_mut(index).fill(0.0));
            }
        }
        let after = self.measure(epoch, TwinRole::Pruned)?;
        self.history.events.push(EventRecord { report, before: before.into(), after: after.into(), later: None });
        Ok(Some(after))
    }

    fn train(&mut self, epoch: u64, role: TwinRole, tick: &mut Tick<'_>) -> Result<ControlFlow<()>, TrainError> {
        let mut tick = |loss| tick(role, loss);
        let rates = self.settings.rates();
        let EpochProgress { pruned: part, twin: twin_part } = &mut self.begun;
        let (trained, part) = match (role, &mut self.twin) {
            (TwinRole::Twin, Some(twin)) => {
                (self.trainer.epoch(epoch, &rates, twin_part, twin, None, &mut tick), twin_part)
            }
            _ => {
                let pruner = Some(&mut self.pruner);
                (self.trainer.epoch(epoch, &rates, part, &mut self.pruned, pruner, &mut tick), part)
            }
        };
        let loss = part.score().loss();
        self.history.steps.extend(self.trainer.take_reports());
        match trained {
            Ok(ControlFlow::Continue(())) if loss > HOPELESS_LOSS => {
                Err(self.diverged(epoch, role, format!("a mean training loss of {loss:.3e}")))
            }
            Ok(flow) => Ok(flow),
            Err(StepError::Network(error)) => Err(self.network_error(epoch, role, error)),
            Err(StepError::Prune(error)) => Err(TrainError::Prune(error)),
            Err(error @ StepError::Diverged { .. }) => Err(self.diverged(epoch, role, error.to_string())),
        }
    }

    /// Measures once more the effect of activation pruning in the pruned network, over all test images, including the
    /// pattern after pooling.
    ///
    /// # Errors
    ///
    /// As [`epoch`](Self::epoch).
    pub fn measure_activations(&mut self) -> Result<(), TrainError> {
        let epoch = self.history.epochs.len() as u64;
        self.places.iter().for_each(|place| place.reset(true));
        let measured = self.measure(epoch, TwinRole::Pruned);
        measured.map(|_| ())
    }

    /// Counts the elements that are not zero though the masks prune them, in the weights and the momentum of the
    /// pruned network.
    ///
    /// # Errors
    ///
    /// [`TrainError::Prune`].
    pub fn revivals(&self) -> Result<usize, TrainError> {
        Ok(self.pruned.revivals(self.pruner.held()).map_err(PruneError::from)?)
    }

    /// A NaN before activation pruning is divergence too.
    fn network_error(&self, epoch: u64, role: TwinRole, error: NnError) -> TrainError {
        match error {
            NnError::Activation { layer, .. } => {
                self.diverged(epoch, role, format!("activations of `{layer}` are NaN"))
            }
            error => error.into(),
        }
    }

    fn diverged(&self, epoch: u64, role: TwinRole, what: String) -> TrainError {
        TrainError::Diverged { epoch, role, what, settings: self.settings }
    }
}

/// The number of elements of a parameter that the masks keep.
pub(super) fn kept(spec: &ParamSpec, masks: &Masks) -> usize {
    masks.get(&spec.name).map_or(spec.len(), Mask::kept_len)
}

fn layer_densities(specs: &[ParamSpec], masks: &Masks) -> impl Iterator<Item = (String, f64)> {
    specs.iter().map(|spec| (spec.name.clone(), kept(spec, masks) as f64 / spec.len() as f64))
}

fn density(specs: &[ParamSpec], masks: &Masks) -> f64 {
    let (kept, all) = specs.iter().fold((0, 0), |(k, a), spec| (k + kept(spec, masks), a + spec.len()));
    kept as f64 / all as f64
}
