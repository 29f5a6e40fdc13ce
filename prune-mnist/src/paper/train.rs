//! One run: the dense network, or what goes on from it.

use std::time::Instant;

use prune_core::Masks;
use prune_schedule::{Pruner, Strategy};

use super::control;
use super::error::PaperError;
use super::outcome::{self, Outcome, Test};
use super::settings::{Change, Phase, Settings};
use crate::data::Dataset;
use crate::demo::{self, Interrupt, Size, State, Trainer, hold, revivals};
use crate::nn::{NdarrayParams, Optimiser as _, ParamSpec, Sgd, cosine_rate, initial_parameters};

type Params = NdarrayParams<f32>;

/// A run in the making.
struct Run<'a> {
    settings: &'a Settings,
    trainer: Trainer<'a, Params>,
    specs: Vec<ParamSpec>,
    interrupt: &'a Interrupt,
    train_loss: Vec<f64>,
    tests: Vec<Test>,
}

/// What prunes a run's second phase.
enum Pruning {
    None,
    Strategy(Box<Pruner>),
    Fixed(Masks),
}

impl Pruning {
    fn held(&self) -> Option<&Masks> {
        match self {
            Self::None => None,
            Self::Strategy(pruner) => Some(pruner.held()),
            Self::Fixed(masks) => Some(masks),
        }
    }
}

/// Runs `settings` on `data`: a dense network from its seed, any other from `base`, the dense network's weights.
///
/// # Errors
///
/// [`PaperError::Diverged`], [`PaperError::Interrupted`], and what network and pruner refuse.
pub(super) fn train(
    settings: &Settings,
    base: Option<Params>,
    data: &Dataset,
    commit: &str,
    interrupt: &Interrupt,
) -> Result<(Outcome, Params), PaperError> {
    let started = Instant::now();
    let trainer = Trainer::new(
        &settings.net.spec(),
        data,
        demo::Settings {
            epochs: settings.all_epochs(),
            lr: settings.lr,
            momentum: settings.momentum,
            weight_decay: settings.weight_decay,
            batch_size: settings.batch_size,
            seed: settings.seed,
        },
    )?;
    let specs = trainer.network.parameters().to_vec();
    let mut run = Run { settings, trainer, specs, interrupt, train_loss: Vec::new(), tests: Vec::new() };
    let (params, masks, untrained, revivals) = match (&settings.then, base) {
        (Some(phase), Some(base)) => run.second_phase(phase, base)?,
        (Some(_), None) => unreachable!("the queue gives each run its dense network"),
        (None, _) => {
            let params = initial_parameters(&run.specs, settings.initialisation, settings.seed);
            let mut state = run.at_rest(params, settings.weight_decay);
            run.phase(&mut state, settings.lr, 0, settings.epochs, &mut Pruning::None)?;
            (state.params, Masks::default(), None, 0)
        }
    };
    let size = Size::of_all(&run.specs, &masks);
    let outcome = Outcome {
        settings: settings.clone(),
        version: outcome::VERSION,
        commit: commit.to_owned(),
        seconds: started.elapsed().as_secs_f64(),
        layers: outcome::layers(&run.specs, &masks),
        multiply_adds: size.multiply_adds,
        bytes: size.packed_bytes,
        revivals,
        pixels: outcome::pixels(&run.specs, &masks),
        train_loss: run.train_loss,
        tests: run.tests,
        untrained,
    };
    Ok((outcome, params))
}

