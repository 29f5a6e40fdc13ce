//! The elements that an event keeps, and the numbers of its report.

use prune_schedule::Report;

use crate::model::Model;
use crate::{ended, kept, pruner, small};

#[test]
fn n_m_in_every_prunable_layer() {
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
by default: the axis is the last; weights are the layers of rank 2 or more
warning: epoch 2, layer `Dense_1-kernel`: its lanes along axis 1 are 1 long, shorter than a group of 2:4; each keeps 1 of 1
next: hold the optimiser's buffers to the new masks too: outside them they are as they were"
    );
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["defaults"], serde_json::json!({"axis": -1, "weights": "rank"}));
    assert_eq!(serde_json::from_value::<Report>(json).unwrap(), report);
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
fn ties_are_counted_and_broken_by_index() {
    let mut model = Model::of(&[("a", &[2, 3], &[1.0, -1.0, 1.0, 2.0, 1.0, 0.0])]);
    let report = ended(&mut pruner("{1: {'method': 'unstr_unified_local', 'density': 0.5}}"), 1, &mut model);
    assert_eq!(model.get("a").values(), [1.0, -1.0, 0.0, 2.0, 0.0, 0.0]);
    assert_eq!(report.selected.ties, 4);
    assert_eq!(report.layers[0].counts.norm_kept, Some(6.0 / 8.0));
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
