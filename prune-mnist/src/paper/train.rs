//! One run: the dense network, or what goes on from it.

use std::time::Instant;

use prune_core::Masks;
use prune_schedule::{Pruner, Strategy};

use super::cache::Base;
use super::control;
use super::error::PaperError;
use super::lottery::{self, Lottery, Start};
use super::outcome::{self, Outcome, Test};
use super::settings::{Change, Phase, Settings};
use crate::data::Dataset;
use crate::demo::{self, Interrupt, Size, State, Trainer, hold, revivals};
use crate::nn::{Adam, NdarrayParams, Optimiser, ParamSpec, Sgd, cosine_rate, initial_parameters};

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

/// Runs `settings` on `data`: a dense network from its seed, any other from `base`, which is what its base has left.
///
/// # Errors
///
/// [`PaperError::Diverged`], [`PaperError::Interrupted`], and what network and pruner refuse.
pub(super) fn train(
    settings: &Settings,
    base: Option<Base>,
    data: &Dataset,
    commit: &str,
    interrupt: &Interrupt,
) -> Result<(Outcome, Base), PaperError> {
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
        (Some(phase @ Phase { change: Change::Lottery(lottery), .. }), base) => run.lottery(phase, lottery, base)?,
        (Some(phase), Some(base)) => run.second_phase(phase, base.params)?,
        (Some(_), None) => unreachable!("the queue gives each run its dense network"),
        (None, _) => {
            let params = initial_parameters(&run.specs, settings.initialisation, settings.seed);
            let mut state = run.at_rest(params, settings.weight_decay);
            let rate = |step, steps| cosine_rate(settings.lr, step, steps);
            run.phase(&mut state, rate, 0, settings.epochs, &mut Pruning::None)?;
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
    Ok((outcome, Base { params, masks }))
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
            Change::Lottery(_) => unreachable!("a round of the lottery has no phase before it"),
        };
        let mut state = self.at_rest(base, phase.weight_decay);
        self.end_epoch(first, &mut state.params, &mut pruning)?;
        if let Some(masks) = pruning.held() {
            masks.hold(&mut state.params)?;
        }
        let rate = |step, steps| cosine_rate(phase.lr, step, steps);
        self.phase(&mut state, rate, first, first + phase.epochs, &mut pruning)?;
        let masks = pruning.held().cloned().unwrap_or_default();
        let revivals = revivals(&masks, &state)?;
        Ok((state.params, masks, untrained, revivals))
    }

    /// A round of the lottery ticket, or one of its controls.
    fn lottery(
        &mut self,
        phase: &Phase,
        lottery: &Lottery,
        base: Option<Base>,
    ) -> Result<(Params, Masks, Option<Test>, usize), PaperError> {
        let Settings { initialisation, seed, .. } = *self.settings;
        let drawn = |seed| -> Params { initial_parameters(&self.specs, initialisation, seed) };
        let masks = match (lottery.start, base) {
            // Round 0 is the dense network.
            (_, None) => Masks::default(),
            (Start::Rewound, Some(before)) => lottery.masks(before)?,
            (Start::Redrawn, Some(ticket)) => ticket.masks,
            (Start::RandomMask, Some(ticket)) => control::random(&ticket.masks, seed)?,
        };
        let mut params = drawn(if lottery.start == Start::Redrawn { lottery::other_seed(seed) } else { seed });
        masks.hold(&mut params)?;
        let mut state = State { params, optimiser: Adam::new(&self.specs) };
        let mut pruning = Pruning::Fixed(masks);
        self.phase(&mut state, |_, _| phase.lr, 0, phase.epochs, &mut pruning)?;
        let masks = pruning.held().cloned().unwrap_or_default();
        let revivals = revivals(&masks, &state)?;
        Ok((state.params, masks, None, revivals))
    }

    /// Epochs `first + 1` to `last`; `rate` is the learning rate of a step of the phase, and is given how many there are.
    fn phase<O: Optimiser<f32, Params>>(
        &mut self,
        state: &mut State<Params, O>,
        rate: impl Fn(u64, u64) -> f64,
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
                let rate = rate((epoch - first - 1) * steps + step, (last - first) * steps);
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
