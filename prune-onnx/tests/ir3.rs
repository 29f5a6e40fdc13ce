//! Version 3 of the format: every initializer must also be an input of the same shape, even after edits that add,
//! rename or cut.

use prune_onnx::testing::harness::{drawn_removal, shrunk, without_dead};
use prune_onnx::testing::net::{Built, Net};
use prune_onnx::testing::{cases, networks};
use prune_onnx::{AnalysisOptions, Dim, Model, analyse};

/// The initializers without an input of the same type and shape.
fn astray(model: &Model) -> Vec<String> {
    let listed = |tensor: &prune_onnx::Tensor| {
        let shape: Vec<Dim> = tensor.dims().iter().map(|&n| Dim::Known(n as i64)).collect();
        let mut same = model.graph().inputs().iter().filter(|input| input.name() == tensor.name());
        same.next().and_then(|input| input.shape()) == Some(shape.as_slice())
    };
    let astray = model.graph().initializers().iter().filter(|tensor| !listed(tensor));
    astray.map(|tensor| format!("`{}` of shape {:?}", tensor.name(), tensor.dims())).collect()
}

/// Checks a model. If the environment names a folder, keeps it there with its original for other checkers.
fn check(model: &Model, original: &Model, name: &str) {
    assert_eq!(model.ir_version(), 3, "{name}");
    let astray = astray(model);
    assert!(astray.is_empty(), "{name}: {}", astray.join(", "));
    if let Some(folder) = std::env::var_os("PRUNE_ONNX_CASES") {
        std::fs::create_dir_all(&folder).expect("a folder");
        for (kind, model) in [("whole", original), ("small", model)] {
            let path = std::path::Path::new(&folder).join(format!("ir3-{name}.{kind}.onnx"));
            std::fs::write(path, model.bytes()).expect("written");
        }
    }
}

fn shrink(built: Built, seed: u64, name: &str) -> usize {
    let model = Model::parse(built.bytes, ".".as_ref()).expect("a model");
    assert!(astray(&model).is_empty(), "{name}: the network itself");
    let analysis = analyse(&model, &AnalysisOptions::default()).expect("analysed");
    let removal = drawn_removal(&analysis, seed);
    let small = shrunk(&analysis, &removal);
    check(&small, &model, name);
    small.graph().initializers().len().saturating_sub(model.graph().initializers().len())
}

#[test]
fn initializers_are_inputs_after_every_edit() {
    let mut added = 0;
    for (name, case) in cases::CASES.iter().chain(networks::NETWORKS) {
        for seed in 0..12 {
            // Version 3 of the format came with operators of version 8, but there are files with later operators.
            let net = Net::new(seed, [9, 10, 11, 13][seed as usize % 4]).listed();
            added += shrink(case(net), seed, &format!("{name}-{seed}"));
        }
    }
    assert!(added > 20, "{added} initializers were added");
}

#[test]
fn a_use_that_stays_whole_keeps_the_shape_and_the_other_gets_a_copy() {
    // The caller also receives the bias of the first layer, which is cut.
    let mut net = Net::new(1, 11).listed();
    let x = net.input(&[2, 3]);
    let (w, v) = (net.weight(&[3, 6]), net.weight(&[6, 2]));
    let b = net.weight(&[6]);
    let h = net.node("MatMul", &[&x, &w], &[]);
    let h = net.node("Add", &[&h, &b], &[]);
    let y = net.node("MatMul", &[&h, &v], &[]);
    let z = net.node("Exp", &[&b], &[]);
    assert!(shrink(net.finish(&[&y, &z]), 0, "shared") > 0);
}

#[test]
fn a_new_bias_is_an_input() {
    let mut net = Net::new(2, 11).listed();
    let x = net.input(&[2, 2, 3, 3]);
    let w = net.floats(&[3, 2, 1, 1], &[0.0, 0.0, 1.0, 2.0, 3.0, 4.0]);
    let h = net.node("Conv", &[&x, &w], &[]);
    let h = net.node("Sigmoid", &[&h], &[]);
    let v = net.weight(&[2, 3, 1, 1]);
    let y = net.node("Conv", &[&h, &v], &[]);
    let model = Model::parse(net.finish(&[&y]).bytes, ".".as_ref()).expect("a model");
    let analysis = analyse(&model, &AnalysisOptions::default()).expect("analysed");
    let dead = analysis.dead().expect("readable");
    assert_eq!((dead.removal().len(), dead.folded()), (1, 1));
    let small = without_dead(&analysis, &dead);
    assert_eq!(small.graph().initializers().len(), model.graph().initializers().len() + 1);
    check(&small, &model, "bias");
}
