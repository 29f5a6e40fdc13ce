//! Tests of runs inside the program: zeros that stay zero, a fault that must be caught, twins that train alike.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::ops::ControlFlow;

use prune_core::{ActivationRule, Layers};
use prune_schedule::{Evidence, Pruner, Strategy};

use super::{Backend, Session, Settings, State, TrainError, Trainer, TwinRole};
use crate::data::{DataSource, Dataset, Origin};
use crate::nn::{
    Initialisation, ModelSpec, NalgebraParams, NdarrayParams, NnError, Optimiser, Sgd, initial_parameters, readme_rules,
};

/// The bits of every parameter, in logical order.
pub(super) fn logical(params: &impl Layers) -> Vec<(String, Vec<u64>)> {
    let bits = |layer: &prune_core::LayerRef<'_>| {
        let mut bits = Vec::new();
        layer.for_each_logical(|value| bits.push(value.to_bits())).unwrap();
        bits
    };
    params.layers().iter().map(|(name, layer)| (name.to_string(), bits(layer))).collect()
}

/// The first images of the bundled sample.
fn data(train: usize, test: usize) -> Dataset {
    let sample = DataSource::Sample.load().unwrap();
    let (train, test) = (sample.train.head(train), sample.test.head(test));
    Dataset { train, test, origin: Origin::Made, files: sample.files }
}

fn settings(epochs: u64) -> Settings {
    Settings { epochs, lr: 0.1, momentum: 0.9, weight_decay: 5e-4, batch_size: 16, seed: 1 }
}

fn session<'d, P: Backend>(
    spec: &ModelSpec,
    data: &'d Dataset,
    epochs: u64,
    strategy: &str,
    rules: &[ActivationRule],
) -> Session<'d, P> {
    Session::new(spec, data, settings(epochs), strategy.parse().unwrap(), rules).unwrap()
}

fn run<P: Backend>(session: &mut Session<'_, P>, epochs: u64) {
    session.start().unwrap();
    for _ in 0..epochs {
        assert!(session.epoch(&mut |_, _| ControlFlow::Continue(())).unwrap().is_continue());
    }
}

fn default_runs_on<P: Backend>() {
    let data = data(64, 32);
    for spec in [ModelSpec::mlp(), ModelSpec::cnn()] {
        let rules = readme_rules();
        let mut session = session::<P>(&spec, &data, 7, DEFAULT_STRATEGY, &rules);
        run(&mut session, 7);
        let history = &session.history;
        assert_eq!(history.epochs.len(), 7);
        let densities: Vec<_> = history.epochs.iter().map(|record| (record.density * 100.0).round()).collect();
        assert_eq!(densities, [100.0, 50.0, 50.0, 25.0, 25.0, 25.0, 25.0]);
        assert!(history.epochs.iter().all(|record| record.revivals == 0));
        assert_eq!(session.revivals().unwrap(), 0);

        let events: Vec<_> = history.events.iter().map(|event| event.report.epoch).collect();
        assert_eq!(events, [2, 4]);
        for (event, next) in history.events.iter().zip([3, 5]) {
            let later = event.later.unwrap();
            assert_eq!(later.epoch, next);
            let record = &history.epochs[next as usize - 1];
            assert_eq!(later.pruned.accuracy, record.test_accuracy);
            assert_eq!(later.twin.accuracy, record.twin.unwrap().test_accuracy);
            let at = &history.epochs[event.report.epoch as usize - 1];
            assert_eq!(at.test_accuracy_before_event, Some(event.before.accuracy));
            assert_eq!(at.test_accuracy, event.after.accuracy);
        }
        // Every full group of the last axis keeps one of four.
        let masks = session.pruner.masks();
        for name in ["Dense_0-kernel", "Dense_1-kernel"] {
            let mask = masks.get(name).unwrap();
            let lane = *mask.shape().last().unwrap();
            let kept: Vec<bool> = mask.iter().collect();
            for row in kept.chunks(lane) {
                assert!(row.chunks_exact(4).all(|group| group.iter().filter(|&&kept| kept).count() == 1), "{name}");
            }
        }
    }
}

