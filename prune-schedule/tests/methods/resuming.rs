//! Every method, saved in the middle and resumed: the run is the same bit for bit.

use proptest::prelude::*;
use prune_core::{Masks, PlainTensor};
use prune_schedule::{Evidence, Inputs, PruneError, Pruner, Report};

use crate::model::Model;

const SHAPES: [(&str, &[usize]); 4] =
    [("fc.weight", &[6, 5]), ("Conv_0-kernel", &[2, 2, 3, 4]), ("Dense_0-kernel", &[4, 6]), ("Dense_0-bias", &[6])];

const STEPS: u64 = 3;

/// Runs of six epochs of three steps each.
const RUNS: [&str; 20] = [
    "{3: {'method': 'unstr_global', 'density': 0.3, 'score': 'random', 'seed': 3}}",
    "{3: {'method': 'unstr_global', 'density': 0.3, 'score': 'saliency'}}",
    "{0: {'method': 'unstr_global', 'density': 0.5, 'score': 'snip'}, 4: {'method': 'unstr_global', 'density': 0.2, 'score': 'snip'}}",
    "{3: {'method': 'unstr_unified_local', 'density': 0.4, 'score': 'wanda'}}",
    "{3: {'method': 'unstr_unified_local', 'density': 0.4, 'score': 'given'}}",
    "{'2..=4': {'method': 'unstr_unified_local', 'density': 0.4, 'ranking': 'output'}}",
    "{'1..=5': {'method': 'unstr_global', 'density': 0.2, 'distribution': 'erk', 'schedule': 'cubic', 'max_density': 0.9, 'from_density': 0.8, 'every': 2}}",
    "{'1..=5': {'method': 'unstr_global', 'density': 0.2, 'distribution': 'uniform', 'schedule': 'linear', 'min_density': 0.05}}",
    "{'2..=4': {'method': 'unstr_global', 'density': 0.2, 'distribution': 'global_l2'}}",
    "{'1..=3': {'method': 'block_global', 'block': (2, 2), 'density': 0.5}, 5: {'method': 'block_global', 'block': (2, 2), 'density': 0.25}}",
    "{2: {'method': 'channel_local', 'density': {'Dense_0-kernel': 0.5}, 'bias': True, 'norm': 'inf'}}",
    "{'2..=17 steps': {'method': 'unstr_global', 'density': 0.1, 'schedule': 'polynomial', 'power': 2, 'every': 3}}",
    "{0: {'method': 'unstr_unified_local', 'density': 0.3}, '2..=16 steps': {'method': 'set', 'seed': 8, 'every': 2}}",
    "{0: {'method': 'unstr_unified_local', 'density': 0.3}, '2..=16 steps': {'method': 'rigl', 'every': 4}}",
    "{0: {'method': 'unstr_unified_local', 'density': 0.3}, '1..=5': {'method': 'rigl', 'decay': 'constant'}}",
    "{'2..=4': {'method': 'unstr_unified_local', 'density': 0.3, 'straight_through': True}}",
    "{'1..=3': {'method': 'str_unified_local', 'pattern': '2:4', 'straight_through': True}, 5: {'method': 'unstr_global', 'density': 0.1}}",
    "{2: {'method': 'unstr_global', 'density': 0.5, 'rewind': 0}, 4: {'method': 'unstr_global', 'density': 0.2, 'rewind': 0}}",
    "{'2..=6': {'method': 'unstr_global', 'density': 0.2, 'schedule': 'linear', 'every': 2, 'rewind': 1}}",
    "{1: {'method': 'unstr_global', 'density': 0.1}, '5 steps': {'method': 'unstr_global', 'density': 0.4, 'reopen': 'gradient'}}",
];

#[derive(Clone)]
struct Run {
    pruner: Pruner,
    model: Model,
    initial: Model,
}

