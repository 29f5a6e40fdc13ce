//! A vector that very many nodes read: each use is a tensor of its own, and the time stays linear.

use std::time::{Duration, Instant};

use prune_onnx::testing::eval::{self, Values};
use prune_onnx::testing::harness::{assert_equal, inputs, without_dead};
use prune_onnx::testing::net::Net;
use prune_onnx::{AnalysisOptions, Model, analyse};

use super::values;

const USES: usize = 20_000;

/// A quadratic time would be minutes.
const LONGEST: Duration = Duration::from_secs(20);

/// The first addition of a vector takes over the constant of a hidden neuron. All other additions keep the vector as it
/// was.
#[test]
fn a_vector_of_many_uses_takes_a_constant_over_in_one() {
    let mut net = Net::new(5, 13);
    let x = net.input(&[2, 3]);
    let w = values(&mut net, &[3, 4], 1, &[1]);
    let x = net.node("MatMul", &[&x, &w], &[]);
    let x = net.node("Sigmoid", &[&x], &[]);
    let (v, b) = (net.weight(&[4, 2]), net.floats(&[2], &[0.25, -0.5]));
    let x = net.node("MatMul", &[&x, &v], &[]);
    let mut x = net.node("Add", &[&x, &b], &[]);
    // Keeps the sum small, so that it does not drown the digits of the constant.
    x = net.node("Sigmoid", &[&x], &[]);
    for at in 1..USES {
        x = net.node(if at % 2 == 0 { "Add" } else { "Sub" }, &[&x, &b], &[]);
    }
    let built = net.finish(&[&x]);

    let model = Model::parse(built.bytes.clone(), ".".as_ref()).expect("a model");
    let began = Instant::now();
    let analysis = analyse(&model, &AnalysisOptions::default()).expect("analysed");
    assert_eq!(analysis.uses().filter(|(_, name, _)| *name == b).count(), USES);
    let dead = analysis.dead().expect("readable");
    assert_eq!((dead.removal().len(), dead.folded()), (1, 1));
    let small = without_dead(&analysis, &dead);
    let kept = analysis.kept(dead.removal());
    assert!(began.elapsed() < LONGEST, "{:?}", began.elapsed());

    assert_eq!(kept.len(), 2, "columns of one weight and rows of the other");
    let biases: Vec<&str> = small.graph().nodes().iter().filter_map(|node| node.input(1)).collect();
    let copy = format!("{b}_shrunk1");
    assert_eq!([&b, &copy].map(|name| biases.iter().filter(|read| *read == name).count()), [USES - 1, 1]);
    let x = inputs(&built, 5);
    let [before, after] = [&model, &small].map(|model| eval::run(model, &x, &Values::new()));
    assert_equal(&after, &before, "a constant taken over by one of many additions");
}
