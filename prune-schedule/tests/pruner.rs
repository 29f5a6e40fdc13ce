//! The pruner on small models, number by number.

#![allow(clippy::unwrap_used, reason = "tests")]

mod model;

use model::Model;
use prune_core::{Layers, Mask, Masks};
use prune_schedule::{PruneError, Pruner, Report};

fn pruner(strategy: &str) -> Pruner {
    Pruner::new(strategy.parse().unwrap_or_else(|error| panic!("{strategy}\n{error}")))
}

fn small() -> Model {
    Model::of(&[
        ("Dense_0-kernel", &[2, 4], &[0.9, -0.1, 0.3, 0.2, 0.1, -0.8, 0.7, 0.6]),
        ("Dense_0-bias", &[4], &[1.0, 2.0, 3.0, 4.0]),
        ("Dense_1-kernel", &[4, 1], &[0.05, -0.06, 0.07, 5.0]),
    ])
}

fn ended(pruner: &mut Pruner, epoch: u64, model: &mut Model) -> Report {
    pruner.end_epoch(epoch, model).unwrap_or_else(|error| panic!("{error}")).unwrap()
}

fn kept(pruner: &Pruner, layer: &str) -> Vec<usize> {
    pruner.masks().get(layer).unwrap().kept_indices().collect()
}

#[test]
fn n_of_m_in_every_prunable_layer() {
    let mut model = small();
    let mut pruner = pruner("{2: {'method': 'str_unified_local', 'pattern': (2, 4)}}");
    let warnings = pruner.check(&model).unwrap();
    assert_eq!(
        warnings.iter().map(ToString::to_string).collect::<Vec<_>>(),
        [
            "epoch 2, layer `Dense_1-kernel`: its lanes along axis 1 are 1 long, shorter than a group of 2:4; each keeps 1 of 1"
        ]
    );
    assert!(pruner.start(&mut model).unwrap().is_none());
    assert!(pruner.end_epoch(1, &mut model).unwrap().is_none());
    assert_eq!(model, small());

    let report = ended(&mut pruner, 2, &mut model);
    assert_eq!(model.get("Dense_0-kernel").values(), [0.9, 0.0, 0.3, 0.0, 0.0, -0.8, 0.7, 0.0]);
    assert_eq!(model.get("Dense_0-bias"), small().get("Dense_0-bias"));
    assert_eq!(model.get("Dense_1-kernel"), small().get("Dense_1-kernel"));
    assert_eq!(
        report.to_string(),
        "\
epoch 2: str_unified_local, 2:4: keeps 50%, removes 50%
layer            shape  axis  asked  kept  of  density  non-zero  newly pruned  norm kept
Dense_0-kernel   2x4       1      4     4   8   50.00%         4             4     82.86%
Dense_1-kernel   4x1       1      4     4   4  100.00%         4             0    100.00%
selected layers                   8     8  12   66.67%         8             4     98.47%
all parameters                   12    12  16   75.00%        12             4     99.27%
warning: epoch 2, layer `Dense_1-kernel`: its lanes along axis 1 are 1 long, shorter than a group of 2:4; each keeps 1 of 1"
    );
}

#[test]
fn one_ranking_over_all_layers() {
    let mut model = small();
    let mut pruner = pruner("{1: {'method': 'unstr_global', 'sparsity': 0.75}}");
    let report = ended(&mut pruner, 1, &mut model);
    assert_eq!(kept(&pruner, "Dense_0-kernel"), [0, 5]);
    assert_eq!(kept(&pruner, "Dense_1-kernel"), [3]);
    assert_eq!(report.layers[0].counts.asked, None);
    assert_eq!(report.selected.asked, Some(3));
    assert_eq!((report.all.elements, report.all.kept, report.all.asked), (16, 7, Some(7)));
    assert_eq!(report.target, "keeps 25%, removes 75%");
}

#[test]
fn an_emptied_layer_is_a_warning() {
    let mut model = small();
    model.get_mut("Dense_1-kernel").values_mut().fill(0.001);
    let report = ended(&mut pruner("{1: {'method': 'unstr_global', 'density': 0.25}}"), 1, &mut model);
    assert_eq!(
        report.warnings.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["epoch 1, layer `Dense_1-kernel`: none of its 4 elements is kept"]
    );
    assert_eq!(report.layers[1].counts.kept, 0);
}

