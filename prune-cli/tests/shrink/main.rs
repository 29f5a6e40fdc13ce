//! `prune shrink` and `prune slice` from the command line.

#![allow(clippy::unwrap_used, reason = "tests")]

mod checkpoints;
mod choosing;
#[path = "../common/mod.rs"]
mod common;
mod files;
mod given;

use std::fs;
use std::path::Path;

use common::{entries, fails};
use prune_onnx::{AttributeValue, DataType, Dim, GraphBuilder, Model, ModelBuilder};

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
    network(&weights(), external)
}

/// The same with these weights.
fn network([first, first_bias, second, second_bias]: &[Vec<f32>; 4], external: bool) -> GraphBuilder {
    let [inputs, hidden, outputs] = SIZES;
    let mut graph = GraphBuilder::new("torch");
    let batch = || Dim::Named("batch".to_owned());
    graph.input("x", DataType::Float, &[batch(), Dim::Known(inputs as i64)]);
    if external {
        graph.external("fc1.weight", DataType::Float, &[hidden, inputs], &[("location", "w.bin"), ("offset", "8")]);
    } else {
        graph.floats("fc1.weight", &[hidden, inputs], first);
    }
    graph.floats("fc1.bias", &[hidden], first_bias);
    graph.floats("fc2.weight", &[outputs, hidden], second);
    graph.floats("fc2.bias", &[outputs], second_bias);
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

/// Runs a command that must be refused and must leave the folder as it was. Returns its message.
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
