//! Axes that names do not tell, but that biases and the shapes of a family do.

use prune_schedule::Evidence;

use super::model::Model;
use super::{ended, kept, pruner};

/// Weights, with a bias of ones. The smallest weights have the index `least` along `axis`.
fn channels(name: &str, shape: &[usize], axis: usize, least: usize, bias: usize) -> Model {
    let stride: usize = shape[axis + 1..].iter().product();
    let value = |i: usize| if i / stride % shape[axis] == least { 0.001 } else { 1.0 + (i % 7) as f32 };
    let values: Vec<f32> = (0..shape.iter().product()).map(value).collect();
    let stem = name.rsplit_once('.').unwrap().0;
    Model::of(&[(name, shape, &values), (&format!("{stem}.bias"), &[bias], &vec![7.0; bias])])
}

/// The bias after one channel of six was pruned, or the reason why none was.
fn pruned(model: &mut Model, more: &str) -> Result<Vec<f32>, String> {
    let event = format!("'method': 'channel_unified_local', 'density': 0.8333, 'bias': True{more}");
    let report = ended(&mut pruner(&format!("{{1: {{{event}}}}}")), model, Evidence::default());
    report.map(|_| model.0[1].1.values().to_vec()).map_err(|error| error.to_string())
}

const THIRD: [f32; 6] = [7.0, 7.0, 0.0, 7.0, 7.0, 7.0];

#[test]
fn biases_follow_the_outputs_of_transposed_convolutions() {
    for shape in [&[4usize, 6, 2, 2][..], &[4, 6, 3], &[2, 6, 1, 2, 2]] {
        let model = channels("up.weight", shape, 1, 2, 6);
        for more in ["", ", 'axis': 1", ", 'axis': 'output'"] {
            let mut model = model.clone();
            assert_eq!(pruned(&mut model, more), Ok(THIRD.to_vec()), "{shape:?}{more}");
            let weights = model.0[0].1.values();
            assert!(weights.iter().all(|&weight| weight == 0.0 || weight >= 1.0), "{shape:?}{more}");
        }
        let refused = pruned(&mut model.clone(), ", 'axis': 0").unwrap_err();
        assert!(refused.contains("channels along axis 0 are not its outputs"), "{refused}");
    }
}

#[test]
fn a_linear_layer_stored_inputs_first_is_told_by_its_bias() {
    let model = channels("h.0.mlp.some.weight", &[4, 6], 1, 2, 6);
    assert_eq!(pruned(&mut model.clone(), ""), Ok(THIRD.to_vec()));
    let mut groups = model.clone();
    let mut along =
        pruner("{1: {'method': 'str_local', 'pattern': {'h.0.mlp.some.weight': '2:4'}, 'axis': 'reduction'}}");
    let report = ended(&mut along, &mut groups, Evidence::default()).unwrap();
    assert_eq!(report.layers[0].axis, Some(0));
    assert_eq!(kept(&along)["h.0.mlp.some.weight"].iter().filter(|kept| **kept).count(), 12);
}

/// Nothing tells the axes of a square layer: the usual place is assumed unless another is written.
#[test]
fn a_written_axis_is_believed_where_nothing_contradicts_it() {
    let model = channels("some.weight", &[6, 6], 1, 2, 6);
    assert_eq!(pruned(&mut model.clone(), ", 'axis': 1"), Ok(THIRD.to_vec()));
    assert_eq!(pruned(&mut model.clone(), ", 'axis': -1"), Ok(THIRD.to_vec()));
    let refused = pruned(&mut model.clone(), ", 'axis': 'reduction'").unwrap_err();
    assert!(refused.contains("are not its outputs"), "{refused}");
    let rows = channels("some.weight", &[6, 6], 0, 2, 6);
    assert_eq!(pruned(&mut rows.clone(), ""), Ok(THIRD.to_vec()));
}

/// A layer that may be a transposed convolution is not guessed at.
#[test]
fn a_transposed_convolution_that_nothing_tells_needs_a_written_axis() {
    let mut model = Model::seeded(&[("up.weight", &[6, 6, 2, 2])], 3);
    let mut channels = |more: &str| {
        let mut pruner = pruner(&format!("{{1: {{'method': 'channel_unified_local', 'density': 0.5{more}}}}}"));
        ended(&mut pruner, &mut model, Evidence::default()).map_err(|error| error.to_string())
    };
    let refused = channels("").unwrap_err();
    assert!(
        refused.ends_with("nothing tells which of its 4 axes is that of its outputs; write `axis` as an index"),
        "{refused}"
    );
    assert_eq!(channels(", 'axis': 1").map(|report| report.layers[0].axis), Ok(Some(1)));
}
