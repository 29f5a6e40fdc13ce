//! Removal without effect: what is called dead changes no output, and zeros that matter are not called so.

use prune_onnx::{AnalysisOptions, Model, analyse};

use prune_onnx::testing::eval::{self, Values};
use prune_onnx::testing::harness::{assert_equal, inputs, shrunk};
use prune_onnx::testing::net::{Built, Net};

/// A convolution, a normalisation, an activation and a convolution with padding, with chosen channels at zero.
fn network(net: &mut Net, activation: &str, rows: &[usize], shifts: &[usize], columns: &[usize]) -> String {
    let c = 5;
    let x = net.input(&[2, 2, 3, 3]);
    let values = |net: &mut Net, dims: &[usize], axis: usize, zero: &[usize]| {
        let data: Vec<f64> =
            eval::indices(dims).map(|index| if zero.contains(&index[axis]) { 0.0 } else { net.draw.float() }).collect();
        net.floats(dims, &data)
    };
    let (w, b) = (values(net, &[c, 2, 3, 3], 0, rows), values(net, &[c], 0, rows));
    let x = net.node("Conv", &[&x, &w, &b], &[("pads", prune_onnx::testing::net::list(&[1, 1, 1, 1]))]);
    let (scale, shift) = (values(net, &[c], 0, shifts), values(net, &[c], 0, shifts));
    let mean = net.weight(&[c]);
    let variance = net.positive(&[c]);
    let x = net.node("BatchNormalization", &[&x, &scale, &shift, &mean, &variance], &[]);
    let x = net.node(activation, &[&x], &[]);
    let v = values(net, &[2, c, 3, 3], 1, columns);
    net.node("Conv", &[&x, &v], &[("pads", prune_onnx::testing::net::list(&[1, 1, 1, 1]))])
}

/// The channels that go, after checking that nothing changes.
fn gone(built: Built, seed: u64) -> Vec<usize> {
    let model = Model::parse(built.bytes.clone(), ".".as_ref()).expect("a model");
    let analysis = analyse(&model, &AnalysisOptions::default()).expect("analysed");
    let removal = analysis.dead().expect("readable");
    let x = inputs(&built, seed);
    let before = eval::run(&model, &x, &Values::new());
    let after = eval::run(&shrunk(&analysis, &removal), &x, &Values::new());
    assert_equal(&after, &before, &format!("dead classes, seed {seed}"));
    let mut gone = Vec::new();
    for family in analysis.classes().families() {
        let classes = family.classes().iter().enumerate();
        gone.extend(classes.filter(|(_, class)| removal.is_gone(**class)).map(|(channel, _)| channel));
    }
    gone
}

#[test]
fn dead_channels_go_and_others_stay() {
    for seed in 0..40 {
        let case = |activation: &str, rows: &[usize], shifts: &[usize], columns: &[usize]| {
            let mut net = Net::new(seed, 13);
            let y = network(&mut net, activation, rows, shifts, columns);
            gone(net.finish(&[&y]), seed)
        };
        // Zero rows alone still carry the shift; a normalisation with scale and shift 0 carries nothing.
        assert!(case("Relu", &[0, 1], &[], &[]).is_empty());
        assert_eq!(case("Relu", &[], &[1, 3], &[]), [1, 3]);
        // What is read by zeros goes, whatever it is.
        assert_eq!(case("Sigmoid", &[], &[], &[0, 4]), [0, 4]);
        // Sigmoid of 0 is not 0, and padding would read it differently at the borders.
        assert!(case("Sigmoid", &[2], &[2], &[]).is_empty());
        assert_eq!(case("Relu", &[2], &[2], &[4]), [2, 4]);
        // One stays of what is dead altogether.
        assert_eq!(case("Relu", &[], &[0, 1, 2, 3, 4], &[]), [1, 2, 3, 4]);
    }
}
