//! `prune slice` cuts a checkpoint as its model was cut.

use std::fs;
use std::path::Path;

use prune_onnx::{AttributeValue, DataType, Dim, GraphBuilder, Model, ModelBuilder};
use serde_json::Value;

use crate::common::{Tensors, f32s, ok, tensors, write};
use crate::{constant, place, refused, weights};

/// The state dict that the model was exported from, with an optimiser's buffers.
fn state(change: f32) -> Tensors {
    let [first, first_bias, second, second_bias] = weights();
    let numbers = |len: usize, from: f32| (0..len).map(|at| from + at as f32).collect::<Vec<f32>>();
    let changed: Vec<f32> = first.iter().map(|value| value + change).collect();
    tensors([
        ("fc1.weight", f32s(&[8, 3], &changed)),
        ("fc1.bias", f32s(&[8], &first_bias)),
        ("fc2.weight", f32s(&[2, 8], &second)),
        ("fc2.bias", f32s(&[2], &second_bias)),
        ("exp_avg.fc1.weight", f32s(&[8, 3], &numbers(24, 100.0))),
        ("exp_avg.fc2.weight", f32s(&[2, 8], &numbers(16, 200.0))),
        ("step", f32s(&[1], &[7.0])),
    ])
}

fn read_f32s(path: &Path, name: &str) -> (Vec<usize>, Vec<f32>) {
    let bytes = fs::read(path).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let tensor = file.tensor(name).unwrap();
    let values = tensor.data().chunks_exact(4).map(|value| f32::from_le_bytes(value.try_into().unwrap()));
    (tensor.shape().to_vec(), values.collect())
}

#[test]
fn a_checkpoint_is_cut_as_its_model_was() {
    let folder = place();
    let at = folder.path();
    let ask = ["shrink", "model.onnx", "-o", "s.onnx", "--density", "0.5", "--score", "random", "--kept", "kept.json"];
    ok(at, &ask);
    write(&at.join("state.safetensors"), &state(0.0));
    let text = ok(at, &["slice", "state.safetensors", "--kept", "kept.json", "-o", "small.safetensors"]);
    assert!(text.contains("buffer of fc1.weight"), "{text}");
    assert!(text.contains("2 tensors stay as they are: `fc2.bias`, `step`"), "{text}");
    let small = Model::read(&at.join("s.onnx")).unwrap();
    let cut = at.join("small.safetensors");
    for name in ["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"] {
        let (shape, values) = read_f32s(&cut, name);
        assert_eq!((shape, values.into_iter().map(f64::from).collect()), constant(&small, name), "{name}");
    }
    // Buffers lose the same indices as their tensors.
    let (_, all) = read_f32s(&at.join("state.safetensors"), "fc1.weight");
    let (_, left) = read_f32s(&cut, "fc1.weight");
    let (shape, buffer) = read_f32s(&cut, "exp_avg.fc1.weight");
    assert_eq!(shape, [4, 3]);
    for (value, left) in buffer.iter().zip(&left) {
        assert_eq!(all[(value - 100.0) as usize], *left);
    }
    assert_eq!(read_f32s(&cut, "exp_avg.fc2.weight").0, [2, 4]);
    assert_eq!(read_f32s(&cut, "step").1, [7.0]);
}

