//! `--method`: every method by a name, as a strategy for the run at hand.
//!
//! A preset is a line in [`PRESETS`]. Its strategy is printed before training, so that it can be copied and changed.

use prune_core::Density;

/// The run for which a preset is made.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Ask {
    /// `--density`.
    pub density: Option<Density>,
    /// Epochs to train.
    pub epochs: u64,
    /// Steps of an epoch.
    pub steps: u64,
    /// The kernel of the output layer.
    pub output: String,
    /// `--seed`, from which masks are drawn too.
    pub seed: u64,
}

/// One method.
#[derive(Debug)]
pub(super) struct Preset {
    /// The value of `--method`.
    name: &'static str,
    /// The text in `--help`.
    about: &'static str,
    /// The density it keeps unless `--density` is given; none if it has no density.
    density: Option<f64>,
    strategy: fn(&Times, &str) -> String,
}

/// The epochs and steps of events, in the run at hand.
struct Times {
    /// The epoch of a single event, two sevenths of the way.
    at: u64,
    /// The end of a range that begins there, five sevenths of the way.
    until: u64,
    /// The last step of sparse training's updates: three quarters of all.
    last_step: u64,
    /// Steps from one update to the next.
    every: u64,
    output: String,
    /// The field `seed`, with a comma before it; empty if there is none to write.
    seed: String,
}

impl Times {
    fn of(ask: &Ask) -> Self {
        let Ask { epochs, steps, .. } = *ask;
        let at = ((2 * epochs + 3) / 7).max(1);
        let all = epochs.saturating_mul(steps);
        let last_step = (all / 4 * 3).max(1);
        Self {
            at,
            until: ((5 * epochs + 3) / 7).max(at),
            last_step,
            every: 100.min(all / 10).max(2),
            output: ask.output.clone(),
            seed: if ask.seed == 0 { String::new() } else { format!(", 'seed': {}", ask.seed) },
        }
    }
}

