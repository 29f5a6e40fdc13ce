//! Removal of neurons by density, and its report.

use std::fs;

use prune_onnx::{DataType, Dim, GraphBuilder, Model, ModelBuilder};
use serde_json::Value;

use crate::common::ok;
use crate::{SIZES, constant, graph, outputs, place, weights};

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
        // The oracle: the same model with zeros in the rows and biases of the removed neurons.
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
    let at = folder.path();
    let explained =
        |model: &str| ok(at, &["shrink", model, "-o", "s.onnx", "--density", "0.5", "--explain", "--force"]);
    let text = explained("model.onnx");
    let line = |start: &str| text.lines().find(|line| line.starts_with(start) && line.contains("put")).unwrap();
    // The inputs and the outputs of the model stay.
    assert!(text.contains("because"), "{text}");
    assert!(!line("fc1.weight").is_empty() && !line("fc2.weight").is_empty());

    let mut graph = GraphBuilder::new("image");
    graph.input("x", DataType::Float, &[1, 2, 5, 5].map(Dim::Known));
    graph.floats("first", &[4, 2, 3, 3], &[0.5; 72]);
    graph.floats("last", &[2, 4, 1, 1], &[0.5; 8]);
    graph.node("Conv", &["x", "first"], &["a"], &[]);
    graph.node("Conv", &["a", "last"], &["y"], &[]);
    graph.output("y", DataType::Float, &[1, 2, 3, 3].map(Dim::Known));
    fs::write(at.join("image.onnx"), ModelBuilder::new(8, 17).finish(&graph)).unwrap();
    let text = explained("image.onnx");
    // Both axes of the kernel, each in a row of its own.
    let told = |line: &&str| line.starts_with("first") && line.ends_with("Conv `a` moves a window over the axis");
    assert_eq!(text.lines().filter(told).count(), 2, "{text}");
}
