//! `prune shrink` and `prune slice` from the command line.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::fs;
use std::path::Path;

use common::{Tensors, bools, entries, f32s, fails, ok, tensors, write};
use prune_onnx::{AttributeValue, DataType, Dim, GraphBuilder, Model, ModelBuilder};
use serde_json::Value;

/// Inputs, hidden neurons and outputs of the network of these tests.
const SIZES: [usize; 3] = [3, 8, 2];

/// Weights that differ everywhere; the norms of the hidden neurons rise with their number.
fn weights() -> [Vec<f32>; 4] {
    let [inputs, hidden, outputs] = SIZES;
    let first = (0..hidden * inputs).map(|at| ((at * 7 % 11) as f32 - 5.0) * (1.0 + (at / inputs) as f32)).collect();
    let second = (0..outputs * hidden).map(|at| ((at * 5 % 13) as f32 - 6.0) * 0.5).collect();
    [first, (0..hidden).map(|at| at as f32 * 0.25 - 1.0).collect(), second, vec![0.5, -0.5]]
}

/// A network as torch exports it: weights are (outputs, inputs), and hold the names of the state dict.
fn graph(external: bool) -> GraphBuilder {
    let [inputs, hidden, outputs] = SIZES;
    let mut graph = GraphBuilder::new("torch");
    let batch = || Dim::Named("batch".to_owned());
    graph.input("x", DataType::Float, &[batch(), Dim::Known(inputs as i64)]);
    let [first, first_bias, second, second_bias] = weights();
    if external {
        graph.external("fc1.weight", DataType::Float, &[hidden, inputs], &[("location", "w.bin"), ("offset", "8")]);
    } else {
        graph.floats("fc1.weight", &[hidden, inputs], &first);
    }
    graph.floats("fc1.bias", &[hidden], &first_bias);
    graph.floats("fc2.weight", &[outputs, hidden], &second);
    graph.floats("fc2.bias", &[outputs], &second_bias);
    let turned = [("transB", AttributeValue::Int(1))];
    graph.node("Gemm", &["x", "fc1.weight", "fc1.bias"], &["h"], &turned);
    graph.node("Relu", &["h"], &["r"], &[]);
    graph.node("Gemm", &["r", "fc2.weight", "fc2.bias"], &["y"], &turned);
    graph.output("y", DataType::Float, &[batch(), Dim::Known(outputs as i64)]);
    graph
}

/// A folder with `model.onnx`.
fn place() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("model.onnx"), ModelBuilder::new(8, 17).finish(&graph(false))).unwrap();
    folder
}

/// The message of a command that is refused, and has left the folder as it was.
fn refused(folder: &Path, arguments: &[&str], code: i32) -> String {
    let before = entries(folder);
    let message = fails(folder, code, arguments);
    assert_eq!(entries(folder), before);
    message
}

fn constant(model: &Model, name: &str) -> (Vec<usize>, Vec<f64>) {
    let tensor = model.graph().initializers().iter().find(|tensor| tensor.name() == name).unwrap();
    (tensor.dims().to_vec(), tensor.floats().unwrap())
}

/// The outputs for one input, from the weights alone.
fn outputs(model: &Model, x: &[f64]) -> Vec<f64> {
    let dense = |x: &[f64], weight: &str, bias: &str| -> Vec<f64> {
        let ((shape, weight), (_, bias)) = (constant(model, weight), constant(model, bias));
        let row =
            |row: usize| weight[row * shape[1]..(row + 1) * shape[1]].iter().zip(x).map(|(w, x)| w * x).sum::<f64>();
        (0..shape[0]).map(|at| row(at) + bias[at]).collect()
    };
    let hidden: Vec<f64> = dense(x, "fc1.weight", "fc1.bias").iter().map(|h| h.max(0.0)).collect();
    dense(&hidden, "fc2.weight", "fc2.bias")
}