#[test]
fn the_default_run_prunes_as_asked_on_ndarray() {
    default_runs_on::<NdarrayParams<f32>>();
}

#[test]
fn the_default_run_prunes_as_asked_on_nalgebra() {
    default_runs_on::<NalgebraParams<f32>>();
}

/// Prunes after an epoch, with momentum in motion, and counts revived elements after every later step.
fn revived_over_steps<O: Optimiser<f32, NdarrayParams<f32>>>(
    make: impl Fn(Sgd<f32, NdarrayParams<f32>>) -> O,
) -> (usize, usize) {
    let data = data(64, 16);
    let spec = ModelSpec::mlp();
    let mut trainer = Trainer::<NdarrayParams<f32>>::new(&spec, &data, settings(3)).unwrap();
    let specs = trainer.network.parameters();
    let params = initial_parameters(specs, Initialisation::LecunNormal, 1);
    let mut state = State { params, optimiser: make(Sgd::new(specs, 0.9, 5e-4)) };
    let strategy: Strategy = "{1: {'method': 'unstr_global', 'density': 0.1}}".parse().unwrap();
    let mut pruner = Pruner::new(strategy);
    let (mut all, mut of_weights) = (0, 0);
    for epoch in 1..=3 {
        for step in 0..trainer.steps() {
            let rate = settings(3).rates().at(epoch, step, trainer.steps()) as f32;
            trainer.step(epoch, step, rate, &mut state, Some(&mut pruner)).unwrap();
            all += state.revivals(pruner.held()).unwrap();
            of_weights += pruner.revivals(&state.params).unwrap();
        }
        let (params, mut buffers) = state.parts();
        let report = pruner.end_epoch_and_hold(epoch, params, &mut buffers, Evidence::default()).unwrap();
        assert_eq!(report.is_some(), epoch == 1);
    }
    (all, of_weights)
}

#[test]
fn nothing_revives_after_any_step_in_weights_or_momentum() {
    assert_eq!(revived_over_steps(|sgd| sgd), (0, 0));
}

/// The planted fault: an optimiser that does not offer its momentum to be held.
struct Forgetful(Sgd<f32, NdarrayParams<f32>>);

impl Optimiser<f32, NdarrayParams<f32>> for Forgetful {
    fn step(
        &mut self,
        params: &mut NdarrayParams<f32>,
        gradients: &NdarrayParams<f32>,
        rate: f32,
    ) -> Result<(), NnError> {
        self.0.step(params, gradients, rate)
    }

    fn buffers(&self) -> Vec<(&'static str, &NdarrayParams<f32>)> {
        self.0.buffers()
    }

    fn buffers_mut(&mut self) -> Vec<(&'static str, &mut NdarrayParams<f32>)> {
        Vec::new()
    }
}

#[test]
fn momentum_that_is_not_held_is_caught() {
    let (all, of_weights) = revived_over_steps(Forgetful);
    // The weights that it moved are held nevertheless.
    assert!(all > 0 && of_weights == 0, "{all} {of_weights}");
}

#[test]
fn momentum_is_held_from_the_event_on_and_not_only_from_the_next_step() {
    let data = data(64, 16);
    let strategy = "{1: {'method': 'unstr_global', 'density': 0.1}}";
    let mut session = session::<NalgebraParams<f32>>(&ModelSpec::mlp(), &data, 1, strategy, &[]);
    run(&mut session, 1);
    assert_eq!(session.revivals().unwrap(), 0);
    let momentum = session.pruned.optimiser.buffers()[0].1;
    assert!(momentum.layers().iter().any(|(_, layer)| layer.non_zero_len().unwrap() > 0));
}