#[test]
fn a_table_names_biases_too_and_nothing_else() {
    let mut model = small();
    let mut pruner = pruner("{0: {'method': 'unstr_local', 'density': {'Dense_0-bias': 0.5, 'Dense_1-kernel': 0.25}}}");
    let report = pruner.start(&mut model).unwrap().unwrap();
    assert_eq!(model.get("Dense_0-bias").values(), [0.0, 0.0, 3.0, 4.0]);
    assert_eq!(model.get("Dense_1-kernel").values(), [0.0, 0.0, 0.0, 5.0]);
    assert_eq!(model.get("Dense_0-kernel"), small().get("Dense_0-kernel"));
    assert_eq!(pruner.masks().len(), 2);
    assert!(
        report.to_string().starts_with(
            "before training: unstr_local\n\
         layer            shape  reaches                 asked  kept  of  density  non-zero  newly pruned  norm kept\n\
         Dense_0-bias     4      keeps 50%, removes 50%      2     2   4   50.00%         2             2     83.33%\n"
        ),
        "{report}"
    );
}

#[test]
fn groups_run_along_the_reduction_axis() {
    let mut model = small();
    let mut pruner = pruner("{1: {'method': 'str_unified_local', 'pattern': '1:2', 'axis': 'reduction'}}");
    let report = ended(&mut pruner, 1, &mut model);
    assert_eq!(kept(&pruner, "Dense_0-kernel"), [0, 5, 6, 7]);
    assert_eq!(kept(&pruner, "Dense_1-kernel"), [1, 3]);
    assert_eq!(report.layers.iter().map(|layer| layer.axis).collect::<Vec<_>>(), [Some(0), Some(0)]);
}

#[test]
fn groups_over_the_concatenation_of_all_layers() {
    let mut model = Model::of(&[("b", &[1, 3], &[4.0, 1.0, 5.0]), ("a", &[1, 3], &[3.0, 2.0, 1.0])]);
    let report = ended(&mut pruner("{1: {'method': 'str_global', 'pattern': '1:2'}}"), 1, &mut model);
    // In the order of names: 3 2 | 1 4 | 1 5.
    assert_eq!(model.get("a").values(), [3.0, 0.0, 0.0]);
    assert_eq!(model.get("b").values(), [4.0, 0.0, 5.0]);
    assert_eq!((report.layers[0].axis, report.layers[0].counts.asked, report.selected.asked), (None, None, Some(3)));
}

#[test]
fn layers_of_no_event_keep_their_masks() {
    let mut model = small();
    let mut pruner = pruner(
        "{1: {'method': 'unstr_unified_local', 'density': 0.5},
          2: {'method': 'unstr_local', 'density': {'Dense_0-kernel': 0.25}}}",
    );
    ended(&mut pruner, 1, &mut model);
    let first = kept(&pruner, "Dense_1-kernel");
    model.disturb(1);
    pruner.hold(&mut model).unwrap();
    let report = ended(&mut pruner, 2, &mut model);
    assert_eq!(kept(&pruner, "Dense_1-kernel"), first);
    assert_eq!((report.selected.kept, report.all.kept), (2, 2 + 4 + 2));
    model.disturb(2);
    pruner.hold(&mut model).unwrap();
    assert_eq!(pruner.revivals(&model).unwrap(), 0);
    assert_eq!(model.get("Dense_1-kernel").values().iter().filter(|value| **value != 0.0).count(), 2);
}

#[test]
fn zeros_stay_zero_under_momentum_and_weight_decay() {
    let mut model = Model::seeded(&[("a-kernel", &[8, 8]), ("a-bias", &[8])], 1);
    let mut momentum = model.zeros();
    let mut pruner = pruner("{1: {'method': 'unstr_global', 'density': 0.3}}");
    let step = |model: &mut Model, momentum: &mut Model, seed| {
        let gradient = Model::seeded(&[("a-kernel", &[8, 8]), ("a-bias", &[8])], seed);
        for (((_, w), (_, m)), (_, g)) in model.0.iter_mut().zip(&mut momentum.0).zip(&gradient.0) {
            for ((w, m), g) in w.values_mut().iter_mut().zip(m.values_mut()).zip(g.values()) {
                *m = 0.9 * *m + g + 0.01 * *w;
                *w -= 0.1 * *m;
            }
        }
    };
    (0..5).for_each(|seed| step(&mut model, &mut momentum, seed));
    ended(&mut pruner, 1, &mut model);
    assert_eq!(pruner.revivals(&model).unwrap(), 0);
    assert_eq!(pruner.revivals(&momentum).unwrap(), 64 - 19);
    for seed in 5..10 {
        step(&mut model, &mut momentum, seed);
        // What happens where nobody holds: everything revives.
        assert_eq!(pruner.revivals(&model).unwrap(), 64 - 19);
        pruner.hold(&mut model).unwrap();
        pruner.hold(&mut momentum).unwrap();
        assert_eq!(pruner.revivals(&model).unwrap() + pruner.revivals(&momentum).unwrap(), 0);
    }
}

