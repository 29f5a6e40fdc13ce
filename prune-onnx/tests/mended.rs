//! Networks that were once shrunk wrongly. Each is compared with the oracle, at several removals.

use prune_onnx::testing::cases;
use prune_onnx::testing::eval::{self, Values};
use prune_onnx::testing::harness::{assert_equal, drawn_removal, inputs, parse, shrunk, zeroed};
use prune_onnx::testing::net::{Built, Net, int, list};
use prune_onnx::{AnalysisOptions, DataType, Dim, GraphBuilder, Model, ModelBuilder, analyse};

/// Compares a network with the oracle at removals of several densities. Returns the smaller models.
fn holds(built: &Built, about: &str) -> Vec<Model> {
    let model = parse(built.bytes.clone());
    let analysis = analyse(&model, &AnalysisOptions::default()).expect("analysed");
    let mut small = Vec::new();
    for seed in 0..8 {
        let removal = drawn_removal(&analysis, seed);
        if removal.is_empty() {
            continue;
        }
        let x = inputs(built, seed);
        let expected = eval::run(&model, &x, &zeroed(&analysis, &removal));
        let model = shrunk(&analysis, &removal);
        assert_equal(&eval::run(&model, &x, &Values::new()), &expected, about);
        small.push(model);
    }
    assert!(!small.is_empty(), "{about}: nothing goes");
    small
}

/// The initializer that an operator reads at a slot.
fn read_by<'m>(model: &'m Model, operator: &str, slot: usize) -> &'m prune_onnx::Tensor {
    let node = model.graph().nodes().iter().find(|node| node.op_type() == operator).expect("a node");
    let name = node.input(slot).expect("an input");
    model.graph().initializers().iter().find(|tensor| tensor.name() == name).expect("an initializer")
}

/// A target of a batch and a width. A Reshape and another operator read it.
fn shared_target(seed: u64, open: bool, beside: &str) -> Built {
    let mut net = Net::new(seed, 13);
    let x = net.input_where(&[2, 3], |axis| axis == 0);
    let z = net.input_where(&[2, 2, 4], |axis| axis == 0);
    let width = net.ints(&[8]);
    let first = if open {
        net.ints(&[-1])
    } else {
        let (shape, at) = (net.node("Shape", &[&x], &[]), net.ints(&[0]));
        net.node("Gather", &[&shape, &at], &[])
    };
    // If the other operator does not take -1, the same element is in two lists.
    let wide = net.node("Identity", &[&width], &[]);
    let target = net.node("Concat", &[&first, &wide], &[("axis", int(0))]);
    let h = net.linear(&x, 3, 8);
    let lengths = if open { &wide } else { &target };
    let repeated = match beside {
        "Expand" => {
            let one = net.weight(&[1, 1]);
            net.node("Expand", &[&one, lengths], &[])
        }
        _ => {
            let zeros = net.node("ConstantOfShape", &[lengths], &[]);
            net.node("Exp", &[&zeros], &[])
        }
    };
    let h = net.node("Mul", &[&h, &repeated], &[]);
    let y = net.linear(&h, 8, 4);
    let r = net.node("Reshape", &[&z, &target], &[]);
    net.finish(&[&y, &r])
}

#[test]
fn a_target_that_another_operator_follows_is_read_as_it_will_be() {
    for seed in 0..8 {
        for beside in ["Expand", "ConstantOfShape"] {
            for open in [false, true] {
                holds(&shared_target(seed, open, beside), &format!("{beside}, -1: {open}, seed {seed}"));
            }
        }
    }
}

#[test]
fn a_reshape_of_an_axis_that_is_too_long_to_follow_stays_as_it_is() {
    let long = (1 << 22) + 4;
    let mut graph = GraphBuilder::new("long");
    graph.input("x", DataType::Float, &[Dim::Known(2), Dim::Known(3)]);
    graph.input("z", DataType::Float, &[Dim::Named("N".into()), Dim::Named("T".into()), Dim::Known(long)]);
    graph.floats("w", &[3, 6], &[1.0; 18]);
    graph.floats("v", &[6, 4], &[1.0; 24]);
    graph.ints("open", &[2], &[-1, long]);
    graph.ints("copied", &[4], &[0, 0, 2, long / 2]);
    graph.node("MatMul", &["x", "w"], &["h"], &[]);
    graph.node("MatMul", &["h", "v"], &["y"], &[]);
    graph.node("Reshape", &["z", "open"], &["r"], &[]);
    graph.node("Reshape", &["z", "copied"], &["s"], &[]);
    for output in ["y", "r", "s"] {
        graph.output(output, DataType::Float, &[]);
    }
    let model = parse(ModelBuilder::new(8, 17).finish(&graph));
    let analysis = analyse(&model, &AnalysisOptions::default()).expect("analysed");
    let removal = drawn_removal(&analysis, 1);
    assert!(!removal.is_empty());
    let small = shrunk(&analysis, &removal);
    for (now, then) in small.graph().nodes().iter().zip(model.graph().nodes()) {
        assert_eq!(now.inputs(), then.inputs());
    }
    for name in ["open", "copied"] {
        let ints = |model: &Model| {
            let mut all = model.graph().initializers().iter();
            all.find(|tensor| tensor.name() == name).expect("a list").ints().expect("numbers")
        };
        assert_eq!(ints(&small), ints(&model));
    }
}

