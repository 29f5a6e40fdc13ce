//! Rows that masks close. A row stays if its activation gives something other than 0 for 0; all others go without a
//! change.

use prune_core::Mask;
use prune_onnx::testing::eval::{self, Values};
use prune_onnx::testing::harness::{assert_equal, inputs};
use prune_onnx::testing::net::{Net, int, list};
use prune_onnx::{AnalysisOptions, DataType, Model, analyse};

const CLOSED: [usize; 2] = [1, 2];

/// A network in f32 with zeros in two of five rows before an activation. Checks that nothing changes, and returns the
/// number of rows that go.
fn shrunk(seed: u64, activation: &str, zero_column: Option<usize>) -> usize {
    let mut net = Net::of(DataType::Float, seed, 13);
    let x = net.input(&[2, 3, 4, 4]);
    let row = |net: &mut Net, at: usize| -> Vec<f64> {
        (0..3).map(|_| if CLOSED.contains(&at) { 0.0 } else { net.draw.float() }).collect()
    };
    let rows: Vec<f64> = (0..5).flat_map(|at| row(&mut net, at)).collect();
    let w = net.floats(&[5, 3, 1, 1], &rows);
    let b: Vec<f64> = (0..5).map(|at| if CLOSED.contains(&at) { 0.0 } else { 0.5 }).collect();
    let b = net.floats(&[5], &b);
    let h = net.node("Conv", &[&x, &w, &b], &[]);
    let h = net.node(activation, &[&h], &[]);
    let columns: Vec<f64> =
        (0..10).map(|at| if Some(at % 5) == zero_column { 0.0 } else { net.draw.float() }).collect();
    let v = net.floats(&[2, 5, 1, 1], &columns);
    // Because of its padding, the reader cannot take a constant over.
    let h = net.node("Conv", &[&h, &v], &[("pads", list(&[1, 1, 1, 1]))]);
    let y = net.node("Flatten", &[&h], &[("axis", int(1))]);
    let built = net.finish(&[&y]);

    let model = Model::parse(built.bytes.clone(), ".".as_ref()).expect("a model");
    let analysis = analyse(&model, &AnalysisOptions::default()).expect("analysed");
    let kept: Vec<bool> = (0..15).map(|at| !CLOSED.contains(&(at / 3))).collect();
    let mask = Mask::from_bools(&[5, 3, 1, 1], &kept).expect("a mask");
    let (closed, made) = analysis.closed_by(&[(&w, &mask)], |_| true).expect("closed");
    assert_eq!(closed.removal.len() + made.len(), CLOSED.len());
    for made in made {
        assert_eq!((analysis.classes().name(made.axis.tensor), made.axis.axis), (w.as_str(), 0));
        assert!(CLOSED.contains(&made.index) && made.reason.to_string().starts_with("Conv `"), "{}", made.reason);
    }
    let (none, made) = analysis.closed_by(&[(&w, &mask)], |_| false).expect("closed");
    assert!(none.removal.is_empty() && made.is_empty());
    let mut small = Vec::new();
    model.write(&analysis.edits(&closed.removal).expect("edits"), &mut small, None).expect("written");
    let small = Model::parse(small, ".".as_ref()).expect("a model");
    let x = inputs(&built, seed);
    let [before, after] = [&model, &small].map(|model| eval::run(model, &x, &Values::new()));
    assert_equal(&after, &before, activation);
    closed.removal.len()
}

#[test]
fn what_an_activation_makes_of_zero_is_not_lost() {
    for seed in 0..20 {
        for activation in ["Relu", "Tanh", "Neg"] {
            assert_eq!(shrunk(seed, activation, None), 2, "{activation}");
        }
        for activation in ["Sigmoid", "Exp", "Softplus", "HardSigmoid"] {
            assert_eq!(shrunk(seed, activation, None), 0, "{activation}");
            assert_eq!(shrunk(seed, activation, Some(2)), 1, "{activation}, of which nothing reads channel 2");
        }
    }
}