#[test]
fn the_twin_is_the_run_without_its_events() {
    let data = data(64, 16);
    let strategy = "{2: {'method': 'unstr_global', 'density': 0.1}}";
    let mut pruned = session::<NdarrayParams<f32>>(&ModelSpec::mlp(), &data, 4, strategy, &[]);
    let mut dense = session::<NdarrayParams<f32>>(&ModelSpec::mlp(), &data, 4, "{}", &[]);
    run(&mut pruned, 4);
    run(&mut dense, 4);
    assert_eq!(pruned.twin.as_ref().unwrap().params, dense.pruned.params);
    assert!(dense.twin.is_none() && dense.history.events.is_empty());
    for (twin, record) in pruned.history.epochs.iter().zip(&dense.history.epochs) {
        if let Some(twin) = twin.twin {
            assert_eq!((twin.test_accuracy, twin.train_loss), (record.test_accuracy, record.train_loss));
        } else {
            assert!(twin.epoch <= 2);
        }
    }
}

#[test]
fn a_twin_of_an_event_before_training_branches_there() {
    let data = data(32, 16);
    let strategy = "{0: {'method': 'unstr_unified_local', 'density': 0.5}}";
    let mut session = session::<NdarrayParams<f32>>(&ModelSpec::mlp(), &data, 1, strategy, &[]);
    run(&mut session, 1);
    assert!(session.history.epochs[0].twin.is_some());
    assert_eq!(session.history.events[0].later.unwrap().epoch, 1);
}

#[test]
fn equal_runs_are_equal_at_any_number_of_threads() {
    let data = data(48, 16);
    let at = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let rules = readme_rules();
            let mut session = session::<NdarrayParams<f32>>(&ModelSpec::cnn(), &data, 3, DEFAULT_3, &rules);
            run(&mut session, 3);
            (logical(&session.pruned.params), session.history.to_jsonl().unwrap())
        })
    };
    let one = at(1);
    assert!(one == at(2) && one == at(7));
}

/// The demo's default.
const DEFAULT_STRATEGY: &str = "{2: {'method': 'str_unified_local', 'pattern': (2, 4)}, 4: {'method': 'str_unified_local', \
                                'pattern': (1, 4)}}";

const DEFAULT_3: &str = "{1: {'method': 'str_unified_local', 'pattern': (2, 4)}, 2: {'method': 'str_unified_local', \
                         'pattern': (1, 4)}}";

#[test]
fn an_epoch_broken_off_after_every_step_ends_as_the_whole_one() {
    let data = data(48, 16);
    let strategy = "{1: {'method': 'unstr_global', 'density': 0.1}, 2: {'method': 'unstr_global', 'density': 0.3, 'reopen': \
                    'gradient'}}";
    let mut whole = session::<NdarrayParams<f32>>(&ModelSpec::mlp(), &data, 3, strategy, &[]);
    run(&mut whole, 3);
    let mut broken = session::<NdarrayParams<f32>>(&ModelSpec::mlp(), &data, 3, strategy, &[]);
    broken.start().unwrap();
    let mut breaks = 0;
    while broken.history.epochs.len() < 3 {
        let flow = broken.epoch(&mut |_, _| ControlFlow::Break(())).unwrap();
        breaks += u32::from(flow.is_break());
    }
    // Three steps of each network; the twin exists from the second epoch on.
    assert_eq!(breaks, 3 + 6 + 6);
    assert_eq!((&broken.pruned.params, &broken.history), (&whole.pruned.params, &whole.history));
    assert_eq!(broken.twin.unwrap().params, whole.twin.unwrap().params);
}

