//! `--method`: every method by a name, as a strategy for the run at hand.
//!
//! A preset is an entry of [`PRESETS`]. Its strategy is printed before training, so that it can be copied and changed.

use prune_core::{Blocks, Density, NmPattern, Norm, Pool, Score};
use prune_schedule::{
    DensityBounds, DistributionRule, Event, GroupAxis, Grow, Key, Piece, Problem, Ramp, Regrow, Scope, Strategy,
    StrategyError,
};

/// The run for which a preset is made.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct PresetRun {
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

/// The events of a preset under their keys.
type Events = Result<Vec<(Key, Event)>, StrategyError>;

/// One method.
#[derive(Debug)]
pub(super) struct Preset {
    /// The value of `--method`.
    name: &'static str,
    /// The text in `--help`.
    about: &'static str,
    /// The density it keeps unless `--density` is given; none if it has no density.
    density: Option<f64>,
    events: fn(&Times, Density) -> Events,
}

/// The epochs and steps of events, in the run at hand.
struct Times {
    /// The epoch of a single event, two sevenths of the way.
    at: Key,
    /// The epochs from `at` to five sevenths of the way.
    during: Key,
    /// The epochs of a schedule, from the first to five sevenths of the way.
    from_first: Key,
    /// The steps of sparse training's updates, up to three quarters of all steps.
    updates: Key,
    /// Steps from one update to the next.
    every: u64,
    output: String,
    seed: u64,
}

impl Times {
    fn of(ask: &PresetRun) -> Self {
        let PresetRun { epochs, steps, .. } = *ask;
        let at = ((2 * epochs + 3) / 7).max(1);
        let until = ((5 * epochs + 3) / 7).max(at);
        let all = epochs.saturating_mul(steps);
        let every = 100.min(all / 10).max(2);
        Self {
            at: Key::Epoch(at),
            during: Key::Epochs { first: at, last: until },
            from_first: Key::Epochs { first: 1, last: until.max(2) },
            updates: Key::Steps { first: every, last: (all / 4 * 3).max(1) },
            every,
            output: ask.output.clone(),
            seed: ask.seed,
        }
    }
}

/// Before training.
const START: Key = Key::Epoch(0);

const PRESETS: [Preset; 19] = [
    Preset {
        name: "magnitude",
        about: "one ranking of all layers by |w|",
        density: Some(0.1),
        events: |t, d| Ok(vec![(t.at, all(d)?)]),
    },
    Preset {
        name: "layerwise",
        about: "|w|, the same density in each layer",
        density: Some(0.1),
        events: |t, d| Ok(vec![(t.at, each(d)?)]),
    },
    Preset {
        name: "l2",
        about: "one ranking of all layers by |w| over the layer's norm",
        density: Some(0.1),
        events: |t, d| Ok(vec![(t.at, all(d)?.with_distribution(DistributionRule::GlobalL2)?)]),
    },
    Preset {
        name: "erk",
        about: "|w|, with each layer's share by Erdos-Renyi-Kernel",
        density: Some(0.1),
        events: |t, d| Ok(vec![(t.at, all(d)?.with_distribution(DistributionRule::Erk)?)]),
    },
    Preset {
        name: "capped",
        about: "one ranking, no layer below 2%",
        density: Some(0.1),
        events: |t, d| {
            let least = Density::new(0.02).map_err(Problem::from)?;
            Ok(vec![(t.at, all(d)?.with_min_density(DensityBounds::Every(least))?)])
        },
    },
    Preset {
        name: "random",
        about: "drawn at random: what any other must beat",
        density: Some(0.1),
        events: |t, d| Ok(vec![(t.at, all(d)?.with_score(Score::random(t.seed))?)]),
    },
    Preset {
        name: "saliency",
        about: "|w g| of the last batch",
        density: Some(0.1),
        events: |t, d| Ok(vec![(t.at, all(d)?.with_score(Score::saliency())?)]),
    },
    Preset {
        name: "snip",
        about: "|w g| of averaged gradients, before training",
        density: Some(0.1),
        events: |_, d| Ok(vec![(START, all(d)?.with_score(Score::snip())?)]),
    },
    Preset {
        name: "wanda",
        about: "|w| times the norm of its input, within each output",
        density: Some(0.2),
        events: |t, d| Ok(vec![(t.at, each(d)?.with_score(Score::wanda())?)]),
    },
    Preset {
        name: "2:4",
        about: "two of every four inputs, which hardware skips",
        density: None,
        events: |t, _| {
            let pattern = NmPattern::new(2, 4).map_err(Problem::from)?;
            let event = Event::n_m(Scope::UnifiedLocal(pattern))?;
            Ok(vec![(t.at, event.with_axis(GroupAxis::Reduction)?)])
        },
    },
    Preset {
        name: "block",
        about: "4x4 blocks by their mean magnitude",
        density: Some(0.25),
        events: |t, d| {
            let Ok(blocks) = Blocks::new(&[4, 4], &[], Pool::Mean) else { unreachable!("4x4 is a block") };
            Ok(vec![(t.at, Event::pieces(Scope::UnifiedLocal(d), Piece::Blocks(blocks))?)])
        },
    },
    Preset {
        name: "channel",
        about: "neurons and filters by their L2 norm, with their biases",
        density: Some(0.5),
        events: channels,
    },
    Preset {
        name: "small",
        about: "`channel`, down to counts that engines are fast at: the CNN is left with 12, 24 and 96 channels",
        density: Some(0.375),
        events: channels,
    },
    Preset {
        name: "gradual",
        about: "one ranking, density falling along a cubic (Zhu and Gupta 2017)",
        density: Some(0.1),
        events: |t, d| Ok(vec![(t.from_first, all(d)?.with_ramp(Ramp::cubic())?)]),
    },
    Preset {
        name: "straight-through",
        about: "dense weights trained through their mask",
        density: Some(0.1),
        events: |t, d| Ok(vec![(t.during, all(d)?.with_straight_through()?)]),
    },
    Preset {
        name: "lottery",
        about: "one round of it: pruned by |w|, rewound to the initial weights; the learning rate goes on (Frankle and Carbin 2019)",
        density: Some(0.1),
        events: |t, d| Ok(vec![(t.at, all(d)?.with_rewind(0))]),
    },
    Preset {
        name: "static",
        about: "a random mask with ERK's shares, before training",
        density: Some(0.1),
        events: |t, d| Ok(vec![(START, drawn(t, d)?)]),
    },
    Preset {
        name: "set",
        about: "that mask, moved at random (Mocanu et al. 2018)",
        density: Some(0.1),
        events: |t, d| Ok(vec![(START, drawn(t, d)?), (t.updates, moves(t, Grow::Random { seed: t.seed }))]),
    },
    Preset {
        name: "rigl",
        about: "that mask, moved along the gradient (Evci et al. 2020)",
        density: Some(0.1),
        events: |t, d| Ok(vec![(START, drawn(t, d)?), (t.updates, moves(t, Grow::Gradient))]),
    },
];