const PRESETS: [Preset; 19] = [
    Preset {
        name: "magnitude",
        about: "one ranking of all layers by |w|",
        density: Some(0.1),
        strategy: |t, d| format!("{{{}: {{'method': 'unstr_global', 'density': {d}}}}}", t.at),
    },
    Preset {
        name: "layerwise",
        about: "|w|, the same density in each layer",
        density: Some(0.1),
        strategy: |t, d| format!("{{{}: {{'method': 'unstr_unified_local', 'density': {d}}}}}", t.at),
    },
    Preset {
        name: "l2",
        about: "one ranking of all layers by |w| over the layer's norm",
        density: Some(0.1),
        strategy: |t, d| {
            format!("{{{}: {{'method': 'unstr_global', 'density': {d}, 'distribution': 'global_l2'}}}}", t.at)
        },
    },
    Preset {
        name: "erk",
        about: "|w|, with each layer's share by Erdos-Renyi-Kernel",
        density: Some(0.1),
        strategy: |t, d| format!("{{{}: {{'method': 'unstr_global', 'density': {d}, 'distribution': 'erk'}}}}", t.at),
    },
    Preset {
        name: "capped",
        about: "one ranking, no layer below 2%",
        density: Some(0.1),
        strategy: |t, d| format!("{{{}: {{'method': 'unstr_global', 'density': {d}, 'min_density': 0.02}}}}", t.at),
    },
    Preset {
        name: "random",
        about: "drawn at random: what any other must beat",
        density: Some(0.1),
        strategy: |t, d| {
            format!("{{{}: {{'method': 'unstr_global', 'density': {d}, 'score': 'random'{}}}}}", t.at, t.seed)
        },
    },
    Preset {
        name: "saliency",
        about: "|w g| of the last batch",
        density: Some(0.1),
        strategy: |t, d| format!("{{{}: {{'method': 'unstr_global', 'density': {d}, 'score': 'saliency'}}}}", t.at),
    },
    Preset {
        name: "snip",
        about: "|w g| of averaged gradients, before training",
        density: Some(0.1),
        strategy: |_, d| format!("{{0: {{'method': 'unstr_global', 'density': {d}, 'score': 'snip'}}}}"),
    },
    Preset {
        name: "wanda",
        about: "|w| times the norm of its input, within each output",
        density: Some(0.2),
        strategy: |t, d| format!("{{{}: {{'method': 'unstr_unified_local', 'density': {d}, 'score': 'wanda'}}}}", t.at),
    },
    Preset {
        name: "2:4",
        about: "two of every four inputs, which hardware skips",
        density: None,
        strategy: |t, _| {
            format!("{{{}: {{'method': 'str_unified_local', 'pattern': (2, 4), 'axis': 'reduction'}}}}", t.at)
        },
    },
    Preset {
        name: "block",
        about: "4x4 blocks by their mean magnitude",
        density: Some(0.25),
        strategy: |t, d| format!("{{{}: {{'method': 'block_unified_local', 'density': {d}, 'block': (4, 4)}}}}", t.at),
    },
    Preset {
        name: "channel",
        about: "neurons and filters by their L2 norm, with their biases",
        density: Some(0.5),
        strategy: channels,
    },
    Preset {
        name: "small",
        about: "`channel`, down to counts that engines are fast at: the CNN is left with 12, 24 and 96 channels",
        density: Some(0.375),
        strategy: channels,
    },
    Preset {
        name: "gradual",
        about: "one ranking, density falling along a cubic (Zhu and Gupta 2017)",
        density: Some(0.1),
        strategy: |t, d| {
            format!("{{'1..={}': {{'method': 'unstr_global', 'density': {d}, 'schedule': 'cubic'}}}}", t.until.max(2))
        },
    },
    Preset {
        name: "straight-through",
        about: "dense weights trained through their mask",
        density: Some(0.1),
        strategy: |t, d| {
            format!(
                "{{'{}..={}': {{'method': 'unstr_global', 'density': {d}, 'straight_through': True}}}}",
                t.at, t.until
            )
        },
    },
    Preset {
        name: "lottery",
        about: "one round of it: pruned by |w|, rewound to the initial weights; the learning rate goes on (Frankle and Carbin 2019)",
        density: Some(0.1),
        strategy: |t, d| format!("{{{}: {{'method': 'unstr_global', 'density': {d}, 'rewind': 0}}}}", t.at),
    },
    Preset {
        name: "static",
        about: "a random mask with ERK's shares, before training",
        density: Some(0.1),
        strategy: |t, d| format!("{{{}}}", static_mask(t, d)),
    },
    Preset {
        name: "set",
        about: "that mask, moved at random (Mocanu et al. 2018)",
        density: Some(0.1),
        strategy: |t, d| {
            let Times { every, last_step, seed, .. } = t;
            let mask = static_mask(t, d);
            format!("{{{mask},\n '{every}..={last_step} steps': {{'method': 'set', 'every': {every}{seed}}}}}")
        },
    },
    Preset {
        name: "rigl",
        about: "that mask, moved along the gradient (Evci et al. 2020)",
        density: Some(0.1),
        strategy: |t, d| {
            let Times { every, last_step, .. } = t;
            let mask = static_mask(t, d);
            format!("{{{mask},\n '{every}..={last_step} steps': {{'method': 'rigl', 'every': {every}}}}}")
        },
    },
];

fn channels(times: &Times, density: &str) -> String {
    let Times { at, output, .. } = times;
    format!(
        "{{{at}: {{'method': 'channel_unified_local', 'density': {density}, 'bias': True, 'exclude': '{output}'}}}}"
    )
}

fn static_mask(times: &Times, density: &str) -> String {
    let seed = &times.seed;
    format!("0: {{'method': 'unstr_global', 'density': {density}, 'score': 'random', 'distribution': 'erk'{seed}}}")
}

/// The names of all presets.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    PRESETS.iter().map(|preset| preset.name)
}

/// Names and descriptions, for `--help`.
pub(super) fn help() -> String {
    PRESETS.iter().map(|preset| format!("{} ({})", preset.name, preset.about)).collect::<Vec<_>>().join(", ")
}

/// The strategy's text of a preset; `None` for an unknown name.
pub(super) fn strategy(name: &str, ask: &Ask) -> Option<String> {
    let preset = PRESETS.iter().find(|preset| preset.name == name)?;
    let density = ask.density.map(Density::get).or(preset.density).unwrap_or(1.0);
    Some((preset.strategy)(&Times::of(ask), &format!("{density:?}")))
}

