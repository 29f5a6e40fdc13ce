//! The settings of a run, as its checkpoint keeps them, and those that may change when it resumes.

use std::path::Path;

use prune_schedule::Strategy;
use serde::{Deserialize, Serialize};

use super::error::{CheckpointError, Difference};
use crate::data::{Dataset, MnistFile};
use crate::demo::{Arguments, BackendChoice, DemoError, ModelChoice, Plan, number};

/// All settings that decide the result of a run. `--threads` and `--out` do not, so they are left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunSettings {
    model: ModelChoice,
    backend: BackendChoice,
    /// `--data`, as it was written.
    data: String,
    /// The hashes of the four files, which must not change.
    data_sha256: [String; 4],
    seed: u64,
    lr: f64,
    momentum: f64,
    weight_decay: f64,
    batch_size: u64,
    no_act_pruning: bool,
    strategy: Strategy,
    strategy_origin: String,
    /// Epochs to train.
    pub epochs: u64,
}

impl RunSettings {
    /// The settings of `arguments` and `plan`, on `data`.
    #[must_use]
    pub fn new(arguments: &Arguments, plan: &Plan, data: &Dataset) -> Self {
        Self {
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

    /// The network.
    #[must_use]
    pub fn model(&self) -> ModelChoice {
        self.model
    }

    /// `--data`, as it was written.
    #[must_use]
    pub fn data(&self) -> &str {
        &self.data
    }

    /// True if activations are pruned, in a model with a place for it.
    #[must_use]
    pub fn prunes_activations(&self) -> bool {
        !self.no_act_pruning
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
    pub fn apply(&self, given: &Arguments, path: &Path) -> Result<(Arguments, Plan), DemoError> {
        let mut differences = Vec::new();
        let mut arguments = given.clone();
        let mut keep = |option: &'static str, now: Option<String>, then: String| {
            if let Some(now) = now.filter(|now| *now != then) {
                differences.push(Difference { option, now, then });
            }
        };
        let now = |id: &str, value: String| given.gives(id).then_some(value);
        keep("--model", now("model", given.model.spec().name), self.model.spec().name);
        keep("--backend", now("backend", given.backend.name().to_owned()), self.backend.name().to_owned());
        keep("--seed", now("seed", given.seed.to_string()), self.seed.to_string());
        for (option, id, value, then) in [
            ("--lr", "lr", given.lr, self.lr),
            ("--momentum", "momentum", given.momentum, self.momentum),
            ("--weight-decay", "weight_decay", given.weight_decay, self.weight_decay),
        ] {
            keep(option, now(id, number(value)), number(then));
        }
        keep("--batch-size", now("batch_size", given.batch_size.to_string()), self.batch_size.to_string());
        let activations = |left_dense| if left_dense { "given" } else { "left out" }.to_owned();
        keep(
            "--no-act-pruning",
            now("no_act_pruning", activations(given.no_act_pruning)),
            activations(self.no_act_pruning),
        );
        if let Some(text) = given.strategy.as_deref() {
            let now = Plan::read(text)?.0;
            keep("--strategy", Some(now.to_python()), self.strategy.to_python());
        }
        if let Some(method) = given.method.as_deref() {
            keep("--method", Some(Plan::method_origin(method)), self.strategy_origin.clone());
        }
        if !differences.is_empty() {
            return Err(CheckpointError::Differs { path: path.to_owned(), differences }.into());
        }
        (arguments.model, arguments.backend, arguments.seed) = (self.model, self.backend, self.seed);
        (arguments.lr, arguments.momentum, arguments.weight_decay) = (self.lr, self.momentum, self.weight_decay);
        (arguments.batch_size, arguments.no_act_pruning) = (self.batch_size, self.no_act_pruning);
        if !given.gives("data") {
            arguments.data = self.data.parse().map_err(|_| CheckpointError::Unfit {
                path: path.to_owned(),
                why: "it does not say which data it was trained on".to_owned(),
            })?;
        }
        let plan = Plan::resumed(self.strategy.clone(), &self.strategy_origin, self.epochs, given.epochs)?;
        Ok((arguments, plan))
    }

    /// These settings with the parts that may change: the epochs, and the place of the data.
    #[must_use]
    pub fn gone_on(&self, arguments: &Arguments, plan: &Plan) -> Self {
        Self { epochs: plan.epochs, data: arguments.data.to_string(), ..self.clone() }
    }

    /// Checks that `data` is the data of the run's beginning.
    ///
    /// # Errors
    ///
    /// [`CheckpointError::Data`].
    pub fn check_data(&self, arguments: &Arguments, data: &Dataset, path: &Path) -> Result<(), CheckpointError> {
        let files = MnistFile::ALL.into_iter().zip(&data.files).zip(&self.data_sha256);
        let differs = files.map(|((file, now), then)| (file, now.sha256.to_string(), then)).find(|(_, n, t)| n != *t);
        let Some((file, now, then)) = differs else { return Ok(()) };
        let source_name = arguments.data.to_string();
        Err(CheckpointError::Data { path: path.to_owned(), source_name, file: file.name(), now, then: then.clone() })
    }
}