#[test]
fn later_masks_are_subsets() {
    let mut model = Model::seeded(&[("a", &[10, 10]), ("b", &[20, 5])], 3);
    let mut pruner =
        pruner("{1: {'method': 'unstr_global', 'density': 0.6}, 2: {'method': 'unstr_global', 'density': 0.2}}");
    ended(&mut pruner, 1, &mut model);
    let before = pruner.masks().clone();
    model.disturb(9);
    // Even where nobody held: dead elements rank last, whatever they have grown to.
    ended(&mut pruner, 2, &mut model);
    for (layer, mask) in pruner.masks().iter() {
        assert!(mask.is_subset(before.get(layer).unwrap()).unwrap(), "{layer}");
    }
    assert_eq!(pruner.masks().iter().map(|(_, mask)| mask.kept_len()).sum::<usize>(), 40);
}

#[test]
fn n_of_m_over_an_existing_mask_counts_short_groups() {
    let mut model = Model::of(&[("a", &[1, 8], &[8.0, 7.0, 6.0, 0.1, 0.2, 5.0, 0.3, 0.4])]);
    let mut pruner = pruner(
        "{1: {'method': 'unstr_unified_local', 'density': 0.5}, 2: {'method': 'str_unified_local', 'pattern': '2:4'}}",
    );
    pruner.check(&model).unwrap();
    ended(&mut pruner, 1, &mut model);
    let report = ended(&mut pruner, 2, &mut model);
    assert_eq!(kept(&pruner, "a"), [0, 1, 5]);
    assert_eq!((report.selected.asked, report.selected.kept, report.selected.short_groups), (Some(4), 3, 1));
    assert!(report.to_string().contains("short groups"), "{report}");
}

#[test]
fn an_event_that_changes_nothing_says_so() {
    let mut model = small();
    let mut pruner = pruner(
        "{1: {'method': 'unstr_unified_local', 'density': 0.5}, 2: {'method': 'unstr_unified_local', 'density': 0.5},
          3: {'method': 'unstr_local', 'density': {'Dense_0-bias': 1}}}",
    );
    assert!(!ended(&mut pruner, 1, &mut model).unchanged);
    let report = ended(&mut pruner, 2, &mut model);
    assert!(report.unchanged);
    assert!(
        report
            .to_string()
            .starts_with("epoch 2: unstr_unified_local, keeps 50%, removes 50%: unchanged, every mask is as it was\n")
    );
    assert!(ended(&mut pruner, 3, &mut model).unchanged);
}

#[test]
fn ties_are_counted_and_broken_by_index() {
    let mut model = Model::of(&[("a", &[2, 3], &[1.0, -1.0, 1.0, 2.0, 1.0, 0.0])]);
    let report = ended(&mut pruner("{1: {'method': 'unstr_unified_local', 'density': 0.5}}"), 1, &mut model);
    assert_eq!(model.get("a").values(), [1.0, -1.0, 0.0, 2.0, 0.0, 0.0]);
    assert_eq!(report.selected.ties, 4);
    assert_eq!(report.layers[0].counts.norm_kept, Some(6.0 / 8.0));
}

#[test]
fn nan_refuses_the_whole_event_and_changes_nothing() {
    let mut model = small();
    model.get_mut("Dense_1-kernel").values_mut()[2] = f32::NAN;
    let mut pruner = pruner("{1: {'method': 'unstr_unified_local', 'density': 0.5}}");
    let (before, state) = (model.bits(), pruner.clone());
    let error = pruner.end_epoch(1, &mut model).unwrap_err();
    assert_eq!(
        error.to_string(),
        "epoch 1: layer `Dense_1-kernel`: the score at [2, 0] is NaN, which has no rank; mend the values or leave the layer \
         out"
    );
    assert_eq!((model.bits(), pruner), (before, state));
}

#[test]
fn nan_outside_the_event_is_nobody_s_business() {
    let mut model = small();
    model.get_mut("Dense_0-bias").values_mut()[0] = f32::NAN;
    let report = ended(&mut pruner("{1: {'method': 'unstr_unified_local', 'density': 0.5}}"), 1, &mut model);
    assert_eq!(report.all.norm_kept, None);
    assert!(report.selected.norm_kept.is_some());
}

