//! Roles of weights that an operator transposes or converts before they are read: masks of such weights close channels
//! too.

use prune_core::Mask;
use prune_graph::Couplings;
use prune_onnx::testing::net::{Net, list};
use prune_onnx::{AnalysisOptions, Model, analyse};

/// Two layers whose weights are stored as (inputs, outputs) and read as (outputs, inputs). Returns the names of the
/// first weight, its bias and the second weight, and the file.
fn network(seed: u64, between: &str) -> ([String; 3], Vec<u8>) {
    let mut net = Net::new(seed, 13);
    let x = net.input(&[2, 3]);
    let (first, bias, second) = (net.weight(&[3, 5]), net.weight(&[5]), net.weight(&[5, 4]));
    let turned = |net: &mut Net, weight: &str| {
        let view = match between {
            "Cast" => net.node("Cast", &[weight], &[("to", prune_onnx::AttributeValue::Int(1))]),
            between => net.node(between, &[weight], &[]),
        };
        net.node("Transpose", &[&view], &[("perm", list(&[1, 0]))])
    };
    let transposed = [("transB", prune_onnx::AttributeValue::Int(1))];
    let read = turned(&mut net, &first);
    let hidden = net.node("Gemm", &[&x, &read, &bias], &transposed);
    let hidden = net.node("Relu", &[&hidden], &[]);
    let read = turned(&mut net, &second);
    let y = net.node("Gemm", &[&hidden, &read], &transposed);
    ([first, bias, second], net.finish(&[&y]).bytes)
}

#[test]
fn masks_of_turned_weights_close_channels() {
    for (seed, between) in ["Identity", "Cast"].into_iter().enumerate() {
        let ([first, bias, second], bytes) = network(seed as u64, between);
        let model = Model::parse(bytes, ".".as_ref()).expect("a model");
        let analysis = analyse(&model, &AnalysisOptions::default()).expect("analysed");
        // The mask closes outputs 1 and 4 of the first weight. The second weight is kept whole; it only reads those
        // outputs.
        let kept: Vec<bool> = (0..15).map(|at| ![1, 4].contains(&(at % 5))).collect();
        let closed = Mask::from_bools(&[3, 5], &kept).expect("a mask");
        let open = Mask::from_bools(&[5, 4], &[true; 20]).expect("a mask");
        let masks = [(first.as_str(), &closed), (second.as_str(), &open)];
        let closed = analysis.classes().closed_by(&masks).expect("channels are closed");
        let neurons = analysis.classes().find(&bias).expect("the bias").axis(0);
        let gone: Vec<usize> = (0..5)
            .filter(|&neuron| {
                analysis.classes().class_of(neurons, neuron).is_some_and(|class| closed.removal.is_gone(class))
            })
            .collect();
        assert_eq!(gone, [1, 4], "{between}");
        // A closed neuron takes its column of the first weight and its bias along. The second weight then reads zeros,
        // and is in no group.
        let couplings = Couplings::of(analysis.classes());
        let axes: Vec<_> = couplings.groups().iter().flat_map(|group| group.axes().to_vec()).collect();
        assert!(axes.contains(&(first.clone(), 1)) && axes.contains(&(bias, 0)), "{axes:?}");
        assert!(axes.iter().all(|(name, _)| *name != second), "{between}: {axes:?}");
    }
}
