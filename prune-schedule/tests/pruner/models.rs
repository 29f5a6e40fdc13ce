//! Models of every kind: with NaN, in any memory order, with odd lists of layers.

use prune_core::Layers;
use prune_schedule::Report;

use crate::model::Model;
use crate::{ended, pruner, small};

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
