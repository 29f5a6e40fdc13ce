//! Bad input: errors that say what, where and what to do instead.

use burn::module::{Lora, Module, Param, ParamGroup};
use burn::nn::Linear;
use burn::optim::{AdamWConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::{DType, FloatDType, TensorData};
use prune_burn::{Evidence, ModulePruner};
use prune_schedule::Moment;

use crate::nets::{Mlp, cast, device, filled, seeded};

const HALF: &str = "{1: {'method': 'unstr_unified_local', 'density': 0.5}}";

fn pruner(strategy: &str) -> ModulePruner {
    ModulePruner::new(strategy.parse().unwrap())
}

#[derive(Module, Debug)]
struct Tied {
    first: Linear,
    second: Linear,
}

#[test]
fn one_parameter_under_two_names_is_refused() {
    let first = Mlp::new(1, &device()).fc1;
    let tied = Tied { second: first.clone(), first };
    let refused = "parameters `first.weight` and `second.weight` are one: they share an id, and burn's optimisers move the \
                   first alone; give one of them an id of its own, or use one field in both places";
    assert_eq!(pruner(HALF).check(&tied).unwrap_err().to_string(), refused);
    // Without `check`, it is refused if either name would be masked, even with equal masks.
    let magnitude = "{0: {'method': 'unstr_unified_local', 'density': 0.5}}";
    assert_eq!(pruner(magnitude).start(tied.clone()).unwrap_err().to_string(), refused);
    let local = "{0: {'method': 'unstr_local', 'density': {'second.weight': 0.5}}}";
    assert_eq!(pruner(local).start(tied.clone()).unwrap_err().to_string(), refused);
    let random = "{0: {'method': 'unstr_unified_local', 'density': 0.5, 'score': 'random'}}";
    assert_eq!(pruner(random).start(tied.clone()).unwrap_err().to_string(), refused);
    // A step refuses it too if the masks come from elsewhere.
    let mask = || prune_burn::Mask::all(&[12, 10]).unwrap();
    let masks = [("first.weight".to_owned(), mask()), ("second.weight".to_owned(), mask())];
    let mut masked = ModulePruner::with_masks("{}".parse().unwrap(), masks.into_iter().collect());
    assert_eq!(masked.before_step(&tied, GradientsParams::new()).unwrap_err().to_string(), refused);
    // A tied parameter is accepted if it is left dense under both names.
    let dense = Parted { tied, rest: Mlp::new(2, &device()) };
    let rest = "{0: {'method': 'unstr_unified_local', 'density': 0.5, 'exclude': 'tied.*'}, \
                '4..=40 steps': {'method': 'rigl', 'every': 4}}";
    assert!(pruner(rest).check(&dense).is_ok());
    let (_, report) = pruner(rest).start(dense).unwrap();
    assert_eq!(report.unwrap().layers.len(), 2);
}

#[derive(Module, Debug)]
struct Parted {
    tied: Tied,
    rest: Mlp,
}

#[test]
fn a_parameter_that_has_changed_since_the_event_was_prepared_is_refused() {
    let (model, mut optimizer) = (Mlp::new(1, &device()), AdamWConfig::new().init());
    let mut pruner = pruner(HALF);
    let prepared = |pruner: &mut ModulePruner, model: &Mlp| {
        pruner.prepare(Moment::Epoch(1), model, Evidence::default()).unwrap().unwrap()
    };
    let event = prepared(&mut pruner, &model);
    assert_eq!(event.report().selected.kept, 90);
    let gradients = model.gradients(1);
    let moved = optimizer.step(0.1, model.clone(), gradients);
    let refused = "parameter `fc1.weight` has changed since the event was prepared; prepare it anew";
    assert_eq!(pruner.commit(event, moved.clone(), &mut optimizer).unwrap_err().to_string(), refused);
    // A parameter of another shape has changed too.
    let event = prepared(&mut pruner, &model);
    let fc1 = Linear { weight: Param::from_tensor(filled(1, [3, 10], &device())), bias: None };
    let other = Mlp { fc1, fc2: model.fc2.clone() };
    assert_eq!(pruner.commit(event, other, &mut optimizer).unwrap_err().to_string(), refused);
    // Nothing has happened, and the event can be prepared anew.
    assert!(pruner.masks().is_empty());
    let event = prepared(&mut pruner, &moved);
    let (moved, _) = pruner.commit(event, moved, &mut optimizer).unwrap();
    assert_eq!(pruner.revivals(&moved).unwrap() + pruner.moment_revivals(&moved, &optimizer).unwrap(), 0);
}

#[test]
fn an_event_prepared_before_the_pruner_went_on_is_refused() {
    let (model, mut optimizer) = (Mlp::new(1, &device()), AdamWConfig::new().init());
    let mut pruner = pruner(HALF);
    let event = pruner.prepare(Moment::Epoch(1), &model, Evidence::default()).unwrap().unwrap();
    let (_, report) = pruner.end_epoch(1, model.clone(), &mut optimizer).unwrap();
    assert!(report.is_some());
    assert_eq!(
        pruner.commit(event, model, &mut optimizer).unwrap_err().to_string(),
        "epoch 1: the event was prepared before the pruner went on; prepare it anew"
    );
}

#[test]
fn a_strategy_that_names_a_parameter_that_is_not_there_is_refused() {
    let model = Mlp::new(1, &device());
    let local = "{1: {'method': 'unstr_local', 'density': {'fc1.wieght': 0.5}}}";
    let refused = "epoch 1: there is no layer `fc1.wieght` (did you mean `fc1.weight`?)";
    assert_eq!(pruner(local).check(&model).unwrap_err().to_string(), refused);
    let mut optimizer = AdamWConfig::new().init();
    assert_eq!(pruner(local).end_epoch(1, model.clone(), &mut optimizer).unwrap_err().to_string(), refused);
    let told = pruner(HALF).with_facts("fc3.weight", prune_burn::LayerFacts::default());
    assert_eq!(
        told.check(&model).unwrap_err().to_string(),
        "there is no layer `fc3.weight`; did you mean `fc1.weight`?"
    );
    // The masks of another model.
    let masks = prune_burn::Masks::from_iter([("fc3.weight".to_owned(), prune_burn::Mask::all(&[2, 2]).unwrap())]);
    let mut other = ModulePruner::with_masks("{}".parse().unwrap(), masks);
    let gradients = model.gradients(1);
    assert_eq!(
        other.before_step(&model, gradients).unwrap_err().to_string(),
        "there is no layer `fc3.weight`; did you mean `fc1.weight`?"
    );
    assert_eq!(
        other.hold(model.clone()).unwrap_err().to_string(),
        "there is no layer `fc3.weight`; did you mean `fc1.weight`?"
    );
    let masks = prune_burn::Masks::from_iter([("fc1.weight".to_owned(), prune_burn::Mask::all(&[10, 12]).unwrap())]);
    let mut turned = ModulePruner::with_masks("{}".parse().unwrap(), masks);
    let error = turned.hold(model).unwrap_err().to_string();
    assert!(error.contains("`fc1.weight`") && error.contains("[12, 10]") && error.contains("[10, 12]"), "{error}");
}

#[test]
fn lora_and_a_mask_on_one_parameter_are_refused() {
    let lora = || Lora::new(2, 4.0).set_param_group(ParamGroup::from_path("fc1.weight"));
    let adapted = Mlp::new(1, &device()).apply_lora(lora());
    let refused = "epoch 1: layer `fc1.weight`: it cannot be pruned: it has the reparameterisation `lora`, beside which \
                   burn allows no mask (`materialize` merges it); exclude it";
    assert_eq!(pruner(HALF).check(&adapted).unwrap_err().to_string(), refused);
    let mut optimizer = AdamWConfig::new().init();
    assert_eq!(pruner(HALF).end_epoch(1, adapted.clone(), &mut optimizer).unwrap_err().to_string(), refused);
    // The rest of the module is pruned, but the adapter's own matrices are not.
    let rest = "{1: {'method': 'unstr_unified_local', 'density': 0.5, 'exclude': 'fc1.weight'}}";
    let (_, report) = pruner(rest).end_epoch(1, adapted, &mut optimizer).unwrap();
    let report = report.unwrap();
    assert_eq!(report.layers.iter().map(|layer| layer.layer.as_str()).collect::<Vec<_>>(), ["fc2.weight"]);
    // Every call detects an adapter that was added after a mask.
    let mut held = pruner("{0: {'method': 'unstr_unified_local', 'density': 0.5}}");
    let (model, _) = held.start(Mlp::new(1, &device())).unwrap();
    let adapted = model.apply_lora(lora());
    let gradients = adapted.gradients(1);
    let refused = "parameter `fc1.weight` has the reparameterisation `lora`, and a parameter of burn has one alone; call \
                   `materialize` first, or exclude the layer";
    assert_eq!(held.before_step(&adapted, gradients).unwrap_err().to_string(), refused);
    assert_eq!(held.after_step(adapted.clone(), &mut optimizer).unwrap_err().to_string(), refused);
    assert_eq!(held.hold(adapted).unwrap_err().to_string(), refused);
    // If the mask is within the module, burn keeps it and drops the adapter.
    let mut within = pruner("{0: {'method': 'unstr_unified_local', 'density': 0.5}}").with_masks_in_module();
    let (model, _) = within.start(Mlp::new(1, &device())).unwrap();
    let adapted = model.apply_lora(lora());
    assert!(adapted.fc1.weight.adapter().is_none());
    assert_eq!(within.revivals(&adapted).unwrap(), 0);
}

#[test]
fn nan_is_refused_by_name_and_the_clone_is_what_it_was() {
    let mut model = Mlp::new(1, &device());
    let mut values = crate::nets::values(&model.fc2.weight);
    values[7] = f32::NAN;
    model.fc2.weight = Param::from_data(TensorData::new(values, [10, 6]), &device());
    let mut pruner = pruner(HALF);
    let error = pruner.end_epoch(1, model, &mut AdamWConfig::new().init()).unwrap_err().to_string();
    assert!(error.contains("`fc2.weight`") && error.contains("NaN"), "{error}");
    assert!(pruner.masks().is_empty() && pruner.pruner().last_epoch().is_none());
}

/// Parameters of 16 bits with moments of 32 bits, as in mixed precision: each buffer is held in its own type.
#[test]
fn parameters_and_moments_of_different_types_are_held() {
    // Moments of 32 bits come from steps before the parameters were cast.
    let mut optimizer = AdamWConfig::new().init();
    let mut model = seeded(Mlp::new(1, &device()), 9);
    for batch in 0..3 {
        let gradients = model.gradients(batch);
        model = optimizer.step(0.01, model, gradients);
    }
    let model = cast(model, FloatDType::F16);
    assert_eq!(model.fc1.weight.dtype(), DType::F16);
    let mut pruner = pruner(HALF);
    let (model, report) = pruner.end_epoch(1, model, &mut optimizer).unwrap();
    assert_eq!(report.unwrap().selected.kept, 90);
    assert_eq!(model.fc1.weight.dtype(), DType::F16);
    assert_eq!(pruner.revivals(&model).unwrap() + pruner.moment_revivals(&model, &optimizer).unwrap(), 0);
}

/// Adafactor keeps sums of rows and columns, which belong to no single weight. They are named and left alone.
#[test]
fn buffers_of_another_shape_are_named() {
    let mut optimizer = burn::optim::AdafactorConfig::new().init();
    let mut pruner =
        pruner("{0: {'method': 'unstr_unified_local', 'density': 0.3}, 1: {'method': 'unstr_global', 'density': 0.2}}");
    let (mut model, _) = pruner.start(Mlp::new(1, &device())).unwrap();
    for batch in 0..3 {
        let gradients = model.gradients(batch);
        (model, _) = pruner.step(0.01, model, gradients, &mut optimizer).unwrap();
    }
    let others = pruner.hold_moments(&model, &mut optimizer).unwrap();
    assert!(!others.is_empty());
    assert_eq!(pruner.revivals(&model).unwrap(), 0);
    // An event names them as well.
    assert!(pruner.unheld_buffers().is_empty());
    (_, _) = pruner.end_epoch(1, model, &mut optimizer).unwrap();
    assert_eq!(pruner.unheld_buffers(), others);
}

/// Burn would read moments back as its default type, and the step after the event would fail.
#[test]
fn buffers_that_burn_reads_back_as_another_type_are_refused_before_the_event() {
    for dtype in [FloatDType::F64, FloatDType::F16] {
        let trained = |model: Mlp, optimizer: &mut ModuleOptimizer, from: u64| {
            (from..from + 3).fold(model, |model, batch| {
                let gradients = model.gradients(batch);
                optimizer.step(0.01, model, gradients)
            })
        };
        let mut optimizer = AdamWConfig::new().init();
        let model = trained(cast(Mlp::new(1, &device()), dtype), &mut optimizer, 0);
        let (mut pruner, before) = (pruner(HALF), optimizer.into_bytes().unwrap().to_vec());
        let error = pruner.end_epoch(1, model.clone(), &mut optimizer).unwrap_err().to_string();
        let found = DType::from(dtype);
        assert!(
            error.contains(&format!("of the optimiser is {found:?}, and burn reads buffers back as F32")),
            "{error}"
        );
        // Nothing has happened, and training goes on.
        assert!(pruner.masks().is_empty() && pruner.pruner().last_epoch().is_none());
        assert_eq!(optimizer.into_bytes().unwrap().to_vec(), before);
        let model = trained(model, &mut optimizer, 3);
        assert_eq!(model.fc1.weight.dtype(), found);
        // Without the optimiser the event happens; a new one steps on in its own type.
        let (mut model, report) = pruner.end_epoch(1, model, None).unwrap();
        assert_eq!(report.unwrap().selected.kept, 90);
        let mut optimizer = AdamWConfig::new().init();
        for batch in 6..9 {
            let gradients = model.gradients(batch);
            (model, _) = pruner.step(0.01, model, gradients, &mut optimizer).unwrap();
        }
        assert_eq!(model.fc1.weight.dtype(), found);
        assert_eq!(pruner.revivals(&model).unwrap() + pruner.moment_revivals(&model, &optimizer).unwrap(), 0);
        assert!(pruner.hold_moments(&model, &mut optimizer).unwrap().is_empty());
    }
}

/// An event that is refused has changed nothing: no mask, no clock and no buffer.
#[test]
fn an_adapter_on_a_layer_pruned_before_is_found_before_the_next_event() {
    let strategy = "{1: {'method': 'unstr_unified_local', 'density': 0.5},
                     2: {'method': 'unstr_unified_local', 'density': 0.2, 'exclude': 'fc1.weight'}}";
    let (mut pruner, mut optimizer) = (pruner(strategy), AdamWConfig::new().init());
    let (mut model, _) = pruner.end_epoch(1, Mlp::new(1, &device()), &mut optimizer).unwrap();
    for batch in 0..3 {
        let gradients = model.gradients(batch);
        (model, _) = pruner.step(0.01, model, gradients, &mut optimizer).unwrap();
    }
    let (state, buffers) = (pruner.to_json(), optimizer.into_bytes().unwrap().to_vec());
    let adapted = model.clone().apply_lora(Lora::new(2, 4.0).set_param_group(ParamGroup::from_path("fc1.weight")));
    let error = pruner.end_epoch(2, adapted.clone(), &mut optimizer).unwrap_err().to_string();
    assert!(error.starts_with("parameter `fc1.weight` has the reparameterisation `lora`"), "{error}");
    assert_eq!(pruner.to_json(), state);
    assert_eq!(optimizer.into_bytes().unwrap().to_vec(), buffers);
    // The solution that the message gives works.
    let (model, report) = pruner.end_epoch(2, adapted.materialize(), &mut optimizer).unwrap();
    assert_eq!(report.unwrap().selected.kept, 12);
    assert_eq!(pruner.revivals(&model).unwrap() + pruner.moment_revivals(&model, &optimizer).unwrap(), 0);
}
