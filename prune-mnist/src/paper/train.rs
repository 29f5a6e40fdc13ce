//! One run: the dense network, or a run that starts from it.

use std::time::Instant;

use prune_core::{Layers, Masks, Need};
use prune_schedule::{Evidence, Pruner, Strategy};

use super::cache::Base;
use super::compacted::CompactNetwork;
use super::control;
use super::error::PaperError;
use super::lottery::{self, Lottery, Start};
use super::outcome::{self, RunOutcome, Test};
use super::recipe::CALIBRATION;
use super::settings::{Phase, PhaseChange, Settings};
use crate::data::Dataset;
use crate::nn::{Adam, NdarrayParams, Optimiser, ParamSpec, initial_parameters};
use crate::run::Interrupt;
use crate::train::{self, Course, EpochPart, Rates, Size, State, StepError, TrainedState, Trainer};

type Params = NdarrayParams<f32>;

/// A run in progress.
struct Run<'a> {
    settings: &'a Settings,
    trainer: Trainer<'a, Params>,
    specs: Vec<ParamSpec>,
    interrupt: &'a Interrupt,
    train_loss: Vec<f64>,
    tests: Vec<Test>,
}

/// Runs `settings` on `data`: a run without a base from its seed, any other from `base`, the result of its base.
///
/// # Errors
///
/// [`PaperError::Diverged`], [`PaperError::Interrupted`], and errors of network and pruner.
pub(super) fn train(
    settings: &Settings,
    base: Option<Base>,
    data: &Dataset,
    commit: &str,
    interrupt: &Interrupt,
) -> Result<(RunOutcome, Base), PaperError> {
    let started = Instant::now();
    let trainer = Trainer::new(
        &settings.net.spec(),
        data,
        train::Settings {
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
        (Some(phase @ Phase { change: PhaseChange::Lottery(lottery), .. }), base) => {
            run.lottery(phase, lottery, base)?
        }
        (Some(phase), Some(base)) => run.second_phase(phase, base.params)?,
        (Some(phase), None) if settings.epochs == 0 => {
            let params = initial_parameters(&run.specs, settings.initialisation, settings.seed);
            run.second_phase(phase, params)?
        }
        (Some(_), None) => unreachable!("the queue gives each run its dense network"),
        (None, _) => {
            let params = initial_parameters(&run.specs, settings.initialisation, settings.seed);
            let mut state = TrainedState::at_rest(params, settings.momentum, settings.weight_decay);
            let rates = Rates { start: settings.lr, course: Course::Cosine, after: 0, epochs: settings.epochs };
            run.phase(&mut state, &rates, None)?;
            (state.params, Masks::default(), None, 0)
        }
    };
    let size = Size::of_all(&run.specs, &masks);
    let compacted = if settings.is_compacted() { Some(CompactNetwork::of(&params, &masks, &data.test)?) } else { None };
    let outcome = RunOutcome {
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
        compacted,
    };
    Ok((outcome, Base { params, masks }))
}

impl Run<'_> {
    /// Trains from the dense network, or from the initial weights, to the end.
    fn second_phase(
        &mut self,
        phase: &Phase,
        base: Params,
    ) -> Result<(Params, Masks, Option<Test>, usize), PaperError> {
        let first = self.settings.epochs;
        let mut untrained = None;
        let mut pruner = match &phase.change {
            PhaseChange::None => None,
            PhaseChange::Strategy(text) => {
                let strategy: Strategy = text.parse()?;
                if self.settings.has_untrained() {
                    untrained = Some(self.untrained(&strategy, &base)?);
                }
                Some(Pruner::new(strategy))
            }
            PhaseChange::RandomMask(text) => {
                let strategy: Strategy = text.parse()?;
                let gradients = self.gradients(&strategy, &base)?;
                let masks = control::at_once(&strategy, &base, evidence(gradients.as_ref()))?;
                Some(fixed(control::random(&masks, self.settings.seed)?))
            }
            PhaseChange::Lottery(_) => unreachable!("a round of the lottery has no phase before it"),
        };
        let mut state = TrainedState::at_rest(base, self.settings.momentum, phase.weight_decay);
        if let Some(pruner) = &mut pruner {
            let gradients = self.gradients(pruner.strategy(), &state.params)?;
            pruner.end_epoch_with(first, &mut state.params, evidence(gradients.as_ref()))?;
            pruner.held().hold(&mut state.params)?;
        }
        let rates = Rates { start: phase.lr, course: Course::Cosine, after: first, epochs: phase.epochs };
        self.phase(&mut state, &rates, pruner.as_mut())?;
        let masks = pruner.map_or_else(Masks::default, |pruner| pruner.held().clone());
        let revivals = state.revivals(&masks)?;
        Ok((state.params, masks, untrained, revivals))
    }

    /// Trains a round of the lottery ticket, or one of its controls.
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
        let rates = Rates { start: phase.lr, course: Course::Constant, after: 0, epochs: phase.epochs };
        let mut pruner = fixed(masks);
        self.phase(&mut state, &rates, Some(&mut pruner))?;
        let revivals = state.revivals(pruner.held())?;
        Ok((state.params, pruner.held().clone(), None, revivals))
    }

    /// Trains the epochs of a phase.
    fn phase<O: Optimiser<f32, Params>>(
        &mut self,
        state: &mut State<Params, O>,
        rates: &Rates,
        mut pruner: Option<&mut Pruner>,
    ) -> Result<(), PaperError> {
        let last = rates.after + rates.epochs;
        for epoch in rates.after + 1..=last {
            let mut part = EpochPart::default();
            let tick = &mut |_| self.interrupt.flow();
            match self.trainer.epoch(epoch, rates, &mut part, state, pruner.as_deref_mut(), tick) {
                // A run whose last step is done is finished.
                Ok(flow) if flow.is_break() && (epoch < last || part.steps < self.trainer.steps()) => {
                    return Err(PaperError::Interrupted);
                }
                Ok(_) => {}
                Err(StepError::Diverged { loss, .. }) => return Err(self.diverged(epoch, loss)),
                Err(StepError::Network(error)) => return Err(error.into()),
                Err(StepError::Prune(error)) => return Err((*error).into()),
            }
            self.train_loss.push(part.score().loss());
            if epoch < last
                && let Some(pruner) = pruner.as_deref_mut()
            {
                let (params, mut buffers) = state.parts();
                pruner.end_epoch_and_hold(epoch, params, &mut buffers, Evidence::default())?;
            }
            // The shared network is tested after each epoch or never, since a table reads its runs.
            let is_end = epoch == last && self.settings.then.is_some();
            if is_end || self.settings.tested_every_epoch {
                let test = self.test(epoch, &state.params, pruner.as_deref().map(Pruner::held))?;
                self.tests.push(test);
            }
        }
        Ok(())
    }

    /// The gradients by which the event at the beginning of the second phase ranks, if it does: averaged, without a
    /// step.
    fn gradients(&mut self, strategy: &Strategy, params: &Params) -> Result<Option<Params>, PaperError> {
        let event = strategy.event_at(self.settings.epochs);
        if event.is_none_or(|(_, event)| event.score().needs() != Some(Need::MeanGradient)) {
            return Ok(None);
        }
        let images = self.trainer.calibration(CALIBRATION);
        Ok(Some(self.trainer.mean_gradients(&images, params)?.1))
    }

    /// Tests the dense network, cut at once to the strategy's last event.
    fn untrained(&mut self, strategy: &Strategy, base: &Params) -> Result<Test, PaperError> {
        let masks = control::at_once(strategy, base, Evidence::default())?;
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

/// A pruner that holds these masks and has no event.
fn fixed(masks: Masks) -> Pruner {
    Pruner::with_masks(Strategy::default(), masks)
}

fn evidence(gradients: Option<&Params>) -> Evidence<'_> {
    Evidence { gradients: gradients.map(|gradients| gradients as &dyn Layers), ..Evidence::default() }
}
