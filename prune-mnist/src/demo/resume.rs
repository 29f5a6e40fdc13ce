//! The options of a run and the settings of its checkpoint. They are equal, except those that may change.

use super::args::Arguments;
use super::error::DemoError;
use super::plan::Plan;
use crate::data::Dataset;
use crate::run::checkpoint::{Checkpoint, CheckpointError, Difference, RunSettings};
use crate::words::number;

/// The settings of `arguments` and `plan`, on `data`.
pub(super) fn settings(arguments: &Arguments, plan: &Plan, data: &Dataset) -> RunSettings {
    RunSettings {
        model: arguments.model,
        backend: arguments.backend,
        data: arguments.data.to_string(),
        data_sha256: data.files.each_ref().map(|file| file.sha256.to_string()),
        seed: arguments.seed,
        lr: arguments.lr,
        momentum: arguments.momentum,
        weight_decay: arguments.weight_decay,
        batch_size: arguments.batch_size,
        no_act_pruning: arguments.no_act_pruning,
        strategy: plan.strategy.clone(),
        strategy_origin: plan.origin.clone(),
        epochs: plan.epochs,
    }
}

/// The settings of a resumed run: those of its checkpoint, except the epochs and the place of the data.
pub(super) fn gone_on(checkpoint: &Checkpoint, arguments: &Arguments, plan: &Plan) -> RunSettings {
    RunSettings { epochs: plan.epochs, data: arguments.data.to_string(), ..checkpoint.settings().clone() }
}

/// The options and the plan of a resumed run. An option given now must equal the one here; an option left out is
/// taken from here.
///
/// The strategy is that of the run's beginning, with the same epochs. The default strategy is not scaled again to
/// another `--epochs`, because a part of it may be done.
///
/// # Errors
///
/// [`CheckpointError::Differs`], with every option that differs; an event after `--epochs`; a strategy that
/// cannot be read.
pub(super) fn apply(given: &Arguments, checkpoint: &Checkpoint) -> Result<(Arguments, Plan), DemoError> {
    let then = checkpoint.settings();
    let mut differences = Vec::new();
    let mut arguments = given.clone();
    let mut keep = |option: &'static str, now: Option<String>, before: String| {
        if let Some(now) = now.filter(|now| *now != before) {
            differences.push(Difference { option, now, then: before });
        }
    };
    let now = |id: &str, value: String| given.gives(id).then_some(value);
    keep("--model", now("model", given.model.spec().name), then.model.spec().name);
    keep("--backend", now("backend", given.backend.name().to_owned()), then.backend.name().to_owned());
    keep("--seed", now("seed", given.seed.to_string()), then.seed.to_string());
    for (option, id, value, before) in [
        ("--lr", "lr", given.lr, then.lr),
        ("--momentum", "momentum", given.momentum, then.momentum),
        ("--weight-decay", "weight_decay", given.weight_decay, then.weight_decay),
    ] {
        keep(option, now(id, number(value)), number(before));
    }
    keep("--batch-size", now("batch_size", given.batch_size.to_string()), then.batch_size.to_string());
    let activations = |left_dense| if left_dense { "given" } else { "left out" }.to_owned();
    keep(
        "--no-act-pruning",
        now("no_act_pruning", activations(given.no_act_pruning)),
        activations(then.no_act_pruning),
    );
    if let Some(text) = given.strategy.as_deref() {
        let now = Plan::read(text)?.0;
        keep("--strategy", Some(now.to_python()), then.strategy.to_python());
    }
    if let Some(method) = given.method.as_deref() {
        keep("--method", Some(Plan::method_origin(method)), then.strategy_origin.clone());
    }
    if !differences.is_empty() {
        return Err(CheckpointError::Differs { path: checkpoint.path().to_owned(), differences }.into());
    }
    (arguments.model, arguments.backend, arguments.seed) = (then.model, then.backend, then.seed);
    (arguments.lr, arguments.momentum, arguments.weight_decay) = (then.lr, then.momentum, then.weight_decay);
    (arguments.batch_size, arguments.no_act_pruning) = (then.batch_size, then.no_act_pruning);
    if !given.gives("data") {
        arguments.data = checkpoint.data()?;
    }
    let plan = Plan::resumed(then.strategy.clone(), &then.strategy_origin, then.epochs, given.epochs)?;
    Ok((arguments, plan))
}