#[test]
fn epochs_go_forward_and_skip_no_event() {
    let mut model = small();
    let text = "{0: {'method': 'unstr_global', 'density': 0.9}, '3..=4': {'method': 'unstr_global', 'density': 0.5}}";
    let mut pruner = pruner(text);
    let message = |result: Result<Option<Report>, PruneError>| result.unwrap_err().to_string();
    assert_eq!(
        message(pruner.end_epoch(1, &mut model)),
        "epoch 1 cannot end yet: the event at epoch 0 has not happened; call `start` before training"
    );
    pruner.start(&mut model).unwrap();
    assert_eq!(message(pruner.start(&mut model)), "epoch 0 cannot end after epoch 0 has; epochs only go forward");
    pruner.end_epoch(2, &mut model).unwrap();
    assert_eq!(
        message(pruner.end_epoch(1, &mut model)),
        "epoch 1 cannot end after epoch 2 has; epochs only go forward"
    );
    assert_eq!(
        message(pruner.end_epoch(4, &mut model)),
        "epoch 4 cannot end yet: the event at epoch 3 has not happened; call `end_epoch(3, ..)` when that epoch has trained"
    );
    pruner.end_epoch(3, &mut model).unwrap();
    assert!(pruner.end_epoch(5, &mut model).is_err());
    pruner.end_epoch(4, &mut model).unwrap();
    assert!(pruner.end_epoch(u64::MAX, &mut model).unwrap().is_none());
    assert_eq!(pruner.last_epoch(), Some(u64::MAX));
}

#[test]
fn memory_order_changes_nothing() {
    let rows = Model::seeded(&[("a-kernel", &[6, 8]), ("b-kernel", &[3, 3, 4, 5])], 5);
    let mut columns = rows.clone();
    for (_, tensor) in &mut columns.0 {
        let logical = tensor.to_logical();
        let shape = tensor_shape(tensor);
        let mut strides = vec![1isize; shape.len()];
        for i in 1..shape.len() {
            strides[i] = strides[i - 1] * shape[i - 1] as isize;
        }
        let mut memory = vec![0.0; logical.len()];
        for (i, value) in logical.iter().enumerate() {
            let (mut rest, mut at) = (i, 0);
            for axis in (0..shape.len()).rev() {
                at += (rest % shape[axis]) * strides[axis] as usize;
                rest /= shape[axis];
            }
            memory[at] = *value;
        }
        let layout = prune_core::Layout::new(&shape, &strides, 0).unwrap();
        *tensor = prune_core::PlainTensor::from_memory(layout, memory).unwrap();
    }
    for strategy in [
        "{1: {'method': 'unstr_global', 'density': 0.3}}",
        "{1: {'method': 'str_unified_local', 'pattern': (2, 4), 'axis': 'reduction'}}",
        "{1: {'method': 'str_global', 'pattern': (1, 3)}}",
        "{0: {'method': 'unstr_global', 'density': 0.1},
          1: {'method': 'unstr_unified_local', 'density': 0.5, 'reopen': 'random'}}",
    ] {
        let (mut a, mut b) = (pruner(strategy), pruner(strategy));
        let (mut rows, mut columns) = (rows.clone(), columns.clone());
        assert_eq!(a.start(&mut rows).unwrap(), b.start(&mut columns).unwrap());
        assert_eq!(ended(&mut a, 1, &mut rows), ended(&mut b, 1, &mut columns), "{strategy}");
        assert_eq!(a.masks(), b.masks());
        for ((_, rows), (_, columns)) in rows.0.iter().zip(&columns.0) {
            assert_eq!(rows.to_logical(), columns.to_logical());
        }
    }
}

fn tensor_shape(tensor: &prune_core::PlainTensor<f32>) -> Vec<usize> {
    prune_core::LayerRef::of(tensor).shape().to_vec()
}

