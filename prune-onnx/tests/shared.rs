//! Constants that several layers read.

use prune_graph::Removal;
use prune_onnx::{Analysis, AnalysisOptions, Model, analyse};

use prune_onnx::testing::eval::{self, Values};
use prune_onnx::testing::harness::{assert_equal, inputs, shrunk, zeroed};
use prune_onnx::testing::net::{Built, Net};

/// Two hidden layers side by side, each with a bias and a second weight. The layers share these constants or have equal
/// ones.
fn network(bias_shared: bool, weight_shared: bool) -> Built {
    let mut net = Net::new(5, 13);
    let x = net.input(&[2, 3]);
    let bias: Vec<f64> = (0..6).map(|_| net.draw.float()).collect();
    let second: Vec<f64> = (0..24).map(|_| net.draw.float()).collect();
    let (mut shared_bias, mut shared_weight) = (None, None);
    let mut sum: Option<String> = None;
    for width in [6, 6] {
        let w = net.weight(&[3, width]);
        let h = net.node("MatMul", &[&x, &w], &[]);
        let b = match &shared_bias {
            Some(b) if bias_shared => String::clone(b),
            _ => net.floats(&[6], &bias),
        };
        let h = net.node("Add", &[&h, &b], &[]);
        let h = net.node("Relu", &[&h], &[]);
        let v = match &shared_weight {
            Some(v) if weight_shared => String::clone(v),
            _ => net.floats(&[6, 4], &second),
        };
        let y = net.node("MatMul", &[&h, &v], &[]);
        sum = Some(match sum {
            Some(sum) => net.node("Add", &[&sum, &y], &[]),
            None => y,
        });
        (shared_bias, shared_weight) = (Some(b), Some(v));
    }
    net.finish(&[&sum.expect("two layers")])
}

/// Removes neurons 0 and 1 of the first layer, and 3 of the second. The layers must be independent.
fn removal(analysis: &Analysis<'_>) -> Removal {
    let mut removal = Removal::none(analysis.classes());
    let gone: [&[usize]; 2] = [&[0, 1], &[3]];
    let nodes = analysis.model().graph().nodes().iter().filter(|node| node.op_type() == "Relu");
    for (node, gone) in nodes.zip(gone) {
        let axis = analysis.classes().find(&node.outputs()[0]).expect("a value").axis(1);
        gone.iter().for_each(|&i| removal.close(analysis.classes().class_of(axis, i).expect("free")));
    }
    removal
}

#[test]
fn what_unrelated_layers_share_is_copied() {
    // The twin has separate constants for each layer, so its oracle needs no copies.
    let twin = network(false, false);
    let twin_model = Model::parse(twin.bytes.clone(), ".".as_ref()).expect("a model");
    let twin_analysis = analyse(&twin_model, &AnalysisOptions::default()).expect("analysed");
    let twin_removal = removal(&twin_analysis);
    for (bias, weight) in [(true, false), (false, false)] {
        let built = network(bias, weight);
        let model = Model::parse(built.bytes.clone(), ".".as_ref()).expect("a model");
        let analysis = analyse(&model, &AnalysisOptions::default()).expect("analysed");
        assert_eq!((analysis.classes().families().len(), analysis.classes().len()), (2, 12));
        let small = shrunk(&analysis, &removal(&analysis));
        let values = |built: &Built| -> Values {
            built.inputs.iter().zip(inputs(&twin, 3).into_values()).map(|((name, _), t)| (name.clone(), t)).collect()
        };
        let expected = eval::run(&twin_model, &values(&twin), &zeroed(&twin_analysis, &twin_removal));
        assert_equal(&eval::run(&small, &values(&built), &Values::new()), &expected, "a shared constant");
        assert_eq!(analysis.parameters(&removal(&analysis)), twin_analysis.parameters(&twin_removal));
    }
}

#[test]
fn a_matrix_is_tied_or_copied_by_what_that_frees() {
    // Tied: copies of the second weight would cost as much as they free, so its layers go together.
    let built = network(true, true);
    let model = Model::parse(built.bytes, ".".as_ref()).expect("a model");
    let analysis = analyse(&model, &AnalysisOptions::default()).expect("analysed");
    assert_eq!((analysis.classes().families().len(), analysis.classes().len()), (1, 6));

    // Copied: a layer shares a small matrix with a reader that pins it, and a copy lets the layer shrink.
    let mut net = Net::new(9, 13);
    let x = net.input(&[2, 4]);
    let shared = net.weight(&[4, 4]);
    let first = net.node("MatMul", &[&x, &shared], &[]);
    let wide = net.weight(&[4, 40]);
    let h = net.node("MatMul", &[&first, &wide], &[]);
    let narrow = net.weight(&[40, 4]);
    let h = net.node("MatMul", &[&h, &narrow], &[]);
    let back = net.node("MatMul", &[&h, &shared], &[]);
    let built = net.finish(&[&back]);
    let model = Model::parse(built.bytes.clone(), ".".as_ref()).expect("a model");
    let analysis = analyse(&model, &AnalysisOptions::default()).expect("analysed");
    let families: Vec<usize> = analysis.classes().families().iter().map(|family| family.classes().len()).collect();
    assert_eq!(families.iter().sum::<usize>(), 40 + 4 + 4, "{families:?}");
    let half = prune_core::Density::new(0.5).expect("a density");
    let scores = analysis.scores(prune_graph::ClassScore::L2).expect("scores");
    let removal = prune_graph::Choice::local(half).choose(analysis.classes(), &scores);
    let small = shrunk(&analysis, &removal);
    assert!(small.graph().initializers().iter().any(|tensor| tensor.name().contains("_shrunk")));
    assert_eq!(eval::run(&small, &inputs(&built, 1), &Values::new())[0].dims, [2, 4]);
}