/// A single index from a node or a chain of nodes.
fn chosen_by_a_scalar(seed: u64, chained: bool) -> Built {
    let mut net = Net::new(seed, 13);
    let x = net.input(&[2, 3]);
    let h = net.linear(&x, 3, 6);
    let index = net.fresh("i");
    net.graph().node("Constant", &[], &[&index], &[("value_int", int(3))]);
    let index = if chained { net.node("Identity", &[&index], &[]) } else { index };
    let g = net.node("Gather", &[&h, &index], &[("axis", int(1))]);
    let y = net.linear(&h, 6, 4);
    net.finish(&[&y, &g])
}

#[test]
fn a_single_index_stays_single_whoever_gives_it() {
    for seed in 0..6 {
        for small in holds(&chosen_by_a_scalar(seed, seed % 2 == 0), "a single index") {
            let added = small.graph().initializers().iter().find(|tensor| tensor.name().contains("_shrunk"));
            assert!(added.is_none_or(|tensor| tensor.dims().is_empty()));
        }
    }
}

#[test]
fn a_list_that_is_computed_keeps_its_type() {
    let narrow = |values: &[i32]| -> Vec<u8> { values.iter().flat_map(|v| v.to_le_bytes()).collect() };
    for (from, cast) in [("Identity", None), ("Cast", Some(6)), ("Squeeze", None)] {
        let mut net = Net::new(3, 13);
        let x = net.input(&[2, 3]);
        let h = net.linear(&x, 3, 8);
        let [starts, ends, axes] = ["starts", "ends", "axes"];
        match cast {
            Some(_) => net.graph().ints("given", &[1], &[2]),
            None => net.graph().initializer("given", DataType::Int32, &[1], &narrow(&[2])),
        }
        net.graph().initializer(ends, DataType::Int32, &[1], &narrow(&[7]));
        net.graph().initializer(axes, DataType::Int32, &[1], &narrow(&[1]));
        match from {
            "Cast" => net.graph().node("Cast", &["given"], &[starts], &[("to", int(6))]),
            "Squeeze" => {
                let axes = net.ints(&[0]);
                net.graph().node("Squeeze", &["given", &axes], &["single"], &[]);
                net.graph().node("Unsqueeze", &["single", &axes], &[starts], &[]);
            }
            _ => net.graph().node("Identity", &["given"], &[starts], &[]),
        }
        let s = net.node("Slice", &[&h, starts, ends, axes], &[]);
        let y = net.linear(&s, 5, 4);
        for small in holds(&net.finish(&[&y]), from) {
            assert_eq!(read_by(&small, "Slice", 1).data_type(), DataType::Int32, "{from}");
            assert_eq!(read_by(&small, "Slice", 2).data_type(), DataType::Int32, "{from}");
        }
    }
}

/// Five rows, summed with weights between 0 and 1 that come from an input of three columns.
fn mixed(net: &mut Net, x: &str, rows: &str) -> String {
    let q = net.weight(&[3, 5]);
    let q = net.node("MatMul", &[x, &q], &[]);
    let q = net.node("Sigmoid", &[&q], &[]);
    net.node("MatMul", &[&q, rows], &[])
}