/// True if a preset has a density that `--density` can change.
pub(super) fn has_density(name: &str) -> bool {
    PRESETS.iter().any(|preset| preset.name == name && preset.density.is_some())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::ops::ControlFlow;

    use prune_schedule::{Pruner, Strategy};

    use super::*;
    use crate::data::{DataSource, Dataset, Origin};
    use crate::nn::{Initialisation, ModelSpec, NdarrayParams, initial_parameters};
    use crate::train::{Session, Settings};

    /// Every preset is a strategy that fits both models, at any number of epochs and steps, and ends within the run.
    #[test]
    fn presets_fit_the_models() {
        for spec in [ModelSpec::mlp(), ModelSpec::cnn()] {
            let specs = spec.parameters().unwrap();
            let params: NdarrayParams<f32> = initial_parameters(&specs, Initialisation::LecunNormal, 1);
            let output = specs.iter().rfind(|spec| spec.shape.len() > 1).unwrap().name.clone();
            for name in names() {
                for (epochs, steps) in [(1, 1), (1, 79), (2, 10), (7, 79), (20, 469)] {
                    // No schedule fits one epoch, and no updates fit one step.
                    if (name == "gradual" && epochs == 1) || (["set", "rigl"].contains(&name) && steps == 1) {
                        continue;
                    }
                    let ask = Ask { density: Density::new(0.3).ok(), epochs, steps, output: output.clone(), seed: 3 };
                    let text = strategy(name, &ask).unwrap();
                    let parsed: Strategy = text.parse().unwrap_or_else(|error| panic!("{name}: {text}: {error}"));
                    assert!(parsed.last_event_epoch().is_none_or(|last| last <= epochs), "{text}");
                    assert!(parsed.last_event_step().is_none_or(|last| last <= epochs * steps), "{text}");
                    assert_eq!(has_density(name), text.contains("0.3"), "{text}");
                    Pruner::new(parsed).check(&params).unwrap_or_else(|error| panic!("{name}: {text}: {error}"));
                }
            }
        }
        let ask = Ask { density: None, epochs: 7, steps: 79, output: String::new(), seed: 0 };
        assert_eq!(strategy("magnitud", &ask), None);
    }

    /// Every preset trains on the MLP. Presets that treat convolutions specially train on the CNN too. None leaves a
    /// zero that came back.
    #[test]
    fn presets_run() {
        let sample = DataSource::Sample.load().unwrap();
        let data = Dataset {
            train: sample.train.head(64),
            test: sample.test.head(16),
            origin: Origin::Made,
            files: sample.files,
        };
        for spec in [ModelSpec::mlp(), ModelSpec::cnn()] {
            let output = spec.parameters().unwrap().iter().rfind(|spec| spec.shape.len() > 1).unwrap().name.clone();
            // On the larger network, only presets that treat convolutions specially.
            let of_cnn = ["wanda", "channel", "block", "2:4", "rigl"];
            for name in names().filter(|name| spec.name == "mlp" || of_cnn.contains(name)) {
                let ask = Ask { density: None, epochs: 3, steps: 4, output: output.clone(), seed: 3 };
                let parsed: Strategy = strategy(name, &ask).unwrap().parse().unwrap();
                let settings =
                    Settings { epochs: 3, lr: 0.01, momentum: 0.9, weight_decay: 0.0, batch_size: 16, seed: 1 };
                let mut session = Session::<NdarrayParams<f32>>::new(&spec, &data, settings, parsed, &[]).unwrap();
                session.start().unwrap();
                for _ in 0..3 {
                    let flow = session.epoch(&mut |_, _| ControlFlow::Continue(()));
                    assert!(flow.unwrap_or_else(|error| panic!("{name}: {error}")).is_continue());
                }
                assert_eq!(session.revivals().unwrap(), 0, "{name}");
                assert!(!session.pruner.masks().is_empty(), "{name}");
                let happened = session.history.events.len() + session.history.steps.len();
                let expected = [("set", 6), ("rigl", 6), ("gradual", 2), ("straight-through", 2)];
                let expected = expected.iter().find(|(method, _)| *method == name).map_or(1, |(_, count)| *count);
                assert_eq!(happened, expected, "{name}");
            }
        }
    }
}