impl Run {
    fn evidence(
        &self,
        time: u64,
        run: impl FnOnce(Evidence<'_>) -> Result<Option<Report>, PruneError>,
    ) -> Result<Option<Report>, PruneError> {
        let given = Model::seeded(&SHAPES, time + 77);
        let measure = |name: &str, masks: &Masks| {
            let closed: usize = masks.iter().map(|(_, mask)| mask.len() - mask.kept_len()).sum();
            let shape = self.initial.shape(name);
            let inputs = if name.ends_with("kernel") { &shape[..shape.len() - 1] } else { &shape[1..] };
            let norms = (0..inputs.iter().product::<usize>()).map(|i| ((i * 5 + closed) % 7) as f64);
            PlainTensor::from_logical(inputs, norms.collect())
        };
        let inputs = Some(Inputs::Measure(&measure));
        run(Evidence { inputs, scores: Some(&given), rewind: Some(&self.initial), ..Evidence::default() })
    }

    /// The forward and the backward pass of a step; returns the masks of the forward pass.
    fn passes(&mut self, step: u64) -> Result<Masks, String> {
        let forward = self.pruner.forward_masks(&self.model);
        self.pruner.observe(&Model::seeded(&SHAPES, step + 11)).map_err(|error| error.to_string())?;
        forward.map_err(|error| error.to_string())
    }

    /// The optimiser's step, and the end of the epoch after its last step; returns all reports.
    fn optimise(&mut self, step: u64) -> Result<Vec<Report>, String> {
        let text = |error: PruneError| error.to_string();
        if !self.pruner.replaces_step(step) {
            self.model.disturb(step);
            self.pruner.hold(&mut self.model).map_err(text)?;
        }
        let mut reports = Vec::new();
        let (mut pruner, mut model) = (self.pruner.clone(), self.model.clone());
        reports.extend(self.evidence(step, |evidence| pruner.end_step_with(step, &mut model, evidence)).map_err(text)?);
        if step.is_multiple_of(STEPS) {
            reports.extend(
                self.evidence(step, |evidence| pruner.end_epoch_with(step / STEPS, &mut model, evidence))
                    .map_err(text)?,
            );
        }
        (self.pruner, self.model) = (pruner, model);
        Ok(reports)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_resumed_run_is_the_same_run(which in 0..RUNS.len(), stop in 1..=6 * STEPS, within in any::<bool>(), seed in 0u64..50) {
        let model = Model::seeded(&SHAPES, seed);
        let mut run = Run { pruner: crate::pruner(RUNS[which]), initial: model.clone(), model };
        run.pruner.check(&run.model).unwrap();
        run.pruner.observe(&Model::seeded(&SHAPES, 3)).unwrap();
        run.pruner.start(&mut run.model).unwrap();
        let mut events = 0;
        let mut resumed: Option<Run> = None;
        let resume = |run: &Run| {
            let json = run.pruner.to_json();
            let pruner = Pruner::from_json(&json).unwrap();
            assert_eq!(pruner.to_json(), json);
            // The rest of the strategy can still be carried out, also in the middle of a range.
            pruner.check(&run.model).unwrap_or_else(|error| panic!("{}\n{error}", RUNS[which]));
            Run { pruner, ..run.clone() }
        };
        for step in 1..=6 * STEPS {
            if step == stop && !within {
                resumed = Some(resume(&run));
            }
            let forward = run.passes(step);
            if let Some(resumed) = &mut resumed {
                prop_assert_eq!(&resumed.passes(step), &forward);
            }
            // Between a backward pass and its step.
            if step == stop && within {
                resumed = Some(resume(&run));
            }
            let reports = run.optimise(step);
            if let Some(resumed) = &mut resumed {
                prop_assert_eq!(&resumed.optimise(step), &reports);
                prop_assert_eq!(resumed.model.bits(), run.model.bits());
                prop_assert_eq!(&resumed.pruner, &run.pruner);
            }
            forward.unwrap_or_else(|error| panic!("{}\n{error}", RUNS[which]));
            events += reports.unwrap_or_else(|error| panic!("{}\n{error}", RUNS[which])).len();
        }
        prop_assert!(events > 0, "{}", RUNS[which]);
    }
}
