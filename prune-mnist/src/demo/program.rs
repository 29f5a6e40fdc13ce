//! Runs the demo, from its options to its files.

use std::time::{Duration, Instant};

use prune_core::ActivationRule;

use super::args::Arguments;
use super::error::DemoError;
use super::plan::{Plan, steps_end_within};
use super::results::{self, NAMES, check_from_scratch};
use super::resume;
use super::saver::{Saver, beside, resumed};
use super::scratch;
use super::show::{self, Intro};
use crate::data::Dataset;
use crate::nn::{ModelSpec, NalgebraParams, NdarrayParams, ParamKind, readme_rules};
use crate::run::checkpoint::{CHECKPOINT_FILE, Checkpoint, CheckpointError};
use crate::run::choice::BackendChoice;
use crate::run::{Bar, Console, Interrupt, OutFolder, on_threads};
use crate::train::{Backend, History, Session, Settings, TwinRole};
use crate::words::percent;

/// A training accuracy that guessing among ten classes can reach too.
const NOTHING_LEARNT: f64 = 0.15;
/// Steps after which a network should have learnt something.
const ENOUGH_STEPS: u64 = 100;

/// Runs the demo and prints to `console`, until it is complete or `interrupt` is requested.
///
/// # Errors
///
/// Every variant of [`DemoError`]. No results have been written then, though checkpoints may have been. The one
/// exception is [`RunError::Print`](crate::run::RunError::Print): it may concern the last lines, after all files were
/// written.
pub fn run(arguments: &Arguments, console: &mut Console<'_>, interrupt: &Interrupt) -> Result<(), DemoError> {
    let started = Instant::now();
    if !arguments.resume {
        let plan = match &arguments.method {
            Some(_) => None,
            None => Some(Plan::new(arguments.strategy.as_deref(), arguments.epochs)?),
        };
        return load(&Job { arguments, plan, interrupt, started }, None, console);
    }
    if !arguments.out.join(CHECKPOINT_FILE).exists() {
        return Err(CheckpointError::Absent { folder: arguments.out.clone() }.into());
    }
    // The folder is opened first: from here on no other run can replace the checkpoint.
    let out = OutFolder::open(&arguments.out, &NAMES)?;
    let checkpoint = Checkpoint::read(out.path())?;
    let (arguments, plan) = resume::apply(arguments, &checkpoint)?;
    if checkpoint.last_epoch() > plan.epochs {
        let (path, epoch, epochs) = (checkpoint.path().to_owned(), checkpoint.last_epoch(), plan.epochs);
        return Err(CheckpointError::TooFewEpochs { path, epoch, epochs }.into());
    }
    load(&Job { arguments: &arguments, plan: Some(plan), interrupt, started }, Some((out, checkpoint)), console)
}

/// The run to do.
struct Job<'a> {
    arguments: &'a Arguments,
    /// None if the plan depends on the data.
    plan: Option<Plan>,
    interrupt: &'a Interrupt,
    started: Instant,
}

/// Reads the data and continues, on the threads and the backend asked for.
fn load(job: &Job<'_>, from: Option<(OutFolder, Checkpoint)>, console: &mut Console<'_>) -> Result<(), DemoError> {
    on_threads(job.arguments.threads.map(|threads| threads as usize), || {
        let data = job.arguments.data.load()?;
        match job.arguments.backend {
            BackendChoice::Ndarray => run_on::<NdarrayParams<f32>>(job, from, &data, console),
            BackendChoice::Nalgebra => run_on::<NalgebraParams<f32>>(job, from, &data, console),
        }
    })?
}

fn run_on<P: Backend>(
    job: &Job<'_>,
    from: Option<(OutFolder, Checkpoint)>,
    data: &Dataset,
    console: &mut Console<'_>,
) -> Result<(), DemoError> {
    let arguments = job.arguments;
    let spec = arguments.model.spec();
    let plan = &match &job.plan {
        Some(plan) => plan.clone(),
        None => preset(arguments, data, &spec)?,
    };
    check_from_scratch(arguments, &plan.strategy)?;
    let trained_with = Settings {
        epochs: plan.epochs,
        lr: arguments.lr,
        momentum: arguments.momentum,
        weight_decay: arguments.weight_decay,
        batch_size: arguments.batch_size,
        seed: arguments.seed,
    };
    let rules: Vec<ActivationRule> = if arguments.no_act_pruning { Vec::new() } else { readme_rules().into() };
    let mut session = Session::<P>::new(&spec, data, trained_with, plan.strategy.clone(), &rules)?;
    steps_end_within(&plan.strategy, plan.epochs, session.trainer.steps())?;
    let (out, settings, origin) = match from {
        Some((out, checkpoint)) => {
            checkpoint.check_data(&arguments.data, data)?;
            checkpoint.restore(&mut session)?;
            session.check(&spec.name)?;
            (out, resume::gone_on(&checkpoint, arguments, plan), Some(resumed(&checkpoint, &session, plan.epochs)))
        }
        None => {
            let out = OutFolder::open(&arguments.out, &NAMES)?;
            beside(&out, console)?;
            (out, resume::settings(arguments, plan, data), None)
        }
    };
    let mut saver = Saver { out, settings };

    console.line(show::intro(&Intro {
        arguments,
        data,
        plan,
        layers: session.trainer.network.layers(),
        places: &session.places,
        place_count: session.trainer.network.activation_prunings(),
        steps: session.trainer.steps(),
        threads: rayon::current_num_threads(),
    }))?;
    if let Some(origin) = &origin {
        console.line(origin)?;
    }
    plan.warnings.iter().for_each(|warning| console.warning(warning));
    session.warnings.iter().for_each(|warning| console.warning(warning));

    let twin_took = train(&mut session, plan.epochs, job.interrupt, origin.is_some(), &mut saver, console)?;
    session.measure_activations()?;
    finish(&session, console)?;

    let small = results::write(&session, &spec, data, &mut saver.out, console)?;
    if arguments.from_scratch {
        match &small {
            Some(small) => {
                scratch::train::<P>(small, data, trained_with, &rules, job.interrupt, &mut saver.out, console)?
            }
            None => console.warning("--from-scratch: nothing is trained from scratch, since there is no small network"),
        }
    }
    console.line(format_args!(
        "took {:.1} s{}, of which the dense twin {:.1} s",
        job.started.elapsed().as_secs_f64(),
        if origin.is_some() { " since it was resumed" } else { "" },
        twin_took.as_secs_f64()
    ))?;
    Ok(())
}