#[test]
fn masks_of_a_pruned_model_are_in_force_from_the_start() {
    let mut model = small();
    let masks: Masks = [("Dense_1-kernel".to_owned(), Mask::from_bools(&[4, 1], &[true, true, false, false]).unwrap())]
        .into_iter()
        .collect();
    let strategy = "{1: {'method': 'unstr_local', 'density': {'Dense_1-kernel': 0.25}}}";
    let mut pruner = Pruner::with_masks(strategy.parse().unwrap(), masks.clone());
    pruner.check(&model).unwrap();
    pruner.hold(&mut model).unwrap();
    ended(&mut pruner, 1, &mut model);
    assert_eq!(kept(&pruner, "Dense_1-kernel"), [1]);

    let too_much = "{1: {'method': 'unstr_local', 'density': {'Dense_1-kernel': 0.75}}}";
    let error = Pruner::with_masks(too_much.parse().unwrap(), masks.clone()).check(&model).unwrap_err();
    assert!(error.to_string().starts_with("epoch 1, layer `Dense_1-kernel`: 3 elements are asked for"), "{error}");

    let other = Model::of(&[("Dense_1-kernel", &[1, 4], &[0.0; 4])]);
    let misfit = Pruner::with_masks(strategy.parse().unwrap(), masks);
    assert_eq!(
        misfit.check(&other).unwrap_err().to_string(),
        "layer `Dense_1-kernel`: the mask has shape [4, 1] where [1, 4] is needed"
    );
    assert_eq!(
        misfit.check(&Model::of(&[("Dense_1_kernel", &[4, 1], &[0.0; 4])])).unwrap_err().to_string(),
        "there is no layer `Dense_1-kernel`; did you mean `Dense_1_kernel`?"
    );
}

#[test]
fn reports_come_back_from_json() {
    let mut model = small();
    let report = ended(&mut pruner("{1: {'method': 'str_unified_local', 'pattern': (2, 4)}}"), 1, &mut model);
    let json = serde_json::to_string(&report).unwrap();
    assert_eq!(serde_json::from_str::<Report>(&json).unwrap(), report);
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(value["layers"][0]["newly_pruned"], 4);
    assert_eq!(value["warnings"][0]["warning"], "short_lanes");
}

#[test]
fn empty_layers_are_no_trouble() {
    let mut model =
        Model::of(&[("empty", &[0, 4], &[]), ("full", &[1, 4], &[1.0, 2.0, 3.0, 4.0]), ("scalar", &[], &[1.0])]);
    for strategy in [
        "{1: {'method': 'unstr_unified_local', 'density': 0.5}}",
        "{1: {'method': 'str_unified_local', 'pattern': '2:4', 'axis': 0}}",
        "{1: {'method': 'unstr_global', 'density': 0.5}}",
        "{1: {'method': 'str_global', 'pattern': '2:4'}}",
        "{1: {'method': 'unstr_local', 'density': {'empty': 0.5, 'scalar': 0.5}}}",
    ] {
        let mut pruner = pruner(strategy);
        pruner.check(&model).unwrap();
        let report = ended(&mut pruner, 1, &mut model);
        assert_eq!(report.layers[0].counts.kept, 0, "{strategy}");
        assert!(!report.to_string().is_empty());
    }
}

#[test]
fn a_model_that_lists_a_name_twice_is_refused() {
    let mut model = Model::of(&[("a", &[1, 2], &[1.0, 2.0]), ("a", &[1, 2], &[1.0, 2.0])]);
    let mut pruner = pruner("{1: {'method': 'unstr_global', 'density': 0.5}}");
    let message = "layer `a` is given twice; every layer needs a name of its own";
    assert_eq!(pruner.check(&model).unwrap_err().to_string(), message);
    assert_eq!(pruner.end_epoch(1, &mut model).unwrap_err().to_string(), format!("epoch 1: {message}"));
}

#[test]
fn a_pruner_goes_through_dyn_layers() {
    let mut model = small();
    let mut pruner = pruner("{1: {'method': 'unstr_global', 'density': 0.5}}");
    pruner.check(&model as &dyn Layers).unwrap();
    let model: &mut dyn prune_core::LayersMut = &mut model;
    assert!(pruner.end_epoch(1, model).unwrap().is_some());
    pruner.hold(model).unwrap();
}

#[test]
fn element_types_mix_in_one_ranking() {
    let mut a = prune_core::PlainTensor::from_logical(&[1, 3], vec![0.5f64, -0.75, 0.1]).unwrap();
    let mut b = prune_core::PlainTensor::from_logical(&[3, 1], vec![0.25f32, 1.0, -0.05]).unwrap();
    let mut model = vec![("a", prune_core::LayerMut::of(&mut a)), ("b", prune_core::LayerMut::of(&mut b))];
    let mut pruner = pruner("{1: {'method': 'unstr_global', 'density': 0.5}}");
    pruner.check(&model).unwrap();
    assert!(pruner.end_epoch(1, &mut model).unwrap().is_some());
    drop(model);
    assert_eq!((a.values(), b.values()), (&[0.5, -0.75, 0.0][..], &[0.0, 1.0, 0.0][..]));
}