#[test]
fn a_layer_over_a_learned_constant_is_no_zero_beside_its_bias() {
    // The layer's output is summed over an axis that is not its channels. The other factor is an activation over a free
    // axis.
    for (layer, over) in [
        ("Conv", 0),
        ("ConvTranspose", 0),
        ("BatchNormalization", 0),
        ("BatchNormalization", 2),
        ("InstanceNormalization", 0),
        ("GroupNormalization", 0),
    ] {
        for seed in 0..4 {
            let mut net = Net::new(seed, 21);
            let x = net.input(&[2, 3]);
            let dims = if over == 0 { [5, 2, 4] } else { [4, 2, 5] };
            let p = net.weight(&dims);
            let c = match layer {
                "Conv" | "ConvTranspose" => {
                    let (w, b) = (net.weight(&[2, 2, 1]), net.positive(&[2]));
                    net.node(layer, &[&p, &w, &b], &[])
                }
                "BatchNormalization" => {
                    let [scale, shift, mean, variance] = [0; 4].map(|_| net.positive(&[2]));
                    net.node(layer, &[&p, &scale, &shift, &mean, &variance], &[])
                }
                _ => {
                    let (scale, shift) = (net.weight(&[2]), net.positive(&[2]));
                    let groups = [("num_groups", int(2))];
                    net.node(layer, &[&p, &scale, &shift], if layer.starts_with('G') { &groups } else { &[] })
                }
            };
            let order = [over, 1, 2 - over].map(|axis| axis as i64);
            let c = net.node("Transpose", &[&c], &[("perm", list(&order))]);
            let flat = net.ints(&[5, 8]);
            let c = net.node("Reshape", &[&c, &flat], &[]);
            let y = mixed(&mut net, &x, &c);
            // A second output with a layer that can shrink.
            let h = net.linear(&x, 3, 6);
            let h = net.linear(&h, 6, 2);
            holds(&net.finish(&[&y, &h]), &format!("{layer} over axis {over}, seed {seed}"));
        }
    }
}

#[test]
fn without_a_bias_a_convolution_of_nothing_is_nothing() {
    let mut net = Net::new(1, 13);
    let x = net.input(&[2, 3]);
    let (p, w) = (net.weight(&[5, 2, 4]), net.weight(&[2, 2, 1]));
    let c = net.node("Conv", &[&p, &w], &[]);
    let flat = net.ints(&[5, 8]);
    let c = net.node("Reshape", &[&c, &flat], &[]);
    let y = mixed(&mut net, &x, &c);
    for small in holds(&net.finish(&[&y]), "no bias") {
        let constants = small.graph().initializers().iter();
        let nodes = small.graph().nodes().iter().filter_map(|node| match node.attribute("value") {
            Some(prune_onnx::AttributeValue::Tensor(tensor)) => Some(tensor),
            _ => None,
        });
        let first = constants.chain(nodes).find(|tensor| tensor.dims().len() == 3 && tensor.dims()[2] == 4);
        assert!(first.expect("the learned constant").dims()[0] < 5);
    }
}

#[test]
fn a_shrink_with_a_negative_bound_is_no_zero() {
    for seed in 0..4 {
        let mut net = Net::new(seed, 13);
        let x = net.input(&[2, 3]);
        let w = net.weight(&[5, 8]);
        let lambd =
            [("lambd", prune_onnx::AttributeValue::Float(-0.5)), ("bias", prune_onnx::AttributeValue::Float(1.5))];
        let c = net.node("Shrink", &[&w], &lambd);
        let y = mixed(&mut net, &x, &c);
        let h = net.linear(&x, 3, 6);
        let h = net.linear(&h, 6, 2);
        holds(&net.finish(&[&y, &h]), "Shrink");
    }
}

#[test]
fn the_long_name_of_the_own_domain_is_the_own_domain() {
    let mut graph = GraphBuilder::new("named");
    graph.input("x", DataType::Float, &[Dim::Known(2), Dim::Known(3)]);
    graph.floats("w", &[3, 6], &[1.0; 18]);
    graph.floats("v", &[6, 4], &[1.0; 24]);
    graph.node_of("ai.onnx", "MatMul", "", &["x", "w"], &["h"], &[]);
    graph.node_of("ai.onnx", "MatMul", "", &["h", "v"], &["y"], &[]);
    graph.output("y", DataType::Float, &[]);
    let model = parse(ModelBuilder::new(8, 17).finish(&graph));
    let analysis = analyse(&model, &AnalysisOptions::default()).expect("analysed");
    assert_eq!(analysis.classes().len(), 6);
}

#[test]
fn heads_that_were_merged_with_the_batch_go() {
    let (mut open, mut known) = (0, 0);
    for seed in 0..40 {
        let built = cases::merged_heads(Net::new(seed, 13));
        let model = parse(built.bytes.clone());
        let analysis = analyse(&model, &AnalysisOptions::default()).expect("analysed");
        // Queries, keys, values and the last layer lose whole heads. There are 2 to 4 heads.
        let families: Vec<usize> = analysis.classes().families().iter().map(|family| family.classes().len()).collect();
        assert!(matches!(families.as_slice(), [2..=4]), "seed {seed}: {families:?}");
        assert_eq!(analysis.weights_of(&analysis.classes().families()[0]).len(), 4, "seed {seed}");
        holds(&built, "heads");
        let batch = &model.graph().inputs()[0].shape().expect("a shape")[0];
        if matches!(batch, Dim::Known(_)) { known += 1 } else { open += 1 }
    }
    assert!(open > 5 && known > 5, "{open} open batches, {known} known ones");
}