/// An event that ranks all layers together.
fn all(density: Density) -> Result<Event, StrategyError> {
    Event::unstructured(Scope::Global(density))
}

/// An event with the same density in each layer.
fn each(density: Density) -> Result<Event, StrategyError> {
    Event::unstructured(Scope::UnifiedLocal(density))
}

fn channels(times: &Times, density: Density) -> Events {
    let piece = Piece::Channels { axis: None, norm: Norm::L2, bias: true };
    let event = Event::pieces(Scope::UnifiedLocal(density), piece)?;
    Ok(vec![(times.at, event.with_exclude([times.output.as_str()])?)])
}

fn drawn(times: &Times, density: Density) -> Result<Event, StrategyError> {
    all(density)?.with_score(Score::random(times.seed))?.with_distribution(DistributionRule::Erk)
}

fn moves(times: &Times, grow: Grow) -> Event {
    Event::regrow(Regrow::new(grow)).with_every(times.every)
}

/// The names of all presets.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    PRESETS.iter().map(|preset| preset.name)
}

/// Names and descriptions, for `--help`.
pub(super) fn help() -> String {
    PRESETS.iter().map(|preset| format!("{} ({})", preset.name, preset.about)).collect::<Vec<_>>().join(", ")
}

/// The strategy of a preset; `None` for an unknown name.
pub(super) fn strategy(name: &str, ask: &PresetRun) -> Option<Result<Strategy, StrategyError>> {
    let preset = PRESETS.iter().find(|preset| preset.name == name)?;
    let usual = || preset.density.map_or(Ok(Density::ONE), Density::new).map_err(Problem::from);
    let density = ask.density.map_or_else(usual, Ok);
    Some(density.map_err(StrategyError::from).and_then(|density| {
        let events = (preset.events)(&Times::of(ask), density)?;
        Strategy::new(events)
    }))
}

/// True if a preset has a density that `--density` can change.
pub(super) fn has_density(name: &str) -> bool {
    PRESETS.iter().any(|preset| preset.name == name && preset.density.is_some())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::ops::ControlFlow;

    use prune_schedule::Pruner;

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
                    // The largest seed, which Python literals hold as text.
                    let (density, seed) = (Density::new(0.3).ok(), u64::MAX);
                    let ask = PresetRun { density, epochs, steps, output: output.clone(), seed };
                    let made = strategy(name, &ask).unwrap().unwrap_or_else(|error| panic!("{name}: {error}"));
                    let text = made.to_python();
                    let parsed: Strategy = text.parse().unwrap_or_else(|error| panic!("{name}: {text}: {error}"));
                    assert_eq!(parsed, made, "what is printed is not what is done: {text}");
                    assert!(parsed.last_event_epoch().is_none_or(|last| last <= epochs), "{text}");
                    assert!(parsed.last_event_step().is_none_or(|last| last <= epochs * steps), "{text}");
                    assert_eq!(has_density(name), text.contains("0.3"), "{text}");
                    Pruner::new(parsed).check(&params).unwrap_or_else(|error| panic!("{name}: {text}: {error}"));
                }
            }
        }
        let ask = PresetRun { density: None, epochs: 7, steps: 79, output: String::new(), seed: 0 };
        assert!(strategy("magnitud", &ask).is_none());
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
                let ask = PresetRun { density: None, epochs: 3, steps: 4, output: output.clone(), seed: 3 };
                let made = strategy(name, &ask).unwrap().unwrap();
                let settings =
                    Settings { epochs: 3, lr: 0.01, momentum: 0.9, weight_decay: 0.0, batch_size: 16, seed: 1 };
                let mut session = Session::<NdarrayParams<f32>>::new(&spec, &data, settings, made, &[]).unwrap();
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
