//! The source of the dense network.

use std::ops::ControlFlow;

use super::args::{ScanModel, SensitivityArguments};
use super::error::SensitivityError;
use crate::data::{DataSource, Dataset};
use crate::nn::{Initialisation, initial_parameters, prune_activations, readme_rules};
use crate::run::checkpoint::Checkpoint;
use crate::run::{Bar, Console, Interrupt};
use crate::train::{Backend, EpochPart, Settings, StepError, TrainedState, Trainer, TwinRole};
use crate::words::counted;

/// The number of images in a step, and in a batch that is only measured.
const BATCH_SIZE: u64 = 128;
const MOMENTUM: f64 = 0.9;

/// A network that must be trained, or one that exists already.
pub(super) enum NetworkSource<'a> {
    Train(&'a SensitivityArguments),
    Stored(Box<Checkpoint>),
}

impl<'a> NetworkSource<'a> {
    pub(super) fn of(arguments: &'a SensitivityArguments) -> Result<Self, SensitivityError> {
        Ok(match &arguments.checkpoint {
            None => Self::Train(arguments),
            Some(folder) => Self::Stored(Box::new(Checkpoint::read(folder)?)),
        })
    }

    pub(super) fn model(&self) -> ScanModel {
        match self {
            Self::Train(arguments) => arguments.model,
            Self::Stored(checkpoint) => checkpoint.settings().model.into(),
        }
    }

    /// The data that the network learns from, or has learnt from.
    pub(super) fn data(&self) -> Result<DataSource, SensitivityError> {
        match self {
            Self::Train(_) => Ok(DataSource::Sample),
            Self::Stored(checkpoint) => Ok(checkpoint.data()?),
        }
    }

    /// The network's working memory and its weights.
    pub(super) fn network<'d, P: Backend>(
        &self,
        data: &'d Dataset,
        console: &mut Console<'_>,
        interrupt: &Interrupt,
    ) -> Result<(Trainer<'d, P>, P), SensitivityError> {
        let spec = self.model().spec();
        let mut settings =
            Settings { epochs: 1, lr: 0.1, momentum: MOMENTUM, weight_decay: 0.0, batch_size: BATCH_SIZE, seed: 0 };
        match self {
            Self::Stored(checkpoint) => {
                let mut trainer = Trainer::<P>::new(&spec, data, settings)?;
                let mut params = P::zeros(trainer.network.parameters());
                checkpoint.dense(&mut params)?;
                let mut pruned = String::new();
                if !checkpoint.settings().no_act_pruning {
                    let places = prune_activations(&mut trainer.network, &spec, &readme_rules())?;
                    pruned =
                        if places.is_empty() { pruned } else { ", activations pruned as they were there".to_owned() };
                }
                console.line(format_args!(
                    "network      {}, the dense one of `{}` after epoch {}{pruned}",
                    spec.name,
                    checkpoint.path().display(),
                    checkpoint.epoch()
                ))?;
                Ok((trainer, params))
            }
            Self::Train(arguments) => {
                settings =
                    Settings { epochs: arguments.epochs, lr: arguments.rate(), seed: arguments.seed, ..settings };
                let mut trainer = Trainer::<P>::new(&spec, data, settings)?;
                console.line(format_args!(
                    "network      {} on {}, trained for {} from seed {}: SGD with learning rate {} falling linearly to 0, momentum \
                     {MOMENTUM}, batches of {BATCH_SIZE}",
                    spec.name,
                    arguments.backend.name(),
                    counted(arguments.epochs, "epoch"),
                    arguments.seed,
                    settings.lr
                ))?;
                let params = train(&mut trainer, settings, interrupt)?;
                Ok((trainer, params))
            }
        }
    }
}

fn train<P: Backend>(
    trainer: &mut Trainer<'_, P>,
    settings: Settings,
    interrupt: &Interrupt,
) -> Result<P, SensitivityError> {
    let specs = trainer.network.parameters();
    let params: P = initial_parameters(specs, Initialisation::LecunNormal, settings.seed);
    let mut state = TrainedState::at_rest(params, settings.momentum, settings.weight_decay);
    for epoch in 1..=settings.epochs {
        let mut bar = Bar::new(epoch, settings.epochs, trainer.steps(), false, 0);
        let trained =
            trainer.epoch(epoch, &settings.rates(), &mut EpochPart::default(), &mut state, None, &mut |loss| {
                bar.tick(TwinRole::Pruned, loss);
                interrupt.flow()
            });
        let diverged = |what: String| SensitivityError::Diverged { epoch, what, lr: settings.lr };
        match trained {
            Ok(ControlFlow::Continue(())) => {}
            Ok(ControlFlow::Break(())) => return Err(SensitivityError::Interrupted),
            Err(StepError::Network(error)) => return Err(error.into()),
            Err(error) => return Err(diverged(error.to_string())),
        }
    }
    Ok(state.params)
}