impl Run<'_> {
    fn at_rest(&self, params: Params, weight_decay: f64) -> State<Params, Sgd<f32, Params>> {
        State { params, optimiser: Sgd::new(&self.specs, self.settings.momentum as f32, weight_decay as f32) }
    }

    /// From the dense network to the end.
    fn second_phase(
        &mut self,
        phase: &Phase,
        base: Params,
    ) -> Result<(Params, Masks, Option<Test>, usize), PaperError> {
        let first = self.settings.epochs;
        let mut untrained = None;
        let mut pruning = match &phase.change {
            Change::None => Pruning::None,
            Change::Strategy(text) => {
                let strategy: Strategy = text.parse()?;
                untrained = Some(self.untrained(&strategy, &base)?);
                Pruning::Strategy(Box::new(Pruner::new(strategy)))
            }
            Change::RandomMask(text) => {
                let strategy: Strategy = text.parse()?;
                Pruning::Fixed(control::random(&control::at_once(&strategy, &base)?, self.settings.seed)?)
            }
        };
        let mut state = self.at_rest(base, phase.weight_decay);
        self.end_epoch(first, &mut state.params, &mut pruning)?;
        if let Some(masks) = pruning.held() {
            masks.hold(&mut state.params)?;
        }
        self.phase(&mut state, phase.lr, first, first + phase.epochs, &mut pruning)?;
        let masks = pruning.held().cloned().unwrap_or_default();
        let revivals = revivals(&masks, &state)?;
        Ok((state.params, masks, untrained, revivals))
    }

    /// Epochs `first + 1` to `last`, with a learning rate of their own.
    fn phase(
        &mut self,
        state: &mut State<Params, Sgd<f32, Params>>,
        lr: f64,
        first: u64,
        last: u64,
        pruning: &mut Pruning,
    ) -> Result<(), PaperError> {
        let steps = self.trainer.steps();
        for epoch in first + 1..=last {
            let (mut loss, mut images) = (0.0, 0);
            for step in 0..steps {
                if self.interrupt.is_requested() {
                    return Err(PaperError::Interrupted);
                }
                let score = self.trainer.gradients(epoch, step, &state.params)?;
                if !score.loss().is_finite() {
                    return Err(self.diverged(epoch, score.loss()));
                }
                (loss, images) = (loss + score.loss_sum, images + score.count);
                if let Some(masks) = pruning.held() {
                    self.trainer.mask_gradient(masks)?;
                }
                let rate = cosine_rate(lr, (epoch - first - 1) * steps + step, (last - first) * steps);
                state.optimiser.step(&mut state.params, self.trainer.gradient(), rate as f32)?;
            }
            self.train_loss.push(loss / images as f64);
            if epoch < last {
                self.end_epoch(epoch, &mut state.params, pruning)?;
                if let Some(masks) = pruning.held() {
                    hold(masks, state)?;
                }
            }
            // The shared network is tested after each epoch or not at all, since its runs are what a table reads.
            let is_end = epoch == last && self.settings.then.is_some();
            if is_end || self.settings.tested_every_epoch {
                let test = self.test(epoch, &state.params, pruning.held())?;
                self.tests.push(test);
            }
        }
        Ok(())
    }

    fn end_epoch(&self, epoch: u64, params: &mut Params, pruning: &mut Pruning) -> Result<(), PaperError> {
        if let Pruning::Strategy(pruner) = pruning {
            pruner.end_epoch(epoch, params)?;
        }
        Ok(())
    }

    /// The dense network, cut to the strategy's last event at once.
    fn untrained(&mut self, strategy: &Strategy, base: &Params) -> Result<Test, PaperError> {
        let masks = control::at_once(strategy, base)?;
        let mut params = base.clone();
        masks.hold(&mut params)?;
        self.test(self.settings.epochs, &params, Some(&masks))
    }

    fn test(&mut self, epoch: u64, params: &Params, masks: Option<&Masks>) -> Result<Test, PaperError> {
        let score = self.trainer.evaluate(params)?;
        if !score.loss().is_finite() {
            return Err(self.diverged(epoch, score.loss()));
        }
        let none = Masks::default();
        Ok(Test::of(epoch, score, &outcome::layers(&self.specs, masks.unwrap_or(&none))))
    }

    fn diverged(&self, epoch: u64, loss: f64) -> PaperError {
        PaperError::Diverged { settings: self.settings.json(), epoch, loss }
    }
}