#[test]
fn a_checkpoint_of_other_values_needs_names() {
    let folder = place();
    let at = folder.path();
    ok(at, &["shrink", "model.onnx", "-o", "s.onnx", "--density", "0.5", "--kept", "kept.json"]);
    write(&at.join("state.safetensors"), &state(1.0));
    let ask = ["slice", "state.safetensors", "--kept", "kept.json", "-o", "small.safetensors"];
    let message = refused(at, &ask, 2);
    assert!(message.contains("holds the values of `fc1.weight`; name their tensors with --names"), "{message}");
    let names = |text: &str| fs::write(at.join("names.json"), text).unwrap();
    let named = [&ask[..], &["--names", "names.json"]].concat();
    names(r#"{"fc1.wieght": "fc1.weight"}"#);
    assert!(refused(at, &named, 2).contains("did you mean `fc1.weight`"));
    names(r#"{"fc1.weight": "fc2.bias"}"#);
    assert!(refused(at, &named, 2).contains("is no constant of the model that lost indices"));
    names(r#"{"fc2.weight": "fc1.weight"}"#);
    assert!(refused(at, &named, 2).contains("`fc2.weight` has shape [2, 8], and `fc1.weight` has [8, 3]"));
    names("[]");
    assert!(refused(at, &named, 2).contains("is no table"));
    names(r#"{"fc1.weight": "fc1.weight"}"#);
    ok(at, &named);
    let (shape, values) = read_f32s(&at.join("small.safetensors"), "fc1.weight");
    let [first, ..] = weights();
    assert_eq!((shape, values), (vec![4, 3], first[12..].iter().map(|value| value + 1.0).collect()));
    // A file of indices with a wrong index.
    let kept = fs::read_to_string(at.join("kept.json")).unwrap().replace("[4,5,6,7]", "[4,5,6,8]");
    fs::write(at.join("kept.json"), kept).unwrap();
    let named = [&ask[..], &["--names", "names.json"]].concat();
    let message = refused(at, &named, 2);
    assert!(message.contains("do not fit its length 8"), "{message}");
    fs::write(at.join("kept.json"), "{}").unwrap();
    assert!(
        refused(at, &[&named[..], &["--force"]].concat(), 2).contains("is no file that `prune shrink --kept` writes")
    );
}

#[test]
fn linear_layers_that_an_exporter_turned_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let mut graph = GraphBuilder::new("turned");
    let [first, _, second, _] = weights();
    let turn = |values: &[f32], rows: usize, columns: usize| -> Vec<f32> {
        (0..rows * columns).map(|at| values[at % rows * columns + at / rows]).collect()
    };
    graph.input("x", DataType::Float, &[Dim::Known(1), Dim::Known(3)]);
    graph.floats("onnx::MatMul_7", &[3, 8], &turn(&first, 8, 3));
    graph.floats("onnx::MatMul_9", &[8, 2], &turn(&second, 2, 8));
    graph.node("MatMul", &["x", "onnx::MatMul_7"], &["h"], &[]);
    graph.node("Relu", &["h"], &["r"], &[]);
    graph.node("MatMul", &["r", "onnx::MatMul_9"], &["y"], &[]);
    graph.output("y", DataType::Float, &[Dim::Known(1), Dim::Known(2)]);
    fs::write(at.join("model.onnx"), ModelBuilder::new(8, 17).finish(&graph)).unwrap();
    ok(at, &["shrink", "model.onnx", "-o", "s.onnx", "--density", "0.5", "--kept", "kept.json"]);
    let state = tensors([("fc1.weight", f32s(&[8, 3], &first)), ("fc2.weight", f32s(&[2, 8], &second))]);
    write(&at.join("state.safetensors"), &state);
    let text = ok(at, &["slice", "state.safetensors", "--kept", "kept.json", "-o", "small.safetensors"]);
    assert!(text.contains("transposed content"), "{text}");
    let small = Model::read(&at.join("s.onnx")).unwrap();
    let (shape, values) = read_f32s(&at.join("small.safetensors"), "fc1.weight");
    assert_eq!(shape, [4, 3]);
    let turned: Vec<f64> = turn(&values, 4, 3).into_iter().map(f64::from).collect();
    assert_eq!(constant(&small, "onnx::MatMul_7").1, turned);
}

#[test]
fn a_constant_whose_uses_lost_different_indices_is_not_guessed() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let numbers = |len: usize, step: usize| -> Vec<f32> { (0..len).map(|at| (at * step % 13) as f32 - 6.0).collect() };
    let (first, second, third) = (numbers(18, 5), numbers(36, 7), numbers(24, 3));
    let mut graph = GraphBuilder::new("shared");
    graph.input("x", DataType::Float, &[Dim::Known(1), Dim::Known(3)]);
    graph.floats("l1.weight", &[6, 3], &first);
    graph.floats("l2.weight", &[6, 6], &second);
    graph.floats("l3.weight", &[4, 6], &third);
    // An exporter keeps one of two biases of equal values.
    graph.floats("l1.bias", &[6], &[0.0; 6]);
    let turned = [("transB", AttributeValue::Int(1))];
    graph.node("Gemm", &["x", "l1.weight", "l1.bias"], &["h"], &turned);
    graph.node("Relu", &["h"], &["r"], &[]);
    graph.node("Gemm", &["r", "l2.weight", "l1.bias"], &["i"], &turned);
    graph.node("Relu", &["i"], &["s"], &[]);
    graph.node("Gemm", &["s", "l3.weight"], &["y"], &turned);
    graph.output("y", DataType::Float, &[Dim::Known(1), Dim::Known(4)]);
    fs::write(at.join("model.onnx"), ModelBuilder::new(8, 17).finish(&graph)).unwrap();
    let more = ["--density", "0.5", "--multiple", "1", "--kept", "kept.json"];
    ok(at, &[&["shrink", "model.onnx", "-o", "s.onnx"][..], &more].concat());
    let text = fs::read_to_string(at.join("kept.json")).unwrap();
    let kept: Value = serde_json::from_str(&text).unwrap();
    let rows = |name: &str| -> Vec<u64> {
        let tensors = kept["tensors"].as_array().unwrap();
        let tensor = tensors.iter().find(|tensor| tensor["name"] == name).unwrap_or_else(|| panic!("{name}: {text}"));
        let axis = tensor["axes"].as_array().unwrap().iter().find(|axis| axis["axis"] == 0).unwrap();
        axis["kept"].as_array().unwrap().iter().map(|index| index.as_u64().unwrap()).collect()
    };
    assert_ne!(rows("l1.weight"), rows("l2.weight"));
    assert_eq!(rows("l1.bias@h"), rows("l1.weight"));
    assert_eq!(rows("l1.bias@i"), rows("l2.weight"));
    let momentum: Vec<f32> = (0..6).map(|at| at as f32).collect();
    let state = tensors([
        ("l1.weight", f32s(&[6, 3], &first)),
        ("l2.weight", f32s(&[6, 6], &second)),
        ("l3.weight", f32s(&[4, 6], &third)),
        ("l1.bias", f32s(&[6], &[0.0; 6])),
        ("l2.bias", f32s(&[6], &[0.0; 6])),
        ("momentum.l1.bias", f32s(&[6], &momentum)),
        ("momentum.l2.bias", f32s(&[6], &momentum)),
    ]);
    write(&at.join("state.safetensors"), &state);
    let ask = ["slice", "state.safetensors", "--kept", "kept.json", "-o", "small.safetensors"];
    let message = refused(at, &ask, 2);
    assert!(message.contains("`l1.bias` holds the values of `l1.bias@h` and of `l1.bias@i`"), "{message}");
    let named = [&ask[..], &["--names", "names.json"]].concat();
    fs::write(at.join("names.json"), r#"{"l1.bias": "l1.bias"}"#).unwrap();
    let message = refused(at, &named, 2);
    assert!(message.contains("name one of `l1.bias@h`, `l1.bias@i`"), "{message}");
    fs::write(at.join("names.json"), r#"{"l1.bias": "l1.bias@h", "l2.bias": "l1.bias@i"}"#).unwrap();
    ok(at, &named);
    for (layer, use_of) in [("l1", "l1.bias@h"), ("l2", "l1.bias@i")] {
        let (_, left) = read_f32s(&at.join("small.safetensors"), &format!("momentum.{layer}.bias"));
        assert_eq!(left.iter().map(|&at| at as u64).collect::<Vec<_>>(), rows(use_of));
    }
    // A checkpoint with one tensor for both uses.
    let tied = tensors([
        ("l1.weight", f32s(&[6, 3], &first)),
        ("l2.weight", f32s(&[6, 6], &second)),
        ("l3.weight", f32s(&[4, 6], &third)),
        ("bias", f32s(&[6], &[0.0; 6])),
    ]);
    write(&at.join("state.safetensors"), &tied);
    let ask = [&ask[..], &["--force"]].concat();
    let message = refused(at, &ask, 2);
    assert!(
        message.contains("say with --names which it is; if it is both, save it once more under another name"),
        "{message}"
    );
    fs::write(at.join("names.json"), r#"{"bias": "l1.bias@h"}"#).unwrap();
    let message = refused(at, &[&named[..], &["--force"]].concat(), 2);
    assert!(
        message.contains("`l1.bias@i` and what --names calls a tensor of state.safetensors are uses of one constant")
            && message.contains("save it once more under another name, and name that too"),
        "{message}"
    );
}