#[test]
fn a_density_takes_neurons_out_and_the_rest_computes_as_before() {
    let folder = place();
    let at = folder.path();
    let text = ok(at, &["shrink", "model.onnx", "-o", "small.onnx", "--density", "0.5"]);
    for part in [
        "channel_unified_local, keeps 50%, removes 50%, counts rounded to multiples of 4",
        "8 classes in 1 families, 4 kept",
        "parameters: 50 before, 26 after (52.00%)",
        "fc1.weight  8x3    4x3",
        "small.onnx: ",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    let [model, small] = ["model.onnx", "small.onnx"].map(|name| Model::read(&at.join(name)).unwrap());
    // The four of the lowest norm have gone, with their columns and biases.
    let ((_, whole), (shape, left)) = (constant(&model, "fc1.weight"), constant(&small, "fc1.weight"));
    assert_eq!((shape, &left[..]), (vec![4, 3], &whole[12..]));
    assert_eq!(constant(&small, "fc1.bias").1, constant(&model, "fc1.bias").1[4..]);
    let x = [1.0, -2.0, 0.5];
    let wanted = {
        // The oracle: the same model, where the rows and biases of what went are zero.
        let [mut first, mut bias, second, second_bias] = weights();
        first[..12].fill(0.0);
        bias[..4].fill(0.0);
        let mut graph = GraphBuilder::new("zeroed");
        graph.input("x", DataType::Float, &[Dim::Known(1), Dim::Known(3)]);
        graph.floats("fc1.weight", &[8, 3], &first);
        graph.floats("fc1.bias", &[8], &bias);
        graph.floats("fc2.weight", &[2, 8], &second);
        graph.floats("fc2.bias", &[2], &second_bias);
        outputs(&Model::parse(ModelBuilder::new(8, 17).finish(&graph), at).unwrap(), &x)
    };
    assert_eq!(outputs(&small, &x), wanted);
    assert_ne!(outputs(&model, &x), wanted);
}

#[test]
fn the_multiple_is_four_unless_told() {
    let folder = place();
    let kept = |more: &[&str]| {
        let text = ok(folder.path(), &[&["shrink", "model.onnx", "-o", "s.onnx", "--force", "--json"], more].concat());
        let report: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(report["classes"], 8);
        report["classes_kept"].as_u64().unwrap()
    };
    assert_eq!(kept(&["--density", "0.6"]), 4);
    assert_eq!(kept(&["--density", "0.6", "--multiple", "1"]), 5);
    assert_eq!(kept(&["--sparsity", "0.9", "--multiple", "1"]), 1);
    assert_eq!(kept(&["--density", "0.6", "--multiple", "1", "--method", "channel_global"]), 5);
    assert_eq!(kept(&["--density", "0.1", "--multiple", "1", "--min-density", "0.5"]), 4);
    // 50 parameters: 8 neurons of 6, and 2 biases. 0.6 allows 30, which are 4 neurons.
    assert_eq!(kept(&["--keep-params", "0.6", "--multiple", "1"]), 4);
    assert_eq!(kept(&["--keep-macs", "0.51", "--multiple", "1", "--input", "x=1x3"]), 4);
    let random = |seed: &str| {
        let more = ["--density", "0.5", "--score", "random", "--seed", seed];
        kept(&more);
        fs::read(folder.path().join("s.onnx")).unwrap()
    };
    assert_eq!(random("1"), random("1"));
    assert!((2..12).any(|seed| random(&seed.to_string()) != random("1")));
}

#[test]
fn nothing_removed_is_the_model_byte_for_byte() {
    let folder = place();
    let at = folder.path();
    let text = ok(at, &["shrink", "model.onnx", "-o", "same.onnx", "--density", "1"]);
    assert!(text.contains("nothing was removed, so it is the model, byte-identical"), "{text}");
    assert!(fs::read(at.join("model.onnx")).unwrap() == fs::read(at.join("same.onnx")).unwrap());
    let text = ok(at, &["shrink", "model.onnx", "-o", "same2.onnx", "--density", "0.5", "--exclude", "fc1.*"]);
    assert!(text.contains("fc1.weight and 1 more (left out)"), "{text}");
    assert!(fs::read(at.join("model.onnx")).unwrap() == fs::read(at.join("same2.onnx")).unwrap());
}

#[test]
fn defaults_that_a_caller_may_replace_are_warned_of() {
    let place = place();
    let mut graph = graph(false);
    let [inputs, hidden, _] = SIZES.map(|n| Dim::Known(n as i64));
    graph.input("fc1.weight", DataType::Float, &[hidden, inputs]);
    fs::write(place.path().join("model.onnx"), ModelBuilder::new(8, 99).finish(&graph)).unwrap();
    let half = ["shrink", "model.onnx", "-o", "small.onnx", "--density", "0.5", "--force"];
    let text = ok(place.path(), &half);
    assert!(text.contains("warning: inputs whose default values were cut: `fc1.weight`; "), "{text}");
    assert!(text.contains("warning: the model imports version 99 of ONNX's operators"), "{text}");
    let json: Value = serde_json::from_str(&ok(place.path(), &[&half[..], &["--json"]].concat())).unwrap();
    let told =
        |start: &str| json["warnings"].as_array().unwrap().iter().any(|w| w.as_str().unwrap().starts_with(start));
    assert!(told("the model imports version 99") && told("inputs whose default values were cut"), "{json}");
    // The density 1 changes nothing, so there is nothing to warn of.
    let whole = ok(place.path(), &["shrink", "model.onnx", "-o", "same.onnx", "--density", "1"]);
    assert!(!whole.contains("warning"), "{whole}");
}

#[test]
fn explain_names_the_operator_that_keeps_an_axis() {
    let folder = place();
    let text = ok(folder.path(), &["shrink", "model.onnx", "-o", "s.onnx", "--density", "0.5", "--explain"]);
    let line = |start: &str| text.lines().find(|line| line.starts_with(start) && line.contains("put")).unwrap();
    // The inputs and the outputs of the model stay.
    assert!(text.contains("because"), "{text}");
    assert!(!line("fc1.weight").is_empty() && !line("fc2.weight").is_empty());
}

#[test]
fn masks_take_out_what_they_close_whole() {
    let folder = place();
    let at = folder.path();
    let closed = |neurons: &[usize]| {
        let kept: Vec<bool> = (0..24).map(|at| !neurons.contains(&(at / 3))).collect();
        tensors([("fc1.weight", bools(&[8, 3], &kept))])
    };
    write(&at.join("masks.safetensors"), &closed(&[2, 5]));
    let ask = ["shrink", "model.onnx", "-o", "s.onnx", "--masks", "masks.safetensors"];
    let text = ok(at, &ask);
    assert!(text.contains("8 classes in 1 families, 6 kept"), "{text}");
    let small = Model::read(&at.join("s.onnx")).unwrap();
    assert_eq!(constant(&small, "fc2.weight").0, [2, 6]);
    // No mask closes the biases, -0.5 and 0.25, and they go.
    assert!(text.contains("warning: channels that the masks close lose values"), "{text}");
    assert!(text.contains("outputs may change: `fc1.bias` 2; train with 'bias': True"), "{text}");
    let json = |masks: &Tensors| {
        write(&at.join("masks.safetensors"), masks);
        let report = ok(at, &[&ask[..], &["--force", "--json"]].concat());
        serde_json::from_str::<Value>(&report).unwrap()
    };
    assert!(json(&closed(&[2, 5]))["warnings"][0].as_str().unwrap().contains("`fc1.bias` 2"));
    // The bias of neuron 4 is 0.
    assert_eq!(json(&closed(&[4]))["warnings"], Value::Null);
    let mut with_bias = closed(&[2, 5]);
    with_bias.extend(tensors([("fc1.bias", bools(&[8], &[0, 1, 2, 3, 4, 5, 6, 7].map(|at| at != 2 && at != 5)))]));
    assert_eq!(json(&with_bias)["warnings"], Value::Null);
    fs::remove_file(at.join("s.onnx")).unwrap();

    write(&at.join("masks.safetensors"), &closed(&[0, 1, 2, 3, 4, 5, 6, 7]));
    let message = refused(at, &ask, 2);
    assert!(
        message.contains("masks.safetensors: every index of axis 0 of `fc1.") && message.contains("keep at least one"),
        "{message}"
    );
    write(&at.join("masks.safetensors"), &closed(&[]));
    let message = refused(at, &ask, 2);
    assert!(message.contains("masks.safetensors: "), "{message}");
    write(&at.join("masks.safetensors"), &tensors([("fc1.wieght", bools(&[8, 3], &[true; 24]))]));
    let message = refused(at, &ask, 2);
    assert!(message.contains("`fc1.wieght`") && message.contains("`fc1.weight`"), "{message}");
    write(&at.join("masks.safetensors"), &tensors([("fc1.weight", bools(&[3, 8], &[true; 24]))]));
    assert!(refused(at, &ask, 2).contains("[3, 8]"));
    write(&at.join("masks.safetensors"), &tensors([("fc1.weight", f32s(&[8, 3], &[1.0; 24]))]));
    assert!(refused(at, &ask, 2).contains("masks are BOOL"));
}

#[test]
fn what_has_no_effect_goes_and_the_outputs_stay() {
    let folder = place();
    let at = folder.path();
    let ask = ["shrink", "model.onnx", "-o", "s.onnx", "--dead"];
    assert!(ok(at, &ask).contains("nothing was removed"));
    let [mut first, mut bias, mut second, second_bias] = weights();
    // Nothing reads neuron 1; neuron 6 is always zero.
    (second[1], second[8 + 1]) = (0.0, 0.0);
    first[18..21].fill(0.0);
    bias[6] = 0.0;
    let mut graph = GraphBuilder::new("dead");
    graph.input("x", DataType::Float, &[Dim::Known(1), Dim::Known(3)]);
    graph.floats("fc1.weight", &[8, 3], &first);
    graph.floats("fc1.bias", &[8], &bias);
    graph.floats("fc2.weight", &[2, 8], &second);
    graph.floats("fc2.bias", &[2], &second_bias);
    let turned = [("transB", AttributeValue::Int(1))];
    graph.node("Gemm", &["x", "fc1.weight", "fc1.bias"], &["h"], &turned);
    graph.node("Relu", &["h"], &["r"], &[]);
    graph.node("Gemm", &["r", "fc2.weight", "fc2.bias"], &["y"], &turned);
    graph.output("y", DataType::Float, &[Dim::Known(1), Dim::Known(2)]);
    fs::write(at.join("model.onnx"), ModelBuilder::new(8, 17).finish(&graph)).unwrap();
    let text = ok(at, &[&ask[..], &["--force"]].concat());
    assert!(text.contains("8 classes in 1 families, 6 kept"), "{text}");
    let [model, small] = ["model.onnx", "s.onnx"].map(|name| Model::read(&at.join(name)).unwrap());
    let x = [1.0, -2.0, 0.5];
    assert_eq!(outputs(&model, &x), outputs(&small, &x));
    assert_eq!(constant(&small, "fc2.weight").0, [2, 6]);
}

#[test]
fn constants_go_into_biases_unless_a_checkpoint_is_cut_alike() {
    let folder = place();
    let at = folder.path();
    let [mut first, mut bias, second, second_bias] = weights();
    // Neuron 4 is 0.5 for any input.
    first[12..15].fill(0.0);
    bias[4] = 0.5;
    let mut graph = GraphBuilder::new("constant");
    graph.input("x", DataType::Float, &[Dim::Known(1), Dim::Known(3)]);
    graph.floats("fc1.weight", &[8, 3], &first);
    graph.floats("fc1.bias", &[8], &bias);
    graph.floats("fc2.weight", &[2, 8], &second);
    graph.floats("fc2.bias", &[2], &second_bias);
    let turned = [("transB", AttributeValue::Int(1))];
    graph.node("Gemm", &["x", "fc1.weight", "fc1.bias"], &["h"], &turned);
    graph.node("Relu", &["h"], &["r"], &[]);
    graph.node("Gemm", &["r", "fc2.weight", "fc2.bias"], &["y"], &turned);
    graph.output("y", DataType::Float, &[Dim::Known(1), Dim::Known(2)]);
    fs::write(at.join("model.onnx"), ModelBuilder::new(8, 17).finish(&graph)).unwrap();
    let ask = ["shrink", "model.onnx", "-o", "s.onnx", "--dead"];
    let text = ok(at, &ask);
    assert!(text.contains("8 classes in 1 families, 7 kept"), "{text}");
    assert!(text.contains("added to the biases of their readers: 1"), "{text}");
    let [model, small] = ["model.onnx", "s.onnx"].map(|name| Model::read(&at.join(name)).unwrap());
    let x = [1.0, -2.0, 0.5];
    for (before, after) in outputs(&model, &x).iter().zip(outputs(&small, &x)) {
        assert!((before - after).abs() < 1e-5, "{before} and {after}");
    }
    for (output, bias) in constant(&small, "fc2.bias").1.iter().enumerate() {
        assert_eq!(*bias as f32, second_bias[output] + 0.5 * second[8 * output + 4]);
    }
    let text = ok(at, &[&ask[..], &["--force", "--kept", "kept.json"]].concat());
    assert!(text.contains("nothing was removed"), "{text}");
    assert!(text.contains("would lack the new biases: 1"), "{text}");
}

#[test]
fn bad_input_is_refused_and_nothing_written() {
    let folder = place();
    let at = folder.path();
    let ask = |more: &[&'static str]| [&["shrink", "model.onnx", "-o", "s.onnx"], more].concat();
    for density in ["0", "1.5", "-1", "NaN", "x"] {
        let message = refused(at, &ask(&["--density", density]), 2);
        assert!(message.contains("--density"), "{message}");
    }
    assert!(refused(at, &ask(&[]), 2).contains("--density"));
    assert!(refused(at, &ask(&["--density", "0.5", "--multiple", "0"]), 2).contains("from 1 on"));
    assert!(refused(at, &ask(&["--density", "0.5", "--include", "fc3.*"]), 2).contains("matches no weight"));
    let message = refused(at, &ask(&["--keep-macs", "0.5"]), 2);
    assert!(message.contains("such as --input x=1x3"), "{message}");
    assert!(refused(at, &ask(&["--keep-macs", "0.5", "--input", "x=1x4"]), 2).contains("the model states batchx3"));
    assert!(refused(at, &ask(&["--keep-macs", "0.5", "--input", "z=1x3"]), 2).contains("the model's inputs are `x`"));
    assert!(refused(at, &ask(&["--keep-macs", "0.5", "--input", "x=1x0"]), 2).contains("image=1x3x640x640"));
    assert!(refused(at, &ask(&["--keep-params", "0.01"]), 2).contains("parameters"));
    let message = refused(at, &["shrink", "model.onnx", "-o", "model.onnx", "--density", "0.5", "--force"], 2);
    assert!(message.contains("is the model itself"), "{message}");
    assert!(refused(at, &["shrink", "gone.onnx", "-o", "s.onnx", "--density", "0.5"], 3).contains("gone.onnx"));
    let kept = ["shrink", "model.onnx", "-o", "s.onnx", "--density", "0.5", "--kept", "s.onnx"];
    assert!(refused(at, &kept, 2).contains("is the output itself"));
    fs::write(at.join("s.onnx"), "mine").unwrap();
    assert!(refused(at, &ask(&["--density", "0.5"]), 2).contains("--force"));
    assert_eq!(fs::read(at.join("s.onnx")).unwrap(), b"mine");
    // Not ONNX.
    write(&at.join("model.onnx"), &tensors([("a", f32s(&[1], &[1.0]))]));
    let message = refused(at, &ask(&["--density", "0.5", "--force"]), 2);
    assert!(message.contains("model.onnx: not an ONNX model: the file is safetensors"), "{message}");
    fs::write(at.join("model.onnx"), &ModelBuilder::new(8, 17).finish(&graph(false))[..200]).unwrap();
    assert!(refused(at, &ask(&["--density", "0.5", "--force"]), 2).contains("not a whole ONNX model"));
}

#[test]
fn data_outside_of_the_model_goes_to_a_file_beside_the_output() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    fs::write(at.join("model.onnx"), ModelBuilder::new(8, 17).finish(&graph(true))).unwrap();
    let ask = ["shrink", "model.onnx", "-o", "s.onnx", "--density", "0.5"];
    let message = refused(at, &ask, 2);
    assert!(message.contains("external data `w.bin`: is not there"), "{message}");
    let [first, ..] = weights();
    let data: Vec<u8> = [9.0f32, 9.0].iter().chain(&first).flat_map(|value| value.to_le_bytes()).collect();
    fs::write(at.join("w.bin"), &data).unwrap();
    fs::write(at.join("s.onnx.data"), "mine").unwrap();
    let message = refused(at, &[&ask[..], &["--force"]].concat(), 2);
    assert!(message.contains("s.onnx.data exists"), "{message}");
    fs::remove_file(at.join("s.onnx.data")).unwrap();
    let report = ok(at, &[&ask[..], &["--json"]].concat());
    let report: Value = serde_json::from_str(&report).unwrap();
    let bytes = |name: &str| fs::metadata(at.join(name)).unwrap().len();
    assert_eq!(report["bytes_before"], bytes("model.onnx") + bytes("w.bin"));
    assert_eq!(report["bytes_after"], bytes("s.onnx") + bytes("s.onnx.data"));
    assert_eq!(bytes("s.onnx.data"), 48);
    let small = Model::read(&at.join("s.onnx")).unwrap();
    assert_eq!(constant(&small, "fc1.weight").1, first[12..].iter().map(|&value| f64::from(value)).collect::<Vec<_>>());
    // Nothing removed: the model is the same, and its data goes along.
    fs::create_dir(at.join("copy")).unwrap();
    ok(at, &["shrink", "model.onnx", "-o", "copy/model.onnx", "--density", "1"]);
    assert!(fs::read(at.join("copy/w.bin")).unwrap() == data);
    assert!(fs::read(at.join("copy/model.onnx")).unwrap() == fs::read(at.join("model.onnx")).unwrap());
    ok(at, &["shrink", "model.onnx", "-o", "beside.onnx", "--density", "1"]);
    assert!(!at.join("beside.onnx.data").exists());
}

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
    // Buffers lose what their tensors lose.
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
    // A file of indices that lies.
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
    // A checkpoint that has one tensor for both uses.
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