/// The plan of `--method`.
fn preset(arguments: &Arguments, data: &Dataset, spec: &ModelSpec) -> Result<Plan, DemoError> {
    let steps = (data.train.len() as u64).div_ceil(arguments.batch_size);
    let parameters = spec.parameters()?;
    let output = parameters.iter().rfind(|spec| spec.kind == ParamKind::Kernel).map_or("", |spec| spec.name.as_str());
    let method = arguments.method.as_deref().unwrap_or_default();
    Plan::preset(method, arguments.density, arguments.epochs, steps, output, arguments.seed)
}

/// Trains all remaining epochs and prints them; returns the time of the twin.
fn train<P: Backend>(
    session: &mut Session<'_, P>,
    epochs: u64,
    interrupt: &Interrupt,
    is_resumed: bool,
    saver: &mut Saver,
    console: &mut Console<'_>,
) -> Result<Duration, DemoError> {
    if !is_resumed && let Some(event) = session.start()? {
        console.line(format_args!("\n{}", show::event(event, epochs)))?;
    }
    let mut twin_took = Duration::ZERO;
    let is_complete = session.next_epoch() > epochs;
    if !is_complete {
        console.line(format_args!("\n{}", show::header()))?;
    }
    for epoch in session.next_epoch()..=epochs {
        let mut clock = Stopwatch::start();
        let mut bar = Bar::new(epoch, epochs, session.trainer.steps(), session.twin.is_some(), session.begun.steps());
        let flow = session.epoch(&mut |role, loss| {
            clock.tick(role);
            bar.tick(role, loss);
            interrupt.flow()
        })?;
        drop(bar);
        twin_took += clock.twin;
        saver.save(session)?;
        if flow.is_break() {
            return Err(saver.interrupted(session, epochs));
        }
        epoch_ended(session, epoch, epochs, clock.started.elapsed().saturating_sub(clock.twin), console)?;
        if interrupt.is_requested() && epoch < epochs {
            return Err(saver.interrupted(session, epochs));
        }
    }
    if is_complete {
        // No epoch is left to train, but --epochs may have been lowered to the epochs done.
        saver.save(session)?;
    }
    Ok(twin_took)
}

/// Prints the row of an epoch, and the reports of events.
fn epoch_ended<P: Backend>(
    session: &Session<'_, P>,
    epoch: u64,
    epochs: u64,
    took: Duration,
    console: &mut Console<'_>,
) -> Result<(), DemoError> {
    let History { epochs: records, events, steps } = &session.history;
    let Some(record) = records.last() else { return Ok(()) };
    console.line(show::row(record, took))?;
    let mut shown = false;
    if let Some(text) = show::steps(steps.iter().filter(|report| report.epoch == epoch)) {
        console.line(text)?;
    }
    for event in events {
        if event.later.is_some_and(|later| later.epoch == epoch)
            && let Some(text) = show::later(event)
        {
            console.line(text)?;
            shown = true;
        }
        if event.report.epoch == epoch {
            console.line(format_args!("\n{}", show::event(event, epochs)))?;
            shown = true;
        }
    }
    if shown && epoch < epochs {
        console.line(format_args!("\n{}", show::header()))?;
    }
    Ok(())
}

/// Tells the time of the twin from the rest of an epoch.
struct Stopwatch {
    started: Instant,
    last: Instant,
    twin: Duration,
}

impl Stopwatch {
    fn start() -> Self {
        let now = Instant::now();
        Self { started: now, last: now, twin: Duration::ZERO }
    }

    fn tick(&mut self, role: TwinRole) {
        let now = Instant::now();
        if role == TwinRole::Twin {
            self.twin += now - self.last;
        }
        self.last = now;
    }
}

fn finish<P: Backend>(session: &Session<'_, P>, console: &mut Console<'_>) -> Result<(), DemoError> {
    let Some(last) = session.history.epochs.last() else { return Ok(()) };
    let specs = session.trainer.network.parameters();
    let revivals = session.revivals()?;
    console.line(format_args!("\n{}", show::comparison(last, specs, session.pruner.masks(), revivals)))?;
    let steps = last.epoch * session.trainer.steps();
    if last.train_accuracy < NOTHING_LEARNT && steps >= ENOUGH_STEPS {
        console.warning(format_args!(
            "after {steps} steps the training accuracy is {}, about that of guessing: the network has not learnt, lower --lr or \
             keep more weights",
            percent(last.train_accuracy)
        ));
    }
    if session.history.events.is_empty() && session.history.steps.is_empty() {
        console.line("\nthe strategy has no event, so nothing was pruned and there is no twin to compare with")?;
    }
    if let Some(text) = show::activations(&session.places) {
        console.line(format_args!("\n{text}"))?;
    }
    Ok(())
}