#[test]
fn floating_masks_and_reopening_by_gradient_run() {
    let data = data(48, 16);
    for strategy in [
        "{-1: {'method': 'unstr_global', 'density': 0.5}}",
        "{'1..=3': {'method': 'str_unified_local', 'pattern': (2, 4)}}",
        "{1: {'method': 'unstr_global', 'density': 0.1}, 2: {'method': 'unstr_global', 'density': 0.3, 'reopen': \
         'gradient'}}",
    ] {
        let mut session = session::<NalgebraParams<f32>>(&ModelSpec::mlp(), &data, 4, strategy, &[]);
        run(&mut session, 4);
        assert!(session.history.epochs.iter().all(|record| record.revivals == 0), "{strategy}");
        assert!(session.history.epochs[3].density < 0.55, "{strategy}");
    }
}

#[test]
fn a_run_that_diverges_stops() {
    let data = data(256, 16);
    for spec in [ModelSpec::mlp(), ModelSpec::cnn()] {
        let wild = Settings { lr: 1000.0, ..settings(3) };
        let strategy = DEFAULT_3.parse().unwrap();
        let mut session = Session::<NdarrayParams<f32>>::new(&spec, &data, wild, strategy, &readme_rules()).unwrap();
        session.start().unwrap();
        let error = (0..3).find_map(|_| session.epoch(&mut |_, _| ControlFlow::Continue(())).err()).unwrap();
        let message = error.to_string();
        assert!(matches!(error, TrainError::Diverged { .. }), "{message}");
        assert!(message.contains("the pruned network has diverged"), "{message}");
    }
}

#[test]
fn the_twin_that_diverges_is_named() {
    // An optimiser that ruins any network, for the twin alone.
    let data = data(64, 16);
    let strategy = "{0: {'method': 'unstr_global', 'density': 0.5}}";
    let mut session = session::<NdarrayParams<f32>>(&ModelSpec::mlp(), &data, 1, strategy, &[]);
    session.start().unwrap();
    let wild = Sgd::new(session.trainer.network.parameters(), 0.9, 1e30);
    session.twin.as_mut().unwrap().optimiser = wild;
    let message = session.epoch(&mut |_, _| ControlFlow::Continue(())).unwrap_err().to_string();
    assert!(message.starts_with("epoch 1: the dense twin has diverged"), "{message}");
}

#[test]
fn activations_are_counted_in_pruned_runs_and_left_alone_without_rules() {
    let data = data(32, 16);
    let rules = readme_rules();
    let mut pruned = session::<NdarrayParams<f32>>(&ModelSpec::cnn(), &data, 1, "{}", &rules);
    run(&mut pruned, 1);
    pruned.measure_activations().unwrap();
    let [first, second] = &pruned.places[..] else { panic!("the CNN has two places") };
    assert_eq!(first.report().elements, 16 * 28 * 28 * 32);
    assert_eq!(second.report().elements, 16 * 14 * 14 * 64);
    assert_eq!(second.report().kept, 16 * 14 * 14 * 32);
    assert_eq!(first.pooled(), None);
    assert_eq!(second.pooled().unwrap().groups, 16 * 7 * 7 * 16);

    let mut dense = session::<NdarrayParams<f32>>(&ModelSpec::cnn(), &data, 1, "{}", &[]);
    run(&mut dense, 1);
    assert!(dense.places.is_empty());
    assert_ne!(dense.pruned.params, pruned.pruned.params);
}

#[test]
fn progress_is_told_step_by_step_for_both_networks() {
    let data = data(40, 16);
    let mut session = session::<NdarrayParams<f32>>(&ModelSpec::mlp(), &data, 3, DEFAULT_3, &[]);
    session.start().unwrap();
    let mut seen = Vec::new();
    for _ in 0..2 {
        let mut tick = |role, loss: f64| {
            seen.push((role, loss.is_finite()));
            ControlFlow::Continue(())
        };
        assert!(session.epoch(&mut tick).unwrap().is_continue());
    }
    // Three steps of 16, 16 and 8 images; the twin exists from the second epoch on.
    let expected = [[TwinRole::Pruned; 3], [TwinRole::Pruned; 3], [TwinRole::Twin; 3]].concat();
    assert_eq!(seen, expected.into_iter().map(|role| (role, true)).collect::<Vec<_>>());
}
